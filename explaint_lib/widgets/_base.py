"""What both widgets share: one ES module, a compressed payload, a page without kernel and without network.

Live in JupyterLab a widget is an ordinary anywidget. For the published page `_repr_mimebundle_` adds a
``text/html`` entry that holds the *same* module (compressed), the payload, and a static picture for print and
for readers without JavaScript. No ids, no clock and no randomness: the entry is byte-identical between runs.

The modules are written in ``js/`` and bundled into ``bundles/``, one file a widget, by ``npm run build``. The bundles
are committed, so that neither pip nor ``make book`` needs Node; tests/test_widgets_js.py holds them equal to what their
sources give.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from explaint_lib._common import ExplaintError, printable
from explaint_lib.widgets._picture import html_text

_BUNDLES = Path(__file__).parent / "bundles"

# The theme of the book paints every text/html output light in dark mode; the static picture shows until the
# module has drawn, and on paper. One line each, so that it travels with every widget and needs no stylesheet
# of the page.
_PAGE_CSS = """
html[data-theme="dark"] .bd-content div.cell_output .text_html:has(div[data-explaint]) {
  background: none; padding: 0; }
[data-explaint] { margin: .5rem 0; }
[data-explaint] .ex-static { background: #fff; color: #1b1f27; border: 1px solid #d4d9e1; border-radius: 10px;
  padding: .75rem 1rem; font: 14px/1.45 system-ui, sans-serif; overflow-x: auto; }
[data-explaint] .ex-static svg { max-width: 100%; height: auto; }
[data-explaint] .ex-static figure { display: inline-block; margin: .3rem .8rem .3rem 0; max-width: min(100%, 21rem); }
[data-explaint] .ex-static figcaption { margin: 0; padding: 0; font: inherit; color: inherit; text-align: left; }
[data-explaint] .ex-static table { margin: .4rem 0; border-collapse: collapse; font-size: 13px; color: inherit; }
[data-explaint] .ex-static :is(th, td) { padding: .1rem .6rem; text-align: left;
  border-bottom: 1px solid #d4d9e1; }
[data-explaint-ready] > .ex-static { display: none; }
@media print {
  [data-explaint] > .ex-static { display: block; break-inside: avoid; }
  [data-explaint] > .ex-mount { display: none; }
}
"""


# base64.b85encode's alphabet without the characters that HTML reads
_SAFE85 = str.maketrans("<>&", ",.:")


def read_bundle(name: str) -> str:
    """Return the ES module of one widget, or the one that starts widgets on a page; it imports nothing."""
    return (_BUNDLES / f"{name}.js").read_text("utf8")


def text85(raw: bytes) -> str:
    """Return bytes as text, five characters for four bytes: 6 % shorter than base64, and safe inside HTML."""
    return base64.b85encode(raw).decode("ascii").translate(_SAFE85)


def script_json(value: Any) -> str:
    """Return JSON that is safe inside a script element, whatever strings it holds."""
    out = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for character in "<>&\u2028\u2029":
        out = out.replace(character, f"\\u{ord(character):04x}")
    # a lone surrogate cannot be written as UTF-8; as an escape it survives
    return "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) < 0xE000 else c for c in out)


def as_numbers(value: Any, what: str) -> np.ndarray:
    """Return `value` as a float64 array, or say which argument is not one."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ExplaintError(f"{what} must be an array of numbers: {error}") from error


def deflate(raw: bytes) -> bytes:
    """Return `raw` as a zlib stream; the filtered strategy suits small numbers (4 % smaller here)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
    return packer.compress(raw) + packer.flush()


def pack_small(values: np.ndarray) -> bytes:
    """Pack integers that are mostly 0, 1 or 2 and compress them.

    Four cells share a byte (2 bits each, 3 = "look in the overflow"); the overflow follows, one byte a cell.
    Deflate spends at least a bit on every symbol it is given, so four cells in a symbol save a sixth over
    plain bytes.

    Parameters
    ----------
    values : ndarray of uint8, any shape
        Read in C order.

    Returns
    -------
    bytes
        A zlib stream that ``unpackSmall`` in js/bytes.js and `unpack_small` read.
    """
    flat = np.ascontiguousarray(values, dtype=np.uint8).ravel()
    low = np.zeros(-(-flat.size // 4) * 4, dtype=np.uint8)
    low[: flat.size] = np.minimum(flat, 3)
    cells = low.reshape(-1, 4)  # (byte, cell in byte)
    packed = cells[:, 0] | cells[:, 1] << 2 | cells[:, 2] << 4 | cells[:, 3] << 6
    return deflate(packed.astype(np.uint8).tobytes() + (flat[flat >= 3] - 3).tobytes())


def unpack_small(stream: bytes, count: int) -> np.ndarray:
    """Return the `count` integers that `pack_small` packed, as a flat uint8 array."""
    raw = np.frombuffer(zlib.decompress(stream), dtype=np.uint8)
    head = -(-count // 4)
    flat = (raw[:head, None] >> np.array([0, 2, 4, 6], dtype=np.uint8) & 3).ravel()[:count]
    flat[flat == 3] += raw[head:]
    return flat


class BookWidget(anywidget.AnyWidget):
    """One figure, two lives: an anywidget with a kernel, and self-contained HTML without one.

    A subclass sets `_kind`, `_esm` and its synced traits, draws `_static_figure`, and turns what the reader's
    ``compute`` returned into traits (`_recomputed`).
    """

    _kind = "base"
    label = traitlets.Unicode("Interactive figure").tag(sync=True)

    def _listen(self, compute: Callable[[Any], Mapping[str, Any]] | None, asked: str) -> None:
        """Answer the front end: say that a kernel is there, and recompute when the trait named `asked` changes."""
        self._compute = compute
        self.on_msg(self._answer)
        self.observe(self._recompute, asked)

    def _answer(self, _: Any, message: Any, __: Any) -> None:
        if isinstance(message, dict) and message.get("type") == "hello":
            self.send({"type": "alive", "compute": self._compute is not None})

    def _question(self, typed: str) -> Any:
        """Return what ``compute`` is called with."""
        return typed

    def _recomputed(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the traits that show what ``compute`` returned."""
        raise NotImplementedError

    def _recompute(self, change: dict[str, Any]) -> None:
        if self._compute is None:
            return
        try:
            traits = self._recomputed(dict(self._compute(self._question(change["new"]))))
        except Exception as error:  # the reader typed it: the widget answers, the kernel goes on
            said = str(error) or type(error).__name__
            self.send({"type": "error", "text": f"The kernel could not do that: {said}"})
            return
        # a counter, so that the front end reloads even where two answers are equal
        traits["meta"]["turn"] = self.meta.get("turn", 0) + 1
        with self.hold_sync():
            for key, value in traits.items():
                setattr(self, key, value)

    def _static_figure(self) -> str:
        """Return HTML (an SVG or a table) that shows the present state without a script."""
        raise NotImplementedError

    def _state(self) -> dict[str, Any]:
        """Return the synced traits that are this widget's own; bytes as `text85`."""
        state, buffers = {}, {}
        for name in sorted(self.traits(sync=True)):
            if name.startswith("_") or name in ("layout", "tabbable", "tooltip"):
                continue
            value = getattr(self, name)
            if isinstance(value, bytes):
                buffers[name] = text85(value)
            else:
                state[name] = value
        return {"state": state, "buffers": buffers}

    def static_html(self) -> str:
        """Return the figure as HTML that draws itself with no kernel, no network and no other file.

        Returns
        -------
        str
            The state is the one at the time of the call. Byte-identical for equal arguments.
        """
        code = text85(deflate(str(self._esm).encode()))  # of a page for one sentence it would be the larger half
        return (
            f"<style>{_PAGE_CSS}</style>"
            f'<div data-explaint="{self._kind}" role="group" aria-label="{html_text(self.label)}">'
            f'<script type="application/json">{script_json(self._state())}</script>'
            f'<div class="ex-mount"></div>'
            f'<div class="ex-static tex2jax_ignore mathjax_ignore">{self._static_figure()}</div>'
            f'<script type="text/plain">{code}</script><script type="module">{read_bundle("start")}</script></div>'
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        text = f"<{type(self).__name__}: {printable(self.label)}>"
        return {**data, "text/html": self.static_html(), "text/plain": text}, metadata
