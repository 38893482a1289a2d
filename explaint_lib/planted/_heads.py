"""A world of sharp and of flat heads, of which either the sharp ones do the work or the flat ones."""

from __future__ import annotations

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.planted._transformer import Heads, PlantedTransformer
from explaint_lib.planted._worlds import keeper

SHARP = 2  # heads of a layer that look at a single token; as many look everywhere
_IDLE = 0.02  # what an idle head adds, as a share of what a working one adds
_STRENGTH = 6.0  # how much more than the Keeper's a working head adds


def working_heads(kind: str, *, rng: np.random.Generator) -> PlantedTransformer:
    """Build a transformer with two sharp heads and two flat ones in each layer, of which one kind does the work.

    Its attention is the same, to the last digit, whoever does the work: no block that a head adds to is read by
    attention. The sharp heads look at a single token, as the Keeper's do; the flat ones spread their weight over
    all. So what prunes the heads of low confidence first is right in one of these worlds and wrong in the other. From
    layer to layer and head to head what is added grows, so that the heads of one kind are not alike.

    Parameters
    ----------
    kind : {"sharp", "flat"}
        Which heads do the work: the others add a fiftieth of what these add.
    rng : numpy.random.Generator

    Returns
    -------
    PlantedTransformer
        ``truth["attention_causal"]`` says whether the sharp heads do the work.

    Raises
    ------
    ExplaintError
        For another kind.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> sharp, flat = (planted.working_heads(kind, rng=np.random.default_rng(0)) for kind in ("sharp", "flat"))
    >>> ids = sharp.sample(2, 8, rng=np.random.default_rng(1))
    >>> maps = [world.forward_ids(ids)[1] for world in (sharp, flat)]
    >>> maps[0].shape, bool((maps[0] == maps[1]).all())
    ((2, 4, 4, 8, 8), True)
    """
    if kind not in ("sharp", "flat"):
        raise ExplaintError(f'the heads that do the work are "sharp" or "flat", found {kind!r}')
    world = keeper(rng=rng)
    layers = tuple(_with_flat(heads, kind, depth) for depth, heads in enumerate(world.layers))
    sharp = kind == "sharp"
    why = "the sharp heads write what they read" if sharp else "what the sharp heads read is hardly written"
    return PlantedTransformer(
        f"{kind} heads work",
        world.vocabulary,
        world.classes,
        world.embedding,
        world.position,
        layers,
        world.blocks,
        truth=world.truth | {"attention_causal": sharp, "picture_misleading": not sharp},
        reasons=world.reasons | {"attention_causal": why, "picture_misleading": why},
        content="the position's own word, and what the working heads read",
    )


def _with_flat(heads: Heads, kind: str, depth: int) -> Heads:
    """Double the heads of a layer with ones that look everywhere, and let one kind do the work."""
    gain = _STRENGTH * (1 + np.arange(SHARP) / SHARP + depth) / 2  # (head,) of one kind
    works, idles = gain[:, None, None], _IDLE * gain[:, None, None]
    sharp, flat = (works, idles) if kind == "sharp" else (idles, works)
    return Heads(
        query=np.concatenate([heads.query, np.zeros_like(heads.query)]),
        key=np.concatenate([heads.key, heads.key]),
        value=np.concatenate([heads.value, heads.value]),
        output=np.concatenate([sharp * heads.output, flat * heads.output]),
    )
