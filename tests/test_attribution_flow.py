"""Nine methods on tiny models of both families: equal to the papers' formulas, to differences, to planted truths."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from papers_formulas import by_formula, tiny

from explaint_lib import attention, attribution, planted
from explaint_lib._common import ExplaintError
from explaint_lib.attribution._anatomy import anatomy
from explaint_lib.attribution._layers import find_layers, hooked
from explaint_lib.attribution._maps import METHODS, layer_maps, method_maps, score_world

IDS = np.array([7, 3, 41, 12, 3, 28, 19])
IDS.flags.writeable = False
FAMILIES = ("bert", "llama", "llama with biases")
N = len(IDS)
# transformers computes Llama's norms and softmax in float32 whatever the model is
TOLERANCE = {"bert": 1e-9, "llama": 2e-5, "llama with biases": 2e-5}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def encoder(family):
    return tiny(family)


@pytest.fixture(scope="module")
def formula(encoder):
    return by_formula(encoder, IDS)


def own_states(encoder, ids=IDS):
    import torch

    with torch.no_grad():
        out = encoder.model(input_ids=torch.from_numpy(ids[None].copy()), output_hidden_states=True)
    return torch.stack(out.hidden_states, dim=1).numpy()[0]  # (layer + 1, n, dim)


def blocks_of(encoder):
    return [anatomy(layer) for layer in find_layers(encoder.model, IDS).modules]


def hook_count(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


# -- against the papers' formulas --------------------------------------------------------------------------------------


def test_parts_norms_and_alti_equal_the_formulas(encoder, formula, family):
    close = dict(atol=TOLERANCE[family], rtol=TOLERANCE[family])
    for part, truth in zip(attribution.layer_parts(encoder, IDS), formula, strict=True):
        block = attention.LayerParts(**part)
        np.testing.assert_allclose(block.attention, truth["attention"], **close)
        np.testing.assert_allclose(attention.norm_weighted(block), truth["norm-weighted"], **close)
        bare = attention.norm_weighted(block, residual=False, norm=False)
        np.testing.assert_allclose(bare, truth["bare"], **close)
        np.testing.assert_allclose(attention.alti(block), truth["ALTI"], **close)


def test_value_zeroing_equals_the_formula(encoder, formula, family):
    found = attribution.value_zeroing(encoder, IDS)
    for zeroing, truth in zip(found, formula, strict=True):
        np.testing.assert_allclose(zeroing, truth["value zeroing"], atol=TOLERANCE[family])


def test_rollout_of_the_model_equals_the_product_of_its_formulas(encoder, formula, family):
    product = np.eye(N)
    for truth in formula:
        product = (truth["attention"].mean(axis=0) / 2 + np.eye(N) / 2) @ product
    found = method_maps(encoder, IDS, n_samples=1, rng=np.random.default_rng(0))
    assert tuple(found) == METHODS
    np.testing.assert_allclose(found["rollout"], product, atol=TOLERANCE[family])
    product = np.eye(N)
    for truth in formula:
        product = truth["ALTI"] @ product
    np.testing.assert_allclose(found["ALTI"], product, atol=10 * TOLERANCE[family])
    np.testing.assert_allclose(found["raw attention"], formula[-1]["attention"].mean(axis=0), atol=TOLERANCE[family])


def test_rows_sum_to_one_and_decoders_do_not_look_ahead(encoder):
    for name, found in method_maps(encoder, IDS, n_samples=2, rng=np.random.default_rng(0)).items():
        np.testing.assert_allclose(found.sum(axis=1), 1, err_msg=name)
        assert encoder.family == "encoder" or np.triu(found, k=1).max() < 1e-12, name
    for name, found in layer_maps(encoder, IDS).items():
        np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6, err_msg=name)


# -- against running the model itself ----------------------------------------------------------------------------------


def test_states_layer_by_layer_are_the_models_own(encoder):
    import torch

    text = attribution.prepare(encoder, IDS)
    with torch.no_grad():
        np.testing.assert_array_equal(text.states(text.start[None])[0].numpy(), own_states(encoder))


def test_a_prepared_text_is_what_the_model_gives(encoder):
    text = attribution.prepare(encoder, IDS)
    for method in (attribution.value_zeroing, attribution.value_ablation, attribution.leave_one_out):
        np.testing.assert_array_equal(method(text, IDS), method(encoder, IDS))
    with pytest.raises(ExplaintError, match="another text"):
        attribution.value_zeroing(text, IDS[:-1])


def test_leave_one_out_and_replacement_are_runs_on_other_words(encoder):
    import torch

    before, table = own_states(encoder), encoder.model.get_input_embeddings().weight.detach()
    words = table[torch.from_numpy(IDS.copy())].clone()
    words[2] = table.mean(dim=0)
    with torch.no_grad():
        out = encoder.model(inputs_embeds=words[None], output_hidden_states=True).hidden_states
    change = attribution.relative_change(before, torch.stack(out, dim=1)[0].numpy())
    np.testing.assert_allclose(attribution.leave_one_out(encoder, IDS)[..., 2], change, atol=1e-9)

    def always_five(ids, position, rng):
        return 5 if position in (1, 2) else None

    found = attribution.replacement_effect(encoder, IDS, replacements=always_five, rng=np.random.default_rng(0))
    other = IDS.copy()
    other[2] = 5
    change = attribution.relative_change(before, own_states(encoder, other))
    np.testing.assert_allclose(found[..., 2], change, atol=1e-9)
    assert np.isnan(found[..., 0]).all() and not np.isnan(found[..., 1]).any()


def test_value_ablation_is_a_run_without_the_values_of_one_position(encoder):
    import torch

    def without(values, j=2):
        values = values.clone()
        values[:, j] = 0
        return values

    found = attribution.value_ablation(encoder, IDS)
    blocks = blocks_of(encoder)
    with torch.no_grad(), hooked([(block.value, "output", without) for block in blocks]):
        after = own_states(encoder)
    np.testing.assert_allclose(found[..., 2], attribution.relative_change(own_states(encoder), after), atol=1e-9)
    assert found.shape == (len(blocks) + 1, N, N) and not found[0].any()


def test_other_weights_than_the_models_own(encoder):
    parts = attribution.layer_parts(encoder, IDS)
    own = {layer: part["attention"] for layer, part in enumerate(parts)}
    np.testing.assert_array_equal(attribution.states_under(encoder, IDS, {}), own_states(encoder))
    np.testing.assert_allclose(attribution.states_under(encoder, IDS, own), own_states(encoder), atol=1e-12)
    nothing = {layer: np.zeros_like(weights) for layer, weights in own.items()}
    alone = attribution.states_under(encoder, IDS, nothing)
    swapped = IDS.copy()
    swapped[[1, 2]] = swapped[[2, 1]]  # with no attention a position depends on its own token only
    other = attribution.states_under(encoder, swapped, nothing)
    np.testing.assert_allclose(np.delete(alone, [1, 2], axis=1), np.delete(other, [1, 2], axis=1), atol=1e-12)
    uniform = np.full_like(own[0], 1 / N)
    block = attention.LayerParts(**(parts[0] | {"attention": uniform}))
    if block.gain is None:
        total = block.output
        kind = find_layers(encoder.model, IDS).modules[0]
        expected = total + kind.mlp(kind.post_attention_layernorm(as_tensor(total))).detach().numpy()
        np.testing.assert_allclose(attribution.states_under(encoder, IDS, {0: uniform})[1], expected, atol=1e-6)
    with pytest.raises(ExplaintError, match="layers 0"):
        attribution.states_under(encoder, IDS, {9: uniform})


def as_tensor(array):
    import torch

    return torch.from_numpy(array)


def jacobian(encoder):
    """Central differences of all states by all inputs: (layer + 1, i, dim, j, dim)."""
    import torch

    text, step = attribution.prepare(encoder, IDS), 1e-3
    n, dim = text.start.shape
    nudges = step * torch.eye(n * dim, dtype=text.start.dtype).reshape(n * dim, n, dim)
    with torch.no_grad():
        slopes = (text.states(text.start + nudges) - text.states(text.start - nudges)) / (2 * step)
    return np.moveaxis(slopes.numpy().reshape(n, dim, -1, n, dim), (0, 1), (3, 4))


def test_gradients_equal_finite_differences(encoder):
    slopes = jacobian(encoder)
    scale = np.abs(slopes).max()
    sizes = np.sqrt((slopes**2).sum(axis=(2, 4)))  # (layer + 1, i, j)
    exact = attribution.hidden_token_attribution(encoder, IDS)
    np.testing.assert_allclose(exact, sizes, atol=3e-3 * scale)
    start = attribution.prepare(encoder, IDS).start.detach().numpy()
    pushed = np.einsum("lidje,je->lijd", slopes, start)
    found = attribution.gradient_x_input(encoder, IDS)
    np.testing.assert_allclose(found, np.linalg.norm(pushed, axis=-1), atol=3e-3 * scale)
    readout = np.random.default_rng(0).normal(size=start.shape)
    scalar = attribution.gradient_x_input(encoder, IDS, readout=readout)
    np.testing.assert_allclose(scalar, np.abs(np.einsum("lijd,id->lij", pushed, readout)), atol=1e-2 * scale)
    estimate = attribution.hidden_token_attribution(encoder, IDS, n_samples=400, rng=np.random.default_rng(1))
    there = exact > 1e-3 * exact.max()
    assert np.abs(estimate[there] / exact[there] - 1).max() < 0.2


def test_a_norm_before_the_block_hides_stretched_inputs_at_the_first_layer(encoder):
    first = attribution.gradient_x_input(encoder, IDS)[1]
    off = first[~np.eye(N, dtype=bool)].max() / np.diag(first).mean()
    assert off > 1e-2 if encoder.family == "encoder" else off < 1e-3  # not 0: its epsilon


# -- hooks, refusals ---------------------------------------------------------------------------------------------------


def test_hooks_are_taken_off_whatever_happens_and_leave_no_trace(encoder):
    before, hooks = own_states(encoder), hook_count(encoder.model)  # transformers hangs up some of its own
    block, layer = blocks_of(encoder)[0], find_layers(encoder.model, IDS).modules[0]
    with hooked([(block.value, "output", lambda values: values), (layer, "input", lambda states: states)]):
        np.testing.assert_array_equal(own_states(encoder), before)  # an edit that changes nothing changes no bit
    calls = 0

    def fail(values):
        nonlocal calls
        calls += 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), hooked([(block.value, "output", fail)]):
        own_states(encoder)
    for method in (attribution.value_zeroing, attribution.value_ablation, attribution.layer_parts):
        method(encoder, IDS)
    assert calls == 1 and hook_count(encoder.model) == hooks
    np.testing.assert_array_equal(own_states(encoder), before)


def test_what_cannot_be_taken_apart_is_refused():
    import torch
    from transformers import GPT2Config, GPT2Model

    gpt2 = GPT2Model(GPT2Config(vocab_size=50, n_embd=8, n_layer=1, n_head=2, n_positions=16)).eval()
    with pytest.raises(ExplaintError, match="families BERT.*Llama"):
        attribution.layer_parts(SimpleNamespace(model=gpt2), IDS)
    with pytest.raises(ExplaintError, match="one text"):
        attribution.value_zeroing(tiny("bert"), IDS[None])
    with pytest.raises(ExplaintError, match="contextual encoder"):
        attribution.leave_one_out(SimpleNamespace(family="static"), IDS)
    other = tiny("llama")
    scaled = other.model.layers[1].self_attn.o_proj
    scaled.register_forward_hook(lambda _m, _a, out: out * 1.5)  # a relative that does something more
    with pytest.raises(ExplaintError, match="more than heads"):
        attribution.layer_parts(other, IDS)
    fast = tiny("bert")
    fast.model.set_attn_implementation("sdpa")
    with pytest.raises(ExplaintError, match="eager"), torch.no_grad():
        attribution.layer_parts(fast, IDS)
    with pytest.raises(ExplaintError, match="generator"):
        attribution.hidden_token_attribution(tiny("bert"), IDS, n_samples=2)
    with pytest.raises(ExplaintError, match="readout"):
        attribution.gradient_x_input(tiny("bert"), IDS, readout=np.ones((2, 2)))
    with pytest.raises(ExplaintError, match="no token"):
        rng = np.random.default_rng(0)
        attribution.replacement_effect(tiny("bert"), IDS, replacements=lambda *_: None, rng=rng)


# -- planted worlds ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(3)
    found = {}
    for build in (planted.keeper, planted.decoy, planted.sink, planted.mover, planted.rotator):
        world = build(rng=rng)
        for row in score_world(world, world.sample(1, 9, rng=rng)[0], n_samples=16, rng=rng):
            found[row["world"], row["method"]] = row
    return found


def test_planted_states_and_parts_are_the_worlds_own():
    world = planted.keeper(rng=np.random.default_rng(4))
    ids = world.sample(1, 8, rng=np.random.default_rng(5))[0]
    hidden, weights = world.forward_ids(ids[None])
    for layer, part in enumerate(attribution.layer_parts(world, ids)):
        np.testing.assert_allclose(part["attention"], weights[0, layer], atol=1e-12)
        np.testing.assert_allclose(attention.LayerParts(**part).output, hidden[0, layer + 1], atol=1e-12)


@pytest.mark.parametrize("method", ["raw attention", "rollout", "flow"])
def test_weights_alone_are_fooled_by_decoy_and_sink(scores, method):
    for world in ("decoy", "sink"):
        assert scores[world, method]["misplaced"] > 0.4
        assert scores[world, method]["main_source"] < 0.5


@pytest.mark.parametrize("method", ["norm-weighted", "ALTI"])
def test_methods_that_look_at_values_are_not(scores, method):
    for world in ("keeper", "decoy", "rotator"):
        assert scores[world, method]["misplaced"] < 0.05
        assert scores[world, method]["main_source"] == 1
    assert scores["sink", method]["misplaced"] < 0.25


def test_the_decoy_moves_nothing_when_its_values_go():
    world = planted.decoy(rng=np.random.default_rng(6))
    ids = world.sample(1, 8, rng=np.random.default_rng(7))[0]
    assert attribution.value_ablation(world, ids).max() < 1e-12
    assert attribution.value_zeroing(world, ids).max() < 1e-12
