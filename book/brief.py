"""What a chapter found, in the words and the figure that its page opens with: made from the verdicts of a run.

A page that shows a small run shows the published one beside it, which is kept in ``book/reference/chapters/``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nbformat
import pandas as pd
from figures import called
from markup import as_text, code_span
from matplotlib.figure import Figure
from nbformat import NotebookNode
from parameters import ROOT

from explaint_lib import plotting
from explaint_lib._common import printable
from explaint_lib.results import Result, in_brief, scope_of

KEPT = ROOT / "book" / "reference" / "chapters"
NORMS = {
    "bundled": "bundled",
    "lancaster_nouns": "Lancaster (ratings)",
    "mcrae": "McRae",
    "buchanan": "Buchanan",
    "binder": "Binder (ratings)",
}
#: What a page of a chapter on other norms is called.
TITLES = {name: label.partition(" (")[0] for name, label in NORMS.items()} | {"lancaster_teaching": "Lancaster"}
LINE, HEAD = 0.45, 1.6  # inches of a line of a forest plot, and of all that stands around the lines
_PARTS = ("split", "claim", "question")  # what a claim is called within one panel


def kept_name(found: Result) -> str:
    """Return under which name a chapter's result is kept: its number and, where it has some, its norms."""
    name = str((found.manifest.get("data") or {}).get("name"))
    return f"{found.experiment[:2]}_{name}" if name in NORMS else found.experiment[:2]


def published(found: Result, folder: Path = KEPT) -> Result | None:
    """Return the published run of a chapter on the same data; None where none is kept."""
    file = folder / f"{kept_name(found)}.json"
    return Result.from_json(file) if file.is_file() else None


def smaller(found: Result, whole: Result) -> dict[str, tuple[Any, Any]]:
    """Return the parameters in which a run differs from the published one: what it had, what that had."""
    own, theirs = (one.manifest.get("arguments", {}) for one in (found, whole))
    return {name: (own[name], theirs[name]) for name in own if name in theirs and own[name] != theirs[name]}


def in_one_minute(found: Result, picture: str, folder: Path = KEPT) -> str:
    """Return the opening of a chapter's page: what was found, and a figure of it.

    Parameters
    ----------
    found : Result
        What the run on this page left.
    picture : str
        The file of the forest plot, as the page names it.
    """
    whole = published(found, folder)
    differ = smaller(found, whole) if whole is not None else {}
    shown = found if whole is None else whole
    parts = ["## In one minute"]
    if whole is None:
        parts.append("This chapter has no published run yet; these are the numbers of the run on this page.")
    parts.append(_list(shown))
    if differ:
        changed = ", ".join(
            f"{code_span(name)} {as_text(own)} instead of {as_text(theirs)}" for name, (own, theirs) in differ.items()
        )
        parts.append(
            "```{admonition} This page shows a small run\n:class: warning small-run\nThe sentences above are of the "
            f"published run. The numbers below were made with less: {changed}. This small run says:\n\n"
            f"{_list(found)}\n```"
        )
    alt = in_a_line(in_brief(shown.verdicts, most=3))
    parts.append(
        f"```{{figure}} {picture}\n:class: forest\n:alt: {alt}\n\n{called(found.experiment, 1)} All claims of this "
        f"chapter on {as_text(scope_of(shown.manifest))}: the difference to the control that decides, with its "
        "interval, in units of the smallest difference that would matter (the grey band). [How to read "
        "it](../book/how_to_read_a_verdict.md)\n```"
    )
    return "\n\n".join(parts)


def _list(found: Result) -> str:
    return in_lines(in_brief(found.verdicts))


def in_lines(entries: Sequence[tuple[str, str]]) -> str:
    """Return a summary as a markdown list: the claim in italics, then its verdict."""
    return "\n".join(f"- {f'*{as_text(claim)}.* ' if claim else ''}{as_text(said)}" for claim, said in entries)


def in_a_line(entries: Sequence[tuple[str, str]]) -> str:
    """Return a summary as plain text in one line, for the description of a figure."""
    return printable(" ".join(f"{claim}. {said}" if claim else said for claim, said in entries))


def panels(found: Mapping[str, Result]) -> dict[str, pd.DataFrame]:
    """Return the verdicts of results as panels: one a set of norms, or one a model where a result has several.

    Parameters
    ----------
    found : mapping of a name to a result
        Results of one chapter on several data.
    """
    made: dict[str, pd.DataFrame] = {}
    for name, one in found.items():
        verdicts = one.verdicts.copy()
        parts = [part for part in _PARTS if part in verdicts]
        verdicts["claim"] = verdicts[parts].agg(", ".join, axis=1)
        models = verdicts.groupby("model", sort=False) if "model" in verdicts else [(name, verdicts)]
        for model, rows in models:
            label = f"{model}, {name}" if "model" in verdicts and len(found) > 1 else str(model)
            made[label] = rows
    return made


def claims_of(found: Result) -> pd.DataFrame:
    """Return one row a claim of a result."""
    keys = [name for name in ("model", *_PARTS) if name in found.verdicts]
    return found.verdicts.drop_duplicates(keys)


def forest(made: Mapping[str, pd.DataFrame]) -> Figure:
    """Return panels side by side, a line a claim in all of them."""
    claims = list(dict.fromkeys(claim for rows in made.values() for claim in rows["claim"]))
    with plotting.style(), mpl.rc_context({"svg.fonttype": "none"}):
        figure = Figure(figsize=(6.2, HEAD + LINE * len(claims)), layout="constrained")
        axes = figure.subplots(1, len(made), sharex=True, squeeze=False)[0]
        for number, (ax, (name, rows)) in enumerate(zip(axes, made.items(), strict=True)):
            plotting.forest_plot(ax, rows, claims, label=number == 0)
            if len(made) > 3:
                ax.set_xticks([-10, 0, 10])  # there is no room for more
            ax.set_title(textwrap.fill(plotting.plain(name), 36 // len(made), break_long_words=False), fontsize=11)
        if any("\n" in text.get_text() for text in axes[0].texts):  # a claim on two lines
            figure.set_figheight(HEAD + (LINE + 0.15) * len(claims))
        axes[0].set_xlabel("observed − control, in margins", loc="left")
        every = pd.concat(made.values())
        figure.legend(handles=plotting.forest_legend(every), loc="outside upper left", ncols=3, frameon=False)
    return figure


def draw(made: Mapping[str, pd.DataFrame], target: Path) -> None:
    """Write a forest plot as SVG, the same bytes each time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "explaint"}):
        forest(made).savefig(target, metadata={"Date": None})


def opening(results: Sequence[Result], notebook: NotebookNode, target: Path, folder: Path = KEPT) -> None:
    """Put the opening behind the first cell of an executed chapter (changed in place); its figure goes to `target`.

    A chapter that never ran, or has no verdicts, has none.
    """
    if not results or results[-1].verdicts.empty:
        return
    found = results[-1]
    draw(panels({scope_of(found.manifest): published(found, folder) or found}), target)
    cell = nbformat.v4.new_markdown_cell(in_one_minute(found, target.name, folder), id="in-one-minute")
    notebook.cells.insert(1, cell)
