"""Is the system above its controls? One-sided tests for the table, corrected within each metric.

What it controls for: the luck of a pairing or a shuffle (the draws repeat the whole pipeline, on another assignment of
the words to folds each) and, against the mean profile, the luck of the words and of the folds. What it does not
license: a verdict over several metrics at once; each metric is a claim of its own, and its controls are its family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explaint_lib import inference
from explaint_lib.controls import CONDITIONS, Stream
from explaint_lib.experiments.table._design import Design, stream
from explaint_lib.experiments.table._draws import Tally, mean_score
from explaint_lib.inference import SIGN_FLIPS
from explaint_lib.metrics import METRICS


def system_tests(design: Design, tallies: Mapping[str, Tally], permutations: int) -> list[dict[str, Any]]:
    """Return the one-sided tests of the system against each control, Holm-corrected within each metric.

    The controls that are refitted come first.
    """
    tested = [name for name in tallies if CONDITIONS[name].tested] if "system" in tallies else []
    tested.sort(key=lambda name: CONDITIONS[name].draws != "permutations")
    tests = []
    for metric in design.metrics if tested else ():
        found = [_p_value(design, tallies, metric, control, permutations) for control in tested]
        adjusted = inference.holm([p for p, _ in found])
        for control, (p, n), corrected in zip(tested, found, adjusted, strict=True):
            test = {"metric": metric, "control": control, "p_value": p, "p_holm": corrected, "n_permutations": n}
            tests.append(test | _difference(tallies["system"], tallies[control], metric))
    return tests


def _difference(system: Tally, other: Tally, metric: str) -> dict[str, Any]:
    """Return by how much the system is better; the error, over words and folds, where a word has a score."""
    if METRICS[metric].unit != "word":
        sign = METRICS[metric].direction
        return {"difference": sign * (mean_score(system.per_unit[metric]) - mean_score(other.per_unit[metric]))}
    one = _comparison(system, other, metric)
    return {} if one is None else {"difference": one.difference, "se": one.se, "df": one.df, "n": one.n}


def _comparison(system: Tally, other: Tally, metric: str) -> inference.Comparison | None:
    """Return the comparison of scores of words, over words and folds; None with fewer than two words."""
    sign = METRICS[metric].direction
    ours, theirs = system.of_draws[metric], other.of_draws.get(metric, other.per_unit[metric])
    if system.n_draws == 1:
        ours, theirs = ours[0], other.per_unit[metric]
    if np.count_nonzero(~np.isnan(np.atleast_2d(ours - theirs)).all(axis=0)) < 2:
        return None
    varied = "folds" if system.n_draws > 1 else None
    return inference.compare(sign * ours, sign * theirs, other.condition.name, varied=varied)


def _p_value(
    design: Design, tallies: Mapping[str, Tally], metric: str, control: str, permutations: int
) -> tuple[float, int]:
    """Return the p-value of system above control on one metric (NaN: none), and how many permutations it rests on.

    None (0) where the folds were drawn again: flipping the words' signs would take them for fixed.
    """
    system, other, sign = tallies["system"], tallies[control], METRICS[metric].direction
    if np.isnan([*system.means[metric], *other.means[metric]]).any():
        return float("nan"), 0
    if other.prediction is None or system.prediction is None:  # of several draws: each is a refit under the null
        drawn = sign * np.array(other.means[metric])
        return inference.permutation_p(sign * mean_score(np.array(system.means[metric])), drawn), permutations
    if METRICS[metric].unit == "word" and system.n_draws > 1:
        one = _comparison(system, other, metric)
        return (float("nan") if one is None else one.p_value), 0
    rng = stream(design.seed, Stream.SIGN_FLIPS, list(METRICS).index(metric))
    if METRICS[metric].unit == "word":
        a, b = sign * system.per_unit[metric], sign * other.per_unit[metric]
        return inference.paired_permutation_p(a, b, SIGN_FLIPS, rng=rng), SIGN_FLIPS

    def statistic(pred: np.ndarray) -> float:
        return sign * mean_score(design.scorer.score_one(metric, pred))  # without a value a word

    return inference.paired_swap_p(system.prediction, other.prediction, statistic, permutations, rng=rng), permutations


def p_holm_floor(tests: list[dict[str, Any]]) -> float | None:
    """Return the largest Holm-corrected p that a test could still have, had every test come out best."""
    made = [test for test in tests if test["n_permutations"]]
    floors = [
        inference.holm([1 / (1 + test["n_permutations"]) for test in tests if test["metric"] == metric]).max()
        for metric in {test["metric"] for test in made}
    ]
    return float(max(floors)) if floors else None
