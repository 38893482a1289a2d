"""Groups dealt to folds, whole: for splits over words, categories and pairs."""

from __future__ import annotations

import numpy as np


def deal_groups(groups: np.ndarray, n_folds: int, *, rng: np.random.Generator, random_ties: bool = False) -> np.ndarray:
    """Return the fold of each row: groups stay whole, and folds come out nearly even.

    Groups are taken from large to small, equal ones in random order, each to the fold that has fewest rows so far.
    scikit-learn's ``GroupKFold`` does the same, but its order of equal groups is not specified.

    Parameters
    ----------
    groups : (n,) int array
        Numbered from 0.
    n_folds : int
    rng : numpy.random.Generator
    random_ties : bool
        Draw among folds that are equally empty instead of taking the first: another draw, no other distribution of
        sizes. The published folds of chapters 09 and 10 are drawn with it, those of chapter 02 without.
    """
    sizes = np.bincount(groups)
    order = rng.permutation(sizes.size)
    fold_of, filled = np.empty(sizes.size, dtype=np.intp), np.zeros(n_folds)
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        emptiest = np.flatnonzero(filled == filled.min())
        fold_of[group] = rng.choice(emptiest) if random_ties else emptiest[0]
        filled[fold_of[group]] += sizes[group]
    return fold_of[groups]
