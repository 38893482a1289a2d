"""Write the copies of the chapters that a course needs, from the chapters' own tags.

Each chapter becomes three notebooks in ``_build/course``:

    student/   without solutions; a blank where an exercise asks, and below it a check that says in words what is wrong
    key/       the same with the solutions, and what they show
    nbgrader/  the source of an assignment in nbgrader's format (nbgrader is not needed to write it):
               ``nbgrader generate_assignment NAME`` makes the students' copy, ``nbgrader autograde NAME`` marks it

A check is the code cell tagged ``check`` inside a solution. Its first lines name what a student has to assign:
``# name = ...  # what it holds``. An exercise without a check is marked by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from parameters import ROOT, BookError, Faults, ParameterError, find_chapter, read_profile

from explaint_lib._common import ExplaintError, atomic_path

TARGET = ROOT / "_build" / "course"
COPIES = ("student", "key", "nbgrader")
POINTS = {"Easy": 1, "Medium": 2, "Harder": 3}
BLANK = re.compile(r"# ((\w+) = \.\.\.  # \S.*)")
START = re.compile(r"`{3,}\{(exercise|solution)-start\} ([^\n]*)\n((?::[^\n]*\n)*)`{3,}\n?")
END = re.compile(r"`{3,}\{(exercise|solution)-end\}\n`{3,}\n?")
HEAD = re.compile(r"\*\*(Easy|Medium|Harder), (\w+) minutes, (core|further)\.\*\*")


@dataclass
class Exercise:
    """One exercise of a chapter: its number, its words, and the cells of its solution."""

    number: str
    title: str
    label: str
    text: str = ""
    solution: list[NotebookNode] = field(default_factory=list)

    @property
    def check(self) -> NotebookNode | None:
        """The cell that says what is wrong with an answer; None where the exercise is marked by hand."""
        return next((cell for cell in self.solution if "check" in _tags(cell)), None)

    @property
    def blanks(self) -> list[str]:
        """The lines that a student completes, ``name = ...  # what it holds``."""
        return [match[1] for match in BLANK.finditer(self.check.source)] if self.check else []

    @property
    def points(self) -> int:
        """What the exercise counts: 1 where it is easy, 2 where it is of medium difficulty, 3 where it is harder."""
        found = HEAD.search(self.text)
        return POINTS[found[1]] if found else 1

    def checked(self) -> str:
        """Return the check's code; what is still blank is said first."""
        names = [line.partition(" = ")[0] for line in self.blanks]
        empty = [
            f'assert {name} is not ..., "{self.number} is still blank: replace the three dots after `{name} =`."'
            for name in names
        ]
        source = self.check.source if self.check else ""
        rest = [line for line in source.splitlines() if not BLANK.fullmatch(line)]
        return "\n".join([*empty, *rest, f'print("{self.number}: the check found no mistake.")'])


def read(path: Path) -> list[NotebookNode | Exercise]:
    """Return a chapter as cells and, where they stand, its exercises."""
    found: list[NotebookNode | Exercise] = []
    number, inside = int(path.stem[:2]), ""
    exercises: dict[str, Exercise] = {}
    at_hand = Exercise("", "", "")
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            (at_hand.solution if inside == "solution" else found).append(cell)
            continue
        at = 0
        for mark in [*re.finditer(f"{START.pattern}|{END.pattern}", cell.source), None]:
            words = cell.source[at : mark.start() if mark else None].strip()
            if words and inside == "exercise":
                at_hand.text += words
            elif words and inside == "solution":
                at_hand.solution.append(new_markdown_cell(plain(words)))
            elif words:
                found.append(new_markdown_cell(plain(words)))
            if not mark:
                break
            at, inside = mark.end(), mark[1] or ""
            if inside == "exercise":
                (label,) = re.findall(r":label: (\S+)", mark[3])
                at_hand = exercises[label] = Exercise(f"{number}.{len(exercises) + 1}", mark[2].strip(), label)
                found.append(at_hand)
            elif inside == "solution":
                if mark[2].strip() not in exercises:
                    raise BookError(f"{path.name} has a solution to {mark[2].strip()}, which is no exercise above it")
                at_hand = exercises[mark[2].strip()]
    return found


def plain(text: str) -> str:
    """Return a chapter's text without what only the book can show: glossary links, links to other pages."""
    text = re.sub(r"\{(?:term|eq)\}`([^`<]*?)(?:\s<[^`>]*>)?`", r"\1", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]*\)", r"\1", text)


def copy(path: Path, kind: str, parameters: dict[str, object]) -> NotebookNode:
    """Return one of the three copies of a chapter, with these values of its parameters.

    Parameters
    ----------
    path : Path
        A chapter.
    kind : {"student", "key", "nbgrader"}
        Which copy.
    parameters : dict
        Values for names of the chapter's first code cell; the other parameters stay as they are.
    """
    notebook = nbformat.read(path, as_version=4)
    cells: list[NotebookNode] = []
    for part in read(path):
        if isinstance(part, Exercise):
            cells += _exercise(part, kind)
        else:
            cells.append(part)
    for place, cell in enumerate(cells):
        cell["id"] = f"{kind}-{place}"
        cell.metadata.pop("jupyter", None)
        if "parameters" in _tags(cell):
            cell.source = _with_values(cell.source, parameters)
    notebook.cells = cells
    nbformat.validate(notebook)
    return notebook


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _with_values(source: str, parameters: dict[str, object]) -> str:
    for name, value in parameters.items():
        written = repr(value).replace("\\", r"\\")
        source = re.sub(rf"^({name}: .+? = ).+?(  # )", rf"\g<1>{written}\g<2>", source, flags=re.M)
    return source


def _exercise(one: Exercise, kind: str) -> list[NotebookNode]:
    asked = new_markdown_cell(f"### Exercise {one.number}: {one.title}\n\n{plain(one.text)}")
    blank = "\n".join(one.blanks) or "# your answer: code here, and what you conclude as a comment"
    code = [cell for cell in one.solution if cell.cell_type == "code" and cell is not one.check]
    checked = [new_code_cell(one.checked())] if one.check else []
    if kind == "student":
        return [asked, new_code_cell(blank), *checked]
    if kind == "key":
        solved = [
            new_code_cell(cell.source) if cell in code else cell for cell in one.solution if cell is not one.check
        ]
        return [asked, *solved, *checked]
    begin, end = "### BEGIN SOLUTION", "### END SOLUTION"
    answer = new_code_cell("\n".join([blank, begin, *(cell.source for cell in code), end]))
    answer.metadata["nbgrader"] = _graded(one, "answer", solution=True, grade=not one.check)
    if one.check:
        checked[0].metadata["nbgrader"] = _graded(one, "check", solution=False, grade=True)
    return [asked, answer, *checked]


def _graded(one: Exercise, part: str, *, solution: bool, grade: bool) -> dict[str, object]:
    """Return what nbgrader reads in a cell (its schema 3, https://nbgrader.readthedocs.io)."""
    about = {"schema_version": 3, "grade_id": f"{one.label}-{part}", "task": False, "locked": not solution}
    return (
        about | {"solution": solution, "grade": grade, "cell_type": "code"} | ({"points": one.points} if grade else {})
    )


def write(chapters: list[Path], parameters: dict[str, dict], target: Path) -> list[Path]:
    """Write the copies of some chapters into `target`, and return their files."""
    files = []
    for chapter in chapters:
        for kind in COPIES:
            folder = target / kind / "source" / chapter.stem if kind == "nbgrader" else target / kind
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(folder / chapter.name) as beside:
                nbformat.write(copy(chapter, kind, parameters.get(chapter.stem, {})), beside)
            files.append(folder / chapter.name)
    return files


def main(argv: list[str] | None = None) -> int:
    """Write the copies as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="book/student.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="CHAPTER", help="this chapter alone, named by any beginning of its name")
    parser.add_argument("--profile", default="quick", help="whose parameters the copies have: quick (default) or full")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the copies go (default: _build/course)")
    given = parser.parse_args(argv)
    chapters = sorted((ROOT / "notebooks").glob("*.ipynb"))
    try:
        faults = Faults()
        read_all = faults.attempt(read_profile, ROOT / "book" / "profiles.yml", given.profile, chapters)
        chosen = faults.attempt(find_chapter, given.only, chapters) if given.only else None
        faults.raise_any()
        files = write([chosen] if chosen else chapters, read_all[0], given.target)
    except ExplaintError as fault:
        print(f"course: {fault}", file=sys.stderr)
        return 2 if isinstance(fault, ParameterError) else 1
    print(f"{len(files)} notebooks in {given.target}: student/, key/, nbgrader/source/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
