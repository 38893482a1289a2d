"""Faults whose place is known: planted in a model's weights or in what it reads, and taken out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.attribution import HeadRunner, head_runner
from explaint_lib.experiments.faults._kinds import (
    ATTENTION,
    EXCHANGED,
    FEEDFORWARD,
    KINDS,
    NOISY,
    SILENT,
    STRENGTH,
    SWAPPED,
    TINY,
    Fault,
    Level,
)
from explaint_lib.experiments.faults._weights import change, changes
from explaint_lib.planted import PlantedTransformer


@dataclass(frozen=True, eq=False)
class Planted:
    """A faulty model at work.

    Attributes
    ----------
    heads : HeadRunner
        Runs the faulty model.
    ids : (text, n) int
        What it reads: the ids of the texts, or those of a faulty tokenizer.
    changed : dict of str to (layer, head), (layer,) or (token,) float64
        How much the weights of each site differ from the intact ones, relative to their length, by level; 0 where
        nothing was touched. The tokens are the `candidates` of `find_faults`.
    """

    heads: HeadRunner
    ids: np.ndarray
    changed: dict[str, np.ndarray]


def draw_faults(heads: HeadRunner, tokens: Sequence[int], *, n_per_kind: int, rng: np.random.Generator) -> list[Fault]:
    """Draw faults of every kind that a model can have, no place twice within a kind while there are others.

    Parameters
    ----------
    heads : HeadRunner
    tokens : sequence of int
        The ids among which the faulty token is.
    n_per_kind : int
    rng : numpy.random.Generator

    Returns
    -------
    list of Fault
        In the order of `KINDS`. A planted transformer has no feed-forward block to perturb.

    Raises
    ------
    ExplaintError
        For fewer than one fault, 2 heads in a layer or 2 tokens.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> from explaint_lib.experiments.faults import draw_faults
    >>> world = planted.keeper(rng=np.random.default_rng(0))
    >>> heads = attribution.head_runner(world, world.sample(2, 8, rng=np.random.default_rng(1)))
    >>> faults = draw_faults(heads, [0, 1, 2], n_per_kind=2, rng=np.random.default_rng(2))
    >>> len(faults), len({fault.kind for fault in faults})
    (14, 7)
    """
    if n_per_kind < 1 or heads.n_heads < 2 or len(tokens) < 2:
        raise ExplaintError(
            f"faults need at least 1 of a kind, 2 heads in a layer and 2 tokens; found {n_per_kind}, {heads.n_heads} "
            f"and {len(tokens)}"
        )
    pairs = [(layer, head) for layer in range(heads.n_layers) for head in range(heads.n_heads)]
    places: dict[Level, Sequence[Any]] = {"head": pairs, "layer": range(heads.n_layers), "token": list(tokens)}
    found = []
    for kind, level in KINDS.items():
        if kind == FEEDFORWARD and not heads.modules:
            continue
        order: list[int] = []
        while len(order) < n_per_kind:
            order += rng.permutation(len(places[level])).tolist()
        for i in order[:n_per_kind]:
            site: Any = places[level][i]
            sites: tuple[Any, ...] = (int(site),) if level == "token" else (site,)
            if kind == EXCHANGED:
                other = int((site[1] + rng.integers(1, heads.n_heads)) % heads.n_heads)
                sites = (site, (site[0], other))
            found.append(Fault(kind, sites, int(rng.integers(2**31))))
    return found


@contextmanager
def planted_fault(
    heads: HeadRunner, fault: Fault, candidates: np.ndarray, *, reference: Mapping[Any, Any] | None = None
) -> Iterator[Planted]:
    """Plant a fault, and take it out at the end: the weights are then what they were, bit for bit.

    Parameters
    ----------
    heads : HeadRunner
        The intact model on its texts.
    fault : Fault
    candidates : (token,) int
        Ids whose embeddings are compared for `Planted.changed`.
    reference : mapping of parameter to tensor, optional
        What the weights are compared with, of a real model; default: the intact weights.

    Yields
    ------
    Planted

    Raises
    ------
    ExplaintError
        For a fault of a head, layer or token that the model does not have, or layers that share their weights.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> from explaint_lib.experiments.faults import Fault, planted_fault
    >>> world = planted.keeper(rng=np.random.default_rng(0))
    >>> heads = attribution.head_runner(world, world.sample(2, 8, rng=np.random.default_rng(1)))
    >>> with planted_fault(heads, Fault("values of a head zeroed", ((2, 1),), 0), np.arange(3)) as faulty:
    ...     print(np.argwhere(faulty.heads.trace().added.any(axis=(0, 3, 4)) == False).tolist())
    [[2, 1]]
    """
    _check(heads, fault)
    rows = heads.model.vocab_size if not heads.modules else heads.model.model.get_input_embeddings().weight.shape[0]
    read = fault.read(heads.ids, rows)
    if not heads.modules:
        world = _faulty_world(heads.model, fault)
        yield Planted(head_runner(world, heads.ids), read, _world_changes(heads.model, world, candidates))
        return
    import torch

    before: dict[Any, Any] = {}
    try:
        with torch.no_grad():
            change(heads, fault, before)
            changed = changes(heads, before if reference is None else reference, candidates)
        yield Planted(heads, read, changed)
    finally:
        with torch.no_grad():
            for weights, was in before.items():
                weights.copy_(was)


def _check(heads: HeadRunner, fault: Fault) -> None:
    if len(set(heads.modules)) < len(heads.modules):
        raise ExplaintError("the layers of this model share their weights: no fault is in one of them alone")
    top = (heads.n_layers, heads.n_heads)
    rows = heads.model.vocab_size if not heads.modules else heads.model.model.get_input_embeddings().weight.shape[0]
    limit: Any = {"head": top, "layer": heads.n_layers, "token": rows}[fault.level]
    inside = all(
        0 <= site[0] < top[0] and 0 <= site[1] < top[1] if fault.level == "head" else 0 <= site < limit
        for site in fault.sites
    )
    if not fault.sites or not inside:
        raise ExplaintError(f"a {fault.level} of this model is below {limit}, found {fault.sites}")
    if fault.kind == EXCHANGED and (len(fault.sites) != 2 or fault.sites[0][0] != fault.sites[1][0]):
        raise ExplaintError(f"two heads of one layer are exchanged, found {fault.sites}")


# -- planted transformers ----------------------------------------------------------------------------------------------


def _faulty_world(world: PlantedTransformer, fault: Fault) -> PlantedTransformer:
    rng, site = np.random.default_rng(fault.seed), fault.sites[0]
    if fault.level == "token":
        embedding = world.embedding.copy()
        if fault.kind == SWAPPED:
            embedding[site] = world.embedding[(site + rng.integers(1, len(embedding))) % len(embedding)]
        elif fault.kind == NOISY:
            embedding[site] += rng.normal(0, embedding[site].std(), embedding.shape[1])
        return replace(world, embedding=embedding)
    layer = site if fault.level == "layer" else site[0]
    names = ("query", "key", "value", "output")
    arrays = {name: getattr(world.layers[layer], name).copy() for name in names}
    if fault.kind == ATTENTION:
        arrays = {name: each + rng.normal(0, STRENGTH * each.std(), each.shape) for name, each in arrays.items()}
    elif fault.kind == EXCHANGED:
        pair = [head for _, head in fault.sites]
        arrays["output"][pair] = arrays["output"][pair[::-1]]
    else:
        arrays["output" if fault.kind == SILENT else "query"][site[1]] = 0
    layers = list(world.layers)
    layers[layer] = type(world.layers[layer])(**arrays)
    return replace(world, layers=tuple(layers))


def _world_changes(
    intact: PlantedTransformer, faulty: PlantedTransformer, candidates: np.ndarray
) -> dict[str, np.ndarray]:
    by_head = np.zeros((intact.n_layers, intact.n_heads))
    for layer, (one, other) in enumerate(zip(intact.layers, faulty.layers, strict=True)):
        for name in ("query", "key", "value", "output"):
            by_head[layer] += _relative(getattr(one, name), getattr(other, name))
    tokens = _relative(intact.embedding[candidates], faulty.embedding[candidates])
    return {"head": by_head, "layer": by_head.sum(axis=1), "token": tokens}


def _relative(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return by how much each entry of the first axis differs, relative to its length."""
    flat, other = before.reshape(len(before), -1), after.reshape(len(after), -1)
    return np.asarray(np.linalg.norm(other - flat, axis=1) / np.maximum(np.linalg.norm(flat, axis=1), TINY))
