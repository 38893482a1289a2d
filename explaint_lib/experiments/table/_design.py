"""What a table needs of its norms, vectors and numbers, checked before anything is fitted; its random streams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib._common import ExplaintError, check_memory
from explaint_lib.mappers import make_folds
from explaint_lib.mappers._folds import splits_of
from explaint_lib.metrics import METRICS, left_out
from explaint_lib.norms import FeatureNorms

_STREAMS = ("folds", "bootstrap", "shuffled", "shuffled_upper_bound", "random", "permuted_pairing", "flips")


def check_norms(norms: FeatureNorms, *, folds: int, seed: int = 0) -> dict[str, str]:
    """Return the metrics that the norms are too small for, with what each needs, before any model runs.

    Raises
    ------
    ExplaintError
        If no metric is left, there are more folds than words, or a feature is rated in one fold alone.
    """
    lacks = left_out(norms.values, kind=norms.kind)
    if len(lacks) == len(METRICS):
        needs = "; ".join(f"{name} {what}" for name, what in lacks.items())
        raise ExplaintError(f"{norms.name} is too small for every metric ({needs}): give more words or features")
    if not 2 <= folds <= len(norms.words):
        raise ExplaintError(f"folds must be from 2 to the number of words, {len(norms.words)}; found {folds}")
    if seed < 0:
        raise ExplaintError(f"seed must be at least 0, found {seed}")
    splits_of(folds_of(len(norms.words), folds, seed), len(norms.words), norms.values)
    return lacks


def checked_vectors(norms, X, folds, components, permutations, bootstrap, seed) -> np.ndarray:
    """Return the vectors as float64, or say what is wrong with them or with a number."""
    check_norms(norms, folds=folds, seed=seed)
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or len(X) != len(norms.words):
        raise ExplaintError(f"expected one vector for each of the {len(norms.words)} words, found shape {X.shape}")
    if not np.isfinite(X).all():
        raise ExplaintError(f"{np.count_nonzero(~np.isfinite(X).all(axis=1))} word vectors hold NaN or infinity")
    n, m = norms.values.shape
    # predictions of the system, of the mean and of a draw, copies to score them; what a fold keeps of the vectors
    check_memory(
        6.0 * norms.values.nbytes + folds * X.nbytes,
        f"a table of {n} words x {m} features",
        "take fewer of them, for instance norms.subset(words=...)",
    )
    for name, value, least in (
        ("components", components, 1),
        ("permutations", permutations, 0),
        ("bootstrap", bootstrap, 1),
    ):
        if value < least:
            raise ExplaintError(f"{name} must be at least {least}, found {value}")
    return X


def words_of_one_vector(words: Sequence[str], X: np.ndarray) -> list[list[str]]:
    """Return the words that a model cannot tell apart ("Polish" and "polish" without case), in groups.

    Homonyms, which only their hints tell apart, are one word here.
    """
    groups: dict[bytes, list[str]] = {}
    for word, vector in dict(zip(words, X, strict=True)).items():
        groups.setdefault((vector.round(4) + 0.0).tobytes(), []).append(word)  # + 0.0: no negative zero
    return [group for group in groups.values() if len(group) > 1]


def say_one_vector(model: str, alike: Sequence[Sequence[str]]) -> str:
    """Return the sentence about words that a model cannot tell apart, and what to do."""
    named = "; ".join(" = ".join(group) for group in alike[:10]) + ("; ..." if len(alike) > 10 else "")
    return (
        f"one vector in {model} for different words: {named}; it stands in training and test folds alike, "
        "so keep one row of each"
    )


def stream(seed: int, use: str, draw: int = 0) -> np.random.Generator:
    """Return the generator of one use; it depends on seed, use and draw alone."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAMS.index(use), draw)))


def folds_of(n: int, folds: int, seed: int) -> np.ndarray:
    """Return the fold of each word."""
    return make_folds(n, folds, rng=stream(seed, "folds"))
