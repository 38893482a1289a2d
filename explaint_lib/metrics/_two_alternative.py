"""Which of two words of a group is it? The score that taxonomy alone cannot raise above one half."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._neighbours import cosines, square
from explaint_lib.metrics._ties import checked_pair, matrix


def two_alternative(
    pred: ArrayLike, gold: ArrayLike, groups: Sequence, *, folds: ArrayLike | None = None
) -> np.ndarray:
    """Return how often a word's prediction is nearer to its own gold vector than to another word's of its group.

    For word c the share, over the other words c' of its group, of cos(pred_c, gold_c) > cos(pred_c, gold_c'),
    a tie counting one half.

    Parameters
    ----------
    pred, gold : arrays of shape (words, features)
        NaN in gold is a missing cell: a cosine is taken over the features observed.
    groups : sequence, one label a word
        The grain: one label for all words, categories, or clusters (`explaint_lib.controls.cluster_words`, of
        the gold norms for the strictest). Words labelled None belong to no group.
    folds : array of int, shape (words,), optional
        Compare only words that were held out together. **Pass it for every cross-validated prediction.**

    Returns
    -------
    array of shape (words,), from 0 to 1
        NaN (undefined) for a word without another word of its group (and fold). Any prediction that is the
        same for all words of a group and fold scores .5, exactly, in the mean: the mean profile, the category
        centroid.

    Raises
    ------
    ExplaintError
        If lengths differ, or no two words can be compared.

    Warnings
    --------
    Without `folds` the trap is set: a held-out word is missing from the mean of its own category, which is
    therefore nearer to the *other* word, so that a prediction from the category alone scores far below .5 and
    a system that knows a little about words may seem to know nothing. The score falls as the grain gets
    finer, by construction: compare systems at one grain, never one system over grains.

    References
    ----------
    After the leave-two-out test of Mitchell et al. (2008); restricted to one category as in the hard
    negatives of Sommerauer & Fokkens (2018).

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> gold = np.eye(4)
    >>> pred = np.array([[0.9, 0.1, 0, 0], [0.8, 0.2, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])
    >>> metrics.two_alternative(pred, gold, ["bird", "bird", "tool", "tool"]).tolist()
    [1.0, 0.0, 0.5, 0.5]
    """
    pred, gold = checked_pair(pred, gold)
    return _scores(lambda rows: cosines(pred[rows], gold[rows]), len(gold), groups, folds)


def two_alternative_by(near: ArrayLike, groups: Sequence, *, folds: ArrayLike | None = None) -> np.ndarray:
    """Return `two_alternative` for nearness (prediction, gold word) given as a matrix, under any treatment.

    Parameters
    ----------
    near : array of shape (words, words)
        Larger is nearer: `nearness`, `similarity_encoding`, `csls`, `mutual_proximity`. Treat all systems alike.
    groups, folds
        As in `two_alternative`.

    Returns
    -------
    array of shape (words,), from 0 to 1

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> metrics.two_alternative_by(np.array([[0.9, 0.1], [0.8, 0.2]]), ["bird", "bird"]).tolist()
    [1.0, 0.0]
    """
    near = square(matrix(near, "near"))
    return _scores(lambda rows: near[np.ix_(rows, rows)], len(near), groups, folds)


def two_alternative_null(
    pred: ArrayLike,
    gold: ArrayLike,
    groups: Sequence,
    n_permutations: int,
    *,
    folds: ArrayLike | None = None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the mean score of `n_permutations` draws in which the gold rows change places inside group and fold.

    The null: within a group, the vectors say nothing about which word has which norms. Nothing is fitted
    again: the map of a fold has not seen its gold rows. Pass the result to
    `explaint_lib.inference.permutation_p`.

    Parameters
    ----------
    pred, gold, groups, folds
        As in `two_alternative`.
    n_permutations : int, at least 1
    rng : numpy.random.Generator

    Returns
    -------
    array of shape (n_permutations,)
        Each to be compared with the mean of `two_alternative` over the words that have a score.

    Warnings
    --------
    Exact in one fold; over several an approximation, since the map of one fold was fitted on the words of the
    others. On planted worlds whose vectors know the category alone the 5 per cent level held (4.5 to 6.5 per
    cent of 200). The same short cut for scores over all words feature by feature does *not* hold its level
    (about twice as many false alarms): refit for those.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> rng = np.random.default_rng(0)
    >>> null = metrics.two_alternative_null(np.eye(4), np.eye(4), ["all"] * 4, 200, rng=rng)
    >>> null.shape, bool(abs(null.mean() - 0.5) < 0.1)
    ((200,), True)
    """
    pred, gold = checked_pair(pred, gold)
    return _null(lambda rows: cosines(pred[rows], gold[rows]), len(gold), groups, folds, n_permutations, rng)


def two_alternative_null_by(
    near: ArrayLike,
    groups: Sequence,
    n_permutations: int,
    *,
    folds: ArrayLike | None = None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return `two_alternative_null` for nearness given as a matrix; parameters as `two_alternative_by`.

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> null = metrics.two_alternative_null_by(np.eye(4), ["all"] * 4, 200, rng=np.random.default_rng(0))
    >>> null.shape, bool(abs(null.mean() - 0.5) < 0.1)
    ((200,), True)
    """
    near = square(matrix(near, "near"))
    return _null(lambda rows: near[np.ix_(rows, rows)], len(near), groups, folds, n_permutations, rng)


Near = Callable[[np.ndarray], np.ndarray]  # rows of a block -> (prediction, gold word) among them


def _scores(near: Near, n: int, groups: Sequence, folds: ArrayLike | None) -> np.ndarray:
    out = np.full(n, np.nan)
    for rows, ranks in _blocks(near, n, groups, folds):
        out[rows] = np.diagonal(ranks)
    return out


def _null(
    near: Near, n: int, groups: Sequence, folds: ArrayLike | None, n_permutations: int, rng: np.random.Generator
) -> np.ndarray:
    if n_permutations < 1:
        raise ExplaintError(f"a null needs at least 1 permutation, found {n_permutations}")
    total, scored = np.zeros(n_permutations), 0
    for rows, ranks in _blocks(near, n, groups, folds):
        order = rng.permuted(np.tile(np.arange(len(rows)), (n_permutations, 1)), axis=1)  # (permutation, row)
        total += ranks[np.arange(len(rows)), order].sum(axis=1)
        scored += len(rows)
    return total / scored


def _blocks(near: Near, n: int, groups: Sequence, folds: ArrayLike | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of each block of comparable words, and the share of the others each gold row beats.

    ranks[i, j]: share of the block's other gold rows that are farther from prediction i than gold row j is.
    """
    folds = np.zeros(n, dtype=int) if folds is None else np.asarray(folds)
    if not n == len(groups) == len(folds):
        raise ExplaintError(
            f"expected one group and one fold a word, found {n} words, {len(groups)} groups and {len(folds)} folds"
        )
    blocks: dict[tuple, list[int]] = {}
    for row, (group, fold) in enumerate(zip(groups, folds.tolist(), strict=True)):
        if group is not None:
            blocks.setdefault((group, fold), []).append(row)
    found = False
    for members in blocks.values():
        if len(members) > 1:
            found, rows = True, np.array(members)
            yield rows, (rankdata(near(rows), axis=1) - 1) / (len(rows) - 1)
    if not found:
        raise ExplaintError(
            "no two words share a group" + (" and a fold; use fewer folds or a coarser grain" if folds.any() else "")
        )
