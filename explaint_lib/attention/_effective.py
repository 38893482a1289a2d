"""Effective attention: the part of a head's weights that its output depends on, and maps that it cannot tell apart.

What it measures
    A head's output is ``A T``, with ``T`` its values (key, dim). If a text is longer than the rank of ``T``
    (at most the width of a head), some changes of ``A`` change nothing at all: they lie in the left null space
    of ``T``. `effective_attention` takes that part out, `same_output_attention` builds a *different* attention map,
    weights from 0 to 1 and rows summing to 1, with the same output.

What it controls for
    The belief that the map that was computed is the only one that explains the output.

What it does NOT license
    "The model might as well have used the other map." It computed this one, from its queries and keys. What
    is not unique is the inference from output to map. Effective weights may be negative, and are no shares.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import orth
from scipy.optimize import linprog

from explaint_lib._common import ExplaintError

_TOLERANCE = 1e-6  # singular values below this share of the largest are rounding of float32


def effective_attention(
    attention: np.ndarray, values: np.ndarray, *, causal: bool = False, keep_sums: bool = False
) -> np.ndarray:
    """Return the attention of one head without the part that its output cannot depend on.

    Parameters
    ----------
    attention : (query, key)
    values : (key, dim)
        The head's value vectors, through the output projection or not: both have the same null space unless
        the projection loses something.
    causal : bool
        Query i reads keys up to i only, so only these are free: row i changes only when i exceeds the rank.
    keep_sums : bool
        Let a row sum count as output too, so that rows still sum to what they did.

    Returns
    -------
    (query, key) float64
        ``attention @ values`` is unchanged. May be negative; without `keep_sums` rows need not sum to 1.

    References
    ----------
    Brunner et al. 2020, effective attention.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> values = np.array([[1.0], [1.0], [1.0]])  # equal values: only a row's sum reaches the output
    >>> attention.effective_attention(np.eye(3), values).round(2).tolist()
    [[0.33, 0.33, 0.33], [0.33, 0.33, 0.33], [0.33, 0.33, 0.33]]
    """
    attention, values = _checked(attention, values)
    if keep_sums:
        values = _with_sums(values)
    if not causal:
        basis = orth(values, rcond=_TOLERANCE)
        return attention @ basis @ basis.T
    effective = np.zeros_like(attention)
    for i in range(len(attention)):
        basis = orth(values[: i + 1], rcond=_TOLERANCE)  # (i + 1, rank)
        effective[i, : i + 1] = attention[i, : i + 1] @ basis @ basis.T
    return effective


def same_output_attention(attention: np.ndarray, values: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return another attention map with the same output, as little like the first as it can be.

    Each row is the solution of a linear programme: among all rows of weights that are not negative, sum to 1
    and give the same output, the one that puts least weight where the first map has much (least inner product
    with it). A row that is the only one possible is returned as it is.

    Parameters
    ----------
    attention : (query, key)
        Rows sum to 1.
    values : (key, dim)
    causal : bool
        Keys after the query stay at 0.

    Returns
    -------
    (query, key) float64
        Weights in [0, 1], rows sum to 1, ``other @ values`` equals ``attention @ values`` to about 1e-6 of the
        values' size.

    Raises
    ------
    ExplaintError
        If a row of `attention` is no distribution.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> values = np.ones((3, 1))
    >>> other = attention.same_output_attention(np.eye(3), values)
    >>> bool(np.allclose(other @ values, values)), np.diag(other).round(2).tolist()
    (True, [0.0, 0.0, 0.0])
    """
    attention, values = _checked(attention, values)
    if attention.min() < 0 or not np.allclose(attention.sum(axis=1), 1, atol=1e-4):
        sums = attention.sum(axis=1)
        raise ExplaintError(
            "expected attention weights, not negative and with rows that sum to 1; found weights from "
            f"{attention.min():.3g} on and rows that sum to {sums.min():.3g} to {sums.max():.3g}; "
            "divide each row by its sum"
        )
    attention = attention / attention.sum(axis=1, keepdims=True)  # float32 rows: 1 to seven digits only
    values = _with_sums(values)
    other = attention.copy()
    basis = orth(values, rcond=_TOLERANCE)
    for i, row in enumerate(attention):
        free = i + 1 if causal else len(row)
        if causal:
            basis = orth(values[:free], rcond=_TOLERANCE)
        if basis.shape[1] >= free:
            continue  # no other row gives this output
        found = linprog(row[:free], A_eq=basis.T, b_eq=row[:free] @ basis, bounds=(0, 1), method="highs")
        if found.status == 0:
            other[i, :free] = np.clip(found.x, 0, 1)
    return other / other.sum(axis=1, keepdims=True)


def total_variation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the distance of two maps row by row, half the sum of absolute differences: (..., query) in [0, 1].

    The share of a row's weight that stands elsewhere.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.total_variation([[0.5, 0.5]], [[1.0, 0.0]]).tolist()
    [0.5]
    """
    return np.abs(np.asarray(first, np.float64) - np.asarray(second, np.float64)).sum(axis=-1) / 2


def _checked(attention: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    attention, values = np.asarray(attention, dtype=np.float64), np.asarray(values, dtype=np.float64)
    n = len(values)
    if values.ndim != 2 or attention.shape != (n, n):
        raise ExplaintError(
            f"expected one head's attention (query, key) and its values (key, dim), found {attention.shape} and "
            f"{values.shape}"
        )
    return attention, values


def _with_sums(values: np.ndarray) -> np.ndarray:
    """Add a column of ones, as long as the longest value direction: a row's sum then belongs to the output."""
    scale = np.linalg.norm(values, ord=2) / np.sqrt(len(values)) or 1.0
    return np.column_stack([values, np.full(len(values), scale)])
