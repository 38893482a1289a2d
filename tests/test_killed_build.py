"""A build that is killed: everything it started ends with it, the old book stands, and the next one is as ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pages
import psutil
import pytest
from build import build_book
from chapters import run_all
from conftest import ROOT
from pages import _old, publish, restore
from parameters import Run
from samples import chapter, code
from test_build import sample, write_book

# as from a terminal: who starts the tests in the background hands on that Ctrl-C is to be ignored
BUILD = """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {book!r})
import build, guarded, pathlib
guarded.stop_on_signals()
guarded.end_with_make()
build.ROOT = root = pathlib.Path({root!r})
made = build.build_book
build.build_book = lambda **given: made(root=root, models=(), **given)
sys.exit(build.main([]))
"""


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen]]:
    """A build under way in a process of its own: its one chapter sleeps."""
    notebook = chapter()
    notebook.cells.insert(8, code("import time\n\ntime.sleep(600)"))
    book = write_book(tmp_path, notebook)
    (book / "_build" / "html").mkdir(parents=True)
    (book / "_build" / "html" / "index.html").write_text("the old book", "utf8")
    program = BUILD.format(book=str(ROOT / "book"), root=str(book))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    build = subprocess.Popen([sys.executable, "-c", program], start_new_session=True, **pipes)
    wait_for(lambda: list(book.glob("_build/chapters/quick/.running-*/99_sample.ipynb")))
    yield book, build
    build.kill()
    build.wait()


def under(build: subprocess.Popen) -> list[psutil.Process]:
    """Return what a build has started: papermill, and the kernel, which has a session of its own."""

    def kernel_among(found: list[psutil.Process]) -> bool:
        return any("ipykernel" in " ".join(process.cmdline()) for process in found)

    wait_for(lambda: kernel_among(psutil.Process(build.pid).children(recursive=True)))
    return psutil.Process(build.pid).children(recursive=True)


@pytest.mark.book
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_everything_ends_with_the_build(slow: tuple[Path, subprocess.Popen], how: signal.Signals):
    book, build = slow
    started = under(build)
    os.kill(build.pid, how)  # the one process: no terminal tells the others
    said, _ = build.communicate(timeout=20)
    assert psutil.wait_procs(started, timeout=10)[1] == []
    assert (book / "_build" / "html" / "index.html").read_text("utf8") == "the old book"
    left = list(book.glob("_build/chapters/quick/.running-*"))
    if how is not signal.SIGKILL:
        assert build.returncode == 128 + how and left == []
        assert "book: stopped. Chapters that were complete are kept" in said and "Traceback" not in said
        return
    nbformat.write(chapter(), sample(book))
    build_book(root=book, models=())  # and the next build clears up and succeeds
    assert "A mean that differs" in (book / "_build" / "html" / "notebooks" / "99_sample.html").read_text("utf8")
    assert not list(book.glob("_build/chapters/quick/.running-*"))


@pytest.mark.book
def test_the_build_ends_with_make_even_if_make_is_killed_outright(tmp_path: Path):
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'book')!r}); import guarded, time\n"
        "guarded.stop_on_signals(); guarded.end_with_make(); print('on', flush=True); time.sleep(600)"
    )
    (tmp_path / "program.py").write_text(program, "utf8")
    (tmp_path / "Makefile").write_text(f"book:\n\texec {sys.executable} program.py\n", "utf8")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    make = subprocess.Popen(["make", "-s", "book"], cwd=tmp_path, **pipes)
    assert make.stdout.readline() == "on\n"
    started = psutil.Process(make.pid).children(recursive=True)
    make.kill()
    assert started and psutil.wait_procs(started, timeout=10)[1] == []


# -- publishing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_books(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("new", "html"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name, "utf8")
    return tmp_path / "new", tmp_path / "html"


@pytest.mark.parametrize("exchange", [True, False])
def test_a_book_takes_the_place_of_the_old_one_as_a_whole(two_books, monkeypatch, exchange: bool):
    new, html = two_books
    if not exchange:
        monkeypatch.setattr(pages, "_exchange", lambda *_: False)
    publish(new, html, "key")
    assert (html / "index.html").read_text("utf8") == "new" and not new.exists() and not _old(html).exists()
    assert pages.stands(html, "key") and not pages.stands(html, "other key")
    (html / "index.html").write_text("edited", "utf8")
    assert not pages.stands(html, "key")


def test_a_build_killed_between_two_renames_gives_the_old_book_back(two_books, monkeypatch):
    new, html = two_books
    monkeypatch.setattr(pages, "_exchange", lambda *_: False)
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        if self == new:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(new, html, "key")
    assert not html.exists()
    restore(html)
    assert (html / "index.html").read_text("utf8") == "html" and not _old(html).exists()


@pytest.mark.book
def test_the_pages_are_rendered_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    book = write_book(tmp_path)
    first = build_book(root=book, models=())
    before = {path: path.stat().st_mtime_ns for path in first.rglob("*")}
    capsys.readouterr()
    assert build_book(root=book, models=(), target=book / "_build" / "html-tested") == first
    assert "pages: unchanged, kept" in capsys.readouterr().out and not (book / "_build" / "html-tested").exists()
    assert {path: path.stat().st_mtime_ns for path in first.rglob("*")} == before
    (book / "book" / "index.md").write_text("# Another first page\n\n```{bibliography}\n```\n", "utf8")
    assert build_book(root=book, models=()) == first
    assert "Another first page" in (first / "book" / "index.html").read_text("utf8")


@pytest.mark.book
def test_two_chapters_at_a_time_and_one_that_fails(tmp_path: Path):
    book = write_book(tmp_path)
    bad = chapter()
    bad.cells.insert(8, code("1 / 0"))
    nbformat.write(bad, book / "notebooks" / "98_bad.ipynb")
    runs = [Run(book / "notebooks" / "98_bad.ipynb", "98_bad"), Run(sample(book), "99_sample")]
    (failure,) = run_all(runs, book / "_build", jobs=2, root=book, models=())
    assert "98_bad: code cell 4 (1 / 0) failed" in failure and (book / "_build" / "99_sample.ipynb").is_file()
