"""Where the parts of an attention block are: the modules that hooks are hung on, by architecture.

Known are blocks whose values and output projection are modules of their own. They are recognised by their modules,
not by name; what they are taken for is checked on the text at hand (`Runner.heads`, `Runner.parts`), so a relative
that does something more is refused and not misread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explaint_lib._common import ExplaintError


@dataclass(frozen=True, eq=False)
class Block:
    """The modules of one attention block.

    Attributes
    ----------
    attention : torch.nn.Module
        Puts out (output, weights).
    query, value : torch.nn.Module
        States to queries of all heads, and to values of all key-value heads.
    output : torch.nn.Linear
        Values of all heads, side by side, to the residual stream.
    sum_reader : torch.nn.Module or None
        Takes the sum of attention and residual connection as its input: what the parts must add up to.
    norm_follows : bool
        Whether that module is the normalisation after the sum (BERT), not one before the next block (Llama).
    """

    attention: Any
    query: Any
    value: Any
    output: Any
    sum_reader: Any
    norm_follows: bool


# attention, query, value, output, reader of the sum, whether this is a normalisation after the sum
_KNOWN = {
    "BERT": (
        "attention.self", "attention.self.query", "attention.self.value", "attention.output.dense",
        "attention.output.LayerNorm", True,
    ),
    "DeBERTa": (
        "attention.self", "attention.self.query_proj", "attention.self.value_proj", "attention.output.dense",
        "attention.output.LayerNorm", True,
    ),
    "ALBERT": ("attention", "attention.query", "attention.value", "attention.dense", "attention.LayerNorm", True),
    "MPNet": (
        "attention.attn", "attention.attn.q", "attention.attn.v", "attention.attn.o", "attention.LayerNorm", True,
    ),
    "DistilBERT": (
        "attention", "attention.q_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", True,
    ),
    "Llama": (
        "self_attn", "self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm", False,
    ),
    "OPT": ("self_attn", "self_attn.q_proj", "self_attn.v_proj", "self_attn.out_proj", "final_layer_norm", False),
    "GPT-Neo": (
        "attn.attention", "attn.attention.q_proj", "attn.attention.v_proj", "attn.attention.out_proj", "ln_2", False,
    ),
}  # fmt: skip


def anatomy(layer: Any) -> Block:
    """Find the parts of one layer.

    Raises
    ------
    ExplaintError
        For an architecture that is not among those known.
    """
    for *paths, follows in _KNOWN.values():
        try:
            attention, query, value, output, reader = (layer.get_submodule(str(path)) for path in paths)
        except AttributeError:
            continue
        return Block(attention, query, value, output, reader, norm_follows=bool(follows))
    raise ExplaintError(
        f"the attention of {type(layer).__name__} is built in a way that this method does not know: expected values "
        f"and output projection in modules of their own, as in the families {', '.join(_KNOWN)}; use another model, "
        "such as minilm or smollm2"
    )
