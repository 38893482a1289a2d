"""Score predicted feature norms, each score beside its chance level and the best any prediction could reach.

What it measures: `METRICS` holds six scores of a prediction ``pred (word, feature)`` against gold norms of
the same shape, one value a word or a feature (never only a mean), so that bootstrap and paired tests can
resample the unit. Beside them stand the scores that ask other questions: `two_alternative` (which word of its
category?), `auc_feature`, `average_precision_feature` and `r2_pooled` (feature by feature), `rsa` (are the
spaces shaped alike?), `hubness` and its corrections, and two ceilings that a map could reach.

What it controls for: chance (a ranking at random) and oracle (the best ranking, given how many features a
word has and which gold values are tied). Ties are broken fairly everywhere, by exact expectation, so that a
constant or blocky prediction gains nothing from the order of the columns. Missing cells (NaN in gold) are
masked. Undefined units are NaN: leave them out of the mean *and* report how many there are.

What it does NOT license: chance is not the null to beat. Base rates (the mean profile), taxonomy and
similarity alone score far above chance; a score shows something about the word only beside
`explaint_lib.controls` on the same folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._ceilings import mixture_ceiling, reachable_ceiling
from explaint_lib.metrics._correlation import (
    MIN_WORDS,
    scored_features,
    spearman_feature,
    spearman_feature_oracle,
    spearman_item,
    spearman_item_oracle,
)
from explaint_lib.metrics._features import (
    auc_feature,
    average_precision_feature,
    r2_pooled,
)
from explaint_lib.metrics._hubness import csls, hubness, k_occurrence, mutual_proximity, overlap_by, retrieval_by
from explaint_lib.metrics._neighbours import (
    cosines,
    neighbour_overlap_at_k,
    neighbour_overlap_chance,
    neighbour_overlap_oracle,
    retrieval_at_k,
    retrieval_chance,
    retrieval_oracle,
)
from explaint_lib.metrics._ranking import (
    Kind,
    f1_at_k,
    f1_chance,
    f1_oracle,
    r_precision,
    r_precision_chance,
    r_precision_oracle,
)
from explaint_lib.metrics._relational import relational_nearness
from explaint_lib.metrics._rsa import rsa, rsa_null, same_group
from explaint_lib.metrics._ties import matrix, top_share
from explaint_lib.metrics._two_alternative import (
    two_alternative,
    two_alternative_by,
    two_alternative_null,
    two_alternative_null_by,
)

__all__ = [
    "METRICS",
    "Kind",
    "Metric",
    "auc_feature",
    "average_precision_feature",
    "cosines",
    "csls",
    "f1_at_k",
    "f1_chance",
    "f1_oracle",
    "hubness",
    "k_occurrence",
    "left_out",
    "mixture_ceiling",
    "mutual_proximity",
    "neighbour_overlap_at_k",
    "neighbour_overlap_chance",
    "neighbour_overlap_oracle",
    "overlap_by",
    "r2_pooled",
    "r_precision",
    "r_precision_chance",
    "r_precision_oracle",
    "reachable_ceiling",
    "relational_nearness",
    "require",
    "retrieval_at_k",
    "retrieval_by",
    "retrieval_chance",
    "retrieval_oracle",
    "rsa",
    "rsa_null",
    "same_group",
    "scored_features",
    "spearman_feature",
    "spearman_feature_oracle",
    "spearman_item",
    "spearman_item_oracle",
    "top_share",
    "two_alternative",
    "two_alternative_by",
    "two_alternative_null",
    "two_alternative_null_by",
]


@dataclass(frozen=True)
class Metric:
    """A score with its chance and its oracle, all one value a unit.

    Attributes
    ----------
    name : str
    unit : {"word", "feature"}
        What one value of the score belongs to, and what a bootstrap resamples for ``word`` metrics.
    score : callable (pred, gold, *, kind) -> array of shape (n_units,)
        Larger is better; NaN: undefined for this unit.
    chance, oracle : callable (gold, *, kind) -> array of shape (n_units,)
        NaN exactly where the score is undefined.
    label : str
        For axes and tables.
    needs : callable (kind) -> (words, features)
        The fewest words (of a score a feature, on sparse norms: that share a feature), and the fewest observed
        features of a word, with which a score says anything: of ten features, every prediction ranks the same ten
        first.
    """

    name: str
    unit: Literal["word", "feature"]
    score: Callable[..., np.ndarray]
    chance: Callable[..., np.ndarray]
    oracle: Callable[..., np.ndarray]
    label: str
    needs: Callable[[Kind], tuple[int, int]]


def _gold_mode(kind: Kind) -> Literal["all", "top_k"]:
    return "all" if kind == "sparse" else "top_k"


def _zero_where_defined(oracle: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(oracle), np.nan, 0.0)


def _without_kind(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    def call(*arrays: ArrayLike, kind: Kind) -> np.ndarray:
        return function(*arrays)

    return call


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "f1_at_10",
            "word",
            lambda pred, gold, *, kind: f1_at_k(pred, gold, gold_mode=_gold_mode(kind), kind=kind),
            lambda gold, *, kind: f1_chance(gold, gold_mode=_gold_mode(kind), kind=kind),
            lambda gold, *, kind: f1_oracle(gold, gold_mode=_gold_mode(kind), kind=kind),
            "F1@10 (ratings: gold = ten highest)",
            lambda kind: (1, 11),
        ),
        Metric(
            "r_precision",
            "word",
            r_precision,
            r_precision_chance,
            r_precision_oracle,
            "R-precision (ratings: gold = ten highest)",
            lambda kind: (1, 1) if kind == "sparse" else (1, 11),
        ),
        Metric(
            "spearman_item",
            "word",
            _without_kind(spearman_item),
            lambda gold, *, kind: _zero_where_defined(spearman_item_oracle(gold)),
            _without_kind(spearman_item_oracle),
            "Spearman per word, over features",
            lambda kind: (1, 3),
        ),
        Metric(
            "spearman_feature",
            "feature",
            spearman_feature,
            lambda gold, *, kind: _zero_where_defined(spearman_feature_oracle(gold, kind=kind)),
            spearman_feature_oracle,
            "Spearman per feature, over words",
            lambda kind: (MIN_WORDS, 1) if kind == "sparse" else (3, 1),
        ),
        Metric(
            "neighbour_overlap_at_10",
            "word",
            _without_kind(neighbour_overlap_at_k),
            _without_kind(neighbour_overlap_chance),
            _without_kind(neighbour_overlap_oracle),
            "Neighbour overlap@10",
            lambda kind: (12, 1),
        ),
        Metric(
            "retrieval_at_10",
            "word",
            _without_kind(retrieval_at_k),
            _without_kind(retrieval_chance),
            _without_kind(retrieval_oracle),
            "Retrieval of the own gold vector@10",
            lambda kind: (11, 1),
        ),
    )
}


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
        Name of `METRICS` to a phrase such as "needs 11 features a word, found 5". Empty for most norms.

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
        if short:
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
