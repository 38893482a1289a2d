"""Networks that are trained together do what each would have done alone."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib._common import ExplaintError
from explaint_lib.mappers import FFNN, cross_val_predict, cross_val_predict_many, make_folds


def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((75, 8))
    Y = np.tanh(X @ rng.standard_normal((8, 6))) + 0.2 * rng.standard_normal((75, 6))
    targets = [Y, Y[rng.permutation(75)], rng.permuted(Y, axis=0), Y.copy()]
    targets[3][5:30, 2] = np.nan
    for array in (X, *targets):
        array.flags.writeable = False
    return X, targets, make_folds(75, 3, rng=rng)


NETWORK = FFNN(hidden=20, learning_rate=5e-3, max_epochs=40, patience=4, batch_size=16, random_state=3)


def test_together_as_alone():
    X, targets, folds = problem()
    together = cross_val_predict_many(NETWORK, X, targets, folds)
    for ours, target in zip(together, targets, strict=True):
        np.testing.assert_allclose(ours, cross_val_predict(NETWORK, X, target, folds), atol=2e-4)
    assert np.abs(together[0] - together[2]).max() > 0.1
    np.testing.assert_array_equal(together, cross_val_predict_many(NETWORK, X, targets, folds))


def test_seeds_together():
    X, targets, folds = problem()
    networks = [FFNN(**NETWORK.get_params() | {"random_state": seed}) for seed in (3, 4)]
    together = cross_val_predict_many(networks, X, [targets[0]] * 2, folds)
    for ours, network in zip(together, networks, strict=True):
        np.testing.assert_allclose(ours, cross_val_predict(network, X, targets[0], folds), atol=2e-4)
    assert np.abs(together[0] - together[1]).max() > 0.01


def test_together_says_what_is_wrong():
    X, targets, folds = problem()
    with pytest.raises(ExplaintError, match="of one shape"):
        cross_val_predict_many(NETWORK, X, [targets[0], targets[0][:, :2]], folds)
    with pytest.raises(ExplaintError, match="of one shape"):
        cross_val_predict_many([NETWORK], X, targets, folds)
    with pytest.raises(ExplaintError, match="random_state only"):
        cross_val_predict_many([NETWORK, FFNN(hidden=3)], X, targets[:2], folds)
    holed = np.array(targets[0])
    holed[folds != 1, 4] = np.nan
    with pytest.raises(ExplaintError, match="outside fold 1"):
        cross_val_predict_many(NETWORK, X, [targets[0], holed], folds)
