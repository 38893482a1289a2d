"""Is the system above its controls? One-sided tests for the table, corrected within each metric.

What it controls for: the luck of a pairing or a shuffle (the draws repeat the whole pipeline) and, against the
mean profile, the luck of the words. What it does not license: a verdict over several metrics at once; each
metric is a claim of its own, and its controls are its family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explaint_lib import inference
from explaint_lib.inference import SIGN_FLIPS
from explaint_lib.metrics import METRICS

if TYPE_CHECKING:
    from explaint_lib.experiments.table._run import _Plan, _Tally

TESTED = ("shuffled", "permuted_pairing", "mean_profile")


def system_tests(plan: _Plan, tallies: dict[str, _Tally], permutations: int) -> list[dict[str, Any]]:
    """Return the one-sided tests of the system against each control, Holm-corrected within each metric."""
    tested = [control for control in TESTED if control in tallies] if "system" in tallies else []
    tests = []
    for name in plan.metrics if tested else ():
        found = [_p_value(plan, tallies, name, control, permutations) for control in tested]
        adjusted = inference.holm([np.nan if p is None else p for p, _ in found])
        for control, (p, n), corrected in zip(tested, found, adjusted, strict=True):
            tests.append(
                {"metric": name, "control": control, "p_value": p, "p_holm": number(corrected), "n_permutations": n}
            )
    return tests


def _p_value(
    plan: _Plan, tallies: dict[str, _Tally], name: str, control: str, permutations: int
) -> tuple[float | None, int]:
    """Return the p-value of system above control on one metric, and how many permutations it rests on."""
    system, other, sign = tallies["system"], tallies[control], METRICS[name].direction
    if np.isnan([*system.means[name], *other.means[name]]).any():
        return None, 0
    if control != "mean_profile":
        return inference.permutation_p(sign * system.means[name][0], sign * np.array(other.means[name])), permutations
    rng = plan.rng("flips", list(METRICS).index(name))
    if METRICS[name].unit == "word":
        a, b = sign * system.per_unit[name], sign * other.per_unit[name]
        return inference.paired_permutation_p(a, b, SIGN_FLIPS, rng=rng), SIGN_FLIPS

    def statistic(pred: np.ndarray) -> float:
        return sign * mean_score(plan.gold.score_one(name, pred))  # without a value a word

    return inference.paired_swap_p(system.prediction, other.prediction, statistic, permutations, rng=rng), permutations


def p_holm_floor(tests: list[dict[str, Any]]) -> float | None:
    """Return the largest Holm-corrected p that a test could still have, had every test come out best."""
    floors = [
        inference.holm([1 / (1 + test["n_permutations"]) for test in tests if test["metric"] == name]).max()
        for name in {test["metric"] for test in tests if test["p_value"] is not None}
    ]
    return float(max(floors)) if floors else None


def mean_score(scores: np.ndarray) -> float:
    """Return the mean of the defined scores, NaN if there is none (without NumPy's warning)."""
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if known.size else float("nan")


def number(value: float) -> float | None:
    """Return a float JSON can hold: None for NaN."""
    return None if np.isnan(value) else float(value)
