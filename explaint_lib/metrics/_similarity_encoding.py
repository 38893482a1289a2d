"""A kernel map: predict a word's norms by a sum of the training words' norms, weighted by likeness of vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._ceilings import filled_by_fold
from explaint_lib.metrics._neighbours import cosines
from explaint_lib.metrics._ties import checked_pair
from explaint_lib.metrics._treatment import Treatment, nearness


def similarity_encoding(
    X: ArrayLike,
    gold: ArrayLike,
    folds: ArrayLike,
    *,
    treatment: Treatment = Treatment(),  # noqa: B008
) -> np.ndarray:
    """Return how near each word's prediction by similarity encoding is to each candidate's gold vector.

    The prediction of a word is the sum of the training words' norms, each at length 1, weighted by the cosine of its
    vector with theirs (centred). No parameter is fitted, and still it is a supervised map, kernel regression without
    a penalty: **it has seen the norms of the training words**, each beside its vector, as PLSR and ridge have. It is
    their rival under `retrieval_by` and `two_alternative_by`, under the same treatment.

    Parameters
    ----------
    X : array of shape (words, dims)
        Word vectors, finite; they are centred.
    gold : array of shape (words, features)
        NaN is a missing cell.
    folds : array of int, shape (words,)
        A word is predicted from the words of the other folds.
    treatment : Treatment
        As in `nearness`.

    Returns
    -------
    array of shape (words, words)
        (word, candidate), as `nearness`.

    Raises
    ------
    ExplaintError
        As `nearness`.

    Notes
    -----
    Under ``Treatment(held_out_together=False, own_row_removed=True, scaled=True)`` candidates come in exactly the order
    of second-order similarity: describe a word by its cosines with the training words, once in `X` and once in `gold`,
    leave a candidate's likeness to itself out, and correlate the description of i in `X` with that of j in `gold`. So
    "decoding without a fitted map" is a map: the sum over training words of likeness in `X` times likeness in `gold` is
    the inner product of the candidate's norms with the prediction above. Where no word's norms may be seen beside its
    vector, no word can be looked up, save by aligning the two shapes without supervision, which is not tried here. What
    can be had without norms in the prediction is `neighbour_overlap_at_k` of the vectors, and `rsa`.

    References
    ----------
    Representational similarity encoding: Anderson, Zinszer & Raizada (2016). Kernel regression: Hastie, Tibshirani &
    Friedman (2009), chapter 6.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.random.default_rng(0).standard_normal((30, 3))
    >>> X = gold @ np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]  # another space, the same shape
    >>> near = metrics.similarity_encoding(X, gold, np.arange(30) % 2)
    >>> bool(metrics.retrieval_by(near, k=5).mean() > 0.5)  # by chance 1 in 6
    True
    """
    X, gold = checked_pair(X, gold, same_columns=False)
    folds = np.asarray(folds)
    if folds.shape != (len(gold),):
        raise ExplaintError(f"expected one fold for each of {len(gold)} words, found shape {folds.shape}")
    long = np.sqrt(np.nansum(gold**2, axis=1, keepdims=True))
    unit = gold / np.where(long > 0, long, 1.0)
    alike = cosines(X - X.mean(axis=0), X - X.mean(axis=0))
    pred, weights = np.empty(gold.shape), np.zeros(alike.shape)
    for train, test, filled in filled_by_fold(unit, folds)[1]:
        part = alike[np.ix_(test, train)]
        weights[np.ix_(test, train)] = part = part - part.mean(axis=1, keepdims=True)
        pred[test] = part @ filled[train]
    return nearness(pred, unit, folds, weights=weights, treatment=treatment)
