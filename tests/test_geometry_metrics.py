"""Scores that ask for the word, the feature and the shape of the space: identities, planted truths, negative twins."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from explaint_lib import controls, inference, mappers, metrics, planted
from explaint_lib._common import ExplaintError

WORLDS = {  # strengths at which F1@10 of the last two is the same
    "nothing": ("nothing", 1.0),
    "category": ("category", 2.0),
    "words": ("category_and_attributes", 0.8),
}


@pytest.fixture(scope="module")
def worlds() -> dict[str, tuple]:
    """Return world, folds and out-of-fold prediction of each kind: the same norms and the same folds."""
    folds = mappers.make_folds(240, 5, rng=np.random.default_rng(1))
    made = {}
    for name, (kind, strength) in WORLDS.items():
        world = planted.property_world(kind, strength=strength, rng=np.random.default_rng(2))
        pred = mappers.CrossFit(mappers.PLSR(n_components=20), world.embeddings, folds).predict(world.values)
        for array in (pred, folds, world.values, world.embeddings):
            array.flags.writeable = False
        made[name] = world, folds, pred
    return made


def mean_2afc(world, pred, folds, groups) -> float:
    return float(np.nanmean(metrics.two_alternative(pred, world.values, groups, folds=folds)))


# -- two alternatives ------------------------------------------------------------------------------------------------


def test_f1_cannot_tell_taxonomy_from_words_and_two_alternatives_can(worlds):
    f1 = {name: metrics.f1_at_k(pred, world.values).mean() for name, (world, _, pred) in worlds.items()}
    assert abs(f1["category"] - f1["words"]) < 0.02 and f1["category"] > f1["nothing"] + 0.2
    within = {name: mean_2afc(world, pred, folds, world.categories) for name, (world, folds, pred) in worlds.items()}
    assert abs(within["nothing"] - 0.5) < 0.06 and abs(within["category"] - 0.5) < 0.06
    assert within["words"] > 0.62
    # the coarsest grain cannot tell them apart either: any bird is nearer to birds than to tools
    anywhere = {name: mean_2afc(world, pred, folds, [0] * 240) for name, (world, folds, pred) in worlds.items()}
    assert abs(anywhere["category"] - anywhere["words"]) < 0.03 and anywhere["category"] > 0.9


def test_the_strictest_grain_still_sees_the_words(worlds):
    for name, low, high in (("category", 0.4, 0.6), ("words", 0.6, 1.0)):
        world, folds, pred = worlds[name]
        gold_clusters = controls.cluster_words(world.values, 24).tolist()
        assert low < mean_2afc(world, pred, folds, gold_clusters) < high


def test_one_answer_for_all_scores_exactly_one_half_only_if_held_out_together(worlds):
    world, folds, _ = worlds["nothing"]
    for pred in (
        controls.category_centroids(world.values, world.categories, folds),
        mappers.CrossFit(mappers.MeanProfile(), world.embeddings, folds).predict(world.values),
    ):
        assert mean_2afc(world, pred, folds, world.categories) == pytest.approx(0.5, abs=1e-12)
    centroids = controls.category_centroids(world.values, world.categories, folds)
    trap = np.nanmean(metrics.two_alternative(centroids, world.values, world.categories))
    assert trap < 0.45  # the held-out word is absent from its own category's mean


def test_two_alternative_null_is_centred_and_finds_the_words(worlds):
    rng = np.random.default_rng(3)
    for name, expect in (("category", False), ("words", True)):
        world, folds, pred = worlds[name]
        null = metrics.two_alternative_null(pred, world.values, world.categories, 300, folds=folds, rng=rng)
        assert abs(null.mean() - 0.5) < 0.01
        p = inference.permutation_p(mean_2afc(world, pred, folds, world.categories), null)
        assert (p < 0.01) == expect


def test_two_alternative_false_alarms_and_misses():
    """The rate at 5 % over 40 planted nulls and 40 planted signals; a free Mantel test is the negative twin below."""
    found = {"category": 0, "words": 0}
    for seed in range(40):
        for name in found:
            kind, strength = WORLDS[name]
            source = np.random.default_rng(seed)
            world = planted.property_world(kind, strength=strength, n_words=96, n_categories=6, dim=20, rng=source)
            folds = mappers.make_folds(96, 3, rng=np.random.default_rng(seed + 1000))
            pred = mappers.CrossFit(mappers.Ridge(), world.embeddings, folds).predict(world.values)
            null = metrics.two_alternative_null(pred, world.values, world.categories, 99, folds=folds, rng=source)
            found[name] += inference.permutation_p(mean_2afc(world, pred, folds, world.categories), null) <= 0.05
    assert found["category"] <= 7 and found["words"] >= 38  # binomial(40, .05) exceeds 7 once in 5,000


def test_two_alternative_by_hand_with_a_tie_a_lone_word_and_no_group():
    gold = np.array([[1.0, 0], [0, 1], [0, 1], [1, 1], [1, 0]])
    pred = np.array([[1.0, 0], [1, 0], [0, 1], [1, 1], [1, 0]])
    scores = metrics.two_alternative(pred, gold, ["a", "a", "a", "b", None])
    # word 0 beats both; word 1 loses to 0 and ties with 2; word 2 ties with 1 and beats 0
    assert scores[:3].tolist() == [1.0, 0.25, 0.75] and np.isnan(scores[3:]).all()


def test_two_alternative_leaves_missing_ratings_out():
    rng = np.random.default_rng(4)
    gold = rng.uniform(0, 6, (30, 12))
    with_gaps = np.where(rng.random(gold.shape) < 0.1, np.nan, gold)
    scores = metrics.two_alternative(gold, with_gaps, [0] * 30)
    assert scores.mean() > 0.99


# -- feature by feature ----------------------------------------------------------------------------------------------


def test_auc_and_average_precision_agree_with_scikit_learn():
    rng = np.random.default_rng(5)
    gold = (rng.random((60, 8)) < 0.4).astype(float)
    pred = np.round(gold * 0.5 + rng.random(gold.shape), 1)  # with ties
    auc, precision = metrics.auc_feature(pred, gold), metrics.average_precision_feature(pred, gold)
    for j in range(8):
        p = gold[:, j].mean()
        assert auc[j] == pytest.approx(roc_auc_score(gold[:, j], pred[:, j]))
        assert precision[j] == pytest.approx((average_precision_score(gold[:, j], pred[:, j]) - p) / (1 - p))


def test_auc_and_average_precision_mask_missing_ratings_and_skip_rare_features():
    rng = np.random.default_rng(6)
    gold, pred = rng.uniform(0, 6, (50, 4)), rng.random((50, 4))
    gold[:7, 1] = np.nan
    there = np.arange(50) >= 7
    alone = gold[there][:, [1]], pred[there][:, [1]]
    for score in (metrics.auc_feature, metrics.average_precision_feature):
        assert score(pred, gold, kind="dense")[1] == pytest.approx(score(alone[1], alone[0], kind="dense")[0])
    sparse = np.zeros((50, 2))
    sparse[:9, 0] = sparse[:10, 1] = 1.0
    assert np.isnan(metrics.auc_feature(pred[:, :2], sparse)).tolist() == [True, False]


def test_the_mean_profile_is_at_chance_feature_by_feature_only_within_folds(worlds):
    world, folds, _ = worlds["nothing"]
    pred = mappers.CrossFit(mappers.MeanProfile(), world.embeddings, folds).predict(world.values)
    known = metrics.auc_feature(pred, world.values, folds=folds)
    assert np.allclose(known[~np.isnan(known)], 0.5)
    assert np.nanmean(metrics.auc_feature(pred, world.values)) < 0.48
    assert metrics.r2_pooled(pred, world.values, folds) == pytest.approx(0)


def test_r2_by_hand():
    gold, folds = np.array([[0.0], [2.0], [4.0], [np.nan]]), np.array([0, 1, 1, 1])
    pred = np.array([[1.0], [1.0], [1.0], [9.0]])
    # training means: 3 for word 0, 0 for words 1 and 2: SST = 9 + 4 + 16; SSE = 1 + 1 + 9
    assert metrics.r2_pooled(pred, gold, folds) == pytest.approx(1 - 11 / 29)


def test_features_tell_the_planted_worlds_apart(worlds):
    auc = {name: np.nanmean(metrics.auc_feature(pred, world.values, folds=folds))
           for name, (world, folds, pred) in worlds.items()}  # fmt: skip
    assert abs(auc["nothing"] - 0.5) < 0.05 < 0.2 < auc["category"] - 0.5 < auc["words"] - 0.55


# -- hubs ------------------------------------------------------------------------------------------------------------


def hubbed(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return gold vectors and predictions shrunk towards their mean, as a regression shrinks them."""
    gold = rng.normal(size=(150, 60)) + 1.0
    return gold, 0.15 * gold + 0.85 * gold.mean(axis=0) + 0.5 * rng.normal(size=gold.shape)


def test_k_occurrence_counts_and_hubness_of_a_constant():
    near = np.tile(np.arange(20.0), (20, 1))  # every word is nearest to the last ones
    occurrence = metrics.k_occurrence(near, 5, own=True)
    assert occurrence.tolist() == [0.0] * 15 + [20.0] * 5
    assert metrics.hubness(occurrence) == pytest.approx(2 / np.sqrt(3))  # skewness of a coin of 1/4
    assert metrics.k_occurrence(near, 5).sum() == 100
    assert metrics.hubness(np.full(9, 5.0)) == 0


@pytest.mark.parametrize("correct", [metrics.csls, metrics.mutual_proximity])
def test_corrections_lower_hubness_and_raise_retrieval(correct):
    gold, pred = hubbed(np.random.default_rng(8))
    near = metrics.cosines(pred, gold)
    fixed = correct(near, own=True)
    skew = [metrics.hubness(metrics.k_occurrence(n, own=True)) for n in (near, fixed)]
    assert skew[0] > 2 and skew[1] < 0.8 * skew[0]
    assert metrics.retrieval_by(fixed).mean() > metrics.retrieval_by(near).mean() + 0.1


def test_scores_from_nearness_are_those_from_vectors():
    gold, pred = hubbed(np.random.default_rng(9))
    assert np.array_equal(metrics.retrieval_by(metrics.cosines(pred, gold)), metrics.retrieval_at_k(pred, gold))
    # a correction that changes no order changes no score
    near = metrics.cosines(pred, gold)
    assert np.array_equal(metrics.retrieval_by(2 * near - 1), metrics.retrieval_by(near))


def test_corrections_of_nearness_among_words_leave_the_word_itself_out():
    near = metrics.cosines(*2 * [np.random.default_rng(10).normal(size=(30, 5))])
    for correct in (metrics.csls, metrics.mutual_proximity):
        moved = near.copy()
        np.fill_diagonal(moved, -5.0)
        off = ~np.eye(30, dtype=bool)
        assert np.allclose(correct(near)[off], correct(moved)[off])


# -- ceilings --------------------------------------------------------------------------------------------------------


def test_ceilings_lie_between_system_and_oracle_and_cannot_name_what_no_other_word_has(worlds):
    world, folds, pred = worlds["words"]
    near, mixed = metrics.reachable_ceiling(world.values, folds), metrics.mixture_ceiling(world.values, folds)
    f1 = [metrics.f1_at_k(p, world.values).mean() for p in (pred, near, mixed)]
    assert f1[0] < f1[1] < f1[2] < metrics.f1_oracle(world.values).mean()
    lone = (world.values > 0).sum(axis=0) == 1
    own = (world.values > 0) & lone
    assert np.allclose(near[own], 0) and np.allclose(mixed[own], 0)


def test_no_linear_map_comes_nearer_than_the_mixture(worlds):
    world, folds, pred = worlds["words"]
    best = ((metrics.mixture_ceiling(world.values, folds) - world.values) ** 2).sum()
    for other in (pred, metrics.reachable_ceiling(world.values, folds, k=3)):
        assert best < ((other - world.values) ** 2).sum()


def test_the_nearest_neighbour_ceiling_copies_a_twin_and_fills_missing_ratings():
    gold = np.array([[1.0, 0, 2], [0, 3, 1], [1, 0, 2], [0, 3, np.nan]])
    found = metrics.reachable_ceiling(gold, np.array([0, 0, 1, 1]), k=1)
    assert found[0].tolist() == [1, 0, 2] and np.isfinite(found).all()
    assert found[1].tolist() == [0, 3, 2]  # the missing cell is its training fold's mean


# -- similarity of spaces --------------------------------------------------------------------------------------------


def test_rsa_is_spearman_over_pairs_and_partials_out_what_is_given():
    from scipy.stats import pearsonr, rankdata, spearmanr

    rng = np.random.default_rng(11)
    a, b, c = (metrics.cosines(*2 * [rng.normal(size=(20, 6))]) for _ in range(3))
    b = b + a + 2 * c
    upper = np.triu_indices(20, 1)
    assert metrics.rsa(a, b) == pytest.approx(spearmanr(a[upper], b[upper])[0])
    ranks = [rankdata(side[upper]) for side in (a, b, c)]
    design = np.column_stack([np.ones(190), ranks[2]])
    rest = [r - design @ np.linalg.lstsq(design, r, rcond=None)[0] for r in ranks[:2]]
    assert metrics.rsa(a, b, given=[c]) == pytest.approx(pearsonr(*rest)[0])
    ones = np.ones((1, 20))
    assert metrics.rsa(a, b, given=[c], counts=ones)[0] == pytest.approx(float(metrics.rsa(a, b, given=[c])))


def test_rsa_of_a_resample_is_that_of_its_distinct_pairs():
    rng = np.random.default_rng(12)
    a, b = (metrics.cosines(*2 * [rng.normal(size=(12, 4))]) for _ in range(2))
    counts = np.zeros((1, 12))
    counts[0, :7] = 1  # seven words, once each: Pearson of the ranks of the full sample over their pairs
    ranks = []
    for side in (a, b):
        from scipy.stats import rankdata

        full = np.zeros((12, 12))
        full[np.triu_indices(12, 1)] = rankdata(side[np.triu_indices(12, 1)])
        ranks.append(full[:7, :7][np.triu_indices(7, 1)])
    assert metrics.rsa(a, b, counts=counts)[0] == pytest.approx(np.corrcoef(*ranks)[0, 1])


def spaces(world) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X = world.embeddings - world.embeddings.mean(axis=0)
    return metrics.cosines(X, X), metrics.cosines(world.values, world.values), metrics.same_group(world.categories)


def test_partial_rsa_tells_taxonomy_from_words_and_plain_rsa_does_not(worlds):
    plain, partial, p = {}, {}, {}
    for name, (world, _, _) in worlds.items():
        near, gold, category = spaces(world)
        plain[name], partial[name] = float(metrics.rsa(near, gold)), float(metrics.rsa(near, gold, given=[category]))
        null = metrics.rsa_null(
            near, gold, 59, given=[category], within=world.categories, rng=np.random.default_rng(13)
        )
        p[name] = inference.permutation_p(partial[name], null)
    assert abs(plain["nothing"]) < 0.05 and plain["category"] > 0.2 and abs(plain["category"] - plain["words"]) < 0.1
    assert partial["words"] > 0.12 > 0.08 > partial["category"]
    assert p["words"] < 0.05


def test_a_free_permutation_raises_false_alarms_when_the_category_is_partialled_out():
    """Negative twin: nearness knows the category alone; permuted within categories the test keeps its level."""
    alarms = {"free": 0, "within": 0}
    for seed in range(40):
        world = planted.property_world(
            "category", strength=2.0, n_words=96, n_categories=6, dim=20, rng=np.random.default_rng(seed)
        )
        near, gold, category = spaces(world)
        observed = float(metrics.rsa(near, gold, given=[category]))
        for name, groups in (("free", None), ("within", world.categories)):
            null = metrics.rsa_null(near, gold, 19, given=[category], within=groups, rng=np.random.default_rng(seed))
            alarms[name] += inference.permutation_p(observed, null) <= 0.05
    assert alarms["within"] <= 7 and alarms["free"] > 10


# -- bad input -------------------------------------------------------------------------------------------------------

SQUARE = np.eye(4) + 0.1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: metrics.two_alternative(SQUARE, SQUARE, ["a"] * 3), "one group and one fold a word"),
        (lambda: metrics.two_alternative(SQUARE, SQUARE, list("abcd")), "no two words share a group"),
        (lambda: metrics.auc_feature(SQUARE, SQUARE, folds=[0, 1]), "one fold for each of 4 words"),
        (lambda: metrics.r2_pooled(SQUARE, SQUARE, [0] * 4), "at least two folds"),
        (lambda: metrics.k_occurrence(SQUARE[:3], 1), "square"),
        (lambda: metrics.k_occurrence(SQUARE, 4), "k must be from 1 to the number of candidates"),
        (lambda: metrics.hubness(SQUARE), "one count a candidate"),
        (lambda: metrics.reachable_ceiling(SQUARE, [0, 0, 1, 1], k=3), "size of the training set"),
        (lambda: metrics.mixture_ceiling(SQUARE, [0, 1]), "at least two folds"),
        (lambda: metrics.two_alternative_by(SQUARE[:3], ["a"] * 3), "square"),
        (lambda: metrics.rsa(SQUARE, SQUARE[:3]), "at least 3 words"),
        (lambda: metrics.rsa(np.ones((4, 4)), np.random.default_rng(0).random((4, 4))), "constant"),
        (lambda: metrics.rsa(np.full((4, 4), np.nan), SQUARE), "NaN"),
    ],
)
def test_bad_input_says_what_was_expected(call, says):
    with pytest.raises(ExplaintError, match=says):
        call()
