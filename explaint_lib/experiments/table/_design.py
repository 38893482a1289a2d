"""What all conditions of a table share: norms, vectors and numbers, checked before anything is fitted, and streams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib import inference
from explaint_lib._common import ExplaintError, check_memory
from explaint_lib.controls import CONDITIONS, Prediction, Stream
from explaint_lib.mappers import CrossFit, MeanProfile, check_folds, make_folds, make_mapper
from explaint_lib.metrics import METRICS, Scorer, left_out
from explaint_lib.norms import FeatureNorms

FOLD_DRAWS = 10  # assignments of the words to folds that a table averages over
FEW_DRAWS = 5  # draws of the conditions that enter no test; draws in one resample of Spearman over words


def check_norms(norms: FeatureNorms, *, folds: int, seed: int = 0, fold_draws: int = FOLD_DRAWS) -> dict[str, str]:
    """Return the metrics that the norms are too small for, with what each needs, before any model runs.

    Raises
    ------
    ExplaintError
        If no metric is left, there are more folds than words, or a feature is rated in one fold alone.

    Examples
    --------
    >>> from explaint_lib.experiments import table
    >>> from explaint_lib.norms import load_norms
    >>> table.check_norms(load_norms("bundled"), folds=10)
    {}
    """
    lacks = left_out(norms.values, kind=norms.kind)
    if len(lacks) == len(METRICS):
        needs = "; ".join(f"{name} {what}" for name, what in lacks.items())
        raise ExplaintError(f"{norms.name} is too small for every metric ({needs}): give more words or features")
    if not 2 <= folds <= len(norms.words):
        raise ExplaintError(f"folds must be from 2 to the number of words, {len(norms.words)}; found {folds}")
    if seed < 0:
        raise ExplaintError(f"seed must be at least 0, found {seed}")
    for draw in range(fold_draws):
        check_folds(folds_of(len(norms.words), folds, seed, draw), len(norms.words), norms.values)
    return lacks


def checked_vectors(
    norms: FeatureNorms,
    X: np.ndarray,
    *,
    folds: int,
    fold_draws: int,
    components: int,
    permutations: int,
    bootstrap: int,
    seed: int,
) -> np.ndarray:
    """Return the vectors as float64, or say what is wrong with them or with a number."""
    check_norms(norms, folds=folds, seed=seed, fold_draws=fold_draws)
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or len(X) != len(norms.words):
        raise ExplaintError(f"expected one vector for each of the {len(norms.words)} words, found shape {X.shape}")
    if not np.isfinite(X).all():
        raise ExplaintError(f"{np.count_nonzero(~np.isfinite(X).all(axis=1))} word vectors hold NaN or infinity")
    for name, value, least in (
        ("components", components, 1),
        ("fold_draws", fold_draws, 1),
        ("permutations", permutations, 0),
        ("bootstrap", bootstrap, 1),
    ):
        if value < least:
            raise ExplaintError(f"{name} must be at least {least}, found {value}")
    return X


def words_of_one_vector(words: Sequence[str], X: np.ndarray) -> list[list[str]]:
    """Return the words that a model cannot tell apart ("Polish" and "polish" without case), in groups.

    Homonyms, which only their hints tell apart, are one word here.

    Examples
    --------
    >>> from explaint_lib.experiments import table
    >>> table.words_of_one_vector(["Polish", "polish", "owl"], np.array([[1.0], [1.0], [0.5]]))
    [['Polish', 'polish']]
    """
    groups: dict[bytes, list[str]] = {}
    for word, vector in dict(zip(words, X, strict=True)).items():
        groups.setdefault((vector.round(4) + 0.0).tobytes(), []).append(word)  # + 0.0: no negative zero
    return [group for group in groups.values() if len(group) > 1]


def say_one_vector(model: str, alike: Sequence[Sequence[str]]) -> str:
    """Return the sentence about words that a model cannot tell apart, and what to do.

    Examples
    --------
    >>> from explaint_lib.experiments import table
    >>> table.say_one_vector("minilm", [["Polish", "polish"]])[:63]
    'one vector in minilm for different words: Polish = polish; it s'
    """
    named = "; ".join(" = ".join(group) for group in alike[:10]) + ("; ..." if len(alike) > 10 else "")
    return (
        f"one vector in {model} for different words: {named}; it stands in training and test folds alike, "
        "so keep one row of each"
    )


def stream(seed: int, which: int, draw: int = 0) -> np.random.Generator:
    """Return the generator of one use; it depends on the seed, the number of the use and the draw alone."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(which, draw)))


def folds_of(n: int, folds: int, seed: int, draw: int = 0) -> np.ndarray:
    """Return the fold of each word in one assignment of the words to folds."""
    return make_folds(n, folds, rng=stream(seed, Stream.FOLDS, draw))


def ordered(conditions: Sequence[str] | None) -> list[str]:
    """Return the names of conditions in the table's order (None: all), or say which name is none."""
    wanted = list(CONDITIONS) if conditions is None else list(conditions)
    unknown = sorted(set(wanted) - set(CONDITIONS))
    if unknown or not wanted:
        raise ExplaintError(
            f"conditions must be one or more of {', '.join(CONDITIONS)}; found {', '.join(unknown) or 'none'}"
        )
    return [name for name in CONDITIONS if name in wanted]


def draws_of(conditions: Sequence[str], permutations: int, fold_draws: int) -> dict[str, int]:
    """Return how many draws each condition makes, in the table's order; those in closed form are not among them."""
    many = permutations or FEW_DRAWS
    n_draws = {"one": fold_draws, "few": min(many, FEW_DRAWS), "permutations": many}
    return {
        name: n_draws[CONDITIONS[name].draws] for name in ordered(conditions) if CONDITIONS[name].draws != "closed form"
    }


class Design:
    """What all conditions share: norms, vectors, mapper, folds, resamples of the words, and how norms are predicted.

    Parameters
    ----------
    norms : FeatureNorms
    X : (n_words, dim) array
        Checked by `checked_vectors`.
    mapper : str
    components, folds, bootstrap, seed, fold_draws : int
        As in `run_table`. Draw d of a condition has assignment d modulo `fold_draws`, the same in every condition.
    """

    def __init__(
        self,
        norms: FeatureNorms,
        X: np.ndarray,
        *,
        mapper: str,
        components: int = 50,
        folds: int,
        bootstrap: int,
        seed: int,
        fold_draws: int = 1,
    ) -> None:
        self.norms, self.X, self.Y = norms, X, norms.values
        self.seed, self.bootstrap = seed, bootstrap
        made = make_mapper(mapper, components=components, seed=seed)
        self.cross = [CrossFit(made, X, folds_of(len(X), folds, seed, draw)) for draw in range(fold_draws)]
        # predictions of the system, of the mean and of a draw, copies to score them; the resamples; what folds keep
        check_memory(
            6.0 * self.Y.nbytes + 2.0 * len(X) * bootstrap * X.itemsize + sum(one.kept_bytes for one in self.cross),
            f"a table of {len(X)} words x {self.Y.shape[1]} features",
            "take fewer of them, for instance norms.subset(words=...)",
        )
        self.counts = inference.bootstrap_counts(len(X), bootstrap, rng=stream(seed, Stream.RESAMPLES))  # (draw, word)
        lacks = left_out(self.Y, kind=norms.kind)
        self.metrics = [name for name in METRICS if name not in lacks]
        self.scorer = Scorer(self.Y, norms.kind, self.metrics)

    def predict(self, target: np.ndarray, draw: int = 0) -> Prediction:
        """Return out-of-fold predictions of norms (word, feature) from the vectors."""
        return Prediction(*self._of(draw).predict_compact(target))

    def predict_itself(self, target: np.ndarray, draw: int = 0) -> Prediction:
        """Return predictions of norms from themselves; missing *inputs* take the training fold's mean."""
        return Prediction(*self._of(draw).itself(target).predict_compact(target))

    def mean(self, target: np.ndarray, draw: int = 0) -> Prediction:
        """Return the mean of the training words for every word."""
        return Prediction(*CrossFit(MeanProfile(), self.X, self._of(draw).folds).predict_compact(target))

    def _of(self, draw: int) -> CrossFit:
        return self.cross[draw % len(self.cross)]
