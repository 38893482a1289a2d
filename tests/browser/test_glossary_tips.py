"""A link to the glossary: its sentence comes by mouse, by keyboard and by the first tap, and goes by Escape."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python.base
import pytest
from conftest import ROOT
from test_glossary import glossary_tips

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("reader")]

AXE = Path(axe_playwright_python.base.__file__).with_name("axe.min.js").read_text("utf8")
SAID = {"term-head": "A head is one of several mechanisms that work side by side.", "term-layer": "A layer is a step."}
LINKS = "".join(f'<a class="reference internal" href="#{name}">{name}</a> ' for name in SAID)


@pytest.fixture
def opened(chromium: object, request: pytest.FixtureRequest):
    context = chromium.new_context(viewport={"width": 360, "height": 640}, has_touch=True)
    page = context.new_page()
    style, script = ((ROOT / "book" / "assets" / f"terms.{kind}").read_text("utf8") for kind in ("css", "js"))
    table = f"<table style='display:block;overflow-x:auto;margin-left:15rem'><tr><td>{LINKS}</td></tr></table>"
    page.set_content(
        f"<!doctype html><html lang=en><title>Terms</title><meta name=viewport content='width=device-width'>"
        f"<style>:root {{--pst-color-background: #fff; --pst-color-text-base: #222}} {style}</style>"
        f"<body><main class=bd-article><h1>Terms</h1>{glossary_tips.with_tips(table, SAID)}<p>Elsewhere</p></main>"
        f"<script>{script}</script>"
    )
    yield page
    context.close()


def shown(page: object) -> list[str]:
    return [tip.text_content() for tip in page.locator(".tip").all() if tip.is_visible()]


def test_the_mouse_and_the_keyboard_open_and_escape_closes(opened: object):
    assert shown(opened) == []
    opened.locator(".term").first.hover()
    assert shown(opened) == [SAID["term-head"]]
    opened.locator(".tip").first.hover()  # the sentence may be pointed at
    assert shown(opened) == [SAID["term-head"]]
    opened.locator("h1").hover()
    assert shown(opened) == []
    opened.keyboard.press("Tab")
    opened.keyboard.press("Tab")
    assert shown(opened) == [SAID["term-layer"]]
    opened.keyboard.press("Escape")
    assert shown(opened) == []
    opened.keyboard.press("Shift+Tab")
    assert shown(opened) == [SAID["term-head"]]


def test_the_first_tap_opens_and_the_second_follows(opened: object):
    link = opened.locator(".term a").last
    link.tap()
    assert shown(opened) == [SAID["term-layer"]] and "#" not in opened.url
    opened.locator("p").last.tap()
    assert shown(opened) == []
    link.tap()
    link.tap()
    assert opened.url.endswith("#term-layer")


def test_a_sentence_stays_in_the_window_and_is_announced(opened: object):
    opened.keyboard.press("Tab")
    box = opened.locator(".tip").first.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["height"] > 20
    described = opened.locator(".term a").first.get_attribute("aria-describedby")
    assert opened.locator(f"#{described}").text_content() == SAID["term-head"]
    opened.evaluate(AXE)
    found = opened.evaluate("axe.run()")
    assert [(fault["id"], fault["help"]) for fault in found["violations"]] == []
