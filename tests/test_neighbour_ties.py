"""One number for one question: every way to a neighbour metric breaks ties alike, by exact expectation."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import metrics
from explaint_lib._common import ExplaintError
from explaint_lib.metrics import METRICS, Scorer, _neighbours
from explaint_lib.widgets import NeighbourhoodExplorer

K = 10
N = 48


def gold() -> np.ndarray:
    """Return sparse norms with twins, a large group of equals, and words that have nothing in common with others."""
    rng = np.random.default_rng(0)
    Y = rng.integers(1, 5, (N, 60)) * (rng.random((N, 60)) < 0.08) * 1.0
    Y[:, 0] += Y.sum(axis=1) == 0
    Y[4] = Y[5]
    Y[20:34] = 3 * Y[20]  # 14 equal directions for 10 places
    return Y


def tied() -> dict[str, np.ndarray]:
    """Return vectors of which many are as near as others."""
    rng = np.random.default_rng(1)
    category = np.eye(4)[np.arange(N) % 4]
    holes = rng.standard_normal((N, 7))
    holes[[3, 9, 30]] = 0.0
    return {
        "one category each": category,
        "categories of uneven size": np.eye(5)[np.minimum(rng.integers(0, 9, N), 4)],
        "a constant": np.ones((N, 3)),
        "two rows again and again": np.tile(rng.standard_normal((2, 6)), (N // 2, 1)),
        "equal but for length and the last bits": category * rng.uniform(0.1, 9, (N, 1)) / 3 + 1e-17,
        "zero rows": holes,
        "counts": rng.integers(0, 3, (N, 4)) * 1.0,
        "no ties": rng.standard_normal((N, 9)),
    }


def by_drawing(pred: np.ndarray, Y: np.ndarray, draws: int = 3000) -> float:
    """Return the mean overlap when ties are broken at random, again and again."""
    rng, lists = np.random.default_rng(2), []
    for vectors in (pred, Y):
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = vectors / np.where(length > 0, length, 1)
        near = np.round(unit @ unit.T, 12)
        np.fill_diagonal(near, -2)
        lists.append(near)
    total = 0.0
    for _ in range(draws):
        a, b = (
            np.argpartition(-(near + 1e-13 * rng.random(near.shape)), K, axis=1)[:, :K] for near in lists
        )  # noise below the last digit that counts
        total += np.mean([len(np.intersect1d(x, y, assume_unique=True)) for x, y in zip(a, b, strict=True)]) / K
    return total / draws


def wide(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of the same geometry with as many columns as the norms."""
    basis = np.linalg.qr(np.random.default_rng(3).standard_normal((60, vectors.shape[1])))[0]
    return vectors @ basis.T


@pytest.mark.parametrize("name", tied())
def test_every_way_to_the_overlap_gives_one_number(name, monkeypatch):
    Y, vectors = gold(), tied()[name]
    plain = metrics.neighbour_overlap_at_k(vectors, Y)
    shares = {
        "METRICS": METRICS["neighbour_overlap_at_10"].score(vectors, Y, kind="sparse"),
        "compact": Scorer(Y, "sparse").score(wide(vectors), vectors)["neighbour_overlap_at_10"],
    }
    monkeypatch.setattr(_neighbours, "_ONE_BLOCK", 12)  # a few words at a time, as for large norms
    shares["by blocks"] = metrics.neighbour_overlap_at_k(vectors, Y)
    if name != "equal but for length and the last bits":  # a turned basis moves the last bits further than rounding
        shares["turned"] = Scorer(Y, "sparse").score(wide(vectors))["neighbour_overlap_at_10"]
    for way, found in shares.items():
        np.testing.assert_allclose(found, plain, atol=1e-12, err_msg=way)
    known = vectors.any(axis=1)
    expected = metrics.neighbour_overlap_at_k(vectors[known], Y[known]).mean()
    words = [f"w{i}" for i in range(N)]
    explorer = NeighbourhoodExplorer(words, {"gold": Y, "other": vectors}, k=K)
    assert explorer.meta["overlap"][1] == pytest.approx(expected, abs=1e-4)
    assert known.all() or name in ("zero rows", "counts")
    # the order of the words decides who is shown, and no number
    order = np.random.default_rng(4).permutation(N)
    turned = NeighbourhoodExplorer([words[i] for i in order], {"gold": Y[order], "other": vectors[order]}, k=K)
    assert turned.meta["overlap"] == explorer.meta["overlap"]


@pytest.mark.parametrize("name", ["one category each", "counts"])
def test_the_number_is_the_expectation_over_random_draws(name):
    drawn = by_drawing(tied()[name], gold(), draws=300)
    assert metrics.neighbour_overlap_at_k(tied()[name], gold()).mean() == pytest.approx(drawn, abs=0.004)


@pytest.mark.parametrize("name", tied())
def test_every_way_to_retrieval_gives_one_number(name):
    Y = gold()
    pred = Y + wide(tied()[name])
    pred[::3] = Y[20]  # predictions that tie with a large group of equals
    plain = metrics.retrieval_at_k(pred, Y)
    ways = (
        METRICS["retrieval_at_10"].score(pred, Y, kind="sparse"), metrics.retrieval_by(metrics.cosines(pred, Y)),
        Scorer(Y, "sparse").score(pred)["retrieval_at_10"],
    )  # fmt: skip
    for found in ways:
        np.testing.assert_allclose(found, plain, atol=1e-12)
    assert plain[21] == pytest.approx(K / 14)


def test_fewer_words_than_neighbours_are_refused_everywhere_in_words():
    Y, vectors = gold()[:K], tied()["counts"][:K]
    with pytest.raises(ExplaintError, match="k must be from 1 to"):
        metrics.neighbour_overlap_at_k(vectors, Y)
    with pytest.raises(ExplaintError, match="k must be from 1 to 9"):
        NeighbourhoodExplorer(list("abcdefghij"), {"gold": Y, "other": vectors}, k=K)
    assert metrics.left_out(Y, kind="sparse")["neighbour_overlap_at_10"] == "needs 12 words, found 10"


def test_where_hardly_a_word_has_both_vectors_all_of_them_are_neighbours():
    Y = gold()
    few = np.zeros((N, 3))
    few[:4] = np.random.default_rng(5).random((4, 3))
    explorer = NeighbourhoodExplorer([f"w{i}" for i in range(N)], {"gold": Y, "few": few, "none": 0 * few}, k=K)
    assert explorer.meta["overlap"][1:] == [0.3, 0.0]


def test_a_missing_cell_is_never_among_the_largest_and_a_short_row_is_refused():
    missing = np.array([[3.0, np.nan, 1.0, 2.0]])
    assert metrics.top_share(missing, 2).tolist() == [[1, 0, 0, 1]]
    assert metrics.top_share(missing, np.array([1])).tolist() == [[1, 0, 0, 0]]
    with pytest.raises(ExplaintError, match="k is 5, and a row has 4 cells"):
        metrics.top_share(missing, 5)


# --- few features and many words: a tree of directions in place of all pairs


def few_features(kind, n=400):
    """Return predictions and gold of few features, with the ties that a kind of data has."""
    rng = np.random.default_rng(3)
    gold = np.round(5 * rng.random((n, 6)), 2)
    if kind == "integers":  # tens of words have the same ratings, and others the same direction
        gold = rng.integers(0, 3, (n, 3)) + np.eye(1, 3)
    if kind == "twins":
        gold[10:60], gold[70:80] = gold[10], 2 * gold[70]
    pred = gold.mean(axis=0) + 0.3 * (gold - gold.mean(axis=0)) + 0.2 * rng.standard_normal(gold.shape)
    if kind == "a mean of each fold":
        pred = np.repeat(pred[:5], n // 5, axis=0)
    return (np.round(pred) + 0.5 if kind == "coarse" else pred), gold


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("kind", ["ratings", "integers", "twins", "a mean of each fold", "coarse"])
def test_a_tree_of_directions_finds_what_all_pairs_find(monkeypatch, kind, k):
    pred, gold = few_features(kind)
    measures = {
        "overlap": lambda: metrics.neighbour_overlap_at_k(pred, gold, k),
        "overlap with itself": lambda: metrics.neighbour_overlap_at_k(gold, gold, k),
        "best overlap": lambda: metrics.neighbour_overlap_oracle(gold, k),
        "retrieval": lambda: metrics.retrieval_at_k(pred, gold, k),
        "best retrieval": lambda: metrics.retrieval_oracle(gold, k),
    }
    all_pairs = {name: measure() for name, measure in measures.items()}
    monkeypatch.setattr(_neighbours, "_ONE_BLOCK", 100)
    monkeypatch.setattr(_neighbours, "_nearest", None)  # else nobody knows which way was gone
    monkeypatch.setattr(_neighbours, "cosines", None)
    for name, measure in measures.items():
        np.testing.assert_allclose(measure(), all_pairs[name], atol=1e-12, err_msg=name)


def test_words_without_a_direction_and_long_vectors_are_left_to_all_pairs(monkeypatch):
    pred, gold = few_features("ratings")
    monkeypatch.setattr(_neighbours, "_ONE_BLOCK", 100)
    monkeypatch.setattr(_neighbours, "_directions", None)
    none, missing, long = gold.copy(), gold.copy(), np.random.default_rng(0).random((len(gold), 13))
    none[3], missing[4, 2] = 0.0, np.nan
    for other in (none, missing, long):
        assert np.isfinite(metrics.neighbour_overlap_at_k(pred, other)).all()
