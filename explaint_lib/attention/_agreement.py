"""From tokens to words, without sinks, and how far two maps rank the same tokens first.

What it measures: rank agreement of maps, row by row, over the tokens that a row could have chosen. What it
controls for: special tokens and sinks (left out, or not, by the caller), the diagonal (a map that calls
every position its own agrees with every other such map), keys that a causal row cannot see. What it does NOT
license: "two methods agree, so both are right". Both may follow distance; give `nearness` as one of the maps.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from explaint_lib._common import ExplaintError

_FEWEST = 3  # a rank correlation over fewer tokens says nothing


def to_words(mixing: np.ndarray, word_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge word pieces: weights are summed over the pieces attended to and averaged over those that attend.

    Parameters
    ----------
    mixing : (..., query, key)
    word_ids : (n,) int
        The word of each position; a position with -1 (special tokens) stays a unit of its own.

    Returns
    -------
    merged : (..., unit, unit)
        Rows keep their sums.
    first : (unit,) int
        The first position of each unit, in the order of the text.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> merged, first = attention.to_words(np.full((3, 3), 1 / 3), [0, 1, 1])
    >>> merged.round(2).tolist(), first.tolist()
    ([[0.33, 0.67], [0.33, 0.67]], [0, 1])
    """
    ids = np.asarray(word_ids)
    labels = np.where(ids >= 0, ids, -1 - np.arange(len(ids)))
    _, first, unit = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    unit = np.argsort(order)[unit]  # (n,) units in the order of the text
    member = (unit == np.arange(len(first))[:, None]).astype(np.float64)  # (unit, n)
    return member / member.sum(axis=1, keepdims=True) @ np.asarray(mixing) @ member.T, first[order]


def nearness(n: int, *, causal: bool = False) -> np.ndarray:
    """Return the map that knows distance only, (n, n): ``1 / (1 + |i - j|)``, rows summing to 1.

    The floor for every claim that a map shows content: no model was asked.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.nearness(3, causal=True).round(2).tolist()
    [[1.0, 0.0, 0.0], [0.33, 0.67, 0.0], [0.18, 0.27, 0.55]]
    """
    steps = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    near = np.tril(1 / (1 + steps)) if causal else 1 / (1 + steps)
    return near / near.sum(axis=1, keepdims=True)


def row_agreement(
    maps: Mapping[str, np.ndarray], *, causal: bool = False, own: bool = False, skip: np.ndarray | None = None
) -> np.ndarray:
    """Return the mean Spearman correlation of rows, for every pair of maps of one text.

    Parameters
    ----------
    maps : mapping of name to (query, key)
        All of one shape, any scale.
    causal : bool
        Compare keys up to the query only.
    own : bool, default False
        Let the diagonal take part.
    skip : (n,) bool, optional
        Positions that take no part, neither as query nor as key: special tokens, a decoder's first.

    Returns
    -------
    (map, map) float64 in [-1, 1]
        In the order of `maps`. Ties get mean ranks. A row in which a map is constant counts 0 (it ranks
        nothing); rows with fewer than 3 tokens to rank are left out, and without any the result is NaN.

    Raises
    ------
    ExplaintError
        If shapes differ or a map holds undefined values.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> near = attention.nearness(6)
    >>> attention.row_agreement({"near": near, "far": -near}).round(2).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    names = list(maps)
    given = [np.asarray(maps[name], dtype=np.float64) for name in names]
    shapes = {each.shape for each in given}
    n = len(given[0]) if given and given[0].ndim else 0
    if shapes != {(n, n)} or not all(np.isfinite(each).all() for each in given):
        undefined = sum(np.count_nonzero(~np.isfinite(each)) for each in given)
        raise ExplaintError(
            f"expected finite maps of one shape (n, n), found shapes {sorted(shapes)} and {undefined} undefined "
            "weights; leave out the maps that differ"
        )
    stack = np.stack(given)  # (map, query, key)
    keep = np.ones(n, dtype=bool) if skip is None else ~np.asarray(skip, dtype=bool)
    eligible = keep[:, None] & keep[None, :]
    eligible &= np.tril(np.ones((n, n), dtype=bool)) if causal else True
    eligible &= True if own else ~np.eye(n, dtype=bool)
    found = []
    for i in np.flatnonzero(eligible.sum(axis=1) >= _FEWEST):
        ranks = rankdata(stack[:, i, eligible[i]], axis=1)  # (map, key)
        ranks -= ranks.mean(axis=1, keepdims=True)
        length = np.linalg.norm(ranks, axis=1, keepdims=True)
        unit = np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)
        found.append(unit @ unit.T)  # (map, map)
    return np.mean(found, axis=0) if found else np.full((len(names), len(names)), np.nan)
