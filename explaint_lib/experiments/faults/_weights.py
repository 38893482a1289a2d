"""The weights of a real model, changed where they lie, and compared with what they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.attribution import HeadRunner
from explaint_lib.experiments.faults._kinds import (
    ATTENTION,
    FEEDFORWARD,
    FLAT,
    NOISY,
    SILENT,
    STRENGTH,
    SWAPPED,
    TINY,
    Fault,
)


def matrices_of(heads: HeadRunner, layer: int, kind: str | None = None) -> list[Any]:
    """Return the weight matrices of a layer: of its attention, of its feed-forward block, or all."""
    block = heads.blocks[layer]
    attention = [weights for weights in block.attention.parameters() if weights.ndim == 2]
    if all(weights is not block.output.weight for weights in attention):
        attention.append(block.output.weight)
    known = {id(weights) for weights in attention}
    rest = [one for one in heads.modules[layer].parameters() if one.ndim == 2 and id(one) not in known]
    return {ATTENTION: attention, FEEDFORWARD: rest}.get(str(kind), attention + rest)


def slice_of(heads: HeadRunner, head: int) -> slice:
    """Return which columns of an output projection, and which rows of a query map, are one head's."""
    width = heads.blocks[0].output.weight.shape[1] // heads.n_heads
    return slice(head * width, (head + 1) * width)


def change(heads: HeadRunner, fault: Fault, before: dict[Any, Any]) -> None:
    """Plant a fault in the weights; what they were is put into `before`."""
    import torch

    rng, site = np.random.default_rng(fault.seed), fault.sites[0]

    def keep(weights: Any) -> Any:
        before[weights] = weights.clone()
        return weights

    def noise(like: Any, spread: float) -> Any:
        return torch.from_numpy(rng.normal(0, spread, tuple(like.shape))).to(like)

    if fault.kind in (SWAPPED, NOISY):
        table = heads.model.model.get_input_embeddings().weight
        keep(table)
        if fault.kind == SWAPPED:
            table[site] = before[table][(site + int(rng.integers(1, len(table)))) % len(table)]
        else:
            table[site] += noise(table[site], float(table[site].std()))
    elif fault.level == "layer":
        for weights in matrices_of(heads, site, fault.kind):
            keep(weights).add_(noise(weights, STRENGTH * float(weights.std())))
    elif fault.kind == FLAT:
        query, own = heads.blocks[site[0]].query, slice_of(heads, site[1])
        for weights in (query.weight, query.bias):
            if weights is not None:
                keep(weights)[own] = 0
    elif fault.level == "head":
        output = keep(heads.blocks[site[0]].output.weight)
        if fault.kind == SILENT:
            output[:, slice_of(heads, site[1])] = 0
        else:
            one, other = (slice_of(heads, head) for _, head in fault.sites)
            output[:, one], output[:, other] = before[output][:, other], before[output][:, one]


def changes(heads: HeadRunner, reference: Mapping[Any, Any], candidates: np.ndarray) -> dict[str, np.ndarray]:
    """Compare the weights of every site with a reference; what it does not hold has not changed."""

    def relative(weights: Any, cut: Any = ...) -> float:
        if weights not in reference:
            return 0.0
        was, now = reference[weights][cut], weights[cut]
        return float((now - was).norm() / was.norm().clamp_min(TINY))

    by_head = np.zeros((heads.n_layers, heads.n_heads))
    by_layer = np.zeros(heads.n_layers)
    for layer, block in enumerate(heads.blocks):
        by_layer[layer] = sum(relative(weights) for weights in matrices_of(heads, layer))
        for head in range(heads.n_heads):
            own = slice_of(heads, head)
            by_head[layer, head] = relative(block.output.weight, (slice(None), own)) + relative(block.query.weight, own)
    table = heads.model.model.get_input_embeddings().weight
    return {"head": by_head, "layer": by_layer, "token": np.array([relative(table, token) for token in candidates])}


@contextmanager
def drifted(heads: HeadRunner, drift: float, *, rng: np.random.Generator) -> Iterator[dict[Any, Any]]:
    """Perturb every weight matrix of a real model for a while: as a version of it that was trained on differs.

    Parameters
    ----------
    heads : HeadRunner
    drift : float > 0
        Spread of the noise, as a multiple of the spread of each tensor.
    rng : numpy.random.Generator

    Yields
    ------
    dict of parameter to tensor
        The perturbed weights, which are in the model until the end.

    Raises
    ------
    ExplaintError
        For a planted transformer, or no drift.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> from explaint_lib.experiments.faults import drifted
    >>> heads = attribution.head_runner(encoder, np.array([[2, 7, 8, 3]]))
    >>> before = heads.top()
    >>> with drifted(heads, 0.01, rng=np.random.default_rng(0)):
    ...     during = heads.top()
    >>> bool((during == before).all()), bool((heads.top() == before).all())
    (False, True)
    """
    import torch

    if not drift > 0 or not heads.modules:
        raise ExplaintError(f"expected a drift above 0 of a real model, found {drift} of {type(heads.model).__name__}")
    matrices = [weights for weights in heads.model.model.parameters() if weights.ndim == 2]
    own = [weights.detach().clone() for weights in matrices]
    try:
        with torch.no_grad():
            for weights in matrices:
                size = (tuple(weights.shape), drift * float(weights.std()))
                weights.add_(torch.from_numpy(rng.standard_normal(size[0], dtype=np.float32)).to(weights) * size[1])
        yield {weights: weights.detach().clone() for weights in matrices}
    finally:
        with torch.no_grad():
            for weights, was in zip(matrices, own, strict=True):
                weights.copy_(was)
