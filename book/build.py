"""Build the book: run the chapters, render the pages, publish them into _build/html.

A chapter is run again only when its content key changes: the notebook, its parameters, the library, the data, the
versions. Jupyter Book's own cache sees only the cells, and would keep an old number after a change in the library.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import guarded
import origin
from chapters import run_all
from judge import OwnPaths
from keys import check_inputs, surroundings
from pages import book_key, publish, render, restore, stage, stands
from parameters import ROOT, BookError, Faults, ParameterError, Run, apply_overrides, find_chapter, read_profile

from explaint_lib import norms
from explaint_lib._common import ExplaintError

MODELS = ("minilm", "smollm2", "glove", "rxnmapper")
EXAMPLES = """\
examples:
  make book                                        small numbers, minutes on two cores
  make book PROFILE=full                           the published numbers, and human norms where they are installed
  make book ARGS="-p n_permutations 499"           one parameter, in every chapter that has it
  make book ARGS="-p 07.n_permutations 499"        the same in chapter 07 alone
  make book ARGS="--only 03"                       run chapter 03; show the others as they were last run
A parameter's name, meaning and default are in the first code cell of its chapter.
"""


def plan(folder: Path, profile: str, overrides: list[tuple[str, str]]) -> list[Run]:
    """Return the runs of a book: every notebook in ``notebooks/`` of `folder`, and the profile's variants of it."""
    chapters, faults = sorted((folder / "notebooks").glob("*.ipynb")), Faults()
    found: tuple[dict[str, dict], dict[str, dict]] | None
    found = faults.attempt(read_profile, folder / "book" / "profiles.yml", profile, chapters)
    parameters, variants = found or ({}, {})
    parameters = faults.attempt(apply_overrides, overrides, chapters, parameters)
    faults.raise_any()
    runs = []
    for chapter in chapters:
        runs.append(Run(chapter, chapter.stem, parameters[chapter.stem]))
        for suffix, values in variants.get(chapter.stem, {}).items():
            if "norms_name" not in values or norms.available(values["norms_name"]):
                runs.append(Run(chapter, f"{chapter.stem}_{suffix}", parameters[chapter.stem] | values))
    return runs


@contextmanager
def alone(build: Path) -> Iterator[None]:
    """Hold the build folder for this process; a second build waits, and what a killed one left half done is removed."""
    build.mkdir(parents=True, exist_ok=True)
    with open(build / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another build holds _build/; waiting for it ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in build.glob("chapters/*/.running-*"):
            shutil.rmtree(left_over)
        for target in build.glob("*.old"):
            restore(target.with_suffix(""))
        yield


def build_book(
    *,
    profile: str = "quick",
    overrides: list[tuple[str, str]] | None = None,
    jobs: int = 2,
    only: str | None = None,
    target: Path | None = None,
    root: Path = ROOT,
    models: tuple[str, ...] = MODELS,
) -> Path:
    """Run what is out of date, render everything, and return the folder of pages.

    Parameters
    ----------
    profile : str
        A profile of ``book/profiles.yml``.
    overrides : list of (name, value) pairs, optional
        Parameters as typed on the command line.
    jobs : int
        Chapters that run at the same time.
    only : str, optional
        The chapter (a prefix of its name is enough) to run; the others are shown as they were last run.
    target : Path, optional
        Where the pages go; ``_build/html`` when not given.
    root : Path
        The folder of the book's sources.
    models : tuple of str
        The bundled models that chapters may name; fetched and loaded once before one that does runs.

    Raises
    ------
    ParameterError
        If a parameter, or a file or model that one names, cannot be used.
    BookError
        If a cell fails, an output could not be shown, Sphinx warns, or a page is not self-contained: the old pages
        stay.
    """
    build = root / "_build"
    target = target or build / "html"
    faults, rerun = Faults(), None
    runs = faults.attempt(plan, root, profile, overrides or []) or []
    chosen = faults.attempt(find_chapter, only, sorted((root / "notebooks").glob("*.ipynb"))) if only else None
    faults.raise_any()
    if chosen:
        rerun = {run.name for run in runs if run.source == chosen}
        print(f"only {chosen.stem} is brought up to date; the other chapters are shown as they were last run")
    with alone(build):
        check_inputs(runs)
        executed = build / "chapters" / profile
        if failures := run_all(runs, executed, jobs=jobs, rerun=rerun, root=root, models=models):
            raise BookError("the book was not built:\n" + "\n".join(failures))
        stage(build / "staging", executed, runs, root)
        key = book_key(build / "staging", surroundings(root))
        for place in dict.fromkeys(
            (target, build / "html")
        ):  # the reader's own book serves the tests where it is the same
            if stands(place, key):
                print("  pages: unchanged, kept")
                return place
        print("  pages: rendering ...", flush=True)
        start = monotonic()
        html = render(build / "staging", build / "rendered", OwnPaths(root, runs))
        origin.pack(html, root)
        publish(html, target, key)
        print(f"  pages: rendered in {monotonic() - start:.0f} s", flush=True)
    return target


def arguments() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        prog="book/build.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="quick", help="quick (default) or full: a section of book/profiles.yml")
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("[CHAPTER.]NAME", "VALUE"),
        help="give a chapter's parameter another value (YAML); may be repeated",
    )
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="chapters run at the same time")
    parser.add_argument("--only", metavar="CHAPTER", help="run this chapter alone, named by any beginning of its name")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Build the book as the command line says.

    Returns
    -------
    int
        The exit code: 0, 1 where the book cannot be built, 2 where what was typed cannot be used, 128 and the signal's
        number where the build was stopped.
    """
    given = arguments().parse_args(argv)
    start = monotonic()
    try:
        if given.jobs < 1:
            raise ParameterError(f"--jobs must be 1 or more, not {given.jobs}")
        print(f"book, profile {given.profile}")
        html = build_book(
            profile=given.profile,
            overrides=[tuple(pair) for pair in given.parameter],
            jobs=given.jobs,
            only=given.only,
        )
    except ExplaintError as fault:
        print(f"\nbook: {fault}", file=sys.stderr)
        return 2 if isinstance(fault, ParameterError) else 1
    except KeyboardInterrupt as stopped:
        print(
            "\nbook: stopped. Chapters that were complete are kept, in _build/chapters/; the pages are as they were. "
            "Run it again to go on.",
            file=sys.stderr,
        )
        return 128 + (stopped.args[0] if stopped.args else signal.SIGINT)
    print(f"book: {(html / 'index.html').relative_to(ROOT)} ({monotonic() - start:.0f} s in all)")
    return 0


if __name__ == "__main__":
    guarded.stop_on_signals()
    guarded.end_with_make()
    sys.exit(main())
