"""The judge against chance: in planted nulls it is right half of the time, and its intervals raise few false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from explaint_lib import attribution, inference
from explaint_lib._common import ExplaintError
from explaint_lib.attention import blind_test


def judged(rng, n=24, width=4, shift=0.0):
    first, second = rng.normal(size=(2, n, width))
    second[:, 0] += shift
    return blind_test(first, second, n_draws=5, rng=rng).accuracy


def test_two_hundred_nulls_are_at_one_half_and_raise_few_alarms_on_either_side():
    """The same judged sentences as if they were independent raise more than twice as many."""
    rng, alarms, naive, means = np.random.default_rng(0), 0, 0, []
    for _ in range(200):
        accuracy = judged(rng)
        means.append(accuracy.mean())
        low, high = attribution.compare_judged(accuracy).interval()
        alarms += low > 0 or high < 0
        once = inference.compare(accuracy[0], 0.5, "chance").interval()  # what chapter 04 did
        naive += once[0] > 0 or once[1] < 0
    assert np.mean(means) == pytest.approx(0.5, abs=4 * np.std(means) / np.sqrt(200))
    assert alarms <= 10 and naive > 2 * alarms  # 10 of 200: one in twenty


def test_what_can_be_told_is_told():
    found = [attribution.compare_judged(judged(np.random.default_rng(k), n=40, shift=2.0)) for k in range(10)]
    table = inference.verdicts({str(k): [one] for k, one in enumerate(found)}, smallest_effect=0.05)
    assert (table.verdict == "supported").mean() >= 0.9


def test_the_variance_over_sentences_counts_twice():
    accuracy = np.random.default_rng(1).random((6, 30))
    found = attribution.compare_judged(accuracy, score="share", asks="other")
    units, draws = accuracy.mean(axis=0).var(ddof=1) / 30, accuracy.mean(axis=1).var(ddof=1) / 6
    assert found.se**2 == pytest.approx(2 * units + draws) and found.df == 29
    assert found.difference == pytest.approx(accuracy.mean() - 0.5)
    assert found.p_value == pytest.approx(max(stats.t.sf(found.difference / found.se, 29), 2.0**-30))
    assert found.se_units**2 == pytest.approx(2 * units)
    assert (found.varied, found.n, found.score, found.asks, found.chance) == ("folds", 30, "share", "other", True)
    np.testing.assert_allclose(found.draws, accuracy.mean(axis=1) - 0.5)


def test_below_chance_is_an_alarm_and_equal_scores_have_no_error():
    low = attribution.compare_judged(0.2 + 0.01 * np.random.default_rng(0).random((6, 20)))
    assert inference.verdicts({"claim": [low]}, smallest_effect=0.05).verdict.item() == "alarm: below chance"
    for level, p in ((0.5, 1.0), (1.0, 2.0**-20)):
        same = attribution.compare_judged(np.full((6, 20), level))
        assert same.se == 0 and same.p_value == p


def test_one_axis_is_refused():
    assert attribution.compare_judged(np.full((1, 20), 0.5), varied="twins").varied == "twins"
    with pytest.raises(ExplaintError, match="draw, sentence"):
        attribution.compare_judged(np.full(20, 0.5))
