"""The outputs of an audit beside its numbers: a page, a text, a table for an appendix, a file for other programs.

Every one is made from ``results.json`` alone. What others wrote (names, reasons, features) is text everywhere: escaped
for HTML, Markdown, LaTeX and XML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from explaint_lib._common import atomic_path, printable
from explaint_lib.audit._page import page
from explaint_lib.audit._words import changed, interval, notes, number, rates

#: Words that say a claim did not survive: what ``--fail-on`` names unless told otherwise.
REFUTED = ("alarm", "worse", "equivalent", "no better")
_TEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_TEX |= {letter: f"\\{letter}" for letter in "&%$#_"} | {"<": r"\textless{}", ">": r"\textgreater{}"}


def write_outputs(results: Mapping[str, Any], out: str | Path, *, fail_on: Collection[str] = REFUTED) -> list[Path]:
    """Write `report.html`, `report.md`, `table.tex` and `junit.xml` beside ``results.json``.

    Parameters
    ----------
    results : mapping
        What `run_audit` returns.
    out : str or Path
        A folder that exists.
    fail_on : collection of str
        The words of `explaint_lib.inference.WORDS` that ``junit.xml`` calls a failure.

    Returns
    -------
    list of Path

    Examples
    --------
    >>> from explaint_lib import audit
    >>> sorted(audit.OUTPUTS)
    ['junit.xml', 'report.html', 'report.md', 'table.tex']
    """
    written = []
    for name, make in OUTPUTS.items():
        text = _junit(results, fail_on) if name == "junit.xml" else make(results)
        with atomic_path(Path(out) / name) as beside:
            beside.write_text(text, encoding="utf-8")
        written.append(Path(out) / name)
    return written


def _markdown(text: object) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|!~$])", r"\\\1", printable(text))


def _md(results: Mapping[str, Any]) -> str:
    about = results["claim_file"]
    lines = ["# Audit", "", f"Claim file {_markdown(about['name'])}, SHA-256 {about['sha256']}.", ""]
    lines += [f"**{changed(results)}**", ""] if changed(results) else []
    lines += ["| claim | verdict |", "| --- | --- |"]
    lines += [f"| {_markdown(one['sentence'])} | {_markdown(one['verdict'])} |" for one in results["claims"]]
    for one in results["claims"]:
        lines += [
            "",
            f"## {_markdown(one['id'])}",
            "",
            f"{_markdown(one['sentence'])}: **{_markdown(one['verdict'])}**.",
        ]
        lines += ["", "| control | keeps | score | observed - control | margin | false alarms, power |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        for row in one["controls"]:
            cells = (row["control"], row["keeps"], row["score"], interval(row), number(row["margin"]), rates(row))
            lines.append("| " + " | ".join(map(_markdown, cells)) + " |")
        lines += ["", *(_markdown(note) + "\n" for note in notes(one))]
        lines += [f"You may write: {_markdown(one['may'])}", "", f"You may not write: {_markdown(one['may_not'])}"]
    return "\n".join(lines) + "\n"


def _tex_text(text: object) -> str:
    return "".join(_TEX.get(letter, letter) for letter in printable(text))


def _tex(results: Mapping[str, Any]) -> str:
    """Return a table for an appendix: booktabs, one line a comparison."""
    lines = [f"% explaint audit, claim file SHA-256 {results['claim_file']['sha256']}"]
    lines += [f"% {changed(results)}"] if changed(results) else []
    lines += [r"\begin{tabular}{llllrl}", r"\toprule"]
    lines += [r"claim & verdict & control & score & observed $-$ control & false alarms, power \\", r"\midrule"]
    for one in results["claims"]:
        for first, row in enumerate(one["controls"] or [None]):
            head = [one["sentence"], one["verdict"]] if not first else ["", ""]
            cells = [row["control"], row["score"], interval(row), rates(row)] if row else ["-"] * 4
            lines.append(" & ".join(map(_tex_text, [*head, *cells])) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _junit(results: Mapping[str, Any], fail_on: Collection[str] = REFUTED) -> str:
    """Return the claims as tests: a failure where the word is one of `fail_on`, skipped where nothing was decided."""
    failed = [one for one in results["claims"] if one["word"] in fail_on]
    undecided = [one for one in results["claims"] if one not in failed and one["word"] in ("no verdict", "cannot tell")]
    counts = {"tests": len(results["claims"]), "failures": len(failed), "skipped": len(undecided)}
    suite = ElementTree.Element("testsuite", {"name": "explaint audit"} | {k: str(v) for k, v in counts.items()})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(results):
        ElementTree.SubElement(properties, "property", {"name": name, "value": printable(value)})
    for one in results["claims"]:
        case = ElementTree.SubElement(suite, "testcase", {"classname": one["type"], "name": printable(one["id"])})
        if one in failed or one in undecided:
            tag = "failure" if one in failed else "skipped"
            ElementTree.SubElement(case, tag, {"message": printable(f"{one['sentence']}: {one['verdict']}")})
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _properties(results: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "claim_file_sha256", results["claim_file"]["sha256"]
    if said := changed(results):
        yield "claim_file_changed", said


#: The outputs by file name, each a function of the results.
OUTPUTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "report.html": page,
    "report.md": _md,
    "table.tex": _tex,
    "junit.xml": _junit,
}
