"""Hostile strings through chapters and pages: outputs hold them as text, and nothing on a built page runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import nbformat
import pandas as pd
import pytest
from browser.conftest import Watch, serve
from chapters import execute
from conftest import ROOT
from helpers_models import save_tiny_llama
from hostile import STRINGS, acts, skeleton
from nbformat.v4 import new_code_cell, new_output
from pages import as_text, as_variant, render, stage
from parameters import Run
from samples import chapter
from test_build import write_book
from test_hostile import explorer, viewer

from explaint_lib import encoders, plotting

NAME = "<img src=x onerror=window.explaintPwned=1>$\\frac$ \u202e\x1b[31m{{x}} [bold] `a` %s"
BEFORE = dict(matplotlib.rcParams)


@pytest.fixture(autouse=True)
def as_before():
    yield
    matplotlib.rcParams.update(BEFORE)


# -- chapters ----------------------------------------------------------------------------------------------------------


def hostile_norms(path: Path) -> Path:
    """Write ratings whose words, features and categories are hostile where norms may be called so."""
    words = [
        f"w{i} {text}" for i, text in enumerate(STRINGS) if not acts(text) and text.isprintable() and len(text) < 90
    ]
    words += [f"{word} too" for word in words]
    rows = [
        {"word": word, "category": f"kind {NAME[:42]} {i % 5}", "feature": f"f{j} {words[j]}", "value": 1 + (i * j) % 7}
        for i, word in enumerate(words) for j in range(30) if (i + 2 * j) % 3
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(path, index=False)
    return path


CHAPTERS = {
    "01_the_picture_that_convinces": dict(n_sentences=80, n_untrained=1, n_permutations=19, n_boot=20),
    "06_scores_that_convince": dict(n_folds=2, n_fold_draws=2, n_permutations=5, n_boot=20, max_components=4),
}


@pytest.mark.models
@pytest.mark.book
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_shows_hostile_names_as_text(tmp_path, monkeypatch, name):
    """Run on a model and norms called so: every output is text, a table or a figure of ours; stderr is empty."""
    encoder = None if name.startswith("06") else encoders.fetch("minilm")
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    model = save_tiny_llama(tmp_path / "tiny" / "model")
    for file in ("config.json", "tokenizer_config.json"):  # its positions are rotated, so they may be any number
        settings = json.loads((model / file).read_text("utf8"))
        settings.update({key: 512 for key in ("max_position_embeddings", "model_max_length") if key in settings})
        (model / file).write_text(json.dumps(settings), "utf8")
    called = tmp_path / NAME
    called.symlink_to(encoder or model)
    parameters = {**CHAPTERS[name], "model_name": str(called)}
    if name.startswith("06"):
        parameters["norms_name"] = str(hostile_norms(tmp_path / f"{NAME}.parquet"))
    else:
        (tmp_path / f"two {NAME}").symlink_to(model)
        parameters["decoder_name"] = str(tmp_path / f"two {NAME}")
    result = tmp_path / "out" / f"{name}.ipynb"
    result.parent.mkdir()
    execute(Run(ROOT / "notebooks" / f"{name}.ipynb", name, parameters), result, "key", threads=1)
    notebook = nbformat.read(result, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    pages = ["".join(output.data["text/html"]) for output in outputs if "text/html" in output.get("data", {})]
    widgets = sum("data-explaint" in page for page in pages)
    found = [entry for page in pages for entry in skeleton(page)]
    assert {tag for tag, *_ in found} <= {
        "div", "style", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "script", "p", "b", "br", "small", "svg",
        "ul", "li", "strong",
        "figure", "figcaption", "img", "image", "rect", "text",
    }  # fmt: skip
    assert not [name for _, *names in found for name in names if name.startswith("on")]
    drawn = [page for page in pages if "<figcaption>" in page and "<img" in page]  # plotting.show
    assert drawn and all(page.startswith('<figure><img src="data:image/svg+xml;base64,') for page in drawn)
    assert sum(tag == "script" for tag, *_ in found) == 3 * widgets and widgets
    assert not {kind for output in outputs for kind in output.get("data", {})} & {"text/markdown", "text/latex"}
    assert any("onerror" in json.dumps(output) for output in outputs)  # they were shown at all
    # what was given is one literal of the parameters' cell
    injected = next(cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", []))
    values: dict[str, object] = {}
    exec(injected.source, values)
    assert values["model_name"] == str(called)


# -- pages -------------------------------------------------------------------------------------------------------------


def page_of(words: list[str]) -> nbformat.NotebookNode:
    """Return a chapter with every kind of output that a chapter has, all of them holding `words`."""
    plotting.set_style()
    frame = pd.DataFrame({"a": words, words[0]: words}, index=pd.Index(words, name=words[1]))
    shown = "\n".join(words)
    outputs = [
        new_output("stream", name="stdout", text=shown),
        new_output("execute_result", data={"text/plain": shown}),
        new_output("display_data", data={"text/html": frame._repr_html_(), "text/plain": shown}),
        new_output("display_data", data={"text/html": viewer(words[:30]).static_html(), "text/plain": shown}),
        new_output("display_data", data={"text/html": explorer(words).static_html(), "text/plain": shown}),
        new_output("error", ename="ValueError", evalue=words[0], traceback=shown.splitlines()),
    ]
    picture = {"image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>', "text/plain": shown}
    outputs.append(new_output("display_data", data=picture, metadata={plotting.FINDING: shown}))
    notebook = chapter()
    literal = new_code_cell(f"names = {words!r}", metadata={"tags": ["injected-parameters"]})
    cells = [new_code_cell("show()", outputs=[output], metadata={"tags": ["raises-exception"]}) for output in outputs]
    for place, cell in enumerate([literal, *cells]):
        cell["id"] = f"hostile-{place}"
        notebook.cells.insert(5 + place, cell)
    return notebook


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build a small book once: a chapter of hostile outputs, its variant of hostile parameters, and their tame twin."""
    root = write_book(tmp_path_factory.mktemp("hostile_book"), page_of(STRINGS))
    tame = page_of([f"w{i}" for i in range(len(STRINGS))])
    text = nbformat.writes(tame).replace("-99", "-98")
    (root / "notebooks" / "98_tame.ipynb").write_text(text, "utf8")
    toc = (
        (root / "_toc.yml")
        .read_text("utf8")
        .replace("- file: notebooks/99_sample", "- file: notebooks/98_tame\n  - file: notebooks/99_sample")
    )
    (root / "_toc.yml").write_text(toc, "utf8")
    runs = []
    for stem, words in (("98_tame", ["tame"] * 3), ("99_sample", ["\n".join(STRINGS), NAME, "`" * 4])):
        source = root / "notebooks" / f"{stem}.ipynb"
        runs += [
            Run(source, stem),
            Run(source, f"{stem}_variant", {"norms_name": words[0], "b": words[1], "c": words[2]}),
        ]
    stage(root / "staging", root / "nothing", runs, root)
    return render(root / "staging", root / "rendered")


@pytest.mark.book
@pytest.mark.parametrize("variant", ["", "_variant"])
def test_a_built_page_has_no_element_from_data(built, variant):
    """The whole page has no other kind of element or attribute than its tame twin, the article no more of them."""
    # text is coloured, or not, by what it holds: how many of these there are is not what is asked
    colours = (("span", "class"), ("span",), ("pre",), ("pre", "class"), ("div", "class"))
    whole, articles = {}, {}
    for stem in ("98_tame", "99_sample"):
        page = (built / "notebooks" / f"{stem}{variant}.html").read_text("utf8")
        whole[stem] = [entry for entry in skeleton(page) if entry not in colours]
        article = re.search(r"<article.*?</article>", page, re.DOTALL)[0]
        articles[stem] = [entry for entry in skeleton(article) if entry not in colours]
    assert set(whole["99_sample"]) - set(whole["98_tame"]) == set()
    assert articles["99_sample"] == articles["98_tame"]
    for tag in ("script", "img", "svg", "style", "iframe"):
        assert len({sum(entry[0] == tag for entry in page) for page in whole.values()}) == 1, tag


@pytest.mark.book
@pytest.mark.browser
def test_a_built_page_does_nothing_with_hostile_outputs(built, chromium):
    """In a browser: no script ran, nothing was asked for elsewhere, no formula was made of data."""
    formulas = {}
    with serve(built) as address:
        for stem in ("98_tame", "99_sample", "99_sample_variant"):
            page = chromium.new_context().new_page()
            watch = Watch(page)
            page.goto(f"{address}notebooks/{stem}.html")
            page.wait_for_function("document.querySelectorAll('[data-explaint-ready]').length === 2")
            assert page.evaluate("window.explaintPwned ?? null") is None and watch.faults == []
            formulas[stem] = page.evaluate("document.querySelectorAll('math').length")
            assert page.evaluate("[...document.links].filter(a => a.protocol === 'javascript:').length") == 0
            page.context.close()
    assert formulas["99_sample"] == formulas["98_tame"] == formulas["99_sample_variant"] > 0


@pytest.mark.parametrize("text", [*STRINGS, NAME])
def test_the_title_of_a_variant_is_read_letter_by_letter(text):
    from markdown_it import MarkdownIt

    page = as_variant(chapter(), "99_sample", {"norms_name": text})
    title = page.cells[0].source.splitlines()[0]
    tokens = MarkdownIt("commonmark").parse(title)
    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close"]
    assert {child.type for child in tokens[1].children} <= {"text", "text_special"}
    assert as_text(text) in title and not acts(title) and not set("<>") & set(title)
