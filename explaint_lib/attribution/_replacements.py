"""Which token to put in the place of another: one about as frequent and of the same kind.

What it controls for: a replacement that is rare where the token was common, or the inside of a word where the
token began one, changes the sentence in a second way. What it does NOT control for: grammar and meaning; a
noun may become a verb.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from explaint_lib._common import ExplaintError

Replacer = Callable[[np.ndarray, int, np.random.Generator], int | None]


def token_kinds(tokens: Sequence[str]) -> np.ndarray:
    """Return the kind of each entry: "start" or "inside" of a word, and "letters", "digits" or "signs".

    Word pieces mark the inside (``##bin``); byte-level and sentence pieces mark the start (``Ġrob``,
    ``▁rob``), so there the first word of a text, written without a space before it, counts as an inside.
    Byte-level pieces that are not ASCII are a kind of their own.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> attribution.token_kinds(["rob", "##in", "7", "."]).tolist()
    ['start letters', 'inside letters', 'start digits', 'start signs']
    """
    marks_start = any(token.startswith(("Ġ", "▁")) for token in tokens)
    byte_level = any(token.startswith("Ġ") for token in tokens)
    kinds = []
    for token in tokens:
        inside = not token.startswith(("Ġ", "▁")) if marks_start else token.startswith("##")
        body = token.removeprefix("##").lstrip("Ġ▁")
        script = "letters" if body.isalpha() else "digits" if body.isdigit() else "signs"
        if byte_level and not body.isascii():
            script = "bytes"  # "Ã©" spells the bytes of a letter, "âĢĻ" those of a quotation mark
        kinds.append(f"{'inside' if inside else 'start'} {script}")
    return np.array(kinds)


def frequency_matched(
    ids_list: Sequence[np.ndarray],
    vocabulary: Sequence[str],
    *,
    special: Sequence[np.ndarray] | None = None,
    counts: np.ndarray | None = None,
    n_nearest: int = 10,
) -> Replacer:
    """Return a sampler of replacements: another type of the corpus, of the same kind and about as frequent.

    Parameters
    ----------
    ids_list : sequence of (n,) int arrays
        The corpus. Replacements are types that occur in it, special tokens aside.
    vocabulary : sequence of str
        The tokenizer's spelling of each id, for the kinds (`token_kinds`); ``Encoder.vocabulary``.
    special : sequence of (n,) bool arrays, optional
    counts : (vocab,) array, optional
        Frequencies from a larger text. Default: counted in `ids_list`.
    n_nearest : int, default 10
        Draw among the so many types nearest in log frequency; those that tie with the farthest of them take
        part as well, so rare tokens, most of which occur once, have many more to draw from.

    Returns
    -------
    callable (ids, position, rng) -> int or None
        None where the corpus has no other type of that kind.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> vocabulary = ["the", "robin", "trout", "##s", "."]
    >>> ids = np.array([0, 1, 0, 2, 3, 4, 0])  # "the" occurs three times, all others once
    >>> draw = attribution.frequency_matched([ids], vocabulary, n_nearest=1)
    >>> vocabulary[draw(ids, 1, np.random.default_rng(0))]
    'trout'
    """
    if n_nearest < 1:
        raise ExplaintError(f"n_nearest must be at least 1, found {n_nearest}")
    rows = [np.asarray(ids) for ids in ids_list]
    if special is not None:
        rows = [ids[~np.asarray(mask, bool)] for ids, mask in zip(rows, special, strict=True)]
    seen = np.concatenate([*rows, np.empty(0, dtype=np.int64)]).astype(np.int64)
    if len(seen) and not 0 <= seen.min() <= seen.max() < len(vocabulary):
        raise ExplaintError(
            f"ids must lie in 0..{len(vocabulary) - 1} (the vocabulary), found {seen.min()}..{seen.max()}"
        )
    frequency = np.bincount(seen, minlength=len(vocabulary)) if counts is None else np.asarray(counts)
    if frequency.shape != (len(vocabulary),):
        raise ExplaintError(f"counts must have one entry a token, {len(vocabulary)}, found shape {frequency.shape}")
    log_frequency = np.log2(frequency + 1.0)
    types, kinds = np.unique(seen), token_kinds(vocabulary)

    def replace(ids: np.ndarray, position: int, rng: np.random.Generator) -> int | None:
        token = int(ids[position])
        pool = types[(kinds[types] == kinds[token]) & (types != token)]
        if not len(pool):
            return None
        distance = np.abs(log_frequency[pool] - log_frequency[token])
        farthest = np.partition(distance, min(n_nearest, len(pool)) - 1)[min(n_nearest, len(pool)) - 1]
        return int(rng.choice(pool[distance <= farthest]))

    return replace
