"""Partial least squares regression (PLS2), exact, in whichever of word space and vector space is smaller.

PLS looks at X and Y only through inner products between words (Rannar et al. 1994), so that the components can be found
in the smaller space. `explaint_lib.mappers._components` finds them; here are the estimator and the two sides of its
fit, which `CrossFit` uses as well: what belongs to the words, and what belongs to the targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import Mapper, moments, sparse_if_lighter, sparse_moments
from explaint_lib.mappers._components import factorise, pls_components, principal_components

_CONSTANT = 1e-13  # below this share of the largest, a variance is that of rounding


class FittedTargets(NamedTuple):
    """The target side of a fit.

    scores: (n_words, a), orthonormal; loadings: (n_features, a), of standardised targets; mean, std: (n_features,);
    incomplete: standardised values of each feature with missing cells, by column.
    """

    scores: np.ndarray
    loadings: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    incomplete: dict[int, np.ndarray]

    def predict(self, scores: np.ndarray, a: int) -> np.ndarray:
        """Return predictions (n_new, n_features) for new words' scores (n_new, components) from the first `a`."""
        predicted = scores[:, :a] @ (self.loadings[:, :a] * self.std[:, None]).T
        for j, target in self.incomplete.items():
            seen = ~np.isnan(target)
            design = np.column_stack([np.ones(seen.sum()), self.scores[seen, :a]])
            weights = np.linalg.lstsq(design, target[seen], rcond=None)[0]
            predicted[:, j] = (weights[0] + scores[:, :a] @ weights[1:]) * self.std[j]
        predicted += self.mean
        return predicted


class TrainingWords:
    """The X side of PLS fits, which any number of targets share: X (n, p), standardised and factorised."""

    def __init__(self, X: np.ndarray, scale: bool) -> None:
        self.scale = scale
        self.mean, self.std = moments(X, scale)
        self.factors = factorise((X - self.mean) / self.std)

    def place(self, X: np.ndarray) -> np.ndarray:
        """Return new words (n_new, p) in the coordinates that ``rho`` turns into scores, (n_new, q)."""
        Xs = (X - self.mean) / self.std
        return Xs if self.factors.V is None else Xs @ self.factors.V

    def fit(self, Y: np.ndarray | sparse.csr_array, n_components: int) -> tuple[FittedTargets, np.ndarray]:
        """Return the fit to targets (n, m), and rho (a, q). A sparse Y has no missing cells and stays sparse."""
        U = self.factors.U
        incomplete = {}
        if sparse.issparse(Y) and U is not None:
            mean, std = sparse_moments(Y, self.scale)
            Yt = (Y / std).T.tocsr()  # not centred: the columns of U are
        else:
            Y = Y if isinstance(Y, np.ndarray) else Y.toarray()
            mean, std = moments(Y, self.scale)
            Yt = ((Y - mean) / std).T
            missing = np.isnan(Yt)
            incomplete = {int(j): Yt[j].copy() for j in np.flatnonzero(missing.any(axis=1))}
            Yt[missing] = 0.0
        tau, rho = pls_components(self.factors.M, Yt if U is None else Yt @ U, n_components)
        scores = self.factors.scores(tau)
        return FittedTargets(scores, Yt @ scores, mean, std, incomplete), rho


class ManyTrainingWords:
    """The X side of PLS fits in each of several folds of many words, from sums over the words of each fold.

    What is kept of a fold is as large as the vectors' dimensions squared, whatever the number of words, and no target
    needs a copy of the training words. The components are those of `TrainingWords`, up to rounding; scores of training
    words are not made.

    Parameters
    ----------
    X : array of shape (n_words, n_dims)
    tests : sequence of int arrays
        The words of each fold.
    scale : bool
    """

    def __init__(self, X: np.ndarray, tests: Sequence[np.ndarray], scale: bool) -> None:
        self.X, self.tests, self.scale = X, tests, scale
        self.centre, self.spread = moments(X, scale)  # of all words: sums of the rest lose no digits
        n = len(X)
        sums, products = [], []
        for test in tests:
            A = self._standard(test)
            sums.append(A.sum(axis=0))
            products.append(A.T @ A)
        all_sums, all_products = sum(sums), sum(products)
        self.folds = []
        for test, one, square in zip(tests, sums, products, strict=True):
            n_train = n - len(test)
            mean = (all_sums - one) / n_train
            covariance = all_products - square - n_train * np.outer(mean, mean)
            variance = np.diagonal(covariance) / max(n_train - 1, 1)
            std = np.sqrt(np.where(variance > _CONSTANT, variance, 1.0)) if scale else np.ones(len(mean))
            covariance[variance <= _CONSTANT * variance.max()] = 0.0
            covariance[:, variance <= _CONSTANT * variance.max()] = 0.0
            values, vectors = np.linalg.eigh(covariance / np.outer(std, std))
            there = values > _CONSTANT * values[-1]
            self.folds.append((mean, std, values[there], np.sqrt(values[there])[:, None] * vectors[:, there].T))

    def fits(self, Y: np.ndarray | sparse.csr_array, n_components: int) -> Iterator[tuple[FittedTargets, np.ndarray]]:
        """Yield for each fold the fit of targets (n, m) without missing cells, and the scores of its own words."""
        crossed = [np.asarray(Y[test].T @ self._standard(test)) for test in self.tests]  # each (m, p)
        total = sum(crossed)
        everything = np.arange(len(self.X))
        for test, cross, (mean, std, values, M) in zip(self.tests, crossed, self.folds, strict=True):
            train = np.setdiff1d(everything, test, assume_unique=True)
            target = Y[train]
            of_target = moments if isinstance(target, np.ndarray) else sparse_moments
            centre, spread = of_target(target, self.scale)
            centred = (total - cross - len(train) * np.outer(centre, mean)) / np.outer(spread, std)
            Zt = centred @ (M.T / values)
            tau, rho = pls_components(M, Zt, n_components)
            fit = FittedTargets(np.empty((0, len(tau))), Zt @ tau.T, centre, spread, {})
            yield fit, ((self._standard(test) - mean) / std) @ rho.T

    def _standard(self, rows: np.ndarray) -> np.ndarray:
        return (self.X[rows] - self.centre) / self.spread


def fit_itself(X: np.ndarray | sparse.csr_array, n_components: int, scale: bool) -> FittedTargets:
    """Return the fit of X (n, p) to itself; rotations are the loadings over their squared lengths."""
    mean, std = sparse_moments(X, scale) if sparse.issparse(X) else moments(X, scale)
    scores, loadings = principal_components(X, mean, std, n_components)
    return FittedTargets(scores, loadings, mean, std, {})


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
    Agrees with ``ikpls``, and with scikit-learn's ``PLSRegression`` run to convergence (its default ``tol`` stops
    early: with 50 components on McRae, single predictions differ by up to 0.04 participants of 30). Where two leading
    singular values of the deflated covariance coincide, the component is determined only up to a rotation within
    their space, in any implementation: a relative gap of g between them multiplies rounding differences by about 1/g.

    Missing cells of Y add nothing to the covariance (after standardising over the observed cells). Each
    incomplete feature is then regressed on the scores of its observed words only, with an intercept,
    instead of treating the gaps as means.

    References
    ----------
    Rannar, Lindgren, Geladi & Wold (1994), J. Chemometrics 8, 111-125. Dayal & MacGregor (1997), J.
    Chemometrics 11, 73-85.

    Examples
    --------
    >>> from explaint_lib import mappers
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 5))
    >>> Y = X @ rng.standard_normal((5, 3))
    >>> bool(np.allclose(mappers.PLSR(n_components=5).fit(X, Y).predict(X), Y))
    True
    """

    def __init__(self, n_components: int = 50, scale: bool = True) -> None:
        self.n_components = n_components
        self.scale = scale

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        if self.n_components < 1:
            raise ExplaintError(f"n_components must be at least 1, got {self.n_components}")
        if X.shape == Y.shape and np.array_equal(X, Y):
            self._targets = fit_itself(sparse_if_lighter(X), self.n_components, self.scale)
            self._x_mean, self._x_std = self._targets.mean, self._targets.std
            self.x_rotations_ = self._targets.loadings / (self._targets.loadings**2).sum(axis=0)
        else:
            words = TrainingWords(X, self.scale)
            self._targets, rho = words.fit(sparse_if_lighter(Y), self.n_components)
            self._x_mean, self._x_std = words.mean, words.std
            self.x_rotations_ = words.factors.rotations(rho)
        self.x_scores_, self.y_loadings_ = self._targets.scores, self._targets.loadings
        self.n_components_ = self.x_scores_.shape[1]

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return self._targets.predict(self._scores(X), self.n_components_)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return ((X - self._x_mean) / self._x_std) @ self.x_rotations_
