"""Local Sphinx extension: what the theme leaves in a page that a screen reader or a keyboard stumbles over.

tests/browser/test_accessible.py holds every page to what axe-core knows.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

VIEWPORT = re.compile(r'\s*<meta name="viewport" content="width=device-width, initial-scale=1(?:\.0)?"\s*/?>')
MENDED = {
    # the contents with the logo above them are a part of the page that has a name
    r'<div id="pst-primary-sidebar"': r'\g<0> role="complementary" aria-label="The book"',
    # an arrow that opens the pages below another one says whose
    r'(<a class="[^"]*" href="[^"]*">([^<]*)</a><details[^>]*>)<summary>': r'\1<summary aria-label="Pages below: \2">',
    # the corner of a table is no header
    r'<th(?: class="[^"]*")?>(?:<p></p>)?</th>': "<td></td>",
    # a bibliography is a list
    r'(<div class="citation" id="[^"]*" )role="doc-biblioentry"': r'\1role="listitem"',
    # icons are for the eye
    r'<(i|span) class="((?:theme-switch )?fas? |(?:theme-switch )?fa-)': r'<\1 aria-hidden="true" class="\2',
    r'title="Toggle primary sidebar"': 'title="Contents of the book" aria-label="Contents of the book"',
    r'title="Toggle secondary sidebar"': 'title="Contents of this page" aria-label="Contents of this page"',
}


def mend(app: Sphinx, fault: Exception | None) -> None:
    """Mend the pages that were built."""
    if fault or app.builder.format != "html":
        return
    for path in sorted(Path(app.outdir).rglob("*.html")):
        if "_static" in path.relative_to(app.outdir).parts:
            continue
        page = path.read_text("utf8")
        for pattern, mended in MENDED.items():
            page = re.sub(pattern, mended, page)
        first = VIEWPORT.search(page)
        page = page[: first.end()] + VIEWPORT.sub("", page[first.end() :]) if first else page
        path.write_text(page, "utf8")


def setup(app: Sphinx) -> dict[str, object]:
    """Mend before the pages are made light."""
    app.connect("build-finished", mend, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
