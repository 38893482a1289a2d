"""What `AttentionViewer` stores: arguments checked, weights as small whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.widgets._base import as_numbers, pack_small

# Above this many cells weights are stored to the nearest percent, so that 6 x 12 x 128 tokens stay near 200 kB a page
FINE_CELLS = 600_000
# Above this many nothing is drawn: making the page takes a microsecond and 35 bytes a cell, the page itself up to a
# byte, and rollout in the browser seconds
MOST_CELLS = 20_000_000


def attention_content(
    *,
    names: tuple[str, str],
    attention: Any,
    tokens: Any,
    control: Any = None,
    identity: Any = None,
    control_identity: Any = None,
    summaries: Any = None,
    control_summaries: Any = None,
    word_ids: Any = None,
    words: Any = None,
    special: Any = None,
    head_names: Any = None,
) -> dict[str, Any]:
    """Check everything and return the traits `meta`, `data` and `control_data`; arguments as `AttentionViewer`'s."""
    _check_size(attention, control is not None)
    real = _checked_map(attention, "attention")
    layers, heads, n, _ = real.shape
    tokens = [str(t) for t in tokens]
    if len(tokens) != n:
        raise ExplaintError(
            f"attention is over {n} positions, but there are {len(tokens)} tokens; pass one string a position"
        )
    if control is not None and np.shape(control) != real.shape:
        raise ExplaintError(f"control must have the shape of attention, {real.shape}, found {np.shape(control)}")
    special = [False] * n if special is None else [bool(s) for s in special]
    if len(special) != n:
        raise ExplaintError(f"special must have one entry for each of {n} tokens, found {len(special)}")
    word_ids, words = _checked_words(word_ids, words, tokens)
    if head_names is not None and len(head_names) != heads:
        raise ExplaintError(f"head_names must have one entry for each of {heads} heads, found {len(head_names)}")
    summaries, control_summaries = dict(summaries or {}), dict(control_summaries or {})
    if control is not None and set(control_summaries) != set(summaries):
        raise ExplaintError(
            f"summaries and control_summaries must have the same names, found {sorted(summaries)} and "
            f"{sorted(control_summaries)}; the two maps stand side by side"
        )
    data, stored = _pack(real, _checked_summaries(summaries, real.shape, "summaries"))
    other, control_stored = b"", None
    if control is not None:
        in_order = {name: control_summaries[name] for name in summaries}
        rows = _checked_summaries(in_order, real.shape, "control_summaries")
        other, control_stored = _pack(_checked_map(control, "control"), rows)
    meta = dict(
        layers=layers,
        heads=heads,
        n=n,
        tokens=tokens,
        special=special,
        word_ids=word_ids,
        words=words,
        name=names[0],
        control=None if control is None else names[1],
        summaries=[str(name) for name in summaries],
        head_names=None if head_names is None else [str(name) for name in head_names],
        stored=stored,
        control_stored=control_stored,
        identity=_checked_identity(identity, layers, n, "identity"),
        control_identity=_checked_identity(control_identity, layers, n, "control_identity"),
    )
    return dict(data=data, control_data=other, meta=meta)


def _pack(real: np.ndarray, summaries: np.ndarray) -> tuple[bytes, dict[str, Any]]:
    """Return the levels of all maps, compressed, and how to read them."""
    stack = np.concatenate([real, summaries], axis=1)  # (layer, head or summary, query, key)
    finest = 1 / 255 if real.size <= FINE_CELLS else 1 / 100
    # A diffuse map has no weight near 1: its own largest one gets at least eight levels. Four digits, for the page.
    largest = stack.max(axis=(2, 3), keepdims=True)
    steps = np.minimum(finest, np.maximum(largest / 8, 1e-6))
    steps = np.array([float(f"{step:.4g}") for step in steps.ravel()]).reshape(steps.shape)
    levels = np.minimum(np.rint(stack / steps), 255).astype(np.uint8)
    stored = dict(
        steps=steps.ravel().tolist(),
        rows_sum=bool(np.allclose(real.sum(-1), 1, atol=1e-3)),
        causal=bool(real.shape[2] > 1 and not np.triu(real, 1).any()),
    )
    # key before query: many heads look at the same few keys from everywhere, so columns are the runs that compress
    return pack_small(levels.swapaxes(2, 3)), stored


def _checked_summaries(summaries: Mapping[str, Any], shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return the summaries stacked, shape (layer, summary, query, key)."""
    layers, _, n, _ = shape
    out = np.zeros((layers, len(summaries), n, n))
    for place, (name, value) in enumerate(summaries.items()):
        array = as_numbers(value, f"{what}[{name!r}]")
        if name in ("", "mean", "max", "rollout"):
            raise ExplaintError(f"{what}[{name!r}]: the viewer makes that one from the heads; use another name")
        if array.shape != (layers, n, n):
            raise ExplaintError(
                f"{what}[{name!r}] must have the shape (layer, query, key) = {(layers, n, n)}, found {array.shape}"
            )
        out[:, place] = _in_range(array, f"{what}[{name!r}]")
    return out


def _check_size(attention: Any, control: bool) -> None:
    """Refuse what would freeze the reader's page, before any of it is copied."""
    shape = np.shape(attention)
    cells = int(np.prod(shape)) * (1 + control)
    if len(shape) == 4 and cells > MOST_CELLS:
        raise ExplaintError(
            f"{' x '.join(map(str, shape))} weights{' and their control' if control else ''} are {cells / 1e6:.0f} "
            f"million cells: the figure would take about {cells / 1e6:.0f} seconds and {35 * cells / 1e9:.1f} GB of "
            f"memory, and rollout would freeze the page; the limit is {MOST_CELLS / 1e6:.0f} million. Pass fewer "
            "layers, heads or tokens, for instance attention[::4] or attention[:, :, :128, :128] with tokens[:128]"
        )


def _checked_map(value: Any, what: str) -> np.ndarray:
    array = as_numbers(value, what)
    if array.ndim != 4 or array.shape[2] != array.shape[3] or 0 in array.shape:
        raise ExplaintError(f"{what} must have the axes (layer, head, query, key), square; found {array.shape}")
    return _in_range(array, what)


def _in_range(array: np.ndarray, what: str) -> np.ndarray:
    if not np.isfinite(array).all() or array.min() < -1e-4 or array.max() > 1 + 1e-4:
        raise ExplaintError(f"{what} must hold weights from 0 to 1, found {array.min():.3g} to {array.max():.3g}")
    return np.clip(array, 0, 1)


def _checked_words(word_ids: Any, words: Any, tokens: list[str]) -> tuple[list[int] | None, list[str] | None]:
    if word_ids is None:
        return None, None
    ids = [-1 if w is None else int(w) for w in word_ids]
    if len(ids) != len(tokens):
        raise ExplaintError(f"word_ids must have one entry for each of {len(tokens)} tokens, found {len(ids)}")
    if words is None:
        joined = [""] * (max(ids, default=-1) + 1)
        for i, token in zip(ids, tokens, strict=True):
            if i >= 0:
                joined[i] += token.removeprefix("##").lstrip("Ġ▁")
        return ids, joined
    if max(ids, default=-1) >= len(words):
        raise ExplaintError(f"word_ids names word {max(ids)}, but there are only {len(words)} words")
    return ids, [str(w) for w in words]


def _checked_identity(identity: Any, layers: int, n: int, what: str) -> dict[str, list[list[int]]] | None:
    """Return each measure as whole percents, nested lists (layer, position): a reader cannot see finer."""
    if not identity:
        return None
    out = {}
    for measure, value in identity.items():
        array = as_numbers(value, f"{what}[{measure!r}]")
        if array.shape != (layers + 1, n):
            raise ExplaintError(
                f"{what}[{measure!r}] must have the shape (layer + 1, position) = {(layers + 1, n)}, "
                f"found {array.shape}"
            )
        if not ((array >= 0) & (array <= 1)).all():
            raise ExplaintError(f"{what}[{measure!r}] must hold values from 0 to 1; rescale the measure first")
        out[str(measure)] = np.rint(100 * array).astype(int).tolist()
    return out
