"""Faults planted in a model, and tools that compete to find them: pictures, norms, lenses, patching, and plain rivals.

What it measures
    A fault is planted at a known place: a head is silenced, flattened or exchanged with another one, a layer's
    weights are perturbed, a token's embedding is damaged, or the tokenizer gives one token the next one's id. Each tool
    ranks the heads, layers or tokens; a hit is a site among the first one, or three.

What it controls for
    Chance, exactly, ties included. What a tool has at hand: the faulty model alone, the intact model too, or the intact
    weights. Two rivals that interpret nothing: the first state that differs, and the largest change of the weights.

What it does not license
    Rates for faults of other kinds, of two faults at once, or of an intact model that was trained again: its weights
    and states differ everywhere, and the rivals that compare them are then no longer exact.
"""

from __future__ import annotations

from explaint_lib.experiments.faults._kinds import KINDS, LEVELS, Fault
from explaint_lib.experiments.faults._plant import Planted, draw_faults, planted_fault
from explaint_lib.experiments.faults._run import compare_tools, find_faults, hit
from explaint_lib.experiments.faults._tools import TOOLS
from explaint_lib.experiments.faults._weights import drifted

__all__ = [
    "KINDS",
    "LEVELS",
    "TOOLS",
    "Fault",
    "Planted",
    "compare_tools",
    "draw_faults",
    "drifted",
    "find_faults",
    "hit",
    "planted_fault",
]
