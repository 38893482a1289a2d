"""Continuity on worlds whose truth is known, chance by brute force, and what every score must not depend on."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from explaint_lib import _common, continuity, planted
from explaint_lib._common import ExplaintError
from explaint_lib.attribution import frequency_matched, interventional_continuity
from explaint_lib.continuity import _scoring as scoring
from explaint_lib.continuity import continuity_curve, expected_reciprocal_rank, fit_rung, rank_of_truth
from explaint_lib.encoders._vocabulary import Unknown
from explaint_lib.experiments.continuity import _measure as measuring
from explaint_lib.experiments.continuity import _run as experiment
from explaint_lib.experiments.continuity import _scores as summary
from explaint_lib.experiments.continuity import _texts as choice
from explaint_lib.experiments.continuity import bundled_sentences

FAST = ("cosine", "cosine_centred", "cosine_standardised", "procrustes", "ridge")


def frozen(array):
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def means(scores, metric="top1"):
    """Mean score by (layer, reference, candidates, similarity)."""
    return {(s.layer, s.reference, s.candidates, s.similarity): getattr(s, metric).mean() for s in scores}


def curve(world, *, offset=0, similarities=FAST, n=120):
    ids = world.sample(n, 8, rng=np.random.default_rng(3))
    hidden, _ = world.forward_ids(ids)
    return continuity_curve(
        [frozen(states) for states in hidden],
        [frozen(row) for row in ids],
        embedding=frozen(world.embedding_matrix()),
        rng=np.random.default_rng(4),
        layers=[world.n_layers],
        similarities=similarities,
        offset=offset,
    )


def zipf_sentences(n, vocabulary, dim, *, seed=0):
    """Random tokens, Zipfian, without any structure: layer 0 is the embedding row."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, vocabulary + 1)
    embedding = rng.normal(size=(vocabulary, dim)).astype(np.float32)
    ids = [rng.choice(vocabulary, rng.integers(6, 14), p=weights / weights.sum()) for _ in range(n)]
    return ids, embedding, rng


# --- ranks and chance -------------------------------------------------------------------------------------


@pytest.mark.parametrize("above,true,false", list(itertools.product([0, 2], [1, 2, 3], [0, 1, 3])))
def test_expected_scores_are_the_mean_over_all_orders_of_the_tie(above, true, false):
    tie = [True] * true + [False] * false
    ranks = [above + 1 + list(order).index(True) for order in itertools.permutations(tie)]
    assert expected_reciprocal_rank(above, true, false) == pytest.approx(np.mean([1 / r for r in ranks]))
    similarity = np.array([[2.0] * above + [1.0] * (true + false) + [0.0]])
    truth = np.array([[False] * above + tie + [False]])
    found = rank_of_truth(similarity, truth)
    assert found.top1[0] == pytest.approx(np.mean([r == 1 for r in ranks]))
    assert found.reciprocal_rank[0] == pytest.approx(np.mean([1 / r for r in ranks]))


def test_constant_similarity_scores_exactly_chance():
    truth = np.array([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0]], dtype=bool)
    there = np.array([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]], dtype=bool)
    found = rank_of_truth(np.zeros((2, 5)), truth, there)
    chance = continuity.chance_of_truth((truth & there).sum(1), there.sum(1))
    np.testing.assert_allclose(found, chance)
    np.testing.assert_allclose(chance.top1, [2 / 4, 1 / 5])


def test_an_item_without_a_true_candidate_has_no_score():
    found = rank_of_truth(np.ones((1, 3)), np.zeros((1, 3), dtype=bool))
    assert np.isnan(found.top1[0]) and np.isnan(found.reciprocal_rank[0])


def test_ranks_do_not_depend_on_the_order_of_candidates():
    rng = np.random.default_rng(0)
    similarity, truth = rng.integers(0, 4, (50, 9)).astype(float), rng.random((50, 9)) < 0.2
    order = rng.permutation(9)
    np.testing.assert_array_equal(
        rank_of_truth(similarity, truth), rank_of_truth(similarity[:, order], truth[:, order])
    )


# --- planted worlds ---------------------------------------------------------------------------------------


def test_keeper_keeps_its_tokens_under_every_measure():
    found = means(curve(planted.keeper(rng=np.random.default_rng(0))))
    top = {key[1:]: value for key, value in found.items() if key[2] != "sentence_position_control"}
    # standardising blows up the small blocks in which the heads leave what they read
    assert top.pop(("within", "corpus", "cosine_standardised")) > 0.7
    assert min(top.values()) > 0.99


def test_rotator_is_lost_to_cosine_and_found_by_a_rotation():
    found = means(curve(planted.rotator(rng=np.random.default_rng(0))))
    for rung in continuity.GEOMETRY_RUNGS:
        assert found[4, "layer0", "sentence", rung] < 0.25 and found[4, "layer0", "corpus", rung] < 0.05
        assert found[4, "within", "corpus", rung] > 0.99  # no geometry across layers needed
    for rung, candidates in itertools.product(("procrustes", "ridge"), ("sentence", "corpus")):
        assert found[4, "layer0", candidates, rung] > 0.99
        assert found[4, "layer0", candidates + "_unseen_types", rung] > 0.99


def test_mover_has_lost_its_own_token_and_holds_its_neighbours():
    world = planted.mover(rng=np.random.default_rng(0))
    own, left = means(curve(world)), means(curve(world, offset=-1))
    asked = [key for key in own if key[1] == "layer0" and key[2] in ("sentence", "corpus")]
    assert len(asked) == 10
    for key in asked:
        assert own[key] < 0.25 and left[key] > 0.99, key
    # the trap: layer-0 vectors hold the position, and a map finds the "token" by it
    assert own[4, "layer0", "sentence_layer0", "ridge"] > 0.9
    assert own[4, "layer0", "sentence_position_control", "ridge"] > 0.9


def test_causal_locality_goes_elsewhere_in_the_mover():
    for build, locality in ((planted.mover, 0.0), (planted.keeper, 1.0)):
        world = build(rng=np.random.default_rng(0))
        ids = list(world.sample(40, 8, rng=np.random.default_rng(1)))
        found = interventional_continuity(
            world,
            ids,
            n_interventions=40,
            replacements=frequency_matched(ids, world.vocabulary),
            rng=np.random.default_rng(2),
        )
        assert found.argmax_hit[:, -1].mean() == pytest.approx(locality, abs=0.05)
        assert (found.share[:, -1].mean() > 0.5) == bool(locality)


def test_mlp_finds_what_no_linear_map_can():
    ids, embedding, rng = zipf_sentences(120, 24, 8)
    states = [np.stack([embedding[row], embedding[row] * rng.choice([-1, 1], (len(row), 1))]) for row in ids]
    found = means(
        continuity_curve(
            states, ids, embedding=embedding, rng=rng, layers=[1], similarities=("ridge", "mlp"), n_folds=2
        )
    )
    assert found[1, "layer0", "corpus", "mlp"] > found[1, "layer0", "corpus", "ridge"] + 0.2


# --- chance on nothing ------------------------------------------------------------------------------------


def test_noise_is_at_chance():
    ids, embedding, rng = zipf_sentences(150, 120, 32)
    states = [np.stack([embedding[row], rng.normal(size=(len(row), 32))]) for row in ids]
    scores = continuity_curve(states, ids, embedding=embedding, rng=rng, layers=[1], similarities=FAST)
    for score in scores:
        excess = score.top1.mean() - score.chance_top1.mean()
        if "unseen" in score.candidates:
            assert excess < 0.06, score  # it may lie below: the map leans to the types it knows
        elif score.candidates != "corpus" and score.candidates != "vocabulary" or score.reference == "within":
            assert abs(excess) < 0.06, score


def test_shuffled_labels_do_not_reach_more_than_base_rates():
    ids, embedding, rng = zipf_sentences(150, 120, 32)
    flat = rng.permutation(np.concatenate(ids))
    others = np.split(flat, np.cumsum([len(row) for row in ids])[:-1])
    states = [embedding[row][None] for row in ids]
    commonest = np.bincount(flat).max() / len(flat)
    found = means(continuity_curve(states, others, embedding=embedding, rng=rng, similarities=FAST))
    assert max(value for key, value in found.items() if key[2] == "corpus") < commonest + 0.05
    assert found[0, "layer0", "corpus_unseen_types", "ridge"] < 0.05


def test_position_control_is_at_chance_where_there_is_no_position():
    """A plain exchange within places would score .1 above chance here."""
    excess = []
    for seed in range(8):
        ids, embedding, rng = zipf_sentences(100, 200, 64, seed=seed)
        scores = continuity_curve(
            [embedding[row][None] for row in ids],
            ids,
            embedding=embedding,
            rng=rng,
            similarities=("ridge",),
            n_folds=2,
            vocabulary_items=0,
        )
        (control,) = [score for score in scores if score.candidates == "sentence_position_control"]
        excess.append(control.top1.mean() - control.chance_top1.mean())
    assert abs(np.mean(excess)) < 0.05


def test_unseen_types_are_lost_where_the_map_can_only_memorise():
    """States are arbitrary codes of the types, unrelated to the embedding."""
    ids, embedding, rng = zipf_sentences(150, 60, 64)
    codes = rng.normal(size=embedding.shape)
    states = [np.stack([embedding[row], codes[row]]) for row in ids]
    found = means(continuity_curve(states, ids, embedding=embedding, rng=rng, layers=[1], similarities=("ridge",)))
    assert found[1, "layer0", "corpus", "ridge"] > 0.9
    assert found[1, "layer0", "corpus_unseen_types", "ridge"] < 0.1
    assert found[1, "layer0", "vocabulary", "ridge"] > 0.9


def test_chance_is_counted_by_hand():
    ids = [np.array([0, 1, 1]), np.array([2, 0])] * 2
    embedding = np.eye(4, 5)
    scores = continuity_curve(
        [embedding[row][None] for row in ids],
        ids,
        embedding=embedding,
        rng=np.random.default_rng(0),
        similarities=("cosine",),
        n_folds=2,
    )
    chance = {(s.reference, s.candidates): s.chance_top1 for s in scores}
    np.testing.assert_allclose(chance["layer0", "sentence"], [1 / 3, 2 / 3, 2 / 3, 1 / 2, 1 / 2] * 2)
    np.testing.assert_allclose(chance["layer0", "corpus"], 1 / 3)
    # candidates within the layer are the positions of other sentences
    np.testing.assert_allclose(chance["within", "corpus"][:5], [3 / 7, 2 / 7, 2 / 7, 1 / 8, 3 / 8])


# --- inputs -----------------------------------------------------------------------------------------------


def test_special_positions_are_neither_scored_nor_candidates():
    ids, embedding, rng = zipf_sentences(30, 40, 16)
    states = [embedding[row][None].copy() for row in ids]
    special = [np.arange(len(row)) == 0 for row in ids]
    for array in states:
        array[:, 0] = 1e6  # a massive activation
    kwargs = dict(embedding=embedding, similarities=("cosine_standardised", "ridge"))
    scores = continuity_curve(states, ids, special, rng=np.random.default_rng(0), **kwargs)
    without = continuity_curve(
        [s[:, 1:] for s in states], [row[1:] for row in ids], rng=np.random.default_rng(0), **kwargs
    )
    assert {len(score.top1) for score in scores if score.candidates == "sentence"} == {sum(len(row) - 1 for row in ids)}
    for left, right in zip(scores, without, strict=True):
        if left.candidates != "sentence_position_control":  # which knows the place in the whole sentence
            np.testing.assert_array_equal(left.top1, right.top1)


def test_a_score_says_which_positions_it_is_about():
    ids, embedding, rng = zipf_sentences(40, 50, 16)
    states = [embedding[row][None] for row in ids]
    special = [np.arange(len(row)) == 0 for row in ids]
    scores = continuity_curve(states, ids, special, embedding=embedding, rng=rng, similarities=("cosine", "ridge"))
    positions = continuity.gather_positions(states, ids, special)
    for score in scores:
        np.testing.assert_array_equal(positions.sentence[score.position], score.sentence)
    unseen = next(s for s in scores if s.candidates == "sentence_unseen_types")
    assert 0 < len(unseen.position) < len(positions.token_ids) / 2


def test_states_prepared_once_give_the_same_maps():
    rng = np.random.default_rng(0)
    states, targets, more = rng.normal(size=(80, 12)), rng.normal(size=(80, 12)), rng.normal(size=(5, 12))
    shared = continuity.TrainingStates(frozen(states))
    for name in FAST:
        alone, together = fit_rung(name, states, targets), fit_rung(name, shared, frozen(targets))
        np.testing.assert_array_equal(alone.map_states(more), together.map_states(more))
        np.testing.assert_array_equal(alone.map_candidates(more), together.map_candidates(more))


def test_the_vocabulary_may_be_left_out_and_nothing_else_changes(fake):
    options = dict(untrained_seeds=0, n_interventions=8, mlp_layers=0, n_boot=20, max_layers=2)
    whole, part = (
        experiment.run_continuity("fake", sentences(20), vocabulary_items=n, **options).rows for n in (300, 0)
    )
    fewer = whole[~whole.candidates.str.contains("vocabulary", na=False)].reset_index(drop=True)
    assert part.equals(fewer) and len(part) < len(whole)


def test_a_long_text_is_drawn_from_with_the_seed_in_whole_sentences(fake, monkeypatch):
    options = dict(untrained_seeds=0, n_interventions=0, mlp_layers=0, n_boot=20, max_layers=1, vocabulary_items=0)
    whole = experiment.run_continuity("fake", sentences(60), **options)
    assert whole.manifest["data"]["n_texts_not_drawn"] == 0
    n = whole.rows.n.max()
    monkeypatch.setattr(choice, "MAX_TOKENS", n // 2)
    first, again, other = (experiment.run_continuity("fake", sentences(60), **options, seed=s) for s in (0, 0, 1))
    data = first.manifest["data"]
    assert first.equals(again) and data["sha256"] != other.manifest["data"]["sha256"]
    assert data["n_texts"] + data["n_texts_not_drawn"] == 60 and data["n_texts"] >= 20
    assert first.rows.n.max() < n


def test_what_is_drawn_fits_the_limit_and_is_at_least_what_is_needed():
    lengths = np.random.default_rng(0).integers(5, 40, 3000)
    kept = choice.drawn(lengths, 0)
    assert choice.MAX_TOKENS - 40 < lengths[kept].sum() <= choice.MAX_TOKENS
    assert (np.diff(kept) > 0).all() and len(choice.drawn(np.full(50, 8000), 0)) == 20
    np.testing.assert_array_equal(choice.drawn(lengths[:50], 0), np.arange(50))


def test_what_would_not_fit_into_memory_is_refused_before_the_model_runs(fake, monkeypatch):
    monkeypatch.setattr(_common, "free_memory", lambda: 1e6)
    monkeypatch.setattr(experiment, "measure", lambda *_: pytest.fail("the model ran"))
    with pytest.raises(ExplaintError, match=r"needs about .* GB of memory, and 0.0 GB are free; give fewer"):
        experiment.run_continuity("fake", sentences(20))


def test_blocks_of_items_change_no_score_and_hold_no_array_of_all_pairs(monkeypatch):
    world = planted.rotator(rng=np.random.default_rng(0))
    whole = curve(world, n=16, similarities=FAST)
    sizes, real = [], scoring.rank_of_pairs
    monkeypatch.setattr(scoring, "_CELLS", 400)
    monkeypatch.setattr(scoring, "rank_of_pairs", lambda *parts: sizes.append(parts[0].size) or real(*parts))
    for left, right in zip(whole, curve(world, n=16, similarities=FAST), strict=True):
        np.testing.assert_allclose(left.reciprocal_rank, right.reciprocal_rank, atol=1e-12)
        np.testing.assert_allclose(left.chance_top1, right.chance_top1, atol=1e-12)
    n = sum(len(set(score.position)) for score in whole[:1])
    assert max(sizes) <= 400 < n**2 / 5


def test_same_seed_same_scores():
    world = planted.rotator(rng=np.random.default_rng(0))
    first, second = (curve(world, n=12, similarities=("ridge", "mlp")) for _ in range(2))
    for left, right in zip(first, second, strict=True):
        np.testing.assert_array_equal(left.reciprocal_rank, right.reciprocal_rank)


def test_embedding_of_another_width_leaves_out_what_needs_one_width():
    ids, embedding, rng = zipf_sentences(30, 40, 16)
    states = [np.stack([embedding[row] @ np.ones((16, 8)), embedding[row][:, :8]]) for row in ids]
    scores = continuity_curve(states, ids, embedding=embedding, rng=rng, similarities=FAST)
    kinds = {(s.claim, s.reference, s.candidates, s.similarity) for s in scores}
    assert ("decodability", "layer0", "corpus", "ridge") in kinds
    assert ("geometry", "layer0", "corpus", "cosine") not in kinds
    assert ("decodability", "layer0", "corpus", "procrustes") not in kinds


def test_bad_inputs_say_what_is_wrong():
    ids, embedding, rng = zipf_sentences(20, 40, 16)
    states = [embedding[row][None] for row in ids]
    ask = dict(embedding=embedding, rng=rng)
    with pytest.raises(ExplaintError, match="9 sentences are too few for 5 folds"):
        continuity_curve(states[:9], ids[:9], **ask)
    with pytest.raises(ExplaintError, match="as many sentences"):
        continuity_curve(states[:-1], ids, **ask)
    with pytest.raises(ExplaintError, match="sentence 3: expected one token id"):
        continuity_curve(states, [*ids[:3], ids[3][1:], *ids[4:]], **ask)
    with pytest.raises(ExplaintError, match="sentence 2: expected hidden states"):
        continuity_curve([*states[:2], states[2][0], *states[3:]], ids, **ask)
    with pytest.raises(ExplaintError, match="sentence 1: .*NaN"):
        continuity_curve([states[0], states[1] * np.nan, *states[2:]], ids, **ask)
    with pytest.raises(ExplaintError, match="largest token id"):
        continuity_curve(states, ids, embedding=embedding[:5], rng=rng)
    with pytest.raises(ExplaintError, match="no position is left"):
        continuity_curve(states, ids, [np.ones(len(row), dtype=bool) for row in ids], **ask)
    with pytest.raises(ExplaintError, match="similarities out of"):
        continuity_curve(states, ids, similarities=("euclid",), **ask)
    with pytest.raises(ExplaintError, match="layers from 0 to 0"):
        continuity_curve(states, ids, layers=[3], **ask)
    with pytest.raises(ExplaintError, match="expected a similarity out of"):
        fit_rung("euclid", states[0][0], states[0][0])
    with pytest.raises(ExplaintError, match="pass rng"):
        fit_rung("mlp", states[0][0], states[0][0])


# --- the experiment ---------------------------------------------------------------------------------------


class FakeEncoder:
    """A planted world behind the encoders' face; an untrained twin is a world with other random weights."""

    def __init__(self, build, seed, family="encoder", max_tokens=32):
        self.world = build(rng=np.random.default_rng(seed))
        self.name, self.family, self.max_tokens = self.world.name, family, max_tokens
        self.n_layers, self.vocabulary = self.world.n_layers, self.world.vocabulary
        self.dim = self.world.embedding_matrix().shape[1]
        self._index = {word: i for i, word in enumerate(self.vocabulary)}

    def tokenizer(self, texts, verbose=True):
        return {"input_ids": [[self._index[word] for word in text.split()] for text in texts]}

    def encode(self, texts, *, attention, progress):
        return [self._encoding(np.array(ids)) for ids in self.tokenizer(texts)["input_ids"]]

    def unknown_tokens(self, texts):
        return Unknown(0, sum(len(text.split()) for text in texts), 0.0)

    def _encoding(self, ids):
        hidden, _ = self.world.forward_ids(ids[None])
        ordinary = np.ones(len(ids), dtype=bool)
        ordinary[:1] = self.family == "encoder"
        return type("Encoding", (), {"token_ids": ids, "ordinary": ordinary, "hidden_states": hidden[0]})

    def forward_ids(self, ids):
        return self.world.forward_ids(ids)

    def embedding_matrix(self):
        return self.world.embedding_matrix()

    def describe(self):
        return {"name": self.name, "family": self.family}


def sentences(n=40):
    world = planted.keeper(rng=np.random.default_rng(0))
    return [" ".join(world.tokens(row)) for row in world.sample(n, 8, rng=np.random.default_rng(5))]


@pytest.fixture
def fake(monkeypatch):
    def load(name, *, untrained=False, seed=0, **_):
        return FakeEncoder(planted.rotator if untrained else planted.keeper, seed)

    monkeypatch.setattr(experiment, "load_encoder", load)


def test_run_continuity_gives_the_rows_of_the_schema(fake):
    result = experiment.run_continuity(
        "fake", sentences(20), untrained_seeds=2, n_interventions=30, mlp_layers=1, n_boot=50
    )
    tables = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    rows = tables["rows"]
    keys = "model untrained twin layer claim reference candidates similarity metric value chance ci_low ci_high n"
    assert all(sorted(row) == sorted(keys.split()) for row in rows)
    assert {row["metric"] for row in rows} == {"top1", "mrr", "argmax", "share"}
    assert {row["layer"] for row in rows} == set(range(5))
    for row in rows:
        assert row["ci_low"] <= row["value"] + 1e-9 and row["value"] <= row["ci_high"] + 1e-9
        assert (row["similarity"] is None) == (row["claim"] in ("causal_locality", "content_share"))
    top = {
        (row["untrained"], row["claim"], row["candidates"], row["similarity"]): row
        for row in rows
        if row["layer"] == 4 and row["reference"] in ("layer0", None) and row["metric"] != "mrr"
    }
    assert top[False, "geometry", "sentence", "cosine"]["value"] > 0.99
    assert top[True, "geometry", "sentence", "cosine"]["value"] < 0.3
    assert top[True, "decodability", "corpus", "ridge"]["value"] > 0.99
    assert top[False, "geometry", "sentence", "cosine"]["chance"] == pytest.approx(1 / 8)
    assert top[False, "causal_locality", None, None]["n"] == 30
    assert "corpus_unseen_types" in {key[2] for key in top}


def test_tests_are_trained_minus_untrained_minus_chance_and_minus_one_half(fake):
    result = experiment.run_continuity(
        "fake", sentences(), untrained_seeds=2, n_interventions=30, mlp_layers=0, n_boot=50
    )
    keys = list(measuring.Measure._fields)
    rows = result.rows.fillna("").set_index(["untrained", *keys])
    tests = result.tests.fillna({key: "" for key in ("reference", "candidates", "similarity")})
    assert tests.groupby("control").size().to_dict() == {
        "chance": len(rows) / 2, "untrained": len(rows) / 2, "one half": (result.rows.metric != "mrr").sum() / 2
    }  # fmt: skip
    assert tests.p_value.between(0, 1, inclusive="right").all() and (tests.ci_low <= tests.ci_high).all()
    for test in tests.to_dict("records"):
        what = tuple(test[key] for key in keys)
        trained = rows.loc[(False, *what)]
        level = {"chance": trained["chance"], "one half": 0.5, "untrained": rows.loc[(True, *what)]["value"]}
        assert test["difference"] == pytest.approx(trained["value"] - level[test["control"]])
        assert 2 <= test["n"] <= 40 and (test["ci_low"] > 0) == (test["p_value"] < 0.025)
    assert set(tests[tests.control == "untrained"].untrained_seeds) == {2}
    assert tests[tests.control != "untrained"].untrained_seeds.isna().all()


def test_fewer_layers_are_spread_and_score_the_same(fake):
    ask = dict(untrained_seeds=1, n_interventions=10, mlp_layers=0, n_boot=20)
    everything = experiment.run_continuity("fake", sentences(), **ask)
    some = experiment.run_continuity("fake", sentences(), max_layers=3, **ask)
    assert some.manifest["arguments"]["layers"] == [0, 2, 4]

    def values(result):
        rows = result.to_dict()["rows"]
        return {tuple(row[key] for key in ("untrained", *measuring.Measure._fields)): row["value"] for row in rows}

    # the bootstrap is common to all rows; the position control draws anew at each layer
    expected = {
        key: value for key, value in values(everything).items() if key[1] in (0, 2, 4) and "control" not in str(key)
    }
    assert expected == {key: value for key, value in values(some).items() if "control" not in str(key)}
    with pytest.raises(ExplaintError, match="max_layers must be at least 1"):
        experiment.run_continuity("fake", sentences(), max_layers=0, **ask)


def test_same_seed_same_result_and_repeats_are_used_once(fake):
    ask = dict(untrained_seeds=1, n_interventions=10, mlp_layers=0, n_boot=20)
    first = experiment.run_continuity("fake", sentences(), **ask)
    second = experiment.run_continuity("fake", [*sentences(), *sentences(5)], **ask)
    assert first.rows.equals(second.rows) and first.tests.equals(second.tests)
    assert second.manifest["data"]["n_repeated_texts_left_out"] == 5


WHAT = measuring.Measure(0, "geometry", "layer0", "sentence", "cosine", "top1")


def sums(shares, n=10):
    """Return the sums of a model that finds this share of the tokens of each sentence, by chance a tenth."""
    count = np.full(len(shares), n)
    return {WHAT: measuring.SentenceSums(shares * count, 0.1 * count, count)}


def by_control(trained, untrained, n_boot=400, seed=0):
    _, tests = summary.summarise("fake", trained, untrained, n_boot, np.random.default_rng(seed))
    return {test["control"]: test for test in tests}


def test_intervals_and_p_resample_sentences_and_twins():
    """Two twins that disagree leave a wide interval, however many sentences agree within each."""
    trained, *twins = (sums(np.full(200, share)) for share in (0.5, 0.2, 0.8))
    (row, untrained), tests = summary.summarise("fake", trained, twins, 400, np.random.default_rng(0))
    assert row["ci_low"] == pytest.approx(0.5) and row["ci_high"] == pytest.approx(0.5)
    assert untrained["ci_low"] == pytest.approx(0.2) and untrained["ci_high"] == pytest.approx(0.8)
    chance, half, difference = tests
    assert difference["se"] == pytest.approx(0.3) and difference["df"] == 1 and difference["p_value"] == 0.5
    assert chance["difference"] == pytest.approx(0.4) and chance["p_value"] == 2.0**-200
    assert half["difference"] == pytest.approx(0) and half["p_value"] == 1  # exactly one half is not more than it
    _, (*_, alone) = summary.summarise("fake", trained, twins[:1], 400, np.random.default_rng(0))
    assert np.isnan(alone["se"]) and np.isnan(alone["p_value"])  # nobody knows how twins vary


def test_p_is_small_where_there_is_a_difference_and_as_often_as_it_says_where_there_is_none():
    """Sentences differ, and so do twins: both are in p, so that one lucky draw of weights shows nothing."""
    rng = np.random.default_rng(0)
    small = dict.fromkeys(("untrained", "one half"), 0)
    for _ in range(200):
        scores = 0.5 + 0.1 * rng.standard_normal(40)
        twins = [sums(scores + 0.03 * rng.standard_normal() + 0.05 * rng.standard_normal(40)) for _ in range(5)]
        found = by_control(sums(scores), twins, n_boot=200, seed=int(rng.integers(1000)))
        for control in small:
            small[control] += found[control]["p_value"] <= 0.05
    assert 0.01 < small["one half"] / 200 < 0.1 and 0.01 < small["untrained"] / 200 < 0.1
    clear = by_control(sums(scores), [sums(scores - 0.2 + 0.03 * rng.standard_normal(40)) for _ in range(5)])
    assert clear["untrained"]["p_value"] < 1e-6 and clear["untrained"]["ci_low"] > 0.15


def test_run_continuity_refuses_what_it_cannot_measure(fake, monkeypatch):
    with pytest.raises(ExplaintError, match="at least 20 different sentences.*found 19"):
        experiment.run_continuity("fake", [*sentences(19), sentences(1)[0]])
    long = [*sentences(30), " ".join(sentences(5))]
    monkeypatch.setattr(experiment, "load_encoder", lambda *a, **k: FakeEncoder(planted.keeper, 0))
    with pytest.raises(ExplaintError, match="line 31 has 40 tokens, and keeper takes at most 32"):
        experiment.run_continuity("fake", long, labels=[f"line {i}" for i in range(1, 32)])


def test_bundled_sentences_are_enough():
    texts = bundled_sentences()
    assert len(set(texts)) == len(texts) >= 300


@pytest.mark.models
@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_real_models_lose_geometry_before_decodability(name):
    result = experiment.run_continuity(
        name,
        bundled_sentences()[:60],
        untrained_seeds=1,
        n_interventions=10,
        mlp_layers=0,
        vocabulary_items=0,
        n_boot=50,
        max_layers=2,
    )
    value = {
        (row["layer"], row["candidates"], row["similarity"]): row["value"]
        for row in result.to_dict()["rows"]
        if not row["untrained"] and row["reference"] == "layer0" and row["metric"] == "top1"
    }
    top = max(layer for layer, *_ in value)
    assert value[0, "sentence", "cosine"] == pytest.approx(1)
    assert value[top, "sentence", "ridge"] > value[top, "sentence", "cosine"]
    assert result.manifest["arguments"]["first_position_left_out"] == (name == "smollm2")


def test_texts_in_a_script_that_the_model_does_not_know_are_refused_with_the_true_cause(tmp_path):
    from helpers_models import save_tiny_bert

    folder = str(save_tiny_bert(tmp_path))
    thai = [f"ภาษาไทยที่นี่สวย {'ก' * n}" for n in range(1, 21)]
    for n_interventions in (0, 5):
        with pytest.raises(ExplaintError, match="40 of 40 tokens .* 100% of their letters, are unknown"):
            experiment.run_continuity(folder, thai, n_interventions=n_interventions)
    mixed = [f"the robin is a small bird and a truck {line}" for line in thai]
    result = experiment.run_continuity(folder, mixed, n_interventions=0, untrained_seeds=0, mlp_layers=0, n_boot=10)
    assert result.manifest["data"]["n_unknown_tokens"] == 40
