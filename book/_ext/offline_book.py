"""Local Sphinx extension: nothing on a page comes from another machine, or has to be set by the reader's one.

* Formulas are MathML, which docutils makes of the TeX while the pages are built and which browsers draw by themselves:
  no script, no fonts, nothing that could take data for a formula, and a screen reader reads them.
* The widget state that myst-nb would copy from ``metadata.widgets`` into the page is left out: our widgets are rendered
  from their ``text/html`` copy, and the state would double the page.
"""

from __future__ import annotations

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

# what docutils' converter does not know or reads in another way than TeX, in words that it does know
IN_OTHER_WORDS = (
    (r"\\dots\b", r"\\ldots"),
    (r"\\([Bb]igg?)(?=[\[(])", r"\\\1l"),
    (r"\\([Bb]igg?)(?=[\])])", r"\\\1r"),
    (r"'\^\{", r"^{\\prime"),
    (r"'", r"^{\\prime}"),
)
# an index belongs to the letter with its accent, not below the letter
ACCENT = re.compile(r'<munderover>(<mi>[^<]*</mi>)(.*?)(<mo stretchy="false">[ˆ¯˜→]</mo>)</munderover>')


def mathml(node: nodes.Node, *, block: bool) -> str:
    """Return a formula as MathML; one that cannot be read is a warning, which stops the build."""
    tex = node.astext()
    for pattern, words in IN_OTHER_WORDS:
        tex = re.sub(pattern, words, tex)
    try:
        formula = re.sub(r"\n\s*", "", tex2mathml(tex, as_block=block))
    except MathError as fault:
        logging.getLogger(__name__).warning("cannot make MathML of %r: %s", node.astext(), fault, location=node)
        return ""
    return ACCENT.sub(r'<msub><mover accent="true">\1\3</mover>\2</msub>', formula)


def visit_inline(self: object, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(f'<span class="math notranslate nohighlight">{mathml(node, block=False)}</span>')
    raise nodes.SkipNode


def visit_block(self: object, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, with its number where it has one."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(f"{mathml(node, block=True)}</div>\n")
    raise nodes.SkipNode


def drop_widget_state(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Remove the widget state from a page, before myst-nb writes it there."""
    if app.builder.format != "html" or pagename not in NbMetadataCollector.get_doc_data(app.env):
        return
    scripts = NbMetadataCollector.get_js_files(app.env, pagename)
    for name in [name for name in scripts if name.startswith("ipywidgets_")]:
        scripts.pop(name)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the two to Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("html-page-context", drop_widget_state, priority=100)  # myst-nb writes at 500
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
