"""Nine ways to say which token a state came from, as one map each, for models and for planted worlds.

What it measures
    For one text, ``M[i, j]``: how much of the top state at position i is credited to input token j. Raw
    attention is the last layer's; rollout and flow combine all layers by weight, with one half for the residual
    connection; norm-weighted attention, ALTI and value zeroing give each layer a map and are rolled out without
    such a share. The maps of the first two hold the residual connection as measured. Those of value zeroing do not:
    it stays in place while a value is zeroed, and the diagonal is what a position reads of itself; that nothing is
    added is its authors' choice. Gradient x input, leave-one-out and hidden token attribution go from input to top
    at once.

What it controls for
    On planted worlds it is known what every state is made of (`PlantedTransformer.sources`); `score_world`
    holds every method against it.

What it does not license
    One map a text hides layers. A method that is right on the planted worlds may be wrong elsewhere; one that is
    wrong there has been seen to fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from explaint_lib import attention
from explaint_lib.attribution._gradients import gradient_x_input, hidden_token_attribution
from explaint_lib.attribution._methods import layer_parts, leave_one_out, value_zeroing
from explaint_lib.attribution._runner import prepare

METHODS = (
    "raw attention", "rollout", "flow", "norm-weighted", "ALTI", "value zeroing", "gradient x input", "leave-one-out",
    "hidden token attribution",
)  # fmt: skip
_NOTHING_ADDED = ("norm-weighted", "ALTI", "value zeroing")  # rolled out without a further share for the residual
_NOTHING = 1e-6  # share of a planted state: float64 rounding is far below, every planted share far above


def layer_maps(model: Any, ids: np.ndarray) -> dict[str, np.ndarray]:
    """Return one map a layer by each of the four methods that have such maps.

    Parameters
    ----------
    model : Encoder or planted transformer
    ids : (n,) int
        One text.

    Returns
    -------
    dict of str to (layer, query, key) float64
        Rows sum to 1: raw attention (mean over heads), norm-weighted (residual connection and normalisation
        included), ALTI, value zeroing. Where a position takes nothing from any token, its row names the position
        itself.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> decoy = planted.decoy(rng=np.random.default_rng(0))  # crisp attention whose values are zero
    >>> maps = attribution.layer_maps(decoy, decoy.sample(1, 6, rng=np.random.default_rng(1))[0])
    >>> maps["raw attention"].shape, bool(np.allclose(maps["ALTI"], np.eye(6)))
    ((4, 6, 6), True)
    """
    model = prepare(model, ids)
    blocks = [attention.LayerParts(**part) for part in layer_parts(model, ids)]
    raw = np.stack([block.attention.mean(axis=0, dtype=np.float64) for block in blocks])
    return {
        "raw attention": attention.row_shares(raw),  # a row may hold less than 1 where a sink takes the rest
        "norm-weighted": np.stack([attention.row_shares(attention.norm_weighted(block)) for block in blocks]),
        "ALTI": _or_own(np.stack([attention.alti(block) for block in blocks])),
        "value zeroing": _or_own(attention.row_shares(value_zeroing(model, ids))),
    }


def method_maps(
    model: Any,
    ids: np.ndarray,
    *,
    layers: dict[str, np.ndarray] | None = None,
    n_samples: int | None = 16,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Return the map of the top states by each of the nine methods.

    Parameters
    ----------
    model : Encoder or planted transformer
    ids : (n,) int
        One text, special tokens included. Meant for sentences: flow and the gradients grow fast with n.
    layers : dict, optional
        What `layer_maps` gave for this text, if it is there already.
    n_samples : int, optional
        Random directions for hidden token attribution; None for exact Jacobians.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    dict of method to (query, key) float64
        In the order of `METHODS`; rows sum to 1.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> decoy = planted.decoy(rng=np.random.default_rng(0))
    >>> ids = decoy.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> maps = attribution.method_maps(decoy, ids, n_samples=4, rng=np.random.default_rng(2))
    >>> tuple(maps) == attribution.METHODS, maps["rollout"].shape
    (True, (6, 6))
    """
    model = prepare(model, ids)
    layers = layer_maps(model, ids) if layers is None else layers
    raw = layers["raw attention"] / layers["raw attention"].sum(axis=-1, keepdims=True)
    found = {"raw attention": raw[-1], "rollout": attention.rollout(raw)[-1], "flow": attention.flow(raw)}
    found |= {name: attention.rollout(layers[name], residual=0)[-1] for name in _NOTHING_ADDED}
    again: dict[str, Callable[[], np.ndarray]] = {
        "gradient x input": lambda: gradient_x_input(model, ids),
        "leave-one-out": lambda: leave_one_out(model, ids),
        "hidden token attribution": lambda: hidden_token_attribution(model, ids, n_samples=n_samples, rng=rng),
    }
    return found | {name: attention.row_shares(run()[-1]) for name, run in again.items()}


def _or_own(shares: np.ndarray) -> np.ndarray:
    """Return the shares with each row of zeros replaced by its own position."""
    empty = shares.sum(axis=-1, keepdims=True) == 0
    return np.where(empty, np.eye(shares.shape[-1]), shares)


def score_world(
    world: Any, ids: np.ndarray, *, n_samples: int | None = None, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Hold the nine maps of one sentence of a planted world against its truth.

    Parameters
    ----------
    world : planted transformer
    ids : (n,) int
    n_samples : int, optional
        As in `method_maps`.
    rng : numpy.random.Generator

    Returns
    -------
    list of dict, one a method
        world, method; ``misplaced``: mean share of a state that is credited to tokens that gave it nothing;
        ``main_source``: share of states whose most credited token is the one that gave most; ``distance``:
        mean total variation between credited and true shares. All in [0, 1].

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> decoy = planted.decoy(rng=np.random.default_rng(0))
    >>> ids = decoy.sample(1, 9, rng=np.random.default_rng(1))[0]
    >>> scores = attribution.score_world(decoy, ids, n_samples=4, rng=np.random.default_rng(2))
    >>> misplaced = {score["method"]: score["misplaced"] for score in scores}
    >>> misplaced["rollout"] > 0.25, misplaced["ALTI"] < 0.01
    (True, True)
    """
    truth = world.sources(np.asarray(ids)[None])[0, -1]  # (query, key)
    rows = []
    for method, found in method_maps(world, ids, n_samples=n_samples, rng=rng).items():
        shares = attention.row_shares(found)
        rows.append(
            {
                "world": world.name,
                "method": method,
                "misplaced": float(shares[truth < _NOTHING].sum() / len(shares)),
                "main_source": float((shares.argmax(axis=1) == truth.argmax(axis=1)).mean()),
                "distance": float(attention.total_variation(shares, truth).mean()),
            }
        )
    return rows
