"""Collect the verdicts of the chapters on feature norms, on every set of norms, and write the page that compares them.

After ``make book PROFILE=full`` with the human norms installed, ``python book/verdicts_page.py`` reads from each
executed chapter 06 to 10 the result that it left there, verdicts with what they were made from, and keeps it in
``book/reference/chapters/``. From these files it writes ``book/reference_verdicts.md``; a test holds the two equal.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
from keys import stored_key
from parameters import ROOT, BookError

from explaint_lib._common import ExplaintError, atomic_path
from explaint_lib.results import Result, in_notebook

FOLDER, PAGE = ROOT / "book" / "reference" / "chapters", ROOT / "book" / "reference_verdicts.md"
NORMS = {
    "bundled": "bundled",
    "lancaster_nouns": "Lancaster (ratings)",
    "mcrae": "McRae",
    "buchanan": "Buchanan",
    "binder": "Binder (ratings)",
}
CHAPTERS = ("06", "07", "08", "09", "10")

INTRODUCTION = """\
# Verdicts on all norms

Does a conclusion hold on other norms? Each line below is a claim that a chapter tests, each column a set of norms:
the bundled teaching set and the nouns of the [Lancaster norms](data_card_lancaster.md), which everybody can run,
and three human sets that only those can run who have them. A cell holds the verdict and, of all controls of the
claim, the difference to the one that comes nearest, with its interval, which holds for all comparisons of the
chapter at once. The rule is that of [](how_to_read_a_verdict.md). Differences are in the units of the claim's own
score: compare verdicts along a line, not sizes.

These are runs of the full profile (`make book PROFILE=full`), kept as aggregates in `book/reference/chapters/` with
what they were run with. What you see in the chapters themselves may be a smaller run of your own."""


NOT_YET = "(There are no runs yet on: {}. Their columns appear when there are.)"

EARLIER_RULE = """\
```{warning}
These runs were made under an earlier rule, whose words were others, and with one assignment of words to folds; they
will be made again. Where [the corrections](corrections.md) say otherwise, the corrections are right.
```"""


def collect(executed: Path, folder: Path = FOLDER) -> list[Path]:
    """Keep the result of every executed chapter on norms in a folder of them; return the files written.

    Raises
    ------
    ExplaintError
        If there is no such chapter, or one that `make book` did not run or that left no result; nothing is written.
    """
    kept = {}
    for file in sorted(file for number in CHAPTERS for file in executed.glob(f"{number}_*.ipynb")):
        if (key := stored_key(file)) is None:
            raise BookError(f"{file} is not as make book left it; name the folder _build/chapters/full")
        results = in_notebook(file)
        if len(results) != 1:
            raise BookError(
                f"{file} holds {len(results)} results; a chapter shows one (CONTRIBUTING.md, Add a chapter)"
            )
        (found,) = results
        norms = found.manifest["data"]["name"]
        if norms in NORMS:  # else somebody's own
            found.manifest["run_key"] = key
            kept[folder / f"{found.experiment[:2]}_{norms}.json"] = found
    if not kept:
        raise BookError(f"{executed} holds no executed chapter 06 to 10; run make book PROFILE=full first")
    folder.mkdir(parents=True, exist_ok=True)
    for target, found in kept.items():
        found.to_json(target)
    return list(kept)


def load(folder: Path = FOLDER) -> dict[tuple[str, str], Result]:
    """Return what is kept, by chapter number and norms."""
    return {(file.stem[:2], file.stem[3:]): Result.from_json(file) for file in sorted(folder.glob("*.json"))}


def page(folder: Path = FOLDER) -> str:
    """Return the text of the page."""
    kept, parts, compared, differ = load(folder), [], 0, []
    for number in sorted({number for number, _ in kept}):
        of_norms = {norms: kept[number, norms] for norms in NORMS if (number, norms) in kept}
        chapter = next(iter(of_norms.values())).experiment
        lines = ["| claim | " + " | ".join(NORMS[norms] for norms in of_norms) + " |"]
        lines.append("| --- " * (len(of_norms) + 1) + "|")
        verdicts = pd.concat({norms: found.verdicts for norms, found in of_norms.items()}, names=["norms", None])
        for claim, found in verdicts.groupby("claim", sort=False):
            asked = {str(norms): rows for norms, rows in found.groupby("norms", sort=False)}
            lines.append(f"| {claim} | " + " | ".join(_cell(asked.get(norms)) for norms in of_norms) + " |")
            compared += 1
            tested = found[found["difference"].notna()]
            differ += [str(claim)] if tested["word"].nunique() > 1 else []
        table = "\n".join(lines)
        parts.append(f"## {_title(chapter)}\n\n[Chapter {number}](../notebooks/{chapter}.ipynb)\n\n{table}")
    agree = compared - len(differ)
    summary = f"**Of {compared} claims, {agree} have the same verdict on all the norms on which they were tested.**"
    summary += f" They differ on: {'; '.join(differ)}." if differ else ""
    old = [] if all("margin" in found.verdicts for found in kept.values()) else [EARLIER_RULE]
    missing = [called for norms, called in NORMS.items() if norms not in {norms for _, norms in kept}]
    old += [NOT_YET.format(", ".join(missing))] if missing else []
    return "\n\n".join([INTRODUCTION, *old, summary, *parts]) + "\n"


def _title(chapter: str) -> str:
    """Return the title of a chapter, from its first cell."""
    first = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells[0].source
    return first.splitlines()[0].removeprefix("# ")


def _cell(rows: pd.DataFrame | None) -> str:
    """Return the verdict on a claim, and the smallest difference to a control; a claim may be missing, or untested."""
    if rows is None:
        return ""
    if rows["difference"].isna().all():
        return "not tested"
    nearest = rows.iloc[int(np.nanargmin(rows["difference"]))]
    shown = f"{nearest.difference:+.3f}<br>[{nearest.ci_low:+.3f}, {nearest.ci_high:+.3f}]"
    return f"**{nearest.word}**<br>{shown}<br>against *{nearest.control}*"


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
