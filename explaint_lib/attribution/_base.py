"""What every runner offers, for real and planted transformers, and what both do with values and heads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError


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

    @contextmanager
    def differentiable(self) -> Iterator[None]:
        """Let every operation have a forward derivative for a while."""
        yield

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


def zeroed_at(values: Any, positions: Any) -> Any:
    """Return values (batch, n, ...) with those of one position a row set to zero."""
    import torch

    values = values.clone()
    values[torch.arange(len(values)), positions] = 0
    return values


def by_head(values: Any, n_heads: int, width: int) -> Any:
    """Return values (batch, n, groups * width) by head, (batch, head, n, width); grouped heads share theirs."""
    groups = values.reshape(*values.shape[:2], -1, width).transpose(1, 2)
    return groups.repeat_interleave(n_heads // groups.shape[1], dim=1)


def weighted_values(weights: Any, values: Any, own: Any) -> Any:
    """Return what the heads put out side by side under `weights`, shaped as their `own` output."""
    width = own.shape[-1] // len(weights)
    if width * len(weights) != own.shape[-1] or values.shape[-1] % width:
        raise ExplaintError("the heads are not as wide as their values: an attention that this method does not know")
    put_out = weights @ by_head(values, len(weights), width)  # (batch, head, n, width)
    return put_out.transpose(1, 2).reshape(own.shape)
