"""The command ``explaint models``: what it lists, what it fetches, how it refuses."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import families
import pytest
from typer.testing import CliRunner

from explaint_lib import cli, encoders
from explaint_lib._common import ExplaintError
from explaint_lib.cli.models import app


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")


def test_list_names_every_model_its_licence_and_whether_it_is_here(monkeypatch):
    ran = CliRunner().invoke(app, ["list"])
    assert ran.exit_code == 0
    for name, model in encoders.MODELS.items():
        line = next(line for line in ran.output.splitlines() if line.startswith(name))
        assert model.licence in line and model.kind in line and line.rstrip().endswith("no")
    folder = encoders.MODELS["glove"].folder
    folder.mkdir(parents=True)
    for member in encoders.MODELS["glove"].files:
        (folder / member.split("/")[-1]).touch()  # as after a power cut
    assert of_glove().endswith("damaged")
    files = dict.fromkeys(encoders.MODELS["glove"].files, hashlib.sha256().hexdigest())
    monkeypatch.setitem(encoders.MODELS, "glove", dataclasses.replace(encoders.MODELS["glove"], files=files))
    assert of_glove().endswith("yes")


def of_glove() -> str:
    """Return the line of `models list` about one model."""
    ran = CliRunner().invoke(app, ["list"])
    return next(line for line in ran.output.splitlines() if line.startswith("glove")).rstrip()


@pytest.mark.parametrize("arguments, expected", [(["all"], list(encoders.MODELS)), ([], list(encoders.MODELS)),
                                                 (["glove"], ["glove"])])  # fmt: skip
def test_fetch_fetches_and_loads(arguments, expected, monkeypatch, tmp_path):
    asked, loaded = [], []
    monkeypatch.setattr(encoders, "fetch", lambda name, *, progress: asked.append(name) or tmp_path)
    monkeypatch.setattr(encoders, "load_vectors", lambda name: loaded.append(name) or f"<{name}>")
    ran = CliRunner().invoke(app, ["fetch", *arguments])
    assert ran.exit_code == 0 and asked == loaded == expected
    assert all(f"<{name}>" in ran.output for name in expected)


def test_fetch_refuses_an_unknown_name():
    ran = CliRunner().invoke(app, ["fetch", "gpt"])
    assert isinstance(ran.exception, ExplaintError) and "minilm, smollm2, glove, rxnmapper, all" in str(ran.exception)


# ---- check


def checked(name: str, folder: Path) -> tuple[int, dict[str, str], str]:
    """Return the exit code, the result of each check, and all that was printed."""
    ran = CliRunner().invoke(app, ["check", str(families.save(name, folder))])
    rows = [line.split("  ") for line in ran.output.splitlines() if line and not line.startswith(" ")]
    results = {
        cells[0]: next(cell.strip() for cell in cells[1:] if cell.strip()) for cells in rows[1:] if len(cells) > 1
    }
    return ran.exit_code, results, " ".join(ran.output.split())


def test_check_says_what_a_model_can_be_used_for(tmp_path):
    code, results, _ = checked("bert", tmp_path / "bert")
    assert code == 0 and {"attention", "batches", "value zeroing", "corruptions"} <= set(results)
    assert {title for title, result in results.items() if result != "yes"} <= {"words"}  # a tiny vocabulary


def test_check_says_what_a_model_is_not_for(tmp_path):
    code, results, said = checked("mamba", tmp_path / "mamba")
    assert code == 0 and results["attention"] == results["attention maps"] == results["value zeroing"] == "limited"
    assert results["states"] == results["word vectors"] == "yes" and "serves word vectors" in said


def test_check_of_a_model_that_is_refused_ends_with_2(tmp_path):
    code, results, said = checked("t5", tmp_path / "t5")
    assert code == 2 and results["model"] == "refused" and "encoder-decoder" in said and "states" not in results
    ran = CliRunner().invoke(app, ["check", str(tmp_path / "nowhere")])
    assert ran.exit_code == 2 and "there is no folder" in " ".join(ran.output.split())


@pytest.mark.parametrize("typed, where, said", [
    (["models", "list"], "explaint_lib.encoders.list_models", "no output file was written"),
    (["sweep", "GRID"], "explaint_lib.experiments.grid.run_grid", "finished cells are kept"),
])  # fmt: skip
def test_ctrl_c_ends_a_command_in_one_sentence(typed, where, said, monkeypatch, capsys, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    (tmp_path / "grid.yaml").write_text("norms: [bundled]\nmodels: [minilm]\n")
    monkeypatch.setattr(where, interrupted)
    monkeypatch.setattr(
        "sys.argv", ["explaint", *(str(tmp_path / "grid.yaml") if word == "GRID" else word for word in typed)]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("explaint: stopped; ") and said in line


def test_the_help_loads_no_arrays_and_no_models():
    program = "import sys, explaint_lib.cli as c\nsys.argv = ['explaint', '--help']\ntry: c.main()\n"
    program += "except SystemExit: print(sorted({'numpy', 'pandas', 'psutil', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "sweep" in done.stdout and done.stdout.endswith("\n[]\n"), done.stdout + done.stderr
