"""The comparisons of key-value eviction, in planted caches whose needed entries are known.

Chapter 12 asks whether a score by attention keeps better entries than a rival that uses none. True: the hot tokens that
the prefix asked for are asked for again. False: any tokens are. The policies and the cut are those of the chapter; only
the model is planted. What it does not license: rates for a model whose entries depend on each other over many layers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explaint_lib import inference
from explaint_lib.experiments.calibration._diagnostic import Diagnostic, Registry
from explaint_lib.experiments.eviction import POLICIES, Cache, kept_entries
from explaint_lib.inference import Comparison
from explaint_lib.planted import CacheKind, PlantedCache, planted_cache

N_KEPT, SINKS, RECENT = 16, 2, 4
ASKED_AT_RANDOM, ASKED_AGAIN = "entries asked for at random", "entries asked for again"
#: The rivals of attention, as chapter 12 names them; with protected boundaries, "recent" is sinks + recent.
RIVALS = ("random", "least recently used", "key norm", "least attention", "recent", "earliest", "sinks + recent")


def register(registry: Registry) -> None:
    """Add these worlds and diagnostics."""
    kinds: tuple[tuple[str, CacheKind, str], ...] = (
        (ASKED_AT_RANDOM, "asked at random", "what follows asks for any entries, whatever attention they got"),
        (ASKED_AGAIN, "asked again", "what follows asks for the entries that the prefix had asked for again and again"),
    )
    for name, kind, about in kinds:
        registry.world(name, about, _Caches(kind))
    for rival in RIVALS:
        registry.add(
            Diagnostic("entries", rival, "nats per token", ASKED_AT_RANDOM, ASKED_AGAIN, _against(rival), units=n_texts)
        )


def n_texts(size: int) -> int:
    """Return how many passages stand for a world of so many words."""
    return size // 4


class _Caches:
    """Passages of one kind; a class, so that other processes can be sent one."""

    def __init__(self, kind: CacheKind) -> None:
        self.kind = kind

    def __call__(self, n: int, seed: np.random.SeedSequence) -> list[PlantedCache]:
        rng = np.random.default_rng(seed)
        return [planted_cache(self.kind, rng=rng) for _ in range(n_texts(n))]


def _against(rival: str) -> Callable[[list[PlantedCache], np.random.Generator], Comparison]:
    protected = {"sinks": SINKS, "recent": RECENT} if rival == "sinks + recent" else {}
    policy = "recent" if protected else rival

    def compare(world: list[PlantedCache], rng: np.random.Generator) -> Comparison:
        gained = np.array(
            [
                [
                    -one.loss(kept_entries(POLICIES[name](_cache(one), rng), N_KEPT, **protected))
                    for name in ("accumulated attention", policy)
                ]
                for one in world
            ]
        )
        return inference.compare(gained[:, 0], gained[:, 1], "")

    return compare


def _cache(one: PlantedCache) -> Cache:
    return Cache(one.attention, one.keys, one.values)
