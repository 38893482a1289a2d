"""What a score is made of: its decomposition along a ladder of nulls.

What it controls for: all parts come from the same words and the same resamples, so they add up exactly and
their intervals are joint. What it does not license: the parts depend on the order of the ladder and on how
good each null is; "rest" is what these nulls leave, not proof of knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

    Examples
    --------
    >>> from explaint_lib import inference
    >>> ladder = {"base rate": np.array([0.1, 0.2, 0.3]), "system": np.array([0.4, 0.4, 0.7])}
    >>> rows = inference.decomposition(ladder, n_boot=100, rng=np.random.default_rng(0))
    >>> [(row["part"], round(row["value"], 2)) for row in rows]
    [('base rate', 0.2), ('system', 0.3)]
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
        rows.append(
            {
                "part": name,
                "level": float(levels[i]),
                "value": float(steps[i]),
                "ci_low": low,
                "ci_high": high,
                "share": share,
                "share_low": share_low,
                "share_high": share_high,
            }
        )
    return rows


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
