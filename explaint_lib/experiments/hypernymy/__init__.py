"""The hypernymy probe of Regneri et al. (2024), beside everything else that might reach its accuracy."""

from __future__ import annotations

from explaint_lib.experiments.hypernymy._compared import PREDICTORS, SAID_PREDICTORS, PairScores
from explaint_lib.experiments.hypernymy._features import PairFeatures
from explaint_lib.experiments.hypernymy._gather import Gathered, gather_hypernymy
from explaint_lib.experiments.hypernymy._pairs import NEGATIVES, make_pair_sets
from explaint_lib.experiments.hypernymy._planted import KNOWS, planted_comparisons, planted_world
from explaint_lib.experiments.hypernymy._run import fit_probes, run_hypernymy, score_hypernymy, summarise

__all__ = [
    "KNOWS",
    "NEGATIVES",
    "PREDICTORS",
    "SAID_PREDICTORS",
    "Gathered",
    "PairFeatures",
    "PairScores",
    "fit_probes",
    "gather_hypernymy",
    "make_pair_sets",
    "planted_comparisons",
    "planted_world",
    "run_hypernymy",
    "score_hypernymy",
    "summarise",
]
