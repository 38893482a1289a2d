"""Statistics of attention over whole texts and corpora, layer by layer inside the model: no map is kept.

What it measures: whatever function of maps it is given (`attention.row_entropy`, say), at every layer and head.
What it controls for: memory. All maps of a text of 512 tokens in a model of 30 layers and 9 heads take 283 MB;
here a map is reduced, a few heads at a time, as soon as its layer has made it, and then dropped. Texts of one
length run together, so nothing is ever padded and no padding can receive attention. What it does NOT
license: see what the statistic does not license.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from explaint_lib._cache import kept
from explaint_lib._common import ExplaintError, printable
from explaint_lib.attribution._anatomy import anatomy
from explaint_lib.attribution._layers import find_layers, hooked
from explaint_lib.encoders import Encoder, Encoding

#: Maps (text, head, query, key) to an array (text, head, ...): a function of each map by itself.
Statistic = Callable[[np.ndarray], np.ndarray]

_CELLS = 300_000  # weights handed to a statistic at once, or one map if that is larger


def attention_statistics(
    encoder: Encoder,
    texts: Sequence[str | Encoding],
    statistics: Mapping[str, Statistic],
    *,
    batch_tokens: int = 2048,
    cache: bool = False,
    progress: bool = False,
) -> list[dict[str, np.ndarray]]:
    """Reduce the attention of every layer to statistics, without ever holding the maps of two layers.

    Parameters
    ----------
    encoder : Encoder
        Of a family whose attention blocks are known (BERT and Llama among them).
    texts : sequence of str or Encoding
    statistics : mapping of name to function
        Takes maps (text, head, query, key), float32, of texts of one length, not to be written to; returns
        (text, head, ...). Each map must be treated by itself: how many come together is not promised. Functions
        of `explaint_lib.attention` fit, with ``functools.partial(row_entropy, causal=True)`` for
        decoders.
    batch_tokens : int
        Tokens run together; one text always fits.
    cache : bool
        Keep the result in the cache folder, by the content of texts, model and functions, and read it from
        there the next time.
    progress : bool

    Returns
    -------
    list of dict of str to (layer, head, ...) array
        One a text, in the order given.

    Raises
    ------
    ExplaintError
        For an architecture whose layers are not found, a statistic that returns another shape than (text, head,
        ...), or, with `cache`, one whose source is not known.

    Examples
    --------
    >>> from explaint_lib import attention, attribution, encoders
    >>> encoder = encoders.load_encoder("minilm")  # doctest: +SKIP
    >>> found = attribution.attention_statistics(encoder, ["a robin is a bird"], {"entropy": attention.row_entropy})
    >>> found[0]["entropy"].shape == (encoder.n_layers, encoder.n_heads)
    True
    """
    if isinstance(texts, str | Encoding):
        raise ExplaintError("expected a sequence of texts, found one; pass [text]")
    encoder.check_attention()
    plain = iter(encoder.encode([t for t in texts if isinstance(t, str)], hidden_states=False, attention=False))
    ids = [(next(plain) if isinstance(text, str) else text).token_ids for text in texts]
    if not cache:
        return _reduced(encoder, ids, statistics, batch_tokens, progress)
    about = {
        "encoder": encoder.identity(),
        "batch_tokens": batch_tokens,
        "ids": hashlib.sha256(b"".join(row.tobytes() + b"|" for row in ids)).hexdigest(),
        "statistics": [(name, *_identity_of(statistic)) for name, statistic in statistics.items()],
    }

    def flat() -> dict[str, np.ndarray]:
        found = _reduced(encoder, ids, statistics, batch_tokens, progress)
        return {f"{i}/{name}": values for i, row in enumerate(found) for name, values in row.items()}

    arrays = kept("attention_statistics", about, flat, code=__name__, suffix=".npz")
    return [{name: arrays[f"{i}/{name}"] for name in statistics} for i in range(len(ids))]


def _reduced(
    encoder: Encoder, ids: list[np.ndarray], statistics: Mapping[str, Statistic], batch_tokens: int, progress: bool
) -> list[dict[str, np.ndarray]]:
    found: list[dict[str, np.ndarray]] = [{} for _ in ids]
    layers = find_layers(encoder.model, ids[0][:8]).modules if ids else ()
    attention = list(dict.fromkeys(anatomy(layer).attention for layer in layers))  # layers may share one
    with tqdm(
        total=len(ids), desc=f"attention ({printable(encoder.name)})", unit="text", disable=not progress, leave=False
    ) as bar:
        for batch in _batches([len(row) for row in ids], batch_tokens):
            for name, values in _run(encoder, np.stack([ids[i] for i in batch]), statistics, attention).items():
                for row, i in enumerate(batch):
                    found[i][name] = values[row].copy()
            bar.update(len(batch))
    return found


def _batches(lengths: list[int], batch_tokens: int) -> list[np.ndarray]:
    """Group texts of equal length, the longest first."""
    order = np.array(lengths)
    groups = []
    for length in sorted(set(lengths), reverse=True):
        rows = np.flatnonzero(order == length)
        step = max(1, batch_tokens // length)
        groups += [rows[k : k + step] for k in range(0, len(rows), step)]
    return groups


def _run(
    encoder: Encoder, ids: np.ndarray, statistics: Mapping[str, Statistic], attention: Sequence[Any]
) -> dict[str, np.ndarray]:
    """Run one batch (text, n); return statistics (text, layer, head, ...)."""
    layers: list[dict[str, np.ndarray]] = []

    def reduce(output: Any) -> None:
        weights: Any = output[1] if isinstance(output, tuple) and len(output) > 1 else None
        if getattr(weights, "shape", ())[2:] != (ids.shape[1], ids.shape[1]):
            raise ExplaintError(
                f"{encoder.name} hands out no attention weights (text, head, n, n) while it runs; load it with eager "
                "attention, or take the statistics of the maps that encoder.encode returns"
            )
        maps = weights.detach()  # (text, head, n, n): a view, not a copy
        step = max(1, _CELLS // (maps.shape[0] * maps.shape[-1] ** 2))
        pieces: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
        for head in range(0, maps.shape[1], step):
            some = maps[:, head : head + step].float().cpu().numpy()
            some.flags.writeable = False
            for name, statistic in statistics.items():
                values = np.asarray(statistic(some))
                if values.shape[:2] != some.shape[:2]:
                    raise ExplaintError(
                        f"statistic {name!r} must give (text, head, ...) = ({some.shape[0]}, {some.shape[1]}, ...), "
                        f"found {values.shape}"
                    )
                pieces[name].append(values)
        layers.append({name: np.concatenate(found, axis=1) for name, found in pieces.items()})

    with hooked([(module, "output", reduce) for module in attention]):
        encoder.forward_ids(ids, hidden_states=False)
    return {name: np.stack([layer[name] for layer in layers], axis=1) for name in statistics}


def _identity_of(statistic: Statistic) -> tuple[str, str, str]:
    """Return what a function computes, as far as it can be read: its name, the source it stands in, its arguments."""
    inner: Any = statistic.func if isinstance(statistic, partial) else statistic
    given = repr((statistic.args, sorted(statistic.keywords.items()))) if isinstance(statistic, partial) else ""
    try:
        if inner.__closure__:
            raise TypeError("it uses variables of the function around it")
        module = inspect.getmodule(inner)
        whole: Any = module if getattr(module, "__file__", None) else inner
        source = inspect.getsource(whole)
    except (TypeError, OSError, AttributeError) as fault:
        raise ExplaintError(
            f"cannot tell what {statistic!r} computes ({fault}), so a cached result could be another function's; "
            "pass a function of a module, or cache=False"
        ) from fault
    return inner.__qualname__, hashlib.sha256(source.encode()).hexdigest(), given
