"""What a word is, in every script and for every tokenizer; where a line of a text file ends."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from helpers_models import save_tiny_bert, save_tiny_llama
from hypothesis import given, settings
from hypothesis import strategies as st

from explaint_lib._common import ExplaintError, text_lines
from explaint_lib.encoders import _corpus, _tokens, load_encoder

SENTENCES = {
    "Hindi": "हिन्दी भाषा बहुत सुंदर है",
    "Tamil": "தமிழ் மொழி",
    "Thai": "ภาษาไทยที่นี่ สวย",
    "Khmer": "ភាសាខ្មែរ ស្អាត",
    "Arabic, vocalised": "كِتَاب جَمِيل",
    "Hebrew, vocalised": "שָׁלוֹם לְכֻלָּם",
    "Persian, with a non-joiner": "می\u200cخواهم بروم",
    "Sinhala, with a joiner": "ක්\u200dරීඩා ශ්\u200dරී",
    "Vietnamese, decomposed": unicodedata.normalize("NFD", "tiếng Việt"),
    "emoji sequences": "👩\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f\u20e3 👍🏽",
    "soft hyphen": "co\u00adop co\u00adoperation",
}
JOINERS = "\u200c\u200d\ufe0f\u00ad\u2060"
MARKS = "\u0301\u093f\u094d\u0e31\u0650\u05b8\u20e3\u0bcd\u17d2" + JOINERS
ALPHABET = st.sampled_from("aZé९中ไ👩!'’.-_ \t\n\u2028\u200b" + MARKS) | st.characters(exclude_categories=["Cs"])


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        "uncased word pieces": load_encoder(str(save_tiny_bert(folder / "bert"))).tokenizer,
        "byte-level pieces": load_encoder(str(save_tiny_llama(folder / "llama"))).tokenizer,
        "sentence pieces": sentence_pieces(),
    }


def sentence_pieces():
    """Return a unigram tokenizer that reads a run of unknown characters as one piece."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=40, special_tokens=["<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator(["a small robin is a bird"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


@pytest.mark.parametrize("script", SENTENCES)
@pytest.mark.parametrize("kind", ["uncased word pieces", "byte-level pieces", "sentence pieces"])
def test_a_word_is_what_is_written_between_spaces_in_every_script(tokenizers, kind, script):
    text = SENTENCES[script]
    encoding = _tokens.tokenize(tokenizers[kind], [text])[0]
    assert encoding.words == tuple(text.split())
    assert set(encoding.word_ids[~encoding.special]) - {-1} == set(range(len(text.split())))


def test_words_that_share_a_piece_are_one_word_and_lose_no_letter(tokenizers):
    encoding = _tokens.tokenize(tokenizers["sentence pieces"], ["a robin 中文。日本 bird"])[0]
    assert encoding.words == ("a", "robin", "中文。日本", "bird")
    assert [encoding.words[i] for i in encoding.word_ids if i >= 0].count("中文。日本") == sum(
        token == "<unk>" for token in encoding.tokens
    )


@settings(max_examples=300, deadline=None)
@given(st.text(ALPHABET, max_size=40))
def test_every_character_has_one_word_and_no_mark_begins_one(text):
    for pattern in (_tokens.WORD, _tokens.PART):
        spans = [match.span() for match in pattern.finditer(text)]
        covered = [i for start, end in spans for i in range(start, end)]
        assert covered == [i for i, character in enumerate(text) if not character.isspace()]
        for start, _ in spans:
            stands_alone = start == 0 or text[start - 1].isspace()  # nothing before it to stay with
            assert stands_alone or unicodedata.category(text[start])[0] != "M" and text[start] not in JOINERS


@settings(max_examples=100, deadline=None)
@given(text=st.text(ALPHABET, min_size=1, max_size=25).filter(str.strip))
def test_words_of_a_byte_level_tokenizer_are_the_whole_text(tokenizers, text):
    encoding = _tokens.tokenize(tokenizers["byte-level pieces"], [text])[0]
    assert "".join("".join(encoding.words).split()) == "".join(text.split())
    for i, word in enumerate(encoding.words):
        at = encoding.offsets[encoding.word_ids == i]
        assert set(encoding.text[at[:, 0].min() : at[:, 1].max()]) <= set(word)


def test_an_occurrence_in_a_text_is_a_whole_word_however_its_accents_are_written(tmp_path):
    composed, decomposed = "café", unicodedata.normalize("NFD", "café")
    path = tmp_path / "corpus.txt"
    path.write_text(f"the {decomposed} and the {composed}\nहिन्दी हिन\n", encoding="utf-8")
    forms = {_corpus._key(word) for word in (composed, decomposed, "हिन", "cafe")}
    assert len(forms) == 3
    found = [line[start:end] for line, _, start, end in _corpus.occurrences(path, sorted(forms))]
    assert found == [decomposed, composed, "हिन"]


def test_half_a_surrogate_pair_is_refused(tokenizers):
    with pytest.raises(ExplaintError, match="text 1 holds half a surrogate"):
        _tokens.tokenize(tokenizers["byte-level pieces"], ["a", "b \ud800"])


# ---- text files


def test_lines_end_at_line_feeds_alone(tmp_path):
    inside = ["form\x0cfeed", "next\x85line", "line\u2028separator", "file\x1cseparator", "old\rMac", "tab\x0bbed"]
    (tmp_path / "t.txt").write_bytes("\ufeff".encode() + "\r\n".join([*inside, "", "  ", "last"]).encode())
    assert list(text_lines(tmp_path / "t.txt")) == [*enumerate(inside, start=1), (9, "last")]


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "holds no text"),
        (b"\xef\xbb\xbf\n \n", "holds no text"),
        ("one\ntwo\n".encode("utf-16"), "UTF-16 or UTF-32"),
        ("one\ntwo\n".encode("utf-32"), "UTF-16 or UTF-32"),
        ("one\ntwo\n".encode("utf-32-be"), "NUL byte in line 1"),
        ("one\ntwo\n".encode("utf-16-le"), "NUL byte in line 1"),
        (b"one\nt\0wo\n", "NUL byte in line 2"),
        (b"one\ncaf\xe9 two\n", "line 2 holds the byte 0xe9 at place 4"),
        (b"one\n\xed\xa0\x80\n", "line 2 holds the byte 0xed"),
    ],
)
def test_what_is_no_utf8_text_is_refused_with_its_line(tmp_path, content, said):
    (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(ExplaintError, match=said):
        list(text_lines(tmp_path / "t.txt"))


def test_the_bundled_sentences_are_one_a_line():
    from explaint_lib.experiments.continuity import bundled_sentences

    assert len(bundled_sentences()) > 100 and not any("\n" in line for line in bundled_sentences())
    assert np.all([line == line.strip() for line in bundled_sentences()])
