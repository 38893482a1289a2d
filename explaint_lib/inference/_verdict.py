"""The verdict rule: a claim against every control that could explain it away, in words.

What it controls for: one control forgotten, one test too many (p-values and intervals are corrected over all claims of
the table), "not significant" read as "nothing there" (which needs a smallest effect of interest, and data that could
show less), and a control that would say the same whether the claim is true or false. What it does not license: a
verdict on controls that were not run, or on another model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from explaint_lib._common import ExplaintError
from explaint_lib.inference._calibration import calibration, known_rates
from explaint_lib.inference._compare import Comparison
from explaint_lib.inference._tests import holm
from explaint_lib.results import typed

#: The smallest effect of interest of each kind of score, in its own unit, fixed before looking. F1@10 and correlations
#: a word: what separates neighbouring rows of the published tables. Overlap: a fifth of one neighbour of ten.
#: Retrieval, accuracy, two alternatives and shares: one case in twenty. AUC: a tenth of the way from chance to .7.
#: Nats per token: one part in twenty of a perplexity.
MARGINS = {
    "F1@10": 0.02,
    "Spearman per word": 0.02,
    "overlap@10": 0.02,
    "retrieval@10": 0.05,
    "two alternatives": 0.05,
    "AUC": 0.02,
    "similarity of spaces": 0.02,
    "cosine distance": 0.02,  # of a sentence vector: what separates neighbouring sentences of one topic
    "faults found": 0.05,  # one fault in twenty
    "accuracy": 0.05,
    "share": 0.05,
    "agreement": 0.05,
    "nats per token": 0.05,
}
FEW_DRAWS = 5  # fewer draws of folds, twins or seeds say too little of how much they vary

#: The words of the rule, for one control, strongest first: a claim gets the first that one of its controls says.
WORDS = ("alarm", "worse", "equivalent", "no better", "no verdict", "cannot tell", "supported")
_SAYS = {"alarm": "alarm: below {}", "worse": "worse than {}", "equivalent": "equivalent to {}"}
_SAYS |= {"no better": "no better than {}", "no verdict": "no verdict from {}"}


def verdicts(
    claims: Mapping[str, Sequence[Comparison]] | Mapping[tuple[str, ...], Sequence[Comparison]],
    *,
    smallest_effect: float | Mapping[str, float],
    alpha: float = 0.05,
    by: Sequence[str] = ("claim",),
    says: str | None = None,
    calibrated: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Apply the verdict rule to every claim.

    Parameters
    ----------
    claims : mapping of claim to Comparisons
        All controls that could explain the claim away; an empty list where none could be run. Where a claim is made
        of several models, or asked in several ways, its key is a tuple with one text for each of `by`.
    smallest_effect : float > 0, or mapping of a score's name to one
        The smallest difference of interest, in the unit of each score (`MARGINS`); fix it before looking at the data.
    alpha : float
    by : sequence of str
        The columns that hold the parts of a key, as `explaint_lib.results.COLUMNS` names them.
    says : str, optional
        The claim as a sentence, without its full stop, where the key alone is none: `by` in braces, as in "a head of
        {model} follows {claim}". It becomes the column ``sentence``.
    calibrated : DataFrame, optional
        The table that says which comparison can tell a true claim from a false one; left out, `calibration()`.

    Returns
    -------
    DataFrame
        One row a comparison. The columns of `by`, ``control, score, difference``; ``ci_low, ci_high``: the interval
        that holds 1 - alpha of the time *for all comparisons of the table at once* (Bonferroni); ``p_value, p_holm``;
        ``margin``, and whether it was ``reachable``: whether the interval could have been narrow enough; ``n`` units;
        ``varied, draws``: what was drawn again, and how often; ``stable``: the share of these draws each of which,
        alone, would have given the claim the same word; ``false_alarm, power, n_calibrated``: how often planted worlds
        of about this size in which the claim is false, or true, got *supported* from this control; ``word`` and
        ``verdict``: the claim's own, the same in each of its rows. A claim without comparisons has one row, without
        numbers. With one control X the word is

        * ``supported``: the interval lies above 0 and the corrected p is below `alpha`;
        * ``worse``: the interval lies below 0 (``alarm`` where X is chance: something is wrong with data or code);
        * ``equivalent``: it lies inside the margin, on both sides (two one-sided tests);
        * ``no better``: its upper end is below the margin;
        * ``no verdict``: calibration showed that X says the same of true and of false claims, or has no row for it;
        * ``cannot tell``: otherwise, and with fewer than five draws of something that varies.

        With several, the claim is supported where all say so; else the verdict names those that say worse, equivalent
        or no better; else it is *cannot tell*, or *no verdict* where no control may give one. A control that was tried
        and says the same of true and of false claims is passed over; one that was never tried leaves *no verdict*.

    Raises
    ------
    ExplaintError
        If a smallest effect is missing or not above 0, or a key has not one part for each of `by`.

    References
    ----------
    Schuirmann (1987) for two one-sided tests; Holm (1979). Each bound errs with probability alpha / 2m in a table of m
    comparisons, less than the two one-sided tests ask for.

    Examples
    --------
    >>> from explaint_lib import inference
    >>> clear = inference.Comparison("mean profile", difference=0.1, se=0.02, p_value=0.001)
    >>> reached = inference.Comparison("category", difference=0.0, se=0.005, p_value=0.4)
    >>> found = inference.verdicts({"beats base rates": [clear], "knows the word": [reached]}, smallest_effect=0.02)
    >>> found.verdict.tolist()
    ['supported', 'equivalent to category']
    """
    table = calibration() if calibrated is None else calibrated
    every = [one for controls in claims.values() for one in controls]
    margins = {one.score: _margin(one.score, smallest_effect) for one in [*every, _NOTHING]}
    rule = _Rule(alpha, max(len(every), 1), margins, table)
    corrected = iter(holm([one.p_value for one in every]))
    rows = []
    for key, controls in claims.items():
        parts = (key,) if isinstance(key, str) else key
        if len(parts) != len(by):
            raise ExplaintError(f"a claim needs one text for each of {', '.join(by)}, found {key!r}")
        adjusted = [float(next(corrected)) for _ in controls]
        word, verdict = rule.claim(controls, adjusted)
        said = dict(zip(by, parts, strict=True))
        sentence = {"sentence": _said(says, said)} if says else {}
        ends: dict[str, Any] = {"stable": rule.stable(controls, adjusted, word), "word": word, "verdict": verdict}
        tested = [rule.row(one, p) for one, p in zip(controls, adjusted, strict=True)]
        rows += [said | sentence | row | ends for row in tested or [rule.row(_NOTHING, np.nan)]]
    return typed(rows)


def comparisons(tests: pd.DataFrame, *, score: str | None = None, asks: str | None = None) -> list[Comparison]:
    """Return the tests of a result as comparisons, for `verdicts`.

    Parameters
    ----------
    tests : DataFrame
        Rows of `explaint_lib.results.Result.tests`: control, difference, se, df, p_value, and where they have one the
        score and n.
    score, asks : str, optional
        As in `Comparison`, for all of them; left out, the score is that of the row.

    Examples
    --------
    >>> from explaint_lib import inference, results
    >>> numbers = {"difference": 0.1, "se": 0.02, "df": 99, "p_value": 0.001}
    >>> tests = results.typed([{"predictor": "attention", "control": "one half"} | numbers])
    >>> inference.verdicts({"more than half": inference.comparisons(tests)}, smallest_effect=0.05).verdict.tolist()
    ['supported']
    """
    made = []
    for row in tests.to_dict("records"):
        difference, se, df, p = (
            float("nan") if pd.isna(row[name]) else float(row[name]) for name in ("difference", "se", "df", "p_value")
        )
        own, n = (None if pd.isna(row.get(name)) else row[name] for name in ("score", "n"))
        control = str(row["control"])
        said = score or own
        made.append(
            Comparison(control, difference, se, df, p, said, int(n or 0), chance=control == "chance", asks=asks)
        )
    return made


_NOTHING = Comparison("none could be run", difference=np.nan, se=np.nan)


class _Rule:
    """The rule for one table: its level, how many comparisons share it, the margins and the calibrations."""

    def __init__(self, alpha: float, m: int, margins: Mapping[str | None, float], table: pd.DataFrame) -> None:
        self.alpha, self.m, self.margins, self.table = alpha, m, margins, table

    def word(self, one: Comparison, p: float) -> str:
        """Return the word of one control."""
        if np.isnan(one.se) or (one.varied is not None and len(one.draws) < FEW_DRAWS):
            return "cannot tell"
        rates = known_rates(self.table, one)
        if rates is not None and not (rates.may_support or rates.may_refute):
            return "no verdict"
        word = self._uncalibrated(one, p)
        if rates is None or word in ("alarm", "cannot tell"):
            return word
        allowed = rates.may_support if word == "supported" else rates.may_refute
        return word if allowed else "cannot tell"

    def _uncalibrated(self, one: Comparison, p: float) -> str:
        margin, (low, high) = self.margins[one.score], one.interval(1 - self.alpha / self.m)
        if low > 0:
            return "supported" if p < self.alpha else "cannot tell"
        if self.m * 2.0**-one.n > self.alpha / 2 and one.n:  # so few units that no sign of them is beyond luck
            return "cannot tell"
        if high < 0:
            return "alarm" if one.chance else "worse"
        if high < margin:
            return "equivalent" if low > -margin else "no better"
        return "cannot tell"

    def claim(self, controls: Sequence[Comparison], adjusted: Sequence[float]) -> tuple[str, str]:
        """Return the word of a claim, and the verdict, which names controls."""
        if not controls:
            return "cannot tell", "cannot tell"
        words = [self.word(one, p) for one, p in zip(controls, adjusted, strict=True)]

        def saying(word: str) -> str:
            named = [one.control for one, said in zip(controls, words, strict=True) if said == word]
            return _SAYS[word].format(" and ".join(dict.fromkeys(named)))

        if strong := [word for word in WORDS[:4] if word in words]:
            return strong[0], "; ".join(map(saying, strong))
        if "cannot tell" in words:
            return "cannot tell", "cannot tell"
        # what was tried and says the same of both worlds is passed over; what was never tried might have refuted
        untried = any(rates is not None and not rates.n for rates in (known_rates(self.table, one) for one in controls))
        if "supported" in words and not untried:
            return "supported", "supported"
        return "no verdict", saying("no verdict")

    def stable(self, controls: Sequence[Comparison], adjusted: Sequence[float], word: str) -> float:
        """Return the share of draws that alone give the claim the same word; NaN where nothing was drawn again."""
        n = max((len(one.draws) for one in controls), default=0)
        if n < 2:
            return np.nan
        alike = 0
        for i in range(n):
            alone = [one.in_draw(i % len(one.draws)) if one.draws else one for one in controls]
            p = [
                self.m * one.p_value if whole.draws else p
                for whole, one, p in zip(controls, alone, adjusted, strict=True)
            ]
            alike += self.claim(alone, p)[0] == word
        return alike / n

    def row(self, one: Comparison, p_holm: float) -> dict[str, Any]:
        """Return the numbers of one comparison."""
        margin, rates = self.margins[one.score], known_rates(self.table, one)
        low, high = one.interval(1 - self.alpha / self.m)
        said: dict[str, Any] = {"control": one.control, "score": one.score, "difference": one.difference}
        said |= {"ci_low": low, "ci_high": high, "p_value": one.p_value, "p_holm": p_holm, "margin": margin}
        said |= {"reachable": None if np.isnan(one.se) else bool(high - low < 2 * margin), "n": one.n or None}
        said |= {"varied": one.varied, "draws": len(one.draws) if one.varied else None}
        if rates is None:
            return said | dict.fromkeys(("false_alarm", "power", "n_calibrated"))
        return said | {"false_alarm": rates.false_alarm, "power": rates.power, "n_calibrated": rates.n or None}


def _said(says: str, parts: Mapping[str, str]) -> str:
    """Return a claim as a sentence."""
    try:
        return says.format(**parts)
    except (KeyError, IndexError, ValueError) as fault:
        raise ExplaintError(
            f"the sentence of a claim may name {', '.join(f'{{{name}}}' for name in parts)}; found {says!r} ({fault})"
        ) from None


def _margin(score: str | None, smallest_effect: float | Mapping[str, float]) -> float:
    """Return the smallest effect of one score."""
    if not isinstance(smallest_effect, Mapping):
        margin = float(smallest_effect)
    elif score is None:
        margin = np.nan
    elif score in smallest_effect:
        margin = float(smallest_effect[score])
    else:
        raise ExplaintError(
            f"the score {score!r} has no smallest effect of interest; found those of {', '.join(smallest_effect)}"
        )
    if not margin > 0 and not (score is None and isinstance(smallest_effect, Mapping)):
        raise ExplaintError(f"the smallest effect of interest must be above 0, found {margin}")
    return margin
