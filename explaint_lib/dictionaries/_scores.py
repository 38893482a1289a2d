"""Scores of a dictionary that need no judge: variance, dead features, whether names fit, and true features found."""

from __future__ import annotations

import numpy as np

from explaint_lib._common import ExplaintError


def variance_explained(X: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """Return one value a vector whose mean is the share of the variance explained.

    Parameters
    ----------
    X, rebuilt : (n, dim) float

    Returns
    -------
    (n,) float64
        One minus the squared error of a vector over the *mean* squared distance of all vectors to their mean; at
        most 1, and below 0 where the mean vector would have been the better guess.

    Raises
    ------
    ExplaintError
        If the shapes differ.

    Examples
    --------
    >>> from explaint_lib import dictionaries
    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0]])
    >>> dictionaries.variance_explained(X, X * 0.5).tolist()
    [0.75, 0.75]
    """
    X, rebuilt = np.asarray(X, dtype=np.float64), np.asarray(rebuilt, dtype=np.float64)
    if X.shape != rebuilt.shape or X.ndim != 2:
        raise ExplaintError(f"expected two tables of one shape, found {X.shape} and {rebuilt.shape}")
    spread = ((X - X.mean(axis=0)) ** 2).sum(axis=1).mean()
    return 1 - ((X - rebuilt) ** 2).sum(axis=1) / spread


def dead_features(codes: np.ndarray) -> float:
    """Return the share of features, in [0, 1], that none of the vectors uses; `codes` is (n, feature).

    Raises
    ------
    ExplaintError
        If there is no vector, or `codes` is no table.

    Examples
    --------
    >>> from explaint_lib import dictionaries
    >>> dictionaries.dead_features(np.array([[0.0, 2.0], [0.0, 1.0]]))
    0.5
    """
    codes = np.asarray(codes)
    if codes.ndim != 2 or not codes.size:
        raise ExplaintError(f"expected codes (n, feature) of at least one vector, found {codes.shape}")
    return float((~(codes > 0).any(axis=0)).mean())


def label_fit(
    codes: np.ndarray, labels: np.ndarray, new_codes: np.ndarray, new_labels: np.ndarray, *, n_top: int = 10
) -> np.ndarray:
    """Return, for each new vector, how well the examples of its strongest feature name it.

    A reader names a feature by the examples that excite it most. Take the feature that a new token excites most; among
    the `n_top` known tokens that excite this feature most, what share are of the new token's type?

    Parameters
    ----------
    codes, new_codes : (n, feature) and (m, feature) float, not below 0
        Of the vectors that name the features, and of other vectors.
    labels, new_labels : (n,) and (m,) int
        Such as token ids.
    n_top : int

    Returns
    -------
    (m,) float64
        In [0, 1]; an example that does not excite the feature counts as a miss; NaN for a vector without any feature.

    Raises
    ------
    ExplaintError
        If the numbers of vectors, labels or features do not agree.

    Examples
    --------
    >>> from explaint_lib import dictionaries
    >>> codes = np.array([[3.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    >>> dictionaries.label_fit(codes, np.array([7, 8, 9]), np.array([[1.0, 0.5]]), np.array([7]), n_top=2).tolist()
    [0.5]
    """
    codes, new_codes = np.asarray(codes), np.asarray(new_codes)
    labels, new_labels = np.asarray(labels), np.asarray(new_labels)
    shapes = (codes.shape, labels.shape, new_codes.shape, new_labels.shape)
    if codes.ndim != 2 or shapes != (codes.shape, codes.shape[:1], (len(new_labels), codes.shape[1]), new_labels.shape):
        raise ExplaintError(f"expected codes (n, feature) with n labels, twice; found {', '.join(map(str, shapes))}")
    if not 1 <= n_top <= len(codes):
        raise ExplaintError(f"n_top must lie in 1..{len(codes)}, found {n_top}")
    top = np.argsort(-codes, axis=0, kind="stable")[:n_top]  # (n_top, feature)
    excited = np.take_along_axis(codes, top, axis=0) > 0
    strongest = new_codes.argmax(axis=1)
    fits = ((labels[top][:, strongest] == new_labels) & excited[:, strongest]).mean(axis=0)
    return np.where(new_codes.max(axis=1) > 0, fits, np.nan)


def recovered(directions: np.ndarray, true: np.ndarray, *, least: float = 0.9) -> np.ndarray:
    """Return which true directions a dictionary holds: (true feature,) bool.

    Parameters
    ----------
    directions, true : (feature, dim) and (true feature, dim) float
        Of any length.
    least : float
        A true direction is recovered where the largest cosine with a direction of the dictionary exceeds this.

    Raises
    ------
    ExplaintError
        If the directions are not of one space, or one has no length or no number.

    Examples
    --------
    >>> from explaint_lib import dictionaries
    >>> dictionaries.recovered(np.array([[2.0, 0.0], [1.0, 1.0]]), np.eye(2)).tolist()
    [True, False]
    """
    tables = [np.asarray(each, dtype=np.float64) for each in (directions, true)]
    shapes = [each.shape for each in tables]
    if any(len(shape) != 2 for shape in shapes) or shapes[0][1] != shapes[1][1]:
        raise ExplaintError(f"expected two tables of directions of one space, found {shapes[0]} and {shapes[1]}")
    lengths = [np.linalg.norm(each, axis=1, keepdims=True) for each in tables]
    if not all((length > 0).all() and np.isfinite(length).all() for length in lengths):
        raise ExplaintError("expected directions with a length, found one that is zero or no number")
    ours, theirs = (each / length for each, length in zip(tables, lengths, strict=True))
    return np.asarray((theirs @ ours.T).max(axis=1) > least)
