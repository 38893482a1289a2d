"""Points beside each other: a row a thing that was measured, a mark a condition, intervals where there are some."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from explaint_lib._common import ExplaintError
from explaint_lib.plotting._show import of_columns, say, short
from explaint_lib.plotting._style import GREY, looks_of, plain


def dots_plot(
    ax: Axes,
    values: pd.DataFrame,
    *,
    low: pd.DataFrame | None = None,
    high: pd.DataFrame | None = None,
    chance: float | None = None,
) -> Axes:
    """Draw a table as points: a row a line from the top, a column a mark; `legend` names the marks.

    Parameters
    ----------
    ax : Axes
    values : DataFrame
        Names of rows and columns are written as they are; a missing value (NaN) has no mark.
    low, high : DataFrame of the same rows and columns, optional
        The ends of an interval for each value.
    chance : float, optional
        A dashed line.

    Returns
    -------
    Axes

    Raises
    ------
    ExplaintError
        If the intervals are not of the same rows and columns as the values.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from explaint_lib import plotting
    >>> found = pd.DataFrame({"head": [0.9, 0.7], "fixed offset": [0.8, 0.75]}, index=["subject", "object"])
    >>> ax = plotting.dots_plot(Figure().subplots(), found, chance=0.2)
    >>> [label.get_text() for label in ax.get_yticklabels()], len(ax.get_legend_handles_labels()[1])
    (['subject', 'object'], 2)
    """
    for ends in (low, high):
        if ends is not None and not (ends.index.equals(values.index) and ends.columns.equals(values.columns)):
            raise ExplaintError(
                f"an interval must have the rows {list(values.index)} and the columns {list(values)} of the values, "
                f"found {list(ends.index)} and {list(ends)}"
            )
    n, looks = len(values), looks_of([str(name) for name in values])
    for k, name in enumerate(values):
        look, y = looks[str(name)], np.arange(n) + 0.22 * (k - (values.shape[1] - 1) / 2)
        if low is not None and high is not None:
            ax.hlines(y, low[name], high[name], color=look.colour, lw=2.4)
        ax.plot(values[name].astype(float), y, look.marker, color=look.colour, mec="white", ms=9, label=look.label)
    if chance is not None:
        ax.axvline(chance, color=GREY, ls="--", lw=1.6, zorder=1)
    ax.set_yticks(range(n), [plain(name) for name in values.index])
    ax.set_ylim(n - 0.4, -0.6)
    said = of_columns(values) if n > 3 else " ".join(_one_by_one(values))
    say(ax, said + (f" Chance: {short(chance)}." if chance is not None else ""))
    return ax


def _one_by_one(values: pd.DataFrame) -> list[str]:
    rows = ((name, row.dropna()) for name, row in values.iterrows())
    return [f"{name}: " + ", ".join(f"{k} {short(float(v))}" for k, v in row.items()) + "." for name, row in rows]


def legend(figure: Figure) -> None:
    """Name the marks of all panels once, below the figure.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from explaint_lib import plotting
    >>> figure = Figure(layout="constrained")
    >>> for ax in figure.subplots(1, 2):
    ...     _ = plotting.dots_plot(ax, pd.DataFrame({"head": [0.9]}, index=["subject"]))
    >>> plotting.legend(figure)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['head']
    """
    named: dict[str, Artist] = {}
    for ax in figure.axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    columns = max(1, min(len(named), int(42 // max(map(len, named), default=1))))
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=columns, frameon=False)
