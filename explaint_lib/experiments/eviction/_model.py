"""A real model whose key-value cache is cut: the prefix read once, its cache cut in many ways, the text continued.

Entries are truly deleted: each layer and key-value head keeps its own, equally many, with the positions that they had
(the rotation of a key is in it). So what follows is what a system with that cache would compute.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Encoder
from explaint_lib.experiments.eviction._policies import Cache


@dataclass(frozen=True, eq=False)
class Continued:
    """What a model makes of a continuation, one row for each way in which the cache was cut.

    Attributes
    ----------
    loss : (way, step) float64 array
        In nats, of each token that follows one of the steps.
    best : (way, step) int array
        The token that is thought most likely.
    attention : (layer, head, step, n) array or None
        Of the first way, over the prefix; None unless asked for.
    """

    loss: np.ndarray
    best: np.ndarray
    attention: np.ndarray | None


def check_model(encoder: Encoder) -> None:
    """Say at the door whether a model's cache can be cut.

    Raises
    ------
    ExplaintError
        For a model that looks ahead, has no head, forgets by itself, or numbers positions by itself.
    """
    if encoder.family != "decoder" or encoder.predicts != "next token":
        raise ExplaintError(
            f"{encoder.name} has no key-value cache to cut: expected a decoder that predicts the next token, such as "
            "smollm2"
        )
    encoder.check_attention()
    if getattr(encoder.model.config.get_text_config(), "sliding_window", None):
        raise ExplaintError(
            f"some layers of {encoder.name} forget by themselves (sliding window), so its layers do not keep equally "
            "many entries; use another decoder, such as smollm2"
        )
    taken = inspect.signature(encoder.model.forward).parameters
    if not {"past_key_values", "position_ids"} <= set(taken):
        raise ExplaintError(
            f"{type(encoder.model).__name__} numbers its positions by itself, so entries of its cache cannot be "
            "deleted; use another decoder, such as smollm2"
        )


def read_prefix(encoder: Encoder, ids: np.ndarray) -> Cache:
    """Read a prefix, (n,) token ids, and return its attention, keys and values.

    Raises
    ------
    ExplaintError
        If the model keeps no key and value a token and layer.

    Examples
    --------
    >>> from explaint_lib import encoders
    >>> from explaint_lib.experiments import eviction
    >>> decoder = encoders.load_encoder("smollm2")  # doctest: +SKIP
    >>> eviction.read_prefix(decoder, np.arange(300, 320)).keys.shape  # doctest: +SKIP
    (30, 3, 20, 64)
    """
    import torch

    tokens = torch.from_numpy(np.asarray(ids, dtype=np.int64)[None]).to(encoder.device)
    with torch.inference_mode():
        out = encoder.model(input_ids=tokens, use_cache=True, output_attentions=True)
    cached = out.past_key_values.layers
    attention, keys, values = (
        np.stack([one[0].float().cpu().numpy() for one in layers])
        for layers in (out.attentions, [one.keys for one in cached], [one.values for one in cached])
    )
    n = len(ids)
    if {keys.shape[:1] + keys.shape[2:3], values.shape[:1] + values.shape[2:3]} != {(encoder.n_layers, n)}:
        raise ExplaintError(
            f"the cache of {encoder.name} holds no key and value a token and layer (found {keys.shape}); it cannot be "
            "cut, use another decoder, such as smollm2"
        )
    return Cache(attention, keys, values)


def continue_text(
    encoder: Encoder, cache: Cache, kept: np.ndarray, ids: np.ndarray, *, attention: bool = False
) -> Continued:
    """Continue a text on a cache that was cut in several ways.

    Parameters
    ----------
    encoder : Encoder
    cache : Cache
        Of a prefix of n tokens.
    kept : (way, layer, kv_head, n_kept) int array
        The entries that stay.
    ids : (steps + 1,) int array
        The continuation: each token but the last is read, and the one that follows it scored.
    attention : bool, default=False
        Whether to return the attention of the first way.

    Examples
    --------
    >>> from explaint_lib import encoders
    >>> from explaint_lib.experiments import eviction
    >>> decoder = encoders.load_encoder("smollm2")  # doctest: +SKIP
    >>> cache = eviction.read_prefix(decoder, np.arange(300, 320))  # doctest: +SKIP
    >>> kept = eviction.kept_entries(eviction.POLICIES["key norm"](cache, rng), 5)  # doctest: +SKIP
    >>> eviction.continue_text(decoder, cache, kept[None], np.arange(320, 325)).loss.shape  # doctest: +SKIP
    (1, 4)
    """
    import torch
    from transformers import DynamicCache

    n, steps, ways = cache.keys.shape[2], len(ids) - 1, len(kept)
    past: Any = DynamicCache()
    for layer in range(encoder.n_layers):
        pair = [
            torch.from_numpy(np.take_along_axis(part[layer][None], kept[:, layer, :, :, None], axis=2))
            for part in (cache.keys, cache.values)
        ]  # (way, kv_head, n_kept, width)
        past.update(pair[0].to(encoder.device), pair[1].to(encoder.device), layer)
    tokens = torch.from_numpy(np.asarray(ids, dtype=np.int64)).to(encoder.device)
    places = torch.arange(n, n + steps, device=encoder.device)
    with torch.inference_mode():
        out = encoder.model(
            input_ids=tokens[:-1].expand(ways, steps),
            past_key_values=past,
            position_ids=places.expand(ways, steps),
            use_cache=True,
            output_attentions=attention,
        )
        logits = encoder.head(out.last_hidden_state)  # (way, step, vocabulary)
        following = tokens[1:].expand(ways, steps)[..., None]
        loss = logits.logsumexp(dim=-1) - logits.gather(-1, following)[..., 0]
        best = logits.argmax(dim=-1)
    weights = None
    if attention:
        weights = np.stack([one[0, :, :, : kept.shape[-1]].float().cpu().numpy() for one in out.attentions])
    return Continued(loss.double().cpu().numpy(), best.cpu().numpy(), weights)
