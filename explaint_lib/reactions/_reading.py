"""An attention head read as an atom map, and a head chosen on one half of the reactions and scored on the other.

What it controls for: heads are compared on the atoms of one element alone, so that no head earns anything by knowing
elements; a choice never sees what it is scored on. What it does NOT license: that the model uses the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.reactions._reaction import Reaction


def read_heads(
    reaction: Reaction, attention: np.ndarray, *, asks: Literal["both", "product", "reactant"] = "both"
) -> np.ndarray:
    """Return which reactant atom each head gives each product atom.

    Parameters
    ----------
    reaction : Reaction
    attention : (layer, head, query, key) float
        Of its tokens, [CLS] before and [SEP] behind.
    asks : {"both", "product", "reactant"}
        Whose attention: of the product atom to the reactant atom, of the reactant atom to the product atom, or their
        sum, as Schwaller et al. (2021) read it.

    Returns
    -------
    (layer, head, m) int
        Index into `Reaction.reactant_atoms`; of one element with the product atom always.

    Raises
    ------
    ExplaintError
        If the attention is of another number of tokens or holds NaN, or `asks` is none of the three.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> n = len(made.tokens) + 2
    >>> reactions.read_heads(made, np.random.default_rng(1).random((2, 3, n, n))).shape == (2, 3, len(made.source))
    True
    """
    n = len(reaction.tokens) + 2
    if asks not in ("both", "product", "reactant"):
        raise ExplaintError(f"asks must be both, product or reactant, found {asks!r}")
    if attention.ndim == 4 and np.isnan(attention).any():
        raise ExplaintError("expected attention weights, found NaN among them")
    if attention.ndim != 4 or attention.shape[2:] != (n, n):
        raise ExplaintError(f"expected attention (layer, head, {n}, {n}) for {n - 2} tokens, found {attention.shape}")
    new, old = reaction.product_atoms + 1, reaction.reactant_atoms + 1  # after [CLS]
    of_product = attention[:, :, new][..., old]  # (layer, head, m, n)
    of_reactant = np.swapaxes(attention[:, :, old][..., new], 2, 3)
    weights = {"both": of_product + of_reactant, "product": of_product, "reactant": of_reactant}[asks]
    return np.asarray(np.where(reaction.same_element, weights, -1.0).argmax(axis=-1))


def head_scores(reactions: Sequence[Reaction], choices: Sequence[np.ndarray]) -> np.ndarray:
    """Return the score of every head on every reaction, (reaction, layer, head).

    Parameters
    ----------
    reactions : sequence of Reaction
    choices : sequence of (layer, head, m) int
        As `read_heads` gives them, in the same order.

    Raises
    ------
    ExplaintError
        If there are no reactions, or not as many choices.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))
    >>> float(reactions.head_scores(made, [np.tile(one.source, (2, 3, 1)) for one in made]).mean())
    1.0
    """
    if not 0 < len(reactions) == len(choices):
        raise ExplaintError(f"expected choices for each reaction, found {len(choices)} for {len(reactions)} reactions")
    found = []
    for reaction, choice in zip(reactions, choices, strict=True):
        hits = reaction.right[np.arange(choice.shape[-1]), choice]  # (layer, head, m)
        found.append(hits[..., reaction.open].mean(axis=-1))
    return np.stack(found)


def halves(kinds: Sequence[str], n_draws: int, *, whole_kinds: bool, rng: np.random.Generator) -> np.ndarray:
    """Divide reactions into two halves, several times.

    Parameters
    ----------
    kinds : sequence of str
    n_draws : int
    whole_kinds : bool
        Whether a kind of reaction is in one half as a whole, so that what is scored is of kinds that had no part in
        the choice. Otherwise each kind is divided.
    rng : numpy.random.Generator

    Returns
    -------
    (n_draws, n_reactions) bool

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> drawn = reactions.halves(["a", "a", "b", "b"], 3, whole_kinds=True, rng=np.random.default_rng(0))
    >>> bool((drawn[:, 0] == drawn[:, 1]).all()), drawn.sum(axis=1).tolist()
    (True, [2, 2, 2])
    """
    names, number = np.unique(np.asarray(kinds), return_inverse=True)
    drawn = np.zeros((n_draws, len(number)), dtype=bool)
    for draw in drawn:
        if whole_kinds:
            draw[:] = np.isin(number, rng.permutation(len(names))[: len(names) // 2])
        else:
            for kind in range(len(names)):
                inside = rng.permutation(np.flatnonzero(number == kind))
                draw[inside[: len(inside) // 2]] = True
    return drawn


def chosen_elsewhere(scores: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose the best answerer on each half, and score it on the other.

    Parameters
    ----------
    scores : (n_reactions, n_answerers) float
        Of heads, or of any rules to choose from.
    half : (n_reactions,) bool

    Returns
    -------
    held_out : (n_reactions,) float
        Of each reaction, the score of the answerer that was best on the half without it.
    chosen : (2,) int
        The best of the reactions where `half` is False, and where it is True.

    Raises
    ------
    ExplaintError
        If one half is empty.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> scores = np.array([[1.0, 0.2], [1.0, 0.3], [0.1, 0.9], [0.1, 0.8]])
    >>> held_out, chosen = reactions.chosen_elsewhere(scores, np.array([False, False, True, True]))
    >>> held_out.tolist(), chosen.tolist()
    ([0.2, 0.3, 0.1, 0.1], [0, 1])
    """
    half = np.asarray(half, dtype=bool)
    if half.all() or not half.any():
        raise ExplaintError("both halves need a reaction, found one that is empty")
    chosen = np.array([int(np.nanmean(scores[half == side], axis=0).argmax()) for side in (False, True)])
    held_out = np.where(half, scores[:, chosen[0]], scores[:, chosen[1]])
    return held_out, chosen
