"""Run every diagnostic through both of its worlds, at each size, and count the words it says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from explaint_lib._common import ExplaintError
from explaint_lib.experiments.calibration._diagnostic import Diagnostic, Registry, World, entropy, margin_of
from explaint_lib.inference import MARGINS, Comparison, verdicts
from explaint_lib.results import Result, manifest, typed

FAMILY = 8  # comparisons over which a chapter's table corrects
REFUTED = ("worse", "equivalent", "no better")
#: One letter a word, as the manifest keeps what each world said.
LETTERS = {"supported": "s", "worse": "w", "equivalent": "e", "no better": "n", "cannot tell": ".", "alarm": "a"}
_NEUTRAL = Comparison("neutral", difference=0.0, se=1.0, p_value=1.0)
_NO_TABLE = pd.DataFrame()


def word_of(one: Comparison) -> str:
    """Return the word that the rule gives one comparison in a table of eight, nothing being known of its rates.

    Examples
    --------
    >>> from explaint_lib.experiments.calibration import word_of
    >>> from explaint_lib.inference import Comparison
    >>> word_of(Comparison("x", difference=0.1, se=0.01, p_value=0.001, score="F1@10"))
    'supported'
    >>> word_of(Comparison("x", difference=0.1, se=0.01, p_value=0.01, score="F1@10"))  # .08 once corrected
    'cannot tell'
    """
    others = {f"neutral {i}": [replace(_NEUTRAL, score=one.score)] for i in range(FAMILY - 1)}
    margins = MARGINS | {str(one.score): margin_of(str(one.score)) or np.nan}
    table = verdicts({"asked": [one]} | others, smallest_effect=margins, calibrated=_NO_TABLE)
    return str(table.loc[table["claim"] == "asked", "word"].iloc[0])


def run_calibration(
    registry: Registry,
    *,
    n_worlds: int,
    only: Sequence[str] | None = None,
    first: int = 0,
    sizes: Sequence[int] | None = None,
    seed: int = 0,
    jobs: int = 1,
    progress: bool = False,
) -> Result:
    """Draw the worlds of every diagnostic, and count the words.

    Parameters
    ----------
    registry : Registry
        `REGISTRY`, or one of your own.
    n_worlds : int
        Worlds of each kind and size.
    only : sequence of str, optional
        Questions (``asks``), all if left out. What is left out changes no number of the rest.
    first : int
        Number of the first world; the numbers of worlds seed them.
    sizes : sequence of int, optional
        Of the sizes of each diagnostic, only these.
    seed : int
    jobs : int
        Processes.
    progress : bool
        Show a bar.

    Returns
    -------
    Result
        Experiment "calibration": rows as `explaint_lib.inference.calibration` describes, with the name of the ``world``
        and its ``n_words``. Its manifest keeps the word of every world, a letter each (`LETTERS`), under "words", in
        the order of the rows, and what each world is under "worlds".

    Raises
    ------
    ExplaintError
        For a question that no diagnostic asks, a size that none has, or fewer than one world.

    Examples
    --------
    >>> from explaint_lib.experiments.calibration import REGISTRY, run_calibration
    >>> found = run_calibration(REGISTRY, n_worlds=3, only=["intact"], sizes=[60])
    >>> found.rows[["truth", "worlds"]].to_numpy().tolist()
    [[False, 3], [True, 3]]
    """
    asked = [one for one in registry if only is None or one.asks in only]
    if missing := sorted(set(only or ()) - {one.asks for one in registry}):
        known = ", ".join(dict.fromkeys(one.asks for one in registry))
        raise ExplaintError(f"no diagnostic asks {', '.join(missing)}; the questions are: {known}")
    if other := sorted(set(sizes or ()) - {size for one in asked for size in one.sizes}):
        known = ", ".join(map(str, sorted({size for one in asked for size in one.sizes})))
        raise ExplaintError(f"no worlds of {', '.join(map(str, other))} words; the sizes are: {known}")
    if n_worlds < 1 or jobs < 1:
        raise ExplaintError(f"expected at least one world and one job, found {n_worlds} and {jobs}")
    tasks = []
    for size in sorted({size for one in asked for size in one.sizes if sizes is None or size in sizes}, reverse=True):
        for name, world in registry.worlds.items():
            mine = [one for one in asked if size in one.sizes and name in (one.false, one.true)]
            tasks += [(world, mine, size, i, seed) for i in range(first, first + n_worlds) if mine]
    found = joblib.Parallel(n_jobs=jobs, return_as="generator")(joblib.delayed(one_world)(*task) for task in tasks)
    said: dict[tuple, list[tuple[str, float]]] = {}
    for (world, mine, size, *_), answers in zip(
        tasks, tqdm(found, total=len(tasks), desc="worlds", disable=not progress, leave=False), strict=True
    ):
        for one, answer in zip(mine, answers, strict=True):
            said.setdefault((one, size, world.name), []).append(answer)
    return _collect(asked, said, registry, n_worlds, first, seed)


def one_world(world: World, asked: Iterable[Diagnostic], size: int, number: int, seed: int) -> list[tuple[str, float]]:
    """Return the word and the difference of each diagnostic in one world.

    The world is seeded by its name, size and number; a diagnostic's own luck by its names too.
    """
    built = world.build(size, np.random.SeedSequence(entropy(seed, world.name, size, number)))
    answers = []
    for one in asked:
        rng = np.random.default_rng(np.random.SeedSequence(entropy(seed, *one.key, world.name, size, number)))
        found = replace(one.compare(built, rng), control=one.control, score=one.score, asks=None)
        answers.append((word_of(found), found.difference))
    return answers


def _collect(
    asked: Sequence[Diagnostic],
    said: dict[tuple, list[tuple[str, float]]],
    registry: Registry,
    n_worlds: int,
    first: int,
    seed: int,
) -> Result:
    """Return the counts as a result."""
    rows: list[dict[str, Any]] = []
    words: list[str] = []
    for one in asked:
        for size in one.sizes:
            for truth, name in ((False, one.false), (True, one.true)):
                answers = said.get((one, size, name))
                if answers is None:
                    continue
                spoken = [word for word, _ in answers]
                row: dict[str, Any] = {"asks": one.asks, "control": one.control, "score": one.score}
                row |= {"world": name, "n_words": size, "n": one.units(size), "truth": truth, "worlds": len(spoken)}
                row |= {"supported": spoken.count("supported"), "refuted": sum(word in REFUTED for word in spoken)}
                rows.append(row | {"difference": round(float(np.mean([value for _, value in answers])), 6)})
                words.append("".join(LETTERS[word] for word in spoken))
    used = {row["world"] for row in rows}
    arguments = {"worlds": n_worlds, "first": first, "family": FAMILY, "margins": MARGINS}
    about = manifest(data={"name": "planted worlds"}, model={}, arguments=arguments, seed=seed)
    about |= {"words": words, "worlds": {name: one.about for name, one in registry.worlds.items() if name in used}}
    return Result("calibration", about, typed(rows))
