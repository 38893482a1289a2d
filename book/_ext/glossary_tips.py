"""Local Sphinx extension: a link to a term of the glossary shows the first sentence of its entry.

The sentence stands in the page, so nothing is fetched. It appears under the mouse and at keyboard focus by style alone
(``terms.css``); ``terms.js`` lets the first tap of a finger open it and Escape close it. It is added to the finished
page, after the search index was made of the text: no page is found by a definition that it only quotes.
"""

from __future__ import annotations

import re
from html import escape
from itertools import count

from docutils import nodes
from sphinx.application import Sphinx

GLOSSARY = "book/glossary"
LINK = re.compile(r'<a class="reference internal" href="[^"#]*#(term-[^"]+)">(.*?)</a>', re.DOTALL)
SENTENCE = re.compile(r".+?[.](?=\s|$)", re.DOTALL)


def first_sentences(doctree: nodes.Element) -> dict[str, str]:
    """Return the first sentence of every entry of a glossary, by the id of its term."""
    found = {}
    for item in doctree.findall(nodes.definition_list_item):
        text = next(item.findall(nodes.definition)).astext()
        sentence = " ".join(SENTENCE.match(text)[0].split())
        for term in item.findall(nodes.term):
            found |= dict.fromkeys(term["ids"], sentence)
    return found


def with_tips(body: str, sentences: dict[str, str]) -> str:
    """Return a page's HTML with the sentence after each link to a term, which names it as its description."""
    number = count(1)

    def tip(link: re.Match) -> str:
        if link[1] not in sentences:
            return link[0]
        name = f"tip-{next(number)}"
        opened = link[0].replace("<a ", f'<a aria-describedby="{name}" ', 1)
        said = escape(sentences[link[1]])
        return f'<span class="term">{opened}<span class="tip" role="tooltip" id="{name}">{said}</span></span>'

    return LINK.sub(tip, body)


def add_tips(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.Node | None) -> None:
    """Give the links of a page their sentences, and only a page that has such links the style and the script."""
    if app.builder.format != "html" or doctree is None or "#term-" not in context.get("body", ""):
        return
    if not hasattr(app, "glossary_sentences"):
        app.glossary_sentences = first_sentences(app.env.get_doctree(GLOSSARY))
    context["body"] = with_tips(context["body"], app.glossary_sentences)
    app.add_css_file("terms.css")
    app.add_js_file("terms.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect it to Sphinx."""
    app.connect("html-page-context", add_tips)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
