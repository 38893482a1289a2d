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


def shown(capsys, *args, **numbers):
    plotting.show(*args, **numbers)
    return capsys.readouterr().out.strip()


def test_a_figure_says_what_lies_above_inside_and_below_the_observation(ax, capsys):
    plotting.conditions_plot(ax, rows(values=CONDITIONS | {"permuted_within": 0.24}), "f1_at_10")
    assert shown(capsys) == (
        "f1@10: system 0.25 [0.23, 0.27]. Above it: oracle 0.81. Inside its interval: upper bound 0.27, permuted in "
        "category 0.24. Below it: shuffled upper bound 0.13, shuffled 0.10, permuted pairing 0.10, mean profile 0.11, "
        "random 0.01. Chance: 0.00."
    )


def test_a_figure_without_an_interval_says_what_is_equal(ax, capsys):
    found = [
        {"condition": name, "metric": "m", "value": v} for name, v in (("system", 0.5), ("twin", 0.5), ("random", 0.4))
    ]
    plotting.conditions_plot(ax, found, "m")
    assert shown(capsys) == "m: system 0.50. Equal to it: twin 0.50. Below it: random 0.40."


def test_curves_say_where_they_begin_and_end_by_the_place_and_not_by_the_order_of_the_rows(ax, capsys):
    curve = [{"layer": 2, "value": 0.4}, {"layer": 0, "value": 0.9}, {"layer": 1, "value": 0.7}]
    plotting.curves_plot(ax, {"trained": curve}, chance=0.05)
    assert shown(capsys) == "From 0 to 2 (layer): trained 0.90 to 0.40. Chance: 0.05."


def test_curves_over_the_same_places_share_a_sentence_and_others_have_their_own(ax, capsys):
    deep, flat = [{"layer": i, "value": v} for i, v in ((0, 0.9), (6, 0.4))], [{"layer": 0, "value": 0.3}]
    plotting.curves_plot(ax, {"trained": deep, "static": flat, "untrained": deep})
    assert (
        shown(capsys) == "From 0 to 6 (layer): trained 0.90 to 0.40, untrained 0.90 to 0.40. At 0 (layer): static 0.30."
    )


def test_a_sweep_over_names_writes_and_says_them(ax, capsys):
    plotting.sweep_plot(ax, ["cosine", "ridge"], {"minilm": [0.2, 0.9]}, references={"chance": 0.1}, xlabel="")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["cosine", "ridge"]
    assert shown(capsys) == "From cosine to ridge: minilm 0.20 to 0.90. Lines: chance 0.10."


def test_a_map_says_its_strongest_link_and_a_matrix_its_extremes(capsys):
    figure, (one, other) = plt.subplots(1, 2)
    plotting.attention_lines(one, [[0.1, 0.9], [0.5, 0.5]], ["the", "$bird"])
    one.set_title(plotting.plain("head $1"))
    plotting.matrix_plot(other, pd.DataFrame({"norms": [0.7, np.nan, 0.5]}, index=["a", "b", "c"]), low=0, high=1)
    assert shown(capsys) == (
        "head $1: The strongest link goes from 'the' to '$bird' (0.90). norms: highest a (0.70), lowest c (0.50)."
    )
    assert not plt.fignum_exists(figure.number)  # else the next cell would show it again


def test_panels_without_titles_are_told_apart_by_their_axes_and_names_with_commas_by_semicolons(capsys):
    figure, axes = plt.subplots(2)
    for ax, label in zip(axes, ("F1@10", "correlation"), strict=True):
        plotting.curves_plot(ax, {"minilm": [{"layer": 0, "value": 0.5}]}, ylabel=label)
    assert shown(capsys) == "F1@10: At 0 (layer): minilm 0.50. correlation: At 0 (layer): minilm 0.50."
    plt.figure()
    assert shown(capsys, "{means}.", means={"a, b": 0.1, "c": 0.2}) == "a, b 0.10; c 0.20."


def test_a_map_that_is_to_be_judged_without_its_words_says_nothing(ax, capsys):
    plotting.attention_map(ax, [[0.1, 0.9], [0.5, 0.5]], ["", ""])
    assert shown(capsys, "Which is it?") == "Which is it?"


def test_what_is_said_replaces_what_was_drawn_and_holds_its_numbers(ax, capsys):
    plotting.matrix_plot(ax, pd.DataFrame({"norms": [0.7]}), low=0, high=1)
    said = shown(capsys, "{n} words, {share}; {found}.", n=3, share=-0.001, found={"a": np.float32(0.25), "b": "none"})
    assert said == "3 words, 0.00; a 0.25, b none."


def test_the_words_of_a_figure_are_escaped_and_its_letters_are_text(ax):
    from explaint_lib.plotting._show import _Shown

    plotting.attention_lines(ax, [[1.0]], ["<b>&"])
    with plt.rc_context({"svg.fonttype": "none"}):
        figure = _Shown(b"<svg><text>bird</text></svg>", "it says <b>&")
    data, about = figure._repr_mimebundle_()
    assert "it says &lt;b&gt;&amp;" in data["text/html"] and "<b>" not in data["text/html"]
    assert about == {plotting.FINDING: "it says <b>&"} and data["text/plain"] == "it says <b>&"


def test_points_stand_where_their_numbers_are(ax, capsys):
    values = pd.DataFrame({"head": [0.9, np.nan], "offset": [0.8, 0.75]}, index=["subject", "object"])
    plotting.dots_plot(ax, values, low=values - 0.1, high=values + 0.1, chance=0.2)
    head, offset = (line for line in ax.lines if line.get_label() in ("head", "offset"))
    assert head.get_xdata()[0] == 0.9 and np.isnan(head.get_xdata()[1]) and list(offset.get_xdata()) == [0.8, 0.75]
    assert head.get_ydata()[0] < offset.get_ydata()[0] < head.get_ydata()[1] < offset.get_ydata()[1]  # rows apart
    ends = np.sort([end for lines in ax.collections for path in lines.get_paths() for end in path.vertices[:, 0]])
    np.testing.assert_allclose(ends[~np.isnan(ends)], [0.65, 0.7, 0.8, 0.85, 0.9, 1.0])
    plotting.legend(ax.figure)
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["head", "offset"]
    assert shown(capsys) == "subject: head 0.90, offset 0.80. object: offset 0.75. Chance: 0.20."


def test_intervals_of_other_rows_are_refused(ax):
    values = pd.DataFrame({"head": [0.9]}, index=["subject"])
    with pytest.raises(ExplaintError, match=r"rows \['subject'\]"):
        plotting.dots_plot(ax, values, low=values.rename({"subject": "object"}), high=values)


def test_a_cell_of_a_table_of_verdicts_knows_its_column_and_shows_names_as_text():
    clear = inference.Comparison("<b>rival</b>", difference=0.2, se=0.01, p_value=0.001)
    verdicts = inference.verdicts({"It's <i>so</i>": [clear]}, smallest_effect=0.02)
    html = plotting.verdict_table(Result("02", {"seed": 0}, verdicts=verdicts))._repr_mimebundle_()["text/html"]
    table = html[: html.index("</table>")]
    assert '<td role="cell" data-label="verdict">' in table and '<td role="cell" data-label="control">' in table
    assert "&lt;b&gt;rival" in table and "&lt;i&gt;so" in table and "<b>" not in html and "<i>" not in html
    assert table.count('role="row"') == 2 and '<td role="cell"></td>' in table  # a head without words is no head
