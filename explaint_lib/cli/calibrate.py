"""``explaint calibrate``: the table of false alarms and power, made again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from explaint_lib._common import ExplaintError, check_writable
from explaint_lib.cli._options import Seed
from explaint_lib.cli._terminal import say


def calibrate(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table to this file, as JSON. Without it: print it.")
    ] = None,
    worlds: Annotated[int, typer.Option(min=1, metavar="N", help="Worlds of each kind and size.")] = 60,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="QUESTION", help="Only comparisons that ask this; may be given several times."),
    ] = None,
    size: Annotated[
        list[int] | None, typer.Option(metavar="WORDS", help="Only worlds of this size; may be given several times.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Worlds drawn at the same time, each on one core.")] = 1,
    seed: Seed = 0,
) -> None:
    """Ask every comparison of the book about worlds whose answer is known.

    A verdict compares a score with a control. Could that comparison have
    said anything else? Each is made in planted worlds in which the claim is
    false, and in worlds in which it is true, at three sizes. The table says
    how often it got "supported", and how often it was refuted (worse,
    equivalent, or no better), in each.

    \b
      false alarm   supported, though the claim is false: at most 5 per cent
      power         supported, where the claim is true
      wrongly       refuted, though the claim is true: at most 5 per cent
      rightly       refuted, where the claim is false

    A comparison whose rates do not differ gets no verdict in the book: it
    says the same of both kinds of worlds. The whole table holds as well how
    often the intervals of each kind of comparison hold the truth.

    \b
    Examples:
      explaint calibrate --only word --worlds 10 --size 60
      explaint calibrate --worlds 60 --jobs 2 --out calibration.json

    The whole table takes hours of one core at 60 worlds, most of it at 500
    words. A world is seeded by its name, size and number, so a part of the
    table has the numbers of the whole. The book's own is
    explaint_lib/data/calibration.json; book/calibration_page.py makes its
    page.
    """
    from explaint_lib.experiments.calibration import REGISTRY, run_calibration
    from explaint_lib.experiments.coverage import coverage

    if out is not None:
        if out.suffix != ".json":
            raise ExplaintError(f"the table is written as JSON: expected a name that ends in .json, found {out.name}")
        check_writable(out)
    found = run_calibration(
        REGISTRY, n_worlds=worlds, only=only or None, sizes=size or None, seed=seed, jobs=jobs, progress=True
    )
    if not only and not size:  # the whole table: with how often its intervals hold the truth
        found = replace(found, tests=coverage(seed=seed, progress=True).rows)
    if out is not None:
        found.to_json(out)
        say(f"written: {out} ({len(found.rows)} rows)", error=True)
        return
    say(
        f"{'question':16}{'control':26}{'score':22}{'words':>6}{'truth':>7}{'worlds':>8}{'supported':>11}{'refuted':>9}"
    )
    for row in found.rows.to_dict("records"):
        say(
            f"{row['asks']:16}{row['control']:26}{row['score']:22}{row['n_words']:>6}{row['truth']!s:>7}"
            f"{row['worlds']:>8}{row['supported']:>11}{row['refuted']:>9}"
        )
