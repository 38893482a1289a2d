"""Diagnostics against planted truth: how often does each raise a false alarm, how often does it miss?

What it measures: a *diagnostic* is any function that looks at a world and says yes or no. It is asked about many
draws of worlds whose answer is known. What it controls for: a method that says "yes" to everything has a miss
rate of 0; both rates are given, each with its interval. What it does not license: error rates on a real model.
Passing is necessary, not sufficient; a diagnostic that fails here does not enter a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.stats import binomtest
from tqdm import tqdm

from explaint_lib._common import ExplaintError

Diagnostic = Callable[[Any, np.random.Generator], bool]
Build = Callable[[np.random.Generator], Any]


def calibrate(
    diagnostics: Mapping[str, Diagnostic],
    worlds: Mapping[str, Build],
    truth: Mapping[str, bool] | Callable[[Any], bool],
    *,
    n_draws: int = 200,
    rng: np.random.Generator,
    progress: bool = False,
) -> list[dict[str, Any]]:
    """Ask every diagnostic about many draws of every world, and hold the answers against the truth.

    Parameters
    ----------
    diagnostics : mapping of name to callable (world, rng) -> bool
        All of them see the same draws.
    worlds : mapping of name to callable (rng) -> world
        For instance ``{"keeper": lambda rng: planted.keeper(rng=rng)}``; a world may be anything.
    truth : mapping of world name to bool, or callable (world) -> bool
        The right answer; for instance ``lambda world: world.truth["decodability"]``.
    n_draws : int
        Draws of each world. 200 give a rate of .05 an interval of about +-.03.
    rng : numpy.random.Generator
    progress : bool

    Returns
    -------
    list of dict
        One a diagnostic and world: diagnostic, world, truth, n, said_yes (share), error (share that is wrong:
        the false-alarm rate of a world whose truth is no, the miss rate of one whose truth is yes), ci_low,
        ci_high (Clopper-Pearson, of the error). A draw whose truth differs from that of its world's first draw
        raises.

    Raises
    ------
    ExplaintError
        Without diagnostics, worlds or draws, and for a world whose truth is missing or varies.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> rows = planted.calibrate(
    ...     {"says yes to everything": lambda world, rng: True},
    ...     {"keeper": lambda rng: planted.keeper(rng=rng), "mover": lambda rng: planted.mover(rng=rng)},
    ...     lambda world: world.truth["decodability"],
    ...     n_draws=3,
    ...     rng=np.random.default_rng(0),
    ... )
    >>> [(row["world"], row["truth"], row["error"]) for row in rows]
    [('keeper', True, 0.0), ('mover', False, 1.0)]
    """
    if not diagnostics or not worlds or n_draws < 1:
        raise ExplaintError("expected at least one diagnostic, one world and one draw")
    answers = {(name, world): 0 for name in diagnostics for world in worlds}
    truths: dict[str, bool] = {}
    with tqdm(total=len(worlds) * n_draws, desc="calibration", disable=not progress, leave=False) as bar:
        for label, build in worlds.items():
            for _ in range(n_draws):
                world = build(rng)
                holds = _truth(truth, label, world)
                if truths.setdefault(label, holds) != holds:
                    raise ExplaintError(f"the truth about {label!r} differs from draw to draw; make two worlds of it")
                seed = int(rng.integers(2**63))
                for name, diagnostic in diagnostics.items():  # the same luck for all
                    answers[name, label] += bool(diagnostic(world, np.random.default_rng(seed)))
                bar.update()
    rows = []
    for (name, label), yes in answers.items():
        wrong = n_draws - yes if truths[label] else yes
        interval = binomtest(wrong, n_draws).proportion_ci(0.95, method="exact")  # Clopper and Pearson 1934
        rows.append(
            {
                "diagnostic": name,
                "world": label,
                "truth": truths[label],
                "n": n_draws,
                "said_yes": yes / n_draws,
                "error": wrong / n_draws,
                "ci_low": float(interval.low),
                "ci_high": float(interval.high),
            }
        )
    return rows


def _truth(truth: Mapping[str, bool] | Callable[[Any], bool], label: str, world: Any) -> bool:
    if callable(truth):
        return bool(truth(world))
    if label not in truth:
        raise ExplaintError(
            f"the truth about the world {label!r} is missing, found those of {', '.join(truth)}; add it"
        )
    return bool(truth[label])
