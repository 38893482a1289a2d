"""What a model predicts: equal to the transformers library's own, whatever the family, batch and intervention."""

from __future__ import annotations

import families
import numpy as np
import pytest

from explaint_lib import attribution, encoders
from explaint_lib._common import ExplaintError

NAMES = ("bert", "albert", "roberta", "modernbert", "distilbert", "electra_small", "deberta", "llama", "gemma2",
         "gpt2", "gptneox", "cohere", "granite", "qwen2", "mixtral", "opt", "phi", "biogpt", "gptj")  # fmt: skip


def the_library(folder, ids, family):
    """Return logits of the library's own model with its head."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

    auto = AutoModelForCausalLM if family == "decoder" else AutoModelForMaskedLM
    model = auto.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        return model(input_ids=torch.from_numpy(ids[None])).logits[0].numpy()


@pytest.fixture(scope="module", params=NAMES)
def folder(request, tmp_path_factory):
    return families.save(request.param, tmp_path_factory.mktemp("heads") / request.param)


def test_logits_are_the_librarys(folder):
    encoder = encoders.load_encoder(str(folder))
    assert encoder.predicts == ("next token" if encoder.family == "decoder" else "masked token")
    assert encoder.describe()["predicts"] == encoder.predicts
    for read in encoder.encode(families.TEXTS, attention=False):  # in padded batches
        expected = the_library(folder, read.token_ids, encoder.family)
        np.testing.assert_allclose(encoder.logits(read), expected, atol=1e-4 * np.abs(expected).max())
    alone = encoder.logits(read.text)
    np.testing.assert_allclose(encoder.logits(read.token_ids), alone, atol=1e-5)
    np.testing.assert_allclose(encoder.logits(read, positions=[2, 1]), alone[[2, 1]], atol=1e-4 * np.abs(alone).max())


def tiny(tmp_path, name="llama"):
    return families.save(name, tmp_path / name)


def test_an_intervention_reaches_the_head(tmp_path):
    """The states at one layer are exchanged: the logits are those of the library's model under the same hook."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = tiny(tmp_path)
    encoder = encoders.load_encoder(str(folder))
    order = np.array([0, 2, 1, 3, 4])
    ids = encoder.tokenize(["bird"])[0].token_ids[:1].repeat(5) + np.arange(5)
    whole = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    whole.model.layers[1].register_forward_pre_hook(lambda _, args: (args[0][:, order], *args[1:]))
    with torch.no_grad():
        expected = whole(input_ids=torch.from_numpy(ids[None])).logits[0].numpy()
    with attribution.edited_states(encoder, 1, [attribution.reorder(order)]):
        found = encoder.logits(ids)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - encoder.logits(ids)).max() > 1e-2
    order = np.arange(len(encoder.tokenize([families.TEXTS[0]])[0]))[::-1]
    (read,) = attribution.corrupted(encoder, [families.TEXTS[0]], 1, attribution.reorder(order))
    with attribution.edited_states(encoder, 1, [attribution.reorder(order)]):
        np.testing.assert_allclose(encoder.logits(read), encoder.logits(read.token_ids), atol=1e-5)


def test_gradients_flow_through_the_head(tmp_path):
    import torch

    encoder = encoders.load_encoder(str(tiny(tmp_path, "gemma2")))
    states = torch.randn(1, 3, encoder.dim, requires_grad=True)
    encoder.head(states)[0, 1, 5].backward()
    moved = states.grad.abs().sum(dim=-1)[0]
    assert moved[1] > 0 and not moved[[0, 2]].any()


def bare(tmp_path, name, head):
    """Save a tiny model without its head."""
    import torch
    import transformers

    folder = tiny(tmp_path, name)
    model = getattr(transformers, families.FAMILIES[name].prefix + head).from_pretrained(folder, dtype=torch.float32)
    (folder / "model.safetensors").unlink()
    model.base_model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name, head", [("bert", "ForMaskedLM"), ("albert", "ForMaskedLM"), ("llama", "ForCausalLM")])
def test_no_head_is_made_up(tmp_path, name, head):
    folder = bare(tmp_path, name, head)
    encoder, findings = encoders.examine_model(str(folder))
    said = next(finding.said for finding in findings if finding.check == "predicts")
    assert encoder.predicts is None and "no weights of a head" in said
    with pytest.raises(ExplaintError, match="predicts no tokens.*no weights of a head"):
        encoder.logits(families.TEXTS[0])


def test_a_family_without_a_head_says_so(tmp_path):
    encoder = encoders.load_encoder(str(tiny(tmp_path, "clip_text")))
    with pytest.raises(ExplaintError, match="knows no head"):
        encoder.logits(families.TEXTS[0])


@pytest.mark.parametrize("name", ["albert", "gpt2"])  # both are tied, one has a head of its own besides
@pytest.mark.parametrize("twin", encoders.TWINS)
def test_twins_have_heads_of_their_own(tmp_path, name, twin):
    folder = str(tiny(tmp_path, name))
    ids = np.array([5, 9, 11])
    made = [
        encoders.load_encoder(folder, untrained=True, twin=twin, seed=seed) for seed in (1, 1, 2)
    ]  # the file was drawn with 0
    first, again, other = [encoder.logits(ids) for encoder in made]
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    whole = made[0].head._whole
    rows = made[0].model.get_input_embeddings().weight
    assert any(weights is rows for weights in whole.parameters())  # tied to the twin's own
    trained = encoders.load_encoder(folder)
    own = [weights for name, weights in trained.head._whole.named_parameters()]
    twins = [weights for name, weights in whole.named_parameters()]
    if twin == "permuted_weights":
        for one, two in zip(own, twins, strict=True):
            np.testing.assert_array_equal(np.sort(one.detach().ravel()), np.sort(two.detach().ravel()))
    assert any((one != two).any() for one, two in zip(own, twins, strict=True))


@pytest.mark.parametrize("positions", [[-1], [99], [[0]]])
def test_positions_that_are_not_there(tmp_path, positions):
    with pytest.raises(ExplaintError, match=r"positions must lie in 0\.\.2"):
        encoders.load_encoder(str(tiny(tmp_path))).logits(np.array([5, 9, 11]), positions=positions)


@pytest.mark.models
def test_smollm2_predicts_as_the_library_does():
    encoder = encoders.load_encoder("smollm2")
    read = encoder.encode(["The capital of France is"], attention=False)[0]
    found = encoder.logits(read)
    expected = the_library(encoders.MODELS["smollm2"].converted, read.token_ids, "decoder")
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert encoder.vocabulary[found[-1].argmax()] == "ĠParis"


@pytest.mark.models
def test_minilm_predicts_no_tokens():
    encoder = encoders.load_encoder("minilm")
    assert encoder.predicts is None
    with pytest.raises(ExplaintError, match=r"minilm predicts no tokens.*cls\.predictions"):
        encoder.logits("a robin")
