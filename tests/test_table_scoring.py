"""The table's fast scorer gives what the metrics give, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib.metrics import METRICS, Scorer
from explaint_lib.metrics import _many as _scoring


def norms(n=70, m=90, seed=0):
    """Return sparse norms with ties, words without a feature, twins, and features of ten words and more."""
    rng = np.random.default_rng(seed)
    Y = rng.integers(1, 5, (n, m)) * (rng.random((n, m)) < np.linspace(0.01, 0.4, m))
    Y = Y.astype(float)
    Y[3] = 0
    Y[7] = Y[11]
    Y[20:35] = Y[20]  # more equal vectors than places among the neighbours
    return Y


def predictions():
    rng = np.random.default_rng(1)
    Y = norms()
    noisy = Y + 2 * rng.standard_normal(Y.shape)
    twins = noisy.copy()
    twins[5] = twins[6]
    unseen = noisy.copy()
    unseen[:, 4:30] = 0.0  # features that no training word had
    nothing = noisy.copy()
    nothing[9] = 0.0
    return {
        "noisy": noisy,
        "perfect": Y,
        "mean profile": np.tile(Y.mean(axis=0), (len(Y), 1)),
        "constant": np.ones(Y.shape),
        "twins": twins,
        "unseen": unseen,
        "a zero row": nothing,
        "coarse": np.round(noisy),
    }


@pytest.mark.parametrize("name", predictions())
def test_the_fast_scorer_equals_the_metrics(name):
    Y, pred = norms(), predictions()[name]
    for array in (Y, pred):
        array.flags.writeable = False
    scores = Scorer(Y, "sparse").score(pred)
    assert list(scores) == list(METRICS)
    for metric in METRICS.values():
        np.testing.assert_allclose(
            scores[metric.name], metric.score(pred, Y, kind="sparse"), atol=1e-12, err_msg=metric.name
        )


def test_shorter_vectors_of_one_geometry_give_the_same_neighbours():
    Y = norms()
    rng = np.random.default_rng(2)
    basis = np.linalg.qr(rng.standard_normal((90, 12)))[0]
    compact = rng.standard_normal((70, 12))
    pred = compact @ basis.T
    long, short = Scorer(Y, "sparse").score(pred), Scorer(Y, "sparse").score(pred, compact)
    for name in METRICS:
        np.testing.assert_allclose(short[name], long[name], atol=1e-12)
    other = Scorer(Y, "sparse").score(pred, rng.standard_normal((70, 12)))
    assert np.abs(other["neighbour_overlap_at_10"] - long["neighbour_overlap_at_10"]).max() > 0.2


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_missing_cells_and_ratings_go_through_the_metrics(kind):
    rng = np.random.default_rng(0)
    Y = rng.integers(0, 7, (40, 15)).astype(float)
    Y[3, 4] = np.nan
    pred = np.nan_to_num(Y) + rng.standard_normal(Y.shape)
    scores = Scorer(Y, kind).score(pred)
    for metric in METRICS.values():
        np.testing.assert_array_equal(scores[metric.name], metric.score(pred, Y, kind=kind))


@pytest.mark.parametrize("name", predictions())
def test_blocks_change_no_score(name, monkeypatch):
    """Large norms are scored a few rows at a time: ties, twins and zero rows included, the scores are the same."""
    Y, pred = norms(), predictions()[name]
    whole = Scorer(Y, "sparse").score(pred)
    monkeypatch.setattr(_scoring, "_ONE_PANEL", 10)
    monkeypatch.setattr(_scoring, "_BLOCK", 8)
    monkeypatch.setattr(_scoring, "_PANEL", 16)
    blocks = Scorer(Y, "sparse").score(pred)
    for metric in METRICS:
        np.testing.assert_allclose(blocks[metric], whole[metric], atol=1e-12, err_msg=metric)
