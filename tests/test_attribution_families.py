"""Methods that run the model again, on many architectures: equal to runs of the whole model, or refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from explaint_lib import attribution
from explaint_lib._common import ExplaintError
from explaint_lib.attribution._layers import find_layers

IDS = np.array([7, 3, 41, 12, 3, 28, 19])
IDS.flags.writeable = False
N = len(IDS)
SIZES = dict(vocab_size=50, hidden_size=24, num_hidden_layers=3, num_attention_heads=4, intermediate_size=40)
MORE = {
    "Albert": dict(embedding_size=12, initializer_range=0.25),
    "Electra": dict(embedding_size=12, initializer_range=0.25),
    "RemBert": dict(input_embedding_size=12),
    "RoFormer": dict(embedding_size=12),
    "DistilBert": dict(dim=24, n_layers=3, n_heads=4, hidden_dim=40),
    "Mixtral": dict(num_key_value_heads=2, num_local_experts=3),
    "GptOss": dict(num_key_value_heads=2, head_dim=6, num_local_experts=2, num_experts_per_tok=1, sliding_window=4,
                   rope_parameters={"rope_type": "default", "rope_theta": 1e4}),
    "Gemma": dict(num_key_value_heads=1, head_dim=6),
    "Granite": dict(num_key_value_heads=2, residual_multiplier=0.5, embedding_multiplier=3.0),
    "OPT": dict(ffn_dim=40, word_embed_proj_dim=24),
    "GPTNeo": dict(num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=4),
    "MobileBert": dict(embedding_size=12, intra_bottleneck_size=12, true_hidden_size=12),
    "Longformer": dict(attention_window=4),
    "Reformer": dict(is_decoder=True, hidden_size=24, attn_layers=["local", "local"], axial_pos_embds=False,
                     attention_head_size=6, num_attention_heads=4, feed_forward_size=40, local_attn_chunk_length=4),
    "XLM": dict(emb_dim=24, n_layers=3, n_heads=4, pad_index=0, n_words=50),
    "CLIPText": dict(projection_dim=24, eos_token_id=2, bos_token_id=0),
    "ConvBert": dict(embedding_size=24, initializer_range=0.25),
}  # fmt: skip
#: Where each family's values are made, layer by layer.
VALUES = {
    "Albert": lambda model: [model.encoder.albert_layer_groups[0].albert_layers[0].attention.value] * 3,
    "Electra": lambda model: [layer.attention.self.value for layer in model.encoder.layer],
    "RemBert": lambda model: [layer.attention.self.value for layer in model.encoder.layer],
    "RoFormer": lambda model: [layer.attention.self.value for layer in model.encoder.layer],
    "MobileBert": lambda model: [layer.attention.self.value for layer in model.encoder.layer],
    "MPNet": lambda model: [layer.attention.attn.v for layer in model.encoder.layer],
    "DistilBert": lambda model: [layer.attention.v_lin for layer in model.transformer.layer],
    "Mixtral": lambda model: [layer.self_attn.v_proj for layer in model.layers],
    "GptOss": lambda model: [layer.self_attn.v_proj for layer in model.layers],
    "Gemma": lambda model: [layer.self_attn.v_proj for layer in model.layers],
    "Granite": lambda model: [layer.self_attn.v_proj for layer in model.layers],
    "OPT": lambda model: [layer.self_attn.v_proj for layer in model.decoder.layers],
    "GPTNeo": lambda model: [layer.attn.attention.v_proj for layer in model.h],
}
#: Families whose block adds something that the parts would not hold.
NO_PARTS = {"MobileBert": "more than heads", "Granite": "more than heads"}
REFUSED = {
    "GPT2": "the attention of GPT2Block is built in a way that this method does not know",
    "ConvBert": "the attention of ConvBertModel puts out more than its weights times its values",
    "Longformer": "LongformerModel does more than run its layers one after the other",
    "XLM": "XLMModel does more than run its layers one after the other",
    "CLIPText": "CLIPTextModel takes no word vectors",
    "Reformer": "ReformerModel does more than run its layers one after the other",
    "Bloom": "BloomModel does more than run its layers one after the other on word vectors, for several variants",
}


def build(family: str):
    """Return a random model in float64 as an encoder holds it."""
    import torch
    import transformers

    sizes = {} if family in ("DistilBert", "GPTNeo", "GPT2", "XLM") else dict(SIZES)
    config = getattr(transformers, f"{family}Config")(
        **sizes | dict(max_position_embeddings=32, vocab_size=50, attn_implementation="eager") | MORE.get(family, {})
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, f"{family}Model")(config)
        for weights in model.parameters():
            if weights.ndim > 1:  # large enough that attention is uneven
                torch.nn.init.normal_(weights, 0.0, 0.25 if weights.shape[-1] < 100 else 0.02)
    # grouped products know no float64, and GPTNeo weighs its values in float32 whatever it is given
    exact = family not in ("Mixtral", "GptOss", "GPTNeo")
    return SimpleNamespace(model=(model.double() if exact else model).eval(), name=family, exact=exact)


@pytest.fixture(scope="module", params=VALUES)
def encoder(request):
    return build(request.param)


def states(model, **given):
    import torch

    given = given or {"input_ids": torch.from_numpy(IDS[None].copy())}
    with torch.no_grad():
        return torch.stack(model(output_hidden_states=True, **given).hidden_states, dim=1).numpy()[0]


def without(j):
    def hook(_module, _args, values):
        values = values.clone()
        values[:, j] = 0
        return values

    return hook


def test_values_set_to_zero_are_runs_of_the_whole_model_without_them(encoder):
    before = states(encoder.model)
    ablation, zeroing = attribution.value_ablation(encoder, IDS), attribution.value_zeroing(encoder, IDS)
    values = VALUES[encoder.name](encoder.model)
    hooks = [module.register_forward_hook(without(2)) for module in dict.fromkeys(values)]
    after = states(encoder.model)
    for hook in hooks:
        hook.remove()
    np.testing.assert_allclose(ablation[..., 2], attribution.relative_change(before, after), atol=1e-5)
    assert ablation[-1, 4, 2] > 1e-3  # it does move something
    hook = values[0].register_forward_hook(without(2))
    after = states(encoder.model)[1]  # what lies below is untouched, and shared weights come later
    hook.remove()
    cosine = (before[1] * after).sum(-1) / np.linalg.norm(before[1], axis=-1) / np.linalg.norm(after, axis=-1)
    np.testing.assert_allclose(zeroing[0, :, 2], 1 - cosine, atol=1e-5)


def test_a_word_left_out_is_a_run_of_the_whole_model_on_other_vectors(encoder):
    import torch

    lookup = encoder.model.get_input_embeddings()  # Gemma's scales what it looks up
    with torch.no_grad():
        words = lookup(torch.from_numpy(IDS.copy())).clone()
        words[2] = lookup(torch.arange(50)).mean(dim=0)
    change = attribution.relative_change(states(encoder.model), states(encoder.model, inputs_embeds=words[None]))
    np.testing.assert_allclose(attribution.leave_one_out(encoder, IDS)[..., 2], change, atol=1e-5)


def test_gradients_are_slopes_of_the_whole_model(encoder):
    import torch

    first = find_layers(encoder.model, IDS).modules[0]
    start = states(encoder.model)[0]

    def stretched(by):
        runs = 0

        def hook(_module, args):
            nonlocal runs
            runs += 1
            moved = args[0].clone()
            moved[0, 2] += by * torch.from_numpy(start[2])
            return (moved, *args[1:]) if runs == 1 else None

        handle = first.register_forward_pre_hook(hook)
        found = states(encoder.model)
        handle.remove()
        return found

    step = 1e-4 if encoder.exact else 1e-2
    slope = (stretched(step) - stretched(-step))[1:] / (2 * step)
    found = attribution.gradient_x_input(encoder, IDS)[1:, :, 2]
    np.testing.assert_allclose(found, np.linalg.norm(slope, axis=-1), rtol=1e-2, atol=1e-2 * found.max())
    jacobian = attribution.hidden_token_attribution(encoder, IDS, n_samples=2, rng=np.random.default_rng(0))
    assert np.isfinite(jacobian).all()


def test_parts_add_up_or_are_refused(encoder):
    if encoder.name in NO_PARTS:
        with pytest.raises(ExplaintError, match=NO_PARTS[encoder.name]):
            attribution.layer_parts(encoder, IDS)
        return
    own = {layer: part["attention"] for layer, part in enumerate(attribution.layer_parts(encoder, IDS))}
    np.testing.assert_allclose(attribution.states_under(encoder, IDS, own), states(encoder.model), atol=1e-5)


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_that_would_be_misread_is_refused_by_its_name(family):
    with pytest.raises(ExplaintError, match=REFUSED[family]):
        attribution.value_zeroing(build(family), IDS)


def test_an_expert_is_switched_back_after_a_gradient():
    model = build("Mixtral").model
    before = model.get_experts_implementation()
    attribution.gradient_x_input(SimpleNamespace(model=model), IDS)
    assert model.get_experts_implementation() == before


@pytest.mark.parametrize("family", ["Albert", "Electra", "DistilBert", "GPT2", "Mixtral", "Gemma"])
def test_a_corrupted_layer_is_the_one_asked_for_and_the_layers_above_run_on(family):
    """Where layers share one module (ALBERT) too: what lies below is untouched."""
    import torch

    model = build(family).model
    encoder = SimpleNamespace(model=model, encode=lambda *_, **__: [SimpleNamespace(token_ids=IDS)])
    before, text = states(model), attribution.prepare(encoder, IDS)
    order = np.roll(np.arange(N), 2)
    for layer in range(len(before) - 1):
        with attribution.edited_states(encoder, layer, [attribution.reorder(order)]) as seen:
            after = states(model)
            states(model)  # and again in the next pass
        np.testing.assert_array_equal(after[:layer], before[:layer])
        np.testing.assert_array_equal(seen[0], before[layer][None, order].astype(np.float32))
        np.testing.assert_array_equal(seen[0], seen[1])
        running = torch.from_numpy(seen[0]).to(text.start)
        for above in range(layer, len(before) - 1):
            with torch.no_grad():
                running = text.step(above, running)
        with torch.no_grad():
            np.testing.assert_allclose(after[-1], text.finish(running)[0].numpy(), atol=1e-5)
    np.testing.assert_array_equal(states(model), before)


@pytest.mark.parametrize("family", ["XLM", "Longformer"])
def test_states_are_not_corrupted_where_no_list_of_modules_holds_the_layers(family):
    encoder = SimpleNamespace(model=build(family).model, encode=lambda *_, **__: [SimpleNamespace(token_ids=IDS)])
    said = f"{family}Model does more than run its layers one after the other"
    with pytest.raises(ExplaintError, match=said), attribution.edited_states(encoder, 0, [lambda rows: rows]):
        pass
