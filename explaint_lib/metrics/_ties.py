"""Fair ties: who is among the k largest, as a probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError


def checked_pair(pred: ArrayLike, gold: ArrayLike, *, same_columns: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return checked float64 arrays (words, features); NaN in gold is a missing cell."""
    pred, gold = matrix(pred, "pred"), matrix(gold, "gold")
    if len(pred) != len(gold) or (same_columns and pred.shape != gold.shape):
        raise ExplaintError(f"pred and gold must have one shape (words, features), got {pred.shape} and {gold.shape}")
    if not np.isfinite(pred).all():
        raise ExplaintError("predictions must be finite; NaN is for missing cells of gold only")
    return pred, gold


def matrix(values: ArrayLike, name: str = "gold") -> np.ndarray:
    """Return a 2-D float64 array; numbers that came as text are refused, since text sorts "9" above "10"."""
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise ExplaintError(
            f"{name} must hold numbers, got dtype {values.dtype}: convert the table's text to numbers first"
        )
    if values.ndim != 2 or not values.size:
        raise ExplaintError(f"{name} must have shape (words, features), at least one of each; got {values.shape}")
    if np.isinf(values).any():
        raise ExplaintError(f"{name} holds infinity; expected finite numbers (NaN in gold: missing)")
    return values.astype(np.float64, copy=False)


def top_share(values: np.ndarray, k: int | np.ndarray) -> np.ndarray:
    """Return each cell's probability of being among the `k` largest of its row, ties broken at random.

    Parameters
    ----------
    values : array of shape (rows, columns)
        Cells of ``-inf`` or NaN are never among them.
    k : int or array of shape (rows,)
        From 0 to the number of finite cells of the row.

    Returns
    -------
    array of shape (rows, columns)
        1 above the row's k-th largest value, 0 below, (k - a) / b at it, with `a` cells above and `b` cells
        at it. Rows sum to k.

    Raises
    ------
    ExplaintError
        If k is larger than a row.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.top_share(np.array([[3.0, 1.0, 1.0, 0.0]]), 2).tolist()
    [[1.0, 0.5, 0.5, 0.0]]
    """
    k = np.broadcast_to(np.asarray(k), (len(values),))
    if k.max(initial=0) > values.shape[1]:
        raise ExplaintError(f"k is {k.max()}, and a row has {values.shape[1]} cells; ask for no more of them")
    if np.isnan(values).any():  # NumPy sorts these above all numbers
        values = np.where(np.isnan(values), -np.inf, values)
    cut, part = cut_of(values, np.maximum(k, 1))
    share = (values > cut[:, None]) + (values == cut[:, None]) * part[:, None]
    return np.where(k[:, None] > 0, share, 0.0)


def among_top(values: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the cells above zero of ``top_share(values, k)``, as rows and columns, and what stands there."""
    cut, part = cut_of(values, k)
    row, column = np.nonzero(values >= cut[:, None])
    return row, column, np.where(values[row, column] > cut[row], 1.0, part[row])


def cut_of(values: np.ndarray, k: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's `k`-th largest value, and the probability of a cell of that value to be among the k largest.

    This is how all metrics of neighbours, and all rankings of features, break ties: `a` cells lie above the cut and `b`
    at it, and ``k - a`` of these are drawn at random.
    """
    rows, columns = values.shape
    most = k if isinstance(k, int) else int(k.max(initial=1))
    top = np.partition(values, columns - most, axis=1)[:, columns - most :]
    cut = top[:, 0].copy() if isinstance(k, int) else np.sort(top, axis=1)[np.arange(rows), most - k]
    above, at = (top > cut[:, None]).sum(axis=1), (values == cut[:, None]).sum(axis=1)
    return cut, (k - above) / at
