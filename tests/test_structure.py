"""Map statistics against maps drawn by hand, and the blind test against kinds that do and do not differ."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import attention as s
from explaint_lib._common import ExplaintError

N = 6
EYE, UNIFORM, CAUSAL = np.eye(N), s.uniform_attention(N), s.uniform_attention(N, causal=True)
PREVIOUS = np.eye(N)[np.maximum(np.arange(N) - 1, 0)]
FIRST = np.tile(np.eye(N)[0], (N, 1))


def random_maps(*shape, causal=False, seed=0, n=N):
    weights = np.random.default_rng(seed).dirichlet(np.full(n, 0.5), size=(*shape, n))
    if causal:
        weights = weights * np.tri(n) + 1e-9 * np.tri(n)
        weights = weights / weights.sum(axis=-1, keepdims=True)
    weights.flags.writeable = False
    return weights


@pytest.mark.parametrize("causal", [False, True])
def test_the_ends_of_every_scale(causal):
    uniform = CAUSAL if causal else UNIFORM
    assert s.row_entropy(uniform, causal=causal) == pytest.approx(1)
    assert s.gini(uniform, causal=causal) == pytest.approx(0)
    assert s.mean_distance(uniform, causal=causal) == pytest.approx(1)
    for sharp in (EYE, PREVIOUS, FIRST):
        assert s.row_entropy(sharp, causal=causal) == pytest.approx(0)
        assert s.gini(sharp, causal=causal) == pytest.approx(1)
    assert s.mean_distance(EYE, causal=causal) == 0
    assert s.diagonal_share(EYE, causal=causal) == 1 and s.diagonal_share(PREVIOUS, causal=causal) < 0.2
    assert s.offset_share(PREVIOUS, -1, causal=causal) == 1 and s.offset_share(EYE, -1, causal=causal) == 0
    assert s.sink_share(FIRST, causal=causal) == 1 and s.sink_share(EYE, causal=causal) == 0


def test_by_hand():
    row = np.array([0.5, 0.25, 0.25, 0, 0, 0])
    one = np.tile(row, (N, 1))
    assert s.row_entropy(one) == pytest.approx(1.5 * np.log(2) / np.log(6))
    # mean absolute difference over twice the mean: pairs of unequal weights, both ways
    plain = np.abs(row[:, None] - row).sum() / (2 * N * row.sum())
    assert s.gini(one) == pytest.approx(plain * 6 / 5)
    assert s.sink_share(one) == pytest.approx(0.5)
    assert s.sink_share(one, np.arange(N) < 2) == pytest.approx(0.75)
    assert s.offset_share(np.triu(np.ones((N, N))) / 6, 1) == pytest.approx(1 / 6)


def test_a_causal_row_is_judged_by_what_it_may_do():
    """Without the mask in mind, a causal map without any structure looks sharp, and looks at its first token."""
    assert s.row_entropy(CAUSAL, causal=True) == pytest.approx(1) and s.row_entropy(CAUSAL) < 0.7
    assert s.gini(CAUSAL, causal=True) == pytest.approx(0) and s.gini(CAUSAL) > 0.4
    rows = random_maps(causal=True)
    longer = np.zeros((N + 1, N + 1))
    longer[:N, :N], longer[N] = rows, 1 / (N + 1)
    assert s.row_entropy(longer, causal=True) == pytest.approx((s.row_entropy(rows, causal=True) * 5 + 1) / 6)
    with pytest.raises(ExplaintError, match="looks ahead"):
        s.row_entropy(UNIFORM, causal=True)
    assert np.isnan(s.offset_share(CAUSAL, 1, causal=True))
    # row 0 has no choice: changing nothing but how it is counted changes nothing
    assert s.diagonal_share(CAUSAL, causal=True) == pytest.approx(np.mean(1 / np.arange(2, N + 1)))
    assert s.sink_share(CAUSAL, causal=True) == pytest.approx(np.mean(1 / np.arange(2, N + 1)))


@pytest.mark.parametrize("causal", [False, True])
def test_leading_axes_are_kept_and_maps_are_judged_one_by_one(causal):
    maps = random_maps(2, 3, causal=causal)
    table = s.map_statistics(maps, causal=causal)
    assert table.shape == (2, 3, len(s.STATISTICS))
    np.testing.assert_array_equal(
        np.isnan(table).any(axis=(0, 1)), [causal and name == "next" for name in s.STATISTICS]
    )
    np.testing.assert_allclose(table[1, 2], s.map_statistics(maps[1, 2], causal=causal))
    columns = [name not in ("next", "distance") for name in s.STATISTICS]
    assert table[..., columns].min() >= 0 and table[..., columns].max() <= 1


def test_relabelling_leaves_the_label_free_statistics_alone_and_no_other():
    maps, order = random_maps(20, n=9), np.random.default_rng(1).permutation(9)
    before, after = s.map_statistics(maps), s.map_statistics(maps[:, order][:, :, order])
    for place, name in enumerate(s.STATISTICS):
        same = np.allclose(before[:, place], after[:, place], atol=1e-12)
        assert same == (name in s.LABEL_FREE), name


def test_divergence():
    a, b = random_maps(4), random_maps(4, seed=1)
    np.testing.assert_allclose(s.jensen_shannon(a, a), 0, atol=1e-12)
    np.testing.assert_allclose(s.jensen_shannon(a, b), s.jensen_shannon(b, a))
    assert s.jensen_shannon(EYE, np.roll(EYE, 1, axis=1)) == pytest.approx(1)
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    middle = (p + q) / 2
    by_hand = (np.sum(p * np.log2(p / middle)) + np.log2(1 / middle[0])) / 2
    assert s.jensen_shannon(np.stack([p, p]), np.stack([q, q])) == pytest.approx(by_hand)
    c = random_maps(causal=True)
    assert s.jensen_shannon(c, CAUSAL, causal=True) == pytest.approx(s.jensen_shannon(c, CAUSAL) * N / (N - 1))
    with pytest.raises(ExplaintError, match="one shape"):
        s.jensen_shannon(a, a[:2])


@pytest.mark.parametrize(
    ("bad", "message"),
    [(np.ones((2, 3)), "one set of positions"), (-UNIFORM, "not negative"), (UNIFORM * np.inf, "finite")],
)
def test_maps_that_cannot_be(bad, message):
    with pytest.raises(ExplaintError, match=message):
        s.map_statistics(bad)


@pytest.mark.parametrize("key", [N, np.zeros(N, bool), np.ones(3, bool)])
def test_sinks_that_cannot_be(key):
    with pytest.raises(ExplaintError, match="key must be"):
        s.sink_share(UNIFORM, key)


# --- the blind test


def test_kinds_that_do_not_differ_are_not_told_apart():
    rng, accuracy, choice = np.random.default_rng(0), [], []
    for _ in range(40):
        first, second = rng.normal(size=(2, 24, 5, 4))
        first.flags.writeable = False
        found = s.blind_test(first, second, rng=rng)
        accuracy.append(found.accuracy.mean())
        choice.append(found.forced_choice.mean())
    assert np.mean(accuracy) == pytest.approx(0.5, abs=0.02) and np.mean(choice) == pytest.approx(0.5, abs=0.025)


@pytest.mark.parametrize("shape", [(40, 4), (40, 3, 4)])
def test_kinds_that_differ_are_told_apart(shape):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, *shape))
    second[..., 1] += 4
    found = s.blind_test(first, second, rng=rng)
    assert found.accuracy.shape == found.forced_choice.shape == (10, 40)
    assert found.accuracy.mean() > 0.95 and found.forced_choice.mean() > 0.97


def test_a_sentence_is_never_judged_by_what_saw_it():
    """Numbers that name the sentence, and nothing else, do not help: the folds keep sentences whole."""
    names = np.random.default_rng(0).normal(size=(60, 4, 8))
    found = s.blind_test(names, names.copy(), rng=np.random.default_rng(0))
    np.testing.assert_allclose(found.accuracy, 0.5)
    np.testing.assert_allclose(found.forced_choice, 0.5)


def test_statistics_that_do_not_exist_are_left_out():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 30, 3))
    second[:, 0] += 4
    first[:, 2] = second[:, 2] = np.nan
    assert s.blind_test(first, second, rng=rng).accuracy.mean() > 0.9


def test_each_draw_divides_anew():
    first, second = np.random.default_rng(0).normal(size=(2, 40, 3))
    found = s.blind_test(first, second, n_draws=6, rng=np.random.default_rng(1)).accuracy
    assert found.shape == (6, 40) and len({tuple(row) for row in found.tolist()}) == 6


def test_each_half_is_judged_by_what_learnt_from_the_other():
    """Three sentences of one world and one of the contrary: whoever learns from a pair of them is wrong on the rest."""
    first, second = np.array([[0.0], [0], [0], [9]]), np.array([[9.0], [9], [9], [0]])
    found = s.blind_test(first, second, n_draws=20, rng=np.random.default_rng(0)).accuracy
    # the odd one is judged by a pair of the others, and always wrongly; its partner's pair is undecided
    assert (found[:, 3] == 0).all()
    assert np.isin(found[:, :3], (0.0, 0.5, 1.0)).all() and ((found[:, :3] == 1).sum(axis=1) <= 1).all()


@pytest.mark.parametrize(("first", "second"), [((20, 3), (20, 4)), ((3, 3), (3, 3)), ((20,), (20,))])
def test_blind_tests_that_cannot_be(first, second):
    with pytest.raises(ExplaintError, match="one shape"):
        s.blind_test(np.zeros(first), np.zeros(second), rng=np.random.default_rng(0))


def test_a_blind_test_needs_a_draw():
    with pytest.raises(ExplaintError, match="0 draws"):
        s.blind_test(np.zeros((8, 2)), np.zeros((8, 2)), n_draws=0, rng=np.random.default_rng(0))
