"""PLSR against independent programs over shapes and component counts, and folds that share their X side."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.cross_decomposition import PLSRegression

from explaint_lib._common import ExplaintError
from explaint_lib.mappers import PLSR, Ridge, SharedFolds, cross_val_predict, cross_val_predict_path, make_folds
from explaint_lib.mappers._base import moments, sparse_moments
from explaint_lib.mappers._components import principal_components

# Two exact programs differ by rounding, multiplied by one over the relative gap between the two leading singular values
# of the deflated covariance (Davis-Kahan): over dozens of components of random data gaps of 1e-3 are common, and errors
# add up along the components. A billionth of the target's largest value is far above that and far below any effect.
AGREEMENT = 1e-9


def frozen(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays if len(arrays) > 1 else arrays[0]


def sparse_norms(n, m, density=0.06, seed=0):
    """Return read-only counts, mostly zero; every feature has two words at least, so that no fold leaves it empty."""
    rng = np.random.default_rng(seed)
    Y = rng.integers(1, 20, (n, m)) * (rng.random((n, m)) < density)
    Y[rng.integers(n, size=m), np.arange(m)] = 5
    Y[rng.integers(n, size=m), np.arange(m)] = 7
    return frozen(Y.astype(float))


def vectors(n, p, Y, seed=1):
    """Return read-only vectors that hold something about the norms."""
    rng = np.random.default_rng(seed)
    return frozen(Y @ rng.standard_normal((Y.shape[1], p)) / 10 + rng.standard_normal((n, p)) * np.linspace(0.2, 3, p))


# --- against independent programs ---

SHAPES = {
    "tall": (140, 60, 200),
    "narrow": (120, 5, 90),
    "wide": (50, 130, 170),
    "few targets": (90, 70, 8),
    "one target": (80, 60, 1),
    "more words than all else": (300, 64, 30),
}


@pytest.mark.parametrize("name", SHAPES)
def test_plsr_agrees_with_ikpls_at_every_component_count(name):
    ikpls = pytest.importorskip("ikpls.numpy")
    n, p, m = SHAPES[name]
    Y = sparse_norms(n, m, 0.2)
    X = vectors(n, p, Y)
    most = min(40, n - 1, p)
    new = np.random.default_rng(3).standard_normal((9, p))
    theirs = ikpls.PLS(algorithm=1 if n > p else 2, ddof=1)
    theirs.fit(X, Y, most)
    path = PLSR(most).fit(X, Y).predict_path(new, range(1, most + 1))
    np.testing.assert_allclose(path, theirs.predict(new), rtol=0, atol=AGREEMENT * 20 * np.abs(Y).max())


def test_every_component_count_agrees_with_scikit_learn_on_sparse_norms():
    Y = sparse_norms(90, 160)
    X = vectors(90, 70, Y)
    path = PLSR(30).fit(X, Y).predict_path(X, [1, 2, 7, 30])
    for predicted, count in zip(path, (1, 2, 7, 30), strict=True):
        theirs = PLSRegression(count)
        theirs.algorithm = "svd"
        np.testing.assert_allclose(predicted, theirs.fit(X, Y).predict(X), rtol=0, atol=AGREEMENT * Y.max())


@pytest.mark.parametrize("shape", [(60, 150), (150, 60)], ids=["wide", "tall"])
@pytest.mark.parametrize("scale", [True, False])
def test_norms_as_their_own_input_are_principal_components(shape, scale):
    Y = sparse_norms(*shape, 0.3)
    count = 12
    ours = PLSR(count, scale=scale).fit(Y, Y)
    theirs = PLSRegression(count, scale=scale)
    theirs.algorithm = "svd"
    new = sparse_norms(15, shape[1], 0.3, seed=9)
    np.testing.assert_allclose(ours.predict(new), theirs.fit(Y, Y).predict(new), rtol=0, atol=AGREEMENT * Y.max())
    std = Y.std(axis=0, ddof=1) if scale else 1.0
    Vt = np.linalg.svd((Y - Y.mean(axis=0)) / std)[2][:count]
    expected = (new - Y.mean(axis=0)) / std @ Vt.T @ Vt * std + Y.mean(axis=0)
    np.testing.assert_allclose(ours.predict(new), expected, atol=1e-9)


def test_principal_components_of_large_norms_are_found_without_a_matrix_of_words(monkeypatch):
    Y = sparse_norms(80, 120, 0.2)
    mean, std = moments(Y)
    exact = principal_components(Y, mean, std, 9)
    monkeypatch.setattr("explaint_lib.mappers._components._DENSE_UP_TO", 10)
    for side in (Y, Y.T.copy()):
        mean, std = moments(side)
        T, P = principal_components(sparse.csr_array(side), mean, std, 9)
        np.testing.assert_allclose(T.T @ T, np.eye(9), atol=1e-10)
        np.testing.assert_allclose(((side - mean) / std).T @ T, P, atol=1e-8)
        if side is Y:
            np.testing.assert_allclose(T @ P.T, exact[0] @ exact[1].T, atol=1e-8)


def test_norms_that_lost_rank_end_early():
    Y = np.repeat(sparse_norms(6, 40, 0.3), 4, axis=0)  # 24 words, 6 of them different
    assert PLSR(20).fit(Y, Y).n_components_ == 5
    X = vectors(24, 30, Y)
    same_words = np.repeat(X.reshape(6, 4, 30).mean(axis=1), 4, axis=0)
    np.testing.assert_allclose(PLSR(20).fit(Y, X).predict(Y), same_words)


def test_sparse_moments_are_the_moments():
    Y = np.array(sparse_norms(30, 50))
    Y[:, 3], Y[:, 4], Y[:, 5] = 0, 0.1, 1e-9 * Y[:, 6]
    for scale in (True, False):
        for ours, theirs in zip(sparse_moments(sparse.csr_array(Y), scale), moments(Y, scale), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=0)


# --- shared folds ---


def cases():
    n = 66
    rare = sparse_norms(n, 150)
    rng = np.random.default_rng(5)
    holed = rng.standard_normal((n, 12))
    holed[4:20, 2] = np.nan
    holed[30:33, 5:8] = np.nan
    wide = frozen(rng.standard_normal((n, 120)))
    unseen = np.array(rare)
    unseen[:, 0] = 0
    unseen[8, 0] = 3.0  # a feature that no training word has when word 8 is held out
    return {
        "sparse": (vectors(n, 20, rare), rare),
        "dense": (vectors(n, 20, rare), frozen(rng.standard_normal((n, 30)))),
        "missing": (vectors(n, 20, rare), frozen(holed)),
        "wide": (wide, rare),
        "norms as input of other norms": (rare, frozen(np.ascontiguousarray(rare[::-1]))),
        "norms as their own input": (rare, rare),
        "an unseen feature": (vectors(n, 20, rare), frozen(unseen)),
    }


@pytest.mark.parametrize("mapper", ["plsr", "ridge"])
@pytest.mark.parametrize("name", cases())
def test_shared_folds_equal_a_fit_for_each_fold(name, mapper):
    X, Y = cases()[name]
    folds = make_folds(len(X), 4, rng=np.random.default_rng(0))
    estimator = PLSR(8) if mapper == "plsr" else Ridge()
    shared = SharedFolds(X, folds, mapper=mapper, n_components=8)
    rng = np.random.default_rng(1)
    for target in (Y, Y[rng.permutation(len(Y))], rng.permuted(np.nan_to_num(Y), axis=0), Y):
        expected = cross_val_predict(estimator, X, target, folds)
        np.testing.assert_allclose(shared.predict(target), expected, atol=1e-9 * np.nanmax(np.abs(Y)))
        predicted, compact = shared.predict_compact(target)
        np.testing.assert_allclose(predicted, expected, atol=1e-9 * np.nanmax(np.abs(Y)))
        np.testing.assert_allclose(compact @ compact.T, expected @ expected.T, atol=1e-6)


def test_compact_predictions_are_shorter():
    X, Y = cases()["sparse"]
    folds = make_folds(len(X), 4, rng=np.random.default_rng(0))
    assert SharedFolds(X, folds, n_components=5).predict_compact(Y)[1].shape == (66, 24)


def test_shared_path_equals_the_path():
    X, Y = cases()["sparse"]
    folds = make_folds(len(X), 3, rng=np.random.default_rng(0))
    path = SharedFolds(X, folds, scale=False).predict_path(Y, [0, 3, 9])
    np.testing.assert_allclose(path, cross_val_predict_path(PLSR(scale=False), X, Y, folds, [0, 3, 9]), atol=1e-9)
    itself = SharedFolds(Y, folds).predict_path(Y, [1, 6])
    np.testing.assert_allclose(itself[0], cross_val_predict(PLSR(1), Y, Y, folds), atol=1e-9)


def test_a_permutation_of_rows_repeats_the_whole_fit():
    """Rows that cross folds change the training columns' deviations: reusing the old ones gives another answer."""
    X, Y = cases()["sparse"]
    folds = make_folds(len(X), 3, rng=np.random.default_rng(0))
    permutation = np.random.default_rng(2).permutation(len(Y))
    right = SharedFolds(X, folds, n_components=8).predict(Y[permutation])
    train, test = folds != 0, folds == 0
    mean, std = moments(Y[train])  # of the words that were in training before the permutation
    Xs = (X - X[train].mean(axis=0)) / X[train].std(axis=0, ddof=1)
    wrong = PLSR(8, scale=False).fit(Xs[train], Y[permutation][train] / std).predict(Xs[test]) * std
    assert np.abs(right[test] - wrong).max() > 1e-3


def test_shared_folds_say_what_is_wrong():
    X, Y = cases()["sparse"]
    folds = np.arange(66) % 3
    with pytest.raises(ExplaintError, match='"plsr" or "ridge"'):
        SharedFolds(X, folds, mapper="ffnn")
    with pytest.raises(ExplaintError, match="at least 1"):
        SharedFolds(X, folds, n_components=0)
    with pytest.raises(ExplaintError, match="one row a word"):
        SharedFolds(X, folds[:5])
    with pytest.raises(ExplaintError, match="at least two folds"):
        SharedFolds(X, np.zeros(66))
    shared = SharedFolds(X, folds)
    with pytest.raises(ExplaintError, match="one row a word"):
        shared.predict(Y[:30])
    with pytest.raises(ExplaintError, match="counts from 0"):
        shared.predict_path(Y, [])
    holed = np.array(Y)
    holed[folds != 1, 7] = np.nan
    with pytest.raises(ExplaintError, match="outside fold 1"):
        shared.predict(holed)
    with pytest.raises(ValueError, match="NaN"):
        SharedFolds(np.where(X > 0, X, np.nan), folds)
