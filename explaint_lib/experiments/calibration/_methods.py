"""The comparisons of chapter 13: a dictionary, a steering vector, an alignment map, each against what knows nothing.

Training hundreds of them is too dear. Planted is what an experiment would get: for a dictionary and a map one number a
text or an exchange, in several draws of seeds and networks; for steering the texts' own sensitivities, from which the
vector, its nulls and their effects are computed as in the chapter. What it does not license: that real numbers are
made so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explaint_lib import inference
from explaint_lib.attribution import steering_nulls, steering_vector
from explaint_lib.experiments.calibration._diagnostic import Diagnostic, Registry
from explaint_lib.inference import Comparison

N_DRAWS = 5  # of seeds, twins, networks or training texts
EFFECT = 0.15
DIM, N_PAIRS, N_TEXTS = 32, 24, 8
ALIKE, APART = "draws no better than their null", "draws better than their null"
MANY, ONE = "outputs that do not use the direction", "outputs that use the direction"


def n_concepts(n: int) -> int:
    """Return how many concepts a world of n texts has: 8, 16 and 32 of worlds of 60, 240 and 500."""
    return 8 if n < 150 else 16 if n < 400 else 32


@dataclass(frozen=True)
class Draws:
    """Scores of each unit in several draws, under the claim and under its null, (draw, unit)."""

    claim: np.ndarray
    null: np.ndarray


@dataclass(frozen=True)
class Texts:
    """Whether each text moved as promised, by a steering vector and by its nulls, (draw, text)."""

    signs: dict[str, np.ndarray]
    concept: np.ndarray


def register(registry: Registry) -> None:
    """Add these worlds and diagnostics."""
    registry.world(ALIKE, "seeds, twins or networks differ from draw to draw, and the null does as well", _Drawn(0.0))
    registry.world(APART, "as before, and the claim's draws are better by an effect", _Drawn(EFFECT))
    about = "the texts of each concept differ along a direction, and the outputs rest on another one"
    registry.world(MANY, about, _Steered(used=False))
    registry.world(ONE, "as before, and the outputs rest on that direction", _Steered(used=True))
    for asks, score, control in _ASKED:
        registry.add(Diagnostic(asks, control, score, ALIKE, APART, _compare_with(control)))
    for control in ("random direction", "shuffled labels"):
        registry.add(Diagnostic("steering", control, "share", MANY, ONE, _steers_more_than(control), units=n_concepts))


class _Drawn:
    """Shares of right answers; a class, so that other processes can be sent one."""

    def __init__(self, effect: float) -> None:
        self.effect = effect

    def __call__(self, n: int, seed: np.random.SeedSequence) -> Draws:
        rng = np.random.default_rng(seed)
        easy = rng.normal(0, 0.1, n)  # some texts are easier, for all alike
        level = 0.5 + rng.normal(0, 0.02, (2, N_DRAWS, 1))  # draws differ
        level[0] += self.effect
        claim, null = rng.binomial(8, np.clip(level + easy, 0, 1)) / 8
        return Draws(claim, null)


class _Steered:
    """Texts of several concepts with a gradient each; the vectors and their nulls are the library's own."""

    def __init__(self, *, used: bool) -> None:
        self.used = used

    def __call__(self, n: int, seed: np.random.SeedSequence) -> Texts:
        rng = np.random.default_rng(seed)
        found = [self._concept(rng) for _ in range(n_concepts(n))]
        signs = {name: np.concatenate([one[name] for one in found], axis=1) for name in found[0]}
        return Texts(signs, np.repeat(np.arange(len(found)), N_TEXTS))

    def _concept(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        concept, other = np.linalg.qr(rng.standard_normal((DIM, 2)))[0].T
        # every text is read along a direction that all share, and along one of its own
        read = 3 * (concept if self.used else other) + rng.standard_normal((N_TEXTS, DIM))
        signs: dict[str, list[np.ndarray]] = {}
        negative = rng.standard_normal((N_PAIRS, DIM))
        positive = negative + 2 * concept + rng.standard_normal((N_PAIRS, DIM))
        for _ in range(N_DRAWS):
            half = rng.permutation(N_PAIRS)[: N_PAIRS // 2]
            texts = positive[half], negative[half]
            drawn = steering_nulls(*texts, rng=rng) | {"steering": steering_vector(*texts)}
            for name, vector in drawn.items():
                signs.setdefault(name, []).append((read @ vector > 0).astype(float))
        return {name: np.stack(each) for name, each in signs.items()}


def _compare_with(control: str) -> Callable[[Draws, np.random.Generator], Comparison]:
    return _above_level if control in LEVELS else _above_null


def _above_level(world: Draws, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.claim, 0.5, "", varied="seeds")


def _above_null(world: Draws, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.claim, world.null, "", varied="seeds")


def _steers_more_than(control: str) -> Callable[[Texts, np.random.Generator], Comparison]:
    def compare(world: Texts, rng: np.random.Generator) -> Comparison:
        return inference.compare(
            world.signs["steering"], world.signs[control], "", clusters=world.concept, varied="directions"
        )

    return compare


LEVELS = ("one half",)
_ASKED = (  # question, score, control
    ("true features", "share", "one half"),
    ("dictionary", "share", "untrained twin"),
    ("dictionary", "share", "Gaussian"),
    ("dictionary", "share", "fixed directions"),
    ("interchange", "accuracy", "untrained network"),
    ("interchange", "accuracy", "one half"),
)
