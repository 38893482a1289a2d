"""Verdicts as sentences: each word of the rule, the control that decides, and nothing that the row does not hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explaint_lib import inference
from explaint_lib._common import ExplaintError
from explaint_lib.inference import Comparison

BETTER = Comparison("mean profile", 0.2, 0.05, p_value=0.001, score="F1@10")
NEAR = Comparison("permuted pairing", 0.1, 0.02, p_value=0.001, score="F1@10")
EQUAL = Comparison("copied", 0.001, 0.003, p_value=0.4, score="F1@10")
WORSE = Comparison("category", -0.1, 0.02, p_value=1.0, score="F1@10")


def said(*controls: Comparison) -> str:
    found = inference.verdicts({"it": controls}, smallest_effect=0.02)
    return inference.in_words(found)["it"]


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ([BETTER], "Supported: F1@10 lies 0.200 above mean profile (interval +0.102 to +0.298)."),
        ([BETTER, NEAR], "Supported: F1@10 lies 0.100 above permuted pairing (interval +0.055 to +0.145)."),
        ([WORSE], "Worse than category: F1@10 lies 0.100 below category (interval -0.139 to -0.061)."),
        ([BETTER, EQUAL], "Equivalent to copied: F1@10 lies 0.001 above copied (interval -0.006 to +0.008), where 0.02"
         " would matter."),
        ([replace(EQUAL, difference=-0.02, se=0.015)], "No better than copied: F1@10 lies 0.020 below copied (interval"
         " -0.049 to +0.009), where 0.02 would matter."),
        ([replace(EQUAL, se=0.05)], "Cannot tell: F1@10 lies 0.001 above copied (interval -0.097 to +0.099); a"
         " margin of 0.02 is out of reach here."),
        ([replace(EQUAL, se=np.nan)], "Cannot tell: F1@10 lies 0.001 above copied, and one draw does not show by how"
         " much it varies."),
        ([replace(WORSE, chance=True)], "Alarm: below category: F1@10 lies 0.100 below category (interval -0.139 to"
         " -0.061); look for a fault before reading it."),
        ([replace(BETTER, asks="never tried")], "No verdict from mean profile: F1@10 lies 0.200 above mean profile "
         "(interval +0.102 to +0.298), a number that decides nothing."),
        ([replace(BETTER, score=None)], "Supported: the score lies 0.200 above mean profile (interval +0.102 to"
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


def test_claims_of_several_models_keep_their_keys():
    claims = {("a", "it"): [BETTER], ("b", "it"): [WORSE]}
    found = inference.verdicts(claims, smallest_effect=0.02, by=("model", "claim"))
    words = inference.in_words(found, by=("model", "claim"))
    assert words.index.tolist() == [("a", "it"), ("b", "it")] and words["b", "it"].startswith("Worse than category")
    with pytest.raises(ExplaintError, match="missing: question"):
        inference.in_words(found, by=("question",))
