"""One type for what experiments return: a manifest and three tidy tables, to and from JSON, Parquet and notebooks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explaint_lib._common import ExplaintError, atomic_path, write_json

#: What a result is called among the outputs of a notebook's cell (a "vnd." type, as Jupyter asks of data of its own).
MIME = "application/vnd.explaint.result+json"

_TEXT = (
    "norms", "model", "mapper", "condition", "metric", "claim", "question", "control", "score", "verdict", "predictor",
    "negatives", "split", "templates", "reference", "candidates", "similarity", "level", "method", "other", "world",
    "asks", "varied", "word", "twin", "sentence", "page", "continuation",
)  # fmt: skip
_WHOLE = (
    "layer", "components", "seed", "untrained_seed", "n_words", "n_features", "n_permutations", "n", "untrained_seeds",
    "text", "draws", "worlds", "supported", "refuted", "n_calibrated", "kept",
)  # fmt: skip
_NUMBER = (
    "value", "ci_low", "ci_high", "p_value", "p_holm", "chance", "difference", "accuracy", "accuracy_unseen_template",
    "se", "df", "margin", "stable", "false_alarm", "power", "sd_folds",
)  # fmt: skip
#: The type of each column that a table of a result may hold, by name: what a name means is the same in every table.
COLUMNS: dict[str, str] = (
    dict.fromkeys(_TEXT, "str")
    | dict.fromkeys(_WHOLE, "Int64")
    | dict.fromkeys(_NUMBER, "float64")
    | dict.fromkeys(("untrained", "reachable", "truth"), "boolean")
)
_TABLES = ("rows", "tests", "verdicts")

Records = pd.DataFrame | Sequence[Mapping[str, Any]]


def typed(records: Records) -> pd.DataFrame:
    """Return a table with the types of `COLUMNS`; a missing value is a missing value of that type.

    Parameters
    ----------
    records : DataFrame or sequence of mappings
        One mapping a row; None is a missing value.

    Raises
    ------
    ExplaintError
        For columns that `COLUMNS` does not name, or values that are not of its type.

    Examples
    --------
    >>> from explaint_lib import results
    >>> results.typed([{"layer": 6, "value": 0.5}, {"layer": None, "value": None}]).dtypes.astype(str).to_dict()
    {'layer': 'Int64', 'value': 'float64'}
    """
    # rows as objects: pandas would make floats of whole numbers beside a None
    table = records if isinstance(records, pd.DataFrame) else pd.DataFrame(_rows(records), dtype=object)
    if unknown := [str(name) for name in table.columns if name not in COLUMNS]:
        raise ExplaintError(
            f"a result has no column {', '.join(unknown)}; expected some of {', '.join(COLUMNS)}. "
            "A new kind of number gets a name and a type in explaint_lib/results"
        )
    try:
        return table.astype({name: COLUMNS[name] for name in table.columns}).reset_index(drop=True)
    except (TypeError, ValueError, OverflowError) as fault:
        raise ExplaintError(
            f"a column of a result holds something of another type than COLUMNS says: {fault}"
        ) from None


def pick(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """Return the rows of a table that hold these values.

    Parameters
    ----------
    table : DataFrame
    **values
        One value for each column named; None asks for the rows where it is missing.

    Raises
    ------
    ExplaintError
        If the table has no such column.

    Examples
    --------
    >>> from explaint_lib import results
    >>> table = results.typed([{"model": "minilm", "layer": 0}, {"model": "minilm", "layer": 6}])
    >>> results.pick(table, model="minilm", layer=6).index.tolist()
    [1]
    """
    if table.columns.empty:  # a table without a row need not have columns
        return table
    if unknown := [name for name in values if name not in table]:
        raise ExplaintError(
            f"the table has no column {', '.join(unknown)}; it has {', '.join(map(str, table.columns))}"
        )
    for name, value in values.items():
        column = table[name]
        table = table[column.isna() if value is None else (column == value).fillna(False).astype(bool)]
    return table


@dataclass(frozen=True, eq=False)
class Result:
    """What an experiment found, and what it was made from.

    Parameters
    ----------
    experiment : str
        Which experiment: "table", "grid", "hypernymy", "continuity", "attribution", or the name of a chapter.
    manifest : dict
        What `explaint_lib.results.manifest` returns, and what the experiment adds to it: values that JSON can hold.
    rows : DataFrame or sequence of mappings
        One row a measured number, with the columns that tell what it is a number of.
    tests : DataFrame or sequence of mappings
        One row a comparison with a control.
    verdicts : DataFrame or sequence of mappings
        What `explaint_lib.inference.verdicts` returns.

    Raises
    ------
    ExplaintError
        For columns that `COLUMNS` does not name, or values that are not of its type.

    Examples
    --------
    >>> from explaint_lib.results import Result
    >>> rows = [{"condition": "system", "metric": "f1_at_10", "value": 0.31, "ci_low": None}]
    >>> found = Result("table", {"seed": 0}, rows)
    >>> found.rows.value.tolist()
    [0.31]
    >>> found.equals(Result.from_dict(found.to_dict()))
    True
    """

    experiment: str
    manifest: dict[str, Any]
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    verdicts: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        put = object.__setattr__  # frozen: the one moment to set a field
        # as JSON gives it back (lists for tuples), so that a result equals itself after a file
        put(self, "manifest", json.loads(json.dumps(self.manifest, allow_nan=False, default=_plain)))
        for name in _TABLES:
            put(self, name, typed(getattr(self, name)))

    def equals(self, other: Result) -> bool:
        """Return whether two results say the same, number by number; the order of columns says nothing.

        (A notebook is written with the names in alphabetical order.) Nor do the columns of a table without rows.
        """
        same = (self.experiment, self.manifest) == (other.experiment, other.manifest)
        tables = [(getattr(self, name), getattr(other, name)) for name in _TABLES]
        alike = (
            one.empty and another.empty or one[sorted(one)].equals(another[sorted(another)]) for one, another in tables
        )
        return same and all(alike)

    def to_dict(self) -> dict[str, Any]:
        """Return values that JSON can hold: experiment, manifest, and each table as a list of dicts."""
        return {"experiment": self.experiment, "manifest": self.manifest} | {
            name: _records(getattr(self, name)) for name in _TABLES
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Result:
        """Return the result that `to_dict` gave.

        Raises
        ------
        ExplaintError
            If it is something else.
        """
        if not isinstance(found, Mapping) or not {"experiment", "manifest"} <= set(found):
            raise ExplaintError("no result of an experiment: expected experiment, manifest, rows, tests and verdicts")
        return cls(found["experiment"], found["manifest"], *(found.get(name, []) for name in _TABLES))

    def to_json(self, path: str | Path) -> None:
        """Write the result as JSON, whole or not at all."""
        write_json(Path(path), self.to_dict())

    @classmethod
    def from_json(cls, path: str | Path) -> Result:
        """Read what `to_json` wrote.

        Raises
        ------
        ExplaintError
            If the file is absent or holds something else.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text("utf8")))
        except OSError as fault:
            raise ExplaintError(f"{path} cannot be read ({fault.strerror}); give the JSON file of a result") from None
        except ValueError as fault:  # no JSON, no UTF-8, or JSON of something else
            raise ExplaintError(f"{path} holds no result: {fault}") from None

    def to_parquet(self, path: str | Path) -> None:
        """Write the rows as a Parquet table that any reader takes; all else is in the metadata of its schema."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(self.rows, preserve_index=False)
        rest = json.dumps({key: value for key, value in self.to_dict().items() if key != "rows"}, allow_nan=False)
        with atomic_path(Path(path)) as beside:
            pq.write_table(table.replace_schema_metadata((table.schema.metadata or {}) | {MIME.encode(): rest}), beside)

    @classmethod
    def from_parquet(cls, path: str | Path) -> Result:
        """Read what `to_parquet` wrote.

        Raises
        ------
        ExplaintError
            If the file is absent or holds something else.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
        except OSError as fault:
            raise ExplaintError(f"{path} cannot be read ({fault}); give the Parquet file of a result") from None
        except pa.ArrowInvalid as fault:
            raise ExplaintError(f"{path} is no Parquet file: {fault}") from None
        rest = (table.schema.metadata or {}).get(MIME.encode())
        if rest is None:
            raise ExplaintError(f"{path} is a Parquet table without a manifest: not written by Result.to_parquet")
        return cls.from_dict(json.loads(rest) | {"rows": table.to_pandas()})

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return what a notebook shows and keeps: a table to read, and the numbers as data."""
        shown = next((table for name in reversed(_TABLES) if len(table := getattr(self, name))), self.rows)
        return {"text/plain": shown.to_string(), "text/html": shown.to_html(index=False), MIME: self.to_dict()}


def in_notebook(path: str | Path) -> list[Result]:
    """Return the results among the outputs of an executed notebook, in their order.

    Raises
    ------
    ExplaintError
        If the file is no notebook.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> from explaint_lib import results
    >>> shown = results.Result("table", {"seed": 0})._repr_mimebundle_()
    >>> file = pathlib.Path(tempfile.mkdtemp(), "chapter.ipynb")
    >>> _ = file.write_text(json.dumps({"cells": [{"outputs": [{"data": shown}]}]}))
    >>> [found.experiment for found in results.in_notebook(file)]
    ['table']
    """
    try:
        cells: Iterable[Any] = json.loads(Path(path).read_text("utf8"))["cells"]
        found = [output.get("data", {}).get(MIME) for cell in cells for output in cell.get("outputs", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ExplaintError(f"{path} is no notebook that could be read") from None
    return [Result.from_dict(data) for data in found if data is not None]


def _rows(records: Any) -> list[Mapping[str, Any]]:
    """Return the rows of a table, or say that they are none."""
    if not isinstance(records, list | tuple) or not all(isinstance(row, Mapping) for row in records):
        raise ExplaintError(f"expected a list of rows, each with its columns' names and values; found {records!r:.80}")
    return list(records)


def _plain(value: Any) -> Any:
    """Return a number of NumPy as one that JSON can hold."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} in a manifest is nothing that JSON can hold")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows with None for what is missing, and numbers of Python itself."""
    columns = {
        str(name): [None if gone else value for value, gone in zip(column.tolist(), column.isna(), strict=True)]
        for name, column in table.items()
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
