"""The table at the end of a chapter: claims, controls, differences, verdicts, and the same numbers as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
from scipy.sparse.csgraph import connected_components

from explaint_lib._common import ExplaintError
from explaint_lib.results import MIME, Result, may_write

_KEYS = ("model", "split", "claim", "question")  # the columns that together name one claim


@dataclass(frozen=True, eq=False)
class VerdictTable:
    """Tables of verdicts that a notebook shows, what may be written of them, and the result as data."""

    result: Result
    tables: Sequence[pd.DataFrame]

    def __repr__(self) -> str:
        return "\n\n".join(table.to_string() for table in self.tables)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return what a notebook shows and keeps: the tables to read, and the whole result as data."""
        html = "\n".join(_as_html(table) for table in self.tables)
        html += _pairs(may_write(self.result))
        return {"text/plain": repr(self), "text/html": html, MIME: self.result.to_dict()}


def verdict_table(result: Result, *, across: str | None = None) -> VerdictTable:
    """Return the verdicts of a result as a chapter shows them; its numbers stay in the notebook as data.

    Parameters
    ----------
    result : Result
        Its verdicts are what `explaint_lib.inference.verdicts` returns.
    across : str, optional
        The column whose values stand side by side ("model", "split", "question"). The table then has one line a claim
        and, in each cell, the verdict with the smallest of its differences. Unless models are what stands side by side,
        there is one such table a model, and one more for claims that share no column with the others. Left out: one
        line a control, each claim and its verdict written once; with the margin, and whether it was in reach at this
        size; how often planted worlds in which the claim is false, and true, were supported
        (`explaint_lib.inference.calibration`); and in what share of the draws of folds or twins the claim would have
        got the same word.

    Returns
    -------
    VerdictTable
        Shown by a notebook, it leaves `result` there (`explaint_lib.results.in_notebook` reads it); ``tables`` holds
        the DataFrames. A claim that could not be tested has "-" for its numbers, as has one that was not asked.

    Raises
    ------
    ExplaintError
        If the result has no verdicts, or they have no column `across`.

    Examples
    --------
    >>> from explaint_lib import inference, plotting, results
    >>> clear = inference.Comparison("category", difference=0.2, se=0.05, p_value=0.001)
    >>> reached = inference.Comparison("category", difference=0.0, se=0.005, p_value=0.4)
    >>> claims = {("trained", "tells true from false"): [clear], ("untrained", "tells true from false"): [reached]}
    >>> found = inference.verdicts(claims, smallest_effect=0.02, by=("model", "claim"))
    >>> plotting.verdict_table(results.Result("02", {"seed": 0}, verdicts=found), across="model")
                                     trained           untrained
    tells true from false  supported (+0.20)  equivalent (+0.00)
    """
    verdicts = result.verdicts
    if verdicts.empty:
        raise ExplaintError(f"the result of {result.experiment!r} holds no verdicts; give it verdicts=...")
    if across is None:
        return VerdictTable(result, [_one_line_a_control(verdicts)])
    if across not in verdicts or across not in _KEYS:
        found = ", ".join(name for name in _KEYS if name in verdicts)
        raise ExplaintError(f"verdicts can stand side by side by {found}, found across={across!r}")
    lines = [name for name in _KEYS if name in verdicts and name not in ("model", across)]
    if "model" not in verdicts or across == "model":
        return VerdictTable(result, [_side_by_side(verdicts, lines, across).fillna("-")])
    tables = []
    for model, part in verdicts.groupby("model", sort=False):
        tables += _apart(_side_by_side(part, lines, across).rename_axis(columns=str(model)))
    return VerdictTable(result, tables)


def _as_html(table: pd.DataFrame) -> str:
    """Return a table of verdicts whose cells know their column: a narrow page shows each line as a card.

    The roles are said, since a table whose lines are shown as cards is none to a screen reader.
    """
    levels = table.index.nlevels
    heads = [*[""] * (levels - 1), table.columns.name or "", *table.columns]
    above = "".join(
        f'<th role="columnheader" scope="col">{escape(str(head))}</th>' if head else '<td role="cell"></td>'
        for head in heads
    )
    lines = []
    for key, row in zip(table.index, table.itertuples(index=False), strict=True):
        names = key if isinstance(key, tuple) else (key,)
        cells = "".join(
            f'<th role="rowheader" scope="row">{escape(str(name))}</th>' if name else '<td role="cell"></td>'
            for name in names
        )
        cells += "".join(
            f'<td role="cell" data-label="{escape(str(column))}">{escape(str(value))}</td>'
            for column, value in zip(table.columns, row, strict=True)
        )
        lines.append(f'<tr role="row">{cells}</tr>')
    return (
        f'<table class="dataframe verdicts" role="table"><thead role="rowgroup"><tr role="row">{above}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(lines)}</tbody></table>'
    )


def _pairs(lines: pd.DataFrame) -> str:
    """Return what may and may not be written as two lists."""
    parts = []
    for name, heading in (("may", "You may write"), ("may_not", "You may not write")):
        items = "".join(f"<li>{escape(text)}</li>" for text in lines[name])
        parts.append(
            f'<div class="{name.replace("_", "-")}-write"><p><strong>{heading}</strong></p><ul>{items}</ul></div>'
        )
    return "\n".join(parts)


def _one_line_a_control(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return claim and verdict once, and below them one line a control."""
    claim = verdicts[[name for name in _KEYS if name in verdicts]].agg(", ".join, axis=1)
    first = ~claim.duplicated()
    # the verdict first: on a phone the columns to the right are out of sight
    table = pd.DataFrame({"verdict": verdicts["verdict"].where(first, ""), "control": verdicts["control"]})
    if "score" in verdicts and verdicts["score"].nunique() > 1:  # else the chapter says once which it is
        table["score"] = verdicts["score"].fillna("-")
    table["observed - control"] = [_difference(row) for row in verdicts.itertuples()]
    table["margin"] = [_margin(row) for row in verdicts.itertuples()]
    table["p (Holm)"] = ["-" if pd.isna(p) else f"{p:.2g}" for p in verdicts["p_holm"]]
    if verdicts["power"].notna().any():
        table["false alarms, power"] = [_rates(row) for row in verdicts.itertuples()]
    if verdicts["stable"].notna().any():
        table["stable"] = [_stable(row) if new else "" for row, new in zip(verdicts.itertuples(), first, strict=True)]
    return table.set_axis(claim.where(first, "").tolist())


def _side_by_side(verdicts: pd.DataFrame, lines: list[str], across: str) -> pd.DataFrame:
    """Return one line a claim, in each cell the verdict with its smallest difference; None: not asked."""
    asked = verdicts.groupby([*lines, across], sort=False)
    difference = asked["difference"].min().map(" ({:+.2f})".format, na_action="ignore").fillna("")
    shown = asked["word"].first() + difference
    table = shown.unstack(across, sort=False).rename_axis(columns=None)
    table.index.names = [None] * len(lines)
    return table


def _apart(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return a table for each group of claims that share columns: empty ones would push others off a narrow page."""
    asked = table.notna().to_numpy().astype(int)
    n, group = connected_components(asked @ asked.T, directed=False)
    parts = [table[group == number].dropna(axis="columns", how="all") for number in range(n)]
    return [part.fillna("-") for part in parts]


def _difference(row: Any) -> str:
    if pd.isna(row.difference):
        return "-"
    if pd.isna(row.ci_low):
        return f"{row.difference:+.3f}"
    return f"{row.difference:+.3f} [{row.ci_low:+.3f}, {row.ci_high:+.3f}]"


def _margin(row: Any) -> str:
    if pd.isna(row.margin) or pd.isna(row.difference):
        return "-"
    return f"{row.margin:g}" if pd.isna(row.reachable) or row.reachable else f"{row.margin:g}, out of reach"


def _rates(row: Any) -> str:
    return "-" if pd.isna(row.power) else f"{row.false_alarm:.0%}, {row.power:.0%}"


def _stable(row: Any) -> str:
    """Return in how many of how many draws, with what was drawn."""
    return "-" if pd.isna(row.stable) else f"{row.stable:.0%}"
