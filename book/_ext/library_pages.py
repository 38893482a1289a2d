"""Local Sphinx extension for the library's pages: type lines as they are written, and nothing that is not ours."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

TYPE_LINE = re.compile(r"^(\w[\w, *]* : )(.+)$")


def plain_types(app: Sphinx, what: str, name: str, member: object, options: object, lines: list[str]) -> None:
    """Keep reStructuredText from reading a type line: ``(pred, *, kind)`` is no emphasis, ``n_components_`` no link."""
    for place, line in enumerate(lines):
        if found := TYPE_LINE.match(line):
            lines[place] = found[1] + re.sub(r"(\*|(?<=\w)_(?!\w))", r"\\\1", found[2])


def skip_member(app: Sphinx, what: str, name: str, member: object, skip: bool, options: object) -> bool | None:
    """Skip what scikit-learn adds to every estimator, and the fields of named tuples ("Alias for field number 0")."""
    foreign = (getattr(member, "__module__", None) or "").startswith("sklearn")
    return True if foreign or type(member).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the two to autodoc."""
    app.connect("autodoc-process-docstring", plain_types, priority=400)  # before napoleon (500)
    app.connect("autodoc-skip-member", skip_member)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
