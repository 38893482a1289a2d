"""Which sentences continuity looks at, how many of a long text, and what that costs: settled before the model runs.

Each position is compared with every other, so the cost grows with the square of their number, while the intervals of
the scores hardly narrow beyond some thousand: of a longer text whole sentences are drawn.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError, check_memory, cost, notice
from explaint_lib.encoders import Encoder

#: Fewer sentences leave the maps too little to learn from, and the intervals too few clusters.
MIN_SENTENCES = 20
MAX_TOKENS = 20_000
# Measured on one core: seconds for each pair of tokens that is compared, for each token and weight of the model
_PAIR, _WEIGHT = 3e-8, 1e-10
_WITHIN = 3  # rungs that compare a position with all others of its layer
_ROWS = 30  # about so many rows of the table a layer, four numbers a token each


def bundled_sentences() -> list[str]:
    """Return the plain English sentences written for this project, one a string, in the order of the file.

    Examples
    --------
    >>> from explaint_lib.experiments.continuity import bundled_sentences
    >>> sentences = bundled_sentences()
    >>> len(sentences) >= 300, len(set(sentences)) == len(sentences)
    (True, True)
    """
    file = importlib.resources.files("explaint_lib") / "data" / "sentences.txt"
    return [line.strip() for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]


def distinct(texts: Sequence[str], labels: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the different texts, and what to call each.

    Raises
    ------
    ExplaintError
        If they are fewer than `MIN_SENTENCES`.
    """
    names = [f"text {i}" for i in range(len(texts))] if labels is None else labels
    first = {text.strip(): name for text, name in reversed(list(zip(texts, names, strict=True)))}
    kept = list(dict.fromkeys(text.strip() for text in texts))
    if len(kept) < MIN_SENTENCES:
        raise ExplaintError(
            f"continuity needs at least {MIN_SENTENCES} different sentences, since maps are fitted on some "
            f"and tested on others; found {len(kept)}"
        )
    return kept, [first[text] for text in kept]


def token_counts(encoder: Encoder, sentences: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the tokens of each sentence; raise if one is longer than the model takes, calling it by its name."""
    lengths = [len(ids) for ids in encoder.tokenizer(list(sentences), verbose=False)["input_ids"]]
    for name, length in zip(names, lengths, strict=True):
        if length > encoder.max_tokens:
            raise ExplaintError(
                f"{name} has {length} tokens, and {encoder.name} takes at most {encoder.max_tokens}; "
                "split it into sentences"
            )
    return lengths


def drawn(lengths: Sequence[int], seed: int) -> np.ndarray:
    """Return which sentences are used: all, or as many drawn ones as hold `MAX_TOKENS` tokens, in their order.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each sentence.
    seed : int

    Returns
    -------
    (n,) int array
        Indices, at least `MIN_SENTENCES` of them however long they are: the first sentences of a random order up to
        the first that would go beyond the limit. What is drawn depends on the lengths and the seed alone.
    """
    counts = np.asarray(lengths)
    if counts.sum() <= MAX_TOKENS:
        return np.arange(len(counts))
    order = np.random.default_rng((seed, 1)).permutation(len(counts))
    fits = int(np.searchsorted(np.cumsum(counts[order]), MAX_TOKENS, side="right"))
    return np.sort(order[: max(fits, MIN_SENTENCES)])


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
