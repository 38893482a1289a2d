"""Attention maps to look at, with the control on the same scale.

`AttentionViewer` shows what a head's weights are. It does **not** show what the head does: attention weights
are not an explanation by themselves, an untrained head can draw a crisp picture, and above the first layers a
row or column need not hold the token it is labelled with. Hence the control map beside the real one, and the
identity overlay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.widgets._base import BookWidget, as_numbers, pack_small, read_module, unpack_small
from explaint_lib.widgets._picture import matrix_svg

# Above this many cells weights are stored to the nearest percent, so that 6 x 12 x 128 tokens stay near 200
# kB a page
FINE_CELLS = 600_000


class AttentionViewer(BookWidget):
    """Show attention maps of one text: every layer and head, as links or as a matrix, beside a control.

    Parameters
    ----------
    attention : array_like, shape (layer, head, query, key)
        Weights in [0, 1]; a row need not sum to 1.
    tokens : sequence of str, length query
        Any strings; they are shown as they are.
    control : array_like, same shape, optional
        The map to compare with: the untrained twin, a corrupted run, another sentence of the same length.
    name, control_label : str
        What the two maps are called on the page.
    identity : mapping of measure name to array_like, shape (layer + 1, position), optional
        How far each state still is its token, in [0, 1]; row `l` is the state that *enters* attention layer
        `l` (row 0 = output of the embedding layer). Links fade by it at each end.
    control_identity : mapping, optional
        The same for the control. Without it the control does not fade.
    word_ids : sequence of int, length query, optional
        The word each token belongs to, -1 for none; lets the reader merge word pieces (weights are summed
        over the pieces attended to and averaged over the pieces that attend).
    words : sequence of str, optional
        The words that `word_ids` count; joined pieces when left out.
    special : sequence of bool, length query, optional
        Tokens such as [CLS]; the reader can hide them. Hiding rescales nothing: the share of weight that went
        to them is stated instead.
    label : str
        Title of the figure, and its name for screen readers.
    compute : callable, optional
        ``compute(sentence)`` returns a dict of the arguments above; with a kernel the reader gets a text
        field.
    sentence : str
        First content of that field.
    layer, head, view, merged, show_special, measure
        What is shown first: indices from 0, "links" as ``"lines"`` or ``"matrix"``, word pieces merged,
        special tokens shown, the identity measure ("" = off).

    Raises
    ------
    ExplaintError
        If shapes, lengths or ranges do not fit.

    Warnings
    --------
    Weights are stored to the nearest 1/255, and to the nearest percent for maps of more than 600,000 cells (6
    x 12 heads on 92 tokens or more): smaller weights then read as 0 and a merged word may miss several of
    them.
    """

    _kind = "attention"
    _esm = read_module("attention_map.js+attention_heads.js+attention_figure.js+attention.js")

    meta = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    control_data = traitlets.Bytes(b"").tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    view = traitlets.Enum(["lines", "matrix"], "lines").tag(sync=True)
    merged = traitlets.Bool(False).tag(sync=True)
    show_special = traitlets.Bool(True).tag(sync=True)
    measure = traitlets.Unicode("").tag(sync=True)
    sentence = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        attention: ArrayLike,
        tokens: Sequence[str],
        *,
        control: ArrayLike | None = None,
        name: str = "attention",
        control_label: str = "control",
        identity: Mapping[str, ArrayLike] | None = None,
        control_identity: Mapping[str, ArrayLike] | None = None,
        word_ids: Sequence[int] | None = None,
        words: Sequence[str] | None = None,
        special: Sequence[bool] | None = None,
        label: str = "Attention",
        compute: Callable[[str], dict[str, Any]] | None = None,
        sentence: str = "",
        layer: int = 0,
        head: int = 0,
        view: str = "lines",
        merged: bool = False,
        show_special: bool = True,
        measure: str = "",
    ) -> None:
        self._compute, self._names = compute, (str(name), str(control_label))
        content = _content(
            attention=attention, tokens=tokens, control=control, names=self._names, identity=identity,
            control_identity=control_identity, word_ids=word_ids, words=words, special=special,
        )  # fmt: skip
        meta = content["meta"]
        if not (0 <= layer < meta["layers"] and 0 <= head < meta["heads"]):
            raise ExplaintError(
                f"layer {layer}, head {head} is not among {meta['layers']} layers and {meta['heads']} heads, "
                "both counted from 0"
            )
        if view not in ("lines", "matrix"):
            raise ExplaintError(f'view must be "lines" or "matrix", found {view!r}')
        if measure and measure not in (identity or {}):
            raise ExplaintError(
                f"measure {measure!r} is not among the identity measures {sorted(identity or {})}"
            )
        first = dict(
            layer=layer, head=head, view=view, merged=merged, show_special=show_special, measure=measure
        )
        super().__init__(**content, **first, label=label, sentence=sentence)
        self.on_msg(self._answer)
        if compute is not None:
            self.observe(self._recompute, "sentence")

    def _answer(self, _: Any, message: Any, __: Any) -> None:
        if isinstance(message, dict) and message.get("type") == "hello":
            self.send({"type": "alive", "compute": self._compute is not None})

    def _recompute(self, change: dict[str, Any]) -> None:
        try:
            given = dict(self._compute(change["new"]))
            parts = (
                "attention",
                "tokens",
                "control",
                "identity",
                "control_identity",
                "word_ids",
                "words",
                "special",
            )
            if unknown := set(given) - set(parts):
                raise ExplaintError(f"compute returned {sorted(unknown)}; it may return {list(parts)}")
            content = _content(names=self._names, **{part: given.get(part) for part in parts})
        except Exception as error:  # the reader typed the sentence: the widget answers, the kernel goes on
            self.send({"type": "error", "text": f"The kernel could not do that: {error}"})
            return
        with self.hold_sync():
            self.layer = min(self.layer, content["meta"]["layers"] - 1)
            self.head = min(self.head, content["meta"]["heads"] - 1)
            # a counter, so that the front end reloads even when two sentences have equal tokens
            content["meta"]["turn"] = self.meta.get("turn", 0) + 1
            for key, value in content.items():
                setattr(self, key, value)

    def weights(self, *, control: bool = False) -> np.ndarray:
        """Return the stored weights, shape (layer, head, query, key): as the page draws them, rounded."""
        m = self.meta
        shape = (m["layers"], m["heads"], m["n"], m["n"])
        flat = unpack_small(self.control_data if control else self.data, int(np.prod(shape)))
        return flat.reshape(shape).swapaxes(2, 3) / m["levels"]  # stored (layer, head, key, query)

    def _static_figure(self) -> str:
        m = self.meta
        keep = [i for i in range(m["n"]) if self.show_special or not m["special"][i]]
        maps = [self.weights()] + ([self.weights(control=True)] if m["control"] else [])
        shown = [a[self.layer, self.head][np.ix_(keep, keep)] for a in maps]
        scale = max(float(a.max(initial=0)) for a in shown) or 1.0
        figures = [
            f"<figure><figcaption><b>{escape(name)}</b></figcaption>"
            f"{matrix_svg(a / scale, [m['tokens'][i] for i in keep], ink, name)}</figure>"
            for a, name, ink in zip(shown, (m["name"], m["control"]), ("#0068a8", "#b34700"), strict=False)
        ]
        return (
            f"<p><b>{escape(self.label)}</b><br>Layer {self.layer}, head {self.head}: rows attend to "
            f"columns; the darkest cell is {scale:.0%}{', one scale for both maps' if m['control'] else ''}.</p>"
            f"{''.join(figures)}"
        )


def _content(
    *, attention: Any, tokens: Any, control: Any, names: tuple[str, str], identity: Any,
    control_identity: Any, word_ids: Any, words: Any, special: Any,
) -> dict[str, Any]:  # fmt: skip
    """Check everything and return the traits `meta`, `data` and `control_data`."""
    real = _checked_map(attention, "attention")
    layers, heads, n, _ = real.shape
    tokens = [str(t) for t in tokens]
    if len(tokens) != n:
        raise ExplaintError(
            f"attention is over {n} positions, but there are {len(tokens)} tokens; pass one string a position"
        )
    if control is not None and np.shape(control) != real.shape:
        raise ExplaintError(
            f"control must have the shape of attention, {real.shape}, found {np.shape(control)}"
        )
    special = [False] * n if special is None else [bool(s) for s in special]
    if len(special) != n:
        raise ExplaintError(f"special must have one entry for each of {n} tokens, found {len(special)}")
    word_ids, words = _checked_words(word_ids, words, tokens)
    levels = 255 if real.size <= FINE_CELLS else 100
    meta = dict(
        layers=layers, heads=heads, n=n, tokens=tokens, special=special, word_ids=word_ids, words=words,
        levels=levels, name=names[0], control=None if control is None else names[1],
        rows_sum=bool(np.allclose(real.sum(-1), 1, atol=1e-3)),
        identity=_checked_identity(identity, layers, n, "identity"),
        control_identity=_checked_identity(control_identity, layers, n, "control_identity"),
    )  # fmt: skip
    other = b"" if control is None else _pack(_checked_map(control, "control"), levels)
    return dict(data=_pack(real, levels), control_data=other, meta=meta)


def _pack(weights: np.ndarray, levels: int) -> bytes:
    # key before query: many heads look at the same few keys from everywhere, so columns are the runs that
    # compress
    return pack_small(np.rint(weights.swapaxes(2, 3) * levels).astype(np.uint8))


def _checked_map(value: Any, what: str) -> np.ndarray:
    array = as_numbers(value, what)
    if array.ndim != 4 or array.shape[2] != array.shape[3] or 0 in array.shape:
        raise ExplaintError(
            f"{what} must have the axes (layer, head, query, key), square; found {array.shape}"
        )
    if not np.isfinite(array).all() or array.min() < -1e-4 or array.max() > 1 + 1e-4:
        raise ExplaintError(
            f"{what} must hold weights from 0 to 1, found {array.min():.3g} to {array.max():.3g}"
        )
    return np.clip(array, 0, 1)


def _checked_words(word_ids: Any, words: Any, tokens: list[str]) -> tuple[list[int] | None, list[str] | None]:
    if word_ids is None:
        return None, None
    ids = [-1 if w is None else int(w) for w in word_ids]
    if len(ids) != len(tokens):
        raise ExplaintError(
            f"word_ids must have one entry for each of {len(tokens)} tokens, found {len(ids)}"
        )
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
            raise ExplaintError(
                f"{what}[{measure!r}] must hold values from 0 to 1; rescale the measure first"
            )
        out[str(measure)] = np.rint(100 * array).astype(int).tolist()
    return out
