"""Out-of-fold predictions of one set of word vectors, for any number of targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_array
from threadpoolctl import threadpool_limits

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import sparse_if_lighter
from explaint_lib.mappers._folds import check_folds
from explaint_lib.mappers._linear import MeanProfile, Ridge, SharedRidge
from explaint_lib.mappers._pls import PLSR, FittedTargets, ManyTrainingWords, TrainingWords, fit_itself

_MANY = 8192  # words from which what a fold shares between targets is made of sums over words


class CrossFit:
    """A mapper, word vectors and folds: predicts any target of these words, each fold from all the others.

    What belongs to the vectors and folds alone (standardising, factorising, the leave-one-out weights of ridge) is
    computed at the first use and kept for any number of targets: conditions, permutations, random norms. `PLSR` and
    `Ridge` share it; other estimators are fitted anew for each fold and target. Sparse targets stay sparse.

    Parameters
    ----------
    mapper : estimator
        Cloned for every fold and never changed. A scikit-learn pipeline will do.
    X : array of shape (n_words, n_dims)
        Word vectors.
    folds : array of int, shape (n_words,)
        One label a word, at least two labels. Any grouping will do: `make_folds`, or categories to hold out.

    Raises
    ------
    ExplaintError
        If `X` has not two axes, lengths differ or there is only one fold; at the first prediction, if a number of the
        mapper is out of range.
    ValueError
        If `X` holds NaN or infinity and the mapper cannot take them.

    Warnings
    --------
    For a permutation null permute the rows of the *target*, ``predict(Y[permutation])``, and score against that same
    permuted target. All of the fit is repeated, the standard deviations of the training columns included: rows that
    cross from training to test words change them.

    Notes
    -----
    With the norms themselves as input (`itself`) PLSR is principal component analysis: the prediction of a held-out
    word is its own vector, projected on the leading components of the others. That is computed as such, without a
    words-by-words matrix where norms are large and sparse.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 5))
    >>> Y = X @ rng.standard_normal((5, 3))
    >>> cross = mappers.CrossFit(mappers.Ridge(), X, mappers.make_folds(40, 4, rng=rng))
    >>> bool(np.abs(cross.predict(Y) - Y).max() < 0.1)
    True
    >>> null = [cross.predict(Y[rng.permutation(40)]) for _ in range(3)]
    >>> len(null), null[0].shape
    (3, (40, 3))
    """

    def __init__(self, mapper: BaseEstimator, X: ArrayLike, folds: ArrayLike) -> None:
        self.mapper: Any = mapper
        try:
            self.folds = np.asarray(folds)
        except ValueError:  # pairs of rows of different lengths, as ``KFold().split`` yields
            raise ExplaintError(
                "folds are one label a word (as `make_folds` returns), not lists of training and test rows: "
                "folds = np.empty(n_words, int), then folds[test] = label for each test part"
            ) from None
        # by type, not isinstance: a subclass may fit otherwise
        self._shares = type(mapper) in (PLSR, Ridge)
        _check_two_axes("X (words, dims)", X)
        self.X: np.ndarray = check_array(X, dtype=np.float64, ensure_all_finite=True if self._shares else "allow-nan")
        self._splits = check_folds(self.folds, len(self.X))
        self._shared: list = []
        self._sums: ManyTrainingWords | None = None

    @property
    def kept_bytes(self) -> int:
        """The memory of what is kept for any number of targets, once there has been a prediction."""
        n, p = self.X.shape
        if type(self.mapper) is PLSR and self._many:
            return len(self._splits) * p * p * self.X.itemsize
        return len(self._splits) * self.X.nbytes if self._shares else 0

    @property
    def _many(self) -> bool:
        return len(self.X) > max(_MANY, 2 * self.X.shape[1])

    def itself(self, Y: ArrayLike) -> CrossFit:
        """Return the same mapper and folds with the norms `Y` as their own input: ``itself(Y).predict(Y)``.

        Missing cells of the *input* are filled with the mean of the training words of each fold.
        """
        mapper = self.mapper
        if np.isnan(np.asarray(Y, dtype=np.float64)).any():
            mapper = make_pipeline(SimpleImputer(keep_empty_features=True), mapper)
        return CrossFit(mapper, Y, self.folds)

    def predict(self, Y: ArrayLike) -> np.ndarray:
        """Predict every word of every fold from the other folds.

        Parameters
        ----------
        Y : array of shape (n_words, n_features)
            NaN marks a missing cell; such a cell gets a prediction like any other.

        Returns
        -------
        array of shape (n_words, n_features)

        Raises
        ------
        ExplaintError
            If `Y` has not two axes, another number of words, or a feature observed in no training word of some fold.
        """
        if type(self.mapper) is PLSR:
            return self.predict_path(Y, [self.mapper.n_components])[0]
        Y = self._checked(Y)
        predicted = np.empty(Y.shape)
        if self._shares:
            target = sparse_if_lighter(Y)
            for (train, test), (ridge, places) in zip(self._splits, self._of_words(), strict=True):
                predicted[test] = ridge.predict(target[train], places)
            return predicted
        for train, test in self._splits:
            predicted[test] = clone(self.mapper).fit(self.X[train], Y[train]).predict(self.X[test])
        return predicted

    @threadpool_limits.wrap(limits=1)  # many small products, which a second thread makes slower
    def predict_path(self, Y: ArrayLike, components: Sequence[int]) -> np.ndarray:
        """Predict with each of several component counts of `PLSR`, at the cost of one fit a fold.

        Parameters
        ----------
        Y : array of shape (n_words, n_features)
        components : sequence of int
            Counts from 0 (the training mean) up; the mapper's `n_components` is not used. Counts beyond what the rank
            allows give the same as the largest possible.

        Returns
        -------
        array of shape (len(components), n_words, n_features)

        Raises
        ------
        ExplaintError
            As `predict`; and if the mapper has no components or a count is negative.

        Examples
        --------
        >>> from explaint_lib import mappers
        >>> rng = np.random.default_rng(0)
        >>> X, Y = rng.standard_normal((40, 5)), rng.random((40, 3))
        >>> cross = mappers.CrossFit(mappers.PLSR(), X, mappers.make_folds(40, 4, rng=rng))
        >>> cross.predict_path(Y, [1, 5]).shape
        (2, 40, 3)
        """
        if type(self.mapper) is not PLSR or not len(components) or min(components) < 0:
            name = type(self.mapper).__name__
            raise ExplaintError(f"expected the mapper PLSR and counts from 0, got {name} and {list(components)}")
        Y = self._checked(Y)
        path = np.empty((len(components), *Y.shape))
        for (_, test), (fit, scores) in zip(self._splits, self._placed(Y, max(1, *components)), strict=True):
            for out, count in zip(path, components, strict=True):
                out[test] = fit.predict(scores, min(count, scores.shape[1]))
        return path

    @threadpool_limits.wrap(limits=1)
    def predict_compact(self, Y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Predict, and return shorter vectors of the same geometry as well.

        Parameters
        ----------
        Y : array of shape (n_words, n_features)

        Returns
        -------
        predicted : array of shape (n_words, n_features)
            As `predict`.
        compact : array of shape (n_words, r)
            Vectors with the same inner products as the rows of `predicted`, hence the same cosines and neighbours; r is
            at most (n_components + 1) times the number of folds. `predicted` itself where that is no smaller.

        Raises
        ------
        ExplaintError
            As `predict`.
        """
        Y = self._checked(Y)
        short = (getattr(self.mapper, "n_components", 0) + 1) * len(self._splits)
        if type(self.mapper) is not PLSR or 2 * short > Y.shape[1] or np.isnan(Y).any():
            return (self.predict(Y),) * 2
        predicted, places, bases = np.empty(Y.shape), [], []
        for (_, test), (fit, scores) in zip(self._splits, self._placed(Y, self.mapper.n_components), strict=True):
            predicted[test] = fit.predict(scores, scores.shape[1])
            places.append(np.column_stack([scores, np.ones(len(scores))]))
            bases.append(np.column_stack([fit.loadings * fit.std[:, None], fit.mean]))
        R = np.asarray(np.linalg.qr(np.hstack(bases), mode="r"))  # all folds' predictions lie in the span of the bases
        compact, start = np.empty((len(Y), len(R))), 0
        for (_, test), place in zip(self._splits, places, strict=True):
            compact[test] = place @ R[:, start : start + place.shape[1]].T
            start += place.shape[1]
        return predicted, compact

    def weights(self, Y: ArrayLike) -> np.ndarray:
        """Return of how much of each training word's row the predictions of `PLSR`, `Ridge` and `MeanProfile` are sums.

        Parameters
        ----------
        Y : array of shape (n_words, n_features)
            The target; it decides the penalty of `Ridge` and the components of `PLSR`.

        Returns
        -------
        array of shape (n_words, n_words)
            (word, training word): ``predict(Y) = weights @ Y``, 0 within a fold, each row summing to 1. Where cells of
            `Y` are missing, the weights of features that miss none.

        Raises
        ------
        ExplaintError
            As `predict`; and for other mappers, whose predictions need not be such sums.

        Examples
        --------
        >>> from explaint_lib import mappers
        >>> rng = np.random.default_rng(0)
        >>> X, Y = rng.standard_normal((40, 5)), rng.random((40, 3))
        >>> cross = mappers.CrossFit(mappers.PLSR(2), X, mappers.make_folds(40, 4, rng=rng))
        >>> bool(np.allclose(cross.weights(Y) @ Y, cross.predict(Y)))
        True
        """
        Y = self._checked(Y)
        if type(self.mapper) not in (PLSR, Ridge, MeanProfile):
            raise ExplaintError(f"expected the mapper PLSR, Ridge or MeanProfile, got {type(self.mapper).__name__}")
        weights = np.zeros((len(Y), len(Y)))
        for train, test in self._splits:
            weights[np.ix_(test, train)] = 1 / len(train)
        if type(self.mapper) is PLSR:
            for (train, test), (fit, scores) in zip(self._splits, self._fits(Y, self.mapper.n_components), strict=True):
                weights[np.ix_(test, train)] += scores @ fit.scores.T
        elif type(self.mapper) is Ridge:
            target = sparse_if_lighter(Y)
            for (train, test), (ridge, places) in zip(self._splits, self._of_words(), strict=True):
                weights[np.ix_(test, train)] += ridge.weights(target[train], places)
        return weights

    def choose_components(
        self, Y: ArrayLike, candidates: Sequence[int], score: Callable[[np.ndarray, np.ndarray], float]
    ) -> tuple[int, np.ndarray]:
        """Choose the component count of `PLSR` by cross-validation within these words.

        **Training words only**: words that will be scored later must be neither in `X` nor in `Y`.

        Parameters
        ----------
        Y : array of shape (n_words, n_features)
        candidates : sequence of int
        score : callable (predicted, gold) -> float
            Larger is better.

        Returns
        -------
        best : int
            The candidate with the highest score, the smallest of them when tied.
        scores : array of shape (len(candidates),)

        Raises
        ------
        ExplaintError
            As `predict_path`.

        Examples
        --------
        >>> from explaint_lib import mappers
        >>> rng = np.random.default_rng(0)
        >>> X = rng.standard_normal((60, 8))
        >>> Y = X @ rng.standard_normal((8, 4)) + 0.1 * rng.standard_normal((60, 4))
        >>> def score(predicted, gold):
        ...     return -float(np.mean((predicted - gold) ** 2))
        >>> cross = mappers.CrossFit(mappers.PLSR(), X, mappers.make_folds(60, 3, rng=rng))
        >>> best, scores = cross.choose_components(Y, [0, 4], score)
        >>> best
        4
        """
        gold = np.asarray(Y, dtype=np.float64)
        scores = np.array([score(predicted, gold) for predicted in self.predict_path(Y, candidates)])
        return min(int(c) for c, s in zip(candidates, scores, strict=True) if s == scores.max()), scores

    def _of_words(self) -> list:
        """Return for each fold what fits to any target share: the training words' side, and the places of its own."""
        if not self._shared:
            for train, test in self._splits:
                words: TrainingWords | SharedRidge
                if type(self.mapper) is PLSR:
                    words = TrainingWords(self.X[train], self.mapper.scale)
                else:
                    words = SharedRidge(self.X[train], self.mapper.alphas)
                self._shared.append((words, words.place(self.X[test])))
        return self._shared

    def _placed(self, Y: np.ndarray, most: int) -> Iterator[tuple[FittedTargets, np.ndarray]]:
        """Yield what `_fits` yields, of many words without the scores of the training words."""
        itself = Y.shape == self.X.shape and np.array_equal(Y, self.X)
        if not self._many or itself or np.isnan(Y).any() or self.mapper.n_components < 1:
            return self._fits(Y, most)
        if self._sums is None:
            self._sums = ManyTrainingWords(self.X, [test for _, test in self._splits], self.mapper.scale)
        return self._sums.fits(sparse_if_lighter(Y), most)

    def _fits(self, Y: np.ndarray, most: int) -> Iterator[tuple[FittedTargets, np.ndarray]]:
        """Yield for each fold the fit of PLSR to the others and the scores of its own words, (n_test, a)."""
        if self.mapper.n_components < 1:
            raise ExplaintError(f"n_components must be at least 1, got {self.mapper.n_components}")
        target = sparse_if_lighter(Y)
        if Y.shape == self.X.shape and np.array_equal(Y, self.X):
            for train, test in self._splits:
                fit = fit_itself(target[train], most, self.mapper.scale)
                turned = fit.loadings / (fit.loadings**2).sum(axis=0) / fit.std[:, None]  # (m, a)
                yield fit, target[test] @ turned - fit.mean @ turned
            return
        for (train, _), (words, places) in zip(self._splits, self._of_words(), strict=True):
            fit, rho = words.fit(target[train], most)
            yield fit, places @ rho.T

    def _checked(self, Y: ArrayLike) -> np.ndarray:
        _check_two_axes("Y (words, features)", Y)
        checked: np.ndarray = check_array(Y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_folds(self.folds, len(checked), checked)
        return checked


def _check_two_axes(name: str, given: ArrayLike) -> None:
    if np.ndim(given) != 2:
        raise ExplaintError(f"{name} must have two axes, one row a word; found the shape {np.shape(given)}")
