"""Steering: a vector is added to one state inside the model, and the next token is predicted.

What it measures: how the logits after a text change when a vector is added to the state of its last token. What it
controls for: directions of the same length that know nothing (`steering_nulls`): random ones, and differences of the
same texts with their labels shuffled. What it does not license: that the model stores what the vector is named after; a
random direction, too, moves most texts the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.attribution._corruptions import edited_states
from explaint_lib.encoders import Encoder

#: Sixteen contrasts: what the output is asked for, and the word pairs that make the texts; positive first.
CONTRASTS: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("good", "bad"): (("wonderful", "terrible"), ("delightful", "awful"), ("excellent", "dreadful")),
    ("large", "small"): (("huge", "tiny"), ("enormous", "minute"), ("giant", "little")),
    ("hot", "cold"): (("boiling", "freezing"), ("scorching", "icy"), ("warm", "chilly")),
    ("old", "new"): (("ancient", "modern"), ("aged", "recent"), ("antique", "fresh")),
    ("fast", "slow"): (("rapid", "sluggish"), ("swift", "gradual"), ("quick", "leisurely")),
    ("rich", "poor"): (("wealthy", "penniless"), ("prosperous", "needy"), ("affluent", "bankrupt")),
    ("bright", "dark"): (("sunny", "gloomy"), ("shining", "shadowy"), ("brilliant", "dim")),
    ("strong", "weak"): (("powerful", "feeble"), ("mighty", "frail"), ("sturdy", "fragile")),
    ("hard", "easy"): (("tough", "effortless"), ("challenging", "simple"), ("complicated", "straightforward")),
    ("happy", "sad"): (("cheerful", "miserable"), ("joyful", "unhappy"), ("delighted", "sorrowful")),
    ("high", "low"): (("towering", "squat"), ("lofty", "shallow"), ("elevated", "sunken")),
    ("safe", "dangerous"): (("secure", "risky"), ("protected", "perilous"), ("harmless", "hazardous")),
    ("loud", "quiet"): (("noisy", "silent"), ("deafening", "hushed"), ("blaring", "muted")),
    ("clean", "dirty"): (("spotless", "filthy"), ("washed", "muddy"), ("tidy", "grimy")),
    ("right", "wrong"): (("correct", "mistaken"), ("accurate", "incorrect"), ("valid", "erroneous")),
    ("full", "empty"): (("packed", "vacant"), ("crowded", "deserted"), ("stuffed", "hollow")),
}
_NOUNS = ("house", "road", "story", "machine", "garden", "voice", "answer", "town")


def contrasting_texts(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Return short texts that differ in their last word, positive and negative, a pair a place.

    Parameters
    ----------
    pairs : sequence of (positive, negative) words
        Such as a value of `CONTRASTS`.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> positive, negative = attribution.contrasting_texts([("huge", "tiny")])
    >>> len(positive), positive[0], negative[0]
    (8, 'The house was huge', 'The house was tiny')
    """
    both = [(f"The {noun} was {one}", f"The {noun} was {two}") for one, two in pairs for noun in _NOUNS]
    return [one for one, _ in both], [two for _, two in both]


def steering_vector(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Return the mean state of the positive texts minus that of the negative ones, (dim,) float64.

    Parameters
    ----------
    positive, negative : (pair, dim) float
        States of contrasting texts at one layer, a pair a row.

    Raises
    ------
    ExplaintError
        If they are not pairs.

    References
    ----------
    Rimsky et al. (2024), contrastive activation addition.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> attribution.steering_vector(np.array([[2.0, 0.0], [4.0, 1.0]]), np.array([[1.0, 0.0], [1.0, 1.0]])).tolist()
    [2.0, 0.0]
    """
    return _pairs(positive, negative).mean(axis=0)


def steering_nulls(positive: np.ndarray, negative: np.ndarray, *, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return two directions as long as the steering vector that know less than it.

    Parameters
    ----------
    positive, negative : (pair, dim) float
        As in `steering_vector`.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to (dim,) float64
        ``random direction``: any direction. ``shuffled labels``: the mean difference after half of the pairs have
        changed sides, stretched to the same length; it lies among the differences of real texts.

    Raises
    ------
    ExplaintError
        If they are not pairs, or fewer than two.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> rng = np.random.default_rng(0)
    >>> positive, negative = rng.normal(1, 1, (6, 4)), rng.normal(0, 1, (6, 4))
    >>> length = np.linalg.norm(attribution.steering_vector(positive, negative))
    >>> nulls = attribution.steering_nulls(positive, negative, rng=rng)
    >>> {name: bool(np.isclose(np.linalg.norm(vector), length)) for name, vector in nulls.items()}
    {'random direction': True, 'shuffled labels': True}
    """
    pairs = _pairs(positive, negative)
    if len(pairs) < 2:
        raise ExplaintError(f"labels can be shuffled among at least 2 pairs, found {len(pairs)}")
    side = rng.permutation(np.where(np.arange(len(pairs)) < len(pairs) // 2, 1.0, -1.0))
    length = np.linalg.norm(pairs.mean(axis=0))
    drawn = {"random direction": rng.standard_normal(pairs.shape[1]), "shuffled labels": side @ pairs}
    return {name: vector * length / np.linalg.norm(vector) for name, vector in drawn.items()}


def steered_logits(encoder: Encoder, text: str, layer: int, vectors: np.ndarray) -> np.ndarray:
    """Predict the token after a text, with each of several vectors added to its last state at one layer.

    The text runs once; only its last token runs again for each vector, since no other position can notice.

    Parameters
    ----------
    encoder : Encoder
        A decoder with an output head.
    text : str
    layer : int
        0 (the embedding layer's output) to n_layers - 1: the states that the next block reads.
    vectors : (vector, dim) float
        A row of zeros is the model as it is.

    Returns
    -------
    (vector, vocabulary) float32

    Raises
    ------
    ExplaintError
        For a model that predicts no next token, a layer that does not exist, vectors of another dimension, and a text
        of fewer than two tokens.

    Examples
    --------
    >>> from explaint_lib import attribution, encoders
    >>> encoder = encoders.load_encoder("smollm2")  # doctest: +SKIP
    >>> nothing = np.zeros((1, encoder.dim))  # doctest: +SKIP
    >>> attribution.steered_logits(encoder, "The capital of France is", 15, nothing).shape  # doctest: +SKIP
    (1, 49152)
    """
    import torch

    vectors = np.asarray(vectors, dtype=np.float32)
    if encoder.predicts != "next token":
        raise ExplaintError(f"{encoder.name} predicts no next token; steering needs a decoder, such as smollm2")
    if not isinstance(layer, int | np.integer) or not 0 <= layer < encoder.n_layers:
        raise ExplaintError(f"layer must be 0 (embeddings) .. {encoder.n_layers - 1}, found {layer!r}")
    if vectors.ndim != 2 or vectors.shape[1] != encoder.dim or not len(vectors):
        raise ExplaintError(f"expected vectors (vector, {encoder.dim}), found {vectors.shape}")
    (read,) = encoder.encode([text], hidden_states=False, attention=False)
    if len(read) < 2:
        raise ExplaintError(f"a text to be steered needs at least 2 tokens, found {len(read)}: {text!r}")
    ids = torch.from_numpy(read.token_ids).to(encoder.device)
    with torch.inference_mode():
        before = encoder.model(input_ids=ids[None, :-1], use_cache=True).past_key_values
        before.batch_repeat_interleave(len(vectors))
        with edited_states(encoder, layer, [partial(np.add, vector) for vector in vectors]):
            out = encoder.model(
                input_ids=ids[None, -1:].expand(len(vectors), 1), past_key_values=before, use_cache=True
            )
        found: np.ndarray = encoder.head(out.last_hidden_state)[:, 0].float().cpu().numpy()
    return found


def _pairs(positive: Sequence[np.ndarray] | np.ndarray, negative: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    first, second = np.asarray(positive, dtype=np.float64), np.asarray(negative, dtype=np.float64)
    if first.ndim != 2 or first.shape != second.shape or not len(first):
        raise ExplaintError(
            f"expected as many positive as negative states, (pair, dim); found {first.shape}, {second.shape}"
        )
    return first - second
