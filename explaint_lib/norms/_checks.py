"""A table of text, what is wrong with it, and the checks that every layout shares; all faults come in one message.

What it controls for: half-loaded norms. A fault is kept with the numbers of its lines and with what solves it, and
nothing is returned while one is left. A word has one form: Unicode NFC, without invisible characters, with single
spaces. What it does not license: trusting a rating that is possible and wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from explaint_lib._common import ExplaintError
from explaint_lib.norms._core import NO_SOURCE, FeatureNorms, split_hint
from explaint_lib.norms._faults import Kind, faults

# How norm files write a missing number; compared without case. Never applied to words.
MISSING = ("", "na", "n/a", "nan", "null", "none", "#n/a")
_SPECIAL = dict.fromkeys(MISSING, np.nan) | {"true": 1.0, "false": 0.0}

# Numbers that files write where a rating is missing
CODES = (-9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0)

# What a spreadsheet makes of "1 March" or "3/4", as a cell and as it is saved in a text file
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?|\d\d:\d\d:\d\d|\d{1,2}[-/]\d{1,2}[-/]\d{2,4}"
    r"|\d{1,2}-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(-\d{2,4})?"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-\d{2}",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"[0-9.eE+-]*", re.ASCII)
_LIKE_NUMBER = re.compile(r"[-+]?[\d.,\s]*\d\s*%?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Soft hyphen, zero-width space, marks and overrides of direction, word joiner, byte order mark
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def one_form(label: str) -> str:
    """Return the one form of a word: NFC, without invisible characters, with single spaces.

    The two joiners stay where a script needs them: inside a word of a script that joins letters (Persian, the scripts
    of India) and inside an emoji.
    """
    if label.isascii():
        return " ".join(label.split())
    label = _INVISIBLE.sub("", unicodedata.normalize("NFC", label))
    if "\u200c" in label or "\u200d" in label:
        kept = [
            letter
            for place, letter in enumerate(label)
            if letter not in "\u200c\u200d" or (0 < place < len(label) - 1 and _joins(label[place - 1]))
        ]
        label = "".join(kept)
    return " ".join(unicodedata.normalize("NFC", label).split())


def _joins(letter: str) -> bool:
    """Tell whether a joiner after this character does something: Arabic letters, a virama, emoji."""
    return (
        unicodedata.bidirectional(letter) == "AL"
        or unicodedata.combining(letter) == 9
        or unicodedata.category(letter) in ("So", "Sk")
        or letter == "\ufe0f"
    )


def lines(numbers: Iterable[int], unit: str, limit: int = 8) -> str:
    """Name lines (or rows) of a file: "line 3", "lines 3, 5 and 9", "lines 1, 2, ... and 40 more"."""
    named = [str(number) for number in numbers]
    if len(named) == 1:
        return f"{unit} {named[0]}"
    if len(named) > limit:
        return f"{unit}s {', '.join(named[:limit])} and {len(named) - limit} more"
    return f"{unit}s {', '.join(named[:-1])} and {named[-1]}"


@dataclass
class Table:
    """Cells of text under named columns, and what was found wrong with them so far.

    Parameters
    ----------
    name : str
        The name of the file, for messages.
    cells : DataFrame of str
        Its index holds the numbers of the lines (or rows) in the file; an empty cell is the empty string.
    unit : {"row", "line"}
    problems, notes : list of str
        What must be mended, and what was decided on the way.
    attrs : dict
        What a Parquet file keeps besides its cells.
    unread : bool
        Whether a number, or a whole line, could not be read.
    """

    name: str
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    unit: str = "row"
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    attrs: dict[str, Any] = field(default_factory=dict)
    unread: bool = False

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order of the file."""
        return [str(column) for column in self.cells.columns]

    def by_key(self) -> dict[str, str]:
        """Return the columns under their plain names (`key`), so that "word" finds "Word"; the first of equals."""
        return {key(column): column for column in reversed(self.columns)}

    def where(self, rows: Sequence[int] | np.ndarray, limit: int = 8) -> str:
        """Name the lines of the file that these rows (positions or a mask) came from."""
        return lines(self.cells.index[rows], self.unit, limit)

    def report(self, problem: str) -> None:
        """Keep a problem, once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def check(self, limit: int = 20) -> None:
        """Raise all problems in one message; do nothing where there is none."""
        options = " (options of explaint norms add and describe)" if any("--" in said for said in self.problems) else ""
        if len(self.problems) == 1:
            raise ExplaintError(f"{self.name}: {self.problems[0]}{options}")
        if self.problems:
            shown = [f"  {place}. {problem}" for place, problem in enumerate(self.problems[:limit], start=1)]
            more = [f"  and {len(self.problems) - limit} more"] if len(self.problems) > limit else []
            raise ExplaintError("\n".join([f"{self.name}: {len(self.problems)} problems{options}", *shown, *more]))

    def drop(self, rows: np.ndarray) -> Table:
        """Return the table without these rows (a mask); problems and notes are shared."""
        return Table(self.name, self.cells[~rows], self.unit, self.problems, self.notes, self.attrs, self.unread)

    def labels(self, column: str, what: str, *, blank: bool = False) -> np.ndarray:
        """Return a column of words, features or categories in their one form, reporting what cannot be one.

        Parameters
        ----------
        column : str
        what : str
            What the column holds, in the singular, for messages.
        blank : bool
            Whether a cell may be empty.
        """
        given = self.cells[column].to_numpy(dtype=object)
        codes, unique = pd.factorize(given)
        forms = np.array([one_form(label) for label in unique], dtype=object)
        labels = forms[codes] if len(codes) else given
        self._report_labels(given, labels, unique, codes, what, column, blank)
        changed = int(sum(a != b for a, b in zip(unique, forms, strict=True)))
        if changed:
            self.notes.append(
                f"{changed} {what}s in {column!r} were brought to one form (Unicode NFC, plain single spaces)"
            )
        return labels

    def _report_labels(
        self,
        given: np.ndarray,
        labels: np.ndarray,
        unique: np.ndarray,
        codes: np.ndarray,
        what: str,
        column: str,
        blank: bool,
    ) -> None:
        """Report the cells of a column of labels that cannot be one.

        `given` are the cells as they stand and `labels` the same in their one form; `unique` are the different ones
        among `given`, and `codes` says which of them each row has.
        """
        empty = np.flatnonzero(labels == "")
        if len(empty) and not blank:
            self.report(
                f"{self.where(empty)}: no {what} in column {column!r}; every {what} is a non-empty string: write it, "
                "or take the row out"
            )
        if what == "word":
            bare = np.flatnonzero([bool(label) and not split_hint(label)[0] for label in labels])
            if len(bare):
                self.report(
                    f"{self.where(bare)}: nothing is left of the word {given[bare[0]]!r} without its hint; write it"
                )
        controls = np.array([bool(_CONTROL.search(label)) for label in unique], dtype=bool)
        bad = np.flatnonzero(controls[codes])
        if len(bad):
            self.report(f"{self.where(bad)}: a control character in the {what} {given[bad[0]]!r}; take it out")
        dates = np.array([bool(_DATE.fullmatch(label)) for label in unique], dtype=bool)
        bad = np.flatnonzero(dates[codes])
        if len(bad):
            self.report(
                f"{self.where(bad)}: the {what} {given[bad[0]]!r} is a date, which a spreadsheet makes of a word such "
                "as '1 March'; give the column the format Text and write the word again"
            )

    def unique(self, labels: np.ndarray, what: str) -> None:
        """Report labels that stand in more than one row, with the lines of the first few."""
        repeated = pd.Series(labels).duplicated(keep=False).to_numpy() & (labels != "")
        if not repeated.any():
            return
        twice = list(dict.fromkeys(labels[repeated]))
        places = "; ".join(f"{label!r} in {self.where(np.flatnonzero(labels == label))}" for label in twice[:5])
        self.report(
            f"every {what} must occur once; occurring more often: {places}"
            + ("; ..." if len(twice) > 5 else "")
            + (
                '; keep one row of each, or tell homonyms apart with a hint, e.g. "bat_(animal)" and "bat_(baseball)"'
                if what == "word"
                else ""
            )
        )

    def is_text(self, column: str) -> bool:
        """Tell whether a column holds text: cells, and nothing like a number ("1,5", "12 %") among them."""
        filled = False
        for cell in self.cells[column]:
            if cell.lower() in MISSING:
                continue
            if cell.lower() in _SPECIAL or _LIKE_NUMBER.fullmatch(cell) or not np.isnan(_parsed([cell])[0]):
                return False
            filled = True
        return filled

    def numbers(self, column: str, *, complete: bool = False) -> np.ndarray:
        """Return a column as float64 of shape (n_rows,), NaN where the cell says missing (see `MISSING`).

        Cells that are no numbers are reported; with `complete`, so are those that are missing.
        """
        cells = self.cells[column].to_numpy(dtype=object)
        parsed = _parsed(cells)
        for row in np.flatnonzero(~np.isfinite(parsed)):  # few, or none
            parsed[row] = _SPECIAL.get(cells[row].lower(), np.inf)
        bad = np.flatnonzero(np.isinf(parsed))
        if len(bad):
            self.report(
                f"column {column!r} must hold numbers, found {cells[bad[0]]!r} in {self.where(bad)}; "
                "write a decimal point and no unit, leave a missing cell empty or write na, or leave the column aside "
                "by naming the others "
                "in --ratings"
            )
            parsed[bad] = np.nan
            self.unread = True
        empty = np.flatnonzero(np.isnan(parsed))
        if complete and len(empty) > len(bad):
            empty = np.setdiff1d(empty, bad)
            self.report(
                f"column {column!r} is empty in {len(empty)} rows ({self.where(empty)}), and every row needs a number; "
                "if its "
                "cells are formulas, open the file in a spreadsheet program and save it again, so that results are "
                "stored"
            )
        return parsed

    def impossible(self, columns: Sequence[str], values: np.ndarray, *, one_scale: bool) -> None:
        """Report the numbers that mark missing cells (`CODES`) and lie far from all others; note what else does.

        A code is told by its distance from the other values of its column, or of all columns if they share one scale:
        more than five times the largest of them, or below zero where no other value is.

        Parameters
        ----------
        columns : sequence of str
        values : ndarray of shape (n_rows, n_columns)
        one_scale : bool
            Whether the columns share one scale, as production frequencies do.
        """
        blocks = [(list(columns), values)] if one_scale else [([c], values[:, [j]]) for j, c in enumerate(columns)]
        for names, block in blocks:
            suspect = np.isin(block, CODES)
            rest = block[~suspect & np.isfinite(block)]
            if rest.size < 2:
                continue
            low, high = rest.min(), rest.max()
            reach = max(abs(low), abs(high))
            codes = suspect & (((block < 0) & (low >= 0)) | (np.abs(block) > 5 * reach))
            if codes.any():
                rows, places = np.nonzero(codes)
                shown = ", ".join(f"{code:g}" for code in sorted(set(block[codes])))
                held = ", ".join(dict.fromkeys(repr(names[place]) for place in places[:200]))[:200]
                self.report(
                    f"{shown} in column {held} ({self.where(np.unique(rows))}) is far outside the other values "
                    f"({low:g} to {high:g}) and looks like a code for missing; leave these cells empty or write na"
                )
            elif not one_scale and rest.size >= 8:
                middle = np.median(rest)
                spread = np.quantile(rest, 0.9) - np.quantile(rest, 0.1)
                far = np.flatnonzero((np.abs(block[:, 0] - middle) > 20 * spread) & (spread > 0))
                if len(far):
                    self.notes.append(
                        f"column {names[0]!r} holds {block[far[0], 0]:g} ({self.where(far)}), far outside its other "
                        "values: a slip?"
                    )

    def norms(
        self,
        words: Iterable[str],
        features: Iterable[str],
        values: np.ndarray,
        kind: Kind,
        *,
        categories: Sequence[str | None] | None = None,
        feature_types: Sequence[str | None] | None = None,
        source: str = NO_SOURCE,
        notes: Sequence[str] = (),
    ) -> FeatureNorms:
        """Return the norms of this table, or raise all its problems, those of the finished table among them.

        The parameters are those of `FeatureNorms`; the notes of the table come after `notes`.
        """
        words, features = tuple(words), tuple(features)
        if not self.unread:  # else a row or column may say nothing only because its cells could not be read
            for fault in faults(values, kind, words, features):
                self.report(fault)
        self.check()
        return FeatureNorms(
            self.name,
            words,
            features,
            values,
            kind,
            categories=categories,
            feature_types=feature_types,
            source=source,
            notes=(*notes, *self.notes),
        )


def key(column: str) -> str:
    """Return the plain name of a column: lower case, with one underscore for spaces, points and dashes."""
    return re.sub(r"[\s._-]+", "_", column.strip().lower())


def _parsed(cells: Sequence[str] | np.ndarray) -> np.ndarray:
    """Return cells as numbers, NaN where they are none; without what only Python reads as one ("1_000")."""
    given = np.asarray(cells, dtype=object)
    if _DIGITS.fullmatch("".join(given)):  # the usual case, ten times as fast
        with suppress(ValueError):
            return given.astype(np.float64)
    return pd.to_numeric(pd.Series(given), errors="coerce").to_numpy(dtype=np.float64, copy=True)
