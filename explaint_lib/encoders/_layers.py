"""How layers are named: in calls, in grid files and on the command line alike, with one message for what is no layer.

One layer is "last" or a whole number from 0, the embedding layer's output. Several are "all", or "7 of all": seven
layers, evenly spread from 0 to the last. Negative numbers are refused, for they hide which layer was read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError

_SOME_OF_ALL = re.compile(r"([2-9]|[1-9]\d+) of all")


def check_layer(
    layer: int | str, *, several: bool = False, n_layers: int | None = None, name: str = "the model"
) -> int | str:
    """Return the name of a layer as it is written everywhere; a number may come as text, as a command line has it.

    Parameters
    ----------
    layer : int or str
    several : bool, default False
        Allow "all" and "7 of all" as well.
    n_layers : int, optional
        The last layer of the model, where it is known.
    name : str
        What the message calls the model.

    Raises
    ------
    ExplaintError
        For anything else, and for a layer above the last.

    Examples
    --------
    >>> from explaint_lib.encoders import check_layer
    >>> check_layer("3"), check_layer("last"), check_layer("7 of all", several=True)
    (3, 'last', '7 of all')
    """
    if isinstance(layer, str):
        if layer == "last" or (several and (layer == "all" or _SOME_OF_ALL.fullmatch(layer))):
            return layer
        number = int(layer) if layer.isascii() and layer.isdecimal() else -1
    else:
        whole = isinstance(layer, int | np.integer) and not isinstance(layer, bool)
        number = int(layer) if whole else -1
    if number < 0 or (n_layers is not None and number > n_layers):
        highest = "" if n_layers is None else f" to {n_layers}"
        more = ', or for several "all" or "7 of all"' if several else ""
        raise ExplaintError(
            f'a layer of {name} is "last" or a whole number from 0 (the embeddings){highest}{more}; found {layer!r}'
        )
    return number


def layer_index(layer: int | str, n_layers: int, name: str = "the model") -> int:
    """Return one layer as its index.

    Parameters
    ----------
    layer : "last" or int
    n_layers : int
        The last layer.
    name : str
        What the message calls the model.

    Raises
    ------
    ExplaintError
        For what is no layer of this model.

    Examples
    --------
    >>> from explaint_lib.encoders import layer_index
    >>> layer_index("last", 12), layer_index(3, 12)
    (12, 3)
    """
    found = check_layer(layer, n_layers=n_layers, name=name)
    return n_layers if isinstance(found, str) else found


def layer_indices(layers: int | str | Sequence[int | str], n_layers: int, name: str = "the model") -> list[int]:
    """Return layers as indices, each once, in the order asked for.

    Parameters
    ----------
    layers : "last", "all", "N of all", int, or a sequence of these
    n_layers : int
        The last layer. Where a model has fewer than N layers, "N of all" is all of them.
    name : str
        What the message calls the model.

    Raises
    ------
    ExplaintError
        For what is no layer of this model.

    Examples
    --------
    >>> from explaint_lib.encoders import layer_indices
    >>> layer_indices("4 of all", 12), layer_indices(["last", 0], 12)
    ([0, 4, 8, 12], [12, 0])
    """
    found: list[int] = []
    for layer in [layers] if isinstance(layers, int | str | np.integer) else layers:
        named = check_layer(layer, several=True, n_layers=n_layers, name=name)
        if isinstance(named, int):
            found.append(named)
        elif named == "last":
            found.append(n_layers)
        else:
            some = _SOME_OF_ALL.fullmatch(named)
            count = n_layers + 1 if some is None else min(int(some[1]), n_layers + 1)
            found += np.linspace(0, n_layers, count).round().astype(int).tolist()
    return list(dict.fromkeys(found))
