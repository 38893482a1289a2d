"""Intervals, tests and effect sizes of scores: how far would a number move with other words, or by luck?

The unit is the word. Cells of a word x feature matrix are not independent, so nothing here resamples cells; a
score per feature (Spearman over words) is recomputed exactly for every resample of the *words*.

What it controls for: the sampling of words (bootstrap), the luck of a pairing (permutation), several tests at
once (Holm). What it does not license: none of it covers another model, another seed, another set of features or other
folds; a large p is no evidence of absence (an interval inside the smallest effect of interest is: `verdicts`); and an
interval around a biased score is a precise statement of the wrong thing.
"""

from __future__ import annotations

from explaint_lib.inference._bootstrap import (
    bootstrap_ci,
    bootstrap_counts,
    cluster_bootstrap_ci,
    percentile_interval,
)
from explaint_lib.inference._calibration import Rates, calibration, rates
from explaint_lib.inference._compare import Clusters, Comparison, compare, compare_statistic
from explaint_lib.inference._decomposition import decomposition
from explaint_lib.inference._spearman import mean_spearman_feature
from explaint_lib.inference._tests import (
    SIGN_FLIPS,
    holm,
    paired_permutation_p,
    paired_swap_p,
    permutation_p,
)
from explaint_lib.inference._verdict import FEW_DRAWS, MARGINS, WORDS, comparisons, verdicts

__all__ = [
    "FEW_DRAWS",
    "MARGINS",
    "SIGN_FLIPS",
    "WORDS",
    "Clusters",
    "Comparison",
    "Rates",
    "bootstrap_ci",
    "bootstrap_counts",
    "calibration",
    "cluster_bootstrap_ci",
    "compare",
    "compare_statistic",
    "comparisons",
    "decomposition",
    "holm",
    "mean_spearman_feature",
    "paired_permutation_p",
    "paired_swap_p",
    "percentile_interval",
    "permutation_p",
    "rates",
    "verdicts",
]
