"""The comparisons of chapters 06 to 10, each with a world in which its claim is false and one in which it is true.

What makes a claim true or false:

* *features* (the vectors predict features beyond base rates): true where they encode category and attributes, false
  where they encode nothing of the norms.
* *word* (they know the word, not only its kind): true with category and attributes, false with the category alone,
  however strong. So too *region*, since words of one category are all that is near in such vectors.
* *map* (a map adds to the distances between vectors): true where loud dimensions that say nothing of the norms drown
  the others, so that a map, which weighs dimensions by what they say of the norms, finds what distances do not; false
  where the vectors say nothing and there is nothing to find.
* *unseen category* (features in a category never seen): attributes are shared by all categories, so true where vectors
  encode them, false where they encode the category alone, of which no other category tells anything.
* *layer*, *static* (better than other vectors of the same words): the rival encodes nothing (true), or as much, in
  noise of its own (false).
* *form* (beyond spelling): spelling says nothing of these norms, so false where the vectors encode only spelling.
* *nonsense* (the length of the word is predicted): true where vectors encode spelling, false where they encode meaning.
* *shuffled* (shuffled features are predicted): features permuted over all words have lost every link, so false; the
  leaky shuffle, inside categories, keeps the category's share, so true.
* *bound* (the upper bound rises with the map's components, and with what the norms hold): true of these norms, of high
  rank and full of structure; false of norms that are the category's core and nothing else, whose rank is no greater
  than the fewer components; and of norms that are shuffled already, which another shuffle cannot make poorer.
* *training* (beyond an untrained twin): the twin encodes spelling alone; false where the model does, too.
* *spaces* (alike beyond categories): as *word*, asked of distances.

What it does not license: the same rates where norms and vectors are otherwise made. Attributes are independent of
categories and spelling here; in real norms they are not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from explaint_lib import controls, inference, mappers, metrics
from explaint_lib.experiments.calibration._cases import (
    N_COMPONENTS,
    N_DRAWS,
    N_REFITS,
    Case,
    n_categories,
    nearest_mean,
    property_case,
    until_decided,
)
from explaint_lib.experiments.calibration._diagnostic import Diagnostic, Registry
from explaint_lib.inference import Comparison

Rng = np.random.Generator
WORD, CATEGORY, DROWNED = 0.5, 2.0, 1.0  # strength of the signal, in units of the noise
KINDS = {  # name: what is planted, how strongly, what is true
    "nothing": ("nothing", 1.0, "the vectors encode nothing of the norms"),
    "category": ("category", CATEGORY, "the vectors encode the category, strongly, and no attribute of the word"),
    "word": ("category_and_attributes", WORD, "the vectors encode the category and the word's attributes, weakly"),
    "spelling": ("word_form", 1.0, "the vectors encode the word's letters and length"),
}
RIVALS: dict[str, tuple[str, dict[str, Any]]] = {
    "equal rival": ("the rival's vectors too, in noise of their own", {"rival": "category_and_attributes"}),
    "weaker rival": ("the rival's vectors encode nothing", {"rival": "nothing"}),
    "core norms": ("the norms are the features of the category and nothing else", {"norms": "core"}),
    "shuffled norms": ("every column of the norms is shuffled", {"norms": "shuffled"}),
}
NEIGHBOURS = (3, 10, 30)  # from so many nearest words norms are copied; the best of these
FEW_MAPS = 5  # draws of folds for scores that are dear


def register(registry: Registry) -> None:
    """Add these worlds and diagnostics."""
    for name, (kind, strength, about) in KINDS.items():
        for dense in (False, True):
            registry.world(
                f"{name}, rated" if dense else name,
                f"{about}; norms are ratings" if dense else about,
                property_case(kind, strength, dense=dense),
            )
    for dense, rated in ((False, ""), (True, ", rated")):
        for name, (about, more) in RIVALS.items():
            registry.world(
                f"{name}{rated}",
                f"{KINDS['word'][2]}; {about}",
                property_case(KINDS["word"][0], WORD, dense=dense, **more),
            )
        registry.world(
            f"drowned{rated}",
            "the vectors encode category and attributes, and ten louder dimensions that say nothing of the norms"
            + ("; norms are ratings" if dense else ""),
            property_case(KINDS["word"][0], DROWNED, dense=dense, drowned=True),
        )
    for score, rated in (("F1@10", ""), ("Spearman per word", ", rated")):
        for asks, control, false, true, made in _MAIN:
            registry.add(Diagnostic(asks, control, score, false + rated, true + rated, made))
        unseen = partial(_unseen, pairs=False)
        registry.add(
            Diagnostic(
                "unseen category", "mean profile", score, f"category{rated}", f"word{rated}", unseen, n_categories
            )
        )
    for asks, control, score, false, true, compare in _OTHER:
        units = n_categories if asks == "unseen category" else int
        registry.add(Diagnostic(asks, control, score, false, true, compare, units))


def _drawn(observed: np.ndarray, control: Any, **more: Any) -> Comparison:
    return inference.compare(observed, control, "", varied="folds", **more)


def _null(case: Case, null: np.ndarray) -> Comparison:
    return _drawn(case.system, np.nanmean(null, axis=0), null=null)


def _mean_profile(case: Case, rng: Rng) -> Comparison:
    return _drawn(case.system, case.constant())


def _permuted(case: Case, rng: Rng) -> Comparison:
    return _null(case, case.refits(lambda rng: case.Y[controls.permute_rows(len(case.Y), rng=rng)], rng))


def _within(case: Case, rng: Rng) -> Comparison:
    return _null(case, case.refits(lambda rng: case.Y[controls.permute_within(case.labels, rng=rng)], rng))


def _rewired(case: Case, rng: Rng) -> Comparison:
    shuffle: Callable[..., np.ndarray] = controls.curveball if case.kind == "sparse" else controls.shuffle_columns
    return _null(case, case.refits(lambda rng: shuffle(case.Y, rng=rng), rng))


def _copied(case: Case, rng: Rng) -> Comparison:
    near = metrics.cosines(case.X - case.X.mean(axis=0), case.X - case.X.mean(axis=0))
    tried = [np.stack([case.score(nearest_mean(near, case.Y, part, k)) for part in case.folds]) for k in NEIGHBOURS]
    return _drawn(np.stack([case.score(guess) for guess in case.predicted_by_more]), max(tried, key=np.nanmean))


def _stolen_in_category(case: Case, rng: Rng) -> Comparison:
    theft = np.empty_like(case.system)
    for row, guess, part in zip(theft, case.predicted, case.folds, strict=True):
        donor = np.full(len(part), -1)
        groups = np.unique(
            [f"{label} {fold}" for label, fold in zip(case.labels, part, strict=True)], return_inverse=True
        )[1]
        for group in range(groups.max() + 1):
            rows = rng.permutation(np.flatnonzero(groups == group))
            donor[rows] = np.roll(rows, 1) if len(rows) > 1 else -1
        row[:] = np.where(donor >= 0, case.score(guess[donor]), np.nan)
    return _drawn(case.system, theft)


def _stolen_from_nearest(case: Case, rng: Rng) -> Comparison:
    near = metrics.cosines(case.X - case.X.mean(axis=0), case.X - case.X.mean(axis=0))
    np.fill_diagonal(near, -np.inf)
    donors = [np.where(part[:, None] == part, near, -np.inf).argmax(axis=1) for part in case.folds]
    return _drawn(case.system, np.stack([case.score(p[d]) for p, d in zip(case.predicted, donors, strict=True)]))


def _category_alone(case: Case, rng: Rng) -> Comparison:
    return _drawn(case.system, np.stack([case.score(one) for one in _centroids(case)]))


def _centroids(case: Case) -> list[np.ndarray]:
    return [controls.category_centroids(case.Y, case.labels, part) for part in case.folds]


def _rival(case: Case, rng: Rng, *, knows: str) -> Comparison:
    theirs = case.scores_of(_rival_vectors(case, rng, knows), FEW_MAPS)
    return _drawn(case.system[:FEW_MAPS], theirs)


def _rival_vectors(case: Case, rng: Rng, knows: str) -> np.ndarray:
    if knows == "n-grams":
        return controls.character_ngrams(case.world.words)
    if knows == "length, frequency":
        return controls.form_only(case.world.words)
    if knows == "Gaussian":
        return controls.gaussian_like(case.X, rng=rng)
    return case.noisy("word_form" if knows == "spelling" else case.rival, rng)


def _rival_pairs(case: Case, rng: Rng, *, knows: str) -> Comparison:
    others = case.maps_of(_rival_vectors(case, rng, knows), FEW_MAPS)
    theirs = [_pairs(case, one.predict(case.Y), part) for one, part in zip(others, case.folds, strict=False)]
    return _drawn(_all_pairs(case)[:FEW_MAPS], np.stack(theirs))


def _pairs(case: Case, guess: np.ndarray, part: np.ndarray) -> np.ndarray:
    return metrics.two_alternative(guess, case.Y, case.labels, folds=part)


def _all_pairs(case: Case) -> np.ndarray:
    return np.stack([_pairs(case, guess, part) for guess, part in zip(case.predicted, case.folds, strict=True)])


def _exchanged(case: Case, rng: Rng) -> Comparison:
    each = -(-N_REFITS // N_DRAWS)
    null = [
        metrics.two_alternative_null(guess, case.Y, case.labels, each, folds=part, rng=rng)
        for guess, part in zip(case.predicted, case.folds, strict=True)
    ]
    return _drawn(_all_pairs(case), 0.5, null=np.concatenate(null))


def _unseen(case: Case, rng: Rng, *, pairs: bool) -> Comparison:
    part = controls.leave_one_category_out(case.labels)
    guess = mappers.CrossFit(case.maps[0].mapper, case.X, part).predict(case.Y)
    if pairs:
        null = metrics.two_alternative_null(guess, case.Y, case.labels, N_REFITS, folds=part, rng=rng)
        return inference.compare(_pairs(case, guess, part), 0.5, "", null=null, clusters=case.labels)
    constant = mappers.CrossFit(mappers.MeanProfile(), case.X, part).predict(case.Y)
    return inference.compare(case.score(guess), case.score(constant), "", clusters=case.labels)


def _overlap_before(case: Case, rng: Rng) -> Comparison:
    guesses = [guess - guess.mean(axis=0) for guess in case.predicted_by_more[:FEW_MAPS]]
    ours = np.stack([metrics.neighbour_overlap_at_k(guess, case.Y) for guess in guesses])
    return _drawn(ours, metrics.neighbour_overlap_at_k(case.X - case.X.mean(axis=0), case.Y))


def _overlap_of_label(case: Case, rng: Rng) -> Comparison:
    ours, theirs = (
        np.stack([metrics.neighbour_overlap_at_k(guess, case.Y) for guess in guesses[:FEW_MAPS]])
        for guesses in (case.predicted, _centroids(case))
    )
    return _drawn(ours, theirs)


def _similarities(case: Case, rng: Rng) -> Comparison:
    pairs = list(zip(case.predicted_by_more, case.folds, strict=True))[:FEW_MAPS]
    ours = [metrics.retrieval_by(metrics.nearness(guess, case.Y, part)) for guess, part in pairs]
    theirs = [metrics.retrieval_by(metrics.similarity_encoding(case.X, case.Y, part)) for _, part in pairs]
    return _drawn(np.stack(ours), np.stack(theirs))


def _spaces(case: Case, rng: Rng) -> Comparison:
    near, gold = metrics.cosines(case.X - case.X.mean(0), case.X - case.X.mean(0)), metrics.cosines(case.Y, case.Y)
    given = [metrics.same_group(case.labels)]
    counts = inference.bootstrap_counts(len(gold), 100, rng=rng)
    null = metrics.rsa_null(near, gold, N_REFITS, given=given, within=case.labels, rng=rng)
    seen, again = float(metrics.rsa(near, gold, given=given)), metrics.rsa(near, gold, given=given, counts=counts)
    return inference.compare_statistic(seen, again, null, "", n=len(gold))


def _nonsense(case: Case, rng: Rng) -> Comparison:
    lengths, n = controls.length_differences(case.world.words, 5, rng=rng)[0], len(case.Y)
    gold = (lengths > np.median(lengths, axis=0)).astype(float)
    part, engine = case.folds[0], case.maps[0]

    def auc(order: np.ndarray) -> float:
        return float(np.nanmean(metrics.auc_feature(engine.predict(lengths[order]), gold[order], folds=part)))

    seen = auc(np.arange(n))
    null = until_decided(lambda b: auc(controls.permute_rows(n, rng=rng)), seen)
    guess, samples = engine.predict(lengths), (rng.integers(n, size=n) for _ in range(100))
    again = [
        np.nanmean(metrics.auc_feature(guess[rows], gold[rows], folds=part[rows], min_words=1)) for rows in samples
    ]
    return inference.compare_statistic(seen, again, null, "", n=n)


def _bound(case: Case, rng: Rng) -> Comparison:
    once, twice = [], []
    for engine in case.maps[:FEW_MAPS]:
        few, many = engine.itself(case.Y).predict_path(case.Y, [N_COMPONENTS, 2 * N_COMPONENTS])
        once.append(case.score(few))
        twice.append(case.score(many))
    return _drawn(np.stack(twice), np.stack(once))


def _bound_of_norms(case: Case, rng: Rng) -> Comparison:
    ours, theirs = [], []
    for engine in case.maps[:FEW_MAPS]:
        other = controls.shuffle_columns(case.Y, rng=rng)
        ours.append(case.score(engine.itself(case.Y).predict(case.Y)))
        theirs.append(case.score(engine.itself(other).predict(other), other))
    return inference.compare(np.stack(ours), np.stack(theirs), "", varied="shuffles")


def _shuffled(case: Case, rng: Rng, *, level: str) -> Comparison:
    """The world says which shuffle: inside categories where vectors know them, over all words where they do not."""
    leaky = case.world.kind == "category"
    labels = np.asarray(case.labels) if leaky else np.zeros(len(case.Y), dtype=int)
    target = case.Y.copy()
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        target[rows] = controls.shuffle_columns(case.Y[rows], rng=rng)
    ours = np.stack([case.score(one.predict(target), target) for one in case.maps])
    if level == "chance":
        metric = metrics.METRICS["f1_at_10" if case.kind == "sparse" else "spearman_item"]
        return _drawn(ours, metric.chance(target, kind=case.kind))
    return _drawn(ours, case.constant(target))


_Compare = Callable[[Case, Rng], Comparison]
_MAIN: tuple[
    tuple[str, str, str, str, _Compare], ...
] = (  # question, control, world where false, where true, comparison
    ("features", "mean profile", "nothing", "word", _mean_profile),
    ("features", "permuted pairing", "nothing", "word", _permuted),
    ("features", "rewired norms", "nothing", "word", _rewired),
    ("word", "permuted in category", "category", "word", _within),
    ("word", "stolen in category", "category", "word", _stolen_in_category),
    ("word", "category alone", "category", "word", _category_alone),
    ("region", "stolen from the nearest", "category", "word", _stolen_from_nearest),
    ("map", "copied", "nothing", "drowned", _copied),
    ("shuffled", "chance", "nothing", "category", partial(_shuffled, level="chance")),
    ("shuffled", "mean profile", "nothing", "category", partial(_shuffled, level="mean profile")),
    ("shuffled", "mean profile, rewired", "nothing", "category", partial(_shuffled, level="mean profile")),
    ("layer", "layer 0", "equal rival", "weaker rival", partial(_rival, knows="rival")),
    ("static", "static (GloVe)", "equal rival", "weaker rival", partial(_rival, knows="rival")),
    ("bound", "half as many components", "core norms", "word", _bound),
    ("bound", "shuffled norms", "shuffled norms", "word", _bound_of_norms),
    ("training", "untrained", "spelling", "word", partial(_rival, knows="spelling")),
    *(
        ("form", name, "spelling", "word", partial(_rival, knows=name))
        for name in ("n-grams", "length, frequency", "Gaussian")
    ),
)
_OTHER: tuple[tuple[str, str, str, str, str, _Compare], ...] = (
    ("word", "norms exchanged", "two alternatives", "category", "word", _exchanged),
    ("unseen category", "norms exchanged", "two alternatives", "category", "word", partial(_unseen, pairs=True)),
    ("word", "category alone", "overlap@10", "category", "word", _overlap_of_label),
    ("map", "overlap before it", "overlap@10", "nothing", "drowned", _overlap_before),
    ("map", "similarity encoding", "retrieval@10", "nothing", "drowned", _similarities),
    ("spaces", "permuted in category", "similarity of spaces", "category", "word", _spaces),
    (
        "static",
        "static (GloVe)",
        "two alternatives",
        "equal rival",
        "weaker rival",
        partial(_rival_pairs, knows="rival"),
    ),
    ("nonsense", "permuted pairing", "AUC", "word", "spelling", _nonsense),
    ("training", "untrained", "two alternatives", "spelling", "word", partial(_rival_pairs, knows="spelling")),
    *(
        ("form", name, "two alternatives", "spelling", "word", partial(_rival_pairs, knows=name))
        for name in ("n-grams", "length, frequency", "Gaussian")
    ),
)
