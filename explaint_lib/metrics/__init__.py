"""Score predicted feature norms, each score beside its chance level and the best any prediction could reach.

What it measures: `METRICS` holds six scores of a prediction ``pred (word, feature)`` against gold norms of
the same shape, one value a word or a feature (never only a mean), so that bootstrap and paired tests can
resample the unit. Each is a `Metric`, registered where it is defined (a new module of this room is found by
itself); `Scorer` computes them for many predictions. Beside them stand the scores that ask other questions:
`two_alternative` (which word of its category?), `auc_feature`, `average_precision_feature` and `r2_pooled`
(feature by feature), `rsa` (are the spaces shaped alike?), `hubness` and its corrections, `nearness` (of any
system to all candidates, under one `Treatment`), and two ceilings that a map could reach.

What it controls for: chance (a ranking at random) and oracle (the best ranking, given how many features a
word has and which gold values are tied). Ties are broken fairly everywhere, by exact expectation, so that a
constant or blocky prediction gains nothing from the order of the columns. Missing cells (NaN in gold) are
masked. Undefined units are NaN: leave them out of the mean *and* report how many there are.

What it does NOT license: chance is not the null to beat. Base rates (the mean profile), taxonomy and
similarity alone score far above chance; a score shows something about the word only beside
`explaint_lib.controls` on the same folds.
"""

from __future__ import annotations

import importlib
import pkgutil

# isort: off
from explaint_lib.metrics._ranking import (  # registered first: the order of METRICS is that of every table
    f1_at_k,
    f1_chance,
    f1_oracle,
    r_precision,
    r_precision_chance,
    r_precision_oracle,
)
from explaint_lib.metrics._correlation import (
    scored_features,
    spearman_feature,
    spearman_feature_oracle,
    spearman_item,
    spearman_item_oracle,
)
from explaint_lib.metrics._neighbours import (
    cosines,
    neighbour_overlap_at_k,
    neighbour_overlap_chance,
    neighbour_overlap_oracle,
    retrieval_at_k,
    retrieval_chance,
    retrieval_oracle,
)

# isort: on
from explaint_lib.metrics._ceilings import mixture_ceiling, reachable_ceiling
from explaint_lib.metrics._features import auc_feature, average_precision_feature, r2_pooled
from explaint_lib.metrics._hubness import csls, hubness, k_occurrence, mutual_proximity, retrieval_by
from explaint_lib.metrics._many import Comparison, Scorer
from explaint_lib.metrics._metric import METRICS, Kind, Metric, left_out, register, require
from explaint_lib.metrics._rsa import rsa, rsa_null, same_group
from explaint_lib.metrics._similarity_encoding import similarity_encoding
from explaint_lib.metrics._ties import top_share
from explaint_lib.metrics._treatment import COSINE, TREATMENTS, Treatment, nearness, treatment_grid
from explaint_lib.metrics._two_alternative import (
    two_alternative,
    two_alternative_by,
    two_alternative_null,
    two_alternative_null_by,
)

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

#: The names of the library's own metrics; `register` adds those of a program to `METRICS` alone.
SHIPPED = frozenset(METRICS)

__all__ = [
    "COSINE",
    "METRICS",
    "SHIPPED",
    "TREATMENTS",
    "Comparison",
    "Kind",
    "Metric",
    "Scorer",
    "Treatment",
    "auc_feature",
    "average_precision_feature",
    "cosines",
    "csls",
    "f1_at_k",
    "f1_chance",
    "f1_oracle",
    "hubness",
    "k_occurrence",
    "left_out",
    "mixture_ceiling",
    "mutual_proximity",
    "nearness",
    "neighbour_overlap_at_k",
    "neighbour_overlap_chance",
    "neighbour_overlap_oracle",
    "r2_pooled",
    "r_precision",
    "r_precision_chance",
    "r_precision_oracle",
    "reachable_ceiling",
    "register",
    "require",
    "retrieval_at_k",
    "retrieval_by",
    "retrieval_chance",
    "retrieval_oracle",
    "rsa",
    "rsa_null",
    "same_group",
    "scored_features",
    "similarity_encoding",
    "spearman_feature",
    "spearman_feature_oracle",
    "spearman_item",
    "spearman_item_oracle",
    "top_share",
    "treatment_grid",
    "two_alternative",
    "two_alternative_by",
    "two_alternative_null",
    "two_alternative_null_by",
]
