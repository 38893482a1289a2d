"""What a map looks like, in numbers: sharpness, sinks, diagonals, distances, and whether two maps differ.

What it measures
    Statistics of the *picture*, one number a map: how sharp its rows are (entropy, Gini), how much lies on
    chosen columns (sinks), on the diagonal or beside it, how far rows look. `blind_test` asks whether these
    numbers tell two kinds of maps apart, on sentences that the classifier has not seen.

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
from typing import NamedTuple

import numpy as np

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
    """
    weights, allowed = _checked(attention, causal)
    safe = np.where(weights > 0, weights, 1)
    entropy = -(weights * np.log(safe)).sum(axis=-1)  # (..., query)
    return _mean_rows(entropy / np.log(np.maximum(allowed, 2)), allowed)


def gini(attention: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return the mean Gini coefficient of rows, over the columns that each may use: 0 = all equal, 1 = all on one.

    Parameters and errors as in `row_entropy`. With m columns the coefficient is multiplied by m / (m - 1), so
    that 1 is reached at every length.
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
    """
    weights, allowed = _checked(attention, causal)
    n = len(allowed)
    at = np.arange(n) + offset
    counts = np.where((at >= 0) & (at < (np.arange(n) + 1 if causal else n)), allowed, 1)
    return _mean_rows(np.take_along_axis(weights, _columns(at, weights), axis=-1)[..., 0], counts)


def diagonal_share(attention: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return the mean weight that rows put on their own position; see `offset_share`."""
    return offset_share(attention, 0, causal=causal)


def mean_distance(attention: np.ndarray, *, causal: bool = False) -> np.ndarray:
    """Return how far rows look, as a multiple of how far equal weights would: 0 = at themselves, 1 = anywhere.

    Parameters, returns and errors as in `row_entropy`; at most about 2 (a row that looks at the far end).
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
    """
    (p, allowed), (q, _) = _checked(first, causal), _checked(second, causal)
    if p.shape != q.shape:
        raise ExplaintError(f"two maps to compare must have one shape, found {p.shape} and {q.shape}")
    p, q = (each / np.maximum(each.sum(axis=-1, keepdims=True), np.finfo(float).tiny) for each in (p, q))
    middle = (p + q) / 2
    return _mean_rows(((_bits(p, middle) + _bits(q, middle)) / 2).clip(0, 1), allowed)


def uniform_attention(n: int, *, causal: bool = False) -> np.ndarray:
    """Return the map without structure, (n, n): every row spreads its weight over all it may look at."""
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
    """
    measures: tuple[Callable[..., np.ndarray], ...] = (
        row_entropy, gini, lambda a, causal: sink_share(a, sink, causal=causal), diagonal_share,
        lambda a, causal: offset_share(a, -1, causal=causal), lambda a, causal: offset_share(a, 1, causal=causal),
        mean_distance,
    )  # fmt: skip
    return np.stack([measure(attention, causal=causal) for measure in measures], axis=-1)


class BlindTest(NamedTuple):
    """The outcome for each sentence, (sentence,): chance is one half for both.

    `accuracy`: share of its two kinds of maps named rightly, one at a time. `forced_choice`: of a map of each
    kind side by side, is the right one called the second kind? (Ties count one half.)
    """

    accuracy: np.ndarray
    forced_choice: np.ndarray


def blind_test(
    first: np.ndarray, second: np.ndarray, *, n_folds: int = 5, rng: np.random.Generator, penalty: float = 1.0
) -> BlindTest:
    """Let a classifier tell two kinds of maps apart by their statistics alone.

    Parameters
    ----------
    first, second : (sentence, ...) or (sentence, map, ...) arrays
        Statistics of the two kinds, the same sentence in the same row. With three axes or more the second one
        lists maps, and each is judged by itself, as a reader judges a picture; the sentence's score is their
        mean. With two axes a sentence is judged once, by all its numbers.
    n_folds : int
        Sentences are divided; no sentence is judged by a classifier that saw it.
    rng : numpy.random.Generator
        Draws the folds.
    penalty : float
        Inverse strength of the logistic regression's L2 penalty, fixed beforehand.

    Returns
    -------
    BlindTest

    Raises
    ------
    ExplaintError
        If the shapes differ or there are fewer than 2 sentences a fold.

    Warnings
    --------
    A row must not be a copy of another sentence's row of the other kind (a sentence that lends its states to a
    corruption of another): the copy is in the training set with the wrong name, and scores fall *below* chance.
    A classifier that fails has shown that these statistics do not tell the maps apart for a classifier of this
    kind, not that nothing does.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    n = len(first)
    if first.shape != second.shape or first.ndim < 2 or n < 2 * n_folds or n_folds < 2:
        raise ExplaintError(
            f"expected two arrays of one shape (sentence, ...) with at least 2 sentences for each of {n_folds} folds; "
            f"found {first.shape} and {second.shape}"
        )
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    single = first.ndim == 2
    both = np.stack([first, second]).reshape(2, n, 1 if single else first.shape[1], -1)  # (kind, sentence, map, f)
    both = both[..., np.isfinite(both).all(axis=(0, 1, 2))]
    fold = rng.permutation(n) % n_folds
    solver = "lbfgs" if single else "newton-cholesky"  # the second is far faster for many maps and few numbers
    score = np.zeros(both.shape[:3])
    for number in range(n_folds):
        train, test = both[:, fold != number], both[:, fold == number]
        # a single map has few numbers, and kinds may differ in their products ("sharp, and off the diagonal")
        steps = [] if single else [PolynomialFeatures(2, include_bias=False)]
        model = make_pipeline(StandardScaler(), *steps, LogisticRegression(C=penalty, max_iter=1000, solver=solver))
        kinds = np.broadcast_to(np.arange(2)[:, None, None], train.shape[:3])
        model.fit(train.reshape(-1, both.shape[3]), kinds.ravel())
        score[:, fold == number] = model.decision_function(test.reshape(-1, both.shape[3])).reshape(test.shape[:3])
    right = np.stack([(score[0] < 0) + 0.5 * (score[0] == 0), (score[1] > 0) + 0.5 * (score[1] == 0)])
    choice = 0.5 + 0.5 * np.sign(score[1] - score[0])  # (sentence, map)
    return BlindTest(right.mean(axis=(0, 2)), choice.mean(axis=1))


def _checked(attention: np.ndarray, causal: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return maps as float64, and how many columns each row may use, (query,)."""
    weights = np.asarray(attention, dtype=np.float64)
    if weights.ndim < 2 or weights.shape[-1] != weights.shape[-2]:
        raise ExplaintError(f"expected attention (..., query, key) over one set of positions, found {weights.shape}")
    n = weights.shape[-1]
    if not np.nanmin(weights, initial=0) >= 0 or np.isinf(weights).any():
        raise ExplaintError("attention weights must be finite and not negative")
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


def _bits(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the Kullback-Leibler divergence of rows in bits, (..., query)."""
    ratio = np.where(p > 0, p, 1) / np.where(p > 0, q, 1)
    return (p * np.log2(ratio)).sum(axis=-1)
