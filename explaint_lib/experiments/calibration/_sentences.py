"""The comparisons of chapters 01 to 05 that are made of one number a sentence, or a pair of words.

A model is too dear to plant five hundred times, so what is planted is what its sentences would give: true, a model
better than the control by `EFFECT`; false, one exactly as good. What it does not license: that a model's numbers are
made so; it tries the rule, the interval and the size, not the experiment that feeds them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explaint_lib import inference
from explaint_lib.attribution import CAUSAL
from explaint_lib.experiments.calibration._diagnostic import Diagnostic, Registry
from explaint_lib.inference import Comparison

EFFECT = 0.15
N_TRIALS = 8  # yes-or-no answers of one sentence
N_TWINS = 5
AS_GOOD, BETTER = "as good as the control", "better than the control"


@dataclass(frozen=True)
class Sentences:
    """Shares of right answers of each sentence.

    Attributes
    ----------
    model, rival : ndarray of shape (n_sentences,)
    twins : ndarray of shape (5, n_sentences)
        The same of untrained twins, which differ from each other as twins do.
    """

    model: np.ndarray
    rival: np.ndarray
    twins: np.ndarray


def register(registry: Registry) -> None:
    """Add these worlds and diagnostics."""
    for name, effect, about in (
        (AS_GOOD, 0.0, "a model answers right as often as by chance, and as other systems and its untrained twins do"),
        (BETTER, EFFECT, "a model answers right more often than by chance, and than other systems and its twins do"),
    ):
        registry.world(name, about, _Planted(effect))
    for asks, score, controls in _ASKED:
        for control in controls:
            registry.add(Diagnostic(asks, control, score, AS_GOOD, BETTER, _compares(control)))


class _Planted:
    """Sentences of a model that is better by an effect; a class, so that other processes can be sent one."""

    def __init__(self, effect: float) -> None:
        self.effect = effect

    def __call__(self, n: int, seed: np.random.SeedSequence) -> Sentences:
        rng = np.random.default_rng(seed)
        easy = rng.normal(0, 0.1, n)  # some sentences are easier, for all systems alike
        level = np.concatenate([[self.effect, 0.0], rng.normal(0, 0.03, N_TWINS)])
        answers = rng.binomial(N_TRIALS, np.clip(0.5 + easy + level[:, None], 0, 1)) / N_TRIALS  # (system, sentence)
        return Sentences(answers[0], answers[1], answers[2:])


def _compares(control: str) -> Callable[[Sentences, np.random.Generator], Comparison]:
    if control in ("chance", "one half", "BERT's"):
        return _above_chance if control == "chance" else _above_level
    return _above_twins if "untrained" in control else _above_rival


def _above_chance(world: Sentences, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.model, 0.5, "", chance=True)


def _above_level(world: Sentences, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.model, 0.5, "")


def _above_rival(world: Sentences, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.model, world.rival, "")


def _above_twins(world: Sentences, rng: np.random.Generator) -> Comparison:
    return inference.compare(world.model, world.twins, "", varied="twins")


_WORDS = ("word_similarity", "own_vectors", "frequency", "position")
_ASKED: tuple[tuple[str, str, tuple[str, ...]], ...] = (  # question, score, controls
    ("head", "share", ("fixed offset", "untrained twin")),
    ("relation", "accuracy", ("chance", "permuted_labels", "attention_untrained", *_WORDS, "rivals")),
    ("training", "accuracy", ("attention_untrained",)),
    ("said", "accuracy", ("chance", "position", "attention_untrained")),
    *(
        (claim, "share", ("chance", "one half"))
        for claim in ("geometry", "decodability", "causal_locality", "content_share")
    ),
    ("intact", "accuracy", ("chance",)),
    ("own share", "share", ("one half", "BERT's")),
    *(("flow", f"agreement with {cause}", ("nearness", "raw attention")) for cause in CAUSAL),
)
