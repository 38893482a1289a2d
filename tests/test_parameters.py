"""Parameters as typed: paths from where the command is, a fault in a sentence, all of them at once."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
import yaml
from build import main, plan
from chapters import run_all
from parameters import BookError, ParameterError, Run, apply_overrides, located, read_profile
from samples import code
from test_build import sample, write_book

PARAMETERS = """\
norms_name: str = "bundled"  # norms
models: list[str] = ["minilm"]  # models
layer: int | str = "last"  # a layer
model_revision: "str or None" = None  # of a Hugging Face model
n_words: int = 3  # words"""


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cells = [code(PARAMETERS, "parameters"), code("print(norms_name, open(norms_name).read(), layer)"), code("models")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "top").mkdir()
    return write_book(tmp_path / "top", notebook)


# -- YAML --------------------------------------------------------------------------------------------------------------

BROKEN = ["{", "[1, 2", "a: b: c", '"open', "2020-13-45", "\x01", "*nowhere", "!!python/object:x {}", "[" * 3000]


@pytest.mark.parametrize("text", BROKEN)
def test_a_fault_in_yaml_is_one_sentence(book: Path, text: str):
    with pytest.raises(ParameterError) as failure:
        apply_overrides([("norms_name", text)], [sample(book)], {})
    said = str(failure.value)
    assert said.startswith("-p norms_name: ") and "is not YAML (" in said and "\n" not in said
    assert len(said) < 3500


OTHER_FORMS = (
    "quick: {", "quick: [1]", "- quick", "quick: {parameters: 3}", "quick: {variants: {99_sample: x}}",
    "quick: {parameters: {99_sample: [n_words]}}", "quick: {variants: {99_sample: {on: 3}}}",
)  # fmt: skip


@pytest.mark.parametrize("text", OTHER_FORMS)
def test_a_profile_file_of_another_form_is_one_sentence(book: Path, text: str):
    (book / "book" / "profiles.yml").write_text(text, "utf8")
    with pytest.raises(ParameterError, match=r"profiles\.yml") as failure:
        read_profile(book / "book" / "profiles.yml", "quick", [sample(book)])
    assert "\n" not in str(failure.value)


def test_all_that_is_wrong_is_said_at_once(book: Path):
    wrong = {"99_sample": {"n_wrods": 3, "n_words": "many"}, "98_gone": {}}
    (book / "book" / "profiles.yml").write_text(yaml.safe_dump({"quick": {"parameters": wrong}}), "utf8")
    with pytest.raises(ParameterError) as failure:
        plan(book, "quick", [("norms_name", "{"), ("nothing", "1"), ("97.n_words", "1"), ("layer", "[1]")])
    said = str(failure.value)
    assert said.startswith("7 faults:") and "Traceback" not in said
    for part in ("n_wrods", "n_words takes", "98_gone", "norms_name: '{' is not YAML", "nothing", "'97'", "layer"):
        assert part in said, part


def test_a_fault_in_several_chapters_is_said_once_and_missing_norms_with_it(book: Path):
    chapters = [sample(book), book / "notebooks" / "98_other.ipynb"]
    chapters[1].write_bytes(chapters[0].read_bytes())
    with pytest.raises(ParameterError) as failure:
        apply_overrides([("n_words", "many"), ("norms_name", "nowhere.csv")], chapters, {})
    assert len(failure.value.faults) == 2 and "nowhere.csv" in failure.value.faults[1]


def test_a_list_is_checked_to_its_items(book: Path):
    with pytest.raises(ParameterError, match=r"models takes list\[str\].*not list: \[1, 2\]"):
        apply_overrides([("models", "[1, 2]")], [sample(book)], {})
    assert apply_overrides([("models", "[a, b]")], [sample(book)], {})["99_sample"] == {"models": ["a", "b"]}


def test_the_command_line_ends_with_2_and_no_traceback(capsys: pytest.CaptureFixture[str]):
    assert main(["-p", "norms_name", "{", "-p", "n_nonsense", "3"]) == 2
    said = capsys.readouterr().err
    assert "2 faults" in said and "Traceback" not in said


# -- paths -------------------------------------------------------------------------------------------------------------


def test_a_path_is_meant_from_where_the_command_is_typed(book: Path):
    here = Path.cwd()
    for name in ("mine.csv", "last", "main", "minilm", "bundled"):
        (here / name).write_text("x", "utf8")
    (here / "own model").mkdir()
    given = {"norms_name": "mine.csv", "models": ["minilm", "own model"], "layer": "last", "model_revision": "main"}
    assert located(Run(sample(book), "99_sample", given)) == {
        "norms_name": str(here / "mine.csv"),
        "models": ["minilm", str(here / "own model")],  # a bundled name comes before a folder of that name
        "layer": "last",  # neither is a path, whatever files there are
        "model_revision": "main",
    }
    for text in ("bundled", "nowhere.csv", "", "a\0b", "x" * 5000, "~nobody-at-all/x"):
        assert located(Run(sample(book), "99_sample", {"norms_name": text})) == {"norms_name": text}


@pytest.mark.book
def test_the_chapter_reads_the_file_and_the_page_shows_what_was_typed(book: Path):
    (Path.cwd() / "mine.csv").write_text("word,a,b\nrobin,1,2\n", "utf8")
    given = {"norms_name": "./mine.csv", "layer": 2}
    assert run_all([Run(sample(book), "99_sample", given)], book / "_build", jobs=1, root=book, models=()) == []
    notebook = nbformat.read(book / "_build" / "99_sample.ipynb", as_version=4)
    injected = next(cell for cell in notebook.cells if "injected-parameters" in cell.metadata.tags)
    assert injected.source == '# Parameters\nnorms_name = "./mine.csv"\nlayer = 2'
    assert notebook.metadata.papermill.parameters == given
    printed = notebook.cells[2].outputs[0].text
    assert printed.startswith("./mine.csv word,a,b\nrobin,1,2") and str(Path.cwd()) not in printed


def test_a_book_error_is_an_error_of_the_input():
    assert issubclass(ParameterError, BookError) and issubclass(ParameterError, ValueError)
