"""Metrics against loops from the definitions: scores, chance, oracle, ties, gaps, and the traps of released code."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from explaint_lib import metrics
from explaint_lib._common import ExplaintError
from explaint_lib.metrics import METRICS, _neighbours

SMALL = range(6)  # seeds of the small random cases


def frozen(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays if len(arrays) > 1 else arrays[0]


def small_case(seed, kind="sparse", words=7, features=6, missing=False):
    """Return read-only pred and gold full of ties, so small that every way to break them can be enumerated."""
    rng = np.random.default_rng(seed)
    pred = rng.integers(0, 4, (words, features)).astype(float)
    gold = rng.integers(0, 4, (words, features)) * (rng.random((words, features)) < (0.5 if kind == "sparse" else 2))
    gold = gold.astype(float)
    if missing:
        gold[rng.random(gold.shape) < 0.15] = np.nan
    return frozen(pred, gold)


def larger_case(seed=0, words=60, features=200):
    rng = np.random.default_rng(seed)
    gold = rng.integers(1, 30, (words, features)) * (rng.random((words, features)) < 0.08)
    gold[:, :6] += rng.integers(0, 2, (words, 6)) * 5
    return frozen(gold + rng.normal(0, 8, gold.shape), gold.astype(float))


def expected_top(values, k):
    """Return the mean membership in the top k over every order in which ties can be broken."""
    values = np.asarray(values, dtype=float)
    share, orders = np.zeros(len(values)), list(permutations(range(len(values))))
    for order in orders:
        ranked = sorted(range(len(values)), key=lambda j: (-values[j], order[j]))  # noqa: B023
        share[ranked[:k]] += 1
    return share / len(orders)


# ----------------------------------------------------------------------------------------------- F1 and R-precision


@pytest.mark.parametrize("mode", ["all", "top_k"])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("seed", SMALL)
def test_f1_is_the_mean_over_all_ways_to_break_ties(seed, missing, mode):
    pred, gold = small_case(seed, missing=missing)
    k = 2
    for word, value in enumerate(metrics.f1_at_k(pred, gold, k, mode)):
        seen = ~np.isnan(gold[word])
        g = gold[word, seen]
        is_gold = (g > 0).astype(float)
        if mode == "top_k" and is_gold.sum() > k:
            is_gold = expected_top(g, k)
        hits = expected_top(pred[word, seen], k) @ is_gold
        precision, recall = hits / k, hits / is_gold.sum() if is_gold.sum() else np.nan
        expected = 2 * precision * recall / (precision + recall) if hits else (0.0 if is_gold.any() else np.nan)
        np.testing.assert_allclose(value, expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("seed", SMALL)
def test_r_precision_is_the_mean_over_all_ways_to_break_ties(seed, kind):
    pred, gold = small_case(seed, kind, missing=True)
    for word, value in enumerate(metrics.r_precision(pred, gold, kind=kind, k=2)):
        seen = ~np.isnan(gold[word])
        g = gold[word, seen]
        is_gold = (g > 0).astype(float) if kind == "sparse" else expected_top(g, 2)
        n_gold = round(is_gold.sum())
        expected = expected_top(pred[word, seen], n_gold) @ is_gold / n_gold if n_gold else np.nan
        np.testing.assert_allclose(value, expected, atol=1e-12)


def test_f1_by_hand():
    gold = np.array([[5.0, 3, 1, 0, 0], [0, 0, 0, 0, 9], [0, 0, 0, 0, 0]])
    pred = np.array([[9.0, 1, 8, 7, 0], [5, 4, 3, 2, 1], [1, 2, 3, 4, 5]])
    # hits 2 of 3 with k = 3; gold ranked last: no hit is 0; no gold feature is undefined, not 0
    np.testing.assert_allclose(metrics.f1_at_k(pred, gold, 3), [2 / 3, 0.0, np.nan])
    np.testing.assert_allclose(metrics.r_precision(pred, gold), [2 / 3, 0.0, np.nan])


def test_constant_prediction_scores_exactly_chance_in_every_word():
    _, gold = larger_case()
    constant = np.ones_like(gold)
    np.testing.assert_allclose(metrics.f1_at_k(constant, gold), metrics.f1_chance(gold))
    np.testing.assert_allclose(metrics.r_precision(constant, gold), metrics.r_precision_chance(gold))
    np.testing.assert_allclose(metrics.neighbour_overlap_at_k(constant, gold), 10 / 59)


def test_dense_gold_is_the_ten_highest_and_both_ranking_scores_agree():
    rng = np.random.default_rng(0)
    pred, gold = rng.random((20, 65)), rng.random((20, 65)) * 6
    top = [set(np.argsort(-g)[:10]) for g in gold]
    expected = [len(t & set(np.argsort(-p)[:10])) / 10 for t, p in zip(top, pred, strict=True)]
    np.testing.assert_allclose(METRICS["f1_at_10"].score(pred, gold, kind="dense"), expected)
    np.testing.assert_allclose(METRICS["r_precision"].score(pred, gold, kind="dense"), expected)
    with pytest.raises(ExplaintError, match='use gold_mode="top_k"'):
        metrics.f1_at_k(pred, gold, kind="dense")


# -------------------------------------------------------------------------------------------------- chance and oracle


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("name", METRICS)
def test_chance_is_the_mean_score_of_random_predictions(name, kind):
    rng = np.random.default_rng(0)
    gold = np.array(larger_case()[1])
    if kind == "dense":
        gold[rng.random(gold.shape) < 0.05] = np.nan
    frozen(gold)
    metric = METRICS[name]
    if name == "retrieval_at_10":  # chance is a random *candidate*; a random vector finds hubs
        scores = [metric.score(gold_order(gold, rng), gold, kind=kind).mean() for _ in range(40)]
    else:
        scores = [np.nanmean(metric.score(rng.random(gold.shape), gold, kind=kind)) for _ in range(40)]
    error = np.std(scores) / len(scores) ** 0.5
    assert np.mean(scores) == pytest.approx(np.nanmean(metric.chance(gold, kind=kind)), abs=4 * error + 1e-3)


def gold_order(gold, rng):
    """Return the gold vectors of other words, drawn at random without replacement."""
    return np.nan_to_num(gold)[rng.permutation(len(gold))]


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("name", METRICS)
def test_oracle_is_reached_by_gold_and_passed_by_nothing_without_ties(name, kind):
    rng = np.random.default_rng(1)
    _, gold = larger_case()
    metric = METRICS[name]
    oracle = metric.oracle(gold, kind=kind)
    best = metric.score(gold + 1e-9 * rng.random(gold.shape), gold, kind=kind)  # gold with its ties broken at random
    defined = ~np.isnan(oracle)
    assert defined.any()
    np.testing.assert_allclose(best[defined], oracle[defined], atol=1e-9)
    for _ in range(20):
        score = metric.score(gold + rng.normal(0, rng.choice([0.1, 1, 10]), gold.shape), gold, kind=kind)
        assert (score[defined] <= oracle[defined] + 1e-9).all()
        np.testing.assert_array_equal(np.isnan(score), ~defined)
    np.testing.assert_array_equal(np.isnan(metric.chance(gold, kind=kind)), ~defined)


def test_f1_oracle_closed_form():
    gold = np.zeros((3, 40))
    gold[0, :4], gold[1, :10], gold[2, :25] = 1, 1, 1
    np.testing.assert_allclose(metrics.f1_oracle(gold), [2 * 4 / 14, 1.0, 2 * 10 / 35])
    np.testing.assert_allclose(metrics.f1_chance(gold), [2 * 10 * g / 40 / (10 + g) for g in (4, 10, 25)])


@pytest.mark.parametrize("seed", SMALL)
def test_oracle_of_tied_gold_is_the_best_of_all_rankings(seed):
    _, gold = small_case(seed, "dense", words=3)
    for mode, kind in (("all", "sparse"), ("top_k", "sparse"), ("top_k", "dense")):
        best = np.full(3, -1.0)
        for order in permutations(range(6)):
            pred = np.tile(np.array(order, dtype=float), (3, 1))
            best = np.fmax(best, metrics.f1_at_k(pred, gold, 2, mode, kind=kind))
        np.testing.assert_allclose(metrics.f1_oracle(gold, 2, mode, kind=kind), np.where(best < 0, np.nan, best))


@pytest.mark.parametrize("seed", SMALL)
def test_spearman_oracle_is_the_best_of_all_rankings_without_ties(seed):
    _, gold = small_case(seed, words=4)
    best = np.full(4, np.nan)
    for order in permutations(range(6)):
        best = np.fmax(best, metrics.spearman_item(np.tile(np.array(order, dtype=float), (4, 1)), gold))
    np.testing.assert_allclose(metrics.spearman_item_oracle(gold), best, atol=1e-12)
    for g, value in zip(gold, best, strict=True):
        _, t = np.unique(g, return_counts=True)
        if len(t) > 1:
            assert value == pytest.approx(np.sqrt(1 - (t**3 - t).sum() / (6**3 - 6)))


def test_spearman_per_item_says_little_on_sparse_norms():
    gold = np.zeros((1, 2526))
    gold[0, :13] = np.arange(1, 14)  # a word of McRae's size: 13 of 2,526 features, perfectly ranked
    assert metrics.spearman_item_oracle(gold)[0] < 0.13


# ----------------------------------------------------------------------------------------------------------- Spearman


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("seed", SMALL)
def test_spearman_against_scipy_row_by_row(seed, missing):
    pred, gold = small_case(seed, words=9, features=12, missing=missing)
    items, features = (
        metrics.spearman_item(pred, gold),
        metrics.spearman_feature(pred, gold, kind="sparse", min_words=3),
    )
    for values, p, g in [(items, pred, gold), (features, pred.T, gold.T)]:
        for j, value in enumerate(values):
            seen = ~np.isnan(g[j])
            if values is features and (g[j] > 0).sum() < 3 or len(set(g[j, seen])) < 2:
                assert np.isnan(value)
            elif len(set(p[j, seen])) < 2:
                assert value == 0
            else:
                assert value == pytest.approx(spearmanr(p[j, seen], g[j, seen]).statistic, abs=1e-12)


def test_spearman_of_constants_is_defined_as_documented():
    gold = np.array([[1.0, 2, 3], [2, 2, 2], [1, np.nan, np.nan]])
    pred = np.array([[5.0, 5, 5], [1, 2, 3], [1, 2, 3]])
    np.testing.assert_array_equal(metrics.spearman_item(pred, gold), [0.0, np.nan, np.nan])


def test_spearman_feature_scores_features_of_ten_words_only_when_sparse():
    rng = np.random.default_rng(0)
    gold = np.zeros((40, 3))
    gold[:9, 0], gold[:10, 1], gold[:, 2] = 1, 1, rng.random(40)
    pred = rng.random(gold.shape)
    assert np.isnan(metrics.spearman_feature(pred, gold, kind="sparse")).tolist() == [True, False, False]
    assert not np.isnan(metrics.spearman_feature(pred, gold, kind="dense")).any()


def test_cross_validated_mean_profile_is_negatively_correlated_with_gold():
    """The mean of the others falls as the word's own value rises: exactly -1 with one word a fold."""
    from explaint_lib.mappers import CrossFit, MeanProfile, make_folds

    rng = np.random.default_rng(0)
    gold = rng.random((50, 8))
    alone = CrossFit(MeanProfile(), np.zeros((50, 1)), np.arange(50)).predict(gold)
    np.testing.assert_allclose(metrics.spearman_feature(alone, gold, kind="dense"), -1)
    tenth = CrossFit(MeanProfile(), np.zeros((50, 1)), make_folds(50, 10, rng=rng)).predict(gold)
    assert metrics.spearman_feature(tenth, gold, kind="dense").mean() < -0.1
    overall = np.tile(gold.mean(axis=0), (50, 1))  # without folds the same profile is constant over words
    np.testing.assert_array_equal(metrics.spearman_feature(overall, gold, kind="dense"), 0)


# --------------------------------------------------------------------------------------------------------- neighbours


def cosine(a, b):
    seen = ~np.isnan(a) & ~np.isnan(b)
    lengths = np.linalg.norm(a[seen]) * np.linalg.norm(b[seen])
    return round(float(a[seen] @ b[seen] / lengths), 12) if lengths else 0.0


def near_share(vectors, word, k):
    others = [j for j in range(len(vectors)) if j != word]
    share = np.zeros(len(vectors))
    share[others] = expected_top([cosine(vectors[word], vectors[j]) for j in others], k)
    return share


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("seed", SMALL)
def test_neighbour_scores_against_the_definition(seed, missing):
    pred, gold = (np.array(a) for a in small_case(seed, words=7, features=3, missing=missing))
    pred[0], gold[1], gold[2] = 0, 0, 2 * np.nan_to_num(gold[3])  # zero vectors and equal directions
    frozen(pred, gold)
    overlap, retrieval = metrics.neighbour_overlap_at_k(pred, gold, 2), metrics.retrieval_at_k(pred, gold, 2)
    for word in range(7):
        expected = near_share(pred, word, 2) @ near_share(gold, word, 2) / 2
        assert overlap[word] == pytest.approx(expected, abs=1e-12)
        found = expected_top([cosine(pred[word], g) for g in gold], 2)[word]
        assert retrieval[word] == pytest.approx(found, abs=1e-12)


def test_neighbour_scores_tell_their_two_questions_apart():
    rng = np.random.default_rng(0)
    gold = rng.random((80, 20))
    rotated = gold @ np.linalg.qr(rng.standard_normal((20, 20)))[0]  # all angles kept, all vectors elsewhere
    np.testing.assert_allclose(metrics.neighbour_overlap_at_k(rotated, gold), 1)
    assert metrics.retrieval_at_k(rotated, gold).mean() < 0.5
    np.testing.assert_allclose(metrics.retrieval_at_k(gold, gold), 1)


def test_overlap_takes_vectors_of_any_width():
    gold = np.random.default_rng(0).random((40, 20))
    wide = np.hstack([gold, np.zeros((40, 5))])  # columns that change no angle
    np.testing.assert_allclose(metrics.neighbour_overlap_at_k(frozen(wide), frozen(gold)), 1)
    with pytest.raises(ExplaintError, match="one shape"):
        metrics.neighbour_overlap_at_k(wide[:-1], gold)


def test_duplicated_gold_vectors_lower_the_retrieval_oracle():
    gold = np.vstack([np.tile([1.0, 2, 0], (20, 1)), np.eye(3), np.zeros((1, 3))])
    oracle = metrics.retrieval_oracle(gold, 10)
    np.testing.assert_allclose(oracle, [0.5] * 20 + [1.0] * 4)
    np.testing.assert_allclose(metrics.retrieval_at_k(gold, gold, 10)[:23], oracle[:23])


# ------------------------------------------------------------------------------------------- invariances and bad input


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("name", METRICS)
def test_order_of_words_and_features_does_not_matter(name, kind):
    rng = np.random.default_rng(0)
    pred, gold = (np.array(a) for a in larger_case())
    pred = np.round(pred / 4)  # ties
    if kind == "dense":
        gold[rng.random(gold.shape) < 0.02] = np.nan
    metric = METRICS[name]
    rows, columns = rng.permutation(len(gold)), rng.permutation(gold.shape[1])
    first = metric.score(frozen(pred), frozen(gold), kind=kind)
    moved = metric.score(pred[np.ix_(rows, columns)], gold[np.ix_(rows, columns)], kind=kind)
    assert first.shape == (len(gold) if metric.unit == "word" else gold.shape[1],)
    np.testing.assert_allclose(moved, first[rows if metric.unit == "word" else columns], atol=1e-12)


@pytest.mark.parametrize("name", ["f1_at_10", "r_precision", "spearman_item", "spearman_feature"])
def test_a_missing_cell_is_masked_whatever_is_predicted_for_it(name):
    rng = np.random.default_rng(0)
    gold, pred = rng.random((30, 20)), rng.random((30, 20))
    gold[4, 7] = np.nan
    scores = []
    for value in (-50.0, 0.5, 50.0):
        pred[4, 7] = value
        scores.append(METRICS[name].score(pred, gold, kind="dense"))
        assert np.isfinite(scores[-1]).all()
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_array_equal(scores[0], scores[2])


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("name", ["neighbour_overlap_at_10", "retrieval_at_10"])
def test_many_words_are_compared_a_block_at_a_time_with_the_same_result(name, kind, monkeypatch):
    pred, gold = (np.array(a) for a in larger_case())
    pred, gold[20:35], pred[3], gold[7] = np.round(pred / 4), gold[20], 0, 0  # ties, twins, zero vectors
    if kind == "dense":
        gold[np.random.default_rng(0).random(gold.shape) < 0.02] = np.nan
    metric = METRICS[name]
    whole = metric.score(pred, gold, kind=kind), metric.oracle(gold, kind=kind)
    sizes = []
    monkeypatch.setattr(_neighbours, "_ONE_BLOCK", 24)
    monkeypatch.setattr(_neighbours, "cosines", lambda a, b: sizes.append(len(a)) or metrics.cosines(a, b))
    for before, after in zip(whole, (metric.score(pred, gold, kind=kind), metric.oracle(gold, kind=kind)), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-12)
    assert max(sizes) * len(gold) <= 24**2 / 4 + len(gold), "no array of all words by all words"


def test_bad_input_is_named():
    pred, gold = np.random.default_rng(0).random((5, 12)), np.ones((5, 12))
    for bad, message in (
        ((pred[:4], gold), "one shape"),
        ((pred[0], gold[0]), "words, features"),
        ((np.full((5, 12), np.nan), gold), "predictions must be finite"),
        ((pred, np.full((5, 12), np.inf)), "infinity"),
    ):
        for metric in METRICS.values():
            with pytest.raises(ExplaintError, match=message):
                metric.score(*bad, kind="sparse")
    with pytest.raises(ExplaintError, match=r"observed features of every word \(12\), got 13"):
        metrics.f1_at_k(pred, gold, 13)
    holed = gold.copy()
    holed[0, :3] = np.nan
    with pytest.raises(ExplaintError, match=r"\(9\), got 10"):
        metrics.f1_at_k(pred, holed, 10)
    with pytest.raises(ExplaintError, match="number of other words"):
        metrics.neighbour_overlap_at_k(pred, gold, 5)
    with pytest.raises(ExplaintError, match="number of words"):
        metrics.retrieval_at_k(pred, gold, 6)
    with pytest.raises(ExplaintError, match="gold_mode"):
        metrics.f1_at_k(pred, gold, 3, "bottom_k")


# ------------------------------------------------------------------------------------------- traps of released code


def test_trap_strongest_gold_features_not_the_weakest():
    """Released code sorts ascending and takes the first n: its "top ten" gold features are the ten weakest."""
    gold = np.concatenate([np.arange(1.0, 21), np.zeros(30)])[None]
    strongest = (gold >= 11).astype(float)
    weakest = ((gold > 0) & (gold < 11)).astype(float)
    assert metrics.f1_at_k(strongest, gold, 10, "top_k")[0] == 1
    assert metrics.f1_at_k(weakest, gold, 10, "top_k")[0] == 0


def test_trap_frequencies_that_are_still_text():
    """Released code leaves McRae frequencies as strings, which sort "9" above "10"; ours takes numbers only."""
    text = np.array([["9", "10", "0"]])
    for values in (text, text.astype(object)):
        with pytest.raises(ExplaintError, match="must hold numbers"):
            metrics.f1_at_k(np.ones((1, 3)), values, 1)
    assert metrics.f1_at_k(np.array([[0.0, 1, 0]]), text.astype(float), 1, "top_k")[0] == 1


def test_trap_map_at_k_is_precision_not_average_precision():
    """What the literature calls MAP@k ignores the order of the hits; ours does too, and is called R-precision."""
    gold = np.array([[3.0, 1, 0, 0]])
    assert (
        metrics.r_precision(np.array([[1.0, 2, 0, 0]]), gold)[0]
        == metrics.r_precision(np.array([[2.0, 1, 0, 0]]), gold)[0]
        == 1
    )


def test_trap_binarised_training_is_harmless_to_sets_and_fatal_to_ranks():
    """PLSR trained on binarised norms, scored on weighted ones: Binder becomes constant, and ranks see it."""
    rng = np.random.default_rng(0)
    gold = rng.random((40, 30)) * 6 + 0.01
    binarised = (gold > 0).astype(float)
    np.testing.assert_array_equal(metrics.spearman_item(binarised, gold), 0)
    assert metrics.f1_at_k(binarised, gold, 10, "top_k", kind="dense").mean() == pytest.approx(10 / 30)


@pytest.mark.parametrize("seed", SMALL)
def test_ties_in_column_order_give_no_advantage(seed):
    """Broken by column order, ties reward norms that list frequent features first; a fair break does not."""
    rng = np.random.default_rng(seed)
    gold = (rng.random((30, 50)) < np.linspace(0.6, 0, 50)).astype(float)
    assert np.nanmean(metrics.f1_at_k(np.zeros_like(gold), gold)) == pytest.approx(np.nanmean(metrics.f1_chance(gold)))
    in_order = np.tile(-np.arange(50.0), (30, 1))
    assert np.nanmean(metrics.f1_at_k(in_order, gold)) > 1.5 * np.nanmean(metrics.f1_chance(gold))


def test_ranks_agree_with_scipy_when_cells_are_missing():
    _, gold = small_case(0, missing=True, words=20)
    ranks = metrics._correlation._centred_ranks(gold)
    for row, value in zip(gold, ranks, strict=True):
        seen = ~np.isnan(row)
        expected = rankdata(row[seen])
        np.testing.assert_allclose(value[seen], expected - expected.mean() if seen.any() else expected)
