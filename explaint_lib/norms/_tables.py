"""Read any table file into cells of text, the same for every format, so that one set of rules reads them all.

What it controls for: the guesses of table readers. The word "null" stays a word, the word "true" stays a word (a
spreadsheet stores it as a truth value), 28.0 becomes "28", outer spaces go, a header that occurs twice raises instead
of becoming "size.1", a line that is too short is no word without ratings. What a file holds decides how it is read,
not what it is called. What it does not license: trusting the cells; `explaint_lib.norms._checks` looks at them.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from explaint_lib._common import ExplaintError
from explaint_lib.norms._checks import MISSING, Table, lines, one_form
from explaint_lib.norms._text_files import MAX_CELLS, Record, read_text
from explaint_lib.norms._workbooks import cell_text, read_workbook

# The endings under which a file in the data folder is taken for norms; a path may end as it likes.
SUFFIXES = (".parquet", ".csv", ".tsv", ".txt", ".xlsx", ".dat")

# How pandas writes that a column has no name
_NO_NAME = re.compile(r"Unnamed: \d+(_level_\d+)?|__index_level_\d+__")
_OTHER_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an old workbook (.xls)",
    b"\x1f\x8b": "packed (gzip)",
    b"BZh": "packed (bzip2)",
    b"\xfd7zXZ": "packed (xz)",
    b"Rar!": "packed (rar)",
    b"$FL2": "a file of SPSS",
    b"RDX": "a file of R",
    b"%PDF": "a PDF",
}


def read_table(
    path: str | os.PathLike[str],
    *,
    sheet: str | None = None,
    separator: str | None = None,
    fits: Callable[[Sequence[str]], bool] = lambda columns: True,
) -> Table:
    """Read a table file (text, workbook or Parquet, by its content) into cells of text.

    Columns without a name and without cells are left out, and so are rows without cells. An unnamed first column that
    counts the rows, as R and pandas write it, is left aside with a note. A header of two rows ("AROU" above "M", "SD"
    and "N") becomes one ("AROU.M").

    Parameters
    ----------
    path : str or path
    sheet : str, optional
        The sheet of a workbook; else the only one that holds cells, or the only one whose columns `fits`.
    separator : str, optional
        Of a text file: tab, comma, semicolon, space, bar or a character; else the one on which its lines agree.
    fits : callable
        Tells from the names of columns whether they make a table of norms.

    Returns
    -------
    Table
        With what is wrong with the file in `problems`: `Table.check` raises them, all at once.

    Raises
    ------
    ExplaintError
        For a file that is not there, cannot be parsed at all, or holds no rows.
    """
    path = Path(path)
    form = _file_format(path, sheet, separator)
    attrs: dict[str, Any] = {}
    notes: list[str] = []
    if form == "parquet":
        records, attrs, notes = _read_parquet(path)
        problems: list[str] = []
    elif form == "xlsx":
        records, problems, notes = read_workbook(path, sheet, fits)
    else:
        records, problems = read_text(path, separator)
    found = Table(path.name, unit="line" if form == "text" else "row", problems=problems, notes=notes, attrs=attrs)
    found.unread = bool(problems)
    if not records:
        found.check()
        raise ExplaintError(f"{path.name} cannot be read: it is empty")
    header, rows = _header([cells for _, cells in records[:3]])
    _fill_rows(found, header, records[rows:], by_length=form == "text")
    if found.cells.empty:
        found.check()
        raise ExplaintError(f"{path.name} holds a header and no rows")
    return found


def read_header(
    path: str | os.PathLike[str], fits: Callable[[Sequence[str]], bool] = lambda columns: True
) -> tuple[list[str], dict[str, Any]]:
    """Return the column names of a table file, and what a Parquet file keeps besides, without reading all its rows.

    Raises
    ------
    ExplaintError
        For a file that cannot be read.
    """
    path = Path(path)
    form = _file_format(path, None, None)
    if form == "parquet":
        with _parquet_faults(path):
            schema = pq.read_schema(path)
            return [str(label) for label in schema.names], _stored_attributes(schema)
    if form == "xlsx":
        records = read_workbook(path, None, fits, header_only=True)[0]
    else:
        records = read_text(path, None, n_lines=3)[0]
    heads = [cells for _, cells in records]
    return [label for label in _header(heads)[0] if label] if heads else [], {}


def _file_format(path: Path, sheet: str | None, separator: str | None) -> str:
    """Return what a file holds, by its first bytes: "parquet", "xlsx" or "text"."""
    try:
        if path.is_dir():
            raise ExplaintError(f"{path} is a folder; name a file in it")
        if not path.is_file():
            raise ExplaintError(f"no such file: {path}")
        with path.open("rb") as file:
            head = file.read(8)
    except (OSError, ValueError) as fault:  # no permission, a name too long, a NUL in it
        if isinstance(fault, ExplaintError):
            raise
        reason = getattr(fault, "strerror", None) or fault
        raise ExplaintError(
            f"cannot read {str(path)[:200]!r}: {reason}; give the path of a file you may read"
        ) from None
    other = next((what for mark, what in _OTHER_FORMATS.items() if head.startswith(mark)), None)
    if other:
        raise ExplaintError(f"{path.name} is {other}; save it as CSV, TSV, XLSX or Parquet and try again")
    form = {b"PAR1": "parquet", b"PK\x03\x04": "xlsx"}.get(head[:4], "text")
    named = path.suffix.lower().removeprefix(".")
    if named in ("parquet", "xlsx") and named != form:
        raise ExplaintError(f"{path.name} cannot be read as a {named} table: its content is something else")
    if sheet is not None and form != "xlsx":
        raise ExplaintError(f"{path.name} has no sheets: --sheet is for workbooks (.xlsx)")
    if separator is not None and form != "text":
        raise ExplaintError(f"{path.name} is no text: --separator is for text files")
    return form


def _read_parquet(path: Path) -> tuple[list[Record], dict[str, Any], list[str]]:
    """Return the rows of a Parquet file, what `explaint norms add` kept in it, and notes."""
    with _parquet_faults(path):
        facts = pq.read_metadata(path)
        if facts.num_rows * facts.num_columns > MAX_CELLS:
            raise ExplaintError(f"{path.name} holds more than {MAX_CELLS:,} cells, the limit; drop words or columns")
        table = pq.read_table(path)
        # pandas stores its row index as a last column; a table that was written with one shows it first
        places = sorted(range(table.num_columns), key=lambda place: not _NO_NAME.fullmatch(table.column_names[place]))
        nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
        places = [place for place in places if table.column_names[place] not in nested]
        columns = [table.column(place).to_pylist() for place in places]
        kept = _stored_attributes(table.schema)
    records = [(1, [table.column_names[place].strip() for place in places])]
    rows = zip(*([cell_text(cell) for cell in column] for column in columns), strict=True)
    records += [(row, list(cells)) for row, cells in enumerate(rows, start=1) if any(cells)]
    return records, kept, [f"columns of lists left aside: {', '.join(nested)}"] if nested else []


@contextmanager
def _parquet_faults(path: Path) -> Iterator[None]:
    try:
        yield
    except ExplaintError:
        raise
    except Exception as fault:  # as in a damaged workbook: pyarrow raises whatever it meets
        raise ExplaintError(
            f"{path.name} cannot be read as a parquet table: {type(fault).__name__}: {str(fault)[:200]}; write it again"
        ) from None


def _stored_attributes(schema: pa.Schema) -> dict[str, Any]:
    """Return the attributes that pandas, and so `explaint norms add`, keeps in a Parquet file."""
    kept = json.loads((schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}"))
    return kept if isinstance(kept, dict) else {}


def _header(heads: list[list[str]]) -> tuple[list[str], int]:
    """Return the names of the columns, and how many of the first rows hold them (1 or 2).

    Two rows are one header when the first leaves gaps or repeats itself and the second holds names, no number: the name
    above is meant for the gaps on its right.
    """
    top = ["" if _NO_NAME.fullmatch(label) else one_form(label) for label in heads[0]]
    while top and not top[-1]:
        top.pop()
    if len(heads) < 3 or len(heads[1]) < len(top) or sum(map(bool, top)) < 2:  # a single name is a title
        return top, 1
    sub = ["" if _NO_NAME.fullmatch(label) else one_form(label) for label in heads[1]]
    wide = top + [""] * (len(sub) - len(top))
    often = Counter(wide)
    gaps = [place for place, label in enumerate(wide) if not label or often[label] > 1]
    if len(gaps) < 2 or not all(sub[place] for place in gaps) or any(_is_number(label) for label in sub):
        return top, 1
    names, above = [], ""
    for label, below in zip(wide, sub, strict=True):
        above = label or above
        names.append(f"{above}.{below}" if below else above)
    return (names, 2) if len(set(names)) == len(names) else (top, 1)


def _fill_rows(found: Table, header: list[str], records: list[Record], by_length: bool) -> None:
    """Put the rows below their header into `found`, reporting the lines that do not fit under it.

    `by_length`: a line must have as many fields as the header; in a workbook empty cells at the end are not stored.
    """
    cells = [row for _, row in records]
    numbers = [line for line, _ in records]
    header = list(header)
    longer = [row for row in cells if len(row) == len(header) + 1]
    if by_length and len(longer) > 0.9 * len(cells) and any(row[-1] for row in longer):
        header = ["", *header]  # R writes the names of rows without a name for their column
    width = len(header)
    short = [by_length and len(row) < width for row in cells]
    long = [any(row[width:]) for row in cells]
    none_fits = len(cells) > 1 and all(map(any, zip(short, long, strict=True)))
    if none_fits:
        found.problems.append(
            f"the first {found.unit} with cells is taken for the header ({', '.join(header[:5])}), and none below fits "
            f"its {width} columns; take out what stands above the names of the columns"
            + (", or say the separator with --separator" if by_length else "")
        )
    if any(short) and not none_fits:
        found.problems.append(
            f"{lines(np.array(numbers)[short], found.unit)}: fewer fields than the {width} of the header; complete "
            "the line (empty between two separators = missing), or take it out"
        )
    if any(long) and not none_fits:
        found.problems.append(
            f"{lines(np.array(numbers)[long], found.unit)}: cells beyond the {width} columns of the header, e.g. "
            f"{next(cell for row in cells for cell in row[width:] if cell)!r}; name their columns, take them out, or "
            "quote a field that holds the separator"
        )
    whole = [row for row in range(len(cells)) if not (short[row] or long[row])]
    found.unread |= len(whole) < len(cells)
    grid = np.full((len(whole), width), "", dtype=object)
    for place, row in enumerate(whole):
        kept = cells[row][:width]
        grid[place, : len(kept)] = kept
    _set_header(found, header, grid, [numbers[row] for row in whole])


def _set_header(found: Table, header: list[str], grid: np.ndarray, numbers: list[int]) -> None:
    """Put the header on, leaving out columns that have neither a name nor cells, and one that counts the rows."""
    keep = [place for place, label in enumerate(header) if label or (grid[:, place] != "").any()]
    unnamed = [place for place in keep if not header[place]]
    if unnamed and unnamed[0] == 0 and _counts_rows(grid[:, 0]):
        found.notes.append("the unnamed first column numbers the rows and was left aside")
        keep, unnamed = keep[1:], unnamed[1:]
    if unnamed:
        names = "; name it word, or write the table without row names" if unnamed[0] == 0 else ""
        found.problems.append(
            f"column {unnamed[0] + 1} holds cells and has no header; the first row must name all columns{names}"
        )
    keep = [place for place in keep if header[place]]
    twice = [label for label, count in Counter(header[place] for place in keep).items() if count > 1]
    if twice:
        found.problems.append(f"the header names {', '.join(map(repr, twice[:5]))} more than once; rename one of them")
    first = {header[place]: place for place in reversed(keep)}
    keep = [place for place in keep if first[header[place]] == place]
    labels = [header[place] for place in keep]
    if len(labels) > 2 and sum(map(_is_number, labels)) >= len(labels) - 1:
        found.problems.append(
            f"the first row holds numbers ({', '.join(labels[:4])}); the columns need names: add a header"
        )
    found.cells = pd.DataFrame(grid[:, keep], columns=pd.Index(labels, dtype=object), index=numbers, dtype=object)


def _counts_rows(cells: np.ndarray) -> bool:
    return any(all(cell == str(row) for row, cell in enumerate(cells, start)) for start in (0, 1))


def _is_number(label: str) -> bool:
    if label.lower() in MISSING:
        return False
    try:
        float(label)
    except ValueError:
        return False
    return True
