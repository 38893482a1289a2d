"""The table at the end of a chapter: claims, controls, differences, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


def verdict_table(verdicts: pd.DataFrame | Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return verdicts as a chapter shows them: one line a control, each claim and its verdict written once.

    Parameters
    ----------
    verdicts : DataFrame or list of dict
        What `explaint_lib.inference.verdicts` returns.

    Returns
    -------
    DataFrame
        Index: the claim, empty below its first line. Columns: control, observed - control (with its 95 % interval),
        p (Holm), verdict. A claim that could not be tested has "-" for its numbers.
    """
    frame = pd.DataFrame(verdicts)
    first = ~frame["claim"].duplicated()
    return pd.DataFrame({
        "control": frame["control"],
        "observed - control": [_difference(row) for row in frame.to_dict("records")],
        "p (Holm)": ["-" if pd.isna(p) else f"{p:.2g}" for p in frame["p_holm"]],
        "verdict": frame["verdict"].where(first, ""),
    }).set_axis(frame["claim"].where(first, "").tolist())  # fmt: skip


def _difference(row: Mapping[str, Any]) -> str:
    if pd.isna(row["difference"]):
        return "-"
    seen, low, high = (f"{row[key]:+.3f}" for key in ("difference", "ci_low", "ci_high"))
    return f"{seen} [{low}, {high}]"
