"""The options of the commands: the same words for the same thing, and what they are given reaches the model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from explaint_lib import encoders
from explaint_lib._common import ExplaintError
from explaint_lib.cli import attribution, continuity, hypernymy, models, norms, sweep, table

COMMANDS = {"table": table.table, "continuity": continuity.continuity, "hypernymy": hypernymy.hypernymy,
            "attribution": attribution.attribution, "sweep": sweep.sweep, "check": models.check,
            "describe": norms.describe, "add": norms.add}  # fmt: skip


def options(function) -> dict[str, str]:
    """Return the options of a command with their help."""
    app = typer.Typer()
    app.command()(function)
    return {name: parameter.help for parameter in typer.main.get_command(app).params for name in parameter.opts
            if name.startswith("--") and name != "--help"}  # fmt: skip


def test_an_option_of_several_commands_has_one_wording():
    said: dict[str, set[str]] = {}
    for function in COMMANDS.values():
        for name, text in options(function).items():
            said.setdefault(name, set()).add(text)
    # what the twins are for differs from command to command; a repeated "As in" points to the other
    assert {name for name, texts in said.items() if len(texts) > 1} <= {"--untrained-seeds", "--kind"}


@pytest.mark.parametrize("command", ["table", "continuity", "hypernymy", "attribution", "check"])
def test_every_command_that_loads_a_model_takes_revision_and_device(command, monkeypatch):
    assert {"--revision", "--device"} <= set(options(COMMANDS[command]))
    seen = {}

    def load(name, **given):
        seen.update(given, name=name)
        raise ExplaintError("seen")

    for where in ("explaint_lib.experiments.continuity._run", "explaint_lib.experiments.hypernymy._gather"):
        monkeypatch.setattr(f"{where}.load_encoder", load)
    for name in ("load_encoder", "load_vectors", "examine_model"):
        monkeypatch.setattr(encoders, name, load)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(COMMANDS[command])
    named = ["somebody/model"] if command == "check" else ["--model", "somebody/model"]
    named += ["--norms", "bundled"] if command == "table" else []
    CliRunner().invoke(app, [*named, "--revision", "v1", "--device", "mps"])
    assert (seen["name"], seen["revision"], seen["device"]) == ("somebody/model", "v1", "mps")


def test_a_sweep_runs_models_on_the_device_it_is_given(monkeypatch, tmp_path):
    (tmp_path / "grid.yaml").write_text("norms: [bundled]\nmodels: [minilm]\n")
    seen = {}
    monkeypatch.setattr(
        "explaint_lib.experiments.grid.run_grid", lambda grid, **given: seen.update(given) or SimpleNamespace(rows=[])
    )
    app = typer.Typer()
    app.command()(sweep.sweep)
    assert CliRunner().invoke(app, [str(tmp_path / "grid.yaml"), "--device", "mps"]).exit_code == 0
    assert seen["device"] == "mps"
