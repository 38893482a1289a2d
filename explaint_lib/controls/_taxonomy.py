"""Predict from the category alone: taxonomy without a vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.controls._checks import matrix


def category_centroids(Y: np.ndarray, categories: Sequence[str | None], folds: np.ndarray) -> np.ndarray:
    """Predict for each word the mean norms of the training words of its category.

    Keeps the taxonomy, and base rates. Destroys the vectors: none is looked at. A system no better than this
    says nothing about a word that its category does not say.

    Parameters
    ----------
    Y : (n_words, n_features) array
        NaN is a missing cell and left out of the means.
    categories : sequence of (str or None), one a word
        A word without one, or whose category has no training word, gets the mean of all training words: for
        those the control falls back to the mean profile.
    folds : (n_words,) int array
        As in `explaint_lib.mappers.CrossFit`; a word is never in its own mean.

    Returns
    -------
    (n_words, n_features) array

    Raises
    ------
    ExplaintError
        If lengths differ, or a feature is observed in no training word of some fold.

    Warnings
    --------
    Words of a category in one fold share one prediction. Because a held-out word is absent from its own
    category's mean, this control scores *below* .5 in a two-alternative test against words of other folds;
    see `explaint_lib.metrics.two_alternative`.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> Y = np.array([[1.0], [3.0], [10.0], [20.0]])
    >>> controls.category_centroids(Y, ["bird", "bird", "tool", "tool"], np.array([0, 1, 0, 1])).ravel().tolist()
    [3.0, 1.0, 20.0, 10.0]
    """
    Y, folds = matrix(Y), np.asarray(folds)
    if not len(Y) == len(categories) == len(folds):
        raise ExplaintError(
            f"norms, categories and folds must have one entry a word, found {len(Y)}, {len(categories)} and "
            f"{len(folds)}"
        )
    observed, filled = (~np.isnan(Y)).astype(np.float64), np.nan_to_num(Y)
    one_hot = _one_hot(categories)[0]  # (word, category)
    predicted = np.empty(Y.shape)
    for label in np.unique(folds):
        train, test = folds != label, folds == label
        told = observed[train].sum(axis=0)  # (feature,)
        if not told.all():
            raise ExplaintError(
                f"{np.count_nonzero(told == 0)} features have no observed value outside fold {label}: drop them, "
                "or use folds that spread their words"
            )
        mean = filled[train].sum(axis=0) / told
        count = one_hot[train].T @ observed[train]  # (category, feature)
        centroids = np.divide(
            one_hot[train].T @ filled[train], count, out=np.broadcast_to(mean, count.shape).copy(), where=count > 0
        )
        known = one_hot[test].any(axis=1)[:, None]
        predicted[test] = np.where(known, one_hot[test] @ centroids, mean)
    return predicted


def _one_hot(categories: Sequence[str | None]) -> tuple[np.ndarray, tuple[str, ...]]:
    names = tuple(sorted({category for category in categories if category is not None}))
    column = {name: j for j, name in enumerate(names)}
    vectors = np.zeros((len(categories), len(names)))
    for row, category in enumerate(categories):
        if category is not None:
            vectors[row, column[category]] = 1.0
    return vectors, names
