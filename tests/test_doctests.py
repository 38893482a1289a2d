"""The examples in the docstrings: they run and print what they say, and every public function has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from helpers_models import save_tiny_bert
from helpers_wordnet import Toy

from explaint_lib import encoders

LIBRARY = ROOT / "explaint_lib"

#: Every package that lists its public names; an experiment is one.
ROOMS = sorted(
    ".".join(path.parent.relative_to(LIBRARY).parts)
    for path in LIBRARY.rglob("*/__init__.py")
    if "\n__all__ = " in path.read_text("utf8")
)
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted(LIBRARY.rglob("*.py"))
    if ">>>" in path.read_text("utf8")
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> encoders.Encoder:
    return encoders.load_encoder(str(save_tiny_bert(tmp_path_factory.mktemp("bert"))))


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_print_what_they_say(name: str, encoder: encoders.Encoder, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    module = importlib.import_module(name)
    # NumPy is at hand, as in a reader's session. What an example loads from elsewhere (and so is marked to be skipped)
    # has a stand-in here; all else an example makes itself
    stand_ins = {"np": np, "encoder": encoder, "wordnet": Toy()}
    found = doctest.DocTestFinder(exclude_empty=True).find(module, globs=stand_ins)
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for one in found:
        runner.run(one, out=report.append)
    assert runner.summarize(verbose=False).attempted > 0
    assert not report, "".join(report)


def lacking(room: str) -> set[str]:
    """Return the public functions of a room whose docstring has no section "Examples"."""
    module = importlib.import_module(f"explaint_lib.{room}")
    functions = {name: getattr(module, name) for name in module.__all__ if inspect.isfunction(getattr(module, name))}
    return {name for name, function in functions.items() if "\nExamples\n-" not in (inspect.getdoc(function) or "")}


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_function_has_an_example(room: str):
    assert lacking(room) == set()
