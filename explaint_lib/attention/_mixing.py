"""From attention of all layers to one map of token to state: the mean over heads, rollout, flow.

What it measures: where weight could have come from, if weight were all that moved. What it controls for: the
residual connection, by a share that the caller states. What it does NOT license: any word about content.
Values do not enter at all, so a head that writes nothing counts as much as one that writes everything; and a
product of many row-stochastic matrices tends to equal rows (vertical stripes) *whatever* the model is.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from explaint_lib._common import ExplaintError

_UNITS = 2**24  # capacities of a flow are whole numbers: a weight is cut to 1 / _UNITS


def mean_over_heads(attention: np.ndarray) -> np.ndarray:
    """Return the mean over heads: (layer, head, query, key) to (layer, query, key).

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.mean_over_heads(np.ones((2, 4, 3, 3)) / 3).shape
    (2, 3, 3)
    """
    attention = np.asarray(attention)
    if attention.ndim != 4:
        raise ExplaintError(f"expected attention (layer, head, query, key), found shape {attention.shape}")
    return attention.mean(axis=1)


def rollout(mixing: np.ndarray, *, residual: float = 0.5) -> np.ndarray:
    """Multiply the maps of all layers: how much of state i at layer l came, by weight, from input token j?

    Parameters
    ----------
    mixing : (layer, query, key)
        One map a layer, rows summing to 1: `mean_over_heads`, or rows of a norm-based map.
    residual : float in [0, 1), default 0.5
        Share given to the residual connection: ``(1 - residual) A + residual I``. One half is the choice of
        Abnar & Zuidema; give 0 for maps that hold the residual connection already.

    Returns
    -------
    (layer, query, key)
        Row l: the product of layers 1 to l + 1, rows summing to 1. The last one is "the" rollout.

    Raises
    ------
    ExplaintError
        If the shape is not (layer, n, n), or rows hold negative weights.

    Warnings
    --------
    The fixed half has no support in data: measured shares of the residual connection are far larger in some
    models (`mixing_ratio`), and the ranking can turn round with it.

    References
    ----------
    Abnar & Zuidema 2020, attention rollout.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> uniform = np.full((2, 2, 2), 0.5)  # (layer, query, key)
    >>> attention.rollout(uniform)[-1].tolist()
    [[0.625, 0.375], [0.375, 0.625]]
    """
    steps = _with_residual(mixing, residual)
    passed = [steps[0]]
    for step in steps[1:]:
        passed.append(step @ passed[-1])  # (query, key)
    return np.stack(passed)


def flow(mixing: np.ndarray, *, residual: float = 0.5) -> np.ndarray:
    """Return the maximum flow from every state of the last layer down to every input token, rows made to sum to 1.

    The network has a node for each position of each layer; the capacity of an edge is its weight in
    ``(1 - residual) A + residual I``.

    Parameters
    ----------
    mixing : (layer, query, key)
        As for `rollout`.
    residual : float in [0, 1), default 0.5

    Returns
    -------
    (query, key) float64
        Rows sum to 1.

    Raises
    ------
    ExplaintError
        As for `rollout`.

    Warnings
    --------
    One maximum flow for each pair, so the cost grows with n to the fourth: meant for sentences.

    References
    ----------
    Abnar & Zuidema 2020, attention flow.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> uniform = np.full((2, 2, 2), 0.5)  # (layer, query, key)
    >>> attention.flow(uniform).round(2).tolist()
    [[0.67, 0.33], [0.33, 0.67]]
    """
    steps = _with_residual(mixing, residual)
    n_layers, n, _ = steps.shape
    capacity = np.floor(steps * _UNITS).astype(np.int32)
    layer, query, key = np.nonzero(capacity)
    # node of position i above layer l: l * n + i; edges run from queries down to keys
    size = (n_layers + 1) * n
    network = csr_array((capacity[layer, query, key], ((layer + 1) * n + query, layer * n + key)), shape=(size, size))
    reachable = np.linalg.multi_dot([*(steps[::-1] > 0).astype(float), np.eye(n)]) > 0
    flows = np.zeros((n, n))
    for i, j in np.argwhere(reachable):
        flows[i, j] = maximum_flow(network, int(n_layers * n + i), int(j)).flow_value
    return flows / flows.sum(axis=1, keepdims=True)


def _with_residual(mixing: np.ndarray, residual: float) -> np.ndarray:
    """Return the maps with a share of identity added, (layer, n, n) float64."""
    mixing = np.asarray(mixing, dtype=np.float64)
    if mixing.ndim != 3 or mixing.shape[1] != mixing.shape[2] or not mixing.size:
        raise ExplaintError(f"expected one map a layer, (layer, n, n), found shape {mixing.shape}; average heads first")
    if not np.isfinite(mixing).all() or mixing.min() < 0:
        raise ExplaintError(
            f"a map to roll out must hold finite weights that are not negative, found weights from {mixing.min():.3g} "
            f"to {mixing.max():.3g}; give the shares of each row, as `row_shares` makes them"
        )
    if not 0 <= residual < 1:
        raise ExplaintError(f"the residual connection's share must lie in [0, 1), found {residual}; give 0 for none")
    return (1 - residual) * mixing + residual * np.eye(mixing.shape[1])
