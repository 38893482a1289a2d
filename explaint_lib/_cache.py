"""What is computed once is kept: every entry carries its key and a digest of its content, and is read only if both fit.

What it controls for: a result that depends on something else than what is asked for now. The key is a hash of the
data (by content), the numbers, the sources of the code that computes, the versions of the libraries and what
computes (kind of machine, kind of processor: sums round differently on another one). An entry that is cut short,
empty, changed, or another entry's is computed again, and one line on stderr says so. What it does not license:
trust in entries that somebody forged on purpose.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import explaint_lib
from explaint_lib._common import ExplaintError, atomic_path, cache_dir, check_writable, make_folder, notice

_ROOT = Path(explaint_lib.__file__).parent
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "torch", "transformers", "tokenizers")
_LARGE = 2**23  # bytes; hashing so many takes longer than the grain of a file's times, so no write goes unseen


def kept(room: str, about: Mapping[str, Any], compute: Callable[[], Any], *, code: str, suffix: str = ".npy") -> Any:
    """Return what `compute` gives: read from the cache if it was computed before, else computed and kept.

    Parameters
    ----------
    room : str
        The folder of the cache.
    about : mapping
        All that the result depends on besides code, versions and machine: data by content, parameters. Values that
        JSON can hold.
    compute : callable without arguments
    code : str
        The module that computes; its source, and that of all it imports from this library, belong to the key.
    suffix : {".npy", ".npz", ".json"}
        What the result is: an array, a dict of arrays, what JSON can hold.

    Raises
    ------
    ExplaintError
        Before anything is computed, if the cache cannot be written to. A disk that fills up later costs the entry,
        not the result.
    """
    store = entry(room, about, code=code, suffix=suffix)
    found = store.read()
    if found is None:
        store.check_writable()
        found = compute()
        try:
            store.write(found)
        except ExplaintError as fault:
            notice(f"{fault}. The result is good, and was not kept")
    return found


def entry(room: str, about: Mapping[str, Any], *, code: str, suffix: str) -> Entry:
    """Return the place of a result in the cache; the parameters are those of `kept`."""
    return Entry(room, hashed({"about": dict(about), "code": code_hash(code), "computer": computer()}), suffix)


@dataclass(frozen=True)
class Entry:
    """One file of the cache: a content in a common format, and behind it a line with its key and its digest.

    Attributes
    ----------
    room : str
        The folder of the cache.
    key : str
        The hash of all that the content depends on.
    suffix : {".npy", ".npz", ".json"}
    """

    room: str
    key: str
    suffix: str

    @property
    def path(self) -> Path:
        """Where the entry is, or will be."""
        return cache_dir() / self.room / (self.key + self.suffix)

    def read(self) -> Any:
        """Return the content; None if there is none, or (with a line on stderr) if it is not what was written."""
        try:
            content, _, seal = self.path.read_bytes().removesuffix(b"\n").rpartition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as fault:
            return self._damaged(f"cannot be read ({fault.strerror})")
        try:
            key, digest = (json.loads(seal)[name] for name in ("key", "sha256"))
        except (ValueError, TypeError, KeyError):
            return self._damaged("is cut short, or no entry of this cache")
        if key != self.key:
            return self._damaged("holds the result of something else")
        if digest != hashlib.sha256(content).hexdigest():
            return self._damaged("was changed after it was written")
        return _FORMATS[self.suffix][1](content)

    def _damaged(self, what: str) -> None:
        notice(f"{self.path} {what}; it is computed again")

    def check_writable(self) -> None:
        """Say before a long computation that its result could not be kept."""
        make_folder(self.path.parent)
        check_writable(self.path)

    def write(self, value: Any) -> None:
        """Keep a value under the key, whole or not at all."""
        content = _FORMATS[self.suffix][0](value)
        seal = json.dumps({"key": self.key, "sha256": hashlib.sha256(content).hexdigest()})
        make_folder(self.path.parent)
        with atomic_path(self.path) as beside:
            beside.write_bytes(content + b"\n" + seal.encode() + b"\n")


def _npy(value: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, value, allow_pickle=False)
    return file.getvalue()


def _npz(value: Mapping[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **value)
    return file.getvalue()


def _loaded(content: bytes) -> Any:
    return np.load(io.BytesIO(content), allow_pickle=False)


_FORMATS: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    ".npy": (_npy, _loaded),
    ".npz": (_npz, lambda content: dict(_loaded(content))),
    ".json": (lambda value: json.dumps(value, allow_nan=False).encode(), json.loads),
}


# --- keys ---------------------------------------------------------------------------------------------------------


def hashed(value: Any) -> str:
    """Return the SHA-256 (hex) of a value that JSON can hold, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's content; a large file that nobody touched since is not read again."""
    about = path.stat()
    if about.st_size < _LARGE:
        return _read_and_hash(path)
    return _hash_once(path, (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns))


def _read_and_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _hash_once(path: Path, untouched: tuple[int, ...]) -> str:
    """Return a file's hash, once in this process; a write sets the file's times, so it has another `untouched`."""
    return _read_and_hash(path)


def computer() -> dict[str, Any]:
    """Return what computes here: the versions of Python and the libraries, the kind of machine and of processor."""
    return {
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _LIBRARIES},
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "processor": list(_processor()),
    }


@cache
def _version(name: str) -> str:
    return metadata.version(name)


@cache
def _processor() -> tuple[str, ...]:
    """Return the instructions that PyTorch and the linear algebra of NumPy and SciPy were told to use, or found."""
    import scipy.linalg  # noqa: F401  # loads its own linear algebra: the answer must not depend on who asks first
    import torch
    from threadpoolctl import threadpool_info

    found = {f"{pool['internal_api']} {pool['architecture']}" for pool in threadpool_info() if "architecture" in pool}
    return f"torch {torch.backends.cpu.get_cpu_capability()}", *sorted(found)


@cache
def code_hash(module: str) -> str:
    """Return one hash over the sources of a module and of every module of the library that it can reach.

    Imports inside functions count. A change in a room that the result does not depend on (a widget, a figure)
    leaves the hash as it was.
    """
    reached: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if path is None or name in reached:
            continue
        reached[name] = path
        source = path.read_bytes()
        waiting += _imported(source, name, package=path.name == "__init__.py")
        if b"iter_modules(__path__)" in source:  # a room that imports whatever lies in it
            waiting += (f"{name}.{other.stem}" for other in sorted(path.parent.glob("*.py")) if other != path)
        waiting.append(name.rpartition(".")[0])
    return hashed({name: file_hash(path) for name, path in reached.items()})


def _source(name: str) -> Path | None:
    """Return the file of a module of this library, or None for a name that is no such module."""
    top, *parts = name.split(".")
    if top != explaint_lib.__name__:
        return None
    place = _ROOT.joinpath(*parts)
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


def _imported(source: bytes, module: str, *, package: bool) -> Iterator[str]:
    """Yield every name that a source imports, a name from a package also as that package's module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".") if package else module.split(".")[:-1]
            base = parents[: len(parents) - node.level + 1] if node.level else []
            place = ".".join([*base, *([node.module] if node.module else [])])
            yield place
            yield from (f"{place}.{alias.name}" for alias in node.names)
