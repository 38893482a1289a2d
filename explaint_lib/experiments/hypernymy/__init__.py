"""The hypernymy probe of Regneri et al. (2024), beside everything else that might reach its accuracy."""

from __future__ import annotations

from explaint_lib.experiments.hypernymy._features import PairFeatures
from explaint_lib.experiments.hypernymy._gather import Gathered, gather_hypernymy
from explaint_lib.experiments.hypernymy._pairs import NEGATIVES, make_pair_sets
from explaint_lib.experiments.hypernymy._planted import KNOWS, planted_world
from explaint_lib.experiments.hypernymy._run import run_hypernymy, score_hypernymy
from explaint_lib.experiments.hypernymy._scores import PREDICTORS

__all__ = [
    "KNOWS",
    "NEGATIVES",
    "PREDICTORS",
    "Gathered",
    "PairFeatures",
    "gather_hypernymy",
    "make_pair_sets",
    "planted_world",
    "run_hypernymy",
    "score_hypernymy",
]
