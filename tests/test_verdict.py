"""The verdict rule on planted differences: large, none, noisy, and its bad inputs."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import inference
from explaint_lib._common import ExplaintError
from explaint_lib.inference import Comparison, compare, verdicts

BETTER = Comparison("better", 0.2, 0.1, 0.3, 0.001)
EQUAL = Comparison("equal", 0.001, -0.005, 0.007, 0.4)
ABOVE_US = Comparison("above us", -0.1, -0.2, -0.05, 1.0)
NOISY = Comparison("noisy", 0.01, -0.1, 0.12, 0.4)
TINY_BUT_SURE = Comparison("tiny", 0.004, 0.001, 0.007, 0.001)


def verdict(*controls: Comparison) -> str:
    return verdicts({"it": controls}, smallest_effect=0.02)[0]["verdict"]


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ([BETTER], "supported"),
        ([BETTER, TINY_BUT_SURE], "supported"),
        ([BETTER, EQUAL], "explained away by equal"),
        ([ABOVE_US, EQUAL, NOISY], "explained away by above us and equal"),
        ([BETTER, NOISY], "cannot tell"),
        ([], "cannot tell"),
    ],
)
def test_rule(controls, expected):
    assert verdict(*controls) == expected


def test_holm_runs_over_all_claims():
    just = Comparison("just", 0.1, 0.05, 0.15, 0.02)
    assert verdict(just) == "supported"
    rows = verdicts({"a": [just], "b": [just], "c": [just]}, smallest_effect=0.02)
    assert [row["verdict"] for row in rows] == ["cannot tell"] * 3
    assert [row["p_holm"] for row in rows] == pytest.approx(inference.holm([0.02] * 3))


def test_a_claim_without_controls_keeps_its_row():
    rows = verdicts({"a": [BETTER], "b": []}, smallest_effect=0.02)
    assert [row["claim"] for row in rows] == ["a", "b"]
    assert rows[1]["difference"] is None and rows[1]["verdict"] == "cannot tell"


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


def test_the_rule_seldom_supports_a_difference_that_is_not_there():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        one = compare(rng.normal(size=40), rng.normal(size=40), "c", n_boot=200, rng=rng)
        found.append(verdicts({"it": [one]}, smallest_effect=0.02)[0]["verdict"])
    assert found.count("supported") <= 14  # 2.5 % wanted, 7 % would be odd


@pytest.mark.parametrize("margin", [0, -1, float("nan")])
def test_the_smallest_effect_must_be_given(margin):
    with pytest.raises(ExplaintError, match="smallest effect"):
        verdicts({"it": [BETTER]}, smallest_effect=margin)


def test_shapes_must_agree():
    with pytest.raises(ExplaintError, match="two scores a unit"):
        compare(np.zeros(3), np.zeros(4), "c", n_boot=10, rng=np.random.default_rng(0))
