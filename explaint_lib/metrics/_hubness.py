"""Hubs: words that are everyone's neighbour, how to count them, and two corrections of nearness."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata, skew

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._neighbours import check_k, neighbour_share, place_share, square
from explaint_lib.metrics._ties import matrix, top_share


def k_occurrence(near: ArrayLike, k: int = 10, *, own: bool = False) -> np.ndarray:
    """Return in how many lists of k nearest each candidate occurs.

    Parameters
    ----------
    near : array of shape (words, candidates)
        Nearness, larger is nearer (`cosines`, `csls`, `mutual_proximity`).
    k : int, default=10
    own : bool, default=False
        False for nearness among words: the diagonal is left out, a word is no neighbour of itself. True for
        predictions (words) against gold vectors (candidates): the own gold vector is a candidate too.

    Returns
    -------
    array of shape (candidates,)
        Expectation under random breaking of ties; its mean is ``k * words / candidates``.

    Raises
    ------
    ExplaintError
        If k is out of range, or `near` is not square and `own` is False.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> vectors = np.array([[1.0, 0.0], [1.0, 0.2], [1.0, 0.5]])
    >>> metrics.k_occurrence(metrics.cosines(vectors, vectors), k=1).tolist()
    [1.0, 2.0, 0.0]
    """
    near = matrix(near, "near")
    check_k(k, near.shape[1] - (not own), "the number of candidates")
    return (top_share(near, k) if own else neighbour_share(square(near), k)).sum(axis=0)


def hubness(occurrence: ArrayLike) -> float:
    """Return the skewness of k-occurrence: 0 if no candidate is preferred, above 1 with clear hubs.

    Parameters
    ----------
    occurrence : array of shape (candidates,)
        From `k_occurrence`.

    Returns
    -------
    float
        Third standardised moment; 0 where every candidate occurs equally often. A constant prediction, with
        one list for all words, reaches about ``sqrt(candidates / k)``.

    References
    ----------
    Radovanović, Nanopoulos & Ivanović (2010). In mapped spaces: Lazaridou, Dinu & Baroni (2015), who find
    that regression makes hubs, because it shrinks predictions towards their mean.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> round(metrics.hubness([0, 0, 0, 4]), 2), metrics.hubness([1, 1, 1, 1])
    (1.15, 0.0)
    """
    counts = np.asarray(occurrence, dtype=np.float64)
    if counts.ndim != 1 or counts.size < 2:
        raise ExplaintError(f"expected one count a candidate, at least 2, found shape {counts.shape}")
    return float(skew(counts)) if counts.var() > 1e-12 else 0.0  # the skewness of a constant is undefined


def csls(near: ArrayLike, k: int = 10, *, own: bool = False) -> np.ndarray:
    """Correct nearness for hubs: twice the cosine, less how near word and candidate are to everything.

    Parameters
    ----------
    near : array of shape (words, candidates)
        Cosines.
    k : int, default=10
        How many nearest say what "everything" is.
    own : bool, default=False
        As in `k_occurrence`.

    Returns
    -------
    array of shape (words, candidates)
        ``2 near - r_word - r_candidate``, with r the mean of the k nearest on the other side.

    References
    ----------
    Cross-domain similarity local scaling, Conneau et al. (2018).

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> near = np.array([[0.9, 0.8], [0.9, 0.1]])  # both words are nearest to the first candidate
    >>> metrics.csls(near, k=1, own=True).round(1).tolist()
    [[0.0, -0.1], [0.0, -1.5]]
    """
    near = matrix(near, "near")
    check_k(k, min(near.shape) - (not own), "the number of words and of candidates")
    without = near if own else np.where(np.eye(len(square(near)), dtype=bool), -np.inf, near)
    of_word = -np.sort(-without, axis=1)[:, :k].mean(axis=1)  # (word,)
    of_candidate = -np.sort(-without, axis=0)[:k].mean(axis=0)  # (candidate,)
    return 2 * near - of_word[:, None] - of_candidate


def mutual_proximity(near: ArrayLike, *, own: bool = False) -> np.ndarray:
    """Correct nearness for hubs: in what share of either side's lists would the other be nearer than most?

    Parameters
    ----------
    near : array of shape (words, candidates)
    own : bool, default=False
        As in `k_occurrence`; without it the diagonal takes no part and is 1 in the result.

    Returns
    -------
    array of shape (words, candidates), from 0 to 1
        Product of the two ranks: the share of candidates that are farther from the word, times the share of
        words that are farther from the candidate (the independent form).

    References
    ----------
    Schnitzer, Flexer, Schedl & Widmer (2012), empirical distributions.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> near = np.array([[0.9, 0.8], [0.9, 0.1]])  # both words are nearest to the first candidate
    >>> metrics.mutual_proximity(near, own=True).tolist()
    [[0.5, 0.0], [0.5, 0.0]]
    """
    near = matrix(near, "near").copy()
    if not own:
        np.fill_diagonal(square(near), -np.inf)
    lowest = 0 if own else 1  # the diagonal ranks last and is not counted
    rows = (rankdata(near, axis=1) - 1 - lowest) / max(near.shape[1] - 1 - lowest, 1)
    columns = (rankdata(near, axis=0) - 1 - lowest) / max(near.shape[0] - 1 - lowest, 1)
    found = np.round(rows * columns, 12)
    if not own:
        np.fill_diagonal(found, 1.0)
    return found


def retrieval_by(near: ArrayLike, k: int = 10) -> np.ndarray:
    """Return `retrieval_at_k` for nearness (prediction, gold) given as a matrix, under any treatment.

    Parameters
    ----------
    near : array of shape (words, words)
        Larger is nearer: `nearness`, `csls`, `mutual_proximity`. NaN: no candidate of this word.
    k : int, default=10
        From 1 to the smallest number of candidates.

    Returns
    -------
    array of shape (words,), from 0 to 1

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.retrieval_by(np.array([[0.9, 0.8], [0.9, 0.1]]), k=1).tolist()
    [1.0, 0.0]
    """
    near = square(matrix(near, "near"))
    check_k(k, int((~np.isnan(near)).sum(axis=1).min()), "the number of candidates")
    return place_share(near, np.diagonal(near), k)
