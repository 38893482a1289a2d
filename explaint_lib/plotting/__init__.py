"""Figures for the chapters: every function takes an `ax` and returns it; numbers come in, nothing is computed.

`verdict_table` is the table that ends a chapter.

What they show: an observation beside its null, floor, ceiling and chance on one axis, layer curves beside the
untrained twin, attention maps. What they control for: colour is never the only difference (marker and label go with
it), chance is always drawn, and labels sit at what they name. What they do not license: intervals are drawn as they
are given; two intervals that overlap are no test of a difference.

seaborn gives the style and draws matrices (`matrix_plot`). Its statistical plots are not used: they resample what they
are given, row by row, and draw that interval, where ours are over words and come with the numbers.
"""

from explaint_lib.plotting._dots import dots_plot, legend
from explaint_lib.plotting._forest import forest_legend, forest_plot
from explaint_lib.plotting._maps import attention_lines, attention_map, matrix_plot
from explaint_lib.plotting._results import conditions_plot, curves_plot, sweep_plot
from explaint_lib.plotting._show import FINDING, show
from explaint_lib.plotting._style import LOOKS, Look, look, plain, set_style, style
from explaint_lib.plotting._tables import VerdictTable, verdict_table

__all__ = [
    "FINDING",
    "LOOKS",
    "Look",
    "VerdictTable",
    "attention_lines",
    "attention_map",
    "conditions_plot",
    "curves_plot",
    "dots_plot",
    "forest_legend",
    "forest_plot",
    "legend",
    "look",
    "matrix_plot",
    "plain",
    "set_style",
    "show",
    "style",
    "sweep_plot",
    "verdict_table",
]
