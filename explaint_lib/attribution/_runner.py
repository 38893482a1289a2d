"""One interface to real and planted transformers: states from input vectors, parts of blocks, values set to zero.

Everything here that runs a model on variants of *one* text does it through a runner, layer by layer; the
variants make the batch. That its states are the model's own is checked when it is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.attribution._anatomy import Block, anatomy
from explaint_lib.attribution._base import Runner, by_head, weighted_values, zeroed_at
from explaint_lib.attribution._layers import almost_equal, find_layers, hooked, states_of


def prepare(model: Any, ids: np.ndarray) -> Runner:
    """Return a model ready to be run again on one text: give it to several methods, and they share the first run.

    Parameters
    ----------
    model : Encoder or planted transformer
        Any whose layers run one after the other; methods that look into attention need a family they know.
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

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.keeper(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> text = attribution.prepare(world, ids)
    >>> attribution.value_zeroing(text, ids).shape, attribution.leave_one_out(text, ids).shape
    ((4, 6, 6), (5, 6, 6))
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

        self.ids, self.model = ids, model
        self.layers = find_layers(model, ids)
        self.n_layers = len(self.layers.modules)
        self.own, self.start = self.layers.states, self.layers.states[0]
        lookup = model.get_input_embeddings()
        self.table = lookup.weight.detach()
        with torch.no_grad():
            if type(lookup) is not torch.nn.Embedding:  # Gemma's scales what it looks up
                self.table = lookup(torch.arange(len(self.table), device=self.table.device))
            if not isinstance(self.table, torch.Tensor):  # I-BERT's hands out a scale too
                raise ExplaintError(
                    f"the embedding of a {type(model).__name__} does more than look up vectors; use another model, "
                    "such as minilm or smollm2"
                )
            self.words = self.table[torch.from_numpy(ids.astype(np.int64)).to(self.table.device)]
            self.mean_word = self.table.mean(dim=0)
            if not self._repeats_the_model():
                raise ExplaintError(
                    f"{type(model).__name__} does more than run its layers one after the other on word vectors, for "
                    "several variants of a text at once; this method would compute other states than the model does. "
                    "Use another model, such as minilm or smollm2"
                )

    def _repeats_the_model(self) -> bool:
        """Tell whether the layers, run again on two copies of the text, put out the model's own states."""
        pairs = [(self.embed(self.words[None])[0], self.start), (self.finish(self.own[-1]), self.layers.top)]
        for layer in range(self.n_layers):
            try:
                first_copy, second_copy = self.step(layer, self.own[layer].expand(2, -1, -1))
            except (RuntimeError, TypeError, ValueError, IndexError):  # what this layer takes has another shape
                return False
            pairs += [(first_copy, self.own[layer + 1]), (second_copy, self.own[layer + 1])]
        return all(almost_equal(*pair) for pair in pairs)

    def embed(self, words: Any) -> Any:
        import torch

        if "inputs_embeds" not in inspect.signature(self.model.forward).parameters:
            raise ExplaintError(
                f"{type(self.model).__name__} takes no word vectors in place of token ids (inputs_embeds), so this "
                "method cannot change them; use another model, such as minilm or smollm2"
            )

        def stop(states: Any) -> None:
            raise _Reached(states)

        mask = torch.ones(words.shape[:2], dtype=torch.int64, device=words.device)
        try:
            with hooked([(self.layers.modules[0], "input", stop)]):
                self.model(inputs_embeds=words.clone(), attention_mask=mask)  # CTRL scales them where they lie
        except _Reached as reached:
            return reached.states
        raise AssertionError("the first layer did not run")

    def step(self, layer: int, states: Any, zeroed: Any = None, weights: Any = None) -> Any:
        hooks = []
        if zeroed is not None:
            hooks.append((self.heads[layer].value, "output", lambda values: zeroed_at(values, zeroed)))
        if weights is not None:
            hooks += self._other_weights(self.heads[layer], weights)
        return self._run(layer, states, hooks)

    def _run(self, layer: int, states: Any, hooks: list[Any]) -> Any:
        more, kwargs = self.layers.calls[layer]
        with hooked(hooks):
            return states_of(self.layers.modules[layer](states, *more, **kwargs))

    @staticmethod
    def _other_weights(block: Block, weights: Any) -> list[Any]:
        """Return the hooks that let the heads use `weights` (head, query, key) in place of their own."""
        seen: dict[str, Any] = {}
        return [
            (block.value, "output", lambda values: seen.update(values=values)),
            (block.output, "input", lambda mixed: weighted_values(weights.to(mixed), seen["values"], mixed)),
        ]

    def finish(self, states: Any) -> Any:
        return states if self.layers.final is None else self.layers.final(states)

    @contextmanager
    def differentiable(self) -> Iterator[None]:
        """Let mixtures of experts multiply one expert at a time: grouped products have no forward derivative."""
        before = self.model.get_experts_implementation()
        grouped = any(way != "eager" for way in before.values())
        if grouped:
            self.model.set_experts_implementation("eager")
        try:
            yield
        finally:
            if grouped:
                self.model.set_experts_implementation(before)

    @cached_property
    def heads(self) -> list[Block]:
        """The attention blocks, once it is known that values and weights are all that positions share.

        Raises
        ------
        ExplaintError
            For an unknown family; where what goes into the output projection is not weights times values; where
            positions meet anywhere else.
        """
        return [self._checked_heads(layer) for layer in range(self.n_layers)]

    def _checked_heads(self, layer: int) -> Block:
        import torch

        block = anatomy(self.layers.modules[layer])
        seen: dict[str, Any] = {}
        hooks = [
            (block.attention, "output", lambda out: seen.update(weights=out[1] if len(out) > 1 else None)),
            (block.value, "output", lambda values: seen.update(values=values)),
            (block.output, "input", lambda mixed: seen.update(mixed=mixed)),
        ]
        states = self.own[layer]
        with torch.no_grad():
            self._run(layer, states[None], hooks)
            if seen.get("weights") is None:
                raise ExplaintError(
                    f"{type(self.model).__name__} returns no attention weights; load it with "
                    'attn_implementation="eager", or use another model'
                )
            weights = seen["weights"][0]
            if not almost_equal(weighted_values(weights, seen["values"], seen["mixed"]), seen["mixed"]):
                raise ExplaintError(
                    f"the attention of {type(self.model).__name__} puts out more than its weights times its values; "
                    "use another model, such as minilm or smollm2"
                )
            # when every position sees itself alone, the state of one must not move another
            other = states.clone()
            other[len(states) // 2] = states[0] + states[-1]
            alone = self._other_weights(block, torch.eye(len(states)).expand(len(weights), -1, -1))
            before, after = self._run(layer, torch.stack([states, other]), alone)
            keep = torch.arange(len(states)) != len(states) // 2
            if not almost_equal(after[keep], before[keep]):
                raise ExplaintError(
                    f"in {type(self.model).__name__} positions meet outside of attention as well; this method would "
                    "miss that. Use another model, such as minilm or smollm2"
                )
        return block

    @cached_property
    def parts(self) -> list[dict[str, Any]]:
        return [self._taken_apart(layer) for layer in range(self.n_layers)]

    def _taken_apart(self, layer: int) -> dict[str, Any]:
        """Take one layer apart."""
        import torch

        block, states = self.heads[layer], self.own[layer]
        seen: dict[str, Any] = {}
        hooks = [
            (block.attention, "output", lambda out: seen.update(weights=out[1])),
            (block.value, "output", lambda out: seen.update(values=out)),
            (block.sum_reader, "input", lambda total: seen.update(total=total)),
        ]
        with torch.no_grad():
            self._run(layer, states[None], hooks)
        attention = seen["weights"][0]  # (head, query, key)
        n_heads = len(attention)
        width = block.output.weight.shape[1] // n_heads
        values = by_head(seen["values"], n_heads, width)[0]  # (head, n, width)
        projection = block.output.weight.T.reshape(n_heads, width, -1)  # (head, width, dim)
        bias = block.output.bias
        part: dict[str, Any] = {
            "attention": attention,
            "values": values @ projection,
            "residual": states,
            "bias": torch.zeros_like(states[0]) if bias is None else bias,
        }
        given = (attention @ part["values"]).sum(dim=0) + part["bias"]
        norm = block.sum_reader if block.norm_follows else None
        whole = given.shape == states.shape and almost_equal(given + states, seen["total"].reshape(states.shape))
        if not whole or not (norm is None or isinstance(norm, torch.nn.LayerNorm)):
            raise ExplaintError(
                f"the attention block of {type(self.model).__name__} holds more than heads and a residual connection, "
                "so it cannot be taken apart; use another model, such as minilm or smollm2"
            )
        if norm is not None:
            part |= {"gain": norm.weight, "shift": norm.bias, "epsilon": norm.eps}
        return {key: v.detach().cpu().numpy() if isinstance(v, torch.Tensor) else v for key, v in part.items()}


class _Reached(Exception):
    """Ends a run at the first layer, and brings its input."""

    def __init__(self, states: Any) -> None:
        super().__init__()
        self.states = states


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
            values = zeroed_at(values.transpose(1, 2), zeroed).transpose(1, 2)
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
            found.append(
                {
                    "attention": weights[0].numpy(),
                    "values": values[0].numpy(),
                    "residual": states.numpy(),
                    "bias": np.zeros(states.shape[-1]),
                }
            )
        return found
