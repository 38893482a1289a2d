"""Run chapters: their parameters checked by name and type, each run again only when its content key changes.

A chapter is a notebook in ``notebooks/``; a `Run` is a chapter with the parameters it is run with. papermill executes
each run in a process of its own, into a file beside the result that is renamed when the run is complete.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import nbformat
import yaml

from explaint_lib._common import ExplaintError, data_dir

ROOT = Path(__file__).resolve().parent.parent
DATA_SUFFIXES = {".parquet", ".csv", ".tsv", ".xlsx"}
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class BookError(ExplaintError):
    """The book cannot be built: says which chapter or page, what is wrong, and what to do."""


@dataclass(frozen=True)
class Run:
    """One execution of a chapter: where it comes from, what it is called in the book, its changed parameters."""

    source: Path
    name: str
    parameters: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """A parameter as the chapter declares it: ``n_words: int = 300``."""

    name: str
    annotation: str
    default: str

    @property
    def types(self) -> list[str]:
        """The names of the types it takes: from its annotation (``str | None``), else from its default."""
        if not self.annotation:
            return [type(ast.literal_eval(self.default)).__name__]
        names = [re.sub(r"\[.*", "", part).strip() for part in self.annotation.split("|")]
        return ["NoneType" if name == "None" else name for name in names]


def known_parameters(notebook: Path) -> dict[str, Parameter]:
    """Return what the notebook's cell tagged ``parameters`` declares, by name.

    Read from the syntax tree: papermill's own inspection leaves out, silently, a parameter annotated ``str | None``.
    """
    cells = nbformat.read(notebook, as_version=4).cells
    source = "\n".join(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    found = []
    for line in ast.parse(source).body:
        if isinstance(line, ast.AnnAssign) and line.value is not None:
            found.append((line.target, ast.unparse(line.annotation), line.value))
        elif isinstance(line, ast.Assign):
            found.append((line.targets[0], "", line.value))
    return {target.id: Parameter(target.id, declared, ast.unparse(value)) for target, declared, value in found}


def check_parameters(notebook: Path, given: dict[str, object]) -> dict[str, object]:
    """Return `given` with each value of the type its parameter declares.

    papermill itself only warns about a name that the chapter does not have, and exits with 0.

    Raises
    ------
    BookError
        For a name that the notebook's parameters cell does not hold, or a value of another type.
    """
    known = known_parameters(notebook)
    if unknown := sorted(set(given) - set(known)):
        raise BookError(
            f"{notebook.stem} has no parameter {', '.join(unknown)}; it has: {', '.join(known) or 'none at all'}"
        )
    return {name: _as_declared(notebook, known[name], value) for name, value in given.items()}


def _as_declared(notebook: Path, parameter: Parameter, value: object) -> object:
    """Return `value` if the declared type allows it (a whole number may stand for a float)."""
    if "float" in parameter.types:
        if type(value) is int:
            return float(value)
        if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value):
            return float(value)  # YAML 1.1 reads 1e-4 as text
    if type(value).__name__ not in parameter.types:
        raise BookError(
            f"{notebook.stem}: parameter {parameter.name} takes {' or '.join(parameter.types)} "
            f"(its default is {parameter.default}), not {type(value).__name__}: {value!r}"
        )
    return value


def read_profile(file: Path, profile: str, chapters: list[Path]) -> tuple[dict[str, dict], dict[str, dict]]:
    """Return a profile's parameters a chapter, and its variants a chapter, both checked against the notebooks.

    Parameters
    ----------
    file : Path
        ``profiles.yml``.
    profile : str
        A name in it.
    chapters : list of Path
        The notebooks that exist.
    """
    profiles = yaml.safe_load(file.read_text("utf8"))
    if profile not in profiles:
        raise BookError(f"no profile {profile!r} in {file.name}; it has: {', '.join(profiles)}")
    parameters, variants = (profiles[profile].get(part) or {} for part in ("parameters", "variants"))
    by_name = {chapter.stem: chapter for chapter in chapters}
    for part in (parameters, variants):
        for name in sorted(set(part) - set(by_name)):
            raise BookError(f"{file.name}: profile {profile} names the chapter {name}, which is not in notebooks/")
    checked = {name: check_parameters(by_name[name], values) for name, values in parameters.items()}
    for name, choices in variants.items():
        for values in choices.values():
            check_parameters(by_name[name], values)
    return checked, variants


def apply_overrides(given: list[tuple[str, str]], chapters: list[Path], parameters: dict[str, dict]) -> dict[str, dict]:
    """Return `parameters` with the command line's ``-p NAME VALUE`` and ``-p CHAPTER.NAME VALUE`` laid over them.

    Without a chapter, the value goes to every chapter that has the parameter; one at least must have it.
    """
    result = {chapter.stem: dict(parameters.get(chapter.stem, {})) for chapter in chapters}
    for key, text in given:
        prefix, _, name = key.rpartition(".")
        value = yaml.safe_load(text)
        if prefix:
            targets = [find_chapter(prefix, chapters)]
        else:
            targets = [chapter for chapter in chapters if name in known_parameters(chapter)]
        if not targets:
            known = sorted({name for chapter in chapters for name in known_parameters(chapter)})
            raise BookError(f"no chapter has the parameter {name}; the chapters have: {', '.join(known) or 'none'}")
        for chapter in targets:
            result[chapter.stem] |= check_parameters(chapter, {name: value})
    return result


def find_chapter(prefix: str, chapters: list[Path]) -> Path:
    """Return the one chapter whose name starts with `prefix` (``07`` is enough)."""
    found = [chapter for chapter in chapters if chapter.stem.startswith(prefix)]
    if len(found) != 1:
        names = ", ".join(chapter.stem for chapter in chapters) or "none"
        raise BookError(f"{prefix!r} names {len(found)} chapters, it must name one; there are: {names}")
    return found[0]


def surroundings(root: Path = ROOT) -> str:
    """Return the hash of all a chapter's numbers depend on besides itself: library, reference, data and versions."""
    digest = hashlib.sha256()
    read = [*(root / "explaint_lib").rglob("*"), *(root / "book" / "reference").glob("*.json")]
    library = (path for path in read if path.is_file() and path.suffix != ".pyc")
    installed = (path for path in data_dir().glob("*") if path.suffix in DATA_SUFFIXES)
    for path in [*sorted(library), root / "constraints.txt", *sorted(installed)]:
        name = path.relative_to(root) if path.is_relative_to(root) else path.name
        digest.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    # constraints.txt is what should be installed; these are what is
    project = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]
    for requirement in [*project["dependencies"], "ipykernel", "papermill"]:
        package = re.split(r"[^A-Za-z0-9_.-]", requirement)[0]
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    digest.update(platform.python_version().encode())
    return digest.hexdigest()


def content_key(run: Run, surrounding: str) -> str:
    """Return the hash that names a run's result: the same key, the same numbers."""
    parts = [run.source.read_text("utf8"), json.dumps(run.parameters, sort_keys=True), surrounding]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def stored_key(result: Path) -> str | None:
    """Return the key under which an executed notebook was stored, or None where there is none."""
    if not result.is_file():
        return None
    return json.loads(result.read_text("utf8"))["metadata"].get("explaint_key")


def execute(run: Run, result: Path, key: str, threads: int) -> None:
    """Run one chapter with papermill in its own process and store it as `result`; a failure leaves `result` as it was.

    Raises
    ------
    BookError
        If a cell fails: names the chapter, the cell, and the last lines of the error.
    """
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    environment = os.environ | limits
    with tempfile.TemporaryDirectory(dir=result.parent, prefix=".running-") as folder:
        beside, parameters = Path(folder) / result.name, Path(folder) / "parameters.yml"
        parameters.write_text(yaml.safe_dump(run.parameters), "utf8")
        command = [sys.executable, "-m", "papermill", str(run.source), str(beside), "-f", str(parameters)]
        command += ["--cwd", str(run.source.parent), "-k", "python3", "--no-progress-bar"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        notebook = nbformat.read(beside, as_version=4) if beside.is_file() else nbformat.v4.new_notebook()
        if failure := _failure(notebook, done):
            raise BookError(f"{run.name}: {failure}")
        notebook.metadata["explaint_key"] = key
        nbformat.write(notebook, beside)
        os.replace(beside, result)


def _failure(notebook: nbformat.NotebookNode, done: subprocess.CompletedProcess[str]) -> str | None:
    """Return which cell failed and how; None for a complete run. papermill's own error cells are removed.

    papermill ends with an error for a cell tagged ``raises-exception`` too, although it runs on behind it.
    """
    notebook.cells = [cell for cell in notebook.cells if "papermill-error-cell-tag" not in _tags(cell)]
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and "injected-parameters" not in _tags(cell)]
    for number, cell in enumerate(code, start=1):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in _tags(cell):
                trace = ANSI.sub("", "\n".join(output.traceback)).splitlines()[-12:]
                first_line = cell.source.strip().splitlines()[0]
                return f"code cell {number} ({first_line}) failed:\n    " + "\n    ".join(trace)
    if done.returncode != 0 and not (code and all(cell.execution_count for cell in code)):
        return "papermill failed:\n    " + "\n    ".join(done.stderr.strip().splitlines()[-12:])
    return None


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _say(line: str) -> None:
    sys.stdout.write(f"  {line}\n")  # in one piece: two threads speak
    sys.stdout.flush()


def run_all(runs: list[Run], folder: Path, *, jobs: int, rerun: set[str] | None = None, root: Path = ROOT) -> list[str]:
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
    """
    folder.mkdir(parents=True, exist_ok=True)
    surrounding = surroundings(root)
    threads = max(1, (os.cpu_count() or 1) // jobs)

    def bring_up_to_date(run: Run) -> str | None:
        result, key = folder / f"{run.name}.ipynb", content_key(run, surrounding)
        if stored_key(result) == key:
            _say(f"{run.name}: unchanged, kept")
            return None
        _say(f"{run.name}: running ...")
        start = monotonic()
        try:
            execute(run, result, key, threads)
        except BookError as failure:
            _say(f"{run.name}: FAILED after {monotonic() - start:.0f} s")
            return str(failure)
        _say(f"{run.name}: ran in {monotonic() - start:.0f} s")
        return None

    chosen = [run for run in runs if rerun is None or run.name in rerun]
    with ThreadPoolExecutor(jobs) as pool:  # the work is in papermill's processes; the threads only wait
        return [failure for failure in pool.map(bring_up_to_date, chosen) if failure]
