"""What stands in a file does nothing anywhere: to a terminal, to a spreadsheet, on a page or in a picture."""

from __future__ import annotations

import ast
import io
import json
import re
import warnings
import xml.etree.ElementTree as ET

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hostile import HOSTILE, LONE, STRINGS, acts, skeleton

from explaint_lib import plotting
from explaint_lib._common import printable
from explaint_lib.widgets import AttentionViewer, NeighbourhoodExplorer

each = pytest.mark.parametrize("text", [*STRINGS, LONE], ids=[*HOSTILE, "lone"])


# -- terminal ----------------------------------------------------------------------------------------------------------


@each
def test_printable_text_does_nothing_and_loses_nothing(text: str):
    shown = printable(text)
    assert not acts(shown) and "\n" not in shown
    shown.encode("utf8")
    if text.isprintable():
        assert shown == text
    # what was escaped can be told from the escape
    for character in set(text) - set(shown):
        assert character.encode("unicode_escape").decode("ascii") in shown


def test_joiners_stay_where_a_script_needs_them_and_are_shown_where_they_hide():
    assert printable("نمی\u200cخواهم क्\u200dष 👩\u200d🔬") == "نمی\u200cخواهم क्\u200dष 👩\u200d🔬"
    assert printable("ca\u200ct \u200dx") == "ca\\u200ct \\u200dx"
    assert printable("naïve 日本 \xa0 _") == "naïve 日本 \xa0 _"


def test_commands_print_through_the_one_way_to_the_terminal():
    """`say` and `Terminal` make foreign text harmless; whoever prints past them is found here."""
    past = []
    for path in sorted((ROOT / "explaint_lib" / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.ImportFrom) and node.module in ("rich", "rich.console", "rich.markup"):
                past += [path.name] if path.name != "_terminal.py" else []
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "print", "typer.echo", "typer.secho", "click.echo", "sys.stdout.write", "sys.stderr.write",
                "Text.from_markup", "Text.from_ansi",
            ):  # fmt: skip
                past.append(f"{path.name}: {ast.unparse(node)[:60]}")
    assert past == []


# -- figures -----------------------------------------------------------------------------------------------------------


def _conditions(ax, names):
    rows = [{"condition": c, "metric": names[0], "value": 0.5} for c in ("system", *names)]
    plotting.conditions_plot(ax, rows, names[0])


def _curves(ax, names):
    x = names[0]
    plotting.curves_plot(ax, {name: [{x: 0, "value": 0.1}, {x: 1, "value": 0.2}] for name in names}, x=x)


def _sweep(ax, names):
    curves = {name: [0.1, 0.2] for name in names}
    plotting.sweep_plot(ax, [1, 2], curves, references=dict.fromkeys(names, 0.3), log=True)


def _matrix(ax, names):
    plotting.matrix_plot(ax, pd.DataFrame(np.eye(len(names)), names, names), low=0, high=1)


# what draws names, and how many of them one figure takes
FIGURES = {
    "map": (lambda ax, names: plotting.attention_map(ax, np.eye(len(names)), names), 30),
    "lines": (lambda ax, names: plotting.attention_lines(ax, np.eye(len(names)), names), 60),
    "conditions": (_conditions, 60),
    "curves": (_curves, 60),
    "sweep": (_sweep, 60),
    "matrix": (_matrix, 30),
}


@pytest.mark.parametrize("figure", FIGURES)
def test_names_are_drawn_letter_by_letter(figure: str):
    """As pixels and as SVG: no formula, nothing that stops the drawing, no element from a name."""
    draw, room = FIGURES[figure]
    words = [text[:300] for text in STRINGS]
    words += [] if figure in ("conditions", "matrix") else [LONE]  # pandas holds no half of a pair
    with plotting.style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        for start in range(0, len(words), room):
            names = words[start : start + room]
            shape, ax = plt.subplots(figsize=(4, 3), dpi=40)
            draw(ax, names)
            shape.canvas.draw()  # a formula that is none would raise here
            written = [t for t in shape.findobj(matplotlib.text.Text) if t.get_text()]
            assert [t.get_text() for t in written if t._preprocess_math(t.get_text())[1]] == []
            letters = [t.get_text().replace(r"\$", "$") for t in written]
            assert not acts("".join(letters))
            for name in names:
                shown = printable(" ".join(name.split()) if figure in ("map", "lines") else name)[:12].rstrip("\\")
                assert any(shown in text or shown.replace("_", " ") in text for text in letters), (name, letters)
            file = io.StringIO()
            shape.savefig(file, format="svg")
            plt.close(shape)
            tree = ET.fromstring(file.getvalue())
            elements = {node.tag.rpartition("}")[2] for node in tree.iter()}
            assert not elements & {"script", "foreignObject", "a", "iframe", "img", "b", "set", "animate"}
            assert not [name for node in tree.iter() for name in node.attrib if name.lower().startswith("on")]


def test_chapters_draw_names_and_tokens_letter_by_letter():
    """What a chapter writes into a figure from a model, norms or a text goes through `plotting.plain`."""
    foreign = re.compile(r"\b(encoder|decoder|model|data)\.name\b|\b(model_name|decoder_name|norms_name)\b|\.tokens\b")
    past = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            for node in ast.walk(ast.parse("".join(line for line in cell["source"] if not line.startswith("%")))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    past += [f"{path.stem}: {text}" for text in _texts_drawn(node) if foreign.search(text)]
    assert past == []


def _texts_drawn(call: ast.Call) -> list[str]:
    """Return the sources of the arguments of a matplotlib call that are written, `plotting.plain` left out."""
    by_place = {"set_title": 0, "set_xlabel": 0, "set_ylabel": 0, "suptitle": 0, "annotate": 0, "text": 2,
                "set_xticks": 1, "set_yticks": 1}  # fmt: skip
    place = by_place.get(call.func.attr)
    given = call.args[place : place + 1] if place is not None else []
    if ast.unparse(call.func.value) in ("ax", "axes", "fig", "plt") or place is not None:
        given = given + [k.value for k in call.keywords if k.arg in ("label", "title", "xlabel", "ylabel")]
    return [re.sub(r"plotting\.plain\((?:[^()]|\([^()]*\))*\)", "", ast.unparse(value)) for value in given]


def test_tables_of_a_chapter_hold_text_only(monkeypatch):
    """What `display` shows of a table: no element, no attribute and no formula from a cell, a label or a name."""

    def table(words: list[str]) -> str:
        frame = pd.DataFrame({"a": words, words[0]: words}, index=pd.Index(words, name=words[1]))
        return frame.rename_axis(columns=words[2])._repr_html_()

    before = matplotlib.rcParams.copy(), pd.get_option("display.max_colwidth")
    with warnings.catch_warnings(), pd.option_context("display.html.use_mathjax", True, "display.max_rows", None):
        plotting.set_style()
        pages = table(STRINGS), table([f"w{i}" for i in range(len(STRINGS))])
    matplotlib.rcParams.update(before[0])
    pd.set_option("display.max_colwidth", before[1])
    assert skeleton(pages[0]) == skeleton(pages[1])
    assert re.search(r'<table[^>]* class="[^"]*\bmathjax_ignore\b', pages[0])


# -- widgets -----------------------------------------------------------------------------------------------------------


def viewer(words: list[str], **more) -> AttentionViewer:
    n, names = len(words), dict.fromkeys(words[:5])
    maps, whole = np.full((1, 1, n, n), 1 / n), np.full((1, n, n), 1 / n)
    return AttentionViewer(
        maps, words, control=maps, name=words[0], control_label=words[-1], label=words[1], head_names=[words[2]],
        summaries={name: whole for name in names}, control_summaries={name: whole for name in names},
        identity={name: np.ones((2, n)) for name in names}, measure=words[3], word_ids=range(n), words=words,
        sentence=" ".join(words), **more,
    )  # fmt: skip


def explorer(words: list[str]) -> NeighbourhoodExplorer:
    rng = np.random.default_rng(0)
    n = len(words)
    conditions = {name: rng.normal(size=(n, 3)) for name in words[:4]}
    return NeighbourhoodExplorer(
        words, conditions, gold=words[0], controls=[words[1]], categories=words, features=[[w] for w in words],
        projection=rng.normal(size=(n, 2)), k=6, label=words[2], word=words[-1],
    )  # fmt: skip


def rotated(start: int) -> list[str]:
    """Return all strings, another one in front: so that each is once a name, a label and a condition."""
    own = [*STRINGS, LONE]
    return own[start:] + own[:start]


@pytest.mark.parametrize("start", range(0, len(STRINGS) + 1, 4))
@pytest.mark.parametrize("make", [viewer, explorer])
def test_the_page_of_a_widget_has_no_element_from_data(make, start: int):
    words = rotated(start)
    words = words[:30] if make is viewer else words  # the picture names up to forty tokens
    figure = make(words)
    page = figure.static_html()
    page.encode("utf8")
    assert skeleton(page) == skeleton(make([f"w{i}" for i in range(len(words))]).static_html())
    held = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])
    assert held["state"]["meta"]["tokens" if make is viewer else "words"] == words
    outside = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not acts(outside)
    bundle, _ = figure._repr_mimebundle_()
    assert not acts(bundle["text/plain"])
