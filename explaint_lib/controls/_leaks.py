"""Features whose name repeats a part of the word: the answer stands in the question."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from explaint_lib._common import word_list

_SHORTEST = 4  # letters: "fish" in "goldfish" counts, "cat" in "catalogue" does not
_FILLERS = frozenset({"found", "from", "have", "inbeh", "like", "lives", "made", "more", "used", "with", "worn"})


def features_in_name(words: Sequence[str], features: Sequence[str]) -> np.ndarray:
    """Mark for each word the features whose name shares a part with it: *goldfish* and "a_fish".

    Strike them from the norms, map and score again: what a score loses could have been read off the spelling. It keeps
    features that spelling gives away by convention only (*-berry* words are small).

    A part is shared where two words of letters are equal but for a plural *s* or *es*, or the shorter has at least four
    letters and the longer begins or ends with it. That finds compounds and most derivations, and some accidents.

    Parameters
    ----------
    words : sequence of str
        Forms, without a bracketed hint.
    features : sequence of str
        Names as the norms have them; whatever is no letter from a to z separates the words in a name.

    Returns
    -------
    (n_words, n_features) bool array
        Marked whether or not the word has the feature.

    Raises
    ------
    ExplaintError
        If there are no words or features, or one of them is empty.

    Examples
    --------
    >>> from explaint_lib import controls
    >>> controls.features_in_name(["goldfish", "owl"], ["a_fish", "hoots"])
    array([[ True, False],
           [False, False]])
    """
    names = [_letter_groups(feature) - _FILLERS for feature in word_list(features)]
    used = sorted(set[str]().union(*names))
    at: dict[str, list[int]] = {part: [] for part in used}
    for column, parts in enumerate(names):
        for part in parts:
            at[part].append(column)
    marked = np.zeros((len(word_list(words)), len(names)), dtype=bool)
    for row, word in zip(marked, words, strict=True):
        for own in _letter_groups(word):
            for part in used:
                if (own in part or part in own) and _are_one_part(*sorted((own, part), key=len)):
                    row[at[part]] = True
    return marked


def _letter_groups(text: str) -> set[str]:
    return {part for part in re.findall("[a-z]+", text.lower()) if len(part) > 2}


def _are_one_part(short: str, long: str) -> bool:
    if long in (short, short + "s", short + "es"):
        return True
    return len(short) >= _SHORTEST and (long.startswith(short) or long.endswith(short))
