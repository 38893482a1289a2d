"""Mappers: scikit-learn's contract, agreement with independent implementations, planted truths, gaps, folds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.utils.estimator_checks import parametrize_with_checks

from explaint_lib import mappers
from explaint_lib._common import ExplaintError
from explaint_lib.mappers import FFNN, PLSR, CrossFit, MeanProfile, Ridge, make_folds, make_mapper

# No check is expected to fail. (Missing targets are allowed; check_supervised_y_no_nan has nothing but NaN, an error.)
EXPECTED_FAILURES: dict[str, dict[str, str]] = {}


@parametrize_with_checks(
    [PLSR(n_components=5), Ridge(), MeanProfile(), FFNN(hidden=30, max_epochs=60)],
    expected_failed_checks=lambda mapper: EXPECTED_FAILURES.get(type(mapper).__name__, {}),
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def frozen(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays if len(arrays) > 1 else arrays[0]


def planted(n=120, p=20, m=15, rank=4, noise=0.1, seed=0):
    """Return read-only X, Y and the noiseless part of Y, linear in X through `rank` directions."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * np.linspace(1, 3, p)
    truth = X @ rng.standard_normal((p, rank)) @ rng.standard_normal((rank, m)) / p**0.5
    return frozen(X, truth + noise * truth.std() * rng.standard_normal((n, m)), truth)


def exact_sklearn(n_components, scale=True):
    """Return scikit-learn's PLS2 with its exact SVD in place of the power iteration that stops early."""
    model = PLSRegression(n_components, scale=scale)
    model.algorithm = "svd"
    return model


def r2(predicted, gold):
    return 1 - np.nansum((predicted - gold) ** 2) / np.nansum((gold - np.nanmean(gold, axis=0)) ** 2)


# ---------------------------------------------------------------------------------------------------------------- PLSR

SHAPES = {
    "tall": (90, 10, 6),
    "one target": (60, 12, 1),
    "more dims than words": (30, 100, 12),
    "more targets than words": (40, 15, 90),
    "both wide": (25, 60, 70),
    "few dims, many targets": (50, 4, 30),
    "large enough for Lanczos": (110, 90, 150),
}


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_plsr_agrees_with_scikit_learn(shape, scale):
    n, p, m = shape
    X, Y, _ = planted(n, p, m, rank=min(p, m, 5), noise=1.0, seed=n)
    new = np.random.default_rng(1).standard_normal((7, p))
    for count in {1, 3, min(n - 1, p)}:
        ours = PLSR(count, scale=scale).fit(X, Y)
        theirs = exact_sklearn(count, scale).fit(X, Y)
        assert ours.n_components_ == count
        np.testing.assert_allclose(ours.predict(new), theirs.predict(new), rtol=0, atol=1e-8 * np.abs(Y).max())


def test_plsr_agrees_with_converged_nipals():
    X, Y, _ = planted(80, 12, 9, noise=1.0)
    theirs = PLSRegression(6, tol=1e-26, max_iter=50_000).fit(X, Y)
    np.testing.assert_allclose(PLSR(6).fit(X, Y).predict(X), theirs.predict(X), atol=1e-9)


def test_plsr_constant_columns_stay_constant():
    X, Y, _ = (np.array(a) for a in planted(40, 8, 6, noise=1.0))
    X[:, 2], Y[:, 3] = 0.1, 7.3  # 0.1 is not exact in binary: its standard deviation comes out as 1e-17, not 0
    ours = PLSR(4).fit(frozen(X), frozen(Y))
    np.testing.assert_allclose(ours.predict(X)[:, 3], 7.3, rtol=1e-12)
    X0, Y0 = X - [0.1 * (j == 2) for j in range(8)], Y - [7.3 * (j == 3) for j in range(6)]
    np.testing.assert_allclose(ours.predict(X)[:, :3], exact_sklearn(4).fit(X0, Y0).predict(X0)[:, :3], atol=1e-8)


def near_degenerate(gap, seed=0, n=60, p=8, m=10):
    """Return centred X with orthonormal columns, and Y with covariance singular values 1, 1 - gap, .5, .3."""
    rng = np.random.default_rng(seed)
    X = np.linalg.qr(np.column_stack([np.ones(n), rng.standard_normal((n, p))]))[0][:, 1:]
    V = np.linalg.qr(rng.standard_normal((m, 4)))[0]
    U = np.linalg.qr(rng.standard_normal((p, 4)))[0]
    return frozen(X, X @ U * [1, 1 - gap, 0.5, 0.3] @ V.T)


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6, 1e-8])
def test_plsr_near_degenerate_components_agree_to_rounding_over_the_gap(gap):
    X, Y = near_degenerate(gap)
    for count in (1, 2, 3):
        difference = PLSR(count, scale=False).fit(X, Y).predict(X) - exact_sklearn(count, False).fit(X, Y).predict(X)
        assert np.abs(difference).max() < 1e-14 / (gap if count == 1 else 1e-2)


def test_plsr_exactly_degenerate_pair_is_one_plane():
    X, Y = near_degenerate(0.0)
    first = PLSR(1, scale=False).fit(X, Y)
    w = first.x_rotations_[:, 0] / np.linalg.norm(first.x_rotations_)
    assert np.linalg.norm(Y.T @ X @ w) == pytest.approx(1)  # some dominant direction, which one is not determined
    both, theirs = PLSR(2, scale=False).fit(X, Y), exact_sklearn(2, False).fit(X, Y)
    np.testing.assert_allclose(both.predict(X), theirs.predict(X), atol=1e-12)  # the pair together is


def test_plsr_refreshes_the_covariance_when_it_shrinks_by_orders_of_magnitude():
    # ten orders of magnitude: the squares that are updated have lost all their digits long before the last component
    rng = np.random.default_rng(0)
    U, V = np.linalg.qr(rng.standard_normal((60, 30)))[0], np.linalg.qr(rng.standard_normal((30, 30)))[0]
    X, Y = U, U * np.logspace(0, -10, 30) @ V
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    ours, theirs = PLSR(28, scale=False).fit(X, Y), exact_sklearn(28, False).fit(X, Y)
    residual = np.abs(theirs.predict(X) - Y).max()
    assert residual < 1e-10 and ours.n_components_ == 28
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-2 * residual)  # without it, 6 times residual


def test_plsr_components_are_bounded_by_words_dims_and_rank():
    X, Y, _ = planted(12, 30, 5, noise=1.0)
    assert PLSR(50).fit(X, Y).n_components_ == 11  # n - 1: centring takes one
    assert PLSR(50).fit(X[:, :3], Y).n_components_ == 3
    low = X[:, :2] @ np.ones((2, 6)) + X[:, :1] * np.arange(6)
    assert PLSR(50, scale=False).fit(low, Y).n_components_ == 2
    assert PLSR(50).fit(X, np.ones((12, 4))).n_components_ == 0
    np.testing.assert_allclose(PLSR(50).fit(X, np.ones((12, 4))).predict(X), 1.0)


def test_plsr_scores_are_orthonormal_and_rotations_give_them_back():
    X, Y, _ = planted(40, 60, 20, noise=1.0)
    fitted = PLSR(30).fit(X, Y)
    np.testing.assert_allclose(fitted.x_scores_.T @ fitted.x_scores_, np.eye(30), atol=1e-12)
    np.testing.assert_allclose(fitted._scores(X), fitted.x_scores_, atol=1e-9)


def test_plsr_missing_cells_against_the_definition():
    X, Y, _ = (np.array(a) for a in planted(60, 10, 5, noise=1.0))
    Y[::4, 2] = np.nan
    seen = ~np.isnan(Y[:, 2])
    Xs = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    Ys = (Y - np.nanmean(Y, axis=0)) / np.nanstd(Y, axis=0, ddof=1)
    reference = exact_sklearn(3, scale=False).fit(Xs, np.nan_to_num(Ys))
    T = Xs @ reference.x_rotations_
    design = np.column_stack([np.ones(60), T])
    expected = design @ np.linalg.lstsq(design[seen], Y[seen, 2], rcond=None)[0]
    np.testing.assert_allclose(PLSR(3).fit(X, frozen(Y)).predict(X)[:, 2], expected, atol=1e-8)


def test_plsr_recovers_a_planted_map_through_missing_cells():
    X, Y, truth = planted(200, 15, 12, rank=3, noise=0.02)
    holed = np.array(Y)
    # missing not at random: the larger half of one feature, where treating gaps as means or zeros must fail
    gone = np.array(truth[:, 0] > np.quantile(truth[:, 0], 0.6))
    holed[gone, 0] = np.nan
    predicted = PLSR(3).fit(X, frozen(holed)).predict(X)
    assert r2(predicted[gone, 0], truth[gone, 0]) > 0.75
    filled = np.where(np.isnan(holed), np.nanmean(holed, axis=0), holed)
    assert r2(PLSR(3).fit(X, filled).predict(X)[gone, 0], truth[gone, 0]) < 0


@pytest.mark.parametrize("name", mappers.MAPPERS)
def test_missing_x_and_empty_features_are_errors(name):
    X, Y, _ = (np.array(a) for a in planted(20, 4, 3))
    Y[:, 1] = np.nan
    with pytest.raises(ExplaintError, match="every feature needs an observed value"):
        make_mapper(name).fit(X, Y)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        make_mapper(name).fit(X, np.nan_to_num(Y))


# ------------------------------------------------------------------------------------------------------- ridge and mean


@pytest.mark.parametrize("shape", [(40, 10, 6), (25, 60, 30)], ids=["tall", "wide"])
def test_ridge_leave_one_out_equals_refitting(shape):
    X, Y, _ = planted(*shape, noise=1.0)
    Xs = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    alphas = (1e-6, 0.1, 3.0, 100.0, 1e4)
    errors = []
    for alpha in alphas:
        refits = [
            SklearnRidge(alpha).fit(np.delete(Xs, i, 0), np.delete(Y, i, 0)).predict(Xs[[i]])[0] - Y[i]
            for i in range(len(X))
        ]
        errors.append(np.mean(np.square(refits)))
    fitted = Ridge(alphas).fit(X, Y)
    np.testing.assert_allclose(fitted.loo_mse_, errors, rtol=1e-9)
    assert fitted.alpha_ == alphas[int(np.argmin(errors))]
    expected = SklearnRidge(fitted.alpha_).fit(Xs, Y).predict(Xs)
    np.testing.assert_allclose(fitted.predict(X), expected, atol=1e-9)


def test_ridge_solves_incomplete_features_on_their_observed_words():
    X, Y, _ = (np.array(a) for a in planted(50, 8, 5, noise=1.0))
    Y[:10, 1] = np.nan
    Y[:10, 3] = np.nan
    Y[5:30, 4] = np.nan
    fitted = Ridge((30.0,)).fit(frozen(X), frozen(Y))
    Xs = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    squares = 0.0
    for j in range(5):
        seen = np.flatnonzero(~np.isnan(Y[:, j]))
        np.testing.assert_allclose(
            fitted.predict(X)[:, j], SklearnRidge(30.0).fit(Xs[seen], Y[seen, j]).predict(Xs), atol=1e-9
        )
        for i in seen:
            rest = seen[seen != i]
            squares += (SklearnRidge(30.0).fit(Xs[rest], Y[rest, j]).predict(Xs[[i]])[0] - Y[i, j]) ** 2
    assert fitted.loo_mse_[0] == pytest.approx(squares / np.count_nonzero(~np.isnan(Y)))


def test_ridge_shrinks_an_unpredictable_target_to_the_mean_and_rejects_bad_penalties():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((60, 30)), rng.standard_normal((60, 200))
    fitted = Ridge().fit(X, Y)
    assert fitted.alpha_ >= 1e3
    assert np.abs(fitted.predict(X) - Y.mean(axis=0)).max() < 0.1
    with pytest.raises(ExplaintError, match="positive"):
        Ridge((0.0, 1.0)).fit(X, Y)


def test_mean_profile_uses_observed_cells_of_training_words_only():
    X, Y = np.zeros((6, 1)), np.array([[1.0], [2.0], [np.nan], [4.0], [5.0], [np.nan]])
    folds = np.array([0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(CrossFit(MeanProfile(), X, folds).predict(Y)[:, 0], [4.5] * 3 + [1.5] * 3)


# ---------------------------------------------------------------------------------------------------------------- FFNN


def test_ffnn_is_deterministic_and_leaves_the_global_generators_alone():
    import torch

    X, Y, _ = planted(60, 6, 4)
    torch.manual_seed(3)
    np.random.seed(3)
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy()
    first = FFNN(hidden=20, max_epochs=15, random_state=1).fit(X, Y).predict(X)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    torch.manual_seed(99)
    np.testing.assert_array_equal(first, FFNN(hidden=20, max_epochs=15, random_state=1).fit(X, Y).predict(X))
    assert np.abs(first - FFNN(hidden=20, max_epochs=15, random_state=2).fit(X, Y).predict(X)).max() > 1e-3


def test_ffnn_learns_what_no_linear_map_can():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 4))
    Y = np.column_stack([X[:, 0] * X[:, 1], np.abs(X[:, 2]), np.sign(X[:, 3]) * X[:, 0]]) + 5
    train, test = slice(0, 500), slice(500, 600)
    network = FFNN(hidden=100, dropout=0.1, learning_rate=1e-2, patience=30, random_state=0).fit(X[train], Y[train])
    assert r2(network.predict(X[test]), Y[test]) > 0.6
    assert r2(Ridge().fit(X[train], Y[train]).predict(X[test]), Y[test]) < 0.1


def test_ffnn_starts_at_the_mean_profile_and_keeps_it_for_unpredictable_targets():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((80, 10)), rng.standard_normal((80, 30)) + 3
    fitted = FFNN(random_state=0, max_epochs=30).fit(X, Y)
    assert fitted.n_epochs_ == np.argmin(fitted.dev_mse_)
    assert np.abs(fitted.predict(X) - Y.mean(axis=0)).mean() < 0.3


def test_ffnn_leaves_missing_cells_out_of_the_loss():
    X, Y, truth = planted(300, 6, 3, rank=2, noise=0.02)
    holed = np.array(Y)
    gone = np.random.default_rng(0).random(300) < 0.5
    holed[gone, 0] = np.nan
    network = FFNN(hidden=50, dropout=0.0, learning_rate=1e-2, random_state=0)
    assert r2(network.fit(X, frozen(holed)).predict(X)[gone, 0], truth[gone, 0]) > 0.9


def test_ffnn_weighs_a_rare_feature_by_its_frequency_not_by_its_deviation():
    X, Y, _ = (np.array(a) for a in planted(100, 5, 2))
    rare = np.zeros((100, 1))
    rare[3] = 1e-3
    fitted = FFNN(random_state=0, max_epochs=5).fit(X, np.hstack([Y, rare]))
    assert np.abs(fitted.predict(X)[:, 2]).max() < 0.2
    with pytest.raises(ExplaintError, match="dropout"):
        FFNN(dropout=1.0).fit(X, Y)


# --------------------------------------------------------------------------------------------------------------- folds


def test_folds_are_balanced_seeded_and_bounded():
    folds = make_folds(23, 5, rng=np.random.default_rng(0))
    assert sorted(np.bincount(folds)) == [4, 4, 5, 5, 5]
    np.testing.assert_array_equal(folds, make_folds(23, 5, rng=np.random.default_rng(0)))
    for n_folds in (1, 0, 24):
        with pytest.raises(ExplaintError, match="between 2 and the number of words"):
            make_folds(23, n_folds, rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", mappers.MAPPERS)
def test_cross_validation_never_sees_the_word_it_predicts(name):
    X, Y, _ = (np.array(a) for a in planted(40, 5, 3))
    folds = make_folds(40, 4, rng=np.random.default_rng(0))
    mapper = make_mapper(name, components=3, seed=5)
    before = mapper.get_params()
    predicted = CrossFit(mapper, frozen(X), frozen(folds)).predict(frozen(Y))
    assert mapper.get_params() == before and not hasattr(mapper, "n_features_in_")
    Y = Y.copy()
    Y[folds == 2] = 1e6
    again = CrossFit(mapper, X, folds).predict(Y)
    np.testing.assert_array_equal(predicted[folds == 2], again[folds == 2])
    assert np.abs(predicted[folds != 2] - again[folds != 2]).max() > 1e3


@pytest.mark.parametrize("name", ["plsr", "ridge", "ffnn"])
def test_planted_map_is_found_and_permuted_target_is_not(name):
    X, Y, _ = planted(150, 10, 8, noise=0.3)
    folds = make_folds(150, 5, rng=np.random.default_rng(0))
    mapper = make_mapper(name, components=4)
    perm = np.random.default_rng(1).permutation(150)
    assert r2(CrossFit(mapper, X, folds).predict(Y), Y) > 0.6
    assert r2(CrossFit(mapper, X, folds).predict(Y[perm]), Y[perm]) < 0.05


def test_cross_validation_errors_say_what_to_do():
    X, Y, _ = (np.array(a) for a in planted(12, 3, 2))
    folds = np.arange(12) % 3
    with pytest.raises(ExplaintError, match="one row a word"):
        CrossFit(MeanProfile(), X, folds).predict(Y[:5])
    with pytest.raises(ExplaintError, match="at least two folds"):
        CrossFit(MeanProfile(), X, np.zeros(12)).predict(Y)
    Y[folds != 1, 1] = np.nan
    with pytest.raises(ExplaintError, match="outside fold 1"):
        CrossFit(MeanProfile(), X, folds).predict(Y)
    with pytest.raises(ExplaintError, match="unknown mapper 'svm'; choose one of plsr"):
        make_mapper("svm")
    with pytest.raises(ExplaintError, match="at least 1"):
        PLSR(0).fit(X, X)
