"""Rows of mostly zeros against rows of predictions: each prediction is sorted once, gold cells alone are looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

_BLOCK = 256  # rows at a time: temporary arrays stay in the cache


class Block(NamedTuple):
    """Where cells stand in some sorted predictions: of the rows' cells above zero, then of the places asked for.

    rows: (block,); below, upto: (entries,), how many predictions are smaller, and how many are not larger; square:
    (block,), the squares of the predictions' centred ranks, summed; asked: the number of places asked for of each row.
    """

    rows: np.ndarray
    below: np.ndarray
    upto: np.ndarray
    square: np.ndarray
    asked: int


def _ties(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which sorted rows hold ties, and the sum of squares of each row's centred mid-ranks."""
    n, m = ordered.shape
    same = np.zeros((n, m + 1), dtype=bool)  # same[:, j]: cell j equals cell j - 1
    same[:, 1:m] = ordered[:, 1:] == ordered[:, :-1]
    row, first = np.nonzero(~same[:, :-1] & same[:, 1:])
    last = np.nonzero(same[:, :-1] & ~same[:, 1:])[1]  # runs of equal cells, in the same order
    sizes = (last - first + 1).astype(np.float64)
    square = (float(m) ** 3 - m - np.bincount(row, sizes**3 - sizes, n)) / 12
    return np.asarray(same.any(axis=1)), square


class SparseRows:
    """Rows of mostly zeros, to be compared with rows of predictions."""

    def __init__(self, matrix: sparse.csr_array) -> None:
        matrix.sort_indices()
        self.matrix, (n, m) = matrix, matrix.shape
        self.counts = np.diff(matrix.indptr)
        row = np.repeat(np.arange(n), self.counts)
        # mid-ranks of the values above zero: the zeros come first, equal values share a rank
        order = np.lexsort((matrix.data, row))
        new = np.r_[True, (np.diff(row[order]) != 0) | (np.diff(matrix.data[order]) != 0)][: len(order)]
        starts = np.flatnonzero(new)
        sizes = np.diff(np.r_[starts, len(order)])
        place = (starts + (sizes - 1) / 2)[np.cumsum(new) - 1] - matrix.indptr[row[order]]  # within the row, from 0
        zeros = m - self.counts
        ranks = np.empty(len(order))
        ranks[order] = place + 1 + zeros[row[order]]
        centre = (m + 1) / 2
        self.zero_rank = (zeros + 1) / 2 - centre
        self.ranks = ranks - centre
        self.square = np.bincount(row, self.ranks**2, n) + zeros * self.zero_rank**2
        self.row = row

    def places(self, pred: np.ndarray, wanted: np.ndarray, which: np.ndarray | None = None) -> Iterator[Block]:
        """Yield, a block of rows at a time, where cells stand in the sorted predictions of their row.

        These are the rows' cells above zero, and then the `wanted`-th largest predictions, (n, asked). `which` names
        the rows of `pred` that belong to these rows. Default: all.
        """
        (n, asked), m = wanted.shape, pred.shape[1]
        for start in range(0, n, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, n))
            block = np.ascontiguousarray(pred[rows if which is None else which[rows]])
            ordered = np.sort(block, axis=1)
            tied, square = _ties(ordered)
            below, upto = [], []
            for r, line in zip(rows, ordered, strict=True):
                cells = slice(self.matrix.indptr[r], self.matrix.indptr[r + 1])
                values = block[r - start, self.matrix.indices[cells]]
                if asked:
                    values = np.concatenate([values, line[m - wanted[r]]])
                left = np.searchsorted(line, values)
                below.append(left)
                upto.append(np.searchsorted(line, values, side="right") if tied[r - start] else left + 1)
            yield Block(rows, np.concatenate(below), np.concatenate(upto), square, asked)

    def _split(self, rows: np.ndarray, asked: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which entries of a block are cells, the cells' rows within the block, and the cells."""
        counts = self.counts[rows]
        entry = np.ones((counts + asked).sum(), dtype=bool)
        ends = np.cumsum(counts + asked)
        for a in range(asked):
            entry[ends - 1 - a] = False
        cells = np.arange(self.matrix.indptr[rows[0]], self.matrix.indptr[rows[-1] + 1])
        return entry, np.repeat(np.arange(len(rows)), counts), cells

    def spearman(self, at: Block) -> np.ndarray:
        """Return Spearman's rho of each row of a block: NaN where gold is constant, 0 where the prediction is."""
        rows, square = at.rows, at.square
        entry, block, cells = self._split(rows, at.asked)
        ranks = (at.below[entry] + at.upto[entry] - self.matrix.shape[1]) / 2  # centred mid-ranks
        # centred ranks sum to 0, so the zeros, which share one rank, enter through the others
        product = np.bincount(block, ranks * (self.ranks[cells] - self.zero_rank[rows][block]), len(rows))
        gold = self.square[rows]
        rho = np.where(square > 0, product / np.sqrt(np.maximum(square * gold, 1e-300)), 0.0)
        return np.where(gold > 0, np.clip(rho, -1, 1), np.nan)

    def hits(self, at: Block, wanted: np.ndarray) -> np.ndarray:
        """Return the expected number of cells above zero among the `wanted` largest predictions, (block, asked)."""
        rows, below, upto, _, asked = at
        entry, block, _ = self._split(rows, asked)
        m = self.matrix.shape[1]
        cell = below[entry]
        found = []
        for a in range(asked):
            last = np.cumsum(self.counts[rows] + asked) - asked + a
            cut_below, cut_upto = below[last], upto[last]
            part = (wanted[rows, a] - (m - cut_upto)) / (cut_upto - cut_below)
            share = np.where(cell > cut_below[block], 1.0, np.where(cell == cut_below[block], part[block], 0.0))
            found.append(np.bincount(block, share, len(rows)))
        return np.column_stack(found)
