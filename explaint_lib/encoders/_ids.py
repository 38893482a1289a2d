"""Token ids on their way into a model: checked, and padded to a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError


def checked_ids(
    ids: np.ndarray, mask: np.ndarray | None, n_rows: int, longest: int, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return copies of ids and mask, (batch, n) int64 each; without a mask all tokens are real.

    Raises
    ------
    ExplaintError
        For ids of the wrong shape, outside the vocabulary of `n_rows` entries, or more than `longest` of them, and for
        a mask of another shape.
    """
    ids = np.asarray(ids)
    if ids.ndim != 2 or ids.size == 0 or not np.issubdtype(ids.dtype, np.integer):
        raise ExplaintError(f"ids must be a (batch, n) array of integers, found shape {ids.shape} of {ids.dtype}")
    if ids.min() < 0 or ids.max() >= n_rows:
        raise ExplaintError(f"token ids must lie in 0..{n_rows - 1}, found {ids.min()}..{ids.max()}")
    if ids.shape[1] > longest:
        raise ExplaintError(f"the ids are {ids.shape[1]} tokens long, and {name} takes at most {longest}")
    mask = np.ones(ids.shape, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    if mask.shape != ids.shape:
        raise ExplaintError(f"mask has shape {mask.shape}, expected that of ids, {ids.shape}")
    return ids.astype(np.int64), mask.astype(np.int64)  # copies: the caller's arrays may be read-only


def padded(rows: Sequence[np.ndarray], pad_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Pad token id rows on the right to one (batch, n) array, and return it with its (batch, n) mask."""
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask] = np.concatenate(rows)
    return ids, mask
