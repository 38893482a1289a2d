"""Types that hold: mypy over the library and over a script of somebody who uses it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = pytest.mark.xdist_group("mypy")  # one process of pytest runs it, once

# The rooms without a fault. The list may only grow: once it names every room, any fault anywhere fails.
CLEAN = {
    "_cache",
    "_common",
    "_deal",
    "_orphans",
    "attention",
    "attribution",
    "cli",
    "continuity",
    "controls",
    "encoders",
    "experiments",
    "inference",
    "norms",
    "planted",
    "plotting",
    "probes",
    "relations",
    "results",
    "widgets",
}


def faults(said: str) -> dict[str, list[str]]:
    """Return what mypy found, by room; the script of the user is the room "user"."""
    found: dict[str, list[str]] = {}
    for line in said.splitlines():
        if fault := re.match(r"(?:explaint_lib/(\w+)\S*|tests/typed_(user)\.py):\d+: error: ", line):
            found.setdefault(fault[1] or fault[2], []).append(line)
    return found


@pytest.fixture(scope="module")
def checked() -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-color-output", "-p", "explaint_lib", "-m", "typed_user"],
        cwd=ROOT, env={**os.environ, "MYPYPATH": "tests"}, capture_output=True, text=True,
    )  # fmt: skip
    found = faults(done.stdout)
    assert done.returncode in (0, 1) and bool(found) == bool(done.returncode), done.stdout + done.stderr
    return found


def test_rooms_that_were_clean_are_clean(checked: dict[str, list[str]]):
    assert [line for room in sorted(CLEAN & set(checked)) for line in checked[room]] == []


def test_who_uses_the_library_gets_types_that_hold(checked: dict[str, list[str]]):
    assert checked.get("user", []) == []


def test_a_fault_is_read_off_what_mypy_says():
    said = (
        "explaint_lib/norms/_core.py:3: error: Wrong  [misc]\nexplaint_lib/_cache.py:1: note: see\n"
        "tests/typed_user.py:9: error: Wrong  [attr-defined]\nexplaint_lib/_common.py:8: error: Wrong  [misc]\n"
    )
    assert {room: len(lines) for room, lines in faults(said).items()} == {"norms": 1, "user": 1, "_common": 1}
