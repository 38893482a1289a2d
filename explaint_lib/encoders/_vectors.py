"""What everything that gives one vector a word has in common, whether it reads texts or only looks words up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class WordVectors(Protocol):
    """A source of word vectors: an `Encoder`, or a table of `StaticVectors`.

    Attributes
    ----------
    name, revision : str
        What was asked for, and what identifies the vectors.
    n_layers : int
        The last layer; 0 for a table, which has no other.
    dim : int
        Length of a vector.

    Examples
    --------
    >>> from explaint_lib.encoders import StaticVectors, WordVectors
    >>> table = StaticVectors(np.eye(2), ["robin", "trout"], name="toy", revision="1")
    >>> isinstance(table, WordVectors)
    True
    """

    name: str
    revision: str
    n_layers: int
    dim: int

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What each row of `embedding_matrix` stands for: words of a table, tokens of a model."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what a manifest needs to name these vectors."""
        ...

    def embedding_matrix(self) -> np.ndarray:
        """Return one row for each entry of `vocabulary`, (vocab, dim) float32."""
        ...

    def unknown_words(self, words: Sequence[str]) -> list[str]:
        """Return the words that have no vector of their own, in their order."""
        ...

    def word_vectors(
        self,
        words: Sequence[str],
        *,
        layer: int | str = "last",
        templates: Sequence[str] | None = None,
        corpus: Any = None,
        hints: Sequence[str | None] | None = None,
        progress: bool = False,
    ) -> np.ndarray:
        """Return (n_words, dim) float32, or (layer, n_words, dim) for several layers; see `Encoder.word_vectors`."""
        ...
