"""Vectors whose features are known: more directions than dimensions, of which few are present at a time.

What it plants: superposition, after Elhage et al. (2022). With equally frequent features a dictionary can find them;
with frequencies that fall off as those of words do, most features are too rare to be found, and the frequent ones carry
most of the variance. What it does not license: that a model's states are made so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explaint_lib._common import ExplaintError


@dataclass(frozen=True)
class Superposition:
    """Vectors and the features they were made of.

    Attributes
    ----------
    vectors : (n, dim) float64
    directions : (feature, dim) float64
        Unit vectors, the features from the most frequent to the rarest.
    frequency : (feature,) float64
        How often each feature is present.
    """

    vectors: np.ndarray
    directions: np.ndarray
    frequency: np.ndarray


def superposition(
    n: int,
    *,
    n_features: int,
    dim: int,
    n_present: float,
    decay: float,
    rng: np.random.Generator,
) -> Superposition:
    """Draw vectors that are sums of few known directions.

    Parameters
    ----------
    n : int
        Vectors.
    n_features, dim : int
    n_present : float
        Features of one vector, on average (fewer where a frequency would exceed one half).
    decay : float
        The feature of rank r is present in proportion to r to the power of minus this: 0 makes all equally frequent,
        1 is Zipf's law.
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        If a number is not above 0, or `decay` is below 0.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> rng = np.random.default_rng(0)
    >>> world = planted.superposition(100, n_features=64, dim=32, n_present=3, decay=0, rng=rng)
    >>> world.vectors.shape, world.directions.shape
    ((100, 32), (64, 32))
    """
    if min(n, n_features, dim, n_present) <= 0 or decay < 0:
        raise ExplaintError(
            "expected n, n_features, dim and n_present above 0 and a decay of 0 or more; found "
            f"{n}, {n_features}, {dim}, {n_present}, {decay}"
        )
    directions = rng.standard_normal((n_features, dim))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    weight = np.arange(1, n_features + 1.0) ** -decay
    frequency = np.minimum(n_present * weight / weight.sum(), 0.5)
    strength = rng.lognormal(0, 0.5, (n, n_features)) * (rng.random((n, n_features)) < frequency)
    return Superposition(strength @ directions, directions, frequency)
