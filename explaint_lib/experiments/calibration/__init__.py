"""How often each comparison of a verdict errs: every one of them in planted worlds of both kinds, at three sizes.

What it measures: a *diagnostic* is a comparison as a chapter makes it (question, control, score), a world in which its
claim is false and one in which it is true. How often the rule of `explaint_lib.inference.verdicts` says "supported" and
how often it refutes, in each, is the table that ships with the library (`explaint_lib.inference.calibration`); the
command `explaint calibrate` makes it again. What it controls for: a control that says the same of both worlds. What it
does not license: the same rates on real data, whose effects and noise are others.
"""

from __future__ import annotations

from explaint_lib.experiments.calibration import (
    _eviction,
    _heads,
    _methods,
    _network,
    _properties,
    _reactions,
    _sentences,
)
from explaint_lib.experiments.calibration._cases import Case, ratings_of, until_decided
from explaint_lib.experiments.calibration._diagnostic import SIZES, Diagnostic, Registry, World
from explaint_lib.experiments.calibration._run import LETTERS, run_calibration, word_of

#: The comparisons of the book.
REGISTRY = Registry()
_properties.register(REGISTRY)
_sentences.register(REGISTRY)
_eviction.register(REGISTRY)
_methods.register(REGISTRY)
_reactions.register(REGISTRY)
_heads.register(REGISTRY)
_network.register(REGISTRY)

__all__ = [
    "LETTERS",
    "REGISTRY",
    "SIZES",
    "Case",
    "Diagnostic",
    "Registry",
    "World",
    "ratings_of",
    "run_calibration",
    "until_decided",
    "word_of",
]
