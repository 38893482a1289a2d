"""Does position *i* at layer *l* still hold token *i*? Two of the four claims, with their chance levels.

What it measures
    ``geometry``: without any fitted map, is the vector nearest to the state of position *i* that of its own
    token? ``decodability``: does a map fitted on *other sentences* name the token? The two come apart: a
    layer that only rotates its input has lost the first and kept the second. The other two claims, causal
    locality and share of content, need the model to run again and live in `explaint_lib.attribution`.

What it controls for
    Chance is computed item by item from the candidates and the ties. Means, standard deviations and maps come
    from training sentences and are scored on held-out ones (cross-fitted). Every trained map is also scored
    on token types that were taken out of its training, since a map can memorise the types it saw; and a map
    whose targets were exchanged between equal positions of different sentences shows what *position alone*
    gives.

What it does not license
    A high score says that an observer who knows the corpus can find the token again, not that the model uses
    it; a low cosine says nothing about lost information. Random weights are a needed comparison, not a zero
    point: an untrained BERT keeps every token to the top, an untrained Llama loses them within a few layers.

Methods: Brunner et al. 2020 (token identifiability), Voita et al. 2019 (identity of nearest neighbours),
Timkey and van Schijndel 2021 (standardising before cosine). The combination here is a reconstruction.
"""

from explaint_lib.continuity._curve import Score, continuity_curve
from explaint_lib.continuity._ladder import (
    GEOMETRY_RUNGS,
    MAP_RUNGS,
    RUNGS,
    FittedRung,
    TrainingStates,
    fit_rung,
)
from explaint_lib.continuity._positions import Positions, gather_positions
from explaint_lib.continuity._ranks import chance_of_truth, expected_reciprocal_rank, rank_of_truth

__all__ = [
    "GEOMETRY_RUNGS",
    "MAP_RUNGS",
    "RUNGS",
    "FittedRung",
    "Positions",
    "Score",
    "TrainingStates",
    "chance_of_truth",
    "continuity_curve",
    "expected_reciprocal_rank",
    "fit_rung",
    "gather_positions",
    "rank_of_truth",
]
