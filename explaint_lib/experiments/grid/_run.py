"""Run a grid: every combination computed once, its rows and tests out.

What it measures: `explaint_lib.experiments.table.run_table` for every combination of norms, model, layer,
mapper, component count and seed. What it controls for: a result is stored under a hash of all it depends on
(data, model, numbers, the code of the library, versions), so a changed library never shows an old number, and
a run killed at any moment goes on where it was and ends in the same table, byte for byte, whatever the
backend and the number of jobs. What it does not license: picking the best of many cells and reporting its
interval as if it had been the only one. The tests are corrected within a cell, not over the grid.
"""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from explaint_lib._common import ExplaintError, notice
from explaint_lib.experiments.grid import _backends, _cells, _output
from explaint_lib.experiments.grid._cells import Cell
from explaint_lib.experiments.grid._declare import Grid, one_of, whole_from
from explaint_lib.experiments.grid._plan import left_out_of, load, make_plan
from explaint_lib.experiments.table import say_one_vector
from explaint_lib.results import Result

BACKENDS = ("joblib", "dask")


def run_grid(
    grid: Grid,
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    backend: str = "joblib",
    scheduler: str | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> Result:
    """Compute what the cache does not hold, and return the rows and tests of the whole grid.

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
    Result
        ``rows``, one a cell, condition and metric: norms, model, untrained_seed (of its random weights, missing if it
        is trained), layer, mapper, components, seed, condition, metric, value, ci_low, ci_high, n_words, n_features, as
        in `run_table`. ``tests``, one a cell, control and metric: the same columns that name a cell, and metric,
        control, p_value, p_holm, n_permutations of the one-sided test that *system is above this control*. The order
        is that of the grid. Metrics that some norms are too small for have no rows there (`metrics_left_out`). The
        file holds both in one table: each test on the row of its control.

    Raises
    ------
    ExplaintError
        Before anything long begins: for norms or models that cannot be had, a layer a model does not have,
        words without a vector, a file that cannot be written. Later: if a worker dies again and again, or
        runs another version of the library. What was computed until then is kept.

    Examples
    --------
    >>> from explaint_lib.experiments.grid import Grid, run_grid
    >>> asked = Grid(norms="bundled", models="minilm", layers=[0, "last"], mappers="ridge", permutations=0)
    >>> found = run_grid(asked)  # doctest: +SKIP
    >>> found.rows.query("condition == 'system' and metric == 'f1_at_10'")[["layer", "value"]]  # doctest: +SKIP
    """
    one_of("backend", backend, BACKENDS)
    whole_from(1)("jobs", jobs)
    if scheduler is not None and backend != "dask":
        raise ExplaintError("a scheduler is an address of a Dask cluster: it needs the backend dask")
    if (jobs > 1 or backend == "dask") and (here := _cells.registered_here()):
        raise ExplaintError(
            f"{', '.join(here['names'])} is registered in this program alone, and other processes do not know it: run "
            "with jobs=1 and the backend joblib, or put it into explaint_lib"
        )
    target = None if out is None else _output.checked_target(out)
    plan = make_plan(grid, device=device, progress=progress)
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
    table = _output.wide_table(plan)
    found = _output.result(plan, table)
    if target is not None:
        _output.write(table, found.manifest, target)
    return found


def listing(grid: Grid, *, device: str = "cpu") -> list[tuple[Cell, bool]]:
    """Return the cells of a grid and whether the cache holds them; no weights are read, nothing is computed.

    Raises
    ------
    ExplaintError
        As `run_grid` before anything long begins, and for a model that was never used on this machine.

    Examples
    --------
    >>> from explaint_lib.experiments.grid import Grid, listing
    >>> asked = Grid(norms="bundled", models="minilm", layers="3 of all")
    >>> [cell.layer for cell, done in listing(asked)]  # doctest: +SKIP
    [0, 3, 6]
    """
    plan = make_plan(grid, device=device, weights=False)
    waiting = set(plan.waiting())
    return [(cell, cell not in waiting) for cell in plan.cells]


def metrics_left_out(grid: Grid) -> dict[str, dict[str, str]]:
    """Return, for each norms of a grid, the metrics it is too small for, and what these need; no model is loaded.

    Raises
    ------
    ExplaintError
        If norms cannot be had, or are too small for every metric or for the folds.

    Examples
    --------
    >>> from explaint_lib.experiments.grid import Grid, metrics_left_out
    >>> metrics_left_out(Grid(norms="bundled", models="minilm"))
    {'bundled': {}}
    """
    return left_out_of(grid, load(grid))
