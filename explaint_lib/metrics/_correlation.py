"""Rank correlation per word (over features) and per feature (over words): two different questions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from explaint_lib.inference import mean_spearman_feature
from explaint_lib.metrics._metric import Kind, Metric, register, without_kind, zero_where_defined
from explaint_lib.metrics._ties import checked_pair, matrix

MIN_WORDS = 10


def spearman_item(pred: ArrayLike, gold: ArrayLike) -> np.ndarray:
    """Correlate predicted and gold ranks over the features of each word.

    Parameters
    ----------
    pred, gold : arrays of shape (words, features)
        Missing cells of gold (NaN) are left out of both rankings.

    Returns
    -------
    array of shape (words,), from -1 to 1
        Spearman's rho with average ranks for ties. NaN (undefined) where the word's gold values are all
        equal or fewer than two are observed. **0 where the predictions are all equal**: a constant orders
        nothing, 0 is its expectation under random tie-breaking, and leaving such words out would reward a
        mapper for abstaining.

    Warnings
    --------
    On sparse norms nearly all gold values of a word are tied at zero. The best ranking without ties then
    reaches only `spearman_item_oracle` (below .13 for a word with 13 of 2,526 features), however good it is. And
    the mean profile scores high on dense ratings, because features differ in level. Read `spearman_feature`
    instead.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    >>> metrics.spearman_item(np.array([[0.3, 0.2, 0.1], [0.3, 0.2, 0.1]]), gold).tolist()
    [-1.0, nan]
    """
    pred, gold = checked_pair(pred, gold)
    return _rank_correlation(pred, gold)


def spearman_feature(
    pred: ArrayLike, gold: ArrayLike, *, kind: Kind = "sparse", min_words: int = MIN_WORDS
) -> np.ndarray:
    """Correlate predicted and gold ranks over the words, for each feature.

    Parameters
    ----------
    pred, gold : arrays of shape (words, features)
        Missing cells of gold (NaN) are left out of both rankings.
    kind : {"sparse", "dense"}
    min_words : int, default=10
        For sparse norms, features above zero for fewer words than this are not scored.

    Returns
    -------
    array of shape (features,), from -1 to 1
        NaN for features not scored and where gold is constant; 0 where the predictions are constant (see
        `spearman_item`).

    Warnings
    --------
    The mean profile is *negative* here under cross-validation, and -1 when each word is its own fold: the
    training mean of a feature is lower for the fold that holds more of it. Its expectation without that
    artefact is 0. Any mapper that shrinks towards the training mean inherits a little of it.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.arange(12.0)[:, None]
    >>> metrics.spearman_feature(gold**2, gold).tolist(), metrics.spearman_feature(-gold, gold).tolist()
    ([1.0], [-1.0])
    """
    pred, gold = checked_pair(pred, gold)
    scored = scored_features(gold, kind, min_words)
    out = np.full(gold.shape[1], np.nan)
    out[scored] = _rank_correlation(pred[:, scored].T, gold[:, scored].T)
    return out


def spearman_item_oracle(gold: ArrayLike) -> np.ndarray:
    """Return the best `spearman_item` of a ranking without ties, per word.

    A real-valued prediction has no ties, while the gold ranks of t tied cells are all their mean. The best
    ranking keeps gold order and splits each tie somehow; its covariance with the gold ranks is then their
    variance, so that ``rho = sd(gold ranks) / sd(1..n) = sqrt(1 - sum(t^3 - t) / (n^3 - n))``.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.spearman_item_oracle(np.array([[1.0, 0.0, 0.0, 0.0]])).round(2).tolist()
    [0.77]
    """
    return _tie_free_best(matrix(gold))


def spearman_feature_oracle(gold: ArrayLike, *, kind: Kind = "sparse", min_words: int = MIN_WORDS) -> np.ndarray:
    """Return the best `spearman_feature` of a ranking without ties, per feature: as `spearman_item_oracle`.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.repeat([1.0, 2.0], 6)[:, None]
    >>> metrics.spearman_feature_oracle(gold).round(2).tolist()
    [0.87]
    """
    gold = matrix(gold)
    out = np.full(gold.shape[1], np.nan)
    scored = scored_features(gold, kind, min_words)
    out[scored] = _tie_free_best(gold[:, scored].T)
    return out


def scored_features(gold: np.ndarray, kind: Kind = "sparse", min_words: int = MIN_WORDS) -> np.ndarray:
    """Return which features `spearman_feature` scores, as a bool array of shape (features,).

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    >>> metrics.scored_features(gold, min_words=2).tolist()
    [True, False]
    """
    return (gold > 0).sum(axis=0) >= min_words if kind == "sparse" else np.ones(gold.shape[1], dtype=bool)


def _rank_correlation(pred: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Return Spearman's rho of each row over its cells observed in gold."""
    x, y = _centred_ranks(np.where(np.isnan(gold), np.nan, pred)), _centred_ranks(gold)
    xx, yy, xy = (np.einsum("ij,ij->i", *ab) for ab in ((x, x), (y, y), (x, y)))
    rho = np.where(xx > 0, xy / np.sqrt(np.maximum(xx * yy, 1e-300)), 0.0)
    return np.where(yy > 0, np.clip(rho, -1, 1), np.nan)


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Return average ranks of each row minus their mean, 0 at missing cells."""
    if not values.size:
        return values
    missing = np.isnan(values)
    ranks = rankdata(np.where(missing, np.inf, values), axis=1)  # missing cells come last and do not move the others
    centre = ((~missing).sum(axis=1) + 1) / 2
    return np.where(missing, 0.0, ranks - centre[:, None])


def _tie_free_best(gold: np.ndarray) -> np.ndarray:
    ranks = _centred_ranks(gold)
    n = (~np.isnan(gold)).sum(axis=1).astype(np.float64)
    variance = (ranks**2).sum(axis=1)  # of ranks without ties: (n^3 - n) / 12
    return np.where(variance > 0, np.sqrt(12 * variance / np.maximum(n**3 - n, 1)), np.nan)


register(
    Metric(
        name="spearman_item",
        label="Spearman per word, over features",
        header="rho\nitem",
        unit="word",
        score=without_kind(spearman_item),
        chance=zero_where_defined(without_kind(spearman_item_oracle)),
        oracle=without_kind(spearman_item_oracle),
        needs=lambda kind: (1, 3),
        floor=-1.0,
        fast=lambda both: both.spearman_item,
    ),
    Metric(
        name="spearman_feature",
        label="Spearman per feature, over words",
        header="rho\nfeature",
        unit="feature",
        score=spearman_feature,
        chance=zero_where_defined(spearman_feature_oracle),
        oracle=spearman_feature_oracle,
        needs=lambda kind: (MIN_WORDS, 1) if kind == "sparse" else (3, 1),
        floor=-1.0,
        fast=lambda both: both.spearman_feature,
        resample=mean_spearman_feature,
    ),
)
