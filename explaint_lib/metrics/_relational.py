"""Find a word in another space without any map: by where it lies relative to other words."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._neighbours import cosines
from explaint_lib.metrics._ties import checked_pair


def relational_nearness(X: ArrayLike, gold: ArrayLike, folds: ArrayLike) -> np.ndarray:
    """Return how alike the places of two words are, the one in `X` and the other in `gold`, relative to others.

    Each word is described by its cosines with the words outside a fold: once in `X`, once in `gold`. Nearness
    of word i and candidate j is the correlation of i's description in `X` with j's description in `gold`. No map
    is fitted: what can be found with it is in the shapes of the two spaces. The rival of every mapper under
    `retrieval_by` and `two_alternative_by`.

    Parameters
    ----------
    X : array of shape (words, dims)
        Word vectors, finite; they are centred.
    gold : array of shape (words, features)
        NaN is a missing cell.
    folds : array of int, shape (words,)
        Word i is described by the words of the other folds alone, so that it is given no more than a mapper
        that held it out. A candidate's likeness to itself is left out of its description.

    Returns
    -------
    array of shape (words, words), from -1 to 1
        (word, candidate); the diagonal is the word's own gold vector.

    Raises
    ------
    ExplaintError
        If lengths differ or fewer than 3 words are outside some fold.

    References
    ----------
    Second-order isomorphism; used to decode without a fitted map by Anderson, Zinszer & Raizada (2016).

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> X = np.random.default_rng(0).standard_normal((8, 3))
    >>> turned = X @ np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]  # another space, same shape
    >>> near = metrics.relational_nearness(X - X.mean(axis=0), turned - turned.mean(axis=0), np.arange(8) % 2)
    >>> bool(metrics.retrieval_by(near, k=1).mean() > 0.5)
    True
    """
    X, gold = checked_pair(X, gold, same_columns=False)
    folds = np.asarray(folds)
    if folds.shape != (len(gold),):
        raise ExplaintError(f"expected one fold for each of {len(gold)} words, found shape {folds.shape}")
    centred = X - X.mean(axis=0)
    ours, theirs = cosines(centred, centred), cosines(gold, gold)
    np.fill_diagonal(theirs, np.nan)
    near = np.empty(ours.shape)
    for label in np.unique(folds):
        train, test = np.flatnonzero(folds != label), np.flatnonzero(folds == label)
        if len(train) < 3:
            raise ExplaintError(f"a description needs at least 3 words outside fold {label}, found {len(train)}")
        near[test] = _described(ours[np.ix_(test, train)]) @ _described(theirs[:, train]).T
    return np.clip(near, -1, 1)


def _described(cosine: np.ndarray) -> np.ndarray:
    """Return each row centred and of length 1; a missing cell counts as the row's mean."""
    centred = np.nan_to_num(cosine - np.nanmean(cosine, axis=1, keepdims=True))
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-300)
