"""Hostile strings in a real Chromium: as tokens, words, names, labels, features; in links and in saved files."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import xml.etree.ElementTree as ET

import pytest
from hostile import HOSTILE, STRINGS, acts
from test_hostile import explorer, viewer

from .conftest import document, serve, widget

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("hostile")]

# Every element and attribute below the figures of a page, shadow trees included, and all text that can be read.
INSPECT = """() => {
  const found = { tags: new Set(), attributes: new Set(), texts: [] };
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (!["STYLE", "SCRIPT"].includes(node.parentNode.nodeName)) found.texts.push(node.data);
    }
    if (node.nodeType === Node.ELEMENT_NODE) {
      found.tags.add(node.localName);
      for (const { name, value } of node.attributes) {
        found.attributes.add(name);
        if (["title", "aria-label", "alt"].includes(name)) found.texts.push(value);
      }
      if (node.shadowRoot) node.shadowRoot.childNodes.forEach(walk);
    }
    node.childNodes.forEach(walk);
  };
  walk(document.querySelector("main"));
  return { tags: [...found.tags].sort(), attributes: [...found.attributes].sort(), texts: found.texts,
           pwned: window.explaintPwned ?? null };
}"""


def tame(words):
    return [f"w{i}" for i in range(len(words))]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    for name, words in {"page": STRINGS, "tame": tame(STRINGS)}.items():
        turn = STRINGS.index(HOSTILE["colour"])
        second = words[turn:] + words[:turn]  # what acts on terminals is in front, where names and labels come from
        figures = viewer(words), explorer(words), viewer(second, view="matrix"), explorer(second)
        (folder / f"{name}.html").write_text(document(*figures), "utf8")
    with serve(folder) as address:
        yield folder, address


def use(page):
    """Open, point at and play with everything that writes a name somewhere."""
    for summary in page.locator("summary:visible").all():
        summary.click()
    for figure in range(2):
        widget(page, 2 * figure).get_by_label("Map", exact=True).select_option(index=0)
        combine = widget(page, 2 * figure).get_by_label("Show", exact=True)
        combine.select_option(index=1)
        combine.select_option(index=0)
        widget(page, 2 * figure).get_by_label("Whole words").check()
    widget(page, 0).locator(".tok").nth(3).hover()
    for figure in (1, 3):
        widget(page, figure).get_by_label("Colour every category").check()
        widget(page, figure).locator("li button").nth(2).hover()
        widget(page, figure).get_by_role("combobox", name="Word").fill("no such \u202e word")
    for figure in range(4):
        game = widget(page, figure).get_by_role("group", name="Predict, then reveal")
        game.get_by_role("button", name="Guess first").click()
        game.get_by_role("group", name="Your answer").get_by_role("button").first.click()
        game.get_by_role("button", name="Stop").click()


def test_nothing_on_the_page_comes_to_life(open_page):
    """The same elements and attributes as a page of tame words has; no script ran, nothing was asked for elsewhere."""
    seen = {}
    for name in ("page", "tame"):
        page = open_page(f"{name}.html")
        assert page.locator("[data-explaint-ready]").count() == 4
        use(page)
        seen[name] = page.evaluate(INSPECT)
    assert seen["page"]["tags"] == seen["tame"]["tags"] and seen["page"]["pwned"] is None
    assert seen["page"]["attributes"] == seen["tame"]["attributes"]
    assert not acts("".join(seen["page"]["texts"]))
    assert any("\\u202e" in text for text in seen["page"]["texts"])


def saved(page, figure, kind):
    with page.expect_download() as caught:
        widget(page, figure).get_by_role("button", name=f"Download {kind}").click()
    assert len(caught.value.suggested_filename) < 100 and not acts(caught.value.suggested_filename)
    return caught.value.path().read_bytes().decode("utf-8-sig")


def test_no_cell_of_a_csv_file_is_a_formula_and_every_text_comes_back(open_page):
    page = open_page()
    for figure, column in ((0, 5), (1, 3)):
        text = saved(page, figure, "CSV")
        head, *rows = csv.reader(io.StringIO(text, newline=""))
        cells = [cell for row in [head, *rows] for cell in row]
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n＝＋－＠")]
        came_back = {row[column].removeprefix("'") for row in rows}
        assert came_back == set(STRINGS) if figure == 0 else came_back <= set(STRINGS)
        if figure == 0:
            assert {float(row[6]) for row in rows} and all(row[2].isdigit() for row in rows)  # numbers stay numbers


def test_a_picture_saved_is_xml_without_anything_active(open_page):
    page = open_page()
    for figure in (0, 2):
        root = ET.fromstring(saved(page, figure, "SVG"))
        elements = {node.tag.rpartition("}")[2] for node in root.iter()}
        assert elements <= {"svg", "style", "rect", "text", "g", "path", "title", "image"}
        for node in root.iter():
            for name, value in node.attrib.items():
                assert not name.lower().startswith("on")
                assert not name.endswith("href") or value.startswith("data:image/png;base64,")
        said = "".join("".join(node.itertext()) for node in root.iter() if node.tag.rpartition("}")[2] != "style")
        assert not acts(said) and ("\\x1b[31m" in said or figure == 2)  # the matrix names no more than forty


# -- links -------------------------------------------------------------------------------------------------------------


def link(state) -> str:
    return "#explaint-" + base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def views(**values):
    return {"at": 0, "views": [values] * 4}


INHERITED = ("constructor", "toString", "__proto__", "hasOwnProperty", "length", "valueOf")
TAMPERED = [
    *[views(kind="attention", combine=name) for name in INHERITED],
    *[views(kind="attention", measure=name) for name in INHERITED],
    *[views(kind="attention", overview=name) for name in (*INHERITED, -1, 1.5, 99, None, [], {}, "0", True)],
    *[views(kind="neighbourhood", word=name, shown=name) for name in (*INHERITED, 3, None, [], {"a": 1}, "<b>")],
    *[views(kind="attention", layer=v, head=v, view=v, merged=v, show_special=v) for v in ("0", 1e9, -1, [], {}, None)],
    *[views(kind="attention", pin=v) for v in ("x", 3, [], {"q": "0", "k": 1}, {"q": -1}, {"q": 1e9, "k": None})],
    *[{"at": at, "views": [{}] * 4} for at in ("x", -1, 1e9, {}, None, "__proto__")],
    {"views": "constructor"}, {"views": []}, {"views": [None, 1, "x", []]}, {"views": {"length": 3}}, [], "x", 3, None,
    {"__proto__": {"views": []}}, views(kind="<script>", word="<script>window.explaintPwned=1</script>"),
    {"at": 0, "views": [{"kind": "attention", "pin": {"q": 0, "k": 0}, "x": "y" * 50_000}]},
]  # fmt: skip


def test_a_tampered_link_changes_nothing_and_breaks_nothing(open_page):
    page = open_page()
    before = [widget(page, i).locator(".title, .status, [role=status]").first.inner_text() for i in range(4)]
    raw = ["#explaint-", "#explaint-____", "#explaint-" + "A" * 9999, "#explaint-%00%ff", "#<img src=x onerror=1>",
           "#explaint-bnVsbA", "#explaint-" + base64.urlsafe_b64encode(b"[" * 20_000).decode()]  # fmt: skip
    for fragment in [*raw, *map(link, TAMPERED)]:
        page.evaluate("fragment => { location.hash = fragment; }", fragment)
        page.evaluate("() => new Promise(done => setTimeout(done, 15))")
        assert page.evaluate("window.explaintPwned ?? null") is None
    assert page.locator("[data-explaint-error]").count() == 0
    after = [widget(page, i).locator(".title, .status, [role=status]").first.inner_text() for i in range(4)]
    assert after == before
    widget(page, 0).locator(".tok").nth(3).hover()  # and it still works
    assert "attends to" in widget(page, 0).locator(".status").inner_text()
    assert widget(page, 0).locator(".panel svg").count() == 2


# -- damaged payloads --------------------------------------------------------------------------------------------------


def test_a_damaged_payload_is_said_in_place_whatever_was_damaged(open_page, site):
    """60 pages, each with bytes changed, cut or doubled in what a widget carries: a message there, the rest whole."""
    draw = random.Random(0)
    sound = viewer(tame(range(6))).static_html(), explorer(tame(range(9))).static_html()
    pages = []
    for turn in range(60):
        page = sound[turn % 2]
        begin = page.index('<script type="application/json">') + len('<script type="application/json">')
        end = page.index("</script>", begin)
        held = page[begin:end]
        buffers = held.index('"buffers"') if turn % 3 else 0
        at = draw.randrange(buffers, len(held))
        size = draw.randrange(1, 12)
        change = draw.choice(["", "#", held[at : at + size] * 2, "0", "\\u0000", "~~~~~", '"'])
        pages.append(page[:begin] + held[:at] + change + held[at + size :] + page[end:])
    (site[0] / "damaged.html").write_text(document(*pages, sound[0]), "utf8")
    page = open_page("damaged.html")
    states = page.evaluate(
        """() => [...document.querySelectorAll('[data-explaint]')].map(f => ({
             ready: f.hasAttribute('data-explaint-ready'), error: f.hasAttribute('data-explaint-error'),
             alert: f.querySelector('.ex-mount > div')?.shadowRoot?.querySelector('[role=alert]')?.textContent ?? '',
             picture: getComputedStyle(f.querySelector('.ex-static')).display !== 'none' }))"""
    )
    assert len(states) == 61 and states[-1] == {"ready": True, "error": False, "alert": "", "picture": False}
    for state in states[:-1]:
        assert state["ready"] != state["error"]  # drawn, or said that it is not
        if state["error"]:
            assert "could not be read" in state["alert"] and state["picture"]
    assert sum(state["error"] for state in states) > 30
