"""The nulls that a page draws: its numbers are the library's, its draws keep what they should, its p-values hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from explaint_lib import inference, mappers, metrics, planted
from explaint_lib._common import ExplaintError
from explaint_lib.norms import FeatureNorms
from explaint_lib.widgets._base import text85
from explaint_lib.widgets._nulls_content import rounded_vectors, world_of

CONTROLS = ["shuffled", "permuted_pairing", "permuted_within", "rewired", "random"]
CLOSE = 1e-9  # the same sums in another order


def small(kind: str, seed: int, *, n: int = 72, strength: float = 1.0):
    """Return a planted world as norms with categories, its vectors, and folds."""
    rng = np.random.default_rng(seed)
    world = planted.property_world(kind, strength=strength, n_words=n, n_categories=6, dim=20, rng=rng)
    strengths = np.where(world.values > 0, np.rint(world.values), 0).clip(0, 255)
    strengths[(world.values > 0) & (strengths == 0)] = 1
    keep = (strengths > 0).any(axis=0)
    data = FeatureNorms(
        "planted", world.words, np.flatnonzero(keep).astype(str), strengths[:, keep], "sparse", world.categories
    )
    return data, world.embeddings, mappers.make_folds(n, 3, rng=rng)


def payload(data: FeatureNorms, vectors: np.ndarray, folds: np.ndarray, penalty: float = 30.0) -> dict:
    made = world_of(vectors, data, folds, penalty)
    return {"meta": made["meta"], "vectors": text85(made["vectors"]), "cells": text85(made["cells"])}


def on_the_page(folder: Path, worlds: list[dict], **asked: object) -> list[dict]:
    """Return what the page's program computes."""
    node = shutil.which("node")
    if node is None:
        say = pytest.fail if os.environ.get("EXPLAINT_REQUIRE_NODE") else pytest.skip
        say("node is not installed: the page's numbers were not computed")
    file = folder / "asked.json"
    settings = {"controls": CONTROLS, "draws": 2, "seed": 0, "scores": ["f1", "overlap", "two"], "rows": True}
    file.write_text(json.dumps({"worlds": worlds} | settings | asked), "utf8")
    program = ROOT / "tests" / "js" / "nulls_numbers.js"
    done = subprocess.run([node, str(program), str(file)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def matrix(rows: dict, m: int) -> np.ndarray:
    out = np.zeros((len(rows["start"]) - 1, m))
    words = np.repeat(np.arange(len(out)), np.diff(rows["start"]))
    out[words, rows["column"]] = rows["value"]
    assert np.count_nonzero(out) == len(rows["column"])  # no cell twice
    return out


def by_the_library(data, X, folds, Y, mapper) -> dict[str, float]:
    guess = mappers.CrossFit(mapper, X, folds).predict(Y)
    return {
        "f1": float(np.nanmean(metrics.f1_at_k(guess, Y))),
        "overlap": float(metrics.neighbour_overlap_at_k(guess, Y).mean()),
        "two": float(np.nanmean(metrics.two_alternative(guess, Y, data.categories, folds=folds))),
    }


@cache
def teaching():
    """The words of the book's figure, with vectors that need no model."""
    from explaint_lib.norms import load_norms

    data = load_norms("bundled")
    rng = np.random.default_rng(0)
    places = data.values @ rng.standard_normal((data.values.shape[1], 60))
    vectors = places + 0.8 * places.std() * rng.standard_normal(places.shape)
    return data, vectors, mappers.make_folds(len(places), 5, rng=rng)


@pytest.mark.parametrize("world", ["teaching words", "attributes", "nothing"])
def test_the_page_computes_what_the_library_computes(world: str, tmp_path: Path):
    """Scores of the norms, the constant and two draws of each control: ridge as `CrossFit` fits it."""
    kind = {"attributes": "category_and_attributes"}.get(world, world)
    data, X, folds = teaching() if world == "teaching words" else small(kind, 3)
    penalty = 300.0
    (found,) = on_the_page(tmp_path, [payload(data, X, folds, penalty)])
    shipped, ridge = rounded_vectors(X).astype(float), mappers.Ridge([penalty])
    for name, mapper in (("as_they_are", ridge), ("constant", mappers.MeanProfile())):
        for score, value in by_the_library(data, shipped, folds, data.values, mapper).items():
            assert found[name][score] == pytest.approx(value, abs=CLOSE), (name, score)
    for control in CONTROLS:
        for drawn in found["drawn"][control]:
            Y = matrix(drawn["rows"], data.values.shape[1])
            for score, value in by_the_library(data, shipped, folds, Y, ridge).items():
                assert drawn[score] == pytest.approx(value, abs=CLOSE), (control, score)
        p = inference.permutation_p(found["as_they_are"]["f1"], [one["f1"] for one in found["drawn"][control]])
        assert found["p"][control]["f1"] == pytest.approx(p)


def test_rounding_the_vectors_changes_no_conclusion():
    """What the page carries is not what the model gave: the scores differ by less than a hundredth."""
    data, X, folds = teaching()
    given, shipped = (
        by_the_library(data, V, folds, data.values, mappers.Ridge([300.0]))
        for V in (X, rounded_vectors(X).astype(float))
    )
    assert given["f1"] > 0.2 and all(abs(given[name] - shipped[name]) < 0.01 for name in given)


def test_a_draw_keeps_what_its_control_keeps_and_destroys_the_rest(tmp_path: Path):
    data, X, folds = teaching()
    (found,) = on_the_page(tmp_path, [payload(data, X, folds)], scores=["f1"])
    Y, kinds = data.values, np.array(data.categories)
    drawn = {c: [matrix(one["rows"], Y.shape[1]) for one in found["drawn"][c]] for c in CONTROLS}
    for control, (first, second) in drawn.items():
        assert (first != second).any() and (first != Y).any(), control
        assert np.array_equal(np.sort(first[first > 0]), np.sort(Y[Y > 0])), control
        columns_kept = np.array_equal(np.sort(first, axis=0), np.sort(Y, axis=0))
        assert columns_kept == (control != "random")
        words_kept = np.array_equal((first > 0).sum(axis=1), (Y > 0).sum(axis=1))
        assert words_kept == (control == "rewired")
    rows = [row.tobytes() for row in Y]
    for control in ("permuted_pairing", "permuted_within"):
        order = np.array([rows.index(row.tobytes()) for row in drawn[control][0]])
        assert sorted(order) == list(range(len(Y)))
        assert (kinds[order] == kinds).all() == (control == "permuted_within")
        assert (order != np.arange(len(Y))).mean() > 0.5
    shared = ((drawn["rewired"][0] > 0) & (Y > 0)).sum() / (Y > 0).sum()
    assert shared < 0.15  # as far from the start as `controls.curveball` goes


def test_the_area_under_the_curve_of_a_readers_feature_is_the_librarys(tmp_path: Path):
    data, X, folds = teaching()
    lengths = np.array([len(word) for word in data.word_forms], float)
    letters = np.array([float(word[0] in "bcs") for word in data.word_forms])
    asked = [
        {"values": lengths.tolist(), "has": (lengths > np.median(lengths)).tolist()},
        {"values": letters.tolist(), "has": (letters > 0).tolist()},
    ]
    (found,) = on_the_page(tmp_path, [payload(data, X, folds)], controls=[], scores=[], features=asked)
    cross = mappers.CrossFit(mappers.Ridge([30.0]), rounded_vectors(X).astype(float), folds)
    for value, column, kind in zip(found["features"], (lengths, letters), ("dense", "sparse"), strict=True):
        guess = cross.predict(column[:, None])
        assert value == pytest.approx(metrics.auc_feature(guess, column[:, None], kind=kind, folds=folds)[0], abs=CLOSE)


def test_where_the_vectors_know_nothing_the_p_values_are_uniform(tmp_path: Path):
    """The instrument's own negative control: 60 worlds of vectors that know nothing, 39 permuted pairings each.

    Against random cells the same worlds look as if the vectors knew the norms: this null destroys base rates as well.
    """
    worlds = [payload(*small("nothing", seed, n=48)) for seed in range(60)]
    found = on_the_page(
        tmp_path, worlds, controls=["permuted_pairing", "random"], draws=39, scores=["f1", "two"], rows=False
    )
    for score in ("f1", "two"):
        p = np.array([one["p"]["permuted_pairing"][score] for one in found])
        assert p.min() >= 1 / 40 and abs(p.mean() - 0.5) < 0.1, score  # three standard errors of a uniform mean
        assert np.count_nonzero(p <= 0.1) <= 13 and np.count_nonzero(p > 0.9) >= 1, score  # of 6 expected each
    assert np.mean([one["p"]["random"]["f1"] for one in found]) < 0.05


def test_where_the_vectors_know_the_words_p_is_the_smallest_possible(tmp_path: Path):
    worlds = [payload(*small("category_and_attributes", seed, strength=4.0)) for seed in range(5)]
    category = [payload(*small("category", seed, strength=4.0)) for seed in range(5)]
    settings = {"controls": ["permuted_pairing", "permuted_within"], "draws": 39, "scores": ["f1"], "rows": False}
    for one in on_the_page(tmp_path, worlds, **settings):
        assert one["p"] == {"permuted_pairing": {"f1": 1 / 40}, "permuted_within": {"f1": 1 / 40}}
    known = on_the_page(tmp_path, category, **settings)
    assert all(one["p"]["permuted_pairing"]["f1"] == 1 / 40 for one in known)
    assert np.mean([one["p"]["permuted_within"]["f1"] > 1 / 40 for one in known]) > 0.5  # the kind, and not the word


def test_what_a_page_cannot_carry_is_refused():
    data, X, folds = small("nothing", 0)
    dense = FeatureNorms("r", ["a", "b"], ["x", "y"], [[1.5, 2.0], [3.0, 4.5]], "dense")
    halves = FeatureNorms("h", data.words, data.features, data.values / 2, "sparse")
    for arguments, said in (
        ((X, dense, folds, 1.0), "expected sparse norms"),
        ((X, halves, folds, 1.0), "whole numbers"),
        ((X[1:], data, folds, 1.0), "one row for each of 72 words, found 71"),
        ((X, data, folds, 0.0), "penalty must be a positive number"),
        ((X, data, folds[1:], 1.0), "one row a word"),
        ((np.full_like(X, np.nan), data, folds, 1.0), "finite"),
    ):
        with pytest.raises(ExplaintError, match=said):
            world_of(*arguments)
