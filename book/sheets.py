"""Write a worksheet for each chapter: two A4 pages to print, from the chapter's own words and its published claims.

``make sheets`` writes ``_build/course/sheets/NAME.html``; a browser prints it, or makes a PDF of it. The first page is
filled in before the control is seen, the second one after it. No answer stands on a sheet: the teacher's are the pages
of verdicts (``book/reference_verdicts.md``), the key (``make student``), and ``book/teach_answers.md``.
"""

from __future__ import annotations

import argparse
import re
import sys
from html import escape
from pathlib import Path

import brief
import nbformat
from found_page import tempting
from markdown_it import MarkdownIt
from parameters import ROOT, find_chapter
from student import HEAD, TARGET, Exercise, plain, read
from verdicts_page import by_chapter, title

from explaint_lib._common import ExplaintError, atomic_path

MOST = 9  # claims that fit on a page
STYLE = """
@page { size: A4; margin: 16mm 18mm; }
body { font: 10.5pt/1.4 Georgia, serif; margin: 0 auto; max-width: 174mm; color: #000; background: #fff; }
h1 { font-size: 15pt; margin: 0 0 2mm; } h2 { font-size: 11.5pt; margin: 5mm 0 1mm; }
p { margin: 0 0 2mm; } .name { text-align: right; font-size: 9pt; margin-bottom: 4mm; }
.line { border-bottom: 0.3mm solid #999; height: 8mm; } .page { break-after: page; }
.axis { border-bottom: 0.4mm solid #000; height: 18mm; margin: 0 6mm; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-size: 9pt; }
td, th { border: 0.2mm solid #999; padding: 1.2mm 2mm; } td.blank { width: 34mm; }
"""
MARKDOWN = MarkdownIt("commonmark", {"html": False})
ASKS = re.compile(r"convinced\?|write down|before you read on", re.IGNORECASE)


def sheet(path: Path) -> str:
    """Return the worksheet of a chapter as a page of HTML."""
    parts, number = read(path), path.stem[:2]
    exercises = [part for part in parts if isinstance(part, Exercise)]
    kept = by_chapter().get(number, {})
    claims = list(dict.fromkeys(next(iter(brief.panels(kept).values()))["claim"])) if kept else []
    shown = claims[:MOST]
    more = f"<p>({len(claims) - MOST} more claims stand in the chapter.)</p>" if len(claims) > MOST else ""
    rows = "".join(
        f"<tr><td>{escape(str(claim))}</td><td class=blank></td><td class=blank></td></tr>" for claim in shown
    )
    asked = "".join(f"<li><b>{one.number}</b> {_words(one.title)} ({_head(one)})</li>" for one in exercises)
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Worksheet {number}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body><main><div class="page">
<p class="name">Name ______________________________</p>
<h1>{_words(title(path.stem))}</h1>
<p><b>The tempting claim</b>: {_words(tempting(path.stem))}</p>
<h2>1. What would refute it? Write this before you read the chapter.</h2>{_lines(4)}
<h2>2. Before the control</h2>{_words(_question(path), inline=False)}{_lines(6)}
<h2>3. A case where we know the answer: what is known there, and what do you expect?</h2>{_lines(4)}
<h2>4. Mark where you expect chance, the control, and what was observed</h2><div class="axis"></div>
</div><div>
<h2>5. Your verdict, before and after: supported, no better, equivalent, worse, or cannot tell</h2>
<table><thead><tr><th>claim</th><th>before</th><th>after, and against which control</th></tr></thead>
<tbody>{rows}</tbody></table>{more}
<h2>6. Exercises of this chapter</h2><ul>{asked}</ul>
<h2>7. Break it</h2>{_words(_broken(path), inline=False)}{_lines(3)}
<h2>8. The one sentence that may be written, with its control</h2>{_lines(3)}
</div></main></body></html>
"""


def _lines(n: int) -> str:
    return '<div class="line"></div>' * n


def _words(text: str, *, inline: bool = True) -> str:
    """Return markdown as HTML, without citations, which a sheet has no list for."""
    said = re.sub(r"\s*\{cite:\w\}`[^`]*`", "", plain(text))
    said = re.sub(r"\[([^\]]+)\]\(#[^)]*\)", r"\1", said)
    return MARKDOWN.renderInline(said) if inline else MARKDOWN.render(said)


def _head(one: Exercise) -> str:
    found = HEAD.search(one.text)
    return f"{found[1].lower()}, {found[2]} minutes, {found[3]}" if found else ""


def _text(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


def _question(path: Path) -> str:
    """Return what a chapter asks before its control; where it does not ask, what every chapter could."""
    before = "\n\n".join(_text(path)).partition("## Exercises")[0].partition("\n## The tempting analysis")[2]
    for paragraph in before.split("\n\n"):
        sentences = re.split(r"(?<=[.?!*]) (?=[A-Z*])", " ".join(paragraph.split()))
        asks = [place for place, sentence in enumerate(sentences) if ASKS.search(sentence)]
        if asks:
            first = asks[0] - (asks[0] > 0 and "?" not in sentences[asks[0]])  # "Which one? Write down ..."
            return " ".join(sentences[first:])
    return "Are you convinced? Write down what else, other than the claim, could have led to this result."


def _broken(path: Path) -> str:
    found = re.search(r"### Break it\n\n(.+?)\n\n### ", "\n\n".join(_text(path)), re.DOTALL)
    return found[1] if found else ""


def main(argv: list[str] | None = None) -> int:
    """Write the sheets as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="book/sheets.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="CHAPTER", help="this chapter alone, named by any beginning of its name")
    parser.add_argument("--target", type=Path, default=TARGET / "sheets", help="default: _build/course/sheets")
    given = parser.parse_args(argv)
    chapters = sorted((ROOT / "notebooks").glob("*.ipynb"))
    try:
        chapters = [find_chapter(given.only, chapters)] if given.only else chapters
        given.target.mkdir(parents=True, exist_ok=True)
        for path in chapters:
            with atomic_path(given.target / f"{path.stem}.html") as beside:
                beside.write_text(sheet(path), "utf8")
    except ExplaintError as fault:
        print(f"sheets: {fault}", file=sys.stderr)
        return 2
    print(f"{len(chapters)} worksheets in {given.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
