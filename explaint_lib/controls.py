"""Controls on the target side: norms that should *not* be predictable, or not for the reason claimed.

Each function returns something to compare with, and its docstring names what the control keeps and what it
destroys. What it keeps is what a score on it can still come from: a score on column-shuffled norms is not
"predicting noise" as long as the frequencies of the features survive the shuffle and a constant prediction
scores as high.

What this does not license: no single control answers "does the embedding know the meaning". Row and column
shuffles destroy the taxonomy and the similarities together with the words, so a system above both may still
know no more than each word's category; `permute_within` is the control for that reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from explaint_lib._common import ExplaintError

__all__ = ["permute_blocks", "permute_rows", "permute_within", "random_like", "shuffle_columns"]


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
    """
    return rng.permuted(_matrix(Y), axis=0)


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
    """
    Y = _matrix(Y)
    observed = Y[~np.isnan(Y)]
    if observed.size == 0:
        raise ExplaintError(
            "random norms copy the range of the real ones, but every cell is missing; check the norms"
        )
    if kind == "dense":
        return rng.uniform(observed.min(), observed.max(), size=Y.shape)
    if kind != "sparse":
        raise ExplaintError(f"kind must be 'sparse' or 'dense', found {kind!r}")
    positive = observed[observed > 0]
    drawn = np.zeros(Y.size)
    drawn[rng.choice(Y.size, size=positive.size, replace=False)] = rng.permutation(positive)
    return drawn.reshape(Y.shape)


def permute_rows(n_words: int, *, rng: np.random.Generator) -> np.ndarray:
    """Return a permutation of the words: ``Y[permutation]`` pairs each word with another word's norms.

    Keeps the norms whole (frequencies, co-occurrence, taxonomy, feature counts) and the geometry of the
    embeddings. Destroys which word has which norms.

    This is the null of "the embedding says something about *this* word".

    Parameters
    ----------
    n_words : int
        At least 1.
    rng : numpy.random.Generator

    Returns
    -------
    (n_words,) int array
        A plain uniform permutation: on average one word keeps its own row. A permutation test needs it so;
        forbidding fixed points would make the null too strict.

    Raises
    ------
    ExplaintError
        If there is no word.

    Warnings
    --------
    With the norms themselves as input (X := Y, permuted alike) this control is a tautology; permute against X
    only.
    """
    if n_words < 1:
        raise ExplaintError(f"a permutation needs at least 1 word, found {n_words}")
    return rng.permutation(n_words)


def permute_within(categories: Sequence[str], *, rng: np.random.Generator) -> np.ndarray:
    """Return a permutation that moves words only within their category.

    Keeps the taxonomy, since each word receives the norms of a word of its own category, and all that
    `permute_rows` keeps. Destroys which word *within* the category has which norms.

    A system no better than this knows categories, not words.

    Parameters
    ----------
    categories : sequence of str, one a word
    rng : numpy.random.Generator

    Returns
    -------
    (n_words,) int array

    Raises
    ------
    ExplaintError
        If a word has no category (None): left in place it would keep its own norms and lift the control.

    Warnings
    --------
    A word alone in its category keeps its own norms. Score only words whose category has several members.
    """
    members = _members(categories)
    permutation = np.empty(len(categories), dtype=np.intp)
    for rows in members:
        permutation[rows] = rng.permutation(rows)
    return permutation


def permute_blocks(categories: Sequence[str], *, rng: np.random.Generator) -> np.ndarray:
    """Return a permutation that moves whole categories: words of one category receive the norms of another.

    Keeps that the words of one category share a category's norms: exactly if all categories are of one size,
    else up to the cuts at the ends of the blocks. Destroys which category has which norms, and with it which
    word has which.

    The counterpart of `permute_within`: a system no better than this exploits that words cluster, not what
    the clusters mean.

    Parameters
    ----------
    categories : sequence of str, one a word
    rng : numpy.random.Generator

    Returns
    -------
    (n_words,) int array
        The words in order of their category receive the rows of the categories in random order. A category
        may land on itself, as a word may in `permute_rows`.

    Raises
    ------
    ExplaintError
        If a word has no category (None).
    """
    members = _members(categories)
    shuffled = [rng.permutation(members[block]) for block in rng.permutation(len(members))]
    permutation = np.empty(len(categories), dtype=np.intp)
    permutation[np.concatenate(members)] = np.concatenate(shuffled)
    return permutation


def _matrix(Y: np.ndarray) -> np.ndarray:
    """Return `Y` as floats, or say why it is no matrix of norms."""
    Y = np.asarray(Y, dtype=np.float64)
    if Y.ndim != 2 or Y.size == 0:
        raise ExplaintError(f"norms must be a non-empty (word, feature) matrix, found shape {Y.shape}")
    return Y


def _members(categories: Sequence[str]) -> list[np.ndarray]:
    """Return the row numbers of each category, categories in order of first appearance."""
    without = [row for row, category in enumerate(categories) if category is None]
    if without:
        raise ExplaintError(
            f"{len(without)} of {len(categories)} words have no category (first: row {without[0]}); "
            "take the subset of words that have one"
        )
    if len(categories) == 0:
        raise ExplaintError("a permutation by category needs at least 1 word, found none")
    rows_of: dict[str, list[int]] = {}
    for row, category in enumerate(categories):
        rows_of.setdefault(category, []).append(row)
    return [np.array(rows, dtype=np.intp) for rows in rows_of.values()]
