"""Nine ways to say which token a state came from, as one map each, for models and for planted worlds.

What it measures
    For one text, ``M[i, j]``: how much of the top state at position i is credited to input token j. Raw
    attention is the last layer's; rollout and flow combine all layers by weight; norm-weighted attention, ALTI
    and value zeroing give each layer a map and are rolled out without a fixed residual share, since their
    maps hold it; gradient x input, leave-one-out and hidden token attribution go from input to top at once.

What it controls for
    On planted worlds it is known what every state is made of (`PlantedTransformer.sources`); `score_world`
    holds every method against it.

What it does not license
    One map a text hides layers. A method that is right on the planted worlds may be wrong elsewhere; one that is
    wrong there has been seen to fail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from explaint_lib import attention, attribution
from explaint_lib._common import ExplaintError, printable
from explaint_lib.encoders import Encoder, Encoding

__all__ = [
    "AVERAGED", "CAUSAL", "LEVELS", "MAPS", "METHODS", "FlowRun", "flow_maps", "layer_maps", "run_flow", "score_world",
]  # fmt: skip

METHODS = (
    "raw attention", "rollout", "flow", "norm-weighted", "ALTI", "value zeroing", "gradient x input", "leave-one-out",
    "hidden token attribution",
)  # fmt: skip
CAUSAL = ("token exchanged", "values ablated")
#: The methods with a map a layer, averaged over layers instead of multiplied.
AVERAGED = tuple(f"{name}, mean of layers" for name in ("raw attention", *METHODS[3:6]))
#: Everything that `run_flow` compares: methods, causal measures, one of these drawn again, and distance alone.
MAPS = (*METHODS, *CAUSAL, "exchanged again", "nearness", *AVERAGED)
#: Units, and whether special tokens and a decoder's first position take part.
LEVELS = ("tokens", "tokens, all", "words", "words, all")
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
        included), ALTI, value zeroing. A row by which nothing is given or lost at all stands for its own
        position.
    """
    model = attribution.prepare(model, ids)
    blocks = [attention.LayerParts(**part) for part in attribution.layer_parts(model, ids)]
    raw = np.stack([block.attention.mean(axis=0, dtype=np.float64) for block in blocks])
    return {
        "raw attention": attention.row_shares(raw),  # a row may hold less than 1 where a sink takes the rest
        "norm-weighted": np.stack([attention.row_shares(attention.norm_weighted(block)) for block in blocks]),
        "ALTI": _or_own(np.stack([attention.alti(block) for block in blocks])),
        "value zeroing": _or_own(attention.row_shares(attribution.value_zeroing(model, ids))),
    }


def flow_maps(
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
    """
    model = attribution.prepare(model, ids)
    layers = layer_maps(model, ids) if layers is None else layers
    raw = layers["raw attention"] / layers["raw attention"].sum(axis=-1, keepdims=True)
    found = {"raw attention": raw[-1], "rollout": attention.rollout(raw)[-1], "flow": attention.flow(raw)}
    found |= {name: attention.rollout(layers[name], residual=0)[-1] for name in METHODS[3:6]}
    again: dict[str, Callable[[], np.ndarray]] = {
        "gradient x input": lambda: attribution.gradient_x_input(model, ids),
        "leave-one-out": lambda: attribution.leave_one_out(model, ids),
        "hidden token attribution": lambda: attribution.hidden_token_attribution(
            model, ids, n_samples=n_samples, rng=rng
        ),
    }
    return found | {name: attention.row_shares(run()[-1]) for name, run in again.items()}


def _or_own(shares: np.ndarray) -> np.ndarray:
    """Give rows of zeros to their own position."""
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
        As in `flow_maps`.
    rng : numpy.random.Generator

    Returns
    -------
    list of dict, one a method
        world, method; ``misplaced``: mean share of a state that is credited to tokens that gave it nothing;
        ``main_source``: share of states whose most credited token is the one that gave most; ``distance``:
        mean total variation between credited and true shares. All in [0, 1].
    """
    truth = world.sources(np.asarray(ids)[None])[0, -1]  # (query, key)
    rows = []
    for method, found in flow_maps(world, ids, n_samples=n_samples, rng=rng).items():
        shares = attention.row_shares(found)
        rows.append({
            "world": world.name, "method": method,
            "misplaced": float(shares[truth < _NOTHING].sum() / len(shares)),
            "main_source": float((shares.argmax(axis=1) == truth.argmax(axis=1)).mean()),
            "distance": float(attention.total_variation(shares, truth).mean()),
        })  # fmt: skip
    return rows


@dataclass(frozen=True, eq=False)
class FlowRun:
    """Nine methods and two causal measures on the same texts.

    Attributes
    ----------
    encodings : list of Encoding
    maps : list of dict of str to (query, key)
        One dict a text, with the names of `MAPS`, for the top layer.
    agreement : dict of str to (text, map, map) float64
        For each of `LEVELS`: mean Spearman correlation of rows, the position itself left out.
    kept : (text, layer) float64 in [0, 1]
        Share of a state that is its own after one attention block: 1 - mixing ratio, mean over positions.
    sink : dict of str to (text, layer) float64 in [0, 1]
        For each method with a map a layer: of what ordinary positions take from others, the share credited to
        special tokens and a decoder's first position. NaN where there is no such token.
    """

    encodings: list[Encoding]
    maps: list[dict[str, np.ndarray]]
    agreement: dict[str, np.ndarray]
    kept: np.ndarray
    sink: dict[str, np.ndarray]

    def between(self, first: str, second: str, level: str = "tokens") -> np.ndarray:
        """Return the agreement of two maps, (text,) in [-1, 1]."""
        return self.agreement[level][:, MAPS.index(first), MAPS.index(second)]


def run_flow(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    n_samples: int = 16,
    n_draws: int = 2,
    rng: np.random.Generator,
    progress: bool = False,
) -> FlowRun:
    """Run everything on real texts.

    Parameters
    ----------
    encoder : Encoder
        Of a family whose attention blocks are known (`attribution.layer_parts`).
    texts : sequence of str
        Sentences of at least five words; cost grows fast with their length.
    n_samples : int
        Random directions for hidden token attribution.
    n_draws : int
        Exchanges of each token, for the causal measure and again for its repetition (its ceiling).
    rng : numpy.random.Generator
    progress : bool

    Returns
    -------
    FlowRun

    Raises
    ------
    ExplaintError
        For a text in which no row has three other tokens to rank, and without any text.
    """
    if not texts:
        raise ExplaintError("there is no text to run; give at least one")
    encodings = encoder.encode(texts, hidden_states=False, attention=False)
    matched = attribution.frequency_matched(
        [e.token_ids for e in encodings], encoder.vocabulary, special=[e.special for e in encodings]
    )
    ordinary = np.unique(np.concatenate([e.token_ids[~e.special] for e in encodings]))

    def exchange(ids: np.ndarray, position: int, rng: np.random.Generator) -> int:
        found = matched(ids, position, rng)  # special tokens have no match: any ordinary one
        if found is None and not (ordinary != ids[position]).any():
            raise ExplaintError(
                f"{encoder.name} reads these texts as one token only, so none can be exchanged; give other texts"
            )
        return int(rng.choice(ordinary[ordinary != ids[position]])) if found is None else found

    all_maps, kept, sinks = [], [], []
    agreement: dict[str, list[np.ndarray]] = {level: [] for level in LEVELS}
    for encoding in tqdm(
        encodings, desc=f"flow ({printable(encoder.name)})", unit="text", disable=not progress, leave=False
    ):
        ids, again = encoding.token_ids, {}
        text = attribution.prepare(encoder, ids)
        for name in ("token exchanged", "exchanged again"):
            draw = attribution.replacement_effect(text, ids, replacements=exchange, n_draws=n_draws, rng=rng)
            again[name] = draw[-1]
        layers = layer_maps(text, ids)
        maps = flow_maps(text, ids, layers=layers, n_samples=n_samples, rng=rng) | again
        maps |= {"values ablated": attribution.value_ablation(text, ids)[-1]}
        maps |= {"nearness": attention.nearness(len(ids), causal=encoding.causal)}
        maps |= {name: steps.mean(axis=0) for name, steps in zip(AVERAGED, layers.values(), strict=True)}
        all_maps.append({name: maps[name] for name in MAPS})
        sunk = ~encoding.ordinary
        for level, found in _agreements(all_maps[-1], encoding, sunk).items():
            agreement[level].append(found)
        blocks = [attention.LayerParts(**part) for part in attribution.layer_parts(text, ids)]
        kept.append([1 - attention.mixing_ratio(block)[~sunk].mean() for block in blocks])
        sinks.append({name: _to_sink(steps, sunk) for name, steps in layers.items()})
    return FlowRun(
        encodings, all_maps, {level: np.stack(found) for level, found in agreement.items()}, np.array(kept),
        {name: np.stack([each[name] for each in sinks]) for name in sinks[0]},
    )  # fmt: skip


def _agreements(maps: dict[str, np.ndarray], encoding: Encoding, sunk: np.ndarray) -> dict[str, np.ndarray]:
    """Return the agreement of all maps of one text, (map, map), at every level."""
    merged = {name: attention.to_words(found, encoding.word_ids) for name, found in maps.items()}
    first = next(iter(merged.values()))[1]
    words, causal = {name: found for name, (found, _) in merged.items()}, encoding.causal
    found = {
        "tokens": attention.row_agreement(maps, causal=causal, skip=sunk),
        "tokens, all": attention.row_agreement(maps, causal=causal),
        "words": attention.row_agreement(words, causal=causal, skip=sunk[first]),
        "words, all": attention.row_agreement(words, causal=causal),
    }
    if np.isnan(found["words"]).any():
        raise ExplaintError(f"{encoding.text[:40]!r} is too short to rank its words; leave it out")
    return found


def _to_sink(steps: np.ndarray, sunk: np.ndarray) -> np.ndarray:
    """Return, a layer, the share of what ordinary positions take from others that is credited to `sunk` ones."""
    if not sunk.any():
        return np.full(len(steps), np.nan)
    others = steps * ~np.eye(len(sunk), dtype=bool)  # (layer, query, key)
    rows = others[:, ~sunk]
    return rows[..., sunk].sum(axis=(1, 2)) / rows.sum(axis=(1, 2))
