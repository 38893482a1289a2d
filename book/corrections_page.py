"""Write the page of corrections: what this book said, what was wrong with it, what holds now, with both numbers.

``python book/corrections_page.py`` writes ``book/corrections.md`` from the texts in ``book/reference/corrections.yml``,
the verdicts as they stood before (``book/reference/earlier/verdicts.json``) and those of the last full run
(``book/reference/chapters/``); a test holds the page equal to them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from parameters import ROOT
from verdicts_page import FOLDER as CHAPTERS
from verdicts_page import NORMS, load

from explaint_lib._common import atomic_path
from explaint_lib.results import deciding

FOLDER, PAGE = ROOT / "book" / "reference", ROOT / "book" / "corrections.md"
TEXTS, EARLIER = FOLDER / "corrections.yml", FOLDER / "earlier" / "verdicts.json"

INTRODUCTION = """\
# Corrections

A book about wrong conclusions has had its own. Each entry says what an earlier version of this book said, what was
wrong with it, and what holds now. A cell of a table is a verdict with the difference to the control that decides it.
The earlier intervals were meant for one comparison each and were over words alone; the present ones hold for all
comparisons of a chapter at once ([how to read a verdict](how_to_read_a_verdict.md))."""


def page(folder: Path = CHAPTERS) -> str:
    """Return the text of the page; the verdicts of now are those of a folder."""
    texts: list[dict[str, Any]] = yaml.safe_load(TEXTS.read_text("utf8"))
    earlier = json.loads(EARLIER.read_text("utf8"))
    now = load(folder)
    parts = [INTRODUCTION]
    for entry in texts:
        said = (f"**{name}** {entry[key].strip()}" for name, key in _PARTS.items())
        parts += [f"## {entry['title']}", *said]
        for chapter, claims in entry.get("verdicts", {}).items():
            parts += [part for before in claims for part in _claim(str(chapter), before, claims[before], earlier, now)]
    return "\n\n".join(parts) + "\n"


_PARTS = {"We said.": "said", "What was wrong.": "wrong", "What holds now.": "holds"}


def _claim(chapter: str, before: str, after: list[str] | None, earlier: Any, now: Any) -> list[str]:
    """Return then and now of a claim, on all norms: a table for each claim it became; None: it was withdrawn."""
    parts = []
    for claim in [None] if after is None else after:
        renamed = "" if claim in (None, before) else f", which was: {before}"
        parts.append(f"*Chapter {chapter}*: **{claim or before}**{renamed}")
        lines = ["| norms | now | earlier |", "| --- | --- | --- |"]
        asked = {norms: name for norms, name in NORMS.items() if f"{chapter}_{norms}" in earlier}
        for norms, name in asked.items():
            was = next((row for row in earlier[f"{chapter}_{norms}"] if row["claim"] == before), None)
            holds = "**withdrawn**" if claim is None else _now(now[chapter, norms].verdicts, claim)
            lines.append(f"| {name.replace(' ', '<br>')} | {holds} | {_cell(was)} |")  # narrow: a phone shows "now"
        parts.append("\n".join(lines))
    return parts


def _now(verdicts: pd.DataFrame, claim: str) -> str:
    """Return the verdict on a claim as it is now."""
    if "margin" not in verdicts:  # kept from before the present rule
        return "to be run again"
    rows = verdicts[verdicts["claim"] == claim]
    if rows.empty:
        raise KeyError(f"no claim {claim!r} in the results; they have {', '.join(verdicts['claim'].unique())}")
    row = deciding(rows)
    return _cell(row and row | {"verdict": row["word"]})


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
