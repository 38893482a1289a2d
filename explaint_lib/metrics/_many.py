"""The six scores of many predictions against the same sparse norms, much faster than one by one.

What it measures: exactly `explaint_lib.metrics.METRICS`, up to rounding; a test compares the two. What it saves: each
prediction is sorted once, only the cells of gold features are looked up in it, and what depends on the gold norms alone
is computed once. Dense ratings, and norms with missing cells, are small and go through `METRICS` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import sparse

from explaint_lib.metrics import METRICS, Metric, scored_features

K = 10  # of F1, neighbour overlap and retrieval
_BLOCK = 256  # rows at a time: temporary arrays stay in the cache
_ONE_PANEL = 4096  # up to so many words, all inner products of predictions are held at once, in 134 MB
_PANEL = 4 * _BLOCK  # rows of inner products held at once where there are more
_DECIMALS = 12  # cosines are rounded before comparison, as in the metrics: equal vectors must tie

Scores = dict[str, np.ndarray]  # metric name -> one score a word (or feature)


class Gold:
    """Norms to score predictions against, with everything about them that does not depend on the prediction.

    Parameters
    ----------
    Y : array of shape (n_words, n_features)
    kind : {"sparse", "dense"}
    metrics : sequence of str, optional
        Those to compute. Default: all.
    """

    def __init__(self, Y: np.ndarray, kind: Literal["sparse", "dense"], metrics: Sequence[str] | None = None) -> None:
        self.Y, self.kind = Y, kind
        self.metrics = list(METRICS) if metrics is None else list(metrics)
        # NaN >= 0 is False; norms too small for some metric need no haste
        self.plain = kind == "dense" or not (Y >= 0).all() or len(self.metrics) < len(METRICS)
        if self.plain:
            return
        self.words = _SparseRows(sparse.csr_array(Y))
        self.features = np.flatnonzero(scored_features(Y, kind))
        self.columns = _SparseRows(sparse.csr_array(np.ascontiguousarray(Y[:, self.features].T)))
        lengths = np.sqrt(self.words.matrix.power(2).sum(axis=1))
        self.unit = sparse.csr_array(self.words.matrix / np.where(lengths > 0, lengths, 1.0)[:, None])
        self.nearest = _NearestGold(self.unit)

    def score(self, pred: np.ndarray, compact: np.ndarray | None = None) -> Scores:
        """Return every metric's scores, one a word or feature.

        Parameters
        ----------
        pred : array of shape (n_words, n_features)
        compact : array of shape (n_words, r), optional
            Shorter vectors with the same inner products as the rows of `pred`.
        """
        if self.plain:
            return {name: self._plainly(METRICS[name], pred) for name in self.metrics}
        f1, precision, item = self._ranking(pred)
        overlap, retrieval = self._neighbours(pred, pred if compact is None else compact)
        return {
            "f1_at_10": f1,
            "r_precision": precision,
            "spearman_item": item,
            "spearman_feature": self.spearman_feature(pred),
            "neighbour_overlap_at_10": overlap,
            "retrieval_at_10": retrieval,
        }

    def _plainly(self, metric: Metric, pred: np.ndarray) -> np.ndarray:
        """Return the scores of one metric.

        Words that observe too few features have none: where ratings are missing, a shuffled target can have such words
        though the norms have not.
        """
        enough = (~np.isnan(self.Y)).sum(axis=1) >= metric.needs(self.kind)[1]
        if enough.all() or metric.unit == "feature":
            return metric.score(pred, self.Y, kind=self.kind)
        scores = np.full(len(self.Y), np.nan)
        scores[enough] = metric.score(pred[enough], self.Y[enough], kind=self.kind)
        return scores

    def spearman_feature(self, pred: np.ndarray) -> np.ndarray:
        """Return Spearman's rho over the words, one a feature: NaN where it is not scored."""
        if self.plain:
            return self._plainly(METRICS["spearman_feature"], pred)
        scores = np.full(self.Y.shape[1], np.nan)
        parts = self.columns.places(pred.T, np.empty((len(self.features), 0), dtype=int), self.features)
        scores[self.features] = np.concatenate([np.empty(0)] + [self.columns.spearman(*part) for part in parts])
        return scores

    def _ranking(self, pred: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return F1@10, R-precision and Spearman per word, from one sort of each row."""
        n_gold = self.words.counts
        wanted = np.column_stack([np.full(len(pred), K), np.maximum(n_gold, 1)])  # (n, 2) how many count as predicted
        hits, rho = [], []
        for part in self.words.places(pred, wanted):
            rho.append(self.words.spearman(*part))
            hits.append(self.words.hits(*part, wanted))
        hits = np.concatenate(hits)  # (n, 2)
        f1 = np.where(n_gold > 0, 2 * hits[:, 0] / (K + n_gold), np.nan)
        return f1, np.where(n_gold > 0, hits[:, 1] / np.maximum(n_gold, 1), np.nan), np.concatenate(rho)

    def _neighbours(self, pred: np.ndarray, compact: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return neighbour overlap and retrieval."""
        lengths = np.sqrt(np.einsum("ij,ij->i", pred, pred))
        scale = np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1.0), 0.0)[:, None]
        short = compact * scale
        n = len(pred)
        overlap, retrieval = np.empty(n), np.empty(n)
        for start in range(0, n, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, n))
            if start % (panel := n if n <= _ONE_PANEL else _PANEL) == 0:
                # the whole product of a matrix with itself takes half the work, but (n, n) numbers of memory
                gram = short[start : start + panel] @ short.T
            near = _rounded(gram[start % panel : start % panel + len(rows)])
            near[np.arange(len(rows)), rows] = -np.inf
            i, j, share = _among_nearest(near)
            overlap[rows] = np.bincount(i, share * self.nearest.share(rows)[i, j], len(rows)) / K
            found = _rounded(self.unit @ (pred[rows] * scale[rows]).T)  # (candidate, block)
            own = found[rows, np.arange(len(rows))]
            place = (K - np.count_nonzero(found > own, axis=0)) / np.count_nonzero(found == own, axis=0)
            retrieval[rows] = np.clip(place, 0.0, 1.0)
        return overlap, retrieval


class _NearestGold:
    """Who is among the 10 nearest words by gold, as a probability: without a matrix of all words by all words.

    Parameters
    ----------
    unit : sparse array of shape (n_words, n_features)
        Norms of no negative value, each row of length 1 or zero.
    """

    def __init__(self, unit: sparse.csr_array) -> None:
        n, turned = unit.shape[0], sparse.csr_array(unit.T)
        blocks, self.rest = [], np.zeros((n, 1))  # rest: the share of each word that has nothing in common
        for start in range(0, n, _BLOCK):
            near = unit[start : start + _BLOCK] @ turned
            near.data = _rounded(near.data)
            row = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
            near.data[(near.indices == row + start) | (near.data <= 0)] = 0.0  # a word is no neighbour of itself
            near.eliminate_zeros()
            for r in range(near.shape[0]):
                values = near.data[near.indptr[r] : near.indptr[r + 1]]  # a view: the shares take its place
                if len(values) < K:
                    self.rest[start + r] = (K - len(values)) / (n - 1 - len(values))
                    values[:] = 1.0
                    continue
                cut = np.partition(values, len(values) - K)[len(values) - K]
                above, at = values > cut, values == cut
                values[:] = above + at * ((K - np.count_nonzero(above)) / np.count_nonzero(at))
            near.eliminate_zeros()
            blocks.append(near)
        self.shares = sparse.csr_array(sparse.vstack(blocks, format="csr"))

    def share(self, rows: np.ndarray) -> np.ndarray:
        """Return the probabilities for some words, (len(rows), n_words); that of a word itself means nothing."""
        known = self.shares[rows[0] : rows[-1] + 1].toarray()
        rest = self.rest[rows[0] : rows[-1] + 1]
        return np.where(known > 0, known, rest) if rest.any() else known


def _rounded(cosines: np.ndarray) -> np.ndarray:
    """Return the cosines rounded, in the same memory."""
    return np.round(np.clip(cosines, -1, 1, out=cosines), _DECIMALS, out=cosines)


def _cut(near: np.ndarray, top: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each row's 10th largest value, how many cells lie above it and how many at it; top: the 10 largest."""
    cut = top[:, :1].copy()
    return cut[:, 0], (top > cut).sum(axis=1), np.count_nonzero(near == cut, axis=1)


def _among_nearest(near: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the cells that can be among the 10 largest of their row, and the probability that they are."""
    cut, above, at = _cut(near, np.partition(near, near.shape[1] - K, axis=1)[:, -K:])
    i, j = np.nonzero(near >= cut[:, None])
    return i, j, np.where(near[i, j] > cut[i], 1.0, ((K - above) / at)[i])


def _ties(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which sorted rows hold ties, and the sum of squares of each row's centred mid-ranks."""
    n, m = ordered.shape
    same = np.zeros((n, m + 1), dtype=bool)  # same[:, j]: cell j equals cell j - 1
    same[:, 1:m] = ordered[:, 1:] == ordered[:, :-1]
    row, first = np.nonzero(~same[:, :-1] & same[:, 1:])
    last = np.nonzero(same[:, :-1] & ~same[:, 1:])[1]  # runs of equal cells, in the same order
    sizes = (last - first + 1).astype(np.float64)
    square = (float(m) ** 3 - m - np.bincount(row, sizes**3 - sizes, n)) / 12
    return same.any(axis=1), square


class _SparseRows:
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

    def places(self, pred: np.ndarray, wanted: np.ndarray, which: np.ndarray | None = None):
        """Yield, a block of rows at a time, where cells stand in the sorted predictions of their row.

        Yields (rows, below, upto, square): for the cells above zero of the rows, and then for the `wanted`-th largest
        prediction of each row, how many predictions are smaller, and how many are not larger; and the squares of the
        prediction's centred ranks, summed. `which` names the rows of `pred` that belong to these rows. Default: all.
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
            yield rows, np.concatenate(below), np.concatenate(upto), square, asked

    def _split(self, rows: np.ndarray, asked: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which entries of a block are cells, the cells' rows within the block, and the cells."""
        counts = self.counts[rows]
        entry = np.ones((counts + asked).sum(), dtype=bool)
        ends = np.cumsum(counts + asked)
        for a in range(asked):
            entry[ends - 1 - a] = False
        cells = np.arange(self.matrix.indptr[rows[0]], self.matrix.indptr[rows[-1] + 1])
        return entry, np.repeat(np.arange(len(rows)), counts), cells

    def spearman(self, rows, below, upto, square, asked) -> np.ndarray:
        """Return Spearman's rho of each row of a block: NaN where gold is constant, 0 where the prediction is."""
        entry, block, cells = self._split(rows, asked)
        ranks = (below[entry] + upto[entry] - self.matrix.shape[1]) / 2  # centred mid-ranks
        # centred ranks sum to 0, so the zeros, which share one rank, enter through the others
        product = np.bincount(block, ranks * (self.ranks[cells] - self.zero_rank[rows][block]), len(rows))
        gold = self.square[rows]
        rho = np.where(square > 0, product / np.sqrt(np.maximum(square * gold, 1e-300)), 0.0)
        return np.where(gold > 0, np.clip(rho, -1, 1), np.nan)

    def hits(self, rows, below, upto, square, asked, wanted) -> np.ndarray:
        """Return the expected number of cells above zero among the `wanted` largest predictions, (block, asked)."""
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
