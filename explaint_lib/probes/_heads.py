"""Single heads: does one tell two classes apart, does one follow a relation, and how often would one by chance?

What it measures: for every head, the AUC of its weight for a label (`max_t_heads`), or how often the word it looks at
most is the right one (`head_choices`, `best_head`). What it controls for: the *search*. The best of many heads is good
by luck; so the head is chosen on one half and scored on the other, and the p-value of a head is that of the largest
statistic over all heads (max-T, Westfall & Young 1993). A fixed offset is the floor: a head that always looks one word
back finds many determiners (Clark et al. 2019). What it does not license: "this head does X". A head that agrees with
a relation may compute something else that agrees with it here, and the output may not depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from explaint_lib._common import ExplaintError


class HeadTest(NamedTuple):
    """AUC and corrected p of every feature; p is that of the largest ``abs(AUC - .5)`` over all of them."""

    auc: np.ndarray
    p_value: np.ndarray


def max_t_heads(
    scores: np.ndarray,
    labels: np.ndarray,
    strata: Sequence[Any] | np.ndarray | None = None,
    *,
    n_permutations: int,
    rng: np.random.Generator,
) -> HeadTest:
    """Test every head at once: does its weight differ between the classes?

    Parameters
    ----------
    scores : (n, n_heads) array
        One weight an item and head (heads, layers and directions in one axis). Items must be independent given
        `strata`: average over the sentences of a pair first.
    labels : (n,) bool
    strata : sequence of n labels, optional
        Labels are permuted only within a stratum (the hypernym, say), and ranks are taken within it: what tells the
        strata apart then counts neither way.
    n_permutations : int
    rng : numpy.random.Generator

    Returns
    -------
    HeadTest
        auc : (n_heads,), 0.5 = no difference; weighted over strata by the number of pairs they allow.
        p_value : (n_heads,), two-sided, corrected for all heads together (single-step max-T), never 0.

    Raises
    ------
    ExplaintError
        If no stratum holds both classes.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> labels = np.arange(20) % 2 == 0
    >>> scores = np.column_stack([labels + np.linspace(0, 0.5, 20), np.random.default_rng(0).random(20)])
    >>> found = probes.max_t_heads(scores, labels, n_permutations=99, rng=np.random.default_rng(1))
    >>> float(found.auc[0]), float(found.p_value[0])
    (1.0, 0.01)
    """
    from scipy.stats import rankdata

    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=bool)
    codes = np.zeros(len(labels), dtype=int) if strata is None else np.unique(strata, return_inverse=True)[1]
    total, possible = np.zeros((n_permutations + 1, scores.shape[1])), 0
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        positive, negative = int(labels[rows].sum()), int((~labels[rows]).sum())
        if not positive or not negative:
            continue
        drawn = np.stack([labels[rows], *(rng.permutation(labels[rows]) for _ in range(n_permutations))])
        wins = drawn @ rankdata(scores[rows], axis=0) - positive * (positive + 1) / 2  # (1 + B, head), Mann-Whitney
        total += wins
        possible += positive * negative
    if not possible:
        raise ExplaintError("expected both classes within a stratum, found none that has them")
    auc = total / possible
    distance = np.abs(auc - 0.5)
    largest = distance[1:].max(axis=1, initial=0)  # (B,)
    beaten = (largest[:, None] >= distance[0] - 1e-12).sum(axis=0)
    return HeadTest(auc[0], (1 + beaten) / (1 + n_permutations))


def head_choices(attention: np.ndarray, queries: Sequence[int], *, backward_only: bool = False) -> np.ndarray:
    """Return the word that each head looks at most, for each asking word; never the word itself.

    Parameters
    ----------
    attention : (layer, head, word, word) array
        Special tokens left out (`word_attention`).
    queries : sequence of int
        The words that ask.
    backward_only : bool
        True for a decoder: only earlier words are candidates, and the first word, which has none, gets -1.

    Returns
    -------
    (n_queries, layer, head) int array

    Examples
    --------
    >>> from explaint_lib import probes
    >>> attention = np.array([[[[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1]]]])  # (layer, head, word, word)
    >>> probes.head_choices(attention, [0, 1]).ravel().tolist()
    [2, 0]
    """
    weights = np.array(np.moveaxis(attention[:, :, list(queries)], 2, 0), dtype=np.float64)  # (query, layer, head, key)
    for row, query in enumerate(queries):
        weights[row, ..., query:] = -1 if backward_only else weights[row, ..., query:]
        weights[row, ..., query] = -1
    choice = weights.argmax(axis=-1)
    return np.where(weights.max(axis=-1) < 0, -1, choice)


@dataclass(frozen=True, eq=False)
class BestHead:
    """The outcome of a search over heads.

    Attributes
    ----------
    index : int
        Flat index of the head that is best on all items.
    score : float in [0, 1]
        Its share of hits on all items: the tempting number.
    held_out : (n,) bool
        Whether each item is right for the head that was chosen on the *other* half.
    offset : (n,) bool
        The same for the best fixed offset.
    p_value : float in (0, 1]
        Max-T permutation p-value of `score`.
    null : (n_permutations,) float64
        The best scores under permutation.
    """

    index: int
    score: float
    held_out: np.ndarray
    offset: np.ndarray
    p_value: float
    null: np.ndarray


def best_head(
    choices: np.ndarray,
    queries: np.ndarray,
    targets: np.ndarray,
    lengths: np.ndarray,
    halves: np.ndarray,
    *,
    n_permutations: int,
    rng: np.random.Generator,
) -> BestHead:
    """Search for the head that follows a relation, and ask how good the best one would be by chance.

    Parameters
    ----------
    choices : (n, ...) int array
        The word each head chose, an item a row (`head_choices`); all further axes count as heads.
    queries, targets : (n,) int arrays
        The asking word and the right answer, as word positions in the item's sentence.
    lengths : (n,) int array
        Words in the item's sentence.
    halves : (n,) bool array
        Which half each item belongs to; keep the items of one sentence together.
    n_permutations : int
        Draws of the null: items whose queries stand at the same place exchange their targets. That keeps where
        queries and targets stand, and takes away which word it is; a head that looks at a fixed distance, or at a
        fixed place, scores as before.
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        If the lengths differ or a half is empty.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> targets = np.random.default_rng(0).integers(0, 5, 40)
    >>> choices = np.column_stack([targets, np.zeros(40, dtype=int)])  # the first head is always right
    >>> queries, lengths, halves = np.full(40, 5), np.full(40, 6), np.arange(40) % 2 == 0
    >>> rng = np.random.default_rng(1)
    >>> best = probes.best_head(choices, queries, targets, lengths, halves, n_permutations=99, rng=rng)
    >>> best.index, best.score, best.p_value
    (0, 1.0, 0.01)
    """
    flat = np.asarray(choices).reshape(len(choices), -1)
    queries, targets, lengths, halves = (np.asarray(each) for each in (queries, targets, lengths, halves))
    halves = halves.astype(bool)
    if not len(flat) == len(queries) == len(targets) == len(lengths) == len(halves):
        raise ExplaintError(f"expected a query, a target, a length and a half for each of {len(flat)} items")
    if halves.all() or not halves.any():
        raise ExplaintError("expected items in both halves: the head is chosen on one and scored on the other")
    right = flat == targets[:, None]  # (n, head)
    offsets = targets - queries
    by_offset = offsets[:, None] == np.unique(offsets)  # (n, offset)
    null, drawn = np.empty(n_permutations), targets
    for i in range(n_permutations):
        drawn = _exchanged(drawn, queries, lengths, rng)
        null[i] = (flat == drawn[:, None]).mean(axis=0).max()
    score = right.mean(axis=0)
    p = (1 + np.count_nonzero(null >= score.max() - 1e-12)) / (1 + n_permutations)
    held_out, offset = _held_out(right, halves), _held_out(by_offset, halves)
    return BestHead(int(score.argmax()), float(score.max()), held_out, offset, float(p), null)


def _exchanged(
    targets: np.ndarray, queries: np.ndarray, lengths: np.ndarray, rng: np.random.Generator, n_rounds: int = 10
) -> np.ndarray:
    """Exchange targets between items of the same query position, never one beyond the end of a sentence.

    Rounds of random disjoint swaps, each made with probability one half where both sentences are long enough: a
    symmetric chain, so every arrangement that is possible is equally likely in the long run.
    """
    targets = targets.copy()
    for _ in range(n_rounds):
        order = np.lexsort((rng.random(len(targets)), queries))
        start = int(rng.integers(2))
        a, b = order[start:-1:2], order[start + 1 :: 2]
        fine = (queries[a] == queries[b]) & (targets[a] < lengths[b]) & (targets[b] < lengths[a])
        fine &= rng.random(len(a)) < 0.5
        a, b = a[fine], b[fine]
        targets[a], targets[b] = targets[b], targets[a]
    return targets


def _held_out(right: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Return whether each item is right for the column that is best on the other half."""
    found = np.empty(len(right), dtype=bool)
    for half in (halves, ~halves):
        found[~half] = right[~half][:, right[half].mean(axis=0).argmax()]
    return found


def share_with_a_fitting_head(
    right: np.ndarray, n_examples: int, *, n_draws: int = 1000, rng: np.random.Generator
) -> float:
    """Return how often some head is right in *every* one of a few examples: what a figure with examples can promise.

    Parameters
    ----------
    right : (n, n_heads) bool array
        Whether each head chose the right word of each item.
    n_examples : int, from 1 to n
        Items drawn together, without replacement.
    n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    ExplaintError
        If there are fewer items than examples.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> right = np.array([[True, False], [True, True], [False, True]])  # (item, head)
    >>> probes.share_with_a_fitting_head(right, 1, rng=np.random.default_rng(0))
    1.0
    """
    if not 1 <= n_examples <= len(right):
        raise ExplaintError(f"expected 1 to {len(right)} examples, as many as there are items; found {n_examples}")
    drawn = np.array([rng.choice(len(right), n_examples, replace=False) for _ in range(n_draws)])
    return float(np.asarray(right)[drawn].all(axis=1).any(axis=1).mean())
