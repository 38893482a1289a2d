"""What a finished table of norms cannot be: cells that its kind does not allow, rows and columns that say nothing.

What it controls for: words without any feature, and features on which all words agree, which are no target. What it
does not license: trusting the other cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Kind = Literal["sparse", "dense"]


def faults(values: np.ndarray, kind: Kind, words: Sequence[str], features: Sequence[str]) -> list[str]:
    """Say of a table all that cannot be: cells of its kind, rows and columns that say nothing.

    Parameters
    ----------
    values : ndarray of shape (n_words, n_features)
    kind : {"sparse", "dense"}
    words, features : sequence of str
        The labels, for the messages.
    """
    found = []
    if np.isinf(values).any():
        found.append(f"every cell must be finite, {int(np.isinf(values).sum())} are infinite")
    if kind == "sparse":
        if missing := int(np.isnan(values).sum()):
            found.append(
                f"sparse norms cannot hold missing cells, found {missing}; write 0 for a feature that was not named, "
                "or declare the norms dense if the cells are ratings that are missing"
            )
        if (values < 0).any():
            found.append(
                f"production strengths cannot be negative, {int((values < 0).sum())} are; if these are ratings, "
                "declare the norms dense"
            )
    if found:
        return found
    said = ("missing everywhere", "constant or missing everywhere") if kind == "dense" else ("zero everywhere",) * 2
    for axis, labels, what, fault in ((1, words, "words", said[0]), (0, features, "features", said[1])):
        bare = np.flatnonzero(uninformative(values, kind, axis))
        if len(bare):
            shown = quoted([labels[int(i)] for i in bare])
            found.append(f"{len(bare)} {what} are {fault} and say nothing: {shown}; remove them")
    return found


def uninformative(values: np.ndarray, kind: Kind, axis: int) -> np.ndarray:
    """Flag each row (axis=1) or column (axis=0) that is all zero (sparse); all missing, or a constant column (dense).

    A word may have the same rating on every dimension, which is common where there are few; a dimension on which all
    words are equal is no target.
    """
    if kind == "sparse":
        return np.logical_not((values > 0).any(axis=axis))
    missing = np.isnan(values)
    if axis == 1:
        return np.asarray(missing.all(axis=1))
    lowest = np.where(missing, np.inf, values).min(axis=0)
    highest = np.where(missing, -np.inf, values).max(axis=0)
    return ~(highest > lowest)


def quoted(labels: Sequence[object], limit: int = 5) -> str:
    """Quote a few labels for an error message."""
    return ", ".join(repr(label) for label in labels[:limit]) + (", ..." if len(labels) > limit else "")
