"""Local Sphinx extension: words under which a reader looks for a page, where the page does not have them in its title.

They are entries of Sphinx's index, which the search puts first; ``search.js`` takes the question from around the words.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

WORDS = {
    "book/how_to_run": ("install", "installation", "download", "requirements", "run", "jupyterlab"),
    "book/how_to_read_a_verdict": ("verdict", "supported", "cannot tell", "equivalent"),
    "book/bibliography": ("references", "literature"),
    "book/teach": ("course", "teacher", "lesson", "worksheet", "nbgrader"),
    "book/glossary": ("words", "terms", "definitions"),
}


def add_words(app: Sphinx, doctree: nodes.document) -> None:
    """Give a page its entries: the words above, and a chapter its number."""
    words = list(WORDS.get(app.env.docname, ()))
    if (chapter := re.fullmatch(r"notebooks/(\d+)_\w+", app.env.docname)) and not variant(app.env.docname, app):
        words += [f"chapter {number}" for number in dict.fromkeys((chapter[1], str(int(chapter[1]))))]
    if words:
        doctree.append(addnodes.index(entries=[("single", word, "", "main", None) for word in words]))


def variant(name: str, app: Sphinx) -> bool:
    """Tell whether a page is a chapter run again with other parameters: its name goes on behind the chapter's."""
    return any(name.startswith(f"{other}_") for other in app.env.found_docs)


def setup(app: Sphinx) -> dict[str, object]:
    """Add the words before the index is made, and the script to the page of the search."""
    app.connect("doctree-read", add_words)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
