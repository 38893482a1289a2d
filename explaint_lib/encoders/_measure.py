"""What a model does, found by running it: its shape, whether it reads ahead, whether padding and its maps are sound.

Two runs on a few tokens, for they cost as much as loading does. What it controls for: nothing is believed because
a configuration says it. What it does NOT license: a fault that only long texts show is not found here;
`Encoder.forward_ids` compares the shapes of every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.encoders._load import quiet
from explaint_lib.encoders._tokens import tokenize

_ROUNDING = 1e-5  # relative; two rows of one batch differ by less, a token that is seen changes far more
_LEAK = 1e-4  # relative; padding must not change a state by more
_WEIGHT = 1e-3  # how far from 0..1 sums of attention may be


@dataclass(frozen=True)
class Measured:
    """What the runs have shown.

    Attributes
    ----------
    n_layers, n_heads, dim : int
        `n_heads` is 0 for a model without usable attention.
    family : {"encoder", "decoder"}
        "decoder" if no state depends on a later token.
    pad_id : int
        Id that stands in the place of no token.
    pads : bool
        Whether a text in a padded batch has the states that it has alone.
    no_attention : str or None
        Why the attention of this model cannot be used.
    to_sink : float
        Mean share of attention that goes to no position (a learned sink); 0 where rows sum to 1.
    """

    n_layers: int
    n_heads: int
    dim: int
    family: Literal["encoder", "decoder"]
    pad_id: int
    pads: bool
    no_attention: str | None
    to_sink: float


def measure(model: Any, tokenizer: Any, device: str, *, proven: bool = False) -> Measured:
    """Run a model twice and see.

    Parameters
    ----------
    model, tokenizer
    device : str
    proven : bool, default False
        Whether the tests of this project run this very architecture in batches: then one run is enough, and its
        attention says whether it reads ahead.

    Raises
    ------
    ExplaintError
        If it cannot be run on a text alone, or does not give one state of the same width a token and layer.
    """
    n_rows = model.get_input_embeddings().weight.shape[0]
    short, after, other = probes(tokenizer, n_rows)
    n, given = len(short), tokenizer.pad_token_id
    pad_id = given if given is not None and given < n_rows else 0  # a padding token may have been added without a row
    states, maps = _run(model, short[None], None, device)
    depth, dim = states.shape[1] - 1, states.shape[3]
    no_attention = why_no_attention(maps, depth, n)
    if proven and no_attention is None:
        ahead = any(np.triu(layer, k=1).any() for layer in maps)
        return Measured(depth, maps[0].shape[1], dim, "encoder" if ahead else "decoder", pad_id, True, None, 0.0)
    filler = np.full(len(after), pad_id)
    rows = np.stack([np.concatenate(row) for row in ((short, filler), (short, after), (short, other))])
    mask = np.ones(rows.shape, dtype=bool)
    mask[0, n:] = False
    try:
        together, wider = _run(model, rows, mask, device)
        pads = _change(states[0], together[0, :, :n]) <= _LEAK
    except ExplaintError:  # it takes no padding
        pads = False
        together, wider = _run(model, rows[1:], None, device)
    no_attention = no_attention or why_no_attention(wider, depth, rows.shape[1])
    to_sink = 0.0
    if no_attention is None:
        alone = np.stack(maps, axis=1)  # (1, layer, head, n, n)
        to_sink = float(1 - alone.sum(axis=-1).mean())
        if len(wider[0]) == len(rows):
            pads &= bool(np.abs(np.stack(wider, axis=1)[0, :, :, :n, :n] - alone[0]).max() <= _LEAK)
    ahead = _change(together[-2, :, :n], together[-1, :, :n]) > _ROUNDING
    return Measured(
        depth,
        0 if no_attention else maps[0].shape[1],
        dim,
        "encoder" if ahead else "decoder",
        pad_id,
        bool(pads),
        no_attention,
        to_sink if to_sink > _WEIGHT else 0.0,
    )


def probes(tokenizer: Any, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ids of a short text, and two different tokens that may follow it, (n,), (1,) and (1,)."""
    try:
        short = tokenize(tokenizer, ["one two three"])[0].token_ids
        more = tokenize(tokenizer, ["four five six"])[0]
        content = more.token_ids[~more.special]
    except ExplaintError:  # a vocabulary without Latin letters
        plain = np.setdiff1d(np.arange(min(rows, len(tokenizer))), tokenizer.all_special_ids)
        short, content = plain[:5], plain[5:11]
    after = content[:1]
    others = np.concatenate([content, short])
    return short, after, others[others != after][:1]


def _run(model: Any, ids: np.ndarray, mask: np.ndarray | None, device: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return states (batch, layer, n, dim) and the attention maps as the model gave them, none if one is lacking."""
    import torch

    tokens = torch.from_numpy(ids.astype(np.int64)).to(device)
    seen = torch.ones_like(tokens) if mask is None else torch.from_numpy(mask.astype(np.int64)).to(device)
    kind = type(model).__name__
    try:
        with torch.inference_mode(), quiet():
            out = model(input_ids=tokens, attention_mask=seen, output_hidden_states=True, output_attentions=True)
    except Exception as fault:  # whatever a model does that is not made for texts
        said = " ".join(str(fault).split())[:200]
        raise ExplaintError(
            f"a {kind} cannot be run on a text alone ({type(fault).__name__}: {said}); expected a text model"
        ) from fault
    layers = getattr(out, "hidden_states", None) or ()
    shapes = sorted({tuple(layer.shape) for layer in layers})
    if len(shapes) != 1 or shapes[0][:2] != tokens.shape or len(shapes[0]) != 3:
        raise ExplaintError(
            f"the layers of this {kind} give states of shape {', '.join(map(str, shapes)) or 'none'} for a batch of "
            f"{len(ids)} x {ids.shape[1]} tokens; expected one vector of the same width for each token and layer. Use "
            "another model"
        )
    given = out.get("attentions") or ()
    maps = [] if any(weights is None for weights in given) else [weights.float().cpu().numpy() for weights in given]
    return torch.stack(list(layers), dim=1).float().cpu().numpy(), maps


def why_no_attention(maps: Sequence[np.ndarray], n_layers: int, n: int) -> str | None:
    """Return why these maps are not one (head, n, n) map of weights a layer, or None."""
    if not maps:
        return "it returns no attention weights"
    if len(maps) != n_layers:
        return f"{len(maps)} of its {n_layers} layers have attention weights, expected one map (n, n) a layer and head"
    shapes = {weights.shape[1:] for weights in maps}
    if len(shapes) != 1 or any(len(shape) != 3 or shape[1:] != (n, n) for shape in shapes):
        return (
            f"its attention has shape {', '.join(map(str, sorted(shapes)))} for {n} tokens, expected the same (heads, "
            f"{n}, {n}) in each layer"
        )
    least, sums = min(weights.min() for weights in maps), [weights.sum(axis=-1) for weights in maps]
    most = max(total.max() for total in sums)
    if not (least >= -_WEIGHT and most <= 1 + _WEIGHT):  # so that NaN is caught too
        return f"its attention holds no weights: the least is {least:.2g}, the largest sum of a row {most:.2g}"
    return None


def _change(before: np.ndarray, after: np.ndarray) -> float:
    """Return the largest relative change of a state (layer, n, dim)."""
    norms = np.linalg.norm(before, axis=-1)
    moved = np.linalg.norm(after - before, axis=-1)
    return float(np.max(moved / np.maximum(norms, 1e-9)))
