"""Counterfactual pairs: false ones to tell from the true ones, easy and fair.

``naive`` draws a wrong hypernym for each hyponym. Then a frequent hypernym is mostly right and a rare one mostly
wrong, and a probe can score by *which hypernym it is* without looking at the relation (lexical memorisation, Levy et
al. 2015). ``balanced`` gives every hypernym, and every hyponym, exactly as many false pairs as true ones: neither
word alone says anything, by construction. What balance does not remove: a robin is more like a bird than like a
vehicle, whatever the relation. ``near`` is balanced too, and takes the most similar wrong hypernyms that can be had
(robin and fish), so that plain similarity helps less, though it always helps a little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.relations._pairs import Pair, Taxonomy

_FORBIDDEN = 1e6
_ATTEMPTS = 200


@dataclass(frozen=True)
class PairSet:
    """True and false pairs to classify.

    Attributes
    ----------
    negatives : str
        How the false pairs were made.
    pairs : tuple of Pair
        The true ones first, each false one at the same place in the second half.
    labels : (n_pairs,) bool, read-only
    """

    negatives: str
    pairs: tuple[Pair, ...]
    labels: np.ndarray

    @property
    def hyponyms(self) -> tuple[str, ...]:
        """The hyponym of each pair."""
        return tuple(pair.hyponym for pair in self.pairs)

    @property
    def hypernyms(self) -> tuple[str, ...]:
        """The hypernym of each pair, right or wrong."""
        return tuple(pair.hypernym for pair in self.pairs)


def pair_set(negatives: str, true: Sequence[Pair], false: Sequence[Pair]) -> PairSet:
    """Put true and false pairs together.

    Examples
    --------
    >>> from explaint_lib import relations
    >>> true, false = [relations.Pair("robin", "bird")], [relations.Pair("robin", "fruit")]
    >>> relations.pair_set("by hand", true, false).labels.tolist()
    [True, False]
    """
    labels = np.repeat([True, False], [len(true), len(false)])
    labels.flags.writeable = False
    return PairSet(negatives, (*true, *false), labels)


def naive(taxonomy: Taxonomy, true: Sequence[Pair], *, rng: np.random.Generator) -> PairSet:
    """Give each true pair a false counterpart: the same hyponym with a hypernym that is surely false of it.

    The false hypernym is drawn from all hypernyms of the norms with two hyponyms or more, each with the same
    probability, so that the hypernym gives the answer away: one with many hyponyms is mostly right, one with few
    mostly wrong.

    Raises
    ------
    ExplaintError
        If a hyponym has no surely false hypernym left.

    Examples
    --------
    >>> from explaint_lib import norms, relations
    >>> taxonomy = relations.hypernym_pairs(norms.load_norms("bundled"))
    >>> drawn = relations.naive(taxonomy, taxonomy.pairs[:20], rng=np.random.default_rng(0))
    >>> int(drawn.labels.sum()), len(drawn.pairs)
    (20, 40)
    """
    hypernyms = sorted(h for h, words in taxonomy.members.items() if len(words) > 1)
    taken: set[Pair] = set()
    for pair in true:
        free = [h for h in hypernyms if taxonomy.surely_false(pair.hyponym, h) and Pair(pair.hyponym, h) not in taken]
        if not free:
            raise ExplaintError(f"no hypernym of these pairs is surely false of {pair.hyponym!r}; use more hypernyms")
        taken.add(Pair(pair.hyponym, free[int(rng.integers(len(free)))]))
    return pair_set("naive", true, _in_order_of(true, taken))


def balanced(taxonomy: Taxonomy, true: Sequence[Pair], *, rng: np.random.Generator) -> PairSet:
    """Exchange the hypernyms among the true pairs so that every new pair is surely false, and none occurs twice.

    Each hypernym is as often right as wrong, and so is each hyponym.

    Raises
    ------
    ExplaintError
        If there is no such exchange, because one hypernym holds too many of the pairs.

    Examples
    --------
    >>> from explaint_lib import norms, relations
    >>> taxonomy = relations.hypernym_pairs(norms.load_norms("bundled"))
    >>> true = relations.at_most(taxonomy.pairs, 5, rng=np.random.default_rng(0))
    >>> drawn = relations.balanced(taxonomy, true, rng=np.random.default_rng(1))
    >>> sorted(drawn.hypernyms[: len(true)]) == sorted(drawn.hypernyms[len(true) :])
    True
    """
    return pair_set("balanced", true, exchanged(true, taxonomy.surely_false, rng=rng))


def near(taxonomy: Taxonomy, true: Sequence[Pair], *, rng: np.random.Generator) -> PairSet:
    """Exchange the hypernyms as in `balanced`, each for one as similar as can be had (`Taxonomy.nearness`).

    Raises
    ------
    ExplaintError
        As `balanced`.

    Examples
    --------
    >>> from explaint_lib import norms, relations
    >>> taxonomy = relations.hypernym_pairs(norms.load_norms("bundled"))
    >>> true = relations.at_most(taxonomy.pairs, 5, rng=np.random.default_rng(0))
    >>> drawn = relations.near(taxonomy, true, rng=np.random.default_rng(1))
    >>> sorted(drawn.hypernyms[: len(true)]) == sorted(drawn.hypernyms[len(true) :])
    True
    """
    false = exchanged(true, taxonomy.surely_false, cost=lambda a, b: -4 * taxonomy.nearness[a, b], rng=rng)
    return pair_set("near", true, false)


def exchanged(
    true: Sequence[Pair],
    allowed: Callable[[str, str], bool],
    *,
    cost: Callable[[str, str], float] = lambda old, new: 0.0,
    rng: np.random.Generator,
) -> list[Pair]:
    """Return the true pairs with their hypernyms exchanged, each new pair allowed and none twice.

    An assignment problem: `cost` of the old and the new hypernym, plus a random number in [0, 1]. Where two rows of one
    hyponym receive the same hypernym, one of the two is forbidden and the problem solved anew.
    """
    from scipy.optimize import linear_sum_assignment

    fine = {(x, y): allowed(x, y) for x in {p.hyponym for p in true} for y in {p.hypernym for p in true}}
    forbidden = np.array([[not fine[row.hyponym, column.hypernym] for column in true] for row in true])
    costs = {(x.hypernym, y.hypernym): 0.0 for x in true for y in true}
    costs = {both: cost(*both) for both in costs}
    base = np.array([[costs[row.hypernym, column.hypernym] for column in true] for row in true])
    for _ in range(_ATTEMPTS):
        rows, columns = linear_sum_assignment(base + rng.random(forbidden.shape) + _FORBIDDEN * forbidden)
        if forbidden[rows, columns].any():
            break
        false = [Pair(true[i].hyponym, true[j].hypernym) for i, j in zip(rows, columns, strict=True)]
        seen: dict[Pair, int] = {}
        again = [i for i, pair in enumerate(false) if seen.setdefault(pair, i) != i]
        if not again:
            return false
        for i in again:
            forbidden[i] |= np.array([pair.hypernym == false[i].hypernym for pair in true])
    raise ExplaintError(
        f"the hypernyms of these {len(true)} pairs cannot be exchanged so that all new pairs are surely false; "
        "take fewer pairs of the largest hypernym"
    )


def _in_order_of(true: Sequence[Pair], taken: set[Pair]) -> list[Pair]:
    """Return the drawn pairs in the order of the true ones they belong to."""
    waiting: dict[str, list[Pair]] = {}
    for pair in sorted(taken, reverse=True):
        waiting.setdefault(pair.hyponym, []).append(pair)
    return [waiting[pair.hyponym].pop() for pair in true]
