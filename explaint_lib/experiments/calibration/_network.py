"""Whether it takes a network (chapter 06): norms that follow the vectors in straight lines, in waves, or in clusters.

What makes the claim true or false, for each of its controls:

* against *PLSR, tuned*: true where every feature rises and falls several times along its own direction in the vectors,
  which no linear map can follow; false where it rises with that direction and nothing else;
* against *copied*: true in the same waves; false where words lie in clusters and a cluster is all that decides, so that
  the mean of the nearest words says what there is to say. (Where norms follow the vectors in a straight line copying
  does less well than a network, and than a linear map: the other control is for that. Where the vectors say nothing of
  the norms a network may do better too, by staying near the mean: that is the chapter's first claim.)

The network is that of the chapter, trained as it is there, with five draws of folds for its ten, and at two sizes: one
world of 500 words takes half a minute. What it does not license: the same power where norms bend otherwise. A network
of this kind, with so few words, finds waves; it found nothing in worlds that we tried in which the sign of a product,
or the distance from the middle, decides.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np

from explaint_lib import inference, mappers, metrics
from explaint_lib.experiments.calibration._cases import DIM, N_FOLDS, N_RATINGS, Kind, n_categories, nearest_mean
from explaint_lib.experiments.calibration._diagnostic import Diagnostic, Registry, entropy
from explaint_lib.inference import Comparison

Shape = Literal["straight", "waves", "clusters"]
ABOUT: dict[Shape, str] = {
    "straight": "each feature depends on the vectors in a straight line",
    "waves": "each feature rises and falls several times along its direction in the vectors",
    "clusters": "the words lie in clusters, and each feature depends on the cluster and nothing else",
}
DIRECTIONS = 2  # that the norms depend on
STRENGTH = 4.0  # of these directions in the vectors, in units of the noise
STEEP = 2.0  # radians of a wave in one standard deviation of its direction
NOISE = {"sparse": 0.2, "dense": 0.5}  # in the norms, in units of what they follow
NAMED = 0.05, 0.3  # the smallest and the largest share of words that a feature is named of
SIZES = (60, 240)
N_DRAWS = 5  # assignments of the words to folds
COMPONENTS = (1, 2, 5, 10, 20, 50)  # the linear map's, chosen among the training words
NEIGHBOURS = (3, 10, 30)  # from so many nearest words norms are copied; the best of these


def register(registry: Registry) -> None:
    """Add these worlds and diagnostics."""
    kinds: tuple[tuple[Kind, str, str], ...] = (("sparse", "F1@10", ""), ("dense", "Spearman per word", ", rated"))
    for kind, score, rated in kinds:
        for shape, about in ABOUT.items():
            said = f"{about}; norms are ratings" if rated else about
            registry.world(f"{shape}{rated}", said, _Drawn(shape, kind))
        for control, false, compare in (("copied", "clusters", _copied), ("PLSR, tuned", "straight", _linear)):
            registry.add(Diagnostic("nonlinear", control, score, false + rated, f"waves{rated}", compare, sizes=SIZES))


class Bent:
    """Vectors, norms that depend on them in a known shape, and what a network makes of them."""

    def __init__(self, shape: Shape, kind: Kind, n_words: int, seed: np.random.SeedSequence) -> None:
        rng = np.random.default_rng(seed)
        hidden = rng.standard_normal((n_words, DIRECTIONS))
        along = rng.standard_normal((DIRECTIONS, N_RATINGS)) / np.sqrt(DIRECTIONS)
        follows = hidden @ along
        label = rng.permutation(np.arange(n_words) % n_categories(n_words))
        if shape == "clusters":
            follows = rng.standard_normal((label.max() + 1, N_RATINGS))[label]
        if shape == "waves":
            follows = np.sqrt(2) * np.sin(STEEP * follows)
        told = follows + NOISE[kind] * rng.standard_normal(follows.shape)
        self.kind = kind
        self.Y: np.ndarray = np.clip(3 + told, 0, 6) if kind == "dense" else _named(told, rng)
        mixing = rng.standard_normal((DIRECTIONS, DIM)) / np.sqrt(DIRECTIONS)
        signal = rng.standard_normal((label.max() + 1, DIM))[label] if shape == "clusters" else hidden @ mixing
        self.X = STRENGTH * signal + rng.standard_normal((n_words, DIM))
        rng = np.random.default_rng(np.random.SeedSequence(entropy(seed.entropy, "folds")))
        self.folds = [mappers.make_folds(n_words, N_FOLDS, rng=rng) for _ in range(N_DRAWS)]

    def score(self, guess: np.ndarray, gold: np.ndarray | None = None) -> np.ndarray:
        """Return the main score of each word; NaN of a word without features."""
        metric = metrics.METRICS["f1_at_10" if self.kind == "sparse" else "spearman_item"]
        return metric.score(guess, self.Y if gold is None else gold, kind=self.kind)

    @cached_property
    def network(self) -> np.ndarray:
        """The network's score, (draw, word)."""
        network = mappers.FFNN(random_state=0)
        return np.stack([self.score(mappers.CrossFit(network, self.X, part).predict(self.Y)) for part in self.folds])


class _Drawn:
    """Draws a world of one shape; a class, so that other processes can be sent one."""

    def __init__(self, shape: Shape, kind: Kind) -> None:
        self.shape, self.kind = shape, kind

    def __call__(self, n_words: int, seed: np.random.SeedSequence) -> Bent:
        return Bent(self.shape, self.kind, n_words, seed)


def _named(told: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how many people name each feature: of the words of which it holds most, between 5 and 20."""
    shares = rng.uniform(NAMED[0], NAMED[1], size=(told.shape[1],))
    least = [np.quantile(column, 1 - share) for column, share in zip(told.T, shares, strict=True)]
    return np.where(told >= least, rng.integers(5, 21, told.shape), 0).astype(float)


def _copied(world: Bent, rng: np.random.Generator) -> Comparison:
    away = world.X - world.X.mean(axis=0)
    near = metrics.cosines(away, away)
    tried = [np.stack([world.score(nearest_mean(near, world.Y, part, k)) for part in world.folds]) for k in NEIGHBOURS]
    return inference.compare(world.network, max(tried, key=np.nanmean), "", varied="folds")


def _linear(world: Bent, rng: np.random.Generator) -> Comparison:
    tuned = np.stack([world.score(_tuned(world, part, rng)) for part in world.folds])
    return inference.compare(world.network, tuned, "", varied="folds")


def _tuned(world: Bent, part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what PLSR predicts, its components chosen in the training words of each fold, as in the chapter."""
    counts = [count for count in COMPONENTS if count <= min(world.X.shape[1], len(part) // 2)]
    path = mappers.CrossFit(mappers.PLSR(), world.X, part).predict_path(world.Y, counts)
    predicted = np.empty(world.Y.shape)
    for fold in range(N_FOLDS):
        train = part != fold
        inner = mappers.CrossFit(mappers.PLSR(), world.X[train], mappers.make_folds(int(train.sum()), 3, rng=rng))
        best, _ = inner.choose_components(
            world.Y[train], counts, lambda guess, gold: float(np.nanmean(world.score(guess, gold)))
        )
        predicted[~train] = path[counts.index(best), ~train]
    return predicted
