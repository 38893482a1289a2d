"""Find norms by name: what comes with Explain't, what the user installed, or a file; and install a file.

What it controls for: names that hide what they stand for (a file is recognised by its columns), and
half-written files. What it does not license: redistribution. What a user installed stays in the user's own data
folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from explaint_lib._common import ExplaintError, atomic_path, data_dir, make_folder, printable
from explaint_lib.norms import _checks, _published, _schema, _tables
from explaint_lib.norms._core import FeatureNorms
from explaint_lib.norms._faults import Kind
from explaint_lib.norms._shipped import SHIPPED

_LONGEST = 100  # a file name may have 255 bytes, and a suffix is added
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{_LONGEST - 1}}}")
_GET = {
    "mcrae": "CONCS_FEATS_concstats_brm from the electronic archive of the article",
    "buchanan": "the file from the authors' page of the project (OSF)",
    "binder": "WordSet1_Ratings from the authors",
}


class Installed(NamedTuple):
    """A set of norms that `load_norms` finds by name."""

    name: str
    path: Path | None  # None for a set that comes with Explain't
    layout: str
    human: bool
    licence: str = "its authors' terms"
    cite: str | None = None  # of what is fetched: whom to name where it is passed on


class Added(NamedTuple):
    """What `add` stored, and where."""

    norms: FeatureNorms
    layout: str
    path: Path


def load_norms(
    name_or_path: str | os.PathLike[str],
    *,
    kind: Kind | None = None,
    word: str | None = None,
    feature: str | None = None,
    value: str | None = None,
    category: str | None = None,
    ratings: Sequence[str] | None = None,
    sheet: str | None = None,
    separator: str | None = None,
) -> FeatureNorms:
    """Load norms by name or from a file.

    Parameters
    ----------
    name_or_path : str or path
        "bundled" (sparse) or "bundled_ratings" (dense), the teaching sets; "lancaster", "lancaster_nouns" or
        "lancaster_teaching", human ratings that are fetched once; a name that `explaint norms list` shows, e.g.
        "mcrae"; or the path of a text file, workbook or Parquet file, whatever it is called. Published files are
        recognised by their columns; any other table follows `explaint_lib.norms._schema`.
    kind : {"sparse", "dense"}, optional
        Overrides the rule by which a table in the general schema is taken for sparse or dense.
    word, feature, value, category : str, optional
        The columns that hold them, if they have other names than in the schema.
    ratings : sequence of str, optional
        The columns of a wide table to take; all others are left aside.
    sheet : str, optional
        The sheet of a workbook that has several.
    separator : str, optional
        The separator of a text file: tab, comma, semicolon, space, bar or a character. Found in the text if not given.

    Raises
    ------
    ExplaintError
        For a name that is not installed, for norms that have to be fetched where there is no network, and for a file
        that fails the checks, with all that is wrong with it.

    Examples
    --------
    >>> from explaint_lib import norms
    >>> teaching = norms.load_norms("bundled")
    >>> teaching.kind, teaching.human, teaching.values.shape == (len(teaching.words), len(teaching.features))
    ('sparse', False, True)
    """
    named = _columns(word, feature, value, category, ratings)
    name = os.fspath(name_or_path)
    if name in SHIPPED:
        if kind is not None or named.any_named() or sheet is not None or separator is not None:
            raise ExplaintError(
                f"{name} comes with Explain't, and how it is read is known; leave the other options out"
            )
        return SHIPPED[name].load()
    path = _installed_file(name)
    if path is None and _looks_like_path(name):
        path = Path(name).expanduser()
    if path is None:
        raise ExplaintError(_not_installed(name))
    table = _tables.read_table(path, sheet=sheet, separator=separator, fits=lambda columns: _fits(columns, named))
    return _interpret(table, path.stem, _Reading.of(table, kind, named))[0]


def available(name: str) -> bool:
    """Tell whether `load_norms` finds norms of this name: coming with Explain't (if fetched first) or installed.

    Examples
    --------
    >>> from explaint_lib import norms
    >>> norms.available("bundled"), norms.available("no norms of this name")
    (True, False)
    """
    return name in SHIPPED or _installed_file(name) is not None


def installed() -> list[Installed]:
    """Return the norms that can be loaded by name, those that come with Explain't first; only headers are read.

    Examples
    --------
    >>> from explaint_lib import norms
    >>> [record.name for record in norms.installed()][:2]
    ['bundled', 'bundled_ratings']
    """
    found = [
        Installed(name, None, norms.layout, norms.human, norms.licence, norms.cite) for name, norms in SHIPPED.items()
    ]
    folder = data_dir()
    try:
        names = sorted({path.stem for path in folder.iterdir()} - set(SHIPPED)) if folder.is_dir() else []
    except OSError as fault:
        raise ExplaintError(
            f"cannot read the folder of norms {folder}: {fault.strerror}; set EXPLAINT_DATA to a folder of yours"
        ) from None
    for name in names:
        path = _installed_file(name)
        if path is not None:
            found.append(Installed(name, path, _layout_of_file(path), human=True))
    return found


def add(
    name: str,
    path: str | os.PathLike[str],
    *,
    kind: Kind | None = None,
    source: str | None = None,
    force: bool = False,
    word: str | None = None,
    feature: str | None = None,
    value: str | None = None,
    category: str | None = None,
    ratings: Sequence[str] | None = None,
    sheet: str | None = None,
    separator: str | None = None,
) -> Added:
    """Check a file and install it under a name, as Parquet in the user's data folder.

    Parameters
    ----------
    name : str
        Letters, digits, "-" and "_". The names of the sets that come with Explain't are taken.
    path : str or path
        The file, unchanged by this.
    kind : {"sparse", "dense"}, optional
        As in `load_norms`; remembered.
    source : str, optional
        The citation to print above results; remembered. Published files carry their own.
    force : bool
        Replace norms that are installed under this name.
    word, feature, value, category, ratings, sheet, separator
        As in `load_norms`; the columns are remembered.

    Raises
    ------
    ExplaintError
        For a name that cannot be used or is in use, a file that fails the checks, a folder that cannot be
        written. Nothing is stored then.

    Examples
    --------
    >>> from explaint_lib import norms
    >>> with open("ratings.csv", "w") as file:
    ...     print("word,small,red", "robin,4,2", "apple,3,", "bus,1,4", sep="\\n", file=file)
    >>> added = norms.add("mine", "ratings.csv", source="ratings of my own")
    >>> norms.load_norms("mine").banner()
    'mine: 3 words x 2 ratings, 1 cells missing. ratings of my own.'
    """
    if not _NAME.fullmatch(name):
        raise ExplaintError(f"a name is made of at most {_LONGEST} letters, digits, '-' and '_', got {name[:200]!r}")
    if name in SHIPPED:
        raise ExplaintError(f"{name!r} is the name of a set that comes with Explain't; choose another")
    occupied = _installed_file(name)
    if occupied is not None and not force:
        raise ExplaintError(f"norms named {name!r} are installed already ({occupied}); pass --force to replace them")
    named = _columns(word, feature, value, category, ratings)
    table = _tables.read_table(path, sheet=sheet, separator=separator, fits=lambda columns: _fits(columns, named))
    reading = _Reading.of(table, kind, named, source)
    norms, layout = _interpret(table, name, reading)
    if name in _GET and not layout.lower().startswith(name):
        raise ExplaintError(
            f"the name {name!r} is kept for the published norms, and {path} holds something else ({layout}); "
            "choose another name"
        )
    target = data_dir() / f"{name}.parquet"
    make_folder(target.parent)
    with atomic_path(target) as beside:
        stored = table.cells.reset_index(drop=True)
        stored.attrs = reading.attrs()
        stored.to_parquet(beside, index=False)
    return Added(norms, layout, target)


class _Reading(NamedTuple):
    """How a table is read: what a reader said now, or when the file was installed."""

    kind: Kind | None
    named: _schema.Columns
    source: str | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, table: _checks.Table, kind: Kind | None, named: _schema.Columns, source: str | None = None) -> _Reading:
        """Complete what was said with what the file remembers."""
        attrs = table.attrs
        kept = attrs.get("explaint", {})
        fields = kept.get("columns", {}) if isinstance(kept, dict) else None
        single = ("word", "feature", "value", "category")
        texts: list[Any] = [object()]  # what no file may hold
        lists: list[Any] = []
        if isinstance(fields, dict):
            texts = [attrs.get("kind"), attrs.get("source"), *map(fields.get, single)]
            lists = [fields.get("ratings", []), kept.get("notes", [])]
        if any(text is not None and not isinstance(text, str) for text in texts) or not all(map(_is_texts, lists)):
            raise ExplaintError(
                f"{table.name}: what it keeps of its kind, source and columns must be text, found {str(attrs)[:200]}; "
                "install the original file again with `explaint norms add`, or write it without these attributes"
            )
        word, feature, value, category = texts[2:]
        remembered = _schema.Columns(word, feature, value, category, ratings=tuple(lists[0]))
        return cls(
            kind or attrs.get("kind"),
            named if named.any_named() else remembered,
            source or attrs.get("source"),
            tuple(lists[1]) or tuple(table.notes),
        )

    def attrs(self) -> dict[Hashable | None, Any]:
        """Return what the installed file is to remember."""
        plain = {"kind": self.kind, "source": self.source}
        columns = {name: field for name, field in self.named._asdict().items() if field}
        kept = {"columns": columns, "notes": list(self.notes)}
        return {name: said for name, said in plain.items() if said} | {"explaint": kept}


def _is_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _columns(
    word: str | None, feature: str | None, value: str | None, category: str | None, ratings: Sequence[str] | None
) -> _schema.Columns:
    if isinstance(ratings, str):
        raise ExplaintError(f"ratings are a list of columns, found the single string {ratings!r}; pass [{ratings!r}]")
    if ratings and (feature or value):
        raise ExplaintError(
            "--ratings names the columns of a wide table, --feature and --value those of a long one; choose"
        )
    return _schema.Columns(word, feature, value, category, tuple(ratings or ()))


def _fits(columns: Sequence[str], named: _schema.Columns) -> bool:
    """Tell whether columns of these names make a table of norms, published or in the schema."""
    return _schema.fits(columns, named) or (not named.any_named() and _published.recognise(columns) is not None)


def _interpret(table: _checks.Table, name: str, reading: _Reading) -> tuple[FeatureNorms, str]:
    """Read a table by the columns a reader named, by the layout its columns give away, or by the general schema."""
    layout = None if reading.named.any_named() else _published.recognise(table.columns)
    if layout is not None:
        if reading.kind is not None:
            raise ExplaintError(f"{name} was recognised as {layout.label}, whose kind is known; do not pass one")
        norms = layout.read(table)
        label = layout.label
    else:
        norms = _schema.read_any(table, kind=reading.kind, named=reading.named)
        label = f"{'long' if _schema.is_long(table.columns, reading.named) else 'wide'} table, read as {norms.kind}"
    notes = (*norms.notes, *(note for note in reading.notes if note not in norms.notes))
    source = printable(reading.source or norms.source)
    return replace(norms, name=printable(name), source=source, notes=tuple(map(printable, notes))), label


def _installed_file(name: str) -> Path | None:
    """Return the installed file of a name, Parquet first because it is the fastest, or None."""
    if not _NAME.fullmatch(name):
        return None
    candidates = (data_dir() / f"{name}{suffix}" for suffix in _tables.SUFFIXES)
    try:
        return next((path for path in candidates if path.is_file()), None)
    except OSError as fault:  # the data folder is closed to us, or its own path is too long
        raise ExplaintError(
            f"cannot read the folder of norms {data_dir()}: {fault.strerror}; set EXPLAINT_DATA to a folder of yours"
        ) from None


def _layout_of_file(path: Path) -> str:
    """Say what a file holds from its header alone; a file that cannot be read says so instead of raising."""
    nothing = _schema.Columns()
    try:
        columns, attrs = _tables.read_header(path, lambda names: _fits(names, nothing))
        named = _Reading.of(_checks.Table(path.name, attrs=attrs), None, nothing).named
    except ExplaintError as fault:
        return f"cannot be read: {fault}"
    layout = None if named.any_named() else _published.recognise(columns)
    return layout.label if layout else f"{'long' if _schema.is_long(columns, named) else 'wide'} table"


def _looks_like_path(name: str) -> bool:
    if Path(name).suffix or os.sep in name:
        return True
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # no file can have such a name: too long, or with a NUL
        return False


def _not_installed(name: str) -> str:
    known = ", ".join(record.name for record in installed())
    get = f"get {_GET[name]}, and" if name in _GET else "if you have the file,"
    return (
        f"no norms named {name[:200]!r} (there are: {known}); {get} install it with "
        f"`explaint norms add {name[:200]} FILE`, or give the path of a file"
    )
