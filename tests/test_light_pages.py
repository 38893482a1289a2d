"""The last hands that a page goes through: what is left out is not used, what is kept is the same, twice the same."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import origin
import pytest
from conftest import ROOT
from PIL import Image

sys.path.append(str(ROOT / "book" / "_ext"))
import accessible_pages  # noqa: E402
import light_pages  # noqa: E402
import offline_book  # noqa: E402
import search_words  # noqa: E402
import source_links  # noqa: E402


def test_rules_of_classes_that_no_page_has_are_left_out(tmp_path: Path):
    (tmp_path / "more.css").write_text(".kept > p { margin: 0 } .lost p { margin: 0 }", "utf8")
    sheet = tmp_path / "a.css"
    sheet.write_text(
        "@import 'more.css'; /* said */ /*! licence */ p:not(.lost) { color: red } .lost, a.kept { color: blue }"
        "@media print { .lost { color: red } } @media print { .kept.lost { color: red } .kept { color: green } }"
        "@font-face { font-family: Lost } .bs-tooltip-auto { color: red }",
        "utf8",
    )
    lines = light_pages.purged(sheet, {"kept"}).splitlines()
    assert lines == [
        ".kept > p{margin: 0}",
        "/*! licence */",
        "p:not(.lost){color: red}",
        "a.kept{color: blue}",
        "@media print {.kept{color: green}",
        "}",
        ".bs-tooltip-auto{color: red}",
    ]


def test_a_page_loads_one_sheet_and_one_script_and_only_the_search_its_index():
    script = '<script src="_static/{}"></script>\n'.format
    pages = {Path("a"): script("doctools.js") + script("scripts/fontawesome.js") + script("searchtools.js")}

    class Static:
        def __truediv__(self, name: str) -> SimpleNamespace:
            return SimpleNamespace(read_text=lambda _: f"// {name}\n//# sourceMappingURL=x.map")

    assert light_pages.one_script(pages, Static()) == ";\n// doctools.js\n"
    told = script("doctools.js") + "<script>var toggle = 1</script>" + script("documentation_options.js")
    parts = light_pages.one_script({Path("a"): told}, Static()).split(";\n")
    assert [part.split("\n")[0] for part in parts] == [
        "// documentation_options.js",
        "var toggle = 1",
        "// doctools.js",
    ]
    remains = {
        searching: light_pages.SCRIPT.sub(
            lambda found, searching=searching: light_pages.kept_script(found, searching),
            pages[Path("a")] + '<script src="searchindex.js"></script><script>theme()</script>',
        )
        for searching in (False, True)
    }
    assert remains[False] == "<script>theme()</script>"
    order = ["searchtools.js", "search.js", "searchindex.js"]
    assert [remains[True].index(name) for name in order] == sorted(remains[True].index(name) for name in order)
    assert remains[True].count("<script defer") == 3


def test_a_font_holds_the_signs_in_use_and_no_other_and_is_the_same_twice():
    import base64
    import re

    import matplotlib
    from fontTools.ttLib import TTFont

    file = Path(matplotlib.get_data_path(), "fonts/ttf/STIXGeneral.ttf")
    pages = {Path("a"): "<p>no</p><math><mi>h</mi><mi>cos</mi><mi>π</mi><mo>=</mo></math>"}
    points = light_pages.in_formulas(pages)
    assert {0x210E, 0x1D70B, ord("="), ord("c")} < points and ord("n") not in points
    rule = light_pages.font("Book Math", 400, file, points)
    assert rule == light_pages.font("Book Math", 400, file, points)
    packed = base64.b64decode(re.search(r"base64,([^)]+)\)", rule)[1])
    assert set(TTFont(io.BytesIO(packed)).getBestCmap()) == points and len(packed) < 5000


def test_a_figure_with_a_palette_looks_as_it_did(tmp_path: Path):
    smooth = np.linspace(0, 255, 200 * 300).reshape(200, 300).astype(np.uint8)
    colours = np.stack([smooth, smooth[::-1], np.full_like(smooth, 40), np.full_like(smooth, 255)], axis=-1)
    colours[20:60, 20:60, :3] = (200, 10, 10)
    Image.fromarray(colours, "RGBA").save(tmp_path / "a.png")
    clear = colours.copy()
    clear[:20, :, 3] = 0
    Image.fromarray(clear, "RGBA").save(tmp_path / "b.png")
    before = {name: (tmp_path / name).read_bytes() for name in ("a.png", "b.png")}
    assert light_pages.repaint(tmp_path / "a.png") == light_pages.repaint(tmp_path / "b.png") == (300, 200)
    assert (tmp_path / "b.png").read_bytes() == before["b.png"]  # what can be seen through stays as it is
    with Image.open(tmp_path / "a.png") as few:
        assert few.mode == "P" and len((tmp_path / "a.png").read_bytes()) < len(before["a.png"])
        assert np.abs(np.asarray(few.convert("RGB"), int) - colours[..., :3]).max() <= 8


@pytest.mark.parametrize(
    ("tex", "wanted"),
    [
        (r"\hat y_c", "<msub><mover accent"),
        (r"1 \dots n", "<mi>…</mi>"),
        (r"\big[ x \big]", "minsize"),
        (r"h'^{(l)}_i", "<msubsup><mi>h</mi>"),
    ],
)
def test_tex_that_the_converter_reads_otherwise_comes_out_right(tex: str, wanted: str):
    from docutils import nodes

    assert wanted in offline_book.mathml(nodes.math("", tex), block=False)


def test_a_formula_that_cannot_be_read_is_a_warning(caplog: pytest.LogCaptureFixture):
    from docutils import nodes

    with caplog.at_level("WARNING"):
        assert offline_book.mathml(nodes.math("", r"\nosuch x"), block=False) == ""
    assert "nosuch" in caplog.text


def test_a_chapter_is_found_by_its_number_and_its_variant_is_not():
    from docutils.utils import new_document

    found = {}
    docs = {"notebooks/07_controls", "notebooks/07_controls_mcrae", "book/how_to_run"}
    for name in docs:
        document = new_document(name)
        search_words.add_words(SimpleNamespace(env=SimpleNamespace(docname=name, found_docs=docs)), document)
        found[name] = [entry[1] for node in document.children for entry in node["entries"]]
    assert found["notebooks/07_controls"] == ["chapter 07", "chapter 7"]
    assert found["notebooks/07_controls_mcrae"] == [] and "install" in found["book/how_to_run"]


def test_what_the_theme_leaves_is_mended(tmp_path: Path):
    page = (
        '<div id="pst-primary-sidebar" class="a"></div><a class="reference" href="b.html">The <i>x</i></a>'
        '<a class="reference" href="b.html">The library</a><details><summary><i class="fa-solid fa-x"></i></summary>'
        '<th class="head"><p></p></th><th>name</th>'
    )
    (tmp_path / "a.html").write_text(page, "utf8")
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html"))
    accessible_pages.mend(app, None)
    mended = (tmp_path / "a.html").read_text("utf8")
    assert '<summary aria-label="Pages below: The library"><i aria-hidden="true" class="fa-solid' in mended
    assert 'role="complementary" aria-label="The book" class="a"' in mended
    assert "<td></td><th>name</th>" in mended


# -- where the pages come from -----------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "book"
    root.mkdir()
    (root / "_config.yml").write_text("title: A book\n", "utf8")
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "One"]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    return root


def test_only_a_checkout_has_a_commit_and_changes_are_told(checkout: Path):
    assert {"commit", "date"} == set(origin.known(checkout))
    (checkout / "inner").mkdir()
    (checkout / "inner" / "_config.yml").write_text("repository: {url: https://github.com/a/b}\n", "utf8")
    assert origin.known(checkout / "inner") == {"repository": "https://github.com/a/b"}
    (checkout / "_config.yml").write_text("title: Another\n", "utf8")
    assert "changed" in origin.known(checkout)


def test_the_archives_hold_sources_and_pages_and_are_the_same_twice(checkout: Path, tmp_path: Path):
    made = []
    for folder in ("one", "two"):
        html = tmp_path / folder
        html.mkdir()
        (html / "index.html").write_text("<p>page</p>", "utf8")
        origin.pack(html, checkout)
        made.append([(html / name).read_bytes() for name in (origin.SOURCES, origin.BOOK)])
    assert made[0] == made[1]
    names = [zipfile.ZipFile(io.BytesIO(archive)).namelist() for archive in made[0]]
    assert "explaint/_config.yml" in names[0] and names[1] == ["explaint-book/index.html"]


def test_links_to_machines_of_others_need_a_repository():
    known = {"commit": "abc", "date": "2026-12-01"}
    assert source_links.elsewhere("notebooks/01_a", known) == ""
    said = source_links.elsewhere("notebooks/01_a", {**known, "repository": "https://github.com/a/b.git"})
    assert "mybinder.org/v2/gh/a/b/abc?" in said and "/github/a/b/blob/abc/notebooks/01_a.ipynb" in said
    assert source_links.elsewhere("notebooks/01_a", {**known, "repository": "https://example.org/a/b"}) == ""
