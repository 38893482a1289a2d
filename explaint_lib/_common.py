"""What every room may use: the error a user can act on, the user's folders, and files that are never half written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
