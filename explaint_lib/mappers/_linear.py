"""The floor (`MeanProfile`) and the cheap strong linear map (`Ridge`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import Mapper, moments


class MeanProfile(Mapper):
    """Predict the training mean of each feature for every word, whatever the vector.

    This is the base-rate floor: what can be scored without knowing which word is asked about. Means are
    over observed cells.

    Warnings
    --------
    Out of fold, the mean of a feature is *lower* when the held-out words have more of it, so that
    predictions and gold are negatively correlated over words (exactly -1 with one word a fold). A negative
    per-feature correlation of the mean profile is this artefact of cross-validation and not information.
    """

    _min_samples = 1

    def __sklearn_tags__(self):
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
    """

    def __init__(self, alphas: Sequence[float] = tuple(10.0 ** (k / 2) for k in range(-2, 15))) -> None:
        self.alphas = alphas

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        alphas = np.asarray(self.alphas, dtype=np.float64)
        if alphas.ndim != 1 or not len(alphas) or not (alphas > 0).all():
            raise ExplaintError(f"alphas must be a sequence of positive penalties, got {self.alphas!r}")
        self._x_mean, self._x_std = moments(X)
        Xs = (X - self._x_mean) / self._x_std
        solved = [(columns, _Decomposition(Xs[rows], Y[np.ix_(rows, columns)])) for rows, columns in _patterns(Y)]
        errors = sum(part.loo_sse(alphas) for _, part in solved)
        self.loo_mse_ = errors / np.count_nonzero(~np.isnan(Y))
        self.alpha_ = float(alphas[np.argmin(self.loo_mse_)])
        self.coef_ = np.empty((Y.shape[1], X.shape[1]))
        self.intercept_ = np.empty(Y.shape[1])
        for columns, part in solved:
            self.coef_[columns], self.intercept_[columns] = part.solve(self.alpha_)

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return ((X - self._x_mean) / self._x_std) @ self.coef_.T + self.intercept_


def _patterns(Y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (rows, columns): the observed rows, and all the features observed in exactly these."""
    observed = ~np.isnan(Y)
    patterns, which = np.unique(observed, axis=1, return_inverse=True)
    for k in range(patterns.shape[1]):
        yield np.flatnonzero(patterns[:, k]), np.flatnonzero(which.ravel() == k)


class _Decomposition:
    """SVD of centred X (n, p) and what leave-one-out needs of complete Y (n, m)."""

    def __init__(self, X: np.ndarray, Y: np.ndarray) -> None:
        self.x_mean, self.y_mean = X.mean(axis=0), Y.mean(axis=0)
        U, s, Vt = np.linalg.svd(X - self.x_mean, full_matrices=False)
        keep = s > max(X.shape) * np.finfo(float).eps * max(s[0], 1e-300)
        self.U, self.s, self.Vt = U[:, keep], s[keep], Vt[keep]  # (n, r), (r,), (r, p)
        self.Y = Y - self.y_mean
        self.Z = self.U.T @ self.Y  # (r, m)

    def loo_sse(self, alphas: np.ndarray) -> np.ndarray:
        """Return the summed squared leave-one-out errors for each penalty, shape (n_alphas,).

        Residuals are ``U (1 - d) Z`` plus the part of Y outside the span of X; only their squared row norms
        are needed, and these come from two small products instead of one residual matrix a penalty.
        """
        n, r = self.U.shape
        full = r >= n - 1  # X spans everything: the outside part is rounding noise
        outside = np.zeros_like(self.Y) if full else self.Y - self.U @ self.Z  # (n, m)
        spare = np.zeros(n) if full else np.clip(1 - 1 / n - (self.U**2).sum(axis=1), 0, None)  # (n,)
        ZZ, cross, rest = (
            self.Z @ self.Z.T,
            outside @ self.Z.T,
            (outside**2).sum(axis=1),
        )  # (r, r), (n, r), (n,)
        errors = np.empty(len(alphas))
        for k, alpha in enumerate(alphas):
            shrunk = self.U * (alpha / (self.s**2 + alpha))  # (n, r) = U (1 - d)
            squares = ((shrunk @ ZZ + 2 * cross) * shrunk).sum(axis=1) + rest  # (n,)
            left = (shrunk * self.U).sum(axis=1) + spare  # (n,) = 1 - h
            errors[k] = (np.clip(squares, 0, None) / np.maximum(left, 1e-12) ** 2).sum()
        return errors

    def solve(self, alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients (m, p) and intercepts (m,)."""
        coef = (self.Z * (self.s / (self.s**2 + alpha))[:, None]).T @ self.Vt
        return coef, self.y_mean - coef @ self.x_mean
