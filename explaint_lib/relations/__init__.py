"""Hyponym-hypernym pairs, the sentences that carry them, and the false pairs to tell them from.

What is here: true pairs from the taxonomic features of norms (`hypernym_pairs`), sentence templates that affirm,
deny, reverse or do not state the relation (`TEMPLATES`, `fill`), false pairs of several kinds (`naive`,
`balanced`, `near`, `wordnet_pairs`), and generated sentences whose syntax is known (`parsed_sentences`).

What it controls for: what the hypernym alone, or the hyponym alone, gives away (`balanced`); pairs that are unlisted
but true; the grammar of articles and plurals. What it does not license: these are few nouns, in few sentences,
written for this purpose. A result on them is a result on them.

Hearst (1992) for the patterns; Levy et al. (2015) for what naive negatives give away; Regneri et al. (2024) for the
probe that this rebuilds.
"""

from explaint_lib.relations._counterfactuals import PairSet, balanced, naive, near, pair_set
from explaint_lib.relations._dependencies import ParsedSentence, parsed_sentences, shuffled_words
from explaint_lib.relations._pairs import Pair, Taxonomy, at_most, hypernym_pairs
from explaint_lib.relations._templates import (
    FAMILIES,
    GROUPS,
    TEMPLATES,
    Group,
    Sentence,
    Template,
    fill,
    frame_words,
    templates,
)
from explaint_lib.relations._wordnet import WORDNET, load_wordnet, wordnet_pairs

__all__ = [
    "FAMILIES",
    "GROUPS",
    "TEMPLATES",
    "WORDNET",
    "Group",
    "Pair",
    "PairSet",
    "ParsedSentence",
    "Sentence",
    "Taxonomy",
    "Template",
    "at_most",
    "balanced",
    "fill",
    "frame_words",
    "hypernym_pairs",
    "load_wordnet",
    "naive",
    "near",
    "pair_set",
    "parsed_sentences",
    "shuffled_words",
    "templates",
    "wordnet_pairs",
]
