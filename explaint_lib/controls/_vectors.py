"""Rival inputs: vectors that know nothing, or only what the eye sees of a word that it cannot read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError, word_list
from explaint_lib.controls._checks import vectors


def gaussian_like(X: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Draw Gaussian vectors with the mean and the covariance of `X`, one a word.

    Keeps the second moments: scale, rank, the few directions that hold most of the variance. Destroys which
    word has which vector, clusters, and everything that is not elliptical.

    A score here is what the mapper makes of *any* cloud of this shape: base rates, and overfitting.

    Parameters
    ----------
    X : (n_words, dim) array, finite
    rng : numpy.random.Generator

    Returns
    -------
    (n_words, dim) array
        A sample: its own mean and covariance vary around those of `X`. Of rank at most that of centred `X`.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> X = np.random.default_rng(0).standard_normal((30, 4)) + 7
    >>> controls.gaussian_like(X, rng=np.random.default_rng(1)).mean().round()
    np.float64(7.0)
    """
    X = vectors(X)
    centred = X - X.mean(axis=0)
    # rows of W @ centred are Gaussian with the covariance centred' centred / n, without forming a (dim, dim) root
    return X.mean(axis=0) + rng.standard_normal((len(X), len(X))) @ centred / np.sqrt(len(X))


def character_ngrams(words: Sequence[str], sizes: Sequence[int] = (1, 2, 3), *, least: int = 2) -> np.ndarray:
    """Return counts of character n-grams: spelling and nothing else.

    Keeps the letters of a word, with marks at its ends. A score above the mean profile comes from spelling:
    shared stems and suffixes (*blackbird*, *firetruck*), length. What a contextual model scores beyond it
    is not sub-word overlap.

    Parameters
    ----------
    words : sequence of str
        Lower case is taken of each.
    sizes : sequence of int, each at least 1
    least : int
        N-grams of fewer words than this are left out: they cannot be learned.

    Returns
    -------
    (n_words, n_ngrams) float array
        Columns in alphabetical order.

    Raises
    ------
    ExplaintError
        If there are no words or no sizes, or no n-gram occurs in `least` words.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> controls.character_ngrams(["cat", "car"], sizes=(2,)).tolist()  # shared by both: "<c" and "ca"
    [[1.0, 1.0], [1.0, 1.0]]
    """
    words = word_list(words)
    if not len(sizes) or min(sizes) < 1:
        raise ExplaintError(f"sizes of n-grams must be at least 1, found {list(sizes)}")
    grams = [_grams(f"<{' '.join(word.lower().split())}>", sizes) for word in words]
    owners: dict[str, int] = {}
    for mine in grams:
        for gram in set(mine):
            owners[gram] = owners.get(gram, 0) + 1
    column = {gram: j for j, gram in enumerate(sorted(g for g, count in owners.items() if count >= least))}
    if not column:
        raise ExplaintError(f"no n-gram of sizes {list(sizes)} occurs in {least} of the {len(words)} words")
    counts = np.zeros((len(words), len(column)))
    for row, mine in enumerate(grams):
        for gram in mine:
            if gram in column:
                counts[row, column[gram]] += 1
    return counts


def form_only(words: Sequence[str]) -> np.ndarray:
    """Return the length in characters and the frequency of each word: two numbers that go with much else.

    Keeps what a reader sees who does not know the language. Norms are not independent of it (the common words
    name large, near, edible things), so it is the least an input must beat.

    Returns
    -------
    (n_words, 2) array
        Number of characters; frequency on the Zipf scale (log10 of occurrences per thousand million words)
        from the package wordfreq, 0 for a word it does not know.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> controls.form_only(["dog", "zzyzzx"])[:, 0].tolist()
    [3.0, 6.0]
    """
    from wordfreq import zipf_frequency

    words = word_list(words)
    return np.array([[float(len(word)), zipf_frequency(word, "en")] for word in words])


def _grams(marked: str, sizes: Sequence[int]) -> list[str]:
    found = [marked[i : i + size] for size in sizes for i in range(len(marked) - size + 1)]
    return [gram for gram in found if gram not in ("<", ">")]
