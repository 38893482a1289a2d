"""Local Sphinx extension: nothing on a page comes from another machine.

* MathJax is one file, copied from the package ``sphinx-mathjax-offline`` (the SVG build: no fonts to load, which also
  makes it work from ``file://``).
* The widget state that myst-nb would copy from ``metadata.widgets`` into the page is left out: our widgets are rendered
  from their ``text/html`` copy, and the state would double the page.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.config import Config

MATHJAX = "tex-svg-full.js"


def local_mathjax(app: Sphinx, config: Config) -> None:
    """Serve MathJax from the book's own static folder."""
    package = importlib.util.find_spec("sphinx-mathjax-offline")  # a hyphen in a module's name: no import statement
    config.html_static_path.append(str(Path(package.origin).parent / "static" / "mathjax" / MATHJAX))
    config.mathjax_path = MATHJAX


def drop_widget_state(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Remove the widget state from a page, before myst-nb writes it there."""
    if app.builder.format != "html" or pagename not in NbMetadataCollector.get_doc_data(app.env):
        return
    scripts = NbMetadataCollector.get_js_files(app.env, pagename)
    for name in [name for name in scripts if name.startswith("ipywidgets_")]:
        scripts.pop(name)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the two to Sphinx."""
    app.connect("config-inited", local_mathjax)
    app.connect("html-page-context", drop_widget_state, priority=100)  # myst-nb writes at 500
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
