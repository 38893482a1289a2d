"""One vector a word from a contextual model: the word alone, in templates, or over a text file.

What it controls for: the word's own pieces are found by character positions, special tokens never take part,
and a word that is not there raises; it never silently becomes another row. What it does NOT license: a
contextual model has no "the vector of a word"; how the word was shown to it is part of the result and belongs
beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError, word_list
from explaint_lib.encoders._corpus import corpus_means
from explaint_lib.encoders._layers import check_layer, layer_indices
from explaint_lib.encoders._pooling import pooled_states
from explaint_lib.encoders._reader import Reader


def word_vectors(
    encoder: Reader,
    words: Sequence[str],
    *,
    layer: int | str = "last",
    templates: Sequence[str] | None = None,
    corpus: Any = None,
    hints: Sequence[str | None] | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Return one vector a word, (n_words, dim) float32; documented at `Encoder.word_vectors`."""
    words = _checked(encoder, words, templates, corpus, hints)
    layer = check_layer(layer, several=True, n_layers=encoder.n_layers, name=encoder.name)
    layers = layer_indices(layer, encoder.n_layers, encoder.name)
    one = layer == "last" or isinstance(layer, int)
    if corpus is not None:
        if not one:
            raise ExplaintError(f"vectors from a corpus are made a layer at a time: pass one layer, not {layer!r}")
        return corpus_means(encoder, words, layers[0], Path(corpus), progress=progress)
    given = list(hints) if hints is not None else [None] * len(words)
    forms = templates if templates is not None else [encoder.before_word + "{word}"]
    placed = [_placed(encoder, form, word, hint) for word, hint in zip(words, given, strict=True) for form in forms]
    encodings, positions = encoder.locate(placed)
    spans = [[at] for at in positions]
    pooled = pooled_states(encoder, encodings, spans, layers, progress=progress)  # (layer, n_words x n_forms, dim)
    vectors = pooled.reshape(len(layers), len(words), len(forms), -1).mean(axis=2).astype(np.float32)
    return vectors[0] if one else vectors


def _checked(encoder: Reader, words: Sequence[str], templates: Any, corpus: Any, hints: Any) -> list[str]:
    words = word_list(words)
    if corpus is not None and (templates is not None or hints is not None):
        raise ExplaintError("a corpus gives its own contexts: pass either corpus, or templates and hints")
    if templates is not None and (isinstance(templates, str) or not len(templates)):
        raise ExplaintError('templates must be a sequence of sentences such as ["This is a {word}."]')
    wrong = [form for form in templates or () if form.count("{word}") != 1]
    if wrong:
        raise ExplaintError(f"each template must hold {{word}} exactly once, found {wrong[0]!r}")
    first = [form for form in templates or () if encoder.family == "decoder" and not form.split("{word}")[0].strip()]
    if first:
        raise ExplaintError(
            f"{encoder.name} is a decoder: its first position is an attention sink and tells words "
            f"apart badly; put something before {{word}} in {first[0]!r}"
        )
    if hints is not None and len(hints) != len(words):
        raise ExplaintError(f"hints must have one entry a word, {len(words)}, found {len(hints)}")
    if unknown := encoder.unknown_words(words):
        raise ExplaintError(
            f"{encoder.name} cannot spell {len(unknown)} of {len(words)} words with its vocabulary: "
            f"{', '.join(map(repr, unknown))}; they would share the vector of its unknown token. Leave them out of "
            "every encoder compared, or use a model of their language"
        )
    return words


def _placed(encoder: Reader, form: str, word: str, hint: str | None) -> tuple[str, int, int]:
    """Return a text with the word in it, and where: (text, start, end)."""
    before, after = form.split("{word}")
    if hint and encoder.family == "decoder":
        before += f"({hint}) "
    elif hint:
        after = f" ({hint}){after}"
    return before + word + after, len(before), len(before) + len(word)
