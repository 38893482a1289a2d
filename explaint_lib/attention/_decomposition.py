"""One attention block taken apart: what each position is given by each other one, as vectors.

What it measures
    ``T[i, j]``, the vector that position *j* gives to position *i* in one attention block: weights times
    values through the output projection, summed over heads, plus the residual connection where i = j, and
    through the normalisation that follows, if one follows. All ``T[i, :]`` and a constant add up to the state
    exactly. Norm-weighted attention and ALTI are two ways to give each vector a size.

What it controls for
    A weight on a value of length zero counts for nothing (`planted.decoy`, `planted.sink`). The residual
    connection gets its own measured share instead of a fixed one half.

What it does NOT license
    Only the attention block is taken apart. The feed-forward block adds nothing from other positions, but it
    may enlarge or erase what was mixed in. Each block calls its *input states* by positions: whether these
    still hold the tokens of the same name is another question (chapter 03).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explaint_lib._common import ExplaintError

_CELLS = 4_000_000  # numbers of T held at once: (query, key, dim) of a long text would not fit


@dataclass(frozen=True, eq=False)
class LayerParts:
    """The attention block of one layer, for one text.

    Attributes
    ----------
    attention : (head, query, key)
    values : (head, key, dim)
        Value vectors through the head's share of the output projection.
    residual : (position, dim)
        What the residual connection brings.
    bias : (dim,)
        Bias of the output projection: added to every position, and credited to none.
    gain : (dim,) or None
        The normalisation after the sum, if the architecture has one there (BERT: LayerNorm): its gain. None
        where the sum is the state (Llama: the normalisation stands before the block).
    shift : (dim,)
        That LayerNorm's bias; zeros without one.
    epsilon : float
        That LayerNorm's epsilon.
    """

    attention: np.ndarray
    values: np.ndarray
    residual: np.ndarray
    bias: np.ndarray
    gain: np.ndarray | None = None
    shift: np.ndarray | float = 0.0
    epsilon: float = 0.0

    @property
    def output(self) -> np.ndarray:
        """What the block puts out, (position, dim)."""
        total = self._total()
        if self.gain is None:
            return total
        return (total - total.mean(axis=-1, keepdims=True)) / self._spread(total) * self.gain + self.shift

    def _total(self) -> np.ndarray:
        return (self.attention @ self.values).sum(axis=0) + self.residual + self.bias

    def _spread(self, total: np.ndarray) -> np.ndarray:
        return np.sqrt(total.var(axis=-1, keepdims=True) + self.epsilon)  # (position, 1)


def transformed_vectors(
    parts: LayerParts, *, residual: bool = True, norm: bool = True
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the vectors ``T``, (query, key, dim), for some queries at a time.

    Parameters
    ----------
    parts : LayerParts
    residual : bool
        Add the residual connection to ``T[i, i]``.
    norm : bool
        Pass the vectors through the normalisation after the sum, if there is one. It is linear once its
        divisor is that of the whole sum, so the vectors still add up.

    Yields
    ------
    queries : slice
    vectors : (query, key, dim)

    Examples
    --------
    >>> from explaint_lib import attention
    >>> parts = attention.LayerParts(
    ...     attention=np.full((1, 2, 2), 0.5), values=np.ones((1, 2, 3)), residual=np.ones((2, 3)), bias=np.zeros(3)
    ... )
    >>> (queries, vectors), = attention.transformed_vectors(parts)
    >>> bool(np.allclose(vectors.sum(axis=1), parts.output))
    True
    """
    n, dim = parts.residual.shape
    total = parts._total()
    spread = parts._spread(total) if parts.gain is not None else None
    values = parts.values.transpose(1, 0, 2)  # (key, head, dim)
    step = max(1, _CELLS // (n * dim))
    for start in range(0, n, step):
        queries = slice(start, min(n, start + step))
        weights = parts.attention[:, queries].transpose(2, 1, 0)  # (key, query, head)
        vectors = (weights @ values).transpose(1, 0, 2)  # (query, key, dim)
        if residual:
            own = np.arange(queries.start, queries.stop)
            vectors[own - queries.start, own] += parts.residual[queries]
        if norm and spread is not None:
            centred = vectors - vectors.mean(axis=-1, keepdims=True)
            vectors = centred / spread[queries, None] * parts.gain
        yield queries, vectors


def norm_weighted(parts: LayerParts, *, residual: bool = True, norm: bool = True) -> np.ndarray:
    """Return the length of what each position gives to each other one: (query, key), not normalised.

    Without `residual` and `norm` this is the analysis of Kobayashi et al. 2020; with both, of 2021.

    Parameters
    ----------
    parts : LayerParts
    residual, norm : bool
        As in `transformed_vectors`.

    Warnings
    --------
    Lengths are not shares: vectors that cancel each other count twice. `mixing_ratio` sums first.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> values = np.array([[[1.0], [0.0]]])  # (head, key, dim): the second position has nothing to give
    >>> parts = attention.LayerParts(np.full((1, 2, 2), 0.5), values, residual=np.ones((2, 1)), bias=np.zeros(1))
    >>> attention.norm_weighted(parts).tolist()
    [[1.5, 0.0], [0.5, 1.0]]
    """
    chunks = transformed_vectors(parts, residual=residual, norm=norm)
    return np.concatenate([np.linalg.norm(vectors, axis=-1) for _, vectors in chunks])


def mixing_ratio(parts: LayerParts, *, norm: bool = True) -> np.ndarray:
    """Return how much of each state came from other positions in this block, (position,) in [0, 1].

    ``||sum of others' vectors|| / (||sum of others' vectors|| + ||own vector||)``, own being the residual
    connection and what the position reads from itself.

    References
    ----------
    Kobayashi et al. 2021, mixing ratio (ATTNRESLN-N; without `norm` ATTNRES-N).

    Examples
    --------
    >>> from explaint_lib import attention
    >>> parts = attention.LayerParts(
    ...     attention=np.full((1, 2, 2), 0.5), values=np.ones((1, 2, 1)), residual=np.ones((2, 1)), bias=np.zeros(1)
    ... )
    >>> attention.mixing_ratio(parts).tolist()
    [0.25, 0.25]
    """
    ratios = []
    for queries, vectors in transformed_vectors(parts, norm=norm):
        rows = np.arange(queries.start, queries.stop)
        own = vectors[rows - queries.start, rows]  # (query, dim)
        others = np.linalg.norm(vectors.sum(axis=1) - own, axis=-1)
        ratios.append(others / (others + np.linalg.norm(own, axis=-1)))
    return np.concatenate(ratios)


def alti(parts: LayerParts) -> np.ndarray:
    """Return ALTI contributions: how far the state would be from itself without each given vector.

    ``c_ij = max(0, ||y_i||_1 - ||y_i - T_ij||_1)``, rows divided by their sum.

    Returns
    -------
    (query, key) in [0, 1]
        Rows sum to 1; a row in which no vector brings the state nearer is all zero.

    References
    ----------
    Ferrando et al. 2022, aggregation of layer-wise token-to-token interactions. Theirs are BERT-like models;
    for blocks whose normalisation stands before them we take the sum itself as the state.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> parts = attention.LayerParts(
    ...     attention=np.full((1, 2, 2), 0.5), values=np.ones((1, 2, 1)), residual=np.ones((2, 1)), bias=np.zeros(1)
    ... )
    >>> attention.alti(parts).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    output = parts.output
    rows = []
    for queries, vectors in transformed_vectors(parts):
        state = output[queries, None]  # (query, 1, dim)
        distance = np.abs(state - vectors).sum(axis=-1)  # (query, key)
        nearer = np.maximum(0, np.abs(state).sum(axis=-1) - distance)
        rows.append(np.where(vectors.any(axis=-1), nearer, 0))  # what gives nothing is not left to rounding
    return row_shares(np.concatenate(rows))


def row_shares(sizes: np.ndarray) -> np.ndarray:
    """Divide each row by its sum; a row of zeros stays zero.

    Raises
    ------
    ExplaintError
        For negative or undefined sizes, which have no shares.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> attention.row_shares([[1.0, 3.0], [0.0, 0.0]]).tolist()
    [[0.25, 0.75], [0.0, 0.0]]
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    if not np.isfinite(sizes).all() or sizes.min(initial=0) < 0:
        raise ExplaintError(
            "shares need finite sizes that are not negative, found "
            f"{np.count_nonzero(~np.isfinite(sizes) | (sizes < 0))} others; give lengths or absolute values"
        )
    sums = sizes.sum(axis=-1, keepdims=True)
    return np.divide(sizes, sums, out=np.zeros_like(sizes), where=sums > 0)
