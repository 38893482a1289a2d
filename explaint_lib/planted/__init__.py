"""Worlds whose truth is known, to try every method on before it is believed about a real model.

What is here
    Hand-built transformers, real ones (queries, keys, values, outputs, softmax, residual stream), small and
    exact: `keeper`, `rotator`, `mover`, `decoy`, `sink`. Property worlds: word vectors that encode nothing,
    the category, the category and attributes (loud or in a quiet subspace), or the spelling, all with the same
    norms: `property_world`. Key-value caches of which it is known which entries are needed, and whether attention says
    so: `planted_cache`. What a model would give for sentences, better than a rival or exactly as good:
    `pictures`, `head_search`, `agreeing_maps`, `own_shares`. Vectors that are sums of few known directions out of
    many: `superposition`. `calibrate` asks diagnostics about many draws of such worlds. No download, no torch.

What it controls for
    A method that cannot tell these worlds apart cannot tell them apart in a real model either, where nobody
    knows the answer.

What it does not license
    Passing here is necessary, not sufficient: real models are noisier, wider and mix these cases. A score
    reached on a planted world says nothing about how large it should be on a real one.

The idea of transformers with a labelled residual stream follows Weiss et al. 2021 (RASP) and Lindner et al.
2023 (Tracr); these are our own, smaller constructions.
"""

from explaint_lib.planted._caches import CacheKind, PlantedCache, planted_cache
from explaint_lib.planted._calibration import calibrate
from explaint_lib.planted._heads import working_heads
from explaint_lib.planted._properties import PropertyWorld, property_world
from explaint_lib.planted._sentences import HeadSearch, agreeing_maps, head_search, own_shares, pictures
from explaint_lib.planted._superposition import Superposition, superposition
from explaint_lib.planted._transformer import Parts, PlantedTransformer
from explaint_lib.planted._worlds import decoy, keeper, mover, rotator, sink

__all__ = [
    "CacheKind",
    "HeadSearch",
    "Parts",
    "PlantedCache",
    "PlantedTransformer",
    "PropertyWorld",
    "Superposition",
    "agreeing_maps",
    "calibrate",
    "decoy",
    "head_search",
    "keeper",
    "mover",
    "own_shares",
    "pictures",
    "planted_cache",
    "property_world",
    "rotator",
    "sink",
    "superposition",
    "working_heads",
]
