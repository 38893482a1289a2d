"""Cross-validation of many targets on the same words: the work on X is done once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import sparse_if_lighter
from explaint_lib.mappers._folds import splits_of
from explaint_lib.mappers._linear import ALPHAS, SharedRidge
from explaint_lib.mappers._pls import FittedTargets, TrainingWords, fit_itself


class SharedFolds:
    """Out-of-fold predictions of one X for any number of targets: conditions, permutations, random norms.

    Gives what `cross_val_predict` gives with ``PLSR(n_components, scale)`` or ``Ridge(alphas)``, up to rounding. What
    depends on X and the folds alone (standardising, factorising, the leave-one-out weights of ridge) is computed at
    the first use and kept; sparse targets stay sparse.

    Parameters
    ----------
    X : array of shape (n_words, n_dims)
        Word vectors, finite.
    folds : array of int, shape (n_words,)
        One label a word, at least two labels.
    mapper : {"plsr", "ridge"}
    n_components : int, default=50
        Used by ``plsr``.
    scale : bool, default=True
        Used by ``plsr``, as in `PLSR`.
    alphas : sequence of float
        Used by ``ridge``, as in `Ridge`.

    Raises
    ------
    ExplaintError
        If lengths differ, if there is only one fold, or if a name or number is out of range.

    Warnings
    --------
    For a permutation null permute the rows of the *target*, ``predict(Y[permutation])``, and score against that same
    permuted target. All of the fit is repeated, the standard deviations of the training columns included: rows that
    cross from training to test words change them.

    Notes
    -----
    With the norms themselves as input (``SharedFolds(Y, folds).predict(Y)``) PLSR is principal component analysis: the
    prediction of a held-out word is its own vector, projected on the leading components of the others. That is
    computed as such, without a words-by-words matrix where norms are large and sparse.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.standard_normal((40, 5)), rng.random((40, 3))
    >>> shared = mappers.SharedFolds(X, mappers.make_folds(40, 4, rng=rng), mapper="ridge")
    >>> null = [shared.predict(Y[rng.permutation(40)]) for _ in range(3)]
    >>> len(null), null[0].shape
    (3, (40, 3))
    """

    def __init__(
        self,
        X: ArrayLike,
        folds: ArrayLike,
        *,
        mapper: Literal["plsr", "ridge"] = "plsr",
        n_components: int = 50,
        scale: bool = True,
        alphas: Sequence[float] = ALPHAS,
    ) -> None:
        if mapper not in ("plsr", "ridge"):
            raise ExplaintError(f'work can be shared by mapper "plsr" or "ridge", got {mapper!r}')
        if n_components < 1:
            raise ExplaintError(f"n_components must be at least 1, got {n_components}")
        self._X = check_array(X, dtype=np.float64)
        self._folds = np.asarray(folds)
        self._splits = splits_of(self._folds, len(self._X))
        self.mapper, self.n_components, self.scale, self.alphas = mapper, n_components, scale, alphas
        self._shared: list = []

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
            If `Y` has another number of words, or a feature is observed in no training word of some fold.
        """
        if self.mapper == "plsr":
            return self.predict_path(Y, [self.n_components])[0]
        Y = self._checked(Y)
        if not self._shared:
            self._shared = [SharedRidge(self._X[train], self.alphas) for train, _ in self._splits]
        target = sparse_if_lighter(Y)
        predicted = np.empty(Y.shape)
        for (train, test), ridge in zip(self._splits, self._shared, strict=True):
            predicted[test] = ridge.predict(target[train], self._X[test])
        return predicted

    def predict_path(self, Y: ArrayLike, components: Sequence[int]) -> np.ndarray:
        """Predict with each of several component counts of PLSR, at the cost of one fit a fold.

        Parameters
        ----------
        Y : array of shape (n_words, n_features)
        components : sequence of int
            Counts from 0 (the training mean) up; `n_components` is not used. Counts beyond what the rank allows give
            the same as the largest possible.

        Returns
        -------
        array of shape (len(components), n_words, n_features)

        Raises
        ------
        ExplaintError
            As `predict`; and if the mapper has no components or a count is negative.
        """
        if self.mapper != "plsr" or not len(components) or min(components) < 0:
            raise ExplaintError(f"expected mapper plsr and counts from 0, got {self.mapper} and {list(components)}")
        Y = self._checked(Y)
        path = np.empty((len(components), *Y.shape))
        for (_, test), (fit, scores) in zip(self._splits, self._fits(Y, max(1, *components)), strict=True):
            for out, count in zip(path, components, strict=True):
                out[test] = fit.predict(scores, min(count, scores.shape[1]))
        return path

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
        short = (self.n_components + 1) * len(self._splits)
        if self.mapper != "plsr" or 2 * short > Y.shape[1] or np.isnan(Y).any():
            predicted = self.predict(Y)
            return predicted, predicted
        predicted, places, bases = np.empty(Y.shape), [], []
        for (_, test), (fit, scores) in zip(self._splits, self._fits(Y, self.n_components), strict=True):
            predicted[test] = fit.predict(scores, scores.shape[1])
            places.append(np.column_stack([scores, np.ones(len(scores))]))
            bases.append(np.column_stack([fit.loadings * fit.std[:, None], fit.mean]))
        R = np.linalg.qr(np.hstack(bases), mode="r")  # all folds' predictions lie in the span of these bases
        compact, start = np.empty((len(Y), len(R))), 0
        for (_, test), place in zip(self._splits, places, strict=True):
            compact[test] = place @ R[:, start : start + place.shape[1]].T
            start += place.shape[1]
        return predicted, compact

    def _fits(self, Y: np.ndarray, most: int) -> Iterator[tuple[FittedTargets, np.ndarray]]:
        """Yield for each fold the fit to the others and the scores of its own words, (n_test, a)."""
        target = sparse_if_lighter(Y)
        itself = Y.shape == self._X.shape and np.array_equal(Y, self._X)
        if not (itself or self._shared):
            for train, test in self._splits:
                words = TrainingWords(self._X[train], self.scale)
                self._shared.append((words, words.place(self._X[test])))
        for fold, (train, test) in enumerate(self._splits):
            if itself:
                fit = fit_itself(target[train], most, self.scale)
                turned = fit.loadings / (fit.loadings**2).sum(axis=0) / fit.std[:, None]  # (m, a)
                yield fit, target[test] @ turned - fit.mean @ turned
            else:
                words, places = self._shared[fold]
                fit, rho = words.fit(target[train], most)
                yield fit, places @ rho.T

    def _checked(self, Y: ArrayLike) -> np.ndarray:
        Y = check_array(Y, dtype=np.float64, ensure_all_finite="allow-nan")
        splits_of(self._folds, len(Y), Y)
        return Y
