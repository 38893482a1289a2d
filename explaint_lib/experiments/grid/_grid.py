"""A grid of experiments, declared in a small file: every combination computed once, one tidy table out.

What it measures: `explaint_lib.experiments.table.run_table` for every combination of norms, model, layer,
mapper, component count and seed. What it controls for: a result is stored under a hash of all it depends on
(data, model, numbers, the code of the library, versions), so a changed library never shows an old number, and
a run killed at any moment goes on where it was and ends in the same table, byte for byte, whatever the
backend and the number of jobs. What it does not license: picking the best of many cells and reporting its
interval as if it had been the only one. The tests are corrected within a cell, not over the grid.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from tqdm import tqdm

from explaint_lib._common import ExplaintError, notice
from explaint_lib.encoders import check_layer
from explaint_lib.experiments.grid import _backends, _cells, _output
from explaint_lib.experiments.grid._cells import Cell, Model
from explaint_lib.experiments.table import CONDITIONS, say_one_vector
from explaint_lib.mappers import MAPPERS
from explaint_lib.metrics import METRICS

__all__ = ["BACKENDS", "Grid", "Model", "read_grid", "run_grid"]

BACKENDS = ("joblib", "dask")


@dataclass(frozen=True)
class Grid:
    """What to combine with what. Each list may be a single value; `read_grid` takes the same names from a file.

    Parameters
    ----------
    norms : sequence of str
        Names of ``explaint norms list``, or files.
    models : sequence of str, Model or mapping
        Names of ``explaint models list``, folders or hub ids; or ``{"name": ..., "revision": ..., "untrained":
        seed}``, the latter for the same architecture with random weights.
    layers : sequence of int, "last", "all" or "N of all"
        Of every model; 0 is the embedding layer. "7 of all" is seven layers, evenly spread from 0 to the last (all
        of them where a model has no more).
    mappers : sequence of {"plsr", "ffnn", "ridge", "mean"}
    components : sequence of int, default (50,) if plsr is among the mappers, else None
        Of plsr alone: other mappers have one cell whatever is listed here.
    conditions : sequence of str
        Of `explaint_lib.experiments.table.CONDITIONS`; default all. Tests need ``system`` among them.
    metrics : sequence of str
        Of `explaint_lib.metrics.METRICS`; default all.
    seeds : sequence of int
    folds, permutations, bootstrap : int
        As in `run_table`, the same in every cell.
    drop_missing : bool
        Leave out, for every model, the words that one model of the grid does not know; the manifest
        lists them. Otherwise such words are an error.

    Raises
    ------
    ExplaintError
        For a value that is not allowed, saying which are.
    """

    norms: Sequence[str]
    models: Sequence[str | Model | dict[str, Any]]
    layers: Sequence[int | str] = ("last",)
    mappers: Sequence[str] = ("plsr",)
    components: Sequence[int] | None = None
    conditions: Sequence[str] = tuple(CONDITIONS)
    metrics: Sequence[str] = field(default_factory=lambda: tuple(METRICS))
    seeds: Sequence[int] = (0,)
    folds: int = 10
    permutations: int = 99
    bootstrap: int = 1000
    drop_missing: bool = False

    def __post_init__(self) -> None:
        checks = {"norms": _name, "models": _model, "layers": _layer, "seeds": _whole_from(0)}
        named = {"mappers": MAPPERS, "conditions": CONDITIONS, "metrics": METRICS}
        checks |= {key: partial(one_of, allowed=tuple(allowed)) for key, allowed in named.items()}
        put = object.__setattr__  # the dataclass is frozen; this is the one moment in which fields are set
        faults: list[str] = []
        for key, check in checks.items():
            with _collected(faults):
                put(self, key, _listed(key, getattr(self, key), check))
        if "plsr" in (mappers := _several(self.mappers)):
            given = 50 if self.components is None else self.components
            with _collected(faults):
                put(self, "components", _listed("components", given, _whole_from(1)))
        elif self.components is not None:
            faults.append(f"components: only plsr has components, and mappers are {', '.join(map(str, mappers))}")
        for key, least in (("folds", 2), ("permutations", 0), ("bootstrap", 1)):
            with _collected(faults):
                _whole_from(least)(key, getattr(self, key))
        if not isinstance(self.drop_missing, bool):
            faults.append(f"drop_missing: expected true or false, found {self.drop_missing!r}")
        if faults:
            raise ExplaintError("; ".join(faults))


def read_grid(path: str | Path) -> Grid:
    """Return the grid that a YAML file declares; its keys are the parameters of `Grid`.

    Raises
    ------
    ExplaintError
        If there is no such file, it is no YAML, a key is unknown, missing or given twice, or a value is not
        allowed.
    """
    path = Path(path)
    if not path.is_file():
        raise ExplaintError(f"there is no grid file {path}" + (": it is a folder" if path.is_dir() else ""))
    try:
        found = _StrictLoader(path.read_text(encoding="utf-8")).get_single_data()
    except UnicodeDecodeError:
        raise ExplaintError(f"{path} is no text in UTF-8; a grid is a YAML file") from None
    except yaml.YAMLError as fault:
        raise ExplaintError(f"{path} is no YAML: {' '.join(str(fault).split())}") from None
    known = [field for field in Grid.__dataclass_fields__]
    if not isinstance(found, dict):
        raise ExplaintError(f"{path} must hold lines such as 'norms: [bundled]'; the keys are {', '.join(known)}")
    faults: list[str] = []
    for key in found:
        with _collected(faults):
            one_of("the key", key, known)
    if missing := [key for key in ("norms", "models") if key not in found]:
        faults.append(f"{' and '.join(missing)} must be given, for instance '{missing[0]}: [...]'")
    with _collected(faults):
        grid = Grid(**{"norms": "?", "models": "?"} | {key: found[key] for key in found if key in known})
    if faults:
        raise ExplaintError(f"{path}: {'; '.join(faults)}")
    return grid


@contextmanager
def _collected(faults: list[str]) -> Iterator[None]:
    """Keep what is wrong, so that all of it is said at once."""
    try:
        yield
    except ExplaintError as fault:
        faults.append(str(fault))


class _StrictLoader(yaml.SafeLoader):
    """YAML without the habit of letting the last of two equal keys win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [str(key) for place, key in enumerate(keys) if key in keys[:place]]
        if twice:
            raise yaml.YAMLError(f"{twice[0]} is given twice, line {node.start_mark.line + 1} and below")
        return super().construct_mapping(node, deep)


def one_of(key: str, value: Any, allowed: Iterable[str]) -> str:
    """Return `value` if it is among the allowed names; else say which are, and which was perhaps meant."""
    allowed = list(allowed)
    if isinstance(value, str) and value in allowed:
        return value
    close = difflib.get_close_matches(str(value), allowed, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ExplaintError(f"{key}: {value!r} is not one of {', '.join(allowed)}.{hint}")


def _several(given: Any) -> list:
    """Return a list as it is; a single value stands for a list of one."""
    return list(given) if isinstance(given, list | tuple | range) else [given]


def _listed(key: str, given: Any, check: Any) -> tuple:
    """Return the checked values of one key, each once."""
    values = _several(given)
    if not values:
        raise ExplaintError(f"{key}: the list is empty; name at least one")
    checked = tuple(check(key, value) for value in values)
    twice = [value for place, value in enumerate(checked) if value in checked[:place]]
    if twice:
        raise ExplaintError(f"{key}: {twice[0]!r} is listed twice")
    return checked


def _name(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ExplaintError(f"{key}: expected a name, found {value!r} (YAML reads some words, such as no, as "
                            "something else: put them in quotes)")  # fmt: skip
    return value


def _layer(key: str, value: Any) -> int | str:
    try:
        return check_layer(value, several=True)
    except ExplaintError as fault:
        raise ExplaintError(f"{key}: {fault}") from None


def _whole_from(least: int) -> Any:
    def check(key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ExplaintError(f"{key}: expected a whole number from {least}, found {value!r}")
        return value

    return check


def _model(key: str, value: Any) -> Model:
    if isinstance(value, Model):
        return value
    if not isinstance(value, dict):
        return Model(_name(key, value))
    for name in value:
        one_of(f"{key}: the key", name, Model.__dataclass_fields__)
    if "name" not in value:
        raise ExplaintError(f"{key}: {value!r} has no name")
    _name(key, value["name"])
    if value.get("untrained") is not None:
        _whole_from(0)(f"{key}: untrained (the seed of the random weights)", value["untrained"])
    if value.get("revision") is not None:
        _name(f"{key}: revision", value["revision"])
    return Model(**value)


def run_grid(
    grid: Grid,
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    backend: str = "joblib",
    scheduler: str | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> pd.DataFrame:
    """Compute what the cache does not hold, and return the table of the whole grid.

    Parameters
    ----------
    grid : Grid
    out : path, optional
        A ``.parquet`` or ``.csv`` file to write the table to; its manifest goes beside it, as
        ``NAME.manifest.json``.
    jobs : int, at least 1
        Cells computed at the same time, each with one thread for linear algebra: with joblib in processes of
        this machine, with dask in as many workers of a cluster on this machine (not used with `scheduler`).
    backend : {"joblib", "dask"}
        ``dask`` needs the extra ``cluster``.
    scheduler : str, optional
        Address of a running Dask scheduler, such as ``tcp://10.0.0.1:8786``. Its workers need this library in
        this version; data and vectors are sent to them, and results come back here.
    device : {"cpu", "cuda", "mps", "auto"}
        Where the models run, on this machine; mappers run on processors. Numbers of another device differ in their
        last digits, and are kept apart.
    progress : bool
        Show a bar on stderr, one step a cell.

    Returns
    -------
    DataFrame
        One row a cell, condition and metric: norms, model, untrained (seed of the random weights), layer,
        mapper, components, seed, condition, metric, value, ci_low, ci_high, n_words, n_features, as in
        `run_table`; and p_value, p_holm, n_permutations of the one-sided test that *system is above this
        condition*, empty where no such test was made. The order is that of the grid. Metrics that some norms are too
        small for have no rows there (`metrics_left_out`).

    Raises
    ------
    ExplaintError
        Before anything long begins: for norms or models that cannot be had, a layer a model does not have,
        words without a vector, a file that cannot be written. Later: if a worker dies again and again, or
        runs another version of the library. What was computed until then is kept.
    """
    one_of("backend", backend, BACKENDS)
    _whole_from(1)("jobs", jobs)
    if scheduler is not None and backend != "dask":
        raise ExplaintError("a scheduler is an address of a Dask cluster: it needs the backend dask")
    target = None if out is None else _output.checked_target(out)
    plan = _cells.plan(grid, device=device, progress=progress)
    waiting = plan.waiting()
    if waiting:
        plan.check_writable()
    plan.make_vectors(waiting, progress=progress)
    with tqdm(total=len(plan.cells), initial=len(plan.cells) - len(waiting), unit="cell", disable=not progress) as bar:
        tasks = (plan.task(cell) for cell in waiting)
        for cell, result in _backends.run(_cells.compute, tasks, backend=backend, jobs=jobs, scheduler=scheduler):
            plan.keep(cell, result)
            bar.update()
    for where, alike in _output.one_vector(plan).items():
        notice(say_one_vector(where, alike))
    frame = _output.frame(plan)
    if target is not None:
        _output.write(frame, plan, target)
    return frame


def listing(grid: Grid, *, device: str = "cpu") -> list[tuple[Cell, bool]]:
    """Return the cells of a grid and whether the cache holds them; no weights are read, nothing is computed."""
    plan = _cells.plan(grid, device=device, weights=False)
    waiting = set(plan.waiting())
    return [(cell, cell not in waiting) for cell in plan.cells]


def metrics_left_out(grid: Grid) -> dict[str, dict[str, str]]:
    """Return, for each norms of a grid, the metrics it is too small for, and what these need; no model is loaded.

    Raises
    ------
    ExplaintError
        If norms cannot be had, or are too small for every metric or for the folds.
    """
    return _cells.metrics_left_out(grid, _cells.load(grid))


def as_dict(grid: Grid) -> dict[str, Any]:
    """Return a grid as values JSON can hold."""
    return asdict(grid)
