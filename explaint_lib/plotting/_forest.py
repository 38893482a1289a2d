"""The verdicts of a chapter as one figure: a line a claim, its difference in units of what would matter."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from explaint_lib.plotting._style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, plain
from explaint_lib.results import deciding

#: Shape, colour and filling of each word: no two share a shape, so that the figure needs no colour.
MARKS = {
    "supported": ("o", BLUE, True),
    "equivalent": ("s", ORANGE, True),
    "no better": ("D", GREEN, True),
    "worse": ("v", VERMILLION, True),
    "alarm": ("*", PURPLE, True),
    "cannot tell": ("o", GREY, False),
    "no verdict": ("x", BLACK, True),
}

_LETTERS = 44  # of a line of a claim


def forest_plot(ax: Axes, verdicts: pd.DataFrame, claims: Sequence[str], *, label: bool = True) -> Axes:
    """Draw a line for each claim: the difference to the control that decides it, its interval, and its verdict.

    Scores have different units; each difference is drawn in units of its own margin, the smallest that would matter.
    Between -1 and 1 the axis is linear, beyond it logarithmic.

    Parameters
    ----------
    ax : Axes
    verdicts : DataFrame
        What `explaint_lib.inference.verdicts` returns, with a column ``claim``.
    claims : sequence of str
        The claims to draw, from top to bottom. One that `verdicts` does not hold, or that could not be tested, keeps an
        empty line: panels side by side share their lines.
    label : bool
        Write each claim above its line; a long one takes two lines, which need room.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from explaint_lib import inference, plotting
    >>> one = inference.Comparison("mean profile", difference=0.1, se=0.02, p_value=0.001, score="F1@10")
    >>> found = inference.verdicts({"The vectors say something": [one]}, smallest_effect=0.02)
    >>> ax = plotting.forest_plot(plt.figure().subplots(), found, ["The vectors say something"])
    >>> [float(x) for x in ax.lines[-1].get_xdata()]  # 0.1 is five margins of 0.02
    [5.0]
    """
    ax.patch.set_visible(False)  # the claims of a panel on the left show through
    ax.axvspan(-1, 1, color=GREY, alpha=0.15, linewidth=0)
    ax.axvline(0, color=GREY, linewidth=1)
    for y, claim in enumerate(claims):
        row = deciding(verdicts[verdicts["claim"] == claim])
        if label:
            lines = "\n".join(plain(line) for line in textwrap.wrap(claim, _LETTERS))
            text = ax.text(0, y - 0.28, lines, transform=ax.get_yaxis_transform(), va="bottom", fontsize=11)
            text.set_in_layout(False)  # it may reach over the panels beside it, and must not make this one wider
        if row is None or not row["margin"] > 0:
            continue
        (marker, colour, filled), scale = MARKS[row["word"]], 1 / row["margin"]
        if not np.isnan(row["ci_low"]):
            ax.plot([row["ci_low"] * scale, row["ci_high"] * scale], [y, y], color=colour, linewidth=1.8)
        face = colour if filled else "white"
        ax.plot([row["difference"] * scale], [y], marker, color=colour, markerfacecolor=face, markersize=8)
    ax.set_xscale("symlog", linthresh=1)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_yticks([])
    ax.set_ylim(len(claims) - 0.5, -1)
    ax.grid(visible=False, axis="y")
    return ax


def forest_legend(verdicts: pd.DataFrame) -> list[Line2D]:
    """Return the entries of a legend: the marks of the words that a table of verdicts holds.

    Examples
    --------
    >>> from explaint_lib import inference, plotting
    >>> one = inference.Comparison("mean profile", difference=0.1, se=0.02, p_value=0.001)
    >>> found = inference.verdicts({"it": [one]}, smallest_effect=0.02)
    >>> [entry.get_label() for entry in plotting.forest_legend(found)]
    ['supported']
    """
    there = [word for word in MARKS if (verdicts["word"] == word).any()]
    entries = []
    for word in there:
        marker, colour, filled = MARKS[word]
        face = colour if filled else "white"
        entries.append(Line2D([], [], color=colour, marker=marker, linestyle="", markerfacecolor=face, label=word))
    return entries
