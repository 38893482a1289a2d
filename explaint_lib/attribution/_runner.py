"""One face for real and planted transformers: states from input vectors, parts of blocks, values set to zero.

Everything here that runs a model on variants of *one* text does it through a runner, layer by layer; the
variants make the batch. That its states are the model's own is checked when it is made.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.attribution._anatomy import anatomy, hooked

_ROUNDING = 1e-3  # relative; what parts leave out would be far larger, float32 far smaller


class Runner:
    """A model and one text, made by `prepare`.

    Attributes
    ----------
    table : (vocab, dim) tensor
        Word embeddings of all tokens.
    words : (n, dim) tensor
        Word embeddings of the text, before positions.
    mean_word : (dim,) tensor
        Mean row of the embedding matrix.
    start : (n, dim) tensor
        Input of the first layer: layer 0.
    own : (layer + 1, n, dim) tensor
        States of the text as it is; the last row before what follows the last layer.
    """

    ids: np.ndarray
    n_layers: int
    own: Any
    table: Any
    words: Any
    mean_word: Any
    start: Any

    def embed(self, words: Any) -> Any:
        """Return the input of the first layer for word embeddings (batch, n, dim)."""
        raise NotImplementedError

    def step(self, layer: int, states: Any, zeroed: Any = None, weights: Any = None) -> Any:
        """Run one layer on (batch, n, dim).

        In row b the values of position ``zeroed[b]`` are set to zero; `weights` (head, query, key) stand in for
        the heads' own attention.
        """
        raise NotImplementedError

    def finish(self, states: Any) -> Any:
        """Apply what follows the last layer."""
        return states

    @cached_property
    def parts(self) -> list[dict[str, Any]]:
        """The attention blocks taken apart; see `layer_parts`."""
        raise NotImplementedError

    def states(self, start: Any, zeroed: Any = None) -> Any:
        """Return the states of all layers, (batch, layer + 1, n, dim), from inputs of the first, (batch, n, dim)."""
        import torch

        found = [start]
        for layer in range(self.n_layers):
            found.append(self.step(layer, found[-1], zeroed))
        return torch.stack([*found[:-1], self.finish(found[-1])], dim=1)


def prepare(model: Any, ids: np.ndarray) -> Runner:
    """Return a model ready to be run again on one text: give it to several methods, and they share the first run.

    Parameters
    ----------
    model : Encoder or planted transformer
        Of the BERT or the Llama family.
    ids : (n,) int
        Token ids of one text, special tokens included.

    Returns
    -------
    Runner
        Every function of this package that takes a model and the ids of one text takes this in place of the model.

    Raises
    ------
    ExplaintError
        For a model of another kind or architecture, and for ids that are not one text.
    """
    ids = np.array(ids)
    if isinstance(model, Runner):
        if not np.array_equal(model.ids, ids):
            raise ExplaintError("the model was prepared for another text; prepare it again")
        return model
    if ids.ndim != 1 or not ids.size or not np.issubdtype(ids.dtype, np.integer):
        raise ExplaintError(f"expected the token ids of one text, (n,) integers, found {ids.shape} of {ids.dtype}")
    if hasattr(model, "model"):
        return _Torch(model.model, ids)
    if hasattr(model, "layers") and hasattr(model, "embedding"):
        return _Planted(model, ids)
    raise ExplaintError(
        f"{type(model).__name__} has no layers to run again; expected a contextual encoder from load_encoder, or "
        "a planted transformer"
    )


class _Torch(Runner):
    def __init__(self, model: Any, ids: np.ndarray) -> None:
        import torch

        self.ids, self.anatomy = ids, anatomy(model)
        self.blocks = self.anatomy.blocks
        self.n_layers = len(self.blocks)
        calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        look = [(block.layer, "call", lambda args, kwargs: calls.append((args, dict(kwargs)))) for block in self.blocks]
        self.table = model.get_input_embeddings().weight.detach()
        tokens = torch.from_numpy(ids[None].astype(np.int64)).to(self.table.device)
        with torch.no_grad(), hooked(look):
            top = model(input_ids=tokens, attention_mask=torch.ones_like(tokens), use_cache=False).last_hidden_state
        with torch.no_grad():
            self.words, self.mean_word = self.table[tokens[0]], self.table.mean(dim=0)
            # layers are called with (states, mask, ...): what follows the states is the same for every variant
            self.calls = [(args[1:], kwargs | {"past_key_values": None}) for args, kwargs in calls]
            self.start = self.embed(self.words[None])[0]
            states = [args[0][0] for args, _ in calls]
            self.own = torch.stack([*states, self.step(self.n_layers - 1, states[-1][None])[0]])
            again = [self.step(layer, self.own[layer][None])[0] for layer in range(self.n_layers - 1)]
        same = [(self.start, self.own[0]), (self.finish(self.own[-1]), top[0])]
        if not all(_near(*pair) for pair in [*same, *zip(again, self.own[1:-1], strict=True)]):
            raise ExplaintError(
                f"{type(model).__name__} does more than run its layers one after the other; this method would "
                "compute other states than the model does"
            )

    def embed(self, words: Any) -> Any:
        return self.anatomy.embed(words)

    def step(self, layer: int, states: Any, zeroed: Any = None, weights: Any = None) -> Any:
        more, kwargs = self.calls[layer]
        block, seen, hooks = self.blocks[layer], {}, []
        if zeroed is not None:
            hooks.append((block.value, "output", lambda values: _zero(values, zeroed)))
        if weights is not None:
            hooks.append((block.value, "output", lambda values: seen.update(values=values)))
            hooks.append((block.output, "input", lambda mixed: _mixed(weights.to(mixed), seen["values"], mixed)))
        with hooked(hooks):
            out = block.layer(states, *more, **kwargs)
        return out[0] if isinstance(out, tuple) else out

    def finish(self, states: Any) -> Any:
        return states if self.anatomy.final_norm is None else self.anatomy.final_norm(states)

    @cached_property
    def parts(self) -> list[dict[str, Any]]:
        return [self._parts_of(layer) for layer in range(self.n_layers)]

    def _parts_of(self, layer: int) -> dict[str, Any]:
        """Take one layer apart."""
        import torch

        block, states, seen = self.blocks[layer], self.own[layer], {}
        look = [
            (block.attention, "output", lambda out: seen.update(weights=out[1])),
            (block.value, "output", lambda out: seen.update(values=out)),
            (block.sum_reader, "input", lambda total: seen.update(total=total)),
        ]
        with torch.no_grad(), hooked(look):
            self.step(layer, states[None])
        if seen.get("weights") is None:
            raise ExplaintError('the model returns no attention weights; load it with attn_implementation="eager"')
        attention = seen["weights"][0]  # (head, query, key)
        n_heads, n, _ = attention.shape
        width = block.output.weight.shape[1] // n_heads
        values = _by_head(seen["values"], n_heads, width)[0]  # (head, n, width)
        projection = block.output.weight.T.reshape(n_heads, width, -1)  # (head, width, dim)
        bias = block.output.bias
        part: dict[str, Any] = {
            "attention": attention, "values": values @ projection, "residual": states,
            "bias": torch.zeros_like(states[0]) if bias is None else bias,
        }  # fmt: skip
        if not _near((attention @ part["values"]).sum(dim=0) + states + part["bias"], seen["total"][0]):
            raise ExplaintError("the attention block holds more than heads and a residual connection; unknown family")
        if block.norm is not None:
            part |= {"gain": block.norm.weight, "shift": block.norm.bias, "epsilon": block.norm.eps}
        return {key: v.detach().cpu().numpy() if isinstance(v, torch.Tensor) else v for key, v in part.items()}


class _Planted(Runner):
    def __init__(self, world: Any, ids: np.ndarray) -> None:
        import torch

        self.ids, self.n_layers = ids, len(world.layers)
        self.table = torch.from_numpy(world.embedding)
        self.words = self.table[torch.from_numpy(ids)]
        self.mean_word = torch.from_numpy(world.embedding.mean(axis=0))
        self.position = torch.from_numpy(world.position[: len(ids)].copy())
        self.start = self.embed(self.words)
        names = ("query", "key", "value", "output")
        self.layers = [{name: torch.from_numpy(getattr(heads, name)) for name in names} for heads in world.layers]
        self.own = self.states(self.start[None])[0]

    def embed(self, words: Any) -> Any:
        return words + self.position

    def step(self, layer: int, states: Any, zeroed: Any = None, weights: Any = None) -> Any:
        own, values = self._read(layer, states)
        weights = own if weights is None else weights.to(own)
        if zeroed is not None:
            values = _zero(values.transpose(1, 2), zeroed).transpose(1, 2)
        return states + (weights @ values).sum(dim=1)

    def _read(self, layer: int, states: Any) -> tuple[Any, Any]:
        heads, stream = self.layers[layer], states[:, None]  # (batch, 1, n, dim)
        logits = (stream @ heads["query"]) @ (stream @ heads["key"]).transpose(-1, -2)
        return logits.softmax(dim=-1), stream @ heads["value"] @ heads["output"]  # (batch, head, n, n), (..., n, dim)

    @cached_property
    def parts(self) -> list[dict[str, Any]]:
        found = []
        for layer, states in enumerate(self.own[:-1]):
            weights, values = self._read(layer, states[None])
            found.append({
                "attention": weights[0].numpy(), "values": values[0].numpy(),
                "residual": states.numpy(), "bias": np.zeros(states.shape[-1]),
            })  # fmt: skip
        return found


def _zero(values: Any, positions: Any) -> Any:
    """Return values (batch, n, ...) with those of one position a row set to zero."""
    import torch

    values = values.clone()
    values[torch.arange(len(values)), positions] = 0
    return values


def _by_head(values: Any, n_heads: int, width: int) -> Any:
    """Return values (batch, n, groups * width) by head, (batch, head, n, width); grouped heads share theirs."""
    groups = values.reshape(*values.shape[:2], -1, width).transpose(1, 2)
    return groups.repeat_interleave(n_heads // groups.shape[1], dim=1)


def _mixed(weights: Any, values: Any, own: Any) -> Any:
    """Return what the heads put out side by side under `weights`, shaped as their `own` output."""
    by_head = weights @ _by_head(values, len(weights), own.shape[-1] // len(weights))  # (batch, head, n, width)
    return by_head.transpose(1, 2).reshape(own.shape)


def _near(first: Any, second: Any) -> bool:
    return bool((first - second).norm() <= _ROUNDING * second.norm())
