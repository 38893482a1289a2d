"""How much of a long text continuity looks at, and what that costs: settled before the model runs.

Each position is compared with every other, so the cost grows with the square of their number, while the intervals of
the scores hardly narrow beyond some thousand: of a longer text whole sentences are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib._common import check_memory, cost, notice
from explaint_lib.encoders import Encoder

MAX_TOKENS = 20_000
# Measured on one core: seconds for each pair of tokens that is compared, for each token and weight of the model
_PAIR, _WEIGHT = 3e-8, 1e-10
_WITHIN = 3  # rungs that compare a position with all others of its layer
_ROWS = 30  # about so many rows of the table a layer, four numbers a token each


def drawn(lengths: Sequence[int], seed: int, *, least: int) -> np.ndarray:
    """Return which sentences are used: all, or as many drawn ones as hold `MAX_TOKENS` tokens, in their order.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each sentence.
    seed : int
    least : int
        So many sentences are used however long they are.

    Returns
    -------
    (n,) int array
        Indices. The first sentences of a random order up to the first that would go beyond the limit: what is drawn
        depends on the lengths and the seed alone.
    """
    lengths = np.asarray(lengths)
    if lengths.sum() <= MAX_TOKENS:
        return np.arange(len(lengths))
    order = np.random.default_rng((seed, 1)).permutation(len(lengths))
    fits = int(np.searchsorted(np.cumsum(lengths[order]), MAX_TOKENS, side="right"))
    return np.sort(order[: max(fits, least)])


def check_cost(
    lengths: Sequence[int], n_given: int, encoder: Encoder, n_layers: int, n_models: int, *, say: bool
) -> None:
    """Say what is used of the texts and what that costs where it takes minutes; refuse it if memory is too small.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each sentence that is used.
    n_given : int
        Sentences before the draw.
    encoder : Encoder
    n_layers, n_models : int
        Layers measured; the model and its twins.
    say : bool

    Raises
    ------
    ExplaintError
    """
    n = int(np.sum(lengths))
    pairs = _WITHIN * n_layers * float(n) ** 2
    seconds = n_models * (_PAIR * pairs + _WEIGHT * n * 12 * encoder.n_layers * encoder.dim**2)
    states = 2 * 4.0 * (encoder.n_layers + 1) * n * encoder.dim  # as the model gives them, and laid flat
    needed = states + 32.0 * _ROWS * n_layers * n + 5e8
    if say and n_given > len(lengths):
        notice(
            f"of {n_given} sentences {len(lengths)} are used, drawn with the seed: {n} tokens, at most {MAX_TOKENS} "
            "(each is compared with every other, and more would hardly narrow the intervals)"
        )
    if say and seconds > 60:
        notice(f"{len(lengths)} sentences, {n} tokens, {n_layers} layers, {n_models} models: {cost(seconds, needed)}")
    check_memory(needed, f"continuity of {n} tokens", "give fewer or shorter sentences, or ask for fewer layers")
