"""The contract at the door: what breaks it is refused, all at once and in the project's words; limits are said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import families
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from explaint_lib import encoders
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _contract

CATCH_ALL = "Expected a text model that the library itself knows"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of tiny models, each made once; not to be written to."""
    folders: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in folders:
            folders[name] = families.save(name, tmp_path_factory.mktemp(name))
        return folders[name]

    return make


@pytest.fixture
def bert(made, tmp_path) -> Path:
    """A copy of a BERT to be damaged."""
    return Path(shutil.copytree(made("bert"), tmp_path / "bert"))


@pytest.fixture
def llama(made, tmp_path) -> Path:
    return Path(shutil.copytree(made("llama"), tmp_path / "llama"))


def refused(folder: Path, *, without_advice: bool = True) -> str:
    with pytest.raises(ExplaintError) as caught:
        encoders.load_encoder(str(folder))
    assert not (without_advice and CATCH_ALL in str(caught.value))
    return str(caught.value)


def configure(folder: Path, *drop: str, **changes) -> None:
    path = folder / "config.json"
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if key not in drop}))


def tensors(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def sharded(folder: Path) -> dict[str, str]:
    """Split the weights in two; return the index."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    index = {key: f"model-0000{i % 2 + 1}-of-00002.safetensors" for i, key in enumerate(weights)}
    for file in set(index.values()):
        save_file({k: w for k, w in weights.items() if index[k] == file}, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return index


# ---- the folder


@pytest.mark.parametrize("left", [(), ("tokenizer_config.json",), ("special_tokens_map.json",)])
def test_a_folder_without_a_vocabulary_is_refused(bert, left):
    kept = {file: b"{}" for file in left}
    for file in bert.glob("*token*"):
        file.unlink()
    for name, content in kept.items():
        (bert / name).write_bytes(content)
    assert "no tokenizer files" in refused(bert)


def test_a_tokenizer_of_special_tokens_alone_is_refused(bert):
    from tokenizers import Tokenizer, models

    Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")).save(str(bert / "tokenizer.json"))
    (bert / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}')
    assert "all of them special" in refused(bert)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"model_type": ', "is not JSON"),
        (b"[1]", "expected an object"),
        (b"{}", "no key model_type"),
        (None, "no config.json"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_named(bert, content, said):
    (bert / "config.json").unlink()
    if content is not None:
        (bert / "config.json").write_bytes(content)
    assert said in refused(bert)


def test_only_an_unknown_architecture_gets_the_advice_on_architectures(bert, capfd):
    configure(bert, model_type="my_bert", auto_map={"AutoModel": "m.M", "AutoConfig": "m.C"})
    (bert / "m.py").write_text("print('RAN')")
    said = refused(bert, without_advice=False)
    assert "no architecture 'my_bert'" in said and CATCH_ALL in said
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("length", [0, 5, 100, -3])
def test_a_file_that_was_cut_off_is_named(bert, length):
    path = bert / "model.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    said = refused(bert)
    assert "not whole" in said and "model.safetensors" in said


def test_shards_are_read_and_one_that_is_missing_is_named(bert):
    whole = encoders.load_encoder(str(bert))
    index = sharded(bert)
    again = encoders.load_encoder(str(bert))
    np.testing.assert_array_equal(again.word_vectors(families.WORDS), whole.word_vectors(families.WORDS))
    shard = sorted(set(index.values()))[1]
    (bert / shard).unlink()
    assert f"{shard} is missing" in refused(bert)


@pytest.mark.parametrize("named", ["weights.bin", "../outside.safetensors", "/tmp/outside.safetensors", 3])
def test_an_index_that_leads_elsewhere_is_refused_and_nothing_is_opened(bert, named, monkeypatch):
    index = sharded(bert)
    key = next(iter(index))
    (bert / "weights.bin").write_bytes(b"cos\nsystem\n")
    (bert / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index | {key: named}}))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("a pickle was opened"))
    assert "inside" in refused(bert) and "pickle" in refused(bert)


@pytest.mark.parametrize("named", ["adapter_model.bin", "weights.bin", "../model.safetensors"])
def test_a_configuration_that_names_other_weights_is_refused(bert, named):
    configure(bert, transformers_weights=named)
    assert repr(named) in refused(bert)


def test_what_is_loaded_is_what_is_hashed(bert):
    before = encoders.load_encoder(str(bert)).revision
    save_file({"x": torch.zeros(3)}, bert / "optimizer.safetensors")
    assert encoders.load_encoder(str(bert)).revision == before  # it is not loaded
    sharded(bert)
    in_shards = encoders.load_encoder(str(bert)).revision
    path = sorted(bert.glob("model-*.safetensors"))[0]
    save_file({k: w + 1 for k, w in load_file(path).items()}, path, metadata={"format": "pt"})
    assert encoders.load_encoder(str(bert)).revision != in_shards


def test_adapters_are_not_passed_over(bert):
    (bert / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "someone/base"}')
    save_file({"lora_A.weight": torch.zeros(2, 2)}, bert / "adapter_model.safetensors")
    assert "adapter" in refused(bert) and "merge" in refused(bert)
    (bert / "model.safetensors").unlink()
    (bert / "config.json").unlink()
    said = refused(bert)
    assert "3 reasons" in said and "no config.json" in said and "not whole" in said and "merge_and_unload" in said


def test_a_training_run_is_pointed_to_its_checkpoints(bert):
    (bert / "checkpoint-500").mkdir()
    shutil.move(bert / "model.safetensors", bert / "checkpoint-500")
    assert "weights in checkpoint-500" in refused(bert)


def test_a_gguf_file_that_was_cut_off_is_named(tmp_path):
    gguf = pytest.importorskip("gguf")
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("token_embd.weight", np.zeros((64, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path.write_bytes(path.read_bytes()[:-1000])
    assert "cut off" in refused(path)
    path.write_bytes(b"no gguf at all")
    assert "cut off or no GGUF file" in refused(path)


# ---- the weights


@pytest.mark.parametrize("method", [
    {"quant_method": "bitsandbytes", "load_in_4bit": True}, {"quant_method": "gptq", "bits": 4},
    {"quant_method": "awq", "bits": 4, "group_size": 128},
])  # fmt: skip
def test_quantised_weights_name_what_they_need(llama, method):
    configure(llama, quantization_config=method)
    said = refused(llama)
    assert f"quantised ({method['quant_method']})" in said and "plain weights" in said


def test_the_configuration_of_another_model_is_named_with_the_shapes(bert):
    configure(bert, hidden_size=64)
    said = refused(bert)
    assert "another shape" in said and "expected (64,)" in said and "above report" not in said


def test_layers_left_over_are_refused_and_heads_are_not(bert, llama, made):
    for folder in (bert, llama):
        configure(folder, num_hidden_layers=2)
        said = refused(folder)
        assert "layers that config.json does not ask for" in said and "2." in said
    for head in ("bert", "electra", "gptj", "xlm", "modernbert", "gemma3_images"):
        encoders.load_encoder(str(made(head)))


def test_a_tensor_too_many_inside_a_layer_is_refused(bert):
    lora = {"bert.encoder.layer.0.attention.self.query.lora_A.weight": torch.zeros(2, 32)}
    tensors(bert, lambda weights: weights | lora)
    assert "lora_A" in refused(bert)


@pytest.mark.parametrize("family, mask", [
    ("gptneo", "attn.attention.bias"), ("gptj", "attn.bias"), ("codegen", "attn.causal_mask"), ("gpt2", "attn.bias"),
])  # fmt: skip
def test_masks_that_old_files_hold_are_no_weights(family, mask, made, tmp_path):
    folder = Path(shutil.copytree(made(family), tmp_path / family))
    beside = mask.rpartition(".")[0]

    def published(weights):
        (prefix,) = {key.partition("h.0.")[0] for key in weights if "h.0." in key}
        masks = {f"{prefix}h.0.{mask}": torch.ones(1, 1, 8, 8, dtype=torch.bool)}
        return weights | masks | {f"{prefix}h.0.{beside}.masked_bias": torch.tensor(-1e9)}

    tensors(folder, published)
    assert encoders.load_encoder(str(folder)).family == "decoder"


def test_a_bias_that_the_configuration_does_not_ask_for_is_refused(llama):
    tensors(llama, lambda weights: weights | {"model.layers.0.self_attn.q_proj.bias": torch.ones(32)})
    assert "self_attn.q_proj.bias" in refused(llama)


@pytest.mark.parametrize("family", ["ViT", "Canine"])
def test_a_model_without_a_table_of_tokens_is_refused(bert, family):
    import transformers

    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
    config = getattr(transformers, f"{family}Config")(**small)
    getattr(transformers, f"{family}Model")(config).save_pretrained(bert)
    assert f"a {family}Model has no table with one vector for each token" in refused(bert)


def test_an_encoder_saved_with_the_configuration_of_both_halves_is_read(tmp_path):
    import transformers

    words = families.tokenizer(families.FAMILIES["t5"].tokenizer)
    small = {"vocab_size": len(words), "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    transformers.UMT5EncoderModel(transformers.UMT5Config(**small)).save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["is_encoder_decoder"]
    encoder = encoders.load_encoder(str(tmp_path))
    assert (encoder.family, encoder.n_layers) == ("encoder", 2)


def test_names_under_a_strange_prefix_are_shown(bert):
    tensors(bert, lambda weights: {f"net.{key}": value for key, value in weights.items()})
    assert "What is there instead: net.bert." in refused(bert)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(bert, value):
    def spoil(weights):
        weights["bert.encoder.layer.1.attention.self.query.weight"][0, 0] = value
        return weights

    tensors(bert, spoil)
    assert "not finite" in refused(bert)


def test_a_tokenizer_with_more_entries_than_rows_is_refused(bert):
    words = families.tokenizer("pieces")
    tensors(bert, lambda weights: weights)
    rows = len(words) - 10
    configure(bert, vocab_size=rows)
    cut = ("word_embeddings.weight", "predictions.bias", "decoder.bias", "decoder.weight")
    tensors(bert, lambda weights: {k: w[:rows].clone() if k.endswith(cut) else w for k, w in weights.items()})
    assert f"{len(words)} entries and the model {rows} embedding rows" in refused(bert)


def test_a_padding_token_without_a_row_is_not_used(bert, made):
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(bert)
    words.add_special_tokens({"pad_token": "[NEW]"})
    words.save_pretrained(bert)
    encoder = encoders.load_encoder(str(bert))
    assert "1 special tokens" in encoder.limits[0] and encoder.tokenizer.pad_token_id >= len(encoder.vocabulary)
    families.ENTRY_POINTS["encode"](encoder)


def test_everything_that_is_wrong_is_said_at_once(bert):
    configure(bert, num_hidden_layers=2)
    (bert / "tokenizer.json").unlink()
    said = refused(bert)
    assert "2 reasons" in said and "no tokenizer files" in said and "does not ask for" in said


def test_an_untrained_twin_needs_no_whole_weights(bert):
    configure(bert, num_hidden_layers=2)
    (bert / "model.safetensors").write_bytes(b"")
    assert encoders.load_encoder(str(bert), untrained=True).n_layers == 2


# ---- what it does


@pytest.mark.parametrize(
    "name, family",
    [("bert", "encoder"), ("fnet", "encoder"), ("llama", "decoder"), ("rwkv", "decoder"), ("mamba", "decoder")],
)
def test_direction_is_measured_on_states(made, name, family):
    assert encoders.load_encoder(str(made(name))).family == family


@pytest.mark.parametrize("name", ["convbert", "fnet"])
def test_models_that_see_padding_are_run_without(made, name):
    encoder = encoders.load_encoder(str(made(name)))
    assert not encoder.measured.pads and "padding" in encoder.describe()["limits"][0]
    families.ENTRY_POINTS["encode"](encoder)


@pytest.mark.parametrize("name, said", [
    ("mamba", "returns no attention weights"), ("longformer", "expected the same (heads"), ("jamba", "2 of its 4"),
    ("squeezebert", "holds no weights"), ("rwkv", "has shape"),
])  # fmt: skip
def test_attention_that_is_none_is_refused_and_word_vectors_serve(made, name, said):
    encoder = encoders.load_encoder(str(made(name)))
    assert said in encoder.measured.no_attention and encoder.n_heads == 0
    assert any("serves word vectors" in limit for limit in encoder.describe()["limits"])
    with pytest.raises(ExplaintError, match="no attention to read"):
        encoder.encode([families.TEXTS[0]])
    families.ENTRY_POINTS["words alone"](encoder)


def test_the_share_that_goes_to_a_sink_is_said(made):
    encoder = encoders.load_encoder(str(made("gptoss")))
    rows = encoder.encode([families.TEXTS[0]])[0].attention.sum(axis=-1)
    assert 0 < encoder.measured.to_sink < 1 and rows.max() < 1
    assert "goes to a sink" in encoder.describe()["limits"][0]


@pytest.mark.parametrize("name, limit", [("bert", 80), ("roberta", 78), ("mpt", 80), ("bigbird", 28), ("gpt2", 80)])
def test_the_longest_text_runs_and_a_longer_one_is_refused(made, name, limit):
    encoder = encoders.load_encoder(str(made(name)))
    assert encoder.max_tokens == limit
    assert encoder.forward_ids(np.full((1, limit), 7), attention=True)[1].shape[-1] == limit
    with pytest.raises(ExplaintError, match=f"at most {limit}"):
        encoder.forward_ids(np.full((1, limit + 1), 7))


def test_a_model_without_a_table_of_positions_has_no_longest_text(made):
    assert encoders.load_encoder(str(made("xlnet"))).max_tokens == 10**9


def test_a_model_that_reads_long_texts_otherwise_is_refused_then(made, monkeypatch):
    encoder = encoders.load_encoder(str(made("bert")))
    forward = type(encoder.model).forward

    def halved(self, input_ids, **options):
        out = forward(self, input_ids, **options)
        if input_ids.shape[1] > 20:
            out.hidden_states = tuple(layer[:, ::2] for layer in out.hidden_states)
        return out

    monkeypatch.setattr(type(encoder.model), "forward", halved)
    encoder.forward_ids(np.full((1, 20), 7))
    with pytest.raises(ExplaintError, match="reads longer texts in another way"):
        encoder.forward_ids(np.full((1, 21), 7))


def test_a_check_that_needs_another_is_left_out():
    def broken(_):
        raise ExplaintError("no")

    checks = (_contract.Check("a", broken), _contract.Check("b", lambda _: "fine", ("a",)),
              _contract.Check("c", lambda _: _contract.Limited("so so")))  # fmt: skip
    found = _contract.examine(_contract.Candidate("x", None, "cpu"), checks)
    assert [(f.check, f.result) for f in found] == [("a", "refused"), ("c", "limited")]
