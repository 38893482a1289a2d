"""The one way to the terminal: whatever a file, a model or the reader wrote arrives there as text and does nothing.

Commands print with `say` and `Terminal`, never with ``print``, ``typer.echo`` or rich's own console.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from rich.console import Console
from rich.text import Text

from explaint_lib._common import printable


class Terminal(Console):
    """A rich console that reads no markup, emoji or control character in a string, in table cells either.

    What is to be styled is a `rich.text.Text`, made of our own words and numbers.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the string as plain text, control characters shown as escapes, line breaks kept."""
        lines = "\n".join(map(printable, text.split("\n")))
        return super().render_str(lines, **{**options, "markup": False, "emoji": False, "highlight": False})


def stopped(kept: str) -> NoReturn:
    """Say that the reader stopped a command, and what is kept; end with the exit code of that.

    Not typer's Exit, of which `main` would say that it was stopped once more.
    """
    say(f"explaint: stopped; {kept}", style="yellow", error=True)
    sys.exit(130)


def say(text: object, *, style: str = "", error: bool = False) -> None:
    """Print lines as they are, not wrapped; to the error stream if `error`."""
    Terminal(stderr=error).print(str(text), style=style, soft_wrap=True)
