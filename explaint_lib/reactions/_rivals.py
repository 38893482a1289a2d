"""Rules that answer "which atom was it?" without a model: what a head has to beat.

Every rule gives each product atom a weight for each reactant atom of its element, adding up to 1: one answer, or a fair
draw among several. So its score is exact, not drawn. What it does NOT license: that a head which beats them all sees
chemistry.
"""

from __future__ import annotations

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.reactions._reaction import Reaction


def same_token(reaction: Reaction) -> np.ndarray:
    """Draw among the reactant atoms of the same token; of the same element where there is none, (m, n).

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> weights = reactions.same_token(made)
    >>> bool(np.allclose(weights.sum(axis=1), 1)), weights.shape == made.right.shape
    (True, True)
    """
    return _even(_candidates(reaction))


def same_occurrence(reaction: Reaction) -> np.ndarray:
    """Answer the k-th occurrence of a token by its k-th occurrence among the reactants, (m, n).

    Where the reactants have fewer, a draw among them.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> bool((reactions.same_occurrence(made).sum(axis=1) > 0.999).all())
    True
    """
    new, old = _tokens(reaction)
    weights = same_token(reaction)
    for i, token in enumerate(new):
        places = np.flatnonzero(old == token)
        k = int((new[:i] == token).sum())
        if k < len(places):
            weights[i] = np.eye(len(old))[places[k]]
    return weights


def at_distance(reaction: Reaction, distance: int) -> np.ndarray:
    """Answer the reactant atom of the same element whose token stands nearest to `distance` tokens before, (m, n).

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> reactions.at_distance(made, 10).shape == made.right.shape
    True
    """
    apart = reaction.product_atoms[:, None] - reaction.reactant_atoms[None, :]
    off = np.where(reaction.same_element, np.abs(apart - distance), np.inf)
    return _even(off == off.min(axis=1, keepdims=True))


def same_surroundings(reaction: Reaction, rounds: int = 4) -> np.ndarray:
    """Answer the reactant atoms of the same element that look alike up to most bonds away, (m, n).

    A rule that sees the molecules and not the string: two atoms agree up to k bonds if the atoms within that distance
    are bonded alike. Among those that agree farthest, a draw.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> bool((made.right * reactions.same_surroundings(made)).sum() > 0)
    True
    """
    agree = np.zeros(reaction.right.shape)
    for k in range(rounds + 1):
        new, old = reaction.environments(k)
        agree += new[:, None] == old[None, :]
    agree[~reaction.same_element] = -1
    return _even(agree == agree.max(axis=1, keepdims=True))


def score(reaction: Reaction, weights: np.ndarray) -> float:
    """Return the share of product atoms answered rightly, of those that can be answered wrongly.

    Parameters
    ----------
    reaction : Reaction
    weights : (m, n) float, or (m,) int
        Weights of a rule, or the reactant atom that each product atom is said to have been.

    Returns
    -------
    float
        From 0 to 1; NaN where no atom could be answered wrongly.

    Raises
    ------
    ExplaintError
        If the weights are of other atoms or hold NaN.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> reactions.score(made, made.source)
    1.0
    """
    if weights.ndim == 1:
        weights = np.eye(reaction.right.shape[1])[weights]
    if weights.shape != reaction.right.shape or np.isnan(weights).any():
        raise ExplaintError(f"expected weights {reaction.right.shape} without NaN, found {weights.shape}")
    hits = (weights * reaction.right).sum(axis=1)[reaction.open]
    return float(hits.mean()) if hits.size else np.nan


def _tokens(reaction: Reaction) -> tuple[np.ndarray, np.ndarray]:
    written = np.array(reaction.tokens)
    return written[reaction.product_atoms], written[reaction.reactant_atoms]


def _candidates(reaction: Reaction) -> np.ndarray:
    new, old = _tokens(reaction)
    same = new[:, None] == old[None, :]
    return np.where(same.any(axis=1, keepdims=True), same, reaction.same_element)


def _even(chosen: np.ndarray) -> np.ndarray:
    return chosen / chosen.sum(axis=1, keepdims=True)
