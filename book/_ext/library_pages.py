"""Local Sphinx extension: leave out of the library's pages what is not ours or says nothing."""

from __future__ import annotations

from sphinx.application import Sphinx


def skip_member(app: Sphinx, what: str, name: str, member: object, skip: bool, options: object) -> bool | None:
    """Skip what scikit-learn adds to every estimator, and the fields of named tuples ("Alias for field number 0")."""
    foreign = (getattr(member, "__module__", None) or "").startswith("sklearn")
    return True if foreign or type(member).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> dict[str, object]:
    """Connect it to autodoc."""
    app.connect("autodoc-skip-member", skip_member)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
