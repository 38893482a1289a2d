"""What a `NullExplorer` carries: vectors and norms small enough for a page, and what the library computes from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.mappers import check_folds
from explaint_lib.norms import FeatureNorms
from explaint_lib.widgets._base import as_numbers, deflate

MOST_WORDS = 600  # a page refits in a hundredth of a second, and the time grows with the square of the words


def rounded_vectors(vectors: ArrayLike) -> np.ndarray:
    """Return vectors with each dimension in 256 steps from its least to its largest value, as whole numbers (n, d).

    Ridge regression standardises each dimension, so that neither the least value nor the width of a step matters.
    """
    X = as_numbers(vectors, "vectors")
    if X.ndim != 2 or not X.size or not np.isfinite(X).all():
        raise ExplaintError(f"vectors must be finite and have the shape (word, dim), found {X.shape}")
    low, high = X.min(axis=0), X.max(axis=0)
    return np.rint((X - low) / np.where(high > low, high - low, 1.0) * 255).astype(np.uint8)


def pack_norms(values: np.ndarray) -> bytes:
    """Return sparse norms as bytes: features a word (two bytes), their columns (two bytes), their strengths (one)."""
    words, columns = np.nonzero(values)
    strengths = values[words, columns]
    if values.shape[1] > 65536 or (strengths != np.rint(strengths)).any() or strengths.max(initial=1) > 255:
        raise ExplaintError(
            "a page takes sparse norms of at most 65,536 features and strengths from 1 to 255, in whole numbers; "
            f"found {values.shape[1]} features and strengths up to {strengths.max(initial=0):g}"
        )
    counts = np.bincount(words, minlength=len(values)).astype("<u2")
    return counts.tobytes() + columns.astype("<u2").tobytes() + strengths.astype(np.uint8).tobytes()


def world_of(vectors: ArrayLike, norms: FeatureNorms, folds: ArrayLike, penalty: float) -> dict[str, Any]:
    """Check everything and return the traits `meta`, `vectors` and `cells`; arguments as `NullExplorer`'s."""
    if norms.kind != "sparse":
        raise ExplaintError(f"{norms.name}: expected sparse norms (named features), found ratings")
    n, X, labels = len(norms.words), rounded_vectors(vectors), np.asarray(folds)
    if len(X) != n:
        raise ExplaintError(f"vectors must have one row for each of {n} words, found {len(X)}")
    if not 12 <= n <= MOST_WORDS:
        raise ExplaintError(f"a page refits norms of 12 to {MOST_WORDS} words, found {n}: give it a part of them")
    check_folds(labels, n)
    if not (math.isfinite(penalty) and penalty > 0):
        raise ExplaintError(f"penalty must be a positive number, found {penalty}")
    categories: Sequence[str | None] = norms.categories or [None] * n
    names = sorted({kind for kind in categories if kind is not None})
    meta = dict(
        n=n,
        p=X.shape[1],
        m=norms.values.shape[1],
        words=list(norms.word_forms),
        kinds=[-1 if kind is None else names.index(kind) for kind in categories],
        folds=np.unique(labels, return_inverse=True)[1].tolist(),
        penalty=float(penalty),
    )
    return dict(meta=meta, vectors=deflate(np.ascontiguousarray(X.T).tobytes()), cells=deflate(pack_norms(norms.values)))
