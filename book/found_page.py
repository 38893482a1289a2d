"""Write the page that says what the book found: the argument, and of each chapter its verdicts in words and a figure.

``python book/found_page.py`` writes ``book/what_we_found.md`` from the published runs (``book/reference/chapters/``),
and the tables of chapters in ``book/index.md`` and ``README.md`` from them and the chapters' own first cells; a test
holds them equal. The build draws the figures.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import brief
import nbformat
import pandas as pd
from parameters import ROOT
from verdicts_page import by_chapter, title

from explaint_lib._common import atomic_path
from explaint_lib.results import Result, in_brief, scope_of

PAGE = ROOT / "book" / "what_we_found.md"
BEGIN, END = "<!-- chapters: written by book/found_page.py -->", "<!-- end of chapters -->"

INTRODUCTION = """\
# What we found

The whole argument in five minutes. Each chapter of this book performs one analysis that the field uses, until it
convinces; then it runs the control that the analysis usually goes without. Below, each chapter has its tempting claim,
its verdicts in words, and one figure with all of them.

In the figures, each line is a claim. The mark is the difference between what was observed and the control that
decides, with its interval, in units of the smallest difference that would matter. In the grey band a difference is too
small to matter. A claim is **supported** only where it stands to the right of zero for *every* control. [The
rule](how_to_read_a_verdict.md) was fixed before the results were seen. [All verdicts](reference_verdicts.md) is the
table behind the figures, and [the corrections](corrections.md) say where we were wrong before."""

PARTS = {
    "Attention as explanation": (
        ("01", "02", "03", "04", "05"),
        "Attention weights are read as relations between words. The reading needs three things: that a head does what "
        "its picture shows, that a position in a late layer still stands for its token, and that the weight says what "
        "flows. These are different questions, and they have different answers.",
    ),
    "Embeddings to feature norms": (
        ("06", "07", "08", "09", "10"),
        "A map from word vectors to human feature norms scores well. The score has several sources: features that most "
        "words share, the category of a word, the metric itself, and last the word. Only a control that keeps the "
        "first sources and removes the last tells how much of the score is about the word.",
    ),
    "What would count as evidence": (
        ("11", "12", "13"),
        "The same controls where attention can be read, where systems rely on it, and on three neighbouring methods.",
    ),
}


def page(folder: Path = brief.KEPT) -> str:
    """Return the text of the page."""
    kept, parts = by_chapter(folder), []
    every = pd.concat([brief.claims_of(one) for of_data in kept.values() for one in of_data.values()])
    for heading, (numbers, about) in PARTS.items():
        there = [number for number in numbers if number in kept]
        if there:
            parts += [f"## {heading}", about, *(_chapter(number, kept[number]) for number in there)]
    counts = every["word"].value_counts()
    said = ", ".join(f"{n} *{word}*" for word, n in counts.items())
    total = f"**The published runs judge {len(every)} claims, on all models and norms together: {said}.**"
    return "\n\n".join([INTRODUCTION, total, *parts]) + "\n"


def _chapter(number: str, of_data: dict[str, Result]) -> str:
    first = next(iter(of_data.values()))
    name, entries = first.experiment, in_brief(first.verdicts)
    parts = [
        f"### {title(name)}",
        f"*The tempting claim*: {tempting(name)} ([chapter {number}](../notebooks/{name}.ipynb))",
        brief.in_lines(entries),
        f"```{{figure}} found/{number}.svg\n:class: forest\n:alt: {brief.in_a_line(entries[:3])}\nChapter {number}: "
        f"every claim{_across(of_data)}. The sentences above are those of {scope_of(first.manifest)}.\n```",
    ]
    return "\n\n".join(parts)


def table(prefix: str, verdicts: bool) -> str:
    """Return the table of chapters: title, tempting claim and, with `verdicts`, what the published run found.

    Parameters
    ----------
    prefix : str
        The folder of the notebooks, as the page that holds the table names it.
    """
    kept = by_chapter()
    lines = ["| Chapter | The tempting claim |" + (" What was found |" if verdicts else "")]
    lines.append("| --- | --- |" + (" --- |" if verdicts else ""))
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        claim = tempting(file.stem)
        line = f"| [{title(file.stem)}]({prefix}{file.name}) | {claim[:1].upper()}{claim[1:]} |"
        if verdicts:
            found = kept.get(file.stem[:2])
            line += f" {counted(next(iter(found.values()))) if found else ''} |"
        lines.append(line)
    return "\n".join(lines)


def counted(found: Result) -> str:
    """Return how many claims of a chapter got which word."""
    counts = brief.claims_of(found)["word"].value_counts()
    return ", ".join(f"{n} {word}" for word, n in counts.items())


def three_lines() -> str:
    """Return what was found, one line for each part of the book that has published runs."""
    kept, lines = by_chapter(), []
    for heading, (numbers, _) in PARTS.items():
        found = [one for number in numbers for one in kept.get(number, {}).values()]
        if found:
            words = pd.concat([brief.claims_of(one) for one in found])["word"]
            part = f"**{heading}**, chapters {int(numbers[0])} to {int(numbers[-1])}"
            shares = ", ".join(f"{n} are *{word}*" for word, n in words.value_counts().items())
            lines.append(f"- {part}: of {len(words)} claims, on all models and norms, {shares}.")
    return "\n".join([*lines, "- Each of them in a sentence, with its control: [](what_we_found.md)."])


def renewed(page: str, begin: str, end: str, text: str) -> str:
    """Return a page with the part between two comments renewed; everything around it stays."""
    before, rest = page.split(begin)
    return f"{before}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}"


def pages() -> dict[Path, str]:
    """Return the text of each page that this program writes."""
    index, readme = ROOT / "book" / "index.md", ROOT / "README.md"
    return {
        PAGE: page(),
        index: renewed(
            renewed(index.read_text("utf8"), BEGIN, END, table("../notebooks/", verdicts=True)),
            "<!-- found: written by book/found_page.py -->",
            "<!-- end of found -->",
            three_lines(),
        ),
        readme: renewed(readme.read_text("utf8"), BEGIN, END, table("notebooks/", verdicts=False)),
    }


def _across(of_data: dict[str, Result]) -> str:
    """Return ", on" and what the panels of a figure are of; nothing where it has one panel without a name."""
    *names, last = brief.panels(of_data)
    return f", on {', '.join(names)} and {last}" if names else f", on {last}" if last else ""


def tempting(chapter: str) -> str:
    """Return the tempting claim of a chapter, from its first cell, without citations or roles."""
    first = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells[0].source
    found = re.search(r"\*\*The tempting claim\*\*: (.+?)(?=\*\*What would)", first, re.DOTALL)
    text = re.sub(r"\{term\}`([^`<]+?)(?: <[^`]*>)?`", r"\1", " ".join(found[1].split()) if found else "")
    return " ".join(sentence for sentence in re.split(r"(?<=[.!?]) ", text) if "{cite" not in sentence)


def figures(folder: Path, kept: Path = brief.KEPT) -> None:
    """Draw the figure of each chapter that has a published run into a folder."""
    for number, of_data in by_chapter(kept).items():
        brief.draw(brief.panels(of_data), folder / f"{number}.svg")


def main() -> int:
    """Write the pages; return the exit code."""
    for file, text in pages().items():
        with atomic_path(file) as beside:
            beside.write_text(text, encoding="utf-8")
        print(f"written: {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
