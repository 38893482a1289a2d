"""Intervals, tests and effect sizes of scores: how far would a number move with other words, or by luck?

The unit is the word. Cells of a word x feature matrix are not independent, so nothing here resamples cells; a
score per feature (Spearman over words) is recomputed exactly for every resample of the *words*.

What it controls for: the sampling of words (bootstrap), the luck of a pairing (permutation), several tests at
once (Holm, Benjamini-Hochberg). What it does not license: none of it covers another model, another seed,
another set of features or other folds; a large p is no evidence of absence (`equivalence` is the test for
that); and an interval around a biased score is a precise statement of the wrong thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from explaint_lib._common import ExplaintError

__all__ = [
    "Equivalence",
    "benjamini_hochberg",
    "bootstrap_ci",
    "bootstrap_counts",
    "bootstrap_spearman_feature",
    "cliffs_delta",
    "cluster_bootstrap_ci",
    "equivalence",
    "holm",
    "mean_spearman_feature",
    "paired_permutation_p",
    "paired_swap_p",
    "percentile_interval",
    "permutation_p",
]

Method = Literal["percentile", "bca"]
Alternative = Literal["greater", "less", "two-sided"]
_CHUNK = 250  # resamples held in memory at once


# --- bootstrap ----------------------------------------------------------------------------------------------


def bootstrap_counts(n_units: int, n_boot: int, *, rng: np.random.Generator) -> np.ndarray:
    """Draw bootstrap resamples as counts: how often each unit occurs in each resample.

    Parameters
    ----------
    n_units : int
        Number of units (words, or clusters), at least 2.
    n_boot : int
        Number of resamples, at least 1.
    rng : numpy.random.Generator

    Returns
    -------
    (n_boot, n_units) float32 array
        Whole numbers; every row sums to `n_units`. (float32 holds sums of counts exactly up to 16 million.)

    Raises
    ------
    ExplaintError
        With fewer than 2 units (one word has no spread to resample) or fewer than 1 resample.
    """
    if n_units < 2:
        raise ExplaintError(f"an interval needs at least 2 words with a defined score, found {n_units}")
    if n_boot < 1:
        raise ExplaintError(f"the bootstrap needs at least 1 resample, found {n_boot}")
    counts = np.empty((n_boot, n_units), dtype=np.float32)
    for row in counts:
        row[:] = np.bincount(rng.integers(n_units, size=n_units), minlength=n_units)
    return counts


def bootstrap_ci(
    per_unit: np.ndarray,
    n_boot: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    method: Method = "percentile",
) -> tuple[float, float]:
    """Return the bootstrap interval of a mean score, words resampled with replacement.

    Parameters
    ----------
    per_unit : (n_words,) array
        One score a word; NaN (undefined for this word) is left out.
    n_boot : int
        Number of resamples, at least 1; below a few hundred the ends of a 95 % interval are rough.
    rng : numpy.random.Generator
    level : float, in (0, 1)
    method : "percentile" or "bca"
        BCa corrects the percentile interval for bias and for a spread that changes with the mean (Efron
        1987).

    Returns
    -------
    low, high : float

    Raises
    ------
    ExplaintError
        With fewer than 2 defined scores, or fewer than 1 resample.
    """
    scores = _defined(per_unit, "score")
    counts = bootstrap_counts(scores.size, n_boot, rng=rng)
    means = counts @ scores / scores.size  # (n_boot,)
    jackknife = (scores.sum() - scores) / (scores.size - 1)
    return _interval(means, scores.mean(), jackknife, level, method)


def cluster_bootstrap_ci(
    per_unit: np.ndarray,
    clusters: Sequence,
    n_boot: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    method: Method = "percentile",
) -> tuple[float, float]:
    """Return the bootstrap interval of a mean score, whole clusters resampled with replacement.

    For scores that share something (pairs with the same hypernym, words of one category): resampling the
    single scores would treat them as independent and give an interval that is too narrow.

    Parameters
    ----------
    per_unit : (n,) array
        One score a unit; NaN is left out.
    clusters : sequence of n labels
    n_boot, rng, level, method
        As in `bootstrap_ci`; BCa leaves out one cluster at a time.

    Returns
    -------
    low, high : float

    Raises
    ------
    ExplaintError
        If the labels do not match the scores, or fewer than 2 clusters hold a defined score.
    """
    scores = np.asarray(per_unit, dtype=np.float64)
    if scores.ndim != 1 or len(clusters) != scores.size:
        raise ExplaintError(
            f"expected one cluster label a score, found {len(clusters)} for shape {scores.shape}"
        )
    defined = ~np.isnan(scores)
    codes = np.unique(np.asarray(clusters)[defined], return_inverse=True)[1]
    totals = np.bincount(codes, weights=scores[defined])  # (n_clusters,)
    sizes = np.bincount(codes).astype(np.float64)  # (n_clusters,)
    counts = bootstrap_counts(sizes.size, n_boot, rng=rng)
    means = (counts @ totals) / (counts @ sizes)  # (n_boot,)
    jackknife = (totals.sum() - totals) / (sizes.sum() - sizes)
    return _interval(means, totals.sum() / sizes.sum(), jackknife, level, method)


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
        Features whose rho is undefined in a resample (constant there) are left out of its mean; NaN if all
        are.

    Raises
    ------
    ExplaintError
        If the shapes do not match.
    """
    pred, gold = np.asarray(pred, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    if pred.shape != gold.shape or pred.ndim != 2 or counts.ndim != 2 or counts.shape[1] != len(gold):
        raise ExplaintError(
            f"expected pred and gold of one (word, feature) shape and counts (resample, word), found "
            f"{pred.shape}, {gold.shape} and {counts.shape}"
        )
    weights = np.ascontiguousarray(counts.T, dtype=np.float32)  # (n_words, n_boot): sums run along the words
    total, defined = np.zeros(len(counts)), np.zeros(len(counts))
    for p, g in zip(pred.T, gold.T, strict=True):
        there = ~np.isnan(g)
        rho = _weighted_spearman(p[there], g[there], weights if there.all() else weights[there])
        known = ~np.isnan(rho)
        total[known] += rho[known]
        defined += known
    return np.divide(total, defined, out=np.full(len(counts), np.nan), where=defined > 0)


def bootstrap_spearman_feature(
    pred: np.ndarray,
    gold: np.ndarray,
    n_boot: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    method: Method = "percentile",
) -> tuple[float, float]:
    """Return the bootstrap interval, over *words*, of the mean over features of Spearman's rho.

    Parameters
    ----------
    pred, gold : (n_words, n_features) arrays
        NaN in `gold` is missing.
    n_boot, rng, level, method
        As in `bootstrap_ci`.

    Returns
    -------
    low, high : float

    Raises
    ------
    ExplaintError
        With fewer than 2 words, fewer than 1 resample, or no feature whose rho is defined.

    Warnings
    --------
    A resample repeats words, and features named by one or two words drop out of some resamples; with many
    such features the percentile interval is not centred on the score.
    """
    n_words = len(gold)
    draws = mean_spearman_feature(pred, gold, bootstrap_counts(n_words, n_boot, rng=rng))
    observed = mean_spearman_feature(pred, gold, np.ones((1, n_words)))[0]
    if np.isnan(observed):
        raise ExplaintError(
            "Spearman over words is undefined for every feature: each is constant, predicted or gold"
        )
    # leaving out one word is a resample too, so BCa costs n_words further resamples
    jackknife = mean_spearman_feature(pred, gold, 1 - np.eye(n_words)) if method == "bca" else np.zeros(2)
    return _interval(draws[~np.isnan(draws)], observed, jackknife[~np.isnan(jackknife)], level, method)


def percentile_interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return the central interval of bootstrap draws that holds the share `level` of them.

    Raises
    ------
    ExplaintError
        Without a draw, or with a level outside (0, 1).
    """
    draws = _defined(draws, "bootstrap draw")
    return _interval(draws, 0.0, draws, level, "percentile")


class Equivalence(NamedTuple):
    """Outcome of an equivalence test: whether the interval ``(low, high)`` lies inside the margin."""

    equivalent: bool
    low: float
    high: float


def equivalence(
    differences: np.ndarray, margin: float, n_boot: int, *, rng: np.random.Generator, alpha: float = 0.05
) -> Equivalence:
    """Test that a mean paired difference is *practically zero*: two one-sided tests by bootstrap interval.

    "No difference" is claimed when the whole (1 - 2 alpha) interval lies inside (-margin, margin). A large p
    of an ordinary test claims nothing.

    Parameters
    ----------
    differences : (n_words,) array
        Score of one condition minus that of the other, word by word; NaN is left out.
    margin : float > 0
        The smallest difference of interest, in the unit of the score. Fix it before looking at the data.
    n_boot : int
    rng : numpy.random.Generator
    alpha : float
        Level of each one-sided test; .05 gives the usual 90 % interval.

    Returns
    -------
    Equivalence
        ``equivalent`` is False both when a difference is shown and when the data are too few: read the
        interval.

    Raises
    ------
    ExplaintError
        If the margin is not positive, or fewer than 2 differences are defined.

    References
    ----------
    Schuirmann (1987), two one-sided tests.
    """
    if not margin > 0:
        raise ExplaintError(f"the margin (smallest difference of interest) must be above 0, found {margin}")
    low, high = bootstrap_ci(differences, n_boot, rng=rng, level=1 - 2 * alpha)
    return Equivalence(bool(-margin < low and high < margin), low, high)


# --- tests --------------------------------------------------------------------------------------------------


def permutation_p(observed: float, null: np.ndarray, alternative: Alternative = "greater") -> float:
    """Return the permutation p-value (1 + b) / (1 + B): b of B null scores are as extreme as the observed.

    The observed arrangement is one of the possible ones, so p is never 0: B permutations cannot show less
    than 1 / (1 + B) (Phipson & Smyth 2010).

    Parameters
    ----------
    observed : float
    null : (B,) array
        The same statistic on B permuted data sets.
    alternative : "greater", "less" or "two-sided"
        Two-sided is twice the smaller one-sided p, at most 1; it needs no null centred on 0.

    Raises
    ------
    ExplaintError
        Without a null score, or with an undefined (NaN) one or observation.
    """
    null = np.asarray(null, dtype=np.float64).ravel()
    if null.size < 1:
        raise ExplaintError("a permutation p needs at least 1 permutation, found 0")
    if np.isnan(observed) or np.isnan(null).any():
        raise ExplaintError(
            "the observed score or a permuted one is undefined (NaN); no p-value can be given"
        )
    slack = 1e-12 * max(1.0, abs(observed))  # the same sum in another order must count as a tie
    above = (1 + np.count_nonzero(null >= observed - slack)) / (1 + null.size)
    below = (1 + np.count_nonzero(null <= observed + slack)) / (1 + null.size)
    if alternative not in ("greater", "less", "two-sided"):
        raise ExplaintError(f"alternative must be 'greater', 'less' or 'two-sided', found {alternative!r}")
    return float({"greater": above, "less": below, "two-sided": min(1.0, 2 * min(above, below))}[alternative])


def paired_permutation_p(
    a: np.ndarray,
    b: np.ndarray,
    n_permutations: int,
    *,
    rng: np.random.Generator,
    alternative: Alternative = "greater",
) -> float:
    """Return the p-value of a mean difference ``a - b``, its signs flipped at random word by word.

    The null: a word's two scores are exchangeable (their difference is symmetric around 0).

    Parameters
    ----------
    a, b : (n_words,) arrays
        Scores of two conditions for the same words (same folds); a word undefined (NaN) in either is left
        out.
    n_permutations : int, at least 1
    rng : numpy.random.Generator
    alternative : "greater" (a above b), "less" or "two-sided"

    Raises
    ------
    ExplaintError
        If the shapes differ, no pair is defined, or no permutation is asked for.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        raise ExplaintError(f"a paired test needs two scores a word, found shapes {a.shape} and {b.shape}")
    difference = _defined(a - b, "paired difference")
    null = np.empty(max(n_permutations, 0))
    for start in range(0, null.size, _CHUNK):
        flips = rng.integers(0, 2, size=(min(_CHUNK, null.size - start), difference.size))
        null[start : start + len(flips)] = (2.0 * flips - 1.0) @ difference / difference.size
    return permutation_p(difference.mean(), null, alternative)


def paired_swap_p(
    a: np.ndarray,
    b: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    n_permutations: int,
    *,
    rng: np.random.Generator,
) -> float:
    """Return the p-value of ``statistic(a) - statistic(b)``, rows of the two swapped at random word by word.

    For scores that have no value per word (Spearman over words), where signs of differences cannot be
    flipped: each permutation exchanges the two predictions of a random half of the words and scores both
    anew.

    Parameters
    ----------
    a, b : (n_words, ...) arrays
        Two predictions for the same words.
    statistic : function of such an array
    n_permutations : int, at least 1
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        If the shapes differ, no permutation is asked for or the statistic is undefined.
    """
    if a.shape != b.shape:
        raise ExplaintError(
            f"a paired test needs two predictions a word, found shapes {a.shape} and {b.shape}"
        )
    null = np.empty(max(n_permutations, 0))
    for i in range(null.size):
        swap = rng.integers(0, 2, size=len(a)).astype(bool).reshape(-1, *[1] * (a.ndim - 1))
        null[i] = statistic(np.where(swap, b, a)) - statistic(np.where(swap, a, b))
    return permutation_p(statistic(a) - statistic(b), null)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return Holm's adjusted p-values, which bound the chance of *any* false find in the family.

    Parameters
    ----------
    p_values : sequence of m numbers in [0, 1]
        The whole family; NaN (no test made) stays NaN and does not count.

    Returns
    -------
    (m,) array in the order given

    Raises
    ------
    ExplaintError
        If a p-value is outside [0, 1].
    """
    p, order = _sorted_p(p_values)
    adjusted = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(order.size, 0, -1)))
    return _unsorted(adjusted, order, p)


def benjamini_hochberg(p_values: Sequence[float]) -> np.ndarray:
    """Return Benjamini-Hochberg adjusted p-values, which bound the expected *share* of false finds.

    Parameters and errors as `holm`. For long lists (one test a feature) where some false finds are tolerable.
    """
    p, order = _sorted_p(p_values)
    scaled = p[order] * order.size / np.arange(1, order.size + 1)
    adjusted = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return _unsorted(adjusted, order, p)


def cliffs_delta(a: np.ndarray, b: np.ndarray) -> float:
    """Return Cliff's delta, P(a > b) - P(a < b) over all pairs: an effect size that needs no unit.

    Returns
    -------
    float in [-1, 1]
        0 = no tendency. ``(delta + 1) / 2`` is the AUC (the probability that a value of `a` exceeds one of
        `b`).

    Raises
    ------
    ExplaintError
        If either side has no defined (non-NaN) value.
    """
    a, b = _defined(a, "value"), _defined(b, "value")
    ranks = stats.rankdata(np.concatenate([a, b]))
    u = ranks[: a.size].sum() - a.size * (a.size + 1) / 2  # Mann-Whitney
    return float(2 * u / (a.size * b.size) - 1)


# --- inner workings -----------------------------------------------------------------------------------------


def _defined(values: np.ndarray, what: str) -> np.ndarray:
    """Return the values that are not NaN, at least one."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1:
        raise ExplaintError(f"expected one {what} a word in one dimension, found shape {values.shape}")
    values = values[~np.isnan(values)]
    if values.size == 0:
        raise ExplaintError(f"no {what} is defined: all are NaN, or there is none")
    return values


def _interval(
    draws: np.ndarray, observed: float, jackknife: np.ndarray, level: float, method: Method
) -> tuple[float, float]:
    """Return the percentile or BCa interval of bootstrap `draws`."""
    if not 0 < level < 1:
        raise ExplaintError(f"the level of an interval must lie between 0 and 1, found {level}")
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca":
        ends = _bca_ends(ends, draws, observed, jackknife)
    elif method != "percentile":
        raise ExplaintError(f"method must be 'percentile' or 'bca', found {method!r}")
    low, high = np.quantile(draws, ends)
    return float(low), float(high)


def _bca_ends(ends: np.ndarray, draws: np.ndarray, observed: float, jackknife: np.ndarray) -> np.ndarray:
    """Shift the two quantiles for bias (z0) and acceleration; Efron (1987), as in `scipy.stats.bootstrap`."""
    centred = jackknife.mean() - jackknife
    spread = (centred**2).sum()
    if spread == 0 or np.ptp(draws) == 0:
        return ends  # every word scores the same: nothing to correct
    share = ((draws < observed).mean() + (draws <= observed).mean()) / 2
    z0 = stats.norm.ppf(np.clip(share, 1 / (draws.size + 1), 1 - 1 / (draws.size + 1)))
    acceleration = (centred**3).sum() / (6 * spread**1.5)
    z = z0 + stats.norm.ppf(ends)
    return stats.norm.cdf(z0 + z / (1 - acceleration * z))


def _weighted_spearman(p: np.ndarray, g: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return Spearman's rho of one feature in every resample; see `mean_spearman_feature` for the algebra.

    p, g: (n,); weights: (n, n_boot) counts; returns (n_boot,), NaN where undefined.
    """
    values, group = np.unique(g, return_inverse=True)
    undefined = np.full(weights.shape[1], np.nan)
    if values.size < 2:
        return undefined
    commonest = values[np.bincount(group).argmax()]
    rest = np.flatnonzero(g != commonest)  # (k,)
    w = weights[rest].astype(np.float64)  # (k, n_boot)
    drawn = weights.sum(axis=0, dtype=np.float64)  # (n_boot,)
    rank_p = _midranks(p, rest, weights)  # (k, n_boot)
    rank_g = _midranks(g[rest], np.arange(rest.size), weights[rest])  # among the rest alone
    mode_weight = drawn - w.sum(axis=0)
    rank_g += np.outer(g[rest] > commonest, mode_weight)
    rank_mode = (g[rest] < commonest) @ w + mode_weight / 2
    # the words at the commonest value share one rank, so their part of the product sum is minus the others'
    product = (w * (rank_p - drawn / 2) * (rank_g - rank_mode)).sum(axis=0)
    square_p = (drawn**3 - _tie_cubes(p, weights)) / 12
    square_g = (w * (rank_g - drawn / 2) ** 2).sum(axis=0) + mode_weight * (rank_mode - drawn / 2) ** 2
    square = square_p * square_g
    return np.divide(product, np.sqrt(square), out=undefined, where=square > 1e-9)


def _midranks(values: np.ndarray, at: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mid-ranks (weight below plus half the weight tied) of the words `at`: (k, n_boot).

    values: (n,); at: (k,) rows of it; weights: (n, n_boot).
    """
    order = np.argsort(values, kind="stable")
    first = np.searchsorted(values[order], values[at], side="left")  # (k,) where each word's tie group starts
    after = np.searchsorted(values[order], values[at], side="right")
    bounds = np.unique(np.concatenate([[0], first, after]))  # only here are running sums needed
    sums = np.zeros((bounds.size + 1, weights.shape[1]), dtype=np.float32)  # counts are exact in float32
    inside = bounds[bounds < values.size]
    sums[1 : inside.size + 1] = _segment_sums(weights[order], inside)
    for row in range(1, len(sums)):  # numpy's own running sum down the rows is four times slower
        np.add(sums[row - 1], sums[row], out=sums[row])
    below = sums[np.searchsorted(bounds, first)].astype(np.float64)
    return (below + sums[np.searchsorted(bounds, after)]) / 2


def _tie_cubes(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the sum over groups of equal values of (weight of the group)^3: (n_boot,)."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) > 0])
    return _cubes(weights if starts.size == values.size else np.add.reduceat(weights[order], starts, axis=0))


def _cubes(counts: np.ndarray) -> np.ndarray:
    """Return the column sums of counts^3; single cubes are exact in float32 up to 256, then float64 adds."""
    return np.einsum("ij,ij,ij->j", counts, counts, counts, dtype=np.float64)


def _segment_sums(rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the sums of the rows from each start to the next; the rows themselves if each is a start."""
    return rows if starts.size == len(rows) else np.add.reduceat(rows, starts, axis=0)


def _sorted_p(p_values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the p-values and the positions of the defined ones in rising order."""
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ExplaintError("p-values must be a flat list of numbers between 0 and 1")
    order = np.argsort(p, kind="stable")
    return p, order[: np.count_nonzero(~np.isnan(p))]  # NaN sorts last


def _unsorted(adjusted: np.ndarray, order: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Put adjusted p-values back into the order they came in, NaN where there was none."""
    out = np.full(p.shape, np.nan)
    out[order] = adjusted
    return out
