"""What every experiment returns: one `Result`, with what it was made from, and how it is kept.

A result holds its manifest and three tidy tables: rows (one a measured number), tests (one a comparison with a control)
and verdicts (one a claim and control). It goes to JSON and to Parquet and comes back the same; shown in a notebook, it
leaves its numbers there as data, so that a page that needs them reads numbers and no text.
"""

from __future__ import annotations

from explaint_lib.results._manifest import manifest
from explaint_lib.results._result import COLUMNS, MIME, Result, in_notebook, pick, typed
from explaint_lib.results._words import deciding, in_brief, may_write, scope_of

__all__ = [
    "COLUMNS",
    "MIME",
    "Result",
    "deciding",
    "in_brief",
    "in_notebook",
    "manifest",
    "may_write",
    "pick",
    "scope_of",
    "typed",
]
