"""What a page opens with: the published verdicts in words, a small run told apart from them, and their figure."""

from __future__ import annotations

import brief
import found_page
import nbformat
import pytest
import verdicts_page
from conftest import ROOT
from nbformat.v4 import new_markdown_cell, new_notebook

from explaint_lib import inference
from explaint_lib.inference import Comparison
from explaint_lib.results import Result

ONE = Comparison("mean profile", 0.1, 0.02, p_value=0.001, score="F1@10")


def result(difference=0.1, *, n=10, data="bundled", experiment="06_scores_that_convince", **models):
    verdicts = inference.verdicts(
        {"It holds": [Comparison("mean profile", difference, 0.02, p_value=0.001, score="F1@10")]},
        smallest_effect=0.02,
    )
    about = {"data": {"name": data}, "model": models or {"name": "minilm"}, "arguments": {"n_folds": n, "seed": 0}}
    return Result(experiment, about, verdicts=verdicts)


@pytest.fixture
def kept(tmp_path):
    result(0.2).to_json(tmp_path / "06_bundled.json")
    return tmp_path


def test_a_run_with_the_published_parameters_is_said_once(kept):
    text = brief.in_one_minute(result(0.1), "06.svg", kept)
    assert r"by 0\.200 in F1\@10" in text and r"0\.100" not in text and "small run" not in text
    assert "{figure} 06.svg" in text and ":alt: It holds." in text and "bundled with minilm" in text


def test_a_small_run_is_shown_behind_the_published_one_with_what_is_smaller(kept):
    text = brief.in_one_minute(result(0.1, n=4), "06.svg", kept)
    assert text.index(r"by 0\.200") < text.index("This page shows a small run") < text.index(r"by 0\.100")
    assert "`n_folds` 4 instead of 10" in text and "`seed`" not in text


def test_names_that_the_book_did_not_write_are_text(kept):
    name = "<img src=x onerror=alert(1)> `$x$` {math}"
    text = brief.in_one_minute(result(data="own", **{name: {}}), "06.svg", kept)
    assert "<img" not in text and "$x$" not in text and "onerror" in text


def test_a_chapter_without_a_published_run_says_so(tmp_path):
    text = brief.in_one_minute(result(0.1), "06.svg", tmp_path)
    assert "no published run yet" in text and r"by 0\.100" in text


def test_the_published_run_is_that_of_the_same_norms(kept):
    assert brief.published(result(data="mcrae"), kept) is None
    assert brief.published(result(), kept).verdicts["difference"].tolist() == [0.2]
    assert brief.kept_name(result(data="somebody's own")) == "06"


def test_panels_are_norms_or_models_and_share_their_lines():
    several = inference.verdicts(
        {("a", "det"): [ONE], ("b", "poss"): [ONE]}, smallest_effect=0.02, by=("model", "claim"), says="{model} {claim}"
    )
    made = brief.panels({"": Result("01", {}, verdicts=several)})
    assert list(made) == ["a", "b"] and made["a"]["claim"].tolist() == ["det"]
    assert list(brief.panels({"bundled": result(), "McRae": result()})) == ["bundled", "McRae"]
    axes = brief.forest(made).axes
    assert [text.get_text() for text in axes[0].texts] == ["det", "poss"] and not axes[1].texts


def test_the_opening_stands_behind_the_first_cell_and_its_figure_is_the_same_each_time(tmp_path):
    first, second = (new_notebook(cells=[new_markdown_cell("# T"), new_markdown_cell("## Overview")]) for _ in "ab")
    brief.opening([result()], first, tmp_path / "a.svg", tmp_path)
    brief.opening([result()], second, tmp_path / "b.svg", tmp_path)
    assert [cell.source.splitlines()[0] for cell in first.cells] == ["# T", "## In one minute", "## Overview"]
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    brief.opening([], empty := new_notebook(cells=[new_markdown_cell("# T")]), tmp_path / "c.svg")
    assert len(empty.cells) == 1 and not (tmp_path / "c.svg").exists()


def test_the_page_of_what_was_found_and_the_tables_of_chapters_are_made_from_the_published_runs():
    for file, text in found_page.pages().items():
        assert file.read_text("utf8") == text, "run: python book/found_page.py"
    assert f"file: book/{found_page.PAGE.stem}" in (ROOT / "_toc.yml").read_text("utf8")


def test_the_page_has_every_chapter_with_a_published_run_and_its_figure(tmp_path):
    text, kept = found_page.page(), verdicts_page.by_chapter()
    found_page.figures(tmp_path)
    for number in kept:
        assert f"found/{number}.svg" in text and (tmp_path / f"{number}.svg").is_file()
    assert {number for numbers, _ in found_page.PARTS.values() for number in numbers} >= set(kept)


def test_every_chapter_has_a_tempting_claim_to_quote():
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        first = nbformat.read(file, as_version=4).cells[0].source
        assert first.startswith(f"# {int(file.stem[:2])}. "), "a chapter's title begins with its number"
        assert 20 < len(found_page.tempting(file.stem)) < 500, file.name
