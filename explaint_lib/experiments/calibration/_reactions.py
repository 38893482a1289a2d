"""The comparisons of chapter 11: how well a head maps the atoms of a reaction, and what a prediction follows.

What is planted is what reactions would give, kind by kind: true, a head better than the control by `EFFECT`; false, one
exactly as good. Kinds of reactions are what was drawn, so they are easier or harder as a whole, and a head may be
better at some than at others. What it does not license: that a model's numbers are made so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explaint_lib import inference
from explaint_lib.experiments.calibration._diagnostic import Diagnostic, Registry
from explaint_lib.inference import Comparison

EFFECT = 0.15
OF_A_KIND = 6  # reactions
N_ATOMS = 12  # answers of one reaction
N_DRAWS = 5
AS_GOOD, BETTER = "atoms mapped as the control maps them", "atoms mapped better than by the control"
EITHER, FOLLOWS = "a prediction follows either atom", "a prediction follows the named atom"
_WORLDS = (
    (
        AS_GOOD,
        0.0,
        N_ATOMS,
        "a head maps as many atoms as the control, at some kinds of reaction more",
    ),
    (
        BETTER,
        EFFECT,
        N_ATOMS,
        "a head maps more atoms than the control, more at some kinds of reaction",
    ),
    (
        EITHER,
        0.0,
        1,
        "a prediction follows an exchange, yes or no, as often as the control's",
    ),
    (
        FOLLOWS,
        2 * EFFECT,
        1,
        "a prediction follows an exchange, yes or no, more often than the control's",
    ),
)


@dataclass(frozen=True)
class Mapped:
    """Shares of right answers of each reaction, or whether its one prediction follows.

    Attributes
    ----------
    head, rival : ndarray of shape (n_reactions,)
    twins : ndarray of shape (5, n_reactions)
        The same of untrained twins, which differ from each other as twins do.
    kind : ndarray of shape (n_reactions,)
    """

    head: np.ndarray
    rival: np.ndarray
    twins: np.ndarray
    kind: np.ndarray


def register(registry: Registry) -> None:
    """Add these worlds and diagnostics."""
    for name, effect, answers, about in _WORLDS:
        registry.world(name, about, _Planted(effect, answers))
    for asks, controls, false, true in _ASKED:
        for control in controls:
            registry.add(Diagnostic(asks, control, "share", false, true, _compares(control), _kinds_of))


def _kinds_of(n: int) -> int:
    return n // OF_A_KIND


class _Planted:
    """Reactions of a head that is better by an effect; a class, so that other processes can be sent one."""

    def __init__(self, effect: float, answers: int) -> None:
        self.effect, self.answers = effect, answers

    def __call__(self, n: int, seed: np.random.SeedSequence) -> Mapped:
        rng = np.random.default_rng(seed)
        kind = np.arange(n) // OF_A_KIND
        easy = rng.normal(0.5, 0.1, kind.max() + 1)[kind]
        gain = rng.normal(self.effect, 0.05, kind.max() + 1)[kind]  # at each kind another
        twin = rng.normal(0, 0.03, (N_DRAWS, 1))
        level = np.vstack([easy + gain, easy, easy + twin])
        answers = rng.binomial(self.answers, np.clip(level, 0, 1)) / self.answers  # (system, reaction)
        return Mapped(answers[0], answers[1], answers[2:], kind)


def _compares(control: str) -> Callable[[Mapped, np.random.Generator], Comparison]:
    if control == "permuted labels":
        return _above_permuted
    return _above_twins if control == "untrained twin" else _above_rival


def _above_permuted(world: Mapped, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.head, world.rival, "", clusters=world.kind, chance=True)


def _above_rival(world: Mapped, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.head, world.rival, "", clusters=world.kind)


def _above_twins(world: Mapped, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.head, world.twins, "", clusters=world.kind, varied="twins")


_RULES = ("same token", "k-th occurrence", "fixed distance", "same surroundings")
_ASKED = (
    ("atom map", ("permuted labels", *_RULES, "untrained twin"), AS_GOOD, BETTER),
    ("exchange", ("another atom", "the true atom", "another head"), EITHER, FOLLOWS),
)
