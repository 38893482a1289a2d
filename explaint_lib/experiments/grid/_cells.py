"""The cells of a grid: what each depends on, how it is computed, and by which code."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from explaint_lib import __version__, controls, metrics
from explaint_lib._cache import code_hash, computer
from explaint_lib.experiments.grid._declare import Model
from explaint_lib.experiments.table import run_table
from explaint_lib.norms import FeatureNorms

_THIS_RUN = uuid.uuid4().hex


@dataclass(frozen=True)
class Cell:
    """One combination. `components` is None for mappers without components."""

    norms: str
    model: Model
    layer: int
    mapper: str
    components: int | None
    seed: int
    folds: int
    permutations: int
    bootstrap: int
    conditions: tuple[str, ...]


def compute(cell: Cell, norms: FeatureNorms, X: np.ndarray) -> dict[str, Any]:
    """Return the rows and tests of one cell, and what computed them. Runs in workers: arguments are data alone."""
    with one_thread():
        found = run_table(
            norms,
            X,
            model=cell.model.name,
            layer=cell.layer,
            mapper=cell.mapper,
            components=cell.components or 1,
            folds=cell.folds,
            permutations=cell.permutations,
            bootstrap=cell.bootstrap,
            seed=cell.seed,
            conditions=cell.conditions,
        )
    records = found.to_dict()  # values that JSON can hold
    alike = found.manifest["words_of_one_vector"]
    return {"rows": records["rows"], "tests": records["tests"], "words_of_one_vector": alike, "made_by": made_by()}


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: sums in one order on any machine, and as many cells at once as there are cores."""
    import torch  # also for what is loaded by it: limits hold for the libraries that are there already

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def made_by() -> dict[str, Any]:
    """Return the versions, the kind of machine and processor, and the hash of the code that compute a cell."""
    return {"explaint": __version__, "code": code_hash(__name__)} | computer()


def registered_here() -> dict[str, Any]:
    """Return the metrics and conditions that this program has registered, as part of a key that no other run has.

    Their code may change while their names stay, and cannot be read in every case: what rests on them is computed
    anew by each run. Empty where there are none.
    """
    names = [name for name in metrics.METRICS if name not in metrics.SHIPPED]
    names += [name for name in controls.CONDITIONS if name not in controls.SHIPPED]
    return {"names": names, "run": _THIS_RUN} if names else {}
