"""Feature by feature: is the feature predicted for the words that have it? AUC, average precision, R2."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._correlation import MIN_WORDS, scored_features
from explaint_lib.metrics._metric import Kind
from explaint_lib.metrics._ties import checked_pair


def auc_feature(
    pred: ArrayLike,
    gold: ArrayLike,
    *,
    kind: Kind = "sparse",
    min_words: int = MIN_WORDS,
    folds: ArrayLike | None = None,
) -> np.ndarray:
    """Return for each feature the probability that a word with it is predicted above a word without it.

    Parameters
    ----------
    pred, gold : arrays of shape (words, features)
        Missing cells of gold (NaN) are left out.
    kind : {"sparse", "dense"}
        Sparse: a word has the feature if gold is above zero. Dense: if its rating is above the feature's
        median.
    min_words : int, default=10
        Features of fewer words with it (or without it) are not scored.
    folds : array of int, shape (words,), optional
        Compare only words held out together; pass it for cross-validated predictions.

    Returns
    -------
    array of shape (features,), from 0 to 1
        The area under the ROC curve, a tie counting one half: .5 for a constant or random prediction, 1 for a
        perfect one. NaN where not scored.

    Warnings
    --------
    Without `folds`, the mean profile scores below .5: the training mean of a feature is lower for the fold
    that holds more of it. With `folds` it scores .5 exactly. Taxonomic features reach high values from the
    category alone: report by feature type and beside `explaint_lib.controls.category_centroids`.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> metrics.auc_feature(np.array([[0.9], [0.2], [0.3], [0.1]]), gold, min_words=2).tolist()
    [0.75]
    """
    pred, gold = checked_pair(pred, gold)
    has, scored = _positives(gold, kind, min_words)
    labels = np.zeros(len(gold), dtype=int) if folds is None else np.asarray(folds)
    if labels.shape != (len(gold),):
        raise ExplaintError(f"expected one fold for each of {len(gold)} words, found shape {labels.shape}")
    wins, pairs = np.zeros(scored.size), np.zeros(scored.size)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        there = ~np.isnan(gold[np.ix_(rows, scored)])
        positive = has[np.ix_(rows, scored)]  # (word, feature)
        ranks = rankdata(np.where(there, pred[np.ix_(rows, scored)], np.inf), axis=0)  # missing cells come last
        n, p = there.sum(axis=0), positive.sum(axis=0)
        wins += np.where(positive, ranks, 0.0).sum(axis=0) - p * (p + 1) / 2
        pairs += p * (n - p)
    out = np.full(gold.shape[1], np.nan)
    out[scored] = np.divide(wins, pairs, out=np.full(scored.size, np.nan), where=pairs > 0)
    return out


def average_precision_feature(
    pred: ArrayLike, gold: ArrayLike, *, kind: Kind = "sparse", min_words: int = MIN_WORDS
) -> np.ndarray:
    """Return for each feature the average precision of its ranking of the words, normalised by base rate.

    Parameters
    ----------
    pred, gold, kind, min_words
        As in `auc_feature`.

    Returns
    -------
    array of shape (features,), at most 1
        (AP - p) / (1 - p), with p the share of words that have the feature: 0 for a constant prediction, 1
        for a perfect one, below 0 for one that is worse than a constant. Words tied in the prediction enter
        the ranking together. NaN where not scored.

    Warnings
    --------
    A random ranking *without* ties scores a little above 0, the more so the rarer the feature. AP looks at the top of
    the ranking, AUC at all of it.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> metrics.average_precision_feature(np.array([[0.9], [0.8], [0.3], [0.1]]), gold, min_words=2).tolist()
    [1.0]
    """
    pred, gold = checked_pair(pred, gold)
    has, scored = _positives(gold, kind, min_words)
    out = np.full(gold.shape[1], np.nan)
    for j in scored:
        there = ~np.isnan(gold[:, j])
        base_rate = has[there, j].mean()
        out[j] = (average_precision_score(has[there, j], pred[there, j]) - base_rate) / (1 - base_rate)
    return out


def r2_pooled(pred: ArrayLike, gold: ArrayLike, folds: ArrayLike) -> float:
    """Return 1 - SSE / SST summed over all observed cells, where SST is the error of the *training* mean.

    Parameters
    ----------
    pred, gold : arrays of shape (words, features)
        Missing cells of gold (NaN) are left out.
    folds : array of int, shape (words,)
        The folds of the prediction: each word is compared with the mean of the words outside its fold.

    Returns
    -------
    float, at most 1
        0 for the mean profile, exactly; below 0 for a prediction with larger errors than that. NaN where the
        training mean makes no error.

    Warnings
    --------
    Asks for the right *strength*, not only the right order. Features weigh by their variance: a frequent one counts
    for many rare ones.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold, folds = np.array([[0.0], [2.0], [4.0]]), [0, 1, 1]
    >>> round(metrics.r2_pooled(np.array([[1.0], [1.0], [3.0]]), gold, folds), 2)
    0.9
    """
    pred, gold = checked_pair(pred, gold)
    folds = np.asarray(folds)
    if folds.shape != (len(gold),) or len(np.unique(folds)) < 2:
        raise ExplaintError(f"expected at least two folds, one label for each of {len(gold)} words")
    there, filled = ~np.isnan(gold), np.nan_to_num(gold)
    error, baseline = ((pred - filled) ** 2 * there).sum(), 0.0
    for label in np.unique(folds):
        test = folds == label
        count = there[~test].sum(axis=0)
        if not count.all():
            raise ExplaintError(f"{np.count_nonzero(count == 0)} features have no observed value outside fold {label}")
        mean = filled[~test].sum(axis=0) / count  # (feature,)
        baseline += ((filled[test] - mean) ** 2 * there[test]).sum()
    return float(1 - error / baseline) if baseline > 0 else float("nan")


def _positives(gold: np.ndarray, kind: Kind, min_words: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which words have which feature, and the columns with enough words on either side."""
    there = ~np.isnan(gold)
    cut = np.zeros(gold.shape[1]) if kind == "sparse" else np.nanmedian(gold, axis=0)
    has = np.where(there, gold, -np.inf) > cut  # (word, feature)
    rest = there.sum(axis=0) - has.sum(axis=0)
    enough = (has.sum(axis=0) >= min_words) & (rest >= min_words) & scored_features(gold, kind, min_words)
    return has, np.flatnonzero(enough)
