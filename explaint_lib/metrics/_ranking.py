"""Are the features ranked first those the word has? F1 at k, and R-precision."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._metric import K, Kind, Metric, register
from explaint_lib.metrics._ties import checked_pair, matrix, top_share


def gold_share(gold: np.ndarray, k: int, gold_mode: str, kind: Kind) -> np.ndarray:
    """Return the probability of each cell to count as a gold feature, shape (words, features).

    "all": 1 where the value is above zero. "top_k": the k *largest* values of the word, ties at the cut
    sharing the last places; with sparse norms only values above zero qualify, so a word with fewer than k
    features has fewer gold features.
    """
    if gold_mode not in ("all", "top_k") or kind not in ("sparse", "dense"):
        raise ExplaintError(
            f'expected gold_mode "all" or "top_k" and kind "sparse" or "dense", got {gold_mode!r}, {kind!r}'
        )
    if gold_mode == "all":
        if kind == "dense":
            raise ExplaintError('dense ratings have no absent features: use gold_mode="top_k"')
        return (gold > 0).astype(np.float64)  # NaN > 0 is False
    observed = np.where(np.isnan(gold), -np.inf, gold)
    if kind == "sparse":
        observed = np.where(observed > 0, observed, -np.inf)
    return top_share(observed, np.minimum(k, np.isfinite(observed).sum(axis=1)))


def f1_at_k(
    pred: ArrayLike,
    gold: ArrayLike,
    k: int = 10,
    gold_mode: Literal["all", "top_k"] = "all",
    *,
    kind: Kind = "sparse",
) -> np.ndarray:
    """Score the k features predicted most strongly against the word's gold features.

    Parameters
    ----------
    pred : array of shape (words, features)
    gold : array of shape (words, features)
        NaN marks a missing cell, which is neither predicted nor gold.
    k : int, default=10
    gold_mode : {"all", "top_k"}
        Gold is every feature above zero, or the k strongest (the k largest values, ties at the cut shared).
    kind : {"sparse", "dense"}
        Dense ratings need ``gold_mode="top_k"``; with sparse norms zeros are never gold.

    Returns
    -------
    array of shape (words,), from 0 to 1
        ``2 hits / (k + n_gold)``, the harmonic mean of hits/k and hits/n_gold; 0 if no feature is hit. NaN
        (undefined) for a word with no gold feature. Ties in the predictions are broken fairly: the value is
        the exact expectation under random tie-breaking (F1 is linear in the hits, whose expectation is
        hypergeometric).

    Raises
    ------
    ExplaintError
        If a word has fewer than k observed features, or shapes differ.

    Warnings
    --------
    The ceiling is far below 1 when words have many more or fewer than k features: see `f1_oracle`. A constant
    profile already scores well above chance, because a few features are common.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0, 1.0, 0.0, 0.0]])
    >>> metrics.f1_at_k(np.array([[0.9, 0.1, 0.8, 0.0]]), gold, k=2).tolist()
    [0.5]
    """
    pred, gold = checked_pair(pred, gold)
    _check_k(k, gold)
    share = gold_share(gold, k, gold_mode, kind)
    return _f1(_expected_hits(pred, gold, share, np.full(len(gold), k)), k, share.sum(axis=1))


def f1_chance(gold: ArrayLike, k: int = 10, gold_mode: str = "all", *, kind: Kind = "sparse") -> np.ndarray:
    """Return the expected `f1_at_k` of a ranking at random, per word: hits are ``k n_gold / n_observed``.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.f1_chance(np.array([[1.0, 1.0, 0.0, 0.0]]), k=2).tolist()
    [0.5]
    """
    gold = matrix(gold)
    _check_k(k, gold)
    n_gold = gold_share(gold, k, gold_mode, kind).sum(axis=1)
    return _f1(k * n_gold / _observed(gold), k, n_gold)


def f1_oracle(gold: ArrayLike, k: int = 10, gold_mode: str = "all", *, kind: Kind = "sparse") -> np.ndarray:
    """Return the best `f1_at_k` any ranking can reach, per word: ``2 min(k, n_gold) / (k + n_gold)``.

    With ``gold_mode="top_k"`` ties among the gold values at the cut lower it: nothing can rank the right
    one of two equals.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.f1_oracle(np.array([[1.0, 0.0, 0.0, 0.0]]), k=3).tolist()
    [0.5]
    """
    gold = matrix(gold)
    _check_k(k, gold)
    share = gold_share(gold, k, gold_mode, kind)
    return _f1(_best_hits(share, np.full(len(gold), k)), k, share.sum(axis=1))


def r_precision(pred: ArrayLike, gold: ArrayLike, *, kind: Kind = "sparse", k: int = 10) -> np.ndarray:
    """Return the share of gold features among as many predicted ones as the word has gold features.

    Chronis et al. (2023) call this MAP@k; it is no average precision. For sparse norms gold is every
    feature above zero. Dense ratings have no such number: there gold is the `k` highest ratings (the value
    then equals ``f1_at_k`` at the same k).

    Parameters
    ----------
    pred, gold : arrays of shape (words, features)
    kind : {"sparse", "dense"}
    k : int, default=10
        Used for dense ratings only.

    Returns
    -------
    array of shape (words,), from 0 to 1
        NaN for a word with no gold feature; ties in the predictions by expectation, as in `f1_at_k`.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.array([[1.0, 1.0, 0.0, 0.0]])
    >>> metrics.r_precision(np.array([[0.9, 0.1, 0.8, 0.0]]), gold).tolist()
    [0.5]
    """
    pred, gold = checked_pair(pred, gold)
    share = _r_share(gold, kind, k)
    n_gold = np.rint(share.sum(axis=1)).astype(int)
    return _ratio(_expected_hits(pred, gold, share, n_gold), n_gold)


def r_precision_chance(gold: ArrayLike, *, kind: Kind = "sparse", k: int = 10) -> np.ndarray:
    """Return the expected `r_precision` of a ranking at random, per word: ``n_gold / n_observed``.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.r_precision_chance(np.array([[1.0, 1.0, 0.0, 0.0]])).tolist()
    [0.5]
    """
    gold = matrix(gold)
    n_gold = _r_share(gold, kind, k).sum(axis=1)
    return _ratio(n_gold * n_gold / _observed(gold), n_gold)


def r_precision_oracle(gold: ArrayLike, *, kind: Kind = "sparse", k: int = 10) -> np.ndarray:
    """Return the best `r_precision` of any ranking, per word: 1, or less where ratings tie at the cut.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.r_precision_oracle(np.array([[1.0, 1.0, 0.0, 0.0]])).tolist()
    [1.0]
    """
    share = _r_share(matrix(gold), kind, k)
    n_gold = np.rint(share.sum(axis=1)).astype(int)
    return _ratio(_best_hits(share, n_gold), n_gold)


def _r_share(gold: np.ndarray, kind: Kind, k: int) -> np.ndarray:
    if kind == "dense":
        _check_k(k, gold)
    return gold_share(gold, k, "all" if kind == "sparse" else "top_k", kind)


def _observed(gold: np.ndarray) -> np.ndarray:
    return (~np.isnan(gold)).sum(axis=1)


def _check_k(k: int, gold: np.ndarray) -> None:
    fewest = int(_observed(gold).min())
    if not 1 <= k <= fewest:
        raise ExplaintError(f"k must be from 1 to the number of observed features of every word ({fewest}), got {k}")


def _expected_hits(pred: np.ndarray, gold: np.ndarray, share: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the expected number of gold cells among the k largest predictions of each row, ties broken at random.

    The sum of ``top_share(pred, k) * share``, looking up the gold cells alone.
    """
    if np.isnan(gold).any():
        pred = np.where(np.isnan(gold), -np.inf, pred)
    rows, columns = pred.shape
    most = max(int(k.max(initial=0)), 1)
    largest = np.sort(pred, axis=1)[:, columns - most :]  # faster than np.partition where predictions tie
    cut = largest[np.arange(rows), most - np.maximum(k, 1)]
    above, at = (largest > cut[:, None]).sum(axis=1), np.count_nonzero(pred == cut[:, None], axis=1)
    row, column = np.nonzero(share)
    value, part = pred[row, column], np.where(k > 0, (k - above) / at, 0.0)
    top = np.where(value > cut[row], (k > 0)[row], np.where(value == cut[row], part[row], 0.0))
    return np.bincount(row, top * share[row, column], rows)


def _best_hits(share: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the expected hits of the best ranking: the k largest shares of each row, summed."""
    return (top_share(share, k) * share).sum(axis=1)


def _f1(hits: np.ndarray, k: int, n_gold: np.ndarray) -> np.ndarray:
    return np.where(n_gold > 0, 2 * hits / (k + n_gold), np.nan)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1e-300), np.nan)


def _gold_mode(kind: Kind) -> Literal["all", "top_k"]:
    return "all" if kind == "sparse" else "top_k"


register(
    Metric(
        name="f1_at_10",
        label="F1@10 (ratings: gold = ten highest)",
        header="F1\n@10",
        unit="word",
        score=lambda pred, gold, *, kind: f1_at_k(pred, gold, K, _gold_mode(kind), kind=kind),
        chance=lambda gold, *, kind: f1_chance(gold, K, _gold_mode(kind), kind=kind),
        oracle=lambda gold, *, kind: f1_oracle(gold, K, _gold_mode(kind), kind=kind),
        needs=lambda kind: (1, K + 1),
        fast=lambda both: _f1(both.hits_at_k, K, both.n_gold),
    ),
    Metric(
        name="r_precision",
        label="R-precision (ratings: gold = ten highest)",
        header="R-prec-\nision",
        unit="word",
        score=r_precision,
        chance=r_precision_chance,
        oracle=r_precision_oracle,
        needs=lambda kind: (1, 1) if kind == "sparse" else (1, K + 1),
        fast=lambda both: _ratio(both.hits_at_r, both.n_gold),
    ),
)
