"""Give each figure of an executed chapter a number, its finding as caption and alternative text, and a file to take.

Exercises are numbered by chapter as well: 7.1, 7.2, as in the copies for a course (``book/student.py``).

A chapter's cell ends with `explaint_lib.plotting.show`, which leaves the drawing and its finding in the output. What is
drawn stands in the cell's metadata (``mystnb.image.alt``).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
from markup import as_text
from nbformat import NotebookNode

from explaint_lib._common import printable
from explaint_lib.plotting import FINDING


def called(name: str, number: int) -> str:
    """Return what a figure of a chapter is called, by the chapter's name and the figure's number in it."""
    return f"**Figure {int(name[:2])}.{number}.**" if name[:2].isdigit() else f"**Figure {number}.**"


def numbered(notebook: NotebookNode, folder: Path, stem: str) -> None:
    """Put each figure of a chapter behind its cell as a numbered one (changed in place); its file goes to `folder`.

    Parameters
    ----------
    notebook : NotebookNode
    folder : Path
        Where the page is staged.
    stem : str
        The name of the page; its first two letters are the chapter's number.
    """
    cells: list[NotebookNode] = []
    number = 1  # the first is that of the opening (`brief`)
    for cell in notebook.cells:
        cells.append(cell)
        drawn = [output for output in cell.get("outputs", []) if FINDING in output.get("metadata", {})]
        if drawn:
            cell.outputs = [output for output in cell.outputs if output not in drawn]
        for output in drawn:
            number += 1
            name, finding = f"{stem}-{number}.svg", " ".join(printable(output.metadata[FINDING]).split())
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(output.data["image/svg+xml"], "utf8")
            alt = (
                f"{cell.metadata.get('mystnb', {}).get('image', {}).get('alt', '')} {output.metadata[FINDING]}".strip()
            )
            cells.append(
                nbformat.v4.new_markdown_cell(
                    f"```{{figure}} {name}\n:name: figure-{stem}-{number}\n:class: drawn\n"
                    f":alt: {json.dumps(printable(alt), ensure_ascii=False)}\n\n"
                    f"{called(stem, number)} {as_text(finding)} "
                    f"{{download}}`SVG <{name}>`\n```",
                    id=f"figure-{number}",
                )
            )
    notebook.cells = cells


def number_exercises(notebook: NotebookNode, stem: str) -> None:
    """Put chapter and number before the title of each exercise of a chapter (changed in place)."""
    place = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts = re.split(r"(?<=\{exercise-start\}) ", cell.source)
            for index in range(1, len(parts)):
                place += 1
                chapter = f"{int(stem[:2])}." if stem[:2].isdigit() else ""
                parts[index] = f" {chapter}{place} {parts[index]}".replace("\n:label:", "\n:nonumber:\n:label:", 1)
            cell.source = "".join(parts)
