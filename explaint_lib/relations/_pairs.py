"""Hyponym-hypernym pairs from the taxonomic features of norms, and which other pairs are surely false.

A pair is read off a taxonomic feature: ``robin`` + ``a_bird``. Words with a bracketed hint (homonyms) are left out,
because a sentence such as "a bat is a mammal" does not say which bat it means.

What it controls for: a counterfactual pair must be *false*, not merely unlisted. Norms hold what participants named;
nobody says of an owl that it is an animal and a predator and a vertebrate. So a pair counts as false only if no word
of the norms is of both kinds and the two kinds are not known to overlap (`MAY_OVERLAP`); pairs in doubt are used
neither way. What it does not license: a taxonomy. The norms' own view of the world goes into every score.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.norms import FeatureNorms
from explaint_lib.relations import _grammar

#: Said of a thing for what it does or is used for: true of many kinds, so never a hypernym here.
ROLES = _grammar.listed(
    "award bug carnivore delicacy food herbivore pest pet predator prey scavenger seafood snack toy treat"
)

#: Kinds of kinds: what is disjoint from a narrower hypernym of a word need not be disjoint from these.
BROAD = frozenset({"animal", "plant"})

#: Kinds of which one thing may be both, although no word of the norms may say so.
MAY_OVERLAP: tuple[frozenset[str], ...] = (
    frozenset({"tool", "utensil", "weapon", "appliance", "machine", "instrument", "gun"}),
    frozenset({"utensil", "container", "pan", "dish", "appliance"}),
    frozenset({"furniture", "container", "seat", "bed", "appliance"}),
    frozenset({"vehicle", "weapon", "machine", "boat", "car", "toy"}),
    frozenset({"fruit", "vegetable", "plant", "tree", "herb", "root", "berry", "melon", "citrus fruit"}),
    frozenset({"plant", "flower", "tree", "herb", "weed"}),
    frozenset({"building", "house", "room", "container"}),
    frozenset({"clothing", "garment", "hat", "footwear", "undergarment", "fashion accessory", "jewelry"}),
)

_FEATURE = re.compile(r"an?_(\w+)")


class Pair(NamedTuple):
    """A word and what it is (or is not) a kind of, both in the singular."""

    hyponym: str
    hypernym: str


@dataclass(frozen=True)
class Taxonomy:
    """What the norms say about kinds.

    Attributes
    ----------
    pairs : tuple of Pair
        The true pairs, sorted; hypernyms with fewer than `min_hyponyms` hyponyms are left out here.
    kinds : dict of str to frozenset of str
        Every hypernym of each hyponym, small ones and roles included.
    members : dict of str to frozenset of str
        The hyponyms of each hypernym, likewise.
    nearness : dict of (str, str) to float
        Cosine of the mean non-taxonomic features of the hyponyms of two hypernyms, in [0, 1].
    """

    pairs: tuple[Pair, ...]
    kinds: dict[str, frozenset[str]]
    members: dict[str, frozenset[str]]
    nearness: dict[tuple[str, str], float]

    @property
    def hypernyms(self) -> tuple[str, ...]:
        """The hypernyms of the pairs, sorted."""
        return tuple(sorted({pair.hypernym for pair in self.pairs}))

    def surely_false(self, hyponym: str, hypernym: str) -> bool:
        """Return whether the word is certainly not of that kind, as far as the norms can tell.

        True if the kind is disjoint from every hypernym of the word: no word of the norms is of both, and
        `MAY_OVERLAP` does not name them together. A broad hypernym of the word (`BROAD`) is asked only if the word
        has no narrower one: a robin, an animal, is no mammal because birds are none.
        """
        own = self.kinds[hyponym]
        asked = own - BROAD - ROLES or own
        return hypernym not in own | ROLES and all(self._disjoint(kind, hypernym) for kind in asked)

    def _disjoint(self, one: str, other: str) -> bool:
        named = any({one, other} <= group for group in MAY_OVERLAP)
        return one != other and not named and not self.members[one] & self.members[other]


def hypernym_pairs(norms: FeatureNorms, *, min_hyponyms: int = 5) -> Taxonomy:
    """Read the pairs off norms.

    Parameters
    ----------
    norms : FeatureNorms
        With `feature_types`; features of the type "taxonomic" named ``a_bird``, ``an_insect`` or, for mass nouns,
        ``furniture``.
    min_hyponyms : int
        Hypernyms with fewer hyponyms are left out: with one or two, nothing can be learned or tested about them.

    Raises
    ------
    ExplaintError
        If the norms have no feature types, or fewer than two hypernyms are left.

    Examples
    --------
    >>> from explaint_lib import norms, relations
    >>> taxonomy = relations.hypernym_pairs(norms.load_norms("bundled"))
    >>> relations.Pair("robin", "bird") in taxonomy.pairs, taxonomy.surely_false("robin", "fruit")
    (True, True)
    """
    if norms.feature_types is None or norms.kind != "sparse":
        raise ExplaintError(
            f"{norms.name} says of no feature that it is taxonomic, so that no hypernym can be read from it; "
            "use the bundled norms or McRae's"
        )
    found: dict[str, set[str]] = {}
    forms = zip(norms.word_forms, norms.hints, strict=True)
    words = [None if hint else _grammar.singular(form) for form, hint in forms]
    twice = {word for word in words if words.count(word) > 1}
    for column, (feature, kind) in enumerate(zip(norms.features, norms.feature_types, strict=True)):
        hypernym = _hypernym(feature) if kind == "taxonomic" else None
        if hypernym:
            holders = {words[i] for i in np.flatnonzero(norms.values[:, column] > 0)} - twice - {None, hypernym}
            found.setdefault(hypernym, set()).update(word for word in holders if word)
    members = {hypernym: frozenset(words) for hypernym, words in found.items() if words}
    kinds = {word: frozenset(h for h, of in members.items() if word in of) for of in members.values() for word in of}
    used = [h for h, words in members.items() if h not in ROLES and len(words) >= min_hyponyms]
    if len(used) < 2:
        raise ExplaintError(
            f"{norms.name}: expected at least 2 hypernyms with {min_hyponyms} or more hyponyms, found {len(used)}"
        )
    pairs = tuple(sorted(Pair(word, h) for h in used for word in members[h]))
    return Taxonomy(pairs, kinds, members, _nearness(norms, words, members))


def _nearness(
    norms: FeatureNorms, words: list[str | None], members: dict[str, frozenset[str]]
) -> dict[tuple[str, str], float]:
    """Return how alike the members of two hypernyms are, by all that the norms say of them but their kinds."""
    other = np.array([kind != "taxonomic" for kind in norms.feature_types or ()])
    of = np.array([[word in members[hypernym] for word in words] for hypernym in members], dtype=float)
    means = of @ norms.values[:, other] / of.sum(axis=1, keepdims=True)  # (hypernym, feature)
    means /= np.linalg.norm(means, axis=1, keepdims=True).clip(1e-12)
    cosines = means @ means.T
    return {(a, b): float(cosines[i, j]) for i, a in enumerate(members) for j, b in enumerate(members)}


def _hypernym(feature: str) -> str | None:
    """Return the noun of a taxonomic feature, None if there is none ("is_nuclear")."""
    article = _FEATURE.fullmatch(feature)
    noun = (article[1] if article else feature).replace("_", " ")
    return noun if article or noun in _grammar.MASS else None


def at_most(pairs: Iterable[Pair], limit: int, *, rng: np.random.Generator) -> tuple[Pair, ...]:
    """Return at most `limit` pairs of each hypernym, drawn at random, in their old order.

    One hypernym that holds a fifth of all pairs ("animal") would decide every average.

    Examples
    --------
    >>> from explaint_lib import relations
    >>> pairs = [relations.Pair(word, "animal") for word in ("dog", "cat", "cow")]
    >>> len(relations.at_most(pairs, 2, rng=np.random.default_rng(0)))
    2
    """
    pairs = tuple(pairs)
    kept: set[int] = set()
    for hypernym in sorted({pair.hypernym for pair in pairs}):
        rows = [i for i, pair in enumerate(pairs) if pair.hypernym == hypernym]
        kept.update(rng.permutation(rows)[:limit].tolist())
    return tuple(pair for i, pair in enumerate(pairs) if i in kept)
