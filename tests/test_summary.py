"""What the last line of a test run says: which tests did not run, and why."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

WIDGETS = "tests/browser/test_widgets_browser.py"


def pytest_without_chromium(tmp_path: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("EXPLAINT_", "PYTEST_"))}
    env |= {"PATH": str(tmp_path), "EXPLAINT_DATA": str(tmp_path), **more}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def test_without_a_browser_one_line_at_the_end_says_what_did_not_run(tmp_path: Path):
    done = pytest_without_chromium(tmp_path, WIDGETS)
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0
    assert re.fullmatch(r"did not run: \d+ browser tests \(no Chromium on this machine; install .*\)", last)


def test_where_a_browser_is_required_its_absence_fails(tmp_path: Path):
    done = pytest_without_chromium(tmp_path, WIDGETS, "-x", EXPLAINT_REQUIRE_BROWSER="1")
    assert done.returncode == 1 and "no Chromium on this machine" in done.stdout
