"""Lay out the staging tree, render it with Jupyter Book, and refuse pages that would reach for another machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import yaml
from chapters import ANSI, ROOT, BookError, Run

PROSE = ("book/*.md", "book/api/*.md", "book/assets/*", "book/_ext/*.py", "book/references.bib")

# Jupyter Book's own is a bare redirection: no title, no language, no link for who is not redirected
FRONT_DOOR = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Explain't</title><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="0; url=book/index.html"><link rel="icon" href="_static/favicon.svg"></head>
<body><main><p><a href="book/index.html">Explain't</a></p></main></body>
</html>
"""


def stage(staging: Path, executed: Path, runs: list[Run], root: Path = ROOT) -> None:
    """Lay out in `staging` what Jupyter Book reads: prose, configuration, table of contents, executed chapters.

    The tree is the repository's own, so that a link between two files works in both. A run without a result (never
    run, with ``--only``) is staged as it is in the repository, without outputs.
    """
    shutil.rmtree(staging, ignore_errors=True)
    for pattern in PROSE:
        for source in sorted(root.glob(pattern)):
            if source.is_file():
                _copy(source, staging / source.relative_to(root))
    _copy(root / "_config.yml", staging / "_config.yml")
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    for run in runs:
        result = executed / f"{run.name}.ipynb"
        notebook = nbformat.read(result if result.is_file() else run.source, as_version=4)
        if run.name != run.source.stem:
            notebook = as_variant(notebook, run.source.stem, run.parameters)
            add_to_toc(toc, f"notebooks/{run.source.stem}", f"notebooks/{run.name}")
        target = staging / "notebooks" / f"{run.name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
    (staging / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), "utf8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def add_to_toc(toc: dict, parent: str, page: str) -> None:
    """Put `page` below `parent` in a Jupyter Book table of contents (changed in place)."""
    for part in toc["parts"]:
        for entry in part["chapters"]:
            if entry.get("file") == parent:
                entry.setdefault("sections", []).append({"file": page})
                return
    raise BookError(f"_toc.yml does not list {parent}; every notebook in notebooks/ must be in it")


def as_variant(notebook: nbformat.NotebookNode, chapter: str, parameters: dict[str, object]) -> nbformat.NotebookNode:
    """Return an executed chapter as a further page of the book, titled by its parameters, without exercises or labels.

    Labels and exercises belong to the main page; a second copy of a label is an error in Sphinx.
    """
    shown = ", ".join(f"`{name}: {value}`" for name, value in parameters.items())
    names = [value for value in parameters.values() if isinstance(value, str)]  # numbers are in `shown`
    notice = (
        f"\n\n```{{note}}\nThis page is [the chapter]({chapter}.ipynb) run again with {shown}. The argument and the "
        "exercises are there; only the data differ here.\n```"
    )
    title = re.compile(r"^# (.+)$", re.MULTILINE)
    cells, in_exercises = [], False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source, in_exercises = _without_exercises(cell.source, in_exercises)
            if not cell.source.strip():
                continue
            cell.source = re.sub(r"^\([\w-]+\)=\n", "", cell.source, flags=re.MULTILINE)
            cell.source = re.sub(r"^(\s*\$\$)[ \t]*\([\w-]+\)[ \t]*$", r"\1", cell.source, flags=re.MULTILINE)
            if title.search(cell.source):
                named = rf"# \1 ({', '.join(names or map(str, parameters.values()))})"
                cell.source = title.sub(lambda found, named=named: found.expand(named) + notice, cell.source, count=1)
        elif in_exercises:
            continue
        else:
            cell.metadata.get("mystnb", {}).get("figure", {}).pop("name", None)
        cells.append(cell)
    notebook.cells = cells
    return notebook


def _without_exercises(source: str, inside: bool) -> tuple[str, bool]:
    """Return markdown without what belongs to the section Exercises, and whether the next cell is in that section."""
    kept = []
    for part in re.split(r"^(?=## )", source, flags=re.MULTILINE):
        if part.startswith("## "):
            inside = part[3:].splitlines()[0].strip() == "Exercises"
        kept += [] if inside else [part]
    return "".join(kept), inside


def render(staging: Path, output: Path) -> Path:
    """Render `staging` with Jupyter Book, every warning an error, and return the folder of pages.

    The whole book is rendered anew each time: Sphinx repeats no warning for a page that it takes from its cache.

    Raises
    ------
    BookError
        If Sphinx warns, or a page would load something from another machine.
    """
    shutil.rmtree(output, ignore_errors=True)
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(staging), "--path-output", str(output)]
    command += ["--all", "-W", "-n", "--keep-going", "--builder", "html"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    log = output.parent / f"{output.name}.log"
    log.write_text(ANSI.sub("", done.stdout + done.stderr), "utf8")
    html = output / "_build" / "html"
    if done.returncode != 0 or not (html / "index.html").is_file():
        said = [line for line in log.read_text("utf8").splitlines() if "WARNING" in line or "ERROR" in line]
        said = [line.replace(f"{staging}/", "") for line in dict.fromkeys(said)] or done.stderr.splitlines()[-12:]
        raise BookError(f"Jupyter Book found faults (all of it is in {log}):\n    " + "\n    ".join(said[:40]))
    (html / "index.html").write_text(FRONT_DOOR, "utf8")
    if faults := scan(html):
        raise BookError("pages that are not self-contained:\n    " + "\n    ".join(faults))
    return html


class _Resources(HTMLParser):
    """Collect what a page loads by itself (a link that the reader must click is no load)."""

    LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src",
             "embed": "src", "object": "data", "link": "href"}  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(self.LOADS.get(tag, ""))
        if address and re.match(r"(https?:)?//", address):
            self.found.append(f"<{tag}> loads {address}")


def scan(html: Path) -> list[str]:
    """Return what makes the pages below `html` depend on another machine or on a running kernel, a line a fault."""
    faults = []
    for page in sorted(html.rglob("*.html")):
        if "_static" in page.relative_to(html).parts:
            continue
        text, name = page.read_text("utf8"), page.relative_to(html)
        reader = _Resources()
        reader.feed(text)
        faults += [f"{name}: {fault}" for fault in reader.found]
        # a widget without a text/html copy (inside VBox, @interact, tqdm.notebook) would be blank, without a warning
        if "vnd.jupyter.widget-" in text:
            faults.append(f"{name}: a widget that needs a running kernel (see CONTRIBUTING.md, Widgets)")
    for sheet in sorted(html.rglob("*.css")):
        for address in re.findall(r"(?:@import\s+|url\()\s*['\"]?((?:https?:)?//[^'\")\s]+)", sheet.read_text("utf8")):
            faults.append(f"{sheet.relative_to(html)}: loads {address}")
    return faults


def publish(html: Path, target: Path) -> None:
    """Put the rendered pages in place of `target`, which holds the old book or the new one and never a mixture."""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    html.rename(target)
    shutil.rmtree(old, ignore_errors=True)
