"""Reactions with a known atom map: made from kinds of reactions and groups, and written as a model reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product as pairs_of

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.reactions._molecules import Graph, alike, element, environments, named, read, write
from explaint_lib.reactions._templates import KINDS, Kind

_ORDERS = {"=": 2.0, "#": 3.0, ":": 1.5}


@dataclass(frozen=True)
class Reaction:
    """A reaction, its tokens, and which atom of the reactants each atom of the product was.

    Attributes
    ----------
    kind : str
        Its kind, such as "ester formation": what was drawn, so the cluster of an interval.
    tokens : tuple of str
        Of ``reactants>>product``; token i is at position i + 1 of what a model reads, after [CLS].
    reactant_atoms, product_atoms : (n,) and (m,) int
        The tokens that are atoms, before and after ">>".
    source : (m,) int
        For each atom of the product, the reactant atom that it was: an index into `reactant_atoms`.
    right : (m, n) bool
        Which answers count: the source, and every reactant atom that is *alike* (`alike`), in the reactants or through
        an atom that is alike in the product.
    same_element : (m, n) bool
        Which reactant atoms are of the product atom's element: what any answer is chosen from.
    """

    kind: str
    tokens: tuple[str, ...]
    reactant_atoms: np.ndarray
    product_atoms: np.ndarray
    source: np.ndarray
    right: np.ndarray
    same_element: np.ndarray
    _before: Graph
    _after: Graph
    _molecules: tuple[tuple[str, ...], ...]
    _names: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def smiles(self) -> str:
        """The reaction in one line."""
        return "".join(self.tokens)

    def environments(self, bonds: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what surrounds each product and each reactant atom up to a number of bonds, as comparable numbers.

        Returns
        -------
        (m,) int and (n,) int
            Two atoms have the same number if they look alike so far.
        """
        both = Graph(
            {**self._before.atoms, **{f"new {atom}": token for atom, token in self._after.atoms.items()}},
            {**self._before.bonds, **{frozenset(f"new {a}" for a in pair): o for pair, o in self._after.bonds.items()}},
        )
        seen = environments(both, bonds)
        new = np.array([seen[f"new {atom}"] for atom in self._names[1]])
        return new, np.array([seen[atom] for atom in self._names[0]])

    @property
    def open(self) -> np.ndarray:
        """Which product atoms can be mapped wrongly, (m,) bool: the others are right whatever is answered."""
        return np.asarray((self.same_element & ~self.right).any(axis=1))


def make_reactions(n_per_kind: int = 6, *, rng: np.random.Generator) -> list[Reaction]:
    """Make reactions of every kind, with groups drawn without replacement.

    Parameters
    ----------
    n_per_kind : int
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        For more reactions of a kind than it has pairs of groups.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(2, rng=np.random.default_rng(0))
    >>> len(made), made[0].kind, len(made[0].source) == len(made[0].product_atoms)
    (48, 'ester formation', True)
    """
    made = []
    for kind in KINDS:
        groups = list(pairs_of(kind.R, kind.Q))
        if not 1 <= n_per_kind <= len(groups):
            raise ExplaintError(f"{kind.name} has {len(groups)} pairs of groups, found n_per_kind={n_per_kind}")
        made += [react(kind, *groups[i]) for i in rng.choice(len(groups), n_per_kind, replace=False)]
    return made


def react(kind: Kind, r: str, q: str) -> Reaction:
    """Return one reaction of a kind with two groups.

    Parameters
    ----------
    kind : Kind
    r, q : str
        SMILES of the groups in the places of R and Q, bound by their first atom; any, but for what a kind forbids.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> reactions.react(reactions.KINDS[0], "C", "CC").smiles
    'CC(=O)O.CCO>>CC(=O)OCC'
    """
    before = read(kind.reactants.replace("{R}", named(r, "R")).replace("{Q}", named(q, "Q")))
    bonds = {pair: order for pair, order in before.bonds.items() if pair not in {_pair(bond) for bond in kind.cut}}
    for bond in kind.join:
        ends, _, sign = bond.partition(" ")
        bonds[_pair(ends)] = _ORDERS.get(sign, 1.0)
    after = Graph(before.atoms | kind.become, bonds)
    main = next(atoms for atoms in after.molecules() if kind.main in atoms)
    molecules = tuple(tuple(atoms) for atoms in before.molecules())
    return _written(kind.name, before, after.part(main), molecules, None)


def permuted_map(reaction: Reaction, *, rng: np.random.Generator) -> Reaction:
    """Return the reaction with a false map: reactant atoms of one element exchange which answers they are right for.

    The tokens stay, and with them all that a head could see, and how many answers are right. Only the truth is gone.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> rng = np.random.default_rng(0)
    >>> made = reactions.make_reactions(1, rng=rng)[0]
    >>> false = reactions.permuted_map(made, rng=rng)
    >>> false.tokens == made.tokens, bool((false.right.sum(axis=1) == made.right.sum(axis=1)).all())
    (True, True)
    """
    names = np.array([element(reaction.tokens[i]) for i in reaction.reactant_atoms])
    order = np.arange(len(names))
    for name in np.unique(names):
        order[names == name] = rng.permutation(order[names == name])
    place = np.argsort(order)  # where each old atom went
    return replace(reaction, right=reaction.right[:, order], source=place[reaction.source])


def _pair(bond: str) -> frozenset[str]:
    return frozenset(bond.split("-"))


def reordered(reaction: Reaction) -> Reaction:
    """Return the same reaction with its reactants in the reverse order, each spelt as it was.

    What is true of the atoms stays, and where they stand changes: an answer that is about atoms moves along.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> made = reactions.make_reactions(1, rng=np.random.default_rng(0))[0]
    >>> before, after = made.smiles.split(">>")[0], reactions.reordered(made).smiles.split(">>")[0]
    >>> after.split(".") == before.split(".")[::-1]
    True
    """
    return _written(reaction.kind, reaction._before, reaction._after, reaction._molecules[::-1], None)


def rewritten(reaction: Reaction, *, rng: np.random.Generator) -> Reaction:
    """Return the same reaction in another spelling: each molecule written from another atom, branches in another order.

    Nothing about the chemistry changes, nor does the truth about an atom. What goes by places in the string is lost.

    Examples
    --------
    >>> from explaint_lib import reactions
    >>> rng = np.random.default_rng(0)
    >>> made = reactions.make_reactions(1, rng=rng)[3]
    >>> again = reactions.rewritten(made, rng=rng)
    >>> again.smiles != made.smiles, len(again.source) == len(made.source)
    (True, True)
    """
    return _written(reaction.kind, reaction._before, reaction._after, reaction._molecules, rng)


def _written(
    kind: str, before: Graph, after: Graph, molecules: Sequence[tuple[str, ...]], rng: np.random.Generator | None
) -> Reaction:
    line: list[tuple[str, str | None]] = []
    for atoms in molecules:
        line += ([(".", None)] if line else []) + write(before.part(atoms), rng=rng)
    arrow = len(line)
    line += [(">>", None), *write(after, rng=rng)]
    places = np.array([i for i, (_, atom) in enumerate(line) if atom is not None])
    reactant_atoms, product_atoms = places[places < arrow], places[places > arrow]
    old, new = ([str(line[i][1]) for i in at] for at in (reactant_atoms, product_atoms))
    source = np.array([old.index(atom) for atom in new])
    # through an atom alike in the product, then to any that is alike in the reactants
    right = (alike(after, new).astype(int) @ alike(before, old)[source]) > 0  # (m, m) @ (m, n)
    kinds = [np.array([element(line[i][0]) for i in at]) for at in (product_atoms, reactant_atoms)]
    return Reaction(
        kind, tuple(token for token, _ in line), reactant_atoms, product_atoms, source,
        right, kinds[0][:, None] == kinds[1][None, :], before, after, tuple(molecules), (tuple(old), tuple(new)),
    )  # fmt: skip
