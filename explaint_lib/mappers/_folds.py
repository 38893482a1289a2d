"""Mappers by name, and folds over words."""

from __future__ import annotations

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import Mapper
from explaint_lib.mappers._ffnn import FFNN
from explaint_lib.mappers._linear import MeanProfile, Ridge
from explaint_lib.mappers._pls import PLSR

MAPPERS = ("plsr", "ffnn", "ridge", "mean")


def make_mapper(name: str, *, components: int = 50, seed: int = 0) -> Mapper:
    """Return an unfitted mapper by its short name.

    Parameters
    ----------
    name : {"plsr", "ffnn", "ridge", "mean"}
    components : int, default=50
        Used by ``plsr``.
    seed : int, default=0
        Used by ``ffnn``.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> mappers.make_mapper("plsr", components=20)
    PLSR(n_components=20)
    """
    if name == "plsr":
        return PLSR(n_components=components)
    if name == "ffnn":
        return FFNN(random_state=seed)
    if name == "ridge":
        return Ridge()
    if name == "mean":
        return MeanProfile()
    raise ExplaintError(f"unknown mapper {name!r}; choose one of {', '.join(MAPPERS)}")


def make_folds(n: int, n_folds: int, *, rng: np.random.Generator) -> np.ndarray:
    """Assign `n` words to `n_folds` folds at random, sizes differing by at most one.

    Returns
    -------
    array of int, shape (n,)
        Fold labels 0 to ``n_folds - 1``. Make them once and use them for every condition, so that
        differences are paired.

    Raises
    ------
    ExplaintError
        If there are fewer than two folds, or more folds than words.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> np.bincount(mappers.make_folds(10, 3, rng=np.random.default_rng(0))).tolist()
    [4, 3, 3]
    """
    if not 2 <= n_folds <= n:
        raise ExplaintError(f"the number of folds must be between 2 and the number of words ({n}), got {n_folds}")
    return rng.permutation(np.arange(n) % n_folds)


def check_folds(folds: np.ndarray, n: int, Y: np.ndarray | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (training rows, test rows) for each fold, once it is sure that `Y` can be learned from each.

    Parameters
    ----------
    folds : array of shape (n,)
        One label a word.
    n : int
        Number of words.
    Y : array of shape (n, n_features), optional
        NaN marks a missing cell.

    Raises
    ------
    ExplaintError
        If lengths differ, if there is only one fold, or if a feature is observed in no training word of some fold.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> [(train.tolist(), test.tolist()) for train, test in mappers.check_folds(np.array([0, 1, 0]), 3)]
    [([1], [0, 2]), ([0, 2], [1])]
    """
    if folds.shape != (n,):
        raise ExplaintError(
            "X (words, dims), Y (words, features) and folds (words,) must have one row a word; "
            f"got folds of shape {folds.shape} for {n} words"
        )
    labels = np.unique(folds)
    if len(labels) < 2:
        raise ExplaintError(f"at least two folds are needed, the labels hold only {labels.tolist()}")
    if Y is not None and (missing := np.isnan(Y)).any():
        for label in labels:
            unseen = np.flatnonzero(missing[folds != label].all(axis=0))
            if len(unseen):
                raise ExplaintError(
                    f"feature column {unseen[0]} (and {len(unseen) - 1} more) has no observed value outside "
                    f"fold {label}: drop the feature, or use folds that spread its words"
                )
    return [(np.flatnonzero(folds != label), np.flatnonzero(folds == label)) for label in labels]
