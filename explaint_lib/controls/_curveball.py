"""Rewire the word x feature graph and keep every degree: how common a feature is, how many a word has."""

from __future__ import annotations

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.controls._checks import matrix

TRADES_PER_WORD = 15  # on human norms the overlap with the start levels off after 8 to 10 (`curveball_mixing`)


def curveball(Y: np.ndarray, *, rng: np.random.Generator, trades_per_word: int = TRADES_PER_WORD) -> np.ndarray:
    """Draw sparse norms with the same number of words a feature and the same number of features a word.

    Keeps, exactly, both degrees of the binary word x feature graph: feature frequencies *and* features per
    word, and for each feature its strengths as a multiset. Destroys who has what: co-occurrence, taxonomy,
    similarity, and the pairing with the vectors.

    A system no better than this has learned base rates and list lengths. What `shuffle_columns` loses (how
    many features a word has) is kept here, so that the oracle and chance of F1 are the system's own.

    Parameters
    ----------
    Y : (n_words, n_features) array
        Sparse norms, at least 0; above zero = named.
    rng : numpy.random.Generator
    trades_per_word : int, at least 1
        A trade takes two random words, pools the features only one of them has, and deals them out again at
        random. `trades_per_word * n_words` trades are made that *could* change something; `curveball_mixing`
        shows whether that was enough.

    Returns
    -------
    (n_words, n_features) float array
        The strengths of a feature are permuted among its new owners, so a word's *sum* of strengths is not
        kept.

    Raises
    ------
    ExplaintError
        If `Y` is no non-empty matrix, holds missing or negative cells (ratings have no graph to rewire), or
        there are fewer than 2 words.

    References
    ----------
    Strona et al. (2014): the curveball algorithm, which draws uniformly from all such matrices in the limit
    of many trades.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> Y = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    >>> drawn = controls.curveball(Y, rng=np.random.default_rng(0))
    >>> drawn.sum(axis=0).tolist() == Y.sum(axis=0).tolist(), drawn.sum(axis=1).tolist() == Y.sum(axis=1).tolist()
    (True, True)
    """
    Y, owned = _graph(Y, trades_per_word)
    _trade(owned, trades_per_word * len(owned), rng)
    drawn = np.zeros(Y.shape)
    words = np.repeat(np.arange(len(owned)), [len(features) for features in owned])
    features = np.fromiter((f for mine in owned for f in sorted(mine)), dtype=np.intp, count=len(words))
    # both lists sorted by feature: within a feature, its old strengths in random order meet its new owners
    old_words, old_features = np.nonzero(Y > 0)
    shuffled = rng.permutation(old_words.size)
    source = shuffled[np.argsort(old_features[shuffled], kind="stable")]
    order = np.argsort(features, kind="stable")
    drawn[words[order], features[order]] = Y[old_words[source], old_features[source]]
    return drawn


def curveball_mixing(Y: np.ndarray, sweeps: int, *, rng: np.random.Generator) -> np.ndarray:
    """Return the share of filled cells still filled as in `Y` after each sweep: has the rewiring forgotten `Y`?

    Parameters
    ----------
    Y : (n_words, n_features) array
        As in `curveball`.
    sweeps : int, at least 1
        One sweep is one trade a word.
    rng : numpy.random.Generator

    Returns
    -------
    (sweeps + 1,) array, from 0 to 1
        Starts at 1 and falls to a level above 0, at which it stays: frequent features must meet words that
        had them. Mixed means that the last values show no trend; `curveball` should make several times as
        many trades as it takes to get there.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> Y = (np.random.default_rng(0).random((40, 30)) < 0.2).astype(float)
    >>> kept = controls.curveball_mixing(Y, 10, rng=np.random.default_rng(1))
    >>> kept.shape, bool(kept[-1] < 0.5 < kept[0])
    ((11,), True)
    """
    Y, owned = _graph(Y, sweeps)
    first = [set(features) for features in owned]
    filled = sum(map(len, first))
    kept = [1.0]
    for _ in range(sweeps):
        _trade(owned, len(owned), rng)
        kept.append(sum(len(now & then) for now, then in zip(owned, first, strict=True)) / filled)
    return np.array(kept)


def _graph(Y: np.ndarray, amount: int) -> tuple[np.ndarray, list[set[int]]]:
    """Return checked norms and the features of each word."""
    Y = matrix(Y)
    if np.isnan(Y).any() or (Y < 0).any():
        raise ExplaintError(
            "rewiring needs named features (cells of 0 or more, none missing), found "
            f"{np.count_nonzero(np.isnan(Y))} missing and {np.count_nonzero(Y < 0)} negative cells; "
            "for ratings take shuffle_columns"
        )
    if len(Y) < 2 or amount < 1:
        raise ExplaintError(f"rewiring needs at least 2 words and 1 sweep of trades, found {len(Y)} and {amount}")
    return Y, [set(np.flatnonzero(row).tolist()) for row in Y > 0]


def _trade(owned: list[set[int]], n_trades: int, rng: np.random.Generator) -> None:
    """Make trades in place; pairs of which one has nothing the other lacks count as made, and change nothing."""
    n = len(owned)
    first = rng.integers(n, size=n_trades)
    second = (first + 1 + rng.integers(n - 1, size=n_trades)) % n  # another word
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        mine, other = owned[a], owned[b]
        only_mine = mine - other
        pool = sorted(only_mine | (other - mine))  # sorted: the draw must not depend on the order of a set
        if not only_mine or len(only_mine) == len(pool):
            continue
        dealt = set(rng.permutation(pool)[: len(only_mine)].tolist())
        both = mine & other
        owned[a], owned[b] = both | dealt, both | (set(pool) - dealt)
