"""The verdict rule on planted differences: large, none, noisy, below chance, uncalibrated, and its bad inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from explaint_lib import inference
from explaint_lib._common import ExplaintError
from explaint_lib.inference import Comparison, verdicts
from explaint_lib.results import Result, typed

# intervals of the 95 %, one comparison in the table: difference +- 1.96 se
BETTER = Comparison("better", 0.2, 0.05, p_value=0.001)
EQUAL = Comparison("equal", 0.001, 0.003, p_value=0.4)
BELOW_MARGIN = Comparison("below the margin", -0.03, 0.02, p_value=0.9)
ABOVE_US = Comparison("above us", -0.1, 0.03, p_value=1.0)
NOISY = Comparison("noisy", 0.01, 0.06, p_value=0.4)
TINY_BUT_SURE = Comparison("tiny", 0.004, 0.001, p_value=0.001)


def verdict(*controls: Comparison, **kwargs) -> str:
    return verdicts({"it": controls}, smallest_effect=0.02, **kwargs).verdict[0]


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ([BETTER], "supported"),
        ([BETTER, TINY_BUT_SURE], "supported"),
        ([BETTER, EQUAL], "equivalent to equal"),
        ([ABOVE_US, EQUAL, NOISY], "worse than above us; equivalent to equal"),
        ([EQUAL, replace(EQUAL, control="same")], "equivalent to equal and same"),
        ([EQUAL, EQUAL], "equivalent to equal"),
        ([BELOW_MARGIN], "no better than below the margin"),
        ([BETTER, NOISY], "cannot tell"),
        ([TINY_BUT_SURE, NOISY], "cannot tell"),  # small, but shown to be above 0: that control reaches nobody
        ([replace(TINY_BUT_SURE, p_value=0.4)], "cannot tell"),  # and is not called equivalent where p is large
        ([replace(BETTER, se=0.11)], "cannot tell"),  # a small p does not stand in for the interval
        ([replace(EQUAL, difference=0.0, se=0.0102)], "equivalent to equal"),
        ([replace(EQUAL, difference=0.0, se=0.0103)], "cannot tell"),  # 1.96 of these are more than the margin
        ([replace(EQUAL, difference=-0.005, se=0.0102)], "no better than equal"),  # below the margin on one side only
        ([replace(ABOVE_US, chance=True)], "alarm: below above us"),
        ([replace(BELOW_MARGIN, chance=True)], "no better than below the margin"),  # not shown to be below chance
        ([replace(BETTER, se=np.nan)], "cannot tell"),
        ([], "cannot tell"),
    ],
)
def test_rule(controls, expected):
    assert verdict(*controls) == expected


def test_a_difference_of_minus_forty_is_worse_and_not_explained_away():
    assert verdict(Comparison("label", -0.40, 0.02, p_value=1.0)) == "worse than label"


def test_an_interval_that_ends_at_the_margin_has_not_shown_itself_smaller():
    """Between two neighbours of floating point, so that "smaller" and "at most" are told apart."""
    margin = EQUAL.interval(0.95)[1]
    words = [verdicts({"it": [EQUAL]}, smallest_effect=m).verdict[0] for m in (margin, np.nextafter(margin, 1))]
    assert words == ["cannot tell", "equivalent to equal"]


def test_the_word_stands_beside_the_verdict():
    found = verdicts({"a": [ABOVE_US, BETTER], "b": [EQUAL]}, smallest_effect=0.02)
    assert found.word.tolist() == ["worse", "worse", "equivalent"] and set(found.word) < set(inference.WORDS)


def test_p_and_intervals_are_corrected_over_all_claims():
    just = Comparison("just", 0.1, 0.045, p_value=0.001)  # 2.2 standard errors
    assert verdict(just) == "supported"
    rows = verdicts({"a": [just], "b": [just], "c": [just]}, smallest_effect=0.02)
    assert rows.verdict.tolist() == ["cannot tell"] * 3  # the interval reaches over 0
    assert rows.ci_low[0] == pytest.approx(0.1 - 2.394 * 0.045, abs=1e-4)  # the normal's quantile at 1 - .05 / 6
    sure = replace(just, se=0.01, p_value=0.02)
    assert verdict(sure) == "supported"
    rows = verdicts({"a": [sure], "b": [sure], "c": [sure]}, smallest_effect=0.02)
    assert rows.verdict.tolist() == ["cannot tell"] * 3 and rows.p_holm.tolist() == pytest.approx([0.06] * 3)


def test_few_degrees_of_freedom_widen_the_interval():
    one = Comparison("c", 0.1, 0.04, df=4, p_value=0.001)
    assert one.interval() == pytest.approx((0.1 - 2.776 * 0.04, 0.1 + 2.776 * 0.04), abs=1e-4)
    assert verdict(one) == "cannot tell" and verdict(replace(one, df=100)) == "supported"


def test_alpha_is_the_callers():
    for p, alpha, expected in ((0.02, 0.01, "cannot tell"), (0.08, 0.1, "supported"), (0.1, 0.1, "cannot tell")):
        claims = {"it": [replace(BETTER, p_value=p)]}
        assert verdicts(claims, smallest_effect=0.02, alpha=alpha).verdict.tolist() == [expected]


def test_few_units_support_and_refute_nothing():
    """Four texts that all agree prove no more than one sign in sixteen."""
    same = replace(EQUAL, difference=0.0, se=0.0, n=4)
    assert verdict(same) == "cannot tell" and verdict(replace(same, n=8)) == "equivalent to equal"


def test_a_margin_for_each_score_and_whether_it_can_be_reached():
    claims = {"it": [replace(EQUAL, score="F1@10"), replace(NOISY, score="AUC")]}
    found = verdicts(claims, smallest_effect={"F1@10": 0.02, "AUC": 0.1})
    assert found.margin.tolist() == [0.02, 0.1] and found.reachable.tolist() == [True, False]
    with pytest.raises(ExplaintError, match="the score 'AUC' has no smallest effect of interest; found those of F1@10"):
        verdicts(claims, smallest_effect={"F1@10": 0.02})


def test_the_margins_are_small_against_their_scores():
    """A margin of a correlation or of F1 is .02, of a share of cases one in twenty: none could swallow a result."""
    assert all(0.01 <= margin <= 0.05 for margin in inference.MARGINS.values())
    assert inference.MARGINS["F1@10"] < inference.MARGINS["retrieval@10"]


def test_one_draw_of_what_varies_gets_no_word():
    one_twin = replace(BETTER, varied="twins", draws=(0.2,), se_units=0.05)
    assert verdict(one_twin) == "cannot tell"
    five = replace(one_twin, draws=(0.2,) * inference.FEW_DRAWS)
    assert verdict(five) == "supported" and verdict(replace(five, draws=(0.2,) * 4)) == "cannot tell"


def test_stability_is_the_share_of_draws_that_give_the_word():
    draws = (0.2,) * 6 + (0.0,) * 3 + (-0.2,)
    one = replace(BETTER, varied="folds", draws=draws, se_units=0.01, n=50)
    found = verdicts({"a": [one], "b": [replace(EQUAL, n=50)]}, smallest_effect=0.02)
    assert found.stable[0] == pytest.approx(0.6) and found.draws[0] == 10 and found.varied[0] == "folds"
    assert pd.isna(found.stable[1]) and pd.isna(found.draws[1])
    refuted = replace(one, difference=-0.2, draws=tuple(-x for x in draws))
    assert verdicts({"a": [refuted]}, smallest_effect=0.02).stable[0] == pytest.approx(0.6)


def test_a_claim_without_controls_keeps_its_row():
    rows = verdicts({"a": [BETTER], "b": []}, smallest_effect=0.02)
    assert rows.claim.tolist() == ["a", "b"] and rows.control[1] == "none could be run"
    assert rows.loc[1, ["difference", "p_holm"]].isna().all() and rows.verdict[1] == "cannot tell"


def test_every_column_has_a_type_and_a_result_takes_them_as_they_are():
    rows = verdicts({"a": [replace(BETTER, score="AUC", n=30)], "b": []}, smallest_effect=0.02)
    assert rows.equals(typed(rows)) and rows.score.tolist()[0] == "AUC" and rows.n.tolist()[0] == 30
    again = Result.from_dict(Result("06", {}, verdicts=rows).to_dict()).verdicts
    assert again[sorted(again)].equals(rows[sorted(rows)])


def test_a_claim_of_several_models_has_a_column_for_each_part_of_its_key():
    rows = verdicts({("one", "it"): [BETTER], ("two", "it"): [EQUAL]}, smallest_effect=0.02, by=("model", "claim"))
    assert rows[["model", "claim", "verdict"]].to_numpy().tolist() == [
        ["one", "it", "supported"], ["two", "it", "equivalent to equal"]
    ]  # fmt: skip
    with pytest.raises(ExplaintError, match="one text for each of model, claim, found 'it'"):
        verdicts({"it": [BETTER]}, smallest_effect=0.02, by=("model", "claim"))


def table(*, false: tuple[int, int], true: tuple[int, int], n: int = 240, worlds: int = 100) -> pd.DataFrame:
    """A calibration of one comparison: (supported, refuted) of the worlds where the claim is false, and true."""
    about = {"asks": "word", "control": "better", "score": "F1@10", "n": n, "worlds": worlds}
    return pd.DataFrame([
        about | {"truth": truth, "supported": supported, "refuted": refuted}
        for truth, (supported, refuted) in ((False, false), (True, true))
    ])  # fmt: skip


ASKED = replace(BETTER, asks="word", score="F1@10", n=200)
REFUTED = replace(ASKED, difference=-0.2)
TELLS = table(false=(2, 80), true=(90, 1))
CATEGORY_ALONE = table(false=(0, 90), true=(1, 91))  # explains away a true claim as often as a false one


@pytest.mark.parametrize(
    ("one", "known", "expected"),
    [
        (ASKED, TELLS, "supported"),
        (REFUTED, TELLS, "worse than better"),
        (ASKED, CATEGORY_ALONE, "no verdict from better"),
        (REFUTED, CATEGORY_ALONE, "no verdict from better"),
        (REFUTED, table(false=(2, 3), true=(90, 2)), "worse than better"),  # it tells the worlds apart by its support
        (ASKED, table(false=(2, 3), true=(90, 2)), "supported"),
        (ASKED, table(false=(30, 3), true=(99, 2)), "cannot tell"),  # supports one false claim in three
        (REFUTED, table(false=(2, 80), true=(3, 30)), "cannot tell"),  # refutes one true claim in three
        (REFUTED, table(false=(30, 3), true=(99, 2)), "worse than better"),
        (ASKED, table(false=(0, 0), true=(0, 0)), "no verdict from better"),  # says nothing in either
        (replace(ASKED, asks=None), CATEGORY_ALONE, "supported"),  # nobody asks
        (
            replace(ASKED, score="AUC"),
            TELLS,
            "no verdict from better",
        ),  # another score is another comparison: not tried
        (replace(ASKED, asks="region"), TELLS, "no verdict from better"),
    ],
)
def test_what_cannot_tell_the_worlds_apart_gives_no_verdict(one, known, expected):
    assert verdict(one, calibrated=known) == expected


def test_a_control_without_a_verdict_does_not_hide_one_that_has():
    other = replace(EQUAL, control="other")
    assert verdict(ASKED, other, calibrated=CATEGORY_ALONE) == "equivalent to other"
    assert verdict(ASKED, replace(BETTER, control="other"), calibrated=CATEGORY_ALONE) == "supported"


def test_a_control_that_was_never_tried_leaves_no_support():
    untried = replace(ASKED, control="untried")
    assert verdict(replace(BETTER, control="other"), untried, calibrated=TELLS) == "no verdict from untried"
    refuted = replace(EQUAL, control="other")
    assert verdict(refuted, untried, calibrated=TELLS) == "equivalent to other", "what refutes needs no other control"


def test_the_rates_are_those_of_the_nearest_size():
    both = pd.concat([table(false=(1, 0), true=(20, 0), n=60), table(false=(3, 70), true=(95, 0), n=500)])
    found = verdicts({"it": [ASKED]}, smallest_effect=0.02, calibrated=both)
    assert found.n_calibrated[0] == 500 and found.false_alarm[0] == 0.03 and found.power[0] == 0.95
    found = verdicts({"it": [replace(ASKED, n=100)]}, smallest_effect=0.02, calibrated=both)
    assert found.n_calibrated[0] == 60 and found.power[0] == 0.2


@pytest.mark.parametrize(("wrong", "speaks"), [(5, True), (9, True), (12, False)])
def test_one_wrong_word_in_twenty_is_allowed_as_far_as_a_hundred_worlds_can_tell(wrong, speaks):
    """Twelve of a hundred are more than luck with one in twenty would give (p below .01), nine are not."""
    assert inference.rates(table(false=(wrong, 80), true=(95, 0))).may_support is speaks
    assert inference.rates(table(false=(0, 80), true=(95, wrong))).may_refute is speaks


def test_tests_of_a_result_become_comparisons():
    numbers = {"difference": 0.1, "se": 0.02, "df": 8.0, "p_value": 0.2}
    tests = pd.DataFrame([{"model": "m", "control": "chance", "n": 9} | numbers])
    assert inference.comparisons(tests) == [Comparison("chance", 0.1, 0.02, 8, 0.2, n=9, chance=True)]
    missing = typed([{"control": "untrained", "score": None, "difference": 0.1, "se": None, "df": 8, "p_value": None}])
    (one,) = inference.comparisons(missing, asks="training")
    assert np.isnan(one.se) and one.score is None and one.asks == "training" and not one.chance
    assert inference.comparisons(tests[:0]) == []


@pytest.mark.parametrize("margin", [0, -1, float("nan")])
def test_the_smallest_effect_must_be_given(margin):
    with pytest.raises(ExplaintError, match="smallest effect"):
        verdicts({"it": [BETTER]}, smallest_effect=margin)
