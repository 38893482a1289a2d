"""Figures: what is drawn is what was given, labels do not cover each other, inputs stay as they were."""

from __future__ import annotations

import json
from itertools import combinations

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from explaint_lib import inference, plotting
from explaint_lib._common import ExplaintError
from explaint_lib.results import Result, in_notebook, typed

CONDITIONS = {
    "random": 0.01, "system": 0.25, "upper_bound": 0.27, "oracle": 0.81, "shuffled": 0.10, "chance": 0.004,
    "shuffled_upper_bound": 0.13, "mean_profile": 0.11, "permuted_pairing": 0.105,
}  # fmt: skip


@pytest.fixture
def ax():
    with plotting.style():
        figure, axes = plt.subplots()
        yield axes
        plt.close(figure)


def rows(metric="f1_at_10", values=CONDITIONS):
    closed = ("oracle", "chance")
    return [
        {"condition": c, "metric": metric, "value": v, "ci_low": None if c in closed else v - 0.02,
         "ci_high": None if c in closed else v + 0.02}
        for c, v in values.items()
    ]  # fmt: skip


def texts(ax):
    return [t for t in [*ax.texts, *ax.get_yticklabels(), ax.title, ax.xaxis.label, ax.yaxis.label] if t.get_text()]


def assert_no_text_covers_another(ax):
    ax.figure.canvas.draw()
    boxes = [(t.get_text(), Text.get_window_extent(t)) for t in texts(ax)]  # without the annotation's leader line
    for (a, box), (b, other) in combinations(boxes, 2):
        overlap = min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0)
        assert min(overlap) < 1.5, f"{a!r} and {b!r} overlap by {overlap} pixels"


def test_conditions_stand_in_the_order_of_the_argument(ax):
    assert plotting.conditions_plot(ax, rows(), "f1_at_10") is ax
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names[:3] == ["oracle", "upper bound", "system"] and "chance" not in names and len(names) == 8
    points = {line.get_ydata()[0]: line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1}
    assert [points[y] for y in range(3)] == [0.81, 0.27, 0.25]
    assert any(list(line.get_xdata()) == [0.004, 0.004] for line in ax.lines)  # chance, through all rows
    assert ax.get_xlabel() == "f1@10"
    assert_no_text_covers_another(ax)


def test_conditions_may_be_negative_or_close_to_chance(ax):
    values = {"system": 0.02, "shuffled": -0.2, "random": 0.0, "chance": 0.0}
    plotting.conditions_plot(ax, pd.DataFrame(rows("spearman_item", values)), "spearman_item")
    assert ax.get_xlim()[0] < -0.22
    assert_no_text_covers_another(ax)


@pytest.mark.parametrize(
    ("given", "metric", "message"),
    [
        (rows(), "spearman_item", "no row with metric"),
        (rows() + rows(), "f1_at_10", "more than one row"),
        ([{"condition": "system"}], "f1_at_10", "are missing"),
    ],
)
def test_conditions_refuse(ax, given, metric, message):
    with pytest.raises(ExplaintError, match=message):
        plotting.conditions_plot(ax, given, metric)


def curve(values, spread=0.03):
    return [
        {"layer": i, "value": v, "ci_low": v - spread, "ci_high": v + spread, "chance": 0.06}
        for i, v in enumerate(values)
    ]


def test_curves_carry_their_names_even_where_they_meet(ax):
    curves = {
        "trained": curve([1, 0.6, 0.40]),
        "untrained": curve([1, 0.8, 0.41]),
        "ridge": curve([1, 0.9, 0.42]),
    }
    before = [dict(row) for row in curves["trained"]]
    plotting.curves_plot(ax, curves, ylabel="top-1")
    assert curves["trained"] == before
    assert {t.get_text() for t in ax.texts} == {"trained", "untrained", "ridge", "chance"}
    assert len(ax.collections) == 3  # a band each
    styles = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in ax.lines}
    assert len(styles) == 4 and len({s[1:] for s in styles}) == 4  # told apart without colour
    assert_no_text_covers_another(ax)


def test_thirty_layers_and_unsorted_rows(ax):
    shuffled = list(reversed(curve(np.linspace(1, 0.2, 31))))
    plotting.curves_plot(ax, {"trained": shuffled}, chance=0.1)
    line = ax.lines[0]
    assert list(line.get_xdata()) == list(range(31)) and line.get_ydata()[0] == 1
    assert set(ax.lines[1].get_ydata()) == {0.1}


def test_curves_refuse(ax):
    with pytest.raises(ExplaintError, match="empty"):
        plotting.curves_plot(ax, {})
    with pytest.raises(ExplaintError, match="two rows for one layer"):
        plotting.curves_plot(ax, {"trained": curve([1]) + curve([0.5])})


def test_sweep_has_its_references(ax):
    x = np.array([1, 5, 20, 100])
    curves = {"system": np.array([[0.1, 0.09, 0.11]] * 4), "shuffled": np.full(4, 0.1)}
    references = {"mean_profile": 0.105, "oracle": 0.8, "chance": 0.004}
    plotting.sweep_plot(ax, x, curves, references=references, ylabel="F1@10", log=True)
    assert {t.get_text() for t in ax.texts} == {"system", "shuffled", "mean profile", "oracle", "chance"}
    assert_no_text_covers_another(ax)
    with pytest.raises(ExplaintError, match="must have the shape"):
        plotting.sweep_plot(ax, x, {"system": np.zeros(3)})


TOKENS = ["[CLS]", "$x^2$", "</b>", "é", "a" * 60, ""]


def test_attention_map_draws_the_weights_and_any_token(ax):
    weights = np.random.default_rng(0).dirichlet(np.ones(6), size=6)
    weights.flags.writeable = False
    plotting.attention_map(ax, weights, TOKENS, vmax=1)
    assert np.array_equal(ax.images[0].get_array(), weights) and ax.images[0].get_clim() == (0, 1)
    ax.figure.canvas.draw()  # a dollar sign read as a formula would fail or vanish here
    assert ax.get_yticklabels()[1].get_text() == r"\$x^2\$"


def test_a_matrix_shows_each_number_and_no_minus_before_nothing(ax):
    table = pd.DataFrame([[0.25, -0.001], [np.nan, -1.0]], index=["$a$", "b"], columns=["one", "two"])
    plotting.matrix_plot(ax, table, low=-1, high=1, cmap="RdBu", digits=1)
    assert [text.get_text() for text in ax.texts] == ["0.2", "0.0", "-1.0"]
    assert np.array_equal(ax.collections[0].get_array().filled(9), [[0.25, -0.001], [9, -1.0]])
    assert ax.collections[0].get_clim() == (-1, 1)
    ax.figure.canvas.draw()
    assert [label.get_text() for label in ax.get_yticklabels()] == [r"\$a\$", "b"]


def test_attention_lines_fade_with_identity(ax):
    weights = np.eye(6)[[1, 1, 1, 1, 1, 1]]
    plotting.attention_lines(ax, weights, TOKENS, identity=[1, 0, 1, 1, 1, 1])
    alphas = np.array([patch.get_alpha() for patch in ax.patches]).reshape(-1, 2)  # (link, half)
    assert np.allclose(alphas[0], [0.95, 0.05])
    ax.figure.canvas.draw()


@pytest.mark.parametrize("draw", [plotting.attention_map, plotting.attention_lines])
def test_attention_pictures_refuse(ax, draw):
    with pytest.raises(ExplaintError, match="one a token"):
        draw(ax, np.eye(3), TOKENS)
    with pytest.raises(ExplaintError, match="not negative"):
        draw(ax, -np.eye(6), TOKENS)


def test_style_is_left_behind():
    before = dict(matplotlib.rcParams)
    with plotting.style():
        assert matplotlib.rcParams["figure.facecolor"] == "white" and matplotlib.rcParams["font.size"] == 13
    assert dict(matplotlib.rcParams) == before


def test_every_condition_is_told_apart_without_colour():
    grey = [
        (looks.marker, looks.line) for name, looks in plotting.LOOKS.items() if name not in ("trained", "untrained")
    ]
    assert len(set(grey)) >= len(grey) - 1  # upper bound and shuffled upper bound share a diamond: both are ceilings
    assert plotting.look("a_new_one", 1).label == "a new one"
    assert {plotting.look("x", i).marker for i in range(8)}.__len__() == 8


def test_a_verdict_table_writes_each_claim_once_and_cuts_no_text():
    one = inference.Comparison("mean profile", 0.2, 0.05, p_value=0.001, score="F1@10")
    long = inference.Comparison(
        "a control whose name is much longer than a column of pandas is wide", -0.1, 0.02, p_value=1
    )
    rows = inference.verdicts({"first": [one, long], "not tried": []}, smallest_effect=0.05)
    with pd.option_context("display.max_colwidth", 50):
        shown = plotting.verdict_table(Result("06", {}, verdicts=rows))
        html = shown._repr_mimebundle_()["text/html"]
        assert long.control in html and "..." not in html and long.control in repr(shown)
    (table,) = shown.tables
    assert table.index.tolist() == ["first", "", "not tried"] and table["control"].tolist()[2] == "none could be run"
    assert table["observed - control"].tolist() == ["+0.200 [+0.088, +0.312]", "-0.100 [-0.145, -0.055]", "-"]
    assert table["verdict"].tolist() == [f"worse than {long.control}", "", "cannot tell"]
    assert table["p (Holm)"].tolist() == ["0.002", "1", "-"] and "score" not in table
    assert table.columns.tolist()[0] == "verdict"
    assert table["margin"].tolist() == ["0.05, out of reach", "0.05", "-"]
    assert not {"stable", "false alarms, power"} & set(table)  # nothing was drawn again, nothing calibrated


def test_a_verdict_table_says_how_stable_a_verdict_is_and_how_often_it_errs():
    one = inference.Comparison(
        "x", 0.2, 0.05, score="F1@10", p_value=0.001, n=200, varied="folds", draws=(0.2,) * 9 + (0.0,), se_units=0.05,
        asks="word",
    )  # fmt: skip
    about = {"asks": "word", "control": "x", "score": "F1@10", "n": 240, "worlds": 100}
    known = typed([about | {"truth": t, "supported": s, "refuted": r} for t, s, r in ((False, 3, 80), (True, 92, 1))])
    rows = inference.verdicts({"it": [one], "other": []}, smallest_effect=0.05, calibrated=known)
    (table,) = plotting.verdict_table(Result("06", {}, verdicts=rows)).tables
    assert table["stable"].tolist() == ["90%", "-"] and table["false alarms, power"].tolist() == ["3%, 92%", "-"]


def test_a_verdict_table_names_the_score_of_each_difference_where_there_are_several():
    one, other = (inference.Comparison("x", 0.2, 0.05, p_value=0.001, score=score) for score in ("F1@10", "AUC"))
    rows = inference.verdicts({"first": [one, other], "not tried": []}, smallest_effect=0.05)
    (table,) = plotting.verdict_table(Result("06", {}, verdicts=rows)).tables
    assert table["score"].tolist() == ["F1@10", "AUC", "-"]


def test_a_verdict_table_leaves_its_numbers_in_the_notebook(tmp_path):
    rows = inference.verdicts({"it": [inference.Comparison("x", 1 / 3, 0.1, p_value=0.001)]}, smallest_effect=0.05)
    found = Result("06", {"seed": 0}, verdicts=rows)
    shown = plotting.verdict_table(found)._repr_mimebundle_()
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [{"outputs": [{"data": shown}]}]}))
    (kept,) = in_notebook(tmp_path / "a.ipynb")
    assert kept.equals(found) and kept.verdicts.difference[0] == 1 / 3 and "+0.333" in shown["text/html"]


def test_verdicts_stand_side_by_side_with_the_smallest_difference_of_each_claim():
    one, other = (inference.Comparison("x", d, 0.05, p_value=0.001) for d in (0.3, 0.2))
    claims = {
        ("b", "later", "more than chance"): [one, other],
        ("b", "later", "mostly"): [],
        ("a", "early", "mostly"): [inference.Comparison("y", 0, 0.01, p_value=1)],
    }
    rows = inference.verdicts(claims, smallest_effect=0.05, by=("model", "claim", "question"))
    found = Result("03", {}, verdicts=rows)
    b, a = plotting.verdict_table(found, across="question").tables
    assert b.to_dict("index") == {"later": {"more than chance": "supported (+0.20)", "mostly": "cannot tell"}}
    assert a.to_dict("index") == {"early": {"mostly": "equivalent (+0.00)"}}
    (models,) = plotting.verdict_table(found, across="model").tables
    assert models.columns.tolist() == ["b", "a"] and models.loc[("early", "mostly"), "b"] == "-"
    claims["b", "alone", "of its own"] = claims["b", "last", "mostly"] = [one]
    more = Result(
        "05", {}, verdicts=inference.verdicts(claims, smallest_effect=0.05, by=("model", "claim", "question"))
    )
    b, alone, a = plotting.verdict_table(more, across="question").tables  # no column of its own beside those of others
    assert b.index.tolist() == ["later", "last"] and b.loc["last", "more than chance"] == "-"
    assert alone.to_dict("index") == {"alone": {"of its own": "supported (+0.30)"}} and alone.columns.name == "b"
    with pytest.raises(ExplaintError, match="by model, claim, question, found across='split'"):
        plotting.verdict_table(found, across="split")
    with pytest.raises(ExplaintError, match="holds no verdicts"):
        plotting.verdict_table(Result("03", {}))
