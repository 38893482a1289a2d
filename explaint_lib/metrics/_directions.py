"""The neighbours of words with few features (ratings): a tree of directions takes the place of all pairs of words.

What it measures: exactly what the measures of neighbours measure, up to the rounding of sums; a test compares the two.
Cosines are compared as they are there, rounded, and ties are broken by expectation. What it does not do: vectors of
many dimensions, in which no tree finds neighbours faster than looking at all words, and words without a direction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

DIMENSIONS = 12  # up to so many, a tree is much faster than all pairs
DECIMALS = (
    12  # cosines are rounded before comparison: equal vectors must tie, though their sums differ in the last bits
)
_MORE = 8  # candidates looked at beyond the k nearest; where these tie, four times as many
_CELLS = 2**18  # words times candidates at a time


class Near(NamedTuple):
    """Candidates of some words, all that are as near as the k-th among them.

    rows: (r,) the words; groups, cosine, weight: (r, c) the candidates' vectors, how near they are, and how many words
    have them; cut: (r,) the nearness of the k-th.
    """

    rows: np.ndarray
    groups: np.ndarray
    cosine: np.ndarray
    weight: np.ndarray
    cut: np.ndarray

    def counts(self, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how many words are nearer than a level (r,), and how many are as near."""
        level = level[:, None]
        return ((self.cosine > level) * self.weight).sum(axis=1), ((self.cosine == level) * self.weight).sum(axis=1)


class Directions:
    """Words as vectors in few dimensions, each different vector once in a tree of directions.

    Parameters
    ----------
    vectors : array of shape (n_words, dims)
        Such as `suit` takes.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors, self.squares = vectors, _products(vectors, vectors)
        self._different, group = np.unique(vectors, axis=0, return_inverse=True)
        self.group = group.ravel()
        self.size = np.bincount(self.group)  # words of each vector
        self.words = np.argsort(self.group, kind="stable")  # sorted by vector
        self.start = np.concatenate([[0], np.cumsum(self.size)])
        self._squares = _products(self._different, self._different)
        self._tree = cKDTree(self._different / np.sqrt(self._squares)[:, None])

    @staticmethod
    def suit(*vectors: np.ndarray) -> bool:
        """Tell whether trees take these vectors."""
        few = all(each.shape[1] <= DIMENSIONS for each in vectors)
        return few and all(bool(np.isfinite(each).all() and (each != 0).any(axis=1).all()) for each in vectors)

    def nearest(self, vectors: np.ndarray, k: int, *, own: bool = False) -> Iterator[Near]:
        """Yield the k nearest words of each of some vectors, and all that tie with the k-th; `own`: of these words."""
        squares, all_groups = _products(vectors, vectors), len(self._different)
        waiting, count = np.arange(len(vectors)), min(k + _MORE, all_groups)
        while len(waiting):
            left = []
            step = max(1, _CELLS // count)
            for rows in np.split(waiting, range(step, len(waiting), step)):
                unit = vectors[rows] / np.sqrt(squares[rows])[:, None]
                groups = self._tree.query(unit, k=np.arange(1, count + 1))[1]
                cosine = _cosine(
                    vectors[rows, None], self._different[groups], squares[rows, None], self._squares[groups]
                )
                farthest = cosine.min(axis=1)
                weight = self.size[groups]
                if own:
                    weight = weight - (groups == self.group[rows, None])
                    cosine[weight == 0] = -np.inf
                order = np.argsort(-cosine, axis=1, kind="stable")
                groups, cosine, weight = (np.take_along_axis(each, order, axis=1) for each in (groups, cosine, weight))
                place = (np.cumsum(weight, axis=1) < k).sum(axis=1)
                cut = cosine[np.arange(len(rows)), np.minimum(place, count - 1)]
                whole = (place < count) & (farthest < cut) if count < all_groups else np.ones(len(rows), dtype=bool)
                if whole.any():
                    yield Near(rows[whole], groups[whole], cosine[whole], weight[whole], cut[whole])
                left.append(rows[~whole])
            waiting, count = np.concatenate(left), min(4 * count, all_groups)

    def cuts(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return of each word the nearness of its k-th neighbour, how many are nearer, and how many are as near."""
        cut, above, at = (np.empty(len(self.vectors)) for _ in range(3))
        for near in self.nearest(self.vectors, k, own=True):
            cut[near.rows] = near.cut
            above[near.rows], at[near.rows] = near.counts(near.cut)
        return cut, above, at


def overlap(pred: np.ndarray, gold: np.ndarray, k: int) -> np.ndarray:
    """Return what `explaint_lib.metrics.neighbour_overlap_at_k` returns."""
    one, other = Directions(pred), Directions(gold)
    cut, above, at = one.cuts(k)
    part, shared = (k - above) / at, np.zeros(len(pred))
    for near in other.nearest(gold, k, own=True):
        nearer, tied = near.counts(near.cut)
        row, place = np.nonzero((near.cosine >= near.cut[:, None]) & (near.weight > 0))
        share = np.where(near.cosine[row, place] > near.cut[row], 1.0, ((k - nearer) / tied)[row])
        group = near.groups[row, place]
        # every word of these vectors
        size = other.size[group]
        which = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        neighbour = other.words[np.repeat(other.start[group], size) + which]
        word, share = np.repeat(near.rows[row], size), np.repeat(share, size)
        cosine = _cosine(pred[word], pred[neighbour], one.squares[word], one.squares[neighbour])
        of_pred = np.where(cosine > cut[word], 1.0, np.where(cosine == cut[word], part[word], 0.0))
        shared += np.bincount(word, np.where(word == neighbour, 0.0, share * of_pred), len(pred))
    return shared / k


def overlap_oracle(gold: np.ndarray, k: int) -> np.ndarray:
    """Return what `explaint_lib.metrics.neighbour_overlap_oracle` returns."""
    _, above, at = Directions(gold).cuts(k)
    return (above + (k - above) ** 2 / at) / k


def retrieval(pred: np.ndarray, gold: np.ndarray, k: int) -> np.ndarray:
    """Return what `explaint_lib.metrics.retrieval_at_k` returns."""
    found, own = np.zeros(len(pred)), _cosine(pred, gold, _products(pred, pred), _products(gold, gold))
    for near in Directions(gold).nearest(pred, k):
        above, at = near.counts(own[near.rows])
        share = np.clip((k - above) / np.maximum(at, 1), 0.0, 1.0)
        found[near.rows] = np.where(own[near.rows] >= near.cut, share, 0.0)
    return found


def alike(gold: np.ndarray) -> np.ndarray:
    """Return how many words have the direction of each word, itself included."""
    same = np.empty(len(gold))
    for near in Directions(gold).nearest(gold, 1):
        same[near.rows] = ((near.cosine >= 1.0) * near.weight).sum(axis=1)
    return same


def _cosine(a: np.ndarray, b: np.ndarray, squares_a: np.ndarray, squares_b: np.ndarray) -> np.ndarray:
    """Return the cosines of vectors beside each other, as they are compared."""
    cosine = _products(a, b) / np.sqrt(squares_a * squares_b)
    return np.round(np.clip(cosine, -1, 1, out=cosine), DECIMALS, out=cosine)


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return inner products, summed in one order, so that the same two vectors always have the same."""
    total = a[..., 0] * b[..., 0]
    for axis in range(1, a.shape[-1]):
        total = total + a[..., axis] * b[..., axis]
    return np.asarray(total)
