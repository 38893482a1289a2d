"""Key-value caches whose needed entries are known: what attention says of them is right in some worlds.

One attention head has read a prefix; each query asked for one earlier token. Then a few more queries come,
each for a token whose word is the right answer, and part of the cache may be gone by then. What it measures: nothing;
it plants which entries are needed and which were attended to, together or apart. What it does not license: that a real
model is one of these; it may be any mixture of them, which is what an experiment has to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from explaint_lib._common import ExplaintError

CacheKind = Literal["asked again", "loud and empty", "the topic turns", "asked at random", "only the recent"]

_HEADS, _WIDTH, _WORDS = 1, 16, 24
_HOT = 8  # tokens that are asked for again and again
_STEPS = 12  # queries that come after the prefix
_SHARP = 9.0  # logit of the token that is asked for
_LOUD = 12.0  # logit of a loud token, whatever is asked for
_GAIN = 6.0  # from an output of length one to the logits of words
_ASIDE = 0.5  # share of the prefix's queries that ask for any token


@dataclass(frozen=True, eq=False)
class PlantedCache:
    """A prefix that was read, and the queries that come after it.

    Attributes
    ----------
    kind : str
    attention : (1, head, n, n) float64 array
        Of the prefix; rows sum to 1.
    keys, values : (1, head, n, width) float64 array
        The width of values is the number of words.
    queries : (step, head, width) float64 array
    asked : (step,) int array
        The entry that each of them asks for.
    words : (n,) int array
        The word at each position; that of the entry asked for is the right answer.
    """

    kind: CacheKind
    attention: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    queries: np.ndarray
    asked: np.ndarray
    words: np.ndarray

    def loss(self, kept: np.ndarray) -> float:
        """Return the mean loss of the answers, in nats, when each head keeps some entries.

        Parameters
        ----------
        kept : (1, head, n_kept) int array

        Returns
        -------
        float
            The logarithm of the number of words, 24, where nothing is known; what the heads read is scaled to length
            one, as a normalisation does.
        """
        keys, values = (np.take_along_axis(part[0], kept[0][..., None], axis=1) for part in (self.keys, self.values))
        weights = _softmax(np.einsum("thd,hkd->thk", self.queries, keys))
        read = np.einsum("thk,hkw->tw", weights, values)
        length = np.linalg.norm(read, axis=-1, keepdims=True)
        logits = _GAIN * np.divide(read, length, out=np.zeros_like(read), where=length > 0)
        right = logits[np.arange(len(logits)), self.words[self.asked]]
        return float((np.log(np.exp(logits).sum(axis=-1)) - right).mean())


def planted_cache(kind: CacheKind, n: int = 64, *, rng: np.random.Generator) -> PlantedCache:
    """Draw a cache.

    Parameters
    ----------
    kind : str
        Half of the prefix's queries ask for one of 8 hot tokens, half for any token before them. Afterwards:

        * "asked again": the hot tokens are asked for. Attention is right.
        * "loud and empty": so they are, but a quarter of the tokens get most of all attention and have values of
          length zero. Attention is wrong; together with the values it is right.
        * "the topic turns": 8 other tokens are asked for. Attention is right about the past and wrong about the future.
        * "asked at random": any tokens are asked for. Nothing that is known beforehand says which.
        * "only the recent": the last 8 tokens are asked for, and the prefix's queries had asked for their last 8.
    n : int, default=64
        Tokens of the prefix, at least 32.
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        For an unknown kind or too few tokens.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> cache = planted.planted_cache("asked again", rng=np.random.default_rng(0))
    >>> everything = np.broadcast_to(np.arange(64), (1, 1, 64))
    >>> bool(cache.loss(everything) < 0.5 < np.log(24) - 0.5 < cache.loss(everything[..., :1]))
    True
    """
    if kind not in get_args(CacheKind) or n < 4 * _HOT:
        kinds = ", ".join(map(repr, get_args(CacheKind)))
        raise ExplaintError(f"expected a kind of {kinds} and at least {4 * _HOT} tokens, found {kind!r} and {n}")
    order = rng.permutation(np.arange(1, 3 * n // 4))  # the last quarter asks for them too
    hot, cold, loud = order[:_HOT], order[_HOT : 2 * _HOT], order[2 * _HOT : 2 * _HOT + n // 4]
    words = rng.integers(_WORDS, size=n)
    keys = rng.normal(size=(_HEADS, n, _WIDTH))
    keys[..., 0] = 0  # the axis along which loud tokens are heard
    keys /= np.linalg.norm(keys, axis=-1, keepdims=True)
    values = np.broadcast_to(np.eye(_WORDS)[words], (_HEADS, n, _WORDS)).copy()
    if kind == "loud and empty":
        keys[:, loud, 0] = _LOUD / _SHARP
        values[:, loud] = 0
    before = np.arange(n)
    wanted = np.array([_earlier(hot, int(i), rng) if rng.random() > _ASIDE else rng.integers(i + 1) for i in before])
    if kind == "only the recent":
        wanted = np.maximum(before - rng.integers(_HOT, size=n), 0)
    pool = {"the topic turns": cold, "asked at random": before, "only the recent": before[-_HOT:]}.get(kind, hot)
    asked = rng.choice(pool, _STEPS)
    logits = np.einsum("hqd,hkd->hqk", _asking(keys, wanted), keys)
    logits[:, before[:, None] < before] = -np.inf
    queries = _asking(keys, asked).transpose(1, 0, 2)
    return PlantedCache(kind, _softmax(logits)[None], keys[None], values[None], queries, asked, words)


def _earlier(hot: np.ndarray, i: int, rng: np.random.Generator) -> int:
    """Return a hot token at or before a position, or any where there is none."""
    there = hot[hot <= i]
    return int(rng.choice(there)) if len(there) else int(rng.integers(i + 1))


def _asking(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return queries (head, query, width) that ask for entries, and hear what is loud."""
    queries = _SHARP * keys[:, wanted]
    queries[..., 0] = _SHARP
    return queries


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: np.ndarray = weights / weights.sum(axis=-1, keepdims=True)
    return found
