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
from explaint_lib.continuity._ranks import TruthRanks, chance_of_truth, count_true, rank_of_pairs, rank_of_truth

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


def _equal_pairs(ours: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of all pairs of equal values, by ours: (pair,) each."""
    order = np.argsort(others, kind="stable")
    first, end = (np.searchsorted(others[order], ours, side=side) for side in ("left", "right"))
    n = end - first
    within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)  # 0, 1, ... for each of ours
    return np.repeat(np.arange(len(ours)), n), order[np.repeat(first, n) + within]


def _in_blocks(
    score: Callable[[np.ndarray], tuple[TruthRanks, TruthRanks]], n_items: int, n_candidates: int
) -> tuple[TruthRanks, TruthRanks]:
    """Score so many items at a time, given by their indices, that their arrays stay small."""
    step = max(1, _CELLS // max(n_candidates, 1))
    found = [score(np.arange(start, min(start + step, n_items))) for start in range(0, max(n_items, 1), step)]
    ranks, chance = (TruthRanks(*map(np.concatenate, zip(*parts, strict=True))) for parts in zip(*found, strict=True))
    return ranks, chance


def score_in_sentence(
    task: Task, rung: FittedRung, states: np.ndarray, reference: np.ndarray, items: np.ndarray
) -> tuple[TruthRanks, TruthRanks]:
    """Score `items` (flat indices, ascending) against the positions of their own sentences."""
    sentences, starts = np.unique(task.positions.sentence[items], return_index=True)
    slots = task.positions.slots[task.positions.sentence[items]]  # (item, slot)
    there = slots >= 0
    is_truth = there & (task.positions.token_ids[slots] == task.label[items, None])
    needed = task.positions.slots[sentences]  # (sentence, slot)
    queries = to_unit_length(rung.map_states(states[items]))  # (item, dim)
    candidates = to_unit_length(rung.map_candidates(reference[needed[needed >= 0]]))
    similarity = np.zeros(slots.shape, dtype=np.result_type(queries, candidates))
    n_slots, end = count_true(needed >= 0), [*starts[1:], len(items)]
    for start, stop, n, last in zip(starts, end, n_slots, np.cumsum(n_slots), strict=True):
        similarity[start:stop, :n] = queries[start:stop] @ candidates[last - n : last].T  # those of one sentence
    chance = chance_of_truth(count_true(is_truth), count_true(there))
    return rank_of_truth(similarity, is_truth, there), chance


def score_in_types(
    task: Task, rung: FittedRung, states: np.ndarray, rows: np.ndarray, types: np.ndarray, items: np.ndarray
) -> tuple[TruthRanks, TruthRanks]:
    """Score `items` against the token `types`; `rows` are their embedding rows, mapped and of length 1."""
    queries = to_unit_length(rung.map_states(states[items]))

    def score(some: np.ndarray) -> tuple[TruthRanks, TruthRanks]:
        item, true = _equal_pairs(task.label[items[some]], types)
        n_true = np.bincount(item, minlength=len(some))
        chance = chance_of_truth(n_true, np.full(len(some), len(types)))
        return rank_of_pairs(queries[some] @ rows.T, item, true), chance

    return _in_blocks(score, len(items), len(types))


def score_within(task: Task, rung: FittedRung, states: np.ndarray, items: np.ndarray) -> tuple[TruthRanks, TruthRanks]:
    """Score `items` against all positions of other sentences in the same layer: is the nearest its type?"""
    asked = np.flatnonzero(task.label >= 0)
    sentence, label = task.positions.sentence, task.label
    queries, candidates = (to_unit_length(rung.map_states(states[some])) for some in (items, asked))

    def score(some: np.ndarray) -> tuple[TruthRanks, TruthRanks]:
        ours = items[some]
        similarity = queries[some] @ candidates.T
        own = _equal_pairs(sentence[ours], sentence[asked])
        similarity[own] = -np.inf
        item, true = _equal_pairs(label[ours], label[asked])
        other = sentence[ours[item]] != sentence[asked[true]]
        item, true = item[other], true[other]
        n_candidates = len(asked) - np.bincount(own[0], minlength=len(some))
        chance = chance_of_truth(np.bincount(item, minlength=len(some)), n_candidates)
        return rank_of_pairs(similarity, item, true), chance

    return _in_blocks(score, len(items), len(asked))


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
