"""The wiring of the hypernymy experiment: which template, fold, cluster, label draw and seed each number rests on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from explaint_lib import inference, probes, relations
from explaint_lib._common import ExplaintError
from explaint_lib.experiments.hypernymy import (
    PREDICTORS,
    SAID_PREDICTORS,
    Gathered,
    PairFeatures,
    PairScores,
    planted_world,
    score_hypernymy,
)
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
    found = {"affirmed": attention} | more.pop("groups", {})
    twins = more.pop("untrained", [rng.normal(size=attention.shape)])
    untrained = [
        {group: maps if group == "affirmed" else noise(len(found[group])) for group in found} for maps in twins
    ]
    surface = {group: rng.normal(size=(len(maps), n, 5)) for group, maps in found.items()}
    surface["affirmed"] = more.pop("surface", surface["affirmed"])
    return PairFeatures(pairs, found, untrained, surface, words)


def noise(n_templates: int = 2, n_heads: int = 2, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_templates, 2 * N, n_heads))


def scored(data: PairFeatures, split: str = "pair", seed: int = 0, n_fold_draws: int = 3):
    found = scoring.pair_scores(data, split, n_folds=3, n_fold_draws=n_fold_draws, seed=seed)
    return found.seen, found.unseen


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
    seen, unseen = scored(world(maps))
    assert seen["attention", "affirmed"].mean() > 0.95
    assert (unseen["attention", "affirmed"].mean(axis=1) < 0.75).all()


def test_each_draw_leaves_out_the_next_template():
    """Two templates of three have a head in common: only they can do without the one that is left out."""
    maps = noise(3, 2)
    for template, head in enumerate((0, 0, 1)):
        maps[template, :, head] = 9 * (pair_set().labels - 0.5)
    _, unseen = scored(world(maps), n_fold_draws=6)
    by_draw = unseen["attention", "affirmed"].mean(axis=1)
    assert (by_draw[[0, 1, 3, 4]] > 0.8).all() and (by_draw[[2, 5]] < 0.75).all()


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


def test_each_draw_is_of_the_next_twin():
    one, other = knows(noise(seed=3)), noise(seed=4)
    alone = [scored(world(noise(), untrained=[twin]))[0]["attention_untrained", "affirmed"] for twin in (one, other)]
    both = scored(world(noise(), untrained=[one, other]))[0]["attention_untrained", "affirmed"]
    np.testing.assert_allclose(both, [alone[0][0], alone[1][1], alone[0][2]])


def test_fewer_draws_than_twins_or_templates_are_refused():
    with pytest.raises(ExplaintError, match="each of 4 templates and 1 untrained twins needs a draw"):
        scored(world(noise(4)))
    with pytest.raises(ExplaintError, match="4 untrained twins"):
        scored(world(noise(), untrained=[noise()] * 4))


# --- labels drawn at random ---


def test_permuted_labels_are_drawn_anew_in_each_draw_of_folds_for_whole_matched_pairs(monkeypatch):
    asked = []
    real = probes.probe_probabilities
    monkeypatch.setattr(
        probes, "probe_probabilities", lambda x, labels, *a, **k: asked.append(labels) or real(x, labels, *a, **k)
    )
    seen, _ = scored(world(knows(noise(1))), n_fold_draws=4)
    true = pair_set().labels
    drawn = {labels[: 2 * N].tobytes(): labels[: 2 * N] for labels in asked if not (labels[: 2 * N] == true).all()}
    assert len(drawn) == 4
    for labels in drawn.values():
        assert (labels[:N] == ~labels[N:]).all() and 0.2 < (labels[:N] == true[:N]).mean() < 0.8
    assert seen["permuted_labels", "affirmed"].shape == (4, 2 * N)
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
    in_draws = {repr([(test % (2 * N)).tolist() for _, test in rows]) for rows in asked[1 : runs[1]]}
    assert len(in_draws) >= 3  # each draw deals anew
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


def made_up(right: np.ndarray, n_draws: int = 5, **more) -> PairScores:
    """Return scores in which attention is given, a value a pair or (draw, pair), and all else is one half."""
    half = np.full((n_draws, 2 * N), 0.5)
    seen = {(name, "affirmed"): half for name in PREDICTORS}
    seen["attention", "affirmed"] = half - 0.5 + right
    seen["attention", "negated"] = 1 - seen["attention", "affirmed"]
    seen["rivals_and_attention", "affirmed"] = half + 0.25
    known = {"unseen": {("attention", "affirmed"): half}, "said": dict.fromkeys(SAID_PREDICTORS, half)}
    known |= {"n_twins": 5, "n_templates": 5} | more
    seen |= known.pop("seen", {})
    return PairScores(pair_set(), "pair", seen, **known)


def codes(words) -> np.ndarray:
    return np.unique(words, return_inverse=True)[1]


def jackknife(values: np.ndarray, groups: np.ndarray) -> float:
    """Return the variance of the mean, one group left out at a time, as a loop."""
    means = [values[groups != group].mean() for group in np.unique(groups)]
    k = len(means)
    return (k - 1) / k * sum((mean - values.mean()) ** 2 for mean in means)


def test_pairs_that_share_a_hyponym_or_a_hypernym_are_not_independent():
    """Both words matter, so that neither way of clustering alone gives the error, nor do single pairs."""
    pairs, rng = pair_set(), np.random.default_rng(2)
    kind, word = codes(pairs.hypernyms), codes(pairs.hyponyms)
    right = 0.7 + rng.normal(size=6)[kind] * 0.05 + rng.normal(size=N)[word] * 0.1 + rng.normal(size=2 * N) * 0.02
    scores = made_up(right)
    by_kind, by_word, alone = (jackknife(right, groups) for groups in (kind, word, np.arange(2 * N)))
    expected = np.sqrt(by_kind + by_word - alone)
    found = scores.compare("attention", "chance")
    assert found.se == pytest.approx(expected) and found.n == 6
    assert found.chance and not scores.compare("attention", "position").chance
    others = {"hypernyms": np.sqrt(by_kind), "hyponyms": np.sqrt(by_word), "pairs": np.sqrt(alone)}
    assert all(abs(expected / other - 1) > 0.05 for other in others.values()), others
    half = stats.t.ppf(0.975, 5) * expected
    row = next(row for row in scores.rows() if row["predictor"] == "attention")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((right.mean() - half, right.mean() + half))
    test = {(one["question"], one["predictor"], one["control"]): one for one in scores.tests()}
    for control in ("chance", "word_similarity", "permuted_labels", "attention_untrained", "rivals"):
        one = test["relation", "attention", control]
        assert one["difference"] == pytest.approx(right.mean() - 0.5), control
        assert (one["se"], one["n"], one["score"]) == (pytest.approx(expected), 6, "accuracy")
    negated = test["relation", "attention", "negated sentences"]
    assert negated["difference"] == pytest.approx(2 * right.mean() - 1) and negated["se"] == pytest.approx(2 * expected)
    added = test["relation", "rivals_and_attention", "rivals"]
    assert added["difference"] == pytest.approx(0.25) and added["se"] == pytest.approx(0)
    assert ("relation", "attention", "rivals_and_attention") not in test and len(test) == 11 + 1 + 4
    assert [one.asks for one in map(scores.compare, ["attention"] * 2, ["rivals", "attention_untrained"])] == [
        "relation", "training",
    ]  # fmt: skip


def test_what_was_drawn_again_is_in_the_error():
    """Folds where nothing else varies; twins where one takes part; templates where they were left out."""
    draws, rng = np.arange(10)[:, None], np.random.default_rng(3)
    right = 0.7 + 0.1 * rng.normal(size=(1, 2 * N)) + 0.05 * rng.normal(size=(10, 1))
    twin = np.where(draws % 5 == 0, 0.9, 0.5) + np.zeros((1, 2 * N))  # one of five knows
    left_out = np.where(draws % 5 < 2, 0.9, 0.5) + np.zeros((1, 2 * N))
    scores = made_up(
        right, 10, seen={("attention_untrained", "affirmed"): twin},
        unseen={("attention", "affirmed"): left_out}, said={name: left_out for name in SAID_PREDICTORS},
    )  # fmt: skip
    folds, twins = scores.compare("attention", "chance"), scores.compare("attention", "attention_untrained")
    assert folds.varied == "folds" and folds.draws == pytest.approx(right.mean(axis=1) - 0.5)
    assert folds.se**2 == pytest.approx(folds.se_units**2 + right.mean(axis=1).var(ddof=1) / 10)
    each = [(right - twin)[i::5].mean() for i in range(5)]
    assert twins.varied == "twins" and twins.draws == pytest.approx(each)
    assert twins.se**2 == pytest.approx(twins.se_units**2 + np.var(each, ddof=1) / 5)
    for question in ("left out", "said"):
        found = scores.compare("attention", "chance", question)
        assert found.varied == "templates" and found.draws == pytest.approx([0.4, 0.4, 0, 0, 0]), question
    assert scores.compare("attention", "attention_untrained", "said").varied == "twins"


def test_one_twin_gives_no_interval_and_no_verdict():
    scores = made_up(np.full(2 * N, 0.9), n_twins=1)
    found = scores.compare("attention", "attention_untrained")
    assert found.difference == pytest.approx(0.4) and np.isnan(found.se)
    word = inference.verdicts({"trained": [found]}, smallest_effect=0.05).word[0]
    assert word == "cannot tell"
    row = next(row for row in scores.rows() if row["predictor"] == "attention_untrained")
    assert np.isnan(row["ci_low"]) and row["accuracy"] == 0.5


def test_a_question_that_was_not_put_is_refused():
    with pytest.raises(ExplaintError, match="'said' was not put to the predictor 'rivals'"):
        made_up(np.full(2 * N, 0.9)).compare("rivals", "chance", "said")


def test_every_set_and_split_is_scored_with_the_numbers_asked_for(monkeypatch):
    asked = []

    def scores(data, split, **more):
        asked.append((data.pairs.negatives, split, more))
        return made_up(np.full(2 * N, 0.9))

    monkeypatch.setattr("explaint_lib.experiments.hypernymy._run.pair_scores", scores)
    both = {name: world(noise(1), negatives=name) for name in ("naive", "balanced")}
    more = {"n_folds": 7, "n_fold_draws": 5}
    found = score_hypernymy(Gathered(both, {"name": "toy"}, {}, {}, 11), splits=("pair", "neither"), **more)
    assert asked == [(name, split, more | {"seed": 11}) for name in both for split in ("pair", "neither")]
    assert found.manifest["arguments"].items() >= (more | {"splits": ["pair", "neither"]}).items()
    assert set(found.tests.model) == set(found.rows.model) == {"toy"}


def test_a_planted_world_hands_on_its_seed():
    found = [planted_world({"balanced": pair_set()}, "nothing", seed=s, rng=np.random.default_rng(0)) for s in (0, 5)]
    assert [one.seed for one in found] == [0, 5]
