"""Generated sentences whose syntax is known without a parser: who is whose determiner, adjective, subject, object.

Each sentence comes from a small grammar with optional adjectives and adverbs, so that the distance between a word and
its head varies and a fixed offset is no perfect guess. It stands in for a treebank, which could not be shipped.

What it controls for: the gold relations are certain. What it does not license: the sentences are short and regular
and mean little; a head that follows them need not follow syntax elsewhere. Clark et al. (2019) used the Penn
Treebank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explaint_lib.relations import _grammar

_DETERMINERS = ("the", "a", "every", "this", "that", "another")
_ADJECTIVES = (
    "old", "small", "quiet", "young", "clever", "tired", "famous", "friendly", "lonely", "tall", "angry", "strange",
)  # fmt: skip
_PEOPLE = (
    "teacher", "doctor", "farmer", "sailor", "child", "painter", "nurse", "singer", "baker", "judge", "student",
    "pilot",
)  # fmt: skip
_THINGS = (
    "table", "letter", "boat", "garden", "bottle", "window", "piano", "basket", "coat", "bridge", "ladder", "map",
)  # fmt: skip
_POSSESSORS = ("his", "her", "their", "our")
_VERBS = ("saw", "found", "bought", "moved", "painted", "described", "wanted", "cleaned", "sold", "noticed")
_ADVERBS = ("quickly", "often", "never", "finally", "secretly", "slowly")
_PREPOSITIONS = ("near", "behind", "in", "from", "with", "under")


@dataclass(frozen=True)
class ParsedSentence:
    """A sentence with its gold relations.

    Attributes
    ----------
    words : tuple of str
        The full stop is the last one.
    relations : tuple of (relation, dependent, head)
        The dependent and its head are indices into `words`. Relations are ``det`` (a determiner and its noun),
        ``amod`` (an adjective and its noun), ``poss`` (a possessor and its noun), ``nsubj`` and ``obj`` (subject or
        object and the verb) and ``pobj`` (a noun and its preposition).
    """

    words: tuple[str, ...]
    relations: tuple[tuple[str, int, int], ...]

    @property
    def text(self) -> str:
        """The words with spaces between them; the tokenizers of the models split such a text at the same places."""
        text = " ".join(self.words)
        return text[0].upper() + text[1:].replace(" .", ".")


class _Writer:
    """Put a sentence together from left to right."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.words: list[str] = []
        self.relations: list[tuple[str, int, int]] = []

    def word(self, words: tuple[str, ...]) -> int:
        self.words.append(words[int(self.rng.integers(len(words)))])
        return len(self.words) - 1

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def noun_phrase(self, nouns: tuple[str, ...]) -> int:
        """Write determiner or possessor, up to three adjectives and a noun; return where the noun is."""
        possessed = self.chance(0.35)
        before = [("poss" if possessed else "det", self.word(_POSSESSORS if possessed else _DETERMINERS))]
        n_adjectives = int(self.rng.choice([0, 1, 2, 3], p=[0.35, 0.3, 0.2, 0.15]))
        for adjective in self.rng.choice(_ADJECTIVES, n_adjectives, replace=False):
            before.append(("amod", self.word((str(adjective),))))
        noun = self.word(nouns)
        if self.words[before[0][1]] == "a":
            self.words[before[0][1]] = _grammar.determiner(self.words[before[0][1] + 1]).strip()
        self.relations += [(relation, at, noun) for relation, at in before]
        return noun

    def prepositional(self, nouns: tuple[str, ...]) -> None:
        preposition = self.word(_PREPOSITIONS)
        self.relations.append(("pobj", self.noun_phrase(nouns), preposition))

    def sentence(self) -> ParsedSentence:
        """Write one sentence: subject, perhaps a phrase, perhaps an adverb, verb, object, perhaps a phrase."""
        if self.chance(0.3):
            self.prepositional(_THINGS)
        subject = self.noun_phrase(_PEOPLE)
        if self.chance(0.4):
            self.prepositional(_THINGS)
        if self.chance(0.5):
            self.word(_ADVERBS)
        verb = self.word(_VERBS)
        self.relations.append(("nsubj", subject, verb))
        self.relations.append(("obj", self.noun_phrase(_THINGS), verb))
        if self.chance(0.4):
            self.prepositional(_THINGS)
        self.words.append(".")
        return ParsedSentence(tuple(self.words), tuple(self.relations))


def parsed_sentences(n_sentences: int, *, rng: np.random.Generator) -> list[ParsedSentence]:
    """Write sentences with known syntax, all different.

    Parameters
    ----------
    n_sentences : int
    rng : numpy.random.Generator

    Returns
    -------
    list of ParsedSentence

    Examples
    --------
    >>> from explaint_lib import relations
    >>> sentence = relations.parsed_sentences(1, rng=np.random.default_rng(0))[0]
    >>> sentence.words[-1], len(sentence.relations) > 2
    ('.', True)
    """
    found: dict[tuple[str, ...], ParsedSentence] = {}
    while len(found) < n_sentences:
        sentence = _Writer(rng).sentence()
        found.setdefault(sentence.words, sentence)
    return list(found.values())


def shuffled_words(sentence: ParsedSentence, *, rng: np.random.Generator) -> ParsedSentence:
    """Put the words in random order; each relation goes with its two words, the full stop stays.

    A head that finds a relation by the two *words* still can; one that needs their order, or the sentence, cannot.

    Examples
    --------
    >>> from explaint_lib import relations
    >>> sentence = relations.parsed_sentences(1, rng=np.random.default_rng(0))[0]
    >>> shuffled = relations.shuffled_words(sentence, rng=np.random.default_rng(1))
    >>> sorted(shuffled.words) == sorted(sentence.words), shuffled.words[-1]
    (True, '.')
    """
    n = len(sentence.words) - 1
    order = rng.permutation(n)  # new place -> old place
    place = np.argsort(order)
    words = (*(sentence.words[i] for i in order), sentence.words[-1])
    relations = ((relation, int(place[a]), int(place[b])) for relation, a, b in sentence.relations)
    return ParsedSentence(words, tuple(relations))
