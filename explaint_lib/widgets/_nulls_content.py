"""What a `NullExplorer` carries: vectors and norms small enough for a page, and what the library computes from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib import controls, metrics
from explaint_lib._common import ExplaintError
from explaint_lib.mappers import CrossFit, MeanProfile, Ridge, check_folds
from explaint_lib.norms import FeatureNorms
from explaint_lib.widgets._base import as_numbers, deflate

MOST_WORDS = 600  # a page refits in a hundredth of a second, and the time grows with the square of the words
FEW_DRAWS = 3  # of each control in the table for print
CONTROLS = {
    "shuffled": "columns shuffled",
    "permuted_pairing": "rows permuted",
    "permuted_within": "rows permuted within the category",
    "rewired": "rewired",
    "random": "random cells",
    "constant": "the constant",
}
SCORES = {"f1": "F1@10", "overlap": "overlap@10", "two": "two alternatives in the category"}


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
    return dict(
        meta=meta, vectors=deflate(np.ascontiguousarray(X.T).tobytes()), cells=deflate(pack_norms(norms.values))
    )


def library_scores(
    vectors: ArrayLike,
    norms: FeatureNorms,
    folds: ArrayLike,
    penalty: float,
    scores: Sequence[str],
    *,
    target: np.ndarray | None = None,
    constant: bool = False,
) -> dict[str, float]:
    """Return the mean scores of the norms, or of others in their place, from the vectors that the page carries."""
    Y = norms.values if target is None else target
    mapper = MeanProfile() if constant else Ridge([penalty])
    guess = CrossFit(mapper, rounded_vectors(vectors).astype(float), folds).predict(Y)
    found = {
        "f1": lambda: metrics.f1_at_k(guess, Y),
        "overlap": lambda: metrics.neighbour_overlap_at_k(guess, Y),
        "two": lambda: metrics.two_alternative(guess, Y, norms.categories or [], folds=folds),
    }
    return {name: float(np.nanmean(found[name]())) for name in scores}


def drawn_scores(
    control: str,
    vectors: ArrayLike,
    norms: FeatureNorms,
    folds: ArrayLike,
    penalty: float,
    scores: Sequence[str],
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return the mean scores of a few draws of a control."""
    if control == "constant":
        return library_scores(vectors, norms, folds, penalty, scores, constant=True)
    Y = norms.values
    draw = {
        "shuffled": lambda: controls.shuffle_columns(Y, rng=rng),
        "permuted_pairing": lambda: Y[controls.permute_rows(len(Y), rng=rng)],
        "permuted_within": lambda: Y[controls.permute_within(list(map(str, norms.categories or [])), rng=rng)],
        "rewired": lambda: controls.curveball(Y, rng=rng),
        "random": lambda: controls.random_like(Y, "sparse", rng=rng),
    }[control]
    drawn = [library_scores(vectors, norms, folds, penalty, scores, target=draw()) for _ in range(FEW_DRAWS)]
    return {name: float(np.mean([one[name] for one in drawn])) for name in scores}
