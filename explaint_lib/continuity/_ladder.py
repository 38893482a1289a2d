"""The ladder of similarities, from the bare cosine to a trained map: each rung grants one freedom more.

``cosine`` < ``cosine_centred`` < ``cosine_standardised`` compare states as they are, up to a mean and a scale
for each dimension (Timkey and van Schijndel 2021): *geometry*. ``procrustes`` < ``ridge`` < ``mlp`` fit a map
from states to targets on training sentences (Brunner et al. 2020): *decodability*. Each rung contains the one
before: the maps work on standardised states and standardised targets, and every comparison ends in a cosine.

The order is one of freedom, not of scores: with a few thousand positions the mlp often finds fewer tokens
than the ridge map, and the ridge map fewer of unseen types than the rotation, since more freedom needs more
to learn from.

What it does not license: a map that finds the token shows that the information is *there for a map of this
kind*, given this many training positions; a better map may always find more, and none shows that the model
reads it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from explaint_lib._common import ExplaintError

GEOMETRY_RUNGS = ("cosine", "cosine_centred", "cosine_standardised")
MAP_RUNGS = ("procrustes", "ridge", "mlp")
RUNGS = GEOMETRY_RUNGS + MAP_RUNGS

#: Ridge penalty for each training position, in units of a standardised dimension's variance. The scores of real
#: models are flat from a hundredth of it to ten times it, so it is fixed and not chosen on any data.
RIDGE = 0.01


@dataclass(frozen=True)
class FittedRung:
    """One rung, fitted: two functions that bring states and candidates into the space of the comparison."""

    name: str
    map_states: Callable[[np.ndarray], np.ndarray]
    map_candidates: Callable[[np.ndarray], np.ndarray]


def to_unit_length(rows: np.ndarray) -> np.ndarray:
    """Return rows (..., dim) scaled to length 1; a zero row stays zero."""
    length = np.sqrt(np.einsum("...d,...d->...", rows, rows))[..., None]
    return rows / np.where(length > 0, length, 1)


def _standardiser(train: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the z-scoring fitted on `train` (position, dim); a constant dimension becomes 0."""
    mean = train.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = train - mean
    std = np.sqrt(np.einsum("nd,nd->d", centred, centred) / len(train))
    alive = std > 1e-6 * max(float(std.max()), float(np.finfo(np.float32).tiny))
    scale = np.where(alive, 1 / np.where(alive, std, 1), 0).astype(np.float32)

    def standardise(rows: np.ndarray) -> np.ndarray:
        out = rows - mean
        out *= scale  # in place: these arrays are large, and this is where the time goes
        return out

    return standardise


def _centrer(train: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    mean = train.mean(axis=0, dtype=np.float64).astype(np.float32)
    return lambda rows: rows - mean


class TrainingStates:
    """States or targets (position, dim) of several maps: standardised, multiplied and factorised once for all."""

    def __init__(self, states: np.ndarray) -> None:
        self.states = states
        self._products: dict[TrainingStates, np.ndarray] = {}

    def __len__(self) -> int:
        """Return the number of positions."""
        return len(self.states)

    @cached_property
    def centre(self) -> Callable[[np.ndarray], np.ndarray]:
        """The subtraction of these states' mean."""
        return _centrer(self.states)

    @cached_property
    def standardise(self) -> Callable[[np.ndarray], np.ndarray]:
        """The z-scoring fitted on these states."""
        return _standardiser(self.states)

    @cached_property
    def standardised(self) -> np.ndarray:
        """These states, z-scored: (position, dim)."""
        return self.standardise(self.states)

    @cached_property
    def factor(self) -> tuple[np.ndarray, bool]:
        """Cholesky factor of their ridge-penalised Gram matrix, (dim, dim)."""
        x = self.standardised
        gram = (x.T @ x).astype(np.float64)
        gram[np.diag_indices_from(gram)] += RIDGE * len(x)
        return cho_factor(gram, overwrite_a=True, check_finite=False)

    def product(self, targets: TrainingStates) -> np.ndarray:
        """Return the products of these states with the targets, both standardised: (dim, target dim)."""
        if targets not in self._products:
            self._products[targets] = self.standardised.T @ targets.standardised
        return self._products[targets]


def _procrustes(train: TrainingStates, targets: TrainingStates) -> Callable[[np.ndarray], np.ndarray]:
    """Return the orthogonal map that takes states nearest to targets in least squares (Schoenemann 1966)."""
    left, _, right = np.linalg.svd(train.product(targets))
    rotation = left @ right  # (dim, dim)
    return lambda rows: rows @ rotation


def _ridge(train: TrainingStates, targets: TrainingStates) -> Callable[[np.ndarray], np.ndarray]:
    """Return the ridge map; states and targets are standardised: no intercept, and one penalty fits all layers."""
    right = train.product(targets).astype(np.float64)
    weights = cho_solve(train.factor, right, overwrite_b=True, check_finite=False).astype(np.float32)
    return lambda rows: rows @ weights  # (dim, target dim)


def _mlp(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Return a small one-hidden-layer map, stopped early on a tenth of the training positions."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    batch = min(128, len(x) // 2)
    model = MLPRegressor(
        hidden_layer_sizes=(512,),
        batch_size=batch,
        learning_rate_init=3e-3,
        max_iter=max(15, -(-400 * batch // len(x))),  # at least 400 steps
        early_stopping=len(x) >= 20,
        n_iter_no_change=3,
        random_state=int(rng.integers(2**31)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is a budget, not a promise
        model.fit(x, y)
    return lambda rows: model.predict(rows).astype(np.float32).reshape(len(rows), -1)


def fit_rung(
    name: str,
    states: np.ndarray | TrainingStates,
    targets: np.ndarray | TrainingStates,
    *,
    rng: np.random.Generator | None = None,
) -> FittedRung:
    """Fit one rung on training positions.

    Parameters
    ----------
    name : str
        One of `RUNGS`.
    states : (position, dim) array, or TrainingStates
        States of the training positions at the layer in question; as `TrainingStates` they are standardised and
        factorised once for all maps fitted on them.
    targets : (position, target dim) array, or TrainingStates
        What each state should be like: its position's input vector or its token's embedding row. The first
        three rungs need ``target dim == dim``, and so does ``procrustes``.
    rng : numpy.random.Generator, optional
        Needed by ``mlp`` alone.

    Returns
    -------
    FittedRung

    Raises
    ------
    ExplaintError
        If the name is unknown, the row counts differ, or ``mlp`` has no `rng`.

    References
    ----------
    Brunner, Liu, Pascual, Richter, Ciaramita, Wattenhofer 2020, arXiv 1908.04211.

    Examples
    --------
    >>> from explaint_lib import continuity
    >>> rng = np.random.default_rng(0)
    >>> targets = rng.standard_normal((50, 3))
    >>> turned = targets @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
    >>> rung = continuity.fit_rung("procrustes", turned, targets)
    >>> cosines = [np.corrcoef(a, b)[0, 1] for a, b in zip(rung.map_states(turned), rung.map_candidates(targets))]
    >>> bool(np.median(cosines) > 0.95)
    True
    """
    if name not in RUNGS:
        raise ExplaintError(f"expected a similarity out of {', '.join(RUNGS)}, found {name!r}; choose one of them")
    if len(states) != len(targets):
        raise ExplaintError(
            f"expected one target for each state, found {len(targets)} targets for {len(states)} states; take both "
            "from the same positions"
        )
    if name == "cosine":
        return FittedRung(name, lambda rows: rows, lambda rows: rows)
    train, wanted = (rows if isinstance(rows, TrainingStates) else TrainingStates(rows) for rows in (states, targets))
    if name == "cosine_centred":
        return FittedRung(name, train.centre, wanted.centre)
    if name in GEOMETRY_RUNGS:
        return FittedRung(name, train.standardise, wanted.standardise)
    if name == "mlp":
        if rng is None:
            raise ExplaintError(
                "expected a generator, found none: the mlp rung starts from random weights; pass "
                "rng=numpy.random.default_rng(seed)"
            )
        step = _mlp(train.standardised, wanted.standardised, rng)
    else:
        step = _ridge(train, wanted) if name == "ridge" else _procrustes(train, wanted)
    return FittedRung(name, lambda rows: step(train.standardise(rows)), wanted.standardise)
