"""The closed list of claims that can be audited: what each says, needs and assumes, and which controls it must survive.

What it does not license: a claim that is not of this list has no calibrated controls, and is refused, not judged.
"""

from __future__ import annotations

import re
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
        The chapter that shows its need.
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
    cost : int
        About how many steps it takes, where a step is a fit of a map, by its time on two cores.
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
    cost: int = 0


def whole(least: int, most: int) -> Callable[[Any], str | None]:
    """Return a check for whole numbers of a range."""

    def check(value: Any) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if good else f"a whole number from {least} to {most}"

    return check


def _head(value: Any) -> str | None:
    good = isinstance(value, str) and (value == "best" or re.fullmatch(r"\d{1,3}/\d{1,3}", value))
    return None if good else "best, or a layer and a head from 0, such as 4/7"


def layer(value: Any) -> str | None:
    """Return what a layer has to be, where the value is none."""
    if value == "last" or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return None
    return '"last" or a whole number from 0, which is the embedding layer'


_STEER = "12_when_an_explanation_steers_a_system"
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


#: The four meanings of "a position keeps its token", and which numbers of the continuity experiment they are.
POSITIONS: dict[str, dict[str, Any]] = {
    "geometry": {
        "claim": "geometry", "reference": "layer0", "candidates": "sentence", "similarity": "cosine", "metric": "top1",
    },
    "decodability": {
        "claim": "decodability", "reference": "layer0", "candidates": "sentence_unseen_types", "similarity": "ridge",
        "metric": "top1",
    },
    "causal_locality": {"claim": "causal_locality"},
    "content_share": {"claim": "content_share"},
}  # fmt: skip
_PICTURE, _POSITIONS = "01_the_picture_that_convinces", "03_do_positions_keep_their_tokens"
_RELATIONS = ("nsubj", "obj", "pobj", "amod", "poss", "det")
_HYPERNYMY, _FLOWS = "02_hypernymy_from_attention", "05_what_actually_flows"
_DEGREES = {"more than chance": ("chance",), "mostly": ("chance", "one half")}
_LEVELS = {"chance": "the number of positions to choose from", "one half": "a minority of the positions"}
_READ = (
    ("chance", "one of two answers", "relation"),
    ("permuted_labels", "what a probe finds where there is nothing", "relation"),
    ("attention_untrained", "architecture, tokenizer and positions", "training"),
    ("word_similarity", "similarity of the two words in static vectors", "relation"),
    ("own_vectors", "similarity of the two words, each read alone", "relation"),
    ("frequency", "how frequent the words are", "relation"),
    ("position", "positions and lengths", "relation"),
)
_RULER = {
    "nearness": "the distance between tokens, without a model",
    "raw attention": "the attention weights as they are",
}
_METHODS = (
    "raw attention", "rollout", "flow", "norm-weighted", "ALTI", "value zeroing", "gradient x input", "leave-one-out",
    "hidden token attribution",
)  # fmt: skip
_KEPT = {
    "random": "how many entries are kept", "least recently used": "when an entry was last attended to",
    "recent": "the most recent entries", "sinks + recent": "the first four and the most recent entries",
}  # fmt: skip
_GONE = {
    "random": "how many heads go", "first layers first": "the depth of a head",
    "last layers first": "the depth of a head", "gradient importance": "how much the output depends on a head",
}  # fmt: skip

add(
    Kind(
        "position_keeps_token",
        "a state at a layer still belongs to the token at its position, in one of four meanings",
        "model",
        "At layer {layer}, positions keep their tokens ({meaning}, {degree})",
        "The sentences are like those the model is used on, and maps are tested on sentences they were not fitted on.",
        "that positions keep their tokens in this one meaning, at this layer; the four meanings come apart.",
        {
            "meaning": Key(
                "geometry",
                "geometry (nearest to its own input), decodability (a map names it, type unseen), causal_locality "
                "(replacing it changes its own position most) or content_share (its own share of that change)",
                tuple(POSITIONS),
            ),
            "degree": Key("mostly", "mostly (more than one half) or more than chance", tuple(_DEGREES)),
            "layer": _LAYER,
        },
        lambda options: tuple(
            Control(name, _LEVELS[name], options["meaning"], "share", _POSITIONS)
            for name in _DEGREES[options["degree"]]
        ),
        tuple({"meaning": meaning} for meaning in POSITIONS),
        cost=40,
    )
)
add(
    Kind(
        "head_encodes_relation",
        "an attention head follows a relation of syntax, in sentences whose syntax is known",
        "model",
        "Head {head} encodes the relation {relation}, looking from the {looks_from}",
        "The sentences are of a small grammar, and the best head is chosen on the half on which it is not judged.",
        "that a head looks where the relation points more often than a fixed distance and untrained heads do.",
        {
            "relation": Key("nsubj", f"one of {', '.join(_RELATIONS)}", _RELATIONS),
            "looks_from": Key("dependent", "the word that looks: dependent or head", ("dependent", "head")),
            "head": Key("best", "best, or a layer and a head from 0, such as 4/7", check=_head),
        },
        lambda options: (
            Control("fixed offset", "how far away the word stands", "head", "share", _PICTURE),
            Control("untrained twin", "architecture, tokenizer, and the choice of a head", "head", "share", _PICTURE),
        ),
        ({"relation": "nsubj", "looks_from": "head"},),
        cost=120,
    )
)
add(
    Kind(
        "attention_encodes_hypernymy",
        "a linear probe on attention tells true hyponym-hypernym pairs from false ones",
        "model",
        "Attention between two nouns encodes hypernymy ({held_out} held out)",
        "Every word is as often in a true pair as in a false one, and no word or pair of the test was trained on.",
        "that a probe reads the relation off attention, in these sentences; not that the model uses it.",
        {"held_out": Key("neither", "what a tested pair shares with training: pair, hyponym, hypernym or neither word",
                         ("pair", "hyponym", "hypernym", "neither"))},
        lambda options: tuple(Control(name, keeps, asks, "accuracy", _HYPERNYMY) for name, keeps, asks in _READ),
        cost=300,
    )
)  # fmt: skip
add(
    Kind(
        "method_follows_effect",
        "a method's scores rank tokens as their causal effect does",
        "model",
        "The scores of {method} follow the causal effect ({effect})",
        "The effect of a token is what changes when it is exchanged for one as frequent, or when nobody can read it.",
        "that the method ranks tokens more like this effect than distance does; not that its map is the mechanism.",
        {
            "method": Key("rollout", f"one of {', '.join(_METHODS)}", _METHODS),
            "effect": Key(
                "token exchanged", "token exchanged or values ablated", ("token exchanged", "values ablated")
            ),
        },
        lambda options: tuple(
            Control(name, keeps, "flow", f"agreement with {options['effect']}", _FLOWS)
            for name, keeps in _RULER.items()
            if name != options["method"]
        ),
        ({"method": "raw attention"}, {"method": "rollout"}),
        cost=150,
    )
)
add(
    Kind(
        "attention_says_what_to_keep",
        "attention is a usable importance for the entries of a decoder's memory",
        "model",
        "{policy} says which entries of the memory to keep (boundaries {boundaries})",
        "As many entries are kept under every policy, and the text goes on as its author wrote it.",
        "that this score keeps better entries than rules without attention, at this size of memory and on such texts.",
        {
            "policy": Key(
                "accumulated attention", "the score by which entries are kept",
                ("accumulated attention", "window attention", "attention x value"),
            ),
            "boundaries": Key(
                "protected", "protected (first entries and recent ones are kept anyway) or unprotected",
                ("protected", "unprotected"),
            ),
        },
        lambda options: tuple(
            Control(name, _KEPT[name], "entries", "nats per token", _STEER)
            for name in ("random", "least recently used",
                         "sinks + recent" if options["boundaries"] == "protected" else "recent")
        ),
        cost=100,
    )
)  # fmt: skip
add(
    Kind(
        "attention_says_which_heads_go",
        "attention is a usable importance for pruning heads",
        "model",
        "{order} says which heads can go",
        "Heads are ordered on one half of the texts and judged on the other; nothing is trained again.",
        "that pruning by this order does less damage than orders that know no text; not after training again.",
        {"order": Key("attention confidence", "attention confidence or value-weighted norm",
                      ("attention confidence", "value-weighted norm"))},
        lambda options: tuple(Control(name, keeps, "pruning", "damage", _STEER) for name, keeps in _GONE.items()),
        cost=100,
    )
)  # fmt: skip
