"""The table of a grid and its manifest, as files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from explaint_lib._common import ExplaintError, atomic_path, check_writable, csv_text, write_json
from explaint_lib.experiments.grid._cells import Cell, made_by
from explaint_lib.experiments.grid._declare import Model
from explaint_lib.experiments.grid._plan import Plan
from explaint_lib.results import COLUMNS, Result, manifest, typed

SUFFIXES = (".parquet", ".csv")
_CELL = ("norms", "model", "untrained_seed", "layer", "mapper", "components", "seed")  # what names a cell
_VALUE = ("value", "ci_low", "ci_high", "sd_folds", "n_words", "n_features")
_TEST = ("p_value", "p_holm", "n_permutations", "difference", "se", "df", "n")


def checked_target(out: str | Path) -> Path:
    """Return the file to write to, or say before the long run why that will not do."""
    target = Path(out)
    if target.suffix not in SUFFIXES:
        raise ExplaintError(f"the table is written as {' or '.join(SUFFIXES)}, found {target.name!r}")
    check_writable(target)
    return target


def manifest_file(target: Path) -> Path:
    """Return where the manifest of a table is: beside it."""
    return target.with_name(f"{target.stem}.manifest.json")


def wide_table(plan: Plan) -> pd.DataFrame:
    """Return the table of all cells, read from the cache in the order of the grid; each test on its control's row."""
    records = [record for cell in plan.cells for record in _records(plan, cell)]
    columns = [*_CELL, "condition", "metric", *_VALUE, *_TEST]
    return typed(records)[columns]


def _records(plan: Plan, cell: Cell) -> list[dict[str, Any]]:
    """Return the rows of one cell, each test beside the condition that it compares the system with."""
    kept = plan.result(cell)
    rows = {(row["condition"], row["metric"]): row for row in kept["rows"]}
    tests = {(test["control"], test["metric"]): test for test in kept["tests"]}
    about = {"untrained_seed": cell.model.untrained, "components": cell.components, "seed": cell.seed}
    nothing = dict.fromkeys(_TEST)
    wanted = [(condition, metric) for condition in cell.conditions for metric in plan.grid.axes.metrics]
    wanted = [(condition, metric) for condition, metric in wanted if metric not in plan.left_out[cell.norms]]
    return [rows[key] | about | nothing | tests.get(key, {}) for key in wanted]


def result(plan: Plan, table: pd.DataFrame) -> Result:
    """Return the rows, the tests and the manifest of a grid from its table."""
    tested = table[table["n_permutations"].notna()].rename(columns={"condition": "control"})
    tests = tested[[*_CELL, "metric", "control", *_TEST]]
    return Result("grid", _manifest(plan), table.drop(columns=[*_TEST]), tests)


def write(table: pd.DataFrame, about: dict[str, Any], target: Path) -> None:
    """Write the table and its manifest; the same table gives the same bytes.

    A manifest never stands beside another table than its own, wherever a run is killed: the old manifest goes first,
    then the table comes, then the new manifest.
    """
    with atomic_path(manifest_file(target)) as beside_manifest, atomic_path(target) as beside:
        if target.suffix == ".csv":
            texts = {name: table[name].map(csv_text) for name in table.columns if COLUMNS[name] == "str"}
            table.assign(**texts).to_csv(beside, index=False, lineterminator="\n")
        else:
            table.to_parquet(beside, index=False)
        digest = hashlib.sha256(beside.read_bytes()).hexdigest()
        write_json(beside_manifest, about | {"table": {"file": target.name, "n_rows": len(table), "sha256": digest}})
        manifest_file(target).unlink(missing_ok=True)


def _manifest(plan: Plan) -> dict[str, Any]:
    """Return what the table was made from. Nothing in it changes between two runs of one grid on one machine."""
    about = manifest(
        data={name: data.describe() for name, data in plan.norms.items()},
        model={_label(model): _on_device(found.measured, plan.device) for model, found in plan.models.items()},
        arguments=plan.grid.as_dict() | {"device": plan.device},
        seed=list(plan.grid.axes.seeds),
    )
    left_out = {name: words for name, words in plan.dropped.items() if words and plan.grid.drop_missing}
    return about | {
        "code": made_by()["code"],
        "n_cells": len(plan.cells),
        "dropped_words": left_out,
        "metrics_left_out": {name: lacks for name, lacks in plan.left_out.items() if lacks},
        "words_of_one_vector": one_vector(plan),
    }


def _on_device(measured: dict[str, Any] | None, device: str) -> dict[str, Any] | None:
    """Return what was measured of a model, with the device that made its vectors; a table is read by no device."""
    return measured if measured is None or measured["family"] == "static" else measured | {"device": device}


def one_vector(plan: Plan) -> dict[str, list[list[str]]]:
    """Return the words that a model of the grid cannot tell apart, by norms, model and layer."""
    found = {}
    for cell in plan.cells:
        if alike := plan.result(cell)["words_of_one_vector"]:
            found[f"{cell.norms}, {_label(cell.model)}, layer {cell.layer}"] = alike
    return found


def _label(model: Model) -> str:
    more = [f"at {model.revision}"] if model.revision else []
    more += [f"untrained, seed {model.untrained}"] if model.untrained is not None else []
    return ", ".join([model.name, *more])
