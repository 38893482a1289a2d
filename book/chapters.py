"""Run chapters: each in a process of its own, judged before it is kept, and again only when its content key changes.

A chapter is a notebook in ``notebooks/``; a `Run` is a chapter with the parameters it is run with. papermill executes
each run into a file beside the result, which is renamed when the run is complete and nothing in it would be refused on
a page. What is kept is therefore fit to be shown, whatever the caches of the machine held when it was made.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import guarded
import nbformat
import yaml
from judge import as_typed, first_line, judge, tags
from keys import content_key, keep, stored_key, surroundings
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from parameters import ROOT, BookError, Run, located

from explaint_lib import encoders

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# what a reader's machine sets for other programs must not reach a chapter's numbers, figures or warnings
UNSET = ("PYTHONWARNINGS", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "MATPLOTLIBRC", "MPLBACKEND", "COLUMNS", "LINES")


def environment(place: Path, threads: int) -> dict[str, str]:
    """Return the environment of a chapter's process: what would change its outputs is fixed, not inherited.

    Parameters
    ----------
    place : Path
        The run's temporary folder: what the kernel writes beside the chapter goes there, and away with it.
    threads : int
        Threads of the numerical libraries.
    """
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    fixed = {
        "PYTHONHASHSEED": "0",
        "MPLCONFIGDIR": str(fonts(place.parent)),
        "IPYTHONDIR": str(place / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
    }
    return {name: value for name, value in os.environ.items() if name not in UNSET} | limits | fixed


def fonts(folder: Path) -> Path:
    """Return where Matplotlib keeps its list of fonts for the chapters in `folder`."""
    return folder / f".matplotlib-{importlib.metadata.version('matplotlib')}"


def prepare(folder: Path, models: list[str]) -> None:
    """Do all that is done once on a machine, before a chapter could show it: fetch and convert models, list fonts.

    Raises
    ------
    BookError
        If a model cannot be had; says why.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".running-") as place:
        env = environment(Path(place), 1) | {"MPLCONFIGDIR": place}
        if not fonts(folder).is_dir():
            guarded.run(str(Path(__file__).with_name("prepare.py")), env=env)
            Path(place, "fonts").mkdir(exist_ok=True)
            for file in Path(place).glob("fontlist*.json"):
                file.rename(Path(place, "fonts", file.name))
            os.replace(Path(place, "fonts"), fonts(folder))
        if models:
            done = guarded.run(str(Path(__file__).with_name("prepare.py")), *models, env=env, quiet=False)
            if done.returncode:
                raise BookError("a model that the chapters need cannot be loaded; the lines above say why")


def execute(run: Run, result: Path, key: str, threads: int) -> None:
    """Run one chapter with papermill in its own process and store it as `result`; a failure leaves `result` as it was.

    Raises
    ------
    BookError
        If a cell fails, or an output could not be shown: names the chapter, the cell, and what to do.
    """
    if not fonts(result.parent).is_dir():
        prepare(result.parent, [])
    values = located(run)
    with tempfile.TemporaryDirectory(dir=result.parent, prefix=".running-") as folder:
        beside, parameters = Path(folder) / result.name, Path(folder) / "parameters.yml"
        parameters.write_text(yaml.safe_dump(values), "utf8")
        command = [str(run.source), str(beside), "-f", str(parameters)]
        command += ["--cwd", str(run.source.parent), "-k", "python3", "--no-progress-bar"]
        done = guarded.run("papermill", *command, env=environment(Path(folder), threads))
        notebook = _read(beside)
        if failure := _failure(notebook, done):
            raise BookError(f"{run.name}: {failure}")
        # two prints of one cell arrive as one output or as two, as the machine was busy
        notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
        as_typed(notebook, run.parameters, values)
        if faults := list(judge(notebook, run)):
            raise BookError("\n    ".join([f"{run.name}: not kept, since it could not be shown:", *faults]))
        keep(notebook, beside, result, key)


def _read(beside: Path) -> NotebookNode:
    """Return what papermill wrote; an empty notebook where it wrote none, or was stopped while it did."""
    try:
        return nbformat.read(beside, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError):
        return nbformat.v4.new_notebook()


def _failure(notebook: NotebookNode, done: CompletedProcess[str]) -> str | None:
    """Return which cell failed and how; None for a complete run. papermill's own error cells are removed.

    papermill ends with an error for a cell tagged ``raises-exception`` too, although it runs on behind it.
    """
    notebook.cells = [cell for cell in notebook.cells if "papermill-error-cell-tag" not in tags(cell)]
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and "injected-parameters" not in tags(cell)]
    for number, cell in enumerate(code, start=1):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                trace = ANSI.sub("", "\n".join(output.traceback)).splitlines()[-12:]
                return f"code cell {number} ({first_line(cell)}) failed:\n    " + "\n    ".join(trace)
    if done.returncode != 0 and not (code and all(cell.execution_count for cell in code)):
        return "papermill failed:\n    " + "\n    ".join(done.stderr.strip().splitlines()[-12:])
    return None


# -- all of them -------------------------------------------------------------------------------------------------------


def _say(line: str) -> None:
    sys.stdout.write(f"  {line}\n")  # in one piece: two threads speak
    sys.stdout.flush()


def run_all(
    runs: list[Run],
    folder: Path,
    *,
    jobs: int,
    rerun: set[str] | None = None,
    root: Path = ROOT,
    models: tuple[str, ...] = tuple(encoders.MODELS),
) -> list[str]:
    """Run what is not up to date, `jobs` at a time, with a line as each begins and ends; return the failures.

    Parameters
    ----------
    runs : list of Run
    folder : Path
        Where the executed notebooks are kept, one ``NAME.ipynb`` a run.
    jobs : int
        How many run at the same time; each is given its share of the cores.
    rerun : set of str, optional
        Names of the only runs to bring up to date; the others keep what they have.
    root : Path
        The folder whose library and versions the results depend on.
    models : tuple of str
        The bundled models; those that a stale run names are fetched and loaded once before it begins.
    """
    folder.mkdir(parents=True, exist_ok=True)
    surrounding = surroundings(root)
    threads = max(1, (os.cpu_count() or 1) // jobs)
    stale: list[tuple[Run, str]] = []
    for run in runs:
        key = content_key(run, surrounding, threads)
        stored = stored_key(folder / f"{run.name}.ipynb")
        if rerun is None or run.name in rerun:
            if stored == key:
                _say(f"{run.name}: unchanged, kept")
            else:
                stale.append((run, key))
        elif stored is None:
            _say(f"{run.name}: never run, shown without results")
        elif stored != key:
            _say(f"{run.name}: NOT up to date, shown as it was last run")
    if not stale:
        return []
    texts = " ".join(f"{run.source.read_text('utf8')} {run.parameters}" for run, _ in stale)
    prepare(folder, [model for model in models if model in texts])

    def bring_up_to_date(run: Run, key: str) -> str | None:
        _say(f"{run.name}: running ...")
        start = time.monotonic()
        try:
            execute(run, folder / f"{run.name}.ipynb", key, threads)
        except BookError as failure:
            _say(f"{run.name}: FAILED after {time.monotonic() - start:.0f} s")
            return str(failure)
        _say(f"{run.name}: ran in {time.monotonic() - start:.0f} s")
        return None

    pool = ThreadPoolExecutor(jobs)  # the work is in papermill's processes; the threads only wait
    futures = [pool.submit(bring_up_to_date, *one) for one in stale]
    try:
        return [failure for future in futures if (failure := future.result())]
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures):
            guarded.end_all()
            time.sleep(0.05)
        raise
    finally:
        pool.shutdown()
