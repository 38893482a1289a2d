"""Reading attention arrays: what the weights say, what they give when values count, and what they leave open.

What it measures
    Mixing of all layers into one map (`rollout`, `flow`), the vectors that positions give to each other and
    their sizes (`norm_weighted`, `alti`, `mixing_ratio`), the part of the weights that the output depends on
    (`effective_attention`) and a different map with the same output (`same_output_attention`), words and agreement.

What it controls for
    Values (a weight on nothing counts for nothing), the residual connection (measured, not assumed), special
    tokens and sinks (switchable), distance (`nearness`, the map that asks no model).

What it does not license
    Nothing here runs the model again, so nothing here is causal: `explaint_lib.attribution` is. And every row
    and column stands for a *position*; whether it stands for a token is the question of `continuity`.
"""

from explaint_lib.attention._agreement import nearness, row_agreement, to_words
from explaint_lib.attention._blind import BlindTest, blind_test
from explaint_lib.attention._decomposition import (
    LayerParts,
    alti,
    mixing_ratio,
    norm_weighted,
    row_shares,
    transformed_vectors,
)
from explaint_lib.attention._effective import effective_attention, same_output_attention, total_variation
from explaint_lib.attention._mixing import flow, mean_over_heads, rollout
from explaint_lib.attention._structure import (
    LABEL_FREE,
    STATISTICS,
    diagonal_share,
    gini,
    jensen_shannon,
    map_statistics,
    mean_distance,
    offset_share,
    row_entropy,
    sink_share,
    uniform_attention,
)

__all__ = [
    "LABEL_FREE",
    "STATISTICS",
    "BlindTest",
    "LayerParts",
    "alti",
    "blind_test",
    "diagonal_share",
    "effective_attention",
    "flow",
    "gini",
    "jensen_shannon",
    "map_statistics",
    "mean_distance",
    "mean_over_heads",
    "mixing_ratio",
    "nearness",
    "norm_weighted",
    "offset_share",
    "rollout",
    "row_agreement",
    "row_entropy",
    "row_shares",
    "same_output_attention",
    "sink_share",
    "to_words",
    "total_variation",
    "transformed_vectors",
    "uniform_attention",
]
