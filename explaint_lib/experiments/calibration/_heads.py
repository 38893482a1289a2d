"""The comparisons of chapter 12 about heads: an order of pruning against another, a tool that finds faults.

What is planted is what the experiments would give. Pruning: the damage of each text under several orders, where texts
differ, random orders differ much from draw to draw, and the claimed order does a third of the damage of its rivals, or
in expectation the same. Faults: hits of a tool that finds most faults of some kinds and hardly any of others; true, it
finds nine kinds of ten where its rival finds three; false, each of the two finds six kinds of ten, drawn by themselves.
What it does not license: that a model's numbers are made so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explaint_lib import inference
from explaint_lib.experiments.calibration._diagnostic import Diagnostic, Registry
from explaint_lib.inference import Comparison

N_ORDERS = 10
N_FAULTS = 4  # of one kind in one model
CHANCE = 0.05
#: How large the damage is in each score.
_SCALES = {"nats per token": 1.5, "cosine distance": 0.15}
_RIVALS = ("norms", "norms, compared", "first state to differ", "largest weight change")


@dataclass(frozen=True)
class Pruned:
    """Damage under the claimed order, random ones and one that hardly varies, each (draw, text)."""

    claimed: np.ndarray
    random: np.ndarray
    fixed: np.ndarray


@dataclass(frozen=True)
class Found:
    """Hits of a tool and of a rival, each (fault,), and the kind of each fault."""

    tool: np.ndarray
    rival: np.ndarray
    kind: np.ndarray


def register(registry: Registry) -> None:
    """Add these worlds and diagnostics."""
    same, better = "heads pruned in an order as good as others", "heads pruned in a better order"
    registry.world(same, "an order of heads does as much damage as the others, in expectation", _Pruning(1.0))
    registry.world(better, "an order of heads does a third of the damage of the others", _Pruning(1 / 3))
    for score, scale in _SCALES.items():
        for control in ("random", "first layers first", "last layers first", "gradient importance"):
            compare = _Compared("random" if control == "random" else "fixed", scale)
            registry.add(Diagnostic("pruning", control, score, same, better, compare, units=n_texts))
    no_more, more = "a tool that finds faults as its rivals do", "a tool that finds more faults"
    blind = "a tool that finds faults by chance"
    registry.world(no_more, "two tools find faults of six kinds of ten, not the same ones", _Faults(0.6, 0.6))
    registry.world(blind, "a tool finds one fault in twenty, as chance does", _Faults(0.0, 0.0))
    registry.world(more, "a tool finds faults of nine kinds of ten, its rival of three", _Faults(0.9, 0.3))
    registry.add(Diagnostic("fault", "chance", "faults found", blind, more, _above_chance, units=n_kinds))
    for control in _RIVALS:
        registry.add(Diagnostic("fault", control, "faults found", no_more, more, _above_rival, units=n_kinds))


def n_texts(size: int) -> int:
    """Return how many texts stand for a world of so many words."""
    return size // 5


def n_kinds(size: int) -> int:
    """Return how many kinds of faults, each in each model a kind of its own, stand for a world of so many words."""
    return 8 if size < 150 else 16 if size < 400 else 32


class _Pruning:
    """Damage of texts; a class, so that other processes can be sent one."""

    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, n: int, seed: np.random.SeedSequence) -> Pruned:
        rng = np.random.default_rng(seed)
        n = n_texts(n)
        text = rng.lognormal(-0.045, 0.3, n)  # of mean 1: some texts suffer more
        level = np.array([self.share, 1.0, 1.0])[:, None, None]  # (order, draw, text)
        drawn = rng.normal(0, [[0.05], [0.3], [0.05]], (3, N_ORDERS))[..., None]
        noise = rng.normal(0, 0.1, (3, N_ORDERS, n))
        return Pruned(*(level * (text * (1 + drawn) + noise)))


class _Compared:
    """Two orders compared, in the unit of a score."""

    def __init__(self, rival: str, scale: float) -> None:
        self.rival, self.scale = rival, scale

    def __call__(self, world: Pruned, rng: np.random.Generator) -> Comparison:
        rival = getattr(world, self.rival)
        return inference.compare(-self.scale * world.claimed, -self.scale * rival, "", varied="orders")


class _Faults:
    """Faults of several kinds, of which a tool finds most in a share of the kinds, and hardly any in the others."""

    def __init__(self, tool: float, rival: float) -> None:
        self.shares = (tool, rival)

    def __call__(self, n: int, seed: np.random.SeedSequence) -> Found:
        rng = np.random.default_rng(seed)
        n = n_kinds(n)
        kind = np.repeat(np.arange(n), N_FAULTS)
        hits = []
        for share in self.shares:
            rate = np.where(rng.random(n) < share, 0.95, CHANCE)
            hits.append((rng.random(len(kind)) < rate[kind]).astype(float))
        return Found(hits[0], hits[1], kind)


def _above_chance(world: Found, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.tool, np.full(len(world.tool), CHANCE), "", clusters=world.kind, chance=True)


def _above_rival(world: Found, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.tool, world.rival, "", clusters=world.kind)
