"""Results of an audit as values that JSON can hold, under a published schema: numbers, words, and what may be written.

What it does not license: a word without its controls; one that was left out, or could not be run, stands in the
verdict itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any

import pandas as pd

from explaint_lib import inference
from explaint_lib.audit._claims import Claim, ClaimFile
from explaint_lib.audit._found import Found
from explaint_lib.results import Result, manifest, may_write

SCHEMA = "explaint-audit/1"
_COLUMNS = (
    "control", "score", "difference", "ci_low", "ci_high", "p_value", "p_holm", "margin", "reachable", "n", "varied",
    "draws", "false_alarm", "power", "n_calibrated",
)  # fmt: skip


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``results.json``.

    Examples
    --------
    >>> from explaint_lib import audit
    >>> audit.results_schema()["$id"]
    'explaint-audit/1'
    """
    text = (resources.files("explaint_lib") / "data" / "audit_schema.json").read_text("utf8")
    return dict(json.loads(text))


def judged(claims: ClaimFile, found: Mapping[str, Found]) -> pd.DataFrame:
    """Return the table of verdicts: the rule, corrected over all claims of the file."""
    asked = {claim.id: found[claim.id].comparisons for claim in claims.claims}
    scores = {one.score for own in asked.values() for one in own if one.score is not None}
    own = {score: claims.margins[score.partition(" with ")[0]] for score in scores}  # an agreement has one margin
    return inference.verdicts(asked, smallest_effect=own or claims.margins)


def results_of(claims: ClaimFile, found: Mapping[str, Found], earlier: list[str]) -> dict[str, Any]:
    """Return what ``results.json`` holds."""
    table = judged(claims, found)
    about = manifest(data={}, model={}, arguments={}, seed=0)
    listed = [_claim(claim, found[claim.id], table[table["claim"] == claim.id]) for claim in claims.claims]
    words = [one["word"] for one in listed]
    return {
        "schema": SCHEMA,
        "claim_file": {"name": claims.name, "sha256": claims.sha256, "earlier": earlier},
        "made_with": {key: about[key] for key in ("explaint", "versions", "platform")} | {"profile": claims.profile},
        "counts": {word: words.count(word) for word in inference.WORDS},
        "claims": listed,
    }


def _claim(claim: Claim, found: Found, rows: pd.DataFrame) -> dict[str, Any]:
    word, verdict = str(rows["word"].iloc[0]), str(rows["verdict"].iloc[0])
    left = [{"control": name, "because": claim.because} for name in claim.leave_out]
    not_run = [{"control": name, "why": why} for name, why in found.not_run.items()]
    lacking = [*(f"{one['control']} left out" for one in left), *(f"{name} not run" for name in found.not_run)]
    if lacking:
        verdict += f" ({'; '.join(lacking)})"
    over = _passed_over(rows, word)
    verdict += f" ({'; '.join(f'{name} passed over' for name in over)})" if over else ""
    may, may_not = _may(claim, found, rows[~rows["control"].isin(over)])
    source = {key: _name_alone(key, value) for key, value in claim.source.items()}
    stable = rows["stable"].iloc[0]
    keeps = {one.name: one for one in claim.kind.controls(claim.options)}
    return {
        "id": claim.id,
        "type": claim.kind.name,
        "sentence": claim.sentence,
        "options": claim.options,
        "source": source,
        "data": found.data,
        "model": found.model,
        "assumes": claim.kind.assumes,
        "at_most": claim.kind.at_most,
        "word": word,
        "verdict": verdict,
        "stable": None if pd.isna(stable) else float(stable),
        "left_out": left,
        "not_run": not_run,
        "passed_over": over,
        "notes": list(found.notes),
        "levels": {name: _number(value) for name, value in found.levels.items()},
        "controls": [
            _row({str(name): value for name, value in row.items()})
            | {"keeps": keeps[row["control"]].keeps, "chapter": keeps[row["control"]].chapter}
            for row in rows.to_dict("records")
            if row["control"] in keeps
        ],
        "may": may,
        "may_not": may_not,
    }


def _passed_over(rows: pd.DataFrame, word: str) -> list[str]:
    """Return the controls that a supported claim does not lie above: calibration showed that they decide nothing."""
    below = rows["ci_low"].isna() | (rows["ci_low"] <= 0)
    return rows.loc[below, "control"].tolist() if word == "supported" else []


def _may(claim: Claim, found: Found, rows: pd.DataFrame) -> tuple[str, str]:
    """Return the sentence that may be written, and the one that may not."""
    # the claim as a sentence of its own in place of its id
    said = rows.assign(claim=claim.sentence)
    about = {"data": {"name": found.data.get("norms", found.data.get("name", "these data"))}}
    about["model"] = {"name": found.model.get("name", "this model")}
    line = may_write(Result("audit", about, verdicts=said)).iloc[0]
    missing = [*claim.leave_out, *found.not_run]
    unless = f" Not excluded, since it was not run: {', '.join(missing)}." if missing else ""
    return str(line["may"]) + unless, str(line["may_not"])


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _number(row.get(name)) for name in _COLUMNS}


def _number(value: Any) -> Any:
    """Return a value that JSON can hold: None for what is missing or not finite."""
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def _name_alone(key: str, value: Any) -> Any:
    """Return a file's name without its folder, so that results of two machines are alike."""
    return (
        str(value).replace("\\", "/").rpartition("/")[2]
        if key in ("vectors", "predictions", "text") and value
        else value
    )
