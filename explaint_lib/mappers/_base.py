"""What the mappers share: validation that lets missing cells of Y pass, and moments over observed cells."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from explaint_lib._common import ExplaintError

_SPARSE_BELOW = 0.1  # targets with fewer cells above zero than this share are handled as sparse


class Mapper(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Base of the mappers: `fit` and `predict` around `_fit` and `_predict` on 2-D float64 arrays."""

    _min_samples = 2

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the map.

        Parameters
        ----------
        X : array of shape (n_words, n_dims)
            Word vectors, finite.
        y : array of shape (n_words, n_features) or (n_words,)
            Targets; NaN marks a missing cell.

        Raises
        ------
        ValueError
            If `X` holds NaN or infinity, if `y` holds infinity, or if lengths differ.
        ExplaintError
            If a feature has no observed value.
        """
        checked: tuple[np.ndarray, np.ndarray] = validate_data(
            self,
            X,
            y,
            validate_separately=(
                {"dtype": np.float64, "ensure_min_samples": self._min_samples},
                {
                    "dtype": np.float64,
                    "ensure_2d": False,
                    "ensure_all_finite": "allow-nan",
                },
            ),
        )
        X, Y = checked
        check_consistent_length(X, Y)
        self._one_target = Y.ndim == 1
        Y = Y.reshape(len(Y), -1)
        empty = np.flatnonzero(np.isnan(Y).all(axis=0))
        if len(empty):
            raise ExplaintError(
                f"every feature needs an observed value among the {len(Y)} training words; "
                f"{len(empty)} have none (columns {empty[:5].tolist()}...): drop these features or use fewer folds"
            )
        self._fit(X, Y)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return predictions, shape (n_words, n_features), or (n_words,) where `y` had one dimension."""
        check_is_fitted(self)
        predicted = self._predict(validate_data(self, X, dtype=np.float64, reset=False))
        return predicted[:, 0] if self._one_target else predicted

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        raise NotImplementedError

    def _predict(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError


def moments(A: np.ndarray, scale: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return column means and standard deviations (``ddof=1``) over the observed cells of `A`.

    A column that does not vary, within rounding, gets the standard deviation 1 (as does every column if not
    `scale`), and so stays at zero once centred instead of turning rounding noise into a feature.
    """
    observed = ~np.isnan(A)
    count = observed.sum(axis=0)
    mean = np.where(observed, A, 0.0).sum(axis=0) / count
    if not scale:
        return mean, np.ones(A.shape[1])
    squares = (np.where(observed, A - mean, 0.0) ** 2).sum(axis=0)
    std = np.sqrt(squares / np.maximum(count - 1, 1))
    return mean, np.where(std > 1e-14 * np.abs(mean), std, 1.0)


def sparse_moments(A: sparse.csr_array, scale: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return what `moments` returns, for a sparse array without missing cells, touching stored cells only."""
    n, m = A.shape
    mean = np.bincount(A.indices, A.data, m) / n
    if not scale:
        return mean, np.ones(m)
    squares = np.bincount(A.indices, (A.data - mean[A.indices]) ** 2, m)
    squares += (n - np.bincount(A.indices, minlength=m)) * mean**2
    std = np.sqrt(squares / max(n - 1, 1))
    return mean, np.where(std > 1e-14 * np.abs(mean), std, 1.0)


def sparse_if_lighter(Y: np.ndarray) -> np.ndarray | sparse.csr_array:
    """Return `Y` sparse where that is much lighter; NaN counts as a value and stays dense."""
    if np.count_nonzero(Y) > _SPARSE_BELOW * Y.size or np.isnan(Y).any():
        return Y
    return sparse.csr_array(Y)
