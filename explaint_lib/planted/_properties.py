"""Property worlds: the same norms, and word vectors that know nothing, the category, the words, or their spelling.

What it measures: nothing; it fixes what X says about Y, so that a score can be read against the truth. What
it controls for: norms are drawn before the vectors and from the same stream, so for one seed they are
identical over kinds, and so is the noise; only what the vectors encode differs. What it does not license:
taking these vectors as typical. Attributes are independent of categories here; in real norms they are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from explaint_lib._common import ExplaintError

WorldKind = Literal["nothing", "category", "category_and_attributes", "attributes_low_variance", "word_form"]
KINDS: tuple[WorldKind, ...] = get_args(WorldKind)

# McRae-like proportions: 13.4 features a word, two thirds of the features named of one word only
CORE_FEATURES = 4  # features of a category, each named of most of its words
CORE_SHARE = 0.75
SUPERORDINATES = 3
ATTRIBUTES_PER_WORD = 6.5
SHARED_FEATURES_PER_WORD = 1.55  # number of shared features, as a multiple of the number of words
LATENT = 10  # dimensions of the attribute space
QUIET = 0.15  # standard deviation of the low-variance subspace, in units of that of the rest
_ONSETS, _VOWELS, _CODAS = (*"bdfghklmnprstvz", "br", "dr", "gl", "kr", "pl", "st", "tr"), (*"aeiou",), ("", *"lmnrst")
_ATTRIBUTE_TYPES = ("visual-form", "function", "visual-colour", "motion", "encyclopaedic", "tactile", "sound")


@dataclass(frozen=True, eq=False)
class PropertyWorld:
    """A world in which it is known what the embeddings say about the norms.

    Attributes
    ----------
    kind : {"nothing", "category", "category_and_attributes", "attributes_low_variance", "word_form"}
        What the embeddings encode.
    strength : float
        Ratio of signal to noise in them (standard deviations).
    words : tuple of str, length n_words
        Made-up words, of different spelling; it has nothing to do with their norms.
    features : tuple of str, length n_features
    embeddings : ndarray of shape (n_words, dim)
    values : ndarray of shape (n_words, n_features)
        Production frequencies from 0 to 30, mostly 0; sparse norms.
    categories : tuple of str, length n_words
    feature_types : tuple of str, length n_features
        "taxonomic", a type of attribute, or "distinctive" (named of one word).
    attributes : ndarray of shape (n_words, LATENT)
        The hidden attributes the norms were drawn from.
    truth : dict of str to bool
        ``beats_mean_profile`` (do the embeddings say anything?), ``category`` (do they tell the category?),
        ``word`` (do they tell words of one category apart by what the norms say of them?),
        ``word_by_distance`` (do distances between vectors, too?), ``form`` (do they tell the spelling?).
    """

    kind: WorldKind
    strength: float
    words: tuple[str, ...]
    features: tuple[str, ...]
    embeddings: np.ndarray
    values: np.ndarray
    categories: tuple[str, ...]
    feature_types: tuple[str, ...]
    attributes: np.ndarray
    truth: dict[str, bool]


def property_world(
    kind: WorldKind,
    *,
    n_words: int = 240,
    n_categories: int = 12,
    dim: int = 50,
    strength: float = 1.0,
    rng: np.random.Generator,
) -> PropertyWorld:
    """Draw a property world.

    Parameters
    ----------
    kind : {"nothing", "category", "category_and_attributes", "attributes_low_variance", "word_form"}
        What the embeddings encode. With generators in the same state, the norms are identical over kinds.
        ``attributes_low_variance``: the category, and in a quiet subspace, turned at random, the attributes; a
        map finds them, distances do not. ``word_form``: the word's letters, its first letter, its length.
    n_words : int
        At least 4 for each category.
    n_categories : int
        At least 2.
    dim : int
        Dimensions of the embeddings; at least 20 for ``attributes_low_variance``.
    strength : float
        Standard deviation of the category part, of the attribute part and of the form part, in each
        coordinate, in units of that of the noise (in the quiet subspace: of the noise there).
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        For an unknown kind and for sizes too small to hold the structure.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> world = planted.property_world("category", rng=np.random.default_rng(0))
    >>> world.embeddings.shape, world.truth["category"], world.truth["word"]
    ((240, 50), True, False)
    """
    if kind not in KINDS:
        raise ExplaintError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if n_categories < 2 or n_words < 4 * n_categories:
        raise ExplaintError(
            f"expected at least 2 categories of at least 4 words, got {n_categories} categories, {n_words} words"
        )
    if dim < 1 or not (np.isfinite(strength) and strength >= 0):
        raise ExplaintError(f"expected dim >= 1 and a strength >= 0, got dim {dim} and strength {strength}")
    if kind == "attributes_low_variance" and dim < 2 * LATENT:
        raise ExplaintError(f"the quiet subspace takes {LATENT} dimensions: expected dim >= {2 * LATENT}, got {dim}")
    attributes = rng.standard_normal((n_words, LATENT))
    # not the first draw: folds made by `default_rng(same seed).permutation` would split along the categories
    category = rng.permutation(np.arange(n_words) % n_categories)  # (word,)
    columns, types = _norms(category, attributes, rng)
    values = np.stack(columns, axis=1)  # (word, feature)

    # all parts are drawn whatever the kind, so that kinds share their noise
    centres = rng.standard_normal((n_categories, dim))
    mixing = rng.standard_normal((LATENT, dim)) / np.sqrt(LATENT)
    embeddings = rng.standard_normal((n_words, dim))
    words = _spellings(n_words, rng)
    if kind == "word_form":
        form = _letters(words)
        part = form @ rng.standard_normal((form.shape[1], dim)) / np.sqrt(form.shape[1])
        embeddings = embeddings + strength * part
    elif kind != "nothing":
        embeddings = embeddings + strength * centres[category]
    if kind == "category_and_attributes":
        embeddings = embeddings + strength * attributes @ mixing
    if kind == "attributes_low_variance":
        quiet = np.arange(dim) >= dim - LATENT
        noise = embeddings[:, quiet] - strength * centres[category][:, quiet]
        embeddings[:, quiet] = QUIET * (noise + strength * attributes @ mixing[:, quiet])
        turn, _ = np.linalg.qr(rng.standard_normal((dim, dim)))
        embeddings = embeddings @ turn
    return PropertyWorld(
        kind,
        float(strength),
        words=words,
        features=tuple(f"{label}_{j:04d}" for j, label in enumerate(types)),
        embeddings=embeddings,
        values=values,
        categories=tuple(f"category_{c:02d}" for c in category),
        feature_types=tuple(types),
        attributes=attributes,
        truth={
            "beats_mean_profile": kind not in ("nothing", "word_form"),
            "category": kind not in ("nothing", "word_form"),
            "word": kind in ("category_and_attributes", "attributes_low_variance"),
            "word_by_distance": kind == "category_and_attributes",
            "form": kind == "word_form",
        },
    )


def _norms(
    category: np.ndarray, attributes: np.ndarray, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[str]]:
    """Draw the columns of the norms, (word,) each, and their types."""
    n_words, n_categories = len(category), int(category.max()) + 1
    drawn: list[tuple[np.ndarray, str, int, int]] = []  # words, type, lowest and highest frequency
    for c in range(n_categories):
        members = np.flatnonzero(category == c)
        for k in range(CORE_FEATURES):
            named = members[rng.random(len(members)) < CORE_SHARE]
            named = named if len(named) >= 2 else members[:2]
            drawn.append((named, "taxonomic" if k == 0 else _ATTRIBUTE_TYPES[k - 1], 10, 28))
    for group in range(min(SUPERORDINATES, n_categories)):
        members = np.flatnonzero(category % SUPERORDINATES == group)
        drawn.append((members[rng.random(len(members)) < CORE_SHARE], "taxonomic", 5, 20))
    n_shared = int(round(SHARED_FEATURES_PER_WORD * n_words))
    for k, count in enumerate(_prevalences(n_words, n_shared - len(drawn))):
        direction = rng.standard_normal(attributes.shape[1])
        # a little noise: not even the hidden attributes tell exactly who names a feature
        rank = attributes @ direction + 0.25 * np.linalg.norm(direction) * rng.standard_normal(n_words)
        drawn.append((np.argsort(-rank)[:count], _ATTRIBUTE_TYPES[k % len(_ATTRIBUTE_TYPES)], 5, 20))
    # every word has one distinctive feature, the others fall where they fall
    owners = np.concatenate([np.arange(n_words), rng.integers(0, n_words, 2 * len(drawn) - n_words)])
    drawn += [(np.array([owner]), "distinctive", 5, 12) for owner in owners]
    columns = []
    for words, _, lowest, highest in drawn:
        column = np.zeros(n_words)
        column[words] = rng.integers(lowest, highest + 1, len(words))
        columns.append(column)
    return columns, [label for _, label, _, _ in drawn]


def _spellings(n_words: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw pronounceable words of one to three syllables, all different."""
    words: dict[str, None] = {}
    while len(words) < n_words:
        syllables = rng.integers(1, 4)
        parts = [rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)]
        words["".join(parts) + str(rng.choice(_CODAS))] = None
    return tuple(words)


def _letters(words: tuple[str, ...]) -> np.ndarray:
    """Return what a word looks like, standardised: counts of its letters, its first letter, its length."""
    letters = sorted(set("".join(words)))
    counts = np.array(
        [[word.count(x) for x in letters] + [word[0] == x for x in letters] + [len(word)] for word in words]
    )
    spread = counts.std(axis=0)
    return (counts - counts.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _prevalences(n_words: int, n_features: int) -> np.ndarray:
    """Return how many words have each attribute: a long tail, at least 2, `ATTRIBUTES_PER_WORD` a word."""
    weights = 1 / (np.arange(n_features) + 7.0)
    counts = np.round(ATTRIBUTES_PER_WORD * n_words * weights / weights.sum())
    return np.clip(counts, 2, n_words // 2).astype(int)
