"""The four claims measured on one model: sums over the items of each sentence, for every row of the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from explaint_lib.attribution import frequency_matched, interventional_continuity
from explaint_lib.continuity import GEOMETRY_RUNGS, Score, continuity_curve
from explaint_lib.encoders import Encoder

_LADDER = (*GEOMETRY_RUNGS, "procrustes", "ridge")


class Measure(NamedTuple):
    """What one row is a number of; None where a causal claim has no such thing."""

    layer: int
    claim: str
    reference: str | None
    candidates: str | None
    similarity: str | None
    metric: str


@dataclass(frozen=True)
class SentenceSums:
    """The scores of one measure, their chances and their number, summed over the items of a sentence: (sentence,)."""

    total: np.ndarray
    chance: np.ndarray
    count: np.ndarray


@dataclass(frozen=True)
class MeasuringPlan:
    """What is measured, the same for a trained model and for its untrained twins."""

    seed: int
    n_interventions: int
    n_sentences: int
    layers: list[int]
    mlp_layers: int
    vocabulary_items: int
    progress: bool


def spread(last: int, most: int) -> list[int]:
    """Return at most so many layers, evenly spread from 0 to the last; if one, the last."""
    return sorted(set(np.linspace(last, 0, max(most, 0)).round().astype(int).tolist()))


def measure(encoder: Encoder, sentences: Sequence[str], plan: MeasuringPlan) -> dict[Measure, SentenceSums]:
    """Run one model and return its sums. The same seed gives every twin the same folds and replacements."""
    encodings = encoder.encode(sentences, attention=False, progress=plan.progress)
    ids = [encoding.token_ids for encoding in encodings]
    special = [~encoding.ordinary for encoding in encodings]
    states = [encoding.hidden_states for encoding in encodings if encoding.hidden_states is not None]
    embedding = encoder.embedding_matrix()
    found: dict[Measure, SentenceSums] = {}
    for rungs, layers in ((_LADDER, plan.layers), (("mlp",), spread(encoder.n_layers, plan.mlp_layers))):
        if not layers:
            continue
        scores = continuity_curve(
            states,
            ids,
            special,
            embedding=embedding,
            similarities=rungs,
            layers=layers,
            vocabulary_items=plan.vocabulary_items,
            rng=np.random.default_rng(plan.seed),
            progress=plan.progress,
        )
        found.update(sums for score in scores for sums in _by_sentence(score, plan.n_sentences))
    if plan.n_interventions:
        found.update(_causal(encoder, ids, special, states, plan))
    return found


def _by_sentence(score: Score, n_sentences: int) -> Iterator[tuple[Measure, SentenceSums]]:
    """Yield the two metrics of a score, summed by sentence."""
    count = np.bincount(score.sentence, minlength=n_sentences)
    metrics = {
        "top1": (score.top1, score.chance_top1),
        "mrr": (score.reciprocal_rank, score.chance_reciprocal_rank),
    }
    for metric, (value, chance) in metrics.items():
        what = Measure(score.layer, score.claim, score.reference, score.candidates, score.similarity, metric)
        total, by_chance = (np.bincount(score.sentence, x, minlength=n_sentences) for x in (value, chance))
        yield what, SentenceSums(total, by_chance, count)


def _causal(
    encoder: Encoder,
    ids: list[np.ndarray],
    special: list[np.ndarray],
    states: list[np.ndarray],
    plan: MeasuringPlan,
) -> dict[Measure, SentenceSums]:
    """Return the sums of causal locality and share of content."""
    # settled before any draw: every twin gets the same positions and the same replacements
    found = interventional_continuity(
        encoder,
        ids,
        special=special,
        n_interventions=plan.n_interventions,
        replacements=frequency_matched(ids, encoder.vocabulary, special=special),
        intact=states,
        rng=np.random.default_rng(plan.seed),
        progress=plan.progress,
    )
    sums = {}
    claims = {("causal_locality", "argmax"): found.argmax_hit, ("content_share", "share"): found.share}
    for (claim, metric), values in claims.items():
        for layer in plan.layers:
            value = values[:, layer]
            defined = np.isfinite(value)
            where = found.sentence[defined]
            total, chance, count = (
                np.bincount(where, x, minlength=plan.n_sentences)
                for x in (value[defined], found.chance[defined], np.ones(len(where)))
            )
            sums[Measure(layer, claim, None, None, None, metric)] = SentenceSums(total, chance, count)
    return sums
