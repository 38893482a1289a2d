"""Where the truth stands in a ranking: top-1 and reciprocal rank with fair ties, and their exact chance.

Ties are counted at their expected value under random tie-breaking, so a constant similarity scores exactly
chance and no score depends on the order of the candidates. What this does not license: a comparison of values
between candidate sets of different size (1 in 12 and 1 in 30,000 are different tasks); compare with chance
first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from explaint_lib._common import ExplaintError


class TruthRanks(NamedTuple):
    """Per item: expected top-1 hit and reciprocal rank, each in [0, 1]; NaN where no candidate is true."""

    top1: np.ndarray
    reciprocal_rank: np.ndarray


@lru_cache(maxsize=4096)
def expected_reciprocal_rank(n_above: int, n_true: int, n_false: int) -> float:
    """Return E[1/rank] of the first true candidate when it is tied with others and ties break at random.

    Parameters
    ----------
    n_above : int
        False candidates strictly more similar than the best true one.
    n_true, n_false : int
        True (at least 1) and false candidates tied at the best true similarity.

    Returns
    -------
    float
        In (0, 1]. With ``n_above=0`` and all candidates tied it is the chance level.

    Raises
    ------
    ExplaintError
        If `n_true` is below 1 or a count is negative.

    Examples
    --------
    >>> from explaint_lib import continuity
    >>> continuity.expected_reciprocal_rank(0, 1, 1)  # first or second, at random
    0.75
    """
    if n_true < 1 or n_above < 0 or n_false < 0:
        raise ExplaintError(
            f"expected at least one true candidate and no negative count, found {n_above=}, {n_true=}, {n_false=}; "
            "leave out items without a true candidate"
        )
    ahead = np.arange(n_false + 1)  # false candidates drawn before the first true one
    # P(ahead >= k): k false draws in a row, without replacement
    steps = (n_false - ahead[:-1]) / (n_false + n_true - ahead[:-1])
    at_least = np.concatenate(([1.0], np.cumprod(steps), [0.0]))
    return float(np.sum((at_least[:-1] - at_least[1:]) / (n_above + 1 + ahead)))


def _expected(n_above: np.ndarray, n_true: np.ndarray, n_false: np.ndarray) -> TruthRanks:
    """Turn counts, each (item,), into expected scores; an item without a true candidate gives NaN."""
    top1 = np.full(n_true.shape, np.nan)
    fine = n_true > 0
    top1[fine] = np.where(n_above[fine] > 0, 0.0, n_true[fine] / (n_true[fine] + n_false[fine]))
    reciprocal = np.where(fine, 1 / (n_above + 1), np.nan)  # what it is without a tie
    tied = fine & (n_false > 0)
    counts, where = np.unique(np.stack((n_above, n_true, n_false), axis=1)[tied], axis=0, return_inverse=True)
    values = np.array([expected_reciprocal_rank(*map(int, row)) for row in counts])
    if values.size:
        reciprocal[tied] = values[where.reshape(-1)]
    return TruthRanks(top1, reciprocal)


def count_true(flags: np.ndarray) -> np.ndarray:
    """Return how many flags (item, candidate) each item has, (item,); many times faster than their sum."""
    return np.fromiter(map(np.count_nonzero, flags), dtype=np.int64, count=len(flags))


def rank_of_truth(
    similarity: np.ndarray,
    is_truth: np.ndarray,
    is_candidate: np.ndarray | None = None,
    *,
    tie_width: float = 1e-6,
) -> TruthRanks:
    """Score each item by where its best true candidate stands among its candidates.

    Parameters
    ----------
    similarity : (item, candidate) array
        Higher is nearer. Finite wherever `is_candidate`.
    is_truth : (item, candidate) bool array
        Several candidates may be true (the same token twice): the best of them counts.
    is_candidate : (item, candidate) bool array, optional
        Default: every column is a candidate of every item.
    tie_width : float
        Similarities closer than this to the best true one count as tied: float32 cosines carry no more.

    Returns
    -------
    TruthRanks
        Two (item,) float64 arrays; NaN for an item none of whose candidates is true.

    Raises
    ------
    ExplaintError
        If the shapes differ.

    Examples
    --------
    >>> from explaint_lib import continuity
    >>> similarity = np.array([[0.9, 0.5, 0.1], [0.3, 0.3, 0.1]])  # (item, candidate)
    >>> ranks = continuity.rank_of_truth(similarity, np.array([[True, False, False]] * 2))
    >>> ranks.top1.tolist(), ranks.reciprocal_rank.tolist()  # the second item is tied with a false candidate
    ([1.0, 0.5], [1.0, 0.75])
    """
    shapes = (similarity.shape, is_truth.shape, similarity.shape if is_candidate is None else is_candidate.shape)
    if len(set(shapes)) > 1:
        raise ExplaintError(
            f"expected three arrays of one shape (item, candidate), found {shapes[0]}, {shapes[1]} and {shapes[2]}; "
            "give each the same items and candidates"
        )
    if is_candidate is not None:
        similarity, is_truth = np.where(is_candidate, similarity, -np.inf), is_truth & is_candidate
    return rank_of_pairs(similarity, *np.nonzero(is_truth), tie_width=tie_width)


def rank_of_pairs(
    similarity: np.ndarray, item: np.ndarray, candidate: np.ndarray, *, tie_width: float = 1e-6
) -> TruthRanks:
    """Score as `rank_of_truth` does, the true pairs given by their indices, since they are few: (pair,) each.

    What is no candidate of an item has the similarity -inf.
    """
    of_true = similarity[item, candidate]
    best = np.full(len(similarity), -np.inf, dtype=np.result_type(similarity, np.float16))
    np.maximum.at(best, item, of_true)
    near, far = best + tie_width, best - tie_width
    n_above = count_true(similarity > near[:, None])  # all of them false: none of the true ones is above the best
    n_true = np.bincount(item[of_true >= far[item]], minlength=len(similarity))
    return _expected(n_above, n_true, count_true(similarity >= far[:, None]) - n_above - n_true)


def chance_of_truth(n_true: np.ndarray, n_candidates: np.ndarray) -> TruthRanks:
    """Return the exact chance of each item: its score when all its candidates are tied.

    Parameters
    ----------
    n_true, n_candidates : (item,) int arrays
        True candidates and all candidates of each item.

    Returns
    -------
    TruthRanks
        Top-1 is ``n_true / n_candidates``; NaN where `n_true` is 0.

    Examples
    --------
    >>> from explaint_lib import continuity
    >>> continuity.chance_of_truth(np.array([1, 2]), np.array([4, 4])).top1.tolist()
    [0.25, 0.5]
    """
    n_true, n_candidates = np.asarray(n_true), np.asarray(n_candidates)
    return _expected(np.zeros_like(n_true), n_true, n_candidates - n_true)
