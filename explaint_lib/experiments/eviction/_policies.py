"""Policies: which entries of a key-value cache are kept, for each layer and each key-value head.

A policy gives every entry a score from what is known at the end of the prefix; the highest are kept, and all policies
keep equally many. Heads that share their keys and values (grouped queries) share entries, so their attention is
averaged: an entry is in memory once. What it controls for: nothing after the prefix is seen. What it does not license:
published methods decide again at every step; here the cache is cut once, when the prefix has been read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explaint_lib._common import ExplaintError

WINDOW = 16  # the last queries that SnapKV looks at; it takes 16 to 64 of prompts of thousands
POOLED = 5  # neighbours over which it averages


@dataclass(frozen=True, eq=False)
class Cache:
    """What is known of a prefix when its cache is cut.

    Attributes
    ----------
    attention : (layer, head, n, n) array
        Of the prefix's queries (rows) over its keys.
    keys, values : (layer, kv_head, n, width) array
        The cache. Several heads may share a key-value head: those that follow each other.
    """

    attention: np.ndarray
    keys: np.ndarray
    values: np.ndarray

    @property
    def shared(self) -> np.ndarray:
        """Attention by key-value head, (layer, kv_head, n, n): the mean over the heads that share its entries."""
        layers, heads, n, _ = self.attention.shape
        groups = self.keys.shape[1]
        return self.attention.reshape(layers, groups, heads // groups, n, n).mean(axis=2)


Policy = Callable[[Cache, np.random.Generator], np.ndarray]


def accumulated(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return the attention that each entry got from all queries, summed (H2O, Zhang et al. 2023)."""
    return cache.shared.sum(axis=2)


def one_for_all(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return accumulated attention averaged over all layers and heads, so that all of them keep the same entries."""
    total = accumulated(cache, rng)
    return np.broadcast_to(total.mean(axis=(0, 1)), total.shape)


def window(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return the attention from the last `WINDOW` queries, averaged over neighbours (SnapKV, Li et al. 2024)."""
    seen = cache.shared[:, :, -WINDOW:].sum(axis=2)  # (layer, kv_head, n)
    padded = np.pad(seen, ((0, 0), (0, 0), (POOLED // 2, POOLED // 2)))
    return np.lib.stride_tricks.sliding_window_view(padded, POOLED, axis=-1).mean(axis=-1)


def attention_x_value(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return accumulated attention times the length (L1) of the entry's value (Guo et al. 2024)."""
    return accumulated(cache, rng) * np.abs(cache.values).sum(axis=-1)


def key_norm(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return the negative length of the key: short keys are kept (Devoto et al. 2024). No attention is used."""
    return -np.linalg.norm(cache.keys, axis=-1)


def last_used(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return when each entry was last used: the last query that gave it more than an equal share of its attention.

    The weight of that use decides between entries last used by the same query.
    """
    weights = cache.shared
    n = weights.shape[-1]
    used = weights > 1 / np.arange(1, n + 1)[:, None]
    last = n - 1 - used[:, :, ::-1].argmax(axis=2)  # (layer, kv_head, n)
    weight = np.take_along_axis(weights, last[:, :, None], axis=2)[:, :, 0]
    return np.where(used.any(axis=2), last + weight, -1.0)


def least_attention(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return the negative of `accumulated`: what attention calls unimportant is kept."""
    return -accumulated(cache, rng)


def drawn(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return random scores, drawn for each layer and head."""
    return rng.random(cache.keys.shape[:3])


def position(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return the position: the last entries are kept (StreamingLLM, Xiao et al. 2024, adds the first ones)."""
    return np.broadcast_to(np.arange(cache.keys.shape[2], dtype=float), cache.keys.shape[:3])


def age(cache: Cache, rng: np.random.Generator) -> np.ndarray:
    """Return the negative position: the first entries are kept. Accumulated attention favours them, for more queries
    have seen them; this is that favour alone."""
    return -position(cache, rng)


#: By name: what a chapter compares. "recent", with protected boundaries, is sinks and recent entries and no score.
POLICIES: dict[str, Policy] = {
    "accumulated attention": accumulated,
    "one score for all heads": one_for_all,
    "window attention": window,
    "attention x value": attention_x_value,
    "key norm": key_norm,
    "least recently used": last_used,
    "least attention": least_attention,
    "random": drawn,
    "recent": position,
    "earliest": age,
}


def kept_entries(scores: np.ndarray, n_kept: int, *, sinks: int = 0, recent: int = 0) -> np.ndarray:
    """Return which entries stay: those protected at both ends, then those with the highest scores.

    Parameters
    ----------
    scores : (layer, kv_head, n) array
        Ties go to the later entry.
    n_kept : int
        Entries kept in each layer and head, protected ones included, from 1 to n.
    sinks, recent : int, default=0
        Entries kept at the beginning and at the end, whatever their score; together at most `n_kept`.

    Returns
    -------
    (layer, kv_head, n_kept) int array
        Positions, ascending.

    Raises
    ------
    ExplaintError
        If the numbers do not fit together, or a score is NaN.

    Examples
    --------
    >>> from explaint_lib.experiments.eviction import kept_entries
    >>> scores = np.array([[[0.0, 5.0, 1.0, 4.0, 2.0, 0.0]]])
    >>> kept_entries(scores, 3).tolist(), kept_entries(scores, 3, sinks=1, recent=1).tolist()
    ([[[1, 3, 4]]], [[[0, 1, 5]]])
    """
    n = scores.shape[-1]
    if not (1 <= n_kept <= n and min(sinks, recent) >= 0 and sinks + recent <= n_kept):
        raise ExplaintError(
            f"expected 1 to {n} entries kept, protected ones among them; found {n_kept} with {sinks} + {recent} "
            "protected"
        )
    if np.isnan(scores).any():
        raise ExplaintError("a policy gave a score that is not a number; every entry needs one")
    protected = np.zeros(n, dtype=bool)
    protected[:sinks] = protected[n - recent :] = True
    ranked = np.where(protected, np.inf, scores)
    order = np.lexsort((np.broadcast_to(np.arange(n), ranked.shape), ranked), axis=-1)  # ascending
    return np.sort(order[..., n - n_kept :], axis=-1)
