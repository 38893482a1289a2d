"""The verdict rule: a claim against every control that could explain it away, in words.

What it controls for: one control forgotten, one test too many (Holm over all claims of the table), and "not
significant" read as "nothing there": *explained away* is an equivalence claim and needs a smallest effect of
interest. What it does not license: a verdict on controls that were not run, or on another model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.inference._bootstrap import bootstrap_ci
from explaint_lib.inference._tests import holm, paired_permutation_p, permutation_p

SIGN_FLIPS = 9_999  # they cost nothing: no refitting


class Comparison(NamedTuple):
    """Observed minus control: the mean difference, its interval over units, a one-sided p-value."""

    control: str
    difference: float
    low: float
    high: float
    p_value: float


def compare(
    observed: np.ndarray,
    control: np.ndarray,
    name: str,
    *,
    n_boot: int,
    rng: np.random.Generator,
    null: np.ndarray | None = None,
) -> Comparison:
    """Compare two scores of the same units, paired.

    Parameters
    ----------
    observed, control : (n_units,) arrays
        One score a unit (word) under the claim and under the control, for instance the mean over several
        draws of the control. Units for which either is NaN are left out.
    name : str
        What the control is called in the verdict.
    n_boot : int
        Resamples of the units for the 95 % percentile interval of the mean difference.
    rng : numpy.random.Generator
    null : (B,) array, optional
        Mean scores of a control that was drawn, and fitted, B times. With it the p-value is that of a
        permutation test; without it signs of the paired differences are flipped, `SIGN_FLIPS` times.

    Returns
    -------
    Comparison
        The p-value is one-sided: observed above control.

    Raises
    ------
    ExplaintError
        If the shapes differ or fewer than 2 units have both scores.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> control = np.linspace(0, 1, 40)
    >>> found = inference.compare(control + 0.1, control, "mean profile", n_boot=200, rng=np.random.default_rng(0))
    >>> print(f"{found.control}: {found.difference:.2f}, p = {found.p_value:.4f}")
    mean profile: 0.10, p = 0.0001
    """
    observed, control = np.asarray(observed, dtype=np.float64), np.asarray(control, dtype=np.float64)
    if observed.shape != control.shape:
        raise ExplaintError(f"a comparison needs two scores a unit, found shapes {observed.shape} and {control.shape}")
    difference = observed - control
    low, high = bootstrap_ci(difference, n_boot, rng=rng)
    if null is None:
        p = paired_permutation_p(observed, control, SIGN_FLIPS, rng=rng)
    else:
        p = permutation_p(float(np.nanmean(observed)), null)
    return Comparison(name, float(np.nanmean(difference)), low, high, p)


def verdicts(
    claims: Mapping[str, Sequence[Comparison]], *, smallest_effect: float, alpha: float = 0.05
) -> list[dict[str, Any]]:
    """Apply the verdict rule to every claim.

    Parameters
    ----------
    claims : mapping of claim to Comparisons
        All controls that could explain the claim away; an empty list where none could be run.
    smallest_effect : float > 0
        The smallest difference of interest, in the unit of the score; fix it before looking at the data.
    alpha : float

    Returns
    -------
    list of dict
        One a comparison: claim, control, difference, ci_low, ci_high, p_value, p_holm (over all comparisons of
        all claims), verdict (the claim's own, the same in each of its rows). A claim without comparisons has
        one row, with None for the numbers. The verdict is

        * ``supported``: for every control the interval lies above 0 and the corrected p is below `alpha`;
        * ``explained away by X``: for the controls X it reaches up to less than `smallest_effect`, and the
          difference is not shown to be above 0: X scores as high, but for a difference too small to matter;
        * ``cannot tell``: otherwise.

    Raises
    ------
    ExplaintError
        If `smallest_effect` is not above 0.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> clear = inference.Comparison("mean profile", difference=0.1, low=0.05, high=0.15, p_value=0.001)
    >>> reached = inference.Comparison("category", difference=0.0, low=-0.01, high=0.01, p_value=0.4)
    >>> rows = inference.verdicts({"beats base rates": [clear], "knows the word": [reached]}, smallest_effect=0.02)
    >>> [row["verdict"] for row in rows]
    ['supported', 'explained away by category']
    """
    if not smallest_effect > 0:
        raise ExplaintError(f"the smallest effect of interest must be above 0, found {smallest_effect}")
    corrected = iter(holm([one.p_value for controls in claims.values() for one in controls]))
    rows = []
    for claim, controls in claims.items():
        adjusted = [float(next(corrected)) for _ in controls]
        above = [one.low > 0 and p < alpha for one, p in zip(controls, adjusted, strict=True)]
        reached = [one.control for one in controls if one.low <= 0 and one.high < smallest_effect]
        verdict = "cannot tell"
        if controls and all(above):
            verdict = "supported"
        elif reached:
            verdict = f"explained away by {' and '.join(reached)}"
        for one, p in zip(controls, adjusted, strict=True):
            numbers = {"difference": one.difference, "ci_low": one.low, "ci_high": one.high}
            rows.append(
                {"claim": claim, "control": one.control}
                | numbers
                | {"p_value": one.p_value, "p_holm": p, "verdict": verdict}
            )
        if not controls:
            nothing = dict.fromkeys(("difference", "ci_low", "ci_high", "p_value", "p_holm"))
            rows.append({"claim": claim, "control": "none could be run"} | nothing | {"verdict": verdict})
    return rows
