"""Molecules as graphs: read from SMILES, written as SMILES, and which of their atoms are alike.

A molecule is atoms and bonds; SMILES is a way to write it in one line, by walking along the bonds. A small part of the
language is enough here: no stereochemistry, no isotopes. What it controls for: atoms that only a drawing tells apart
are found to be alike. What it does NOT license: chemistry; nothing here knows which molecules exist.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from explaint_lib._common import ExplaintError

_ATOM = r"\[[A-Za-z][a-z]?(?:H\d?)?[+-]?\d?(?::\w+)?\]|Br|Cl|[BCNOPSFI]|[bcnops]"
_TOKEN = re.compile(rf"{_ATOM}|[-=#().]|>>|[0-9]")
_ELEMENT = re.compile(r"\[?([A-Z][a-z]?|[a-z])")
_ORDERS = {"-": 1.0, "=": 2.0, "#": 3.0}
_SIGNS = {2.0: "=", 3.0: "#"}
_PLAIN = {"B", "C", "N", "O", "P", "S", "F", "Cl", "Br", "I", "b", "c", "n", "o", "p", "s"}


def tokens(smiles: str) -> tuple[str, ...]:
    """Cut a SMILES string, or a reaction, into its tokens.

    Raises
    ------
    ExplaintError
        For a character that is no part of a token.

    Examples
    --------
    >>> from explaint_lib.reactions import tokens
    >>> tokens("CCBr.[OH-]>>CCO")
    ('C', 'C', 'Br', '.', '[OH-]', '>>', 'C', 'C', 'O')
    """
    found = tuple(_TOKEN.findall(smiles))
    if "".join(found) != smiles:
        raise ExplaintError(f"{smiles!r} is not SMILES of the kind read here: no stereochemistry, no isotopes")
    return found


def element(token: str) -> str:
    """Return the element of an atom's token: "C" for C and for c, a carbon of an aromatic ring.

    Raises
    ------
    ExplaintError
        For a token that is no atom.

    Examples
    --------
    >>> from explaint_lib.reactions import element
    >>> [element(token) for token in ("c", "[O-]", "Br", "[Na+]")]
    ['C', 'O', 'Br', 'Na']
    """
    found = _ELEMENT.match(token)
    if found is None or not is_atom(token):
        raise ExplaintError(f"{token!r} is no atom")
    return found[1].capitalize()


def is_atom(token: str) -> bool:
    """Tell whether a token is an atom, rather than a bond, a bracket, a digit or a dot."""
    return re.fullmatch(_ATOM, token) is not None


@dataclass
class Graph:
    """One molecule or several; it stays as it is once its neighbours have been asked for.

    Attributes
    ----------
    atoms : dict of str to str
        A name for each atom, and the token it is written with.
    bonds : dict of frozenset of two names to float
        Order: 1, 2, 3, or 1.5 in an aromatic ring.
    """

    atoms: dict[str, str] = field(default_factory=dict)
    bonds: dict[frozenset[str], float] = field(default_factory=dict)

    @cached_property
    def _near(self) -> dict[str, list[str]]:
        near: dict[str, list[str]] = {atom: [] for atom in self.atoms}
        for pair in self.bonds:
            first, second = sorted(pair)
            near[first].append(second)
            near[second].append(first)
        return near

    def neighbours(self, atom: str) -> list[str]:
        """Return the atoms bonded to one, in the order in which the bonds were made."""
        return self._near[atom]

    def molecules(self) -> list[list[str]]:
        """Return the names of the atoms of each molecule, in the order of the atoms."""
        left, found = list(self.atoms), []
        while left:
            inside, edge = {left[0]}, [left[0]]
            while edge:
                new = [other for other in self.neighbours(edge.pop()) if other not in inside]
                inside.update(new)
                edge += new
            found.append([atom for atom in left if atom in inside])
            left = [atom for atom in left if atom not in inside]
        return found

    def part(self, atoms: Iterable[str]) -> Graph:
        """Return the graph of some atoms, and of the bonds between them."""
        kept = set(atoms)
        return Graph(
            {atom: token for atom, token in self.atoms.items() if atom in kept},
            {pair: order for pair, order in self.bonds.items() if pair <= kept},
        )


def read(smiles: str) -> Graph:
    """Read SMILES. An atom may have a name, as in ``[C:name]``; the others are called by their place, a0, a1, ...

    Raises
    ------
    ExplaintError
        For what is not SMILES, and for two atoms of one name.
    """
    graph, stack = Graph(), list[str | None]()
    open_rings: dict[str, tuple[str, float | None]] = {}
    last: str | None = None
    order: float | None = None
    for token in tokens(smiles):
        if token == "(":
            stack.append(last)
        elif token == ")":
            last = stack.pop()
        elif token == ".":
            last = None
        elif token in _ORDERS:
            order = _ORDERS[token]
        elif token.isdigit():
            assert last is not None
            if token in open_rings:
                first, said = open_rings.pop(token)
                _bond(graph, first, last, order or said)
            else:
                open_rings[token] = (last, order)
            order = None
        else:
            inner, _, name = token.strip("[]").partition(":")
            name = name or f"a{len(graph.atoms)}"
            if name in graph.atoms:
                raise ExplaintError(f"two atoms of {smiles!r} are called {name}")
            graph.atoms[name] = inner if inner in _PLAIN else f"[{inner}]"
            if last is not None:
                _bond(graph, last, name, order)
            last, order = name, None
    if stack or open_rings:
        raise ExplaintError(f"a branch or a ring of {smiles!r} is not closed")
    return graph


def named(group: str, letter: str) -> str:
    """Return SMILES whose atoms are called R1, R2, ... where the letter is R."""
    count = itertools.count(1)
    return re.sub(_ATOM, lambda found: f"[{found[0].strip('[]')}:{letter}{next(count)}]", group)


def _bond(graph: Graph, first: str, second: str, order: float | None) -> None:
    aromatic = graph.atoms[first].islower() and graph.atoms[second].islower()
    graph.bonds[frozenset((first, second))] = order or (1.5 if aromatic else 1.0)


# --- writing -----------------------------------------------------------------------------------------------


def write(graph: Graph, *, rng: np.random.Generator | None = None) -> list[tuple[str, str | None]]:
    """Return the tokens of one molecule, each with the name of its atom, or None for what is no atom.

    Written from an end of its longest chain, short branches first, as programs for chemistry write it; with `rng`, from
    any atom, its branches in any order: the same molecule, another string.
    """
    start, rank = _way(graph, rng)
    children: dict[str, list[str]] = {}
    rings: dict[str, list[frozenset[str]]] = {atom: [] for atom in graph.atoms}
    _walk(graph, start, None, rank, children, rings)
    found: list[tuple[str, str | None]] = []
    _emit(graph, start, children, rings, {}, found)
    return found


def _way(graph: Graph, rng: np.random.Generator | None) -> tuple[str, dict[tuple[str, str], float]]:
    """Return where to begin, and for each step from an atom to a neighbour a rank: the lowest is written first."""
    steps = [(a, b) for pair in graph.bonds for a, b in (tuple(sorted(pair)), tuple(sorted(pair))[::-1])]
    if rng is not None:
        return str(rng.choice(list(graph.atoms))), dict(zip(steps, rng.random(len(steps)), strict=True))
    # a ring goes on after its branches, and is closed by a single bond where it has one
    rank = {(a, b): (len(graph.atoms) + 1) * _in_a_ring(graph, a, b) + _behind(graph, a, b) for a, b in steps}
    behind = {(a, b): rank[a, b] - graph.bonds[frozenset((a, b))] / 10 for a, b in steps}
    ends = [atom for atom in graph.atoms if len(graph.neighbours(atom)) <= 1] or list(graph.atoms)
    start = max(ends, key=lambda atom: (_farthest(graph, atom), graph.atoms[atom] == "C"))
    return start, behind


def _in_a_ring(graph: Graph, atom: str, other: str) -> bool:
    """Tell whether a bond is part of a ring: its ends are joined by another way too."""
    without = Graph(graph.atoms, {pair: order for pair, order in graph.bonds.items() if pair != {atom, other}})
    return any(atom in inside and other in inside for inside in without.molecules())


def _behind(graph: Graph, atom: str, other: str) -> int:
    """Return how many atoms are reached from `other` without passing `atom`."""
    inside, edge = {atom, other}, [other]
    while edge:
        new = [one for one in graph.neighbours(edge.pop()) if one not in inside]
        inside.update(new)
        edge += new
    return len(inside) - 1


def _farthest(graph: Graph, atom: str) -> int:
    inside, edge, steps = {atom}, [atom], 0
    while edge:
        edge = list(dict.fromkeys(n for one in edge for n in graph.neighbours(one) if n not in inside))
        inside.update(edge)
        steps += bool(edge)
    return steps


def _walk(
    graph: Graph,
    atom: str,
    before: str | None,
    rank: dict[tuple[str, str], float],
    children: dict[str, list[str]],
    rings: dict[str, list[frozenset[str]]],
) -> None:
    """Find the tree along which a molecule is written, and the bonds that close its rings."""
    children[atom] = []
    for other in sorted(graph.neighbours(atom), key=lambda other: rank[atom, other]):
        pair = frozenset((atom, other))
        if other == before or pair in rings[atom]:
            continue
        if other in children:  # met before: a ring closes
            rings[atom].append(pair)
            rings[other].append(pair)
        else:
            children[atom].append(other)
            _walk(graph, other, atom, rank, children, rings)


def _emit(
    graph: Graph,
    atom: str,
    children: dict[str, list[str]],
    rings: dict[str, list[frozenset[str]]],
    digits: dict[frozenset[str], int],
    found: list[tuple[str, str | None]],
) -> None:
    found.append((graph.atoms[atom], atom))
    for pair in rings[atom]:
        if pair in digits:
            found.append((str(digits.pop(pair)), None))
        else:
            digits[pair] = min(set(range(1, 10)) - set(digits.values()))
            sign = _sign(graph, pair)
            found += [(sign, None)] if sign else []
            found.append((str(digits[pair]), None))
    for place, other in enumerate(children[atom]):
        branch = place < len(children[atom]) - 1
        sign = _sign(graph, frozenset((atom, other)))
        found += ([("(", None)] if branch else []) + ([(sign, None)] if sign else [])
        _emit(graph, other, children, rings, digits, found)
        found += [(")", None)] if branch else []


def _sign(graph: Graph, pair: frozenset[str]) -> str:
    if graph.bonds[pair] == 1.0 and all(graph.atoms[atom].islower() for atom in pair):
        return "-"  # between two aromatic rings
    return _SIGNS.get(graph.bonds[pair], "")


# --- which atoms are alike -----------------------------------------------------------------------------------


def environments(graph: Graph, rounds: int | None = None) -> dict[str, int]:
    """Return a number for each atom; atoms have the same one if they look alike up to `rounds` bonds away.

    Colour refinement (Morgan 1965): an atom is known by its element, then by the elements around it, then by what is
    around those. Left to itself, it goes on until no class splits any more. Oxygens that only a drawing tells apart, as
    the two of a carboxylic acid, of its salt, of a nitro or a sulfonyl group, begin alike, and so do their bonds.
    """
    shared = _shared(graph)
    seen: dict[str, object] = {
        atom: ("O",) if atom in shared else (token, len(graph.neighbours(atom))) for atom, token in graph.atoms.items()
    }
    colours = _numbered(seen)
    done = 0
    while rounds is None or done < rounds:
        around = {
            atom: sorted((_order(graph, atom, other, shared), colours[other]) for other in graph.neighbours(atom))
            for atom in graph.atoms
        }
        finer = _numbered({atom: (colours[atom], *around[atom]) for atom in graph.atoms})
        if len(set(finer.values())) == len(set(colours.values())):
            return finer
        colours, done = finer, done + 1
    return colours


def _numbered(seen: dict[str, object]) -> dict[str, int]:
    order = {one: number for number, one in enumerate(sorted(set(map(repr, seen.values()))))}
    return {atom: order[repr(one)] for atom, one in seen.items()}


def _shared(graph: Graph) -> set[str]:
    """Return the oxygens at the end of a bond that share their double bond with another such oxygen."""
    ends = [atom for atom, token in graph.atoms.items() if element(token) == "O" and len(graph.neighbours(atom)) == 1]
    holder = {atom: graph.neighbours(atom)[0] for atom in ends}
    doubly = {holder[atom] for atom in ends if graph.bonds[frozenset((atom, holder[atom]))] == 2.0}
    counted = Counter(holder.values())
    return {atom for atom in ends if holder[atom] in doubly and counted[holder[atom]] > 1}


def _order(graph: Graph, atom: str, other: str, shared: set[str]) -> float:
    return 1.75 if atom in shared or other in shared else graph.bonds[frozenset((atom, other))]


def alike(graph: Graph, atoms: Sequence[str]) -> np.ndarray:
    """Return which of some atoms are alike, a symmetric (n, n) array of bool."""
    colours = environments(graph)
    numbers = np.array([colours[atom] for atom in atoms])
    return np.asarray(numbers[:, None] == numbers[None, :])
