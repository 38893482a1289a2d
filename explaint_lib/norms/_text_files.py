"""Read a text file into lines of fields: which encoding, which separator, and what a stray quotation mark swallowed.

What it controls for: text taken for a table by a wrong guess. A byte that is not UTF-8 stops the reading; a separator
is chosen because the lines agree on it, not by the name of the file; a line that is shorter or longer than the header
keeps its number, so that it can be reported. What it does not license: repairing a file; the reader is told the line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from itertools import islice
from pathlib import Path

from explaint_lib._common import ExplaintError

# A record is the number of its line (or row) in the file, and its fields.
Record = tuple[int, list[str]]

# More cells than this are refused: read as text they would take several gigabytes.
MAX_CELLS = 50_000_000
MAX_BYTES = 1_000_000_000

# The names of separators on the command line; any other single character stands for itself.
SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "bar": "|"}

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# UTF-7 writes what is not ASCII as "+", base64 and "-"
_UTF7 = re.compile(r"\+(?:-|([A-Za-z0-9+/]{3,})-?)")


def separator_character(name: str) -> str:
    """Return the character that a reader's `separator` means: a name of `SEPARATORS` or the character itself."""
    character = SEPARATORS.get(name.lower(), name.replace("\\t", "\t"))
    if len(character) != 1 or character in '"\r\n':
        raise ExplaintError(f"a separator is one character or {', '.join(SEPARATORS)}, found {name!r}")
    return character


def read_text(path: Path, separator: str | None, n_lines: int | None = None) -> tuple[list[Record], list[str]]:
    """Return the records of a text file that are not empty, and what is wrong with its quotation marks.

    Parameters
    ----------
    path : Path
    separator : str or None
        As `separator_character` takes it; None finds it in the text.
    n_lines : int, optional
        Read so many lines only, of the first 1 MB.

    Raises
    ------
    ExplaintError
        For a file that is too large or not text.
    """
    if n_lines is None and path.stat().st_size > MAX_BYTES:
        raise ExplaintError(
            f"{path.name}: expected at most {MAX_BYTES:,} bytes of text; split the file, or drop columns"
        )
    with path.open("rb") as file:
        raw = file.read(1_000_000 if n_lines else -1)
    text = _decode(raw, path.name, cut=n_lines is not None)
    if n_lines is not None:
        text = "".join(islice(io.StringIO(text, newline=""), n_lines))
    character = _find_separator(text) if separator is None else separator_character(separator)
    return _records(text, character, path.name)


def _decode(raw: bytes, name: str, cut: bool) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if raw.startswith(mark)), "utf-8")
    if b"\0" in raw and encoding.startswith("utf-8"):
        raise ExplaintError(
            f"{name} is not UTF-8 text: it holds the character NUL, as UTF-16 without its mark does, and files "
            "that are no text; save it as UTF-8 and try again"
        )
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(raw, final=not cut)
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        raise ExplaintError(
            f"{name} is not UTF-8 text: the byte 0x{raw[fault.start]:02X} in line {line} belongs to another encoding "
            "(Latin-1, Windows-1252) or to a file that is no table; save it as UTF-8 and try again"
        ) from None
    if found := _utf7(text):
        raise ExplaintError(f"{name} looks like UTF-7, e.g. {found!r}; save it as UTF-8 and try again")
    return text


def _utf7(text: str) -> str | None:
    """Return a piece that only UTF-7 writes so, if every plus sign of the text fits and one means a letter."""
    if not text.isascii() or "+" not in text or "+" in _UTF7.sub("", text):
        return None
    for found in _UTF7.finditer(text):
        try:
            meant = found[0].encode("ascii").decode("utf-7")
        except UnicodeDecodeError:
            return None
        if found[1] and not meant.isascii() and meant.rstrip("-").isalpha():
            return found[0]
    return None


def _find_separator(text: str) -> str:
    """Return the separator on which the first lines agree, the one that makes most columns; else the header's."""
    head = [line for line in islice(io.StringIO(text, newline=""), 100) if line.strip()]
    agreed: dict[str, int] = {}
    for character in "\t;,|":
        widths = [len(fields) for _, fields in _records("".join(head), character, "")[0]]
        # a header may be one shorter (R's row names), and a few lines may be short: they are reported later
        fitting = sum(width - widths[0] in (0, 1) for width in widths)
        if widths and widths[0] > 1 and fitting > 0.8 * len(widths):
            agreed[character] = widths[0]
    if agreed:
        return max(agreed, key=lambda character: agreed[character])
    first = head[0] if head else ""
    return max("\t;,|" if any(character in first for character in "\t;,|") else " ", key=first.count)


def _records(text: str, separator: str, name: str) -> tuple[list[Record], list[str]]:
    records: list[Record] = []
    problems: list[str] = []
    csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    line, n_cells = 1, 0
    try:
        for fields in reader:
            fields = list(map(str.strip, fields))
            if any(fields):
                records.append((line, fields))
                n_cells += len(fields)
                if n_cells > MAX_CELLS:
                    raise ExplaintError(f"{name} holds more than {MAX_CELLS:,} cells, the limit; drop words or columns")
                if reader.line_num > line and _swallowed(fields, separator):
                    problems.append(
                        f"lines {line} to {reader.line_num} were read as one, because of a quotation mark in line "
                        f'{line}; double it ("") or take it out'
                    )
            line = reader.line_num + 1
    except csv.Error:
        problems.append(
            f"line {line}: a quotation mark does not enclose its whole field, or is never closed; double it "
            '("") or take it out. What follows was not read'
        )
    return records, problems


def _swallowed(fields: list[str], separator: str) -> bool:
    """Tell whether a field holds the end of one line and the beginning of the next, rather than a line break."""
    for place, field in enumerate(fields):
        lines = field.splitlines()
        if len(lines) > 1:
            ends = lines[0].count(separator) >= len(fields) - 1 - place
            if ends and lines[-1].count(separator) >= place:
                return True
    return False
