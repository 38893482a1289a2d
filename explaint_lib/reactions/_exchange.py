"""One atom of the reactants exchanged for another element: does what a model says of the product move with it?

What it controls for: the new atom can have the bonds of the old one, so the line stays valid SMILES; the same exchange
is made at an atom of the same token that the map does *not* name, about as far from the product atom. What it does NOT
license: that the exchanged molecule exists, or reacts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.reactions._reaction import Reaction

_NEW = {"C": "N", "c": "n", "N": "O", "O": "S", "S": "O", "F": "Cl", "Cl": "F", "Br": "Cl", "I": "Br"}
_MOST_BONDS = {"C": 3, "N": 2, "S": 2}  # that the new atom can have too; a ring atom must have two neighbours


@dataclass(frozen=True)
class Exchange:
    """A product atom, the reactant atom that it was, and another reactant atom that it was not.

    Attributes
    ----------
    product : int
        Index into `Reaction.product_atoms`.
    mapped, other : int
        Indices into `Reaction.reactant_atoms`, of one token.
    old, new : str
        That token, and the one it is exchanged for.
    """

    product: int
    mapped: int
    other: int
    old: str
    new: str


def exchange_token(reaction: Reaction, atom: int) -> str | None:
    """Return the token that a reactant atom can be exchanged for, or None.

    Parameters
    ----------
    reaction : Reaction
    atom : int
        Index into `Reaction.reactant_atoms`.

    Raises
    ------
    ExplaintError
        If there is no such atom.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> new = {reactions.exchange_token(made, atom) for atom in range(len(made.reactant_atoms))}
    >>> new <= {"N", "n", "S", "Cl", "F", None}
    True
    """
    if not 0 <= atom < len(reaction.reactant_atoms):
        raise ExplaintError(f"expected an atom from 0 to {len(reaction.reactant_atoms) - 1}, found {atom}")
    name = reaction._names[0][atom]
    token = reaction._before.atoms[name]
    around = reaction._before.neighbours(name)
    bonds = sum(reaction._before.bonds[frozenset((name, other))] for other in around)
    if token == "c" and len(around) != 2:
        return None
    return _NEW.get(token) if bonds <= _MOST_BONDS.get(token, 3) else None


def draw_exchanges(reaction: Reaction, n: int, *, rng: np.random.Generator) -> list[Exchange]:
    """Draw up to `n` product atoms for which there is such a pair of reactant atoms.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> rng = np.random.default_rng(0)
    >>> made = reactions.make_reactions(1, rng=rng)[0]
    >>> (one,) = reactions.draw_exchanges(made, 1, rng=rng)
    >>> bool(made.right[one.product, one.mapped]), bool(made.right[one.product, one.other])
    (True, False)
    """
    tokens = [reaction.tokens[i] for i in reaction.reactant_atoms]
    apart = reaction.product_atoms[:, None] - reaction.reactant_atoms[None, :]
    found: list[Exchange] = []
    for product in rng.permutation(np.flatnonzero(reaction.open)):
        mapped = int(reaction.source[product])
        new = exchange_token(reaction, mapped)
        others = [
            atom
            for atom in np.flatnonzero(~reaction.right[product]).tolist()
            if tokens[atom] == tokens[mapped] and exchange_token(reaction, atom) == new
        ]
        if new is None or not others or len(found) == n:
            continue
        other = min(others, key=lambda atom: abs(apart[product, atom] - apart[product, mapped]))
        found.append(Exchange(int(product), mapped, int(other), tokens[mapped], new))
    return found


def where_it_errs(reaction: Reaction, choice: np.ndarray) -> list[Exchange]:
    """Return an exchange for each product atom that a head gives a wrong reactant atom of the source's own token.

    `Exchange.mapped` is the true atom, `Exchange.other` the one that the head names.

    Parameters
    ----------
    reaction : Reaction
    choice : (m,) int
        Of one head, as `read_heads` gives it.

    Raises
    ------
    ExplaintError
        If it is not one reactant atom a product atom.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> reactions.where_it_errs(made, made.source)
    []
    """
    if np.shape(choice) != np.shape(reaction.source):
        raise ExplaintError(f"expected one choice for {len(reaction.source)} product atoms, found {np.shape(choice)}")
    tokens = [reaction.tokens[i] for i in reaction.reactant_atoms]
    found = []
    for product in np.flatnonzero(reaction.open):
        mapped, named = int(reaction.source[product]), int(choice[product])
        new = exchange_token(reaction, mapped)
        alike = tokens[mapped] == tokens[named] and new is not None and exchange_token(reaction, named) == new
        if alike and not reaction.right[product, named]:
            found.append(Exchange(int(product), mapped, named, tokens[mapped], str(new)))
    return found


def exchanged(
    reaction: Reaction, atom: int | None = None, new: str = "", *, masked: int | None = None, mask: str = "[MASK]"
) -> tuple[str, ...]:
    """Return the tokens of a reaction with a reactant atom exchanged, or a product atom masked, or both.

    Parameters
    ----------
    reaction : Reaction
    atom : int, optional
        Index into `Reaction.reactant_atoms`.
    new : str
        Its new token.
    masked : int, optional
        Index into `Reaction.product_atoms`.
    mask : str

    Raises
    ------
    ExplaintError
        If the new token is the old one, or none.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> changed = reactions.exchanged(made, 0, "[nH]", masked=1)
    >>> sum(one != other for one, other in zip(changed, made.tokens, strict=True))
    2
    """
    tokens = list(reaction.tokens)
    if atom is not None:
        place = reaction.reactant_atoms[atom]
        if new in ("", tokens[place]):
            raise ExplaintError(f"expected a token to exchange {tokens[place]!r} for, found {new!r}")
        tokens[place] = new
    if masked is not None:
        tokens[reaction.product_atoms[masked]] = mask
    return tuple(tokens)
