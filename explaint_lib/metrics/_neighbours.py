"""Neighbourhood accuracy: two different measures that share one name in the literature."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from explaint_lib._common import ExplaintError
from explaint_lib.metrics import _directions
from explaint_lib.metrics._directions import DECIMALS, Directions
from explaint_lib.metrics._metric import K, Metric, register, without_kind
from explaint_lib.metrics._ties import checked_pair, matrix, top_share

_ONE_BLOCK = 4096  # up to so many words, all pairs are held at once; more are compared a block of words at a time


def neighbour_overlap_at_k(pred: ArrayLike, gold: ArrayLike, k: int = 10) -> np.ndarray:
    """Return the share of a word's k nearest words by prediction that are among its k nearest by gold.

    Parameters
    ----------
    pred : array of shape (words, dims)
        Predictions, or any vectors of the same words (the word vectors themselves): neighbours of a row are
        sought among these rows, so they need not have the columns of `gold`.
    gold : array of shape (words, features)
        Its neighbours are sought among the gold vectors.
    k : int, default=10

    Returns
    -------
    array of shape (words,), from 0 to 1
        Nearness is the cosine; the word itself is no neighbour of itself. A zero vector has cosine 0 with
        all. Ties are broken fairly on both sides: the value is the expectation under independent random
        tie-breaking.

    Raises
    ------
    ExplaintError
        If k is not between 1 and ``words - 1``, or the numbers of words differ.

    Warnings
    --------
    High values do not show that the map added anything: the neighbourhoods may be there in the word vectors, which
    have seen no norms. Compare the two under one treatment: subtract the mean over the words from both or from
    neither. Predictions hold the mean profile, so that centring moves their neighbours.

    Notes
    -----
    Where gold has missing cells (NaN), the cosine of two words is taken over the features observed for both.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> metrics.neighbour_overlap_at_k(gold[:, :1], gold, k=1).round(2).tolist()  # ties by expectation
    [0.5, 0.5, 0.33, 0.0]
    """
    pred, gold = checked_pair(pred, gold, same_columns=False)
    check_k(k, len(gold) - 1, "the number of other words")
    if _by_tree(pred, gold):
        return _directions.overlap(pred, gold, k)
    both = (_nearest(pred, rows, k) * _nearest(gold, rows, k) for rows in _blocks(len(gold)))
    return np.concatenate([share.sum(axis=1) / k for share in both])


def neighbour_overlap_chance(gold: ArrayLike, k: int = 10) -> np.ndarray:
    """Return the expected overlap of neighbours drawn at random, per word: ``k / (words - 1)``.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.neighbour_overlap_chance(np.eye(5), k=2).tolist()
    [0.5, 0.5, 0.5, 0.5, 0.5]
    """
    n = len(matrix(gold))
    check_k(k, n - 1, "the number of other words")
    return np.full(n, k / (n - 1))


def neighbour_overlap_oracle(gold: ArrayLike, k: int = 10) -> np.ndarray:
    """Return the best possible overlap, per word: 1, or less where gold neighbours tie at the k-th place.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.neighbour_overlap_oracle(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), k=1).tolist()
    [1.0, 1.0, 1.0]
    >>> metrics.neighbour_overlap_oracle(np.eye(3), k=1).tolist()  # nobody is nearest
    [0.5, 0.5, 0.5]
    """
    gold = matrix(gold)
    check_k(k, len(gold) - 1, "the number of other words")
    if _by_tree(gold):
        return _directions.overlap_oracle(gold, k)
    near = (_nearest(gold, rows, k) for rows in _blocks(len(gold)))
    return np.concatenate([(top_share(share, k) * share).sum(axis=1) / k for share in near])


def retrieval_at_k(pred: ArrayLike, gold: ArrayLike, k: int = 10) -> np.ndarray:
    """Return whether a word's own gold vector is among the k gold vectors nearest to its prediction.

    Parameters
    ----------
    pred, gold : arrays of shape (words, features)
        The search runs over the gold vectors of *all* words given, the word's own included, as in Derby et
        al. (2019).
    k : int, default=10

    Returns
    -------
    array of shape (words,), from 0 to 1
        1 or 0, or the probability when the own gold vector ties (by cosine) with others at the k-th place.

    Raises
    ------
    ExplaintError
        If k is not between 1 and the number of words.

    Warnings
    --------
    Derby et al. build the test word's search vector from its gold features as well; numbers compare only
    over the same candidates.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.retrieval_at_k(np.array([[2.0, 1.0], [3.0, 1.0]]), np.eye(2), k=1).tolist()
    [1.0, 0.0]
    """
    pred, gold = checked_pair(pred, gold)
    check_k(k, len(gold), "the number of words")
    if _by_tree(pred, gold):
        return _directions.retrieval(pred, gold, k)
    places = []
    for rows in _blocks(len(gold)):
        near = cosines(pred[rows], gold)  # (word, candidate)
        places.append(place_share(near, near[np.arange(len(rows)), rows], k))
    return np.concatenate(places)


def retrieval_chance(gold: ArrayLike, k: int = 10, *, folds: ArrayLike | None = None) -> np.ndarray:
    """Return the chance of a candidate drawn at random, per word: ``k / words``, or ``k`` over the words of its fold.

    Pass `folds` where candidates are the words held out together (`Treatment`).

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.retrieval_chance(np.eye(4), k=1).tolist()
    [0.25, 0.25, 0.25, 0.25]
    >>> metrics.retrieval_chance(np.eye(4), k=1, folds=[0, 0, 1, 1]).tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    n = len(matrix(gold))
    label = np.unique(np.zeros(n) if folds is None else np.asarray(folds), return_inverse=True)[1]
    if label.shape != (n,):
        raise ExplaintError(f"expected one fold for each of {n} words, found shape {label.shape}")
    candidates = np.bincount(label)[label]  # (word,)
    check_k(k, int(candidates.min()), "the number of words" + ("" if folds is None else " of a fold"))
    return k / candidates


def retrieval_oracle(gold: ArrayLike, k: int = 10) -> np.ndarray:
    """Return the best retrieval, per word: 1, or k / b where b > k words have gold of one direction.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.retrieval_oracle(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), k=1).tolist()
    [0.5, 0.5, 1.0]
    """
    gold = matrix(gold)
    check_k(k, len(gold), "the number of words")
    if _by_tree(gold):
        return np.minimum(1.0, k / _directions.alike(gold))
    zero = ~(np.nan_to_num(gold) != 0).any(axis=1)
    equals = []
    for rows in _blocks(len(gold)):
        same = (cosines(gold[rows], gold) >= 1.0) | np.outer(zero[rows], zero)  # and zero vectors alike
        equals.append(same.sum(axis=1))
    return np.minimum(1.0, k / np.maximum(np.concatenate(equals), 1))


def _by_tree(*vectors: np.ndarray) -> bool:
    """Tell whether words are so many, and their vectors so short, that neighbours are looked up in a tree."""
    return len(vectors[0]) > _ONE_BLOCK and Directions.suit(*vectors)


def _blocks(n: int) -> Iterator[np.ndarray]:
    """Yield the words, so many at a time that an array of these by all words stays small."""
    step = n if n <= _ONE_BLOCK else max(1, _ONE_BLOCK**2 // 4 // n)
    for start in range(0, n, step):
        yield np.arange(start, min(start + step, n))


def _nearest(vectors: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """Return the probability of each word to be among the k nearest of the words `rows`, (row, word)."""
    near = cosines(vectors[rows], vectors)
    near[np.arange(len(rows)), rows] = -np.inf
    return top_share(near, k)


def place_share(near: np.ndarray, own: np.ndarray, k: int) -> np.ndarray:
    """Return the probability of each row's own nearness to be among the k largest of the row."""
    above, at = (np.count_nonzero(cells, axis=1) for cells in (near > own[:, None], near == own[:, None]))
    return np.clip((k - above) / at, 0.0, 1.0)


def neighbour_share(near: np.ndarray, k: int) -> np.ndarray:
    """Return the probability of each word to be among the k nearest of each other word; the diagonal is 0."""
    near = near.copy()
    np.fill_diagonal(near, -np.inf)
    return top_share(near, k)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cosine of each row of `a` with each row of `b`.

    Parameters
    ----------
    a, b : arrays of shape (rows, dims) and (candidates, dims)
        NaN is a missing cell; the cosine of two rows is taken over the cells observed in both.

    Returns
    -------
    array of shape (rows, candidates), from -1 to 1
        Rounded to 12 digits, so that equal vectors tie; 0 where a vector is zero.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.cosines(np.array([[3.0, 4.0]]), np.array([[3.0, 4.0], [4.0, -3.0], [0.0, 2.0]])).tolist()
    [[1.0, 0.0, 0.8]]
    """
    products = product(np.nan_to_num(a), np.nan_to_num(b))
    if np.isnan(a).any() or np.isnan(b).any():
        # the squared length of either vector over the features that the other one has observed
        lengths = product(np.nan_to_num(a) ** 2, 1.0 - np.isnan(b)) * product(1.0 - np.isnan(a), np.nan_to_num(b) ** 2)
    else:
        lengths = np.outer((a**2).sum(axis=1), (b**2).sum(axis=1))
    safe = np.where(lengths > 0, lengths, 1.0)
    return rounded(products / np.sqrt(safe))


def rounded(cosine: np.ndarray) -> np.ndarray:
    """Return cosines as they are compared, in the same memory: equal vectors tie."""
    return np.round(np.clip(cosine, -1, 1, out=cosine), DECIMALS, out=cosine)


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return ``a @ b.T``, through a sparse b where that is much cheaper (norms are about 99 % zeros)."""
    if np.count_nonzero(b) < 0.05 * b.size:
        return np.asarray((sparse.csr_array(b) @ a.T).T)
    return a @ b.T


def check_k(k: int, most: int, what: str) -> None:
    """Raise unless 1 <= k <= most."""
    if not 1 <= k <= most:
        raise ExplaintError(f"k must be from 1 to {what} ({most}), got {k}")


def square(near: np.ndarray) -> np.ndarray:
    """Return nearness of words among themselves, or raise."""
    if near.shape[0] != near.shape[1]:
        raise ExplaintError(f"expected nearness of words among themselves (square), found shape {near.shape}")
    return near


register(
    Metric(
        name="neighbour_overlap_at_10",
        label="Neighbour overlap@10",
        header="neighb.\noverlap",
        unit="word",
        score=without_kind(neighbour_overlap_at_k),
        chance=without_kind(neighbour_overlap_chance),
        oracle=without_kind(neighbour_overlap_oracle),
        needs=lambda kind: (K + 2, 1),
        fast=lambda both: both.overlap,
    ),
    Metric(
        name="retrieval_at_10",
        label="Retrieval of the own gold vector@10",
        header="retriev.\n@10",
        unit="word",
        score=without_kind(retrieval_at_k),
        chance=without_kind(retrieval_chance),
        oracle=without_kind(retrieval_oracle),
        needs=lambda kind: (K + 1, 1),
        fast=lambda both: both.retrieval,
    ),
)
