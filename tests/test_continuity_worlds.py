"""The wiring of continuity: positions left out, ties, penalty, folds, layers, twins and seeds of each number."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from explaint_lib._common import ExplaintError
from explaint_lib.continuity import Score, continuity_curve, fit_rung, rank_of_truth
from explaint_lib.continuity import _curve as curve
from explaint_lib.encoders import Encoding
from explaint_lib.experiments.continuity import _measure as measuring
from explaint_lib.experiments.continuity import _run as experiment
from explaint_lib.experiments.continuity import _scores as summary

PLAN = measuring.MeasuringPlan(
    seed=3, n_interventions=0, n_sentences=24, layers=[1], mlp_layers=0, vocabulary_items=0, progress=False
)
DIM, WORDS, N = 12, 30, 24


def sentences(seed: int = 0, n: int = N, length: int = 6) -> tuple[list[np.ndarray], np.ndarray]:
    """Return token ids (the first position has a token of its own) and an embedding matrix."""
    rng = np.random.default_rng(seed)
    ids = [np.concatenate([[0], rng.choice(np.arange(1, WORDS), length - 1, replace=False)]) for _ in range(n)]
    return ids, rng.normal(size=(WORDS, DIM)).astype(np.float32)


class Reader:
    """A model that keeps its tokens, but parks something huge, other in every text, at the first position."""

    name, n_layers, dim = "reader", 1, DIM

    def __init__(self, causal: bool) -> None:
        self.causal, (self.ids, self.embedding) = causal, sentences()
        self.vocabulary = [f"t{i}" for i in range(WORDS)]

    def embedding_matrix(self) -> np.ndarray:
        return self.embedding

    def encode(self, texts, *, attention, progress):
        rng, found = np.random.default_rng(1), []
        for ids in self.ids:
            states = np.stack([self.embedding[ids]] * 2)
            states[1, 0] = 1e4 * rng.normal(size=DIM)
            plain = np.zeros(len(ids), dtype=bool)
            words, spans = tuple(map(str, ids)), np.zeros((len(ids), 2), dtype=int)
            found.append(Encoding("", words, ids, plain, np.arange(len(ids)), words, spans, states, causal=self.causal))
        return found


# --- positions ---


def test_the_first_position_of_a_decoder_is_neither_scored_nor_a_candidate():
    """Of an encoder it is both; with it the standard deviations are those of one huge state."""
    found = {}
    for causal in (True, False):
        sums = measuring.measure(Reader(causal), [""] * N, PLAN)
        what = measuring.Measure(1, "geometry", "layer0", "sentence", "cosine_standardised", "top1")
        found[causal] = sums[what]
        assert set(sums[what].count.tolist()) == {5 if causal else 6}
        np.testing.assert_allclose(sums[what].chance / sums[what].count, 1 / (5 if causal else 6))
    assert found[True].total.sum() == pytest.approx(5 * N) and found[False].total.sum() < 5 * N


def test_the_first_position_of_a_decoder_is_not_replaced(monkeypatch):
    asked = {}

    def interventional(encoder, ids, **more):
        asked.update(more)
        shape = (4, 2)
        argmax = np.array([[1.0, np.nan], [1, 1], [0, 1], [1, 0]])  # of the first, nothing is defined at the top
        return SimpleNamespace(
            argmax_hit=argmax, share=np.full(shape, 0.25), sentence=np.array([0, 0, 2, 2]), chance=np.full(4, 0.2)
        )

    matched = {}
    monkeypatch.setattr(measuring, "interventional_continuity", interventional)
    monkeypatch.setattr(measuring, "frequency_matched", lambda ids, words, *, special: matched.update(special=special))
    sums = measuring.measure(Reader(True), [""] * N, replace(PLAN, n_interventions=9))
    for special in (asked["special"], matched["special"]):
        assert all(row.tolist() == [True] + [False] * 5 for row in special)
    assert asked["n_interventions"] == 9
    assert asked["rng"].bit_generator.state == np.random.default_rng(3).bit_generator.state
    hits = sums[measuring.Measure(1, "causal_locality", None, None, None, "argmax")]
    assert hits.total[:3].tolist() == [1, 0, 1] and hits.count[:3].tolist() == [1, 0, 2]
    np.testing.assert_allclose(hits.chance[:3], [0.2, 0, 0.4])
    share = sums[measuring.Measure(1, "content_share", None, None, None, "share")]
    np.testing.assert_allclose(share.total[:3], [0.5, 0, 0.5])


# --- ties and penalty ---


@pytest.mark.parametrize(("gap", "top1"), [(0.0, 0.5), (3e-7, 0.5), (-3e-7, 0.5), (1e-5, 0.0), (-1e-5, 1.0)])
def test_what_float32_cannot_tell_apart_is_a_tie_and_what_it_can_is_none(gap, top1):
    found = rank_of_truth(np.array([[0.7, 0.7 + gap, 0.1]]), np.array([[True, False, False]]))
    assert found.top1[0] == top1 and found.reciprocal_rank[0] == (1 + top1) / 2


def test_cosines_that_differ_by_rounding_are_ties_in_the_curve():
    """Two tokens with one embedding row, but for rounding: each is right half of the time, in every candidate set."""
    ids, embedding = sentences()
    twice = np.concatenate([embedding, embedding * (1 + 1e-7)]).astype(np.float32)
    rng = np.random.default_rng(0)
    twins = [np.concatenate([row, (row + WORDS) % (2 * WORDS)]) for row in ids]
    noisy = [
        np.stack([twice[row], twice[row] * rng.uniform(0.5, 2, (len(row), 1)).astype(np.float32)]) for row in twins
    ]
    found = continuity_curve(
        noisy, twins, embedding=twice, rng=rng, layers=[1], similarities=["cosine"], vocabulary_items=0
    )
    tops = {(score.reference, score.candidates): score.top1 for score in found}
    assert set(tops["layer0", "sentence"]) == {0.5} and set(tops["layer0", "corpus"]) == {0.5}


def test_the_ridge_penalty_is_a_hundredth_of_a_dimensions_variance():
    """On states without correlation a ridge map is the least-squares map, shrunk by 1 / (1 + penalty)."""
    states = np.array([[1 if (i >> j) & 1 else -1 for j in range(5)] for i in range(32)], dtype=float)
    turned = states @ np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    rung = fit_rung("ridge", states, turned)
    np.testing.assert_allclose(rung.map_states(states), rung.map_candidates(turned) / 1.01, rtol=1e-4, atol=1e-5)
    twice = fit_rung("ridge", np.tile(states, (3, 1)), np.tile(turned, (3, 1)))
    np.testing.assert_allclose(twice.map_states(states), rung.map_states(states), rtol=1e-4, atol=1e-5)


# --- folds ---


def test_maps_are_scored_on_sentences_that_they_did_not_see(monkeypatch):
    """In one fold the states are the embedding rows, in the other their opposites: what was learned is always wrong."""
    ids, embedding = sentences(n=40)
    embedding = embedding - embedding.mean(axis=0)
    tasks, make = [], curve.make_task
    monkeypatch.setattr(curve, "make_task", lambda *a, **k: tasks.append(make(*a, **k)) or tasks[-1])

    def run(signs, seed=0):
        states = [np.stack([embedding[row], sign * embedding[row]]) for row, sign in zip(ids, signs, strict=True)]
        found = continuity_curve(
            states, ids, embedding=embedding, rng=np.random.default_rng(seed), layers=[1], similarities=["ridge"],
            n_folds=2, vocabulary_items=50,
        )  # fmt: skip
        return {score.candidates: score for score in found}

    run(np.ones(40))
    first, seen = tasks[0], np.zeros(40)
    seen[first.positions.sentence] = np.where(first.fold == 0, 1, -1)
    scores = run(seen)
    for name in ("sentence", "corpus", "vocabulary", "sentence_unseen_types", "corpus_unseen_types"):
        assert scores[name].top1.mean() < 0.02, name
    assert 30 <= len(scores["vocabulary"].top1) <= 60 < len(scores["corpus"].top1) == 240
    assert all(run(np.ones(40))[name].top1.mean() > 0.9 for name in ("sentence", "corpus", "vocabulary"))
    assert sorted(np.bincount(first.fold[::6]).tolist()) == [20, 20]
    assert run(seen, seed=1)["corpus"].top1.mean() > 0.02, "the folds are drawn with the generator"


# --- what is measured ---


def made_up_score(layer: int, name: str) -> Score:
    of = {"sentence": np.array([0, 0, 2]), "position": np.arange(3)}
    numbers = {"top1": [1, 0, 1], "reciprocal_rank": [1, 0.5, 1], "chance_top1": [0.1, 0.2, 0.3]}
    numbers |= {"chance_reciprocal_rank": [0.4, 0.5, 0.6]}
    of |= {key: np.array(value, dtype=float) for key, value in numbers.items()}
    return Score(layer, "geometry", "layer0", "sentence", name, **of)


def test_rungs_layers_seed_and_sample_reach_the_curve(monkeypatch):
    asked = []

    def listening(states, ids, special, **more):
        asked.append((more["similarities"], more["layers"], more["vocabulary_items"], more["rng"].integers(10**9)))
        return [made_up_score(more["layers"][-1], more["similarities"][0])]

    monkeypatch.setattr(measuring, "continuity_curve", listening)
    encoder = Reader(True)
    encoder.n_layers = 8
    plan = measuring.MeasuringPlan(5, 0, N, [0, 4, 8], 2, 77, False)
    sums = measuring.measure(encoder, [""] * N, plan)
    expected = np.random.default_rng(5).integers(10**9)
    ladder = ("cosine", "cosine_centred", "cosine_standardised", "procrustes", "ridge")
    assert asked == [(ladder, [0, 4, 8], 77, expected), (("mlp",), [0, 8], 77, expected)]
    top = sums[measuring.Measure(8, "geometry", "layer0", "sentence", "mlp", "top1")]
    mrr = sums[measuring.Measure(8, "geometry", "layer0", "sentence", "mlp", "mrr")]
    assert top.total[:3].tolist() == [1, 0, 1] and top.count[:3].tolist() == [2, 0, 1] and len(top.count) == N
    np.testing.assert_allclose(top.chance[:3], [0.3, 0, 0.3])
    np.testing.assert_allclose((mrr.total[:3], mrr.chance[:3]), [[1.5, 0, 1], [0.9, 0, 0.6]])


@pytest.mark.parametrize(("last", "most", "layers"), [(6, 7, range(7)), (6, 3, [0, 3, 6]), (6, 1, [6]), (6, 0, [])])
def test_layers_are_spread_from_the_embeddings_to_the_last(last, most, layers):
    assert measuring.spread(last, most) == list(layers)


@pytest.fixture
def door(monkeypatch):
    """Fakes at the door: models loaded and plans measured are noted; every model scores its own number."""
    notes = {"loads": [], "plans": [], "summaries": []}

    class Model:
        n_layers, dim, name, max_tokens, family = 4, 3, "toy", 99, "decoder"

        def __init__(self, untrained, seed):
            self.untrained, self.seed = untrained, seed

        def tokenizer(self, texts, verbose):
            return {"input_ids": [text.split() for text in texts]}

        def unknown_tokens(self, texts):
            return SimpleNamespace(tokens=0, of=1, letters=0.0)

        def describe(self):
            return {"name": "toy", "family": self.family}

    def load(name, *, revision=None, device="cpu", untrained=False, twin="initialised", seed=0, progress=False):
        notes["loads"].append((name, revision, device, untrained and twin, seed))
        return Model(untrained, seed)

    def measure(encoder, texts, plan):
        notes["plans"].append((encoder.untrained, encoder.seed, tuple(texts), plan))
        share = 0.5 - 0.1 * (1 + encoder.seed) * encoder.untrained
        count = np.full(len(texts), 10)
        what = measuring.Measure(0, "geometry", "layer0", "sentence", "cosine", "top1")
        return {what: measuring.SentenceSums(share * count, 0.1 * count, count)}

    real = summary.summarise

    def summarise(name, trained, untrained, n_boot, rng):
        notes["summaries"].append((name, n_boot, rng.integers(10**9)))
        return real(name, trained, untrained, n_boot, rng)

    monkeypatch.setattr(experiment, "load_encoder", load)
    monkeypatch.setattr(experiment, "measure", measure)
    monkeypatch.setattr(experiment, "summarise", summarise)
    return notes


def test_every_twin_has_its_seed_the_same_sentences_and_the_same_plan_but_for_the_mlp(door):
    texts = [f"text number {i}" for i in range(25)]
    found = experiment.run_continuity(
        "toy", texts, revision="r", seed=6, untrained_seeds=3, n_interventions=7, max_layers=2, mlp_layers=2,
        vocabulary_items=8, n_boot=33, twin="permuted_weights",
    )  # fmt: skip
    twins = [("toy", "r", "cpu", "permuted_weights", seed) for seed in range(3)]
    assert door["loads"] == [("toy", "r", "cpu", False, 0), *twins]
    plans = [plan for *_, plan in door["plans"]]
    assert [plan.mlp_layers for plan in plans] == [2, 2, 0, 0]
    same = {(p.seed, p.n_interventions, p.n_sentences, tuple(p.layers), p.vocabulary_items) for p in plans}
    assert same == {(6, 7, 25, (0, 4), 8)}
    assert [(untrained, seed) for untrained, seed, *_ in door["plans"]] == [(False, 0), *((True, s) for s in range(3))]
    assert {given for _, _, given, _ in door["plans"]} == {tuple(texts)}
    assert door["summaries"] == [("toy", 33, np.random.default_rng(6).integers(10**9))]
    assert found.manifest["arguments"]["twin"] == "permuted_weights"
    which = {untrained: set(rows.twin.dropna()) for untrained, rows in found.rows.groupby("untrained")}
    assert which == {False: set(), True: {"permuted_weights"}}
    assert found.tests.twin.notna().tolist() == (found.tests.control == "untrained").tolist()
    untrained = found.tests.set_index("control").loc["untrained"]
    assert untrained.difference == pytest.approx(0.2) and untrained.untrained_seeds == 3
    assert untrained.se == pytest.approx(0.1 / np.sqrt(3)) and untrained.df == 2  # the twins score .4, .3 and .2


def test_texts_are_drawn_with_the_seed_and_named_by_their_labels(door, monkeypatch):
    monkeypatch.setattr("explaint_lib.experiments.continuity._texts.MAX_TOKENS", 90)
    texts = [f"text number {i}" for i in range(60)]
    for seed in (0, 1, 0):
        experiment.run_continuity("toy", texts, seed=seed, untrained_seeds=0, n_boot=5)
    drawn = [given for _, _, given, _ in door["plans"]]
    assert drawn[0] == drawn[2] != drawn[1] and {len(given) for given in drawn} == {30}
    assert all(plan.n_sentences == 30 for *_, plan in door["plans"])


def test_chance_and_one_half_are_taken_from_the_trained_model_and_twins_from_theirs():
    count = np.array([4, 1, 10])
    what = measuring.Measure(0, "geometry", "layer0", "sentence", "cosine", "top1")

    def sums(total, chance):
        return {what: measuring.SentenceSums(np.array(total, float), np.array(chance, float), count)}

    twins = [sums([1, 1, 1], [3, 0, 0]), sums([2, 0, 4], [0, 1, 2])]
    rows, tests = summary.summarise("m", sums([4, 0, 8], [1, 1, 1]), twins, 50, np.random.default_rng(0))
    assert [row["value"] for row in rows] == pytest.approx([12 / 15, (3 / 15 + 6 / 15) / 2])
    assert [row["chance"] for row in rows] == pytest.approx([3 / 15, 3 / 15]) and {row["n"] for row in rows} == {15}
    expected = {"chance": 9 / 15, "one half": 0.3, "untrained": 7.5 / 15}
    assert {test["control"]: test["difference"] for test in tests} == pytest.approx(expected)
    assert all(test["ci_low"] <= test["difference"] <= test["ci_high"] for test in tests)


def test_the_vocabulary_is_asked_about_whole_sentences_until_there_are_enough_positions():
    """Sentences of six tokens: twenty positions are in four of them, in whatever order they are drawn."""
    ids, embedding = sentences()
    scores = continuity_curve(
        [embedding[row][None] for row in ids],
        ids,
        embedding=embedding,
        similarities=["ridge"],
        vocabulary_items=20,
        rng=np.random.default_rng(0),
    )
    (asked,) = [score for score in scores if score.candidates == "vocabulary"]
    assert len(asked.top1) == 24 and np.unique(asked.sentence, return_counts=True)[1].tolist() == [6, 6, 6, 6]


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_the_unit_of_the_states_changes_no_map(unit):
    """A dimension is constant beside the others, not beside one: small states are no constant states."""
    rng = np.random.default_rng(0)
    states, targets, more = (rng.normal(size=(n, 6)).astype(np.float32) for n in (60, 60, 5))
    states[:, 5] = 1e-8 * states[:, 5]  # beside the others nothing
    for name in ("cosine_standardised", "procrustes", "ridge"):
        one, other = fit_rung(name, states, targets), fit_rung(name, unit * states, targets)
        np.testing.assert_allclose(other.map_states(unit * more), one.map_states(more), rtol=1e-3, atol=1e-4)
        assert np.ptp(one.map_states(more)) > 1


def test_what_does_not_fit_together_is_said():
    ids, embedding = sentences()
    states = [embedding[row][None] for row in ids]
    with pytest.raises(ExplaintError, match="at least 2 folds, found 1"):
        continuity_curve(states, ids, embedding=embedding, n_folds=1, rng=np.random.default_rng(0))
    with pytest.raises(ExplaintError, match="three arrays of one shape"):
        rank_of_truth(np.zeros((2, 3)), np.ones((2, 3), dtype=bool), np.ones((1, 3), dtype=bool))
