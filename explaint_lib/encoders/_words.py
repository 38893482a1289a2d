"""One vector a word from a contextual model: the word alone, in templates, or over a text file.

What it controls for: the word's own pieces are found by character positions, special tokens never take part,
and a word that is not there raises; it never silently becomes another row. What it does NOT license: a
contextual model has no "the vector of a word"; how the word was shown to it is part of the result and belongs
beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from explaint_lib._common import ExplaintError, printable, word_list
from explaint_lib.encoders._layers import check_layer, layer_indices
from explaint_lib.encoders._tokens import Encoding, fit_to_model, tokenize

if TYPE_CHECKING:
    from explaint_lib.encoders._encoder import Encoder

_CHUNK = 256  # texts whose states are held at the same time


def word_vectors(
    encoder: Encoder,
    words: Sequence[str],
    *,
    layer: int | str = "last",
    templates: Sequence[str] | None = None,
    corpus: Any = None,
    contexts: Sequence[str | None] | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Return one vector a word, (n_words, dim) float32; documented at `Encoder.word_vectors`."""
    words = _checked(encoder, words, templates, corpus, contexts)
    layer = check_layer(layer, several=True, n_layers=encoder.n_layers, name=encoder.name)
    layers = layer_indices(layer, encoder.n_layers, encoder.name)
    one = layer == "last" or isinstance(layer, int)
    if corpus is not None:
        if not one:
            raise ExplaintError(f"vectors from a corpus are made a layer at a time: pass one layer, not {layer!r}")
        from explaint_lib.encoders._corpus import corpus_means

        return corpus_means(encoder, words, layers[0], Path(corpus), progress=progress)
    hints = list(contexts) if contexts is not None else [None] * len(words)
    forms = templates if templates is not None else ["The {word}" if encoder.family == "decoder" else "{word}"]
    placed = [_placed(encoder, form, word, hint) for word, hint in zip(words, hints, strict=True) for form in forms]
    encodings, positions = located(encoder, placed)
    spans = [[at] for at in positions]
    pooled = pooled_states(encoder, encodings, spans, layers, progress=progress)  # (layer, n_words x n_forms, dim)
    vectors = pooled.reshape(len(layers), len(words), len(forms), -1).mean(axis=2).astype(np.float32)
    return vectors[0] if one else vectors


def _checked(encoder: Encoder, words: Sequence[str], templates: Any, corpus: Any, contexts: Any) -> list[str]:
    words = word_list(words)
    if corpus is not None and (templates is not None or contexts is not None):
        raise ExplaintError("a corpus gives its own contexts: pass either corpus, or templates and contexts")
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
    if contexts is not None and len(contexts) != len(words):
        raise ExplaintError(f"contexts must have one entry a word, {len(words)}, found {len(contexts)}")
    if unknown := encoder.unknown_words(words):
        raise ExplaintError(
            f"{encoder.name} cannot spell {len(unknown)} of {len(words)} words with its vocabulary: "
            f"{', '.join(map(repr, unknown))}; they would share the vector of its unknown token. Leave them out of "
            "every encoder compared, or use a model of their language"
        )
    return words


def _placed(encoder: Encoder, form: str, word: str, hint: str | None) -> tuple[str, int, int]:
    """Return a text with the word in it, and where: (text, start, end)."""
    before, after = form.split("{word}")
    if hint and encoder.family == "decoder":
        before += f"({hint}) "
    elif hint:
        after = f" ({hint}){after}"
    return before + word + after, len(before), len(before) + len(word)


def located(encoder: Encoder, placed: Sequence[tuple[str, int, int]]) -> tuple[list[Encoding], list[np.ndarray]]:
    """Tokenize texts for the model and return with each the token positions of its span."""
    encodings = tokenize(encoder.tokenizer, [text for text, *_ in placed])
    encodings = fit_to_model(encoder.tokenizer, encodings, encoder.max_tokens, "error")
    positions = [pieces(encoding, start, end) for encoding, (_, start, end) in zip(encodings, placed, strict=True)]
    pairs = zip(placed, positions, strict=True)
    lost = sorted({text[start:end] for (text, start, end), at in pairs if not len(at)})
    if lost:
        raise ExplaintError(f"{encoder.name} has no token for {', '.join(map(repr, lost))}; leave these words out")
    return encodings, positions


def pieces(encoding: Encoding, start: int, end: int) -> np.ndarray:
    """Return the positions of the tokens that overlap characters start..end of the text."""
    begin, stop = encoding.offsets.T
    return np.flatnonzero(~encoding.special & (begin < end) & (stop > start) & (stop > begin))


def pooled_states(
    encoder: Encoder, encodings: list[Encoding], spans: list[list[np.ndarray]], layers: Sequence[int], *, progress: bool
) -> np.ndarray:
    """Return the mean state of each span at each layer, (layer, n_spans, dim) float64, in the order of the texts.

    A span is an array of positions; a text may have several. The states of few texts are held at a time.
    """
    first = np.cumsum([0] + [len(of_text) for of_text in spans])
    out = np.empty((len(layers), first[-1], encoder.dim))
    order = np.argsort([len(encoding) for encoding in encodings], kind="stable")
    with tqdm(
        total=len(order), desc=f"word vectors ({printable(encoder.name)})", disable=not progress, leave=False
    ) as bar:
        for begin in range(0, len(order), _CHUNK):
            rows = order[begin : begin + _CHUNK]
            done = encoder.run([encodings[i] for i in rows], hidden_states=True, attention=False)
            for i, encoding in zip(rows, done, strict=True):
                assert encoding.hidden_states is not None
                for k, at in enumerate(spans[i]):
                    for row, layer in enumerate(layers):
                        out[row, first[i] + k] = encoding.hidden_states[layer, at].mean(axis=0, dtype=np.float64)
            bar.update(len(rows))
    return out
