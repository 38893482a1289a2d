"""Collect the verdicts of the chapters on feature norms, on every set of norms, and write the page that compares them.

After ``make book PROFILE=full`` with the human norms installed, ``python book/verdicts_page.py`` reads the executed
chapters 06 to 10 and keeps of each the table that ends it, differences and verdicts, with what it was run with: one
file in ``book/reference/chapters/``. From these files it writes ``book/reference_verdicts.md``; a test holds the two
equal.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
from parameters import ROOT, BookError, known_parameters

from explaint_lib._common import ExplaintError, atomic_path, write_json
from explaint_lib.norms import load_norms
from explaint_lib.results import manifest

FOLDER, PAGE = ROOT / "book" / "reference" / "chapters", ROOT / "book" / "reference_verdicts.md"
NORMS = {"bundled": "bundled", "mcrae": "McRae", "buchanan": "Buchanan", "binder": "Binder (ratings)"}
COLUMNS = ("control", "observed - control", "p (Holm)", "verdict")
RUN = re.compile(r"(?P<chapter>(?P<number>0[6-9]|10)_[a-z_]+?)(_on_(?P<norms>[a-z]+))?\.ipynb")

INTRODUCTION = """\
# Verdicts on all norms

Does a conclusion hold on other norms? Each line below is a claim that a chapter tests, each column a set of norms: the
bundled teaching set that everybody can run, and three human ones that only those can run who have them. A cell holds
the verdict and, of all controls of the claim, the difference to the one that comes nearest, with its 95 % interval. The
rule is that of [](how_to_read_a_verdict.md). Differences are in the units of the claim's own score: compare verdicts
along a line, not sizes.

These are runs of the full profile (`make book PROFILE=full`), kept as aggregates in `book/reference/chapters/` with
what they were run with. What you see in the chapters themselves may be a smaller run of your own."""

Kept = dict[str, Any]


def collect(executed: Path) -> list[Path]:
    """Keep the verdicts of every executed chapter in a folder that has a table of them; return the files written.

    Raises
    ------
    ExplaintError
        If the folder holds no such chapter or one that was not run, or the norms of a chapter are not installed.
    """
    written = []
    for file in sorted(executed.glob("*.ipynb")):
        if (name := RUN.fullmatch(file.name)) is None:
            continue
        notebook = nbformat.read(file, as_version=4)
        if "explaint_key" not in notebook.metadata:
            raise BookError(f"{file} was not run by make book; name the folder _build/chapters/full")
        norms = name["norms"] or "bundled"
        source = ROOT / "notebooks" / f"{name['chapter']}.ipynb"
        parameters = {key: ast.literal_eval(value.default) for key, value in known_parameters(source).items()}
        parameters |= notebook.metadata.papermill["parameters"]
        facts = load_norms(norms).describe()
        data = {key: facts[key] for key in ("name", "n_words", "n_features", "fingerprint")}
        about = manifest(
            data=data, model={"name": parameters["model_name"]}, arguments=parameters, seed=parameters["seed"]
        )
        about |= {"chapter": name["chapter"], "run_key": notebook.metadata["explaint_key"]}
        target = FOLDER / f"{name['number']}_{norms}.json"
        FOLDER.mkdir(parents=True, exist_ok=True)
        write_json(target, {"manifest": about, "rows": verdict_rows(notebook)})
        written.append(target)
    if not written:
        raise BookError(f"{executed} holds no executed chapter 06 to 10; run make book PROFILE=full first")
    return written


def verdict_rows(notebook: nbformat.NotebookNode) -> list[dict[str, str]]:
    """Return the rows of the verdict table of an executed chapter: claim, and the texts of `COLUMNS`."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            if "<th>observed - control</th>" not in html:
                continue
            table = ElementTree.fromstring(html[html.index("<table") : html.index("</table>") + len("</table>")])
            rows, claim = [], ""
            for line in table.find("tbody"):
                first, *cells = ["".join(cell.itertext()).strip() for cell in line]
                claim = first or claim
                rows.append({"claim": claim, **dict(zip(COLUMNS, cells, strict=True))})
            return rows
    raise BookError("a chapter has no table of verdicts with a column 'observed - control'")


def load(folder: Path = FOLDER) -> dict[tuple[str, str], Kept]:
    """Return what is kept, by chapter number and norms."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        number, norms = file.stem.split("_")
        found[number, norms] = json.loads(file.read_text("utf8"))
    return found


def page(folder: Path = FOLDER) -> str:
    """Return the text of the page."""
    kept, parts, compared, differ = load(folder), [], 0, []
    for number in sorted({number for number, _ in kept}):
        of_norms = {norms: kept[number, norms] for norms in NORMS if (number, norms) in kept}
        chapter = next(iter(of_norms.values()))["manifest"]["chapter"]
        claims: dict[str, dict[str, list[dict[str, str]]]] = {}
        for norms, result in of_norms.items():
            for claim, rows in _by_claim(result["rows"]).items():
                claims.setdefault(_one_name(claim), {})[norms] = rows
        lines = ["| claim | " + " | ".join(NORMS[norms] for norms in of_norms) + " |"]
        lines.append("| --- " * (len(of_norms) + 1) + "|")
        for claim, found in claims.items():
            cells = [_cell(found[norms]) if norms in found else "" for norms in of_norms]
            lines.append(f"| {claim} | " + " | ".join(cells) + " |")
            compared += 1
            differ += [claim] if len({_verdict(rows) for rows in found.values() if _tested(rows)}) > 1 else []
        table = "\n".join(lines)
        parts.append(f"## {_title(chapter)}\n\n[Chapter {number}](../notebooks/{chapter}.ipynb)\n\n{table}")
    agree = compared - len(differ)
    summary = f"**Of {compared} claims, {agree} have the same verdict on all the norms on which they were tested.**"
    summary += f" They differ on: {'; '.join(differ)}." if differ else ""
    return "\n\n".join([INTRODUCTION, summary, *parts]) + "\n"


def _title(chapter: str) -> str:
    """Return the title of a chapter, from its first cell."""
    first = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells[0].source
    return first.splitlines()[0].removeprefix("# ")


def _by_claim(rows: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    claims: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        claims.setdefault(row["claim"], []).append(row)
    return claims


def _one_name(claim: str) -> str:
    """Return a claim with the score's name, which depends on the kind of norms, put in general terms."""
    named = re.sub(r"F1@10|Spearman per word|Spearman", "the main score", claim).replace("|", "/")
    return named[0].upper() + named[1:]


def _verdict(rows: list[dict[str, str]]) -> str:
    """Return the verdict on a claim, without the controls it names."""
    return rows[0]["verdict"].partition(" by ")[0]


def _tested(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows that compare with a control; there is none where norms have no categories, for instance."""
    return [row for row in rows if row["observed - control"] != "-"]


def _cell(rows: list[dict[str, str]]) -> str:
    """Return a verdict, and the smallest difference to a control."""
    if not _tested(rows):
        return "not tested"
    nearest = min(_tested(rows), key=lambda row: float(row["observed - control"].split()[0]))
    shown = nearest["observed - control"].replace(" [", "<br>[")
    return f"**{_verdict(rows)}**<br>{shown}<br>against *{nearest['control']}*"


def main(argv: list[str] | None = None) -> int:
    """Collect, then write the page; return the exit code."""
    parser = argparse.ArgumentParser(prog="book/verdicts_page.py", description=__doc__.splitlines()[0])
    parser.add_argument("executed", nargs="?", type=Path, help="folder of executed chapters, _build/chapters/full "
                        "after make book PROFILE=full; without it the page is written from what is kept")  # fmt: skip
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
