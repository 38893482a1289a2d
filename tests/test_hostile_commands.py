"""Hostile strings through every command: printed, refused, stored in JSON, Parquet and CSV, and as names of files."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers_models import save_tiny_bert
from hostile import HOSTILE, STRINGS, acts

from explaint_lib import cli
from explaint_lib._common import csv_text, printable

WORDS = (
    "robin",
    "trout",
    "bird",
    "truck",
    "fire",
    "brigade",
    "small",
    "swim",
    "red",
    "sang",
    "don",
    "the",
    "café",
    "xyz",
)
# What a file or a folder can be called: no slash, no NUL, at most 255 bytes
NAMES = {
    key: text
    for key, text in HOSTILE.items()
    if not set("/\0") & set(text) and len(text.encode("utf8")) < 200 and text.strip() == text
}


def pack(texts: list[str], room: int = 180) -> list[str]:
    """Join names to as few as hold them all."""
    packed = [""]
    for text in texts:
        if len((packed[-1] + text).encode("utf8")) > room:
            packed.append("")
        packed[-1] += text
    return packed


PACKED = pack(list(NAMES.values()))
TINY = ("--mapper", "ridge", "--folds", "2", "--permutations", "1", "--bootstrap", "2")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def explaint(monkeypatch, capsys):
    """Run the command as a shell would; what it printed must do nothing. Returns (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["explaint", *map(str, arguments)])
        cli.app.registered_commands.clear()  # `main` registers them, once a process
        cli.app.registered_groups.clear()
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        bars = err.replace("\r", "").replace("\x1b[A", "")  # of the progress bars
        assert not acts(out) and not acts(bars), (arguments, out, err)
        assert "Traceback" not in err and code in (0, 2), err
        return code, out, err

    return run


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return save_tiny_bert(tmp_path_factory.mktemp("tiny") / "bert")


def write_norms(path: Path, text: str) -> Path:
    """Write a long table whose words, features, categories and types all hold `text`, as Parquet holds anything."""
    rows = [
        {
            "word": f"{word}{text}" if i % 3 else f"{text}{word}", "category": text, "feature_type": text,
            "feature": f"{text} {j}", "value": float(1 + (i + 2 * j) % 5),
        }
        for i, word in enumerate(WORDS) for j in range(4) if (i + j) % 3
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    table.attrs["source"] = f"Someone {text}"
    table.to_parquet(path, index=False)
    return path


# -- norms -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", STRINGS, ids=HOSTILE)
def test_norms_are_added_described_and_listed_or_refused_and_nothing_acts(explaint, tmp_path, text):
    source = f"Someone {text}".replace("\0", "")  # no shell hands over a NUL
    code, out, err = explaint("norms", "add", "mine", write_norms(tmp_path / "mine.parquet", text), "--source", source)
    if code == 0:
        assert printable("Someone") in out
        assert explaint("norms", "describe", "mine")[0] == 0
    else:
        assert err.startswith("explaint: ") and not list((tmp_path / "data").glob("mine*"))
    assert explaint("norms", "list")[0] == 0
    # a table as text, of which every second line is out of order
    broken = tmp_path / "broken.csv"
    broken.write_text(f'word,feature,value\nowl,flies,1\n"{text}",{text},{text}\n{text}\n', "utf8", newline="")
    assert explaint("norms", "describe", broken)[0] in (0, 2)


@pytest.mark.parametrize("name", PACKED, ids=range(len(PACKED)))
def test_a_file_may_be_called_anything(explaint, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    file = folder / f"{name}.csv"
    rows = [f"{word},f{j},{1 + (i + j) % 4}" for i, word in enumerate(WORDS) for j in range(4) if (i + j) % 3]
    file.write_text("\n".join(["word,feature,value", *rows]), "utf8")
    assert explaint("norms", "describe", file)[0] == 0
    assert explaint("norms", "add", name, file)[0] in (0, 2)
    assert explaint("norms", "describe", folder)[0] == 2  # a folder is no table
    assert explaint("norms", "describe", folder / "none.csv")[0] == 2
    assert explaint("table", "--norms", file, "--model", folder)[0] == 2  # nor is this one a model
    assert explaint("table", "--norms", file, "--model", name, "--layer", name)[0] == 2
    assert explaint("table", "--norms", name, "--model", name, "--json", folder)[0] == 2
    assert explaint("continuity", "--model", folder, "--text", folder / "none.txt")[0] == 2
    assert explaint("hypernymy", "--model", name, "--negatives", name)[0] == 2
    assert explaint("models", "fetch", name)[0] == 2
    assert explaint("models", "check", name)[0] == 2 and explaint("models", "check", folder)[0] == 2
    assert explaint(name)[0] == 2 and explaint("table", f"--{name}")[0] == 2
    grid = folder / f"{name}.yaml"
    for text in (name, f"norms: [{name}]\nmodels: x", yaml.safe_dump({"norms": [name], "models": [name], name: name}),
                 yaml.safe_dump({"norms": [str(file)], "models": [str(folder)], "metrics": [name]})):  # fmt: skip
        grid.write_text(text, "utf8")
        assert explaint("sweep", grid, "--dry-run")[0] == 2
    assert explaint("sweep", grid, "--out", folder / name)[0] == 2


@pytest.mark.parametrize("name", ["../up", "a/b", "..", "/etc/x", "C:\\x", "a\0b", "~"])
def test_no_name_leads_out_of_the_folder_of_norms(explaint, tmp_path, name):
    file = write_norms(tmp_path / "mine.parquet", "x")
    before = sorted(tmp_path.rglob("*"))
    assert explaint("norms", "add", "--", name, file)[0] == 2
    assert sorted(tmp_path.rglob("*")) == before


# -- results -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PACKED, ids=range(len(PACKED)))
def test_results_of_hostile_norms_and_models_are_data(explaint, tmp_path, tiny, name):
    """`table` and `sweep` run on a model and norms called so; every file that they write holds the names, inert."""
    model, norms = tmp_path / name, tmp_path / "norms" / f"{name}.csv"
    norms.parent.mkdir()
    model.symlink_to(tiny)
    ratings = pd.DataFrame(np.random.default_rng(0).normal(size=(len(WORDS), 11)).round(3))
    ratings.columns = [f"{name}{j}".strip() for j in range(11)]
    ratings.insert(0, "word", WORDS)
    ratings.to_csv(norms, index=False)
    result = tmp_path / f"{name}.json"
    code, out, err = explaint("table", "--norms", norms, "--model", model, "--json", result, *TINY)
    if code == 2:  # labels that norms may not have
        ratings.columns = ["word", *"abcdefghijk"]
        ratings.to_csv(norms, index=False)
        code, out, err = explaint("table", "--norms", norms, "--model", model, "--json", result, *TINY)
    assert code == 0, err[-1500:]
    text = result.read_text("utf8")
    assert not acts(text) and text.isascii() and json.loads(text)["manifest"]["arguments"]["model"]
    assert "system" in out and printable(name)[:20] in re.sub(r"\s+", " ", out + err).replace("\n", "")
    grid, target = tmp_path / "grid.yaml", tmp_path / f"{name}.csv"
    few = {"mappers": ["ridge"], "folds": 2, "permutations": 1, "bootstrap": 2, "conditions": ["system"], "layers": [1]}
    grid.write_text(yaml.safe_dump({"norms": [str(norms)], "models": [str(model)], **few}), "utf8")
    assert explaint("sweep", grid, "--dry-run")[0] == 0
    assert explaint("sweep", grid, "--out", target)[0] == 0
    with open(target, encoding="utf8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+@\t\r\n＝＋－＠")]
    assert not [cell for cell in cells if cell[:1] == "-" and not re.fullmatch(r"-[\d.]+(e-?\d+)?", cell)]
    manifest = target.with_name(f"{target.stem}.manifest.json").read_text("utf8")
    assert manifest.isascii() and not acts(manifest)
    assert explaint("sweep", grid, "--out", target.with_suffix(".parquet"))[0] == 0
    assert set(pd.read_parquet(target.with_suffix(".parquet"))["model"]) <= set(cells) | {str(model), name}


@pytest.mark.parametrize("text", STRINGS, ids=HOSTILE)
def test_a_text_in_a_csv_is_no_formula_and_comes_back(text):
    written = csv_text(text)
    assert not written.startswith(tuple("=+-@\t\r\n＝＋－＠"))
    assert written.removeprefix("'") == text and (written == text or written == f"'{text}")


def test_numbers_of_a_table_stay_numbers(explaint, tmp_path, tiny):
    """The name of a text column gets an apostrophe; a negative score is a number, with none."""
    norms = tmp_path / "=cmd.csv"
    ratings = pd.DataFrame(np.random.default_rng(1).normal(size=(len(WORDS), 11)).round(3), columns=list("abcdefghijk"))
    ratings.insert(0, "word", WORDS)
    ratings.to_csv(norms, index=False)
    (tmp_path / "-2+3").symlink_to(tiny)
    grid = tmp_path / "grid.yaml"
    few = {"mappers": ["ridge"], "folds": 2, "permutations": 1, "bootstrap": 2, "layers": [1]}
    grid.write_text(yaml.safe_dump({"norms": ["=cmd.csv"], "models": ["./-2+3"], **few}), "utf8")
    assert explaint("sweep", grid, "--out", tmp_path / "out.csv")[0] == 0
    table = pd.read_csv(tmp_path / "out.csv")
    assert table["value"].dtype == float and (table["value"] < 0).any()
    assert (
        set(table["norms"].str.removeprefix("'")) <= {"=cmd.csv", "=cmd"} and table["norms"].str.startswith("'=").all()
    )


# -- long commands, with the experiment replaced -----------------------------------------------------------------------


@pytest.mark.parametrize("text", STRINGS, ids=HOSTILE)
def test_the_long_commands_print_names_as_text(capsys, text, monkeypatch):
    """`continuity`, `attribution`, `hypernymy` and `table` say which model and norms they speak of."""
    from explaint_lib.cli import attribution, continuity, hypernymy, table
    from explaint_lib.results import Result

    about = {
        "model": {"name": text}, "seed": 0,
        "data": {"n_texts": 3, "n_repeated_texts_left_out": 1, "n_unknown_tokens": 1, "n_tokens": 9},
        "arguments": {
            "untrained_seeds": 2, "twin": "permuted_weights", "first_position_left_out": True,
            "negatives": [], "splits": ["pair"], "groups": [],
            "model": text, "layer": 1, "mapper": "plsr", "components": 2, "folds": 2,
            "seed": 0,
        },
        "draws": {"shuffled": 1, "random": 1}, "p_holm_floor": 0.5,
    }  # fmt: skip
    continuity._show(Result("continuity", about), text)
    monkeypatch.setattr(attribution, "_agreement", lambda *_: text)
    monkeypatch.setattr(attribution, "_shares", lambda _: "")
    attribution._show(Result("attribution", about), text)
    hypernymy._show(Result("hypernymy", about), f"{text}: banner {text}")
    monkeypatch.setattr(table, "_all_metrics", lambda *_: text)
    rows = [{"condition": "system", "metric": "f1_at_10", "value": 0.5}]
    table.show(table.Terminal(), Result("table", about, rows), f"{text}: banner")
    out = capsys.readouterr().out
    name = "".join(printable(text.split("\n")[0]).split())[:40]
    assert not acts(out) and "".join(out.split()).count(name) >= 4  # lines are broken at the terminal's width


@pytest.mark.skipif(os.name == "nt", reason="names of files are bytes on POSIX only")
def test_a_name_that_is_no_utf8_is_printed_and_refused_or_used(explaint, tmp_path):
    name = os.fsdecode(b"\xff\xfe")
    try:
        (tmp_path / f"{name}.csv").write_text("word,a,b\nx,1,3\ny,0,2\n")
    except OSError:
        pytest.skip("this file system keeps names in UTF-8 only")
    assert explaint("norms", "describe", tmp_path / f"{name}.csv")[0] == 0
    assert explaint("table", "--norms", tmp_path / f"{name}.csv", "--model", name)[0] == 2
    assert explaint("table", "--norms", "bundled", "--model", "x", "--json", tmp_path / name / "x.json")[0] == 2
