"""Order of the tests (cheap ones first), the built book and the browser, which many of them read and use."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "tests")]

TIERS = ("fast", "models", "human_norms", "book", "browser")
ONE_AT_A_TIME = {"built_book", "chromium"}  # dear to make: all tests that use them run in one process

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

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


CURES = {
    "browser": "no Chromium on this machine; install chromium or google-chrome",
    "human_norms": 'human norms are not installed; see "The human norms" in book/how_to_run.md',
}


def what_did_not_run(skipped: list[pytest.TestReport]) -> str:
    """Return one line: how many tests of which kind were skipped, why, and what would make them run."""
    kinds: dict[str, int] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        kind = next((tier for tier in CURES if tier in report.keywords), reason.removeprefix("Skipped: "))
        kinds[kind] = kinds.get(kind, 0) + 1
    said = [f"{n} {kind.replace('_', ' ')} test{'s' * (n > 1)} ({CURES[kind]})" if kind in CURES
            else f"{n} ({kind})" for kind, n in kinds.items()]  # fmt: skip
    return f"did not run: {'; '.join(said)}"


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost, so that it is the last line of all
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and (skipped := reporter.stats.get("skipped", [])):
        reporter.write_line(what_did_not_run(skipped), yellow=True)


@pytest.fixture(scope="session")
def built_book() -> Path:
    """The book with the quick profile: the reader's own where it is up to date, else one built beside it."""
    from build import build_book

    return build_book(profile="quick", target=ROOT / "_build" / "html-tested")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """The system's Chromium, headless. Without one the tests are skipped, unless EXPLAINT_REQUIRE_BROWSER is set."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        say = pytest.fail if os.environ.get("EXPLAINT_REQUIRE_BROWSER") else pytest.skip
        say(f"no Chromium on this machine (looked for {', '.join(NAMES)}): the browser tests did not run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()
