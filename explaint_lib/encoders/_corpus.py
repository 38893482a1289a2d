"""Word vectors as means over occurrences in a text file: streamed, batched by length, cached by content.

What it does NOT license: the mean over occurrences mixes senses; homonyms share one row, because a text file
does not say which "bat" it means.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from explaint_lib._cache import file_hash, kept
from explaint_lib._common import ExplaintError, printable, text_lines
from explaint_lib.encoders._pooling import pooled_states
from explaint_lib.encoders._reader import Reader
from explaint_lib.encoders._tokens import PART, Encoding, excerpt

MAX_OCCURRENCES = 200  # as in Chronis et al. 2023
WINDOW = 512  # tokens of context at most: a decoder may take many more, at a cost that grows with the square
_BUFFER = 256  # occurrences run together
Occurrence = tuple[str, tuple[str, ...], int, int]  # line, form, start, end


def corpus_means(
    encoder: Reader, words: Sequence[str], layer: int, path: Path, *, progress: bool = False
) -> np.ndarray:
    """Return the mean vector of each word's first 200 occurrences in a text file, (n_words, dim) float32.

    An occurrence is a whole word in any case; of several listed forms that begin at one place the longest
    counts. A line longer than the model is read in a window around each occurrence.

    Raises
    ------
    ExplaintError
        If the file cannot be read, or naming every word that does not occur in it.
    """
    next(text_lines(path))  # raises for a file that cannot be read
    forms = sorted({_key(word) for word in words})
    about = {"text": file_hash(path), "encoder": encoder.identity(), "layer": layer, "forms": forms}
    means = kept(
        "word_vectors", about, lambda: _means(encoder, words, forms, layer, path, progress=progress), code=__name__
    )
    row = {form: i for i, form in enumerate(forms)}
    return means[[row[_key(word)] for word in words]]


def _key(word: str) -> tuple[str, ...]:
    return tuple(map(_folded, PART.findall(word)))


def _folded(part: str) -> str:
    """Return what two spellings of one part share: in lower case, accents written into their letters."""
    return unicodedata.normalize("NFC", part.lower())


def occurrences(
    path: Path, forms: Sequence[tuple[str, ...]], *, skip_first: bool = False, limit: int = MAX_OCCURRENCES
) -> Iterator[Occurrence]:
    """Yield (line, form, start, end) for the first `limit` occurrences of each form, in file order.

    With `skip_first` an occurrence at the beginning of a line is passed over.
    """
    wanted, longest = set(forms), max(map(len, forms))
    seen: Counter[tuple[str, ...]] = Counter()
    for _, line in text_lines(path):
        for form, start, end in _in_line(line, wanted, longest):
            if skip_first and not line[:start].strip():
                continue
            seen[form] += 1
            if seen[form] <= limit:
                yield line, form, start, end


def _in_line(line: str, wanted: set[tuple[str, ...]], longest: int) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Yield the forms in one line from left to right, the longest at each place, none inside another."""
    spans = [match.span() for match in PART.finditer(line)]
    parts = [_folded(line[start:end]) for start, end in spans]
    i = 0
    while i < len(parts):
        for size in range(min(longest, len(parts) - i), 0, -1):
            form = tuple(parts[i : i + size])
            if form in wanted:
                yield form, spans[i][0], spans[i + size - 1][1]
                break
        else:
            size = 1
        i += size


def _means(
    encoder: Reader, words: Sequence[str], forms: list[tuple[str, ...]], layer: int, path: Path, *, progress: bool
) -> np.ndarray:
    """Return the mean vector of each form, (n_forms, dim), or name the words that do not occur."""
    skip_first = encoder.family == "decoder"
    there = Counter(form for _, form, *_ in occurrences(path, forms, skip_first=skip_first))
    missing = sorted({word for word in words if not there[_key(word)]})
    if missing:
        raise ExplaintError(
            f"{len(missing)} of {len(words)} words do not occur in {path.name}: "
            f"{', '.join(map(repr, missing))}; give a larger text, or leave them out"
            + (". A decoder does not count a word that begins a line" if skip_first else "")
        )
    row = {form: i for i, form in enumerate(forms)}
    sums, counts = np.zeros((len(forms), encoder.dim)), np.zeros(len(forms))
    with tqdm(
        total=there.total(), desc=f"corpus ({printable(encoder.name)})", unit="word", disable=not progress, leave=False
    ) as bar:
        for found in _chunks(occurrences(path, forms, skip_first=skip_first)):
            rows = [row[form] for _, form, *_ in found]
            states = pooled_states(encoder, *_shown(encoder, found), [layer], progress=False)[0]
            np.add.at(sums, rows, states)
            np.add.at(counts, rows, 1)
            bar.update(len(found))
    return (sums / counts[:, None]).astype(np.float32)


def _chunks(items: Iterator[Occurrence]) -> Iterator[list[Occurrence]]:
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == _BUFFER:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _shown(encoder: Reader, found: list[Occurrence]) -> tuple[list[Encoding], list[list[np.ndarray]]]:
    """Return what the model is to read, and the spans in each text: a line that fits is read once."""
    encodings: list[Encoding] = []
    spans: list[list[np.ndarray]] = []
    for line, together in groupby(found, key=lambda item: item[0]):
        whole = encoder.tokenize([line])[0]
        fits = int((~whole.special).sum()) <= _room(encoder, whole)
        for k, (_, _, start, end) in enumerate(together):
            shown, at = _around(encoder, whole, start, end)
            if k and fits:
                spans[-1].append(at)
            else:
                encodings.append(shown)
                spans.append([at])
    return encodings, spans


def _room(encoder: Reader, whole: Encoding) -> int:
    """Return how many tokens of the line itself fit."""
    return min(encoder.max_tokens, WINDOW) - int(whole.special.sum())


def _around(encoder: Reader, whole: Encoding, start: int, end: int) -> tuple[Encoding, np.ndarray]:
    """Return the line, or as much of it around the occurrence as fits, and the word's positions in it."""
    at = whole.positions(start, end)
    room, content = _room(encoder, whole), np.flatnonzero(~whole.special)
    if not 0 < len(at) <= room:
        raise ExplaintError(
            f"{encoder.name} reads {whole.text[start:end]!r} as {len(at)} tokens, expected 1 to {room}; leave it out"
        )
    shown, before = whole, 0
    if len(content) > room:
        left = int(np.clip((at[0] + at[-1] + 1 - room) // 2, content[0], content[-1] + 1 - room))
        shown, before = excerpt(encoder.tokenizer, whole, left, left + room), left - int(content[0])
    return shown, at - before
