"""What word vectors, corpora and batches ask of a model that reads texts; `Encoder` is the one that has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from explaint_lib.encoders._measure import Measured
from explaint_lib.encoders._tokens import Encoding


class Reader(Protocol):
    """A model that reads texts; each attribute and method is that of `Encoder`."""

    name: str
    n_layers: int
    n_heads: int
    dim: int
    max_tokens: int
    measured: Measured
    tokenizer: Any

    @property
    def family(self) -> str: ...  # noqa: D102
    @property
    def before_word(self) -> str: ...  # noqa: D102
    def identity(self) -> dict[str, Any]: ...  # noqa: D102
    def unknown_words(self, words: Sequence[str]) -> list[str]: ...  # noqa: D102
    def tokenize(self, texts: Sequence[str]) -> list[Encoding]: ...  # noqa: D102
    def locate(  # noqa: D102
        self, placed: Sequence[tuple[str, int, int]]
    ) -> tuple[list[Encoding], list[np.ndarray]]: ...
    def run(  # noqa: D102
        self, encodings: list[Encoding], *, hidden_states: bool, attention: bool
    ) -> list[Encoding]: ...
