"""Controls: targets, inputs, pairings and splits under which a score should fall, or not for the reason claimed.

Each function returns something to compare with, is named by what it keeps or draws, and says in its docstring
what it keeps, what it destroys and what a high score under it means. What a control keeps is what a score on
it can still come from: a score on column-shuffled norms is not "predicting noise" as long as the frequencies
of the features survive the shuffle and a constant prediction scores as high.

On the side of the norms: `shuffle_columns`, `random_like`, `curveball`; nonsense targets
`length_differences`, `first_letter`, `alphabet_rank`, `hash_bits`; and `features_in_name`, which marks features that
repeat a part of the word. On the side of the vectors:
`gaussian_like`, `character_ngrams`, `form_only` (untrained and static models come from
`explaint_lib.encoders`). The pairing of the two: `permute_rows`, `permute_within`, `permute_blocks`,
`swap_neighbours`. Predictions without a map: `category_centroids`. Splits: `leave_one_category_out`,
`cluster_folds`, `near_duplicate_folds`; and `cluster_words` for finer grains than the categories.

`CONDITIONS` are the lines of the table of controls, each one a `Condition`; `register` adds one.

What this does not license: no single control answers "does the embedding know the meaning". Row and column
shuffles destroy the taxonomy and the similarities together with the words, so a system above both may still
know no more than each word's category; `permute_within` and `swap_neighbours` are the controls for that
reading.
"""

from __future__ import annotations

from explaint_lib.controls import _conditions as _registered  # noqa: F401  # fills CONDITIONS
from explaint_lib.controls._condition import (
    CONDITIONS,
    Condition,
    Draw,
    Ends,
    Kind,
    Prediction,
    Setting,
    Stream,
    register,
)
from explaint_lib.controls._curveball import curveball, curveball_mixing
from explaint_lib.controls._leaks import features_in_name
from explaint_lib.controls._nonsense import alphabet_rank, first_letter, hash_bits, length_differences
from explaint_lib.controls._pairings import permute_blocks, permute_rows, permute_within, swap_neighbours
from explaint_lib.controls._splits import cluster_folds, cluster_words, leave_one_category_out, near_duplicate_folds
from explaint_lib.controls._targets import random_like, shuffle_columns
from explaint_lib.controls._taxonomy import category_centroids
from explaint_lib.controls._vectors import character_ngrams, form_only, gaussian_like

#: The names of the library's own conditions; `register` adds those of a program to `CONDITIONS` alone.
SHIPPED = frozenset(CONDITIONS)

__all__ = [
    "CONDITIONS",
    "SHIPPED",
    "Condition",
    "Draw",
    "Ends",
    "Kind",
    "Prediction",
    "Setting",
    "Stream",
    "alphabet_rank",
    "category_centroids",
    "character_ngrams",
    "cluster_folds",
    "cluster_words",
    "curveball",
    "curveball_mixing",
    "features_in_name",
    "first_letter",
    "form_only",
    "gaussian_like",
    "hash_bits",
    "leave_one_category_out",
    "length_differences",
    "near_duplicate_folds",
    "permute_blocks",
    "permute_rows",
    "permute_within",
    "random_like",
    "register",
    "shuffle_columns",
    "swap_neighbours",
]
