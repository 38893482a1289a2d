"""One look for every figure: sizes that stay readable on a phone, and one colour and marker for each condition."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.rcsetup import cycler

from explaint_lib._common import printable

# Okabe & Ito (2008), darkened where the original is too pale for a line on white
BLUE, VERMILLION, GREEN, PURPLE = "#0068a8", "#c44e00", "#00805c", "#a8508a"
ORANGE, SKY, BLACK, GREY = "#966400", "#1c78aa", "#1b1f27", "#616a76"


_LONGEST = 48  # letters of a title over one column


class Look(NamedTuple):
    """How one condition is drawn, in every figure of the book."""

    label: str
    colour: str
    marker: str
    line: str = "-"


LOOKS = {
    "system": Look("system", BLUE, "o"),
    "oracle": Look("oracle", GREEN, "^"),
    "upper_bound": Look("upper bound", GREEN, "D"),
    "shuffled_upper_bound": Look("shuffled upper bound", ORANGE, "D"),
    "shuffled": Look("shuffled", VERMILLION, "v"),
    "permuted_pairing": Look("permuted pairing", VERMILLION, "X"),
    "permuted_within": Look("permuted in category", VERMILLION, "p"),
    "mean_profile": Look("mean profile", PURPLE, "s"),
    "random": Look("random", GREY, "P"),
    "chance": Look("chance", GREY, "|", "--"),
    "trained": Look("trained", BLUE, "o"),
    "untrained": Look("untrained", VERMILLION, "v", "--"),
}
_SPARE = (
    Look("", BLUE, "o"), Look("", VERMILLION, "v", "--"), Look("", GREEN, "D", "-."), Look("", PURPLE, "s", ":"),
    Look("", ORANGE, "^"), Look("", SKY, "P", "--"), Look("", BLACK, "X", "-."), Look("", GREY, "*", ":"),
)  # fmt: skip


def plain(name: object) -> str:
    r"""Return a name from a file, a model or a text as matplotlib draws it letter by letter.

    Two dollar signs would make a formula of what stands between them (or stop the drawing, where it is none); control
    characters have no picture. A long name (a folder's path) loses its middle: it would leave no room for the axes.

    Examples
    --------
    >>> from explaint_lib import plotting
    >>> print(plotting.plain("$x^2$"))
    \$x^2\$
    """
    text = printable(name)
    return (text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}").replace("$", r"\$")


def look(name: str, position: int = 0) -> Look:
    """Return the look of a condition; an unknown name gets the spare look number `position`, and its own name.

    Examples
    --------
    >>> from explaint_lib import plotting
    >>> plotting.look("mean_profile").label, plotting.look("five_neighbours", 2).label
    ('mean profile', 'five neighbours')
    """
    if name in LOOKS:
        return LOOKS[name]
    return _SPARE[position % len(_SPARE)]._replace(label=plain(str(name).replace("_", " ")))


def looks_of(names: Sequence[str]) -> dict[str, Look]:
    """Return a look for each name of one figure: an unknown one gets a spare look that no other name there has."""
    found = {name: LOOKS[name] for name in names if name in LOOKS}
    for position, name in enumerate(names):
        if name not in found:
            taken = {(one.colour, one.marker) for one in found.values()}
            spare = [look(name, position + further) for further in range(len(_SPARE))]
            found[name] = next((one for one in spare if (one.colour, one.marker) not in taken), spare[0])
    return found


def _settings() -> dict[Any, Any]:
    # 13 pt on 6.2 inches is 9 to 10 pixels on a phone that shows the figure 330 pixels wide
    text = {key: 13 for key in ("font.size", "axes.labelsize", "legend.fontsize")}
    ticks = {key: 12 for key in ("xtick.labelsize", "ytick.labelsize")}
    own = {
        "axes.titlesize": 14, "axes.titlelocation": "left", "axes.titleweight": "bold", "axes.titlepad": 10,
        "axes.prop_cycle": cycler(color=[spare.colour for spare in _SPARE]), "axes.edgecolor": GREY,
        "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "grid.color": "#e4e7ec",
        "figure.figsize": (6.2, 4.0), "figure.constrained_layout.use": True, "figure.dpi": 120,
        "figure.facecolor": "white", "axes.facecolor": "white", "savefig.facecolor": "white",
        "text.color": BLACK, "axes.labelcolor": BLACK, "xtick.color": BLACK, "ytick.color": BLACK,
        "lines.linewidth": 2.2, "lines.markersize": 6.5, "font.family": ["DejaVu Sans"], "svg.hashsalt": "explaint",
    }  # fmt: skip
    return {**sns.axes_style("whitegrid"), **text, **ticks, **own}


def style() -> AbstractContextManager[None]:
    """Return a context in which figures have the book's look; outside it nothing has changed.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> from explaint_lib import plotting
    >>> with plotting.style():
    ...     mpl.rcParams["figure.constrained_layout.use"]
    True
    """
    return mpl.rc_context(_settings())


def set_style() -> None:
    """Give every later figure of this session the book's look (the first cell of a chapter).

    Tables cut no text and read no formula in it. A letter that the font lacks is a box, without a warning each.

    Examples
    --------
    >>> import matplotlib as mpl, pandas as pd, warnings
    >>> from explaint_lib import plotting
    >>> with mpl.rc_context(), pd.option_context("display.max_colwidth", 50), warnings.catch_warnings():
    ...     plotting.set_style()
    ...     mpl.rcParams["font.size"]
    13.0
    """
    mpl.rcParams.update(_settings())
    pd.set_option("display.max_colwidth", None, "display.html.use_mathjax", False)
    warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font", category=UserWarning)
