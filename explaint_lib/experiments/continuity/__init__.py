"""Four claims about tokens and positions, by layer, for a trained model and its untrained twins."""

from __future__ import annotations

from explaint_lib.experiments.continuity._run import run_continuity
from explaint_lib.experiments.continuity._texts import MIN_SENTENCES, bundled_sentences

__all__ = ["MIN_SENTENCES", "bundled_sentences", "run_continuity"]
