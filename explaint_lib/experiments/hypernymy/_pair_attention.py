"""Attention between the two nouns of many sentences: batched by length, kept by content, reduced as it comes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from explaint_lib._cache import kept
from explaint_lib._common import ExplaintError, printable
from explaint_lib.encoders import Encoder, Encoding
from explaint_lib.probes import between
from explaint_lib.relations import Sentence

_CHUNK = 256  # sentences whose maps are held at once


def noun_positions(encoding: Encoding, span: tuple[int, int]) -> np.ndarray:
    """Return the token positions that overlap characters start..end of the text.

    Raises
    ------
    ExplaintError
        If there are none, or the first is position 0 (which in a decoder sees nothing but itself).
    """
    start, end = span
    found = encoding.positions(start, end)
    if not found.size or found[0] == 0:
        where = "has no token in" if not found.size else "must not stand first in"
        raise ExplaintError(f"the noun {encoding.text[start:end]!r} {where} {encoding.text!r}")
    return found


def pair_attention(encoder: Encoder, sentences: Sequence[Sentence], *, progress: bool = False) -> np.ndarray:
    """Return what the two nouns of each sentence attend to each other, and where they stand.

    Parameters
    ----------
    encoder : Encoder
    sentences : sequence of Sentence
    progress : bool

    Returns
    -------
    (n, 2 * layer * head + 4) float32 array
        First the flattened `probes.between`, hyponym to hypernym before hypernym to hyponym. The last four columns
        are surface: first token position of hyponym and hypernym, and their numbers of pieces.
    """
    found = np.empty((len(sentences), 2 * encoder.n_layers * encoder.n_heads + 4), dtype=np.float32)
    name = f"{encoder.name}{', untrained' if encoder.untrained else ''}"
    order = sorted(range(len(sentences)), key=lambda i: (len(sentences[i].text), sentences[i].text))
    with tqdm(
        total=len(order), desc=f"attention ({printable(name)})", unit="sentence", disable=not progress, leave=False
    ) as bar:
        for begin in range(0, len(order), _CHUNK):
            rows = order[begin : begin + _CHUNK]
            found[rows] = _kept(encoder, [sentences[i] for i in rows])
            bar.update(len(rows))
    return found


def _kept(encoder: Encoder, sentences: Sequence[Sentence]) -> np.ndarray:
    """Return the features of one chunk: computed once, then read from the cache. A killed run loses one chunk."""
    about = {"encoder": encoder.identity(), "sentences": [list(sentence) for sentence in sentences]}
    return kept("pair_attention", about, lambda: _features(encoder, sentences), code=__name__)


def _features(encoder: Encoder, sentences: Sequence[Sentence]) -> np.ndarray:
    found = []
    encodings = encoder.encode([sentence.text for sentence in sentences], hidden_states=False)
    for sentence, encoding in zip(sentences, encodings, strict=True):
        n, maps = len(encoding), encoding.attention
        assert maps is not None  # asked for
        if maps.shape != (encoder.n_layers, encoder.n_heads, n, n):
            raise ExplaintError(
                f"{encoder.name} gives attention of the shape {maps.shape} for a text of {n} tokens; "
                f"expected a map of every token by every token in each of its {encoder.n_layers} layers and "
                f"{encoder.n_heads} heads. Use another model, such as minilm or smollm2"
            )
        nouns = [noun_positions(encoding, span) for span in (sentence.hyponym, sentence.hypernym)]
        surface = [nouns[0][0], nouns[1][0], len(nouns[0]), len(nouns[1])]
        found.append([*between(maps, *(noun.tolist() for noun in nouns)).ravel(), *surface])
    return np.array(found, dtype=np.float32)
