"""What is known of a metric, in one object, and the register of all metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._ties import matrix

K = 10  # of the metrics whose names end in "at_10"
Kind = Literal["sparse", "dense"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A score of predictions against gold norms, one value a unit, with all that is known about it.

    Attributes
    ----------
    name : str
    label : str
        For axes and titles.
    header : str
        For a column of a terminal, at most two short lines.
    unit : {"word", "feature"}
        What one value of the score belongs to, and what a bootstrap resamples for ``word`` metrics.
    score : callable (pred, gold, *, kind) -> array of shape (n_units,)
        NaN: undefined for this unit.
    chance, oracle : callable (gold, *, kind) -> array of shape (n_units,)
        A ranking at random, and the ceiling: the best prediction given the gold norms. NaN exactly where the score is
        undefined.
    needs : callable (kind) -> (words, features)
        The fewest words (of a score a feature, on sparse norms: that share a feature), and the fewest observed
        features of a word, with which a score says anything: of ten features, every prediction ranks the same ten
        first.
    floor : float, default=0
        The lowest value that a unit can have.
    direction : {1, -1}, default=1
        1 where a better prediction scores higher, -1 where it scores lower.
    kinds : tuple of {"sparse", "dense"}
        The kinds of norms that the metric is for.
    fast : callable (Comparison) -> array of shape (n_units,), optional
        The same values as `score` for complete sparse norms, from what `Scorer` prepares once for many predictions.
    resample : callable (pred, gold, counts) -> array of shape (n_resamples,), optional
        Of a ``feature`` metric: `resampled`, by a faster way.
    """

    name: str
    label: str
    header: str
    unit: Literal["word", "feature"]
    score: Callable[..., np.ndarray]
    chance: Callable[..., np.ndarray]
    oracle: Callable[..., np.ndarray]
    needs: Callable[[Kind], tuple[int, int]]
    floor: float = 0.0
    direction: Literal[1, -1] = 1
    kinds: tuple[Kind, ...] = ("sparse", "dense")
    fast: Callable[[Any], np.ndarray] | None = None
    resample: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None

    def resampled(self, pred: np.ndarray, gold: np.ndarray, counts: np.ndarray, *, kind: Kind) -> np.ndarray:
        """Return the mean over features in each resample of the words, every resample scored anew.

        Parameters
        ----------
        pred, gold : arrays of shape (words, features)
        counts : array of shape (n_resamples, words)
            How often each word was drawn (`explaint_lib.inference.bootstrap_counts`).
        kind : {"sparse", "dense"}

        Returns
        -------
        array of shape (n_resamples,)
            NaN where no feature has a score.
        """
        if self.resample is not None:
            return self.resample(pred, gold, counts)
        means = np.full(len(counts), np.nan)
        for i, count in enumerate(counts if gold.size else ()):
            rows = np.repeat(np.arange(len(gold)), np.asarray(count, dtype=int))
            scores = self.score(pred[rows], gold[rows], kind=kind)
            if not np.isnan(scores).all():
                means[i] = np.nanmean(scores)
        return means


METRICS: dict[str, Metric] = {}


def register(*metrics: Metric) -> None:
    """Add metrics to `METRICS`: every table, grid and terminal has them from then on.

    Raises
    ------
    ExplaintError
        If a name is taken.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.register(metrics.METRICS["f1_at_10"])
    Traceback (most recent call last):
        ...
    explaint_lib._common.ExplaintError: there is a metric f1_at_10 already: choose another name
    """
    for metric in metrics:
        if metric.name in METRICS:
            raise ExplaintError(f"there is a metric {metric.name} already: choose another name")
        METRICS[metric.name] = metric


def without_kind(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Return a function of arrays as a score, chance or oracle that takes the kind of norms and does not use it."""

    def call(*arrays: ArrayLike, kind: Kind) -> np.ndarray:
        return function(*arrays)

    return call


def zero_where_defined(oracle: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Return the chance of a correlation: 0, and NaN where its oracle is."""

    def chance(gold: ArrayLike, *, kind: Kind) -> np.ndarray:
        return np.where(np.isnan(oracle(gold, kind=kind)), np.nan, 0.0)

    return chance


def left_out(gold: ArrayLike, *, kind: Kind) -> dict[str, str]:
    """Return the metrics that norms are too small for, and of each what it needs; known before any model runs.

    Parameters
    ----------
    gold : array of shape (words, features)
        NaN is a missing cell; the word with the fewest observed features decides.
    kind : {"sparse", "dense"}

    Returns
    -------
    dict
        Name of `METRICS` to a phrase such as "needs 11 features a word, found 5" or "is for sparse norms". Empty for
        most norms.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> ratings = np.random.default_rng(0).random((30, 5))  # five scales
    >>> metrics.left_out(ratings, kind="dense")["f1_at_10"]
    'needs 11 features a word, found 5'
    """
    gold = matrix(gold)
    of_word = ("features a word", int((~np.isnan(gold)).sum(axis=1).min()))
    lacks = {}
    for name, metric in METRICS.items():
        words = ("words", len(gold))
        if kind == "sparse" and metric.unit == "feature":
            words = ("words that share a feature", int((gold > 0).sum(axis=0).max()))
        pairs = zip(metric.needs(kind), (words, of_word), strict=True)
        short = [f"{least} {what}, found {there}" for least, (what, there) in pairs if there < least]
        if kind not in metric.kinds:
            lacks[name] = f"is for {' and '.join(metric.kinds)} norms"
        elif short:
            lacks[name] = "needs " + " and ".join(short)
    return lacks


def require(gold: ArrayLike, names: Sequence[str], *, kind: Kind) -> None:
    """Raise unless norms are large enough for these metrics; parameters as `left_out`.

    Raises
    ------
    ExplaintError
        Saying in one sentence what is needed.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> ratings = np.random.default_rng(0).random((30, 5))  # five scales
    >>> metrics.require(ratings, ["spearman_item"], kind="dense")
    >>> metrics.require(ratings, ["f1_at_10"], kind="dense")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    explaint_lib._common.ExplaintError: these norms are too small for what is asked here (...): take larger ones
    """
    lacks = {name: needs for name, needs in left_out(gold, kind=kind).items() if name in names}
    if lacks:
        needs = "; ".join(f"{name} {what}" for name, what in lacks.items())
        raise ExplaintError(f"these norms are too small for what is asked here ({needs}): take larger ones")
