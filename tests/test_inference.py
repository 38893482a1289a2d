"""Intervals cover, p-values are uniform under the null, and what has a textbook answer gets that answer."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from explaint_lib import inference
from explaint_lib._common import ExplaintError


def read_only(a) -> np.ndarray:
    a = np.array(a, dtype=float)
    a.flags.writeable = False
    return a


def skewed(rng, n):
    return read_only(rng.exponential(size=n))


# --- bootstrap ---


def test_bootstrap_interval_agrees_with_scipy():
    scores = skewed(np.random.default_rng(0), 60)
    ours = inference.bootstrap_ci(scores, 20000, rng=np.random.default_rng(1))
    theirs = stats.bootstrap((scores,), np.mean, n_resamples=20000, method="percentile", rng=np.random.default_rng(2))
    # Monte-Carlo error of a 2.5 % quantile of 20,000 draws is about 0.02 standard errors
    assert np.abs(np.subtract(ours, theirs.confidence_interval)).max() < 0.1 * stats.sem(scores)


def test_bootstrap_interval_covers_the_truth():
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        low, high = inference.bootstrap_ci(skewed(rng, 80), 400, rng=rng)
        covered += low < 1.0 < high  # the exponential's mean
    # 95 % nominal; skewed data and 80 words cost about 1.5 points; the standard error is 1.1
    assert 0.90 <= covered / 400 <= 0.98


def test_bootstrap_leaves_undefined_words_out():
    scores = np.random.default_rng(4).random(50)
    with_nan = read_only(np.insert(scores, [3, 20, 50], np.nan))
    plain = inference.bootstrap_ci(read_only(scores), 300, rng=np.random.default_rng(5))
    assert inference.bootstrap_ci(with_nan, 300, rng=np.random.default_rng(5)) == plain


def test_constant_scores_have_a_point_interval():
    assert inference.bootstrap_ci(np.ones(9), 50, rng=np.random.default_rng(0)) == pytest.approx((1.0, 1.0))


def test_bootstrap_counts_are_resamples():
    counts = inference.bootstrap_counts(30, 2000, rng=np.random.default_rng(6))
    assert (counts.sum(axis=1) == 30).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(30), abs=0.15)
    assert counts.var() == pytest.approx(1 - 1 / 30, abs=0.03)  # binomial(30, 1/30)


def test_cluster_bootstrap_covers_where_the_plain_one_is_too_narrow():
    rng = np.random.default_rng(7)
    clusters = np.repeat(np.arange(25), 8)
    hits = {"cluster": 0, "plain": 0}
    for _ in range(200):
        scores = read_only(rng.normal(size=25)[clusters] + 0.3 * rng.normal(size=200))
        low, high = inference.cluster_bootstrap_ci(scores, clusters, 300, rng=rng)
        hits["cluster"] += low < 0 < high
        low, high = inference.bootstrap_ci(scores, 300, rng=rng)
        hits["plain"] += low < 0 < high
    assert hits["cluster"] / 200 >= 0.87  # 25 clusters: a little below 95 %
    assert hits["plain"] / 200 <= 0.65  # the negative twin: independence assumed, and missed


def test_cluster_bootstrap_of_single_words_is_the_plain_bootstrap():
    scores = skewed(np.random.default_rng(8), 40)
    plain = inference.bootstrap_ci(scores, 200, rng=np.random.default_rng(9))
    alone = inference.cluster_bootstrap_ci(scores, range(40), 200, rng=np.random.default_rng(9))
    assert alone == pytest.approx(plain, abs=1e-6)


def test_a_cluster_weighs_as_many_scores_as_it_holds():
    # clusters "a" (three scores of 1) and "b" (one of 0): two draws give 1, 3/4 or 0, in 1/4, 1/2 and 1/4 of resamples
    scores, clusters = read_only([1, np.nan, 1, 1, 0, np.nan]), list("abaaba")
    for level, expected in ((0.4, (0.75, 0.75)), (0.95, (0.0, 1.0))):
        found = inference.cluster_bootstrap_ci(scores, clusters, 2000, rng=np.random.default_rng(0), level=level)
        assert found == pytest.approx(expected)


def test_a_percentile_interval_holds_the_share_it_is_asked_for():
    draws = read_only(np.random.default_rng(0).permutation(1001))
    assert inference.percentile_interval(draws) == pytest.approx((25, 975))
    assert inference.percentile_interval(draws, 0.5) == pytest.approx((250, 750))
    scores = np.random.default_rng(1).normal(size=300)
    for level, z in ((0.5, 0.674), (0.99, 2.576)):  # and so do the intervals made of it
        for low, high in (
            inference.bootstrap_ci(scores, 4000, rng=np.random.default_rng(2), level=level),
            inference.cluster_bootstrap_ci(scores, range(300), 4000, rng=np.random.default_rng(2), level=level),
        ):
            assert (high - low) / 2 == pytest.approx(z * scores.std() / 300**0.5, rel=0.06)


# --- Spearman per feature over resampled words ---


def spearman_case(rng, n=37, m=12):
    """Predictions and golds with ties, a mode in the middle, missing cells and one constant feature."""
    gold = np.round(rng.normal(size=(n, m)) * 2)  # dense with ties, the commonest value neither lowest nor highest
    gold[:, :4] = np.maximum(gold[:, :4] - 2, 0)  # sparse: mostly 0
    gold[5, 1] = gold[6, 5] = gold[7, 5] = np.nan
    gold[:, 11] = 3.0
    pred = rng.normal(size=(n, m))
    pred[:, 6:9] = np.round(pred[:, 6:9])
    pred[:, 9] = 1.0
    return read_only(pred), read_only(gold)


def copied_rows(pred, gold, counts):
    """The slow truth: copy the rows, drop missing cells, ask scipy."""
    rows = np.repeat(np.arange(len(gold)), counts.astype(int))
    rhos = []
    for p, g in zip(pred[rows].T, gold[rows].T, strict=True):
        there = ~np.isnan(g)
        if np.unique(g[there]).size > 1:
            constant = np.unique(p[there]).size == 1
            rhos.append(0.0 if constant else stats.spearmanr(p[there], g[there]).statistic)
    return np.mean(rhos)


def test_weighted_spearman_equals_copying_the_rows():
    rng = np.random.default_rng(10)
    pred, gold = spearman_case(rng)
    counts = inference.bootstrap_counts(len(gold), 40, rng=rng)
    fast = inference.mean_spearman_feature(pred, gold, counts)
    assert fast == pytest.approx([copied_rows(pred, gold, row) for row in counts], abs=1e-12)


def test_weighted_spearman_of_a_perfect_and_a_reversed_prediction():
    gold = read_only(np.random.default_rng(11).random((20, 3)))
    ones = np.ones((1, 20))
    assert inference.mean_spearman_feature(gold, gold, ones) == pytest.approx([1.0])
    assert inference.mean_spearman_feature(-gold, gold, ones) == pytest.approx([-1.0])


def test_undefined_features_leave_the_mean_and_nothing_defined_is_nan():
    gold = np.zeros((6, 2))
    with np.errstate(all="raise"):
        assert np.isnan(inference.mean_spearman_feature(gold, read_only(gold), np.ones((2, 6)))).all()
    gold[:, 1] = [1, 2, 3, 4, 6, 5]  # one feature is enough for a mean
    found = inference.mean_spearman_feature(np.arange(12.0).reshape(6, 2), gold, np.ones((1, 6)))
    assert found == pytest.approx([1 - 6 * 2 / (6 * 35)])


# --- tests ---


def test_permutation_p_counts_the_observed_one():
    null = read_only([1.0, 2.0, 3.0, 4.0])
    assert inference.permutation_p(10, null) == 1 / 5
    assert inference.permutation_p(3, null) == 3 / 5  # a tie counts against us
    assert inference.permutation_p(0, null) == 1.0
    assert inference.permutation_p(0, null, "less") == 1 / 5
    assert inference.permutation_p(10, null, "two-sided") == 2 / 5


def test_permutation_p_takes_rounding_for_a_tie():
    assert inference.permutation_p(0.1 + 0.2, read_only([0.3])) == 1.0


def test_sign_flip_p_is_uniform_under_the_null_and_small_under_a_difference():
    rng = np.random.default_rng(13)
    p = [inference.paired_permutation_p(*rng.normal(size=(2, 25)), 199, rng=rng) for _ in range(400)]
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.035)
    a = rng.normal(size=25)
    assert (
        inference.paired_permutation_p(read_only(a + 1), read_only(a + 0.1 * rng.normal(size=25)), 199, rng=rng)
        == 1 / 200
    )


def test_sign_flip_p_agrees_with_scipy():
    rng = np.random.default_rng(14)
    a, b = read_only(rng.normal(0.3, 1, size=30)), read_only(rng.normal(size=30))
    ours = inference.paired_permutation_p(a, b, 20000, rng=np.random.default_rng(15), alternative="two-sided")
    theirs = stats.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=20000,
        rng=16,
    )
    assert ours == pytest.approx(theirs.pvalue, abs=0.02)


def test_clusters_flip_together():
    rng = np.random.default_rng(5)
    shared = np.repeat(rng.normal(size=(200, 6)), 10, axis=1)  # (draw, word): ten words of a cluster move as one
    clusters = np.repeat(np.arange(6), 10)
    p = [inference.paired_permutation_p(x, 0 * x, 199, rng=rng) for x in shared]
    kept = [inference.paired_permutation_p(x, 0 * x, 199, rng=rng, clusters=clusters) for x in shared]
    assert np.mean(np.array(p) <= 0.05) > 0.15 > 0.1 > np.mean(np.array(kept) <= 0.05)
    a, b = rng.normal(size=(2, 12))
    each = inference.paired_permutation_p(a, b, 999, rng=np.random.default_rng(1), clusters=range(12))
    assert each == inference.paired_permutation_p(a, b, 999, rng=np.random.default_rng(1))
    a[3] = np.nan  # left out, with its label
    inference.paired_permutation_p(a, b, 9, rng=rng, clusters=list("aabbccddeeff"))
    with pytest.raises(ExplaintError, match="one cluster a word"):
        inference.paired_permutation_p(a, b, 9, rng=rng, clusters=[1, 2])


def test_identical_conditions_give_p_one():
    a = read_only(np.random.default_rng(17).random(12))
    assert inference.paired_permutation_p(a, a, 99, rng=np.random.default_rng(0)) == 1.0
    assert inference.paired_swap_p(a, a, np.mean, 99, rng=np.random.default_rng(0)) == 1.0


def test_swap_p_of_a_mean_is_the_sign_flip_p():
    rng = np.random.default_rng(18)
    a, b = read_only(rng.normal(0.4, 1, size=20)), read_only(rng.normal(size=20))
    flips = inference.paired_permutation_p(a, b, 5000, rng=np.random.default_rng(19))
    swaps = inference.paired_swap_p(a, b, np.mean, 5000, rng=np.random.default_rng(20))
    assert swaps == pytest.approx(flips, abs=0.03)


def share_as_large(observed: float, null: np.ndarray) -> dict[str, float]:
    above, below = np.mean(null >= observed - 1e-12), np.mean(null <= observed + 1e-12)
    return {"greater": above, "less": below, "two-sided": min(1.0, 2 * min(above, below))}


def test_swap_p_is_the_share_of_all_swaps_of_whole_words():
    rng = np.random.default_rng(23)
    gold = np.arange(9.0)
    a, b = (np.repeat(gold[:, None] + 5 * rng.normal(size=(9, 1)), 3, axis=1) for _ in "ab")  # (word, cell)

    def agreement(prediction):
        return np.corrcoef(prediction.mean(axis=1), gold)[0, 1]

    def difference(swap):
        return agreement(np.where(swap, b, a)) - agreement(np.where(swap, a, b))

    null = np.array([difference(np.array(swap)[:, None]) for swap in product([False, True], repeat=9)])
    for one, other in ((a, b), (b, a)):
        exact = np.mean(null >= agreement(one) - agreement(other) - 1e-12)
        assert 0.15 < exact < 0.85
        assert inference.paired_swap_p(one, other, agreement, 999, rng=rng) == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_sign_flip_p_is_the_share_of_all_flips_of_clusters_large_and_small(alternative):
    rng = np.random.default_rng(24)
    clusters = np.array(list("aaaaaabbccccdefg"))
    a, b = rng.normal(size=(2, 16))
    a[[0, 7]] = np.nan
    there = ~np.isnan(a)
    signs = [dict(zip("abcdefg", flips, strict=True)) for flips in product([-1, 1], repeat=7)]
    null = np.array([np.mean([flip[c] for c in clusters[there]] * (a - b)[there]) for flip in signs])
    exact = share_as_large(np.nanmean(a - b), null)[alternative]
    found = inference.paired_permutation_p(
        read_only(a), read_only(b), 5000, rng=rng, alternative=alternative, clusters=clusters
    )
    assert exact > 0.05 and found == pytest.approx(exact, abs=0.03)


def test_swap_p_for_spearman_is_uniform_under_the_null():
    rng = np.random.default_rng(21)
    gold = stats.rankdata(rng.normal(size=20))

    def spearman(x):
        return np.corrcoef(x.argsort().argsort(), gold)[0, 1]

    p = [inference.paired_swap_p(*rng.normal(size=(2, 20)), spearman, 19, rng=rng) for _ in range(150)]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.08)


def test_holm_by_hand():
    assert inference.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert inference.holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


def test_holm_keeps_the_familywise_error():
    rng = np.random.default_rng(22)
    wrong = np.mean([(inference.holm(rng.random(10)) <= 0.05).any() for _ in range(2000)])
    raw = np.mean([(rng.random(10) <= 0.05).any() for _ in range(2000)])
    assert wrong < 0.07 and raw > 0.3


def test_a_test_not_made_does_not_count_in_the_family():
    with_hole = inference.holm(read_only([0.01, np.nan, 0.04]))
    assert np.isnan(with_hole[1])
    assert with_hole[[0, 2]] == pytest.approx(inference.holm([0.01, 0.04]))
    assert inference.holm([]).shape == (0,)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda rng: inference.bootstrap_ci([np.nan, np.nan], 10, rng=rng), "no score is defined"),
        (lambda rng: inference.bootstrap_ci([0.5], 10, rng=rng), "at least 2 words"),
        (lambda rng: inference.bootstrap_ci([0.5, 0.6], 0, rng=rng), "at least 1 resample"),
        (lambda rng: inference.bootstrap_ci([0.5, 0.6], -3, rng=rng), "at least 1 resample"),
        (lambda rng: inference.bootstrap_ci([0.5, 0.6], 5, rng=rng, level=95), "between 0 and 1, found 95"),
        (lambda rng: inference.bootstrap_ci(np.ones((2, 2)), 5, rng=rng), r"found shape \(2, 2\)"),
        (lambda rng: inference.cluster_bootstrap_ci([1, 2], ["a"], 5, rng=rng), "one cluster label a score"),
        (lambda rng: inference.cluster_bootstrap_ci([1, 2], ["a", "a"], 5, rng=rng), "at least 2"),
        (
            lambda rng: inference.mean_spearman_feature(np.ones((3, 2)), np.ones((3, 1)), np.ones((1, 3))),
            "shape",
        ),
        (lambda rng: inference.permutation_p(0.5, []), "at least 1 permutation"),
        (lambda rng: inference.permutation_p(np.nan, [1.0]), "undefined"),
        (lambda rng: inference.permutation_p(0.5, [1.0], "bigger"), "'bigger'"),
        (lambda rng: inference.paired_permutation_p([1, 2], [1], 9, rng=rng), "two scores a word"),
        (lambda rng: inference.paired_permutation_p([1, 2], [1, 3], 0, rng=rng), "at least 1 permutation"),
        (lambda rng: inference.paired_permutation_p([np.nan], [1], 9, rng=rng), "no paired difference"),
        (lambda rng: inference.holm([0.5, 1.5]), "between 0 and 1"),
    ],
)
def test_bad_input_says_what_was_expected(call, says):
    with pytest.raises(ExplaintError, match=says):
        call(np.random.default_rng(0))


def test_resamples_in_blocks_give_the_same_correlations(monkeypatch):
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 3, (40, 6)) * (rng.random((40, 6)) < 0.4)
    pred = np.round(gold + rng.normal(size=gold.shape))  # ties
    counts = inference.bootstrap_counts(40, 25, rng=rng)
    whole = inference.mean_spearman_feature(pred, gold, counts)
    monkeypatch.setattr("explaint_lib.inference._spearman._CELLS", 40 * 7)
    monkeypatch.setattr("explaint_lib.inference._spearman._FEW", 0)  # through sparse sums, as many words are
    np.testing.assert_allclose(inference.mean_spearman_feature(pred, gold, counts), whole, rtol=1e-14)


def test_holm_takes_the_ends_of_its_range():
    assert inference.holm([0.0, 1.0]).tolist() == [0.0, 1.0]
