"""What a condition of the table of controls is, what it makes a draw from, and where conditions are registered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple, Protocol

import numpy as np

from explaint_lib._common import ExplaintError

Kind = Literal["sparse", "dense"]


class Stream(IntEnum):
    """Numbers of the streams of random numbers that belong to the table itself, and so to no condition.

    They never change: the numbers that were published depend on them.
    """

    FOLDS = 0
    RESAMPLES = 1
    SIGN_FLIPS = 6


class Prediction(NamedTuple):
    """Predicted norms, and shorter vectors that lie to each other as the predictions do.

    Attributes
    ----------
    values : (n_words, n_features) array
    compact : (n_words, r) array
        Its rows have the inner products of the rows of `values`; `values` itself where nothing shorter is known.
    """

    values: np.ndarray
    compact: np.ndarray


class Setting(Protocol):
    """What a condition makes one draw from. Whoever runs the table supplies it; arrays in it are never changed."""

    @property
    def Y(self) -> np.ndarray:
        """The norms, (n_words, n_features); NaN is a missing rating."""

    @property
    def kind(self) -> Kind:
        """Named features ("sparse") or ratings ("dense")."""

    @property
    def rng(self) -> np.random.Generator:
        """The generator of this draw, which no other draw and no other condition uses."""

    def predict(self, target: np.ndarray) -> Prediction:
        """Return out-of-fold predictions of a target from the word vectors."""

    def predict_itself(self, target: np.ndarray) -> Prediction:
        """Return out-of-fold predictions of a target from itself."""

    def mean(self, target: np.ndarray) -> Prediction:
        """Return the mean of the training words for every word."""


@dataclass(frozen=True)
class Draw:
    """One draw of a condition: the norms that a map was fitted to, and what it predicted for them.

    Attributes
    ----------
    target : (n_words, n_features) array
        The norms themselves, or what was made of them.
    prediction : Prediction
    order : (n_words,) int array, optional
        Given where the target is the norms with their rows in another order, ``Y[order]``: scores do not depend on
        the order of words, and in the order of the norms much about them is known already.
    """

    target: np.ndarray
    prediction: Prediction
    order: np.ndarray | None = None


class Ends(Protocol):
    """The two ends of a metric, each one value a word or feature: what an entry of `metrics.METRICS` has."""

    @property
    def chance(self) -> Callable[..., np.ndarray]:
        """The score of a ranking at random, called with (gold, kind=...)."""

    @property
    def oracle(self) -> Callable[..., np.ndarray]:
        """The score of the best ranking, called with (gold, kind=...)."""


@dataclass(frozen=True)
class Condition:
    """A line of the table of controls.

    Parameters
    ----------
    name : str
    what : str
        What is fitted or computed, in a phrase.
    keeps, destroys : str
        What a score under the condition can still come from, and what it cannot.
    group : {"map", "noise", "scale"}
        Lines of one group stand together: what the mapper makes of the norms; norms with nothing left to learn; the
        floors, nulls and ceilings that say how to read the others.
    draws : {"one", "few", "permutations", "closed form"}
        How many draws are averaged: one; a few, for a condition that enters no refitted test; as many as there are
        permutations; none, since its scores are computed and not simulated.
    draw : callable (Setting) -> Draw, optional
        Makes one draw. Not of a condition in closed form.
    closed_form : callable (Ends, Y, kind) -> (n_units,) array, optional
        Returns the scores of one metric. Only of a condition in closed form.
    stream : int, at least 7 for a new condition
        Number of its random numbers, so that no condition changes those of another. Never used twice, never changed:
        published numbers depend on it. Needed where there are several draws.
    tested : bool
        Whether the system is tested against it: with a refit a permutation, or, of one draw, by sign flips.

    Raises
    ------
    ExplaintError
        If several draws have no stream, or `draw` and `closed_form` do not go with `draws`.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> shuffled = controls.CONDITIONS["shuffled"]
    >>> shuffled.label, shuffled.draws, shuffled.tested
    ('shuffled', 'permutations', True)
    >>> shuffled.line
    'each feature permuted over words (keeps how frequent a feature is; destroys who has it)'
    """

    name: str
    what: str
    keeps: str
    destroys: str
    group: Literal["map", "noise", "scale"]
    draws: Literal["one", "few", "permutations", "closed form"]
    draw: Callable[[Setting], Draw] | None = None
    closed_form: Callable[[Ends, np.ndarray, Kind], np.ndarray] | None = None
    stream: int | None = None
    tested: bool = False

    def __post_init__(self) -> None:
        closed = self.draws == "closed form"
        if (self.draw is None) != closed or (self.closed_form is not None) != closed:
            raise ExplaintError(f"condition {self.name}: a closed form has closed_form and no draw, any other has draw")
        if self.several and self.stream is None:
            raise ExplaintError(f"condition {self.name}: several draws need a stream, a number that no other has")
        if self.tested and self.draws not in ("one", "permutations"):
            raise ExplaintError(f"condition {self.name}: a test needs one draw or one a permutation")

    @property
    def several(self) -> bool:
        """Whether more than one draw is made and averaged."""
        return self.draws in ("few", "permutations")

    @property
    def label(self) -> str:
        """The name as people read it."""
        return self.name.replace("_", " ")

    @property
    def line(self) -> str:
        """What it is, keeps and destroys, in one line."""
        return f"{self.what} (keeps {self.keeps}; destroys {self.destroys})"


#: The conditions by name, in the order of tables.
CONDITIONS: dict[str, Condition] = {}


def register(*conditions: Condition) -> None:
    """Add conditions to `CONDITIONS`: every table, test, grid and terminal has them from then on.

    Raises
    ------
    ExplaintError
        If a name or a stream is taken.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> controls.register(controls.CONDITIONS["shuffled"])
    Traceback (most recent call last):
        ...
    explaint_lib._common.ExplaintError: there is a condition shuffled already: choose another name
    """
    for condition in conditions:
        if condition.name in CONDITIONS:
            raise ExplaintError(f"there is a condition {condition.name} already: choose another name")
        taken = {stream.value: f"the table's {stream.name.lower()}" for stream in Stream}
        taken |= {other.stream: other.name for other in CONDITIONS.values() if other.stream is not None}
        if condition.stream in taken:
            raise ExplaintError(
                f"condition {condition.name}: stream {condition.stream} is that of {taken[condition.stream]}; take "
                f"{max(taken) + 1}"
            )
        CONDITIONS[condition.name] = condition
