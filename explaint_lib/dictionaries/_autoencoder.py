"""A sparse autoencoder: each vector as a sum of few directions out of many.

What it measures: a dictionary of unit directions, and for each vector which of them it needs, at most `k`. What it does
not license: see the package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explaint_lib._common import ExplaintError


@dataclass(frozen=True)
class SparseAutoencoder:
    """A trained dictionary, with the encoder that reads it.

    Attributes
    ----------
    directions : (feature, dim) float32
        Unit vectors.
    weights, bias : (dim, feature) and (feature,) float32
        The encoder: of ``relu(x @ weights + bias)`` the `k` largest are kept.
    mean : (dim,) float32
    scale : float
        Vectors are centred and divided by it before they are read.
    k : int
    """

    directions: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    scale: float
    k: int

    def codes(self, X: np.ndarray) -> np.ndarray:
        """Return how much of each direction each vector holds, (n, feature) float32; at most `k` are not 0.

        Raises
        ------
        ExplaintError
            For vectors of another dimension.
        """
        X = np.asarray(X, dtype=np.float32)
        if X.ndim != 2 or X.shape[1] != len(self.mean):
            raise ExplaintError(f"expected vectors (n, {len(self.mean)}), found {X.shape}")
        read = np.maximum((X - self.mean) / self.scale @ self.weights + self.bias, 0)  # (n, feature)
        least = np.argpartition(read, -self.k, axis=1)[:, : -self.k]
        np.put_along_axis(read, least, 0, axis=1)
        return read

    def rebuilt(self, codes: np.ndarray) -> np.ndarray:
        """Return the vectors that these codes stand for, (n, dim) float32."""
        return codes @ self.directions * self.scale + self.mean


def fit_autoencoder(
    X: np.ndarray,
    *,
    n_features: int,
    k: int,
    n_steps: int = 400,
    batch_size: int = 256,
    learning_rate: float = 3e-3,
    fixed_directions: bool = False,
    rng: np.random.Generator,
) -> SparseAutoencoder:
    """Train a top-k sparse autoencoder with Adam on the squared error.

    Parameters
    ----------
    X : (n, dim) float
    n_features : int
        Directions of the dictionary.
    k : int
        Directions that one vector may use, fewer than `n_features`.
    n_steps, batch_size : int
    learning_rate : float
        Constant for half of the steps, then falling to zero.
    fixed_directions : bool
        Leave the directions as they were drawn, and train the encoder alone: a null for the dictionary.
    rng : numpy.random.Generator
        Start weights and batches.

    Raises
    ------
    ExplaintError
        If X is no table of finite numbers, `k` is not between 1 and `n_features` - 1, or there are no steps, batches
        or learning.

    References
    ----------
    Makhzani & Frey (2014) and Gao et al. (2024) for the k largest; Korznikov et al. (2026) for fixed directions.

    Examples
    --------
    >>> from explaint_lib import dictionaries
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 8))
    >>> found = dictionaries.fit_autoencoder(X, n_features=16, k=3, n_steps=20, rng=rng)
    >>> found.directions.shape, int((found.codes(X) > 0).sum(axis=1).max())
    ((16, 8), 3)
    """
    import torch  # slow to import

    X = np.asarray(X, dtype=np.float32)
    if X.ndim != 2 or len(X) < 2 or not np.isfinite(X).all():
        raise ExplaintError(f"expected vectors (n, dim), at least 2 and without gaps, found shape {X.shape}")
    if not 1 <= k < n_features:
        raise ExplaintError(f"k must lie in 1..{n_features - 1}, one less than the features; found {k}")
    if n_steps < 1 or batch_size < 1 or not learning_rate > 0:
        asked = f"n_steps={n_steps}, batch_size={batch_size}, learning_rate={learning_rate}"
        raise ExplaintError(f"steps, batches and learning rate must be above 0, found {asked}")
    mean = X.mean(axis=0)
    scale = float(np.sqrt(((X - mean) ** 2).sum(axis=1).mean())) or 1.0
    inputs = torch.from_numpy((X - mean) / scale)
    drawn = rng.standard_normal((n_features, X.shape[1])).astype(np.float32)
    directions = torch.from_numpy(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
    weights, bias = directions.T.clone(), torch.zeros(n_features)
    trained = [weights, bias] if fixed_directions else [weights, bias, directions]
    adam = torch.optim.Adam([one.requires_grad_() for one in trained], lr=learning_rate, fused=True)
    for step in range(n_steps):
        batch = inputs[rng.integers(len(X), size=batch_size)]
        kept, at = torch.relu(batch @ weights + bias).topk(k, dim=1)  # (batch, k)
        codes = torch.zeros(len(batch), n_features).scatter(1, at, kept)
        loss = ((codes @ directions - batch) ** 2).sum(dim=1).mean()
        adam.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = learning_rate * min(1.0, 2 * (1 - step / n_steps))
        adam.step()
        if not fixed_directions:
            with torch.no_grad():
                directions /= directions.norm(dim=1, keepdim=True)
    W, b, D = (one.detach().numpy() for one in (weights, bias, directions))
    return SparseAutoencoder(D, np.ascontiguousarray(W), b, mean, scale, k)
