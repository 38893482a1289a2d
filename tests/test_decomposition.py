"""Decomposition: exact sums, joint intervals, planted truths."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import controls, inference, mappers, metrics, planted
from explaint_lib._common import ExplaintError


def test_parts_add_up_and_their_intervals_are_joint():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=300)  # the same word-to-word noise in every rung: differences are exact
    ladder = {"base": 0.1 + noise, "taxonomy": 0.3 + noise, "system": 0.4 + noise}
    for scores in ladder.values():
        scores.flags.writeable = False
    base, taxonomy, rest = inference.decomposition(ladder, n_boot=500, rng=rng)
    assert base["share"] is None and base["value"] == base["level"]
    assert base["value"] + taxonomy["value"] + rest["value"] == pytest.approx(rest["level"])
    assert taxonomy["value"] == pytest.approx(0.2) and taxonomy["ci_high"] - taxonomy["ci_low"] < 1e-9
    assert base["ci_high"] - base["ci_low"] > 0.1
    assert taxonomy["share"] == pytest.approx(2 / 3) and rest["share_high"] == pytest.approx(1 / 3)


def test_a_word_undefined_in_one_rung_is_left_out_of_all():
    low, high = np.array([0.0, 0.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0, np.nan])
    rows = inference.decomposition({"a": low, "b": high}, n_boot=50, rng=np.random.default_rng(1))
    assert rows[0]["level"] == 0 and rows[1]["value"] == 1


def test_a_share_is_one_of_the_lead_over_the_first_rung_and_not_of_the_score():
    low = 0.5 + 0.2 * np.random.default_rng(5).random(30)
    ladder = {"a": low, "b": low + 0.1, "c": low + 0.4}
    _, *steps = inference.decomposition(ladder, n_boot=200, rng=np.random.default_rng(6))
    found = [(row["share"], row["share_low"], row["share_high"]) for row in steps]
    assert found == [pytest.approx((0.25,) * 3), pytest.approx((0.75,) * 3)]  # the words move rungs, and no share


def test_a_ladder_without_a_lead_has_no_shares():
    same = np.random.default_rng(2).random(20)
    rows = inference.decomposition({"a": same, "b": same}, n_boot=50, rng=np.random.default_rng(2))
    assert rows[1]["value"] == 0 and rows[1]["share"] is None


def test_the_decomposition_finds_what_was_planted():
    """Vectors that know the category: nothing beyond taxonomy. Vectors that know the word: something beyond it."""
    beyond = {}
    for kind, strength in (("category", 2.0), ("category_and_attributes", 1.5)):
        world = planted.property_world(kind, strength=strength, rng=np.random.default_rng(3))
        rng = np.random.default_rng(4)
        X, Y, folds = world.embeddings, world.values, mappers.make_folds(240, 5, rng=rng)

        def scored(order=slice(None), X=X, Y=Y, folds=folds):
            pred = mappers.CrossFit(mappers.PLSR(n_components=20), X[order], folds).predict(Y)
            return metrics.f1_at_k(pred, Y)

        base = metrics.f1_at_k(mappers.CrossFit(mappers.MeanProfile(), X, folds).predict(Y), Y)
        within = np.mean([scored(controls.permute_within(world.categories, rng=rng)) for _ in range(4)], axis=0)
        close = [controls.swap_neighbours(X, 3, within=world.categories, rng=rng) for _ in range(4)]
        swapped = np.mean([scored(order) for order in close], axis=0)
        ladder = {"base rate": base, "taxonomy": within, "similarity": swapped, "rest": scored()}
        parts = {row["part"]: row for row in inference.decomposition(ladder, n_boot=500, rng=rng)}
        assert parts["taxonomy"]["ci_low"] > 0.1
        beyond[kind] = parts["similarity"]["value"] + parts["rest"]["value"]
    assert abs(beyond["category"]) < 0.03 < 0.06 < beyond["category_and_attributes"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda rng: inference.decomposition({"a": np.ones(3)}, n_boot=9, rng=rng), "at least 2 rungs"),
        (lambda rng: inference.decomposition({"a": np.ones(3), "b": np.ones(4)}, n_boot=9, rng=rng), "one score"),
    ],
)
def test_bad_input_says_what_was_expected(call, says):
    with pytest.raises(ExplaintError, match=says):
        call(np.random.default_rng(0))
