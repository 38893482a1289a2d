"""A stale page is impossible: each kind of input, edited where it lies, makes the chapter run again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import chapters
import keys
import nbformat
import pytest
from chapters import run_all
from keys import check_inputs, keep, stored_key
from parameters import ParameterError, Run
from samples import code
from test_build import write_book

PARAMETERS = """\
norms_name: str = "bundled"  # norms
model_name: str = "minilm"  # a model
model_revision: str | None = None  # of a Hugging Face model
models: list[str] = ["minilm"]  # models
text_file: str = "beside.txt"  # a text beside the chapter
n_words: int = 3  # words"""


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book whose chapter names one input of each kind; its "execution" takes no time."""
    notebook = nbformat.v4.new_notebook(cells=[code(PARAMETERS, "parameters")])
    root = write_book(tmp_path, notebook)
    for folder in ("installed", "model", "model/inside"):
        (root / folder).mkdir()
    for name in ("mine.csv", "text.txt", "notebooks/beside.txt", "notebooks/helper.py", "installed/own.txt",
                 "model/config.json", "model/inside/weights.safetensors", "explaint_lib/words.txt"):  # fmt: skip
        (root / name).write_text("one", "utf8")
    (root / "book" / "reference").mkdir()
    (root / "book" / "reference" / "a.json").write_text("1", "utf8")
    monkeypatch.setenv("EXPLAINT_DATA", str(root / "installed"))
    monkeypatch.chdir(root)
    monkeypatch.setattr(chapters, "prepare", lambda *_: None)
    monkeypatch.setattr(chapters, "execute", executed)
    monkeypatch.setattr(keys.encoders, "load_vectors", lambda name, revision: SimpleNamespace(revision=f"r{revision}"))
    return root


def executed(run: Run, result: Path, key: str, threads: int) -> None:
    keep(nbformat.v4.new_notebook(cells=[code("print(1)")]), result.with_suffix(".new"), result, key)


GIVEN = {"norms_name": "mine.csv", "model_name": "model", "models": ["minilm", "model"], "text_file": "text.txt"}


def runs_again(root: Path, capsys: pytest.CaptureFixture[str], jobs: int = 1, **given: object) -> bool:
    run = Run(root / "notebooks" / "99_sample.ipynb", "99_sample", GIVEN | given)
    assert run_all([run], root / "_build", jobs=jobs, root=root) == []
    said = capsys.readouterr().out
    assert ("unchanged, kept" in said) != ("ran in" in said)
    return "ran in" in said


FILES = (
    "mine.csv", "text.txt", "notebooks/beside.txt", "notebooks/helper.py", "installed/own.txt", "model/config.json",
    "model/inside/weights.safetensors", "explaint_lib/words.txt", "explaint_lib/metrics.py", "constraints.txt",
    "book/reference/a.json", "notebooks/99_sample.ipynb",
)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_an_input_edited_in_place_makes_the_chapter_run_again(book: Path, capsys, name: str):
    given = {"text_file": "beside.txt"} if name == "notebooks/beside.txt" else {}  # as its default: beside the chapter
    assert runs_again(book, capsys, **given) and not runs_again(book, capsys, **given)
    path = book / name
    times, text = path.stat(), path.read_text("utf8")
    path.write_text(text.replace("one", "two") if "one" in text else text + " ", "utf8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # content decides, not dates
    assert runs_again(book, capsys, **given) and not runs_again(book, capsys, **given)


OTHERWISE: dict[str, Callable] = {
    "a parameter": lambda root, patch: {"n_words": 4},
    "a revision": lambda root, patch: {"model_revision": "v2"},
    "norms installed": lambda root, patch: (root / "installed" / "new.dat").write_text("x", "utf8") and {},
    "norms taken away": lambda root, patch: (root / "installed" / "own.txt").unlink() or {},
    "another data folder": lambda root, patch: patch.setenv("EXPLAINT_DATA", str(root / "model")) or {},
    "another version": lambda root, patch: patch.setattr(keys.importlib.metadata, "version", lambda name: "0") or {},
    "another Python": lambda root, patch: patch.setattr(keys.platform, "python_version", lambda: "3.99") or {},
    "another machine": lambda root, patch: patch.setattr(keys.platform, "machine", lambda: "other") or {},
    "another processor": lambda root, patch: patch.setattr(keys, "computer", lambda: {"processor": ["other"]}) or {},
    "other threads": lambda root, patch: patch.setattr(chapters.os, "cpu_count", lambda: 64) or {},
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_what_else_decides_the_numbers_is_in_the_key(book: Path, capsys, monkeypatch, what: str):
    assert runs_again(book, capsys)
    changed = OTHERWISE[what](book, monkeypatch)
    assert runs_again(book, capsys, **changed) and not runs_again(book, capsys, **changed)


def test_what_decides_nothing_leaves_the_key_alone(book: Path, capsys):
    assert runs_again(book, capsys)
    (book / "installed" / "table.csv").mkdir()  # a folder with the name of a file
    (book / "installed" / ".half-written").write_text("x", "utf8")
    (book / "explaint_lib" / "metrics.cpython-311.pyc").write_bytes(b"compiled")
    (book / "other.csv").write_text("x", "utf8")
    assert not runs_again(book, capsys)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "a digit changed": lambda content: content.replace(b"print(1)", b"print(2)"),
    "zeroed": lambda content: b"\0" * len(content),
    "another kind of file": lambda content: b"[]",
    "no metadata": lambda content: b'{"metadata": null}',
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_result_is_made_again(book: Path, capsys, damage: str):
    assert runs_again(book, capsys)
    result = book / "_build" / "99_sample.ipynb"
    result.write_bytes(DAMAGE[damage](result.read_bytes()))
    assert stored_key(result) is None
    assert runs_again(book, capsys) and not runs_again(book, capsys)


def test_a_chapter_that_is_shown_as_it_was_is_said_to_be_out_of_date(book: Path, capsys):
    assert runs_again(book, capsys)
    (book / "mine.csv").write_text("two", "utf8")
    run = Run(book / "notebooks" / "99_sample.ipynb", "99_sample", GIVEN)
    assert run_all([run], book / "_build", jobs=1, root=book, rerun=set()) == []
    assert "99_sample: NOT up to date, shown as it was last run" in capsys.readouterr().out


def test_norms_and_models_are_tried_before_a_chapter_runs(book: Path, monkeypatch):
    def load(name: str, revision: str | None) -> None:
        raise ParameterError(f"no model called {name!r}")

    monkeypatch.setattr(keys.encoders, "load_vectors", load)
    given = {"norms_name": "nowhere.csv", "model_name": "nowhere/at-all", "models": ["minilm", "nobody/has-it"]}
    with pytest.raises(ParameterError) as failure:
        check_inputs([Run(book / "notebooks" / "99_sample.ipynb", "99_sample", given)])
    said = str(failure.value)
    assert "3 faults" in said and "nowhere.csv" in said and "nowhere/at-all" in said and "nobody/has-it" in said


def test_norms_of_an_index_are_fetched_before_a_chapter_runs(book: Path, monkeypatch):
    """Their names are always available, so that only loading them shows that they can be had."""
    loaded = []
    monkeypatch.setattr(keys.norms, "load_norms", loaded.append)
    monkeypatch.setattr(keys, "model_identity", lambda *model: "")
    check_inputs([Run(book / "notebooks" / "99_sample.ipynb", "99_sample", {"norms_name": "lancaster_teaching"})])
    assert loaded == ["lancaster_teaching"]


def test_a_key_is_plain_json(book: Path, capsys):
    assert runs_again(book, capsys)
    kept = json.loads((book / "_build" / "99_sample.ipynb").read_text("utf8"))
    assert len(kept["metadata"]["explaint_key"]) == len(kept["metadata"]["explaint_content"]) == 64
