"""Bootstrap over words: intervals of means and of clustered means.

What it controls for: which words were drawn. What it does not license: an interval around a biased score is a
precise statement of the wrong thing, and none of them covers another model, seed or set of features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError

_CHUNK = 250  # resamples drawn at once


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

    Examples
    --------
    >>> from explaint_lib import inference
    >>> counts = inference.bootstrap_counts(4, 3, rng=np.random.default_rng(0))
    >>> counts.shape, counts.sum(axis=1).tolist()
    ((3, 4), [4.0, 4.0, 4.0])
    """
    if n_units < 2:
        raise ExplaintError(f"an interval needs at least 2 words with a defined score, found {n_units}")
    if n_boot < 1:
        raise ExplaintError(f"the bootstrap needs at least 1 resample, found {n_boot}")
    counts = np.empty((n_boot, n_units), dtype=np.float32)
    for start in range(0, n_boot, _CHUNK):
        block = counts[start : start + _CHUNK]
        drawn = rng.integers(n_units, size=block.shape) + n_units * np.arange(len(block))[:, None]
        block[:] = np.bincount(drawn.ravel(), minlength=block.size).reshape(block.shape)
    return counts


def bootstrap_ci(
    per_unit: np.ndarray,
    n_boot: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean score, words resampled with replacement.

    Parameters
    ----------
    per_unit : (n_words,) array
        One score a word; NaN (undefined for this word) is left out.
    n_boot : int
        Number of resamples, at least 1; below a few hundred the ends of a 95 % interval are rough.
    rng : numpy.random.Generator
    level : float, in (0, 1)

    Returns
    -------
    low, high : float

    Raises
    ------
    ExplaintError
        With fewer than 2 defined scores, or fewer than 1 resample.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> scores = np.linspace(0, 1, 50)
    >>> low, high = inference.bootstrap_ci(scores, 2000, rng=np.random.default_rng(0))
    >>> print(f"{low:.1f} to {high:.1f}")
    0.4 to 0.6
    """
    scores = defined(per_unit, "score")
    counts = bootstrap_counts(scores.size, n_boot, rng=rng)
    return percentile_interval(counts @ scores / scores.size, level)


def cluster_bootstrap_ci(
    per_unit: np.ndarray,
    clusters: Sequence[Any],
    n_boot: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean score, whole clusters resampled with replacement.

    For scores that share something (pairs with the same hypernym, words of one category): resampling the
    single scores would treat them as independent and give an interval that is too narrow.

    Parameters
    ----------
    per_unit : (n,) array
        One score a unit; NaN is left out.
    clusters : sequence of n labels
    n_boot, rng, level
        As in `bootstrap_ci`.

    Returns
    -------
    low, high : float

    Raises
    ------
    ExplaintError
        If the labels do not match the scores, or fewer than 2 clusters hold a defined score.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> scores = np.repeat(np.linspace(0, 1, 10), 5)  # five equal scores in each of ten clusters
    >>> clusters = np.repeat(np.arange(10), 5)
    >>> low, high = inference.cluster_bootstrap_ci(scores, clusters, 2000, rng=np.random.default_rng(0))
    >>> print(f"{low:.1f} to {high:.1f}")
    0.3 to 0.7
    """
    scores = np.asarray(per_unit, dtype=np.float64)
    if scores.ndim != 1 or len(clusters) != scores.size:
        raise ExplaintError(f"expected one cluster label a score, found {len(clusters)} for shape {scores.shape}")
    defined = ~np.isnan(scores)
    codes = np.unique(np.asarray(clusters)[defined], return_inverse=True)[1]
    totals = np.bincount(codes, weights=scores[defined])  # (n_clusters,)
    sizes = np.bincount(codes).astype(np.float64)  # (n_clusters,)
    counts = bootstrap_counts(sizes.size, n_boot, rng=rng)
    return percentile_interval((counts @ totals) / (counts @ sizes), level)


def percentile_interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return the central interval of bootstrap draws that holds the share `level` of them.

    Raises
    ------
    ExplaintError
        Without a draw, or with a level outside (0, 1).

    Examples
    --------
    >>> from explaint_lib import inference
    >>> low, high = inference.percentile_interval(np.arange(101), level=0.9)
    >>> print(f"{low:.0f} to {high:.0f}")
    5 to 95
    """
    if not 0 < level < 1:
        raise ExplaintError(f"the level of an interval must lie between 0 and 1, found {level}")
    low, high = np.quantile(defined(draws, "bootstrap draw"), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def defined(values: np.ndarray, what: str) -> np.ndarray:
    """Return the values that are not NaN, at least one."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1:
        raise ExplaintError(f"expected one {what} a word in one dimension, found shape {values.shape}")
    values = values[~np.isnan(values)]
    if values.size == 0:
        raise ExplaintError(f"no {what} is defined: all are NaN, or there is none")
    return values
