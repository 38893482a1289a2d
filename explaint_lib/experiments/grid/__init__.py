"""A grid of experiments, declared in a small file: every combination computed once, one tidy table out."""

from __future__ import annotations

from explaint_lib.experiments.grid._cells import Cell
from explaint_lib.experiments.grid._declare import Grid, Model, read_grid
from explaint_lib.experiments.grid._run import BACKENDS, listing, metrics_left_out, run_grid

__all__ = ["BACKENDS", "Cell", "Grid", "Model", "listing", "metrics_left_out", "read_grid", "run_grid"]
