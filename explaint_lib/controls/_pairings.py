"""Which word receives whose norms: permutations that keep the norms, and one structure more or less."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.controls._checks import members, vectors


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

    Examples
    --------
    >>> from explaint_lib import controls
    >>> order = controls.permute_rows(5, rng=np.random.default_rng(0))
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4]
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

    Examples
    --------
    >>> from explaint_lib import controls
    >>> categories = ["bird", "bird", "tool", "tool", "tool"]
    >>> order = controls.permute_within(categories, rng=np.random.default_rng(0))
    >>> [categories[i] for i in order]
    ['bird', 'bird', 'tool', 'tool', 'tool']
    """
    blocks = members(categories)
    permutation = np.empty(len(categories), dtype=np.intp)
    for rows in blocks:
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

    Examples
    --------
    >>> from explaint_lib import controls
    >>> categories = ["bird", "bird", "tool", "tool"]
    >>> order = controls.permute_blocks(categories, rng=np.random.default_rng(3))
    >>> len({categories[i] for i in order[:2]})  # the birds still share one category's norms
    1
    """
    blocks = members(categories)
    shuffled = [rng.permutation(blocks[block]) for block in rng.permutation(len(blocks))]
    permutation = np.empty(len(categories), dtype=np.intp)
    permutation[np.concatenate(blocks)] = np.concatenate(shuffled)
    return permutation


def swap_neighbours(
    X: np.ndarray, k: int = 5, *, within: Sequence[str] | None = None, rng: np.random.Generator
) -> np.ndarray:
    """Return a permutation in which words change places with one of their nearest words in `X`.

    Keeps the local geometry (each word receives the vector, or the norms, of a word that lies beside it), and
    with `within` the taxonomy too, and all that `permute_rows` keeps. Destroys identity: which of the close
    words it is.

    A system no better than this knows the neighbourhood of a word and not the word: the null "similarity".

    Parameters
    ----------
    X : (n_words, dim) array
        Finite. Nearness is the cosine of the centred vectors.
    k : int, from 1 to n_words - 1
        How many nearest words a partner may be drawn from.
    within : sequence of str, one a word, optional
        Partners are words of the same category. **Pass it to compare with `permute_within`**: without it a
        neighbour across the border of a category costs taxonomy, and the null can fall below that one.
    rng : numpy.random.Generator

    Returns
    -------
    (n_words,) int array
        Without fixed points but for a word alone in its category. Words are visited in random order and paired
        with one of their `k` nearest words that is still free, or with the nearest free one where none of the
        `k` is; of an odd number the last joins a pair.

    Raises
    ------
    ExplaintError
        If `X` is no finite matrix of at least 2 words, `k` is out of range, or a word has no category.

    Warnings
    --------
    Partners beyond the `k` nearest are needed for a few words (hubs are taken early), which makes the null
    slightly easier to beat. Words of one form have one vector: swapping them changes nothing.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> X = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]])
    >>> controls.swap_neighbours(X, 1, rng=np.random.default_rng(0)).tolist()
    [1, 0, 3, 2]
    """
    X = vectors(X)
    n = len(X)
    if not 1 <= k <= n - 1:
        raise ExplaintError(f"k must be from 1 to the number of other words ({n - 1}), found {k}")
    blocks = [np.arange(n)] if within is None else members(within)
    if sum(map(len, blocks)) != n:
        raise ExplaintError(f"expected a category for each of {n} words, found {sum(map(len, blocks))}")
    X = X - X.mean(axis=0)
    unit = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300)
    permutation = np.arange(n)
    for rows in blocks:
        near = unit[rows] @ unit[rows].T
        permutation[rows] = rows[_exchange(near, k, rng)]
    return permutation


def _exchange(near: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Pair the rows of a square matrix of nearness with near ones; the last of an odd number joins a pair."""
    n = len(near)
    near = near.copy()
    np.fill_diagonal(near, -np.inf)
    nearest = np.argsort(-near, axis=1, kind="stable")[:, : n - 1]  # (word, place), without the word itself
    order, free = np.arange(n), np.ones(n, dtype=bool)
    for word in rng.permutation(n):
        if not free[word] or n == 1:
            continue
        free[word] = False
        others = nearest[word][free[nearest[word]]]
        if not others.size:
            other = nearest[word][0]
            order[word], order[other] = order[other], word
            break
        close = nearest[word][:k][free[nearest[word][:k]]]
        partner = rng.choice(close) if close.size else others[0]
        order[word], order[partner], free[partner] = partner, word, False
    return order
