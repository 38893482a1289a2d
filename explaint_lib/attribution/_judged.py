"""Is a judge right more often than by chance, where the judged have taught the judges of others?

What it measures
    The accuracy of a blind test (`explaint_lib.attention.blind_test`) minus one half, with an interval over sentences
    and over the divisions into those that teach and those that are judged.

What it controls for
    Judged sentences are not independent: each is also among the teachers of the others. If nothing can be told, the
    accuracy is a mean over *pairs* of sentences, of which one teaches and one is judged, and its variance is twice
    that of a mean over independent sentences. Intervals that forget it are too narrow on both sides, so that a judge
    who knows nothing is called right, or significantly wrong, too often.

What it does not license
    A word on other models, corruptions or judges. Where much can be told the interval is wider than it had to be.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from explaint_lib import inference
from explaint_lib._common import ExplaintError


def compare_judged(
    accuracy: ArrayLike, *, varied: str = "folds", score: str | None = "accuracy", asks: str | None = "intact"
) -> inference.Comparison:
    """Compare the accuracy of a blind test with chance, one half.

    Parameters
    ----------
    accuracy : (draw, sentence) array in [0, 1]
        As `explaint_lib.attention.blind_test` returns it; or its mean over several tests (layers, say) that divided
        the sentences alike.
    varied : str
        What the draws are draws of: the divisions ("folds"), or where each draw is the mean over divisions for one
        untrained model, "twins".
    score, asks : str, optional
        As in `explaint_lib.inference.Comparison`.

    Returns
    -------
    explaint_lib.inference.Comparison
        Units are the sentences, the control is chance. The variance is that
        of `explaint_lib.inference.compare`, with that over sentences counted twice.

    Raises
    ------
    ExplaintError
        If the array has not two axes.

    References
    ----------
    Hoeffding (1948) for the variance of a mean over pairs (a degenerate U statistic); Jamalabadi et al. (2016) on
    classifiers significantly below chance.

    Examples
    --------
    >>> from explaint_lib import attention, attribution
    >>> rng = np.random.default_rng(0)
    >>> first, second = rng.normal(size=(2, 24, 3))  # two kinds that do not differ
    >>> found = attribution.compare_judged(attention.blind_test(first, second, rng=rng).accuracy)
    >>> low, high = found.interval()
    >>> low < 0 < high, found.n, len(found.draws)
    (True, 24, 10)
    """
    accuracy = np.asarray(accuracy, dtype=np.float64)
    if accuracy.ndim != 2:
        raise ExplaintError(
            f"expected accuracies (draw, sentence), as a blind test returns them; found {accuracy.shape}"
        )
    one = inference.compare(accuracy, 0.5, "chance", varied=varied, score=score, chance=True, asks=asks)
    units = one.se_units or 0.0
    se = float(np.hypot(one.se, units))
    df = float(one.n - 1)
    # the same difference for every sentence and division has no error: the least p is what that many signs can show
    p = float(stats.t.sf(one.difference / se, df)) if se > 1e-12 else float(one.difference <= 0)
    return replace(one, se=se, df=df, p_value=max(p, 2.0**-one.n), se_units=float(np.sqrt(2) * units))
