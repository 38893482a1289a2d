"""Figures on a page: numbered in their order, their finding as caption and alternative text, and a file to take."""

from __future__ import annotations

import figures
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from explaint_lib.plotting import FINDING


def drawn(finding, alt="Two curves."):
    output = new_output("display_data", {"image/svg+xml": f"<svg>{finding}</svg>", "text/html": "<figure>"})
    output.metadata = {FINDING: finding}
    cell = new_code_cell("plotting.show()", outputs=[new_output("stream", name="stdout", text="printed"), output])
    cell.metadata["mystnb"] = {"image": {"alt": alt}}
    return cell


def test_figures_are_numbered_in_their_order_behind_the_first(tmp_path):
    notebook = new_notebook(cells=[drawn("one 0.1"), new_markdown_cell("then"), drawn("two 0.2")])
    figures.numbered(notebook, tmp_path, "07_five_controls_on_mcrae")
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds == ["code", "markdown", "markdown", "code", "markdown"]
    one, two = notebook.cells[1].source, notebook.cells[4].source
    assert "**Figure 7.2.** one 0\\.1" in one and "**Figure 7.3.** two 0\\.2" in two
    assert ":name: figure-07_five_controls_on_mcrae-2" in one and ":name: figure-07_five_controls_on_mcrae-3" in two
    assert "{download}`SVG <07_five_controls_on_mcrae-3.svg>`" in two
    assert (tmp_path / "07_five_controls_on_mcrae-3.svg").read_text() == "<svg>two 0.2</svg>"


def test_the_alternative_text_says_what_is_drawn_and_what_was_found(tmp_path):
    notebook = new_notebook(cells=[drawn('it: "rises" \\ to 0.4', alt="A curve: one.")])
    figures.numbered(notebook, tmp_path, "07_a")
    assert ':alt: "A curve: one. it: \\"rises\\" \\\\ to 0.4"' in notebook.cells[1].source


def test_what_else_a_cell_shows_stays_in_it(tmp_path):
    notebook = new_notebook(cells=[drawn("one")])
    figures.numbered(notebook, tmp_path, "07_a")
    assert [output.output_type for output in notebook.cells[0].outputs] == ["stream"]


def test_words_that_the_book_did_not_write_stay_words(tmp_path):
    notebook = new_notebook(cells=[drawn("from '```{raw} html' to '<img src=x>' $x$ [a](b)")])
    figures.numbered(notebook, tmp_path, "own_chapter")
    said = notebook.cells[1].source.split("\n\n")[1]
    assert "**Figure 2.**" in said and "```{" not in said and "<img" not in said and "$x$" not in said
