"""Text as markdown shows it letter by letter: names and values that the book did not write."""

from __future__ import annotations

import re

from explaint_lib._common import printable


def as_text(value: object) -> str:
    """Return a value as the title of a page shows it: letter by letter, angle brackets as quotation marks.

    The theme repeats titles in a heading for print, without escaping them.
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", printable(value).translate(str.maketrans("<>", "‹›")))


def code_span(text: str) -> str:
    """Return text between as many backticks as it needs."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks}{printable(text)}{ticks}" if len(ticks) == 1 else f"{ticks} {printable(text)} {ticks}"
