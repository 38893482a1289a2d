"""What the hypernymy experiment gathers: each feature is that of its own sentence, pair, model and depth."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import relations
from explaint_lib.experiments.hypernymy import _features as features
from explaint_lib.experiments.hypernymy import _gather as gather
from explaint_lib.experiments.hypernymy import _pair_attention as reading
from explaint_lib.norms import FeatureNorms

KINDS = ("bird", "fish", "tool", "fruit", "drink", "house")


class FakeEncoder:
    """A reader whose "attention" spells out what it was given: which sentence, which model."""

    family, n_layers, n_heads, dim = "encoder", 1, 1, 2

    def __init__(self, name: str, untrained: bool = False, seed: int = 0) -> None:
        self.name, self.untrained, self.seed = name, untrained, seed

    def describe(self) -> dict:
        return {"name": self.name}


def number(text: str) -> float:
    return float(sum(ord(letter) * (i + 1) for i, letter in enumerate(text)) % 9973)


@pytest.fixture
def door(monkeypatch):
    """Fakes at the door: models that are asked for are noted, sentences become numbers."""
    loads = []

    def load(name, *, revision=None, device="cpu", untrained=False, twin="initialised", seed=0, progress=False):
        loads.append((name, revision, device, untrained and twin, seed))
        return FakeEncoder(name, untrained, seed)

    def read(encoder, sentences, *, progress=False):
        own = 0.5 * (1 + encoder.seed) if encoder.untrained else 0.0
        there = [[number(s.text) + own, 0.25, s.hyponym[0], s.hypernym[0], 1, 2] for s in sentences]
        return np.array(there, dtype=float)

    monkeypatch.setattr(gather, "load_encoder", load)
    monkeypatch.setattr(gather, "pair_attention", read)
    monkeypatch.setattr(gather, "similarities", lambda _, pairs: {p: [number(p[0]), number(p[1])] for p in pairs})
    monkeypatch.setattr(gather, "read_alone", lambda _, pairs: {p: [number(p[0] + p[1])] * 4 for p in pairs})
    return loads


def taxonomy_norms() -> FeatureNorms:
    values = np.zeros((30, 8))
    values[np.arange(30), np.arange(30) % 6] = 1
    values[:, 6:] = np.random.default_rng(0).integers(0, 2, size=(30, 2))
    return FeatureNorms(
        name="kinds",
        words=tuple(f"{a}{b}at" for a in "bcfhmr" for b in ("", "o", "e", "i", "u")),
        features=(*(f"a_{kind}" for kind in KINDS), "is_red", "is_old"),
        feature_types=(*["taxonomic"] * 6, "visual", "visual"),
        values=values,
        kind="sparse",
        source="planted in a test",
        human=False,
    )


def test_each_feature_is_that_of_its_own_sentence_pair_and_model(door):
    found = gather.gather_hypernymy(
        "toy", taxonomy_norms(), negatives=("naive", "balanced"), groups=("negated",), untrained_seeds=2,
        max_per_hypernym=3, seed=4, revision="r1", device="cpu", twin="permuted_weights",
    )  # fmt: skip
    twins = [("toy", "r1", "cpu", "permuted_weights", number) for number in range(2)]
    assert door == [("toy", "r1", "cpu", False, 0), *twins] and found.arguments["twin"] == "permuted_weights"
    assert found.seed == 4 and set(found.features["naive"].attention) == {"affirmed"}
    assert list(found.features["balanced"].attention) == ["affirmed", "negated"]
    for name, data in found.features.items():
        assert data.pairs.negatives == name
        for group, maps in data.attention.items():
            for t, template in enumerate(relations.templates(group)):
                filled = [relations.fill(template, *pair) for pair in data.pairs.pairs]
                assert maps[t, :, 0].tolist() == [number(sentence.text) for sentence in filled], (name, group)
                for seed, twin in enumerate(data.untrained):
                    np.testing.assert_array_equal(twin[group][t, :, 0], maps[t, :, 0] + 0.5 * (1 + seed))
                at = [[s.hyponym[0], s.hypernym[0], 1, 2, abs(s.hyponym[0] - s.hypernym[0])] for s in filled]
                assert data.surface[group][t].tolist() == at
        assert data.words["word_similarity"].tolist() == [[number(p[0]), number(p[1])] for p in data.pairs.pairs]
        assert data.words["own_vectors"][:, 0].tolist() == [number(p[0] + p[1]) for p in data.pairs.pairs]
    assert found.facts["n_pairs_naive"] == len(found.features["naive"].pairs.pairs)


def test_pairs_follow_from_the_seed_and_the_limit(door):
    def pairs(**more):
        asked = {"negatives": ("naive",), "max_per_hypernym": 3, "seed": 0} | more
        return gather.gather_hypernymy("toy", taxonomy_norms(), **asked).features["naive"].pairs.pairs

    assert pairs() == pairs() != pairs(seed=1)
    assert len(pairs()) == 2 * 3 * 6 and len(pairs(max_per_hypernym=2)) == 2 * 2 * 6


def test_sentences_come_back_in_their_order_and_the_cache_knows_model_and_sentences(monkeypatch):
    keys = []

    def kept(room, about, compute, *, code):
        keys.append(about)
        return compute()

    encoder = FakeEncoder("toy")
    encoder.identity = lambda: {"weights": encoder.seed}
    monkeypatch.setattr(reading, "kept", kept)
    monkeypatch.setattr(reading, "_CHUNK", 2)
    monkeypatch.setattr(reading, "_features", lambda _, some: np.array([[number(s.text)] * 6 for s in some]))
    texts = ["a long sentence about it", "short", "of middle length", "tiny", "another one"]
    sentences = [relations.Sentence(text, (0, 1), (2, 3)) for text in texts]
    assert reading.pair_attention(encoder, sentences)[:, 0].tolist() == [number(text) for text in texts]
    encoder.seed = 1
    reading.pair_attention(encoder, sentences)
    moved = [sentence._replace(hypernym=(3, 4)) for sentence in sentences]
    reading.pair_attention(encoder, moved)
    assert len({repr(key) for key in keys}) == len(keys) == 9


def test_similarities_are_those_of_the_two_words(monkeypatch):
    """GloVe knows angles, the model's own rows others; a word that GloVe lacks gets the usual cosine."""
    angle = {"robin": 0.0, "bird": np.pi / 3, "tool": np.pi / 2}
    own = {"robin": 0, "bird": 1, "tool": 2, "gnu": 3}
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [1.0, 1.0]])

    class Glove:
        dim = 2

        def word_vectors(self, words):
            if words[0] == "gnu":
                raise features.ExplaintError("not in glove")
            return np.array([[np.cos(angle[words[0]]), np.sin(angle[words[0]])]])

    class Rows:
        def embedding_matrix(self):
            return rows

    monkeypatch.setattr(features, "load_vectors", lambda name: {"glove": Glove()}[name])
    monkeypatch.setattr(features, "_input_ids", lambda _, word: [own[word]])
    pairs = {relations.Pair("robin", "bird"), relations.Pair("robin", "tool"), relations.Pair("gnu", "bird")}
    found = features.similarities(Rows(), pairs)
    assert found["robin", "bird"] == pytest.approx([0.5, 0]) and found["robin", "tool"] == pytest.approx([0, -1])
    assert found["gnu", "bird"] == pytest.approx([0.25, np.sqrt(0.5)])


def test_words_read_alone_are_compared_at_four_depths_over_their_pieces_centred():
    rng = np.random.default_rng(0)
    states = {word: rng.normal(size=(9, 4, 3)) for word in ("robin", "bird", "tool")}  # (layer, position, dim)

    class Read(str):
        text = property(lambda self: str(self))
        hidden_states = property(lambda self: states[self.split()[-1]])

        def positions(self, start, end):
            assert self[start:end] in states
            return np.array([1, 2])

    class Reader:
        n_layers, dim, before_word = 8, 3, "the "

        def encode(self, texts, attention):
            return [Read(text) for text in texts]

    vectors = {word: state[[2, 4, 6, 8], 1:3].mean(axis=1) for word, state in states.items()}
    centre = np.mean(list(vectors.values()), axis=0)
    pairs = {relations.Pair("robin", "bird"), relations.Pair("robin", "tool")}
    for pair, found in features.read_alone(Reader(), pairs).items():
        one, other = (vectors[word] - centre for word in pair)
        norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        assert found == pytest.approx((one * other).sum(axis=1) / norms)


def test_frequency_is_that_of_both_words_their_difference_and_its_size(monkeypatch):
    monkeypatch.setattr("wordfreq.zipf_frequency", lambda word, language: float(len(word)))
    true, false = (
        (relations.Pair("robin", "bird"), relations.Pair("ox", "animal")),
        (relations.Pair("robin", "tool"),) * 2,
    )
    pairs = relations.PairSet("naive", (*true, *false), np.repeat([True, False], 2))
    found = features.word_features(pairs)["frequency"]
    lengths = np.array([[len(word) for word in pair] for pair in pairs.pairs])
    gap = lengths[:, 0] - lengths[:, 1]
    np.testing.assert_array_equal(found, np.column_stack([lengths, gap, np.abs(gap)]))
    assert (gap < 0).any() and (gap > 0).any()
