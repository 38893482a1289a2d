"""Claims about word vectors and about maps from them: each control as the chapters 06 to 10 make it.

What it controls for: the folds are the same in every comparison; what is drawn anew repeats the whole fit. What it does
not license: another map; the table of calibrations was made with partial least squares, as is this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from explaint_lib import controls, inference, mappers, metrics
from explaint_lib.audit._claims import Claim
from explaint_lib.audit._found import Found, Report
from explaint_lib.inference import Comparison
from explaint_lib.norms import FeatureNorms

N_FOLDS = 5  # few, so that words of one kind are held out together
NEIGHBOURS = (3, 10, 30)  # of so many words norms are copied; the best in hindsight, which favours the control
FIRST, CLEAR = 60, 5.0  # refits after which most nulls are decided; standard deviations that no other refit reaches
FUTILE = 0.2  # share of the refits made that reached the score, from which no p could be small
_SCORES = {"sparse": ("f1_at_10", "F1@10"), "dense": ("spearman_item", "Spearman per word")}
NO_CATEGORIES = "the norms have no two words of one category"
NO_REFIT = "it fits the map again, and predictions from a file cannot be fitted"
NO_VECTORS = "it needs the vectors, and predictions came without them"


@dataclass(frozen=True)
class Effort:
    """How much is drawn: assignments of words to folds, and refits of a null."""

    fold_draws: int
    refits: int


EFFORTS = {"quick": Effort(5, 499), "full": Effort(10, 1999)}


class Case:
    """Norms, and what is predicted of them: by maps from vectors, or by somebody's own predictions.

    Parameters
    ----------
    norms : FeatureNorms
    X : array of shape (word, dim), or None
    effort : Effort
    components : int
    seed : int
    given : (folds, predictions), optional
        Arrays of shape (draw, word) and (draw, word, feature), made elsewhere, in place of maps.
    report : callable
    """

    def __init__(
        self,
        norms: FeatureNorms,
        X: np.ndarray | None,
        *,
        effort: Effort,
        components: int,
        seed: int,
        report: Report,
        given: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.norms, self.X, self.Y, self.kind = norms, X, norms.values, norms.kind
        self.effort, self.components, self.seed, self.report, self.given = effort, components, seed, report, given
        labels = norms.categories or (None,) * len(self.Y)
        self.labels = np.array([str(one) if one is not None else f"\0{i}" for i, one in enumerate(labels)])
        _, where, company = np.unique(self.labels, return_inverse=True, return_counts=True)
        self.sharing = np.flatnonzero(company[where] > 1)
        self.notes: list[str] = []
        self.filled = np.where(np.isnan(self.Y), np.nanmean(self.Y, axis=0), self.Y)

    def rng(self, name: str) -> np.random.Generator:
        """Return the generator of one part: what one control draws changes no other."""
        return np.random.default_rng([self.seed, *name.encode()])

    @cached_property
    def folds(self) -> list[np.ndarray]:
        """The assignments of words to folds."""
        if self.given is not None:
            return list(self.given[0])
        rng, n = self.rng("folds"), min(N_FOLDS, len(self.Y))
        return [mappers.make_folds(len(self.Y), n, rng=rng) for _ in range(self.effort.fold_draws)]

    def engines(self, X: np.ndarray) -> list[mappers.CrossFit]:
        """Return a map for each assignment to folds."""
        return [mappers.CrossFit(mappers.PLSR(self.components), X, part) for part in self.folds]

    @cached_property
    def maps(self) -> list[mappers.CrossFit]:
        """The maps from the vectors."""
        assert self.X is not None
        return self.engines(self.X)

    @cached_property
    def predicted(self) -> list[np.ndarray]:
        """What is predicted, (word, feature) for each assignment to folds."""
        if self.given is not None:
            return list(self.given[1])
        return [self._fit(one, self.Y) for one in self.maps]

    def _fit(self, engine: mappers.CrossFit, target: np.ndarray) -> np.ndarray:
        guess = engine.predict(target)
        self.report(1)
        return guess

    @property
    def score_name(self) -> str:
        """What the main score is called."""
        return _SCORES[self.kind][1]

    def score(self, guess: np.ndarray, gold: np.ndarray | None = None) -> np.ndarray:
        """Return the main score of each word."""
        return metrics.METRICS[_SCORES[self.kind][0]].score(guess, self.Y if gold is None else gold, kind=self.kind)

    @cached_property
    def system(self) -> np.ndarray:
        """The main score, (draw, word)."""
        return np.stack([self.score(guess) for guess in self.predicted])

    @cached_property
    def near(self) -> np.ndarray:
        """Cosines of the centred vectors, (word, word)."""
        assert self.X is not None
        return metrics.cosines(self.X - self.X.mean(axis=0), self.X - self.X.mean(axis=0))

    @cached_property
    def constant(self) -> np.ndarray:
        """The main score of the mean of the training words, (draw, word)."""
        ones = np.ones((len(self.Y), 1))
        each = [mappers.CrossFit(mappers.MeanProfile(), ones, part).predict(self.Y) for part in self.folds]
        return np.stack([self.score(guess) for guess in each])

    def against(self, control: Any, observed: np.ndarray | None = None, **more: Any) -> Comparison:
        """Compare the system with a control, over words and assignments to folds."""
        return inference.compare(self.system if observed is None else observed, control, "", varied="folds", **more)

    def refitted(self, name: str, target: Callable[[np.random.Generator], np.ndarray]) -> np.ndarray:
        """Return the main score on targets whose pairing is destroyed, fitted anew, (refit, word).

        Where `FIRST` refits lie so far below what was seen that no other could reach it, or where so many have reached
        it that no verdict could say "supported", those made stand for the rest, and a note says so.
        """
        rng, scores, means, total = self.rng(name), [], [], self.effort.refits
        seen = float(np.nanmean(self.system))
        for number in range(total):
            gold = target(rng)
            scores.append(self.score(self._fit(self.maps[number % len(self.maps)], gold), gold))
            means.append(float(np.nanmean(scores[-1])))
            if number + 1 < min(FIRST, total):
                continue
            above, far = np.mean(np.array(means) >= seen), (seen - np.mean(means)) / np.std(means, ddof=1)
            if above == 0 and far > CLEAR:
                self.notes.append(
                    f"{name}: {number + 1} of {total} refits were made; what was seen lies {far:.0f} of their standard "
                    "deviations above them, so the rest could only say the same."
                )
                break
            if above >= FUTILE:
                self.notes.append(
                    f"{name}: {number + 1} of {total} refits were made; enough of them reached the score."
                )
                break
        made = np.stack(scores)
        return np.resize(made, (total, made.shape[1]))


def _average(drawn: np.ndarray) -> np.ndarray:
    known = ~np.isnan(drawn)
    total = np.where(known, drawn, 0).sum(axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(drawn.shape[1], np.nan), where=known.any(axis=0))


def _permuted(case: Case) -> Comparison:
    null = case.refitted("permuted pairing", lambda rng: case.Y[controls.permute_rows(len(case.Y), rng=rng)])
    return case.against(_average(null), null=null)


def _rewired(case: Case) -> Comparison:
    shuffle: Callable[..., np.ndarray] = controls.curveball if case.kind == "sparse" else controls.shuffle_columns
    null = case.refitted("rewired norms", lambda rng: shuffle(case.Y, rng=rng))
    return case.against(_average(null), null=null)


def _within(case: Case) -> Comparison:
    keep, own = case.sharing, case.labels[case.sharing].tolist()

    def swapped(rng: np.random.Generator) -> np.ndarray:
        order = np.arange(len(case.Y))
        order[keep] = keep[controls.permute_within(own, rng=rng)]
        return case.Y[order]

    null = case.refitted("permuted in category", swapped)[:, keep]
    return case.against(_average(null), case.system[:, keep], null=null)


def _stolen_in_category(case: Case) -> Comparison:
    theft, rng = np.full(case.system.shape, np.nan), case.rng("stolen")
    for row, guess, part in zip(theft, case.predicted, case.folds, strict=True):
        donor = np.full(len(part), -1)
        both = [f"{label}\0{fold}" for label, fold in zip(case.labels, part, strict=True)]
        group = np.unique(both, return_inverse=True)[1]
        for one in range(group.max() + 1):
            rows = rng.permutation(np.flatnonzero(group == one))
            if len(rows) > 1:
                donor[rows] = np.roll(rows, 1)
        row[:] = np.where(donor >= 0, case.score(guess[donor]), np.nan)
    return case.against(theft)


def _stolen_from_nearest(case: Case) -> Comparison:
    alone = np.eye(len(case.Y), dtype=bool)
    donors = [np.where((part[:, None] == part) & ~alone, case.near, -np.inf).argmax(axis=1) for part in case.folds]
    return case.against(np.stack([case.score(p[d]) for p, d in zip(case.predicted, donors, strict=True)]))


def _category_alone(case: Case) -> Comparison:
    keep = case.sharing
    each = [case.score(controls.category_centroids(case.Y, case.labels.tolist(), part)) for part in case.folds]
    return case.against(np.stack(each)[:, keep], case.system[:, keep])


def _exchanged(case: Case) -> Comparison:
    each, seen, null = -(-case.effort.refits // len(case.folds)), [], []
    rng, labels = case.rng("exchanged"), case.labels.tolist()
    for guess, part in zip(case.predicted, case.folds, strict=True):
        seen.append(metrics.two_alternative(guess, case.Y, labels, folds=part))
        null.append(metrics.two_alternative_null(guess, case.Y, labels, each, folds=part, rng=rng))
    return case.against(0.5, np.stack(seen), null=np.concatenate(null))


def _rival(case: Case, *, name: str) -> Comparison:
    if name == "Gaussian":
        assert case.X is not None
        rival = controls.gaussian_like(case.X, rng=case.rng(name))
    else:
        make = controls.character_ngrams if name == "n-grams" else controls.form_only
        rival = make(list(case.norms.word_forms))
    return case.against(np.stack([case.score(case._fit(one, case.Y)) for one in case.engines(rival)]))


def _copied(case: Case) -> Comparison:
    tried = []
    for k in NEIGHBOURS:
        each = []
        for part in case.folds:
            near = np.where(part[:, None] == part, -np.inf, case.near)
            rows = np.argpartition(-near, min(k, len(near) - 1), axis=1)[:, :k]
            each.append(case.score(np.stack([case.filled[of].mean(axis=0) for of in rows])))
        tried.append(np.stack(each))
    return case.against(max(tried, key=np.nanmean))


def _overlap_before(case: Case) -> Comparison:
    assert case.X is not None
    ours = [metrics.neighbour_overlap_at_k(guess - guess.mean(axis=0), case.Y) for guess in case.predicted]
    return case.against(metrics.neighbour_overlap_at_k(case.X - case.X.mean(axis=0), case.Y), np.stack(ours))


def _similarities(case: Case) -> Comparison:
    assert case.X is not None
    pairs = list(zip(case.predicted, case.folds, strict=True))
    ours = [metrics.retrieval_by(metrics.nearness(guess, case.Y, part)) for guess, part in pairs]
    theirs = [metrics.retrieval_by(metrics.similarity_encoding(case.X, case.Y, part)) for _, part in pairs]
    return case.against(np.stack(theirs), np.stack(ours))


#: How each control is made; whether it fits the map again, and whether it needs vectors or categories.
_MADE: dict[str, tuple[Callable[[Case], Comparison], frozenset[str]]] = {
    "mean profile": (lambda case: case.against(case.constant), frozenset()),
    "permuted pairing": (_permuted, frozenset({"refit"})),
    "rewired norms": (_rewired, frozenset({"refit"})),
    "permuted in category": (_within, frozenset({"refit", "categories"})),
    "stolen in category": (_stolen_in_category, frozenset({"categories"})),
    "category alone": (_category_alone, frozenset({"categories"})),
    "norms exchanged": (_exchanged, frozenset({"categories"})),
    "stolen from the nearest": (_stolen_from_nearest, frozenset({"vectors"})),
    "n-grams": (partial(_rival, name="n-grams"), frozenset({"refit"})),
    "length, frequency": (partial(_rival, name="length, frequency"), frozenset({"refit"})),
    "Gaussian": (partial(_rival, name="Gaussian"), frozenset({"refit"})),
    "copied": (_copied, frozenset({"vectors"})),
    "overlap before it": (_overlap_before, frozenset({"vectors"})),
    "similarity encoding": (_similarities, frozenset({"vectors"})),
}


def steps(claim: Claim, effort: Effort) -> int:
    """Return about how many fits a claim takes: of a null, those after which most are decided."""
    if claim.source["predictions"] is not None:
        return 0
    each = dict.fromkeys(("permuted pairing", "rewired norms", "permuted in category"), min(FIRST, effort.refits))
    rivals = ("n-grams", "length, frequency", "Gaussian")
    counts = [each.get(one.name, effort.fold_draws if one.name in rivals else 0) for one in claim.controls]
    return effort.fold_draws + sum(counts)


def run_vectors(claim: Claim, case: Case) -> Found:
    """Audit one claim about vectors, or about predictions from them."""
    lacking = {
        "refit": NO_REFIT if case.given is not None else None,
        "vectors": NO_VECTORS if case.X is None else None,
        "categories": NO_CATEGORIES if len(case.sharing) < 2 else None,
    }
    made, not_run = [], {}
    with threadpool_limits(1):  # the order of a sum, so its last digit, must not depend on the number of processors
        levels = {
            "score": float(np.nanmean(case.system)),
            "floor (mean profile)": float(np.nanmean(case.constant)),
            "best possible": float(np.nanmean(_oracle(case))),
        }
        for control in claim.controls:
            build, needs = _MADE[control.name]
            reasons = [why for need in sorted(needs) if (why := lacking[need]) is not None]
            if reasons:
                not_run[control.name] = reasons[0]
                continue
            score = case.score_name if control.score == "main" else control.score
            made.append(_named(build(case), control.name, score, control.asks))
    return Found(
        tuple(made), {f"{case.score_name}: {name}": value for name, value in levels.items()}, not_run, tuple(case.notes)
    )


def _oracle(case: Case) -> np.ndarray:
    return metrics.METRICS[_SCORES[case.kind][0]].oracle(case.Y, kind=case.kind)


def _named(one: Comparison, control: str, score: str, asks: str) -> Comparison:
    return replace(one, control=control, score=score, asks=asks)
