"""Tests: permutation p-values, and p-values corrected for a family of tests.

What they control for: the luck of a pairing, and of many tests. What they do not license: a large p is no
evidence of absence (an interval inside the smallest effect of interest is).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.inference._bootstrap import defined

Alternative = Literal["greater", "less", "two-sided"]
SIGN_FLIPS = 9_999  # they cost nothing: no refitting
_CHUNK = 250  # permutations held in memory at once


def permutation_p(observed: float, null: ArrayLike, alternative: Alternative = "greater") -> float:
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

    Examples
    --------
    >>> from explaint_lib import inference
    >>> inference.permutation_p(0.3, null=[0.1, 0.2, 0.25, 0.4])
    0.4
    """
    null = np.asarray(null, dtype=np.float64).ravel()
    if null.size < 1:
        raise ExplaintError("a permutation p needs at least 1 permutation, found 0")
    if np.isnan(observed) or np.isnan(null).any():
        raise ExplaintError("the observed score or a permuted one is undefined (NaN); no p-value can be given")
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
    clusters: Sequence[Any] | None = None,
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
    clusters : sequence of labels, one a word, optional
        Words that are not independent (pairs that share a hypernym, words of a text): their signs flip together.

    Raises
    ------
    ExplaintError
        If the shapes differ, no pair is defined, or no permutation is asked for.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> scores = np.linspace(0, 1, 20)
    >>> inference.paired_permutation_p(scores + 0.1, scores, 99, rng=np.random.default_rng(0))
    0.01
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        raise ExplaintError(f"a paired test needs two scores a word, found shapes {a.shape} and {b.shape}")
    difference = defined(a - b, "paired difference")
    flipped = difference
    if clusters is not None:
        if len(clusters) != a.size:
            raise ExplaintError(f"expected one cluster a word, found {len(clusters)} for {a.size} words")
        kept = np.asarray(clusters)[~np.isnan(a - b)]
        flipped = np.bincount(np.unique(kept, return_inverse=True)[1], weights=difference)  # sum of each cluster
    null = np.empty(max(n_permutations, 0))
    for start in range(0, null.size, _CHUNK):
        flips = rng.integers(0, 2, size=(min(_CHUNK, null.size - start), flipped.size))
        null[start : start + len(flips)] = (2.0 * flips - 1.0) @ flipped / difference.size
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

    Examples
    --------
    >>> from explaint_lib import inference
    >>> gold = np.arange(30.0)
    >>> def agreement(prediction):
    ...     return np.corrcoef(prediction, gold)[0, 1]
    >>> inference.paired_swap_p(gold, np.zeros(30) + gold % 2, agreement, 99, rng=np.random.default_rng(0))
    0.01
    """
    if a.shape != b.shape:
        raise ExplaintError(f"a paired test needs two predictions a word, found shapes {a.shape} and {b.shape}")
    null = np.empty(max(n_permutations, 0))
    for i in range(null.size):
        swap = rng.integers(0, 2, size=len(a)).astype(bool).reshape(-1, *[1] * (a.ndim - 1))
        null[i] = statistic(np.where(swap, b, a)) - statistic(np.where(swap, a, b))
    return permutation_p(statistic(a) - statistic(b), null)


def holm(p_values: ArrayLike) -> np.ndarray:
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

    Examples
    --------
    >>> from explaint_lib import inference
    >>> inference.holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ExplaintError("p-values must be a flat list of numbers between 0 and 1")
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]  # NaN sorts last
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(order.size, 0, -1)))
    return adjusted
