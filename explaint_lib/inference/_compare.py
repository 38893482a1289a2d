"""A claim's score against one control: the mean difference, what varies it, a p-value.

What it controls for: what was drawn (words, or whole categories, hypernyms, texts), and what was drawn again (folds,
untrained twins, seeds, templates). What it does not license: a word on another model; and where few clusters or draws
were there, the interval is wide because nothing else would be true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from explaint_lib._common import ExplaintError
from explaint_lib.inference._tests import permutation_p

Clusters = Sequence[Any] | np.ndarray | Mapping[str, Sequence[Any] | np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """Observed minus control.

    Attributes
    ----------
    control : str
        What the control is called in the verdict.
    difference : float
        In the unit of the score; above 0 where the claim does better.
    se : float
        Standard error: over the units, and over the draws where there are several. NaN: one draw of something that
        varies, so that nobody knows by how much.
    df : float
        Degrees of freedom of the t distribution that belongs to `se`.
    p_value : float
        One-sided: observed above control.
    score : str, optional
        What the score is called: the unit of the difference.
    n : int
        Units, or clusters of them, over which `se` was taken; 0 where nobody says.
    draws : tuple of float
        The difference in each draw of folds, twins, seeds or templates; empty where nothing was drawn again.
    se_units : float, optional
        The standard error over the units alone.
    varied : str, optional
        What was drawn again, such as "folds".
    chance : bool, default=False
        Whether the control is chance: a result below it is an alarm.
    asks : str, optional
        The question, as the table of calibrations names it (`calibration`): with the control and the score it says
        which planted worlds this comparison was tried on.
    """

    control: str
    difference: float
    se: float
    df: float = np.inf
    p_value: float = np.nan
    score: str | None = None
    n: int = 0
    draws: tuple[float, ...] = ()
    se_units: float | None = None
    varied: str | None = None
    chance: bool = False
    asks: str | None = None

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of the difference, symmetric, from the t distribution.

        Examples
        --------
        >>> from explaint_lib import inference
        >>> low, high = inference.Comparison("chance", 0.2, 0.05).interval()
        >>> print(f"{low:.2f} to {high:.2f}")
        0.10 to 0.30
        """
        if not 0 < level < 1:
            raise ExplaintError(f"the level of an interval must lie between 0 and 1, found {level}")
        half = float(stats.t.ppf((1 + level) / 2, self.df)) * self.se if self.se else 0.0
        return self.difference - half, self.difference + half

    def numbers(self) -> dict[str, float]:
        """Return the numbers that a row of `explaint_lib.results.Result.tests` holds, its interval of 95 %.

        Examples
        --------
        >>> from explaint_lib import inference
        >>> sorted(inference.Comparison("chance", 0.2, 0.05).numbers())
        ['ci_high', 'ci_low', 'df', 'difference', 'p_value', 'se']
        """
        low, high = self.interval()
        found = {"difference": self.difference, "se": self.se, "df": self.df, "ci_low": low, "ci_high": high}
        return found | {"p_value": self.p_value}

    def in_draw(self, i: int) -> Comparison:
        """Return what draw `i` alone would have given: its difference, and the standard error over the units."""
        if not self.draws or self.se_units is None:
            return self
        df = max(self.n - 1, 1)
        alone = replace(self, difference=self.draws[i], se=self.se_units, df=df, draws=(), varied=None)
        return replace(alone, p_value=_t_p(alone.difference, alone.se, df, self.n))


def compare(
    observed: ArrayLike,
    control: ArrayLike,
    name: str,
    *,
    null: ArrayLike | None = None,
    clusters: Clusters | None = None,
    varied: str | None = None,
    score: str | None = None,
    chance: bool = False,
    asks: str | None = None,
) -> Comparison:
    """Compare two scores of the same units, paired, or one score with a level.

    Parameters
    ----------
    observed : array of shape (n_units,) or (n_draws, n_units)
        One score a unit (word) under the claim; with two axes, one for each draw of what `varied` names: the difference
        is the mean over draws. Units for which it or the control is NaN in a draw are left out of that draw.
    control : float, or array of shape (n_units,) or (n_draws, n_units)
        One score a unit under the control, for instance the mean over several draws of the control; or the level
        that all units are compared with, such as chance.
    name : str
        What the control is called in the verdict.
    null : array of shape (B,) or (B, n_units), optional
        Scores of a control that was drawn, and fitted, B times: the mean of each draw, or the score of each unit, of
        which the mean is taken over the units compared. With it the p-value is that of a permutation test; without it
        that of the t statistic.
    clusters : sequence of n_units labels, or mapping of a name to such a sequence, optional
        What was drawn, where that is not the unit: the category of each word when whole categories were held out, the
        text of each sentence. Two names, such as {"hyponym": ..., "hypernym": ...}: units that share either are not
        independent.
    varied : str, optional
        What the draws are draws of: "folds", "twins", "seeds", "templates", "texts". It must be said where there are
        several. One draw of something that varies has no standard error, and gets no verdict.
    score, chance, asks
        As in `Comparison`.

    Returns
    -------
    Comparison
        The p-value is one-sided: observed above control; never below 2 ** -n, the least that n independent signs can
        show.

    Raises
    ------
    ExplaintError
        If the shapes differ or fewer than 2 units have both scores.

    Notes
    -----
    The variance is the jackknife's, leaving out one unit or cluster at a time (for single units: the textbook's), for
    two ways of clustering V1 + V2 - V12; that of the draws is added. The degrees of freedom are those of Welch and
    Satterthwaite, with one less than the number of units, clusters (the fewer of two ways) and draws.

    References
    ----------
    Cameron, Gelbach & Miller (2011) for two ways of clustering; MacKinnon, Nielsen & Webb (2023) for the jackknife and
    few clusters; Satterthwaite (1946).

    Examples
    --------
    >>> from explaint_lib import inference
    >>> control = np.linspace(0, 1, 40)
    >>> observed = control + 0.1 + 0.05 * np.sin(np.arange(40))
    >>> found = inference.compare(observed, control, "mean profile")
    >>> print("{:.2f} [{:.2f}, {:.2f}]".format(found.difference, *found.interval()))
    0.10 [0.09, 0.11]
    """
    ours, theirs = np.asarray(observed, dtype=np.float64), np.asarray(control, dtype=np.float64)
    if theirs.ndim == 0:
        theirs = np.full(ours.shape[-1:], theirs)
    shapes = f"{ours.shape} and {theirs.shape}"
    if not {ours.ndim, theirs.ndim} <= {1, 2} or ours.shape[-1] != theirs.shape[-1]:
        raise ExplaintError(f"a comparison needs two scores a unit, found shapes {shapes}")
    drawn = {len(given) for given in (ours, theirs) if given.ndim == 2}
    if len(drawn) > 1:
        raise ExplaintError(f"a comparison needs the same draws of both, found shapes {shapes}")
    if drawn and varied is None:
        raise ExplaintError(f"say what the draws are draws of (varied='folds'), found shapes {shapes}")
    each = np.atleast_2d(ours - theirs)  # (draw, unit)
    both = np.asarray(~np.isnan(each).all(axis=0))
    if both.sum() < 2:
        raise ExplaintError(f"a comparison needs at least 2 units with both scores, found {both.sum()}")
    mean = _mean_defined(each[:, both])
    variance, n = _unit_variance(mean, _labels(clusters, both))
    draws = np.array([np.nanmean(one) for one in each if not np.isnan(one).all()])
    of_draws = 0.0 if varied is None else float(draws.var(ddof=1)) / len(draws) if len(draws) > 1 else np.nan
    total = variance + of_draws
    df = float(n - 1) if not of_draws > 0 else total**2 / (variance**2 / (n - 1) + of_draws**2 / (len(draws) - 1))
    difference, se = float(mean.mean()), float(np.sqrt(total))
    p = _t_p(difference, se, df, n) if null is None else _null_p(_mean_defined(np.atleast_2d(ours)), null, both)
    return Comparison(
        name,
        difference,
        se,
        df,
        p,
        score,
        n=n,
        draws=() if varied is None else tuple(draws.tolist()),
        se_units=float(np.sqrt(variance)),
        varied=varied,
        chance=chance,
        asks=asks,
    )


def compare_statistic(
    observed: float,
    resampled: ArrayLike,
    null: ArrayLike,
    name: str,
    *,
    n: int,
    score: str | None = None,
    asks: str | None = None,
) -> Comparison:
    """Compare a statistic that has no value a unit (a mean AUC, a correlation of two spaces) with its null.

    Parameters
    ----------
    observed : float
    resampled : array of shape (n_boot,)
        The statistic in bootstrap resamples of the units (`bootstrap_counts`): their spread is its standard error.
    null : array of shape (B,)
        The statistic where what the claim needs is destroyed, drawn B times.
    name, score, asks : str
        As in `compare`.
    n : int
        Units that were resampled.

    Returns
    -------
    Comparison
        The difference is measured from the null's mean, whose own error is in the interval.

    Raises
    ------
    ExplaintError
        With fewer than 2 resamples or units, or with an undefined (NaN) draw of the null or observation.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> found = inference.compare_statistic(0.7, [0.65, 0.7, 0.75], [0.45, 0.5, 0.55], "permuted pairing", n=40)
    >>> print(f"{found.difference:.2f}, p = {found.p_value:.2f}")
    0.20, p = 0.25
    """
    again, drawn = np.asarray(resampled, dtype=np.float64), np.asarray(null, dtype=np.float64)
    p = permutation_p(observed, drawn)
    again = again[~np.isnan(again)]
    if again.size < 2 or n < 2:
        raise ExplaintError(f"a standard error needs at least 2 units and 2 resamples, found {n} and {again.size}")
    error = drawn.var(ddof=1) / len(drawn) if len(drawn) > 1 else 0.0
    se = float(np.sqrt(again.var(ddof=1) + error))
    return Comparison(name, observed - float(drawn.mean()), se, n - 1.0, p, score, n=n, asks=asks)


def _mean_defined(each: np.ndarray) -> np.ndarray:
    """Return the mean of each column over its defined rows; NaN where there is none."""
    known = ~np.isnan(each)
    total = np.where(known, each, 0.0).sum(axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(each.shape[1], np.nan), where=known.any(axis=0))


def _labels(clusters: Clusters | None, both: np.ndarray) -> list[np.ndarray]:
    """Return the number of each compared unit's cluster, one array a way of clustering."""
    if clusters is None:
        return [np.arange(both.sum())]
    ways = list(clusters.values()) if isinstance(clusters, Mapping) else [clusters]
    if not 1 <= len(ways) <= 2 or any(len(way) != len(both) for way in ways):
        found = ", ".join(str(len(way)) for way in ways)
        raise ExplaintError(f"expected one cluster a unit, {len(both)}, in one or two ways; found {found or 'none'}")
    codes = [np.unique(np.asarray(way)[both].astype(str), return_inverse=True)[1] for way in ways]
    if any(code.max() == 0 for code in codes):
        raise ExplaintError("a comparison needs at least 2 clusters with both scores, found 1")
    return codes


def _unit_variance(mean: np.ndarray, ways: list[np.ndarray]) -> tuple[float, int]:
    """Return the variance of the mean over units, and the number of clusters (the fewer of two ways)."""
    each = [_jackknife(mean, way) for way in ways]
    variance = float(sum(each))
    if len(ways) == 2:
        shared = np.unique(ways[0] * (ways[1].max() + 1) + ways[1], return_inverse=True)[1]
        variance = max(variance - _jackknife(mean, shared), *each)
    return float(variance), int(min(way.max() for way in ways)) + 1


def _jackknife(values: np.ndarray, cluster: np.ndarray) -> float:
    """Return the variance of the mean, one cluster left out at a time."""
    n = cluster.max() + 1
    total, size = np.bincount(cluster, weights=values), np.bincount(cluster)
    without = (values.sum() - total) / (values.size - size)
    return float((n - 1) / n * ((without - values.mean()) ** 2).sum())


def _t_p(difference: float, se: float, df: float, n: int) -> float:
    """Return the one-sided p of a t statistic, no smaller than n signs could show."""
    if np.isnan(se):
        return np.nan
    if se < 1e-12 * max(1.0, abs(difference)):  # the same difference for every unit
        p = 0.0 if difference > 0 else 1.0
    else:
        p = float(stats.t.sf(difference / se, df))
    return max(p, 2.0**-n)


def _null_p(observed: np.ndarray, null: ArrayLike, both: np.ndarray) -> float:
    """Return the p of a permutation test on the means of the compared units."""
    drawn = np.asarray(null, dtype=np.float64)
    if drawn.ndim == 2 and drawn.shape[1:] != both.shape:
        raise ExplaintError(f"a null with one score a unit needs the shape (draws, {both.size}), found {drawn.shape}")
    if drawn.ndim == 2:
        return permutation_p(float(np.nanmean(observed[both])), np.nanmean(drawn[:, both], axis=1))
    if not np.array_equal(both, ~np.isnan(observed)):
        raise ExplaintError(
            "the control leaves out units that the null's means hold: give the null a score a unit, (draws, units)"
        )
    return permutation_p(float(np.nanmean(observed)), drawn)
