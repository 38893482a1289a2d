"""Heads one by one: gates, what each adds, and derivatives, on tiny real models and on planted ones."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_models import save_tiny_bert, save_tiny_llama

from explaint_lib import attribution, encoders, planted
from explaint_lib._common import ExplaintError

IDS = np.array([[2, 7, 8, 9, 3], [2, 11, 12, 7, 3]])


@pytest.fixture(scope="module", params=["bert", "llama"])
def encoder(request, tmp_path_factory) -> encoders.Encoder:
    save = {"bert": save_tiny_bert, "llama": save_tiny_llama}[request.param]
    return encoders.load_encoder(str(save(tmp_path_factory.mktemp(request.param))))


@pytest.fixture
def world() -> planted.PlantedTransformer:
    return planted.working_heads("sharp", rng=np.random.default_rng(0))


def silent(heads: attribution.HeadRunner, layer: int, head: int) -> np.ndarray:
    gates = np.ones((heads.n_layers, heads.n_heads))
    gates[layer, head] = 0
    gates.flags.writeable = False
    return gates


def test_gates_of_one_are_the_model_itself(encoder):
    heads = attribution.head_runner(encoder, IDS)
    own, _ = encoder.forward_ids(IDS)
    for gates in (None, np.ones((heads.n_layers, heads.n_heads))):
        np.testing.assert_allclose(heads.top(gates), own[:, -1], atol=1e-5)


@pytest.mark.parametrize("layer, head", [(0, 0), (1, 3), (1, 2)])
def test_a_gate_of_zero_is_the_head_s_slice_of_the_output_projection_set_to_zero(encoder, layer, head):
    import torch

    heads = attribution.head_runner(encoder, IDS)
    pruned = heads.top(silent(heads, layer, head))
    weights = heads.blocks[layer].output.weight
    own = weights.detach().clone()
    width = weights.shape[1] // heads.n_heads
    try:
        with torch.no_grad():
            weights[:, head * width : (head + 1) * width] = 0
        by_hand, _ = encoder.forward_ids(IDS)
    finally:
        with torch.no_grad():
            weights.copy_(own)
    np.testing.assert_allclose(pruned, by_hand[:, -1], atol=1e-5)
    assert np.abs(pruned - heads.top()).max() > 1e-4
    for other in (silent(heads, layer, (head + 1) % 4), silent(heads, 1 - layer, head)):
        assert np.abs(pruned - heads.top(other)).max() > 1e-4


def test_what_heads_add_is_what_the_parts_of_a_layer_say(encoder):
    trace = attribution.head_runner(encoder, IDS).trace()
    for text, ids in enumerate(IDS):
        for layer, part in enumerate(attribution.layer_parts(encoder, ids)):
            np.testing.assert_allclose(trace.attention[text, layer], part["attention"], atol=1e-5)
            np.testing.assert_allclose(trace.added[text, layer], part["attention"] @ part["values"], atol=1e-5)
            sizes = part["attention"] @ np.linalg.norm(part["values"], axis=-1)[..., None]  # (head, query, 1)
            relative = sizes[..., 0] / np.linalg.norm(part["residual"], axis=-1)
            np.testing.assert_allclose(trace.weighted[text, layer], relative.mean(axis=-1), rtol=1e-4)


def test_a_planted_model_says_the_same_of_its_heads(world):
    ids = world.sample(3, 8, rng=np.random.default_rng(1))
    heads, parts = attribution.head_runner(world, ids), world.parts(ids)
    trace = heads.trace()
    np.testing.assert_allclose(trace.states, world.forward_ids(ids)[0], atol=1e-5)
    np.testing.assert_allclose(trace.added, parts.attention @ parts.values, atol=1e-5)
    without = heads.top(silent(heads, 3, 1))  # in the last layer nothing comes after
    np.testing.assert_allclose(heads.top() - without, (parts.attention @ parts.values)[:, 3, 1], atol=1e-9)


def test_derivatives_are_those_of_small_steps_of_a_gate(encoder):
    heads = attribution.head_runner(encoder, IDS)
    found = heads.gate_gradients(lambda top: (top[:, 1, :4] ** 3).sum(dim=1))
    assert found.shape == (2, heads.n_layers, heads.n_heads)

    def score(gates: np.ndarray) -> np.ndarray:
        return (heads.top(gates)[:, 1, :4].astype(np.float64) ** 3).sum(axis=1)

    for layer, head in ((0, 1), (1, 2)):
        step = silent(heads, layer, head) - 1
        slope = (score(1 - 0.05 * step) - score(1 + 0.05 * step)) / 0.1
        np.testing.assert_allclose(found[:, layer, head], slope, rtol=0.05, atol=1e-4)
    several = heads.gate_gradients(lambda top: top[:, 0, :3], texts=np.array([1]))
    assert several.shape == (1, 3, heads.n_layers, heads.n_heads)
    alone = heads.gate_gradients(lambda top: top[:, 0, 2], texts=np.array([1]))
    np.testing.assert_allclose(several[:, 2], alone, atol=1e-7)


def test_both_kinds_of_working_heads_have_the_same_pictures_and_other_states():
    sharp, flat = (planted.working_heads(kind, rng=np.random.default_rng(3)) for kind in ("sharp", "flat"))
    ids = sharp.sample(4, 9, rng=np.random.default_rng(4))
    (states, maps), (others, same) = sharp.forward_ids(ids), flat.forward_ids(ids)
    assert (maps == same).all() and np.abs(states[:, -1] - others[:, -1]).max() > 0.1
    assert maps[:, :, :2].max(axis=-1).mean() > 0.8 > 0.3 > maps[:, :, 2:].max(axis=-1).mean()
    for world, idle in ((sharp, slice(2, 4)), (flat, slice(0, 2))):
        gates = np.ones((4, 4))
        gates[:, idle] = 0
        heads = attribution.head_runner(world, ids)
        assert np.abs(heads.top(gates) - heads.top()).max() < 0.15 * np.abs(heads.top(1 - gates) - heads.top()).max()
    with pytest.raises(ExplaintError, match='"sharp" or "flat", found \'blunt\''):
        planted.working_heads("blunt", rng=np.random.default_rng(0))


def test_errors_at_the_door(world):
    for wrong in (np.zeros(4, dtype=int), np.zeros((2, 1), dtype=int), np.zeros((2, 4))):
        with pytest.raises(ExplaintError, match="texts of one length"):
            attribution.head_runner(world, wrong)
    heads = attribution.head_runner(world, world.sample(2, 8, rng=np.random.default_rng(1)))
    with pytest.raises(ExplaintError, match=r"one gate a head, \(4, 4\).*found \(4, 3\)"):
        heads.top(np.ones((4, 3)))
