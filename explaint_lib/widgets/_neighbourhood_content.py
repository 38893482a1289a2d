"""What a `NeighbourhoodExplorer` carries: its arguments checked, and turned into the traits that its page reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.metrics import cosines, neighbour_overlap_at_k
from explaint_lib.widgets._base import as_numbers, deflate

NOBODY = 0xFFFF  # stands for "no neighbour": the word's vector is zero under that condition


def content_of(
    words: Any,
    conditions: Any,
    *,
    gold: str,
    k: int,
    categories: Any = None,
    projection: Any = None,
    features: Any = None,
    controls: Sequence[str] = (),
) -> dict[str, Any]:
    """Check everything and return the traits `meta`, `data` and `places`; arguments as `NeighbourhoodExplorer`'s."""
    words = [str(w) for w in words]
    _check(words, conditions, gold, k)
    names = [gold, *(c for c in conditions if c != gold)]  # gold first, as on the page
    if strange := set(controls) - set(names[1:]):
        raise ExplaintError(f"controls names {sorted(strange)}; the conditions beside {gold!r} are {names[1:]}")
    vectors = [_vectors(conditions[name], f"conditions[{name!r}]", len(words)) for name in names]
    lists = np.stack([nearest(of_words, k) for of_words in vectors])
    meta = dict(
        words=words,
        conditions=names,
        k=k,
        overlap=[_mean_overlap(vectors[0], other, k) for other in vectors],
        controls=[name for name in names if name in controls],
        categories=_aligned(categories, len(words), "categories"),
        **_features(features, len(words)),
    )
    # (condition, rank, word): neighbours of one rank side by side, low bytes apart from high ones, compress best
    low_high = np.stack([lists & 0xFF, lists >> 8]).astype(np.uint8).transpose(0, 1, 3, 2)
    return dict(meta=meta, data=deflate(low_high.tobytes()), places=_places(projection, len(words)))


def _vectors(given: ArrayLike, what: str, n: int) -> np.ndarray:
    """Return the vectors of a condition, (n, d), or say what is wrong with them."""
    array = as_numbers(given, what)
    if array.ndim != 2 or len(array) != n:
        raise ExplaintError(f"{what} must have the shape (word, dim) with {n} words, found {array.shape}")
    if not np.isfinite(array).all():
        raise ExplaintError(f"{what} holds missing or infinite values; fill or drop them first")
    return array


def nearest(vectors: np.ndarray, k: int) -> np.ndarray:
    """Return the `k` nearest other rows by cosine, shape (n, k), nearest first, 65535 where there is none."""
    n, empty = len(vectors), (vectors == 0).all(axis=1)
    out = np.full((n, k), NOBODY, dtype=np.uint16)
    for start in range(0, n, 512):  # blocks: all pairs of 10,000 words would not fit in memory
        block = cosines(vectors[start : start + 512], vectors)  # (block, word)
        block[:, empty] = -np.inf
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
        least = -np.partition(-block, k - 1, axis=1)[:, k - 1]
        for row, (similarity, limit) in enumerate(zip(block, least, strict=True)):
            if not empty[start + row]:
                able = np.flatnonzero((similarity >= limit) & (similarity > -np.inf))
                chosen = able[np.argsort(-similarity[able], kind="stable")][:k]
                out[start + row, : len(chosen)] = chosen
    return out


def _mean_overlap(gold: np.ndarray, other: np.ndarray, k: int) -> float:
    """Return the mean share of a word's neighbours that are its gold neighbours, over words with both vectors."""
    both = (gold != 0).any(axis=1) & (other != 0).any(axis=1)
    n = int(both.sum())
    if n <= k:  # all others are neighbours, under either condition
        return round(max(n - 1, 0) / k, 4)
    return round(float(neighbour_overlap_at_k(other[both], gold[both], k).mean()), 4)


def principal_plane(gold: np.ndarray) -> np.ndarray | None:
    """Return the places of words on a map, (n, 2): their norms' first two principal components; None if there is one.

    Each word's norms have length 1, so that words of many features do not lie apart for that alone.
    """
    from sklearn.decomposition import PCA  # slow to import, and only a table of norms needs it

    if min(gold.shape) < 2:
        return None
    length = np.linalg.norm(gold, axis=1, keepdims=True)
    return PCA(n_components=2, random_state=0).fit_transform(gold / np.where(length > 0, length, 1.0))


def _check(words: list[str], conditions: Mapping[str, ArrayLike], gold: str, k: int) -> None:
    if len(set(words)) != len(words):
        twice = next(w for w in words if words.count(w) > 1)
        raise ExplaintError(f"words must be unique, but {twice!r} occurs more than once")
    if not 2 <= len(words) < NOBODY:
        raise ExplaintError(f"expected 2 to {NOBODY - 1} words, found {len(words)}")
    if not 1 <= k < len(words):
        raise ExplaintError(f"k must be from 1 to {len(words) - 1} (one less than the words), found {k}")
    if gold not in conditions:
        raise ExplaintError(f"gold={gold!r} is not among the conditions {sorted(conditions)}")


def _aligned(values: Sequence | None, n: int, what: str) -> list | None:
    if values is not None and len(values) != n:
        raise ExplaintError(f"{what} must have one entry for each of {n} words, found {len(values)}")
    if values is None or all(v is None for v in values):
        return None
    return [None if v is None else str(v) for v in values]


def _features(features: Sequence[Sequence[str]] | None, n: int) -> dict[str, list | None]:
    """Return the features as one list of names and, for each word, the places of its own in it."""
    if features is None:
        return dict(feature_names=None, features=None)
    if len(features) != n:
        raise ExplaintError(f"features must have one list for each of {n} words, found {len(features)}")
    names = sorted({str(f) for own in features for f in own})
    place = {name: i for i, name in enumerate(names)}
    return dict(feature_names=names, features=[sorted(place[str(f)] for f in own) for own in features])


def _places(projection: ArrayLike | None, n: int) -> bytes:
    """Return the map as two bytes a coordinate, both axes scaled alike to the unit square."""
    if projection is None:
        return b""
    array = as_numbers(projection, "projection")
    if array.shape != (n, 2) or not np.isfinite(array).all():
        raise ExplaintError(f"projection must be finite and have the shape {(n, 2)}, found {array.shape}")
    low, high = array.min(axis=0), array.max(axis=0)
    span = float((high - low).max()) or 1.0
    unit = (array - (low + high) / 2) / span + 0.5
    return deflate(np.rint(unit * 65535).astype("<u2").tobytes())
