"""What the controls check of their input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError


def matrix(Y: np.ndarray) -> np.ndarray:
    """Return `Y` as floats, or say why it is no matrix of norms."""
    Y = np.asarray(Y, dtype=np.float64)
    if Y.ndim != 2 or Y.size == 0:
        raise ExplaintError(f"norms must be a non-empty (word, feature) matrix, found shape {Y.shape}")
    return Y


def members(categories: Sequence[str]) -> list[np.ndarray]:
    """Return the row numbers of each category, categories in order of first appearance."""
    without = [row for row, category in enumerate(categories) if category is None]
    if without:
        raise ExplaintError(
            f"{len(without)} of {len(categories)} words have no category (first: row {without[0]}); "
            "take the subset of words that have one"
        )
    if len(categories) == 0:
        raise ExplaintError("a permutation by category needs at least 1 word, found none")
    rows_of: dict[str, list[int]] = {}
    for row, category in enumerate(categories):
        rows_of.setdefault(category, []).append(row)
    return [np.array(rows, dtype=np.intp) for rows in rows_of.values()]


def vectors(X: np.ndarray) -> np.ndarray:
    """Return word vectors as finite floats, or say why they are none."""
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.size == 0:
        raise ExplaintError(f"word vectors must be a non-empty (word, dim) matrix, found shape {X.shape}")
    if not np.isfinite(X).all():
        raise ExplaintError(f"{np.count_nonzero(~np.isfinite(X).all(axis=1))} word vectors hold NaN or infinity")
    return X
