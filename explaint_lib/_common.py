"""What every room may use: errors a user can act on, the user's folders, files that are never half written."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs


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
def atomic_path(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path beside `target` to write to; it is renamed to `target` only when the block ends without error.

    A killed run leaves the old file, or none, and never half of a new one.
    """
    target = Path(target)
    if not target.parent.is_dir():
        raise ExplaintError(f"cannot write {target}: the folder {target.parent} does not exist; create it first")
    # mkstemp would give mode 0600 and keep it through the rename; a name of our own keeps the user's umask
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        beside = Path(folder) / target.name
        yield beside
        os.replace(beside, target)


def check_writable(target: Path) -> None:
    """Say before a long run that its result could not be written to `target`.

    Raises
    ------
    ExplaintError
        If `target` is a folder, its folder does not exist, or nothing can be written there.
    """
    if target.is_dir():
        raise ExplaintError(f"cannot write {target}: it is a folder; name a file in it")
    if not target.parent.is_dir():
        raise ExplaintError(f"cannot write {target}: the folder {target.parent} does not exist; create it first")
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as fault:
        reason = os.strerror(fault.errno or 0)
        raise ExplaintError(f"cannot write {target}: {reason}; choose another folder") from None


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


def word_list(words: Sequence[str]) -> list[str]:
    """Return the words as a list of strings, at least one."""
    if isinstance(words, str):
        raise ExplaintError("expected a sequence of words, found one string; pass [word]")
    words = list(words)
    wrong = [i for i, word in enumerate(words) if not isinstance(word, str) or not word.strip()]
    if not words or wrong:
        raise ExplaintError(f"expected words, found {f'an empty one at row {wrong[0]}' if wrong else 'none'}")
    return words
