"""A metric is one object: whoever registers one sees it in tables, grids and terminals."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_grid import make_world

from explaint_lib import metrics
from explaint_lib._common import ExplaintError
from explaint_lib.cli._terminal import Terminal
from explaint_lib.cli.table import show
from explaint_lib.experiments.grid import Grid, listing, run_grid
from explaint_lib.experiments.table import check_norms, run_table
from explaint_lib.metrics import METRICS, Metric, Scorer
from explaint_lib.norms import FeatureNorms


def made_up(**change) -> Metric:
    """Return a metric that no file of the library knows: the share of the prediction's mass on what the word has."""

    def mass(pred, gold, *, kind):
        positive = np.clip(pred, 0, None)
        return (positive * (gold > 0)).sum(axis=1) / np.maximum(positive.sum(axis=1), 1e-300)

    known = {
        "name": "mass", "label": "Mass on what the word has", "header": "mass", "unit": "word", "score": mass,
        "chance": lambda gold, *, kind: (gold > 0).mean(axis=1), "oracle": lambda gold, *, kind: np.ones(len(gold)),
        "needs": lambda kind: (1, 2),
    }  # fmt: skip
    return Metric(**known | change)


def distance(pred, gold, *, kind):
    return np.abs(pred - gold).mean(axis=0)


ERROR = {"name": "error", "header": "error", "unit": "feature", "score": distance, "direction": -1}


@pytest.fixture
def registered(monkeypatch):
    """Register two metrics for one test: one a word, and one a feature of which less is better."""
    before = dict(METRICS)
    metrics.register(made_up(), made_up(**ERROR, chance=lambda gold, *, kind: gold.std(axis=0),
                                        oracle=lambda gold, *, kind: np.zeros(gold.shape[1])))  # fmt: skip
    yield
    METRICS.clear()
    METRICS.update(before)


def norms(n=40, m=30) -> tuple[FeatureNorms, np.ndarray]:
    rng = np.random.default_rng(0)
    Y = rng.integers(1, 9, (n, m)) * (rng.random((n, m)) < 0.4)
    Y[:, 0] = rng.integers(1, 9, n)
    words, features = [f"w{i}" for i in range(n)], [f"f{j}" for j in range(m)]
    data = FeatureNorms(
        words=words, features=features, values=Y.astype(float), kind="sparse", name="made", source="none", human=False
    )
    return data, Y @ rng.standard_normal((m, 12)) + rng.standard_normal((n, 12))


SMALL = {"mapper": "ridge", "folds": 4, "permutations": 3, "bootstrap": 20}


@pytest.mark.usefixtures("registered")
def test_a_registered_metric_is_in_every_table():
    data, X = norms()
    found = run_table(data, X, **SMALL)
    rows = {(row.condition, row.metric): row for row in found.rows.itertuples()}
    assert {metric for _, metric in rows} == set(METRICS) and {"mass", "error"} < set(METRICS)
    for name in ("mass", "error"):
        system, profile = rows["system", name], rows["mean_profile", name]
        assert METRICS[name].direction * (system.value - profile.value) > 0
        assert system.ci_low < system.value < system.ci_high
        best, chance = rows["oracle", name].value, rows["chance", name].value
        assert abs(best - system.value) < abs(best - chance)
    p = {(test.control, test.metric): test.p_value for test in found.tests.itertuples()}
    # less error is better: a system with less of it than every draw has the least p there can be
    assert p["permuted_pairing", "error"] == p["permuted_pairing", "mass"] == 0.25
    assert p["mean_profile", "mass"] < 0.01 and p["mean_profile", "error"] == 0.25


@pytest.mark.usefixtures("registered")
def test_a_registered_metric_is_printed(capsys):
    data, X = norms()
    show(Terminal(width=160), run_table(data, X, **SMALL), data.banner())
    assert "mass" in capsys.readouterr().out


@pytest.mark.usefixtures("registered")
def test_a_registered_metric_is_left_out_of_norms_that_are_too_small_for_it():
    data, _ = norms()
    assert check_norms(data, folds=4) == {}
    METRICS["mass"] = made_up(needs=lambda kind: (50, 2))
    assert check_norms(data, folds=4) == {"mass": "needs 50 words, found 40"}
    METRICS["mass"] = made_up(kinds=("dense",))
    assert check_norms(data, folds=4) == {"mass": "is for dense norms"}


@pytest.mark.usefixtures("registered")
def test_a_metric_without_a_fast_way_is_scored_plainly_beside_those_that_have_one():
    data, _ = norms()
    pred = data.values + np.random.default_rng(1).standard_normal(data.values.shape)
    scorer = Scorer(data.values, "sparse")
    found = scorer.score(pred)
    assert list(found) == list(METRICS)
    for name, metric in METRICS.items():
        plain = metric.score(pred, data.values, kind="sparse")
        np.testing.assert_allclose(found[name], plain, atol=1e-12)
        np.testing.assert_allclose(scorer.score_one(name, pred), plain, atol=1e-12)


@pytest.mark.usefixtures("registered")
def test_a_registered_metric_is_in_a_grid(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    world = make_world(tmp_path)
    grid = Grid(**world | {"models": world["models"][:1], "layers": "last", "mappers": ["ridge"], "components": None})
    assert grid.metrics == tuple(METRICS)
    assert set(run_grid(grid).rows.metric) == set(METRICS)


@pytest.mark.usefixtures("registered")
def test_what_a_program_registers_is_computed_anew_by_its_next_run(tmp_path, monkeypatch):
    """The name stays while the code may change: an old cell would be a wrong number."""
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    world = make_world(tmp_path)
    grid = Grid(**world | {"models": world["models"][:1], "layers": "last", "mappers": ["ridge"], "components": None})
    run_grid(grid)
    (_, kept), *_ = listing(grid)
    assert kept
    monkeypatch.setattr("explaint_lib.experiments.grid._cells._THIS_RUN", "another run")
    assert not any(kept for _, kept in listing(grid))
    with pytest.raises(ExplaintError, match="in this program alone, and other processes do not know it: run with jobs"):
        run_grid(grid, jobs=2)


def test_the_librarys_own_cells_are_kept_from_run_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    world = make_world(tmp_path)
    grid = Grid(**world | {"models": world["models"][:1], "layers": "last", "mappers": ["ridge"], "components": None})
    run_grid(grid)
    monkeypatch.setattr("explaint_lib.experiments.grid._cells._THIS_RUN", "another run")
    assert all(kept for _, kept in listing(grid))


def test_resampling_the_long_way_is_the_fast_way():
    data, _ = norms()
    rng = np.random.default_rng(2)
    pred, counts = rng.random(data.values.shape), rng.multinomial(40, np.full(40, 1 / 40), size=6)
    fast = METRICS["spearman_feature"]
    slow = made_up(name="slow", unit="feature", score=lambda p, g, *, kind: fast.score(p, g, kind="dense"))
    np.testing.assert_allclose(
        slow.resampled(pred, data.values, counts, kind="sparse"),
        fast.resampled(pred, data.values, counts, kind="sparse"),
        atol=1e-9,
    )
    nothing = slow.resampled(pred[:, :0], data.values[:, :0], counts, kind="sparse")
    assert np.isnan(nothing).all() and len(nothing) == 6


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("name", METRICS)
def test_every_score_lies_between_its_floor_and_its_oracle(name, kind):
    metric, data = METRICS[name], norms()[0].values
    for pred in (data, -data, np.random.default_rng(3).random(data.shape)):
        scores, best = metric.score(pred, data, kind=kind), metric.oracle(data, kind=kind)
        known = ~np.isnan(scores)
        assert known.any() and np.array_equal(known, ~np.isnan(best))
        assert (scores[known] >= metric.floor - 1e-12).all()
        if name != "spearman_item" and name != "spearman_feature":  # their oracle is a ranking without ties
            assert (metric.direction * (best[known] - scores[known]) >= -1e-12).all()
    assert metric.header.count("\n") <= 1 and max(map(len, metric.header.split("\n"))) <= 8


def test_a_name_is_registered_once():
    with pytest.raises(ExplaintError, match="there is a metric f1_at_10 already"):
        metrics.register(METRICS["f1_at_10"])
