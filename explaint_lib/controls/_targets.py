"""Norms drawn anew: what is left to predict when their structure is taken away piece by piece."""

from __future__ import annotations

from typing import Literal

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.controls._checks import matrix


def shuffle_columns(Y: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Permute every feature column over the words, each column by a permutation of its own.

    Keeps each feature's values, hence its frequency, mean and base rate, and which features are common.
    Destroys the pairing of words and features, which features occur together (the taxonomy), and how many
    features a word has.

    Parameters
    ----------
    Y : (n_words, n_features) array
        NaN marks a missing cell and travels with the permutation as any other value does.
    rng : numpy.random.Generator

    Returns
    -------
    (n_words, n_features) array
        A shuffled copy.

    Raises
    ------
    ExplaintError
        If `Y` is not a non-empty matrix.

    Warnings
    --------
    A mapper scores well above chance here by predicting the frequent features for every word: compare with
    the mean profile before reading a shuffled score as "the mapper predicts noise".

    References
    ----------
    The shuffled condition of arXiv 2601.22928 and of Herasimchyk et al. (ECAI 2025, arXiv 2508.13729); this
    is a reconstruction, the recipe is not published as code.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> Y = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 5.0]])
    >>> shuffled = controls.shuffle_columns(Y, rng=np.random.default_rng(0))
    >>> np.sort(shuffled, axis=0).tolist() == np.sort(Y, axis=0).tolist()
    True
    """
    return rng.permuted(matrix(Y), axis=0)


def random_like(Y: np.ndarray, kind: Literal["sparse", "dense"], *, rng: np.random.Generator) -> np.ndarray:
    """Draw norms that share only the outermost statistics of `Y`.

    Sparse keeps the shape, the number of positive cells and their values as a multiset. Dense keeps the shape
    and the range. Both destroy everything else: frequencies of features, feature counts of words, all
    structure.

    Parameters
    ----------
    Y : (n_words, n_features) array
        NaN marks a missing cell; the result has none.
    kind : "sparse" or "dense"
        Sparse: production strengths, 0 = not named. Dense: ratings.
    rng : numpy.random.Generator

    Returns
    -------
    (n_words, n_features) float array

    Raises
    ------
    ExplaintError
        If `Y` is not a non-empty matrix, holds no value, or `kind` is neither word.

    References
    ----------
    The random condition of arXiv 2601.22928 (a reconstruction).

    Examples
    --------
    >>> from explaint_lib import controls
    >>> Y = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 5.0]])
    >>> drawn = controls.random_like(Y, "sparse", rng=np.random.default_rng(0))
    >>> sorted(drawn[drawn > 0].tolist())
    [1.0, 2.0, 5.0]
    """
    Y = matrix(Y)
    observed = Y[~np.isnan(Y)]
    if observed.size == 0:
        raise ExplaintError("random norms copy the range of the real ones, but every cell is missing; check the norms")
    if kind == "dense":
        return rng.uniform(observed.min(), observed.max(), size=Y.shape)
    if kind != "sparse":
        raise ExplaintError(f"kind must be 'sparse' or 'dense', found {kind!r}")
    positive = observed[observed > 0]
    drawn = np.zeros(Y.size)
    drawn[rng.choice(Y.size, size=positive.size, replace=False)] = rng.permutation(positive)
    return drawn.reshape(Y.shape)
