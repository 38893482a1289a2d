"""Nonsense targets: properties of the spelling, which no one would call the meaning of the word.

A score on one of them is to be read against *its own* chance and mean profile, never against the real
norms': a target with a rare "1" and one with a common "1" differ in both. Each returns ``(values, names)``:
(n_words, n_targets) floats and a name a column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError, word_list

Targets = tuple[np.ndarray, tuple[str, ...]]


def length_differences(words: Sequence[str], n_targets: int = 65, *, rng: np.random.Generator) -> Targets:
    """Return the difference in characters between each word and reference words drawn from the list.

    Keeps one thing of a word: its length, `n_targets` times. A high score means that the vectors carry
    word length (or what goes with it: frequency, number of word pieces). All columns are one variable up to
    a constant, so the score of many columns is the score of one.

    Parameters
    ----------
    words : sequence of str
    n_targets : int, from 1 to n_words
    rng : numpy.random.Generator
        Draws the reference words.

    References
    ----------
    After the length differences of Herasimchyk et al. (2025, arXiv 2508.13729); a reconstruction, their
    recipe is not public.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> values, names = controls.length_differences(["owl", "robin"], 2, rng=np.random.default_rng(0))
    >>> names
    ('length_minus_owl', 'length_minus_robin')
    >>> values.tolist()
    [[0.0, -2.0], [2.0, 0.0]]
    """
    words = word_list(words)
    if not 1 <= n_targets <= len(words):
        raise ExplaintError(f"the number of reference words must be from 1 to {len(words)}, found {n_targets}")
    lengths = np.array([len(word) for word in words], dtype=np.float64)
    at = np.sort(rng.choice(len(words), size=n_targets, replace=False))
    return lengths[:, None] - lengths[at], tuple(f"length_minus_{words[i]}" for i in at)


def first_letter(words: Sequence[str]) -> Targets:
    """Return one column a letter: 1 where the word begins with it.

    A sparse target like a norm, with one feature a word. A high score means that the vectors carry spelling:
    contextual encoders do, through their word pieces. Letters with which no word begins are left out.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> values, names = controls.first_letter(["owl", "robin", "rook"])
    >>> names
    ('begins_with_o', 'begins_with_r')
    >>> values.tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """
    words = [word.strip().lower() for word in word_list(words)]
    letters = sorted({word[0] for word in words})
    values = np.array([[float(word[0] == letter) for letter in letters] for word in words])
    return values, tuple(f"begins_with_{letter}" for letter in letters)


def alphabet_rank(words: Sequence[str]) -> Targets:
    """Return the word's place in the alphabet, from 0 to 1, for the word spelt forwards and backwards.

    A dense target. A high score means that the vectors carry the first (the last) letters, and for the
    second column suffixes: *-er*, *-ing*.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> values, names = controls.alphabet_rank(["owl", "robin", "crow"])
    >>> values.tolist()
    [[0.5, 0.0], [1.0, 0.5], [0.0, 1.0]]
    """
    forms = [word.lower() for word in word_list(words)]

    def rank(keys: list[str]) -> np.ndarray:
        place = {key: i for i, key in enumerate(sorted(set(keys)))}  # equal words share a place
        return np.array([place[key] for key in keys]) / max(len(place) - 1, 1)

    return np.column_stack([rank(forms), rank([form[::-1] for form in forms])]), ("rank_forwards", "rank_backwards")


def hash_bits(words: Sequence[str], n_bits: int = 64) -> Targets:
    """Return bits of a cryptographic hash of the word: fixed for a word, and unrelated to anything about it.

    Nothing can be learned here, for any map, from any vectors: similar words have independent bits. A score
    above the mean profile on held-out words is an error in the pipeline (a leak: the same word in training
    and test). Scored *in sample* it shows what the map can memorise.

    Parameters
    ----------
    words : sequence of str
    n_bits : int, from 1 to 512
        Each bit is 1 for about half of the words.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> values, names = controls.hash_bits(["owl", "robin"], 4)
    >>> names
    ('bit_00', 'bit_01', 'bit_02', 'bit_03')
    >>> values.shape
    (2, 4)
    """
    words = word_list(words)
    if not 1 <= n_bits <= 512:
        raise ExplaintError(f"the number of bits must be from 1 to 512, found {n_bits}")
    digests = [hashlib.sha512(word.encode("utf8")).digest() for word in words]
    bits = np.unpackbits(np.array([list(digest) for digest in digests], dtype=np.uint8), axis=1)[:, :n_bits]
    return bits.astype(np.float64), tuple(f"bit_{i:02d}" for i in range(n_bits))
