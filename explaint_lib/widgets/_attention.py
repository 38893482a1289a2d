"""Attention maps to look at, with the control on the same scale.

`AttentionViewer` shows what a head's weights are. It does **not** show what the head does: attention weights
are not an explanation by themselves, an untrained head can draw a crisp picture, and above the first layers a
row or column need not hold the token it is labelled with. Hence the control map beside the real one, and the
identity overlay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.widgets._attention_content import attention_content
from explaint_lib.widgets._base import BookWidget, read_bundle, unpack_small
from explaint_lib.widgets._encodings import ReadText, arguments, computed
from explaint_lib.widgets._picture import html_text, matrix_svg

COMBINED = {"mean": "mean of the heads", "max": "largest of the heads", "rollout": "rollout up to this layer"}


class AttentionViewer(BookWidget):
    """Show attention maps of one text: every layer and head, as links or as a matrix, beside a control.

    Parameters
    ----------
    attention : array_like, shape (layer, head, query, key)
        Weights in [0, 1]; a row need not sum to 1.
    tokens : sequence of str, length query
        Any strings. In the picture the mark of a word's beginning (Ġ, ▁) is left out; tables and files keep it.
    control : array_like, same shape, optional
        The map to compare with: the untrained twin, a corrupted run, another sentence of the same length.
    name, control_label : str
        What the two maps are called on the page.
    identity : mapping of measure name to array_like, shape (layer + 1, position), optional
        How far each state still is its token, in [0, 1]; row `l` is the state that *enters* attention layer
        `l` (row 0 = output of the embedding layer). Links fade by it at each end.
    control_identity : mapping, optional
        The same for the control. Without it the control does not fade.
    summaries : mapping of name to array_like, shape (layer, query, key), optional
        Your own ways of summing up a layer (attention flow, value zeroing, ...), weights in [0, 1], beside those
        that the viewer makes from the heads: mean, largest, rollout.
    control_summaries : mapping, optional
        The same for the control, under the same names; needed where both are given.
    word_ids : sequence of int, length query, optional
        The word each token belongs to, -1 for none; lets the reader merge word pieces (weights are summed
        over the pieces attended to and averaged over the pieces that attend).
    words : sequence of str, optional
        The words that `word_ids` count; joined pieces when left out.
    special : sequence of bool, length query, optional
        Tokens such as [CLS]; the reader can hide them. Hiding rescales nothing: the share of weight that went
        to them is stated instead.
    head_names : sequence of str, optional
        What the second axis holds where it is not heads (methods, say); then nothing is combined over it but
        `summaries`.
    label : str
        Title of the figure, and its name for screen readers.
    compute : callable, optional
        ``compute(sentence)`` returns a dict of the arguments above, `name`, `control_label` and `label` apart;
        with a kernel the reader gets a text field. What it raises is shown in the figure.
    sentence : str
        First content of that field.
    layer, head, view, merged, show_special, measure, combine
        What is shown first: indices from 0, "links" as ``"lines"`` or ``"matrix"``, word pieces merged,
        special tokens shown, the identity measure ("" = off), one head ("") or ``"mean"``, ``"max"``,
        ``"rollout"`` or the name of a summary.

    Raises
    ------
    ExplaintError
        If shapes, lengths or ranges do not fit, or the maps hold more than 20 million cells.

    Warnings
    --------
    Weights are stored to the nearest 1/255, and to the nearest percent for maps of more than 600,000 cells (6
    x 12 heads on 92 tokens or more); a map whose largest weight is small, to an eighth of that weight or finer.
    Smaller weights read as 0, and a merged word may miss several of them. The mean of the heads and rollout
    (Abnar & Zuidema 2020; residual share one half) are computed in the page from what is stored: where the rows
    sum to 1, what the small weights add up to is spread evenly over the cells of their row that read 0.

    Examples
    --------
    >>> from explaint_lib.widgets import AttentionViewer
    >>> viewer = AttentionViewer(np.full((1, 2, 3, 3), 1 / 3), ["a", "robin", "sang"], view="matrix")
    >>> viewer.weights().shape
    (1, 2, 3, 3)
    """

    _kind = "attention"
    _esm = read_bundle("attention")

    meta = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    control_data = traitlets.Bytes(b"").tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    view = traitlets.Enum(["lines", "matrix"], "lines").tag(sync=True)
    merged = traitlets.Bool(False).tag(sync=True)
    show_special = traitlets.Bool(True).tag(sync=True)
    measure = traitlets.Unicode("").tag(sync=True)
    combine = traitlets.Unicode("").tag(sync=True)
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
        summaries: Mapping[str, ArrayLike] | None = None,
        control_summaries: Mapping[str, ArrayLike] | None = None,
        word_ids: Sequence[int] | None = None,
        words: Sequence[str] | None = None,
        special: Sequence[bool] | None = None,
        head_names: Sequence[str] | None = None,
        label: str = "Attention",
        compute: Callable[[str], dict[str, Any]] | None = None,
        sentence: str = "",
        layer: int = 0,
        head: int = 0,
        view: str = "lines",
        merged: bool = False,
        show_special: bool = True,
        measure: str = "",
        combine: str = "",
    ) -> None:
        self._names = (str(name), str(control_label))
        content = attention_content(
            names=self._names,
            attention=attention,
            tokens=tokens,
            control=control,
            identity=identity,
            control_identity=control_identity,
            summaries=summaries,
            control_summaries=control_summaries,
            word_ids=word_ids,
            words=words,
            special=special,
            head_names=head_names,
        )
        meta = content["meta"]
        if not (0 <= layer < meta["layers"] and 0 <= head < meta["heads"]):
            raise ExplaintError(
                f"layer {layer}, head {head} is not among {meta['layers']} layers and {meta['heads']} heads, "
                "both counted from 0"
            )
        if view not in ("lines", "matrix"):
            raise ExplaintError(f'view must be "lines" or "matrix", found {view!r}')
        if measure and measure not in (identity or {}):
            raise ExplaintError(f"measure {measure!r} is not among the identity measures {sorted(identity or {})}")
        if combine not in (known := _combinations(meta)):
            raise ExplaintError(f"combine must be one of {known}, found {combine!r}")
        first = dict(
            layer=layer,
            head=head,
            view=view,
            merged=merged,
            show_special=show_special,
            measure=measure,
            combine=combine,
        )
        super().__init__(**content, **first, label=label, sentence=sentence)
        self._listen(compute, "sentence")

    @classmethod
    def from_encodings(
        cls,
        encoding: ReadText,
        control: ReadText | ArrayLike | None = None,
        more: Mapping[str, Any] | None = None,
        *,
        compute: Callable[[str], Any] | None = None,
        **shown: Any,
    ) -> AttentionViewer:
        """Show a text as a model read it, beside the same text as a control read it.

        Parameters
        ----------
        encoding : Encoding
            With attention; tokens, words and special tokens are its own.
        control : Encoding or array_like, optional
            The same text in the untrained twin, or a corrupted run; or its maps alone.
        more : mapping, optional
            Further arguments of `AttentionViewer` that belong to this text, such as ``identity``; ``attention`` here
            replaces that of the encoding.
        compute : callable, optional
            ``compute(sentence)`` returns an encoding, or a tuple ``(encoding, control, more)`` as above, which may be
            cut short; with a kernel the reader gets a text field, in which the text of `encoding` stands first.
        **shown
            All other arguments of `AttentionViewer`.

        Raises
        ------
        ExplaintError
            As `AttentionViewer`, and for encodings without attention.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> from explaint_lib.widgets import AttentionViewer
        >>> read = SimpleNamespace(
        ...     text="a robin", tokens=["a", "robin"], words=["a", "robin"], word_ids=np.arange(2),
        ...     special=np.zeros(2, dtype=bool), attention=np.full((1, 1, 2, 2), 0.5),
        ... )
        >>> AttentionViewer.from_encodings(read, read, name="trained", control_label="untrained").weights().shape
        (1, 1, 2, 2)
        """
        if compute is not None:
            shown = {"compute": computed(compute), "sentence": encoding.text} | shown
        return cls(**arguments(encoding, control, more), **shown)

    def _recomputed(self, given: dict[str, Any]) -> dict[str, Any]:
        parts = ["attention", "tokens", "control", "identity", "control_identity", "summaries", "control_summaries",
                 "word_ids", "words", "special", "head_names"]  # fmt: skip
        if unknown := set(given) - set(parts):
            raise ExplaintError(f"compute returned {sorted(unknown)}; it may return {parts}")
        if missing := {"attention", "tokens"} - set(given):
            raise ExplaintError(f"compute returned no {sorted(missing)}")
        content = attention_content(names=self._names, **given)
        meta = content["meta"]
        shown = dict(layer=min(self.layer, meta["layers"] - 1), head=min(self.head, meta["heads"] - 1))
        if self.measure not in (meta["identity"] or {}):
            shown["measure"] = ""
        if self.combine not in _combinations(meta):
            shown["combine"] = ""
        return {**shown, **content}

    def weights(self, *, control: bool = False) -> np.ndarray:
        """Return the stored weights, shape (layer, head, query, key): as the page draws them, rounded."""
        return self._stack(control)[:, : self.meta["heads"]]

    def _stack(self, control: bool) -> np.ndarray:
        m = self.meta
        each = m["heads"] + len(m["summaries"])
        shape = (m["layers"], each, m["n"], m["n"])
        levels = unpack_small(self.control_data if control else self.data, int(np.prod(shape))).reshape(shape)
        steps = np.array(m["control_stored" if control else "stored"]["steps"]).reshape(m["layers"], each, 1, 1)
        return levels.swapaxes(2, 3) * steps  # stored (layer, head, key, query)

    def _static_figure(self) -> str:
        m = self.meta
        keep = [i for i in range(m["n"]) if self.show_special or not m["special"][i]]
        shown = [self._shown(control)[np.ix_(keep, keep)] for control in ([False, True] if m["control"] else [False])]
        head = m["head_names"][self.head] if m["head_names"] else f"head {self.head}"
        what = COMBINED.get(self.combine, self.combine) if self.combine else head
        scale = max(float(a.max(initial=0)) for a in shown) or 1.0
        figures = [
            f"<figure><figcaption><b>{html_text(name)}</b></figcaption>"
            f"{matrix_svg(a / scale, [m['tokens'][i] for i in keep], ink, name)}</figure>"
            for a, name, ink in zip(shown, (m["name"], m["control"]), ("#0068a8", "#b34700"), strict=False)
        ]
        return (
            f"<p><b>{html_text(self.label)}</b><br>Layer {self.layer}, {html_text(what)}: rows attend to "
            f"columns; the darkest cell is {scale:.0%}{', one scale for both maps' if m['control'] else ''}.</p>"
            f"{''.join(figures)}"
        )

    def _shown(self, control: bool) -> np.ndarray:
        """Return the map that is shown, shape (query, key); combined from the stored heads, as the page does it."""
        m, stack = self.meta, self._stack(control)
        if self.combine in m["summaries"]:
            return stack[self.layer, m["heads"] + m["summaries"].index(self.combine)]
        if self.combine in ("", "max"):
            heads = stack[self.layer, : m["heads"]]
            return heads.max(0) if self.combine else heads[self.head]
        stored, n = m["control_stored" if control else "stored"], m["n"]
        means = np.zeros((self.layer + 1, n, n))
        for heads, mean in zip(stack[: self.layer + 1, : m["heads"]], means, strict=True):
            empty = (heads == 0) & (np.tri(n, dtype=bool) | (not stored["causal"]))  # (head, query, key)
            lacking = np.maximum(0, 1 - heads.sum(-1, keepdims=True)) * stored["rows_sum"]
            mean[:] = (heads + empty * lacking / np.maximum(empty.sum(-1, keepdims=True), 1)).mean(0)
        if self.combine == "mean":
            return means[-1]
        rolled = np.eye(n)
        for mean in means:
            sums = mean.sum(-1, keepdims=True)
            own = np.where(sums > 0, 0.5, 1) * np.eye(n)
            rolled = (own + 0.5 * mean / np.where(sums > 0, sums, 1)) @ rolled
        return rolled


def _combinations(meta: dict[str, Any]) -> list[str]:
    """Return what can be shown instead of one head; "" is one head."""
    return ["", *([] if meta["head_names"] else COMBINED), *meta["summaries"]]
