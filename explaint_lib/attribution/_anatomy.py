"""Where the parts of a transformer are: the modules that hooks are hung on, by architecture.

Known are the BERT family (normalisation after the sum, biases; BERT, RoBERTa, ELECTRA ...) and the Llama
family (RMSNorm before each block, grouped-query heads, rotary positions; Llama, Mistral, Qwen2 ...). They are
recognised by their modules, not by name; that the parts add up to the model's own states is checked each time
they are taken (`Runner.parts`), so a relative that adds something is refused and not misread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from explaint_lib._common import ExplaintError


@dataclass(frozen=True, eq=False)
class Block:
    """The modules of one transformer layer.

    Attributes
    ----------
    layer : torch.nn.Module
        States in, states out.
    attention : torch.nn.Module
        Puts out (output, weights).
    value : torch.nn.Module
        States to values of all key-value heads.
    output : torch.nn.Linear
        Values of all heads, side by side, to the residual stream.
    norm : torch.nn.LayerNorm or None
        Normalisation of attention plus residual connection, where one follows (BERT).
    sum_reader : torch.nn.Module
        Takes that sum as its input: what the parts must add up to.
    """

    layer: Any
    attention: Any
    value: Any
    output: Any
    norm: Any
    sum_reader: Any


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The layers of a model, what stands below them, and the normalisation above them.

    Attributes
    ----------
    blocks : tuple of Block
    embed : callable
        Word embeddings (batch, n, dim) to the input of the first layer.
    final_norm : torch.nn.Module or None
    n_heads : int
    """

    blocks: tuple[Block, ...]
    embed: Callable[[Any], Any]
    final_norm: Any
    n_heads: int


def anatomy(model: Any) -> Anatomy:
    """Find the parts of a torch model.

    Raises
    ------
    ExplaintError
        For an architecture other than the two families.
    """
    encoder, heads = getattr(model, "encoder", None), getattr(model.config, "num_attention_heads", 0)
    try:
        if hasattr(encoder, "layer"):
            below = model.embeddings
            return Anatomy(tuple(map(_bert, encoder.layer)), lambda words: below(inputs_embeds=words), None, heads)
        return Anatomy(tuple(map(_llama, model.layers)), lambda words: words, model.norm, heads)
    except AttributeError as missing:
        raise ExplaintError(
            f"{type(model).__name__} is built in a way that this method does not know ({missing}); expected a model "
            "of the BERT family (encoder.layer[i].attention.self.value, .output.dense, .output.LayerNorm) or of the "
            "Llama family (layers[i].self_attn.v_proj, .o_proj, .input_layernorm)"
        ) from missing


def _bert(layer: Any) -> Block:
    own, output = layer.attention.self, layer.attention.output
    return Block(layer, own, own.value, output.dense, output.LayerNorm, output.LayerNorm)


def _llama(layer: Any) -> Block:
    own, _ = layer.self_attn, layer.input_layernorm
    return Block(layer, own, own.v_proj, own.o_proj, None, layer.post_attention_layernorm)


Hook = tuple[Any, str, Callable[..., Any]]


@contextmanager
def hooked(hooks: Sequence[Hook]) -> Iterator[None]:
    """Hang hooks on modules for a while; they are taken off again whatever happens inside.

    Parameters
    ----------
    hooks : sequence of (module, kind, function)
        kind "output": ``function(output)``, "input": ``function(first argument)``, "call":
        ``function(args, kwargs)``. What is not None replaces the output, or the first argument; "call" only looks.
    """
    handles: list[Any] = []
    try:
        for module, kind, function in hooks:
            if kind == "output":
                handles.append(module.register_forward_hook(lambda _m, _a, out, f=function: f(out)))
            elif kind == "input":
                handles.append(module.register_forward_pre_hook(lambda _m, args, f=function: _first(args, f)))
            else:
                look = lambda _m, args, kwargs, f=function: f(args, kwargs)  # noqa: E731
                handles.append(module.register_forward_pre_hook(look, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _first(args: tuple[Any, ...], function: Callable[..., Any]) -> tuple[Any, ...] | None:
    changed = function(args[0])
    return None if changed is None else (changed, *args[1:])
