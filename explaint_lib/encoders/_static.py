"""A table of word vectors: the rival of contextual models, without context, layers or attention."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.encoders._contract import Finding
from explaint_lib.encoders._layers import check_layer


class StaticVectors:
    """One vector a word form, looked up in lower case. Built by ``load_vectors("glove")``; keeps `WordVectors`.

    Attributes
    ----------
    name, revision : str
    n_layers : int
        0: its one layer is the table.
    dim : int
    vocabulary : tuple of str

    Examples
    --------
    >>> from explaint_lib.encoders import StaticVectors
    >>> table = StaticVectors(np.eye(2), ["fire", "truck"], name="toy", revision="1")
    >>> table.word_vectors(["fire", "Fire truck"])
    array([[1. , 0. ],
           [0.5, 0.5]], dtype=float32)
    >>> table.unknown_words(["fire", "robin"])
    ['robin']
    """

    n_layers = 0

    def __init__(self, vectors: np.ndarray, vocabulary: Sequence[str], *, name: str, revision: str) -> None:
        if vectors.ndim != 2 or len(vectors) != len(vocabulary):
            raise ExplaintError(
                f"expected one vector a word, found {vectors.shape} vectors for {len(vocabulary)} words"
            )
        self._vectors, self.vocabulary = vectors, tuple(vocabulary)
        self.name, self.revision, self.dim = name, revision, int(vectors.shape[1])

    def __repr__(self) -> str:
        """Return the name and the shape of the table."""
        return f"<StaticVectors {self.name}: {len(self.vocabulary)} words x {self.dim}>"

    @cached_property
    def _row(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.vocabulary)}

    def describe(self) -> dict[str, Any]:
        """Return what a manifest needs to name this table, with the keys of `Encoder.describe`."""
        return {
            "name": self.name,
            "revision": self.revision,
            "family": "static",
            "n_layers": 0,
            "n_heads": 0,
            "dim": self.dim,
            "max_tokens": 10**9,
            "untrained": False,
            "seed": None,
            "device": "cpu",
            "n_parameters": int(self._vectors.size),
            "versions": {"numpy": np.__version__},
        }

    def findings(self) -> list[Finding]:
        """Return what ``explaint models check`` says of a table."""
        lacks = "a table has no layers and no attention: no hypernymy, continuity, attribution"
        return [
            Finding("vectors", "yes", f"one vector for each of {len(self.vocabulary)} words: table and sweep"),
            Finding("attention", "limited", lacks),
        ]

    def embedding_matrix(self) -> np.ndarray:
        """Return all vectors, (vocab, dim) float32."""
        return np.array(self._vectors, dtype=np.float32)

    def _rows(self, form: str) -> list[int] | None:
        """Return the rows whose mean stands for a word form, or None if one of its parts is unknown."""
        form = " ".join(unicodedata.normalize("NFC", form.lower()).split())
        if form in self._row:
            return [self._row[form]]
        parts = [part for part in re.split(r"[\s-]+", form) if part]
        rows = [self._row.get(part, -1) for part in parts]
        return rows if rows and min(rows) >= 0 else None

    def unknown_words(self, words: Sequence[str]) -> list[str]:
        """Return the words that have no vector, in their order."""
        return [word for word in words if self._rows(word) is None]

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
        """Return one vector a word, (n_words, dim) float32; (1, n_words, dim) for ``layer="all"``, of one layer.

        A form is looked up whole ("t-shirt"), else as the mean of its parts at spaces and hyphens ("fire
        truck"). `templates`, `corpus` and `hints` are accepted, so that one call serves all encoders, and
        change nothing: a static vector is the same in every context.

        Raises
        ------
        ExplaintError
            Naming every word that is not in the table.
        """
        layer = check_layer(layer, several=True, n_layers=0, name=self.name)
        if isinstance(words, str):
            raise ExplaintError("expected a sequence of words, found one string; pass [word]")
        rows = [self._rows(word) for word in words]
        missing = [word for word, found in zip(words, rows, strict=True) if found is None]
        if missing:
            raise ExplaintError(
                f"{len(missing)} of {len(rows)} words are not in {self.name}: "
                f"{', '.join(map(repr, missing))}; "
                "leave them out of every encoder compared, or use an encoder with word pieces"
            )
        out = np.empty((len(rows), self.dim), dtype=np.float32)
        for i, found in enumerate(rows):
            out[i] = self._vectors[found].mean(axis=0)
        return out if layer == "last" or isinstance(layer, int) else out[None]


def load_static(folder: Path, *, name: str, revision: str) -> StaticVectors:
    """Read a table of vectors (``*_emb.npy``) and its words (``*_index.parquet``, column ``index``)."""
    import pyarrow.parquet

    (table,), (index,) = folder.glob("*_emb.npy"), folder.glob("*_index.parquet")
    vectors = np.load(table, mmap_mode="r", allow_pickle=False)
    words = pyarrow.parquet.read_table(index, columns=["index"]).column("index").to_pylist()
    return StaticVectors(vectors, words, name=name, revision=revision)
