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
