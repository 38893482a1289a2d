"""What a map looks like, in numbers: sharpness, sinks, diagonals, distances, and whether two maps differ.

What it measures
    Statistics of the *picture*, one number a map: how sharp its rows are (entropy, Gini), how much lies on
    chosen columns (sinks), on the diagonal or beside it, how far rows look. `blind_test` asks whether
    these numbers tell two kinds of maps apart, on sentences that the classifier has not seen.

What it controls for
    Every statistic is normalised by what a row *may* do: in a causal map row *i* has i + 1 columns, so its
    entropy is divided by that of i + 1 equal weights. A row with one column has no choice and does not count.
    `uniform_attention` through the same function gives the level of a map without structure.

What it does not license
    Structure is a property of the picture. Entropy, Gini and the diagonal do not change at all when rows and
    columns are relabelled together, so no value of theirs says that the labels are right.

Maps are arrays (..., query, key); leading axes (layer, head) are kept. Cut padding off
beforehand: columns that may not be attended to would count as sharpness.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import entr, rel_entr

from explaint_lib._common import ExplaintError

#: What `map_statistics` returns along its last axis, in this order.
STATISTICS = ("entropy", "gini", "sink", "diagonal", "previous", "next", "distance")

#: Those that do not change when positions are relabelled.
LABEL_FREE = ("entropy", "gini", "diagonal")


def row_entropy(attention: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return the mean entropy of rows as a share of the largest possible: 1 = all equal, 0 = all on one.

    Parameters
    ----------
    attention : (..., n, n) array
        Rows sum to 1.
    causal : bool
        Whether a row may only look back; its largest entropy is then log(i + 1), and row 0 does not count.

    Returns
    -------
    (...) float64 in [0, 1]

    Raises
    ------
    ExplaintError
        For maps that are not square, hold negative or infinite values, or look ahead although `causal`.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.row_entropy(np.full((4, 4), 0.25)).item(), abs(attention.row_entropy(np.eye(4)).item())
    (1.0, 0.0)
    """
    weights, allowed = _checked(attention, causal)
    return _mean_rows(entr(weights).sum(axis=-1) / np.log(np.maximum(allowed, 2)), allowed)


def gini(attention: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return the mean Gini coefficient of rows, over the columns that each may use: 0 = all equal, 1 = all on one.

    Parameters and errors as in `row_entropy`. With m columns the coefficient is multiplied by m / (m - 1), so
    that 1 is reached at every length.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.gini(np.eye(4)).item(), attention.gini(np.full((4, 4), 0.25)).item()
    (1.0, 0.0)
    """
    weights, allowed = _checked(attention, causal)
    n = weights.shape[-1]
    ordered = np.sort(weights, axis=-1)  # columns that a causal row may not use are zeros, and come first
    rank = np.arange(1, n + 1) - (n - allowed)[:, None]  # (query, place): 1 .. m for the last m places
    total = weights.sum(axis=-1)
    weighted = (np.maximum(rank, 0) * ordered).sum(axis=-1)
    m = np.maximum(allowed, 2)
    value = (2 * weighted / np.where(total > 0, total, 1) - (m + 1)) / (m - 1)
    return _mean_rows(value, allowed)


def sink_share(attention: np.ndarray, key: int | np.ndarray = 0, *, causal: bool = False) -> np.ndarray:
    """Return the mean weight that rows put on a column, the first by default, or on several.

    Parameters
    ----------
    attention, causal
        As in `row_entropy`.
    key : int, or (n,) bool
        The column, or the columns (special tokens). Rows of these positions themselves do not count: a token
        that looks at itself is no sink.

    Returns
    -------
    (...) float64 in [0, 1]
        NaN if no other row may look there.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.sink_share(np.array([[0.0, 1.0], [0.75, 0.25]])).item()
    0.75
    """
    weights, allowed = _checked(attention, causal)
    n = len(allowed)
    columns = np.arange(n) == key if np.ndim(key) == 0 else np.asarray(key, dtype=bool)
    if columns.shape != (n,) or not columns.any():
        raise ExplaintError(f"key must be a position below {n}, or ({n},) flags with at least one; found {key!r}")
    counts = np.where(columns, 1, allowed)
    if causal:
        counts = np.where(np.arange(n) > np.flatnonzero(columns)[0], counts, 1)  # it can see one of them
    return _mean_rows(weights[..., columns].sum(axis=-1), counts)


def offset_share(attention: np.ndarray, offset: int, *, causal: bool = False) -> np.ndarray:
    """Return the mean weight on the column `offset` places after the row's own: -1 is the previous token.

    Rows without such a column do not count. Parameters, returns and errors as in `row_entropy`; NaN where no row
    has one (an offset above 0 in a causal map).

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.offset_share(np.array([[1.0, 0.0], [0.75, 0.25]]), -1).item()
    0.75
    """
    weights, allowed = _checked(attention, causal)
    n = len(allowed)
    at = np.arange(n) + offset
    counts = np.where((at >= 0) & (at < (np.arange(n) + 1 if causal else n)), allowed, 1)
    return _mean_rows(np.take_along_axis(weights, _columns(at, weights), axis=-1)[..., 0], counts)


def diagonal_share(attention: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return the mean weight that rows put on their own position; see `offset_share`.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.diagonal_share(np.array([[1.0, 0.0], [0.75, 0.25]])).item()
    0.625
    """
    return offset_share(attention, 0, causal=causal)


def mean_distance(attention: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return how far rows look, as a multiple of how far equal weights would: 0 = at themselves, 1 = anywhere.

    Parameters, returns and errors as in `row_entropy`; at most about 2 (a row that looks at the far end).

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.mean_distance(np.eye(4)).item(), attention.mean_distance(np.full((4, 4), 0.25)).item()
    (0.0, 1.0)
    """
    weights, allowed = _checked(attention, causal)
    n = len(allowed)
    distance = np.abs(np.arange(n)[:, None] - np.arange(n))
    expected = (distance * uniform_attention(n, causal=causal)).sum(axis=-1)
    return _mean_rows((weights * distance).sum(axis=-1) / np.where(expected > 0, expected, 1), allowed)


def jensen_shannon(first: np.ndarray, second: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return the mean Jensen-Shannon divergence between the rows of two maps, in bits: 0 = equal, 1 = disjoint.

    Parameters
    ----------
    first, second : (..., n, n) arrays of one shape
        Rows are divided by their sums.
    causal : bool
        Row 0 of a causal map has no choice and does not count.

    Returns
    -------
    (...) float64 in [0, 1]

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.jensen_shannon(np.eye(2), np.eye(2)[::-1]).item()
    1.0
    """
    (p, allowed), (q, _) = _checked(first, causal), _checked(second, causal)
    if p.shape != q.shape:
        raise ExplaintError(f"two maps to compare must have one shape, found {p.shape} and {q.shape}")
    p, q = (each / np.maximum(each.sum(axis=-1, keepdims=True), np.finfo(float).tiny) for each in (p, q))
    middle = (p + q) / 2
    bits = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / (2 * np.log(2))  # (..., query)
    return _mean_rows(bits.clip(0, 1), allowed)


def uniform_attention(n: int, *, causal: bool = False) -> np.ndarray:
    """Return the map without structure, (n, n): every row spreads its weight over all it may look at.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.uniform_attention(2, causal=True).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    allowed = np.tri(n) if causal else np.ones((n, n))
    return allowed / allowed.sum(axis=-1, keepdims=True)


def map_statistics(attention: np.ndarray, *, sink: int | np.ndarray = 0, causal: bool = False) -> np.ndarray:
    """Return all `STATISTICS` of every map, (..., statistic) float64; ``next`` is NaN for causal maps.

    Parameters
    ----------
    attention, causal
        As in `row_entropy`.
    sink : int, or (n,) bool
        As `key` of `sink_share`.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> found = attention.map_statistics(attention.uniform_attention(4))
    >>> dict(zip(attention.STATISTICS, found.round(2).tolist()))
    {'entropy': 1.0, 'gini': 0.0, 'sink': 0.25, 'diagonal': 0.25, 'previous': 0.25, 'next': 0.25, 'distance': 1.0}
    """
    measures: tuple[Callable[..., np.ndarray], ...] = (
        row_entropy,
        gini,
        lambda a, causal: sink_share(a, sink, causal=causal),
        diagonal_share,
        lambda a, causal: offset_share(a, -1, causal=causal),
        lambda a, causal: offset_share(a, 1, causal=causal),
        mean_distance,
    )
    return np.stack([measure(attention, causal=causal) for measure in measures], axis=-1)


def _checked(attention: np.ndarray, causal: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return maps as float64, and how many columns each row may use, (query,)."""
    weights = np.asarray(attention, dtype=np.float64)
    if weights.ndim < 2 or weights.shape[-1] != weights.shape[-2]:
        raise ExplaintError(f"expected attention (..., query, key) over one set of positions, found {weights.shape}")
    n = weights.shape[-1]
    if not np.nanmin(weights, initial=0) >= 0 or np.isinf(weights).any():
        raise ExplaintError(
            "attention weights must be finite and not negative, found "
            f"{np.count_nonzero((weights < 0) | np.isinf(weights))} others; give the weights after the softmax"
        )
    if causal and np.nanmax(np.abs(np.triu(weights, k=1)), initial=0) > 1e-6:
        raise ExplaintError("causal=True, but some row looks ahead; these are maps of an encoder")
    return weights, np.arange(1, n + 1) if causal else np.full(n, n)


def _mean_rows(value: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Return the mean over the rows that have a choice, (...); NaN if none has."""
    counted = allowed > 1
    return value[..., counted].mean(axis=-1) if counted.any() else np.full(value.shape[:-1], np.nan)


def _columns(at: np.ndarray, weights: np.ndarray) -> np.ndarray:
    index = at.clip(0, len(at) - 1)[:, None]
    return np.broadcast_to(index, (*weights.shape[:-1], 1))
