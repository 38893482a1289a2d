"""What every room may use: errors a user can act on, the user's folders, files that are never half written."""

from __future__ import annotations

import argparse
import codecs
import errno
import json
import logging
import os
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs

try:
    import fcntl
except ImportError:  # Windows: what a killed run leaves there stays
    fcntl = None  # type: ignore[assignment]

_SCRATCH = ".explaint-writing-"  # how folders begin that hold what is being written
_TRIAL = 65536  # bytes written to see whether a disk takes them
_log = logging.getLogger(__name__)


class ExplaintError(ValueError):
    """A fault in the input that the user can mend: says what was expected, what was found and what to do.

    The command line prints the message without a traceback.
    """


def data_dir() -> Path:
    """Return the folder of installed norms: ``$EXPLAINT_DATA``, or the platform's user data folder."""
    override = os.environ.get("EXPLAINT_DATA")
    return Path(override).expanduser() if override else Path(platformdirs.user_data_dir("explaint"))


def cache_dir() -> Path:
    """Return the folder of downloaded models: ``$EXPLAINT_CACHE``, or the platform's user cache folder."""
    override = os.environ.get("EXPLAINT_CACHE")
    return Path(override).expanduser() if override else Path(platformdirs.user_cache_dir("explaint"))


@contextmanager
def write_faults(target: Path) -> Iterator[None]:
    """Turn a failed write to `target` (disk full, read-only, no permission) into a message that says what to do."""
    try:
        yield
    except OSError as fault:
        said = os.strerror(fault.errno) if fault.errno else " ".join(str(fault).split())
        folders = {"EXPLAINT_CACHE": cache_dir(), "EXPLAINT_DATA": data_dir()}
        ours = next((name for name, folder in folders.items() if target.is_relative_to(folder)), None)
        cure = f"set {ours} to a folder of yours with room in it" if ours else "choose another folder"
        full = "free some space, or " if fault.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise ExplaintError(f"cannot write {target}: {said}; {full}{cure}") from fault


def make_folder(folder: Path) -> None:
    """Create a folder and those above it, where they are missing.

    Raises
    ------
    ExplaintError
        If that cannot be done.
    """
    with write_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yield an empty hidden folder inside `parent`, for files that are being written; it is gone afterwards.

    A killed process cannot remove its folder. The folder is therefore locked while its process lives, and whoever
    asks for a scratch folder in the same place next removes those that nobody holds any more.
    """
    remove_leftovers(parent)
    folder, lock = _locked_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def remove_leftovers(parent: Path) -> None:
    """Remove the scratch folders inside `parent` whose processes are gone."""
    for leftover in parent.glob(_SCRATCH + 8 * "?"):
        with suppress(OSError):
            if (lock := _lock(leftover)) is not None:
                shutil.rmtree(leftover, ignore_errors=True)
                os.close(lock)


def _locked_folder(parent: Path) -> tuple[Path, int | None]:
    """Return a new folder and the lock on it, None where the file system knows no locks."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=_SCRATCH))
        with suppress(BlockingIOError, FileNotFoundError):  # taken for a leftover before the lock was ours: try again
            lock = _lock(folder)
            if lock is None or os.path.samestat(os.fstat(lock), folder.stat()):
                return folder, lock


def _lock(folder: Path) -> int | None:
    """Return a lock on a folder that the system lifts when this process ends, None where there are no locks.

    Raises
    ------
    BlockingIOError
        If another process, or another thread of this one, holds it.
    """
    if fcntl is None:
        return None
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(lock)
        if isinstance(fault, BlockingIOError):
            raise
        return None
    return lock


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or every file of a folder, is on the disk: no power cut leaves it empty under its name."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())


@contextmanager
def atomic_path(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path beside `target` to write to; it is renamed to `target` only when the block ends without error.

    A killed run leaves the old file, or none, and never half of a new one.

    Raises
    ------
    ExplaintError
        If the file cannot be written.
    """
    target = Path(target)
    with write_faults(target):
        _check_place(target)
        with scratch_folder(target.parent) as folder:  # a file made there has the mode that the user's umask gives
            beside = folder / target.name
            yield beside
            flush_to_disk(beside)
            os.replace(beside, target)


def check_writable(target: Path) -> None:
    """Say before a long run that its result could not be written to `target`.

    Raises
    ------
    ExplaintError
        If `target` is a folder, its folder does not exist, or nothing can be written there.
    """
    with write_faults(target):
        _check_place(target)
        with scratch_folder(target.parent) as folder:
            trial = folder / target.name
            trial.write_bytes(bytes(_TRIAL))
            flush_to_disk(trial)


def _check_place(target: Path) -> None:
    if target.is_dir():
        raise ExplaintError(f"cannot write {target}: it is a folder; name a file in it")
    if not target.parent.is_dir():
        raise ExplaintError(f"cannot write {target}: the folder {target.parent} does not exist; create it first")
    if target.exists() and not target.is_file():
        raise ExplaintError(f"cannot write {target}: it is a device or a pipe; name an ordinary file")


def output_file(text: str) -> Path:
    """Return the path of a result still to be computed, checked: a ``type`` for argparse.

    Raises
    ------
    argparse.ArgumentTypeError
        Where `check_writable` objects.
    """
    try:
        check_writable(Path(text))
    except ExplaintError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None
    return Path(text)


def write_json(target: Path, result: dict[str, Any] | list[Any]) -> None:
    """Write a result to `target`, whole or not at all; NaN is refused, since JSON has none."""
    with atomic_path(target) as beside:
        beside.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def printable(text: object) -> str:
    """Return foreign text as a terminal may print it: what would act on the terminal or hide itself, as an escape.

    Control characters (ESC, BEL, line breaks), marks of direction, zero-width characters, line and paragraph
    separators, lone halves of a surrogate pair and code points without a meaning are written as in Python
    ("\\x1b", "\\u202e"). The two joiners stay where a script needs them, that is after a letter beyond ASCII.
    """
    shown = []
    for place, character in enumerate(before := str(text)):
        joins = character in "\u200c\u200d" and place > 0 and not before[place - 1].isascii()
        acts = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") and not joins
        shown.append(character.encode("unicode_escape").decode("ascii") if acts else character)
    return "".join(shown)


def notice(line: str) -> None:
    """Print one line on stderr; not in a notebook, whose stored outputs must not depend on the state of a cache."""
    if "ipykernel" not in sys.modules:
        _log.warning("explaint: %s", printable(line))  # a lone warning reaches stderr without a handler


def free_memory() -> float:
    """Return how many bytes of memory are free: of the machine, or of this process's container where that is less."""
    import psutil

    free = float(psutil.virtual_memory().available)
    with suppress(OSError, ValueError, KeyError):  # no container, or one without a limit
        group = Path("/sys/fs/cgroup")
        kept = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / "memory.current").read_text()) - int(kept["inactive_file"])
        free = min(free, int((group / "memory.max").read_text()) - used)
    return free


def check_memory(needed: float, what: str, instead: str) -> None:
    """Refuse, before it starts, what would need more memory than there is.

    Parameters
    ----------
    needed : float
        Bytes, beyond what the process holds already.
    what, instead : str
        What needs it, and what the user can do.

    Raises
    ------
    ExplaintError
    """
    if needed > (free := free_memory()):
        raise ExplaintError(
            f"{what} needs about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; {instead}"
        )


def cost(seconds: float, needed: float) -> str:
    """Return "about 3 minutes, about 1.2 GB of memory"."""
    minutes = seconds / 60
    time = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
    return f"about {time}, about {needed / 1e9:.1f} GB of memory"


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a UTF-8 text file that are not blank, with their numbers from 1, without reading it whole.

    Lines end at line feeds alone (a carriage return before one goes with it): a form feed or U+2028 inside a
    sentence is white space, as it is for every tokenizer.

    Raises
    ------
    ExplaintError
        Naming the line, for a file that cannot be read, holds no text, or is not UTF-8 text.
    """
    wanted = "expected plain text in UTF-8, one sentence a line"
    found = False
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\0\0\xfe\xff")):
                    raise ExplaintError(f"{path} is UTF-16 or UTF-32 text; {wanted}: save it again as UTF-8")
                if b"\0" in raw:
                    raise ExplaintError(f"{path} holds a NUL byte in line {number}, so it is no UTF-8 text; {wanted}")
                line = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
                if line.strip():
                    found = True
                    yield number, line
    except UnicodeDecodeError as fault:
        raise ExplaintError(
            f"{path} is not UTF-8 text: line {number} holds the byte {fault.object[fault.start]:#04x} at place "
            f"{fault.start + 1}; {wanted}: save it again as UTF-8"
        ) from None
    except OSError as fault:
        raise ExplaintError(f"cannot read {path}: {fault.strerror or fault}; {wanted}") from None
    if not found:
        raise ExplaintError(f"{path} holds no text; {wanted}")


def csv_text(text: str) -> str:
    """Return text for a cell of a CSV file that no spreadsheet computes; ``removeprefix("'")`` gives it back.

    A text that begins like a formula gets an apostrophe in front, and so does one that begins with an apostrophe.
    """
    return f"'{text}" if text.startswith(tuple("=+-@\t\r\n＝＋－＠'")) else text


def word_list(words: Sequence[str]) -> list[str]:
    """Return the words as a list of strings, at least one."""
    if isinstance(words, str):
        raise ExplaintError("expected a sequence of words, found one string; pass [word]")
    words = list(words)
    wrong = [i for i, word in enumerate(words) if not isinstance(word, str) or not word.strip()]
    if not words or wrong:
        raise ExplaintError(f"expected words, found {f'an empty one at row {wrong[0]}' if wrong else 'none'}")
    return words
