"""Splits that leave no near relative in training, and clusters finer than the categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from explaint_lib._common import ExplaintError
from explaint_lib._deal import deal_groups
from explaint_lib.controls._checks import matrix, members, vectors


def leave_one_category_out(categories: Sequence[str]) -> np.ndarray:
    """Return folds of one whole category each.

    Keeps the mapper, the vectors, the norms and their pairing. Takes from training every word of the category
    that is tested. A score that falls here to the mean profile was taxonomy: the map had learned what birds
    are like, not what *flies* looks like. A score that stays was carried over from other categories.

    Parameters
    ----------
    categories : sequence of str, one a word

    Returns
    -------
    (n_words,) int array
        Fold labels for `explaint_lib.mappers.CrossFit`, numbered in order of first appearance.

    Raises
    ------
    ExplaintError
        If a word has no category (None), or there is only one category.

    Warnings
    --------
    The mean profile falls here as well (features of the category are missing from training altogether):
    compare with the mean profile *on the same folds*, and with the oracle among features that occur outside
    the category.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> controls.leave_one_category_out(["bird", "tool", "bird"]).tolist()
    [0, 1, 0]
    """
    blocks = members(categories)
    if len(blocks) < 2:
        raise ExplaintError("leaving one category out needs at least 2 categories, found 1")
    return pd.factorize(np.asarray(categories, dtype=object))[0]


def cluster_words(V: np.ndarray, n_clusters: int) -> np.ndarray:
    """Group words into clusters of similar vectors: a grain finer (or coarser) than the categories.

    On the gold norms themselves this is the strictest grain for the two-alternative test, since the words of
    a cluster have features in common; on embeddings it is what a map can see of similarity.

    Parameters
    ----------
    V : (n_words, dim) array
        Norms (missing ratings take the mean of their feature; each word's vector is scaled to length 1) or
        embeddings.
    n_clusters : int, from 1 to n_words

    Returns
    -------
    (n_words,) int array
        Labels from 0. Ward's clustering of the centred, length-normalised vectors: deterministic, and nested
        (a finer grain only splits the clusters of a coarser one).

    Raises
    ------
    ExplaintError
        If `V` is no matrix or the number of clusters is out of range.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> V = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]])
    >>> labels = controls.cluster_words(V, 2)
    >>> bool(labels[0] == labels[1] != labels[2] == labels[3])
    True
    """
    V = matrix(V)
    if not 1 <= n_clusters <= len(V):
        raise ExplaintError(f"the number of clusters must be from 1 to {len(V)}, found {n_clusters}")
    return _cut(_tree(V), n_clusters)


def cluster_folds(
    X: np.ndarray, n_folds: int, *, rng: np.random.Generator, n_clusters: int | None = None
) -> np.ndarray:
    """Return folds that keep clusters of similar words whole: no word is tested beside its near relatives.

    Keeps everything but the chance to copy from a neighbour. Needs no category labels, and is stricter where
    categories are broad. Read a score beside the mean profile on the same folds.

    Parameters
    ----------
    X : (n_words, dim) array
        Vectors that say what is similar: the embeddings, or the norms.
    n_folds : int, at least 2
    rng : numpy.random.Generator
        Deals the clusters out.
    n_clusters : int, optional
        From `n_folds` to n_words. Left out: six times the folds, doubled until no cluster is larger than a
        fold, but never above a third of the words.

    Returns
    -------
    (n_words,) int array
        Fold labels from 0. Clusters, in random order, go to the fold with the fewest words so far: sizes differ
        by up to a cluster.

    Raises
    ------
    ExplaintError
        If a number is out of range.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> V = np.repeat(np.eye(4), 3, axis=0)  # four clusters of three equal words
    >>> folds = controls.cluster_folds(V, 2, rng=np.random.default_rng(0), n_clusters=4)
    >>> np.bincount(folds).tolist(), [len(set(cluster)) for cluster in folds.reshape(4, 3).tolist()]
    ([6, 6], [1, 1, 1, 1])
    """
    X = matrix(X)
    fewest = n_folds if n_clusters is None else n_clusters
    if not 2 <= n_folds <= fewest <= len(X):
        raise ExplaintError(
            f"expected 2 <= n_folds <= n_clusters <= number of words, found {n_folds}, {n_clusters} and {len(X)}"
        )
    tree = _tree(X)
    if n_clusters is not None:
        return deal_groups(_cut(tree, n_clusters), n_folds, rng=rng, random_ties=True)
    n_clusters, most = 6 * n_folds, max(n_folds, len(X) // 3)
    while n_clusters < most and np.bincount(_cut(tree, n_clusters)).max() > len(X) / n_folds:
        n_clusters *= 2
    return deal_groups(_cut(tree, min(n_clusters, most)), n_folds, rng=rng, random_ties=True)


def near_duplicate_folds(X: np.ndarray, n_folds: int, *, threshold: float, rng: np.random.Generator) -> np.ndarray:
    """Return random folds in which words nearer than a threshold are never on two sides.

    Keeps an ordinary random split but for near-duplicates (plurals, *crow* and *blackbird*, homonyms that
    share a vector): words linked by a chain of cosines above `threshold` share a fold. A score that falls
    from random folds to these was copied from near duplicates.

    Parameters
    ----------
    X : (n_words, dim) array, finite
        Cosines are taken of the centred vectors.
    n_folds : int, at least 2
    threshold : float, from -1 to 1
    rng : numpy.random.Generator

    Returns
    -------
    (n_words,) int array

    Raises
    ------
    ExplaintError
        If the chains tie more words together than fit into one fold twice over: the threshold is too low.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> V = np.repeat(np.eye(4), 2, axis=0)  # every word has a duplicate
    >>> folds = controls.near_duplicate_folds(V, 2, threshold=0.9, rng=np.random.default_rng(0))
    >>> bool((folds[::2] == folds[1::2]).all())
    True
    """
    X = vectors(X)
    if not 2 <= n_folds <= len(X):
        raise ExplaintError(f"the number of folds must be from 2 to the number of words ({len(X)}), found {n_folds}")
    unit = _directions(X)
    _, chain = connected_components(csr_array(unit @ unit.T > threshold), directed=False)
    longest = int(np.bincount(chain).max())
    if longest > 2 * len(X) / n_folds:
        raise ExplaintError(
            f"at threshold {threshold:g} one chain ties {longest} of {len(X)} words together, too many for "
            f"{n_folds} folds; raise the threshold"
        )
    return deal_groups(chain, n_folds, rng=rng, random_ties=True)


def _tree(V: np.ndarray) -> np.ndarray:
    """Return Ward's tree of the words, (n_words - 1, 4) as scipy writes it."""
    unit = _directions(V)
    upper = np.triu_indices(len(V), 1)
    square = (unit**2).sum(axis=1)  # 1, or 0 for a zero vector
    # products are far cheaper than pairwise distances; rounding lets equal vectors be equal
    squared = np.round(square[upper[0]] + square[upper[1]] - 2 * (unit @ unit.T)[upper], 12)
    return linkage(np.sqrt(np.maximum(squared, 0.0)), "ward") if len(V) > 1 else np.empty((0, 4))


def _cut(tree: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return the labels, from 0, of the words when the tree is cut into clusters."""
    if not len(tree):
        return np.zeros(1, dtype=np.intp)
    return fcluster(tree, n_clusters, "maxclust").astype(np.intp) - 1


def _directions(V: np.ndarray) -> np.ndarray:
    """Return the vectors centred and scaled to length 1, missing cells at the mean; a zero vector stays zero."""
    mean = np.nanmean(V, axis=0)
    centred = np.where(np.isnan(V), 0.0, V - mean)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-300)
