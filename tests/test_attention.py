"""Attention arrays against the formulas and known truths: rollout, flow, norms, ALTI, effective attention, words."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from explaint_lib import attention
from explaint_lib._common import ExplaintError

N, HEADS, DIM = 7, 3, 6


def frozen(array):
    array = np.array(array)
    array.flags.writeable = False
    return array


def stochastic(rng, *shape, causal=False):
    weights = rng.random(shape) ** 3
    weights = np.tril(weights) if causal else weights
    return weights / weights.sum(axis=-1, keepdims=True)


def random_parts(rng, *, norm, n=N):
    more = dict(gain=frozen(rng.normal(1, 0.3, DIM)), shift=frozen(rng.normal(size=DIM)), epsilon=1e-3) if norm else {}
    return attention.LayerParts(
        attention=frozen(stochastic(rng, HEADS, n, n)), values=frozen(rng.normal(size=(HEADS, n, DIM))),
        residual=frozen(rng.normal(size=(n, DIM))), bias=frozen(rng.normal(size=DIM)), **more,
    )  # fmt: skip


# -- rollout and flow --------------------------------------------------------------------------------------------------


def test_rollout_of_identity_is_identity():
    layers = frozen(np.stack([np.eye(N)] * 4))
    np.testing.assert_array_equal(attention.rollout(layers), layers)
    np.testing.assert_allclose(attention.flow(layers), np.eye(N), atol=1e-6)


def test_rollout_is_the_sum_over_all_paths():
    rng = np.random.default_rng(0)
    maps = frozen(stochastic(rng, 3, 4, 4))
    steps = 0.5 * maps + 0.5 * np.eye(4)
    by_paths = np.zeros((4, 4))
    for top, middle, low, token in itertools.product(range(4), repeat=4):
        by_paths[top, token] += steps[2, top, middle] * steps[1, middle, low] * steps[0, low, token]
    rolled = attention.rollout(maps)
    np.testing.assert_allclose(rolled[-1], by_paths, atol=1e-12)
    np.testing.assert_allclose(rolled[0], steps[0], atol=1e-12)
    np.testing.assert_allclose(rolled.sum(axis=-1), 1)
    np.testing.assert_allclose(attention.rollout(maps, residual=0)[-1], maps[2] @ maps[1] @ maps[0], atol=1e-12)


def test_deep_rollout_of_random_maps_has_equal_rows():
    """The stripes of a deep rollout are a property of products, not of language."""
    maps = stochastic(np.random.default_rng(1), 60, N, N)
    rolled = attention.rollout(maps)
    assert np.ptp(rolled[0], axis=0).max() > 0.3
    assert np.ptp(rolled[-1], axis=0).max() < 1e-6


def minimum_cut(steps, source, sink):
    """Smallest capacity of edges whose removal parts source from sink, by trying every set of inner nodes."""
    depth, n, _ = steps.shape
    nodes = [(level, i) for level in range(depth + 1) for i in range(n)]
    inner = [node for node in nodes if node not in ((depth, source), (0, sink))]
    best = np.inf
    for chosen in itertools.product([0, 1], repeat=len(inner)):
        side = dict(zip(inner, chosen, strict=True)) | {(depth, source): 1, (0, sink): 0}
        cut = sum(
            steps[level, i, j]
            for level in range(depth) for i in range(n) for j in range(n)
            if side[level + 1, i] and not side[level, j]
        )  # fmt: skip
        best = min(best, cut)
    return best


def test_flow_equals_the_minimum_cut():
    maps = stochastic(np.random.default_rng(2), 2, 3, 3)
    steps = 0.5 * maps + 0.5 * np.eye(3)
    cuts = np.array([[minimum_cut(steps, i, j) for j in range(3)] for i in range(3)])
    np.testing.assert_allclose(attention.flow(frozen(maps)), cuts / cuts.sum(axis=1, keepdims=True), atol=1e-5)


def test_causal_maps_stay_causal():
    maps = stochastic(np.random.default_rng(3), 4, N, N, causal=True)
    for mixed in (attention.rollout(maps)[-1], attention.flow(maps)):
        assert not np.triu(mixed, k=1).any()
        np.testing.assert_allclose(mixed.sum(axis=1), 1)


BAD_MAPS = [np.ones((2, 3, 3, 3)), np.ones((2, 3, 4)), -np.ones((1, 2, 2)), np.full((1, 2, 2), np.nan)]


@pytest.mark.parametrize("bad", BAD_MAPS)
def test_maps_that_cannot_be_rolled_out(bad):
    for method in (attention.rollout, attention.flow):
        with pytest.raises(ExplaintError):
            method(bad)
    with pytest.raises(ExplaintError, match="share"):
        attention.rollout(np.eye(2)[None], residual=1)


# -- parts: what is given ----------------------------------------------------------------------------------------------


def by_formula(parts, *, residual=True, norm=True):
    """T[i, j], written as in the papers, a loop for every index."""
    heads, n, _ = parts.attention.shape
    vectors = np.zeros((n, n, DIM))
    for i, j, h in itertools.product(range(n), range(n), range(heads)):
        vectors[i, j] += parts.attention[h, i, j] * parts.values[h, j]
    total = vectors.sum(axis=1) + parts.residual + parts.bias
    for i in range(n):
        if residual:
            vectors[i, i] += parts.residual[i]
        if norm and parts.gain is not None:
            for j in range(n):
                spread = np.sqrt(np.var(total[i]) + parts.epsilon)
                vectors[i, j] = (vectors[i, j] - vectors[i, j].mean()) / spread * parts.gain
    return vectors


@pytest.mark.parametrize("norm", [False, True])
def test_given_vectors_add_up_to_the_state(norm, monkeypatch):
    monkeypatch.setattr("explaint_lib.attention._decomposition._CELLS", 3 * N * DIM)  # in several portions
    parts = random_parts(np.random.default_rng(4), norm=norm)
    portions = list(attention.transformed_vectors(parts))
    assert len(portions) == 3
    vectors = np.concatenate([found for _, found in portions])
    np.testing.assert_allclose(vectors, by_formula(parts), atol=1e-12)
    total = (parts.attention @ parts.values).sum(axis=0) + parts.residual + parts.bias
    spread = np.sqrt(total.var(axis=-1, keepdims=True) + parts.epsilon)
    constant = (parts.bias - parts.bias.mean()) / spread * parts.gain + parts.shift if norm else parts.bias
    np.testing.assert_allclose(vectors.sum(axis=1) + constant, parts.output, atol=1e-12)


@pytest.mark.parametrize("norm", [False, True])
def test_norm_weighted_mixing_ratio_and_alti_follow_their_formulas(norm):
    parts = random_parts(np.random.default_rng(5), norm=norm)
    vectors = by_formula(parts)
    np.testing.assert_allclose(attention.norm_weighted(parts), np.sqrt((vectors**2).sum(-1)), atol=1e-12)
    bare = by_formula(parts, residual=False, norm=False)
    np.testing.assert_allclose(
        attention.norm_weighted(parts, residual=False, norm=False), np.sqrt((bare**2).sum(-1)), atol=1e-12
    )
    state, expected, ratio = parts.output, np.zeros((N, N)), np.zeros(N)
    for i in range(N):
        for j in range(N):
            expected[i, j] = max(0, np.abs(state[i]).sum() - np.abs(state[i] - vectors[i, j]).sum())
        expected[i] /= expected[i].sum()
        others = np.linalg.norm(sum(vectors[i, j] for j in range(N) if j != i))
        ratio[i] = others / (others + np.linalg.norm(vectors[i, i]))
    np.testing.assert_allclose(attention.alti(parts), expected, atol=1e-12)
    np.testing.assert_allclose(attention.mixing_ratio(parts), ratio, atol=1e-12)


def test_weight_on_nothing_counts_for_nothing():
    rng = np.random.default_rng(6)
    parts = random_parts(rng, norm=False)
    weights = np.full((HEADS, N, N), 0.1 / (N - 1))
    weights[:, :, 0] = 0.9  # a sink ...
    values = parts.values.copy()
    values[:, 0] = 0  # ... that has nothing to give
    sink = attention.LayerParts(weights, values, parts.residual, parts.bias)
    assert attention.mean_over_heads(weights[None])[0, 1:, 0].min() == 0.9
    assert not attention.norm_weighted(sink)[1:, 0].any()
    assert not attention.alti(sink)[1:, 0].any()


def test_own_share_of_a_block_that_reads_nothing_is_one():
    parts = random_parts(np.random.default_rng(7), norm=False)
    silent = attention.LayerParts(parts.attention, 0 * parts.values, parts.residual, 0 * parts.bias)
    np.testing.assert_array_equal(attention.mixing_ratio(silent), 0)
    np.testing.assert_array_equal(attention.alti(silent), np.eye(N))
    np.testing.assert_array_equal(attention.row_shares(np.zeros((2, 2))), 0)
    with pytest.raises(ExplaintError):
        attention.row_shares(np.array([[1.0, -1.0]]))


# -- effective attention -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [False, True])
def test_effective_attention_and_the_map_of_the_same_output_give_that_output(causal):
    rng = np.random.default_rng(8)
    n, rank = 24, 5
    values = frozen(rng.normal(size=(n, rank)) @ rng.normal(size=(rank, 11)))
    weights = frozen(stochastic(rng, n, n, causal=causal))
    effective = attention.effective_attention(weights, values, causal=causal)
    np.testing.assert_allclose(effective @ values, weights @ values, atol=1e-10)
    kept = attention.effective_attention(weights, values, causal=causal, keep_sums=True)
    np.testing.assert_allclose(kept @ values, weights @ values, atol=1e-10)
    np.testing.assert_allclose(kept.sum(axis=1), 1)
    assert np.linalg.norm(effective) < np.linalg.norm(weights)  # a projection only takes away

    other = attention.same_output_attention(weights, values, causal=causal)
    np.testing.assert_allclose(other @ values, weights @ values, atol=1e-5)
    np.testing.assert_allclose(other.sum(axis=1), 1)
    assert other.min() >= 0
    moved = attention.total_variation(weights, other)
    free = np.arange(n) > rank if causal else np.ones(n, bool)
    assert moved[free].mean() > 0.3
    np.testing.assert_allclose(moved[~free], 0, atol=1e-9)  # up to the rank, the output names its row
    if causal:
        assert not np.triu(other, k=1).any() and not np.triu(effective, k=1).any()
        np.testing.assert_allclose(effective[:rank], weights[:rank], atol=1e-10)


def test_a_short_text_has_one_map_only():
    rng = np.random.default_rng(9)
    values, weights = rng.normal(size=(6, 8)), stochastic(rng, 6, 6)
    np.testing.assert_allclose(attention.effective_attention(weights, values), weights, atol=1e-12)
    np.testing.assert_allclose(attention.same_output_attention(weights, values), weights, atol=1e-12)


def test_values_of_zero_leave_everything_open():
    """The Decoy in numbers: with no value, every map is as good as the one computed."""
    weights = stochastic(np.random.default_rng(10), 5, 5)
    np.testing.assert_array_equal(attention.effective_attention(weights, np.zeros((5, 4))), 0)
    assert attention.total_variation(weights, attention.same_output_attention(weights, np.zeros((5, 4)))).min() > 0.5


def test_what_is_no_attention_is_refused():
    with pytest.raises(ExplaintError, match="distribution|sum to 1"):
        attention.same_output_attention(np.ones((3, 3)), np.ones((3, 2)))
    with pytest.raises(ExplaintError, match="one head's"):
        attention.effective_attention(np.ones((2, 3, 3)), np.ones((3, 2)))


# -- words, sinks, agreement -------------------------------------------------------------------------------------------


def test_words_sum_over_keys_and_average_over_queries():
    weights = frozen(stochastic(np.random.default_rng(11), 2, 5, 5))
    merged, first = attention.to_words(weights, frozen([-1, 1, 1, 0, -1]))
    assert first.tolist() == [0, 1, 3, 4]
    np.testing.assert_allclose(merged.sum(axis=-1), 1)
    np.testing.assert_allclose(merged[:, 1, 0], weights[:, 1:3, 0].mean(axis=1))
    np.testing.assert_allclose(merged[:, 0, 1], weights[:, 0, 1:3].sum(axis=1))


def test_agreement_of_equal_reversed_and_unrelated_maps():
    rng = np.random.default_rng(13)
    one = stochastic(rng, 12, 12)
    found = attention.row_agreement({"a": one, "power": one**2, "reversed": -one, "flat": np.ones_like(one)})
    np.testing.assert_allclose(found[0], [1, 1, -1, 0], atol=1e-12)
    unrelated = [attention.row_agreement({"a": one, "b": stochastic(rng, 12, 12)})[0, 1] for _ in range(40)]
    assert abs(np.mean(unrelated)) < 0.1


def test_agreement_equals_scipy_and_heeds_causality_diagonal_and_skips():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(14)
    first, second = rng.random((2, 8, 8))
    skip = np.arange(8) == 0
    rows = [spearmanr(first[i, 1:i], second[i, 1:i])[0] for i in range(4, 8)]
    found = attention.row_agreement({"a": first, "b": second}, causal=True, skip=skip)
    np.testing.assert_allclose(found[0, 1], np.mean(rows))
    rows = [spearmanr(first[i], second[i])[0] for i in range(8)]
    np.testing.assert_allclose(attention.row_agreement({"a": first, "b": second}, own=True)[0, 1], np.mean(rows))
    assert np.isnan(attention.row_agreement({"a": np.eye(3)}, causal=True)).all()
    for bad in ({"a": np.full((4, 4), np.nan)}, {"a": np.eye(4), "b": np.eye(5)}, {"a": np.ones((4, 3))}, {}):
        with pytest.raises(ExplaintError, match="finite maps of one shape"):
            attention.row_agreement(bad)


def test_nearness_asks_no_model():
    near = attention.nearness(5, causal=True)
    np.testing.assert_allclose(near.sum(axis=1), 1)
    assert not np.triu(near, k=1).any() and (np.diff(near[4]) > 0).all()
