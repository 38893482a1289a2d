"""Which input token made this state? Four answers that run the model again, and the parts for those that do not.

What it measures
    For one text and every pair (state i, token j), at every layer: what happens to the state if j's values
    are set to zero (`value_zeroing`, `value_ablation`), if its word is taken out (`leave_one_out`) or
    exchanged (`replacement_effect`). Derivatives are in `gradient_x_input` and `hidden_token_attribution`.

What it controls for
    Nothing by itself. In a decoder a state cannot depend on later tokens, and all of these are zero there.

What it does NOT license
    Each is one question of many. Zeroed values leave the residual connection of j untouched, so they say
    nothing about the diagonal. A word taken out says something about one unusual text.
    Agreement of methods is not truth: on planted worlds, where the truth is known, some are fooled.

All return sizes that are not negative; a row divided by its sum (`attention.row_shares`) gives the shares that
the papers print. Sizes are (layer + 1, query, key) or (layer, query, key); layer 0 is the input of the first
layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.attribution._base import Runner
from explaint_lib.attribution._interventions import relative_change
from explaint_lib.attribution._replacements import Replacer
from explaint_lib.attribution._runner import prepare

_ROWS = 64  # variants of the text run at once


def layer_parts(model: Any, ids: np.ndarray) -> list[dict[str, Any]]:
    """Take the attention block of every layer apart, for one text.

    Parameters
    ----------
    model : Encoder, planted transformer, or what `prepare` made of one
        Of a family whose attention blocks are known: BERT, Llama and their relatives.
    ids : (n,) int
        Token ids, special tokens included.

    Returns
    -------
    list of dict, one a layer
        The fields of `explaint_lib.attention.LayerParts`, arrays in the precision of the model:
        ``LayerParts(**part)``. Grouped heads that share values have each a copy.

    Raises
    ------
    ExplaintError
        For another architecture: when the parts do not add up to the model's own states.

    Examples
    --------
    >>> from explaint_lib import attention, attribution, planted
    >>> world = planted.keeper(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> block = attention.LayerParts(**attribution.layer_parts(world, ids)[0])
    >>> hidden, _ = world.forward_ids(ids[None])  # (batch, layer, n, dim)
    >>> bool(np.allclose(block.output, hidden[0, 1]))
    True
    """
    return [dict(part) for part in prepare(model, ids).parts]


def states_under(model: Any, ids: np.ndarray, weights: Mapping[int, np.ndarray]) -> np.ndarray:
    """Run the model with other attention weights in some layers: uniform, permuted, or others with the same output.

    Parameters
    ----------
    model, ids : as in `layer_parts`
    weights : mapping of layer (from 0) to (head, query, key)
        What the heads of these layers use in place of their own weights.

    Returns
    -------
    (layer + 1, n, dim)
        Hidden states; layer 0 is the input of the first layer.

    Raises
    ------
    ExplaintError
        For layers that do not exist and weights of another shape.

    References
    ----------
    Jain & Wallace 2019; Wiegreffe & Pinter 2019 on what such weights do and do not show.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.decoy(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> uniform = np.full((world.n_heads, 6, 6), 1 / 6)
    >>> hidden, _ = world.forward_ids(ids[None])
    >>> bool(np.allclose(attribution.states_under(world, ids, {0: uniform}), hidden[0]))  # nothing is read through it
    True
    """
    import torch

    text = prepare(model, ids)
    shape = text.parts[0]["attention"].shape
    for layer, given in weights.items():
        if layer not in range(text.n_layers) or np.shape(given) != shape:
            raise ExplaintError(
                f"expected weights {shape} for layers 0..{text.n_layers - 1}, found {np.shape(given)} for layer {layer}"
            )
    found = [text.start[None]]
    with torch.no_grad():
        for layer in range(text.n_layers):
            own = torch.from_numpy(np.array(weights[layer])) if layer in weights else None
            found.append(text.step(layer, found[-1], weights=own))
        return torch.stack([*found[:-1], text.finish(found[-1])], dim=1)[0].cpu().numpy()


def value_zeroing(model: Any, ids: np.ndarray) -> np.ndarray:
    """Set one value vector of one layer to zero, in all heads: how far does the layer's output turn?

    Returns
    -------
    (layer, query, key) float64 in [0, 2]
        Cosine distance between the layer's output at i and that without j's values; the input of the layer is
        the model's own, so each layer is taken by itself. What rounding alone could do counts as 0.

    References
    ----------
    Mohebbi et al. 2023, value zeroing. The output is that of the whole layer, feed-forward block included.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.decoy(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> distances = attribution.value_zeroing(world, ids)
    >>> distances.shape, distances.max().item()  # sharp attention, and nothing is read through it
    ((4, 6, 6), 0.0)
    """
    import torch

    text = prepare(model, ids)
    n = len(text.start)
    found = []
    rounding = max((100 * torch.finfo(text.own.dtype).eps) ** 2, 1e-13)  # a cosine is quadratic in what changed
    with torch.no_grad():
        for layer in range(text.n_layers):
            states, after = text.own[layer], text.own[layer + 1].double()
            rows = []
            for zeroed in torch.split(torch.arange(n), _ROWS):
                without = text.step(layer, states.expand(len(zeroed), -1, -1), zeroed)
                rows.append(1 - torch.cosine_similarity(after[None], without.double(), dim=-1))  # (key, query)
            distance = torch.cat(rows).T.cpu().numpy()
            found.append(np.where(distance > rounding, distance, 0))
    return np.stack(found)


def value_ablation(model: Any, ids: np.ndarray) -> np.ndarray:
    """Set the values of one position to zero in *every* layer: no position can read it, not even itself.

    Nothing of j reaches another position then, so this is the causal measure of all that attention carried from j,
    over all layers together.

    Returns
    -------
    (layer + 1, query, key) float64
        Relative change of state i. The diagonal is what j loses by not reading itself.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.decoy(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> attribution.value_ablation(world, ids).max().item()  # sharp attention, and nothing is read through it
    0.0
    """
    import torch

    text = prepare(model, ids)
    return _relative_changes(text, [(text.start, j) for j in torch.arange(len(text.start))])


def leave_one_out(model: Any, ids: np.ndarray) -> np.ndarray:
    """Put the mean word embedding in the place of one token: how much does every state change?

    The mean of all rows of the embedding matrix stands for "no word in particular", in every architecture;
    the position stays.

    Returns
    -------
    (layer + 1, query, key) float64
        Relative change of state i when token j is left out.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.mover(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> changes = attribution.leave_one_out(world, ids)
    >>> changes[-1, :, 2].argmax().item()  # the word of position 2 has moved to position 3
    3
    """
    import torch

    text = prepare(model, ids)
    with torch.no_grad():
        without = text.words.repeat(len(text.words), 1, 1)  # (key, n, dim)
        without[torch.arange(len(without)), torch.arange(len(without))] = text.mean_word
        return _relative_changes(text, [(start, None) for start in text.embed(without)])


def replacement_effect(
    model: Any, ids: np.ndarray, *, replacements: Replacer, n_draws: int = 1, rng: np.random.Generator
) -> np.ndarray:
    """Exchange one token for another: how much does every state change? A causal measure on ordinary texts.

    Parameters
    ----------
    model, ids : as in `layer_parts`
    replacements : callable (ids, position, rng) -> token id or None
        For instance `frequency_matched`.
    n_draws : int
        Replacements of each token; the result is their mean.
    rng : numpy.random.Generator

    Returns
    -------
    (layer + 1, query, key) float64
        Mean relative change of state i; a column is NaN where no replacement was found.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.mover(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> def any_word(ids, position, rng):
    ...     return int(rng.integers(world.vocab_size))
    >>> rng = np.random.default_rng(2)
    >>> changes = attribution.replacement_effect(world, ids, replacements=any_word, rng=rng)
    >>> changes[-1, :, 2].argmax().item()  # the word of position 2 has moved to position 3
    3
    """
    import torch

    text = prepare(model, ids)
    ids = np.asarray(ids)
    variants, of = [], []
    with torch.no_grad():
        for j in range(len(ids)):
            for token in [replacements(ids, j, rng) for _ in range(n_draws)]:
                if token is not None:
                    words = text.words.clone()
                    words[j] = text.table[int(token)]
                    variants.append((text.embed(words[None])[0], None))
                    of.append(j)
        if not variants:
            raise ExplaintError("no token of this text has a replacement; give one that draws from more tokens")
        change = _relative_changes(text, variants)  # (layer + 1, query, variant)
    means = np.full((*change.shape[:2], len(ids)), np.nan)
    for j in set(of):
        means[..., j] = change[..., np.array(of) == j].mean(axis=-1)
    return means


def _relative_changes(text: Runner, variants: list[tuple[Any, Any]]) -> np.ndarray:
    """Return the relative change of all states under variants (input of the first layer, zeroed position)."""
    import torch

    with torch.no_grad():
        before = torch.cat([text.own[:-1], text.finish(text.own[-1])[None]]).cpu().numpy()  # (layer + 1, n, dim)
        found = []
        for k in range(0, len(variants), _ROWS):
            starts, zeroed = zip(*variants[k : k + _ROWS], strict=True)
            after = text.states(torch.stack(starts), None if zeroed[0] is None else torch.stack(zeroed))
            after = after.cpu().numpy()
            found.append(relative_change(np.broadcast_to(before, after.shape), after))  # (variant, layer + 1, query)
    return np.moveaxis(np.concatenate(found), 0, -1)
