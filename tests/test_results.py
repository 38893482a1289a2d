"""`Result`: the same numbers after JSON, Parquet and a notebook; a wrong column or file is said, never taken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explaint_lib._common import ExplaintError
from explaint_lib.results import MIME, Result, in_notebook, manifest, pick

ROWS = [
    {"norms": "bundled", "model": "minilm", "layer": 6, "metric": "f1_at_10", "value": 0.1 + 0.2, "ci_low": None},
    {"norms": "bundled", "model": "glove", "layer": None, "metric": "f1_at_10", "value": float("nan"), "ci_low": 1e-17},
]
TESTS = [{"metric": "f1_at_10", "control": "shuffled", "p_value": 0.01, "p_holm": None, "n_permutations": 99}]
VERDICTS = [{"claim": "a | claim", "control": "none could be run", "difference": None, "verdict": "cannot tell"}]


@pytest.fixture
def found() -> Result:
    about = manifest(data={"name": "bundled"}, model={"name": "minilm"}, arguments={}, seed=0)
    return Result("table", about, ROWS, TESTS, VERDICTS)


def test_numbers_are_the_same_after_json(found: Result, tmp_path: Path):
    found.to_json(tmp_path / "found.json")
    again = Result.from_json(tmp_path / "found.json")
    assert again.equals(found) and again.rows.value[0] == 0.1 + 0.2
    assert json.loads((tmp_path / "found.json").read_text())["rows"][1]["value"] is None  # JSON has no NaN
    assert again.rows.dtypes["layer"] == "Int64" and pd.isna(again.rows.layer[1])


def test_numbers_are_the_same_after_parquet_and_any_reader_reads_the_rows(found: Result, tmp_path: Path):
    found.to_parquet(tmp_path / "found.parquet")
    assert Result.from_parquet(tmp_path / "found.parquet").equals(found)
    assert pd.read_parquet(tmp_path / "found.parquet").value[0] == 0.1 + 0.2


def test_a_notebook_keeps_the_numbers_beside_what_it_shows(found: Result, tmp_path: Path):
    shown = json.loads(json.dumps(found._repr_mimebundle_(), allow_nan=False))
    assert "a | claim" in shown["text/html"] and "a | claim" in shown["text/plain"]
    other = {"data": {"text/plain": "no result"}}
    cells = [{"cell_type": "markdown"}, {"outputs": [other, {"data": shown}]}, {"outputs": [{"name": "stdout"}]}]
    (tmp_path / "chapter.ipynb").write_text(json.dumps({"cells": cells}, sort_keys=True))  # as nbformat does
    (again,) = in_notebook(tmp_path / "chapter.ipynb")
    assert again.equals(found)


def test_a_manifest_is_what_json_gives_back():
    about = {"limits": (1, 2), "words": ["a"]}
    found = Result("flow", about)
    found.manifest["words"].append("b")
    assert found.manifest == {"limits": [1, 2], "words": ["a", "b"]} and about["words"] == ["a"]
    with pytest.raises(TypeError):
        Result("flow", {"rows": np.zeros(2)})


def test_an_empty_result_goes_round_too(tmp_path: Path):
    nothing = Result("flow", {})
    nothing.to_json(tmp_path / "n.json")
    nothing.to_parquet(tmp_path / "n.parquet")
    assert Result.from_json(tmp_path / "n.json").equals(nothing) and "text/html" in nothing._repr_mimebundle_()
    assert Result.from_parquet(tmp_path / "n.parquet").equals(nothing)


def test_results_differ_where_a_number_differs(found: Result):
    other = Result("table", found.manifest, [ROWS[0] | {"value": 0.3}, ROWS[1]], TESTS, VERDICTS)
    assert not found.equals(other) and not found.equals(Result("grid", found.manifest, ROWS, TESTS, VERDICTS))


def test_numbers_of_numpy_become_numbers_of_json(found: Result):
    rows = [{"layer": np.int64(3), "value": np.float64(0.5), "untrained": np.bool_(True)}]
    assert json.dumps(Result("table", {}, rows).to_dict()["rows"]) == '[{"layer": 3, "value": 0.5, "untrained": true}]'

    about = {"seed": np.int64(3), "rate": np.float32(0.5), "few": [np.bool_(True)]}
    assert Result("table", about).manifest == {"seed": 3, "rate": 0.5, "few": [True]}


def test_a_whole_number_beside_a_missing_one_keeps_every_digit(tmp_path: Path):
    found = Result("grid", {}, [{"untrained_seed": 2**60 + 1}, {"untrained_seed": None}, {}])
    found.to_json(tmp_path / "found.json")
    assert found.rows.untrained_seed[0] == 2**60 + 1 and Result.from_json(tmp_path / "found.json").equals(found)
    with pytest.raises(ExplaintError, match="holds something of another type"):
        Result("grid", {}, [{"seed": 2**70}])  # no column of whole numbers holds it


def test_a_table_without_rows_needs_no_columns(tmp_path: Path):
    found = Result("grid", {}, ROWS, pd.DataFrame(columns=["metric", "control"]))
    found.to_json(tmp_path / "found.json")
    again = Result.from_json(tmp_path / "found.json")
    assert again.equals(found) and found.equals(again) and not found.equals(Result("grid", {}, ROWS, TESTS))
    assert pick(again.tests, control="shuffled").empty and pick(found.tests, control="shuffled").empty


def test_a_column_without_a_name_or_of_another_type_is_refused():
    with pytest.raises(ExplaintError, match="a result has no column colour; expected some of norms"):
        Result("table", {}, [{"colour": 1}])
    with pytest.raises(ExplaintError, match="holds something of another type"):
        Result("table", {}, [{"value": "high"}])
    with pytest.raises(ExplaintError, match="holds something of another type"):
        Result("table", {}, [{"layer": 1.5}])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rows": []}', "\x00"])
def test_a_file_of_something_else_is_said_to_be(text: str, tmp_path: Path):
    (tmp_path / "file").write_text(text)
    with pytest.raises(ExplaintError, match="no result"):
        Result.from_json(tmp_path / "file")
    with pytest.raises(ExplaintError, match="no Parquet file"):
        Result.from_parquet(tmp_path / "file")
    with pytest.raises(ExplaintError, match="no notebook"):
        in_notebook(tmp_path / "file")


@pytest.mark.parametrize("rows", [None, 5, [5], "abc", {"model": {"0": "a"}}])
def test_a_table_of_something_else_is_said_to_be(rows: object, tmp_path: Path):
    (tmp_path / "file").write_text(json.dumps({"experiment": "table", "manifest": {}, "rows": rows}))
    with pytest.raises(ExplaintError, match="holds no result: expected a list of rows"):
        Result.from_json(tmp_path / "file")


@pytest.mark.parametrize("cells", [[5], [{"outputs": [5]}], [{"outputs": [{"data": None}]}]])
def test_a_notebook_with_something_else_for_cells_is_said_to_be_none(cells: object, tmp_path: Path):
    (tmp_path / "file").write_text(json.dumps({"cells": cells}))
    with pytest.raises(ExplaintError, match="no notebook"):
        in_notebook(tmp_path / "file")


def test_an_absent_file_and_a_table_without_manifest(tmp_path: Path):
    pd.DataFrame(ROWS).to_parquet(tmp_path / "plain.parquet")
    with pytest.raises(ExplaintError, match="without a manifest"):
        Result.from_parquet(tmp_path / "plain.parquet")
    for read in (Result.from_json, Result.from_parquet):
        with pytest.raises(ExplaintError, match="cannot be read"):
            read(tmp_path / "absent")


def test_the_type_is_one_that_jupyter_takes():
    assert MIME.startswith("application/vnd.") and MIME.endswith("+json")


def test_rows_are_picked_by_value_and_by_what_is_missing(found: Result):
    assert pick(found.rows, model="minilm").layer.tolist() == [6] and len(pick(found.rows, metric="f1_at_10")) == 2
    assert pick(found.rows, layer=6).model.tolist() == ["minilm"]  # a missing value equals nothing
    assert pick(found.rows, layer=None).model.tolist() == ["glove"] and pick(found.rows, model="none").empty
    with pytest.raises(ExplaintError, match="no column colour; it has norms, model"):
        pick(found.rows, colour="red")
