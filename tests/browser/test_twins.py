"""The watch over the pages is fed what it must catch."""

from __future__ import annotations

from pathlib import Path

import pytest
from build import build_book
from parameters import BookError
from samples import chapter, code
from test_build import write_book

from .conftest import serve
from .test_pages import read

pytestmark = pytest.mark.browser

PAGE = (
    '<!doctype html><html lang="en"><head><title>A page</title><link rel="icon" href="data:,">'
    '<meta name="viewport" content="width=device-width"></head><body><main>{}</main></body></html>'
)
TWINS = {
    "a script from elsewhere": ('<script src="https://cdn.example.org/a.js"></script>', "outside request"),
    "a script that breaks": ("<script>throw new Error('broken')</script>", "error: broken"),
    "a complaint on the console": ("<script>console.error('complaint')</script>", "console: complaint"),
    "a file that is missing": ('<img alt="a picture" src="gone.png">', "404"),
    "a request made later": (
        "<script>setTimeout(() => fetch('https://example.org/x').catch(() => 0), 50)</script>",
        "outside",
    ),
    "a page wider than a phone": ('<div style="width: 700px">wide</div>', "wider than the screen"),
    "an image without a text": ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "image without a text"),
    "an image whose text is its file": ('<img alt="_images/1f.png" src="data:,">', "image without a text"),
    "mathematics left in TeX": ('<span class="math">\\(x^2\\)</span>', "mathematics not set"),
    "a widget that failed": ('<div data-explaint-error="no data"></div>', "widget that failed: no data"),
    "a widget whose program is missing": ('<div data-explaint="attention"></div>', "did not draw itself: 1"),
    "pale text": ('<p style="color: #bbb">pale</p>', "text too pale"),
}


@pytest.mark.parametrize("twin", TWINS)
def test_a_bad_page_is_caught(twin: str, chromium: object, tmp_path: Path):
    body, message = TWINS[twin]
    (tmp_path / "index.html").write_text(PAGE.format(body), "utf8")
    with serve(tmp_path) as address:
        faults = read(chromium, [address + "index.html"], "phone")
    assert any(message in fault for found in faults.values() for fault in found), faults


def test_a_good_page_passes(chromium: object, tmp_path: Path):
    (tmp_path / "index.html").write_text(PAGE.format("<h1>Good</h1><p>Plain text.</p>"), "utf8")
    with serve(tmp_path) as address:
        assert read(chromium, [address + "index.html"], "phone") == {}


BOXED = """import ipywidgets
import numpy as np
from explaint_lib.widgets import AttentionViewer
ipywidgets.VBox([AttentionViewer(np.full((1, 1, 2, 2), 0.5), ["a", "b"])])"""


@pytest.mark.book
def test_a_widget_in_a_box_stops_the_build(tmp_path: Path):
    """It would be blank on a page without a kernel, and nothing else would say so."""
    boxed = chapter()
    boxed.cells.append(code(BOXED))
    book = write_book(tmp_path, boxed)
    with pytest.raises(BookError, match="needs a running kernel"):
        build_book(root=book, models=())
