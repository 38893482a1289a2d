"""Comparisons: which units, which clusters, which draws, and whether intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from explaint_lib import inference
from explaint_lib._common import ExplaintError
from explaint_lib.inference import Comparison, compare, compare_statistic


def test_single_units_give_the_textbook_interval_and_p():
    scores = np.random.default_rng(2).normal(0.1, 1, size=40)
    found = compare(scores, 0.0, "c")
    exact = stats.ttest_1samp(scores, 0, alternative="greater")
    assert found.p_value == pytest.approx(exact.pvalue)
    two = stats.ttest_1samp(scores, 0).confidence_interval(0.9)
    assert found.interval(0.9) == pytest.approx((two.low, two.high))


def test_compare_pairs_units_and_leaves_out_undefined_ones():
    rng = np.random.default_rng(0)
    control = rng.random(60)
    observed = control + 0.1
    observed[3], control[5] = np.nan, np.nan
    observed.flags.writeable = control.flags.writeable = False
    found = compare(observed, control, "c")
    assert found.difference == pytest.approx(0.1) and found.n == 58
    assert found.p_value == 2.0**-58  # the same difference for all: no less than 58 signs can show


def test_few_units_cannot_show_a_small_p():
    assert compare(np.full(4, 0.3), 0.0, "c").p_value == 1 / 16
    assert compare([0.3, 0.3, 0.3, 0.3001], 0.0, "c").p_value == 1 / 16


def test_a_null_is_compared_with_the_score_and_not_with_its_lead_over_the_control():
    observed = np.full(20, 0.9)
    null = np.linspace(0.45, 0.55, 19)  # what the control scored; the lead, .4, lies below all of it
    assert compare(observed, 0.5, "c", null=null).p_value == 1 / 20
    assert compare(observed - 0.4, 0.0, "c", null=null).p_value == pytest.approx(11 / 20)
    assert compare_statistic(0.9, [0.8, 1.0], null, "c", n=20).p_value == 1 / 20


def test_a_null_is_taken_over_the_units_that_are_compared():
    """A word without the control's score is out of the difference, so it must be out of p: here it alone decides."""
    rng = np.random.default_rng(0)
    observed, null = np.full(30, 0.5), rng.normal(0.6, 0.01, size=(99, 30))
    control = null.mean(axis=0)
    observed[0], control[0] = 30.0, np.nan
    found = compare(observed, control, "c", null=null)
    assert found.difference < 0 and found.p_value == 1.0
    with pytest.raises(ExplaintError, match="give the null a score a unit"):
        compare(observed, control, "c", null=null.mean(axis=1))


def test_a_null_of_scores_a_unit_is_averaged_as_its_means_would_be_given():
    rng = np.random.default_rng(0)
    observed, null = rng.random(30), rng.random((9, 30))
    null[0, 3] = np.nan
    one, other = (compare(observed, 0.5, "c", null=given) for given in (null, np.nanmean(null, axis=1)))
    assert one == other
    with pytest.raises(ExplaintError, match=r"needs the shape \(draws, 30\), found \(9, 29\)"):
        compare(observed, 0.5, "c", null=null[:, 1:])


def test_a_level_is_a_control_with_one_score_for_all():
    observed = np.array([0.4, np.nan, 0.7, 0.9])
    one, other = (compare(observed, level, "chance") for level in (0.5, np.full(4, 0.5)))
    assert one == other and one.difference == pytest.approx(1 / 6)


def test_a_statistic_is_measured_from_the_mean_of_its_null_whose_error_counts():
    null = np.array([0.4, 0.6])
    found = compare_statistic(0.7, [0.6, 0.8], null, "permuted pairing", n=30, score="AUC")
    assert found.difference == pytest.approx(0.2) and found.p_value == pytest.approx(1 / 3) and found.df == 29
    assert found.se == pytest.approx(np.sqrt(np.var([0.6, 0.8], ddof=1) + null.var(ddof=1) / 2))
    assert found.score == "AUC"
    with pytest.raises(ExplaintError, match="undefined"):
        compare_statistic(0.7, [0.6, 0.75], [float("nan")], "permuted pairing", n=30)


def test_clusters_are_the_units_that_vary():
    rng = np.random.default_rng(3)
    of_cluster = rng.normal(size=12)
    clusters = np.repeat(np.arange(12), rng.integers(2, 9, size=12))  # clusters of different sizes
    scores = of_cluster[clusters]
    found = compare(scores, 0.0, "c", clusters=clusters)
    without = [scores[clusters != one].mean() for one in range(12)]
    assert found.n == 12 and found.df == 11
    assert found.se**2 == pytest.approx(11 / 12 * ((np.array(without) - scores.mean()) ** 2).sum())
    assert found.se > 1.5 * compare(scores, 0.0, "c").se
    alone = compare(scores, 0.0, "c", clusters=range(scores.size))
    assert alone == compare(scores, 0.0, "c")


def test_two_ways_of_clustering_count_both():
    rng = np.random.default_rng(4)
    rows, columns = rng.normal(size=10), rng.normal(size=14)
    one, other = (grid.ravel() for grid in np.meshgrid(np.arange(10), np.arange(14), indexing="ij"))
    scores = rows[one] + columns[other]
    both = compare(scores, 0.0, "c", clusters={"hyponym": one, "hypernym": other})
    each = [compare(scores, 0.0, "c", clusters=way) for way in (one, other)]
    cells = compare(scores, 0.0, "c")  # no cell twice: the shared clusters are the single units
    assert both.se**2 == pytest.approx(each[0].se ** 2 + each[1].se ** 2 - cells.se**2)
    assert both.n == 10 and both.se > max(one.se for one in each)
    nested = compare(scores, 0.0, "c", clusters={"a": one, "b": [f"{x}{y}" for x, y in zip(one, other, strict=True)]})
    assert nested.se == pytest.approx(each[0].se)


def test_draws_enter_the_error_and_are_kept():
    rng = np.random.default_rng(5)
    base, of_fold = rng.normal(0.1, 0.3, size=100), rng.normal(0, 0.1, size=10)
    observed = base + of_fold[:, None]  # (draw, unit)
    found = compare(observed, 0.0, "c", varied="folds")
    unit, fold = base.var(ddof=1) / 100, of_fold.var(ddof=1) / 10
    assert found.se**2 == pytest.approx(unit + fold) and found.se_units**2 == pytest.approx(unit)
    assert found.df == pytest.approx((unit + fold) ** 2 / (unit**2 / 99 + fold**2 / 9))
    assert found.draws == pytest.approx(base.mean() + of_fold) and found.varied == "folds"
    same = compare(np.tile(base, (10, 1)), np.zeros((10, 100)), "c", varied="folds")
    assert same.se == pytest.approx(compare(base, 0.0, "c").se) and same.df == 99  # folds that do not matter
    assert found.in_draw(3).difference == found.draws[3] and found.in_draw(3).se == found.se_units


def test_one_draw_of_what_varies_has_no_error():
    found = compare(np.full(9, 0.4), np.full((1, 9), 0.1), "untrained twin", varied="twins")
    assert np.isnan(found.se) and np.isnan(found.p_value)
    with pytest.raises(ExplaintError, match="say what the draws are draws of"):
        compare(np.zeros((3, 9)), 0.5, "c")
    with pytest.raises(ExplaintError, match="same draws of both"):
        compare(np.zeros((3, 9)), np.zeros((4, 9)), "c", varied="folds")


def covered(draw, n_worlds: int, **kwargs) -> float:
    """Return how often the 95 % interval of a difference holds its true value, 0."""
    rng, hits = np.random.default_rng(6), 0
    for _ in range(n_worlds):
        scores, clusters, varied = draw(rng)
        low, high = compare(scores, 0.0, "c", clusters=clusters, varied=varied).interval()
        hits += low <= 0 <= high
    return hits / n_worlds


def words(rng):
    return rng.normal(size=60), None, None


def held_out_categories(rng):
    of_word = np.repeat(np.arange(8), 10)
    return rng.normal(size=80) + rng.normal(size=8)[of_word], of_word, None


def pairs(rng):
    one, other = rng.integers(0, 25, size=200), rng.integers(0, 15, size=200)
    scores = rng.normal(size=25)[one] + rng.normal(size=15)[other] + rng.normal(size=200)
    return scores, {"hyponym": one, "hypernym": other}, None


def folds(rng):
    return rng.normal(size=60) + rng.normal(0, 0.3, size=(10, 1)) + 0.5 * rng.normal(size=(10, 60)), None, "folds"


@pytest.mark.parametrize("draw", [words, held_out_categories, pairs, folds])
def test_intervals_hold_the_truth_as_often_as_they_promise(draw):
    assert 0.925 <= covered(draw, 1500) <= 0.985


def test_without_the_clusters_they_would_not():
    def ignored(rng):
        return held_out_categories(rng)[0], None, None

    assert covered(ignored, 500) < 0.75


def test_the_rule_seldom_supports_a_difference_that_is_not_there():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        one = compare(rng.normal(size=40), rng.normal(size=40), "c")
        found.append(inference.verdicts({"it": [one]}, smallest_effect=0.02).verdict[0])
    assert found.count("supported") <= 20  # 2.5 % wanted, 5 % would be odd


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: compare(np.zeros(3), np.zeros(4), "c"), "two scores a unit"),
        (lambda: compare([1.0, np.nan], 0.0, "c"), "at least 2 units"),
        (lambda: compare(np.arange(4.0), 0.0, "c", clusters=[1, 2]), "one cluster a unit, 4, in one or two ways"),
        (lambda: compare(np.arange(4.0), 0.0, "c", clusters=["a"] * 4), "at least 2 clusters"),
        (lambda: compare_statistic(0.5, [0.5], [0.1], "c", n=9), "at least 2 units and 2 resamples"),
        (lambda: Comparison("c", 0.1, 0.1).interval(1.0), "between 0 and 1"),
    ],
)  # fmt: skip
def test_bad_input_says_what_is_needed(call, says):
    with pytest.raises(ExplaintError, match=says):
        call()


def test_two_units_have_one_degree_of_freedom_in_a_single_draw():
    both = Comparison("it", difference=0.1, se=0.02, p_value=0.01, n=2, draws=(0.1, 0.2), se_units=0.05)
    assert both.in_draw(1).df == 1
    assert both.in_draw(1).interval() == pytest.approx((0.2 - 12.7062 * 0.05, 0.2 + 12.7062 * 0.05), rel=1e-4)


def test_a_null_of_one_draw_has_no_error_of_its_own():
    resampled = [0.65, 0.7, 0.75]
    one = compare_statistic(0.7, resampled, [0.5], "null", n=40)
    assert one.se == pytest.approx(np.std(resampled, ddof=1))
