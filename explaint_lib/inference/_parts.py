"""What a score is made of, and what data of this reliability allow: decomposition, normalised score, noise ceilings.

What it controls for: all parts come from the same words and the same resamples, so they add up exactly and
their intervals are joint. What it does not license: the parts depend on the order of the ladder and on how
good each null is; "rest" is what these nulls leave, not proof of knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.inference._bootstrap import bootstrap_counts, percentile_interval


def decomposition(ladder: Mapping[str, np.ndarray], *, n_boot: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Split a score into the steps of a ladder of nulls, each of which keeps more than the one before.

    For instance base rate (mean profile), taxonomy (permuted within categories), similarity (neighbours
    swapped), rest (system): score = base rate + (taxonomy - base rate) + ... + (system - last null).

    Parameters
    ----------
    ladder : mapping of a part's name to an (n_words,) array
        In rising order of what is kept; the last is the system. One score a word, for the same words on the
        same folds, a null's averaged over its draws. Words with NaN in any are left out of all.
    n_boot : int
        Resamples of the words, the same for every part.
    rng : numpy.random.Generator

    Returns
    -------
    list of dict, one a part
        ``part, level`` (mean score of that rung), ``value`` (what the rung adds; for the first its own level),
        ``ci_low, ci_high``, ``share`` (of the system's lead over the first rung; None for the first and
        without a lead),
        ``share_low, share_high``. Values add up to the system's score.

    Raises
    ------
    ExplaintError
        With fewer than 2 rungs, unequal lengths or fewer than 2 words scored in all.

    Warnings
    --------
    A part can be negative: a null may beat the one below it by nothing, or a weak null lie under the mean
    profile. A share is a ratio: where the lead is not clear of 0 its interval runs to anything, and it hides how
    large the lead is. Print the levels.
    """
    names = list(ladder)
    if len(names) < 2:
        raise ExplaintError(f"a decomposition needs at least 2 rungs, found {names}")
    scores = _aligned(*ladder.values())  # (rung, word)
    counts = bootstrap_counts(scores.shape[1], n_boot, rng=rng).astype(np.float64)
    levels, drawn = scores.mean(axis=1), counts @ scores.T / scores.shape[1]  # (rung,), (resample, rung)
    steps, drawn_steps = np.diff(levels, prepend=0.0), np.diff(drawn, prepend=0.0, axis=1)
    rows = []
    for i, name in enumerate(names):
        low, high = percentile_interval(drawn_steps[:, i])
        share = share_low = share_high = None
        if i and levels[-1] != levels[0]:
            lead = drawn[:, -1] - drawn[:, 0]  # 0 only if the two are the same
            share = float(steps[i] / (levels[-1] - levels[0]))
            share_low, share_high = percentile_interval(drawn_steps[lead != 0, i] / lead[lead != 0])
        rows.append({
            "part": name, "level": float(levels[i]), "value": float(steps[i]), "ci_low": low, "ci_high": high,
            "share": share, "share_low": share_low, "share_high": share_high,
        })  # fmt: skip
    return rows


class Normalised(NamedTuple):
    """(system - floor) / (ceiling - floor) with its interval; never to be shown without the three numbers."""

    value: float
    low: float
    high: float
    system: float
    floor: float
    ceiling: float


def normalised_score(
    system: np.ndarray, floor: np.ndarray, ceiling: np.ndarray, *, n_boot: int, rng: np.random.Generator
) -> Normalised:
    """Return where the system stands between floor and ceiling, 0 to 1, with a joint bootstrap interval.

    Parameters
    ----------
    system, floor, ceiling : (n_words,) arrays
        Scores of the same words. Floor: the strongest null of the claim. Ceiling: what could be reached
        (`explaint_lib.metrics.reachable_ceiling`), made on the same folds.
    n_boot : int
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        If the ceiling is not above the floor: the ratio means nothing then.

    Warnings
    --------
    A ratio of three estimates. It compares neither over metrics nor over data sets, and says nothing about
    the size of the lead.
    """
    scores = _aligned(system, floor, ceiling)
    counts = bootstrap_counts(scores.shape[1], n_boot, rng=rng).astype(np.float64)
    s, f, c = scores.mean(axis=1)
    if not c > f:
        raise ExplaintError(f"the ceiling ({c:.3g}) must lie above the floor ({f:.3g})")
    drawn = counts @ scores.T  # (resample, 3)
    low, high = percentile_interval((drawn[:, 0] - drawn[:, 1]) / (drawn[:, 2] - drawn[:, 1]))
    return Normalised(float((s - f) / (c - f)), low, high, float(s), float(f), float(c))


def noise_ceiling_split(
    strengths: np.ndarray,
    score: Callable[[np.ndarray, np.ndarray], np.ndarray],
    n_splits: int,
    *,
    rng: np.random.Generator,
    n_people: int = 30,
    group: int | None = None,
    least: int = 0,
) -> np.ndarray:
    """Return how well one group's norms would predict another group's, if people named features independently.

    Parameters
    ----------
    strengths : (n_words, n_features) array
        Production frequencies: how many of `n_people` named the feature for the word.
    score : function (predicted, gold) -> (n_units,) array
        For instance `f1_at_k`.
    n_splits : int, at least 1
    rng : numpy.random.Generator
    n_people : int
        Asked about each word (30 in McRae et al. 2005).
    group : int, optional
        People in each of the two groups drawn; half of `n_people` when left out (a split). `n_people` gives
        two full replications: what a perfect repetition of the study would score.
    least : int
        A feature enters a group's norms if at least `least` of `n_people`, in proportion, named it (5 in
        McRae et al.). 0: if anyone did.

    Returns
    -------
    (n_units,) array
        The score of group 1 against group 2, averaged over splits in which it is defined.

    Raises
    ------
    ExplaintError
        If a cell is missing or outside 0 to `n_people`, or a number is out of range.

    Warnings
    --------
    Parametric: group i names the feature with Binomial(group, strength / n_people), independently of other
    people *and of other features*. Features that fewer than the published minimum named are not in the data,
    so a replication can lose features but not gain any: **the ceiling is too high**. Norms of other people
    (another data set, shared words) are a better ceiling. Not for ratings.
    """
    strengths = np.asarray(strengths, dtype=np.float64)
    group = max(n_people // 2, 1) if group is None else group
    if n_splits < 1 or group < 1 or n_people < 1:
        raise ExplaintError(f"splits, people and groups must be at least 1, found {n_splits}, {n_people}, {group}")
    if not (np.isfinite(strengths).all() and strengths.min() >= 0 and strengths.max() <= n_people):
        raise ExplaintError(
            f"strengths must count people, from 0 to n_people = {n_people}, none missing; found "
            f"{np.nanmin(strengths):g} to {np.nanmax(strengths):g} with {np.count_nonzero(np.isnan(strengths))} missing"
        )
    named = np.nonzero(strengths)
    share = strengths[named] / n_people
    cut = max(least * group / n_people, 1)
    total = known = 0.0
    for _ in range(n_splits):
        halves = []
        for _ in range(2):
            drawn = np.zeros(strengths.shape)
            told = rng.binomial(group, share)
            drawn[named] = np.where(told >= cut, told, 0)
            halves.append(drawn)
        scored = np.asarray(score(*halves), dtype=np.float64)
        total, known = total + np.nan_to_num(scored), known + ~np.isnan(scored)
    return np.divide(total, known, out=np.full(np.shape(total), np.nan), where=known > 0)


def spearman_brown(half: float) -> float:
    """Return the reliability of the whole from the correlation of its two halves: 2 r / (1 + r).

    Raises
    ------
    ExplaintError
        If `half` is not in (-1, 1].

    Warnings
    --------
    For correlations only. There is no such step from an F1 of halves to one of the whole.
    """
    if not -1 < half <= 1:
        raise ExplaintError(f"a correlation of halves must be above -1 and at most 1, found {half}")
    return 2 * half / (1 + half)


def _aligned(*scores: np.ndarray) -> np.ndarray:
    """Return the scores of the words that are defined in all, (score, word)."""
    arrays = [np.asarray(one, dtype=np.float64) for one in scores]
    if len({array.shape for array in arrays}) > 1 or arrays[0].ndim != 1:
        raise ExplaintError(f"expected one score a word in each, found shapes {[array.shape for array in arrays]}")
    stacked = np.stack(arrays)
    stacked = stacked[:, ~np.isnan(stacked).any(axis=0)]
    if stacked.shape[1] < 2:
        raise ExplaintError(f"expected at least 2 words with all scores defined, found {stacked.shape[1]}")
    return stacked
