"""Types that hold: mypy over the library, the programs of the book, and a script of somebody who uses the library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.xdist_group("mypy")  # one process of pytest runs it


def faults(*modules: str, path: str) -> list[str]:
    """Return the lines in which mypy finds a fault."""
    asked = [part for module in modules for part in ("-m", module)]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-color-output", "--no-error-summary", "-p", "explaint_lib", *asked],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": path},
        capture_output=True,
        text=True,
    )
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return found


def test_the_library_the_book_and_a_users_script_have_types_that_hold():
    programs = [program.stem for program in sorted((ROOT / "book").glob("*.py"))]
    assert faults("typed_user", *programs, path=os.pathsep.join(["tests", "book"])) == []


def test_a_wrong_call_of_the_library_is_found(tmp_path: Path):
    wrong = "from explaint_lib.norms import load_norms\n\nwords: int = load_norms(3).words\n"
    (tmp_path / "wrong_use.py").write_text(wrong)
    found = faults("wrong_use", path=str(tmp_path))
    assert len(found) == 2 and all("wrong_use.py:3" in line for line in found)
