"""What is asked of each position, and its score against each kind of candidate set, one layer at a time.

Everything here is indexed by flat positions (see `gather_positions`). `items` are those whose score is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.continuity._ladder import FittedRung, to_unit_length
from explaint_lib.continuity._positions import Positions
from explaint_lib.continuity._ranks import TruthRanks, chance_of_truth, rank_of_truth

_CELLS = 2**23  # numbers in one array of a block of items: 32 MB


@dataclass(frozen=True)
class Task:
    """What is asked of each position, and the folds: everything that does not depend on the layer."""

    positions: Positions
    truth: np.ndarray  # (position,) flat index of the position whose token is asked for, -1 = not an item
    label: np.ndarray  # (position,) its token type, -1 = not an item
    fold: np.ndarray  # (position,) fold of the position's sentence
    type_fold: np.ndarray  # (position,) fold of the label's type
    types: np.ndarray  # (type,) the token types of the corpus
    embedding: np.ndarray  # (vocabulary, embedding dim)
    place_in_inputs: bool  # layer 0 is more than the embedding rows: it may hold the position
    in_vocabulary_sample: np.ndarray  # (position,) bool


def make_task(
    positions: Positions,
    embedding: np.ndarray,
    *,
    n_folds: int,
    offset: int,
    vocabulary_items: int,
    rng: np.random.Generator,
) -> Task:
    """Draw the folds and decide, position by position, what is asked (see `continuity_curve` for the arguments)."""
    slots, sentence = positions.slots, positions.sentence
    n_sentences = positions.n_sentences
    if n_sentences < 2 * n_folds:
        raise ExplaintError(
            f"{n_sentences} sentences are too few for {n_folds} folds: maps are fitted on other sentences, "
            f"so give at least {2 * n_folds}"
        )
    if positions.token_ids.max() >= len(embedding):
        raise ExplaintError(
            f"the embedding matrix has {len(embedding)} rows, but the largest token id is "
            f"{positions.token_ids.max()}; pass the matrix of the model that made the hidden states"
        )
    truth = np.full(len(sentence), -1)
    target = np.arange(len(sentence)) + offset
    inside = (target >= 0) & (target < len(sentence))
    inside[inside] = sentence[inside] == sentence[target[inside]]
    truth[inside] = target[inside]
    label = np.where(truth >= 0, positions.token_ids[truth], -1)
    types = np.unique(positions.token_ids)
    type_index = np.searchsorted(types, np.maximum(label, types[0]))
    order = rng.permutation(n_sentences)
    size = np.sum(slots[order] >= 0, axis=1)
    sampled = order[np.cumsum(size) - size < vocabulary_items]
    return Task(
        positions,
        truth,
        label,
        fold=(rng.permutation(n_sentences) % n_folds)[sentence],
        type_fold=(rng.permutation(len(types)) % n_folds)[type_index],
        types=types,
        embedding=embedding.astype(np.float32, copy=False),
        place_in_inputs=not np.array_equal(positions.states[0], embedding[positions.token_ids].astype(np.float32)),
        in_vocabulary_sample=np.isin(sentence, sampled),
    )


def _in_blocks(
    similarity: Callable[[slice], np.ndarray],
    is_truth: Callable[[slice], np.ndarray],
    is_candidate: Callable[[slice], np.ndarray],
    n_items: int,
    width: int,
) -> tuple[TruthRanks, TruthRanks]:
    """Score so many items at a time that their arrays, of `width` numbers an item, stay small."""
    step = max(1, _CELLS // max(width, 1))
    blocks = [slice(start, start + step) for start in range(0, n_items, step)] or [slice(0, 0)]
    found = [_score(similarity(some), is_truth(some), is_candidate(some)) for some in blocks]
    ranks, chance = (TruthRanks(*map(np.concatenate, zip(*parts, strict=True))) for parts in zip(*found, strict=True))
    return ranks, chance


def _score(similarity: np.ndarray, is_truth: np.ndarray, is_candidate: np.ndarray) -> tuple[TruthRanks, TruthRanks]:
    """Return the ranks of the truth and their chance."""
    is_truth = is_truth & is_candidate
    ranks = rank_of_truth(similarity, is_truth, is_candidate)
    return ranks, chance_of_truth(is_truth.sum(axis=1), is_candidate.sum(axis=1))


def score_in_sentence(
    task: Task, rung: FittedRung, states: np.ndarray, reference: np.ndarray, items: np.ndarray
) -> tuple[TruthRanks, TruthRanks]:
    """Score `items` (flat indices) against the positions of their own sentences."""
    slots = task.positions.slots[task.positions.sentence[items]]  # (item, slot)
    there = slots >= 0
    needed, where = np.unique(slots[there], return_inverse=True)
    local = np.zeros_like(slots)
    local[there] = where
    candidates = to_unit_length(rung.map_candidates(reference[needed]))  # (needed, dim)
    queries = to_unit_length(rung.map_states(states[items]))  # (item, dim)
    return _in_blocks(
        lambda some: (candidates[local[some]] @ queries[some, :, None])[:, :, 0],  # (item, slot)
        lambda some: task.positions.token_ids[slots[some]] == task.label[items[some], None],
        lambda some: there[some],
        len(items),
        slots.shape[1] * queries.shape[1],
    )


def score_in_types(
    task: Task, rung: FittedRung, states: np.ndarray, rows: np.ndarray, types: np.ndarray, items: np.ndarray
) -> tuple[TruthRanks, TruthRanks]:
    """Score `items` against the token `types`; `rows` are their embedding rows, mapped and of length 1."""
    queries = to_unit_length(rung.map_states(states[items]))
    return _in_blocks(
        lambda some: queries[some] @ rows.T,  # (item, type)
        lambda some: types[None, :] == task.label[items[some], None],
        lambda some: np.ones((len(items[some]), len(types)), dtype=bool),
        len(items),
        len(types),
    )


def score_within(task: Task, rung: FittedRung, states: np.ndarray, items: np.ndarray) -> tuple[TruthRanks, TruthRanks]:
    """Score `items` against all positions of other sentences in the same layer: is the nearest its type?"""
    sentence = task.positions.sentence
    queries, candidates = to_unit_length(rung.map_states(states[items])), to_unit_length(rung.map_states(states))
    return _in_blocks(
        lambda some: queries[some] @ candidates.T,
        lambda some: task.label[items[some], None] == task.label[None, :],
        lambda some: (sentence[items[some], None] != sentence[None, :]) & (task.label >= 0)[None, :],
        len(items),
        len(states),
    )


def donors(place: np.ndarray, sentence: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return for each item another at the same place, from the other half of the sentences; -1 for none.

    A plain permutation within places would leak: an item would count towards the mean target of its own
    place, which is enough signal for a ridge map to name the token well above chance.
    """
    half = np.isin(sentence, rng.permutation(np.unique(sentence))[::2])
    donor = np.full(len(place), -1)
    for spot in np.unique(place):
        ours, others = np.flatnonzero((place == spot) & half), np.flatnonzero((place == spot) & ~half)
        if ours.size and others.size:
            donor[ours], donor[others] = rng.choice(others, ours.size), rng.choice(ours, others.size)
    return donor
