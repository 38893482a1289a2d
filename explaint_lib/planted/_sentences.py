"""Sentences whose answer is known, for comparisons that are made of one number a sentence.

What it measures: nothing; it plants what a model would have given (pictures, choices of heads, maps, shares), true by a
stated amount or exactly as good as the rival. What it controls for: a comparison that supports where nothing is there,
or misses what is. What it does not license: that a real model's numbers are made so; rates are those of these worlds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explaint_lib._common import ExplaintError

_LENGTH = 12  # tokens of a sentence
_MAPS = 4  # pictures of a sentence
_HEADS = 12
_OFFSET_RIGHT = 0.5  # share of items for which the fixed offset is right
_TWINS_DIFFER = 0.03  # standard deviation of the twins' level


def pictures(n_sentences: int, *, relabelled: bool, rng: np.random.Generator) -> np.ndarray:
    """Draw two kinds of attention maps of heads that look back, alike but for the labels of the second kind.

    Parameters
    ----------
    n_sentences : int
    relabelled : bool
        Whether rows and columns of each sentence of the second kind are in a new order. If not, nothing tells the
        kinds apart.
    rng : numpy.random.Generator

    Returns
    -------
    (2, n_sentences, 4, 12, 12) float64
        Kind, sentence, map, query, key; rows sum to 1.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> planted.pictures(3, relabelled=True, rng=np.random.default_rng(0)).shape
    (2, 3, 4, 12, 12)
    """
    back = np.eye(_LENGTH)[np.maximum(np.arange(_LENGTH) - 1, 0)]
    spread = rng.dirichlet(np.full(_LENGTH, 0.3), size=(2, n_sentences, _MAPS, _LENGTH))
    maps = 0.3 * back + 0.7 * spread
    for sentence in range(n_sentences * relabelled):
        order = rng.permutation(_LENGTH)
        maps[1, sentence] = maps[1, sentence][:, order][..., order]
    return maps


class HeadSearch(NamedTuple):
    """The items of a search over heads, one a sentence, as `explaint_lib.probes.best_head` takes them.

    Attributes
    ----------
    choices : (item, head) int
    twins : (twin, item, head) int
        What the heads of untrained twins choose.
    queries, targets, lengths : (item,) int
    halves : (item,) bool
    """

    choices: np.ndarray
    twins: np.ndarray
    queries: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray
    halves: np.ndarray


def head_search(n_sentences: int, *, better: float, n_twins: int = 5, rng: np.random.Generator) -> HeadSearch:
    """Draw a relation that one head follows more often than a fixed offset and a twin's head do, or as often.

    Parameters
    ----------
    n_sentences : int
    better : float in [0, .5]
        By how much more often head 0 is right than the offset, which is right half of the time; 0: the claim that a
        head follows the relation is false. The other heads choose at random.
    n_twins : int
        Twins differ among themselves; head 0 of each is about as good as the offset.
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        If `better` is out of its range.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> found = planted.head_search(200, better=0.4, rng=np.random.default_rng(0))
    >>> right = (found.choices == found.targets[:, None]).mean(axis=0)
    >>> int(right.argmax()), bool(right[0] > 0.8)
    (0, True)
    """
    if not 0 <= better <= 1 - _OFFSET_RIGHT:
        raise ExplaintError(f"better must lie between 0 and {1 - _OFFSET_RIGHT}, found {better}")
    lengths = rng.integers(_LENGTH - 4, _LENGTH + 1, n_sentences)
    queries = rng.integers(0, lengths - 1)
    near = rng.random(n_sentences) < _OFFSET_RIGHT
    targets = np.where(near, queries + 1, _other(queries, lengths, rng, also=queries + 1))

    def heads(level: float) -> np.ndarray:
        chosen = np.stack([_other(queries, lengths, rng) for _ in range(_HEADS)], axis=1)
        hit = rng.random(n_sentences) < level
        chosen[:, 0] = np.where(hit, targets, _other(queries, lengths, rng, also=targets))
        return chosen

    twins = [heads(_OFFSET_RIGHT + rng.normal(0, _TWINS_DIFFER)) for _ in range(n_twins)]
    halves = np.arange(n_sentences) % 2 == 0
    return HeadSearch(heads(_OFFSET_RIGHT + better), np.array(twins), queries, targets, lengths, halves)


def _other(
    queries: np.ndarray, lengths: np.ndarray, rng: np.random.Generator, also: np.ndarray | None = None
) -> np.ndarray:
    """Draw a word of each sentence that is not the asking one, nor the one of `also`."""
    drawn = np.empty(len(queries), dtype=int)
    for i, (query, length) in enumerate(zip(queries, lengths, strict=True)):
        taken = {int(query)} if also is None else {int(query), int(also[i])}
        drawn[i] = rng.choice([word for word in range(length) if word not in taken])
    return drawn


def agreeing_maps(n_texts: int, *, better: float, rng: np.random.Generator) -> list[dict[str, np.ndarray]]:
    """Draw maps of what happens, of a method, and of two rivals, which agree with what happens as well or less.

    What happens is the sum of three maps of one shape, the distance of tokens, and noise: distance itself, and twice
    distance among tokens put in a new order, which is what the rival "raw attention" and what the method says. So all
    three agree with it equally in expectation, unless the method's part counts for more.

    Parameters
    ----------
    n_texts : int
    better : float >= 0
        By how much more the method's part counts; 0: the claim that it says better what happens is false.
    rng : numpy.random.Generator

    Returns
    -------
    list of dict of str to (12, 12) float64, one a text
        "nearness", "raw attention", "method", "what happens".

    Examples
    --------
    >>> from explaint_lib import attention, planted
    >>> maps = planted.agreeing_maps(20, better=2.0, rng=np.random.default_rng(0))
    >>> agreement = np.mean([attention.row_agreement(one) for one in maps], axis=0)  # (map, map)
    >>> bool(agreement[2, 3] > agreement[0, 3] + 0.2)
    True
    """
    places = np.arange(_LENGTH)
    distance = 1 / (1.0 + np.abs(places[:, None] - places))
    found = []
    for _ in range(n_texts):
        orders = [rng.permutation(_LENGTH) for _ in range(2)]
        raw, method = (distance[order][:, order] for order in orders)
        happens = distance + raw + (1 + better) * method + rng.normal(0, distance.std(), distance.shape)
        found.append({"nearness": distance, "raw attention": raw, "method": method, "what happens": happens})
    return found


def own_shares(n_texts: int, *, above: float, rng: np.random.Generator) -> np.ndarray:
    """Draw which share of a state is its own in each text: one half and `above`, texts differing by .03.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> planted.own_shares(3, above=0.2, rng=np.random.default_rng(0)).round(2).tolist()
    [0.7, 0.7, 0.72]
    """
    return np.clip(0.5 + above + rng.normal(0, 0.03, n_texts), 0, 1)
