"""The reference results: shown as they are, made by the commands they name, and the same when computed again."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from conftest import ROOT
from reference_page import FOLDER, MAPPERS, PAGE, PAPER, command, load, page

from explaint_lib import encoders, norms
from explaint_lib.experiments.grid import read_grid
from explaint_lib.experiments.table import CONDITIONS, run_table
from explaint_lib.metrics import METRICS

RESULTS = load()
NAMES = [f"{norm}-{mapper}" for norm, mapper in RESULTS]
#: One set of norms and one map each, so that the check takes seconds.
SAMPLE = [("mcrae", "plsr"), ("binder", "plsr")]
#: What does not depend on the number of draws.
FIXED = ("system", "upper_bound", "mean_profile", "oracle", "chance")


def test_there_is_a_result_for_each_set_of_norms():
    assert {name for name, _ in RESULTS} == {"mcrae", "buchanan", "binder"} == {name for name, _ in PAPER}
    assert {mapper for _, mapper in RESULTS} <= set(MAPPERS)


@pytest.mark.parametrize("result", RESULTS.values(), ids=NAMES)
def test_a_result_is_complete_and_holds_aggregates_only(result):
    about = result["manifest"]
    assert about["data"]["human"] and re.fullmatch(r"[0-9a-f]{64}", about["data"]["fingerprint"])
    assert {"versions", "platform", "arguments", "draws", "model"} <= set(about)
    rows = {(row["condition"], row["metric"]) for row in result["rows"]}
    assert len(result["rows"]) == len(rows) and rows == {(c, m) for c in CONDITIONS for m in METRICS}
    assert all(row["n_words"] >= 100 for row in result["rows"]), "a mean over many words, never one rating"
    assert len(json.dumps(about["data"])) < 8000, "a description, never the data"


@pytest.mark.parametrize("result", RESULTS.values(), ids=NAMES)
def test_the_grid_asks_for_the_same_cells(result):
    grid, about = read_grid(FOLDER / "grid.yaml"), result["manifest"]["arguments"]
    assert about["norms"] in grid.norms and about["mapper"] in grid.mappers and about["seed"] in grid.seeds
    assert about["components"] in grid.components and about["bootstrap"] == grid.bootstrap
    assert [about["model"]] == [model.name for model in grid.models] and grid.conditions == tuple(CONDITIONS)


def test_the_page_shows_the_results_as_they_are():
    assert PAGE.read_text("utf8") == page(), "run: python book/reference_page.py"


def test_the_page_names_the_command_of_each_result_and_is_part_of_the_book():
    text = PAGE.read_text("utf8")
    assert all(command(result) in text for result in RESULTS.values())
    assert f"file: book/{PAGE.stem}" in (ROOT / "_toc.yml").read_text("utf8")


@pytest.mark.human_norms
@pytest.mark.models
@pytest.mark.parametrize(("name", "mapper"), SAMPLE)
def test_a_sample_computed_again_is_the_same(name, mapper):
    if not norms.available(name):
        pytest.skip(f"the norms {name!r} are not installed; with them this test computes a reference table again")
    about = RESULTS[name, mapper]["manifest"]["arguments"]
    data = norms.load_norms(name)
    assert data.fingerprint() == RESULTS[name, mapper]["manifest"]["data"]["fingerprint"]
    X = encoders.load_encoder(about["model"]).word_vectors(data.word_forms, layer=about["layer"])
    found = run_table(
        data, X, mapper=mapper, components=about["components"], folds=about["folds"], seed=about["seed"],
        permutations=1, bootstrap=2,
    )  # fmt: skip
    again = {(row["condition"], row["metric"]): row for row in found["rows"]}
    for row in RESULTS[name, mapper]["rows"]:
        if row["condition"] in FIXED and row["value"] is not None:
            one = again[row["condition"], row["metric"]]
            # far below the width of any interval, and above what another processor does to the last digits
            assert np.isclose(one["value"], row["value"], rtol=0, atol=1e-4), (row["condition"], row["metric"])
            assert (one["n_words"], one["n_features"]) == (row["n_words"], row["n_features"])
