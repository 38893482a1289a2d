"""PLSR against independent programs over shapes and component counts, and `CrossFit` against a fit for each fold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from explaint_lib._common import ExplaintError
from explaint_lib.mappers import FFNN, PLSR, CrossFit, MeanProfile, Ridge, _cross_fit, make_folds, make_mapper
from explaint_lib.mappers._base import moments, sparse_moments
from explaint_lib.mappers._components import principal_components
from explaint_lib.mappers._pls import TrainingWords

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


def with_first(fitted, X, counts):
    """Return what a fit predicts from its first components alone, (count, word, feature)."""
    return np.array([fitted._targets.predict(fitted._scores(X), count) for count in counts])


def fold_by_fold(mapper, X, Y, folds):
    """Return out-of-fold predictions as one would write them plainly."""
    predicted = np.empty(Y.shape)
    for label in np.unique(folds):
        test = folds == label
        predicted[test] = clone(mapper).fit(X[~test], Y[~test]).predict(X[test])
    return predicted


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
    path = with_first(PLSR(most).fit(X, Y), new, range(1, most + 1))
    np.testing.assert_allclose(path, theirs.predict(new), rtol=0, atol=AGREEMENT * 20 * np.abs(Y).max())


def test_every_component_count_agrees_with_scikit_learn_on_sparse_norms():
    Y = sparse_norms(90, 160)
    X = vectors(90, 70, Y)
    path = with_first(PLSR(30).fit(X, Y), X, [1, 2, 7, 30])
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


# --- folds that share their X side ---


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


@pytest.mark.parametrize("mapper", ["plsr", "ridge", "mean", "ffnn"])
@pytest.mark.parametrize("name", cases())
def test_cross_fit_equals_a_fit_for_each_fold(name, mapper):
    X, Y = cases()[name]
    folds = make_folds(len(X), 4, rng=np.random.default_rng(0))
    quick = FFNN(hidden=8, max_epochs=2, random_state=0)
    estimator = quick if mapper == "ffnn" else make_mapper(mapper, components=8)
    cross = CrossFit(estimator, X, folds)
    rng = np.random.default_rng(1)
    for target in (Y, Y[rng.permutation(len(Y))], rng.permuted(np.nan_to_num(Y), axis=0), Y):
        expected = fold_by_fold(estimator, X, target, folds)
        np.testing.assert_allclose(cross.predict(target), expected, atol=1e-9 * np.nanmax(np.abs(Y)))
        predicted, compact = cross.predict_compact(target)
        np.testing.assert_allclose(predicted, expected, atol=1e-9 * np.nanmax(np.abs(Y)))
        np.testing.assert_allclose(compact @ compact.T, expected @ expected.T, atol=1e-6)


def test_an_estimator_that_is_no_mapper_of_ours_is_fitted_for_each_fold():
    X, Y = cases()["dense"]
    folds = make_folds(len(X), 4, rng=np.random.default_rng(0))
    pipeline = make_pipeline(StandardScaler(), LinearRegression())

    class Halved(PLSR):
        def _predict(self, X):
            return super()._predict(X) / 2

    for estimator in (pipeline, Halved(3)):
        np.testing.assert_array_equal(CrossFit(estimator, X, folds).predict(Y), fold_by_fold(estimator, X, Y, folds))


@pytest.mark.parametrize("mapper", ["plsr", "ridge"])
def test_norms_as_their_own_input_have_their_gaps_filled_from_the_training_words(mapper):
    X, Y = cases()["missing"]
    folds = make_folds(len(X), 4, rng=np.random.default_rng(0))
    cross = CrossFit(make_mapper(mapper, components=8), X, folds)
    expected = np.empty(Y.shape)
    for label in range(4):
        test = folds == label
        filled = np.where(np.isnan(Y), np.nanmean(Y[~test], axis=0), Y)
        expected[test] = clone(cross.mapper).fit(filled[~test], Y[~test]).predict(filled[test])
    for predicted in (cross.itself(Y).predict(Y), cross.itself(Y).predict_compact(Y)[0]):
        np.testing.assert_allclose(predicted, expected, atol=1e-9)
    whole = cases()["sparse"][1]
    expected = fold_by_fold(cross.mapper, whole, whole, folds)
    np.testing.assert_allclose(cross.itself(whole).predict(whole), expected, atol=1e-8)


def test_compact_predictions_are_shorter():
    X, Y = cases()["sparse"]
    folds = make_folds(len(X), 4, rng=np.random.default_rng(0))
    assert CrossFit(PLSR(5), X, folds).predict_compact(Y)[1].shape == (66, 24)


def test_path_equals_separate_runs():
    X, Y = cases()["sparse"]
    folds = make_folds(len(X), 3, rng=np.random.default_rng(0))
    path = CrossFit(PLSR(scale=False), X, folds).predict_path(Y, [0, 3, 9])
    mean = fold_by_fold(make_mapper("mean"), X, Y, folds)
    np.testing.assert_allclose(path[0], mean, atol=1e-12)
    for predicted, count in zip(path[1:], (3, 9), strict=True):
        np.testing.assert_allclose(predicted, fold_by_fold(PLSR(count, scale=False), X, Y, folds), atol=1e-9)
    beyond = CrossFit(PLSR(), X, folds).predict_path(Y, [20, 60])  # there are 20 dimensions
    np.testing.assert_array_equal(beyond[0], beyond[1])
    itself = CrossFit(PLSR(), Y, folds).predict_path(Y, [1, 6])
    np.testing.assert_allclose(itself[0], fold_by_fold(PLSR(1), Y, Y, folds), atol=1e-9)


def test_what_belongs_to_the_vectors_is_computed_once(monkeypatch):
    X, Y = cases()["sparse"]
    made = []
    monkeypatch.setattr(_cross_fit, "TrainingWords", lambda *given: made.append(given) or TrainingWords(*given))
    cross = CrossFit(PLSR(4), X, np.arange(66) % 3)
    for _ in range(3):
        cross.predict(Y)
    assert len(made) == 3  # one a fold


def test_component_choice_stops_near_the_planted_rank():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 30))
    Y = X @ rng.standard_normal((30, 3)) @ rng.standard_normal((3, 20))
    Y = Y / Y.std() + 1.5 * rng.standard_normal(Y.shape)
    cross = CrossFit(PLSR(), X, make_folds(150, 5, rng=rng))

    def r2(predicted, gold):
        return 1 - ((predicted - gold) ** 2).sum() / ((gold - gold.mean(axis=0)) ** 2).sum()

    best, scores = cross.choose_components(Y, [1, 3, 30], r2)
    assert best == 3
    assert scores[0] < scores[1] > scores[2] + 0.02
    assert cross.choose_components(Y, [5, 2], lambda *_: 0.0)[0] == 2  # a tie goes to the smaller model


def test_a_permutation_of_rows_repeats_the_whole_fit():
    """Rows that cross folds change the training columns' deviations: reusing the old ones gives another answer."""
    X, Y = cases()["sparse"]
    folds = make_folds(len(X), 3, rng=np.random.default_rng(0))
    permutation = np.random.default_rng(2).permutation(len(Y))
    right = CrossFit(PLSR(8), X, folds).predict(Y[permutation])
    train, test = folds != 0, folds == 0
    mean, std = moments(Y[train])  # of the words that were in training before the permutation
    Xs = (X - X[train].mean(axis=0)) / X[train].std(axis=0, ddof=1)
    wrong = PLSR(8, scale=False).fit(Xs[train], Y[permutation][train] / std).predict(Xs[test]) * std
    assert np.abs(right[test] - wrong).max() > 1e-3


def test_cross_fit_says_what_is_wrong():
    X, Y = cases()["sparse"]
    folds = np.arange(66) % 3
    with pytest.raises(ExplaintError, match="at least 1"):
        CrossFit(PLSR(0), X, folds).predict(Y)
    with pytest.raises(ExplaintError, match="at least 1"):
        CrossFit(PLSR(0), X, folds).predict_compact(np.hstack([Y] * 9))
    with pytest.raises(ExplaintError, match=r"X .* must have two axes, .* found the shape \(66,\)"):
        CrossFit(PLSR(), X[:, 0], folds)
    with pytest.raises(ExplaintError, match=r"Y .* must have two axes, .* found the shape \(66,\)"):
        CrossFit(Ridge(), X, folds).predict(Y[:, 0])
    with pytest.raises(ExplaintError, match="one row a word"):
        CrossFit(PLSR(), X, folds[:5])
    with pytest.raises(ExplaintError, match="at least two folds"):
        CrossFit(PLSR(), X, np.zeros(66))
    with pytest.raises(ExplaintError, match="one label a word .* not lists of training and test rows"):
        CrossFit(PLSR(), X, [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(3)])
    cross = CrossFit(PLSR(), X, folds)
    with pytest.raises(ExplaintError, match="one row a word"):
        cross.predict(Y[:30])
    for counts in ([], [3, -1]):
        with pytest.raises(ExplaintError, match="counts from 0"):
            cross.predict_path(Y, counts)
    with pytest.raises(ExplaintError, match="expected the mapper PLSR and counts from 0, got Ridge"):
        CrossFit(Ridge(), X, folds).predict_path(Y, [3])
    holed = np.array(Y)
    holed[folds != 1, 7] = np.nan
    with pytest.raises(ExplaintError, match="outside fold 1"):
        cross.predict(holed)
    with pytest.raises(ValueError, match="NaN"):
        CrossFit(PLSR(), np.where(X > 0, X, np.nan), folds)
    with pytest.raises(ValueError, match="NaN"):
        CrossFit(make_mapper("mean"), np.where(X > 0, X, np.nan), folds).predict(Y)


@pytest.mark.parametrize("mapper", [PLSR(4), PLSR(4, scale=False), Ridge(), MeanProfile()])
@pytest.mark.parametrize("columns", [3, 300])
def test_weights_are_those_of_the_training_words_in_each_prediction(mapper, columns):
    rng = np.random.default_rng(8)
    X, folds = rng.standard_normal((40, 6)), np.arange(40) % 4
    Y = (rng.random((40, columns)) < 0.2) * 1.0 + 0.1 * rng.random((40, columns)) * (columns == 3)
    cross = CrossFit(mapper, X, folds)
    weights = cross.weights(Y)
    assert np.allclose(weights @ Y, cross.predict(Y)) and np.allclose(weights.sum(axis=1), 1)
    assert not weights[folds[:, None] == folds].any()
    itself = cross.itself(Y)
    assert np.allclose(itself.weights(Y) @ Y, itself.predict(Y))


def test_only_predictions_that_are_sums_of_training_rows_have_weights():
    X = np.random.default_rng(9).standard_normal((12, 3))
    with pytest.raises(ExplaintError, match="PLSR, Ridge or MeanProfile, got FFNN"):
        CrossFit(FFNN(), X, np.arange(12) % 2).weights(X)


# --- many words: what a fold shares between targets is made of sums over words


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("kind", ["ratings", "sparse"])
def test_sums_over_words_give_the_predictions_that_the_words_give(monkeypatch, scale, kind):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((300, 40)) * rng.lognormal(0, 2, 40) + 3 * rng.standard_normal(40)
    # a dimension that the model has switched off, one that others give, one that is constant
    X[:, 3], X[:, 4], X[:, 5] = 1e-32 * (2 + rng.random(300)), X[:, 6] + X[:, 7], 1.5
    Y = X[:, 8:14] @ rng.standard_normal((6, 5)) + rng.standard_normal((300, 5))
    if kind == "sparse":
        Y = (rng.random((300, 60)) < 0.05) * (1.0 + np.round(np.abs(Y[:, :1])))
    folds = make_folds(300, 5, rng=rng)

    def predictions():
        cross = CrossFit(PLSR(6, scale=scale), X, folds)
        return cross.predict(Y), cross.predict_path(Y, [0, 1, 50]), *cross.predict_compact(Y), cross.kept_bytes

    *of_words, much = predictions()
    monkeypatch.setattr(_cross_fit, "_MANY", 100)
    monkeypatch.setattr(_cross_fit, "TrainingWords", None)  # else nobody knows which way was gone
    *of_sums, little = predictions()
    for one, other in zip(of_words, of_sums, strict=True):
        if one.shape != Y.shape and one.ndim == 2:  # places in a basis that is free to turn: what counts is who is near
            one, other = one @ one.T, other @ other.T
        np.testing.assert_allclose(other, one, atol=1e-9 * np.abs(one).max())
    assert little < much


def test_many_words_with_missing_cells_and_norms_that_predict_themselves_go_the_usual_way(monkeypatch):
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((200, 6)), rng.random((200, 4))
    Y[3, 2] = np.nan
    folds = make_folds(200, 4, rng=rng)

    def predictions():
        cross = CrossFit(PLSR(3), X, folds)
        return cross.predict(Y), cross.itself(X).predict(X), cross.weights(X[:, :2])

    usual = predictions()
    monkeypatch.setattr(_cross_fit, "_MANY", 100)
    for one, other in zip(usual, predictions(), strict=True):
        np.testing.assert_array_equal(one, other)
