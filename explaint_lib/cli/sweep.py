"""``explaint sweep``: a grid of experiments from a file, one table out, resumed where it was stopped."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explaint_lib._common import ExplaintError
from explaint_lib.cli._options import Device
from explaint_lib.cli._show import say_left_out
from explaint_lib.cli._terminal import say, stopped

if TYPE_CHECKING:
    from explaint_lib.experiments.grid import Grid


class Backend(StrEnum):
    """Where cells are computed."""

    joblib = "joblib"
    dask = "dask"


def sweep(
    grid: Annotated[Path, typer.Argument(metavar="GRID.yaml", help="The file that says what to combine.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Table to write, .parquet or .csv. Default: beside the grid, as .parquet."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cells computed at the same time, each on one core.")] = 1,
    backend: Annotated[
        Backend,
        typer.Option(help="joblib: processes of this machine. dask: a cluster (needs the extra `cluster`)."),
    ] = Backend.joblib,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A running Dask scheduler, e.g. tcp://10.0.0.1:8786. Without it, --backend dask starts --jobs "
            "workers on this machine.",
        ),
    ] = None,
    device: Device = "cpu",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the grid and list its cells; compute nothing.")
    ] = False,
) -> None:
    """Compute every combination that a grid file names, and write one tidy table.

    A cell is one table of `explaint table`: norms, model, layer, mapper,
    components, seed. Each finished cell is kept in the cache under a hash of
    all it depends on (data, model, numbers, code, versions). A run that was
    stopped, or killed, goes on where it was when you start it again, and ends
    in the same file, byte for byte, with any number of jobs.

    A whole grid file:

    \b
    # layers.yaml: is any layer better than the word alone?
    norms: \\[bundled]              # names of `explaint norms list`, or files
    models:                       # names of `explaint models list`, ...
      - minilm
      - {name: minilm, untrained: 0}   # ... its random twin (0 is a seed)
      - {name: google-bert/bert-base-uncased, revision: main}
    layers: all                   # or last, 7 of all, or \\[0, 3, 6]
    mappers: \\[plsr, ridge]        # plsr, ffnn, ridge, mean
    components: \\[20, 50]          # of plsr
    conditions: \\[system, mean_profile, permuted_pairing]
    metrics: \\[f1_at_10, spearman_feature]
    seeds: \\[0, 1]
    folds: 10                     # these three as in `explaint table`
    permutations: 99
    bootstrap: 1000
    drop_missing: false           # true: leave out words a model lacks

    Only norms and models must be given. Conditions and metrics left out: all.

    \b
    Examples:
      explaint sweep layers.yaml --dry-run
      explaint sweep layers.yaml --out layers.csv --jobs 4
      explaint sweep layers.yaml --backend dask --scheduler tcp://10.0.0.1:8786

    The table has one row a cell, condition and metric; p_value and p_holm on
    the row of a condition test whether the system is above it. Beside the
    table, NAME.manifest.json says what it was made from. In a .csv a name that
    begins like a formula or with an apostrophe gets one more apostrophe in
    front, which spreadsheets take for "this is text".
    """
    from explaint_lib.experiments.grid import metrics_left_out, read_grid

    if scheduler is not None and backend != Backend.dask:
        raise ExplaintError("--scheduler is an address of a Dask cluster: add --backend dask")
    wanted = read_grid(grid)
    for name, lacks in metrics_left_out(wanted).items():
        say_left_out(name, lacks)
    if dry_run:
        _list(wanted, device)
        return
    try:
        _run(wanted, out or grid.with_suffix(".parquet"), jobs, backend.value, scheduler, device)
    except KeyboardInterrupt:
        stopped("finished cells are kept, the same command goes on from there")


def _list(wanted: Grid, device: str) -> None:
    """Print the cells, and which of them are in the cache."""
    from explaint_lib.experiments.grid import listing
    from explaint_lib.experiments.table import fits

    cells = listing(wanted, device=device)
    n_fits = sum(fits(wanted.axes.conditions, wanted.permutations).values())
    for cell, done in cells:
        twin = "" if cell.model.untrained is None else f" untrained {cell.model.untrained}"
        count = "" if cell.components is None else f" {cell.components}"
        say(
            f"{'cached ' if done else 'to do  '} {cell.norms}  {cell.model.name}{twin}  layer {cell.layer}  "
            f"{cell.mapper}{count}  seed {cell.seed}  {n_fits} fits of {cell.folds} folds"
        )
    waiting = sum(not done for _, done in cells)
    say(f"{len(cells)} cells, {len(cells) - waiting} of them in the cache; {waiting * n_fits} fits to do")


def _run(wanted: Grid, out: Path, jobs: int, backend: str, scheduler: str | None, device: str) -> None:
    from explaint_lib.experiments.grid import run_grid

    found = run_grid(wanted, out=out, jobs=jobs, backend=backend, scheduler=scheduler, device=device, progress=True)
    say(f"written: {out} ({len(found.rows)} rows) and {out.with_name(f'{out.stem}.manifest.json')}", error=True)
