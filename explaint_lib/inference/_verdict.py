"""The verdict rule: a claim against every control that could explain it away, in words.

What it controls for: one control forgotten, one test too many (Holm over all claims of the table), and "not
significant" read as "nothing there": *explained away* is an equivalence claim and needs a smallest effect of
interest. What it does not license: a verdict on controls that were not run, or on another model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.inference._bootstrap import bootstrap_ci
from explaint_lib.inference._tests import holm, paired_permutation_p, permutation_p
from explaint_lib.results import typed

SIGN_FLIPS = 9_999  # they cost nothing: no refitting


class Comparison(NamedTuple):
    """Observed minus control: the mean difference, its interval over units, a one-sided p-value, in which score."""

    control: str
    difference: float
    low: float
    high: float
    p_value: float
    score: str | None = None


def compare(
    observed: ArrayLike,
    control: ArrayLike,
    name: str,
    *,
    n_boot: int,
    rng: np.random.Generator,
    null: ArrayLike | None = None,
    score: str | None = None,
) -> Comparison:
    """Compare two scores of the same units, paired, or one score with a level.

    Parameters
    ----------
    observed : (n_units,) array
        One score a unit (word) under the claim. Units for which it or the control is NaN are left out.
    control : (n_units,) array or float
        One score a unit under the control, for instance the mean over several draws of the control; or the level
        that all units are compared with, such as chance.
    name : str
        What the control is called in the verdict.
    n_boot : int
        Resamples of the units for the 95 % percentile interval of the mean difference.
    rng : numpy.random.Generator
    null : (B,) or (B, n_units) array, optional
        Scores of a control that was drawn, and fitted, B times: the mean of each draw, or the score of each unit,
        of which the mean is taken (NaN left out). With it the p-value is that of a permutation test; without it
        signs of the paired differences are flipped, `SIGN_FLIPS` times.
    score : str, optional
        What the score is called: the unit of the difference.

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
    if control.ndim == 0:
        control = np.full(observed.shape, control)
    if observed.shape != control.shape:
        raise ExplaintError(f"a comparison needs two scores a unit, found shapes {observed.shape} and {control.shape}")
    difference = observed - control
    low, high = bootstrap_ci(difference, n_boot, rng=rng)
    if null is None:
        p = paired_permutation_p(observed, control, SIGN_FLIPS, rng=rng)
    else:
        drawn = np.asarray(null, dtype=np.float64)
        if drawn.ndim == 2 and drawn.shape[1:] != observed.shape:
            raise ExplaintError(
                f"a null with one score a unit needs the shape (draws, {len(observed)}), found {drawn.shape}"
            )
        drawn = np.nanmean(drawn, axis=1) if drawn.ndim == 2 else drawn  # (B,)
        p = permutation_p(float(np.nanmean(observed)), drawn)
    return Comparison(name, float(np.nanmean(difference)), low, high, p, score)


def compare_statistic(
    observed: float, interval: tuple[float, float], null: ArrayLike, name: str, *, score: str | None = None
) -> Comparison:
    """Compare a statistic that has no value a unit (a mean AUC, a correlation of two spaces) with its null.

    Parameters
    ----------
    observed : float
    interval : (low, high)
        The 95 % interval of the statistic itself, over the units.
    null : (B,) array
        The statistic where what the claim needs is destroyed, drawn B times.
    name, score : str
        As in `compare`.

    Returns
    -------
    Comparison
        Difference and interval are measured from the null's mean; how that mean was drawn is not in the interval.

    Raises
    ------
    ExplaintError
        Without a draw of the null, or with an undefined (NaN) one or observation.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> found = inference.compare_statistic(0.7, (0.6, 0.8), [0.45, 0.5, 0.55], "permuted pairing", score="AUC")
    >>> print(f"{found.difference:.2f} [{found.low:.2f}, {found.high:.2f}], p = {found.p_value:.2f}")
    0.20 [0.10, 0.30], p = 0.25
    """
    p, middle = permutation_p(observed, null), float(np.asarray(null, dtype=np.float64).mean())
    low, high = interval
    return Comparison(name, observed - middle, low - middle, high - middle, p, score)


def comparisons(tests: pd.DataFrame) -> list[Comparison]:
    """Return the tests of a result as comparisons, for `verdicts`.

    Parameters
    ----------
    tests : DataFrame
        Rows of `explaint_lib.results.Result.tests`: control, difference, ci_low, ci_high, p_value, and the score where
        they have one.

    Examples
    --------
    >>> from explaint_lib import inference, results
    >>> numbers = {"difference": 0.1, "ci_low": 0.05, "ci_high": 0.15, "p_value": 0.001}
    >>> tests = results.typed([{"predictor": "attention", "control": "chance"} | numbers])
    >>> inference.verdicts({"more than chance": inference.comparisons(tests)}, smallest_effect=0.05).verdict.tolist()
    ['supported']
    """
    columns = ["control", "difference", "ci_low", "ci_high", "p_value", *(["score"] if "score" in tests else [])]
    return [Comparison(*row) for row in tests[columns].itertuples(index=False, name=None)]


def verdicts(
    claims: Mapping[str, Sequence[Comparison]] | Mapping[tuple[str, ...], Sequence[Comparison]],
    *,
    smallest_effect: float,
    alpha: float = 0.05,
    by: Sequence[str] = ("claim",),
) -> pd.DataFrame:
    """Apply the verdict rule to every claim.

    Parameters
    ----------
    claims : mapping of claim to Comparisons
        All controls that could explain the claim away; an empty list where none could be run. Where a claim is made
        of several models, or asked in several ways, its key is a tuple with one text for each of `by`.
    smallest_effect : float > 0
        The smallest difference of interest, in the unit of the score; fix it before looking at the data.
    alpha : float
    by : sequence of str
        The columns that hold the parts of a key, as `explaint_lib.results.COLUMNS` names them.

    Returns
    -------
    DataFrame
        One row a comparison: the columns of `by`, control, score, difference, ci_low, ci_high, p_value, p_holm
        (over all comparisons of all claims), verdict (the claim's own, the same in each of its rows). A claim
        without comparisons has one row, without numbers. The verdict is

        * ``supported``: for every control the interval lies above 0 and the corrected p is below `alpha`;
        * ``explained away by X``: for the controls X it reaches up to less than `smallest_effect`, and the
          difference is not shown to be above 0: X scores as high, but for a difference too small to matter;
        * ``cannot tell``: otherwise.

    Raises
    ------
    ExplaintError
        If `smallest_effect` is not above 0, or a key has not one part for each of `by`.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> clear = inference.Comparison("mean profile", difference=0.1, low=0.05, high=0.15, p_value=0.001)
    >>> reached = inference.Comparison("category", difference=0.0, low=-0.01, high=0.01, p_value=0.4)
    >>> found = inference.verdicts({"beats base rates": [clear], "knows the word": [reached]}, smallest_effect=0.02)
    >>> found.verdict.tolist()
    ['supported', 'explained away by category']
    """
    if not smallest_effect > 0:
        raise ExplaintError(f"the smallest effect of interest must be above 0, found {smallest_effect}")
    corrected = iter(holm([one.p_value for controls in claims.values() for one in controls]))
    rows = []
    for key, controls in claims.items():
        parts = (key,) if isinstance(key, str) else key
        if len(parts) != len(by):
            raise ExplaintError(f"a claim needs one text for each of {', '.join(by)}, found {key!r}")
        adjusted = [float(next(corrected)) for _ in controls]
        asked, verdict = dict(zip(by, parts, strict=True)), _verdict(controls, adjusted, smallest_effect, alpha)
        tested = [_row(one) | {"p_holm": p} for one, p in zip(controls, adjusted, strict=True)]
        rows += [asked | row | {"verdict": verdict} for row in tested or [_row(_NOTHING) | {"p_holm": None}]]
    return typed(rows)


_NOTHING = Comparison("none could be run", difference=np.nan, low=np.nan, high=np.nan, p_value=np.nan)


def _row(one: Comparison) -> dict[str, object]:
    said: dict[str, object] = {"control": one.control, "score": one.score, "difference": one.difference}
    return said | {"ci_low": one.low, "ci_high": one.high, "p_value": one.p_value}


def _verdict(controls: Sequence[Comparison], adjusted: Sequence[float], smallest_effect: float, alpha: float) -> str:
    """Return the verdict on one claim, its p-values corrected."""
    if controls and all(one.low > 0 and p < alpha for one, p in zip(controls, adjusted, strict=True)):
        return "supported"
    reached = [one.control for one in controls if one.low <= 0 and one.high < smallest_effect]
    return f"explained away by {' and '.join(dict.fromkeys(reached))}" if reached else "cannot tell"
