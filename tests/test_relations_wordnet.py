"""False pairs from WordNet, on a toy WordNet."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_wordnet import Toy

from explaint_lib import relations
from explaint_lib._common import ExplaintError
from explaint_lib.relations import Pair

TRUE = (Pair("robin", "bird"), Pair("trout", "fish"), Pair("hammer", "tool"), Pair("bus", "vehicle"))


def test_similar_ones_are_sisters_of_the_hypernym():
    pairs = relations.wordnet_pairs("wordnet_similar", TRUE, Toy(), rng=np.random.default_rng(0))
    false = dict(pairs.pairs[len(TRUE) :])
    assert false["robin"] in ("fish", "insect") and false["trout"] in ("bird", "insect")
    assert false["hammer"] == "vehicle" and false["bus"] == "tool"
    assert pairs.labels.tolist() == [True] * 4 + [False] * 4


def test_ones_of_the_same_level_have_the_same_depth():
    drawn = set()
    for seed in range(20):
        pairs = relations.wordnet_pairs("wordnet_level", TRUE, Toy(), rng=np.random.default_rng(seed))
        drawn |= set(pairs.pairs[len(TRUE) :])
    assert {hypernym for x, hypernym in drawn if x == "robin"} == {"fish", "insect", "tool", "vehicle"}
    assert all(hypernym not in ("animal", "artefact", "entity", "robin") for _, hypernym in drawn)


def test_unknown_words_leave_with_their_counterpart_and_few_are_refused():
    odd = (*TRUE, Pair("gizmo", "tool"))
    assert len(relations.wordnet_pairs("wordnet_level", odd, Toy(), rng=np.random.default_rng(0)).pairs) == 8
    with pytest.raises(ExplaintError, match="only 0 of 4 pairs"):
        relations.wordnet_pairs("wordnet_level", TRUE, Toy(), rng=np.random.default_rng(0), known=lambda word: False)
    with pytest.raises(ExplaintError, match="negatives from WordNet are"):
        relations.wordnet_pairs("wordnet", TRUE, Toy(), rng=np.random.default_rng(0))
