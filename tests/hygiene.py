"""The rules of a chapter that a program can check: `faults` reads it as committed, `executed_faults` as run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from explaint_lib.plotting import FINDING

SECTIONS = (
    "Overview",
    "Setup",
    "The tempting analysis",
    "A case where we know the answer",
    "The control",
    "Observed against the null",
    "Explore",
    "What survives",
    "Exercises",
    "Summary",
    "Further reading",
)
CHECK = {"check", "remove-cell"}  # what a course says to a wrong answer; no page shows it
TAGS = {"parameters", "hide-input", "hide-cell", "solution", "raises-exception"}
HIDDEN = {"hide-input", "hide-cell", "parameters", "check"}
MAX_LINES, MAX_WIDTH = 18, 88
PHONE, SMALLEST = 328, 7.0  # pixels of a page's column on a phone, and of its smallest letters
# papermill does not know a parameter that is annotated `int | str`: it would warn whoever gives it a value
PARAMETER = re.compile(r"(\w+): (\w[\w\[\], ]*|\"\w+(?: or \w+)+\") = (.+?)  # (\S.*)")
HEAD = re.compile(r"^\*\*(Easy|Medium|Harder), \w+ minutes, (core|further)\.\*\* ", re.MULTILINE)
TYPED_RESULT = re.compile(r"(?<![\w./:-])\d*\.\d+(?![\w.]*\d)|\d\s?%")


def faults(notebook: NotebookNode) -> list[str]:
    """Return what is wrong with a chapter as it is committed, a line a fault."""
    checks = (_clean, _parameters, _sections, _cells, _prose, _exercises, _checks)
    return [fault for check in checks for fault in check(notebook)]


def executed_faults(notebook: NotebookNode) -> list[str]:
    """Return what is wrong with the outputs of a chapter that was run."""
    found = []
    for number, cell in _code(notebook):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data and "text/html" not in data:
                found.append(f"code cell {number} draws a figure without its finding: end it with plotting.show()")
            if FINDING in output.get("metadata", {}):
                if len(alt) < 20:
                    found.append(f"code cell {number} draws a figure without alternative text (mystnb.image.alt)")
                if len(output.metadata[FINDING]) < 20:
                    found.append(f"code cell {number} draws a figure without a finding: give plotting.show() one")
                if (size := letters_on_a_phone(data["image/svg+xml"])) < SMALLEST:
                    found.append(f"code cell {number} draws letters of {size:.1f} pixels, as a phone shows them")
            if any("widget-view" in kind for kind in data) and "text/html" not in data:
                found.append(f"code cell {number} shows a widget that would be blank on a page without a kernel")
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"code cell {number} writes to stderr: {output.text.strip()[:200]}")
    return found


def letters_on_a_phone(svg: str) -> float:
    """Return the size in pixels of a drawing's smallest letters where it is shown as wide as a phone's column."""
    width = float(re.search(r'viewBox="0 0 ([\d.]+) ', svg)[1])
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
    sizes += [float(size) for size in re.findall(r"font: (?:\w+ )*([\d.]+)px", svg)]
    return min(sizes, default=99.0) * min(4 / 3, PHONE / width)


def declared(notebook: NotebookNode) -> dict[str, str]:
    """Return the parameters a chapter declares: name -> annotation."""
    cells = [cell for _, cell in _code(notebook) if "parameters" in _tags(cell)]
    matches = [PARAMETER.fullmatch(line) for cell in cells for line in cell.source.splitlines()]
    return {match[1]: match[2] for match in matches if match}


def _code(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    return enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1)


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _text(notebook: NotebookNode) -> str:
    """Return the prose of a notebook without what is not prose: code, mathematics, addresses."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    text = re.sub(r"^(`{3,}|~{3,})\s*(?!\{)\w*\n.*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", "", text, flags=re.DOTALL)
    return re.sub(r"`[^`\n]+`|https?://\S+|\]\([^)\n]*\)", "", text)


def _clean(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in _code(notebook):
        if cell.outputs or cell.execution_count is not None:
            yield f"code cell {number} was committed with outputs or an execution count"
    if "widgets" in notebook.metadata:
        yield "the notebook was committed with widget state"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel must be python3"


def _parameters(notebook: NotebookNode) -> Iterator[str]:
    cells = [(number, cell) for number, cell in _code(notebook) if "parameters" in _tags(cell)]
    if len(cells) != 1:
        yield f"{len(cells)} cells are tagged `parameters`; exactly one must be"
        return
    number, cell = cells[0]
    if number != 1:
        yield "the parameters cell must be the first code cell"
    if _tags(cell) & {"hide-input", "hide-cell"}:
        yield "the parameters cell must be visible"
    for line in cell.source.splitlines():
        match = PARAMETER.fullmatch(line)
        if not match:
            yield f"parameter line must read `name: type = literal  # meaning, unit`: {line!r}"
            continue
        try:
            ast.literal_eval(match[3])
        except ValueError:
            yield f"parameter {match[1]} is not a literal: {match[3]}"


def _sections(notebook: NotebookNode) -> Iterator[str]:
    text = _text(notebook)
    titles = re.findall(r"^# (.+)$", text, re.MULTILINE)
    if len(titles) != 1 or not notebook.cells[0].source.startswith("# "):
        yield f"one title, at the very top, is required; found {len(titles)}"
    headings = [heading.strip() for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)]
    places = {}
    for section in SECTIONS:
        found = [place for place, heading in enumerate(headings) if heading.startswith(section)]
        if found:
            places[section] = found[0]
        else:
            yield f"section `## {section}` is missing"
    if sorted(places, key=places.get) != list(places):
        yield f"sections are out of order: {', '.join(sorted(places, key=places.get))}"


def _cells(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in _code(notebook):
        if unknown := _tags(cell) - (CHECK if "check" in _tags(cell) else TAGS):
            yield f"code cell {number} has tags outside the closed list: {', '.join(sorted(unknown))}"
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if not lines:
            yield f"code cell {number} is empty"
        if len(lines) > MAX_LINES and not _tags(cell) & HIDDEN:
            yield f"code cell {number} has {len(lines)} lines; show at most {MAX_LINES}, or move code to the library"
        if "check" not in _tags(cell) and (wide := [line for line in lines if len(line) > MAX_WIDTH]):
            yield f"code cell {number} has a line of {len(wide[0])} letters; a page shows {MAX_WIDTH}"
        if any(re.match(r"\s*[!%]", line) or "get_ipython" in line for line in lines):
            yield f"code cell {number} uses a shell command or a magic"
        if "@interact" in cell.source or "tqdm.notebook" in cell.source or "tqdm.auto" in cell.source:
            yield f"code cell {number} uses a widget that is blank on a page without a kernel"


def _prose(notebook: NotebookNode) -> Iterator[str]:
    for match in TYPED_RESULT.finditer(_text(notebook)):
        context = _text(notebook)[max(0, match.start() - 30) : match.end() + 10].replace("\n", " ")
        yield f"a typed number in prose would become false when a parameter changes: ...{context}..."
    for address in re.findall(r"\[\]\(([^)]*)\)", "\n".join(cell.source for cell in notebook.cells)):
        yield f"the link to {address} has no words, which JupyterLab needs"


def _checks(notebook: NotebookNode) -> Iterator[str]:
    """A check names what it asks for, says its exercise's number, and is not seen on the page."""
    number = next((found[1] for cell in notebook.cells if (found := re.search(r"exercise-0?(\d+)-", cell.source))), "")
    for place, cell in _code(notebook):
        if "check" in _tags(cell):
            if _tags(cell) != CHECK:
                yield f"code cell {place}: a check has the tags `check` and `remove-cell`, so that no page shows it"
            if not re.match(r"# \w+ = \.\.\.  # \S", cell.source):
                yield f"code cell {place}: a check begins with the blank, `# name = ...  # what it holds`"
            if cell.source.count("assert ") != len(re.findall(rf'"{number}\.\d: ', cell.source)):
                yield f"code cell {place}: each assertion of a check says, after the exercise's number, what is wrong"


def _exercises(notebook: NotebookNode) -> Iterator[str]:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    exercises = re.findall(r"\{exercise-start\}[^\n]*\n(?::\w+:[^\n]*\n)*?:label: (\S+)", text)
    solved = re.findall(r"\{solution-start\} (\S+)", text)
    if not exercises:
        yield "no exercise (`{exercise-start}` with a `:label:`)"
    if sorted(exercises) != sorted(solved):
        yield f"exercises and solutions are not paired: {sorted(exercises)} against {sorted(solved)}"
    for kind in ("exercise", "solution"):
        if text.count(f"{{{kind}-start}}") != text.count(f"{{{kind}-end}}"):
            yield f"a `{kind}-start` without its `{kind}-end`"
    for words in re.findall(r"\{exercise-start\} (.*?)\{exercise-end\}", text, re.DOTALL):
        if not HEAD.search(words):
            yield f"an exercise must begin `**Easy, five minutes, core.**`: {words.splitlines()[0]}"
    ends = text.partition("## Exercises")[2].partition("\n## Summary")[0]
    for heading in ("Break it", "An open project"):
        if f"### {heading}\n" not in ends:
            yield f"the exercises end with `### {heading}`"
    inside, number = False, 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            last = max(cell.source.rfind("{solution-start}"), cell.source.rfind("{solution-end}"))
            inside = cell.source.startswith("{solution-start}", last) if last >= 0 else inside
        else:
            number += 1
            if ("solution" in _tags(cell) or "check" in _tags(cell)) != inside:
                where = "inside a solution lacks" if inside else "outside a solution has"
                yield f"code cell {number} {where} the tag `solution`"
            if inside and not cell.metadata.get("jupyter", {}).get("source_hidden"):
                yield f"code cell {number} stands open in JupyterLab: a solution has jupyter.source_hidden"
