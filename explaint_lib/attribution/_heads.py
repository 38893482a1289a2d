"""Heads one by one: what each adds to the stream, and what the model does with heads weakened, silenced or exchanged.

What it measures: ``added[l, h]``, the vectors that one head adds in one layer (its weights times its values through its
slice of the output projection), for several texts of one length at once; and the states when what a head adds is
multiplied by a *gate*: 1 leaves it alone, 0 prunes it. What it controls for: the layers are the model's own, run again
by a `Runner` that has been checked against it. What it does NOT license: the bias of an output projection belongs to no
head and stays; a head pruned from a model that was not trained for it says little of one that was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.attribution._anatomy import Block
from explaint_lib.attribution._base import by_head
from explaint_lib.attribution._layers import hooked
from explaint_lib.attribution._runner import prepare


@dataclass(frozen=True, eq=False)
class HeadTrace:
    """What a model did with texts of one length.

    Attributes
    ----------
    states : (text, layer + 1, n, dim) float32
        The last before what follows the last layer.
    attention : (text, layer, head, query, key) float32
    added : (text, layer, head, n, dim) float32
        What each head adds to the stream.
    weighted : (text, layer, head) float32
        Mean over queries of ``sum_j a_ij ||f(x_j)|| / ||x_i||``: the lengths of values through the output projection,
        weighted, as a multiple of the state that they are added to. Without that divisor the lengths of a model whose
        stream grows from layer to layer (Llama) say little but how deep a head is.
    """

    states: np.ndarray
    attention: np.ndarray
    added: np.ndarray
    weighted: np.ndarray


class HeadRunner:
    """A model and texts of one length, made by `head_runner`.

    Attributes
    ----------
    model
        What it was made of.
    ids : (text, n) int
    n_layers, n_heads : int
    modules : tuple of torch.nn.Module
        The layers of a real model; empty for a planted one.
    blocks : tuple of Block
        Where its attention's queries, values and output projection are, one a layer; empty for a planted one.
    """

    model: Any
    ids: np.ndarray
    n_layers: int
    n_heads: int
    modules: tuple[Any, ...] = ()
    blocks: tuple[Block, ...] = ()
    text: Any = None

    def start(self, ids: np.ndarray) -> Any:
        """Return the input of the first layer, (text, n, dim), a tensor."""
        raise NotImplementedError

    def finish(self, states: Any) -> Any:
        """Apply what follows the last layer to a tensor (..., n, dim)."""
        raise NotImplementedError

    def trace(self, ids: np.ndarray | None = None) -> HeadTrace:
        """Run the model on the texts, or on others of their length, and keep what each head did."""
        raise NotImplementedError

    def step(self, layer: int, states: Any, *, gates: Any = None, more: Any = None) -> Any:
        """Run one layer on states (row, n, dim).

        `gates` ((head,) or (row, head)) multiply what its heads add; `more` (row, n, dim) is added to what they add.
        """
        raise NotImplementedError

    def top(self, gates: np.ndarray | None = None, *, texts: np.ndarray | None = None) -> np.ndarray:
        """Return the top states under gates.

        Parameters
        ----------
        gates : (layer, head), optional
            Default: all 1, the model as it is.
        texts : (row,) int, optional
            Which of the texts; default all.

        Returns
        -------
        (row, n, dim)
            After what follows the last layer.

        Raises
        ------
        ExplaintError
            For gates of another shape.
        """
        import torch

        self.check_gates(gates)
        ids = self.ids if texts is None else self.ids[np.asarray(texts)]
        with torch.no_grad():
            return np.asarray(self._gated(ids, None if gates is None else torch.from_numpy(np.array(gates))).cpu())

    def check_gates(self, gates: np.ndarray | None) -> None:
        """Raise for gates that are not one a head."""
        if gates is not None and np.shape(gates) != (self.n_layers, self.n_heads):
            raise ExplaintError(
                f"expected one gate a head, {(self.n_layers, self.n_heads)} (layer, head), found {np.shape(gates)}"
            )

    def _gated(self, ids: np.ndarray, gates: Any) -> Any:
        states = self.start(ids)
        for layer in range(self.n_layers):
            states = self.step(layer, states, gates=None if gates is None else gates[..., layer, :].to(states))
        return self.finish(states)

    def gate_gradients(self, score: Callable[[Any], Any], *, texts: np.ndarray | None = None) -> np.ndarray:
        """Return the derivative of each text's score with respect to each gate, at gates of 1.

        Parameters
        ----------
        score : callable
            Top states (row, n, dim), a tensor, to one score a row, or several, (row, k): a tensor that gradients flow
            through.
        texts : (row,) int, optional

        Returns
        -------
        (row, layer, head) float64, or (row, k, layer, head)
            With the loss as score, the mean over texts of its absolute value is the importance of Michel et al. 2019.

        Examples
        --------
        >>> from explaint_lib import attribution, planted
        >>> world = planted.decoy(rng=np.random.default_rng(0))  # its heads add nothing
        >>> heads = attribution.head_runner(world, world.sample(2, 6, rng=np.random.default_rng(1)))
        >>> np.abs(heads.gate_gradients(lambda top: (top**2).sum(dim=(1, 2)))).max().item()
        0.0
        """
        import torch

        ids = self.ids if texts is None else self.ids[np.asarray(texts)]
        gates = torch.ones(len(ids), self.n_layers, self.n_heads, requires_grad=True)
        with torch.enable_grad():
            scores = score(self._gated(ids, gates))
            totals = scores.reshape(len(ids), -1).sum(dim=0)
            slopes = [torch.autograd.grad(total, gates, retain_graph=True)[0] for total in totals]
        found = np.stack([np.asarray(slope.double()) for slope in slopes], axis=1)
        return found[:, 0] if scores.ndim == 1 else found


def head_runner(model: Any, ids: np.ndarray) -> HeadRunner:
    """Return a model ready to be run with its heads one by one, on texts of one length.

    Parameters
    ----------
    model : Encoder or planted transformer
        Of a family whose attention blocks are known: BERT, Llama and their relatives.
    ids : (text, n) int
        Token ids, special tokens included, at least two a text.

    Raises
    ------
    ExplaintError
        For another architecture, and for ids that are not texts of one length.

    References
    ----------
    Michel, Levy & Neubig 2019, for gates on heads.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.keeper(rng=np.random.default_rng(0))
    >>> ids = world.sample(3, 6, rng=np.random.default_rng(1))
    >>> heads = attribution.head_runner(world, ids)
    >>> silent = np.ones((heads.n_layers, heads.n_heads))
    >>> silent[0, 1] = 0
    >>> intact, pruned = heads.top(), heads.top(silent)
    >>> bool(np.allclose(intact, world.forward_ids(ids)[0][:, -1])), bool(np.allclose(intact, pruned))
    (True, False)
    """
    ids = np.array(ids)
    if ids.ndim != 2 or not len(ids) or ids.shape[1] < 2 or not np.issubdtype(ids.dtype, np.integer):
        raise ExplaintError(
            f"expected token ids of texts of one length, (text, n) integers, found {ids.shape} of {ids.dtype}"
        )
    return _Torch(model, ids) if hasattr(model, "model") else _Planted(model, ids)


class _Torch(HeadRunner):
    def __init__(self, model: Any, ids: np.ndarray) -> None:
        self.model, self.ids = model, ids
        self.text = prepare(model, ids[0])
        self.n_layers, self.n_heads = model.n_layers, model.n_heads
        self.modules = self.text.layers.modules
        self.blocks = tuple(self.text.heads)  # refuses what it cannot take apart

    def start(self, ids: np.ndarray) -> Any:
        import torch

        words = self.model.model.get_input_embeddings()(
            torch.from_numpy(ids.astype(np.int64)).to(self.text.start.device)
        )
        return self.text.embed(words)

    def finish(self, states: Any) -> Any:
        return self.text.finish(states)

    def step(self, layer: int, states: Any, *, gates: Any = None, more: Any = None) -> Any:
        hooks: list[Any] = []
        if gates is not None:
            hooks.append((self.blocks[layer].output, "input", lambda mixed: self._multiplied(mixed, gates)))
        if more is not None:
            hooks.append((self.blocks[layer].output, "output", lambda out: out + more.reshape(out.shape)))
        with hooked(hooks):
            return self.text.step(layer, states)

    def _multiplied(self, mixed: Any, gates: Any) -> Any:
        by_one = mixed.reshape(len(mixed), -1, self.n_heads, mixed.shape[-1] // self.n_heads)  # (row, n, head, width)
        each = gates if gates.ndim == 1 else gates[:, None]
        return (by_one * each[..., None]).reshape(mixed.shape)

    def trace(self, ids: np.ndarray | None = None) -> HeadTrace:
        import torch

        found: dict[str, list[Any]] = {"attention": [], "added": [], "weighted": []}
        with torch.no_grad():
            states = [self.start(self.ids if ids is None else np.asarray(ids))]
            for layer in range(self.n_layers):
                states.append(self._seen(layer, states[-1], found))
        parts = {name: torch.stack(every, dim=1).float().cpu().numpy() for name, every in found.items()}
        return HeadTrace(torch.stack(states, dim=1).float().cpu().numpy(), **parts)

    def _seen(self, layer: int, states: Any, found: dict[str, list[Any]]) -> Any:
        block = self.blocks[layer]
        seen: dict[str, Any] = {}
        hooks: list[Any] = [
            (block.attention, "output", lambda out: seen.update(weights=out[1])),
            (block.value, "output", lambda values: seen.update(values=values)),
            (block.output, "input", lambda mixed: seen.update(mixed=mixed)),
        ]
        with hooked(hooks):
            after = self.text.step(layer, states)
        width = block.output.weight.shape[1] // self.n_heads
        projection = block.output.weight.T.reshape(self.n_heads, width, -1)  # (head, width, dim)
        mixed = seen["mixed"].reshape(*states.shape[:2], self.n_heads, width).transpose(1, 2)  # (text, head, n, width)
        values = by_head(seen["values"].reshape(*states.shape[:2], -1), self.n_heads, width)
        norms = (values @ projection).norm(dim=-1)  # (text, head, key)
        found["attention"].append(seen["weights"])
        found["added"].append(mixed @ projection)
        total = (seen["weights"] @ norms[..., None])[..., 0]  # (text, head, query)
        found["weighted"].append((total / states.norm(dim=-1)[:, None]).mean(dim=-1))
        return after


class _Planted(HeadRunner):
    def __init__(self, world: Any, ids: np.ndarray) -> None:
        prepare(world, ids[0])  # refuses what is no planted transformer
        self.model, self.ids = world, ids
        self.n_layers, self.n_heads = world.n_layers, world.n_heads

    def start(self, ids: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(self.model.embedding[ids] + self.model.position[: ids.shape[1]])

    def finish(self, states: Any) -> Any:
        return states

    def step(self, layer: int, states: Any, *, gates: Any = None, more: Any = None) -> Any:
        _, added = self._read(layer, states)
        if gates is not None:
            added = added * gates[..., None, None]
        after = states + added.sum(dim=1)
        return after if more is None else after + more

    def _read(self, layer: int, states: Any) -> tuple[Any, Any]:
        import torch

        heads, stream = self.model.layers[layer], states[:, None]  # (row, 1, n, dim)
        query, key, value, output = (torch.from_numpy(getattr(heads, name)) for name in _PARTS)
        weights = ((stream @ query) @ (stream @ key).transpose(-1, -2)).softmax(dim=-1)
        return weights, weights @ (stream @ value @ output)  # (row, head, n, n), (row, head, n, dim)

    def trace(self, ids: np.ndarray | None = None) -> HeadTrace:
        import torch

        states = [self.start(self.ids if ids is None else np.asarray(ids))]
        attention, added, weighted = [], [], []
        for layer, heads in enumerate(self.model.layers):
            maps, given = self._read(layer, states[-1])
            norms = np.linalg.norm(heads.read(states[-1].numpy()), axis=-1)  # (text, head, key)
            attention.append(maps.numpy())
            added.append(given.numpy())
            total = (maps.numpy() @ norms[..., None])[..., 0]  # (text, head, query)
            weighted.append((total / states[-1].norm(dim=-1).numpy()[:, None]).mean(axis=-1))
            states.append(states[-1] + given.sum(dim=1))
        parts = (np.stack(every, axis=1).astype(np.float32) for every in (attention, added, weighted))
        return HeadTrace(torch.stack(states, dim=1).float().numpy(), *parts)


_PARTS = ("query", "key", "value", "output")
