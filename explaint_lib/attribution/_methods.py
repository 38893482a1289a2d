"""Which input token made this state? Six answers that run the model again, and the parts for those that do not.

What it measures
    For one text and every pair (state i, token j), at every layer: what happens to the state if j's values
    are set to zero (`value_zeroing`, `value_ablation`), if its word is taken out (`leave_one_out`) or
    exchanged (`replacement_effect`), if its input vector grows a little (`gradient_x_input`) or moves a little
    in any direction (`hidden_token_attribution`).

What it controls for
    Nothing by itself. In a decoder a state cannot depend on later tokens, and all of these are zero there.

What it does NOT license
    Each is one question of many. Zeroed values leave the residual connection of j untouched, so they say
    nothing about the diagonal. A gradient is about small changes, a word taken out about one strange text.
    Agreement of methods is not truth: on planted worlds, where the truth is known, some are fooled.

All return sizes that are not negative; a row divided by its sum (`attention.row_shares`) gives the shares that
the papers print. Sizes are (layer + 1, query, key) or (layer, query, key); layer 0 is the input of the first
layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from tqdm import tqdm

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
    """Set the values of one position to zero in *every* layer: nobody can read it, itself included.

    What is left of j's influence on other positions is none; so this is the causal measure of what attention
    carried from j, over all layers together.

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
    return _changes(text, [(text.start, j) for j in torch.arange(len(text.start))])


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
        return _changes(text, [(start, None) for start in text.embed(without)])


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
        change = _changes(text, variants)  # (layer + 1, query, variant)
    means = np.full((*change.shape[:2], len(ids)), np.nan)
    for j in set(of):
        means[..., j] = change[..., np.array(of) == j].mean(axis=-1)
    return means


def _changes(text: Runner, variants: list[tuple[Any, Any]]) -> np.ndarray:
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


def gradient_x_input(model: Any, ids: np.ndarray, *, readout: np.ndarray | None = None) -> np.ndarray:
    """Multiply the gradient of a state by the input: what a small stretch of token j's input vector does.

    For a scalar s the score is ``|ds/dx_j . x_j|``. A state is a vector; then it is ``||(dh_i/dx_j) x_j||``,
    exact, by forward-mode differentiation.

    Parameters
    ----------
    model, ids : as in `layer_parts`
    readout : (n, dim), optional
        A direction for each state i, to score the scalar ``readout[i] . h_i`` instead (a logit, say).

    Returns
    -------
    (layer + 1, query, key) float64

    Warnings
    --------
    Where a normalisation stands before the first attention block (Llama), stretching an input changes
    nothing that others read there: at layer 1 every entry off the diagonal is zero, whatever flows.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.mover(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> scores = attribution.gradient_x_input(world, ids)
    >>> scores.shape, scores[-1, 3, :].argmax().item()
    ((5, 6, 6), 2)
    """
    text = prepare(model, ids)
    n = len(text.start)
    stretch = text.start.new_zeros(n, *text.start.shape)  # (key, n, dim)
    for j in range(n):
        stretch[j, j] = text.start[j]
    pushed = np.concatenate([_push(text, some) for some in stretch.split(_ROWS)])  # (key, layer + 1, query, dim)
    if readout is None:
        sizes = np.linalg.norm(pushed, axis=-1)
    else:
        directions = np.asarray(readout, dtype=np.float64)
        if directions.shape != tuple(text.start.shape):
            raise ExplaintError(f"readout must be {tuple(text.start.shape)}, one a state; found {directions.shape}")
        sizes = np.abs((pushed * directions).sum(axis=-1))
    return np.moveaxis(sizes, 0, -1)


def hidden_token_attribution(
    model: Any,
    ids: np.ndarray,
    *,
    n_samples: int | None = None,
    rng: np.random.Generator | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Return the size of every Jacobian ``dh_i / dx_j``, in the Frobenius norm.

    Parameters
    ----------
    model, ids : as in `layer_parts`
    n_samples : int, optional
        Estimate from so many random sign vectors u, since ``E ||J u||^2 = ||J||_F^2`` (Hutchinson); 16 give
        about a tenth of error. Default: exact, one pass for each dimension of each token.
    rng : numpy.random.Generator
        Needed with `n_samples`.

    Returns
    -------
    (layer + 1, query, key) float64

    References
    ----------
    Brunner et al. 2020, hidden token attribution.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.rotator(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> sizes = attribution.hidden_token_attribution(world, ids)[-1]
    >>> bool(np.allclose(sizes, np.diag(np.diag(sizes))))  # every state depends on its own token only
    True
    """
    import torch

    text = prepare(model, ids)
    n, dim = text.start.shape
    if n_samples is None:
        directions = torch.eye(dim)
    elif n_samples < 1 or rng is None:
        raise ExplaintError(f"an estimate needs at least 1 sample and a generator, found {n_samples} and {rng}")
    else:
        directions = torch.from_numpy(rng.choice([-1.0, 1.0], size=(n_samples, dim)))
    directions = directions.to(text.start)
    squares = np.zeros((n, text.n_layers + 1, n))  # (key, layer + 1, query)
    key, which = torch.arange(n).repeat_interleave(len(directions)), torch.arange(len(directions)).repeat(n)
    for rows in tqdm(torch.split(torch.arange(len(key)), _ROWS), desc="directions", disable=not progress, leave=False):
        nudge = text.start.new_zeros(len(rows), n, dim)
        nudge[torch.arange(len(rows)), key[rows]] = directions[which[rows]]
        np.add.at(squares, key[rows].numpy(), (_push(text, nudge) ** 2).sum(axis=-1))
    return np.moveaxis(np.sqrt(squares / (1 if n_samples is None else n_samples)), 0, -1)


def _push(text: Runner, directions: Any) -> np.ndarray:
    """Push directions (row, n, dim) through the model's derivative: (row, layer + 1, n, dim) float64."""
    import torch

    def states(start: Any) -> Any:
        return text.states(start[None])[0]

    try:
        with torch.no_grad(), text.differentiable():
            pushed = torch.func.vmap(lambda one: torch.func.jvp(states, (text.start,), (one,))[1])(directions)
    except torch.OutOfMemoryError:
        raise
    except (NotImplementedError, RuntimeError) as fault:
        raise ExplaintError(
            "this model holds an operation without a forward derivative, which gradients need "
            f"({str(fault).splitlines()[0][:200]}); use another model, such as minilm or smollm2"
        ) from fault
    return pushed.double().cpu().numpy()
