"""Candidates treated alike for all rivals: definitions, what the fold gives away, where unlike treatment errs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest

from explaint_lib import controls, mappers, metrics, planted
from explaint_lib._common import ExplaintError

ALL_WORDS = metrics.Treatment(held_out_together=False, centred=False)
WHOLE = metrics.Treatment(held_out_together=False, own_row_removed=True, scaled=True)  # how "no map" was compared
EVERY = [
    metrics.Treatment(held_out_together=h, own_row_removed=o, centred=c, scaled=s)
    for h, o, c, s in product((True, False), repeat=4)
]


def frozen(*arrays: np.ndarray) -> None:
    for array in arrays:
        array.flags.writeable = False


def rivals(world: planted.PropertyWorld, folds: np.ndarray) -> dict[str, Callable[..., np.ndarray]]:
    """Return every kind of system of the book, as treatments are applied to it."""
    X, Y, n = world.embeddings, world.values, len(world.values)
    frozen(X, Y, folds)
    systems = {"similarity encoding": partial(metrics.similarity_encoding, X, Y, folds)}
    for name, mapper in (("ridge", mappers.Ridge()), ("PLSR", mappers.PLSR(20)), ("mean", mappers.MeanProfile())):
        cross = mappers.CrossFit(mapper, X, folds)
        systems[name] = partial(metrics.nearness, cross.predict(Y), Y, folds, weights=cross.weights(Y))
    pred, weights = (controls.category_centroids(V, world.categories, folds) for V in (Y, np.eye(n)))
    systems["category"] = partial(metrics.nearness, pred, Y, folds, weights=weights)
    return systems


def drawn(kind: str, strength: float, seed: int) -> tuple[planted.PropertyWorld, np.ndarray]:
    world = planted.property_world(kind, strength=strength, rng=np.random.default_rng(seed))
    return world, mappers.make_folds(240, 5, rng=np.random.default_rng(seed + 100))


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[tuple[str, str], float]]:
    """Return mean retrieval@10 over three draws of three worlds, of every rival under every treatment of the grid."""
    extra = metrics.Treatment(held_out_together=False, centred=False, scaled=True)
    found: dict[str, dict[tuple[str, str], float]] = {}
    for kind, strength in (("nothing", 1.0), ("category", 2.0), ("category_and_attributes", 0.8)):
        grids = [
            metrics.treatment_grid(rivals(*drawn(kind, strength, seed)), (*metrics.TREATMENTS, extra))
            for seed in range(3)
        ]
        found[kind] = {key: float(np.mean([grid[key].mean() for grid in grids])) for key in grids[0]}
    return found


# -- what the treatments are -----------------------------------------------------------------------------------------


def by_hand(pred, gold, folds, weights, treatment, i, j) -> float:
    """Return one cell, from the definition in the docstring of `Treatment`, term by term."""
    train = np.flatnonzero(folds != folds[i])
    filled = np.where(np.isnan(gold), np.nanmean(gold[train], axis=0), gold)
    seen = ~np.isnan(gold[j])
    unit = gold[j, seen] / np.linalg.norm(gold[j, seen])
    alike = {t: filled[t, seen] @ unit for t in train}  # K_jt
    used = [t for t in train if not (treatment.own_row_removed and t == j)]
    value = pred[i, seen] @ unit - (treatment.own_row_removed * weights[i, j] * alike[j] if j in alike else 0)
    if treatment.centred:
        value -= sum(weights[i, t] for t in used) * np.mean([alike[t] for t in used])
    value /= np.linalg.norm(pred[i, seen])
    if treatment.scaled:
        cosine = metrics.cosines(gold[[j]], gold[used])[0]
        value /= np.linalg.norm(cosine - cosine.mean())
    return value


@pytest.mark.parametrize("treatment", EVERY, ids=str)
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_every_treatment_is_its_definition(treatment, missing):
    rng = np.random.default_rng(0)
    gold, folds = rng.random((12, 9)) - 0.2, np.arange(12) % 3
    weights = rng.normal(size=(12, 12)) * (folds[:, None] != folds)
    gold[rng.random(gold.shape) < missing] = np.nan
    pred = weights @ np.where(np.isnan(gold), 0.3, gold)
    frozen(pred, gold, folds, weights)
    near = metrics.nearness(pred, gold, folds, weights=weights, treatment=treatment)
    for i, j in product(range(12), repeat=2):
        if treatment.held_out_together and folds[i] != folds[j]:
            assert np.isnan(near[i, j])
        else:
            assert near[i, j] == pytest.approx(by_hand(pred, gold, folds, weights, treatment, i, j), abs=1e-10)


def test_all_words_and_the_cosine_are_retrieval_as_published_with_missing_cells_and_zero_vectors():
    rng = np.random.default_rng(1)
    gold, pred, folds = rng.random((40, 7)), rng.random((40, 7)), np.arange(40) % 4
    gold[3], pred[5] = 0.0, 0.0
    gold[rng.random(gold.shape) < 0.1] = np.nan
    near = metrics.nearness(pred, gold, folds, treatment=metrics.COSINE)
    assert np.array_equal(near, metrics.cosines(pred, gold)) and metrics.COSINE == ALL_WORDS
    assert np.array_equal(metrics.retrieval_by(near), metrics.retrieval_at_k(pred, gold))


@pytest.mark.parametrize("treatment", EVERY, ids=str)
def test_zero_vectors_are_near_to_nothing_under_any_treatment(treatment):
    rng = np.random.default_rng(2)
    gold, folds = rng.random((12, 5)), np.arange(12) % 2
    gold[3] = 0.0
    weights = rng.random((12, 12)) * (folds[:, None] != folds)
    weights[5] = 0.0
    near = metrics.nearness(weights @ gold, gold, folds, weights=weights, treatment=treatment)
    apart = np.isnan(near)
    assert not near[5][~apart[5]].any() and not near[:, 3][~apart[:, 3]].any()
    encoded = metrics.similarity_encoding(rng.random((12, 3)), gold, folds, treatment=treatment)
    assert np.array_equal(np.isnan(encoded), apart)


def test_corrections_for_hubs_see_the_candidates_alone():
    rng = np.random.default_rng(3)
    gold, pred, folds = rng.random((36, 6)), rng.random((36, 6)), np.arange(36) % 3
    for hubs, correct in (("csls", metrics.csls), ("mutual_proximity", metrics.mutual_proximity)):
        for together in (True, False):
            plain = metrics.Treatment(held_out_together=together)
            before = metrics.nearness(pred, gold, folds, treatment=plain)
            after = metrics.nearness(pred, gold, folds, treatment=replace(plain, hubs=hubs))
            rows = np.flatnonzero(folds == 1) if together else np.arange(36)
            block = np.ix_(rows, rows)
            assert np.array_equal(after[block], correct(before[block], own=True))


def test_without_weights_a_prediction_holds_the_mean_profile_once():
    world, folds = drawn("category_and_attributes", 0.8, 0)
    cross = mappers.CrossFit(mappers.Ridge(), world.embeddings, folds)
    pred, weights = cross.predict(world.values), cross.weights(world.values)
    for scaled in (False, True):
        treatment = metrics.Treatment(scaled=scaled)
        with_weights = metrics.nearness(pred, world.values, folds, weights=weights, treatment=treatment)
        without = metrics.nearness(pred, world.values, folds, treatment=treatment)
        assert np.allclose(with_weights, without, equal_nan=True)


# -- second-order similarity is a map --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_second_order_similarity_is_a_weighted_sum_of_the_training_words_norms(seed):
    """Correlate descriptions by cosines, as "no map" did; its order is that of a kernel map's predictions."""
    world, folds = drawn("category_and_attributes", 0.8, seed)
    X, Y = world.embeddings - world.embeddings.mean(axis=0), world.values
    ours, theirs = metrics.cosines(X, X), metrics.cosines(Y, Y)
    np.fill_diagonal(theirs, np.nan)
    near = metrics.similarity_encoding(world.embeddings, Y, folds, treatment=WHOLE)
    unit = Y / np.linalg.norm(Y, axis=1, keepdims=True)
    for label in range(5):
        train, test = np.flatnonzero(folds != label), np.flatnonzero(folds == label)
        described = [np.ma.masked_invalid(V).anom(axis=1) for V in (ours[np.ix_(test, train)], theirs[:, train])]
        mine, other = (np.ma.filled(V / np.sqrt((V**2).sum(axis=1, keepdims=True)), 0.0) for V in described)
        second_order = mine @ other.T
        scale = (near[test] * second_order).sum(axis=1) / (second_order**2).sum(axis=1)  # of each word's row
        assert (scale > 0).all() and np.allclose(near[test], second_order * scale[:, None], atol=1e-9)
        # and where no row is removed, the sum of likenesses is the inner product with the weighted sum of norms
        kernel = mine @ unit[train]
        assert np.allclose(mine @ metrics.cosines(Y, Y)[train], kernel @ unit.T, atol=1e-9)


def test_similarity_encoding_has_seen_the_norms_of_the_training_words_and_no_others():
    world, folds = drawn("category_and_attributes", 0.8, 1)
    rng, other = np.random.default_rng(0), world.values.copy()
    held = folds == 0
    other[held] = other[held][rng.permutation(held.sum())]
    near, moved = (metrics.similarity_encoding(world.embeddings, Y, folds, treatment=ALL_WORDS)
                   for Y in (world.values, other))  # fmt: skip
    assert np.allclose(near[np.ix_(held, ~held)], moved[np.ix_(held, ~held)])  # of its own fold: never
    mixed = world.values.copy()
    mixed[~held] = mixed[~held][rng.permutation((~held).sum())]
    near, moved = (metrics.similarity_encoding(world.embeddings, Y, folds) for Y in (world.values, mixed))
    found = [metrics.retrieval_by(V[np.ix_(held, held)], 1).mean() for V in (near, moved)]
    assert found[0] > 0.3 > 0.1 > found[1]  # norms of others, dealt anew: nothing is found, so they were used


def test_similarity_encoding_is_centred_by_construction():
    world, folds = drawn("category_and_attributes", 0.8, 2)
    near = [metrics.similarity_encoding(world.embeddings, world.values, folds, treatment=metrics.Treatment(centred=c))
            for c in (True, False)]  # fmt: skip
    assert np.allclose(*near, equal_nan=True)


def test_similarity_encoding_finds_turned_words_and_not_permuted_ones():
    rng = np.random.default_rng(14)
    gold, folds = rng.normal(size=(90, 12)), np.arange(90) % 3
    turned = gold @ np.linalg.qr(rng.normal(size=(12, 12)))[0] + 0.1 * rng.normal(size=(90, 12))
    found = metrics.retrieval_by(metrics.similarity_encoding(turned, gold, folds), 1).mean()
    mixed = metrics.retrieval_by(metrics.similarity_encoding(turned[rng.permutation(90)], gold, folds), 1).mean()
    assert found > 0.95 and mixed < 0.1


# -- what the fold gives away ----------------------------------------------------------------------------------------


def test_a_constant_scores_chance_exactly_under_the_default_and_not_under_those_that_give_the_fold_away(tables):
    constant = {treatment: value for (name, treatment), value in tables["nothing"].items() if name == "mean"}
    together, everywhere = 10 / 48, 10 / 240
    for treatment in metrics.TREATMENTS[:5]:
        assert constant[str(treatment)] == pytest.approx(together, abs=1e-12)
    assert constant["all words, own row removed, centred"] == pytest.approx(everywhere, abs=1e-12)
    assert constant["all words"] < 0.6 * everywhere  # its training rows are in it
    assert constant["all words, scaled"] > 2 * everywhere  # and make training candidates long


def test_vectors_that_know_nothing_are_at_chance_only_where_the_fold_gives_nothing_away(tables):
    for name in ("ridge", "PLSR", "similarity encoding"):
        found = tables["nothing"]
        assert found[name, str(metrics.Treatment())] == pytest.approx(10 / 48, abs=0.05)
        assert found[name, "all words, own row removed, centred"] == pytest.approx(10 / 240, abs=0.02)
        assert found[name, "all words"] < 0.75 * 10 / 240


def test_a_category_finds_its_word_no_more_often_than_a_draw_within_it_under_the_default():
    above = []
    for seed in range(3):
        world, folds = drawn("category", 2.0, seed)
        near = rivals(world, folds)["category"]
        pairs = {(c, f) for c, f in zip(world.categories, folds.tolist(), strict=True)}
        found = metrics.retrieval_by(near(treatment=metrics.Treatment()), 1).mean()
        assert found == pytest.approx(len(pairs) / 240, abs=0.02)  # one of the category's words of a fold is first
        everywhere = metrics.Treatment(held_out_together=False, own_row_removed=True)
        above.append(metrics.retrieval_by(near(treatment=everywhere)).mean() - 10 / 20)
    assert min(above) > 0.03  # a draw within a category of 20 words: one half; the removed row shows who was held out


# -- rivals under one treatment --------------------------------------------------------------------------------------


def test_unlike_treatment_reverses_the_order_of_rivals_and_like_treatment_does_not(tables):
    found = tables["category_and_attributes"]
    whole, plain = str(WHOLE), str(ALL_WORDS)
    # as the book once had it: the kernel map after every correction, the regression as it was
    assert found["similarity encoding", whole] > found["ridge", plain] + 0.2
    for fair in metrics.TREATMENTS:
        if fair.centred and fair.hubs is None:
            assert found["ridge", str(fair)] >= found["similarity encoding", str(fair)]
    assert found["ridge", whole] > found["similarity encoding", whole] + 0.005
    assert found["ridge", plain] < found["similarity encoding", whole] - 0.2  # neither order is a fact about the words


@pytest.mark.parametrize("treatment", metrics.TREATMENTS, ids=str)
def test_no_treatment_lets_a_category_tell_two_of_its_words_apart_and_every_one_leaves_the_word(treatment):
    within = {}
    for kind, strength in (("category", 2.0), ("category_and_attributes", 0.8)):
        world, folds = drawn(kind, strength, 2)
        within[kind] = {
            name: np.nanmean(metrics.two_alternative_by(near(treatment=treatment), world.categories, folds=folds))
            for name, near in rivals(world, folds).items()
        }
    for name in ("ridge", "PLSR", "similarity encoding"):
        assert abs(within["category"][name] - 0.5) < 0.07 and within["category_and_attributes"][name] > 0.6
    for name in ("mean", "category"):
        assert within["category"][name] == within["category_and_attributes"][name] == pytest.approx(0.5, abs=1e-9)


def test_the_null_of_two_alternatives_is_centred_under_the_default():
    world, folds = drawn("category_and_attributes", 0.8, 2)
    near = rivals(world, folds)["similarity encoding"](treatment=metrics.Treatment())
    null = metrics.two_alternative_null_by(near, world.categories, 200, folds=folds, rng=np.random.default_rng(15))
    seen = np.nanmean(metrics.two_alternative_by(near, world.categories, folds=folds))
    assert abs(null.mean() - 0.5) < 0.01 and seen > null.max()


# -- bad input -------------------------------------------------------------------------------------------------------

GOLD, FOLDS = np.random.default_rng(0).random((9, 4)), np.arange(9) % 3
AVERAGE = controls.category_centroids(np.eye(9), ["a"] * 9, FOLDS)
REMOVED = metrics.Treatment(held_out_together=False, own_row_removed=True)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: metrics.Treatment(hubs="none"), "hubs must be None, 'csls' or 'mutual_proximity'"),
        (lambda: metrics.nearness(GOLD, GOLD, FOLDS[:5]), "one fold for each of 9 words"),
        (lambda: metrics.nearness(GOLD, GOLD, FOLDS, treatment=REMOVED), "pass `weights`"),
        (lambda: metrics.nearness(GOLD, GOLD, FOLDS, weights=AVERAGE[:5]), "shape \\(9, 9\\)"),
        (lambda: metrics.nearness(GOLD, GOLD, FOLDS, weights=np.full((9, 9), np.nan)), "weights hold NaN"),
        (lambda: metrics.nearness(GOLD, GOLD, FOLDS, weights=np.eye(9)), "own fold"),
        (lambda: metrics.nearness(GOLD, GOLD, FOLDS, weights=AVERAGE), "not ``weights @ gold``"),
        (lambda: metrics.nearness(GOLD[:4], GOLD[:4], np.array([0, 0, 1, 1])), "at least 3 words"),
        (lambda: metrics.nearness(GOLD, GOLD, np.zeros(9, int)), "at least two folds"),
        (lambda: metrics.similarity_encoding(GOLD, GOLD, FOLDS[:5]), "for each of 9 words"),
        (lambda: metrics.retrieval_by(metrics.nearness(GOLD, GOLD, FOLDS), 4), "number of candidates \\(3\\)"),
        (lambda: metrics.retrieval_chance(GOLD, 4, folds=FOLDS), "words of a fold \\(3\\)"),
        (lambda: metrics.retrieval_chance(GOLD, 1, folds=FOLDS[:5]), "one fold for each of 9 words"),
    ],
)
def test_bad_input_says_what_was_expected(call, says):
    with pytest.raises(ExplaintError, match=says):
        call()


def test_no_two_treatments_of_the_grid_are_the_same():
    assert len({repr(treatment) for treatment in metrics.TREATMENTS}) == len(metrics.TREATMENTS)
