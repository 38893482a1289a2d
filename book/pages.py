"""Lay out the staging tree, render it with Jupyter Book, and refuse pages that would reach for another machine."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

import brief
import figures
import found_page
import guarded
import nbformat
import origin
import yaml
from chapters import ANSI
from judge import OwnPaths, loads
from keys import file_digest, stored_key, tree_digest
from markup import as_text, code_span
from parameters import ROOT, BookError, Run

from explaint_lib.results import MIME, in_notebook

PROSE = ("book/*.md", "book/api/*.md", "book/assets/*", "book/_ext/*.py", "book/references.bib")

GIVEN = "# this run was given these values, in place of those above"  # papermill calls them "Parameters"

TEXTS = (".html", ".ipynb", ".md", ".txt", ".json", ".js")

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

    The tree is the repository's own, so that a link between two files works in both. A run without a whole result
    (never run, with ``--only``) is staged as it is in the repository, without outputs.
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
        source = result if stored_key(result) else run.source
        notebook, found = publishable(nbformat.read(source, as_version=4)), in_notebook(source)
        if run.name != run.source.stem:
            notebook = as_variant(notebook, run.source.stem, run.parameters)
            add_to_toc(toc, f"notebooks/{run.source.stem}", f"notebooks/{run.name}")
        target = staging / "notebooks" / f"{run.name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        figures.numbered(notebook, target.parent, run.name)
        figures.number_exercises(notebook, run.name)
        brief.opening(found, notebook, target.with_suffix(".svg"))
        nbformat.write(notebook, target)
    if (root / "book" / found_page.PAGE.name).is_file():
        found_page.figures(staging / "book" / "found")
    (staging / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), "utf8")
    origin.note(staging, root)


def publishable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return an executed chapter without what is noted beside it: paths, times, widgets' state, results as data.

    A page shows what a result shows of itself; Jupyter Book would warn of the data, which it has no way to draw.
    """
    for noted in ("papermill", "widgets", "explaint_key", "explaint_content"):
        notebook.metadata.pop(noted, None)
    for cell in notebook.cells:
        for noted in ("papermill", "execution"):
            cell.metadata.pop(noted, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace("# Parameters", GIVEN, 1)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(MIME, None)
    return notebook


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
    shown = ", ".join(code_span(f"{name}: {value}") for name, value in parameters.items())
    # numbers are in `shown`
    names = [brief.TITLES.get(value, value) for value in parameters.values() if isinstance(value, str)]
    called = ", ".join(map(as_text, names or parameters.values()))
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
                cell.source = title.sub(lambda found: f"# {found[1]} ({called})" + notice, cell.source, count=1)
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


def render(staging: Path, output: Path, own: OwnPaths | None = None) -> Path:
    """Render `staging` with Jupyter Book, every warning an error, and return the folder of pages.

    The whole book is rendered anew each time: Sphinx repeats no warning for a page that it takes from its cache.

    Raises
    ------
    BookError
        If Sphinx warns, a page would load something from another machine, or shows a path of this one (`own`).
    """
    shutil.rmtree(output, ignore_errors=True)
    command = ["build", str(staging), "--path-output", str(output)]
    command += ["--all", "-W", "-n", "--keep-going", "--builder", "html"]
    done = guarded.run("jupyter_book.cli.main:main", *command)
    log = output.parent / f"{output.name}.log"
    log.write_text(ANSI.sub("", done.stdout + done.stderr), "utf8")
    html = output / "_build" / "html"
    if done.returncode != 0 or not (html / "index.html").is_file():
        said = [line for line in log.read_text("utf8").splitlines() if "WARNING" in line or "ERROR" in line]
        said = [line.replace(f"{staging}/", "") for line in dict.fromkeys(said)] or done.stderr.splitlines()[-12:]
        raise BookError(f"Jupyter Book found faults (all of it is in {log}):\n    " + "\n    ".join(said[:40]))
    (html / "index.html").write_text(FRONT_DOOR, "utf8")
    if faults := scan(html, own):
        raise BookError("pages that are not self-contained:\n    " + "\n    ".join(faults))
    return html


def scan(html: Path, own: OwnPaths | None = None) -> list[str]:
    """Return what makes the pages below `html` depend on another machine or on a running kernel, a line a fault.

    With `own`, also what tells of the machine they were made on, in the pages and in the sources published with them.
    """
    faults = []
    for page in sorted(html.rglob("*.html")):
        if "_static" in page.relative_to(html).parts:
            continue
        text, name = page.read_text("utf8"), page.relative_to(html)
        faults += [f"{name}: {fault}" for fault in loads(text)]
        # a widget without a text/html copy (inside VBox, @interact, tqdm.notebook) would be blank, without a warning
        if "vnd.jupyter.widget-" in text:
            faults.append(f"{name}: a widget that needs a running kernel (see CONTRIBUTING.md, Widgets)")
    for file in [file for suffix in TEXTS for file in sorted(html.rglob(f"*{suffix}"))]:
        if own and (found := own.find(file.read_text("utf8", errors="replace"))):
            faults.append(f"{file.relative_to(html)}: shows a path of this machine, {found}")
    for sheet in sorted(html.rglob("*.css")):
        for address in re.findall(r"(?:@import\s+|url\()\s*['\"]?((?:https?:)?//[^'\")\s]+)", sheet.read_text("utf8")):
            faults.append(f"{sheet.relative_to(html)}: loads {address}")
    return faults


def publish(html: Path, target: Path, key: str = "") -> None:
    """Put the rendered pages in place of `target`, which holds the old book or the new one and never a mixture.

    Where the system can exchange two folders in one step, there is no moment without a book. Elsewhere a build that is
    killed between two renames leaves the old book beside, and `restore` puts it back.
    """
    old, digest = _old(target), tree_digest(html)
    shutil.rmtree(old, ignore_errors=True)
    if not target.exists():
        html.rename(target)
    elif not _exchange(html, target):
        target.rename(old)
        html.rename(target)
    if key:
        _record(target).write_text(json.dumps({"key": key, "pages": digest}), "utf8")
    for left in (old, html):
        shutil.rmtree(left, ignore_errors=True)


def restore(target: Path) -> None:
    """Put the old book back where a killed build took it away and did not bring the new one."""
    if _old(target).is_dir() and not target.exists():
        _old(target).rename(target)
    shutil.rmtree(_old(target), ignore_errors=True)


def _old(target: Path) -> Path:
    return target.with_name(f"{target.name}.old")


def _record(target: Path) -> Path:
    return target.with_name(f".{target.name}.json")


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; tell whether the system could."""
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):  # Linux: AT_FDCWD, RENAME_EXCHANGE
        return libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2) == 0
    with suppress(AttributeError):  # macOS: RENAME_SWAP
        return libc.renamex_np(os.fsencode(one), os.fsencode(other), 2) == 0
    return False


def book_key(staging: Path, surrounding: str) -> str:
    """Return the hash of all that the pages are made of: what is staged, the library that they document, our code."""
    own = f"{file_digest(Path(__file__))} {file_digest(Path(origin.__file__))}"
    return f"{tree_digest(staging, skip=('.pyc',))} {surrounding} {own}"


def stands(target: Path, key: str) -> bool:
    """Tell whether the pages in `target` were made under this key and are as they were published."""
    try:
        return json.loads(_record(target).read_text("utf8")) == {"key": key, "pages": tree_digest(target)}
    except (OSError, ValueError, BookError):
        return False
