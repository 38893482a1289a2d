"""A grid of experiments, declared in a small file: every combination computed once, one tidy table out."""

from __future__ import annotations

from explaint_lib.experiments.grid._grid import (
    BACKENDS,
    Grid,
    Model,
    listing,
    metrics_left_out,
    read_grid,
    run_grid,
)

__all__ = ["BACKENDS", "Grid", "Model", "listing", "metrics_left_out", "read_grid", "run_grid"]
