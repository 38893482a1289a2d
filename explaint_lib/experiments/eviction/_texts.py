"""Passages of prose, long enough that a prefix can be read and something be forgotten."""

from __future__ import annotations

import importlib.resources
from typing import NamedTuple


class Passage(NamedTuple):
    """A passage of text.

    Attributes
    ----------
    page : str
        The page it was taken from: passages of one page are not independent.
    text : str
    """

    page: str
    text: str


def bundled_passages() -> list[Passage]:
    """Return 48 passages of this book's own prose, one of each page first, then the second of each, and so on.

    Examples
    --------
    >>> from explaint_lib.experiments.eviction import bundled_passages
    >>> passages = bundled_passages()
    >>> len(passages), len({passage.page for passage in passages})
    (48, 16)
    """
    file = importlib.resources.files("explaint_lib") / "data" / "passages.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    return [Passage(*line.split("\t")) for line in lines]
