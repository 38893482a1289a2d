"""Map word vectors to feature norms: scikit-learn regressors, and cross-validation by words.

What it measures: how much of a norm matrix ``Y (word, feature)`` a map fitted on other words can predict
from word vectors ``X (word, dim)``. `PLSR` and `FFNN` are the maps of the literature, `Ridge` is the cheap
strong linear map, and `MeanProfile` is the floor that never looks at ``X``.

What it controls for: the words that are scored are never in the fit (`CrossFit`), and the folds are an
argument, so that two conditions are compared on the same words (paired).

What it does NOT license: a high out-of-fold score is not evidence that the vectors *encode* the features.
Any smooth map predicts mixtures of training rows, so base rates, taxonomy and similarity alone score far
above zero: compare with the returns of `explaint_lib.controls`, on the same folds, before reading anything
into a score.

Missing cells (NaN in ``Y``) are masked by every mapper: they are neither zero nor dropped. NaN in ``X`` is
an error.
"""

from __future__ import annotations

from explaint_lib.mappers._cross_fit import CrossFit
from explaint_lib.mappers._ffnn import FFNN
from explaint_lib.mappers._folds import MAPPERS, check_folds, make_folds, make_mapper
from explaint_lib.mappers._linear import MeanProfile, Ridge
from explaint_lib.mappers._pls import PLSR

__all__ = [
    "FFNN",
    "MAPPERS",
    "PLSR",
    "CrossFit",
    "MeanProfile",
    "Ridge",
    "check_folds",
    "make_folds",
    "make_mapper",
]
