"""Hand independent tasks to processes of this machine or to a Dask cluster; results come back as they are ready."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import joblib

from explaint_lib._common import ExplaintError, cache_dir, make_folder, scratch_folder
from explaint_lib._orphans import end_with

# by name: joblib's and Dask's own exceptions for a worker that is gone, and Dask is not always installed
_DEATHS = ("TerminatedWorkerError", "BrokenProcessPool", "KilledWorker", "CancelledError", "FutureCancelledError")


def run(
    compute: Callable[..., Any], tasks: Iterable[tuple], *, backend: str, jobs: int, scheduler: str | None
) -> Iterator[tuple[Any, Any]]:
    """Yield (first argument, result) for each task, in the order of completion.

    Parameters
    ----------
    compute : callable
        A function of a module, so that a worker finds it by its name.
    tasks : iterable of tuples of arguments
        Taken up lazily: only the arrays of tasks that wait for a worker are in memory.
    backend, jobs, scheduler
        As in `explaint_lib.experiments.grid.run_grid`.

    Raises
    ------
    ExplaintError
        If a worker died, or the cluster cannot be reached.
    """
    with ExitStack() as stack:
        if backend == "dask":
            stack.enter_context(_cluster(jobs, scheduler))
            stack.enter_context(joblib.parallel_config(backend="dask", n_jobs=-1))
        else:
            options = {"temp_folder": _shared_folder(), "initializer": end_with, "initargs": (os.getpid(),)}
            stack.enter_context(joblib.parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1, **options))
        parallel = joblib.Parallel(return_as="generator_unordered")
        try:
            yield from parallel(joblib.delayed(_paired)(compute, task) for task in tasks)
        except Exception as fault:
            if type(fault).__name__ not in _DEATHS:
                raise
            raise ExplaintError(
                f"a worker died ({type(fault).__name__}), most often because memory ran out. What was computed is "
                "kept: run again, with fewer jobs or larger machines"
            ) from fault


@cache
def _shared_folder() -> str:
    """Return where large arrays lie, once for all workers: one folder a process, since joblib keeps its workers."""
    make_folder(cache_dir())
    stack = ExitStack()
    atexit.register(stack.close)
    return str(stack.enter_context(scratch_folder(cache_dir())))


def _paired(compute: Callable[..., Any], task: tuple) -> tuple[Any, Any]:
    return task[0], compute(*task)


@contextmanager
def _cluster(jobs: int, scheduler: str | None) -> Iterator[None]:
    """Connect to a Dask scheduler, or start workers on this machine and stop them again."""
    try:
        from dask import distributed
    except ImportError:
        raise ExplaintError("the backend dask needs the extra cluster: pip install 'dask[distributed]'") from None
    with ExitStack() as stack:
        address: Any = scheduler
        if scheduler is None:
            # memory is not limited: Dask's own limit counts what is shared, and would kill workers that do no harm
            address = stack.enter_context(
                distributed.LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None, memory_limit=0)
            )
        try:
            stack.enter_context(distributed.Client(address, timeout=10))
        except (OSError, ValueError) as fault:
            raise ExplaintError(
                f"no Dask scheduler answers at {scheduler} ({fault}); start one with `dask scheduler`, and workers "
                "with `dask worker ADDRESS --nthreads 1`"
            ) from None
        yield
