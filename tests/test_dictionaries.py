"""Sparse autoencoders: they find what was planted, miss what is too rare, and read nothing they should not."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import dictionaries, planted
from explaint_lib._common import ExplaintError


def world(decay, **sizes):
    """Draw a world, of another seed than any dictionary: with the same one, its start would be the truth."""
    sizes = {"n_features": 40, "dim": 24, "n_present": 2.0} | sizes
    return planted.superposition(3000, decay=decay, rng=np.random.default_rng(100), **sizes)


def fit(X, seed=0, **options):
    options = {"n_features": 64, "k": 3, "n_steps": 600} | options
    return dictionaries.fit_autoencoder(X, rng=np.random.default_rng(seed), **options)


@pytest.fixture(scope="module")
def easy():
    made = world(0.0)
    made.vectors.flags.writeable = False
    return made, fit(made.vectors[:2000])


def explained(found, X):
    return dictionaries.variance_explained(X, found.rebuilt(found.codes(X))).mean()


def test_equally_frequent_features_are_found_and_frozen_directions_find_none(easy):
    made, found = easy
    assert dictionaries.recovered(found.directions, made.directions).mean() > 0.7
    assert explained(found, made.vectors[2000:]) > 0.75
    frozen = fit(made.vectors[:2000], fixed_directions=True)
    assert dictionaries.recovered(frozen.directions, made.directions).mean() < 0.1
    assert explained(frozen, made.vectors[2000:]) < explained(found, made.vectors[2000:]) - 0.2


def test_frozen_directions_stay_as_they_were_drawn_and_seeds_repeat():
    X = world(0.0).vectors[:300]
    one, same, other = (fit(X, seed, n_steps=5, fixed_directions=True) for seed in (1, 1, 2))
    longer = fit(X, 1, n_steps=9, fixed_directions=True)
    np.testing.assert_array_equal(one.directions, longer.directions)
    np.testing.assert_array_equal(one.weights, same.weights)
    assert (one.weights != longer.weights).any() and (one.directions != other.directions).any()
    moved = fit(X, 1, n_steps=5)
    assert (moved.directions != one.directions).any()
    np.testing.assert_allclose(np.linalg.norm(moved.directions, axis=1), 1, rtol=1e-5)


def test_rare_features_are_missed_while_most_of_the_variance_is_explained():
    made = world(1.0, n_features=300, dim=24, n_present=5.0)
    found = fit(made.vectors[:2000], n_features=96, k=6, n_steps=300)
    got = dictionaries.recovered(found.directions, made.directions)
    assert explained(found, made.vectors[2000:]) > 0.5 and got.mean() < 0.15
    assert got[:20].mean() >= got[100:].mean()


def test_codes_are_the_k_largest_of_the_encoder(easy):
    made, found = easy
    X = made.vectors[:50]
    read = np.maximum((X - found.mean) / found.scale @ found.weights + found.bias, 0)
    codes = found.codes(X)
    for row, code in zip(read, codes, strict=True):
        keep = np.argsort(-row)[:3]
        np.testing.assert_allclose(code[keep], row[keep], atol=1e-5)
        assert np.delete(code, keep).max() == 0
    np.testing.assert_allclose(
        found.rebuilt(codes), codes @ found.directions * found.scale + made.vectors[:2000].mean(axis=0), atol=1e-4
    )


def test_variance_explained_is_the_textbooks():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5)) + 3
    guess = X + 0.3 * rng.standard_normal(X.shape)
    each = dictionaries.variance_explained(X, guess)
    assert each.mean() == pytest.approx(1 - ((X - guess) ** 2).sum() / ((X - X.mean(0)) ** 2).sum())
    assert dictionaries.variance_explained(X, np.broadcast_to(X.mean(0), X.shape)).mean() == pytest.approx(0)


def test_a_dead_feature_is_one_that_nothing_excites():
    assert dictionaries.dead_features(np.array([[0, 1.0, 0], [2, 0, 0]])) == pytest.approx(1 / 3)


def test_names_fit_where_features_are_types_and_not_where_the_types_of_other_texts_are_given():
    rng = np.random.default_rng(0)
    labels, new = rng.integers(8, size=400), rng.integers(8, size=100)
    codes, new_codes = (np.eye(8)[one] * rng.uniform(1, 2, (len(one), 1)) for one in (labels, new))
    assert dictionaries.label_fit(codes, labels, new_codes, new).mean() == 1
    assert dictionaries.label_fit(codes, rng.permutation(labels), new_codes, new).mean() < 0.3
    assert dictionaries.label_fit(codes, labels, new_codes, rng.permutation(new)).mean() < 0.3
    weaker = new_codes + 0.5 * np.eye(8)[(new + 1) % 8]  # the strongest feature decides
    assert dictionaries.label_fit(codes, labels, weaker, new).mean() == 1


def test_examples_that_do_not_excite_a_feature_are_no_names():
    codes = np.array([[2.0, 0], [0, 1.0], [0, 1.0]])
    found = dictionaries.label_fit(codes, np.array([4, 4, 4]), np.array([[1.0, 0], [0, 0]]), np.array([4, 4]), n_top=2)
    assert found[0] == 0.5 and np.isnan(found[1])


def test_a_direction_is_found_by_its_own_sign_and_at_any_length():
    true = np.eye(3)
    assert dictionaries.recovered(np.array([[5.0, 0, 0], [0, -1, 0], [0, 0.5, 1.1]]), true).tolist() == [
        True,
        False,
        True,
    ]
    assert dictionaries.recovered(np.array([[0, 0.5, 1.1]]), true, least=0.95).tolist() == [False] * 3


def test_a_superposition_is_what_it_says():
    made = world(1.0, n_features=200, n_present=4.0)
    np.testing.assert_allclose(np.linalg.norm(made.directions, axis=1), 1)
    assert made.frequency[0] == pytest.approx(0.5) or made.frequency[0] == pytest.approx(2 * made.frequency[1])
    assert made.frequency[9] == pytest.approx(10 * made.frequency[99])
    assert np.unique(world(0.0).frequency).size == 1 and world(0.0).frequency.sum() == pytest.approx(2)
    strength = np.linalg.lstsq(world(0.0, n_features=20).directions.T, world(0.0, n_features=20).vectors.T)[0]
    assert (strength > 1e-9).mean() == pytest.approx(0.1, abs=0.01) and strength.min() > -1e-9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit(np.full((5, 3), np.nan)), "without gaps"),
        (lambda: fit(np.ones(5)), r"found shape \(5,\)"),
        (lambda: fit(np.ones((5, 3)), k=64), r"k must lie in 1\.\.63"),
        (lambda: fit(np.eye(5), n_steps=1).codes(np.ones((2, 4))), r"expected vectors \(n, 5\)"),
        (lambda: dictionaries.variance_explained(np.ones((2, 3)), np.ones((3, 2))), "one shape"),
        (lambda: dictionaries.label_fit(np.ones((3, 2)), np.ones(2), np.ones((1, 2)), np.ones(1)), "n labels, twice"),
        (lambda: dictionaries.label_fit(np.ones((3, 2)), np.ones(3), np.ones((1, 2)), np.ones(1)), r"n_top .* 1\.\.3"),
        (lambda: world(-1.0), "decay of 0 or more"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ExplaintError, match=message):
        call()
