"""Controls keep what they promise to keep, destroy what they promise to destroy, and touch no input."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import controls
from explaint_lib._common import ExplaintError


@pytest.fixture
def sparse() -> np.ndarray:
    """Production strengths whose columns share a block structure: 40 words, 24 features, two 'categories'."""
    rng = np.random.default_rng(0)
    Y = rng.integers(1, 20, size=(40, 24)) * (rng.random((40, 24)) < 0.1).astype(float)
    Y[:20, :4] = 5.0  # a block: the first twenty words share the first four features
    Y.flags.writeable = False
    return Y


@pytest.fixture
def dense_with_missing() -> np.ndarray:
    Y = np.random.default_rng(1).uniform(0, 6, size=(30, 8))
    Y[3, 2] = Y[4, 2] = Y[9, 7] = np.nan
    Y.flags.writeable = False
    return Y


def correlation_of_columns(Y: np.ndarray) -> float:
    return np.abs(np.triu(np.corrcoef(Y.T), 1)).mean()


def test_shuffle_columns_keeps_each_columns_values(sparse):
    shuffled = controls.shuffle_columns(sparse, rng=np.random.default_rng(2))
    assert np.array_equal(np.sort(shuffled, axis=0), np.sort(sparse, axis=0))


def test_shuffle_columns_destroys_rows_and_co_occurrence(sparse):
    shuffled = controls.shuffle_columns(sparse, rng=np.random.default_rng(2))
    assert correlation_of_columns(shuffled[:, :4]) < 0.5 * correlation_of_columns(sparse[:, :4])
    assert sorted((shuffled > 0).sum(axis=1)) != sorted((sparse > 0).sum(axis=1))
    # columns move independently: no single permutation of the rows explains two of them
    assert not np.array_equal(shuffled[:, 0], shuffled[:, 1])


def test_shuffle_columns_lets_missing_cells_travel_in_their_column(dense_with_missing):
    shuffled = controls.shuffle_columns(dense_with_missing, rng=np.random.default_rng(3))
    assert np.array_equal(np.isnan(shuffled).sum(axis=0), np.isnan(dense_with_missing).sum(axis=0))
    assert not np.array_equal(np.isnan(shuffled), np.isnan(dense_with_missing))


def test_random_like_sparse_keeps_density_and_values_only(sparse):
    drawn = controls.random_like(sparse, "sparse", rng=np.random.default_rng(4))
    assert drawn.shape == sparse.shape
    assert np.array_equal(np.sort(drawn[drawn > 0]), np.sort(sparse[sparse > 0]))
    # the block of frequent features is gone: expected 144 cells spread over 24 columns, no column near 20
    assert (sparse > 0).sum(axis=0).max() >= 20
    assert (drawn > 0).sum(axis=0).max() < 18


def test_random_like_sparse_places_cells_uniformly():
    Y = np.zeros((10, 10))
    Y[0] = 1.0
    hits = sum(controls.random_like(Y, "sparse", rng=np.random.default_rng(s)) for s in range(2000))
    assert hits.sum() == 20000
    assert np.abs(hits - 200).max() < 5 * np.sqrt(2000 * 0.1 * 0.9)


def test_random_like_dense_keeps_the_range_and_has_no_missing(dense_with_missing):
    drawn = controls.random_like(dense_with_missing, "dense", rng=np.random.default_rng(5))
    assert drawn.shape == dense_with_missing.shape and not np.isnan(drawn).any()
    assert drawn.min() >= np.nanmin(dense_with_missing) and drawn.max() <= np.nanmax(dense_with_missing)
    assert abs(np.corrcoef(drawn[:, 0], dense_with_missing[:, 0])[0, 1]) < 0.5


def test_permute_rows_is_a_uniform_permutation():
    rng = np.random.default_rng(6)
    draws = np.array([controls.permute_rows(5, rng=rng) for _ in range(4000)])
    assert (np.sort(draws, axis=1) == np.arange(5)).all()
    lands = (draws[:, 0][:, None] == np.arange(5)).sum(axis=0)
    assert np.abs(lands - 800).max() < 5 * np.sqrt(4000 * 0.2 * 0.8)


def test_permute_within_keeps_the_category_and_moves_its_words():
    categories = np.array(["bird", "tool", "bird", "tool", "bird", "fruit"] * 10)
    permutation = controls.permute_within(list(categories), rng=np.random.default_rng(7))
    assert sorted(permutation) == list(range(60))
    assert (categories[permutation] == categories).all()
    assert (permutation == np.arange(60)).mean() < 0.3


def test_permute_within_leaves_only_a_lone_word_in_place():
    permutation = controls.permute_within(["bird", "tool", "bird"], rng=np.random.default_rng(8))
    assert permutation[1] == 1


def test_permute_blocks_keeps_blocks_together_and_moves_them():
    categories = np.repeat(list("abcdefgh"), 5)
    permutation = controls.permute_blocks(list(categories), rng=np.random.default_rng(9))
    assert sorted(permutation) == list(range(40))
    received = categories[permutation].reshape(8, 5)
    assert (received == received[:, :1]).all(), "each category receives one whole category"
    assert (received[:, 0] != np.array(list("abcdefgh"))).sum() >= 4


def test_permute_blocks_with_unequal_sizes_is_still_a_permutation():
    categories = ["a"] * 7 + ["b"] * 3 + ["c"] * 5
    permutation = controls.permute_blocks(categories, rng=np.random.default_rng(10))
    assert sorted(permutation) == list(range(15))


@pytest.mark.parametrize(
    "draw",
    [
        lambda Y, rng: controls.shuffle_columns(Y, rng=rng),
        lambda Y, rng: controls.random_like(Y, "sparse", rng=rng),
        lambda Y, rng: controls.random_like(Y, "dense", rng=rng),
        lambda Y, rng: controls.permute_rows(len(Y), rng=rng),
    ],
)
def test_same_seed_same_draw_and_other_seed_other_draw(sparse, draw):
    first, again, other = (draw(sparse, np.random.default_rng(s)) for s in (11, 11, 12))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda rng: controls.shuffle_columns(np.zeros(3), rng=rng),
            r"\(word, feature\) matrix, found shape \(3,\)",
        ),
        (lambda rng: controls.shuffle_columns(np.zeros((0, 3)), rng=rng), "non-empty"),
        (
            lambda rng: controls.random_like(np.full((2, 2), np.nan), "dense", rng=rng),
            "every cell is missing",
        ),
        (lambda rng: controls.random_like(np.ones((2, 2)), "ratings", rng=rng), "'ratings'"),
        (lambda rng: controls.permute_rows(0, rng=rng), "at least 1 word"),
        (lambda rng: controls.permute_within(["a", None, "a"], rng=rng), "1 of 3 words have no category"),
        (lambda rng: controls.permute_blocks([], rng=rng), "at least 1 word"),
    ],
)
def test_bad_input_says_what_was_expected(call, says):
    with pytest.raises(ExplaintError, match=says):
        call(np.random.default_rng(0))


@pytest.mark.parametrize(
    "function",
    [controls.alphabet_rank, controls.character_ngrams, controls.first_letter, controls.form_only, controls.hash_bits,
     lambda words: controls.length_differences(words, 1, rng=np.random.default_rng(0))],
)  # fmt: skip
def test_one_string_is_no_list_of_words(function):
    with pytest.raises(ExplaintError, match="found one string"):
        function("word")


@pytest.mark.parametrize(
    "function",
    [
        lambda flat, rng: controls.shuffle_columns(flat, rng=rng),
        lambda flat, rng: controls.random_like(flat, "sparse", rng=rng),
        lambda flat, rng: controls.random_like(flat, "dense", rng=rng),
        lambda flat, rng: controls.curveball(flat, rng=rng),
        lambda flat, rng: controls.curveball_mixing(flat, 2, rng=rng),
        lambda flat, rng: controls.gaussian_like(flat, rng=rng),
        lambda flat, rng: controls.swap_neighbours(flat, 1, rng=rng),
        lambda flat, rng: controls.cluster_words(flat, 2),
        lambda flat, rng: controls.cluster_folds(flat, 2, rng=rng),
        lambda flat, rng: controls.near_duplicate_folds(flat, 2, threshold=0.5, rng=rng),
        lambda flat, rng: controls.category_centroids(flat, ["a"] * 20, np.arange(20)),
    ],
)
def test_one_number_a_word_is_no_matrix(function):
    with pytest.raises(ExplaintError, match="must be a non-empty"):
        function(np.arange(20.0), np.random.default_rng(0))


def test_the_smallest_input_that_makes_sense_is_taken():
    rng = np.random.default_rng(0)
    assert controls.permute_rows(1, rng=rng).tolist() == [0]
    assert controls.permute_within(["a"], rng=rng).tolist() == [0]
    assert controls.cluster_words(np.ones((1, 2)), 1).tolist() == [0]
    assert sorted(controls.cluster_words(np.eye(3), 3)) == [0, 1, 2]
    assert sorted(controls.cluster_folds(np.eye(2), 2, rng=rng, n_clusters=2)) == [0, 1]
    assert sorted(controls.near_duplicate_folds(np.eye(3), 3, threshold=0.5, rng=rng)) == [0, 1, 2]
    assert controls.curveball(np.eye(2), rng=rng).sum() == 2
    assert controls.curveball_mixing(np.eye(2), 1, rng=rng)[0] == 1.0
    assert controls.hash_bits(["a"], 512)[0].shape == (1, 512) and controls.hash_bits(["a"], 1)[1] == ("bit_00",)


# -- rewiring --------------------------------------------------------------------------------------------------------


def test_curveball_keeps_every_degree_and_every_features_strengths(sparse):
    drawn = controls.curveball(sparse, rng=np.random.default_rng(20))
    assert np.array_equal((drawn > 0).sum(axis=0), (sparse > 0).sum(axis=0))
    assert np.array_equal((drawn > 0).sum(axis=1), (sparse > 0).sum(axis=1))
    assert np.array_equal(np.sort(drawn, axis=0), np.sort(sparse, axis=0))


def test_curveball_destroys_co_occurrence(sparse):
    drawn = controls.curveball(sparse, rng=np.random.default_rng(21))
    assert correlation_of_columns(drawn[:, :4]) < 0.5 * correlation_of_columns(sparse[:, :4])


def test_curveball_draws_every_matrix_of_these_degrees_equally_often():
    """All 15 binary matrices with these sums, counted by hand-made enumeration; chi-square below its 99.9 % point."""
    Y = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 1.0]])
    rng, seen = np.random.default_rng(22), {}
    for _ in range(1500):
        key = (controls.curveball(Y, rng=rng) > 0).tobytes()
        seen[key] = seen.get(key, 0) + 1
    counts = np.array(list(seen.values()))
    assert len(counts) == 15
    assert ((counts - 100) ** 2 / 100).sum() < 36.1


def test_mixing_starts_at_one_levels_off_and_shows_when_trades_are_too_few(sparse):
    kept = controls.curveball_mixing(sparse, 30, rng=np.random.default_rng(23))
    assert kept[0] == 1 and kept.shape == (31,)
    late = kept[15:]
    assert np.ptp(late) < 0.15 and abs(late[:8].mean() - late[8:].mean()) < 0.05
    assert kept[1] > late.max() + 0.1  # one trade a word is not enough
    free = (controls.curveball(sparse, rng=np.random.default_rng(24)) > 0) & (sparse > 0)
    assert abs(free.sum() / (sparse > 0).sum() - late.mean()) < 0.12  # the default is enough


# -- pairing ---------------------------------------------------------------------------------------------------------


def test_swap_neighbours_pairs_words_that_lie_beside_each_other():
    rng = np.random.default_rng(26)
    centres = rng.normal(size=(6, 10)) * 10
    X = np.repeat(centres, 10, axis=0) + rng.normal(size=(60, 10))
    X.flags.writeable = False
    swapped = controls.swap_neighbours(X, 4, rng=rng)
    assert sorted(swapped) == list(range(60)) and (swapped != np.arange(60)).all()
    assert np.array_equal(swapped[swapped], np.arange(60))  # an exchange
    assert (swapped // 10 == np.arange(60) // 10).all()  # ten of each kind: nobody must leave its kind
    assert not np.array_equal(swapped, controls.swap_neighbours(X, 4, rng=rng))


def test_swap_neighbours_within_a_category_never_leaves_it():
    rng = np.random.default_rng(34)
    X, categories = rng.normal(size=(31, 5)), ["a", "b", "c"] * 10 + ["alone"]
    swapped = controls.swap_neighbours(X, 3, within=categories, rng=rng)
    assert sorted(swapped) == list(range(31)) and swapped[30] == 30
    assert [categories[i] for i in swapped] == categories and (swapped[:30] != np.arange(30)).all()


@pytest.mark.parametrize("n", [2, 3, 7])
def test_swap_neighbours_leaves_nobody_in_place_whatever_the_number(n):
    X = np.random.default_rng(n).normal(size=(n, 3))
    swapped = controls.swap_neighbours(X, 1, rng=np.random.default_rng(0))
    assert sorted(swapped) == list(range(n)) and (swapped != np.arange(n)).all()


# -- nonsense targets ------------------------------------------------------------------------------------------------

WORDS = ("owl", "apple", "pineapple", "axe", "robin", "yak")


def test_length_differences_are_differences_of_length():
    values, names = controls.length_differences(WORDS, 3, rng=np.random.default_rng(27))
    for column, name in zip(values.T, names, strict=True):
        other = name.removeprefix("length_minus_")
        assert [len(word) - len(other) for word in WORDS] == column.tolist()
    assert len(set(names)) == 3


def test_first_letter_gives_one_feature_a_word():
    values, names = controls.first_letter(["Owl", "apple", "axe"])
    assert names == ("begins_with_a", "begins_with_o")
    assert values.tolist() == [[0, 1], [1, 0], [1, 0]]


def test_alphabet_rank_is_the_order_of_the_alphabet_forwards_and_backwards():
    values, _ = controls.alphabet_rank(["b", "ab", "ba", "ab"])
    assert values[:, 0].tolist() == [0.5, 0.0, 1.0, 0.0]  # ab ab b ba
    assert values[:, 1].tolist() == [0.5, 1.0, 0.0, 1.0]  # backwards: b, ba, ab, ba


def test_hash_bits_are_fixed_balanced_and_unrelated():
    words = [f"word{i}" for i in range(400)]
    values, names = controls.hash_bits(words, 128)
    assert np.array_equal(values, controls.hash_bits(words, 128)[0]) and len(names) == 128
    assert abs(values.mean() - 0.5) < 0.01 and np.abs(values.mean(axis=0) - 0.5).max() < 0.12
    between = np.corrcoef(values.T) - np.eye(128)
    assert np.abs(between).max() < 0.25
    assert np.array_equal(values[:5], controls.hash_bits(words[:5], 128)[0])  # a word's bits are the word's alone


# -- rival inputs ----------------------------------------------------------------------------------------------------


def test_gaussian_like_keeps_mean_covariance_and_rank():
    rng = np.random.default_rng(28)
    X = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 6)) + 5.0
    X.flags.writeable = False
    draws = np.concatenate([controls.gaussian_like(X, rng=rng) for _ in range(20)])
    assert np.allclose(draws.mean(axis=0), X.mean(axis=0), atol=0.15)
    assert np.allclose(np.cov(draws.T), np.cov(X.T), rtol=0.15, atol=0.15)
    assert np.linalg.matrix_rank(draws[:400] - X.mean(axis=0)) == 3


def test_character_ngrams_count_letters_and_mark_ends():
    counts = controls.character_ngrams(["ab", "abab", "b"], sizes=(2,), least=1)
    # columns in alphabetical order of the marked bigrams: <a <b ab b> ba
    assert counts.tolist() == [[1, 0, 1, 1, 0], [1, 0, 2, 1, 1], [0, 1, 0, 1, 0]]
    assert controls.character_ngrams(["ab", "abab", "b"], sizes=(2,), least=2).shape == (3, 3)


def test_form_only_is_length_and_frequency():
    values = controls.form_only(["dog", "dodecahedron", "xqzvw"])
    assert values[:, 0].tolist() == [3, 12, 5]
    assert values[0, 1] > 5 > values[1, 1] > values[2, 1] == 0


# -- taxonomy --------------------------------------------------------------------------------------------------------


def test_category_centroids_are_means_of_the_other_folds_only(dense_with_missing):
    categories = ["a", "b", None] * 10
    folds = np.arange(30) % 4
    predicted = controls.category_centroids(dense_with_missing, categories, folds)
    for word in range(30):
        train = folds != folds[word]
        mine = train & (np.array(categories, dtype=object) == categories[word]) if categories[word] else train
        assert np.allclose(predicted[word], np.nanmean(dense_with_missing[mine], axis=0))


def test_category_centroids_fall_back_to_the_mean_profile_when_the_category_is_held_out(sparse):
    categories = ["bird"] * 20 + ["tool"] * 20
    folds = controls.leave_one_category_out(categories)
    predicted = controls.category_centroids(sparse, categories, folds)
    assert np.allclose(predicted[:20], sparse[20:].mean(axis=0))


# -- splits ----------------------------------------------------------------------------------------------------------


def test_leave_one_category_out_makes_a_fold_of_each():
    assert controls.leave_one_category_out(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]


def clustered(rng: np.random.Generator) -> np.ndarray:
    X = np.repeat(rng.normal(size=(12, 8)) * 10, 5, axis=0) + rng.normal(size=(60, 8))
    X.flags.writeable = False
    return X


def test_cluster_words_finds_planted_clusters_and_finer_grains_split_coarser_ones():
    X = clustered(np.random.default_rng(29))
    found = controls.cluster_words(X, 12)
    assert len({(a, b) for a, b in zip(found.tolist(), (np.arange(60) // 5).tolist(), strict=True)}) == 12
    coarse = controls.cluster_words(X, 4)
    assert len(set(zip(found.tolist(), coarse.tolist(), strict=True))) == 12


def test_cluster_folds_keep_clusters_whole_and_come_out_even():
    X = clustered(np.random.default_rng(30))
    folds = controls.cluster_folds(X, 4, rng=np.random.default_rng(31), n_clusters=12)
    assert np.bincount(folds).tolist() == [15] * 4
    assert all(len(set(folds[i : i + 5])) == 1 for i in range(0, 60, 5))


def test_cluster_folds_split_a_cluster_larger_than_a_fold():
    rng = np.random.default_rng(32)
    X = np.concatenate([rng.normal(size=(70, 8)), 20 + rng.normal(size=(30, 8))])
    assert np.bincount(controls.cluster_folds(X, 5, rng=rng)).max() <= 30


def test_near_duplicates_share_a_fold_and_others_do_not_have_to():
    rng = np.random.default_rng(33)
    X = np.repeat(rng.normal(size=(40, 12)), 2, axis=0) + 0.01 * rng.normal(size=(80, 12))
    folds = controls.near_duplicate_folds(X, 5, threshold=0.95, rng=rng)
    assert (folds[::2] == folds[1::2]).all() and np.bincount(folds).tolist() == [16] * 5
    with pytest.raises(ExplaintError, match="raise the threshold"):
        controls.near_duplicate_folds(X, 5, threshold=-0.9, rng=rng)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda rng: controls.curveball(np.array([[1.0, np.nan], [0, 1]]), rng=rng), "1 missing and 0 negative"),
        (lambda rng: controls.curveball(np.ones((1, 3)), rng=rng), "at least 2 words"),
        (lambda rng: controls.swap_neighbours(np.ones((4, 2)), 4, rng=rng), "from 1 to the number of other words"),
        (lambda rng: controls.gaussian_like(np.full((4, 2), np.nan), rng=rng), "4 word vectors hold NaN"),
        (lambda rng: controls.first_letter("word"), "found one string"),
        (lambda rng: controls.first_letter(["owl", " "]), "an empty one at row 1"),
        (lambda rng: controls.hash_bits(["a"], 513), "from 1 to 512"),
        (lambda rng: controls.length_differences(["a"], 2, rng=rng), "from 1 to 1"),
        (lambda rng: controls.character_ngrams(["ab", "cd"]), "no n-gram"),
        (lambda rng: controls.character_ngrams(["ab"], sizes=()), "sizes of n-grams"),
        (lambda rng: controls.character_ngrams(["ab"], sizes=(0, 1)), "sizes of n-grams"),
        (lambda rng: controls.swap_neighbours(np.ones((4, 2)), 0, rng=rng), "from 1 to the number of other words"),
        (lambda rng: controls.swap_neighbours(np.ones((4, 2)), 1, within=["a"] * 3, rng=rng), "each of 4 words"),
        (lambda rng: controls.near_duplicate_folds(np.eye(3), 4, threshold=0.5, rng=rng), "from 2 to the number"),
        (lambda rng: controls.near_duplicate_folds(np.eye(3), 1, threshold=0.5, rng=rng), "from 2 to the number"),
        (lambda rng: controls.cluster_words(np.ones((3, 2)), 0), "from 1 to 3"),
        (lambda rng: controls.hash_bits(["a"], 0), "from 1 to 512"),
        (lambda rng: controls.length_differences(["a"], 0, rng=rng), "from 1 to 1"),
        (lambda rng: controls.curveball_mixing(np.ones((2, 3)), 0, rng=rng), "1 sweep"),
        (lambda rng: controls.category_centroids(np.ones((3, 2)), ["a"], np.arange(3)), "one entry a word"),
        (lambda rng: controls.leave_one_category_out(["a", "a"]), "at least 2 categories"),
        (lambda rng: controls.leave_one_category_out(["a", None]), "have no category"),
        (lambda rng: controls.cluster_words(np.ones((3, 2)), 4), "from 1 to 3"),
        (lambda rng: controls.cluster_folds(np.ones((3, 2)), 1, rng=rng), "2 <= n_folds"),
    ],
)
def test_bad_input_of_the_newer_controls_says_what_was_expected(call, says):
    with pytest.raises(ExplaintError, match=says):
        call(np.random.default_rng(0))


# --- features that repeat a part of the word ---


def test_features_in_name_finds_compounds_plurals_and_derivations_and_nothing_else():
    words = ["goldfish", "car", "oranges", "office", "cat"]
    features = ["a_fish", "made of gold", "beh_-_carries_things", "is_orange", "is off", "in_a_catalogue", "cats", "x"]
    marked = controls.features_in_name(words, features)
    found = {(words[i], features[j]) for i, j in np.argwhere(marked)}
    assert found == {("goldfish", "a_fish"), ("goldfish", "made of gold"), ("oranges", "is_orange"), ("cat", "cats")}
    assert marked.shape == (5, 8) and marked.dtype == bool


def test_features_in_name_does_not_take_fillers_for_parts():
    assert not controls.features_in_name(["withdrawal", "likely"], ["found with care", "likes more"]).any()


@pytest.mark.parametrize(("words", "features"), [([], ["a"]), (["a"], []), (["a", ""], ["b"]), ("cat", ["a"])])
def test_features_in_name_refuses(words, features):
    with pytest.raises(ExplaintError, match="expected"):
        controls.features_in_name(words, features)
