"""Spearman over words, resampled: exact ranks of every bootstrap resample without copying a row.

What it controls for: the words, which are resampled whole, so that features stay as dependent as they are.
What it does not license: an interval for other *features*.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from explaint_lib._common import ExplaintError

_FEW = 32  # up to so many words, sums over the words go through one product of dense matrices
_CELLS = 2**24  # words times resamples at a time: temporary arrays stay below a gigabyte


def mean_spearman_feature(pred: np.ndarray, gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return, for each resample of the words, Spearman's rho over words averaged over the features.

    Exact: a word drawn c times weighs c times, and ranks are the mid-ranks of the resample, as if its rows
    had been copied. With the ranks measured from their mean N/2 (N words drawn), a column's sum of squares is
    (N^3 - sum t^3) / 12 over its groups t of tied words, and the product sum needs only the words whose gold
    value differs from the commonest one: on sparse norms, the few that have the feature.

    Parameters
    ----------
    pred, gold : (n_words, n_features) arrays
        Words whose gold cell is NaN are left out of that feature.
    counts : (n_boot, n_words) array
        How often each word was drawn (`bootstrap_counts`). Rows of ones give the plain score.

    Returns
    -------
    (n_boot,) array
        Features whose gold is constant in a resample are left out of its mean; NaN if all are. A constant
        prediction counts as 0, as in `explaint_lib.metrics`.

    Raises
    ------
    ExplaintError
        If the shapes do not match.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> gold = np.arange(6.0)[:, None]  # (word, feature)
    >>> inference.mean_spearman_feature(gold**2, gold, np.ones((1, 6)))
    array([1.])
    """
    pred, gold = np.asarray(pred, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    if pred.shape != gold.shape or pred.ndim != 2 or counts.ndim != 2 or counts.shape[1] != len(gold):
        raise ExplaintError(
            f"expected pred and gold of one (word, feature) shape and counts (resample, word), found "
            f"{pred.shape}, {gold.shape} and {counts.shape}"
        )
    step = max(_CELLS // max(len(gold), 1), 2)
    blocks = [_mean_spearman(pred, gold, counts[start : start + step]) for start in range(0, len(counts), step)]
    return np.concatenate([np.empty(0), *blocks])


def _mean_spearman(pred: np.ndarray, gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return what `mean_spearman_feature` returns, for few resamples."""
    weights = np.ascontiguousarray(counts.T, dtype=np.float32)  # (n_words, n_boot): sums run along the words
    sums = _sums(weights)
    total, defined = np.zeros(len(counts)), np.zeros(len(counts))
    for p, g in zip(pred.T, gold.T, strict=True):
        there = ~np.isnan(g)
        if there.all():
            rho = _weighted_spearman(p, g, weights, *sums)
        else:
            rho = _weighted_spearman(p[there], g[there], weights[there], *_sums(weights[there]))
        known = ~np.isnan(rho)
        total[known] += rho[known]
        defined += known
    return np.divide(total, defined, out=np.full(len(counts), np.nan), where=defined > 0)


def _weighted_spearman(
    p: np.ndarray, g: np.ndarray, weights: np.ndarray, drawn: np.ndarray, cubes: np.ndarray
) -> np.ndarray:
    """Return Spearman's rho of one feature in every resample; see `mean_spearman_feature` for the algebra.

    p, g: (n,); weights: (n, n_boot) counts; drawn, cubes: (n_boot,) column sums of them and of their cubes; returns
    (n_boot,), NaN where undefined.
    """
    values, group = np.unique(g, return_inverse=True)
    if values.size < 2:
        return np.full(weights.shape[1], np.nan)
    commonest = values[np.bincount(group).argmax()]
    rest = np.flatnonzero(g != commonest)  # (k,)
    w = weights[rest].astype(np.float64)  # (k, n_boot)
    rank_p = _midranks(p, rest, weights).astype(np.float64)  # (k, n_boot)
    rank_g = _midranks(g[rest], np.arange(rest.size), weights[rest]).astype(np.float64)  # among the rest alone
    mode_weight = drawn - w.sum(axis=0)
    above = g[rest] > commonest
    rank_g[above] += mode_weight
    rank_mode = ~above @ w + mode_weight / 2
    rank_p -= drawn / 2
    rank_g -= rank_mode
    # the words at the commonest value share one rank, so their part of the product sum is minus the others'
    product = np.einsum("ij,ij,ij->j", w, rank_p, rank_g)
    square_p = (drawn**3 - _tie_cubes(p, weights, cubes)) / 12
    centre = rank_mode - drawn / 2
    rank_g += centre
    square_g = np.einsum("ij,ij,ij->j", w, rank_g, rank_g) + mode_weight * centre**2
    square = square_p * square_g
    rho = np.divide(product, np.sqrt(square), out=np.zeros_like(square), where=square > 1e-9)
    return np.where(square_g > 1e-9, rho, np.nan)  # a constant prediction orders nothing: 0


def _midranks(values: np.ndarray, at: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mid-ranks (weight below plus half the weight tied) of the words `at`: (k, n_boot).

    values: (n,); at: (k,) rows of it; weights: (n, n_boot).
    """
    if at.size <= _FEW:  # whole and half counts are exact in float32, in any order of summation
        wanted = values[at][:, None]
        return ((values < wanted) + np.float32(0.5) * (values == wanted)).astype(np.float32) @ weights
    order = np.argsort(values, kind="stable")
    first = np.searchsorted(values[order], values[at], side="left")  # (k,) where each word's tie group starts
    after = np.searchsorted(values[order], values[at], side="right")
    bounds = np.unique(np.concatenate([[0], first, after]))  # only here are running sums needed
    inside = bounds[bounds < values.size]
    # a matrix of ones in sorted order: sums the words from each bound to the next without copying their counts
    ones = sparse.csr_array(
        (np.ones(values.size, np.float32), order, np.append(inside, values.size)), shape=(inside.size, values.size)
    )
    sums = np.zeros((bounds.size + 1, weights.shape[1]), dtype=np.float32)  # counts are exact in float32
    sums[1 : inside.size + 1] = ones @ weights
    for row in range(1, len(sums)):  # numpy's own running sum down the rows is four times slower
        np.add(sums[row - 1], sums[row], out=sums[row])
    below = sums[np.searchsorted(bounds, first)].astype(np.float64)
    return (below + sums[np.searchsorted(bounds, after)]) / 2


def _tie_cubes(values: np.ndarray, weights: np.ndarray, cubes: np.ndarray) -> np.ndarray:
    """Return the sum over groups of equal values of (weight of the group)^3: (n_boot,); `cubes` if none are equal."""
    if (np.diff(np.sort(values)) > 0).all():
        return cubes
    order = np.argsort(values, kind="stable")
    new = np.r_[True, np.diff(values[order]) > 0]
    alone = new & np.r_[new[1:], True]
    tied = weights[order[~alone]]  # only these words' cubes change: predictions seldom tie
    return cubes - _cubes(tied) + _cubes(np.add.reduceat(tied, np.flatnonzero(new[~alone]), axis=0))


def _sums(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the column sums of the weights and of their cubes."""
    return weights.sum(axis=0, dtype=np.float64), _cubes(weights)


def _cubes(counts: np.ndarray) -> np.ndarray:
    """Return the column sums of counts^3; single cubes are exact in float32 up to 256, then float64 adds."""
    return np.einsum("ij,ij,ij->j", counts, counts, counts, dtype=np.float64)
