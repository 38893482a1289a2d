"""What commands share when they show a result: tables, short numbers, and the file that is written afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from explaint_lib._common import write_json
from explaint_lib.cli._terminal import say


def short(value: float, digits: int = 2) -> str:
    """Return a score without its leading zero.

    Examples
    --------
    >>> from explaint_lib.cli._show import short
    >>> short(0.254, 3), short(-0.03), short(1.0), short(-0.001)
    ('.254', '-.03', '1.00', '.00')
    """
    shown = f"{value:.{digits}f}"
    return shown.lstrip("-").lstrip("0") if float(shown) == 0 else re.sub(r"^(-?)0\.", r"\1.", shown)


def plain_table(first: str, others: Sequence[str] = (), *, gap: int = 2) -> Table:
    """Return an empty table without lines: a column of names, then columns of numbers, `gap` characters apart."""
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def write_result(result: Any, path: Path | None) -> None:
    """Write a result to the file of ``--json``, if there is one; after it was shown, whatever happens to the file."""
    if path is not None:
        write_json(path, result if isinstance(result, dict) else result.to_dict())
        say(f"written: {path}", error=True)


def say_left_out(name: str, lacks: dict[str, str]) -> None:
    """Say in one line which metrics norms are too small for, and why; nothing if none."""
    if lacks:
        reasons = {needs: [metric for metric in lacks if lacks[metric] == needs] for needs in lacks.values()}
        named = "; ".join(f"{', '.join(metrics)} ({needs})" for needs, metrics in reasons.items())
        say(f"metrics left out, since {name} is too small for them: {named}", style="yellow", error=True)
