"""The verdict rule on planted differences: large, none, noisy, and its bad inputs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaint_lib import inference
from explaint_lib._common import ExplaintError
from explaint_lib.inference import Comparison, compare, compare_statistic, verdicts
from explaint_lib.results import Result

BETTER = Comparison("better", 0.2, 0.1, 0.3, 0.001)
EQUAL = Comparison("equal", 0.001, -0.005, 0.007, 0.4)
ABOVE_US = Comparison("above us", -0.1, -0.2, -0.05, 1.0)
NOISY = Comparison("noisy", 0.01, -0.1, 0.12, 0.4)
TINY_BUT_SURE = Comparison("tiny", 0.004, 0.001, 0.007, 0.001)


def verdict(*controls: Comparison) -> str:
    return verdicts({"it": controls}, smallest_effect=0.02).verdict[0]


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ([BETTER], "supported"),
        ([BETTER, TINY_BUT_SURE], "supported"),
        ([BETTER, EQUAL], "explained away by equal"),
        ([ABOVE_US, EQUAL, NOISY], "explained away by above us and equal"),
        ([BETTER, NOISY], "cannot tell"),
        ([TINY_BUT_SURE, NOISY], "cannot tell"),  # small, but shown to be above 0: that control reaches nobody
        ([TINY_BUT_SURE._replace(p_value=0.4)], "cannot tell"),
        ([BETTER._replace(low=-0.01)], "cannot tell"),  # a small p does not stand in for the interval
        ([BETTER._replace(low=0.0)], "cannot tell"),
        ([EQUAL._replace(low=0.0)], "explained away by equal"),
        ([EQUAL._replace(high=0.019)], "explained away by equal"),
        ([EQUAL._replace(high=0.02)], "cannot tell"),  # may be as large as the smallest effect
        ([], "cannot tell"),
    ],
)
def test_rule(controls, expected):
    assert verdict(*controls) == expected


def test_holm_runs_over_all_claims():
    just = Comparison("just", 0.1, 0.05, 0.15, 0.02)
    assert verdict(just) == "supported"
    rows = verdicts({"a": [just], "b": [just], "c": [just]}, smallest_effect=0.02)
    assert rows.verdict.tolist() == ["cannot tell"] * 3
    assert rows.p_holm.tolist() == pytest.approx(inference.holm([0.02] * 3))


def test_alpha_is_the_callers():
    for p, alpha, expected in ((0.02, 0.01, "cannot tell"), (0.08, 0.1, "supported"), (0.1, 0.1, "cannot tell")):
        claims = {"it": [BETTER._replace(p_value=p)]}
        assert verdicts(claims, smallest_effect=0.02, alpha=alpha).verdict.tolist() == [expected]


def test_a_claim_without_controls_keeps_its_row():
    rows = verdicts({"a": [BETTER], "b": []}, smallest_effect=0.02)
    assert rows.claim.tolist() == ["a", "b"] and rows.control[1] == "none could be run"
    assert rows.loc[1, ["difference", "p_holm"]].isna().all() and rows.verdict[1] == "cannot tell"


def test_every_column_has_a_type_and_a_result_takes_them_as_they_are():
    rows = verdicts({"a": [BETTER._replace(score="AUC")], "b": []}, smallest_effect=0.02)
    assert inference.comparisons(rows[:1]) == [BETTER._replace(score="AUC")]
    assert type(inference.comparisons(rows[:1])[0]) is Comparison
    numbers = {"difference", "ci_low", "ci_high", "p_value", "p_holm"}
    assert {name for name, kind in rows.dtypes.items() if kind == "float64"} == numbers
    assert rows.score.tolist()[0] == "AUC" and Result("06", {}, verdicts=rows).verdicts.equals(rows)


def test_a_claim_of_several_models_has_a_column_for_each_part_of_its_key():
    rows = verdicts({("one", "it"): [BETTER], ("two", "it"): [EQUAL]}, smallest_effect=0.02, by=("model", "claim"))
    assert rows[["model", "claim", "verdict"]].to_numpy().tolist() == [
        ["one", "it", "supported"], ["two", "it", "explained away by equal"]
    ]  # fmt: skip
    with pytest.raises(ExplaintError, match="one text for each of model, claim, found 'it'"):
        verdicts({"it": [BETTER]}, smallest_effect=0.02, by=("model", "claim"))


def test_compare_pairs_units_and_leaves_out_undefined_ones():
    rng = np.random.default_rng(0)
    control = rng.random(60)
    observed = control + 0.1
    observed[3], control[5] = np.nan, np.nan
    observed.flags.writeable = control.flags.writeable = False
    found = compare(observed, control, "c", n_boot=200, rng=rng)
    assert found.difference == pytest.approx(0.1) and found.low == pytest.approx(0.1) == found.high
    assert found.p_value == pytest.approx(1 / 10_000)
    drawn = compare(observed, control, "c", n_boot=200, rng=rng, null=np.zeros(19))
    assert drawn.p_value == pytest.approx(1 / 20) and drawn.difference == found.difference


def test_the_interval_of_a_comparison_holds_ninety_five_of_a_hundred():
    scores = np.random.default_rng(2).normal(0.3, 1, size=400)
    found = compare(scores, 0.0, "c", n_boot=4000, rng=np.random.default_rng(3))
    half = scores.std() / 20  # the textbook's standard error
    assert (found.low, found.high) == pytest.approx(
        (scores.mean() - 1.96 * half, scores.mean() + 1.96 * half), abs=0.007
    )


def test_a_null_is_compared_with_the_score_and_not_with_its_lead_over_the_control():
    observed, rng = np.full(20, 0.9), np.random.default_rng(0)
    null = np.linspace(0.45, 0.55, 19)  # what the control scored; the lead, .4, lies below all of it
    assert compare(observed, 0.5, "c", n_boot=10, rng=rng, null=null).p_value == 1 / 20
    assert compare(observed - 0.4, 0.0, "c", n_boot=10, rng=rng, null=null).p_value == pytest.approx(11 / 20)
    assert compare_statistic(0.9, (0.8, 1.0), null, "c").p_value == 1 / 20


def test_a_null_of_scores_a_unit_is_averaged_as_its_means_would_be_given():
    rng = np.random.default_rng(0)
    observed, null = rng.random(30), rng.random((9, 30))
    null[0, 3] = np.nan
    one, other = (
        compare(observed, 0.5, "c", n_boot=50, rng=np.random.default_rng(1), null=given)
        for given in (null, np.nanmean(null, axis=1))
    )
    assert one == other
    with pytest.raises(ExplaintError, match=r"needs the shape \(draws, 30\), found \(9, 29\)"):
        compare(observed, 0.5, "c", n_boot=50, rng=rng, null=null[:, 1:])


def test_a_level_is_a_control_with_one_score_for_all():
    observed = np.array([0.4, np.nan, 0.7, 0.9])
    one, other = (
        compare(observed, level, "chance", n_boot=50, rng=np.random.default_rng(1)) for level in (0.5, np.full(4, 0.5))
    )
    assert one == other and one.difference == pytest.approx(1 / 6)


def test_a_statistic_is_measured_from_the_mean_of_its_null():
    found = compare_statistic(0.7, (0.6, 0.75), np.array([0.4, 0.6]), "permuted pairing", score="AUC")
    assert found == Comparison("permuted pairing", 0.7 - 0.5, 0.6 - 0.5, 0.75 - 0.5, 1 / 3, "AUC")
    with pytest.raises(ExplaintError, match="undefined"):
        compare_statistic(0.7, (0.6, 0.75), [float("nan")], "permuted pairing")


def test_the_rule_seldom_supports_a_difference_that_is_not_there():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        one = compare(rng.normal(size=40), rng.normal(size=40), "c", n_boot=200, rng=rng)
        found.append(verdicts({"it": [one]}, smallest_effect=0.02).verdict[0])
    assert found.count("supported") <= 14  # 2.5 % wanted, 7 % would be odd


@pytest.mark.parametrize("margin", [0, -1, float("nan")])
def test_the_smallest_effect_must_be_given(margin):
    with pytest.raises(ExplaintError, match="smallest effect"):
        verdicts({"it": [BETTER]}, smallest_effect=margin)


def test_shapes_must_agree():
    with pytest.raises(ExplaintError, match="two scores a unit"):
        compare(np.zeros(3), np.zeros(4), "c", n_boot=10, rng=np.random.default_rng(0))


def test_tests_of_a_result_become_comparisons():
    numbers = {"difference": 0.1, "ci_low": -0.05, "ci_high": 0.15, "p_value": 0.2}
    tests = pd.DataFrame([{"model": "m", "control": "chance", "n": 9} | numbers])
    assert inference.comparisons(tests) == [inference.Comparison("chance", 0.1, -0.05, 0.15, 0.2)]
    assert inference.comparisons(tests[:0]) == []
