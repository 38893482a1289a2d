"""Twins of a model: the same architecture and tokenizer with weights that no training arranged.

What they control for: ``initialised`` keeps the architecture alone, with weights as they were before the first step
of training, if the files say how they were drawn (`initialisation`). ``permuted_weights`` keeps more: every tensor
holds the very values that training gave it, at other places. What it does NOT license: neither is "the model without
knowledge". The spread of trained weights, and how it differs from layer to layer, is learnt as well, and a twin of
permuted weights has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from explaint_lib._common import ExplaintError

Twin = Literal["initialised", "permuted_weights"]
TWINS: tuple[Twin, ...] = get_args(Twin)

_DECIDES = re.compile("(^|_)init(ializer)?(_|$)")  # initializer_range, init_std, layer_scale_init_value


class Drawn(TypedDict):
    """One setting by which an architecture draws its first weights, and where its value was found."""

    value: float
    said_by: Literal["record", "file", "architecture"]


def checked_twin(untrained: bool, twin: str) -> Twin | None:
    """Return which twin is asked for; None for the model itself.

    Raises
    ------
    ExplaintError
        For a twin that is not one of `TWINS`, or one that is asked for beside ``untrained=False``.
    """
    found: Twin | None = next((one for one in TWINS if one == twin), None)
    if found is None:
        raise ExplaintError(f"twin must be {' or '.join(TWINS)}, found {twin!r}")
    if not untrained and found != "initialised":
        raise ExplaintError(f"twin={twin!r} is one of an untrained model, found untrained=False; say untrained=True")
    return found if untrained else None


def permute_weights(model: Any, seed: int, *, but: Any = None) -> None:
    """Put the entries of every weight tensor of a model into a random order, in place.

    Each tensor is permuted as a whole and by itself, so its values and all that depends on them alone (mean, spread,
    largest) stay exactly, and rows, columns and the places of large values are lost. Matrices and embeddings are not
    alone in that: the biases, and the gains and offsets of layer norms, are permuted as well. They have one entry for
    each dimension of the stream, and training makes the same few dimensions large in all layers; left in
    place, they would keep a part of the arrangement that this control destroys. A tensor that the model uses at several
    places (tied embeddings, shared layers) is permuted once, so what was tied stays tied. Buffers, such as the table
    of rotary frequencies, are no weights and stay as they are.

    Parameters
    ----------
    model : torch.nn.Module
        On the CPU.
    seed : int
        The same seed gives the same order on every machine.
    but : torch.nn.Module, optional
        A part whose tensors stay as they are: the model below a head.
    """
    import torch

    rng = np.random.default_rng(seed)
    kept = {id(weights) for weights in but.parameters()} if but is not None else set()
    with torch.no_grad():
        for weights in model.parameters():  # each tensor once, however often it is used
            if id(weights) in kept:
                continue
            weights.copy_(torch.from_numpy(rng.permuted(weights.numpy())))


def initialisation(config: Any, file: Mapping[str, Any], pinned: Mapping[str, float]) -> dict[str, Drawn]:
    """Return the settings by which an architecture draws its first weights, each with where its value is from.

    Parameters
    ----------
    config : transformers configuration
        With the values that a twin is drawn with.
    file : mapping
        What the model's own file says. A GGUF file never says how the weights were drawn.
    pinned : mapping of str to float
        What the record of a bundled model says in its place.
    """
    inner = config.get_text_config()
    said = [file, *(part for part in file.values() if isinstance(part, Mapping))]
    names = {inner.attribute_map.get(name, name) for part in said for name in part}
    found: dict[str, Drawn] = {}
    for name, value in inner.to_dict().items():
        if _DECIDES.search(name) and isinstance(value, Real) and not isinstance(value, bool):
            by: Literal["record", "file", "architecture"] = "file" if name in names else "architecture"
            found[name] = {"value": float(value), "said_by": "record" if name in pinned else by}
    return found
