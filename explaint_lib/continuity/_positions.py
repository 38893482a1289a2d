"""The positions to be scored: sentences of different length laid flat, without special tokens.

Special tokens ([CLS], [SEP], a decoder's first position with its massive activation) are neither items nor
candidates: they are the same in every sentence, and one of them can dominate every mean and standard
deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explaint_lib._common import ExplaintError


@dataclass(frozen=True)
class Positions:
    """All scored positions of a corpus, flat; `slots` finds those of one sentence again.

    Attributes
    ----------
    states : (layer, position, dim) float32 array
    token_ids, sentence, place : (position,) int arrays
        Token type; number of the sentence; index of the position within its sentence, special tokens counted.
    slots : (sentence, slot) int array
        Flat indices of the scored positions of each sentence, -1 as padding.
    """

    states: np.ndarray
    token_ids: np.ndarray
    sentence: np.ndarray
    place: np.ndarray
    slots: np.ndarray

    @property
    def n_sentences(self) -> int:
        """Number of sentences, those without a scored position included."""
        return len(self.slots)


def _check_sentence(
    index: int, states: np.ndarray, ids: np.ndarray, special: np.ndarray, shape: tuple[int, int]
) -> None:
    """Raise unless the three arrays of one sentence agree with each other and with the first sentence."""
    if states.ndim != 3 or (states.shape[0], states.shape[2]) != shape:
        raise ExplaintError(
            f"sentence {index}: expected hidden states (layer, position, dim) with {shape[0]} layers "
            f"of dimension {shape[1]} as in sentence 0, found shape {states.shape}"
        )
    if ids.shape != (states.shape[1],) or special.shape != ids.shape:
        raise ExplaintError(
            f"sentence {index}: expected one token id and one special flag for each of its "
            f"{states.shape[1]} positions, found shapes {ids.shape} and {special.shape}"
        )
    if not np.isfinite(states).all():
        raise ExplaintError(f"sentence {index}: the hidden states hold NaN or infinite values; check the model's run")


def gather_positions(
    states: Sequence[np.ndarray], token_ids: Sequence[np.ndarray], special: Sequence[np.ndarray] | None = None
) -> Positions:
    """Lay the scored positions of all sentences flat.

    Parameters
    ----------
    states : sequence of (layer, position, dim) arrays
        One a sentence; layer 0 is the embedding layer's output.
    token_ids : sequence of (position,) int arrays
    special : sequence of (position,) bool arrays, optional
        True for positions that are neither scored nor candidates. Default: none.

    Returns
    -------
    Positions

    Raises
    ------
    ExplaintError
        If the lists differ in length, arrays do not fit each other, or nothing is left to score.

    Examples
    --------
    >>> from explaint_lib import continuity
    >>> states, ids = np.zeros((2, 3, 4)), np.array([101, 7, 102])  # (layer, position, dim)
    >>> special = np.array([True, False, True])
    >>> positions = continuity.gather_positions([states, states], [ids, ids], [special, special])
    >>> positions.token_ids.tolist(), positions.place.tolist(), positions.slots.tolist()
    ([7, 7], [1, 1], [[0], [1]])
    """
    if special is None:
        special = [np.zeros(len(ids), dtype=bool) for ids in token_ids]
    if not len(states) == len(token_ids) == len(special) or not len(states):
        raise ExplaintError(
            f"expected as many sentences in each list, and at least one; found {len(states)} of hidden "
            f"states, {len(token_ids)} of token ids, {len(special)} of special flags"
        )
    shape = (states[0].shape[0], states[0].shape[-1])
    keep = []
    for index, (layers, ids, flags) in enumerate(zip(states, token_ids, special, strict=True)):
        _check_sentence(index, layers, np.asarray(ids), np.asarray(flags), shape)
        keep.append(np.flatnonzero(~np.asarray(flags, dtype=bool)))
    lengths = np.array([len(kept) for kept in keep])
    if not lengths.sum():
        raise ExplaintError("no position is left to score: every one is marked special")
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    slot = np.arange(lengths.max())
    return Positions(
        states=np.concatenate([s[:, kept] for s, kept in zip(states, keep, strict=True)], axis=1, dtype=np.float32),
        token_ids=np.concatenate([np.asarray(ids)[kept] for ids, kept in zip(token_ids, keep, strict=True)]),
        sentence=np.repeat(np.arange(len(lengths)), lengths),
        place=np.concatenate(keep),
        slots=np.where(slot < lengths[:, None], starts[:, None] + slot, -1),  # (sentence, slot)
    )
