"""Whose vector is near whose, and what is drawn: worlds in which a control that is nearly right gives other words."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from explaint_lib import controls


def beside(angles, lengths=1.0) -> np.ndarray:
    """Return vectors at these angles (degrees), and their opposites, so that the mean is 0, moved far from it."""
    turned = np.deg2rad(angles)
    half = np.stack([np.cos(turned), np.sin(turned)], axis=1) * np.reshape(lengths, (-1, 1))
    X = np.concatenate([half, -half]) + [60.0, 0.0]
    X.flags.writeable = False
    return X


RAYS = beside([0, 0, 60, 60, 120, 120], [1, 9] * 3)  # six directions from the mean, a short and a long word on each


def test_partners_lie_in_one_direction_from_the_mean_whatever_their_length_and_wherever_the_mean_is():
    for seed in range(5):
        swapped = controls.swap_neighbours(RAYS, 1, rng=np.random.default_rng(seed))
        assert swapped.tolist() == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]


def test_clusters_and_near_duplicates_are_directions_from_the_mean_too():
    found = controls.cluster_words(RAYS, 6)
    assert (found[::2] == found[1::2]).all() and len(set(found)) == 6
    folds = controls.near_duplicate_folds(RAYS, 3, threshold=0.95, rng=np.random.default_rng(0))
    assert (folds[::2] == folds[1::2]).all() and np.bincount(folds).tolist() == [4, 4, 4]
    folds = controls.cluster_folds(RAYS, 3, n_clusters=6, rng=np.random.default_rng(0))
    assert (folds[::2] == folds[1::2]).all() and np.bincount(folds).tolist() == [4, 4, 4]


def test_a_missing_rating_counts_as_the_mean_of_its_feature():
    V = np.array(RAYS)
    V[0, 1] = np.nan  # on the ray at 0 degrees, where the mean is what stood there
    assert np.array_equal(controls.cluster_words(V, 6), controls.cluster_words(RAYS, 6))


def test_the_grain_of_cluster_folds_is_six_a_fold_doubled_until_no_cluster_outgrows_a_fold():
    rng = np.random.default_rng(0)
    near = [3.0, 0.12, 0, 0, 0, 0, 0, 0] * np.array([[1] * 8, [1, -1] + [1] * 6]).repeat(35, axis=0)
    X = np.concatenate([rng.normal(size=(50, 8)), near + 0.002 * rng.normal(size=(70, 8))])
    sizes = [np.bincount(controls.cluster_words(X, n)).max() for n in (12, 24)]
    assert sizes == [70, 35]  # the two close heaps are one cluster of 12, too large for half of 120 words
    kept = controls.cluster_words(X, 24)
    for _ in range(20):
        folds = controls.cluster_folds(X, 2, rng=rng)
        assert all(len(set(folds[kept == cluster])) == 1 for cluster in range(24))


def test_a_partner_is_any_of_the_k_nearest_and_none_beyond_them():
    rng = np.random.default_rng(1)
    X = np.repeat(rng.normal(size=(6, 8)) * 10, 4, axis=0) + rng.normal(size=(24, 8))  # six fours: k = 3 stays inside
    partners = np.array([controls.swap_neighbours(X, 3, rng=rng) for _ in range(150)])
    assert (partners // 4 == np.arange(24) // 4).all()
    for word in range(24):
        drawn = np.bincount(partners[:, word] % 4, minlength=4)
        assert drawn[word % 4] == 0 and np.sort(drawn)[1] > 25  # of 50 expected, for each of the three


def test_where_no_near_word_is_free_the_nearest_free_one_is_taken_and_who_comes_first_is_drawn():
    X = beside([0, 1, 3, 20])  # 0 and 1 are nearest to each other, 1 to 3, 3 to 20
    pairs = {tuple(controls.swap_neighbours(X, 1, rng=np.random.default_rng(seed))) for seed in range(60)}
    halves = {tuple(sorted((pair[:4], tuple(np.subtract(pair[4:], 4))))) for pair in pairs}
    assert {half for both in halves for half in both} == {(1, 0, 3, 2), (3, 2, 1, 0)}


def test_what_is_not_said_is_as_the_documentation_has_it():
    X, words = np.random.default_rng(6).normal(size=(40, 4)), [f"w{i:02d}" for i in range(70)]
    five, default = (controls.swap_neighbours(X, *k, rng=np.random.default_rng(7)) for k in ((5,), ()))
    assert np.array_equal(five, default)
    assert controls.hash_bits(words)[0].shape == (70, 64)
    assert controls.length_differences(words, rng=np.random.default_rng(0))[0].shape == (70, 65)
    once = controls.length_differences(words, 70, rng=np.random.default_rng(0))[1]
    assert list(once) == [f"length_minus_{word}" for word in words]  # no reference word is drawn twice
    written = controls.character_ngrams(words, sizes=(1, 2, 3), least=2)
    assert np.array_equal(controls.character_ngrams(words), written)


def test_permutations_within_a_category_are_all_of_them_equally_often():
    rng = np.random.default_rng(2)
    draws = [tuple(controls.permute_within(list("xayaaz"), rng=rng)[[1, 3, 4]]) for _ in range(1200)]
    assert sorted(set(draws)) == [(1, 3, 4), (1, 4, 3), (3, 1, 4), (3, 4, 1), (4, 1, 3), (4, 3, 1)]
    assert min(map(draws.count, set(draws))) > 200 - 5 * (1200 / 6 * 5 / 6) ** 0.5


def test_blocks_change_places_and_so_do_the_words_in_them():
    rng = np.random.default_rng(3)
    draws = {tuple(controls.permute_blocks(list("aabb"), rng=rng)) for _ in range(200)}
    first, second = {(0, 1), (1, 0)}, {(2, 3), (3, 2)}
    assert draws == {x + y for x in first for y in second} | {y + x for x in first for y in second}


def cluster_folds(rng):
    return controls.cluster_folds(np.repeat(np.eye(12), 2, axis=0), 4, n_clusters=12, rng=rng)


def finer_folds(rng):
    return controls.cluster_folds(np.repeat(np.eye(12), 3, axis=0)[: 3 * 12], 2, rng=rng)


def duplicate_folds(rng):
    return controls.near_duplicate_folds(np.repeat(np.eye(12), 2, axis=0), 4, threshold=0.9, rng=rng)


@pytest.mark.parametrize(
    ("draw", "size", "n_folds"), [(cluster_folds, 2, 4), (finer_folds, 3, 2), (duplicate_folds, 2, 4)]
)
def test_which_groups_share_a_fold_is_drawn_and_any_two_are_as_likely(draw, size, n_folds):
    rng = np.random.default_rng(4)
    folds = np.array([draw(rng) for _ in range(200)])[:, ::size]  # (draw, group)
    expected = (12 / n_folds - 1) / 11
    together = [(folds[:, i] == folds[:, j]).mean() for i, j in combinations(range(12), 2)]
    assert np.abs(np.subtract(together, expected)).max() < 4.5 * (expected * (1 - expected) / 200) ** 0.5
    labels = np.stack([(folds == fold).mean(axis=0) for fold in range(n_folds)])
    assert np.abs(labels - 1 / n_folds).max() < 0.15  # nor is a label some group's own
    assert np.array_equal(draw(np.random.default_rng(5)), draw(np.random.default_rng(5)))
