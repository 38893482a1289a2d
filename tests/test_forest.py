"""The figure of verdicts: each mark at its own difference, in margins, with the shape of its word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from explaint_lib import inference, plotting
from explaint_lib.inference import WORDS, Comparison
from explaint_lib.plotting._forest import MARKS

ONE = Comparison("mean profile", 0.1, 0.02, p_value=0.001, score="F1@10")


def drawn(claims, names=None):
    found = inference.verdicts(claims, smallest_effect=0.02)
    ax = plotting.forest_plot(Figure().subplots(), found, names or list(claims))
    return {float(line.get_ydata()[0]): line for line in ax.lines[1:] if len(line.get_xdata()) == 1}, ax


def test_each_word_of_the_rule_has_a_mark_of_its_own():
    assert set(MARKS) == set(WORDS)
    assert len({(marker, filled) for marker, _, filled in MARKS.values()}) == len(MARKS)


def test_marks_stand_at_the_difference_in_margins_on_the_line_of_their_claim():
    marks, ax = drawn({"first": [ONE], "second": [replace(ONE, difference=-0.1, p_value=1.0)]})
    assert [float(marks[y].get_xdata()[0]) for y in (0, 1)] == pytest.approx([5, -5])
    assert [marks[y].get_marker() for y in (0, 1)] == [MARKS["supported"][0], MARKS["worse"][0]]
    assert [text.get_text() for text in ax.texts] == ["first", "second"]


def test_the_interval_is_drawn_with_its_claim_and_missing_claims_keep_their_line():
    marks, ax = drawn({"first": [], "second": [ONE]}, ["other", "first", "second"])
    assert list(marks) == [2.0]
    (interval,) = [line for line in ax.lines[1:] if len(line.get_xdata()) == 2]
    found = inference.verdicts({"first": [], "second": [ONE]}, smallest_effect=0.02).iloc[1]
    np.testing.assert_allclose(interval.get_xdata(), [found.ci_low / 0.02, found.ci_high / 0.02])


def test_the_legend_holds_the_words_that_are_there():
    found = inference.verdicts({"a": [ONE], "b": [replace(ONE, se=float("nan"))]}, smallest_effect=0.02)
    entries = plotting.forest_legend(found)
    assert [entry.get_label() for entry in entries] == ["supported", "cannot tell"]
    assert entries[1].get_markerfacecolor() == "white"
