"""The picture that print and readers without JavaScript get: a matrix as an SVG that holds one small PNG."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from explaint_lib._common import printable


def html_text(text: object) -> str:
    """Return foreign text as HTML may hold it, between tags and in a quoted attribute."""
    return escape(printable(text), quote=True)


def png(alpha: np.ndarray, ink: str) -> str:
    """Return a one-colour PNG as a data URL; its opacity is `alpha`, shape (row, column), in [0, 1].

    A palette of 256 entries, all of them `ink`, each with an opacity of its own. No date and no version is written.
    """
    rows, columns = alpha.shape
    pixels = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)
    image = Image.frombytes("P", (columns, rows), pixels.tobytes())
    image.putpalette(bytes.fromhex(ink.removeprefix("#")) * 256)
    file = io.BytesIO()
    image.save(file, "PNG", transparency=bytes(range(256)), compress_level=9)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def matrix_svg(alpha: np.ndarray, tokens: Sequence[str], ink: str, name: str) -> str:
    """Return a square map, shape (query, key), as SVG; with its tokens where there is room (up to 40)."""
    n = len(tokens)
    if n == 0:
        return "<p>No token is shown.</p>"
    named = n <= 40
    cell = 15 if named else max(2, 360 // n)
    left, top = (96, 76) if named else (4, 4)
    size = n * cell
    texts = []
    for i, token in enumerate(tokens if named else ()):
        token = token[1:] if len(token) > 1 and token[0] in "Ġ▁" else token  # the mark of a word's beginning
        short = html_text(token if len(token) <= 12 else token[:11] + "…")
        middle = (i + 0.5) * cell
        texts.append(f'<text x="{left - 5}" y="{top + middle + 4:g}" text-anchor="end">{short}</text>')
        texts.append(f'<text transform="translate({left + middle + 3:g} {top - 5}) rotate(-60)">{short}</text>')
    width, height = left + size + (30 if named else 4), top + size + 4
    what = html_text(f"{name}: matrix of attention weights")
    square = f'x="{left}" y="{top}" width="{size}" height="{size}"'
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{what}" style="font:11px sans-serif"><image href="{png(alpha, ink)}" {square} '
        f'preserveAspectRatio="none" style="image-rendering:pixelated"/>'
        f'<rect {square} fill="none" stroke="#8a93a1"/>{"".join(texts)}</svg>'
    )
