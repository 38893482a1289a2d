"""Matrices: one attention map, as print and a reader without JavaScript get it instead of the widget, and any table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.plotting._show import of_columns, say, short
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

    Raises
    ------
    ExplaintError
        If there is not one row and one column a token, or a weight is negative or not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from explaint_lib import plotting
    >>> ax = plotting.attention_map(Figure().subplots(), [[1.0, 0.0], [0.3, 0.7]], ["the", "bird"])
    >>> [label.get_text() for label in ax.get_yticklabels()], ax.get_ylabel()
    (['the', 'bird'], 'from (query)')
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
    _say_strongest(ax, weights, tokens)
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

    Raises
    ------
    ExplaintError
        As `attention_map`, and if `identity` has not one value from 0 to 1 a token.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from explaint_lib import plotting
    >>> ax = plotting.attention_lines(Figure().subplots(), [[1.0, 0.0], [0.3, 0.7]], ["the", "bird"])
    >>> len(ax.patches) // 2  # links: each is drawn in two halves
    3
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
    _say_strongest(ax, weights, tokens)
    return ax


def matrix_plot(
    ax: Axes, table: pd.DataFrame, *, low: float, high: float, cmap: str = "Blues", digits: int = 2
) -> Axes:
    """Draw a table of numbers as a matrix of colours, each cell with its number.

    Parameters
    ----------
    ax : Axes
    table : DataFrame
        Index and columns are written beside and above the matrix; a missing cell (NaN) stays white.
    low, high : float
        The values of the palest and the fullest colour; beyond them colours do not change.
    cmap : str
        Name of a colour map; of a diverging one `low` and `high` should lie evenly around its middle.
    digits : int
        Digits behind the point.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from explaint_lib import plotting
    >>> found = pd.DataFrame({"norms": [0.7, 0.5], "spelling": [0.6, 0.9]}, index=["vectors", "letters"])
    >>> ax = plotting.matrix_plot(Figure().subplots(), found, low=0.5, high=1, digits=1)
    >>> [text.get_text() for text in ax.texts], [label.get_text() for label in ax.get_xticklabels()]
    (['0.7', '0.6', '0.5', '0.9'], ['norms', 'spelling'])
    """
    numbers = table.astype(float).map(lambda value: f"{round(value, digits) + 0:.{digits}f}")  # + 0: no "-0.0"
    names = {
        "xticklabels": [plain(name) for name in table.columns],
        "yticklabels": [plain(name) for name in table.index],
    }
    sns.heatmap(
        table.astype(float),
        ax=ax,
        vmin=low,
        vmax=high,
        cmap=cmap,
        annot=numbers,
        fmt="",
        cbar=False,
        linewidths=1,
        annot_kws={"size": min(13.0, 104 / max(table.shape))},
        **names,
    )
    ax.xaxis.tick_top()
    ax.tick_params(axis="x", rotation=30 if len(table.columns) < 7 else 60, length=0)
    for label in ax.get_xticklabels():
        label.set(ha="left", rotation_mode="anchor")
    ax.tick_params(axis="y", rotation=0, length=0)
    say(ax, of_columns(table))
    return ax


def _say_strongest(ax: Axes, weights: np.ndarray, tokens: Sequence[str]) -> None:
    if weights.size and any(tokens):  # a map without words is shown so that it is judged without them
        q, k = divmod(int(weights.argmax()), len(tokens))
        say(ax, f"The strongest link goes from '{tokens[q]}' to '{tokens[k]}' ({short(weights[q, k])}).")


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
