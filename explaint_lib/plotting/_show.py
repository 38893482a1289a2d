"""Show a figure together with its finding: what its numbers say, in words that stand below it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from weakref import WeakKeyDictionary

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

#: Where an output keeps the words of its figure: a key of the output's metadata.
FINDING = "explaint_finding"
_SAID: WeakKeyDictionary[Axes, list[str]] = WeakKeyDictionary()


def say(ax: Axes, sentence: str) -> None:
    """Note what is to be read off `ax`; `show` puts it below the figure."""
    _SAID.setdefault(ax, []).append(sentence)


def short(value: Any) -> str:
    """Return a number with two digits behind the point, a whole number as it is, names with theirs; else text."""
    if isinstance(value, Mapping):
        return in_a_row(value)
    if isinstance(value, (float, np.floating)):
        return f"{round(float(value), 2) + 0:.2f}"  # + 0: no "-0.00"
    return str(value)


def in_a_row(found: Mapping[str, Any]) -> str:
    """Return names with their numbers, as a part of a sentence."""
    between = "; " if any("," in name for name in found) else ", "
    return between.join(f"{name} {short(value)}" for name, value in found.items())


def finding(figure: Figure) -> str:
    """Return the sentences of a figure's panels, each with its panel's title, or axis, where there are several."""
    said = {ax: " ".join(_SAID[ax]) for ax in figure.axes if ax in _SAID}
    parts = []
    for ax, sentences in said.items():
        titles = " ".join(ax.get_title(loc=side) for side in ("left", "center")).strip() or ax.get_ylabel()
        title = " ".join(titles.replace(r"\$", "$").split())
        parts.append(f"{title}: {sentences}" if len(said) > 1 and title else sentences)
    return " ".join(parts)


def show(said: str = "", /, **numbers: Any) -> None:
    """Show the current figure as SVG, with its finding below it, and close it: the last line of a cell that draws.

    Parameters
    ----------
    said : str
        The finding, with ``{name}`` where a number belongs. Left out, it is what the functions that drew say: the
        observation with its interval and what lies above, inside and below it; where a curve begins and ends; which
        cells of a matrix are highest and lowest.
    **numbers
        The numbers of `said`: real ones are written with two digits behind the point, a mapping as names with theirs.

    Notes
    -----
    A published page numbers the figure and makes of the finding its caption and, behind the description that the cell's
    metadata give, its alternative text.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from explaint_lib import plotting
    >>> fig, ax = plt.subplots()
    >>> _ = ax.plot([0.1, 0.4])
    >>> plotting.show("It rises to {top}.", top=0.4)
    It rises to 0.40.
    """
    figure = plt.gcf()
    words = said.format(**{name: short(value) for name, value in numbers.items()}) if said else finding(figure)
    words = " ".join(words.split())  # names of an axis may stand on two lines
    written = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "explaint"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    plt.close(figure)
    display(_Shown(written.getvalue(), words))


@dataclass(frozen=True)
class _Shown:
    """A drawn figure: a picture for a notebook, its finding for who has none."""

    svg: bytes
    words: str

    def __repr__(self) -> str:
        return self.words

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, str]]:
        picture, words = base64.b64encode(self.svg).decode(), escape(self.words)
        html = (
            f'<figure><img src="data:image/svg+xml;base64,{picture}" alt="{words}" style="max-width: 100%">'
            f"<figcaption>{words}</figcaption></figure>"
        )
        return {"text/plain": self.words, "text/html": html, "image/svg+xml": self.svg.decode()}, {FINDING: self.words}


def of_conditions(metric: str, observed: str, rows: Iterable[Mapping[str, Any]], chance: float | None) -> str:
    """Return what is to be read off conditions on one axis: what lies above, inside and below the observation.

    Parameters
    ----------
    metric : str
        What the axis is called.
    observed : str
        The label of the observation.
    rows : iterable of dict
        label, value, low, high.
    chance : float, optional
    """
    every = {row["label"]: row for row in rows}
    parts = []
    if observed in every:
        own = every.pop(observed)
        low, high = own["low"], own["high"]
        interval = f" [{short(low)}, {short(high)}]" if high > low else ""
        parts.append(f"{metric}: {observed} {short(own['value'])}{interval}.")
        inside = "Inside its interval" if interval else "Equal to it"
        places: dict[str, list[str]] = {"Above it": [], inside: [], "Below it": []}
        for label, row in every.items():
            value = row["value"]
            places["Above it" if value > high else "Below it" if value < low else inside].append(label)
        parts += [
            f"{place}: {in_a_row({label: every[label]['value'] for label in labels})}."
            for place, labels in places.items()
            if labels
        ]
    else:
        parts.append(f"{metric}: {in_a_row({label: row['value'] for label, row in every.items()})}.")
    if chance is not None:
        parts.append(f"Chance: {short(chance)}.")
    return " ".join(parts)


def of_curves(x: str, curves: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> str:
    """Return where curves begin and end; (places, heights) by the name of the curve, `x` the name of the axis."""
    ends: dict[tuple[str, ...], dict[str, str]] = {}  # curves over the same places share a sentence
    for name, (at, values) in curves.items():
        places, heights = np.atleast_1d(np.asarray(at)), np.atleast_1d(np.asarray(values, dtype=float))
        outer = dict.fromkeys((0, len(places) - 1))
        names = [str(places[i]) if isinstance(places[i], str) else f"{float(places[i]):.3g}" for i in outer]
        said = " to ".join(short(float(heights[i])) for i in outer)
        ends.setdefault(tuple(names), {})[name] = said
    parts = []
    for where_to, found in ends.items():
        where = f"From {' to '.join(where_to)}" if len(where_to) > 1 else f"At {where_to[0]}"
        parts.append(f"{where}{f' ({x})' if x else ''}: {in_a_row(found)}.")
    return " ".join(parts)


def of_columns(table: pd.DataFrame) -> str:
    """Return for each column of a table which row is highest and which lowest."""
    parts = []
    for name, column in table.astype(float).items():
        known = column.dropna().sort_values(kind="stable")
        if known.empty:
            continue
        rows, values = list(known.index), known.to_numpy()
        lowest = f", lowest {rows[0]} ({short(values[0])})" if values[0] < values[-1] else ""
        parts.append(f"{name}: highest {rows[-1]} ({short(values[-1])}){lowest}.")
    return " ".join(parts)
