"""The wiring of the hypernymy experiment: which template, fold, cluster, label draw and seed each number rests on."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import probes, relations
from explaint_lib.experiments.hypernymy import PREDICTORS, Gathered, PairFeatures, planted_world, score_hypernymy
from explaint_lib.experiments.hypernymy import _scores as scoring

N = 36  # hyponyms, each with a true and a false hypernym
KINDS = ("bird", "fish", "tool", "fruit", "drink", "house")


def pair_set(negatives: str = "balanced") -> relations.PairSet:
    """Return 36 words that are of six kinds, and said to be of the next kind: every kind as often right as wrong."""
    true = [relations.Pair(f"word{i}", KINDS[i % 6]) for i in range(N)]
    false = [relations.Pair(f"word{i}", KINDS[(i + 1) % 6]) for i in range(N)]
    return relations.PairSet(negatives, (*true, *false), np.repeat([True, False], N))


def world(attention: np.ndarray, *, negatives: str = "balanced", seed: int = 0, **more) -> PairFeatures:
    """Return features whose attention is given, (template, pair, head); all else is noise unless given."""
    pairs, rng = pair_set(negatives), np.random.default_rng(seed)
    n = len(pairs.pairs)
    words = {name: rng.normal(size=(n, 2)) for name in ("word_similarity", "own_vectors", "frequency")}
    words["hypernym_identity"] = np.eye(6)[[KINDS.index(name) for name in pairs.hypernyms]]
    words |= more.pop("words", {})
    blank = {"untrained": [rng.normal(size=attention.shape)], "surface": rng.normal(size=(len(attention), n, 5))}
    found = {"affirmed": attention} | more.pop("groups", {})
    return PairFeatures(pairs=pairs, attention=found, words=words, **blank | more)


def noise(n_templates: int = 2, n_heads: int = 2, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_templates, 2 * N, n_heads))


def scored(data: PairFeatures, split: str = "pair", seed: int = 0):
    return scoring.pair_accuracies(data, split, n_folds=3, seed=seed)


def knows(x: np.ndarray, head: int = 0, strength: float = 6.0) -> np.ndarray:
    """Return features in which one head knows the label."""
    x = x.copy()
    x[..., head] += strength * (pair_set().labels - 0.5)
    return x


# --- templates ---


def test_the_template_that_is_left_out_teaches_nothing():
    """Each template has a head of its own that knows: nothing learned in the others helps with it."""
    maps = noise(3, 3)
    for template in range(3):
        maps[template, :, template] = 9 * (pair_set().labels - 0.5)
    twins, surface = [maps.copy()], np.concatenate([maps, maps[..., :2]], axis=-1)
    seen, unseen = scored(world(maps, untrained=twins, surface=surface))
    for name in ("attention", "attention_untrained", "position"):
        assert seen[name, "affirmed"].mean() > 0.95, name
        assert unseen[name, "affirmed"].mean() < 0.75, name


def test_another_group_is_judged_by_its_own_probe_as_seen_and_by_the_affirmed_one_as_unseen():
    """What is said turns the head round: a probe of these sentences knows, one of affirmed ones errs always."""
    maps = knows(noise())
    turned = noise(3, seed=5)
    turned[..., 0] = -9 * (pair_set().labels - 0.5)
    seen, unseen = scored(world(maps, groups={"negated": turned}))
    assert seen["attention", "negated"].mean() > 0.95 and unseen["attention", "negated"].mean() < 0.05
    assert unseen["attention", "affirmed"].mean() > 0.95
    assert seen["permuted_labels", "affirmed"].mean() < 0.7


# --- what each predictor sees ---


@pytest.mark.parametrize(
    "source", ["attention", "untrained", "position", "word_similarity", "own_vectors", "frequency"]
)
def test_each_predictor_sees_its_own_features_and_no_others(source):
    """The label is put in one place; who finds it is who may look there."""
    label = pair_set().labels - 0.5
    blank, more = noise(), {}
    if source == "attention":
        blank = knows(blank)
    elif source == "untrained":
        more = {"untrained": [knows(noise(seed=7))]}
    elif source == "position":
        more = {"surface": knows(noise(2, 5, seed=8), head=4)}
    else:
        more = {"words": {source: 6 * label[:, None] + np.random.default_rng(9).normal(size=(2 * N, 2))}}
    seen, _ = scored(world(blank, **more))
    finds = {name for name in PREDICTORS if seen[name, "affirmed"].mean() > 0.8}
    own = {"untrained": "attention_untrained"}.get(source, source)
    joint = {"attention": {"rivals_and_attention"}, "untrained": set()}
    assert finds == {own} | joint.get(source, {"rivals", "rivals_and_attention"})


def test_twins_are_averaged_pair_by_pair():
    one, other = knows(noise(seed=3)), noise(seed=4)
    alone = [scored(world(noise(), untrained=[twin])) for twin in (one, other)]
    both = scored(world(noise(), untrained=[one, other]))
    for part in (0, 1):  # as trained, and on templates unseen in training
        expected = np.mean([found[part]["attention_untrained", "affirmed"] for found in alone], axis=0)
        np.testing.assert_allclose(both[part]["attention_untrained", "affirmed"], expected)


# --- labels drawn at random ---


def test_permuted_labels_are_three_draws_of_whole_matched_pairs(monkeypatch):
    asked = []
    real = probes.probe_probabilities
    monkeypatch.setattr(
        probes, "probe_probabilities", lambda x, labels, *a, **k: asked.append(labels) or real(x, labels, *a, **k)
    )
    seen, _ = scored(world(knows(noise(1))))  # one template: each draw is right or wrong
    true = pair_set().labels
    drawn = {labels[: 2 * N].tobytes(): labels[: 2 * N] for labels in asked if not (labels[: 2 * N] == true).all()}
    assert len(drawn) == 3
    for labels in drawn.values():
        assert (labels[:N] == ~labels[N:]).all() and 0.2 < (labels[:N] == true[:N]).mean() < 0.8
    thirds = np.unique((3 * seen["permuted_labels", "affirmed"]).round(6))
    assert set(thirds) <= {0, 1, 2, 3} and {1, 2} & set(thirds)
    other = {labels.tobytes() for labels in (scoring._permuted(TASK, np.random.default_rng(s)) for s in (0, 1))}
    assert len(other) == 2


TASK = scoring._ProbeTask(pair_set().labels, [], [])


# --- weights and folds ---


def test_words_are_balanced_to_the_end():
    """A chain of words whose odds are lopsided takes many rounds to be as often right as wrong."""
    rng = np.random.default_rng(0)
    labels = rng.random(120) < 0.75
    words = [rng.integers(0, 12, 120), rng.integers(0, 9, 120)]
    weights = probes.balanced_weights(labels, words)
    for codes in words:
        right, wrong = np.bincount(codes, weights * labels), np.bincount(codes, weights * ~labels)
        np.testing.assert_allclose(right, wrong, rtol=0.002, atol=1e-9)
    assert weights[weights > 0].mean() == pytest.approx(1)


@pytest.mark.parametrize(("negatives", "balanced"), [("balanced", 2), ("near", 2), ("naive", 0), ("wordnet_level", 0)])
def test_both_words_are_balanced_in_training_where_pairs_are_meant_to_hide_them(monkeypatch, negatives, balanced):
    asked = []
    real = probes.probe_probabilities

    def listening(x, labels, rows, *, balance, penalty):
        asked.append((len(x), [tuple(words) for words in balance], penalty))
        return real(x, labels, rows, balance=balance, penalty=penalty)

    monkeypatch.setattr(probes, "probe_probabilities", listening)
    scored(world(noise(1), negatives=negatives))
    pairs = pair_set()
    for n, balance, penalty in asked:
        times = n // (2 * N)
        assert balance == [pairs.hyponyms * times, pairs.hypernyms * times][:balanced] and penalty == 10


@pytest.mark.parametrize("split", probes.SPLITS)
def test_the_split_asked_for_is_the_one_in_use_and_the_seed_deals_it(monkeypatch, split):
    asked = []
    real = probes.probe_probabilities
    monkeypatch.setattr(
        probes, "probe_probabilities", lambda x, y, rows, **k: asked.append(rows) or real(x, y, rows, **k)
    )
    for seed in (0, 0, 1):
        asked.append(None)
        scored(world(noise(1)), split, seed)
    runs = np.flatnonzero([rows is None for rows in asked])
    first, again, other = (asked[i + 1] for i in runs)
    tests = [[sorted(set((test % (2 * N)).tolist())) for _, test in rows] for rows in (first, again, other)]
    assert tests[0] == tests[1] != tests[2] and len(tests[0]) == (9 if split == "neither" else 3)
    pairs = pair_set()
    for train, test in ([part % (2 * N) for part in fold] for fold in first):
        shared = [{words[i] for i in train} & {words[i] for i in test} for words in (pairs.hyponyms, pairs.hypernyms)]
        assert (not shared[0]) == (split in ("hyponym", "neither", "pair")), split  # a matched pair is held out whole
        assert (not shared[1]) == (split in ("hypernym", "neither")), split
        if split == "pair":
            assert set(test.tolist()) == {(i + N) % (2 * N) for i in test.tolist()}
    assert sorted(np.concatenate(tests[0]).tolist()) == list(range(2 * N))


# --- intervals and tests ---


def made_up(by_kind: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Return accuracies in which attention depends on the kind alone, and all else is one half."""
    kinds = np.array([KINDS.index(name) for name in pair_set().hypernyms])
    seen = {(name, "affirmed"): np.full(2 * N, 0.5) for name in PREDICTORS}
    seen["attention", "affirmed"] = by_kind[kinds]
    seen["attention", "negated"] = 1 - by_kind[kinds]
    seen["rivals_and_attention", "affirmed"] = np.full(2 * N, 0.75)
    return seen


def test_intervals_and_p_take_hypernyms_with_all_their_pairs():
    """Six kinds, all of one opinion within: one flip each, so p is one in 64, and the interval is that of six."""
    by_kind = np.array([0.95, 0.9, 0.85, 0.6, 0.55, 0.55])
    data = world(noise(1), groups={"negated": noise(1)})
    rows, tests = scoring.summarise("toy", data, "pair", made_up(by_kind), {}, n_boot=4000, seed=3)
    attention = next(row for row in rows if (row["predictor"], row["templates"]) == ("attention", "affirmed"))
    draws = by_kind[np.random.default_rng(0).integers(6, size=(20_000, 6))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    assert attention["accuracy"] == pytest.approx(by_kind.mean()) and attention["n"] == 2 * N
    assert (attention["ci_low"], attention["ci_high"]) == pytest.approx((low, high), abs=0.015)
    test = {(test["predictor"], test["control"]): test for test in tests}
    for control in ("chance", "word_similarity", "permuted_labels", "attention_untrained", "rivals"):
        found = test["attention", control]
        assert found["difference"] == pytest.approx(by_kind.mean() - 0.5)
        assert (found["ci_low"], found["ci_high"]) == pytest.approx((low - 0.5, high - 0.5), abs=0.015)
        assert found["p_value"] == pytest.approx(1 / 64, abs=0.006)
    negated = test["attention", "negated sentences"]
    assert negated["difference"] == pytest.approx(2 * by_kind.mean() - 1)
    added = test["rivals_and_attention", "rivals"]
    assert added["difference"] == pytest.approx(0.25) and added["ci_low"] == pytest.approx(0.25)
    assert ("attention", "rivals_and_attention") not in test and len(tests) == 8 + 1 + 2


def test_resamples_are_as_many_as_asked_follow_from_the_seed_and_are_one_for_all_rows():
    seen = made_up(np.linspace(0.5, 1, 6))
    data = world(noise(1))

    def interval(n_boot=200, seed=0):
        rows, tests = scoring.summarise("toy", data, "pair", seen, {}, n_boot=n_boot, seed=seed)
        row = next(row for row in rows if row["predictor"] == "attention")
        chance = next(test for test in tests if test["control"] == "chance")
        return (row["ci_low"], row["ci_high"]), (chance["ci_low"] + 0.5, chance["ci_high"] + 0.5)

    first, paired = interval()
    assert first == pytest.approx(paired) and first == interval()[0] != interval(seed=1)[0]
    assert len(set(interval(n_boot=1)[0])) == 1


def test_every_set_and_split_is_scored_with_the_numbers_asked_for(monkeypatch):
    asked = []
    nothing: tuple[dict, dict] = ({}, {})
    monkeypatch.setattr(
        "explaint_lib.experiments.hypernymy._run.pair_accuracies",
        lambda data, split, **more: asked.append((data.pairs.negatives, split, more)) or nothing,
    )

    def summarise(name, data, split, *found, **more):
        asked.append((name, data.pairs.negatives, split, more))
        return [], []

    monkeypatch.setattr("explaint_lib.experiments.hypernymy._run.summarise", summarise)
    both = {name: world(noise(1), negatives=name) for name in ("naive", "balanced")}
    score_hypernymy(Gathered(both, {"name": "toy"}, {}, {}, 11), splits=("pair", "neither"), n_folds=7, n_boot=13)
    expected = []
    for name in both:
        for split in ("pair", "neither"):
            expected += [(name, split, {"n_folds": 7, "seed": 11}), ("toy", name, split, {"n_boot": 13, "seed": 11})]
    assert asked == expected


def test_a_planted_world_hands_on_its_seed():
    found = [planted_world({"balanced": pair_set()}, "nothing", seed=s, rng=np.random.default_rng(0)) for s in (0, 5)]
    assert [one.seed for one in found] == [0, 5]
