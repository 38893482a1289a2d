"""The floor (`MeanProfile`) and the cheap strong linear map (`Ridge`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse
from sklearn.utils import Tags

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import Mapper, moments, sparse_if_lighter

ALPHAS = tuple(10.0 ** (k / 2) for k in range(-2, 15))
_KEEP_UP_TO_RANK = 800  # rank up to which the matrices of all penalties are kept


class MeanProfile(Mapper):
    """Predict the training mean of each feature for every word, whatever the vector.

    This is the base-rate floor: what can be scored without knowing which word is asked about. Means are
    over observed cells.

    Warnings
    --------
    Out of fold, the mean of a feature is *lower* when the held-out words have more of it, so that
    predictions and gold are negatively correlated over words (exactly -1 with one word a fold). A negative
    per-feature correlation of the mean profile is this artefact of cross-validation and not information.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> X, Y = np.zeros((3, 2)), np.array([[1.0, 0.0], [3.0, np.nan], [2.0, 4.0]])
    >>> mappers.MeanProfile().fit(X, Y).predict(X)[0].tolist()
    [2.0, 2.0]
    """

    _min_samples = 1

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        self.mean_ = moments(Y, scale=False)[0]

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return np.tile(self.mean_, (len(X), 1))


class Ridge(Mapper):
    """Ridge regression in closed form, with the penalty chosen by exact leave-one-out.

    Parameters
    ----------
    alphas : sequence of float
        Penalties to choose from, for standardised X. The default grid runs from 0.1 to 1e7 in half decades:
        its upper end shrinks all predictions to the mean profile, which is the right answer for a target X
        says nothing about.

    Attributes
    ----------
    alpha_ : float
        The penalty chosen: one for all features.
    loo_mse_ : array of shape (n_alphas,)
        Mean squared leave-one-out error over all observed cells, in the units of Y. (Features of a norm set
        share a unit, so cells are weighed alike; features with much larger values would dominate the
        choice.)
    coef_ : array of shape (n_features, n_dims)
        Per standard deviation of X.

    Notes
    -----
    X is standardised, Y only centred. With ``X - mean = U diag(s) V'``, the prediction error of word i by
    the fit without word i is ``e_i / (1 - h_i)``, ``h_i = 1/n + sum_k U_ik^2 s_k^2 / (s_k^2 + alpha)``
    (intercept included, the scaling of X held fixed); see Hastie, Tibshirani & Friedman (2009), section
    7.10. Features with missing cells are solved on their observed words only; those that miss the same
    words share one decomposition.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> X = np.random.default_rng(0).standard_normal((40, 5))
    >>> mappers.Ridge().fit(X, X[:, 0]).predict(X).shape
    (40,)
    """

    def __init__(self, alphas: Sequence[float] = ALPHAS) -> None:
        self.alphas = alphas

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        words = SharedRidge(X, self.alphas)
        self._x_mean, self._x_std = words.mean, words.std
        self.coef_, self.intercept_, chosen, self.loo_mse_ = words.fit(sparse_if_lighter(Y))
        self.alpha_ = float(words.alphas[chosen])

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return ((X - self._x_mean) / self._x_std) @ self.coef_.T + self.intercept_


class SharedRidge:
    """The X side of ridge fits, which any number of targets share."""

    def __init__(self, X: np.ndarray, alphas: Sequence[float]) -> None:
        self.alphas = np.asarray(alphas, dtype=np.float64)
        if self.alphas.ndim != 1 or not len(self.alphas) or not (self.alphas > 0).all():
            raise ExplaintError(f"alphas must be a sequence of positive penalties, got {alphas!r}")
        self.mean, self.std = moments(X)
        self._Xs = self.place(X)
        self._complete = _Design(self._Xs, self.alphas)

    def place(self, X: np.ndarray) -> np.ndarray:
        """Return standardised vectors."""
        return (X - self.mean) / self.std

    def fit(self, Y: np.ndarray | sparse.csr_array) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
        """Return coefficients (m, p), intercepts (m,), the index of the penalty, and the errors of all penalties."""
        solved, chosen, errors = self._choose(Y)
        coef, intercept = np.empty((Y.shape[1], self._Xs.shape[1])), np.empty(Y.shape[1])
        for columns, part in solved:
            coef[columns], intercept[columns] = part.solve(self.alphas[chosen])
        return coef, intercept, chosen, errors

    def predict(self, Y: np.ndarray | sparse.csr_array, places: np.ndarray) -> np.ndarray:
        """Fit the targets and predict them for new words, already placed, without forming coefficients."""
        solved, chosen, _ = self._choose(Y)
        predicted = np.empty((len(places), Y.shape[1]))
        for columns, part in solved:
            predicted[:, columns] = part.predict(places, self.alphas[chosen])
        return predicted

    def weights(self, Y: np.ndarray | sparse.csr_array, places: np.ndarray) -> np.ndarray:
        """Return the training words' weights in predictions of complete features, beyond the mean's, (n_new, n)."""
        return self._complete.weights_of(places, self.alphas[self._choose(Y)[1]])

    def _choose(
        self, Y: np.ndarray | sparse.csr_array
    ) -> tuple[list[tuple[np.ndarray | slice, _Targets]], int, np.ndarray]:
        solved: list[tuple[np.ndarray | slice, _Targets]] = []
        if sparse.issparse(Y):
            solved.append((slice(None), _Targets(self._complete, Y)))
            count = Y.shape[0] * Y.shape[1]
        else:
            for rows, columns in _patterns(Y):
                whole = len(rows) == len(Y)
                design = self._complete if whole else _Design(self._Xs[rows], self.alphas)
                solved.append((columns, _Targets(design, Y[np.ix_(rows, columns)])))
            count = np.count_nonzero(~np.isnan(Y))
        errors = sum(part.loo_sse() for _, part in solved) / count
        return solved, int(np.argmin(errors)), errors


def _patterns(Y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (rows, columns): the observed rows, and all the features observed in exactly these."""
    observed = ~np.isnan(Y)
    if observed.all():
        yield np.arange(len(Y)), np.arange(Y.shape[1])
        return
    patterns, which = np.unique(observed, axis=1, return_inverse=True)
    for k in range(patterns.shape[1]):
        yield np.flatnonzero(patterns[:, k]), np.flatnonzero(which.ravel() == k)


class _Design:
    """SVD of centred X (n, p), and for each penalty what leave-one-out needs of X alone.

    The leave-one-out error of word i is ``e_i / left_i`` with ``e = U g Z + outside``, ``g = alpha / (s^2 + alpha)``,
    ``Z = U'Y`` and ``outside = Y - U Z``.
    """

    def __init__(self, X: np.ndarray, alphas: np.ndarray) -> None:
        n = len(X)
        self.mean = X.mean(axis=0)
        U, s, Vt = np.linalg.svd(X - self.mean, full_matrices=False)
        keep = s > max(X.shape) * np.finfo(float).eps * max(s[0], 1e-300)
        self.U, self.s, self.Vt = U[:, keep], s[keep], Vt[keep]  # (n, r), (r,), (r, p)
        self.full = len(self.s) >= n - 1  # X spans everything: what is outside is rounding noise
        spare = np.zeros(n) if self.full else np.clip(1 - 1 / n - (self.U**2).sum(axis=1), 0, None)
        self.shrink = alphas[:, None] / (self.s**2 + alphas[:, None])  # (n_alphas, r): g
        left = (self.U**2) @ self.shrink.T + spare[:, None]  # (n, n_alphas): 1 - leverage
        self.weights = 1 / np.maximum(left, 1e-12) ** 2
        self._inner: list[np.ndarray] = []

    def inner(self) -> Iterator[np.ndarray]:
        """Yield for each penalty ``g U' diag(weights) U g`` (r, r); kept unless they would fill the memory."""
        small = len(self.s) <= _KEEP_UP_TO_RANK
        if small and not self._inner:
            self._inner = list(self._make_inner())
        yield from self._inner if small else self._make_inner()

    def weights_of(self, X: np.ndarray, alpha: float) -> np.ndarray:
        """Return the weights of the training words, beyond the mean's, for vectors placed as these, (n_new, n)."""
        return (((X - self.mean) @ self.Vt.T) * self.gain(alpha)) @ self.U.T

    def gain(self, alpha: float) -> np.ndarray:
        return self.s / (self.s**2 + alpha)

    def _make_inner(self) -> Iterator[np.ndarray]:
        for g, w in zip(self.shrink, self.weights.T, strict=True):
            half = self.U * g * np.sqrt(w)[:, None]  # (n, r)
            yield half.T @ half


class _Targets:
    """Complete targets Y (n, m) of a design."""

    def __init__(self, design: _Design, Y: np.ndarray | sparse.csr_array) -> None:
        U, self.mean = design.U, np.asarray(Y.mean(axis=0)).ravel()
        if sparse.issparse(Y):  # stays sparse: the means are taken out of the products
            inner = self.mean
        else:
            Y, inner = Y - self.mean, np.zeros(len(self.mean))
        self.design, self.Y = design, Y
        towards, squared = Y @ inner, inner @ inner  # (n,), ()
        if len(U) ** 2 <= U.shape[1] * Y.shape[1]:  # many features: all that errors need is in the words' Gram matrix
            gram = Y @ Y.T
            gram = (gram if isinstance(gram, np.ndarray) else gram.toarray()) - towards - towards[:, None] + squared
            lengths = np.diagonal(gram)
            product = gram @ U  # (n, r): centred Y times Z'
        else:
            Z = np.ascontiguousarray((Y.T @ U).T)  # (r, m); not centred: the columns of U are
            lengths = np.asarray((Y * Y).sum(axis=1)).ravel() - 2 * towards + squared
            product = Y @ Z.T - Z @ inner
        self.ZZ = U.T @ product  # (r, r)
        spanned = U @ self.ZZ  # (n, r)
        self.rest = np.clip(lengths - ((2 * product - spanned) * U).sum(axis=1), 0, None)  # (n,)
        self.cross = (product - spanned) * U  # (n, r)

    def loo_sse(self) -> np.ndarray:
        """Return the summed squared leave-one-out errors for each penalty, shape (n_alphas,)."""
        design = self.design
        errors = np.array([np.vdot(inner, self.ZZ) for inner in design.inner()])
        if design.full:
            return errors
        errors += 2 * ((design.weights.T @ self.cross) * design.shrink).sum(axis=1)
        return errors + self.rest @ design.weights

    def solve(self, alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients (m, p) and intercepts (m,)."""
        coef = (self.Y.T @ self.design.U * self.design.gain(alpha)) @ self.design.Vt  # U is centred, so Y need not be
        return coef, self.mean - coef @ self.design.mean

    def predict(self, X: np.ndarray, alpha: float) -> np.ndarray:
        """Return predictions (n_new, m) for vectors placed as the design's were."""
        return (self.Y.T @ self.design.weights_of(X, alpha).T).T + self.mean
