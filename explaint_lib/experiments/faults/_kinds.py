"""The kinds of faults, and where each has its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Level = Literal["head", "layer", "token"]
LEVELS: tuple[Level, ...] = ("head", "layer", "token")
SILENT, EXCHANGED, FLAT = "values of a head zeroed", "two heads exchanged", "queries of a head zeroed"
ATTENTION, FEEDFORWARD = "attention of a layer perturbed", "feed-forward of a layer perturbed"
SWAPPED, NOISY, OFF_BY_ONE = "embedding of another token", "embedding perturbed", "token read off by one"
#: The kinds of faults, and at which level of the model each has its place.
KINDS: dict[str, Level] = {
    SILENT: "head", EXCHANGED: "head", FLAT: "head", ATTENTION: "layer", FEEDFORWARD: "layer", SWAPPED: "token",
    NOISY: "token", OFF_BY_ONE: "token",
}  # fmt: skip
STRENGTH = 0.5  # spread of the noise in a layer's weights, as a multiple of the spread of each tensor; embeddings: 1
TINY = 1e-12


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    sites : tuple
        Where it is: (layer, head) pairs, layers (from 0), or token ids. Two heads that were exchanged are two sites, of
        which finding one is enough.
    seed : int
        Of its noise, and of the token whose embedding is taken.
    """

    kind: str
    sites: tuple[Any, ...]
    seed: int

    @property
    def level(self) -> Level:
        """At which level it has its place."""
        return KINDS[self.kind]

    def read(self, ids: np.ndarray, n_rows: int) -> np.ndarray:
        """Return ids as the faulty tokenizer gives them: those of the fault are one too high, the last one too low.

        Examples
        --------
        >>> from explaint_lib.experiments.faults import Fault
        >>> Fault("token read off by one", (3,), seed=0).read(np.array([3, 7]), n_rows=10).tolist()
        [4, 7]
        """
        if self.kind != OFF_BY_ONE:
            return ids
        (token,) = self.sites
        return np.where(ids == token, token + 1 if token + 1 < n_rows else token - 1, ids)
