"""Observed, null, floor, ceiling and chance on one axis; layer curves; a null and what was observed; sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.plotting._show import in_a_row, of_conditions, of_curves, say, short
from explaint_lib.plotting._style import BLACK, GREY, LOOKS, Look, look, looks_of, plain

Rows = pd.DataFrame | Sequence[Mapping[str, Any]]

# ceilings above, the observation, then what it must beat: the order in which a reader asks
_ORDER = (
    "oracle", "upper_bound", "system", "permuted_within", "shuffled_upper_bound", "shuffled", "permuted_pairing",
    "mean_profile", "random",
)  # fmt: skip


def conditions_plot(ax: Axes, rows: Rows, metric: str, *, observed: str = "system") -> Axes:
    """Draw every condition of one metric on one axis, with intervals, each named and with its number.

    Parameters
    ----------
    ax : Axes
    rows : DataFrame or sequence of dict
        Columns condition, metric, value, ci_low, ci_high (None or NaN = no interval), one row a condition.
        The condition ``chance`` becomes a line through all others.
    metric : str
        Which rows to draw, and the label of the axis.
    observed : str
        Its interval is carried through the other rows as a band.

    Returns
    -------
    Axes

    Raises
    ------
    ExplaintError
        If there is no row for `metric`, or a condition has two (several norms or models at once).

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from explaint_lib import plotting
    >>> rows = [{"condition": "mean_profile", "metric": "F1@10", "value": 0.11}]
    >>> rows += [{"condition": "system", "metric": "F1@10", "value": 0.25, "ci_low": 0.22, "ci_high": 0.28}]
    >>> ax = plotting.conditions_plot(Figure().subplots(), rows, "F1@10")
    >>> [label.get_text() for label in ax.get_yticklabels()], [text.get_text() for text in ax.texts]
    (['system', 'mean profile'], ['0.25', '0.11'])
    """
    frame = _table(rows, ("condition", "metric", "value"))
    frame = frame[(frame["metric"] == metric) & frame["value"].notna()]
    if frame.empty:
        raise ExplaintError(f"no row with metric {metric!r} and a value; choose the metric from the table's rows")
    if frame["condition"].duplicated().any():
        twice = frame.loc[frame["condition"].duplicated(), "condition"].iloc[0]
        raise ExplaintError(f"condition {twice!r} has more than one row; select one data set, model and layer first")
    found = {row["condition"]: row for row in frame.to_dict("records")}
    chance = found.pop("chance", None)
    known = [c for c in _ORDER if c in found]
    names = known + [c for c in found if c not in known]
    every, high, read = looks_of(names), 0.0, []
    for y, name in enumerate(names):
        row, looks = found[name], every[name]
        low, top = _number(row.get("ci_low"), row["value"]), _number(row.get("ci_high"), row["value"])
        high = max(high, top)
        read.append({"label": looks.label, "value": row["value"], "low": low, "high": top})
        if name == observed and top > low:
            ax.axvspan(low, top, color=looks.colour, alpha=0.12, lw=0)
        ax.plot([low, top], [y, y], color=looks.colour, lw=2.6, solid_capstyle="butt")
        ax.plot(row["value"], y, looks.marker, color=looks.colour, ms=10, mec="white", mew=0.8)
        # the number stands outside the interval, so that nothing is drawn across it
        ax.annotate(
            f"{row['value']:.2f}",
            (top, y),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            weight="bold" if name == observed else "normal",
            color=looks.colour,
        )
    ax.set_yticks(range(len(names)), [every[name].label for name in names])
    for name, tick in zip(names, ax.get_yticklabels(), strict=True):
        tick.set_fontweight("bold" if name == observed else "normal")
    ax.set_ylim(len(names) - 0.4, -0.9 if chance is not None else -0.6)
    lowest = min(0.0, *(_number(r.get("ci_low"), r["value"]) for r in found.values()))
    ax.set_xlim(lowest - 0.02 * (high - lowest), high + 0.17 * (high - lowest or 1))
    if chance is not None:
        ax.axvline(chance["value"], color=GREY, ls="--", lw=1.6, zorder=1)
        ax.annotate(
            f"chance {chance['value']:.2g}",
            (chance["value"], -0.9),
            xytext=(4, -2),
            textcoords="offset points",
            va="top",
            color=GREY,
        )
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(plain(metric.replace("_at_", "@").replace("_", " ")))
    say(ax, of_conditions(ax.get_xlabel(), look(observed).label, read, None if chance is None else chance["value"]))
    return ax


def curves_plot(
    ax: Axes,
    curves: Mapping[str, Rows],
    *,
    x: str = "layer",
    y: str = "value",
    ylabel: str = "",
    chance: ArrayLike | float | None = None,
) -> Axes:
    """Draw one curve a name over layers, with its interval as a band and its name at its end.

    Parameters
    ----------
    ax : Axes
    curves : mapping of name to DataFrame or sequence of dict
        Columns `x`, `y` and, where there is an interval, ci_low and ci_high. The names ``trained`` and
        ``untrained`` (and every condition) have a look of their own.
    x, y : str
        Names of the columns.
    ylabel : str
    chance : float or array_like, one value a layer of the first curve, optional
        Left out, it is read from the column ``chance`` of the first curve if there is one.

    Returns
    -------
    Axes

    Raises
    ------
    ExplaintError
        Without a curve, without one of the columns, or where a curve has two rows for one `x`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from explaint_lib import plotting
    >>> curves = {name: [{"layer": 0, "value": 0.1}, {"layer": 1, "value": top}] for name, top in
    ...           (("trained", 0.4), ("untrained", 0.1))}
    >>> ax = plotting.curves_plot(Figure().subplots(), curves, chance=0.05)
    >>> [text.get_text() for text in ax.texts], ax.get_xlabel()
    (['chance', 'untrained', 'trained'], 'layer')
    """
    if not curves:
        raise ExplaintError("curves is empty; give at least one name with its rows")
    ends: list[tuple[float, Look]] = []
    drawn: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    for position, (name, rows) in enumerate(curves.items()):
        frame = _table(rows, (x, y)).sort_values(x)
        if frame[x].duplicated().any():
            raise ExplaintError(f"curve {name!r} has two rows for one {x}; select one measure and reference first")
        looks = look(name, position)
        at, value = frame[x].to_numpy(), frame[y].to_numpy(dtype=float)
        if "ci_low" in frame and "ci_high" in frame:
            low, high = (frame[c].to_numpy(dtype=float) for c in ("ci_low", "ci_high"))
            ax.fill_between(at, low, high, color=looks.colour, alpha=0.16, lw=0)
        every = None if len(at) <= 16 else len(at) // 8
        ax.plot(at, value, looks.line, marker=looks.marker, color=looks.colour, mec="white", mew=0.7, markevery=every)
        ends.append((value[-1], looks))
        drawn[looks.label] = at, value
        if position == 0:
            first = at, frame["chance"].to_numpy(dtype=float) if "chance" in frame else None
    say(ax, of_curves(plain(x), drawn))
    level = first[1] if chance is None else np.broadcast_to(np.asarray(chance, dtype=float), first[0].shape)
    if level is not None:
        ax.plot(first[0], level, "--", color=GREY, lw=1.6, zorder=1)
        ends.append((level[-1], LOOKS["chance"]))
        say(ax, f"Chance: {short(level[-1])}.")
    ax.set_xlabel(plain(x))
    ax.set_ylabel(ylabel or plain(y))
    ax.margins(x=0.02)
    locator = ax.xaxis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        locator.set_params(integer=True)
    return _label_ends(ax, ends)


def sweep_plot(
    ax: Axes,
    x: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    references: Mapping[str, float] | None = None,
    xlabel: str = "components",
    ylabel: str = "",
    log: bool = False,
) -> Axes:
    """Draw scores over a setting (such as the number of components), with horizontal lines to compare with.

    Parameters
    ----------
    ax : Axes
    x : array_like, shape (n,)
        Numbers, or names, which then stand at equal distances.
    curves : mapping of name to array_like, shape (n,) or (n, 3)
        Values, or values with their intervals (value, low, high).
    references : mapping of name to float, optional
        Mean profile, oracle, chance ...
    xlabel, ylabel : str
    log : bool
        Logarithmic `x`.

    Returns
    -------
    Axes

    Raises
    ------
    ExplaintError
        If a curve has not one value, or one value and its interval, for each of `x`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from explaint_lib import plotting
    >>> curves = {"system": [[0.20, 0.18, 0.22], [0.25, 0.23, 0.27]]}
    >>> ax = plotting.sweep_plot(Figure().subplots(), [1, 10], curves, references={"mean_profile": 0.1}, log=True)
    >>> [text.get_text() for text in ax.texts], [label.get_text() for label in ax.get_xticklabels()]
    (['mean profile', 'system'], ['1', '10'])
    """
    places = np.asarray(x)
    ends: list[tuple[float, Look]] = []
    drawn: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    named = places.dtype.kind in "UO"
    at = np.arange(len(places)) if named else places.astype(float)
    for position, (name, values) in enumerate(curves.items()):
        array, looks = np.asarray(values, dtype=float), look(name, position)
        if array.shape not in (at.shape, (*at.shape, 3)):
            raise ExplaintError(
                f"curve {name!r} must have the shape {at.shape} or {(*at.shape, 3)}, found {array.shape}"
            )
        value = array if array.ndim == 1 else array[:, 0]
        if array.ndim == 2:
            ax.fill_between(at, array[:, 1], array[:, 2], color=looks.colour, alpha=0.16, lw=0)
        ax.plot(at, value, looks.line, marker=looks.marker, color=looks.colour, mec="white", mew=0.7)
        ends.append((value[-1], looks))
        drawn[looks.label] = places, value
    say(ax, of_curves(xlabel, drawn))
    for position, (name, level) in enumerate((references or {}).items()):
        looks = look(name, len(curves) + position)._replace(line="--")
        ax.axhline(level, color=looks.colour, ls="--", lw=1.6, zorder=1)
        ends.append((level, looks))
    if references:
        say(ax, f"Lines: {in_a_row({look(name).label: level for name, level in references.items()})}.")
    if log:
        ax.set_xscale("log")
        ax.set_xticks(at, [f"{v:g}" for v in at])
        ax.minorticks_off()
    if named:
        ax.set_xticks(at, [plain(name) for name in places], rotation=30, ha="right", rotation_mode="anchor")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return _label_ends(ax, ends)


def _table(rows: Rows, columns: Sequence[str]) -> pd.DataFrame:
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    missing = [c for c in columns if c not in frame]
    if missing:
        raise ExplaintError(f"rows need the columns {list(columns)}; {missing} are missing, found {list(frame)}")
    return frame


def _number(value: Any, otherwise: float) -> float:
    return float(otherwise) if value is None or np.isnan(value) else float(value)


def _label_ends(ax: Axes, ends: Sequence[tuple[float, Look]]) -> Axes:
    """Write each name at the right edge, at its height; names that would touch are pushed apart, in order."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high)  # heights below are worked out for these limits: keep them
    ends = sorted((end for end in ends if np.isfinite(end[0])), key=lambda end: end[0])
    size = float(ax.xaxis.label.get_fontsize()) * 0.96
    # constrained layout will shrink the axes for the labels and the title, not by more than a fifth
    step = 1.3 * size / (72 * 0.8 * ax.bbox.height / ax.figure.dpi) * (high - low)
    places = np.array([value for value, _ in ends], dtype=float)
    for _ in range(200):
        gaps = np.diff(places)
        tight = np.flatnonzero(gaps < step * 0.999)
        if not tight.size:
            break
        for i in tight:
            push = (step - (places[i + 1] - places[i])) / 2
            if push > 0:
                places[i] -= push
                places[i + 1] += push
    for (value, looks), place in zip(ends, places, strict=True):
        ax.annotate(
            looks.label,
            (1, value),
            xytext=(1.045, place),
            xycoords=ax.get_yaxis_transform(),
            textcoords=ax.get_yaxis_transform(),
            va="center",
            color=looks.colour if looks.label else BLACK,
            size=size,
            arrowprops={"arrowstyle": "-", "color": looks.colour, "lw": 1, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
        )
    return ax
