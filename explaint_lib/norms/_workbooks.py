"""Read a sheet of a workbook (.xlsx) into rows of text, in bounded memory, and say which sheet it was.

What it controls for: what a workbook holds besides a table. A cell far outside takes no memory; a formula whose result
was never stored is reported instead of read as empty; which of several sheets was read is decided by their columns
and said. What it does not license: trusting words that a spreadsheet turned into dates; `Table.labels` reports those.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
from openpyxl.utils import get_column_letter

from explaint_lib._common import ExplaintError
from explaint_lib.norms._text_files import MAX_BYTES, MAX_CELLS, Record

MAX_ROWS = 1_048_576  # what the format allows; a damaged row number asks for more
# A formula and what follows it: a result that is not 0 (XlsxWriter, which computes nothing, stores 0)
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_FORMULA_WITHOUT_RESULT = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\s[^>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_FORMULA_WITH_RESULT = re.compile(rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\s[^>]*/>)\s*<(?:\w+:)?v>(?!0?</)")


def cell_text(cell: object) -> str:
    """Write a cell as the text a reader sees: truth values in lower case, whole floats without the point."""
    if isinstance(cell, str):
        return cell.strip()
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, (bool, np.bool_)):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace").strip()
    return str(cell).strip()


def read_workbook(
    path: Path, sheet: str | None, fits: Callable[[Sequence[str]], bool], header_only: bool = False
) -> tuple[list[Record], list[str], list[str]]:
    """Return the rows of the sheet that holds the table, what is wrong with it, and notes on the other sheets.

    Parameters
    ----------
    path : Path
    sheet : str or None
        The name of the sheet. None: the only sheet with cells, or else the only one whose header `fits`.
    fits : callable
        Says of the names in a sheet's first row whether they make a table of norms.
    header_only : bool
        Return the first rows only.

    Raises
    ------
    ExplaintError
        For a file that is no workbook or damaged, and for a sheet that is not there or not told apart.
    """
    try:
        _check_size(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about decoration it does not keep; we keep the cells only
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                chosen, notes = _choose(book, path.name, sheet, fits)
                rows = list(_rows(chosen, path.name, 3 if header_only else None))
            finally:
                book.close()
            return rows, [] if header_only else _formulas_without_result(path, chosen.title, rows), notes
    except ExplaintError:
        raise
    except Exception as fault:  # in a damaged part openpyxl stumbles over whatever it meets, in any kind of error
        raise ExplaintError(
            f"{path.name} cannot be read as a xlsx table: it is no workbook, or a damaged one ({type(fault).__name__}: "
            f"{str(fault)[:200]}); open it in a spreadsheet program and save it again as .xlsx"
        ) from None


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > MAX_BYTES:
        raise ExplaintError(f"{path.name} unpacks to {size:,} bytes, the limit is {MAX_BYTES:,}; drop words or columns")


def _rows(sheet: Any, name: str, n_rows: int | None = None) -> Iterator[Record]:
    """Yield the rows that hold cells, each without the empty cells at its end; at most `n_rows` of them."""
    sheet.reset_dimensions()  # what a file says of its size may be wrong, or true and enormous
    n_cells = 0
    for row_number, values in enumerate(islice(sheet.iter_rows(values_only=True), MAX_ROWS), start=1):
        cells = [cell_text(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        n_cells += len(cells)
        if n_cells > MAX_CELLS:
            raise ExplaintError(f"{name} holds more than {MAX_CELLS:,} cells, the limit; drop words or columns")
        yield row_number, cells
        n_rows = n_rows - 1 if n_rows is not None else None
        if n_rows == 0:
            return


def _choose(book: Any, name: str, wanted: str | None, fits: Callable[[Sequence[str]], bool]) -> tuple[Any, list[str]]:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if wanted is not None:
        if wanted not in sheets:
            raise ExplaintError(f"{name} has no sheet {wanted!r}; its sheets are {', '.join(map(repr, sheets))}")
        return sheets[wanted], []
    headers = {title: next((cells for _, cells in _rows(sheet, name, 1)), None) for title, sheet in sheets.items()}
    filled = {title: cells for title, cells in headers.items() if cells}
    if not filled:
        raise ExplaintError(f"{name} holds a workbook without cells")
    fitting = list(filled) if len(filled) == 1 else [title for title, cells in filled.items() if fits(cells)]
    if len(fitting) != 1:
        listed = "; ".join(f"{title!r}: {', '.join(cells[:6])}" for title, cells in list(filled.items())[:8])
        why = "several of them hold a table of norms" if fitting else "none of them is a table we know"
        raise ExplaintError(
            f"{name} has {len(filled)} sheets with cells, and {why} ({listed}); choose one with --sheet NAME"
        )
    aside = [title for title in filled if title != fitting[0]]
    note = f"read: the sheet {fitting[0]!r}; left aside: {', '.join(map(repr, aside))}"
    return sheets[fitting[0]], [note] if aside else []


def _formulas_without_result(path: Path, title: str, rows: list[Record]) -> list[str]:
    """Report the cells whose formula has no stored result: programs that compute nothing save them so."""
    with zipfile.ZipFile(path) as archive:
        parts = [archive.read(part) for part in archive.namelist() if part.startswith("xl/worksheets/")]
    doubtful = any(
        _FORMULA_WITHOUT_RESULT.search(part) or not _FORMULA_WITH_RESULT.search(part)
        for part in parts
        if _FORMULA.search(part)
    )
    if not doubtful:
        return []
    stored = dict(rows)
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        sheet = book[title]
        sheet.reset_dimensions()
        results = {
            f"{get_column_letter(cell.column)}{cell.row}": "".join(
                stored.get(cell.row, [])[cell.column - 1 : cell.column]
            )
            for row in islice(sheet.iter_rows(), MAX_ROWS)
            for cell in row
            if cell.data_type == "f"
        }
    finally:
        book.close()
    without_result = [place for place, result in results.items() if not result]
    if len(results) > 1 and set(results.values()) <= {"", "0"}:
        without_result = list(results)
    if not without_result:
        return []
    return [
        f"{len(without_result)} cells hold a formula whose result was never computed ({', '.join(without_result[:8])}"
        + (", ...); " if len(without_result) > 8 else "); ")
        + "open the file in a spreadsheet program and save it again, or write the values"
    ]
