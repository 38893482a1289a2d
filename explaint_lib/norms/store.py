"""Find norms by name: the bundled teaching sets, what the user installed, or a file; and install a file.

What it controls for: names that hide what they stand for (a file is recognised by its columns), and
half-written files. What it does not license: redistribution. Human norms stay in the user's own data folder;
the package ships the teaching set only.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from explaint_lib._common import ExplaintError, atomic_path, data_dir
from explaint_lib.norms import published, schema, tables
from explaint_lib.norms.core import FeatureNorms, Kind

TEACHING = (
    "Teaching norms written for Explain't by its authors: one team's judgement, made to show methods, "
    "shipped with the package"
)
# name -> (file in explaint_lib.data, kind)
BUNDLED: dict[str, tuple[str, Kind]] = {
    "bundled": ("teaching_norms.csv", "sparse"),
    "bundled_ratings": ("teaching_ratings.csv", "dense"),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_GET = {
    "mcrae": "CONCS_FEATS_concstats_brm from the electronic archive of the article",
    "buchanan": "the file from the authors' page of the project (OSF)",
    "binder": "WordSet1_Ratings from the authors",
}


class Installed(NamedTuple):
    """A set of norms that `load_norms` finds by name."""

    name: str
    path: Path | None  # None for a bundled set
    layout: str
    human: bool


class Added(NamedTuple):
    """What `add` stored, and where."""

    norms: FeatureNorms
    layout: str
    path: Path


def load_norms(name_or_path: str | os.PathLike[str], *, kind: Kind | None = None) -> FeatureNorms:
    """Load norms by name or from a file.

    Parameters
    ----------
    name_or_path : str or path
        "bundled" (sparse) or "bundled_ratings" (dense), the teaching sets; a name that `explaint norms list`
        shows, e.g. "mcrae"; or the path of a CSV, TSV, XLSX or Parquet file. Published files are recognised
        by their columns; any other table follows `explaint_lib.norms.schema`.
    kind : {"sparse", "dense"}, optional
        Overrides the rule by which a table in the general schema is taken for sparse or dense.

    Raises
    ------
    ExplaintError
        For a name that is not installed, and for a file that fails the checks.
    """
    name = os.fspath(name_or_path)
    if name in BUNDLED:
        return _load_bundled(name)
    path = _installed_file(name)
    if path is None and _looks_like_path(name):
        path = Path(name).expanduser()
    if path is None:
        raise ExplaintError(_not_installed(name))
    return _interpret(tables.read_table(path), path.stem, kind)[0]


def available(name: str) -> bool:
    """Tell whether `load_norms` finds norms of this name: bundled or installed."""
    return name in BUNDLED or _installed_file(name) is not None


def installed() -> list[Installed]:
    """Return the norms that can be loaded by name, bundled sets first; only headers are read."""
    found = [Installed(name, None, f"teaching set, {kind}", human=False) for name, (_, kind) in BUNDLED.items()]
    folder = data_dir()
    names = sorted({path.stem for path in folder.iterdir()} - set(BUNDLED)) if folder.is_dir() else []
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
) -> Added:
    """Check a file and install it under a name, as Parquet in the user's data folder.

    Parameters
    ----------
    name : str
        Letters, digits, "-" and "_". The names of the bundled sets are taken.
    path : str or path
        The file, unchanged by this.
    kind : {"sparse", "dense"}, optional
        As in `load_norms`; remembered.
    source : str, optional
        The citation to print above results; remembered. Published files carry their own.
    force : bool
        Replace norms that are installed under this name.

    Raises
    ------
    ExplaintError
        For a name that cannot be used or is in use, a file that fails the checks, a folder that cannot be
        written. Nothing is stored then.
    """
    if not _NAME.fullmatch(name):
        raise ExplaintError(f"a name is made of letters, digits, '-' and '_', got {name!r}")
    if name in BUNDLED:
        raise ExplaintError(f"{name!r} is the name of a bundled set; choose another")
    occupied = _installed_file(name)
    if occupied is not None and not force:
        raise ExplaintError(f"norms named {name!r} are installed already ({occupied}); pass --force to replace them")
    table = tables.read_table(path)
    if kind is not None:
        table.attrs["kind"] = kind
    if source is not None:
        table.attrs["source"] = source
    norms, layout = _interpret(table, name)
    if name in _GET and not layout.lower().startswith(name):
        raise ExplaintError(
            f"the name {name!r} is kept for the published norms, and {path} holds something else ({layout}); "
            "choose another name"
        )
    folder = data_dir()
    target = folder / f"{name}.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as beside:
            table.to_parquet(beside, index=False)
    except OSError as fault:
        raise ExplaintError(f"cannot write {target}: {fault}; set EXPLAINT_DATA to a folder of yours") from None
    return Added(norms, layout, target)


def _interpret(table: pd.DataFrame, name: str, kind: Kind | None = None) -> tuple[FeatureNorms, str]:
    """Read a table by the published layout its columns give away, or else by the general schema."""
    layout = published.recognise(list(table.columns))
    if layout is not None:
        if kind is not None or "kind" in table.attrs:
            raise ExplaintError(f"{name} was recognised as {layout.label}, whose kind is known; do not pass one")
        norms = layout.read(table, name)
        label = layout.label
    else:
        norms = schema.read_any(table, name, kind=kind or table.attrs.get("kind"))
        label = f"{'long' if schema.is_long(list(table.columns)) else 'wide'} table, read as {norms.kind}"
    source = table.attrs.get("source")
    return (replace(norms, source=source) if source else norms), label


def _load_bundled(name: str) -> FeatureNorms:
    file, kind = BUNDLED[name]
    with resources.as_file(resources.files("explaint_lib.data") / file) as path:
        table = tables.read_table(path)
    return replace(schema.read_any(table, name, kind=kind), source=TEACHING, human=False)


def _installed_file(name: str) -> Path | None:
    """Return the installed file of a name, Parquet first because it is the fastest, or None."""
    if not _NAME.fullmatch(name):
        return None
    candidates = (data_dir() / f"{name}{suffix}" for suffix in tables.SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _layout_of_file(path: Path) -> str:
    """Say what a file holds from its header alone; a file that cannot be read says so instead of raising."""
    try:
        columns = tables.read_header(path)
    except ExplaintError as fault:
        return f"cannot be read: {fault}"
    layout = published.recognise(columns)
    return layout.label if layout else f"{'long' if schema.is_long(columns) else 'wide'} table"


def _looks_like_path(name: str) -> bool:
    return Path(name).suffix.lower() in tables.SUFFIXES or os.sep in name or Path(name).exists()


def _not_installed(name: str) -> str:
    known = ", ".join(record.name for record in installed())
    get = f"get {_GET[name]}, and" if name in _GET else "if you have the file,"
    return (
        f"no norms named {name!r} (there are: {known}); {get} install it with "
        f"`explaint norms add {name} FILE`, or give the path of a file"
    )
