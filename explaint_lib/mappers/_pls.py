"""Partial least squares regression (PLS2), exact, in whichever of word space and vector space is smaller.

PLS looks at X and Y only through inner products between words, so any matrices with the same Gram matrices
``K = X X'`` and ``G = Y Y'`` give the same scores (Rannar et al. 1994). A wide matrix is therefore replaced
by an n x n factor of its Gram matrix, and the components are extracted there with the deflation of Dayal &
MacGregor (1997): only the small cross-covariance matrix is deflated. The result is that of NIPALS
(scikit-learn's ``PLSRegression``) run to convergence. It is not that of SIMPLS, which is another algorithm
for more than one target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh
from scipy.linalg.lapack import dpstrf
from scipy.sparse.linalg import eigsh
from sklearn.utils.validation import check_is_fitted, validate_data

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import Mapper, moments

# A component is absent when its covariance, or the X it would use, is this small beside the largest one.
_TOLERANCE = 1e-12


class DualPLS(NamedTuple):
    """A PLS fit in word space: ``scores = K @ rotations``, both of shape (n_words, n_components)."""

    scores: np.ndarray
    rotations: np.ndarray


def dual_pls(K: ArrayLike, G: ArrayLike, n_components: int) -> DualPLS:
    """Fit PLS from Gram matrices alone.

    Parameters
    ----------
    K, G : arrays of shape (n_words, n_words)
        ``X X'`` and ``Y Y'`` of the training words; both are centred here (nothing happens if the columns
        of X and Y were).
    n_components : int
        The number of components wanted; fewer come back when the rank of ``X`` or of its covariance with
        ``Y`` is lower.

    Returns
    -------
    DualPLS
        Orthonormal `scores` T of the training words, and `rotations` A with ``T = K A`` (centred K). The
        fit with the first ``a`` components predicts **any** target matrix: ``T[:, :a] @ (T[:, :a].T @ Y)``
        for the training words (centred Y), and for others ``S[:, :a] @ (T[:, :a].T @ Y)`` with ``S = (K_new
        - K.mean(axis=0)) @ A`` and ``K_new = X_new X'`` of shape (n_new, n_words).

    Notes
    -----
    To permute the pairing of words and targets, pass ``G[np.ix_(perm, perm)]`` with the same `K`. This is
    exact if `perm` permutes the training words among themselves; if rows cross from training to test words,
    the training columns of Y change their means (which centring here repairs) and their standard deviations
    (which it does not).

    Only inner products enter, so whatever in X or Y lies below 1e-8 of its largest singular value is lost;
    `PLSR` works on factors and has no such limit.
    """
    factors = []
    for name, gram in (("K", K), ("G", G)):
        gram = np.asarray(gram, dtype=np.float64)
        if gram.ndim != 2 or gram.shape != (len(np.asarray(K)),) * 2:
            raise ExplaintError(
                f"K and G must be square and of one size (n_words, n_words); {name} has shape {gram.shape}"
            )
        gram = gram - gram.mean(axis=0)
        gram = gram - gram.mean(axis=1)[:, None]
        factors.append(_factor_of_gram((gram + gram.T) / 2))
    scores, _, rotations = _components(*factors, n_components)
    return DualPLS(scores, rotations)


def _factor_of_gram(gram: np.ndarray) -> np.ndarray:
    """Return L (n, rank) with ``L L' = gram``, by pivoted Cholesky: centred Gram matrices are singular."""
    lower, pivots, rank, _ = dpstrf(gram, lower=1)
    factor = np.empty((len(gram), rank))
    factor[pivots - 1] = np.tril(lower)[:, :rank]
    return factor


def _factor(A: np.ndarray) -> np.ndarray:
    """Return a matrix with at most n columns and the Gram matrix of `A` (n, p)."""
    return A if A.shape[1] <= A.shape[0] else np.ascontiguousarray(np.linalg.qr(A.T, mode="r").T)


def _dominant(C: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the largest eigenvalue of a symmetric matrix and its eigenvector, to machine precision."""
    size = len(C)
    if size <= 64 or not C.any():
        values, vectors = eigh(C, subset_by_index=[size - 1, size - 1])
    else:
        # Lanczos with a fixed start: deterministic, and not orthogonal to anything in particular
        start = np.random.default_rng(0).standard_normal(size)
        values, vectors = eigsh(C, k=1, which="LA", v0=start, tol=0)
    return float(values[0]), vectors[:, 0]


def _components(L: np.ndarray, F: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Extract components from centred factors L (n, r) of X and F (n, s) of Y.

    Returns orthonormal scores T (n, a), primal rotations R (r, a) and dual rotations A (n, a): ``T = L R =
    L L' A``.
    """
    (n, r), most = L.shape, min(n_components, L.shape[0] - 1, L.shape[1])
    T, R, P, A = np.zeros((n, most)), np.zeros((r, most)), np.zeros((r, most)), np.zeros((n, most))
    S = L.T @ F  # (r, s) covariance, deflated below
    M = S if r <= F.shape[1] else S.T  # a view with the short side first
    C = M @ M.T  # its dominant eigenvector is the next weight vector
    largest = fresh = None
    for a in range(most):
        value, x = _dominant(C)
        if fresh is not None and value < 1e-3 * fresh:
            C = M @ M.T  # rank-two updates lose digits once the covariance has shrunk: start again from S
            value, x = _dominant(C)
            fresh = value
        largest, fresh = largest or value, fresh or value
        if value <= _TOLERANCE**2 * largest:
            break
        w = x if M is S else S @ (x / np.sqrt(value))  # (r,) unit weights
        u = F @ (S.T @ w) / value  # (n,) the same weights in word space: L'u = w, after deflation
        u -= T[:, :a] @ (T[:, :a].T @ u)
        t = L @ w
        for _ in range(2):  # twice is enough for orthogonality to rounding
            t -= T[:, :a] @ (T[:, :a].T @ t)
        norm = np.linalg.norm(t)
        if norm <= _TOLERANCE * np.linalg.norm(L):
            break
        overlap = P[:, :a].T @ w  # (a,)
        T[:, a] = t = t / norm
        R[:, a] = (w - R[:, :a] @ overlap) / norm
        A[:, a] = (u - A[:, :a] @ overlap) / norm
        P[:, a] = p = L.T @ t
        _deflate(S, C, M, p, F.T @ t)
    else:
        a = most
    return T[:, :a], R[:, :a], A[:, :a]


def _deflate(S: np.ndarray, C: np.ndarray, M: np.ndarray, p: np.ndarray, q: np.ndarray) -> None:
    """Replace S by ``S - p q'``, and C = M M' by the same of the new S, in place."""
    short, long = (p, q) if M is S else (q, p)
    cross = np.outer(M @ long - (long @ long / 2) * short, short)
    C -= cross
    C -= cross.T
    S -= np.outer(p, q)


class PLSR(Mapper):
    """Partial least squares regression with several targets (PLS2).

    Parameters
    ----------
    n_components : int, default=50
        Components wanted. At most ``min(n_words - 1, n_dims, rank)`` exist; the number used is
        ``n_components_``.
    scale : bool, default=True
        Divide each column of X and Y by its standard deviation; otherwise centre only.

    Attributes
    ----------
    n_components_ : int
    x_scores_ : array of shape (n_words, n_components_)
        Orthonormal scores of the training words.
    x_rotations_ : array of shape (n_dims, n_components_)
        Standardised vectors times these give scores.
    y_loadings_ : array of shape (n_features, n_components_)
        Standardised targets per unit of score.

    Warnings
    --------
    ``scale=True`` divides a rare feature by a tiny standard deviation, so that hundreds of features that
    one or two words have weigh as much as the common ones when components are chosen. It does the same to a
    dimension that the model has switched off: the last layer of all-MiniLM-L6-v2 has two of size 1e-32, which
    come back at full size. Report which setting was used.

    Notes
    -----
    Agrees with scikit-learn's ``PLSRegression`` run to convergence (its default ``tol`` stops early: with
    50 components on McRae, single predictions differ by up to 0.04 participants of 30). Where two leading
    singular values of the deflated covariance coincide, the component is determined only up to a rotation
    within their space, in any implementation: a relative gap of g between them multiplies rounding
    differences by about 1/g.

    Missing cells of Y add nothing to the covariance (after standardising over the observed cells). Each
    incomplete feature is then regressed on the scores of its observed words only, with an intercept,
    instead of treating the gaps as means.

    References
    ----------
    Rannar, Lindgren, Geladi & Wold (1994), J. Chemometrics 8, 111-125. Dayal & MacGregor (1997), J.
    Chemometrics 11, 73-85.
    """

    def __init__(self, n_components: int = 50, scale: bool = True) -> None:
        self.n_components = n_components
        self.scale = scale

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        if self.n_components < 1:
            raise ExplaintError(f"n_components must be at least 1, got {self.n_components}")
        self._x_mean, self._x_std = moments(X, self.scale)
        self._y_mean, self._y_std = moments(Y, self.scale)
        Xs, Ys = (X - self._x_mean) / self._x_std, (Y - self._y_mean) / self._y_std
        missing = np.isnan(Ys)
        incomplete = np.flatnonzero(missing.any(axis=0))
        self._incomplete = {int(j): Ys[:, j].copy() for j in incomplete}
        Ys[missing] = 0.0
        L = _factor(Xs)
        T, R, A = _components(L, _factor(Ys), self.n_components)
        self.n_components_ = T.shape[1]
        self.x_scores_ = T
        self.x_rotations_ = R if L is Xs else Xs.T @ A
        self.y_loadings_ = Ys.T @ T

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return self._predict_from(self._scores(X), self.n_components_)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return ((X - self._x_mean) / self._x_std) @ self.x_rotations_

    def _predict_from(self, scores: np.ndarray, a: int) -> np.ndarray:
        predicted = scores[:, :a] @ self.y_loadings_[:, :a].T
        for j, target in self._incomplete.items():
            seen = ~np.isnan(target)
            design = np.column_stack([np.ones(seen.sum()), self.x_scores_[seen, :a]])
            weights = np.linalg.lstsq(design, target[seen], rcond=None)[0]
            predicted[:, j] = weights[0] + scores[:, :a] @ weights[1:]
        return predicted * self._y_std + self._y_mean

    def predict_path(self, X: ArrayLike, components: Sequence[int]) -> np.ndarray:
        """Predict with each of several component counts from this one fit.

        Parameters
        ----------
        X : array of shape (n_words, n_dims)
        components : sequence of int
            Counts from 0 (the training mean) to `n_components`; counts beyond ``n_components_`` give the
            same as that.

        Returns
        -------
        array of shape (len(components), n_words, n_features)

        Raises
        ------
        ExplaintError
            If a count is negative or above `n_components`.
        """
        check_is_fitted(self)
        counts = [int(c) for c in components]
        if any(not 0 <= c <= self.n_components for c in counts):
            raise ExplaintError(
                f"component counts must be between 0 and n_components={self.n_components}, got {counts}"
            )
        scores = self._scores(validate_data(self, X, dtype=np.float64, reset=False))
        path = np.empty((len(counts), len(scores), len(self._y_mean)))
        for out, count in zip(path, counts, strict=True):
            out[:] = self._predict_from(scores, min(count, self.n_components_))
        return path
