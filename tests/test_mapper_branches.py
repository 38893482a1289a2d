"""What mappers do seldom: rescue lost digits, reach the end of a grid, do without memory. Each where it shows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge as SklearnRidge

from explaint_lib._common import ExplaintError
from explaint_lib.mappers import FFNN, PLSR, CrossFit, Ridge, _components, make_folds, make_mapper
from explaint_lib.mappers._base import moments, sparse_moments
from explaint_lib.mappers._ffnn import _forward, _start_weights


def spectrum(values: np.ndarray, n: int, p: int, seed: int = 0) -> np.ndarray:
    """Return centred X (n, p) with these singular values."""
    rng = np.random.default_rng(seed)
    centred = rng.standard_normal((n, p))
    U = np.linalg.qr(centred - centred.mean(axis=0))[0][:, : len(values)]
    X = U * values @ np.linalg.qr(rng.standard_normal((p, len(values))))[0].T
    X.flags.writeable = False
    return X


def test_scores_stay_orthogonal_where_the_columns_of_x_nearly_coincide():
    sizes = np.logspace(0, -9, 10)
    X = spectrum(sizes, 40, 10)
    # targets as near to the small directions as to the large: each new score is a small rest of a large product
    Y = np.linalg.svd(X, full_matrices=False)[0] / sizes @ np.random.default_rng(1).standard_normal((10, 6))
    scores = PLSR(10, scale=False).fit(X, Y).x_scores_
    assert scores.shape == (40, 10)
    np.testing.assert_allclose(scores.T @ scores, np.eye(10), atol=1e-12)


def gram(size: int, values: list[float], seed: int = 0) -> np.ndarray:
    """Return a symmetric matrix with these eigenvalues before many small ones."""
    rest = np.linspace(0.5, 0.01, size - len(values))
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]
    return np.asfortranarray(Q * np.concatenate([values, rest]) @ Q.T)


def test_dominant_directions_are_found_step_by_step_and_where_steps_do_not_suffice_by_decomposing(monkeypatch):
    cases = [gram(90, [9.0, 4.0, 1.0]), gram(90, [1.0, 0.9]), gram(90, [2.0], seed=1), np.eye(90) * 3]
    lanczos = _components._Lanczos(90)
    with monkeypatch.context() as without:
        without.setattr(_components, "eigh", None)  # the steps alone
        steps = [lanczos.dominant(C) for C in cases]
    monkeypatch.setattr(_components, "_MAX_STEPS", 5)
    for C, found in zip(cases, steps, strict=True):
        exact = np.linalg.eigvalsh(C)[-1]
        for value, vector in (found, _components._Lanczos(90).dominant(C)):
            assert value == pytest.approx(exact, rel=1e-12)
            np.testing.assert_allclose(C @ vector, exact * vector, atol=1e-10)
            assert np.linalg.norm(vector) == pytest.approx(1)


@pytest.mark.parametrize("dense_up_to", [1200, 0])
@pytest.mark.parametrize("shape", [(40, 12), (12, 40)])
def test_small_principal_components_keep_their_digits(shape, dense_up_to, monkeypatch):
    monkeypatch.setattr(_components, "_DENSE_UP_TO", dense_up_to)
    values = np.logspace(0, -5.8, 8)  # squared, the last is 1e-12 of the first: a Gram matrix has lost its digits
    X = spectrum(values, *shape)
    scores = PLSR(8, scale=False).fit(X, X).x_scores_
    exact = np.linalg.svd(X, full_matrices=False)[0][:, :8]
    np.testing.assert_allclose(np.abs(exact.T @ scores), np.eye(8), atol=1e-8)


def test_the_grid_of_penalties_runs_from_a_tenth_to_ten_million_in_half_decades_and_both_ends_are_wanted():
    alphas = np.asarray(Ridge().alphas)
    assert (alphas[0], alphas[-1]) == pytest.approx((0.1, 1e7))
    np.testing.assert_allclose(alphas[1:] / alphas[:-1], 10**0.5)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 6))
    assert Ridge().fit(X, X @ rng.standard_normal((6, 4))).alpha_ == pytest.approx(0.1)
    noise = rng.standard_normal((80, 30))
    noise = noise - X @ np.linalg.lstsq(X, noise, rcond=None)[0]  # X says nothing at all: any slope is a loss
    hopeless = Ridge().fit(X, noise - noise.mean(axis=0))
    assert hopeless.alpha_ == pytest.approx(1e7)
    np.testing.assert_allclose(hopeless.predict(X), 0.0, atol=1e-4)


def test_ridge_that_keeps_no_matrices_finds_the_same(monkeypatch):
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((30, 8)), rng.standard_normal((30, 5))
    kept = Ridge().fit(X, Y)
    monkeypatch.setattr("explaint_lib.mappers._linear._KEEP_UP_TO_RANK", 3)
    np.testing.assert_array_equal(Ridge().fit(X, Y).loo_mse_, kept.loo_mse_)


@pytest.mark.parametrize("n_features", [4, 300], ids=["few features", "many features"])
def test_ridge_leave_one_out_of_sparse_targets_is_that_of_refits(n_features):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 7))
    X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    Y = rng.integers(1, 9, (40, n_features)) * (rng.random((40, n_features)) < 0.06) * 1.0
    fitted = Ridge((1.0, 50.0)).fit(X, Y)
    for alpha, error in zip(fitted.alphas, fitted.loo_mse_, strict=True):
        missed = [
            SklearnRidge(alpha).fit(np.delete(X, i, 0), np.delete(Y, i, 0)).predict(X[[i]])[0] - Y[i] for i in range(40)
        ]
        assert error == pytest.approx(np.mean(np.square(missed)))
    np.testing.assert_allclose(fitted.predict(X), SklearnRidge(fitted.alpha_).fit(X, Y).predict(X), atol=1e-9)


@pytest.mark.parametrize("mapper", [PLSR(3, scale=False), Ridge((500.0,)), PLSR(2)], ids=str)
def test_shared_fits_are_made_with_the_mappers_own_settings(mapper):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((36, 5)) * [1, 5, 0.2, 3, 1]
    Y = X @ rng.standard_normal((5, 5)) * [1, 9, 1, 0.1, 1] + rng.standard_normal((36, 5))
    folds = make_folds(36, 3, rng=rng)
    for given in (X, Y):  # the second: norms as their own input
        cross = CrossFit(mapper, given, folds)
        for fold in range(3):
            train, test = folds != fold, folds == fold
            alone = mapper.fit(given[train], Y[train]).predict(given[test])
            np.testing.assert_allclose(cross.predict(Y)[test], alone, atol=1e-9)


def test_of_component_counts_that_tie_the_smallest_is_chosen():
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((30, 4)), rng.standard_normal((30, 3))
    cross = CrossFit(PLSR(), X, make_folds(30, 3, rng=rng))
    best, scores = cross.choose_components(Y, [4, 2, 3], lambda predicted, gold: 1.0)
    assert best == 2 and scores.tolist() == [1, 1, 1]


def test_a_mapper_by_name_has_the_components_and_the_seed_it_was_given():
    assert make_mapper("plsr", components=7).n_components == 7
    assert make_mapper("ffnn", seed=7).random_state == 7


def test_which_words_share_a_fold_is_drawn():
    rng = np.random.default_rng(6)
    together = np.mean([folds[:, None] == folds for folds in (make_folds(9, 3, rng=rng) for _ in range(400))], axis=0)
    off = ~np.eye(9, dtype=bool)
    assert np.abs(together[off] - 2 / 8).max() < 4.5 * (0.25 * 0.75 / 400) ** 0.5


@pytest.mark.parametrize("n", [1, 2, 9])
def test_moments_of_sparse_and_dense_targets_are_those_of_numpy(n):
    A = np.random.default_rng(n).integers(0, 3, (n, 5)) * 1.0
    A[:, 4] = 2.0  # does not vary: not divided
    expected = np.where(np.ptp(A, axis=0) > 0, A.std(axis=0, ddof=1 if n > 1 else 0), 1.0)
    for mean, std in (moments(A), sparse_moments(sparse.csr_array(A))):
        np.testing.assert_allclose(mean, A.mean(axis=0))
        np.testing.assert_allclose(std, expected)
    assert (sparse_moments(sparse.csr_array(A), scale=False)[1] == 1).all()


# ---------------------------------------------------------------------------------------------------------------- FFNN


def linear_world(n=150):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((n, 5))
    return X, X @ rng.standard_normal((5, 3)) + 0.5 * rng.standard_normal((n, 3))


@pytest.mark.parametrize(
    "wrong",
    [{"hidden": 0}, {"batch_size": 0}, {"dropout": 1.0}, {"dropout": -0.1}, {"dev_share": 0.0}, {"dev_share": 1.0}],
)
def test_ffnn_refuses_settings_out_of_range_and_takes_those_at_its_ends(wrong):
    X, Y = linear_world(12)
    with pytest.raises(ExplaintError, match="FFNN expects"):
        FFNN(**wrong).fit(X, Y)
    FFNN(hidden=1, batch_size=1, dropout=0.0, dev_share=0.01, max_epochs=1).fit(X, Y)


def test_ffnn_gives_the_same_answer_in_other_units():
    X, Y = linear_world()
    settings = {"hidden": 20, "max_epochs": 5, "random_state": 0}
    plain = FFNN(**settings).fit(X, Y)
    turned = FFNN(**settings).fit(3 * X + 1, 100 * Y + 7)
    np.testing.assert_allclose(turned.predict(3 * X + 1), 100 * plain.predict(X) + 7, rtol=1e-3, atol=0.1)
    np.testing.assert_allclose(turned.dev_mse_, 1e4 * plain.dev_mse_, rtol=1e-3)


def test_ffnn_stops_when_its_patience_is_over_and_keeps_the_best_epoch():
    X, Y = linear_world()
    settings = {"hidden": 30, "learning_rate": 0.05, "patience": 4, "random_state": 1, "dev_share": 0.5, "dropout": 0.0}
    long = FFNN(max_epochs=200, **settings).fit(X, Y)
    errors = long.dev_mse_
    assert len(errors) < 201 and 0 < long.n_epochs_ == np.argmin(errors) == len(errors) - 1 - 4
    assert errors[0] == pytest.approx(((Y - Y.mean(axis=0)) ** 2).mean(), rel=0.25)  # it starts at the mean profile
    stopped = FFNN(max_epochs=long.n_epochs_, **settings).fit(X, Y)
    np.testing.assert_array_equal(stopped.predict(X), long.predict(X))
    np.testing.assert_array_equal(stopped.dev_mse_, errors[: long.n_epochs_ + 1])


def test_ffnn_drops_units_at_the_rate_asked_for_and_keeps_their_mean():
    import torch

    generator = torch.Generator().manual_seed(0)
    weights = [torch.zeros(2, 4000), torch.full((4000,), 0.5), torch.eye(4000), torch.zeros(4000)]
    kept = _forward(torch.zeros(1, 2), weights, 0.3, generator)[0].numpy()
    assert (kept == 0).mean() == pytest.approx(0.3, abs=0.04)
    assert kept.mean() == pytest.approx(np.tanh(0.5), abs=0.03)
    W1, b1, W2, b2 = _start_weights(16, 400, 3, generator)
    for uniform in (W1, b1):
        assert 0.24 < float(uniform.detach().abs().max()) <= 0.25 and abs(float(uniform.detach().mean())) < 0.03
    assert W1.shape == (16, 400) and not W2.any() and not b2.any() and b2.shape == (3,)


def test_ffnn_moves_at_the_rate_asked_for():
    X, Y = linear_world()
    settings = {"max_epochs": 3, "random_state": 0, "dropout": 0.0}
    slow, fast = (FFNN(learning_rate=rate, **settings).fit(X, Y).predict(X) - Y.mean(axis=0) for rate in (1e-8, 0.01))
    assert np.abs(slow).max() < 1e-4 < 0.1 < np.abs(fast).max()
