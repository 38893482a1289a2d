"""A condition is one object: whoever registers one sees it in rows, tests, terminals, grids and figures."""

from __future__ import annotations

import dataclasses

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers_grid import make_world
from test_table import SMALL, world
from typer.testing import CliRunner

from explaint_lib import cli, controls, plotting
from explaint_lib._common import ExplaintError
from explaint_lib.cli._terminal import Terminal
from explaint_lib.cli.table import WithConditions, show, table
from explaint_lib.controls import CONDITIONS, Condition, Draw
from explaint_lib.experiments.grid import Grid, run_grid
from explaint_lib.experiments.table import fits, run_table


def reversed_rows(setting) -> Draw:
    """Draw what no file of the library draws: the words from last to first, begun at a random one."""
    order = np.roll(np.arange(len(setting.Y))[::-1], setting.rng.integers(len(setting.Y)))
    return Draw(setting.Y[order], setting.predict(setting.Y[order]), order)


TURNED = Condition(
    name="turned_round", what="the words from last to first", keeps="every row", destroys="whose it is",
    group="scale", draws="permutations", draw=reversed_rows, stream=7, tested=True,
)  # fmt: skip
HALF = Condition(
    name="half_way", what="half of what could be had", keeps="nothing", destroys="everything", group="scale",
    draws="closed form", closed_form=lambda metric, Y, kind: metric.oracle(Y, kind=kind) / 2,
)  # fmt: skip


@pytest.fixture
def registered():
    """Register two conditions for one test: one that is drawn and tested, and one in closed form."""
    before = dict(CONDITIONS)
    controls.register(TURNED, HALF)
    yield
    CONDITIONS.clear()
    CONDITIONS.update(before)


@pytest.fixture
def found(registered):
    return run_table(*world(), **SMALL)


def test_a_registered_condition_is_in_rows_and_tests(found):
    value = found.rows.set_index(["condition", "metric"]).value
    for metric in set(found.rows.metric):
        assert value["half_way", metric] == pytest.approx(value["oracle", metric] / 2)
    assert value["mean_profile", "f1_at_10"] - 0.05 < value["turned_round", "f1_at_10"] < value["system", "f1_at_10"]
    assert found.manifest["draws"]["turned_round"] == SMALL["permutations"] == fits(None, 9)["turned_round"]
    tests = found.tests[found.tests.control == "turned_round"]
    assert set(tests.metric) == set(found.rows.metric) and tests.p_value.min() == 1 / (1 + SMALL["permutations"])
    # it is one more in the family of each metric, and what was there before it has the numbers that it had
    assert tests.p_holm.min() == pytest.approx(3 / (1 + SMALL["permutations"]))


def test_it_changes_no_number_of_the_others(found):
    others = [name for name in CONDITIONS if name not in ("turned_round", "half_way")]
    without = run_table(*world(), **SMALL, conditions=others)
    rows, tests = found.rows[found.rows.condition.isin(others)], found.tests[found.tests.control != "turned_round"]
    assert rows.reset_index(drop=True).equals(without.rows)
    assert tests.p_value.tolist() == without.tests.p_value.tolist()


def test_it_is_printed_with_what_it_keeps(found, capsys):
    show(Terminal(width=160), found, "banner")
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert any(line.startswith("turned_round  ") for line in lines) and "half_way" in said
    assert any(line.startswith("p vs turned_round") for line in lines)
    assert "turned_round: the words from last to first (keeps every row; destroys whose it is)" in said
    assert "shuffled and permuted_pairing and turned_round: mean of 9 draws" in said


@pytest.mark.usefixtures("registered")
def test_the_help_of_the_command_lists_every_condition(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    app = cli.typer.Typer(rich_markup_mode="rich")
    app.command("table", cls=WithConditions)(table)
    said = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    for name, condition in CONDITIONS.items():
        assert f"{name} {condition.line}" in said
    assert "{conditions}" not in said


@pytest.mark.usefixtures("registered")
def test_it_is_in_a_grid(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    small = {"layers": "last", "mappers": "ridge", "components": None, "conditions": ["system", "turned_round"]}
    grid = make_world(tmp_path) | small
    found = run_grid(Grid(**grid | {"models": grid["models"][:1]}), out=tmp_path / "table.csv")
    assert set(found.rows.condition) == {"system", "turned_round"} and set(found.tests.control) == {"turned_round"}
    assert "turned_round" in Grid(norms="bundled", models="minilm").conditions
    assert ",turned_round," in (tmp_path / "table.csv").read_text()


def test_it_is_drawn_with_a_look_of_its_own(found):
    _, ax = plt.subplots()
    plotting.conditions_plot(ax, found.rows, "f1_at_10")
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert {"turned round", "half way"} < set(labels) and len(labels) == len(CONDITIONS) - 1  # chance is a line
    colours = {(line.get_color(), line.get_marker()) for line in ax.lines if len(line.get_xdata()) == 1}
    assert len(colours) == len(labels), "two conditions look alike"
    plt.close(ax.figure)


def test_every_condition_of_the_library_is_drawn_under_its_label():
    """A condition without a look of its own takes a spare one: adding a condition touches its own file alone."""
    for place, (name, condition) in enumerate(CONDITIONS.items()):
        assert plotting.look(name, place).label == condition.label


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "shuffled"}, "there is a condition shuffled already"),
        ({"stream": 2}, "stream 2 is that of shuffled; take 7"),
        ({"stream": 6}, "stream 6 is that of the table's sign_flips; take 7"),
    ],
)
def test_a_name_and_a_stream_are_registered_once(change, says):
    before = dict(CONDITIONS)
    with pytest.raises(ExplaintError, match=says):
        controls.register(dataclasses.replace(TURNED, **change))
    assert before == CONDITIONS


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stream": None}, "several draws need a stream"),
        ({"draw": None}, "any other has draw"),
        ({"draws": "closed form", "tested": False}, "a closed form has closed_form and no draw"),
        ({"closed_form": HALF.closed_form}, "a closed form has closed_form"),
        ({"draws": "few"}, "a test needs one draw or one a permutation"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(change, says):
    with pytest.raises(ExplaintError, match=says):
        dataclasses.replace(TURNED, **change)


def test_a_draw_without_a_stream_cannot_be_random():
    silent = dataclasses.replace(TURNED, draws="one", stream=None)
    before = dict(CONDITIONS)
    controls.register(silent)
    try:
        with pytest.raises(ValueError, match="turned_round has no stream"):
            run_table(*world(), **SMALL, conditions=["turned_round"])
    finally:
        CONDITIONS.clear()
        CONDITIONS.update(before)
