"""Continuity by layer: every reference, candidate set and rung of the ladder, cross-fitted over sentences.

References: ``layer0`` (the input vector), ``previous`` (the layer below), ``within`` (other occurrences in
the same layer; no geometry across layers needed). Candidates, and what stands for them:

``sentence``
    The positions of the same sentence. For geometry each by its layer-0 (or previous-layer) vector. For a
    trained map each by its token's row of the input embedding matrix, *not* by the layer-0 vector: with
    absolute positions that vector holds the position, and a map may name the position instead of the token
    (a planted Mover, which has erased every token at its place, then scores near 1).
``sentence_layer0``
    That trap, kept visible, and the definition of Brunner et al.: trained maps against layer-0 vectors. Only
    where these differ from the embedding rows.
``sentence_position_control``
    The same with the training targets exchanged between equal places of different sentences: all such a map
    can have learnt is the place. What ``sentence_layer0`` scores no higher than this is position.
``corpus``
    Every token type of the corpus, by its embedding row, which knows no position. (For ``within``: the
    positions of all other sentences.) In BERT layer 0 is this row plus position and segment rows, after a
    LayerNorm: even at layer 0 the bare cosine is not perfect.
``vocabulary``
    All embedding rows; by ridge only, and for a sample of whole sentences, because it is costly.
``*_unseen_types``
    The same for token types held out *by design*: a fifth of all types, frequent and rare alike, is taken
    out of a map's training and then scored. (Types unseen by accident are rare ones: unseen and rare would
    be confounded.)

A hit is a hit on the token *type*: where the token occurs twice in a sentence, both places
count as true, and chance rises accordingly.
What this does not license: see the package's docstring.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from explaint_lib._common import ExplaintError
from explaint_lib.continuity._ladder import GEOMETRY_RUNGS, RUNGS, FittedRung, TrainingStates, fit_rung, to_unit_length
from explaint_lib.continuity._positions import gather_positions
from explaint_lib.continuity._ranks import TruthRanks
from explaint_lib.continuity._scoring import (
    Task,
    donors,
    make_task,
    score_in_sentence,
    score_in_types,
    score_within,
)


@dataclass(frozen=True)
class Score:
    """One cell of the table, item by item, so that an interval can be a bootstrap over whole sentences.

    Attributes
    ----------
    layer : int
    claim, reference, candidates, similarity : str
    sentence : (item,) int array
        The sentence of each scored position.
    top1, reciprocal_rank : (item,) arrays in [0, 1]
    chance_top1, chance_reciprocal_rank : (item,) arrays in [0, 1]
        Exact chance of each item: its score if all its candidates were tied.
    position : (item,) int array
        Which position each item is, counted as in `gather_positions`: for scores by word class or frequency.
    """

    layer: int
    claim: str
    reference: str
    candidates: str
    similarity: str
    sentence: np.ndarray
    top1: np.ndarray
    reciprocal_rank: np.ndarray
    chance_top1: np.ndarray
    chance_reciprocal_rank: np.ndarray
    position: np.ndarray


# claim, reference, candidates; flat indices of the scored positions; their ranks and the chance of these
Found = Iterator[tuple[tuple[str, str, str], np.ndarray, tuple[TruthRanks, TruthRanks]]]


class _Fold:
    """One fold: positions to fit on, positions to score, and candidates mapped once for all layers.

    `splits` has one entry for the whole fold and one for unseen types: (suffix, fitted on, scored).
    """

    def __init__(self, task: Task, fold: int) -> None:
        asked, other, other_type = task.truth >= 0, task.fold != fold, task.type_fold != fold
        self.task = task
        self.train, self.items = np.flatnonzero(asked & other), np.flatnonzero(asked & ~other)
        old, unseen = np.flatnonzero(asked & other & other_type), np.flatnonzero(asked & ~other & ~other_type)
        self.splits = [("", self.train, self.items)]
        if old.size and unseen.size:
            self.splits.append(("_unseen_types", old, unseen))
        self._rows: dict[tuple[str, str, int], np.ndarray] = {}
        self._prepared: dict[tuple[str, int | None], TrainingStates] = {}

    def prepared(self, what: str, vectors: np.ndarray, at: np.ndarray, *, layer: int | None = None) -> TrainingStates:
        """Return ``vectors[at]``, prepared once for all rungs: of one layer, or without `layer` of all."""
        if (what, layer) not in self._prepared:  # one layer's factors at a time
            self._prepared = {key: kept for key, kept in self._prepared.items() if key[1] in (None, layer)}
            self._prepared[what, layer] = TrainingStates(vectors[at])
        return self._prepared[what, layer]

    def rows(self, rung: FittedRung, types: np.ndarray, suffix: str = "") -> np.ndarray:
        """Return the embedding rows of `types`, mapped by `rung` and of length 1, (type, dim).

        Maps move states, not candidates: those are only standardised, on the same tokens at every layer.
        """
        space = rung.name if rung.name in GEOMETRY_RUNGS else "cosine_standardised"
        key = (space, suffix, len(types))
        if key not in self._rows:
            self._rows[key] = to_unit_length(rung.map_candidates(self.task.embedding[types]))
        return self._rows[key]


def _geometry(fold: _Fold, name: str, layer: int) -> Found:
    """Yield the geometry scores of one rung, layer and fold."""
    task, train, items = fold.task, fold.train, fold.items
    states, inputs = task.positions.states[layer], task.positions.states[0]
    trained = fold.prepared("", states, train, layer=layer)
    references = {"layer0": (inputs, fold.prepared("inputs", inputs, task.truth[train]))}
    if layer:
        below = task.positions.states[layer - 1]
        references["previous"] = below, fold.prepared("below", below, task.truth[train], layer=layer)
    for reference, (vectors, targets) in references.items():
        found = score_in_sentence(task, fit_rung(name, trained, targets), states, vectors, items)
        yield ("geometry", reference, "sentence"), items, found
    rung = fit_rung(name, trained, fold.prepared("tokens", task.embedding, task.label[train]))
    yield ("geometry", "within", "corpus"), items, score_within(task, rung, states, items)
    if task.embedding.shape[1] == states.shape[1]:
        found = score_in_types(task, rung, states, fold.rows(rung, task.types), task.types, items)
        yield ("geometry", "layer0", "corpus"), items, found


def _decodability(fold: _Fold, name: str, layer: int, rng: np.random.Generator) -> Found:
    """Yield the decodability scores of one trained map, layer and fold."""
    task, train, items = fold.task, fold.train, fold.items
    states, inputs = task.positions.states[layer], task.positions.states[0]
    if name != "procrustes" or task.embedding.shape[1] == states.shape[1]:
        for suffix, fitted_on, scored in fold.splits:
            trained = fold.prepared(suffix, states, fitted_on, layer=layer)
            targets = fold.prepared("tokens" + suffix, task.embedding, task.label[fitted_on])
            rung = fit_rung(name, trained, targets, rng=rng)
            for candidates, some, found in _decoded_against_each_set(fold, rung, layer, scored, suffix):
                yield ("decodability", "layer0", candidates + suffix), some, found
    trained = fold.prepared("", states, train, layer=layer)
    if task.place_in_inputs and name != "mlp":  # too slow for what it would add
        rung = fit_rung(name, trained, fold.prepared("inputs", inputs, task.truth[train]), rng=rng)
        found = score_in_sentence(task, rung, states, inputs, items)
        yield ("decodability", "layer0", "sentence_layer0"), items, found
    if name == "ridge":
        donor = donors(task.positions.place[train], task.positions.sentence[train], rng)
        has = donor >= 0
        if not has.all():
            trained = fold.prepared("_control", states, train[has], layer=layer)
        rung = fit_rung(name, trained, inputs[task.truth[train[donor[has]]]])
        found = score_in_sentence(task, rung, states, inputs, items)
        yield ("decodability", "layer0", "sentence_position_control"), items, found


def _decoded_against_each_set(
    fold: _Fold, rung: FittedRung, layer: int, items: np.ndarray, suffix: str
) -> Iterator[tuple[str, np.ndarray, tuple[TruthRanks, TruthRanks]]]:
    """Yield the scores of `items` under a map to embedding rows, against every candidate set."""
    task = fold.task
    states, everything = task.positions.states[layer], np.arange(len(task.embedding))
    rows = task.embedding[task.positions.token_ids]  # (position, embedding dim)
    yield "sentence", items, score_in_sentence(task, rung, states, rows, items)
    rows = fold.rows(rung, task.types, suffix)
    yield "corpus", items, score_in_types(task, rung, states, rows, task.types, items)
    few = items[task.in_vocabulary_sample[items]]
    if rung.name == "ridge" and few.size:
        rows = fold.rows(rung, everything, suffix)
        yield "vocabulary", few, score_in_types(task, rung, states, rows, everything, few)


def continuity_curve(
    states: Sequence[np.ndarray],
    token_ids: Sequence[np.ndarray],
    special: Sequence[np.ndarray] | None = None,
    *,
    embedding: np.ndarray,
    rng: np.random.Generator,
    similarities: Sequence[str] = ("cosine", "cosine_centred", "cosine_standardised", "procrustes", "ridge"),
    layers: Sequence[int] | None = None,
    n_folds: int = 5,
    vocabulary_items: int = 300,
    offset: int = 0,
    progress: bool = False,
) -> list[Score]:
    """Score whether positions still hold their tokens, for every layer, reference, candidate set and rung.

    Parameters
    ----------
    states : sequence of (layer, position, dim) arrays
        Hidden states, one array a sentence; layer 0 is the embedding layer's output.
    token_ids : sequence of (position,) int arrays
    special : sequence of (position,) bool arrays, optional
        Positions to leave out altogether. Mark a decoder's first position as well: its massive activation
        would dominate every mean and standard deviation.
    embedding : (vocabulary, embedding dim) array
        Input embedding rows. Where their width is not that of the states (ALBERT), the bare cosines against
        ``corpus`` and the ``procrustes`` maps, which need one width, are left out.
    rng : numpy.random.Generator
        Draws the folds, the sample for the vocabulary, the position control and the mlp's first weights.
    similarities : sequence of str
        Rungs out of `RUNGS`. ``mlp`` is slow (about a second a fit) and not in the default.
    layers : sequence of int, optional
        Default: all.
    n_folds : int
        Folds over sentences, and over token types for the unseen types. At least 2.
    vocabulary_items : int
        About how many positions, in whole sentences, are ranked against the whole vocabulary; 0 for none.
    offset : int
        Ask position i for the token of scored position ``i + offset`` of its sentence: 0 for its own, -1 for
        its left neighbour's. A position without that neighbour is not an item.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    list of Score
        In the order of layers; ``previous`` is missing at layer 0.

    Warnings
    --------
    The chance of ``corpus`` and ``vocabulary`` knows nothing of frequencies: a map that always names the
    commonest token scores its share of the text (a full stop ends every sentence). The ``_unseen_types`` rows
    are free of this.

    Raises
    ------
    ExplaintError
        If there are fewer than ``2 * n_folds`` sentences, arrays do not fit each other, a similarity is unknown, or a
        layer does not exist.

    References
    ----------
    Brunner et al. 2020, arXiv 1908.04211; Voita, Sennrich, Titov 2019, arXiv 1909.01380.

    Examples
    --------
    >>> from explaint_lib import continuity, planted
    >>> world = planted.mover(rng=np.random.default_rng(0))
    >>> ids = world.sample(12, 8, rng=np.random.default_rng(1))
    >>> hidden, _ = world.forward_ids(ids)  # (sentence, layer, position, dim)
    >>> scores = continuity.continuity_curve(
    ...     hidden, ids, embedding=world.embedding, similarities=["cosine"], n_folds=2, rng=np.random.default_rng(2)
    ... )
    >>> for score in scores:
    ...     if (score.reference, score.candidates) == ("layer0", "sentence"):
    ...         print(score.layer, score.top1.mean().item())
    0 1.0
    1 0.0
    2 0.0
    3 0.0
    4 0.0
    """
    if unknown := sorted(set(similarities) - set(RUNGS)):
        raise ExplaintError(
            f"expected similarities out of {', '.join(RUNGS)}, found {', '.join(unknown)}; leave these out"
        )
    if n_folds < 2:
        raise ExplaintError(f"expected at least 2 folds, found {n_folds}: a map is scored on sentences it did not see")
    positions = gather_positions(states, token_ids, special)
    layers = range(len(positions.states)) if layers is None else layers
    if not all(0 <= layer < len(positions.states) for layer in layers):
        raise ExplaintError(
            f"expected layers from 0 to {len(positions.states) - 1}, found {', '.join(map(str, layers))}; leave "
            "out those that the states do not have"
        )
    task = make_task(positions, embedding, n_folds=n_folds, offset=offset, vocabulary_items=vocabulary_items, rng=rng)
    cells: dict[tuple[int, str, str, str, str], np.ndarray] = {}
    grid = itertools.product(range(n_folds), layers)
    total = n_folds * len(layers)
    # one thread: a busy machine is many times faster so, and the last digit is the same on any number of cores
    with threadpool_limits(1), tqdm(total=total, desc="continuity", disable=not progress, leave=False) as bar:
        for fold_index, layer in grid:
            if layer == layers[0]:
                fold = _Fold(task, fold_index)
            for name in similarities:
                decoding = name not in GEOMETRY_RUNGS
                found = _decodability(fold, name, layer, rng) if decoding else _geometry(fold, name, layer)
                for what, items, (ranks, chance) in found:
                    cell = cells.setdefault((layer, *what, name), np.full((4, len(task.label)), np.nan))
                    cell[:, items] = (*ranks, *chance)
            bar.update()
    order = {layer: i for i, layer in enumerate(layers)}
    return [_to_score(key, cells[key], positions.sentence) for key in sorted(cells, key=lambda key: order[key[0]])]


def _to_score(key: tuple[int, str, str, str, str], cell: np.ndarray, sentence: np.ndarray) -> Score:
    """Keep the scored items of a cell (4, position); an item without a true candidate has no score."""
    scored = np.isfinite(cell[0])
    top1, reciprocal_rank, chance_top1, chance_reciprocal_rank = cell[:, scored]
    return Score(
        *key,
        sentence=sentence[scored],
        top1=top1,
        reciprocal_rank=reciprocal_rank,
        chance_top1=chance_top1,
        chance_reciprocal_rank=chance_reciprocal_rank,
        position=np.flatnonzero(scored),
    )
