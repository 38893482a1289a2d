"""The components of partial least squares, exact, in the smallest space that holds them.

What it computes: for centred ``X = U M V'`` (U, V orthonormal) and ``Z = U' Y``, the components of PLS2: each is
the dominant left singular vector of the covariance ``S = X' Y``, which is then deflated by the component's scores
(Rannar et al. 1994; Dayal & MacGregor 1997). The result is that of NIPALS (scikit-learn's ``PLSRegression``) run to
convergence. It is not that of SIMPLS, which is another algorithm for more than one target.

How: ``S S' = V M' H M V'`` with ``H = Z Z'``, so that no matrix larger than the short side of X is touched once H is
known, whatever the number of targets; U, M and V belong to X alone and serve any number of targets. Scores are
``T = U tau``; deflation projects tau out, which changes ``S S'`` by a matrix of rank two.

With the target itself as input (X = Y) the covariance is ``X'X`` and stays so when both are deflated: the components
are the principal components of X (`principal_components`), and "PLS of the norms on themselves" is a truncated
singular value decomposition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import blas, eigh, lapack
from scipy.sparse.linalg import LinearOperator, eigsh

# A component is absent when its covariance, or the X it would use, is this small beside the largest one.
TOLERANCE = 1e-12
_DECOMPOSE_UP_TO = 48  # below this size a full decomposition is faster than iterating
_MAX_STEPS = 400
_DENSE_UP_TO = 1200  # up to this size a Gram matrix is decomposed, above it only multiplied with


class Factors(NamedTuple):
    """Centred ``X (n, p) = U M V'``; None stands for the identity. M has min(n, p) rows or columns."""

    U: np.ndarray | None
    M: np.ndarray
    V: np.ndarray | None

    def scores(self, tau: np.ndarray) -> np.ndarray:
        """Return T (n, a) for tau (a, r)."""
        return tau.T if self.U is None else self.U @ tau.T

    def rotations(self, rho: np.ndarray) -> np.ndarray:
        """Return R (p, a) for rho (a, q)."""
        return rho.T if self.V is None else self.V @ rho.T


def factorise(X: np.ndarray) -> Factors:
    """Factorise centred X (n, p) by a QR decomposition of its long side.

    The columns of U are orthogonal to the constant vector, also where X has lost rank, so that ``U'Y`` needs no
    centred Y.
    """
    n, p = X.shape
    if p < n:
        Q, R = np.linalg.qr(np.column_stack([np.full(n, n**-0.5), X]))
        return Factors(Q[:, 1:], R[1:, 1:], None)
    V, R = np.linalg.qr(X.T)
    return Factors(None, np.ascontiguousarray(R.T), V)


def pls_components(M: np.ndarray, Zt: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Extract components.

    Parameters
    ----------
    M : array of shape (r, q)
    Zt : array of shape (n_targets, r)
        ``Y' U``.
    n_components : int
        At most this many; fewer where the rank ends.

    Returns
    -------
    tau, rho : arrays of shape (a, r) and (a, q)
        Scores ``T = U tau'`` (orthonormal) and rotations ``R = V rho'``, ``X R = T``.
    """
    (r, q), most = M.shape, min(n_components, *M.shape)
    tau, rho, loadings = np.zeros((most, r)), np.zeros((most, q)), np.zeros((most, q))
    H = Zt.T @ Zt  # (r, r)
    C = np.asfortranarray(M.T @ H @ M)  # (q, q) = S S'; only its upper triangle is kept up to date
    size, lanczos = np.linalg.norm(M), _Lanczos(q)
    largest = fresh = None
    for a in range(most):
        value, w = lanczos.dominant(C)
        if fresh is not None and value < 1e-3 * fresh:
            # updates of S S' lose digits once it has shrunk by orders of magnitude: start again from Z
            rest = Zt - (Zt @ tau[:a].T) @ tau[:a]
            S = rest @ M
            H, C = rest.T @ rest, np.asfortranarray(S.T @ S)
            value, w = lanczos.dominant(C)
            fresh = value
        largest, fresh = largest or value, fresh or value
        if value <= TOLERANCE**2 * largest:
            break
        t = M @ w
        for _ in range(2):  # twice is enough for orthogonality to rounding
            t -= (tau[:a] @ t) @ tau[:a]
        norm = np.linalg.norm(t)
        if norm <= TOLERANCE * size:
            break
        tau[a] = t = t / norm
        rho[a] = (w - (loadings[:a] @ w) @ rho[:a]) / norm
        loadings[a] = p = t @ M
        h = H @ t
        squared = t @ h  # of the loadings of Y
        h -= (tau[:a] @ h) @ tau[:a]
        # S S' with S replaced by S - p q', where S q = M'h
        C = blas.dsyr2(-1.0, p, h @ M - squared / 2 * p, a=C, overwrite_a=1)
    else:
        a = most
    return tau[:a], rho[:a]


class _Lanczos:
    """Dominant eigenpairs of symmetric matrices of one size, upper triangle given, to machine precision.

    By hand because ``scipy.sparse.linalg.eigsh`` takes a third to a half longer for a permutation of McRae's norms with
    50 components, and ``ikpls`` ten times as long for a fit: ``benchmarks/mapping.py`` measures both.
    """

    def __init__(self, size: int) -> None:
        self.basis = np.empty((min(size, _MAX_STEPS) + 1, size))
        # a fixed start: deterministic, and not orthogonal to anything in particular
        self.basis[0] = np.random.default_rng(0).standard_normal(size)
        self.basis[0] /= np.linalg.norm(self.basis[0])
        self.expected = 16  # steps before the first look at convergence

    def dominant(self, C: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the largest eigenvalue and its eigenvector."""
        size = C.shape[0]
        if size <= _DECOMPOSE_UP_TO:
            values, vectors = eigh(C, lower=False, subset_by_index=[size - 1, size - 1])
            return float(values[0]), vectors[:, 0]
        basis, most = self.basis, len(self.basis) - 1
        diagonal, beside = np.zeros(most), np.zeros(most)
        for k in range(most):
            v = blas.dsymv(1.0, C, basis[k])
            overlap = basis[: k + 1] @ v
            v -= overlap @ basis[: k + 1]
            diagonal[k] = overlap[k]
            beside[k] = length = blas.dnrm2(v)
            spent = length <= 1e-15 * abs(diagonal[0])  # nothing is left to find
            if spent or (k >= self.expected and (k - self.expected) % 4 == 0):
                value, vector = _largest_of_tridiagonal(diagonal[: k + 1], beside[: k + 1])
                # the residual's norm; the eigenvector is as good as that over the gap to the next eigenvalue
                if spent or length * abs(vector[-1]) <= 4e-16 * value:
                    self.expected = max(8, k - 6)
                    return value, vector @ basis[: k + 1]
            basis[k + 1] = v / length
        values, vectors = eigh(C, lower=False, subset_by_index=[size - 1, size - 1])
        return float(values[0]), vectors[:, 0]


def _largest_of_tridiagonal(diagonal: np.ndarray, beside: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the largest eigenpair of a symmetric tridiagonal matrix; the last of `beside` is not part of it."""
    n = len(diagonal)
    if n == 1:
        return float(diagonal[0]), np.ones(1)
    # LAPACK itself: scipy.linalg.eigh_tridiagonal takes twice as long to check its arguments as to solve
    _, values, vectors, info = lapack.dstemr(diagonal, beside.copy(), 2, 0.0, 1.0, n, n)
    if info:
        raise np.linalg.LinAlgError(f"dstemr failed with code {info}")
    return float(values[0]), vectors[:, 0]


def principal_components(
    X: np.ndarray | sparse.csr_array, mean: np.ndarray, std: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the PLS components of standardised X with itself as target: its leading singular vectors.

    Parameters
    ----------
    X : array or sparse array of shape (n, p)
        Raw values; standardised here without being made dense.
    mean, std : arrays of shape (p,)
    n_components : int

    Returns
    -------
    T, P : arrays of shape (n, a) and (p, a)
        Orthonormal scores and the loadings, ``X' T``. The loadings are orthogonal; divided by their squared
        lengths they are the rotations.
    """
    n, p = X.shape
    most = min(n_components, n - 1, p)
    ones = np.ones(n)

    def forth(v: np.ndarray) -> np.ndarray:  # standardised X times v
        v = v / std
        return X @ v - mean @ v

    def back(u: np.ndarray) -> np.ndarray:  # its transpose times u
        return (X.T @ u - mean * (ones @ u)) / std

    if min(n, p) <= _DENSE_UP_TO:
        dense = ((X if isinstance(X, np.ndarray) else X.toarray()) - mean) / std
        U, s, Vt = _thin_svd(dense, most)
    else:
        wide = n <= p
        twice = (lambda u: forth(back(u))) if wide else (lambda v: back(forth(v)))
        gram = LinearOperator((min(n, p),) * 2, matvec=twice, dtype=np.float64)
        start = np.random.default_rng(0).standard_normal(min(n, p))
        values, vectors = eigsh(gram, k=most, which="LA", v0=start, ncv=min(3 * most + 1, min(n, p)), tol=0)
        s, vectors = np.sqrt(np.maximum(values[::-1], 0)), vectors[:, ::-1]
        if wide:
            U = vectors
            Vt = np.array([back(u) for u in U.T]) / np.where(s > 0, s, 1)[:, None]
        else:
            Vt = vectors.T
            U = np.column_stack([forth(v) for v in Vt]) / np.where(s > 0, s, 1)
    # the covariance X'X falls with the square of the singular values
    keep = (s**2 > TOLERANCE * s[0] ** 2) if len(s) and s[0] > 0 else np.zeros(len(s), dtype=bool)
    return U[:, keep], (Vt[keep] * s[keep][:, None]).T


def _thin_svd(X: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the leading singular triplets, by way of the Gram matrix where that keeps their digits."""
    n, p = X.shape
    size = min(n, p)
    values, vectors = eigh(X @ X.T if n <= p else X.T @ X, subset_by_index=[size - most, size - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    if most == 0 or values[-1] < 1e-4 * values[0]:
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        return U[:, :most], s[:most], Vt[:most]
    s = np.sqrt(values)
    if n <= p:
        return vectors, s, (vectors.T @ X) / s[:, None]
    return X @ vectors / s, s, vectors.T
