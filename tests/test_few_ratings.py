"""Ratings on few scales, and few words: what can be scored is, the rest is left out and said before a model runs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import typer
from helpers_grid import WORDS
from helpers_models import save_tiny_bert
from typer.testing import CliRunner

from explaint_lib import encoders, metrics
from explaint_lib._common import ExplaintError
from explaint_lib.cli import sweep as cli_sweep
from explaint_lib.cli import table as cli_table
from explaint_lib.controls import CONDITIONS
from explaint_lib.experiments.table import run_table
from explaint_lib.experiments.table._design import folds_of
from explaint_lib.metrics import METRICS
from explaint_lib.norms import FeatureNorms

RANKED = {"f1_at_10", "r_precision"}
QUICK = {"components": 2, "folds": 3, "permutations": 2, "bootstrap": 5}


def ratings(n: int, m: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 8, (n, m)) + rng.random((n, m)).round(2)


def norms(values: np.ndarray, kind: str = "dense") -> FeatureNorms:
    n, m = values.shape
    words, features = tuple(f"w{i}" for i in range(n)), tuple(f"f{j}" for j in range(m))
    return FeatureNorms(
        words=words, features=features, values=values, kind=kind, name="small", source="a test", human=False
    )


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize(("n", "m"), [(40, 5), (40, 10), (40, 11), (11, 30), (9, 12), (40, 1), (40, 2), (2, 40)])
def test_a_metric_is_left_out_exactly_where_it_says_nothing(kind, n, m):
    gold = ratings(n, m)
    lacks = metrics.left_out(gold, kind=kind)
    for name, metric in METRICS.items():
        words, features = metric.needs(kind)
        assert (name in lacks) == (n < words or m < features), (name, lacks)  # every word has every feature
        if name not in lacks:
            assert len(metric.score(gold, gold, kind=kind)) == (n if metric.unit == "word" else m)


def test_a_metric_left_out_says_what_it_needs():
    gold = ratings(40, 12)
    gold[7, :7] = np.nan
    assert metrics.left_out(gold, kind="dense") == dict.fromkeys(RANKED, "needs 11 features a word, found 5")
    assert metrics.left_out(gold[:3, :4], kind="sparse")["f1_at_10"] == "needs 11 features a word, found 4"
    metrics.require(gold, ["spearman_item"], kind="dense")
    with pytest.raises(ExplaintError, match=r"too small .*\(f1_at_10 needs 11 features a word, found 5\)"):
        metrics.require(gold, ["f1_at_10", "spearman_item"], kind="dense")
    assert metrics.left_out(gold[:7, :2], kind="dense")["spearman_item"] == "needs 3 features a word, found 2"


@pytest.mark.parametrize(("kind", "m"), [("dense", 5), ("sparse", 6), ("dense", 2)])
def test_the_table_of_few_ratings_has_the_rows_and_tests_that_can_be(kind, m):
    gold = ratings(40, m)
    if kind == "sparse":
        gold[:, 1:][np.random.default_rng(1).random((40, m - 1)) < 0.6] = 0
    X = np.column_stack([gold, np.random.default_rng(2).normal(size=(40, 6))])
    found = run_table(norms(gold, kind), X, **QUICK)
    there = set(METRICS) - set(metrics.left_out(gold, kind=kind))
    assert there < set(METRICS) and set(found.manifest["metrics_left_out"]) == set(METRICS) - there
    rows, tests = found.rows, found.tests
    assert set(zip(rows.condition, rows.metric, strict=True)) == {(c, m) for c in CONDITIONS for m in there}
    tested = [name for name, condition in CONDITIONS.items() if condition.tested]
    assert set(tests.metric) == there and len(tests) == len(tested) * len(there)
    system = rows[rows.condition == "system"].set_index("metric").value
    assert system["spearman_feature"] > 0.2


def test_sparse_features_that_no_ten_words_share_are_not_scored_over_words():
    gold = np.eye(30, 40)
    gold[:9, 0] = 1
    assert metrics.left_out(gold, kind="sparse") == {"spearman_feature": "needs 10 words that share a feature, found 9"}
    gold[9, 0] = 1
    assert metrics.left_out(gold, kind="sparse") == {}


def test_missing_ratings_that_a_shuffle_heaps_on_one_word_stop_nothing():
    gold = ratings(40, 11)
    gold[np.random.default_rng(3).permutation(40)[:11], np.arange(11)] = np.nan  # one missing a scale
    gold = np.column_stack([gold, ratings(40, 2, seed=1)])
    found = run_table(norms(gold), np.random.default_rng(2).normal(size=(40, 6)), **QUICK | {"permutations": 30})
    assert len(found.rows) == len(CONDITIONS) * len(METRICS)


def test_norms_too_small_for_everything_are_refused():
    with pytest.raises(ExplaintError, match=r"too small for every metric .*spearman_item needs 3 features"):
        run_table(norms(ratings(2, 2)), np.ones((2, 3)), **QUICK | {"folds": 2})
    gold = ratings(20, 4)
    gold[folds_of(20, 3, 0) != 1, 0] = np.nan  # rated only for words that are held out together
    with pytest.raises(ExplaintError, match="feature column 0"):
        run_table(norms(gold), np.ones((20, 3)), **QUICK)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Return a runner of commands in a folder with a tiny model and a file of five ratings of fourteen words."""
    pd.DataFrame(ratings(14, 5), columns=list("abcde"), index=pd.Index(WORDS, name="word")).to_csv(
        tmp_path / "five.csv"
    )
    save_tiny_bert(tmp_path / "bert")
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("table")(cli_table.table)
    app.command("sweep")(cli_sweep.sweep)

    def run(*arguments: str):
        return CliRunner().invoke(app, arguments)

    run.folder = tmp_path
    return run


SAID = "metrics left out, since five is too small for them: f1_at_10, r_precision (needs 11 features a word, found 5)"


def test_the_command_says_what_is_left_out_and_writes_the_table(world):
    quick = ["--folds", "2", "--components", "2", "--permutations", "2", "--bootstrap", "5"]
    done = world("table", "--norms", "five.csv", "--model", "bert", *quick, "--json", "out.json")
    assert done.exit_code == 0, done.output
    assert done.stderr.count(SAID) == 1 and "neighb." in done.stdout and "R-prec" not in done.stdout
    rows = json.loads((world.folder / "out.json").read_text())["rows"]
    assert {row["metric"] for row in rows} == set(METRICS) - RANKED


@pytest.mark.parametrize("more", [["--folds", "15"], []])
def test_norms_that_cannot_be_are_refused_before_the_model_is_loaded(world, monkeypatch, more):
    monkeypatch.setattr(encoders, "load_vectors", lambda *_, **__: pytest.fail("the model was loaded"))
    (world.folder / "two.csv").write_text("word,a,b\nrobin,1,2\ntrout,2,1\n")
    done = world("table", "--norms", "five.csv" if more else "two.csv", "--model", "bert", *more)
    assert isinstance(done.exception, ExplaintError), done.output


def test_a_sweep_says_it_before_it_computes_and_leaves_the_rows_out(world, monkeypatch):
    (world.folder / "g.yaml").write_text(
        "norms: [five.csv]\nmodels: [bert]\nmappers: ridge\nfolds: 2\npermutations: 0\nbootstrap: 5\n"
    )
    said = SAID.replace("five", "five.csv")
    dry = world("sweep", "g.yaml", "--dry-run")
    assert dry.exit_code == 0 and said in dry.stderr and "1 cells" in dry.stdout
    done = world("sweep", "g.yaml", "--out", "t.csv")
    assert done.exit_code == 0 and said in done.stderr, done.output
    assert set(pd.read_csv(world.folder / "t.csv").metric) == set(METRICS) - RANKED
    assert json.loads((world.folder / "t.manifest.json").read_text())["metrics_left_out"]["five.csv"].keys() == RANKED
    monkeypatch.setattr(encoders, "load_vectors", lambda *_, **__: pytest.fail("a model was loaded"))
    with (world.folder / "g.yaml").open("a") as file:
        file.write("metrics: [f1_at_10]\n")
    assert "too small for all of them" in str(world("sweep", "g.yaml", "--dry-run").exception)
