"""Methods that run the model again: what changes when a token, a value, a state is changed.

What it measures
    Replace token *j* of a sentence by another and look which states moved. ``D[l]_i = ||h'_i - h_i|| /
    ||h_i||`` is the relative change of position *i* at layer *l*. *Causal locality*: does position *j* itself
    change most? *Share of content*: how much of the summed change is position *j*'s own?

What it controls for
    Replacements match the token in frequency and in kind (start or inside of a word; letters, digits or
    signs), so that the sentence is not broken in an unusual way. Chance is given for each intervention: one
    over the number of positions that can change. The sentence of each intervention is returned for a cluster
    bootstrap.

What it does not license
    A change says where a token's influence went, not what is represented there. A layer that copies
    everything everywhere and one that erases both have low shares. In a decoder only later positions can
    change at all, so its numbers are read beside those of its untrained twin, never beside an encoder's.

The measure is ours; it stands beside the token identifiability of Brunner et al. 2020, which reads states
instead.
"""

from explaint_lib.attribution._base import Runner
from explaint_lib.attribution._compare import (
    AVERAGED,
    CAUSAL,
    LEVELS,
    MAPS,
    RIVALS,
    MethodComparison,
    compare_methods,
)
from explaint_lib.attribution._corruptions import (
    CORRUPTIONS,
    Edit,
    corrupted,
    draw_edits,
    draw_order,
    edited_states,
    equivariance_gap,
    mean_state,
    reorder,
    replaced,
    same_norm_noise,
)
from explaint_lib.attribution._gradients import gradient_x_input, hidden_token_attribution
from explaint_lib.attribution._heads import HeadRunner, HeadTrace, head_runner
from explaint_lib.attribution._interventions import (
    Interventions,
    interventional_continuity,
    locality,
    relative_change,
)
from explaint_lib.attribution._judged import compare_judged
from explaint_lib.attribution._maps import METHODS, layer_maps, method_maps, score_world
from explaint_lib.attribution._methods import (
    layer_parts,
    leave_one_out,
    replacement_effect,
    states_under,
    value_ablation,
    value_zeroing,
)
from explaint_lib.attribution._replacements import Replacer, frequency_matched, token_kinds
from explaint_lib.attribution._runner import prepare
from explaint_lib.attribution._steering import (
    CONTRASTS,
    contrasting_texts,
    steered_logits,
    steering_nulls,
    steering_vector,
)
from explaint_lib.attribution._stream import attention_statistics

__all__ = [
    "AVERAGED",
    "CAUSAL",
    "CONTRASTS",
    "CORRUPTIONS",
    "LEVELS",
    "MAPS",
    "METHODS",
    "RIVALS",
    "Edit",
    "HeadRunner",
    "HeadTrace",
    "Interventions",
    "MethodComparison",
    "Replacer",
    "Runner",
    "attention_statistics",
    "compare_judged",
    "compare_methods",
    "contrasting_texts",
    "corrupted",
    "draw_edits",
    "draw_order",
    "edited_states",
    "equivariance_gap",
    "frequency_matched",
    "gradient_x_input",
    "head_runner",
    "hidden_token_attribution",
    "interventional_continuity",
    "layer_maps",
    "layer_parts",
    "leave_one_out",
    "locality",
    "mean_state",
    "method_maps",
    "prepare",
    "relative_change",
    "reorder",
    "replaced",
    "replacement_effect",
    "same_norm_noise",
    "score_world",
    "states_under",
    "steered_logits",
    "steering_nulls",
    "steering_vector",
    "token_kinds",
    "value_ablation",
    "value_zeroing",
]
