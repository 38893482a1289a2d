"""Reference results and verdicts: shown as they are, made as they say, and the same when computed again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import corrections_page
import nbformat
import numpy as np
import pandas as pd
import pytest
import verdicts_page
import yaml
from chapters import execute
from conftest import ROOT
from keys import keep
from parameters import Run, known_parameters
from reference_page import FOLDER, MAPPERS, PAGE, command, load, page

from explaint_lib import encoders, inference, norms
from explaint_lib.controls import CONDITIONS
from explaint_lib.experiments.grid import read_grid
from explaint_lib.experiments.table import PAPER_SCORES, run_table
from explaint_lib.inference import WORDS
from explaint_lib.metrics import METRICS
from explaint_lib.results import Result, in_notebook

RESULTS = load()
NAMES = [f"{norm}-{mapper}" for norm, mapper in RESULTS]
#: One set of norms and one map each, so that the check takes seconds.
SAMPLE = [("mcrae", "plsr"), ("binder", "plsr")]
#: What does not depend on the number of draws.
FIXED = ("system", "upper_bound", "mean_profile", "oracle", "chance")


def test_there_is_a_result_for_each_set_of_norms():
    assert {name for name, _ in RESULTS} == {"mcrae", "buchanan", "binder"} == {name for name, _ in PAPER_SCORES}
    for (_, metric), printed in PAPER_SCORES.items():
        assert metric in METRICS and list(printed) == [name for name in CONDITIONS if name in printed]
    assert {mapper for _, mapper in RESULTS} <= set(MAPPERS)


@pytest.mark.parametrize("result", RESULTS.values(), ids=NAMES)
def test_a_result_is_complete_and_holds_aggregates_only(result):
    about = result.manifest
    assert about["data"]["human"] and re.fullmatch(r"[0-9a-f]{64}", about["data"]["fingerprint"])
    assert {"versions", "platform", "arguments", "draws", "model"} <= set(about)
    rows = list(zip(result.rows.condition, result.rows.metric, strict=True))
    there = [condition for condition in CONDITIONS if condition in set(result.rows.condition)]
    assert rows == [(c, m) for c in there for m in METRICS] and set(FIXED) <= set(there)
    assert (result.rows.n_words >= 100).all(), "a mean over many words, never one rating"
    assert len(json.dumps(about["data"])) < 8000, "a description, never the data"


@pytest.mark.parametrize("result", RESULTS.values(), ids=NAMES)
def test_the_grid_asks_for_the_same_cells(result):
    grid, about = read_grid(FOLDER / "grid.yaml"), result.manifest["arguments"]
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
    about = RESULTS[name, mapper].manifest["arguments"]
    data = norms.load_norms(name)
    assert data.fingerprint() == RESULTS[name, mapper].manifest["data"]["fingerprint"]
    X = encoders.load_encoder(about["model"]).word_vectors(data.word_forms, layer=about["layer"])
    found = run_table(
        data, X, mapper=mapper, components=about["components"], folds=about["folds"], seed=about["seed"],
        permutations=1, bootstrap=2, fold_draws=about.get("fold_draws", 1),  # kept: of one
    )  # fmt: skip
    kept = RESULTS[name, mapper].rows
    kept, again = (rows[rows.condition.isin(FIXED)].reset_index(drop=True) for rows in (kept, found.rows))
    same = ["condition", "metric", "n_words", "n_features"]
    assert kept[same].equals(again[same])
    # far below the width of any interval, and above what another processor does to the last digits
    np.testing.assert_allclose(again.value, kept.value, rtol=0, atol=1e-4)


# --- the verdicts of the chapters on all norms ---

KEPT = verdicts_page.load()


def test_every_chapter_on_norms_has_verdicts_on_every_set():
    there = {name for number, name in KEPT if number in verdicts_page.CHAPTERS}
    assert there == set(verdicts_page.NORMS)
    assert {(number, name) for number in verdicts_page.CHAPTERS for name in there} <= set(KEPT)
    assert "no runs yet" not in verdicts_page.PAGE.read_text("utf8")
    for number in verdicts_page.CHAPTERS:
        (chapter,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        assert "norms_name" in known_parameters(chapter)


@pytest.mark.parametrize("kept", KEPT.values(), ids=["-".join(key) for key in KEPT])
def test_verdicts_are_complete_and_aggregates_only(kept):
    about, verdicts = kept.manifest, kept.verdicts
    notebook = ROOT / "notebooks" / f"{kept.experiment}.ipynb"
    assert notebook.is_file() and re.fullmatch(r"[0-9a-f]{64}", about["run_key"])
    assert {"versions", "arguments"} <= set(about) and set(about["arguments"]) == set(known_parameters(notebook))
    if kept.experiment[:2] in verdicts_page.CHAPTERS:
        assert re.fullmatch(r"[0-9a-f]{64}", about["data"]["fingerprint"])
    keys = [name for name in ("model", "split", "claim", "question") if name in verdicts]
    assert verdicts.groupby(keys).verdict.nunique().eq(1).all() and len(verdicts[keys].drop_duplicates()) >= 4
    assert verdicts.word.isin(WORDS).all() and not verdicts.verdict.str.contains("...", regex=False).any()
    assert kept.rows.empty and kept.tests.empty, "verdicts only"
    tested = verdicts[verdicts.difference.notna()]
    assert tested[["control", "score", "ci_low", "ci_high", "p_holm"]].notna().all(axis=None)


def test_the_page_of_verdicts_shows_them_as_they_are_and_is_part_of_the_book():
    assert verdicts_page.PAGE.read_text("utf8") == verdicts_page.page(), "run: python book/verdicts_page.py"
    assert f"file: book/{verdicts_page.PAGE.stem}" in (ROOT / "_toc.yml").read_text("utf8")


def test_the_page_of_corrections_holds_then_and_now_and_every_claim_it_names():
    assert corrections_page.PAGE.read_text("utf8") == corrections_page.page(), "run: python book/corrections_page.py"
    assert f"file: book/{corrections_page.PAGE.stem}" in (ROOT / "_toc.yml").read_text("utf8")
    earlier = json.loads(corrections_page.EARLIER.read_text("utf8"))
    for entry in yaml.safe_load(corrections_page.TEXTS.read_text("utf8")):
        assert {"title", "said", "wrong", "holds"} <= set(entry)
        assert not re.search(r"[0-9]\.[0-9]|\.[0-9]{2}", entry["said"] + entry["wrong"] + entry["holds"]), (
            "typed numbers"
        )
        for chapter, claims in entry.get("verdicts", {}).items():
            was = {row["claim"] for norms in verdicts_page.NORMS for row in earlier.get(f"{chapter}_{norms}", [])}
            assert set(claims) <= was


def renewed(folder: Path) -> None:
    """Write chapters under the present rule, with the claims of the corrections, as a new run would leave them."""
    texts = yaml.safe_load(corrections_page.TEXTS.read_text("utf8"))
    entries = [entry["verdicts"] for entry in texts if "verdicts" in entry]
    for (chapter, name), kept in KEPT.items():
        claims = [one for entry in entries for after in entry.get(chapter, {}).values() for one in after or []]
        made = {
            claim: [inference.Comparison(f"rival {i}", 0.1 + i, 0.001, p_value=1e-9, score="F1@10", n=99)]
            for i, claim in enumerate(claims)
        }
        found = inference.verdicts(made, smallest_effect=0.02, calibrated=pd.DataFrame()) if made else kept.verdicts
        Result(kept.experiment, kept.manifest, verdicts=found).to_json(folder / f"{chapter}_{name}.json")


def test_after_a_new_run_the_corrections_show_before_and_after_of_renamed_and_of_divided_claims(tmp_path):
    renewed(tmp_path)
    text = corrections_page.page(tmp_path)
    assert "to be run again" not in text and text.count("**withdrawn**") == 4
    moves, depends = (
        text.split(f"**{claim}**, which was: The upper bound measures the map, not the norms")
        for claim in ("The upper bound moves with the map", "The upper bound depends on the norms, too")
    )
    assert len(moves) == len(depends) == 2
    for part, difference in ((moves[1], "+0.100"), (depends[1], "+1.100")):
        table = part.lstrip().splitlines()[:6]
        assert table[0] == "| norms | now | earlier |"
        cells = [line.split(" | ") for line in table[2:]]
        assert all(cell[1].startswith(f"**supported**<br>{difference} [") for cell in cells)
        assert not any(cell[2].startswith("**supported**<br>+0.100") for cell in cells)
    assert "**PLSR makes the neighbourhoods**, which was: The map makes the neighbourhoods" in text
    with pytest.raises(KeyError, match="no claim 'PLSR makes"):
        (tmp_path / "09_mcrae.json").write_bytes((tmp_path / "07_mcrae.json").read_bytes())
        corrections_page.page(tmp_path)


def test_collecting_from_a_folder_without_chapters_says_what_to_do(tmp_path, capsys):
    with pytest.raises(SystemExit):
        verdicts_page.main([str(tmp_path)])
    assert "make book PROFILE=full" in capsys.readouterr().err


def executed(folder, result):
    """Write a chapter as make book keeps it, with a result among its outputs."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("result")])
    if result is not None:
        shown = nbformat.v4.new_output("display_data", data=result._repr_mimebundle_())
        notebook.cells[0].outputs.append(shown)
    keep(notebook, folder / "beside", folder / "09_geometry_not_semantics_on_mcrae.ipynb", "a" * 64)


def test_collecting_keeps_what_a_chapter_left_number_by_number(tmp_path):
    rows = [{"claim": "it", "control": "x", "score": "AUC", "difference": 1 / 3, "ci_low": 0.1, "verdict": "supported"}]
    found = Result("09_geometry_not_semantics", {"data": {"name": "mcrae"}}, verdicts=rows)
    executed(tmp_path, found)
    (file,) = verdicts_page.collect(tmp_path, tmp_path / "kept")
    again = verdicts_page.load(tmp_path / "kept")["09", "mcrae"]
    assert file.name == "09_mcrae.json" and again.verdicts.difference[0] == 1 / 3
    assert again.equals(Result(found.experiment, found.manifest | {"run_key": "a" * 64}, verdicts=rows))


def test_collecting_refuses_chapters_that_were_not_run_or_left_no_result(tmp_path, capsys):
    file = tmp_path / "09_geometry_not_semantics_on_mcrae.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), file)
    for says in ("is not as make book left it", "holds 0 results; a chapter shows one"):
        with pytest.raises(SystemExit):
            verdicts_page.main([str(tmp_path)])
        assert says in capsys.readouterr().err
        executed(tmp_path, None)


def test_the_page_finds_the_nearest_control_and_the_norms_on_which_verdicts_differ(tmp_path):
    def kept(norms, *rows):
        columns = ("claim", "control", "difference", "ci_low", "ci_high", "word")
        rows = [dict(zip(columns, row, strict=True), verdict=row[-1]) for row in rows]
        Result("09_geometry_not_semantics", {}, verdicts=rows).to_json(tmp_path / f"09_{norms}.json")

    untested = ("by kind", "none could be run", None, None, None, "cannot tell")
    kept("bundled", ("it", "x", 0.3, 0.2, 0.4, "supported"), ("it", "y", 0.0996, 0.05, 0.2, "supported"), untested)
    kept("mcrae", ("it", "x", -0.1, -0.2, 0.0, "worse"), ("by kind", "x", 0.1, 0, 1, "supported"))
    text = verdicts_page.page(tmp_path)
    assert "| it | **supported**<br>+0.100<br>[+0.050, +0.200]<br>against *y* | **worse**<br>-0.100" in text
    assert "| by kind | not tested | **supported**" in text
    assert "Of 2 claims of the chapters on norms, 1 have the same verdict" in text and "They differ on: it." in text
    assert (
        "There are no runs yet on: Lancaster (ratings), Buchanan, Binder (ratings)" in text
        and "| Lancaster" not in text
    )
    kept("lancaster_nouns", ("it", "x", 0.5, 0.4, 0.6, "supported"))
    text = verdicts_page.page(tmp_path)
    assert "| claim | bundled | Lancaster (ratings) | McRae |" in text and "no runs yet on: Buchanan" in text


@pytest.mark.human_norms
@pytest.mark.models
@pytest.mark.book
def test_a_sample_of_verdicts_computed_again_is_the_same(tmp_path):
    if not norms.available("binder"):
        pytest.skip("the norms 'binder' are not installed; with them this test runs chapter 09 on them again")
    kept = KEPT["09", "binder"]
    source = ROOT / "notebooks" / f"{kept.experiment}.ipynb"
    fewer = {"n_worlds": 1}  # the planted worlds have random numbers of their own
    execute(Run(source, "again", kept.manifest["arguments"] | fewer), tmp_path / "again.ipynb", "-", 1)
    (again,) = in_notebook(tmp_path / "again.ipynb")
    for key in ("claim", "control", "score", "verdict"):
        assert again.verdicts[key].equals(kept.verdicts[key]), key
    assert again.verdicts.difference.to_numpy() == pytest.approx(kept.verdicts.difference.to_numpy(), abs=0.01)
