"""The command `explaint continuity`: what it reads, prints and writes, and how it refuses."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from explaint_lib._common import ExplaintError
from explaint_lib.cli import continuity as command
from explaint_lib.results import Result


def run(*arguments: object) -> str:
    """Run the command; a fault the user can mend comes back as the exception that `explaint` prints."""
    app = typer.Typer(rich_markup_mode="rich")
    app.command()(command.continuity)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, ExplaintError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def row(layer, untrained, claim, candidates, similarity, metric, value, chance=0.1):
    reference = "layer0" if similarity else None
    keys = ["layer", "untrained", "claim", "reference", "candidates", "similarity", "metric", "value", "chance"]
    return dict(
        zip(
            keys,
            (layer, untrained, claim, reference, candidates, similarity, metric, value, chance),
            strict=True,
        )
    )


def result(texts):
    rows = []
    for layer in (0, 1):
        for untrained in (False, True):
            value = 0.61 if untrained else 0.32
            rows += [
                row(layer, untrained, "geometry", "sentence", "cosine", "top1", value),
                row(layer, untrained, "geometry", "sentence", "cosine", "mrr", 0.99),
                row(layer, untrained, "decodability", "corpus", "ridge", "top1", 0.996, 0.001),
                row(layer, untrained, "causal_locality", None, None, "argmax", 0.875),
            ]
    arguments = {"untrained_seeds": 2, "twin": "initialised", "first_position_left_out": True}
    data = {"n_texts": len(texts), "n_repeated_texts_left_out": 0, "n_tokens": 99, "n_unknown_tokens": 7}
    manifest = {"model": {"name": "[toy]"}, "data": data, "arguments": arguments, "seed": 7}
    return Result("continuity", manifest, rows)


@pytest.fixture
def asked(monkeypatch):
    """Replace the experiment; the dict holds what it was asked."""
    monkeypatch.setenv("COLUMNS", "100")
    told = {}

    def fake(model, texts, **arguments):
        told.update(arguments, model=model, texts=texts)
        return result(texts)

    monkeypatch.setattr("explaint_lib.experiments.continuity.run_continuity", fake)
    return told


def test_table_shows_trained_untrained_and_chance(asked):
    shown = run("--model", "toy")
    assert "[toy] on the bundled sentences" in shown and "mean of 2 untrained twins" in shown
    assert ".32 .61" in shown and "1.00 1.00" in shown and ".88 .88" in shown
    assert ".10" in shown and "<.01" in shown  # chance
    assert ".99" not in shown  # mrr is in the file, not on the terminal
    assert "at least 5 untrained twins" in shown
    assert "own share" not in shown  # not measured, no empty column
    assert "7 of 99 tokens are unknown" in shown
    assert len(asked["texts"]) >= 300 and asked["labels"] is None


def test_text_file_is_read_by_line_and_json_written(asked, tmp_path):
    text, out = tmp_path / "mine.txt", tmp_path / "out.json"
    text.write_text("\ufeffFirst one.\n\n  Second one.  \n", encoding="utf-8")
    shown = run("--model", "toy", "--text", text, "--json", out, "--seed", 7, "--untrained-seeds", 2)
    assert asked["texts"] == ["First one.", "Second one."]
    assert asked["labels"] == ["line 1 of mine.txt", "line 3 of mine.txt"]
    assert asked["seed"] == 7 and asked["untrained_seeds"] == 2
    assert "on mine.txt: 2 sentences" in shown
    assert Result.from_json(out).equals(result(asked["texts"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", "out.json"]


def test_the_table_is_printed_whatever_happens_to_the_file(asked, tmp_path, monkeypatch):
    events = []
    show = command._show
    monkeypatch.setattr(command, "_show", lambda *given: events.append("shown") or show(*given))
    monkeypatch.setattr(command, "write_result", lambda *_: events.append("written"))
    run("--model", "toy", "--json", tmp_path / "a.json")
    assert events == ["shown", "written"]


def test_bad_paths_are_named_before_the_long_run(asked, tmp_path):
    with pytest.raises(ExplaintError, match="folder .* does not exist"):
        run("--model", "toy", "--json", tmp_path / "no" / "out.json")
    with pytest.raises(ExplaintError, match="it is a folder"):
        run("--model", "toy", "--json", tmp_path)
    with pytest.raises(ExplaintError, match="cannot read .*No such file"):
        run("--model", "toy", "--text", tmp_path / "none.txt")
    with pytest.raises(ExplaintError, match="cannot read"):
        run("--model", "toy", "--text", tmp_path)
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"caf\xe9\n")
    with pytest.raises(ExplaintError, match="not UTF-8 text: line 1 holds the byte 0xe9 at place 4"):
        run("--model", "toy", "--text", binary)
    assert not asked


def test_too_few_sentences_and_static_models(tmp_path):
    text = tmp_path / "few.txt"
    text.write_text("One sentence.\nAnother sentence.\n", encoding="utf-8")
    with pytest.raises(ExplaintError, match="at least 20 different sentences.*found 2"):
        run("--model", "toy", "--text", text)
    with pytest.raises(ExplaintError, match="glove is a table of static vectors.*no layers, no positions"):
        run("--model", "glove")


def test_help_teaches_the_four_claims():
    shown = run("--help")
    for claim in ("raw geometry", "decodability", "causal locality", "share of content", "untrained"):
        assert claim in shown


@pytest.mark.parametrize("value,shown", [(0, ".00"), (0.001, "<.01"), (0.5, ".50"), (0.996, "1.00"), (1, "1.00")])
def test_shares_are_short(value, shown):
    assert command._short(value) == shown
