"""Collect the verdicts of the chapters, on every set of norms, and write the page that compares them.

After ``make book PROFILE=full`` with the human norms installed, ``python book/verdicts_page.py _build/chapters/full``
reads the verdicts that each executed chapter left, with what they were made from, and keeps them in
``book/reference/chapters/``. From these files it writes ``book/reference_verdicts.md``; a test holds the two equal.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import brief
import nbformat
import numpy as np
import pandas as pd
from keys import stored_key
from parameters import ROOT, BookError

from explaint_lib._common import ExplaintError, atomic_path
from explaint_lib.results import Result, deciding, in_notebook

NORMS = brief.NORMS
FOLDER, PAGE = brief.KEPT, ROOT / "book" / "reference_verdicts.md"
CHAPTERS = ("06", "07", "08", "09", "10")  # on norms: run on every set

INTRODUCTION = """\
# All verdicts

Every claim of every chapter with its verdict: the table behind the figures of [](what_we_found.md). Each line is a
claim, each column a model or a set of norms: the bundled teaching set and the nouns of the [Lancaster
norms](data_card_lancaster.md), which everybody can run, and three human sets that only those can run who have them. A
cell holds the verdict and, of the controls of the claim, the difference to the one that decides, with its interval,
which holds for all comparisons of the chapter at once. The rule is that of [](how_to_read_a_verdict.md). Differences
are in the units of the score of the claim: compare verdicts along a line, not sizes.

These are runs of the full profile (`make book PROFILE=full`), kept as aggregates in `book/reference/chapters/` with
what they were run with. What you see in the chapters themselves may be a smaller run of your own."""


NOT_YET = "(There are no runs yet on: {}. Their columns appear when there are.)"


def collect(executed: Path, folder: Path = FOLDER) -> list[Path]:
    """Keep the verdicts of every executed chapter in a folder of them; return the files written.

    Raises
    ------
    ExplaintError
        If there is no such chapter, or one that `make book` did not run or that left no result; nothing is written.
    """
    kept = {}
    for file in sorted(executed.glob("[0-9][0-9]_*.ipynb")):
        if (key := stored_key(file)) is None:
            raise BookError(f"{file} is not as make book left it; name the folder _build/chapters/full")
        results = in_notebook(file)
        if len(results) != 1:
            raise BookError(
                f"{file} holds {len(results)} results; a chapter shows one (CONTRIBUTING.md, Add a chapter)"
            )
        (found,) = results
        own = file.stem == found.experiment  # a variant is kept only where its norms are a set of the book's
        name = brief.kept_name(found)
        if own or name != found.experiment[:2]:
            about = found.manifest | {"run_key": key}
            kept[folder / f"{name}.json"] = Result(found.experiment, about, verdicts=found.verdicts)
    if not kept:
        raise BookError(f"{executed} holds no executed chapter; run make book PROFILE=full first")
    folder.mkdir(parents=True, exist_ok=True)
    for target, found in kept.items():
        found.to_json(target)
    return list(kept)


def load(folder: Path = FOLDER) -> dict[tuple[str, str], Result]:
    """Return what is kept, by chapter number and norms; "" for a chapter that has none."""
    return {(file.stem[:2], file.stem[3:]): Result.from_json(file) for file in sorted(folder.glob("*.json"))}


def by_chapter(folder: Path = FOLDER) -> dict[str, dict[str, Result]]:
    """Return what is kept of each chapter, its norms in the order of the columns."""
    kept, order = load(folder), ["", *NORMS]
    found: dict[str, dict[str, Result]] = {}
    for number, norms in sorted(kept, key=lambda key: (key[0], order.index(key[1]))):
        found.setdefault(number, {})[NORMS.get(norms, "")] = kept[number, norms]
    return found


def page(folder: Path = FOLDER) -> str:
    """Return the text of the page."""
    parts, compared, differ = [], 0, []
    for number, of_norms in by_chapter(folder).items():
        panels, chapter = brief.panels(of_norms), next(iter(of_norms.values())).experiment
        lines = ["| claim | " + " | ".join(panels) + " |", "| --- " * (len(panels) + 1) + "|"]
        for claim in dict.fromkeys(claim for rows in panels.values() for claim in rows["claim"]):
            asked = [rows[rows["claim"] == claim] for rows in panels.values()]
            lines.append(f"| {claim} | " + " | ".join(map(_cell, asked)) + " |")
            if number in CHAPTERS:
                compared += 1
                words = {str(rows["word"].iloc[0]) for rows in asked if rows["difference"].notna().any()}
                differ += [str(claim)] if len(words) > 1 else []
        table = "\n".join(lines)
        parts.append(f"## {title(chapter)}\n\n[Chapter {number}](../notebooks/{chapter}.ipynb)\n\n{table}")
    kept = load(folder)
    numbers = [number for number in CHAPTERS if any(number == kept_number for kept_number, _ in kept)]
    said = []
    for norms, name in NORMS.items():
        lack = [number for number in numbers if (number, norms) not in kept]
        if lack:
            said.append(name if lack == numbers else f"{name} for chapter {' and '.join(lack)}")
    notes = [NOT_YET.format(", ".join(said))] if said else []
    agree = compared - len(differ)
    summary = (
        f"**Of {compared} claims of the chapters on norms, {agree} have the same verdict on all the norms on which "
        "they were tested.**"
    )
    summary += f" They differ on: {'; '.join(differ)}." if differ else ""
    return "\n\n".join([INTRODUCTION, *notes, summary, *parts]) + "\n"


def title(chapter: str) -> str:
    """Return the title of a chapter, from its first cell."""
    first = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells[0].source
    return first.splitlines()[0].removeprefix("# ")


def _cell(rows: pd.DataFrame) -> str:
    """Return the verdict on a claim, and the difference that decides it; a claim may be missing, or untested."""
    if rows.empty:
        return ""
    row = deciding(rows)
    if row is None:
        return "not tested"
    shown = f"**{row['word']}**<br>{row['difference']:+.3f}"
    shown += "" if np.isnan(row["ci_low"]) else f"<br>[{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"
    return f"{shown}<br>against *{row['control']}*"


def main(argv: list[str] | None = None) -> int:
    """Collect, then write the page; return the exit code."""
    parser = argparse.ArgumentParser(prog="book/verdicts_page.py", description=__doc__.splitlines()[0])
    parser.add_argument(
        "executed",
        nargs="?",
        type=Path,
        help="folder of executed chapters, _build/chapters/full "
        "after make book PROFILE=full; without it the page is written from what is kept",
    )
    given = parser.parse_args(argv)
    if given.executed is not None:
        try:
            collect(given.executed)
        except ExplaintError as fault:
            parser.error(str(fault))
    with atomic_path(PAGE) as beside:
        beside.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
