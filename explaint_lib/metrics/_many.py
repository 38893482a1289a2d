"""All metrics of many predictions against the same sparse norms, much faster than one by one.

What it measures: exactly what `METRICS` measure, up to rounding; a test compares the two. What it saves: each
prediction is sorted once, only the cells of gold features are looked up in it, and what depends on the gold norms
alone is computed once. Dense ratings, norms with missing cells, and metrics without a fast way go through
`Metric.score`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy import sparse

from explaint_lib.metrics._correlation import scored_features
from explaint_lib.metrics._metric import METRICS, K, Kind, Metric
from explaint_lib.metrics._neighbours import place_share, rounded
from explaint_lib.metrics._sparse_rows import SparseRows
from explaint_lib.metrics._ties import among_top, cut_of

_BLOCK = 256  # rows at a time: temporary arrays stay in the cache
_ONE_PANEL = 4096  # up to so many words, all inner products of predictions are held at once, in 134 MB
_PANEL = 4 * _BLOCK  # rows of inner products held at once where there are more


class Scorer:
    """Norms to score predictions against, with everything about them that does not depend on the prediction.

    Parameters
    ----------
    Y : array of shape (words, features)
    kind : {"sparse", "dense"}
    names : sequence of str, optional
        Of the `METRICS` to compute. Default: all.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> rng = np.random.default_rng(0)
    >>> gold = rng.integers(0, 2, (30, 40)).astype(float)
    >>> scorer = metrics.Scorer(gold, "sparse")
    >>> scorer.score(gold)["retrieval_at_10"].mean().item()  # the norms themselves as prediction
    1.0
    """

    def __init__(self, Y: np.ndarray, kind: Kind, names: Sequence[str] | None = None) -> None:
        self.Y, self.kind = Y, kind
        self.metrics = [METRICS[name] for name in (METRICS if names is None else names)]
        fast = {metric.name for metric in METRICS.values() if metric.fast is not None}
        # NaN >= 0 is False; norms too small for some metric need no haste
        complete = kind == "sparse" and bool((Y >= 0).all())
        self._gold = _SparseGold(Y) if complete and fast <= {metric.name for metric in self.metrics} else None

    def score(self, pred: np.ndarray, compact: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return every metric's scores, one a word or feature.

        Parameters
        ----------
        pred : array of shape (words, features)
        compact : array of shape (words, r), optional
            Shorter vectors with the same inner products as the rows of `pred`.
        """
        both = None if self._gold is None else Comparison(self._gold, pred, compact)
        return {metric.name: self._score(metric, pred, both) for metric in self.metrics}

    def score_one(self, name: str, pred: np.ndarray) -> np.ndarray:
        """Return one metric's scores, one a word or feature."""
        return self._score(METRICS[name], pred, None if self._gold is None else Comparison(self._gold, pred, None))

    def _score(self, metric: Metric, pred: np.ndarray, both: Comparison | None) -> np.ndarray:
        """Return the scores of one metric.

        Words that observe too few features have none: where ratings are missing, a shuffled target can have such words
        though the norms have not.
        """
        if both is not None and metric.fast is not None:
            return metric.fast(both)
        enough = (~np.isnan(self.Y)).sum(axis=1) >= metric.needs(self.kind)[1]
        if enough.all() or metric.unit == "feature":
            return metric.score(pred, self.Y, kind=self.kind)
        scores = np.full(len(self.Y), np.nan)
        scores[enough] = metric.score(pred[enough], self.Y[enough], kind=self.kind)
        return scores


class Comparison:
    """One prediction beside complete sparse norms; what several metrics need is computed once, when it is asked for.

    Attributes
    ----------
    n_gold : array of int, shape (words,)
        Features that a word has.
    hits_at_k, hits_at_r : arrays of shape (words,)
        Expected number of a word's features among the 10, or the `n_gold`, that are predicted most strongly.
    spearman_item, spearman_feature, overlap, retrieval : arrays of shape (units,)
        Values of the metrics.
    """

    def __init__(self, gold: _SparseGold, pred: np.ndarray, compact: np.ndarray | None) -> None:
        self.gold, self.pred = gold, pred
        self._compact = pred if compact is None else compact
        self.n_gold = gold.words.counts

    @property
    def hits_at_k(self) -> np.ndarray:
        """Expected hits among the 10 features predicted most strongly."""
        return self._ranking[0][:, 0]

    @property
    def hits_at_r(self) -> np.ndarray:
        """Expected hits among as many features as the word has (1 for a word that has none)."""
        return self._ranking[0][:, 1]

    @property
    def spearman_item(self) -> np.ndarray:
        """Spearman's rho of each word over the features."""
        return self._ranking[1]

    @cached_property
    def spearman_feature(self) -> np.ndarray:
        """Spearman's rho over the words, one a feature: NaN where it is not scored."""
        columns, features = self.gold.columns, self.gold.features
        scores = np.full(self.pred.shape[1], np.nan)
        blocks = columns.places(self.pred.T, np.empty((len(features), 0), dtype=int), features)
        scores[features] = np.concatenate([np.empty(0)] + [columns.spearman(block) for block in blocks])
        return scores

    @property
    def overlap(self) -> np.ndarray:
        """Share of the 10 nearest words by prediction that are among the 10 nearest by gold."""
        return self._neighbours[0]

    @property
    def retrieval(self) -> np.ndarray:
        """Probability that the own gold vector is among the 10 nearest to the prediction."""
        return self._neighbours[1]

    @cached_property
    def _ranking(self) -> tuple[np.ndarray, np.ndarray]:
        """Return hits, (words, 2), and Spearman per word, from one sort of each row."""
        words = self.gold.words
        wanted = np.column_stack([np.full(len(self.pred), K), np.maximum(self.n_gold, 1)])
        hits, rho = [], []
        for block in words.places(self.pred, wanted):
            rho.append(words.spearman(block))
            hits.append(words.hits(block, wanted))
        return np.concatenate(hits), np.concatenate(rho)

    @cached_property
    def _neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Return neighbour overlap and retrieval."""
        pred, gold = self.pred, self.gold
        lengths = np.sqrt(np.einsum("ij,ij->i", pred, pred))
        scale = np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1.0), 0.0)[:, None]
        short = self._compact * scale
        n = len(pred)
        overlap, retrieval = np.empty(n), np.empty(n)
        for start in range(0, n, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, n))
            if start % (panel := n if n <= _ONE_PANEL else _PANEL) == 0:
                # the whole product of a matrix with itself takes half the work, but (n, n) numbers of memory
                gram = short[start : start + panel] @ short.T
            near = rounded(gram[start % panel : start % panel + len(rows)])
            near[np.arange(len(rows)), rows] = -np.inf
            i, j, share = among_top(near, K)
            overlap[rows] = np.bincount(i, share * gold.nearest.share(rows)[i, j], len(rows)) / K
            found = rounded(gold.unit @ (pred[rows] * scale[rows]).T).T  # (block, candidate)
            retrieval[rows] = place_share(found, found[np.arange(len(rows)), rows], K)
        return overlap, retrieval


class _SparseGold:
    """Complete sparse norms, prepared for many predictions."""

    def __init__(self, Y: np.ndarray) -> None:
        self.words = SparseRows(sparse.csr_array(Y))
        self.features = np.flatnonzero(scored_features(Y, "sparse"))
        self.columns = SparseRows(sparse.csr_array(np.ascontiguousarray(Y[:, self.features].T)))
        lengths = np.sqrt(self.words.matrix.power(2).sum(axis=1))
        self.unit = sparse.csr_array(self.words.matrix / np.where(lengths > 0, lengths, 1.0)[:, None])
        self.nearest = _NearestGold(self.unit)


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
            near.data = rounded(near.data)
            row = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
            near.data[(near.indices == row + start) | (near.data <= 0)] = 0.0  # a word is no neighbour of itself
            near.eliminate_zeros()
            for r in range(near.shape[0]):
                values = near.data[near.indptr[r] : near.indptr[r + 1]]  # a view: the shares take its place
                if len(values) < K:
                    self.rest[start + r] = (K - len(values)) / (n - 1 - len(values))
                    values[:] = 1.0
                    continue
                cut, part = cut_of(values[None], K)
                values[:] = (values > cut) + (values == cut) * part
            near.eliminate_zeros()
            blocks.append(near)
        self.shares = sparse.csr_array(sparse.vstack(blocks, format="csr"))

    def share(self, rows: np.ndarray) -> np.ndarray:
        """Return the probabilities for some words, (len(rows), n_words); that of a word itself means nothing."""
        known = self.shares[rows[0] : rows[-1] + 1].toarray()
        rest = self.rest[rows[0] : rows[-1] + 1]
        return np.where(known > 0, known, rest) if rest.any() else known
