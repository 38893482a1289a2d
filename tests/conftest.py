"""Order of the tests (cheap ones first), and the built book, which many of them read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "tests")]

TIERS = ("fast", "models", "human_norms", "book", "browser")
ONE_AT_A_TIME = {"built_book", "chromium"}  # dear to make: all tests that use them run in one process

if "PYTEST_XDIST_WORKER" in os.environ:
    # before NumPy and PyTorch are loaded: processes that share the cores must not each start a thread on every core
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _tier(item: pytest.Item) -> int:
    return max(TIERS.index(marker.name) for marker in item.iter_markers() if marker.name in TIERS)


@pytest.hookimpl(tryfirst=True)  # before pytest's own hook picks tests by `-m`
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not any(item.get_closest_marker(tier) for tier in TIERS):
            item.add_marker("fast")
        if ONE_AT_A_TIME.intersection(item.fixturenames):
            item.add_marker(pytest.mark.xdist_group("book"))
    items.sort(key=_tier)


@pytest.fixture(scope="session")
def built_book() -> Path:
    """Build the book with the quick profile, beside the reader's own; chapters up to date are not run again."""
    from build import build_book

    return build_book(profile="quick", target=ROOT / "_build" / "html-tested")
