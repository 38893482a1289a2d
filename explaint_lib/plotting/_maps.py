"""Static pictures of one attention map: what print, and a reader without JavaScript, gets instead of the widget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.plotting._style import BLUE, GREY, plain

_MOST_NAMED = 40


def attention_map(
    ax: Axes, weights: ArrayLike, tokens: Sequence[str], *, vmax: float | None = None, colour: str = BLUE
) -> Axes:
    """Draw a map as a matrix: rows attend (query), columns are attended to (key).

    Parameters
    ----------
    ax : Axes
    weights : array_like, shape (query, key)
    tokens : sequence of str
        Written on both sides, up to 40 of them.
    vmax : float, optional
        Weight of the full colour; give two maps the same one to compare them. Left out: the largest weight.
    colour : str

    Returns
    -------
    Axes
    """
    weights, tokens = _checked(weights, tokens)
    ramp = LinearSegmentedColormap.from_list("ink", ["white", colour])
    ax.imshow(weights, cmap=ramp, vmin=0, vmax=vmax or weights.max() or 1, interpolation="nearest")
    n = len(tokens)
    if n <= _MOST_NAMED:
        size = min(12.0, 150 / n)
        ax.set_xticks(range(n), [_plain(t) for t in tokens], rotation=60, ha="left", rotation_mode="anchor", size=size)
        ax.set_yticks(range(n), [_plain(t) for t in tokens], size=size)
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, pad=2)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set(visible=True, color=GREY)
    ax.set_ylabel("from (query)")
    ax.set_xlabel("to (key)")
    return ax


def attention_lines(
    ax: Axes,
    weights: ArrayLike,
    tokens: Sequence[str],
    *,
    vmax: float | None = None,
    identity: ArrayLike | None = None,
    colour: str = BLUE,
) -> Axes:
    """Draw a map as links from the tokens on the left (query) to the tokens on the right (key).

    Parameters
    ----------
    ax : Axes
    weights : array_like, shape (query, key)
    tokens : sequence of str
    vmax : float, optional
        Weight of the strongest link; give two maps the same one to compare them. Left out: the largest weight.
    identity : array_like, shape (query,), in [0, 1], optional
        How far each state still is its token: each half of a link fades with the token at its own end.
    colour : str

    Returns
    -------
    Axes
    """
    weights, tokens = _checked(weights, tokens)
    n = len(tokens)
    fade = np.ones(n) if identity is None else np.asarray(identity, dtype=float)
    if fade.shape != (n,) or not ((fade >= 0) & (fade <= 1)).all():
        raise ExplaintError(f"identity must hold one value from 0 to 1 for each of {n} tokens, found {fade.shape}")
    scale = vmax or weights.max() or 1
    for q, k in np.argwhere(weights >= 0.01 * scale):
        strength, middle = min(1.0, weights[q, k] / scale), (q + k) / 2
        left = [(0, q), (0.25, q), (0.375, (q + middle) / 2), (0.5, middle)]
        right = [(0.5, middle), (0.625, (k + middle) / 2), (0.75, k), (1, k)]
        for half, end in ((left, q), (right, k)):
            path = Path(half, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
            alpha = 0.05 + 0.9 * strength * fade[end]
            ax.add_patch(PathPatch(path, fc="none", ec=colour, lw=0.5 + 4 * strength, alpha=alpha, capstyle="butt"))
    size = min(13.0, 230 / n)
    for i, token in enumerate(tokens):
        ax.text(-0.03, i, _plain(token), ha="right", va="center", size=size)
        ax.text(1.03, i, _plain(token), ha="left", va="center", size=size)
    ax.text(-0.03, -1.1, "from (query)", ha="right", va="center", color=GREY, size=12)
    ax.text(1.03, -1.1, "to (key)", ha="left", va="center", color=GREY, size=12)
    ax.set(xlim=(0, 1), ylim=(n - 0.5, -1.5))
    ax.axis("off")
    return ax


def _checked(weights: ArrayLike, tokens: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    array, names = np.asarray(weights, dtype=float), [str(t) for t in tokens]
    if array.shape != (len(names), len(names)):
        raise ExplaintError(
            f"weights must have the shape (query, key) = {(len(names), len(names))}, one a token, found {array.shape}"
        )
    if not np.isfinite(array).all() or array.min(initial=0) < 0:
        raise ExplaintError("weights must be finite and not negative")
    return array, names


def _plain(token: str) -> str:
    """Return `token` as it fits beside a map."""
    token = " ".join(token.split()) or "␣"
    return plain(token if len(token) <= 14 else token[:13] + "…")
