"""The command `explaint norms` says what it recognised, never prints cells, and refuses with a message."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from explaint_lib import cli, norms
from explaint_lib._common import ExplaintError
from explaint_lib.cli import norms as command

TABLE = "word,category,feature,feature_type,value\nowl,bird,flies,motion,9.25\nant,insect,bites,,3.75\n"


@pytest.fixture
def table_file(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "mine.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def run(*arguments: str) -> str:
    """Run the command; a fault the user can mend comes back as the exception that `explaint` prints."""
    result = CliRunner().invoke(command.app, [str(argument) for argument in arguments])
    if isinstance(result.exception, ExplaintError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_add_says_what_it_recognised_and_list_shows_it(table_file):
    told = run("add", "mine", table_file, "--source", "Me [2026], a table")
    assert "long table, read as sparse" in told
    assert "2 words x 2 features" in told and "Me [2026], a table" in told
    assert "stored as" in told and norms.available("mine")
    listed = run("list")
    assert "mine.parquet" in listed and "bundled_ratings" in listed
    assert "Not installed: mcrae, buchanan, binder" in listed


def test_describe_prints_aggregates_and_no_cell(table_file):
    told = run("describe", table_file)
    assert "categories" in told and "bird 1, insect 1" in told and "1 features without" in told
    assert "homonyms" in told and norms.load_norms(table_file).fingerprint() in told
    for cell in ("owl", "flies", "bites"):
        assert cell not in told


def test_kind_can_be_said_and_is_kept(table_file):
    ratings = table_file.with_name("ratings.csv")
    ratings.write_text("word,a,b\nx,1,3\ny,0,2\n", encoding="utf-8")
    assert "dense: ratings" in run("add", "guessed", ratings)
    assert "sparse: production" in run("add", "said", ratings, "--kind", "sparse")
    assert "sparse: production" in run("describe", "said")


def test_the_name_of_published_norms_is_not_given_to_others(table_file):
    with pytest.raises(ExplaintError, match="kept for the published norms"):
        run("add", "mcrae", table_file)
    assert not norms.available("mcrae")


def test_no_overwriting_without_force(table_file):
    run("add", "mine", table_file)
    with pytest.raises(ExplaintError, match="--force"):
        run("add", "mine", table_file)
    run("add", "mine", table_file, "--force")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("describe", "mcrae"), "explaint norms add mcrae FILE"),
        (("describe", "no/such.csv"), "no such file"),
        (("add", "mine", "no/such.csv"), "no such file"),
        (("add", "bundled", "FILE"), "comes with Explain"),
        (("add", "a b", "FILE"), "letters, digits"),
    ],
)
def test_bad_inputs_get_a_message(table_file, arguments, message):
    with pytest.raises(ExplaintError, match=message):
        run(*(table_file if argument == "FILE" else argument for argument in arguments))


def test_an_unknown_kind_is_refused_by_the_command_line(table_file):
    result = CliRunner().invoke(command.app, ["add", "mine", str(table_file), "--kind", "medium"])
    assert result.exit_code == 2 and not norms.available("mine")


@pytest.mark.parametrize(
    ("arguments", "taught"),
    [
        (("--help",), "may not be redistributed"),
        (("add", "--help"), "never read as 0"),
        (("describe", "--help"), "never printed"),
        (("list", "--help"), "--norms"),
    ],
)
def test_help_teaches(table_file, arguments, taught):
    assert taught in " ".join(run(*arguments).split())


def test_the_front_door_ends_a_fault_in_exit_code_2(table_file, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["explaint", "norms", "describe", "mcrae"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert "explaint norms add mcrae FILE" in err and "Traceback" not in err
