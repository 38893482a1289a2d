"""What a page may show: nothing that needs another machine, a running kernel, or the machine it was made on.

`judge` reads an executed chapter before it is kept, `loads` serves the scan of the pages too.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from nbformat import NotebookNode
from parameters import ROOT, Run

from explaint_lib._common import cache_dir, data_dir


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


def first_line(cell: NotebookNode) -> str:
    """Return the first line of a cell, which names it in a message."""
    return next(iter(cell.source.strip().splitlines()), "")


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


def loads(text: str) -> list[str]:
    """Return what HTML would load from another machine by itself, a phrase each."""
    reader = _Resources()
    reader.feed(text)
    return reader.found


class OwnPaths:
    """Finds paths that exist on this machine only: below the book's folder, home, the data, the cache, the Python.

    Parameters
    ----------
    root : Path
        The folder of the book's sources.
    runs : list of Run
        A path that a reader typed as a chapter's parameter may be shown.
    """

    def __init__(self, root: Path, runs: list[Run]) -> None:
        folders = {ROOT, root, Path.home(), data_dir(), cache_dir(), Path(sys.prefix)}
        self._roots = sorted(f"{folder}/" for folder in folders if len(folder.parts) > 1)
        self._path = re.compile(rf"(?<![\w./~-])(?:{'|'.join(map(re.escape, self._roots))})[^\s'\"<>\\]*")
        self._typed = [text for run in runs for text in texts(run.parameters) if text.startswith("/")]

    def find(self, text: str) -> str | None:
        """Return the first such path in a text, or None."""
        for typed in self._typed:
            text = text.replace(typed, "").replace(html.escape(typed), "")
        found = self._path.search(text) if any(root in text for root in self._roots) else None
        return found[0] if found else None

    def shorten(self, text: str) -> str:
        """Return a text with only the last part of each such path."""
        return self._path.sub(lambda path: Path(path[0]).name, text)


def as_typed(notebook: NotebookNode, typed: dict[str, object], values: dict[str, object]) -> None:
    """Put each path back as it was typed, wherever the chapter shows the absolute one that it was run with."""
    if typed == values:
        return
    flat = [
        [item for value in given.values() for item in (value if isinstance(value, list) else [value])]
        for given in (typed, values)
    ]
    shown = {absolute: short for short, absolute in zip(*flat, strict=True) if short != absolute}
    shown |= {html.escape(absolute): html.escape(short) for absolute, short in shown.items()}
    from papermill.translators import papermill_translators

    write = papermill_translators.find_translator("python3", "python").codify
    notebook.metadata.get("papermill", {})["parameters"] = typed
    for cell in notebook.cells:
        if "injected-parameters" in tags(cell):
            cell.source = write(typed, "Parameters").strip()
        if cell.cell_type == "code":
            cell.outputs = _replaced(cell.outputs, shown)


def _replaced(value: object, shown: dict[str, str]) -> object:
    """Return outputs with texts replaced, at any depth."""
    if isinstance(value, str):
        for old in sorted(shown, key=len, reverse=True):
            value = value.replace(old, shown[old])
        return value
    if isinstance(value, list):
        return [_replaced(item, shown) for item in value]
    if isinstance(value, dict):
        return NotebookNode({_replaced(name, shown): _replaced(item, shown) for name, item in value.items()})
    return value


def judge(notebook: NotebookNode, run: Run) -> Iterator[str]:
    """Yield what in an executed chapter would be refused on a page, a sentence each with what to do.

    A second opinion to that of the page itself (`pages.scan`), which comes too late: what is kept is not run again.
    """
    own = OwnPaths(run.source.parent.parent, [run])
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        where = f"code cell {number} ({first_line(cell)})"
        for output in cell.outputs:
            data = output.get("data", {})
            if any("widget-view" in kind for kind in data) and "text/html" not in data:
                yield (
                    f"{where} shows a widget that needs a running kernel, a progress bar for instance; show a figure, "
                    "or a widget of explaint_lib.widgets by itself (CONTRIBUTING.md, Widgets)"
                )
            if output.get("name") == "stderr":
                yield (
                    f"{where} writes to stderr: {' '.join(output.text.split())[:200]!r}; mend what it warns of, or "
                    "take the message into the chapter"
                )
            for load in loads("".join(texts(data.get("text/html", "")))):
                yield f"{where} shows a part that would load from another machine ({load}); take it along as data"
            if output.output_type == "error":  # the frames of a traceback that a chapter means to show
                output.traceback = [own.shorten(line) for line in output.traceback]
            elif found := own.find(" ".join(texts(output))):
                yield f"{where} shows a path of this machine, {found}; show the file's name alone"


def texts(value: object) -> Iterator[str]:
    """Yield the texts in a value, at any depth; images, which are long and hold no words, are left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from () if str(name).startswith("image/") and name != "image/svg+xml" else texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
