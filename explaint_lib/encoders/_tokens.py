"""Texts to tokens and words: what a position stands for, in the tokenizer's terms and in the reader's.

Words are runs of letters and digits (with inner apostrophes) or runs of punctuation in the *surface* text,
found without the tokenizer and then joined to its pieces through character offsets. A combining mark, a joiner or
another invisible format character stays with the character before it (Unicode Standard Annex 29, rule WB4), in
every script. This holds for word pieces and for byte-level pieces alike, and an uncased model keeps the reader's
spelling. It does NOT license linguistic claims: this is a splitter for languages that write spaces between words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import regex  # unlike `re` it knows the categories of Unicode

from explaint_lib._common import ExplaintError

# what has no place of its own: combining marks, joiners, variation selectors, directions; but the zero-width space
# parts words in Thai and Khmer
_WITH_THE_ONE_BEFORE = r"[\p{M}\p{Cf}--\u200B]"
_LETTERS = rf"(?:[\p{{L}}\p{{N}}_]{_WITH_THE_ONE_BEFORE}*)+"
_SIGN = rf"(?:[^\s\x1C-\x1F\p{{L}}\p{{N}}_\p{{M}}\p{{Cf}}]|\u200B){_WITH_THE_ONE_BEFORE}*"
_STRAY = rf"{_WITH_THE_ONE_BEFORE}+"  # nothing stands before it
#: A word of the surface text. Every character that is not white space belongs to exactly one.
WORD = regex.compile(rf"{_LETTERS}(?:['’]{_LETTERS})*|(?:{_SIGN})+|{_STRAY}", regex.V1)
#: What a word is made of: letters and digits between signs, and each sign by itself ("robin's" holds "robin").
PART = regex.compile(rf"{_LETTERS}|{_SIGN}|{_STRAY}", regex.V1)


@dataclass(frozen=True)
class Encoding:
    """One text as a model saw it.

    Attributes
    ----------
    text : str
        The text, or the excerpt that this window holds.
    tokens : tuple of str, length n
        The vocabulary's own spelling (``##bin``, ``Ġrob``); ``text[slice(*offsets[i])]`` is the readable
        form.
    token_ids : (n,) int64
    special : (n,) bool
        True for tokens that the tokenizer added ([CLS], [SEP], <s>).
    word_ids : (n,) int64
        Index into `words`; -1 for special tokens and for pieces that are nothing but white space.
    words : tuple of str
        Words of the surface text that have at least one token. Words that share a token (an unknown piece may
        span several) are one word here.
    offsets : (n, 2) int64
        Character span of each token in `text`, without surrounding white space; (0, 0) for special tokens.
    hidden_states : (n_layers + 1, n, dim) float32 or None
        Layer 0 is the output of the embedding layer. As everywhere in transformers, the last layer of a
        pre-norm decoder (Llama, GPT-2) is the output *after* the final normalisation, the layers below are
        not.
    attention : (n_layers, n_heads, n, n) float32 or None
        Attention weights (layer, head, query, key); each row sums to 1.
    source : int
        Index of the input text this encoding belongs to; differs from its place in the list only with
        windows.
    causal : bool
        Whether it was read by a decoder, in which no position sees a later one.

    Examples
    --------
    >>> from explaint_lib.encoders import Encoding
    >>> read = Encoding(
    ...     "a robin", ("a", "Ġrobin"), np.array([3, 8]), np.array([False, False]), np.arange(2), ("a", "robin"),
    ...     np.array([[0, 1], [2, 7]]), causal=True,
    ... )
    >>> read.ordinary, read.positions(2, 7)
    (array([False,  True]), array([1]))
    """

    text: str
    tokens: tuple[str, ...]
    token_ids: np.ndarray
    special: np.ndarray
    word_ids: np.ndarray
    words: tuple[str, ...]
    offsets: np.ndarray
    hidden_states: np.ndarray | None = None
    attention: np.ndarray | None = None
    source: int = 0
    causal: bool = False

    def __len__(self) -> int:
        """Return the number of tokens, special ones included."""
        return len(self.tokens)

    @property
    def ordinary(self) -> np.ndarray:
        """Which positions stand for a token of the text and nothing else, (n,) bool.

        Special tokens do not, nor does a decoder's first position. There the model sees nothing but the token itself,
        and parks the attention that no other position takes: its state is huge and nearly the same in every text.
        """
        found = ~self.special
        found[:1] &= not self.causal
        return found

    def positions(self, start: int, end: int) -> np.ndarray:
        """Return the positions of the tokens that overlap characters start..end of the text; special ones never do."""
        begin, stop = self.offsets.T
        return np.flatnonzero(~self.special & (begin < end) & (stop > start) & (stop > begin))


def tokenize(tokenizer: Any, texts: Sequence[str], *, causal: bool = False) -> list[Encoding]:
    """Tokenize each text whole, with the model's special tokens, and join pieces to words.

    With `causal` the encodings are those of a decoder.

    Raises
    ------
    ExplaintError
        If `texts` is one string, holds something else than strings, or a text is empty or only white space.
    """
    if isinstance(texts, str):
        raise ExplaintError("expected a sequence of texts, found one string; pass [text]")
    texts = list(texts)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ExplaintError(f"text {index} is a {type(text).__name__}, expected a string")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ExplaintError(f"text {index} holds half a surrogate pair, which is no character; remove it")
        if not text.strip():
            raise ExplaintError(f"text {index} is empty or only white space: there is no token to look at; remove it")
    if not texts:
        return []
    # truncation and padding are switched off by name: a tokenizer.json may switch them on (minilm's: at 128)
    raw = tokenizer(
        texts,
        truncation=False,
        padding=False,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_attention_mask=False,
        verbose=False,
    )
    columns = (raw["input_ids"], raw["special_tokens_mask"], raw["offset_mapping"])
    return [
        replace(_encoding(tokenizer, i, text, *found), causal=causal)
        for i, (text, *found) in enumerate(zip(texts, *columns, strict=True))
    ]


def _encoding(
    tokenizer: Any, source: int, text: str, ids: list[int], special: list[int], offsets: list[tuple[int, int]]
) -> Encoding:
    mask = np.array(special, dtype=bool)
    spans = trimmed(text, offsets, mask)
    word_ids, words = _words(text, spans)
    if mask.all():
        raise ExplaintError(f"text {source} ({text[:40]!r}) has no token in this model's vocabulary; remove it")
    return Encoding(
        text,
        tuple(tokenizer.convert_ids_to_tokens(ids)),
        np.array(ids, dtype=np.int64),
        mask,
        word_ids,
        words,
        spans,
        source=source,
    )


def trimmed(text: str, offsets: Sequence[tuple[int, int]], special: np.ndarray) -> np.ndarray:
    """Return (n, 2) character spans without surrounding white space; byte-level pieces may carry the leading
    space."""
    spans = np.zeros((len(offsets), 2), dtype=np.int64)
    for i, (start, end) in enumerate(offsets):
        if special[i]:
            continue
        piece = text[start:end]
        spans[i] = start + len(piece) - len(piece.lstrip()), end
        if piece.strip():
            spans[i, 1] = start + len(piece.rstrip())
    return spans


def _words(text: str, spans: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Join pieces to the surface words they overlap; words that share a piece become one, words without are left out.

    So no letter is lost where a tokenizer reads several words as one piece.
    """
    found = np.array([match.span() for match in WORD.finditer(text)], dtype=np.int64).reshape(-1, 2)
    starts, ends = found.T
    begin, end = spans.T
    first = np.searchsorted(ends, begin, side="right")  # first word that ends after the piece begins
    last = np.searchsorted(starts, end, side="left") - 1  # last word that begins before the piece ends
    has = (begin < end) & (first <= last)
    joined = np.zeros(len(found), dtype=bool)  # to the word before it
    for one, other in zip(first[has], last[has], strict=True):
        joined[one + 1 : other + 1] = True
    heads = np.flatnonzero(~joined)
    stops = np.append(heads[1:], len(found)) - 1
    of_piece = np.where(has, np.searchsorted(heads, first, side="right") - 1, -1)
    kept = np.unique(of_piece[has])
    word_ids = np.where(has, np.searchsorted(kept, of_piece), -1).astype(np.int64)
    return word_ids, tuple(text[starts[heads[k]] : ends[stops[k]]] for k in kept)


def fit_to_model(
    tokenizer: Any, encodings: list[Encoding], limit: int, long: Literal["error", "window"]
) -> list[Encoding]:
    """Refuse or cut up encodings longer than the model; never drop a token.

    ``long="window"`` replaces a long text by several encodings, each an excerpt of whole words with the
    special tokens around it, neighbours sharing half a window. Every word is in at least one window;
    `Encoding.source` says which text.

    Raises
    ------
    ExplaintError
        With ``long="error"``, for a text of more than `limit` tokens.
    """
    if long not in ("error", "window"):
        raise ExplaintError(f'long must be "error" or "window", found {long!r}')
    fitted = []
    for encoding in encodings:
        if len(encoding) <= limit:
            fitted.append(encoding)
        elif long == "error":
            raise ExplaintError(
                f"text {encoding.source} has {len(encoding)} tokens ({encoding.text[:40]!r} ...), and "
                "this model takes at "
                f'most {limit}; split it into sentences, or pass long="window"'
            )
        else:
            fitted.extend(_windows(tokenizer, encoding, limit))
    return fitted


def _windows(tokenizer: Any, whole: Encoding, limit: int) -> list[Encoding]:
    content = np.flatnonzero(~whole.special)
    first, last = int(content[0]), int(content[-1]) + 1
    room = limit - (len(whole) - (last - first))
    windows, start = [], first
    while True:
        end = last if last - start <= room else _word_start(whole, start + room, after=start)
        windows.append(excerpt(tokenizer, whole, start, end))
        if end == last:
            return windows
        # half a window back from the end, at the start of a word; always a token further than before
        start = max(_word_start(whole, max(end - room // 2, start + 1), after=start), start + 1)


def _word_start(whole: Encoding, position: int, *, after: int) -> int:
    """Return the first position of the word at `position`, or `position` itself when the word began at or
    before `after`."""
    begin = position
    while begin > after and whole.word_ids[begin] >= 0 and whole.word_ids[begin] == whole.word_ids[begin - 1]:
        begin -= 1
    return begin if begin > after else position


def excerpt(tokenizer: Any, whole: Encoding, start: int, end: int) -> Encoding:
    """Return positions start..end of an encoding as an encoding of its own, with the special tokens around
    it."""
    content = np.flatnonzero(~whole.special)
    before, after = np.arange(content[0]), np.arange(content[-1] + 1, len(whole))
    keep = np.concatenate([before, np.arange(start, end), after])
    spans, special = whole.offsets[keep], whole.special[keep]
    begin, stop = int(whole.offsets[start, 0]), int(whole.offsets[end - 1, 1])
    text = whole.text[begin:stop]
    spans = np.where(special[:, None], 0, spans - begin)
    word_ids, words = _words(text, spans)
    return Encoding(
        text,
        tuple(whole.tokens[i] for i in keep),
        whole.token_ids[keep],
        special,
        word_ids,
        words,
        spans,
        source=whole.source,
        causal=whole.causal,
    )


def batches(lengths: Sequence[int], batch_tokens: int, *, equal: bool = False) -> list[np.ndarray]:
    """Group texts of similar length so that no batch pads to more than `batch_tokens` tokens (one text always
    fits); with `equal`, texts of one length, so that nothing is padded."""
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    groups: list[np.ndarray] = []
    begin = 0
    while begin < len(order):
        longest = int(lengths[order[begin]])
        group = order[begin : begin + max(1, batch_tokens // max(1, longest))]
        if equal:
            group = group[[lengths[i] == longest for i in group]]  # the longest come first
        groups.append(group)
        begin += len(group)
    return groups
