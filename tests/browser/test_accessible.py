"""axe-core finds nothing on any page of the built book: light and dark, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python.base
import pytest

from .conftest import serve
from .test_pages import Site
from .test_twins import PAGE

pytestmark = [pytest.mark.browser, pytest.mark.book, pytest.mark.models]

AXE = Path(axe_playwright_python.base.__file__).with_name("axe.min.js").read_text("utf8")
# A page is loaded once and seen in three ways: what it is made of does not depend on its colours. Contrast, which costs
# axe-core most, is judged on two texts of each colour, ground and size, not on each of the thousand cells of a table.
# The widgets have a test of their own, which uses them (test_widgets_reader.py); here they only cost time.
RUN = """structure => {
  const report = ({ violations }) => violations.map(({ id, nodes }) =>
    `${id}: ${nodes.length} x ${nodes[0].html.slice(0, 150)}`);
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)|transparent/.test(c)) return c } };
  const kinds = new Map(), marked = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const s = getComputedStyle(e), kind = [s.color, ground(e), s.fontSize, s.fontWeight, s.opacity].join();
    if (e.checkVisibility() && (kinds.set(kind, (kinds.get(kind) ?? 0) + 1).get(kind)) <= 2) marked.push(e);
  }
  const runs = [];
  if (structure) runs.push(() => axe.run(document,
    { resultTypes: ['violations'], rules: { 'color-contrast': { enabled: false } } }));
  if (marked.length) runs.push(() => axe.run({ include: marked },
    { resultTypes: ['violations'], runOnly: { type: 'rule', values: ['color-contrast'] } }));
  return runs.reduce(async (found, run) => [...await found, ...report(await run())], Promise.resolve([])); }"""
VIEWS = ((1280, "light", True), (1280, "dark", False), (360, "dark", True))


def faults(chromium: object, addresses: list[str]) -> dict[str, list[str]]:
    """Return what axe-core finds on each page on which it finds anything."""
    context, found = chromium.new_context(), {}
    for address in addresses:
        page = context.new_page()
        page.goto(address, wait_until="load")
        page.evaluate("document.querySelectorAll('[data-explaint] > *').forEach(part => part.remove())")
        page.evaluate(AXE)
        for width, scheme, structure in VIEWS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.wait_for_timeout(350)  # the theme marks what scrolls a moment after the window has another size
            for fault in page.evaluate(RUN, structure):
                found.setdefault(address, []).append(f"{width} {scheme} {fault}")
        page.close()
    context.close()
    return found


@pytest.fixture(scope="module")
def site(built_book: Path) -> Iterator[Site]:
    with serve(built_book) as address:
        yield Site(built_book, address)


def test_axe_finds_nothing_on_any_page(site: Site, chromium: object):
    assert faults(chromium, [site.address + page for page in site.pages()]) == {}


TWINS = {
    "a summary without a name": ("<details><summary><i></i></summary>more</details>", "summary-name"),
    "text outside of the page's parts": ("</main><p>lost</p><main>", "region"),
    "a wide table that a keyboard cannot scroll": (
        '<div style="overflow-x: auto"><table style="white-space: nowrap"><tr><td>'
        + "wide " * 400
        + "</td></tr></table></div>",
        "scrollable-region-focusable",
    ),
    "text pale in the dark": (
        "<style>@media (prefers-color-scheme: dark) { p { color: #777; background: #111 } }</style><p>pale</p>",
        "1280 dark color-contrast",
    ),
    "text pale on a phone": (
        "<style>@media (max-width: 400px) { p { color: #bbb; background: #fff } }</style><p>pale</p>",
        "360 dark color-contrast",
    ),
}


@pytest.mark.parametrize("twin", TWINS)
def test_a_bad_page_is_caught(twin: str, chromium: object, tmp_path: Path):
    body, fault = TWINS[twin]
    (tmp_path / "index.html").write_text(PAGE.format(f"<h1>A page</h1>{body}"), "utf8")
    with serve(tmp_path) as address:
        found = faults(chromium, [address + "index.html"])
    assert any(fault in line for lines in found.values() for line in lines), found
