"""Fair ties: who is among the k largest, as a probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError


def pair(pred: ArrayLike, gold: ArrayLike, *, same_columns: bool = True) -> tuple[np.ndarray, np.ndarray]:
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
        Cells of ``-inf`` are never among them.
    k : int or array of shape (rows,)
        From 0 to the number of finite cells of the row.

    Returns
    -------
    array of shape (rows, columns)
        1 above the row's k-th largest value, 0 below, (k - a) / b at it, with `a` cells above and `b` cells
        at it. Rows sum to k.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.top_share(np.array([[3.0, 1.0, 1.0, 0.0]]), 2).tolist()
    [[1.0, 0.5, 0.5, 0.0]]
    """
    rows, columns = values.shape
    k = np.broadcast_to(np.asarray(k), (rows,))
    most = max(int(k.max(initial=0)), 1)
    largest = (
        -np.sort(np.partition(-values, most - 1, axis=1)[:, :most], axis=1) if most < columns else -np.sort(-values)
    )
    cut = largest[np.arange(rows), np.maximum(k, 1) - 1][:, None]  # (rows, 1)
    above, at = values > cut, values == cut
    part = (k - above.sum(axis=1)) / at.sum(axis=1)
    return np.where(k[:, None] > 0, above + at * part[:, None], 0.0)
