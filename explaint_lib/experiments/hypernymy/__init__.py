"""The hypernymy probe of Regneri et al. (2024), beside everything else that might reach its accuracy."""

from __future__ import annotations

from explaint_lib.experiments.hypernymy._run import (
    KNOWS,
    NEGATIVES,
    PREDICTORS,
    Features,
    Gathered,
    gather_hypernymy,
    make_pair_sets,
    planted_features,
    run_hypernymy,
    score_hypernymy,
)

__all__ = [
    "KNOWS",
    "NEGATIVES",
    "PREDICTORS",
    "Features",
    "Gathered",
    "gather_hypernymy",
    "make_pair_sets",
    "planted_features",
    "run_hypernymy",
    "score_hypernymy",
]
