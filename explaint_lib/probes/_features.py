"""From attention maps to numbers about two words: how much one attends to the other, in every head.

Pieces are joined in the standard way (Clark et al. 2019): weights are *summed* over the pieces attended to, and
*averaged* over the pieces that attend, so that the result is again a share of attention.

What it does not license: a weight is a share of what a head reads at that layer, not an influence on the output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError


def between(attention: np.ndarray, first: Sequence[int], second: Sequence[int]) -> np.ndarray:
    """Return the attention between two words of a text, in both directions.

    Parameters
    ----------
    attention : (layer, head, query, key) array
    first, second : sequences of int
        Token positions of the two words; at least one each, none in both.

    Returns
    -------
    (2, layer, head) float64 array in [0, 1]
        0: from the first word to the second; 1: from the second to the first. In a decoder the earlier word cannot
        attend to the later one, and that direction is 0 everywhere.

    Raises
    ------
    ExplaintError
        If a word has no position, or the words overlap.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> attention = np.full((1, 1, 3, 3), 1 / 3)  # (layer, head, query, key)
    >>> probes.between(attention, [0], [1, 2]).round(2).ravel().tolist()
    [0.67, 0.33]
    """
    one, other = np.asarray(first, dtype=int), np.asarray(second, dtype=int)
    if not one.size or not other.size or np.intersect1d(one, other).size:
        raise ExplaintError(
            f"expected the positions of two words, none in both; found {one.tolist()} and {other.tolist()}; take them "
            "from the spans of the words in their text"
        )
    directions = ((one, other), (other, one))
    found = [attention[:, :, query][..., key].sum(axis=-1).mean(axis=-1) for query, key in directions]
    return np.stack(found).astype(np.float64)


def word_attention(attention: np.ndarray, word_ids: Sequence[int]) -> np.ndarray:
    """Join the pieces of words; special tokens (word id -1) are dropped and nothing is rescaled.

    Parameters
    ----------
    attention : (layer, head, query, key) array
    word_ids : sequence of int, length query
        The word of each token, from 0 without gaps; -1 for none.

    Returns
    -------
    (layer, head, word, word) float64 array
        Rows sum to 1 less what went to special tokens.

    Raises
    ------
    ExplaintError
        If there is not one word id a token, or a word has no token.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> attention = np.full((1, 1, 4, 4), 1 / 4)  # one special token, a word of one piece, a word of two
    >>> probes.word_attention(attention, [-1, 0, 1, 1])[0, 0].tolist()
    [[0.25, 0.5], [0.25, 0.5]]
    """
    ids = np.asarray(word_ids, dtype=int)
    if ids.shape != (attention.shape[-1],):
        raise ExplaintError(f"expected one word id for each of {attention.shape[-1]} tokens, found {ids.shape}")
    member = (ids[:, None] == np.arange(ids.max(initial=-1) + 1)).astype(np.float64)  # (token, word)
    pieces = member.sum(axis=0)
    if not pieces.size or (pieces == 0).any():
        raise ExplaintError("expected words numbered from 0 without gaps, each with at least one token")
    return np.swapaxes(member / pieces, 0, 1) @ attention.astype(np.float64) @ member
