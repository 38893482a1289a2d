"""The command `explaint attribution`: what it reads, prints and writes, and how it refuses."""

from __future__ import annotations

import pytest
import typer
from helpers_models import save_tiny_bert
from typer.testing import CliRunner

from explaint_lib._common import ExplaintError
from explaint_lib.attribution import AVERAGED, METHODS
from explaint_lib.cli import attribution as command
from explaint_lib.results import Result

TEXT = "A robin is a small red bird.\n\nThe trout swam and the robin sang and sang.\n"


def run(*arguments: object) -> str:
    """Run the command; a fault the user can mend comes back as the exception that `explaint` prints."""
    app = typer.Typer(rich_markup_mode="rich")
    app.command()(command.attribution)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, ExplaintError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")


def test_the_table_shows_every_method_with_floor_and_ceiling_and_the_file_holds_the_result(tiny, tmp_path):
    text, out = tmp_path / "mine.txt", tmp_path / "out.json"
    text.write_text(TEXT, encoding="utf-8")
    shown = run("--model", tiny, "--text", text, "--json", out, "--seed", 3)
    found = Result.from_json(out)
    lines = {line.split("  ")[0]: line for line in shown.splitlines()}
    assert set(lines) >= {*METHODS, *AVERAGED} and "mine.txt: 2 texts, seed 3" in shown
    rollout = found.tests.query("level == 'tokens' and method == 'rollout' and control == 'nearness'")
    for test in rollout.itertuples():
        assert f"({test.difference:+.2f} [{test.ci_low:+.2f} {test.ci_high:+.2f}]" in lines["rollout"]
    floor = found.rows.query("level == 'tokens' and method == 'token exchanged' and other == 'nearness'").value.mean()
    distance = next(line for line in shown.splitlines() if line.startswith("distance alone"))
    assert command.short(float(floor)) in distance and "exchanged again" in shown
    assert "kept: own share of a state" in shown and "to sinks: ALTI" in shown
    assert "With so few texts no p can be small" in shown
    assert found.manifest["seed"] == 3 and found.experiment == "attribution"


def test_one_text_has_no_tests_and_bundled_sentences_are_the_default(tiny, tmp_path, monkeypatch):
    text = tmp_path / "one.txt"
    text.write_text(TEXT.splitlines()[0], encoding="utf-8")
    shown = run("--model", tiny, "--text", text)
    assert "1 texts" in shown and "beyond" in shown and " p 0" not in shown
    asked = {}

    def fake(encoder, texts, **arguments):
        asked.update(arguments, texts=texts)
        raise ExplaintError("enough")

    monkeypatch.setattr("explaint_lib.attribution.compare_methods", fake)
    with pytest.raises(ExplaintError, match="enough"):
        run("--model", tiny)
    assert len(asked["texts"]) == 20 and max(len(line.split()) for line in asked["texts"]) <= 12
    assert asked["labels"] is None


def test_bad_paths_and_texts_are_named_before_the_long_run(tiny, tmp_path):
    with pytest.raises(ExplaintError, match="folder .* does not exist"):
        run("--model", tiny, "--json", tmp_path / "no" / "out.json")
    with pytest.raises(ExplaintError, match="cannot read .*No such file"):
        run("--model", tiny, "--text", tmp_path / "none.txt")
    text = tmp_path / "short.txt"
    text.write_text("A bird.\n" + TEXT + "A truck.\n", encoding="utf-8")
    with pytest.raises(ExplaintError, match="line 1 of short.txt, line 5 of short.txt: too short to rank words"):
        run("--model", tiny, "--text", text)
    assert [path.name for path in tmp_path.iterdir()] == ["short.txt"]
    text.write_text(f"{TEXT}A bird.\n" + "The robin sang and " * 400 + "slept.\n", encoding="utf-8")
    with pytest.raises(ExplaintError, match=r"line 5 of short.txt \(\d+ tokens\): longer .* line 4 .* too short"):
        run("--model", tiny, "--text", text)


def test_in_a_narrow_terminal_every_name_and_number_is_whole(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = tmp_path / "mine.txt"
    text.write_text(TEXT, encoding="utf-8")
    shown = run("--model", tiny, "--text", text).partition("Agreement with what happens")[2]
    lines = shown.splitlines()
    assert "…" not in shown and max(map(len, lines)) <= 60
    for method in METHODS:
        found = [line for line in lines if line.startswith(f"{method} ") and "mean of" not in line]
        assert len(found) == 2 and all(line.endswith(")") for line in found), method  # once beside each causal measure


def test_the_table_is_printed_whatever_happens_to_the_file(tiny, tmp_path, monkeypatch):
    events = []
    (tmp_path / "mine.txt").write_text(TEXT, encoding="utf-8")
    show = command._show
    monkeypatch.setattr(command, "_show", lambda *given: events.append("shown") or show(*given))
    monkeypatch.setattr(command, "write_result", lambda *_: events.append("written"))
    run("--model", tiny, "--text", tmp_path / "mine.txt", "--json", tmp_path / "a.json")
    assert events == ["shown", "written"]


def test_help_teaches_floor_and_ceiling():
    shown = run("--help")
    for word in ("token exchanged", "values ablated", "distance alone", "ruler", "exchanged again", "sinks"):
        assert word in shown
