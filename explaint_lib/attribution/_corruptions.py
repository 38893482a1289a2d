"""Corrupt the states at one layer inside the forward pass, and see what the layers above make of it.

What it measures
    States of chosen positions at layer *k* are exchanged, permuted, or replaced (by another sentence's, by
    noise of the same length, by their mean), through a hook in front of the next block; the layers above run
    on. *Structure without identity*: does the picture above still look like attention, although its labels are
    now known to be wrong?

What it controls for
    The identity edit leaves every number bit for bit as it was. Hooks are taken out again whatever happens,
    errors in the edit included. Positions not chosen (special tokens, a decoder's first) keep their states.

What it does not license
    A corrupted state is one that the model never met: a change above says what the layers *can* be made to do.
    In an encoder with absolute positions a state carries its position with it, so exchanging two states
    permutes all maps above *exactly*; a decoder with rotary positions brings the place in anew at every layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.attribution._layers import find_layers
from explaint_lib.encoders import Encoder, Encoding

#: Takes the states of one sentence, (n, dim) float32, and returns those to go on with.
Edit = Callable[[np.ndarray], np.ndarray]

#: The five corruptions of `draw_edits`, from the mildest to the coarsest.
CORRUPTIONS = ("swap", "permute", "other sentence", "noise", "mean")


def corrupted(
    encoder: Encoder,
    texts: Sequence[str | Encoding],
    layer: int,
    edit: Edit | Sequence[Edit],
    *,
    batch_rows: int = 16,
) -> list[Encoding]:
    """Run the model with the states at one layer edited.

    Parameters
    ----------
    encoder : Encoder
    texts : sequence of str or Encoding
    layer : int
        0 (the embedding layer's output) to n_layers - 1: the states that the next block reads.
    edit : callable, or one a text
        ``edit(states)`` gets a copy of one sentence's states, (n, dim) float32, padding cut off, and returns as
        many.
    batch_rows : int
        Texts of one length run together, so nothing is padded.

    Returns
    -------
    list of Encoding
        In the order given, with hidden states and attention; row `layer` of the hidden states holds the edited
        states, rows below are untouched.

    Raises
    ------
    ExplaintError
        For a layer that does not exist, another number of edits than texts, an edit that returns another shape,
        and an architecture whose blocks are not found.

    Examples
    --------
    >>> from explaint_lib import attribution, encoders
    >>> encoder = encoders.load_encoder("minilm")  # doctest: +SKIP
    >>> intact = encoder.encode(["a robin is a bird"])[0]
    >>> found = attribution.corrupted(encoder, [intact], 1, lambda states: states[::-1])[0]
    >>> [bool(np.allclose(found.hidden_states[layer], intact.hidden_states[layer])) for layer in range(3)]
    [True, False, False]
    """
    if isinstance(texts, str | Encoding):
        raise ExplaintError("expected a sequence of texts, found one; pass [text]")
    if not isinstance(layer, int | np.integer) or not 0 <= layer < encoder.n_layers:
        raise ExplaintError(f"layer must be 0 (embeddings) .. {encoder.n_layers - 1}, found {layer!r}")
    plain = iter(encoder.encode([t for t in texts if isinstance(t, str)], hidden_states=False, attention=False))
    encodings = [next(plain) if isinstance(text, str) else text for text in texts]
    edits = [edit] * len(encodings) if callable(edit) else list(edit)
    if len(edits) != len(encodings):
        raise ExplaintError(f"expected one edit, or one for each of the {len(encodings)} texts; found {len(edits)}")
    lengths = np.array([len(encoding) for encoding in encodings])
    done = list(encodings)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        for chunk in np.array_split(rows, -(-len(rows) // batch_rows)):
            ids = np.stack([encodings[row].token_ids for row in chunk])
            with edited_states(encoder, layer, [edits[row] for row in chunk]) as seen:
                hidden, attention = encoder.forward_ids(ids, attention=True)
            assert hidden is not None and attention is not None  # both were asked for
            hidden[:, layer] = seen[-1]  # the library records what the block below put out
            for k, row in enumerate(chunk):
                done[row] = replace(encodings[row], hidden_states=hidden[k].copy(), attention=attention[k].copy())
    return done


@contextmanager
def edited_states(encoder: Encoder, layer: int, edits: Sequence[Edit]) -> Iterator[list[np.ndarray]]:
    """Edit the states at `layer` in every forward pass of the block: row *b* of a batch by ``edits[b]``.

    Yields the list of edited states, (batch, n, dim) float32, one a pass. The hook is taken out at the end,
    also after an error.

    Examples
    --------
    >>> from explaint_lib import attribution, encoders
    >>> encoder = encoders.load_encoder("minilm")  # doctest: +SKIP
    >>> with attribution.edited_states(encoder, 1, [lambda states: 2 * states]) as seen:
    ...     encoding = encoder.encode(["a robin is a bird"])[0]
    >>> bool(np.allclose(seen[0][0], 2 * encoding.hidden_states[1]))
    True
    """
    import torch

    modules = _layers(encoder)
    block, seen, runs = modules[layer], [], 0  # layers may share one module, which then runs several times in a pass

    def before_block(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal runs
        runs += 1
        if (runs - 1) % modules.count(block) != modules[:layer].count(block):
            return None
        states = args[0] if args else kwargs["hidden_states"]  # (batch, n, dim)
        if len(states) != len(edits):
            raise ExplaintError(f"a batch of {len(states)} texts met {len(edits)} edits")
        rows = states.detach().float().cpu().numpy()
        changed = np.stack([_checked(edit(row.copy()), row) for edit, row in zip(edits, rows, strict=True)])
        seen.append(changed)
        new = torch.from_numpy(changed).to(device=states.device, dtype=states.dtype)
        return ((new, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": new})

    hook = block.register_forward_pre_hook(before_block, with_kwargs=True)
    try:
        yield seen
    finally:
        hook.remove()


_FOUND: WeakKeyDictionary[Any, tuple[Any, ...]] = WeakKeyDictionary()  # model: its layers, looked for once


def _layers(encoder: Encoder) -> tuple[Any, ...]:
    """Return the modules that turn the states of layer k into those of layer k + 1, one a layer."""
    if encoder.model not in _FOUND:
        probe = encoder.encode(["one two three"], hidden_states=False, attention=False)[0]
        _FOUND[encoder.model] = find_layers(encoder.model, probe.token_ids).modules
    return _FOUND[encoder.model]


def _checked(new: np.ndarray, old: np.ndarray) -> np.ndarray:
    new = np.asarray(new, dtype=np.float32)
    if new.shape != old.shape:
        raise ExplaintError(f"an edit must return as many states as it got, {old.shape}; found {new.shape}")
    return new


# --- edits


def reorder(order: np.ndarray) -> Edit:
    """Return the edit that puts at position *i* the state of position ``order[i]``; `order` is (n,) int.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> attribution.reorder(np.array([1, 0]))(np.array([[1.0], [2.0]])).tolist()
    [[2.0], [1.0]]
    """
    order = np.asarray(order)
    return lambda states: states[order]


def replaced(where: np.ndarray, new: np.ndarray) -> Edit:
    """Return the edit that puts `new`, (m, dim), at the positions `where`, (n,) bool; fewer rows are repeated.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> edit = attribution.replaced(np.array([False, True]), np.array([[9.0]]))
    >>> edit(np.array([[1.0], [2.0]])).tolist()
    [[1.0], [9.0]]
    """
    where, new = np.asarray(where, dtype=bool), np.asarray(new)

    def edit(states: np.ndarray) -> np.ndarray:
        states[where] = new[np.arange(where.sum()) % len(new)]
        return states

    return edit


def same_norm_noise(where: np.ndarray, *, rng: np.random.Generator) -> Edit:
    """Return the edit that gives each state at `where` a random direction and leaves it its length.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> edit = attribution.same_norm_noise(np.array([False, True]), rng=np.random.default_rng(0))
    >>> np.linalg.norm(edit(np.array([[1.0, 0.0], [3.0, 4.0]])), axis=1).round(6).tolist()
    [1.0, 5.0]
    """
    where = np.asarray(where, dtype=bool)

    def edit(states: np.ndarray) -> np.ndarray:
        noise = rng.standard_normal((int(where.sum()), states.shape[1]))
        length = np.linalg.norm(states[where], axis=1, keepdims=True)
        states[where] = noise * length / np.linalg.norm(noise, axis=1, keepdims=True)
        return states

    return edit


def mean_state(where: np.ndarray) -> Edit:
    """Return the edit that puts the mean of the states at `where` at each of these positions.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> attribution.mean_state(np.array([True, True, False]))(np.array([[1.0], [3.0], [9.0]])).tolist()
    [[2.0], [2.0], [9.0]]
    """
    where = np.asarray(where, dtype=bool)

    def edit(states: np.ndarray) -> np.ndarray:
        states[where] = states[where].mean(axis=0)
        return states

    return edit


def draw_order(where: np.ndarray, n_moved: int | None = None, *, rng: np.random.Generator) -> np.ndarray:
    """Draw an order for `reorder` in which every moved position gets another's state.

    Parameters
    ----------
    where : (n,) bool
        Positions that may move; the rest stays.
    n_moved : int, optional
        How many of them move; 2 is a swap. Default: all.
    rng : numpy.random.Generator

    Returns
    -------
    (n,) int64
        One cycle through the moved positions, so none keeps its state.

    Raises
    ------
    ExplaintError
        If fewer than 2 positions may move, or fewer than asked for.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> attribution.draw_order(np.array([False, True, True]), rng=np.random.default_rng(0)).tolist()
    [0, 2, 1]
    """
    places = np.flatnonzero(where)
    n_moved = len(places) if n_moved is None else n_moved
    if not 2 <= n_moved <= len(places):
        raise ExplaintError(f"expected 2 to {len(places)} positions to move, found {n_moved}")
    cycle = rng.permutation(places)[:n_moved]
    order = np.arange(len(where))
    order[cycle] = np.roll(cycle, 1)
    return order


def draw_edits(
    where: np.ndarray, donor: np.ndarray, *, rng: np.random.Generator
) -> tuple[dict[str, Edit], dict[str, np.ndarray]]:
    """Draw the five corruptions for one sentence and layer.

    Parameters
    ----------
    where : (n,) bool
        Positions to corrupt: not the special ones, and not a decoder's first.
    donor : (m, dim) array
        States of another sentence at the same layer, for ``other sentence``.
    rng : numpy.random.Generator

    Returns
    -------
    edits : dict of str to Edit
        Keys are `CORRUPTIONS`.
    orders : dict of str to (n,) int array
        Of ``swap`` and ``permute``: which position's state stands where.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> where, donor = np.array([False, True, True]), np.ones((2, 4))
    >>> edits, orders = attribution.draw_edits(where, donor, rng=np.random.default_rng(0))
    >>> list(edits), orders["swap"].tolist()
    (['swap', 'permute', 'other sentence', 'noise', 'mean'], [0, 2, 1])
    """
    orders = {"swap": draw_order(where, 2, rng=rng), "permute": draw_order(where, rng=rng)}
    edits = {name: reorder(order) for name, order in orders.items()} | {
        "other sentence": replaced(where, donor),
        "noise": same_norm_noise(where, rng=rng),
        "mean": mean_state(where),
    }
    return edits, orders


def equivariance_gap(intact: np.ndarray, changed: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return how far maps are from the intact ones with both axes put in `order`: 0 = exactly permuted.

    Parameters
    ----------
    intact, changed : (..., n, n) arrays
    order : (n,) int
        Position *i* holds what stood at ``order[i]``.

    Returns
    -------
    (...) float64
        Mean over rows of half the absolute difference (total variation), in [0, 1].

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> intact, order = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([1, 0])
    >>> attribution.equivariance_gap(intact, intact[order][:, order], order).item()
    0.0
    """
    moved = np.asarray(intact, dtype=np.float64)[..., order, :][..., order]
    return np.abs(np.asarray(changed, dtype=np.float64) - moved).sum(axis=-1).mean(axis=-1) / 2
