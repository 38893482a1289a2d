"""Verdicts as sentences: each word of the rule, the control that decides, and nothing that the row does not hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from explaint_lib import inference, results
from explaint_lib._common import ExplaintError
from explaint_lib.inference import Comparison

BETTER = Comparison("mean profile", 0.2, 0.05, p_value=0.001, score="F1@10")
NEAR = Comparison("permuted pairing", 0.1, 0.02, p_value=0.001, score="F1@10")
EQUAL = Comparison("copied", 0.001, 0.003, p_value=0.4, score="F1@10")
WORSE = Comparison("category", -0.1, 0.02, p_value=1.0, score="F1@10")


def said(*controls: Comparison) -> str:
    ((claim, sentence),) = results.in_brief(inference.verdicts({"It": controls}, smallest_effect=0.02))
    assert claim == "It"
    return sentence


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ([BETTER], "Supported: it exceeds mean profile by 0.200 in F1@10 (interval +0.102 to +0.298)."),
        ([BETTER, NEAR], "Supported: it exceeds permuted pairing by 0.100 in F1@10 (interval +0.055 to +0.145)."),
        ([WORSE], "Worse than category: it falls short of category by 0.100 in F1@10 (interval -0.139 to -0.061)."),
        ([BETTER, EQUAL], "Equivalent to copied: it exceeds copied by 0.001 in F1@10 (interval -0.006 to +0.008), "
         "where 0.02 would matter."),
        ([replace(EQUAL, difference=-0.02, se=0.015)], "No better than copied: it falls short of copied by 0.020 in "
         "F1@10 (interval -0.049 to +0.009), where 0.02 would matter."),
        ([replace(EQUAL, se=0.05)], "Cannot tell: it exceeds copied by 0.001 in F1@10 (interval -0.097 to +0.099); a"
         " margin of 0.02 is out of reach here."),
        ([replace(EQUAL, se=np.nan)], "Cannot tell: it exceeds copied by 0.001 in F1@10, and one draw does not show "
         "by how much it varies."),
        ([replace(WORSE, chance=True)], "Alarm: below category: it falls short of category by 0.100 in F1@10 (interval"
         " -0.139 to -0.061); look for a fault before reading it."),
        ([replace(BETTER, asks="never tried")], "No verdict from mean profile: it exceeds mean profile by 0.200 in "
         "F1@10 (interval +0.102 to +0.298), a number that decides nothing."),
        ([replace(BETTER, score=None)], "Supported: it exceeds mean profile by 0.200 in the score (interval +0.102 to"
         " +0.298)."),
        ([], "Not tested: no control could be run."),
    ],
)  # fmt: skip
def test_each_word_has_its_sentence(controls, sentence):
    assert said(*controls) == sentence


def test_a_verdict_that_few_draws_share_says_so():
    draws = (0.2,) * 7 + (0.0,) * 3
    one = replace(BETTER, varied="folds", draws=draws, se_units=0.01, n=50)
    assert said(one).endswith(" Of 10 draws of folds, 70% alone would have given this verdict.")
    assert "draws" not in said(replace(one, draws=(0.2,) * 9 + (0.0,)))


def many(**claims: Comparison) -> object:
    return inference.verdicts({name: [one] for name, one in claims.items()}, smallest_effect=0.02)


def test_many_claims_are_counted_and_each_word_has_its_largest_example():
    found = many(a=BETTER, b=replace(BETTER, difference=0.4), c=EQUAL, d=WORSE, e=replace(EQUAL, se=0.05))
    counted, *shown = results.in_brief(found, most=4)
    assert counted == (
        "",
        "Of 5 claims, 2 are supported, 1 is worse than a control, 1 is equivalent to a control and 1 is undecided.",
    )
    assert [claim for claim, _ in shown] == ["b", "d", "c"]
    assert len(results.in_brief(found, most=5)) == 5, "few claims are said one by one, in their order"


def test_a_claim_of_several_parts_is_said_as_its_sentence_says():
    claims = {("a", "poss"): [BETTER], ("b", "poss"): [WORSE]}
    found = inference.verdicts(claims, smallest_effect=0.02, by=("model", "claim"), says="{claim} in {model}")
    assert [claim for claim, _ in results.in_brief(found)] == ["poss in a", "poss in b"]
    without = inference.verdicts(claims, smallest_effect=0.02, by=("model", "claim"))
    assert [claim for claim, _ in results.in_brief(without)] == ["a, poss", "b, poss"]


@pytest.mark.parametrize("says", ["{control} is wrong", "{0} too", "{claim"])
def test_a_sentence_that_names_something_else_is_refused(says):
    with pytest.raises(ExplaintError, match=r"may name \{claim\}; found"):
        inference.verdicts({"it": [BETTER]}, smallest_effect=0.02, says=says)


@pytest.mark.parametrize(
    ("one", "may", "may_not"),
    [
        (
            BETTER,
            "not explained by mean profile: It. It exceeds mean profile by 0.200 in F1@10",
            "excluded besides mean profile.",
        ),
        (WORSE, "what was found is worse than category: It. It falls short of category by 0.100 in F1@10", "It."),
        (EQUAL, "what was found is equivalent to copied: It.", "It."),
        (replace(EQUAL, se=0.05), "the evidence does not decide: It.", "It; or that it is false."),
        (replace(BETTER, asks="never tried"), "Mean profile may be reported beside it", "It; or that it is refuted."),
        (replace(WORSE, chance=True), "data or code have a fault: It.", "It."),
    ],
)
def test_what_may_be_written_follows_the_word(one, may, may_not):
    found = results.Result("06", {"data": {"name": "norms"}, "model": {"name": "m"}}, verdicts=many(It=one))
    (line,) = results.may_write(found).itertuples(index=False)
    assert may in line.may and line.may_not.endswith(may_not)
    assert one.asks or "norms with m" in line.may


def test_a_control_that_was_passed_over_explains_nothing_and_excludes_nothing():
    verdicts = many(It=BETTER)
    blind = verdicts.assign(control="category alone", difference=-0.1, ci_low=-0.13, ci_high=-0.07)
    verdicts = pd.concat([verdicts, blind], ignore_index=True)  # supported, though a blind control scores higher
    (line,) = results.may_write(results.Result("09", {}, verdicts=verdicts)).itertuples(index=False)
    assert "not explained by mean profile: It." in line.may and "Nothing follows from category alone" in line.may
    assert line.may_not.endswith("excluded besides mean profile.")


def test_what_could_not_be_tested_may_not_be_written():
    found = results.Result("06", {}, verdicts=inference.verdicts({"It": []}, smallest_effect=0.02))
    assert results.may_write(found).iloc[0].tolist() == ["It was not tested on these data: It.", "It."]


def test_many_claims_share_a_line_a_word():
    claims = {f"c{i}": BETTER for i in range(6)} | {f"w{i}": WORSE for i in range(3)}
    lines = results.may_write(results.Result("01", {"model": {"a": {}, "b": {}}}, verdicts=many(**claims)))
    assert len(lines) == 2 and "c0; c1; c2; c3; c4; c5" in lines.may[0] and "w0; w1; w2." in lines.may_not[1]
    assert "these data with a and b" in lines.may[0] and "exceeds" not in lines.may[0]


def test_missing_columns_are_named():
    with pytest.raises(ExplaintError, match="missing: verdict"):
        results.in_brief(many(a=BETTER).drop(columns="verdict"))


def test_a_control_that_may_give_no_verdict_does_not_decide_a_supported_claim():
    known = {"asks": "it", "control": NEAR.control, "score": "F1@10", "n": 240, "worlds": 100, "supported": 0}
    same = pd.DataFrame([known | {"truth": truth, "refuted": 100} for truth in (False, True)])  # of both worlds
    silent = replace(NEAR, difference=0.01, se=0.05, asks="it")
    found = inference.verdicts({"it": [BETTER, silent]}, smallest_effect=0.02, calibrated=same)
    assert found.word.iloc[0] == "supported" and results.deciding(found)["control"] == "mean profile"
