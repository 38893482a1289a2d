"""Noun phrases of English: articles, plurals, nouns without a plural, nouns that come in pairs.

What it covers: the nouns of the bundled norms and of McRae et al. (2005), by rule and by short lists; other nouns
get the regular forms. What it does not license: it is no grammar of English, and a sentence made with it should be
read once before a result is built on it.
"""

from __future__ import annotations

import re


def listed(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


#: Nouns without an article and without a plural.
MASS = listed(
    "asparagus bread broccoli celery cheese clothing corn fashion food footwear furniture garlic jewelry lavender "
    "lettuce parsley rhubarb rice seafood spinach"
)

#: Nouns that are always plural, counted in pairs.
IN_PAIRS = listed(
    "binoculars goggles jeans leggings leotards pajamas pants pliers pyjamas scissors shears shorts tights tongs "
    "trousers tweezers"
)

_LISTED_AS_PLURAL = listed("beans beets boots gloves mittens onions peas shoes skis slippers socks")
_SAME = listed("bison caribou carp cod deer elk moose pike salmon sheep squid trout tuna fish")
_IRREGULAR = {
    "calf": "calves", "goose": "geese", "knife": "knives", "mouse": "mice", "ox": "oxen", "person": "people",
    "scarf": "scarves", "wolf": "wolves",
}  # fmt: skip
_O_TO_OES = listed("buffalo mosquito potato tomato")
_VOWEL = re.compile(r"(?!uni|use|uten|ukul|eu|ewe|one)[aeiou]|hour|hono|heir", re.IGNORECASE)


def singular(noun: str) -> str:
    """Return a noun in the singular; only nouns that the norms list in the plural ("gloves") are changed."""
    return noun[:-1] if noun in _LISTED_AS_PLURAL else noun


def determiner(noun: str) -> str:
    """Return what stands before a singular noun that is one of many, with its space.

    "a " or "an " by the sound of its first letter; nothing before a mass noun ("furniture"); "a pair of " before a
    noun that comes in pairs ("scissors").
    """
    if noun.split()[-1] in MASS:
        return ""
    if noun in IN_PAIRS:
        return "a pair of "
    return "an " if _VOWEL.match(noun) else "a "


def plural(noun: str) -> str:
    """Return the plural of a noun or noun phrase; mass nouns and nouns that come in pairs stay as they are."""
    *before, last = noun.split()
    return " ".join([*before, _plural(last)])


def _plural(noun: str) -> str:
    if noun in MASS or noun in IN_PAIRS or noun in _SAME or noun.endswith("fish"):
        return noun
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if re.search(r"(s|x|z|ch|sh)$", noun) or noun in _O_TO_OES:
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + "s"
