"""Every chapter in notebooks/, found by glob: the rules of a chapter, and a run with the quick profile's parameters."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import nbformat
import papermill
import pytest
from conftest import ROOT
from hygiene import declared, executed_faults, faults
from samples import chapter, code, text

from explaint_lib.plotting import FINDING
from explaint_lib.results import in_notebook

CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_chapters():
    assert CHAPTERS


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_hygiene(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert faults(notebook) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_ends_with_a_result_under_its_own_name(path: Path):
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert code.count("plotting.verdict_table(") == code.count("Result(") == 1 and f'Result("{path.stem}", ' in code


MINUTES = {"five": 5, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_says_how_long_it_takes(path: Path):
    """Reading: eighty words a minute, since figures, tables and code are read as well. Exercises: their own minutes."""
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    before, exercises, after = re.fullmatch(r"(.*)(^## Exercises.*)(^## Summary.*)", prose, re.M | re.S).groups()
    said = re.search(r"Reading takes about (\d+) minutes, the\s+exercises (\d+)\.", " ".join(before.split()))
    assert said, "Overview: 'Reading takes about N minutes, the exercises M.'"
    reading, doing = map(int, said.groups())
    assert 0.8 < reading / (len((before + after).split()) / 80) < 1.25
    assert doing == sum(MINUTES[found] for found in re.findall(r"^\*\*\w+, (\w+) minutes", exercises, re.M))


def test_a_parameter_means_the_same_in_every_chapter():
    types: dict[str, set[str]] = {}
    for path in CHAPTERS:
        for name, annotation in declared(nbformat.read(path, as_version=4)).items():
            types.setdefault(name, set()).add(annotation)
    assert {name: seen for name, seen in types.items() if len(seen) > 1} == {}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_papermill_knows_every_parameter(path: Path):
    known = papermill.inspect_notebook(path)  # of a name that it does not know it would warn
    assert set(known) == set(declared(nbformat.read(path, as_version=4)))


@pytest.mark.book
@pytest.mark.models
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_runs_with_the_quick_profile(path: Path, built_book: Path):
    notebook = nbformat.read(ROOT / "_build" / "chapters" / "quick" / path.name, as_version=4)
    assert executed_faults(notebook) == []
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code_cells)
    assert (built_book / "notebooks" / f"{path.stem}.html").is_file()
    (found,) = in_notebook(ROOT / "_build" / "chapters" / "quick" / path.name)
    assert found.experiment == path.stem and len(found.verdicts) >= 4
    assert set(found.manifest["arguments"]) == set(declared(notebook)), "the chapter's parameters, and no others"


def test_the_sample_chapter_is_clean():
    assert faults(chapter()) == []


def broken(change) -> list[str]:
    notebook = copy.deepcopy(chapter())
    change(notebook)
    return faults(notebook)


def cell_with(notebook, words: str):
    return next(cell for cell in notebook.cells if words in cell.source)


def insert(*cells):
    return lambda notebook: notebook.cells.extend(cells)


def replace(words: str, by: str):
    def change(notebook):
        cell = cell_with(notebook, words)
        cell.source = cell.source.replace(words, by)

    return change


def set_outputs(notebook):
    cell_with(notebook, "sample = rng").execution_count = 3


def drop(words: str):
    return lambda notebook: notebook.cells.remove(cell_with(notebook, words))


def retag(words: str, *tags: str):
    def change(notebook):
        cell_with(notebook, words).metadata["tags"] = list(tags)

    return change


# each rule is fed what it must catch
TWINS = {
    "outputs": (set_outputs, "outputs or an execution count"),
    "no parameters cell": (drop("n_words: int"), "exactly one"),
    "two parameters cells": (insert(code("n: int = 1  # a number", "parameters")), "exactly one"),
    "untyped parameter": (replace("seed: int = 0", "seed = 0"), "must read"),
    "parameter without a comment": (replace("  # seed of the random generator", ""), "must read"),
    "derived parameter": (replace("seed: int = 0", "seed: int = n_words + 1"), "not a literal"),
    "hidden parameters": (retag("n_words: int", "parameters", "hide-cell"), "must be visible"),
    "missing section": (drop("## The control"), "`## The control` is missing"),
    "sections out of order": (
        lambda notebook: notebook.cells.append(notebook.cells.pop(3)),
        "out of order",
    ),
    "two titles": (insert(text("# Another title")), "one title"),
    "unknown tag": (retag("sample = rng", "remove-cell"), "closed list"),
    "long cell": (insert(code("\n".join(f"a{i} = {i}" for i in range(19)))), "19 lines"),
    "wide cell": (insert(code("long = " + "1 + " * 30 + "1")), "128 letters"),
    "magic": (insert(code("%matplotlib inline")), "magic"),
    "shell": (insert(code("!ls")), "shell"),
    "blank widget": (insert(code("from tqdm.notebook import tqdm")), "blank"),
    "typed decimal": (insert(text("The score is 0.25.")), "typed number"),
    "typed decimal without a zero": (insert(text("It falls from .83 on.")), "typed number"),
    "typed percentage": (insert(text("In 45 % of cases.")), "typed number"),
    "exercise without solution": (drop("{solution-start}"), "not paired"),
    "unclosed solution": (drop("{solution-end}"), "without its"),
    "untagged solution": (retag("median = np.median"), "lacks the tag"),
    "open solution": (
        lambda notebook: cell_with(notebook, "median = np.median").metadata.pop("jupyter"),
        "stands open",
    ),
    "exercise without importance": (replace("minutes, core.**", "minutes.**"), "must begin"),
    "no open project": (replace("### An open project", "### More"), "end with `### An open project`"),
    "check that a page would show": (retag("# median = ...", "check"), "no page shows it"),
    "check without a blank": (replace("# median = ...", "# the median"), "begins with the blank"),
    "check that says nothing": (replace('"99.1: this is one', '"this is one'), "what is wrong"),
    "check outside a solution": (insert(code("# a = ...  # a number", "check", "remove-cell")), "outside a solution"),
    "link without words": (insert(text("As said in [](../book/glossary.md).")), "has no words"),
    "solution tag elsewhere": (retag("sample = rng", "solution"), "outside a solution"),
    "other kernel": (lambda notebook: notebook.metadata.kernelspec.update(name="ir"), "python3"),
}


@pytest.mark.parametrize("twin", TWINS)
def test_a_broken_chapter_is_caught(twin: str):
    change, message = TWINS[twin]
    found = broken(change)
    assert any(message in fault for fault in found), found


@pytest.mark.parametrize("prose", ["Use `0.05`.", "$p < 0.05$", "Chapter 07.", "arXiv:2601.22928", "In 2020, ten."])
def test_what_is_no_typed_result(prose: str):
    assert broken(insert(text(prose))) == []


def output(data: dict) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data=data)


def test_faults_of_outputs_are_caught():
    figure, widget = code("draw()"), code("show()", alt="A figure that says what it shows.")
    figure.outputs = [output({"image/png": "x"})]
    widget.outputs = [output({"application/vnd.jupyter.widget-view+json": {}})]
    warning = code("fit()")
    warning.outputs = [nbformat.v4.new_output("stream", name="stderr", text="it did not converge")]
    notebook = nbformat.v4.new_notebook(cells=[figure, widget, warning])
    found = executed_faults(notebook)
    assert len(found) == 3
    assert "without its finding" in found[0] and "widget" in found[1] and "did not converge" in found[2]
    widget.outputs = [output({"application/vnd.jupyter.widget-view+json": {}, "text/html": "<p>a copy</p>"})]
    assert executed_faults(nbformat.v4.new_notebook(cells=[widget])) == []


def test_a_figure_has_words_and_letters_that_a_phone_shows():
    def drawn(width: int, size: int, finding: str, alt: str) -> list[str]:
        cell = code("draw()")
        cell.metadata["mystnb"] = {"image": {"alt": alt}}
        svg = f'<svg viewBox="0 0 {width} 100"><text style="font-size: {size}px">a</text></svg>'
        cell.outputs = [output({"image/svg+xml": svg, "text/html": "<figure>"})]
        cell.outputs[0].metadata = {FINDING: finding}
        return executed_faults(nbformat.v4.new_notebook(cells=[cell]))

    alt, finding = "Two lines that cross at layer four.", "The lines cross at layer 4."
    assert drawn(446, 12, finding, alt) == []
    assert "letters of 5.7 pixels" in drawn(690, 12, finding, alt)[0]
    assert "without alternative text" in drawn(446, 12, finding, "")[0]
    assert "without a finding" in drawn(446, 12, "", alt)[0]


def test_every_reference_can_be_found():
    text = (ROOT / "book" / "references.bib").read_text("utf8")
    entries = re.split(r"^@", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 40
    lost = [entry.split(",")[0] for entry in entries if not re.search(r"\b(doi|eprint|url|isbn) = \{\S+\}", entry)]
    assert not lost, f"without DOI, arXiv number, address or ISBN: {lost}"
