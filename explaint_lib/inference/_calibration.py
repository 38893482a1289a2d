"""What is known of each comparison: how often it supports a claim that is false, and one that is true.

The table was made in planted worlds of both kinds, at three sizes (`explaint calibrate` makes it again), and is a file
of this package. What it controls for: a control that says the same of both worlds. What it does not license: the same
rates on real data, whose effects and noise are others.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest, fisher_exact

from explaint_lib.inference._compare import Comparison
from explaint_lib.results import Result

BAR = 0.05  # the largest rate of a wrong word
_DIFFER = 0.01  # p below which two rates differ


class Rates(NamedTuple):
    """The rates of one comparison at the size nearest to its own.

    Attributes
    ----------
    false_alarm, power : float
        Share of worlds in which the claim is false, or true, that got "supported".
    n : int
        The size of the worlds.
    may_support, may_refute : bool
        Whether the comparison tells the two kinds of worlds apart, by either word, and "supported" (or "worse",
        "equivalent" and "no better") is not shown to come wrongly in more than one of twenty worlds.
    """

    false_alarm: float
    power: float
    n: int
    may_support: bool
    may_refute: bool


@cache
def _shipped() -> pd.DataFrame:
    with resources.as_file(resources.files("explaint_lib") / "data" / "calibration.json") as path:
        return Result.from_json(path).rows


def calibration() -> pd.DataFrame:
    """Return the table of calibrations: a row for each comparison, size of the worlds and truth of the claim.

    Returns
    -------
    DataFrame
        ``asks`` (the question), ``control, score``; ``n`` (units of a world); ``truth`` (whether the claim is true);
        ``worlds`` (how many); ``supported, refuted`` (how many got that word; refuted: worse, equivalent or no better);
        ``difference`` (the mean over the worlds).

    Examples
    --------
    >>> from explaint_lib import inference
    >>> table = inference.calibration()
    >>> {"asks", "control", "score", "n", "truth", "worlds", "supported", "refuted"} <= set(table)
    True
    """
    table = _shipped()
    columns = ["asks", "control", "score", "n", "truth", "worlds", "supported", "refuted", "difference"]
    return table.copy() if len(table) else pd.DataFrame(columns=columns)


def known_rates(table: pd.DataFrame, one: Comparison) -> Rates | None:
    """Return what is known of a comparison, at the nearest size; None where it asks nothing, or there is no table.

    A comparison that asks a question and was never tried on any world may say nothing: its rates are not known.
    """
    if one.asks is None or table.empty:
        return None
    same = (table["asks"] == one.asks) & (table["control"] == one.control) & (table["score"] == (one.score or ""))
    tried = table[same]
    if tried.empty:
        return Rates(float("nan"), float("nan"), 0, may_support=False, may_refute=False)
    sizes = tried["n"].astype(int).unique()
    n = int(sizes[np.argmin(np.abs(np.log(sizes / max(one.n, 1))))])
    return rates(tried[tried["n"] == n])


def rates(tried: pd.DataFrame) -> Rates:
    """Return the rates of one comparison at one size.

    Parameters
    ----------
    tried : DataFrame
        Two rows of `calibration`: the claim false, and true.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaint_lib import inference
    >>> rows = [{"n": 240, "truth": False, "worlds": 100, "supported": 2, "refuted": 60}]
    >>> rows += [{"n": 240, "truth": True, "worlds": 100, "supported": 90, "refuted": 1}]
    >>> inference.rates(pd.DataFrame(rows)).power
    0.9
    """
    counts = {
        bool(truth): part[["worlds", "supported", "refuted"]].sum() for truth, part in tried.groupby("truth", sort=True)
    }
    (false, true), n = (counts[truth].astype(int) for truth in (False, True)), int(tried["n"].iloc[0])

    def more(word: str, right: pd.Series, wrong: pd.Series) -> bool:  # right: where the word is
        counts = [[one[word], one["worlds"] - one[word]] for one in (right, wrong)]
        return bool(fisher_exact(counts, alternative="greater").pvalue < _DIFFER)

    def seldom(word: str, wrong: pd.Series) -> bool:
        return bool(binomtest(int(wrong[word]), int(wrong["worlds"]), BAR, alternative="greater").pvalue > _DIFFER)

    tells = more("supported", true, false) or more("refuted", false, true)
    return Rates(
        float(false["supported"] / false["worlds"]),
        float(true["supported"] / true["worlds"]),
        n,
        may_support=tells and seldom("supported", false),
        may_refute=tells and seldom("refuted", true),
    )
