"""The closed list of claims that can be audited: what each says, needs and assumes, and which controls it must survive.

What it measures: nothing by itself; it is what a claim file is checked against. What it does not license: a claim that
is not of this list has no calibrated controls here, and is refused rather than judged by others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Control:
    """One control of a claim.

    Attributes
    ----------
    name : str
        As the table of calibrations names it.
    keeps : str
        What could still explain a score under it: what the claim has to exceed.
    asks : str
        The question that the table of calibrations knows it by.
    score : str
        The score it is compared in; "main" for the main score of the norms (F1@10, or Spearman per word).
    chapter : str
        The chapter that shows why it is needed.
    """

    name: str
    keeps: str
    asks: str
    score: str
    chapter: str


@dataclass(frozen=True)
class Key:
    """A key that claims of one type have: its default, what it may be, and a line that says so."""

    default: Any
    about: str
    allowed: tuple[Any, ...] = ()
    check: Callable[[Any], str | None] = lambda value: None


@dataclass(frozen=True)
class Kind:
    """A type of claim.

    Attributes
    ----------
    name, about : str
    needs : {"vectors", "model"}
        What it is a claim about.
    says, assumes, at_most : str
        The claim as a sentence, with the claim's keys in braces; what has to hold for the test to be one; and the most
        that a verdict "supported" could show.
    keys : mapping of str to Key
    controls : callable (options) -> tuple of Control
    standard : tuple of dict
        The claims of this type among the book's standard claims.
    """

    name: str
    about: str
    needs: str
    says: str
    assumes: str
    at_most: str
    keys: Mapping[str, Key]
    controls: Callable[[Mapping[str, Any]], tuple[Control, ...]]
    standard: tuple[Mapping[str, Any], ...] = field(default=({},))


def whole(least: int, most: int) -> Callable[[Any], str | None]:
    """Return a check for whole numbers of a range."""

    def check(value: Any) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if good else f"a whole number from {least} to {most}"

    return check


def layer(value: Any) -> str | None:
    """Return what a layer has to be, where the value is none."""
    if value == "last" or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return None
    return '"last" or a whole number from 0, which is the embedding layer'


_BASE, _GEOMETRY, _SCORES = "08_base_rates_and_sparsity", "09_geometry_not_semantics", "06_scores_that_convince"
_FIVE, _NONSENSE = "07_five_controls_and_what_they_leave_out", "10_nonsense_features"
_LAYER = Key("last", "layer of the vectors: last, or 0 (the embedding layer) and up", check=layer)


def _components(default: int) -> Key:
    return Key(default, "components of the linear map (PLSR)", check=whole(1, 1000))


_BEYOND: dict[str, tuple[Control, ...]] = {
    "base rates": (
        Control("mean profile", "how often each feature is listed", "features", "main", _BASE),
        Control("permuted pairing", "the vectors and the norms, each as a set", "features", "main", _FIVE),
        Control("rewired norms", "how many words a feature has, and a word features", "features", "main", _BASE),
    ),
    "category": (
        Control("permuted in category", "the category of every word", "word", "main", _GEOMETRY),
        Control("stolen in category", "the answer for another word of the category", "word", "main", _SCORES),
        Control("category alone", "the mean norms of the category's other words", "word", "main", _GEOMETRY),
        Control("norms exchanged", "which two words of a category are compared", "word", "two alternatives", _GEOMETRY),
    ),
    "neighbours": (
        Control("stolen from the nearest", "the answer for the most similar word", "region", "main", _SCORES),
    ),
    "spelling": (
        Control("n-grams", "the letters of the word", "form", "main", _NONSENSE),
        Control("length, frequency", "how long and how frequent the word is", "form", "main", _NONSENSE),
        Control("Gaussian", "the number, mean and spread of the dimensions", "form", "main", _FIVE),
    ),
}
_MAP = (
    Control("copied", "which words are near, and their norms, without a map", "map", "main", _SCORES),
    Control("overlap before it", "the neighbours that the vectors have already", "map", "overlap@10", _GEOMETRY),
    Control("similarity encoding", "the similarities of the vectors", "map", "retrieval@10", _GEOMETRY),
)

#: Every type of claim, by name.
KINDS: dict[str, Kind] = {}


def add(kind: Kind) -> None:
    """Add a type of claim."""
    KINDS[kind.name] = kind


add(
    Kind(
        "vectors_hold_features",
        "word vectors predict human feature norms, beyond something duller",
        "vectors",
        "The vectors hold features of words beyond {beyond}",
        "The norms are what people say of these words, and the folds keep the words that are scored out of every fit.",
        "that a linear map reads features off these vectors beyond the controls that were run; not that the model uses "
        "them, and nothing of other words, norms or models.",
        {
            "beyond": Key(
                "base rates", "what the features must go beyond: base rates, category, neighbours or spelling",
                tuple(_BEYOND),
            ),
            "layer": _LAYER,
            "components": _components(20),
        },
        lambda options: _BEYOND[options["beyond"]],
        tuple({"beyond": beyond} for beyond in _BEYOND),
    )
)  # fmt: skip
add(
    Kind(
        "map_adds",
        "a fitted map adds something to the distances between the vectors",
        "vectors",
        "A linear map adds to the vectors what their distances do not show",
        "The rivals see the same words in the same folds, and copy from as many neighbours as suits them best.",
        "that a fitted map finds more of these norms than similarity does; not that what it finds is meaning.",
        {"layer": _LAYER, "components": _components(40)},
        lambda options: _MAP,
    )
)
