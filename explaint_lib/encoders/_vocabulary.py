"""What a tokenizer does not know: pieces that stand for anything, and words of which such a piece is a part.

A word with an unknown piece has the vector of that piece, and shares it with every other such word. What it does
NOT license: a word whose pieces are all known may still be one the model has never seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from explaint_lib.encoders._tokens import Encoding, tokenize

#: What a word read alone stands after: in a decoder something must, for the first position is a sink.
BEFORE_WORD = {"encoder": "", "decoder": "The "}

_UNKNOWN: WeakKeyDictionary[Any, int | None] = WeakKeyDictionary()  # tokenizer: its unknown id, looked for once


def unknown_id(tokenizer: Any) -> int | None:
    """Return the id that stands for what the vocabulary does not hold, or None where there is none (byte pieces)."""
    if tokenizer not in _UNKNOWN:
        _UNKNOWN[tokenizer] = _look_for_unknown_id(tokenizer.backend_tokenizer.model)
    return _UNKNOWN[tokenizer]


def _look_for_unknown_id(model: Any) -> int | None:
    spelling = getattr(model, "unk_token", None)
    if spelling is not None:
        return model.token_to_id(spelling)
    if type(model).__name__ == "Unigram":  # its id has no attribute, and all of it is half a second of writing
        return json.loads(model.__getstate__())["unk_id"]
    return None


def unknown_pieces(tokenizer: Any, encoding: Encoding) -> np.ndarray:
    """Return a mask (n,): True for pieces that stand for characters the vocabulary does not hold."""
    return ~encoding.special & (encoding.token_ids == unknown_id(tokenizer))


class Unknown(NamedTuple):
    """How much of some texts a vocabulary does not hold."""

    tokens: int
    of: int  # tokens in all, special ones aside
    letters: float  # share of the characters, white space aside, that unknown pieces stand for


def unknown_tokens(tokenizer: Any, texts: Sequence[str]) -> Unknown:
    """Count the pieces of texts that stand for anything the vocabulary does not hold."""
    tokens = of = letters = hidden = 0
    for encoding in tokenize(tokenizer, texts):
        unknown = unknown_pieces(tokenizer, encoding)
        tokens, of = tokens + int(unknown.sum()), of + int((~encoding.special).sum())
        covered = {i for start, end in encoding.offsets[unknown] for i in range(start, end)}
        written = {i for i, character in enumerate(encoding.text) if not character.isspace()}
        letters, hidden = letters + len(written), hidden + len(covered & written)
    return Unknown(tokens, of, hidden / max(letters, 1))


def unknown_words(tokenizer: Any, words: Sequence[str], *, before: str = "") -> list[str]:
    """Return the words that the vocabulary cannot spell, in their order: with an unknown piece, or a letter lost.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    words : sequence of str
    before : str
        What each word is shown after, such as "The ".
    """
    texts = [before + word for word in words]
    return [
        word
        for word, encoding in zip(words, _tokenized(tokenizer, texts), strict=True)
        if encoding is None or not _spelt(tokenizer, encoding, len(before))
    ]


def _tokenized(tokenizer: Any, texts: Sequence[str]) -> list[Encoding | None]:
    """Return each text's tokens; None for a text that has no token at all."""
    raw = tokenizer(texts, truncation=False, padding=False, return_special_tokens_mask=True, verbose=False)
    there = [i for i, special in enumerate(raw["special_tokens_mask"]) if not all(special)]
    found: list[Encoding | None] = [None] * len(texts)
    for i, encoding in zip(there, tokenize(tokenizer, [texts[i] for i in there]), strict=True):
        found[i] = encoding
    return found


def _spelt(tokenizer: Any, encoding: Encoding, start: int) -> bool:
    """Tell whether known pieces cover every letter and digit from `start` on."""
    covered = np.zeros(len(encoding.text), dtype=bool)
    for (begin, end), special, unknown in zip(
        encoding.offsets, encoding.special, unknown_pieces(tokenizer, encoding), strict=True
    ):
        if unknown and end > start:
            return False
        if not special:
            covered[begin:end] = True
    return all(covered[i] or not encoding.text[i].isalnum() for i in range(start, len(encoding.text)))
