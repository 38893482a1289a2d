"""Does a small network do what an algorithm does inside? Interchange accuracy with a linear and a non-linear map.

What it measures: the algorithm asks "is w like x?", "is y like z?", "are the answers alike?". A map turns the states
of a layer into two halves, one for each of the first two answers. One half is exchanged for that of another input, the
map is undone, the network runs on: does it say what the algorithm says after the same exchange (`interchange_hits`)?
What it controls for: networks of random weights, networks built by hand in which the answers stand in known places or
in which half of the input is lost (`built_networks`), and symbols that the map has not seen. What it does not license:
that the network computes the algorithm; a strong enough map computes it by itself.

After Geiger et al. (2024), distributed alignment search, and Sutter et al. (2025), who let the map be non-linear.
"""

from explaint_lib.alignment._maps import AlignmentMap, fit_map, interchange_hits
from explaint_lib.alignment._networks import (
    Networks,
    built_networks,
    draw_inputs,
    random_networks,
    train_networks,
)

__all__ = [
    "AlignmentMap",
    "Networks",
    "built_networks",
    "draw_inputs",
    "fit_map",
    "interchange_hits",
    "random_networks",
    "train_networks",
]
