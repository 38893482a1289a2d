"""Sparse autoencoders on states, and scores that need no judge. Arrays in, arrays out.

What it measures: how much of the variance a dictionary of directions gives back (`variance_explained`), how many of its
directions are never used (`dead_features`), whether the examples that excite a direction most name what excites it
elsewhere (`label_fit`), and, where the truth was planted, how many true directions it holds (`recovered`). What it
controls for: fixed directions (``fixed_directions=True``), on which only the reading is trained. What it does not
license: that a direction is a feature of the model. The same scores are to be had from states of an untrained twin and
from a Gaussian cloud; compare with both.
"""

from explaint_lib.dictionaries._autoencoder import SparseAutoencoder, fit_autoencoder
from explaint_lib.dictionaries._scores import dead_features, label_fit, recovered, variance_explained

__all__ = [
    "SparseAutoencoder",
    "dead_features",
    "fit_autoencoder",
    "label_fit",
    "recovered",
    "variance_explained",
]
