"""Mappers by name, folds over words, and out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import Mapper
from explaint_lib.mappers._ffnn import FFNN
from explaint_lib.mappers._linear import MeanProfile, Ridge
from explaint_lib.mappers._pls import PLSR

_ONE_ROW = "X (words, dims), Y (words, features) and folds (words,) must have one row a word; "
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


def cross_val_predict(mapper: Mapper, X: ArrayLike, Y: ArrayLike, folds: ArrayLike) -> np.ndarray:
    """Predict each fold by a fresh clone of `mapper` fitted on all the others.

    Parameters
    ----------
    mapper : estimator
        Cloned for every fold and never changed.
    X : array of shape (n_words, n_dims)
    Y : array of shape (n_words, n_features)
        NaN marks a missing cell; such a cell gets a prediction like any other.
    folds : array of int, shape (n_words,)
        One label a word, at least two labels. Any grouping will do: `make_folds`, or categories to hold out.

    Returns
    -------
    array of shape (n_words, n_features)

    Raises
    ------
    ExplaintError
        If lengths differ, if there is only one fold, or if a feature is observed in no training word of
        some fold.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 5))
    >>> Y = X @ rng.standard_normal((5, 3))
    >>> folds = mappers.make_folds(40, 4, rng=rng)
    >>> predicted = mappers.cross_val_predict(mappers.Ridge(), X, Y, folds)
    >>> bool(np.abs(predicted - Y).max() < 0.1)
    True
    """
    X, Y, splits = _splits(X, Y, folds)
    predicted = np.empty(Y.shape)
    for train, test in splits:
        predicted[test] = clone(mapper).fit(X[train], Y[train]).predict(X[test])
    return predicted


def cross_val_predict_path(
    mapper: PLSR, X: ArrayLike, Y: ArrayLike, folds: ArrayLike, components: Sequence[int]
) -> np.ndarray:
    """Predict out of fold with each of several component counts, at the cost of one fit a fold.

    Returns
    -------
    array of shape (len(components), n_words, n_features)
        As `cross_val_predict` with ``PLSR(n_components=c)`` for each c; the mapper's own `n_components` is
        not used.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 5))
    >>> Y = X @ rng.standard_normal((5, 3))
    >>> folds = mappers.make_folds(40, 4, rng=rng)
    >>> path = mappers.cross_val_predict_path(mappers.PLSR(), X, Y, folds, [1, 5])
    >>> path.shape
    (2, 40, 3)
    """
    X, Y, splits = _splits(X, Y, folds)
    if not len(components):
        raise ExplaintError("expected at least one component count, got none")
    path = np.empty((len(components), *Y.shape))
    for train, test in splits:
        fitted = clone(mapper).set_params(n_components=max(components)).fit(X[train], Y[train])
        path[:, test] = fitted.predict_path(X[test], components)
    return path


def choose_components(
    X: ArrayLike,
    Y: ArrayLike,
    candidates: Sequence[int],
    folds: ArrayLike,
    score: Callable[[np.ndarray, np.ndarray], float],
    *,
    scale: bool = True,
) -> tuple[int, np.ndarray]:
    """Choose the component count of `PLSR` by cross-validation within the given words.

    Parameters
    ----------
    X, Y : arrays of shape (n_words, n_dims) and (n_words, n_features)
        **Training words only**: words that will be scored later must not be here.
    candidates : sequence of int
    folds : array of int, shape (n_words,)
        Inner folds, over the words of `X`.
    score : callable (predicted, gold) -> float
        Larger is better.
    scale : bool, default=True
        As in `PLSR`.

    Returns
    -------
    best : int
        The candidate with the highest score, the smallest of them when tied.
    scores : array of shape (len(candidates),)

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 8))
    >>> Y = X @ rng.standard_normal((8, 4)) + 0.1 * rng.standard_normal((60, 4))
    >>> def score(predicted, gold):
    ...     return -float(np.mean((predicted - gold) ** 2))
    >>> best, scores = mappers.choose_components(X, Y, [0, 4], mappers.make_folds(60, 3, rng=rng), score)
    >>> best
    4
    """
    path = cross_val_predict_path(PLSR(scale=scale), X, Y, folds, candidates)
    gold = np.asarray(Y, dtype=np.float64)
    scores = np.array([score(predicted, gold) for predicted in path])
    best = min(int(c) for c, s in zip(candidates, scores, strict=True) if s == scores.max())
    return best, scores


def _splits(
    X: ArrayLike, Y: ArrayLike, folds: ArrayLike
) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    X, Y, folds = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64), np.asarray(folds)
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y):
        raise ExplaintError(_ONE_ROW + f"got {X.shape}, {Y.shape} and {folds.shape}")
    return X, Y, splits_of(folds, len(X), Y)


def splits_of(folds: np.ndarray, n: int, Y: np.ndarray | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (training rows, test rows) for each fold label, and check that `Y` can be learned from each."""
    if folds.shape != (n,):
        raise ExplaintError(_ONE_ROW + f"got folds of shape {folds.shape} for {n} words")
    labels = np.unique(folds)
    if len(labels) < 2:
        raise ExplaintError(f"at least two folds are needed, the labels hold only {labels.tolist()}")
    missing = None if Y is None else np.isnan(Y)
    for label in labels if missing is not None and missing.any() else ():
        unseen = np.flatnonzero(missing[folds != label].all(axis=0))
        if len(unseen):
            raise ExplaintError(
                f"feature column {unseen[0]} (and {len(unseen) - 1} more) has no observed value outside "
                f"fold {label}: drop the feature, or use folds that spread its words"
            )
    return [(np.flatnonzero(folds != label), np.flatnonzero(folds == label)) for label in labels]
