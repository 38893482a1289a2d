"""States of spans of text: where a stretch of characters stands among the tokens, and the mean state over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from explaint_lib._common import printable
from explaint_lib.encoders._reader import Reader
from explaint_lib.encoders._tokens import Encoding

_CHUNK = 256  # texts whose states are held at the same time


def pooled_states(
    encoder: Reader, encodings: list[Encoding], spans: list[list[np.ndarray]], layers: Sequence[int], *, progress: bool
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
