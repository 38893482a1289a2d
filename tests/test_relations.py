"""Pairs, sentences and false pairs: what is promised about them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from explaint_lib import relations
from explaint_lib._common import ExplaintError
from explaint_lib.norms import FeatureNorms, load_norms
from explaint_lib.relations import Pair
from explaint_lib.relations import _grammar as grammar


@pytest.fixture(scope="module")
def taxonomy():
    return relations.hypernym_pairs(load_norms("bundled"))


@pytest.fixture(scope="module")
def true(taxonomy):
    return relations.at_most(taxonomy.pairs, 20, rng=np.random.default_rng(0))


def test_bundled_norms_give_enough_pairs(taxonomy):
    assert len(taxonomy.pairs) >= 240 and len(taxonomy.hypernyms) >= 12
    assert {Pair("robin", "bird"), Pair("chair", "furniture"), Pair("jeans", "garment")} <= set(taxonomy.pairs)
    forms = {pair.hyponym for pair in taxonomy.pairs}
    assert not forms & {"bat", "kiwi", "bass"}  # homonyms: the sentence does not say which
    assert min(Counter(pair.hypernym for pair in taxonomy.pairs).values()) >= 5


@pytest.mark.parametrize(
    "hyponym,hypernym,false",
    [
        ("robin", "vehicle", True),
        ("robin", "mammal", True),
        ("owl", "mammal", True),
        ("robin", "bird", False),
        ("robin", "animal", False),
        ("robin", "predator", False),  # a role: perhaps
        ("cucumber", "fruit", False),  # botanically it is one
        ("carrot", "plant", False),
        ("hammer", "weapon", False),
        ("bus", "furniture", True),
        ("oyster", "bird", None),
    ],
)
def test_only_what_is_surely_false_is_false(taxonomy, hyponym, hypernym, false):
    if false is None:
        with pytest.raises(KeyError):
            taxonomy.surely_false(hyponym, hypernym)
    else:
        assert taxonomy.surely_false(hyponym, hypernym) is false


@pytest.mark.parametrize("make", [relations.balanced, relations.near])
def test_balanced_pairs_are_balanced_by_both_words(taxonomy, true, make):
    pairs = make(taxonomy, true, rng=np.random.default_rng(1))
    assert not pairs.labels.flags.writeable and pairs.labels.mean() == 0.5
    for words in (pairs.hyponyms, pairs.hypernyms):
        right = Counter(word for word, label in zip(words, pairs.labels, strict=True) if label)
        wrong = Counter(word for word, label in zip(words, pairs.labels, strict=True) if not label)
        assert right == wrong
    false = [pair for pair, label in zip(pairs.pairs, pairs.labels, strict=True) if not label]
    assert len(set(false)) == len(false) and not set(false) & set(taxonomy.pairs)
    assert all(taxonomy.surely_false(*pair) for pair in false)
    assert [pair.hyponym for pair in false] == [pair.hyponym for pair in true]  # counterparts stand at the same place
    again = make(taxonomy, true, rng=np.random.default_rng(1))
    assert again.pairs == pairs.pairs


def test_near_pairs_are_nearer_than_balanced_ones(taxonomy, true):
    def nearness(pairs):
        right, wrong = pairs.hypernyms[: len(true)], pairs.hypernyms[len(true) :]
        return np.mean([taxonomy.nearness[both] for both in zip(right, wrong, strict=True)])

    made = [make(taxonomy, true, rng=np.random.default_rng(1)) for make in (relations.near, relations.balanced)]
    assert nearness(made[0]) > 1.3 * nearness(made[1])


def test_naive_pairs_leak_the_hypernym(taxonomy, true):
    pairs = relations.naive(taxonomy, true, rng=np.random.default_rng(1))
    false = [pair for pair, label in zip(pairs.pairs, pairs.labels, strict=True) if not label]
    assert all(taxonomy.surely_false(*pair) for pair in false) and len(set(false)) == len(false)
    hypernyms = np.array(pairs.hypernyms)
    right = {hypernym: pairs.labels[hypernyms == hypernym].mean() for hypernym in pairs.hypernyms}
    guess = np.mean([(right[h] > 0.5) == y for h, y in zip(pairs.hypernyms, pairs.labels, strict=True)])
    assert guess > 0.6  # whoever knows the hypernym alone


def test_no_exchange_is_said_so():
    with pytest.raises(ExplaintError, match="fewer pairs of the largest hypernym"):
        relations._counterfactuals.exchanged(
            [Pair("robin", "bird"), Pair("crow", "bird")], lambda *_: False, rng=np.random.default_rng(0)
        )


def test_at_most_keeps_order_and_limit(taxonomy):
    kept = relations.at_most(taxonomy.pairs, 7, rng=np.random.default_rng(0))
    assert max(Counter(pair.hypernym for pair in kept).values()) == 7
    assert list(kept) == sorted(kept)


def test_norms_without_kinds_are_refused():
    values = np.eye(3)
    norms = FeatureNorms("mine", ["a", "b", "c"], ["is_x", "is_y", "is_z"], values, "sparse")
    with pytest.raises(ExplaintError, match="no feature that it is taxonomic"):
        relations.hypernym_pairs(norms)
    typed = FeatureNorms("mine", ["a", "b", "c"], ["a_bird", "a_tool", "is_z"], values, "sparse",
                         feature_types=["taxonomic", "taxonomic", None])  # fmt: skip
    with pytest.raises(ExplaintError, match="at least 2 hypernyms with 5 or more"):
        relations.hypernym_pairs(typed)


# --- sentences --------------------------------------------------------------------------------------------


def test_templates_cover_what_they_must():
    assert len(relations.TEMPLATES) >= 8
    assert {template.group for template in relations.TEMPLATES} == set(relations.GROUPS)
    assert len(relations.templates("affirmed")) >= 4
    assert len({template.name for template in relations.TEMPLATES}) == len(relations.TEMPLATES)


def test_no_noun_opens_a_sentence_and_spans_hold_the_nouns(taxonomy):
    for template in relations.TEMPLATES:
        for pair in (*taxonomy.pairs, Pair("fire truck", "musical instrument")):
            text, hyponym, hypernym = relations.fill(template, *pair)
            assert min(hyponym[0], hypernym[0]) > 4 and "{" not in text and text.endswith(".")
            assert text[slice(*hyponym)] in (pair.hyponym, grammar.plural(pair.hyponym))
            assert text[slice(*hypernym)] in (pair.hypernym, grammar.plural(pair.hypernym))
            assert text.count(text[slice(*hyponym)]) >= 1 and "  " not in text


@pytest.mark.parametrize(
    "name,pair,text",
    [
        ("is_a", ("robin", "bird"), "They said that a robin is a bird."),
        ("is_a", ("axe", "utensil"), "They said that an axe is a utensil."),
        ("is_a", ("chair", "furniture"), "They said that a chair is furniture."),
        ("is_a", ("jeans", "garment"), "They said that a pair of jeans is a garment."),
        ("such_as", ("garlic", "vegetable"), "They wrote about vegetables such as garlic."),
        ("and_other", ("wolf", "animal"), "They wrote about wolves and other animals."),
        ("kind_of", ("tulip", "flower"), "They said that a tulip is a kind of flower."),
        ("is_not_a", ("ant", "insect"), "They said that an ant is not an insect."),
        ("is_a_reversed", ("robin", "bird"), "They said that a bird is a robin."),
        ("near", ("knife", "musical instrument"), "They saw the knife near the musical instrument."),
    ],
)
def test_sentences_are_english(name, pair, text):
    template = next(template for template in relations.TEMPLATES if template.name == name)
    assert relations.fill(template, *pair).text == text


@pytest.mark.parametrize(
    "noun,plural",
    [
        ("robin", "robins"), ("bus", "buses"), ("ferry", "ferries"), ("monkey", "monkeys"), ("box", "boxes"),
        ("potato", "potatoes"), ("piano", "pianos"), ("goldfish", "goldfish"), ("sheep", "sheep"), ("mouse", "mice"),
        ("furniture", "furniture"), ("scissors", "scissors"), ("citrus fruit", "citrus fruits"), ("torch", "torches"),
    ],
)  # fmt: skip
def test_plurals(noun, plural):
    assert grammar.plural(noun) == plural


def test_articles_go_by_sound():
    assert [grammar.determiner(noun) for noun in ("ukulele", "unicorn", "umbrella", "hour", "onion", "eel")] == [
        "a ", "a ", "an ", "an ", "an ", "an ",
    ]  # fmt: skip
    assert grammar.singular("gloves") == "glove" and grammar.singular("bus") == "bus"


# --- known syntax -----------------------------------------------------------------------------------------


def test_parsed_sentences_say_who_belongs_to_whom():
    sentences = relations.parsed_sentences(200, rng=np.random.default_rng(0))
    assert len({sentence.words for sentence in sentences}) == 200
    offsets = {relation: set() for relation in ("det", "amod", "poss", "nsubj", "obj", "pobj")}
    for sentence in sentences:
        assert sentence.words[-1] == "." and sentence.text.endswith(".") and sentence.text[0].isupper()
        for relation, dependent, head in sentence.relations:
            assert dependent != head and head < len(sentence.words) - 1
            offsets[relation].add(head - dependent)
        heads = {relation: sentence.words[head] for relation, _, head in sentence.relations}
        objects = [(d, h) for relation, d, h in sentence.relations if relation == "obj"]
        assert len(objects) == 1 and objects[0][0] > objects[0][1] and "obj" in heads
    assert all(len(found) > 2 for found in offsets.values())  # no fixed offset can be perfect


def test_shuffled_words_keep_words_and_relations():
    rng = np.random.default_rng(0)
    for sentence in relations.parsed_sentences(20, rng=rng):
        mixed = relations.shuffled_words(sentence, rng=rng)
        assert sorted(mixed.words) == sorted(sentence.words) and mixed.words[-1] == "."
        names = [[(r, s.words[a], s.words[b]) for r, a, b in s.relations] for s in (sentence, mixed)]
        assert names[0] == names[1]
    assert mixed.words != sentence.words


@pytest.mark.human_norms
def test_mcrae_gives_pairs_and_balanced_sets():
    try:
        norms = load_norms("mcrae")
    except ExplaintError:
        pytest.skip("the norms of McRae et al. are not installed")
    taxonomy = relations.hypernym_pairs(norms)
    assert len(taxonomy.pairs) > 300
    pairs = relations.balanced(taxonomy, taxonomy.pairs, rng=np.random.default_rng(0))
    assert pairs.labels.mean() == 0.5 and Pair("glove", "clothing") in taxonomy.pairs
