"""The word itself in its own list, and words with no features: loops from the definitions, where a slip shows."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from explaint_lib import metrics
from explaint_lib._common import ExplaintError


def nearness(seed: int, n: int = 9, m: int | None = None) -> np.ndarray:
    """Return read-only nearness, no two sides alike, with ties."""
    near = np.random.default_rng(seed).integers(-8, 9, (n, m or n)) / 8
    near.flags.writeable = False
    return near


def share_farther(value: float, others: np.ndarray) -> float:
    return np.mean((others < value) + 0.5 * (others == value))


@pytest.mark.parametrize("seed", range(3))
def test_mutual_proximity_is_the_share_of_third_words_that_are_farther(seed):
    near, n = nearness(seed), 9
    expected = np.ones((n, n))  # a word is as near to itself as can be
    for i in range(n):
        for j in range(n):
            if i != j:
                third = [k for k in range(n) if k not in (i, j)]
                expected[i, j] = share_farther(near[i, j], near[i, third]) * share_farther(near[i, j], near[third, j])
    np.testing.assert_allclose(metrics.mutual_proximity(near), expected, atol=1e-12)


def test_mutual_proximity_of_predictions_counts_every_candidate_but_the_one_asked_about():
    near = nearness(5, 6, 8)
    expected = [
        [
            share_farther(near[i, j], np.delete(near[i], j)) * share_farther(near[i, j], np.delete(near[:, j], i))
            for j in range(8)
        ]
        for i in range(6)
    ]
    np.testing.assert_allclose(metrics.mutual_proximity(near, own=True), expected, atol=1e-12)


@pytest.mark.parametrize("own", [False, True])
def test_csls_takes_the_k_nearest_of_either_side(own):
    near, k = nearness(6), 3

    def mean_of_nearest(line, itself):
        return np.sort(line if own else np.delete(line, itself))[-k:].mean()

    expected = [
        [2 * near[i, j] - mean_of_nearest(near[i], i) - mean_of_nearest(near[:, j], j) for j in range(9)]
        for i in range(9)
    ]
    np.testing.assert_allclose(metrics.csls(near, k, own=own), expected, atol=1e-12)


@pytest.mark.parametrize("own", [False, True])
def test_k_occurrence_counts_lists_and_the_word_itself_only_among_candidates(own):
    near = np.random.default_rng(7).random((9, 9)) + 2 * np.eye(9)  # no ties; everyone is nearest to itself
    lists = [[j for j in np.argsort(-row) if own or j != i][:3] for i, row in enumerate(near)]
    expected = np.bincount(np.concatenate(lists), minlength=9)
    assert metrics.k_occurrence(near, 3, own=own).tolist() == expected.tolist()


def test_words_without_features_are_found_no_more_often_than_by_chance_among_themselves():
    gold = np.zeros((7, 4))
    gold[:4] = np.eye(4)
    gold[5, 1] = gold[6] = np.nan  # nothing observed is nothing said
    # a prediction that points away from all others has no nearer candidates than the three that are zero
    away = np.where(np.arange(7)[:, None] < 4, np.nan_to_num(gold), -1.0)
    for k, expected in ((1, 1 / 3), (2, 2 / 3), (3, 1.0), (5, 1.0)):
        best = [1.0] * 4 + [expected] * 3
        assert metrics.retrieval_oracle(gold, k).tolist() == pytest.approx(best)
        assert metrics.retrieval_at_k(away, gold, k).tolist() == pytest.approx(best)


def test_the_ceiling_weighs_neighbours_by_their_cosine_and_fills_from_training_words_alone():
    gold = np.array([[1.0, 0, 0], [1, 0, 0], [3, 4, 0], [0, 0, 9], [0, np.nan, 9]])
    folds = np.array([0, 1, 1, 0, 1])
    found = metrics.reachable_ceiling(gold, folds, k=2)
    # word 0: cosines 1 and .6 with words 1 and 2
    assert found[0] == pytest.approx((1.0 * gold[1] + 0.6 * gold[2]) / 1.6)
    # word 4: its gap is the mean over words 0 and 3, which is 0; word 3 has cosine 1, word 0 none
    assert found[4] == pytest.approx(gold[3], abs=1e-6)
    holed = np.array([[2.0, np.nan], [2, 40], [4, 1], [1, 2]])
    # without fold 0 the gap is 1.5, and (2, 1.5) lies nearer to (4, 1); with word 1 it would be 14, nearer to (1, 2)
    assert metrics.reachable_ceiling(holed, np.array([0, 0, 1, 1]), k=1)[0].tolist() == [4, 1]


def test_the_null_of_two_alternatives_is_one_of_permutations():
    near = np.random.default_rng(12).random((4, 4))
    beaten = [[np.mean([row[k] < row[j] for k in range(4) if k != j]) for j in range(4)] for row in near]
    exact = np.round([np.mean([beaten[i][j] for i, j in enumerate(order)]) for order in permutations(range(4))], 9)
    null = np.round(metrics.two_alternative_null_by(near, ["a"] * 4, 2400, rng=np.random.default_rng(13)), 9)
    assert set(null) == set(exact)
    for value in set(exact):
        assert np.mean(null == value) == pytest.approx(np.mean(exact == value), abs=0.04)


def test_what_a_correlation_of_features_needs_depends_on_the_kind_of_norms():
    gold = np.zeros((30, 20))
    gold[:9] = np.random.default_rng(14).random((9, 20))
    needed = metrics.left_out(gold, kind="sparse")
    assert needed["spearman_feature"] == "needs 10 words that share a feature, found 9"
    metrics.require(gold, ["f1_at_10"], kind="sparse")
    with pytest.raises(ExplaintError, match="too small for what is asked here .spearman_feature needs 10 words"):
        metrics.require(gold, ["f1_at_10", "spearman_feature"], kind="sparse")
    gold[9] = 1.0
    assert "spearman_feature" not in metrics.left_out(gold, kind="sparse")
    assert metrics.left_out(gold[:2], kind="dense")["spearman_feature"] == "needs 3 words, found 2"
    assert "spearman_feature" not in metrics.left_out(gold[:3], kind="dense")


# -- ends of ranges: the largest and smallest that is taken, and the next that is not --------------------------------

NEAR = np.random.default_rng(8).random((6, 6))


@pytest.mark.parametrize(
    ("score", "most"),
    [
        (lambda k: metrics.neighbour_overlap_at_k(NEAR, NEAR, k), 5),
        (lambda k: metrics.neighbour_overlap_chance(NEAR, k), 5),
        (lambda k: metrics.neighbour_overlap_oracle(NEAR, k), 5),
        (lambda k: metrics.retrieval_at_k(NEAR, NEAR, k), 6),
        (lambda k: metrics.retrieval_chance(NEAR, k), 6),
        (lambda k: metrics.retrieval_oracle(NEAR, k), 6),
        (lambda k: metrics.retrieval_by(NEAR, k), 6),
        (lambda k: metrics.k_occurrence(NEAR, k, own=True).repeat(6) / 6, 6),
        (lambda k: metrics.k_occurrence(NEAR, k) / 5, 5),
    ],
)
def test_with_as_many_places_as_words_everybody_is_found_and_more_places_are_refused(score, most):
    assert score(most) == pytest.approx(np.ones(len(score(most))))
    for k in (0, most + 1):
        with pytest.raises(ExplaintError, match="k must be from 1 to"):
            score(k)


def test_csls_takes_as_many_nearest_as_there_are():
    for k, own in ((5, False), (6, True)):
        assert np.isfinite(metrics.csls(NEAR, k, own=own)).all()
        with pytest.raises(ExplaintError, match="k must be from 1 to"):
            metrics.csls(NEAR, k + 1, own=own)
    with pytest.raises(ExplaintError, match="k must be from 1 to"):
        metrics.csls(NEAR[:3], 4, own=True)


def test_the_smallest_number_of_words_that_can_be_asked_about():
    rng = np.random.default_rng(9)
    assert metrics.hubness([0, 3]) == 0.0  # two points are never skewed
    assert np.array_equal(metrics.mutual_proximity(NEAR[:2, :2]), np.eye(2))  # no third word: nothing is nearer
    three = np.array([[1.0, 0.1, 0.9], [0.1, 1, 0.5], [0.9, 0.5, 1]])
    assert metrics.rsa(three, three) == pytest.approx(1.0)
    assert metrics.rsa_null(three, three, 1, rng=rng).shape == (1,)
    assert metrics.two_alternative_by(np.eye(2), ["a", "a"]).tolist() == [1.0, 1.0]
    assert metrics.two_alternative_null_by(np.eye(2), ["a", "a"], 1, rng=rng)[0] in (0.0, 1.0)
    assert metrics.similarity_encoding(NEAR, NEAR, [0, 0, 0, 1, 1, 1]).shape == (6, 6)  # three outside each fold
    calls = (
        lambda: metrics.rsa(three[:2, :2], three[:2, :2]),
        lambda: metrics.rsa_null(three, three, 0, rng=rng),
        lambda: metrics.rsa_null(three, three, 5, within=["a"] * 2, rng=rng),
        lambda: metrics.rsa(three, three, counts=np.ones((2, 4))),
        lambda: metrics.two_alternative_null_by(np.eye(2), ["a", "a"], 0, rng=rng),
        lambda: metrics.hubness([3.0]),
        lambda: metrics.similarity_encoding(NEAR, NEAR, [0, 0, 0, 0, 1, 1]),
        lambda: metrics.similarity_encoding(NEAR, NEAR, [0, 0, 0, 1, 1]),
        lambda: metrics.mutual_proximity(NEAR[:3]),
        lambda: metrics.csls(NEAR[:3], 1),
        lambda: metrics.reachable_ceiling(NEAR, [0, 0, 0, 1, 1, 1], k=0),
    )
    for call in calls:
        with pytest.raises(ExplaintError):
            call()


def test_a_feature_is_scored_from_ten_words_with_it_and_ten_without():
    pred = np.random.default_rng(10).random((20, 3))
    gold = np.zeros((20, 3))
    gold[:10, 0] = gold[:11, 1] = gold[:9, 2] = 1.0
    for score in (metrics.auc_feature, metrics.average_precision_feature):
        assert np.isnan(score(pred, gold)).tolist() == [False, True, True]
        assert np.isnan(score(pred, gold, min_words=9)).tolist() == [False, False, False]
    dense = np.arange(20.0)[:, None] * [1.0, -1.0, 2.0]  # above the median: ten
    assert metrics.auc_feature(dense, dense, kind="dense").tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(metrics.auc_feature(dense[:19], dense[:19], kind="dense")).all()  # nine above it


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_auc_counts_pairs_of_words_held_out_together(kind):
    rng = np.random.default_rng(11)
    gold = rng.integers(0, 3, (40, 4)) * 1.0
    gold[rng.random(gold.shape) < 0.1] = np.nan
    pred, folds = rng.integers(0, 5, gold.shape) * 1.0, np.arange(40) % 3
    cut = np.zeros(4) if kind == "sparse" else np.nanmedian(gold, axis=0)
    expected = []
    for j in range(4):
        wins = [
            (pred[a, j] > pred[b, j]) + 0.5 * (pred[a, j] == pred[b, j])
            for a in range(40)
            for b in range(40)
            if folds[a] == folds[b] and gold[a, j] > cut[j] and gold[b, j] <= cut[j]
        ]
        expected.append(np.mean(wins))
    assert metrics.auc_feature(pred, gold, kind=kind, folds=folds, min_words=5) == pytest.approx(expected)
