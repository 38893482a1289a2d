"""A diagnostic: one comparison of a verdict, with a world in which its claim is false and one in which it is true.

What it measures: nothing by itself; it is the record that `explaint_lib.experiments.calibration.run_calibration` reads.
What it does not license: rates for a comparison made in another way under the same name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.inference import MARGINS, Comparison

SIZES = (60, 240, 500)
Build = Callable[[int, np.random.SeedSequence], Any]


@dataclass(frozen=True)
class World:
    """A way to draw worlds of one kind.

    Attributes
    ----------
    name : str
    about : str
        What is true in it: a sentence for the page.
    build : callable (size, SeedSequence) -> world
        The size is the number of words (or sentences). A world may be anything that its diagnostics understand.
    """

    name: str
    about: str
    build: Build


@dataclass(frozen=True)
class Diagnostic:
    """One comparison, as a chapter's verdict makes it, and the two worlds that it has to tell apart.

    Attributes
    ----------
    asks, control, score : str
        The question, the control and the score, as the verdict names them (`explaint_lib.inference.Comparison`).
    false, true : str
        The names of the worlds in which the claim is false, and true.
    compare : callable (world, rng) -> explaint_lib.inference.Comparison
        Its names are set by the diagnostic.
    units : callable (size) -> int
        How many units the standard error is over in a world of a size; the size itself unless clusters were drawn.
    sizes : tuple of int
    """

    asks: str
    control: str
    score: str
    false: str
    true: str
    compare: Callable[[Any, np.random.Generator], Comparison]
    units: Callable[[int], int] = int
    sizes: tuple[int, ...] = SIZES

    @property
    def key(self) -> tuple[str, str, str]:
        """What the table of calibrations finds it by."""
        return self.asks, self.control, self.score


class Registry:
    """Worlds and diagnostics by name; to add one changes no number of another.

    Examples
    --------
    >>> from explaint_lib.experiments.calibration import REGISTRY
    >>> any(one.asks == "word" for one in REGISTRY)
    True
    """

    def __init__(self) -> None:
        self.worlds: dict[str, World] = {}
        self._diagnostics: list[Diagnostic] = []

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._diagnostics)

    def world(self, name: str, about: str, build: Build) -> None:
        """Add a kind of worlds.

        Raises
        ------
        ExplaintError
            If there is one of this name.
        """
        if name in self.worlds:
            raise ExplaintError(f"there is a world {name!r} already")
        self.worlds[name] = World(name, about, build)

    def add(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic.

        Raises
        ------
        ExplaintError
            If its worlds are unknown, its score has no margin, or the same comparison stands for the same worlds.
        """
        unknown = {diagnostic.false, diagnostic.true} - set(self.worlds)
        if unknown:
            raise ExplaintError(f"unknown worlds: {', '.join(sorted(unknown))}; there are {', '.join(self.worlds)}")
        if margin_of(diagnostic.score) is None:
            raise ExplaintError(f"the score {diagnostic.score!r} has no margin; there are {', '.join(MARGINS)}")
        for one in self:
            if (one.key, one.false, one.true) == (diagnostic.key, diagnostic.false, diagnostic.true):
                raise ExplaintError(f"there is a diagnostic {', '.join(one.key)} of these worlds already")
        self._diagnostics.append(diagnostic)


def margin_of(score: str) -> float | None:
    """Return the smallest effect of interest of a score; an agreement has one, whatever it is an agreement with."""
    return MARGINS.get(score, MARGINS.get(score.partition(" with ")[0]))


def entropy(*names: object) -> list[int]:
    """Return whole numbers for a `numpy.random.SeedSequence`, from names: the same for the same names, anywhere."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return np.frombuffer(digest, dtype=np.uint32).tolist()
