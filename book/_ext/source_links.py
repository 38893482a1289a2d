"""Local Sphinx extension: under each page, what it was made from, how to cite it, and how to run it.

What is known of the sources is in ``book/origin.json`` (written by ``book/origin.py``); what is not known is not said.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from sphinx.application import Sphinx

PAGE = "book/source"


def link(address: str, words: str) -> str:
    """Return a link."""
    return f'<a class="reference" href="{escape(address)}">{escape(words)}</a>'


def made_from(known: dict[str, str]) -> str:
    """Return which commit a page was made from."""
    commit = f"commit {known['commit'][:10]}"
    if known.get("repository"):
        commit = link(f"{known['repository']}/tree/{known['commit']}", commit)
    else:
        commit = escape(commit)
    return f"Made from {commit} of {known['date']}{', ' + known['changed'] if 'changed' in known else ''}. "


def elsewhere(name: str, known: dict[str, str]) -> str:
    """Return the links that run a chapter on another machine; none where no repository on GitHub is named."""
    place = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", known.get("repository", ""))
    if not place or "commit" not in known:
        return ""
    binder = f"https://mybinder.org/v2/gh/{place[1]}/{known['commit']}?urlpath=lab/tree/{name}.ipynb"
    colab = f"https://colab.research.google.com/github/{place[1]}/blob/{known['commit']}/{name}.ipynb"
    return f" Or run it on a machine of others: {link(binder, 'Binder')}, {link(colab, 'Colab')}."


def note_source(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Write the lines under a page."""
    noted = Path(app.srcdir, "book", "origin.json")
    if app.builder.format != "html" or doctree is None or not noted.is_file():
        return
    known = json.loads(noted.read_text("utf8"))
    if pagename == PAGE:
        for word, name in {"VERSION": "version", "COMMIT": "commit"}.items():
            context["body"] = context["body"].replace(word, escape(known.get(name, "unknown")))
    said = made_from(known) if "commit" in known else ""
    if PAGE in app.env.found_docs and pagename != PAGE:
        said += link(app.builder.get_relative_uri(pagename, PAGE), "How to cite it, and the files to take along") + "."
    if re.fullmatch(r"notebooks/\d\d_\w+", pagename):
        clone = f"<code>git clone {escape(known.get('repository', ''))}</code>"
        start = clone if "repository" in known else "unpack the sources"
        said += (
            f"<br>Run this chapter: {start}, type <code>make lab</code>, and open "
            f"<code>{escape(pagename)}.ipynb</code> in JupyterLab.{elsewhere(pagename, known)}"
        )
    context["body"] += f'<div class="source"><p>{said}</p></div>' if said else ""


def setup(app: Sphinx) -> dict[str, object]:
    """Connect it to Sphinx."""
    app.connect("html-page-context", note_source)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
