"""Representational similarity: are two spaces shaped alike, and is anything left once the category is known?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from explaint_lib._common import ExplaintError


def rsa(
    near: ArrayLike, gold_near: ArrayLike, *, given: Sequence[ArrayLike] = (), counts: ArrayLike | None = None
) -> np.ndarray:
    """Return Spearman's correlation of two nearness matrices over pairs of words, others partialled out.

    Parameters
    ----------
    near, gold_near : arrays of shape (words, words)
        Symmetric nearness (or distance) of the words in two spaces; the upper triangle is read.
    given : sequence of arrays of shape (words, words)
        What to partial out: same category (0 or 1), difference in frequency or length, nearness of another
        model. All are ranked, and the ranks of both sides regressed on theirs.
    counts : array of shape (resamples, words), optional
        How often each word was drawn (`explaint_lib.inference.bootstrap_counts`). A pair of words i, j weighs
        counts_i x counts_j; a word is never paired with its own copy, whose nearness of 1 would inflate the
        agreement. Ranks and regressions are those of the full sample.

    Returns
    -------
    array of shape (resamples,), from -1 to 1; of shape () without `counts`
        0 if the geometry of the one says nothing about the other beyond `given`.

    Raises
    ------
    ExplaintError
        If shapes differ, there are fewer than 3 words, or a side is constant.

    Warnings
    --------
    Pairs are not independent: take p from `rsa_null`, which permutes words, and intervals from `counts`.
    Without `given`, norms and embeddings agree as soon as both know the categories.

    References
    ----------
    Kriegeskorte, Mur & Bandettini (2008).

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> near = np.corrcoef(np.random.default_rng(0).random((5, 8)))
    >>> metrics.rsa(near, near**3).round(2).item()
    1.0
    """
    a, b = _residuals(near, gold_near, given)
    n = len(np.asarray(near))
    if counts is None:
        return np.asarray(float(a @ b / np.sqrt((a @ a) * (b @ b))))
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[1] != n:
        raise ExplaintError(f"expected counts of shape (resamples, {n}), found {counts.shape}")
    # every weighted sum over pairs is a quadratic form in the counts: c' M c, with M upper triangular
    total, sum_a, sum_b, sum_ab, sum_aa, sum_bb = (
        np.einsum("bi,bi->b", counts @ _upper(values, n), counts)
        for values in (np.ones(a.size), a, b, a * b, a * a, b * b)
    )
    covariance = sum_ab - sum_a * sum_b / total
    return covariance / np.sqrt((sum_aa - sum_a**2 / total) * (sum_bb - sum_b**2 / total))


def rsa_null(
    near: ArrayLike,
    gold_near: ArrayLike,
    n_permutations: int,
    *,
    given: Sequence[ArrayLike] = (),
    within: Sequence | None = None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return `rsa` for permutations of the words of `near` (Mantel): rows and columns move together.

    Parameters
    ----------
    near, gold_near, given
        As in `rsa`.
    n_permutations : int, at least 1
    within : sequence, one label a word, optional
        Permute only inside groups. **Pass the categories when they are partialled out**: a free permutation
        also breaks the tie between `near` and the category, and its null is then too narrow.
    rng : numpy.random.Generator

    Returns
    -------
    array of shape (n_permutations,)
        Pass it to `explaint_lib.inference.permutation_p`.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> near = np.corrcoef(np.random.default_rng(0).random((6, 8)))
    >>> null = metrics.rsa_null(near, near, 20, rng=np.random.default_rng(1))
    >>> null.shape, bool(np.median(null) < 0.5)
    ((20,), True)
    """
    if n_permutations < 1:
        raise ExplaintError(f"a null needs at least 1 permutation, found {n_permutations}")
    _residuals(near, gold_near, given)  # checks
    ranks = _square_ranks(np.asarray(near, dtype=np.float64))
    n = len(ranks)
    upper = np.triu_indices(n, 1)
    basis = _basis(given, upper)
    gold = _centred_ranks(np.asarray(gold_near, dtype=np.float64)[upper])
    gold = gold - basis @ (basis.T @ gold)
    gold /= np.linalg.norm(gold)
    groups = [np.arange(n)] if within is None else _groups(within, n)
    out = np.empty(n_permutations)
    for i in range(n_permutations):
        order = np.arange(n)
        for rows in groups:
            order[rows] = rng.permutation(rows)
        moved = ranks[np.ix_(order, order)][upper]
        explained = basis.T @ moved
        out[i] = moved @ gold / np.sqrt(max(moved @ moved - explained @ explained, 1e-300))
    return out


def same_group(groups: Sequence) -> np.ndarray:
    """Return the (words, words) matrix that is 1 where two words share a group; None shares with nobody.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.same_group(["bird", "bird", None]).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    labels = np.unique([str(group) for group in groups], return_inverse=True)[1]
    known = np.array([group is not None for group in groups])
    return ((labels[:, None] == labels) & np.outer(known, known)).astype(np.float64)


def _residuals(near: ArrayLike, gold_near: ArrayLike, given: Sequence[ArrayLike]) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks of both sides over pairs, (pair,), less what is explained by the ranks of `given`."""
    sides = [np.asarray(side, dtype=np.float64) for side in (near, gold_near, *given)]
    shapes = {side.shape for side in sides}
    if len(shapes) > 1 or sides[0].ndim != 2 or sides[0].shape[0] != sides[0].shape[1] or len(sides[0]) < 3:
        raise ExplaintError(f"expected (words, words) matrices of at least 3 words, found shapes {sorted(shapes)}")
    upper = np.triu_indices(len(sides[0]), 1)
    basis = _basis(given, upper)
    out = []
    for side in sides[:2]:
        if not np.isfinite(side[upper]).all():
            raise ExplaintError("nearness holds NaN or infinity; `metrics.cosines` masks missing cells")
        ranks = _centred_ranks(side[upper])
        rest = ranks - basis @ (basis.T @ ranks)
        if rest @ rest <= 1e-12 * max(ranks @ ranks, 1.0):
            raise ExplaintError("nearness is constant over the pairs of words, or nothing is left of it given the rest")
        out.append(rest)
    return out[0], out[1]


def _basis(given: Sequence[ArrayLike], upper: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return an orthonormal basis of the centred ranks of `given`, (pair, r)."""
    columns = [_centred_ranks(np.asarray(side, dtype=np.float64)[upper]) for side in given]
    if not columns:
        return np.empty((upper[0].size, 0))
    left, values, _ = np.linalg.svd(np.column_stack(columns), full_matrices=False)
    return left[:, values > 1e-10 * max(values.max(), 1e-300)]


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    return rankdata(values) - (values.size + 1) / 2


def _square_ranks(near: np.ndarray) -> np.ndarray:
    upper = np.triu_indices(len(near), 1)
    ranks = np.zeros(near.shape)
    ranks[upper] = _centred_ranks(near[upper])
    return ranks + ranks.T


def _upper(values: np.ndarray, n: int) -> np.ndarray:
    """Return a strictly upper triangular (n, n) matrix of the values of the pairs."""
    out = np.zeros((n, n))
    out[np.triu_indices(n, 1)] = values
    return out


def _groups(within: Sequence, n: int) -> list[np.ndarray]:
    if len(within) != n:
        raise ExplaintError(f"expected a group for each of {n} words, found {len(within)}")
    rows_of: dict[object, list[int]] = {}
    for row, group in enumerate(within):
        rows_of.setdefault(group, []).append(row)
    return [np.array(rows) for rows in rows_of.values()]
