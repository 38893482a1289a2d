"""Read any table file into cells of text, the same for every format, so that one set of rules reads them all.

What it controls for: the guesses of table readers. The word "null" stays a word, the word "true" stays a
word (a spreadsheet stores it as a truth value), 28.0 becomes "28", outer spaces go, a header that occurs
twice raises instead of becoming "size.1". What it does not license: trusting the cells; the schemas check
them.
"""

from __future__ import annotations

import os
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from explaint_lib._common import ExplaintError

# How norm files write a missing number; compared without case. Never applied to words.
MISSING = ("", "na", "n/a", "nan", "null", "none", "#n/a")
_SPECIAL = dict.fromkeys(MISSING, np.nan) | {"true": 1.0, "false": 0.0}

# what the readers of the formats raise for a file that is not what its ending says
UNREADABLE = (pd.errors.ParserError, zipfile.BadZipFile, KeyError, OSError, ValueError)

SUFFIXES = (".parquet", ".csv", ".tsv", ".txt", ".xlsx")


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table file into a frame of stripped strings; an empty cell is the empty string.

    Of a workbook the first sheet is read. Columns without a header and without cells are left out, and so are
    rows without cells. `attrs` of a Parquet file survive (`explaint norms add` keeps the source there).

    Raises
    ------
    ExplaintError
        For a file that is not there, cannot be parsed, holds no rows, or whose header has gaps or
        repetitions.
    """
    path = Path(path)
    if not path.is_file():
        raise ExplaintError(f"no such file: {path}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ExplaintError(f"{path.name}: expected a file ending in {', '.join(SUFFIXES)}, found {suffix or 'none'!r}")
    try:
        if suffix == ".parquet":
            raw = pd.read_parquet(path)
            attrs, header = raw.attrs, [_text(label) for label in raw.columns]
        else:
            raw = _read_xlsx(path) if suffix == ".xlsx" else _read_text(path)
            attrs, header = {}, [_text(cell) for cell in raw.iloc[0]] if len(raw) else []
            raw = raw.iloc[1:]
    except UnicodeDecodeError as fault:
        raise ExplaintError(f"{path.name} is not UTF-8 text ({fault}); save it as UTF-8 and try again") from None
    except UNREADABLE as fault:
        raise ExplaintError(f"{path.name} cannot be read as a {suffix[1:]} table: {fault}") from None
    table = pd.DataFrame({i: _texts(raw.iloc[:, i]) for i in range(raw.shape[1])}, dtype=object)
    table = _named(table, header, path.name)
    table = table[(table != "").any(axis=1)].reset_index(drop=True)
    if table.empty:
        raise ExplaintError(f"{path.name} holds a header and no rows")
    table.attrs = dict(attrs)
    return table


def read_header(path: str | os.PathLike[str]) -> list[str]:
    """Return the column names of a table file without reading its rows (a whole workbook takes seconds)."""
    path = Path(path)
    try:
        if path.suffix.lower() == ".parquet":
            return [str(label) for label in pq.read_schema(path).names]
        raw = _read_xlsx(path, n_rows=1) if path.suffix.lower() == ".xlsx" else _read_text(path, n_rows=1)
    except UNREADABLE as fault:
        raise ExplaintError(f"{path.name} cannot be read: {fault}") from None
    return [label for label in map(_text, raw.iloc[0]) if label] if len(raw) else []


def columns_by_lower_name(table: pd.DataFrame) -> dict[str, str]:
    """Return the columns under their lower-case names, so that "word" finds "Word"."""
    return {str(column).lower(): str(column) for column in table.columns}


def numbers(table: pd.DataFrame, column: str, name: str) -> np.ndarray:
    """Return a column as float64 of shape (n_rows,), NaN where the cell says missing (see `MISSING`).

    Raises
    ------
    ExplaintError
        For a cell that is neither a number nor a mark of missing data, naming its row.
    """
    cells = table[column].to_numpy(dtype=object)
    parsed = pd.to_numeric(pd.Series(cells), errors="coerce").to_numpy(dtype=np.float64, copy=True)
    for row in np.flatnonzero(~np.isfinite(parsed)):  # few, or none
        parsed[row] = _SPECIAL.get(cells[row].lower(), np.inf)
    bad = np.flatnonzero(np.isinf(parsed))
    if len(bad):
        raise ExplaintError(
            f"{name}: column {column!r} must hold numbers, found {cells[bad[0]]!r} in data row {bad[0] + 1}"
            + (f" and {len(bad) - 1} more such cells" if len(bad) > 1 else "")
            + "; write a decimal point, and leave a missing cell empty or write na"
        )
    return parsed


def _read_xlsx(path: Path, n_rows: int | None = None) -> pd.DataFrame:
    with warnings.catch_warnings():
        # openpyxl warns about spreadsheet decoration it does not keep; we keep the cells only
        warnings.simplefilter("ignore", UserWarning)
        return pd.read_excel(
            path, header=None, dtype=object, keep_default_na=False, engine="openpyxl", nrows=n_rows
        )  # fmt: skip


def _read_text(path: Path, n_rows: int | None = None) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.readline()
    # the separator that the header uses most, whatever the file is called
    separator = max("\t;,", key=head.count)
    return pd.read_csv(path, sep=separator, header=None, dtype=str, na_filter=False, encoding="utf-8-sig", nrows=n_rows)


def _texts(column: pd.Series) -> list[str]:
    return list(map(_text, column.tolist()))


def _text(cell: object) -> str:
    """Write a cell as the text a reader sees; truth values in lower case, whole floats without the point."""
    if isinstance(cell, str):
        return cell.strip()
    if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell:
        return ""
    if isinstance(cell, (bool, np.bool_)):
        return "true" if cell else "false"
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()


def _named(table: pd.DataFrame, header: list[str], name: str) -> pd.DataFrame:
    """Put the header on, leaving out columns that have neither a header nor cells."""
    keep = [i for i, label in enumerate(header) if label or (table[i] != "").any()]
    unnamed = [i + 1 for i in keep if not header[i]]
    if unnamed:
        raise ExplaintError(
            f"{name}: column {unnamed[0]} holds cells and has no header; the first row must name all columns"
        )
    twice = [label for label, count in Counter(header[i] for i in keep).items() if count > 1]
    if twice:
        raise ExplaintError(f"{name}: the header names {', '.join(map(repr, twice[:5]))} more than once")
    table = table[keep]
    table.columns = pd.Index([header[i] for i in keep], dtype=object)
    return table
