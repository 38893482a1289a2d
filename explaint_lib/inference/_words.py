"""Verdicts as sentences: what was found, by how much, against which control, and how far it can be trusted.

What it controls for: a number typed into prose, which stays when the result goes. What it does not license: a sentence
says no more than the row it was made from; the claim, the norms and the model have to be named beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from explaint_lib._common import ExplaintError


def in_words(verdicts: pd.DataFrame, *, by: Sequence[str] = ("claim",)) -> pd.Series:
    """Return one or two sentences for each claim of a table of verdicts.

    Parameters
    ----------
    verdicts : DataFrame
        What `verdicts` returns.
    by : sequence of str
        The columns that name a claim, as they were given to `verdicts`.

    Returns
    -------
    Series of str
        By claim, in the table's order. The sentence gives the verdict, the difference to the control that decides it
        (of a supported claim the one that comes nearest), its interval, and where it is below four fifths the share of
        draws that alone would have given the same verdict.

    Raises
    ------
    ExplaintError
        If a column is missing.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> one = inference.Comparison("mean profile", difference=0.1, se=0.02, p_value=0.001, score="F1@10")
    >>> found = inference.verdicts({"The vectors say something": [one]}, smallest_effect=0.02)
    >>> print(inference.in_words(found)["The vectors say something"])
    Supported: F1@10 lies 0.100 above mean profile (interval +0.061 to +0.139).
    """
    if missing := sorted({*by, "word", "verdict", "control", "difference", "ci_low", "ci_high"} - set(verdicts)):
        raise ExplaintError(
            f"verdicts in words need the columns that `verdicts` returns; missing: {', '.join(missing)}"
        )
    said = {}
    for key, rows in verdicts.groupby(list(by), sort=False):
        said[key[0] if len(by) == 1 else key] = _sentence(rows)
    return pd.Series(said, dtype=str)


def _sentence(rows: pd.DataFrame) -> str:
    """Return the sentences of one claim."""
    tested = rows[rows["difference"].notna()]
    verdict = str(rows["verdict"].iloc[0])
    if tested.empty:
        return "Not tested: no control could be run."
    word = str(rows["word"].iloc[0])
    deciding = _deciding(tested, word, verdict)
    text = f"{verdict[0].upper()}{verdict[1:]}: {_difference(deciding)}{_why(deciding, word)}."
    stable, draws = deciding.get("stable"), deciding.get("draws")
    if not pd.isna(stable) and stable < 0.8 and not pd.isna(draws):
        text += f" Of {int(draws)} draws of {deciding['varied']}, {stable:.0%} alone would have given this verdict."
    return text


def _deciding(tested: pd.DataFrame, word: str, verdict: str) -> dict[str, Any]:
    """Return the row whose number the sentence gives: of the controls that the verdict names, the nearest."""
    named = tested[[str(control) in verdict for control in tested["control"]]]
    rows = named if word != "supported" and len(named) else tested
    return {str(name): value for name, value in rows.sort_values("difference").iloc[0].items()}


def _difference(row: dict[str, Any]) -> str:
    score = "the score" if pd.isna(row.get("score")) else row["score"]
    side = "above" if row["difference"] >= 0 else "below"
    text = f"{score} lies {abs(row['difference']):.3f} {side} {row['control']}"
    if np.isnan(row["ci_low"]):
        return text
    return f"{text} (interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f})"


def _why(row: dict[str, Any], word: str) -> str:
    """Return what the number means, where the verdict's own words do not say it."""
    margin = row.get("margin")
    if word == "cannot tell":
        if np.isnan(row["ci_low"]):
            return ", and one draw does not show by how much it varies"
        return (
            ""
            if pd.isna(row.get("reachable")) or row["reachable"]
            else f"; a margin of {margin:g} is out of reach here"
        )
    if word in ("equivalent", "no better"):
        return f", where {margin:g} would matter"
    return {"alarm": "; look for a fault before reading it", "no verdict": ", a number that decides nothing"}.get(
        word, ""
    )
