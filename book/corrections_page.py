"""Write the page of corrections: what this book said, what was wrong with it, what holds now, with both numbers.

``python book/corrections_page.py`` writes ``book/corrections.md`` from the texts in ``book/reference/corrections.yml``,
the verdicts as they stood before (``book/reference/earlier/verdicts.json``) and those of the last full run
(``book/reference/chapters/``); a test holds the page equal to them.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pandas as pd
import yaml
from parameters import ROOT
from verdicts_page import NORMS, load

from explaint_lib._common import atomic_path

FOLDER, PAGE = ROOT / "book" / "reference", ROOT / "book" / "corrections.md"
TEXTS, EARLIER = FOLDER / "corrections.yml", FOLDER / "earlier" / "verdicts.json"

INTRODUCTION = """\
# Corrections

A book about wrong conclusions has had its own. Each entry says what an earlier version of this book said, what was
wrong with it, and what holds now. A cell of a table is a verdict with the difference to the nearest control; the
earlier intervals were meant for one comparison each and were over words alone, the present ones hold for all
comparisons of a chapter at once ([how to read a verdict](how_to_read_a_verdict.md))."""


def page() -> str:
    """Return the text of the page."""
    texts: list[dict[str, Any]] = yaml.safe_load(TEXTS.read_text("utf8"))
    earlier = json.loads(EARLIER.read_text("utf8"))
    now = load()
    parts = [INTRODUCTION]
    for entry in texts:
        said = (f"**{name}** {entry[key].strip()}" for name, key in _PARTS.items())
        parts += [f"## {entry['title']}", *said]
        for chapter, claims in entry.get("verdicts", {}).items():
            parts.append(_table(str(chapter), claims, earlier, now))
    return "\n\n".join(parts) + "\n"


_PARTS = {"We said.": "said", "What was wrong.": "wrong", "What holds now.": "holds"}


def _table(chapter: str, claims: dict[str, str | None], earlier: Any, now: Any) -> str:
    """Return then and now of some claims of a chapter, on all norms; None: the claim was withdrawn."""
    lines = ["| claim | norms | earlier | now |", "| --- | --- | --- | --- |"]
    for before, after in claims.items():
        asked = {norms: name for norms, name in NORMS.items() if f"{chapter}_{norms}" in earlier}
        for norms, name in asked.items():
            was = next((row for row in earlier[f"{chapter}_{norms}"] if row["claim"] == before), None)
            cells = _cell(was), "withdrawn" if after is None else _now(now[chapter, norms].verdicts, after)
            named = before if after in (before, None) else f"{before}<br>(now: {after})"
            lines.append(f"| {named if norms == next(iter(asked)) else ''} | {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def _now(verdicts: pd.DataFrame, claim: str) -> str:
    """Return the verdict on a claim as it is now."""
    if "margin" not in verdicts:  # kept from before the present rule
        return "to be run again"
    rows = verdicts[verdicts["claim"] == claim]
    if rows.empty:
        raise KeyError(f"no claim {claim!r} in the results; they have {', '.join(verdicts['claim'].unique())}")
    if rows["difference"].isna().all():
        return "not tested"
    nearest = {str(name): value for name, value in rows.sort_values("difference").iloc[0].items()}
    return _cell(nearest | {"verdict": nearest["word"]})


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or pd.isna(row["difference"]):
        return "not tested"
    ends = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"
    return f"**{row['verdict']}**<br>{row['difference']:+.3f}{ends}<br>against *{row['control']}*"


def main() -> int:
    """Write the page; return the exit code."""
    with atomic_path(PAGE) as beside:
        beside.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
