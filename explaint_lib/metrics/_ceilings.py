"""What a map could reach that only ever mixes the rows of other words."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._neighbours import cosines
from explaint_lib.metrics._ties import matrix

_JITTER = 1e-6  # relative ridge: rows of norms are often linearly dependent


def reachable_ceiling(gold: ArrayLike, folds: ArrayLike, *, k: int = 10) -> np.ndarray:
    """Predict each word by the mean of its k nearest *gold* vectors among the words outside its fold.

    A ceiling for smooth maps, which send near points to near points and so end up averaging the norms of
    neighbours: what if the neighbours were chosen with the answer in hand? No feature that only this word has
    can be predicted. The oracle of a metric ignores that.

    Parameters
    ----------
    gold : array of shape (words, features)
        NaN (missing) is filled with the mean of the other folds' words.
    folds : array of int, shape (words,)
        As in the cross-validation of the system it is a ceiling for.
    k : int, default=10
        From 1 to the size of the smallest training set. Score several and take the best.

    Returns
    -------
    array of shape (words, features)
        Predictions; score them with any metric. Weights are the cosines (negative ones count as 0).

    Warnings
    --------
    It has seen the answer, so it is no system; and it is the best of *this construction*, not a proven
    maximum: `mixture_ceiling` lets the weights be anything and lies higher.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> metrics.reachable_ceiling(gold, [0, 1, 0, 1], k=1).round(1).tolist()
    [[1.0, 0.1], [1.0, 0.0], [0.1, 1.0], [0.0, 1.0]]
    """
    gold, fills = filled_by_fold(gold, folds)
    predicted = np.empty(gold.shape)
    for train, test, filled in fills:
        if not 1 <= k <= len(train):
            raise ExplaintError(f"k must be from 1 to the size of the training set ({len(train)}), found {k}")
        near = cosines(filled[test], filled[train])  # (test word, training word)
        nearest = np.argsort(-near, axis=1, kind="stable")[:, :k]
        weights = np.zeros(near.shape)
        chosen = np.maximum(np.take_along_axis(near, nearest, axis=1), 1e-9)
        np.put_along_axis(weights, nearest, chosen / chosen.sum(axis=1, keepdims=True), axis=1)
        predicted[test] = weights @ filled[train]
    return predicted


def mixture_ceiling(gold: ArrayLike, folds: ArrayLike) -> np.ndarray:
    """Predict each word by the mixture of training rows that comes nearest to its own gold row.

    A ceiling for *every* map that is linear in its training targets (PLSR, ridge, nearest neighbours, label
    propagation): weights of any sign and size, chosen by least squares with the answer in hand.

    Parameters
    ----------
    gold : array of shape (words, features)
        NaN (missing) is filled with the mean of the other folds' words.
    folds : array of int, shape (words,)

    Returns
    -------
    array of shape (words, features)

    Warnings
    --------
    It minimises squared error; another mixture may score a little higher on a ranking metric. With fewer
    features than training words (ratings) any row is a mixture of the others, and the ceiling is the oracle:
    it says nothing there.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0, 0.0, 2.0], [2.0, 0.0, 4.0], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0]])
    >>> metrics.mixture_ceiling(gold, [0, 1, 0, 1]).round(2).tolist()
    [[1.0, 0.0, 2.0], [2.0, 0.0, 4.0], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0]]
    """
    gold, fills = filled_by_fold(gold, folds)
    predicted = np.empty(gold.shape)
    for train, test, filled in fills:
        gram = filled[train] @ filled[train].T
        gram[np.diag_indices_from(gram)] += _JITTER * np.trace(gram) / len(gram)
        predicted[test] = np.linalg.solve(gram, filled[train] @ filled[test].T).T @ filled[train]
    return predicted


def filled_by_fold(
    gold: ArrayLike, folds: ArrayLike
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Return gold, and for each fold training rows, test rows and gold without gaps."""
    gold, folds = matrix(gold), np.asarray(folds)
    if folds.shape != (len(gold),) or len(np.unique(folds)) < 2:
        raise ExplaintError(f"expected at least two folds, one label for each of {len(gold)} words")
    fills = []
    for label in np.unique(folds):
        train, test = np.flatnonzero(folds != label), np.flatnonzero(folds == label)
        filled = gold
        if np.isnan(gold).any():
            if np.isnan(gold[train]).all(axis=0).any():
                raise ExplaintError(f"a feature has no observed value outside fold {label}")
            filled = np.where(np.isnan(gold), np.nanmean(gold[train], axis=0), gold)
        fills.append((train, test, filled))
    return gold, fills
