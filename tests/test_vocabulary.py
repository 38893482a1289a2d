"""Words that a vocabulary cannot spell are named or left out; they never become the vector of the unknown token."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from helpers_models import save_tiny_bert, save_tiny_llama
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner

from explaint_lib import encoders
from explaint_lib._common import ExplaintError
from explaint_lib.cli.table import table
from explaint_lib.encoders import _vocabulary
from explaint_lib.encoders._tokens import tokenize

THAI = ("นก", "ปลา", "บ้าน")
KNOWN = [*"abcdefgh", "robin", "trout", "bird", "red", "truck", "small"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return encoders.load_encoder(str(save_tiny_bert(tmp_path_factory.mktemp("bert"))))


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return encoders.load_encoder(str(save_tiny_llama(tmp_path_factory.mktemp("llama"))))


def fast(model, trainer) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(["a robin and a trout"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


@pytest.mark.parametrize(
    "model, trainer",
    [
        (models.Unigram(), trainers.UnigramTrainer(vocab_size=40, special_tokens=["?"], unk_token="?")),
        (models.BPE(unk_token="?"), trainers.BpeTrainer(vocab_size=40, special_tokens=["?"])),
        (models.BPE(), trainers.BpeTrainer(vocab_size=40)),  # drops what it does not know without a trace
        (models.WordLevel(unk_token="?"), trainers.WordLevelTrainer(special_tokens=["?"])),
    ],
    ids=["unigram", "bpe", "bpe that drops", "whole words"],
)
def test_every_kind_of_tokenizer_says_which_words_it_does_not_know(model, trainer):
    tokenizer = fast(model, trainer)  # declares no unknown token: it is read from the tokenizer's own model
    assert _vocabulary.unknown_words(tokenizer, ["robin", "robin\u2603x", *THAI, "a trout"]) == ["robin\u2603x", *THAI]


def test_a_vocabulary_of_unigrams_is_written_out_once_however_many_words_are_asked_for(monkeypatch):
    trainer = trainers.UnigramTrainer(vocab_size=40, special_tokens=["?"], unk_token="?")
    tokenizer, written = fast(models.Unigram(), trainer), []
    look = _vocabulary._look_for_unknown_id
    monkeypatch.setattr(_vocabulary, "_look_for_unknown_id", lambda model: written.append(model) or look(model))
    assert _vocabulary.unknown_words(tokenizer, ["robin", *THAI]) == _vocabulary.unknown_words(tokenizer, THAI)
    assert len(written) == 1


def test_words_of_byte_level_pieces_are_all_known(llama):
    assert llama.unknown_words([*KNOWN, *THAI, "\U0001f600"]) == []


def test_a_mark_may_be_dropped_and_a_sign_may_not(bert):
    assert bert.unknown_words(["cafe\u0301", "café", "fire  truck", "red-truck", *THAI]) == ["red-truck", *THAI]


def test_pieces_are_marked(bert):
    (encoding,) = tokenize(bert.tokenizer, ["robin ปลา"])
    np.testing.assert_array_equal(
        _vocabulary.unknown_pieces(bert.tokenizer, encoding), [token == "[UNK]" for token in encoding.tokens]
    )


@pytest.mark.parametrize("options", [{}, {"templates": ["A {word}."]}, {"hints": [None] * 4}, {"corpus": "text"}])
def test_no_way_of_showing_a_word_makes_it_the_unknown_token(bert, options, tmp_path):
    if "corpus" in options:
        options = {"corpus": tmp_path / "text.txt"}
        options["corpus"].write_text("the robin\n" + "\n".join(THAI) + "\n", encoding="utf-8")
    with pytest.raises(ExplaintError, match="cannot spell 3 of 4 words .*'นก', 'ปลา', 'บ้าน'"):
        bert.word_vectors(["robin", *THAI], **options)


def test_the_table_names_them_or_leaves_them_out(bert, tmp_path, monkeypatch):
    path, out = tmp_path / "norms.csv", tmp_path / "out.json"
    rows = [[word, *map(str, 1 + (i * np.arange(1, 13)) % 23)] for i, word in enumerate([*KNOWN, *THAI], 1)]
    path.write_text("\n".join(map(",".join, [["word", *"abcdefghijkl"], *rows])) + "\n", encoding="utf-8")
    monkeypatch.setattr(encoders, "load_vectors", lambda *_, **__: bert)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(table)
    asked = ["--norms", str(path), "--model", "any", "--mapper", "mean", "--folds", "2", "--permutations", "0"]
    asked += ["--bootstrap", "5", "--json", str(out)]
    refused = CliRunner().invoke(app, asked)
    assert "3 of the 17 words: " + ", ".join(THAI) in str(refused.exception)
    assert CliRunner().invoke(app, [*asked, "--drop-missing"]).exit_code == 0
    assert json.loads(out.read_text(encoding="utf-8"))["manifest"]["arguments"]["dropped_words"] == list(THAI)


def test_the_table_names_words_that_become_one_vector(bert, tmp_path, monkeypatch):
    path, out = tmp_path / "norms.csv", tmp_path / "out.json"
    rows = [[word, *map(str, 1 + (i * np.arange(1, 13)) % 23)] for i, word in enumerate([*KNOWN, KNOWN[0].title()], 1)]
    path.write_text("\n".join(map(",".join, [["word", *"abcdefghijkl"], *rows])) + "\n", encoding="utf-8")
    monkeypatch.setattr(encoders, "load_vectors", lambda *_, **__: bert)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(table)
    asked = ["--norms", str(path), "--model", "any", "--mapper", "mean", "--folds", "2", "--permutations", "0"]
    done = CliRunner().invoke(app, [*asked, "--bootstrap", "5", "--json", str(out)])
    assert f"{KNOWN[0]} = {KNOWN[0].title()}" in " ".join(done.stderr.split())
    alike = json.loads(out.read_text(encoding="utf-8"))["manifest"]["words_of_one_vector"]
    assert alike == [[KNOWN[0], KNOWN[0].title()]]
