"""What decides a chapter's numbers, by content: the key under which an executed chapter is kept.

A key covers the notebook, its parameters and every file, folder or model that they name, the library with its data,
the installed norms, the versions of all locked packages, and what the chapter's process is told about the machine.
Whatever of it changes, the chapter runs again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import sys
from functools import cache
from pathlib import Path

import nbformat
from parameters import MODEL_NAMES, ROOT, BookError, Faults, Run, known_parameters, located

from explaint_lib import encoders, norms
from explaint_lib._cache import computer
from explaint_lib._common import data_dir


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise BookError(f"cannot read {path}: {fault.strerror or fault}; make it readable or remove it") from None


def tree_digest(folder: Path, *, skip: tuple[str, ...] = ()) -> str:
    """Return one hash over the names and contents of all files below a folder, hidden ones and `skip` endings left out.

    What is hidden is somebody's work in progress or left-over; nothing reads it by name.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and path.suffix not in skip and not any(part.startswith(".") for part in name.parts):
            digest.update(f"{name}\n{file_digest(path)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def path_digest(text: str, folder: Path) -> str | None:
    """Return the content's hash where a text is the path of a file or folder (relative to `folder`), else None."""
    try:
        path = folder / Path(text).expanduser()
        if path.is_file():
            return file_digest(path)
        return tree_digest(path) if path.is_dir() else None
    except (ValueError, RuntimeError, OSError):  # a zero byte, an unknown ~user, too long: no path
        return None


@cache
def model_identity(name: str, revision: str | None, content: str | None) -> str:
    """Return what identifies a model's weights.

    A model that is not bundled is loaded, which also proves that it can be used; `content`, the hash of a local one,
    makes an edited one a new one.
    """
    if name in encoders.MODELS and revision is None:
        return encoders.MODELS[name].revision
    return encoders.load_vectors(name, revision=revision).revision


def _models(run: Run) -> list[tuple[str, str | None, str | None]]:
    """Return the models that a run was given: name or path, revision, hash of a local one."""
    places, found = located(run), []
    for name in MODEL_NAMES:
        value = places.get(name, [])
        for model in value if isinstance(value, list) else [value]:
            revision = places.get("model_revision") if name == "model_name" else None
            local = None if model in encoders.MODELS else path_digest(str(model), run.source.parent)
            found.append((model, revision, local))
    return found


def check_inputs(runs: list[Run]) -> None:
    """Read the norms and load the models that the runs were given, each once, before any chapter runs.

    Raises
    ------
    ParameterError
        With every one that cannot be used, and why.
    """
    faults = Faults()
    for name in dict.fromkeys(located(run).get("norms_name", "bundled") for run in runs):
        faults.attempt(norms.load_norms, name, about="norms_name: ")  # those of an index are fetched now
    for model in dict.fromkeys(model for run in runs for model in _models(run)):
        faults.attempt(model_identity, *model, about=f"model {model[0]}: ")
    faults.raise_any()


def inputs(run: Run) -> dict[str, str]:
    """Return every text among a run's parameters, defaults included, that names something with a content, by content.

    A text that could be read in two ways counts in both: too much in a key costs a run, too little a stale page.
    """
    given = {name: known.default_value for name, known in known_parameters(run.source).items()} | located(run)
    texts = [item for value in given.values() for item in (value if isinstance(value, list) else [value])]
    found = {}
    for text in [text for text in texts if isinstance(text, str)]:
        if content := path_digest(text, run.source.parent):
            found[f"path {text}"] = content
    for name, revision, content in _models(run):
        found[f"model {name} {revision}"] = model_identity(name, revision, content)
    return found


def surroundings(root: Path = ROOT) -> str:
    """Return the hash of what every chapter depends on besides itself: library, reference, data and versions."""
    digest = hashlib.sha256()
    read = [path for path in (root / "notebooks").rglob("*") if path.suffix != ".ipynb"]  # what a chapter may import
    read += [*(root / "explaint_lib").rglob("*"), *(root / "book" / "reference").glob("*.json")]
    for path in sorted(path for path in read if path.is_file() and path.suffix != ".pyc"):
        digest.update(f"{path.relative_to(root)}\n{file_digest(path)}\n".encode())
    digest.update(f"constraints {file_digest(root / 'constraints.txt')}\n".encode())
    digest.update(f"installed norms {tree_digest(data_dir())}\n".encode())
    # constraints.txt is what should be installed; this is what is
    locked = (line.split("==")[0] for line in (root / "constraints.txt").read_text("utf8").splitlines() if "==" in line)
    for package in sorted(locked):
        try:
            digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
        except importlib.metadata.PackageNotFoundError:
            continue  # some are for other systems
    digest.update(f"{platform.python_implementation()} {platform.python_version()} {sys.platform}".encode())
    digest.update(f"{platform.machine()} {computer()['processor']}".encode())
    return digest.hexdigest()


def content_key(run: Run, surrounding: str, threads: int = 1) -> str:
    """Return the hash that names a run's result: the same key, the same numbers."""
    said = {"parameters": run.parameters, "inputs": inputs(run), "threads": threads, "surroundings": surrounding}
    return hashlib.sha256(f"{run.source.read_text('utf8')}\0{json.dumps(said, sort_keys=True)}".encode()).hexdigest()


# -- the executed chapter, as it is kept -------------------------------------------------------------------------------


def keep(notebook: nbformat.NotebookNode, beside: Path, result: Path, key: str) -> None:
    """Write an executed chapter with its key and the hash of its own content to `beside`; rename it to `result`."""
    content = json.loads(nbformat.writes(notebook))
    content["metadata"]["explaint_key"] = key
    content["metadata"]["explaint_content"] = _content(content)
    with beside.open("w", encoding="utf8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())  # else a power cut can leave the name without the content
    os.replace(beside, result)


def stored_key(result: Path) -> str | None:
    """Return the key under which an executed chapter is kept; None where there is none, or one that is damaged."""
    try:
        content = json.loads(result.read_bytes())
        told = content["metadata"].get("explaint_content")
        return content["metadata"]["explaint_key"] if told == _content(content) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _content(notebook: dict) -> str:
    """Return the hash of all of a notebook but the hash itself."""
    rest = {**notebook, "metadata": {k: v for k, v in notebook["metadata"].items() if k != "explaint_content"}}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
