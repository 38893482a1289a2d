"""Property worlds with what a chapter makes of them: draws of folds, predictions, scores, each computed once.

What it controls for: a comparison that gets luck of its own. All that diagnostics share (norms, vectors, folds) comes
from the world's seed, by name, so that no diagnostic can change what another finds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

import numpy as np

from explaint_lib import controls, mappers, metrics, planted
from explaint_lib.experiments.calibration._diagnostic import entropy
from explaint_lib.planted import PropertyWorld

N_FOLDS, N_DRAWS, N_COMPONENTS = 5, 10, 20
N_REFITS = 199  # of a null: with fewer no p survives the correction over a chapter's comparisons
FIRST_REFITS = 20  # after which most nulls are decided
CLEAR = 4.5  # standard deviations above the first refits, beyond which none of 199 would come
N_RATINGS = 65  # questions, as Binder et al. asked
DIM = 50
DROWNING, LOUDNESS = 10, 4.0  # dimensions that say nothing of the norms, and their standard deviation
MORE_COMPONENTS = 40  # of a map that must find what such dimensions drown
CORE_FEATURES = 4  # of a category

Kind = Literal["sparse", "dense"]


def n_categories(n_words: int) -> int:
    """Return how many categories a world of a size has: 6, 12 and 20 of worlds of 60, 240 and 500 words."""
    return 6 if n_words < 150 else 12 if n_words < 400 else 20


class Case:
    """A property world, and what maps make of it.

    Parameters
    ----------
    world : PropertyWorld
    seed : numpy.random.SeedSequence
    dense : bool
        Ratings (`ratings_of`) in place of the features that people name.
    rival : str, optional
        What the vectors know that are compared with these: a kind of world.
    drowned : bool
        Ten louder dimensions that say nothing of the norms are mixed into the vectors.
    norms : {"told", "core", "shuffled"}
        The norms of the world; the category's features and nothing else, of a rank no higher than the number of
        categories; or the norms of the world with every column shuffled.
    """

    def __init__(
        self,
        world: PropertyWorld,
        seed: np.random.SeedSequence,
        *,
        dense: bool = False,
        rival: str | None = None,
        drowned: bool = False,
        norms: Literal["told", "core", "shuffled"] = "told",
    ) -> None:
        self.rival = rival
        self.world, self.seed = world, seed
        self.kind: Kind = "dense" if dense else "sparse"
        self.X, self.labels = world.embeddings, world.categories
        if drowned:
            rng = self.rng("drowned")
            wide = np.hstack([self.X, LOUDNESS * rng.standard_normal((len(self.X), DROWNING))])
            self.X = wide @ np.linalg.qr(rng.standard_normal((wide.shape[1],) * 2))[0]  # turned: in no column alone
        self.Y = ratings_of(world, self.rng("ratings")) if dense else world.values
        if norms == "core":
            self.Y = self._core(np.unique(self.labels, return_inverse=True)[1])
        elif norms == "shuffled":
            self.Y = controls.shuffle_columns(self.Y, rng=self.rng("shuffled"))

    def _core(self, label: np.ndarray) -> np.ndarray:
        if self.kind == "dense":
            return np.stack([self.Y[label == one].mean(axis=0) for one in range(label.max() + 1)])[label]
        return 10.0 * np.repeat(label[:, None] == np.arange(label.max() + 1), CORE_FEATURES, axis=1)

    def rng(self, name: str) -> np.random.Generator:
        """Return the generator of one part of this world."""
        return np.random.default_rng(np.random.SeedSequence(entropy(self.seed.entropy, name)))

    @cached_property
    def folds(self) -> list[np.ndarray]:
        """Ten assignments of the words to folds."""
        rng = self.rng("folds")
        return [mappers.make_folds(len(self.Y), N_FOLDS, rng=rng) for _ in range(N_DRAWS)]

    @cached_property
    def maps(self) -> list[mappers.CrossFit]:
        """A map for each draw of folds."""
        return self.maps_of(self.X)

    def maps_of(self, X: np.ndarray, n_draws: int = N_DRAWS, components: int = N_COMPONENTS) -> list[mappers.CrossFit]:
        """Return maps from other vectors, for the first draws of folds."""
        return [mappers.CrossFit(mappers.PLSR(components), X, part) for part in self.folds[:n_draws]]

    @cached_property
    def predicted_by_more(self) -> list[np.ndarray]:
        """What a map of more components predicts, (word, feature) for each draw of folds."""
        return [one.predict(self.Y) for one in self.maps_of(self.X, components=MORE_COMPONENTS)]

    @cached_property
    def predicted(self) -> list[np.ndarray]:
        """What the map predicts, (word, feature) for each draw of folds."""
        return [one.predict(self.Y) for one in self.maps]

    @cached_property
    def system(self) -> np.ndarray:
        """The main score, (draw, word)."""
        return np.stack([self.score(guess) for guess in self.predicted])

    def score(self, guess: np.ndarray, gold: np.ndarray | None = None) -> np.ndarray:
        """Return the main score of each word: F1@10 of named features, Spearman of ratings."""
        metric = metrics.METRICS["f1_at_10" if self.kind == "sparse" else "spearman_item"]
        return metric.score(guess, self.Y if gold is None else gold, kind=self.kind)

    def noisy(self, kind: Any, rng: np.random.Generator) -> np.ndarray:
        """Return rival vectors of the same words that encode `kind` as strongly, in noise of their own, (word, dim)."""
        size, strength = len(self.Y), self.world.strength
        full, noise = (_world(one, strength, size, self.seed).embeddings for one in (kind, "nothing"))
        return full - noise + rng.standard_normal(noise.shape)

    def scores_of(self, X: np.ndarray, n_draws: int) -> np.ndarray:
        """Return the main score of maps from other vectors, for the first draws of folds, (draw, word)."""
        return np.stack([self.score(one.predict(self.Y)) for one in self.maps_of(X, n_draws)])

    def constant(self, gold: np.ndarray | None = None) -> np.ndarray:
        """Return the main score of the mean of the training words, (draw, word)."""
        gold = self.Y if gold is None else gold
        return np.stack([
            self.score(mappers.CrossFit(mappers.MeanProfile(), self.X, part).predict(gold), gold)
            for part in self.folds
        ])  # fmt: skip

    def refits(self, target: Callable[[np.random.Generator], np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Return the main score on targets of which the pairing is destroyed, fitted anew, (refit, word).

        Refit b is on fold draw b modulo ten. They are as many as `until_decided` makes.
        """

        def again(b: int) -> np.ndarray:
            gold = target(rng)
            return self.score(self.maps[b % N_DRAWS].predict(gold), gold)

        return until_decided(again, float(np.nanmean(self.system)))


def until_decided(again: Callable[[int], Any], seen: float) -> np.ndarray:
    """Return 199 draws of a null, of which those are computed that decide whether all lie below what was seen.

    It ends early where 199 draws could only say the same: one of them has reached `seen`, or `seen` lies `CLEAR`
    standard deviations above the first draws, at least `FIRST_REFITS`. The draws made then stand for those that were
    not.

    Examples
    --------
    >>> from explaint_lib.experiments.calibration import until_decided
    >>> null = until_decided(lambda b: float(b % 2), seen=100.0)
    >>> null.shape, null.max().item()
    ((199,), 1.0)
    """
    drawn: list[Any] = []
    for b in range(N_REFITS):
        drawn.append(again(b))
        if b + 1 >= FIRST_REFITS:
            means = np.array([np.nanmean(one) for one in drawn])
            if means.max() >= seen or seen > means.mean() + CLEAR * means.std(ddof=1):
                break
    made = np.asarray(drawn)
    return np.resize(made, (N_REFITS, *made.shape[1:]))


def nearest_mean(near: np.ndarray, Y: np.ndarray, part: np.ndarray, k: int) -> np.ndarray:
    """Return for each word the mean norms of its k nearest words of other folds."""
    near = np.where(part[:, None] == part, -np.inf, near)
    rows = np.argpartition(-near, k, axis=1)[:, :k]
    return np.stack([Y[of].mean(axis=0) for of in rows])


def ratings_of(world: PropertyWorld, rng: np.random.Generator) -> np.ndarray:
    """Return ratings from 0 to 6 of each word on 65 questions: category, attributes and noise, a third each.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> from explaint_lib.experiments.calibration import ratings_of
    >>> world = planted.property_world("category", rng=np.random.default_rng(0))
    >>> ratings_of(world, np.random.default_rng(1)).shape
    (240, 65)
    """
    kinds, label = np.unique(world.categories, return_inverse=True)
    category = rng.standard_normal((len(kinds), N_RATINGS))[label]
    n_attributes = world.attributes.shape[1]
    attribute = world.attributes @ rng.standard_normal((n_attributes, N_RATINGS)) / np.sqrt(n_attributes)
    total = rng.standard_normal(N_RATINGS) + (category + attribute + rng.standard_normal(category.shape)) / np.sqrt(3)
    return np.clip(2 + total, 0, 6)


def property_case(kind: Any, strength: float, **more: Any) -> Callable[[int, np.random.SeedSequence], Case]:
    """Return the `build` of a kind of property worlds; `more` as in `Case`."""

    def build(n_words: int, seed: np.random.SeedSequence) -> Case:
        return Case(_world(kind, strength, n_words, seed), seed, **more)

    return build


def _world(kind: Any, strength: float, n_words: int, seed: np.random.SeedSequence) -> PropertyWorld:
    return planted.property_world(
        kind,
        n_words=n_words,
        n_categories=n_categories(n_words),
        dim=DIM,
        strength=strength,
        rng=np.random.default_rng(seed),
    )
