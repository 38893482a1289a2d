"""The hash of the code that computes a result: a module of this library, and all of the library it imports."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import explaint_lib

_ROOT = Path(explaint_lib.__file__).parent


def hashed(value: Any) -> str:
    """Return the SHA-256 (hex) of a value that JSON can hold, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


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
        waiting += _imported(path.read_bytes(), name, package=path.name == "__init__.py")
        waiting.append(name.rpartition(".")[0])
    contents = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in reached.items()}
    return hashed(contents)


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
