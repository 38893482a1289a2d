"""Which pairs a probe may learn from when it is tested on others: four ways to hold pairs out.

``pair`` holds out single pairs (a true one together with its false counterpart): both words may be known from other
pairs, so a probe can score by remembering words.
``hyponym`` and ``hypernym`` hold out every pair with those words. ``neither`` holds out both: a tested pair shares no
word with training. What passes under ``pair`` and not under ``neither`` was learned about words, not about a relation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib._deal import deal_groups

SPLITS = ("pair", "hyponym", "hypernym", "neither")


def split_folds(
    split: str,
    hyponyms: Sequence[str],
    hypernyms: Sequence[str],
    *,
    matched_sets: Sequence[Any] | np.ndarray | None = None,
    n_folds: int = 5,
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (train, test) rows; every row is tested exactly once.

    Parameters
    ----------
    split : "pair", "hyponym", "hypernym" or "neither"
    hyponyms, hypernyms : sequences of str, length n
        The words of each row; several rows of one pair (its sentences) always go together.
    matched_sets : sequence of length n, optional
        For ``pair``: the matched set of each row, a true pair and its false counterpart, whose rows go into one fold.
        A true pair held out without its counterpart would leave a
        training set in which its hyponym is mostly wrong, and a probe that knows words would score *below* chance.
    n_folds : int, at least 2
        ``neither`` has the square of it: each fold of hyponyms with each fold of hypernyms. Its training sets are
        smaller, since the rows that share one word with the test set are used neither way.
    rng : numpy.random.Generator
        Deals the words out; folds hold nearly the same number of rows.

    Returns
    -------
    list of (train, test)
        Integer arrays, sorted.

    Raises
    ------
    ExplaintError
        For another split, or if there are fewer words (or pairs) than folds.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> hyponyms, hypernyms = ["robin", "owl", "saw", "axe"], ["bird", "bird", "tool", "tool"]
    >>> folds = probes.split_folds("hyponym", hyponyms, hypernyms, n_folds=2, rng=np.random.default_rng(0))
    >>> sorted(int(row) for _, test in folds for row in test)
    [0, 1, 2, 3]
    """
    if split not in SPLITS:
        raise ExplaintError(f"a split is one of {', '.join(SPLITS)}, found {split!r}")
    pairs = [f"{x}\t{y}" for x, y in zip(hyponyms, hypernyms, strict=True)]
    if split == "pair":
        return _train_and_test(_fold_of_labels(pairs if matched_sets is None else matched_sets, n_folds, rng))
    if split in ("hyponym", "hypernym"):
        return _train_and_test(_fold_of_labels(hyponyms if split == "hyponym" else hypernyms, n_folds, rng))
    x_fold, y_fold = _fold_of_labels(hyponyms, n_folds, rng), _fold_of_labels(hypernyms, n_folds, rng)
    folds = []
    for x in range(n_folds):
        for y in range(n_folds):
            test = np.flatnonzero((x_fold == x) & (y_fold == y))
            if test.size:
                folds.append((np.flatnonzero((x_fold != x) & (y_fold != y)), test))
    return folds


def _fold_of_labels(labels: Sequence[Any] | np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold of each row, (n,); rows with one label share a fold."""
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    if n_folds < 2 or len(names) < n_folds:
        raise ExplaintError(f"expected 2 folds or more, and as many different words; found {n_folds} for {len(names)}")
    return deal_groups(codes, n_folds, rng=rng)


def _train_and_test(fold: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
