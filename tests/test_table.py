"""The table of controls: planted truth is found, planted nothing is not, one seed gives one table."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from explaint_lib import _common, inference
from explaint_lib._common import ExplaintError
from explaint_lib.cli import table as cli_table
from explaint_lib.controls import CONDITIONS
from explaint_lib.experiments.table import _design, _draws, fits, run_table
from explaint_lib.experiments.table import _run as table
from explaint_lib.metrics import METRICS
from explaint_lib.norms import FeatureNorms
from explaint_lib.results import Result

ROW_KEYS = [
    "norms", "model", "layer", "mapper", "condition", "metric", "value", "ci_low", "ci_high", "sd_folds",
    "n_words", "n_features",
]  # fmt: skip
TEST_KEYS = ["metric", "control", "p_value", "p_holm", "n_permutations", "difference", "se", "df", "n"]
SMALL = {"mapper": "plsr", "components": 4, "folds": 4, "fold_draws": 1, "permutations": 9, "bootstrap": 40}


def world(kind: str = "sparse", encoded: bool = True, n: int = 60, m: int = 30, seed: int = 0):
    """Norms of a linear world, and vectors that hold its four factors, or nothing."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 4))
    strength = factors @ rng.normal(size=(4, m)) + 0.3 * rng.normal(size=(n, m))
    if kind == "sparse":
        values = np.maximum(strength - np.quantile(strength, 0.75, axis=0), 0)
        values[:, 0] += 0.1  # every word has a feature
    else:
        values = strength
        values[3, 2] = values[7, 2] = values[8, 5] = np.nan
    norms = FeatureNorms(
        name="planted",
        words=tuple(f"w{i}" for i in range(n)),
        features=tuple(f"f{j}" for j in range(m)),
        values=values,
        kind=kind,
        source="planted in a test",
        human=False,
    )
    X = np.concatenate([factors @ rng.normal(size=(4, 4)), 0.1 * rng.normal(size=(n, 4))], axis=1)
    X = X if encoded else rng.normal(size=X.shape)
    X.flags.writeable = False
    return norms, X


@pytest.fixture(scope="module")
def found():
    """The table of a world whose vectors hold the factors."""
    return run_table(*world(), model="toy", layer=2, **SMALL)


def values(found, metric: str) -> dict[str, float]:
    rows = found.rows[found.rows.metric == metric]
    return dict(zip(rows.condition, rows.value, strict=True))


def row(found, condition: str, metric: str):
    return found.rows.set_index(["condition", "metric"]).loc[(condition, metric)]


def design(norms, X, mapper="plsr", folds=4, seed=0, bootstrap=40):
    return _design.Design(norms, X, mapper=mapper, components=4, folds=folds, bootstrap=bootstrap, seed=seed)


# --- form ---


def test_rows_and_tests_have_the_published_form(found):
    rows, tests = found.rows, found.tests
    assert list(zip(rows.condition, rows.metric, strict=True)) == [(c, m) for c in CONDITIONS for m in METRICS]
    assert list(rows) == ROW_KEYS and list(tests) == TEST_KEYS
    assert set(map(tuple, rows[["norms", "model", "layer", "mapper"]].to_numpy())) == {("planted", "toy", 2, "plsr")}
    tested = [name for name, condition in CONDITIONS.items() if condition.tested]
    assert set(zip(tests.metric, tests.control, strict=True)) == {(m, c) for m in METRICS for c in tested}
    assert len(tests) == len(METRICS) * len(tested)


def test_the_result_is_strict_json(found):
    written = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert written == found.to_dict() and Result.from_dict(written).equals(found)


def test_values_lie_in_their_intervals_and_units_are_counted(found):
    rows = found.rows
    assert set(rows.n_words) == {60} and set(rows.n_features) == {30}
    inside = (rows.ci_low - 1e-9 <= rows.value) & (rows.value <= rows.ci_high + 1e-9)
    assert (inside | ((rows.metric == "spearman_feature") & (rows.condition != "system"))).all()


def test_the_manifest_names_data_model_and_arguments(found):
    about = found.manifest
    norms, _ = world()
    assert found.experiment == "table" and about["data"]["fingerprint"] == norms.fingerprint()
    assert about["arguments"]["components"] == 4 and about["seed"] == 0
    assert about["arguments"]["conditions"] == list(CONDITIONS)
    assert about["draws"] | {"shuffled": 9, "permuted_pairing": 9, "random": 5} == about["draws"]
    assert {"python", "numpy", "torch", "transformers", "scikit-learn", "scipy", "pandas"} <= set(about["versions"])
    assert about["explaint"]


# --- planted truth ---


def test_what_is_encoded_is_found(found):
    for metric in set(METRICS) - {"spearman_item"}:
        scores = values(found, metric)
        for control in ("shuffled", "permuted_pairing", "mean_profile", "random"):
            assert scores["system"] > scores[control] + 0.1, (metric, control, scores)
        assert scores["oracle"] >= scores["system"]
    tests = found.tests[found.tests.metric != "spearman_item"]
    assert tests.p_value.to_numpy() == pytest.approx(1 / (1 + tests.n_permutations.to_numpy(float)))


def test_the_upper_bound_lets_more_through_than_the_vectors(found):
    for metric in METRICS:
        scores = values(found, metric)
        assert scores["upper_bound"] >= scores["system"] > scores["shuffled_upper_bound"], metric


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_what_is_not_encoded_is_not_found(kind):
    result = run_table(*world(kind, encoded=False), model="toy", layer=0, **SMALL | {"permutations": 19})
    scores = values(result, "f1_at_10")
    assert scores["system"] <= scores["mean_profile"] + 0.02
    assert result.tests[result.tests.control == "permuted_pairing"].p_value.min() > 0.05
    assert result.tests.p_holm.max() > 0.5


def test_the_pairing_test_errs_as_often_as_it_says():
    """Over 40 empty worlds the test at level .2 errs in about 8 (binomial: 16 or more has p = .003)."""
    errors = 0
    for seed in range(40):
        norms, X = world(encoded=False, n=30, m=12, seed=seed)
        of_world = design(norms, X, "ridge", folds=3, seed=seed, bootstrap=1)
        draws = [("system", 0), *(("permuted_pairing", draw) for draw in range(9))]
        scores = [_draws.scored_draw(of_world, CONDITIONS[name], draw)[1] for name, draw in draws]
        f1 = [np.nanmean(one["f1_at_10"]) for one in scores]
        errors += inference.permutation_p(f1[0], f1[1:]) <= 0.2
    assert 1 < errors < 16


# --- what each condition is ---


def test_each_condition_fits_what_it_says(monkeypatch):
    norms, X = world()
    Y, made = norms.values, []

    class Recording(_design.CrossFit):
        def predict_compact(self, B):
            made.append((type(self.mapper).__name__, np.array(self.X), np.array(B), self.folds))
            return super().predict_compact(B)

        def itself(self, B):
            return Recording(self.mapper, B, self.folds)

    monkeypatch.setattr(_design, "CrossFit", Recording)
    first = ["system", "upper_bound", "shuffled", "shuffled_upper_bound", "random", "mean_profile", "permuted_pairing"]
    run_table(norms, X, conditions=first, **SMALL | {"permutations": 1})
    system, upper, shuffled, shuffled_upper, random, mean, pairing = made
    assert np.array_equal(system[1], X) and np.array_equal(system[2], Y)
    assert np.array_equal(upper[1], Y) and np.array_equal(upper[2], Y)
    assert np.array_equal(shuffled[1], X) and np.array_equal(np.sort(shuffled[2], 0), np.sort(Y, 0))
    assert not np.array_equal(shuffled[2], Y)
    assert np.array_equal(shuffled_upper[1], shuffled_upper[2])
    assert np.array_equal(np.sort(shuffled_upper[2], 0), np.sort(Y, 0))
    assert np.array_equal(random[1], X) and (random[2] > 0).sum() == (Y > 0).sum()
    assert mean[0] == "MeanProfile" and np.array_equal(mean[2], Y)
    assert np.array_equal(pairing[1], X) and not np.array_equal(pairing[2], Y)
    assert sorted(map(tuple, pairing[2])) == sorted(map(tuple, Y)), "whole rows move"
    assert all(np.array_equal(fit[3], system[3]) for fit in made), "the folds are the same in every condition"


def test_a_rows_value_is_the_metric_and_its_interval_resamples_words(found):
    norms, X = world()
    same = design(norms, X)
    draw, _ = _draws.scored_draw(same, CONDITIONS["system"], 0)
    pred, gold = draw.prediction.values, draw.target
    f1 = METRICS["f1_at_10"].score(pred, gold, kind="sparse")
    assert row(found, "system", "f1_at_10")["value"] == pytest.approx(np.nanmean(f1))
    spearman = row(found, "system", "spearman_feature")
    assert spearman.value == pytest.approx(inference.mean_spearman_feature(pred, gold, np.ones((1, 60)))[0])
    resampled = inference.mean_spearman_feature(pred, gold, same.counts)
    assert (spearman.ci_low, spearman.ci_high) == inference.percentile_interval(resampled)


def test_a_control_of_many_draws_averages_them():
    norms, X = world()
    result = run_table(norms, X, **SMALL | {"permutations": 7})
    drawn = [_draws.scored_draw(design(norms, X), CONDITIONS["shuffled"], draw)[0] for draw in range(7)]
    score = METRICS["r_precision"].score
    draws = [score(draw.prediction.values, draw.target, kind="sparse") for draw in drawn]
    assert row(result, "shuffled", "r_precision")["value"] == pytest.approx(np.mean(draws))


def test_predictions_that_no_test_needs_are_not_kept():
    same = design(*world())
    kept = {name: _draws.tally(same, CONDITIONS[name], 1, lambda: None).prediction is not None for name in CONDITIONS
            if CONDITIONS[name].draws == "one"}  # fmt: skip
    assert kept == {"system": True, "upper_bound": False, "mean_profile": True}


def test_permuted_pairings_are_scored_as_if_their_norms_were_new():
    norms, X = world()
    draw, scores = _draws.scored_draw(design(norms, X), CONDITIONS["permuted_pairing"], 3)
    assert not np.array_equal(draw.target, norms.values)
    for name, metric in METRICS.items():
        anew = metric.score(draw.prediction.values, draw.target, kind="sparse")
        np.testing.assert_allclose(scores[name], anew, atol=1e-12, err_msg=name)


def test_missing_ratings_are_masked_and_counted():
    norms, X = world("dense")
    result = run_table(norms, X, **SMALL)
    assert result.manifest["data"]["n_missing"] == 3
    assert np.isfinite(result.rows.value).all()
    assert values(result, "spearman_feature")["upper_bound"] > 0.8
    assert values(result, "spearman_feature")["oracle"] == pytest.approx(1)


# --- one seed, one table ---


def test_same_seed_same_numbers_and_other_seed_others(found):
    norms, X = world()
    again = run_table(norms, X, model="toy", layer=2, **SMALL)
    assert again.equals(found)
    other = run_table(norms, X, model="toy", layer=2, seed=1, **SMALL)
    assert values(other, "f1_at_10")["shuffled"] != values(found, "f1_at_10")["shuffled"]


def test_more_permutations_change_only_the_conditions_they_redraw(found):
    norms, X = world()
    more = run_table(norms, X, model="toy", layer=2, **SMALL | {"permutations": 12})
    other = [name for name, condition in CONDITIONS.items() if condition.draws != "permutations"]
    before, after = (one.rows[one.rows.condition.isin(other)] for one in (found, more))
    assert len(before) and before.equals(after)


def test_conditions_left_out_change_no_row_of_the_others(found):
    norms, X = world()
    some = ["chance", "permuted_pairing", "system"]
    few = run_table(norms, X, model="toy", layer=2, conditions=some, **SMALL)
    rows, tests = found.rows, found.tests
    assert few.rows.equals(rows[rows.condition.isin(some)].reset_index(drop=True))
    assert set(few.tests.control) == {"permuted_pairing"}
    assert few.tests.p_value.tolist() == tests[tests.control == "permuted_pairing"].p_value.tolist()
    assert run_table(norms, X, conditions=["shuffled"], **SMALL).tests.empty


def test_no_permutations_make_no_test():
    result = run_table(*world(), **SMALL | {"permutations": 0})
    assert result.tests.empty and result.manifest["p_holm_floor"] is None
    assert len(result.rows) == len(CONDITIONS) * len(METRICS)


def test_every_draw_serves_some_resamples_and_every_resample_has_five_draws():
    takes = np.array([(d - np.arange(40) * 5) % 12 < 5 for d in range(12)])
    assert (takes.sum(axis=0) == 5).all() and takes.any(axis=1).all()
    few = run_table(*world(n=30, m=12), **SMALL | {"permutations": 12, "bootstrap": 1})
    assert np.isfinite(row(few, "shuffled", "spearman_feature").ci_low)


def test_progress_goes_to_stderr_only_when_asked(capsys):
    norms, X = world(n=30, m=12)
    run_table(norms, X, **SMALL | {"permutations": 1})
    quiet = capsys.readouterr()
    assert quiet.out == quiet.err == ""
    run_table(norms, X, **SMALL | {"permutations": 1}, progress=True)
    loud = capsys.readouterr()
    assert loud.out == "" and "{0}/{0}".format(sum(fits(None, 1, 1).values())) in loud.err


def test_a_long_table_says_its_cost_after_the_first_fit(monkeypatch, caplog):
    norms, X = world(n=30, m=12)
    run_table(norms, X, **SMALL, progress=True)
    assert "about" not in caplog.text
    monkeypatch.setattr(table, "SHORT", 0)
    run_table(norms, X, **SMALL)
    assert "about" not in caplog.text
    run_table(norms, X, **SMALL, progress=True)
    n_fits = sum(fits(None, 9, 1).values())
    assert f"30 words x 12 features, {n_fits} fits: about 0 minutes, about" in caplog.text


def test_a_table_that_would_not_fit_into_memory_is_refused(monkeypatch):
    monkeypatch.setattr(_common, "free_memory", lambda: 1e4)
    with pytest.raises(ExplaintError, match="a table of 60 words x 30 features needs about 0.0 GB of memory"):
        run_table(*world(), **SMALL)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"folds": 61}, "from 2 to the number of words, 60; found 61"),
        ({"folds": 1}, "found 1"),
        ({"components": 0}, "components must be at least 1"),
        ({"fold_draws": 0}, "fold_draws must be at least 1"),
        ({"permutations": -1}, "permutations must be at least 0"),
        ({"bootstrap": 0}, "bootstrap must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"mapper": "plrs"}, "unknown mapper 'plrs'"),
        ({"conditions": ["system", "sistem"]}, "found sistem"),
        ({"conditions": []}, "found none"),
    ],
)
def test_bad_numbers_say_what_is_allowed(change, says):
    with pytest.raises(ExplaintError, match=says):
        run_table(*world(), **SMALL | change)


def test_vectors_must_match_the_norms():
    norms, X = world()
    with pytest.raises(ExplaintError, match="each of the 60 words"):
        run_table(norms, X[:-1], **SMALL)
    with pytest.raises(ExplaintError, match="1 word vectors hold NaN"):
        run_table(norms, np.where(np.arange(60)[:, None] == 4, np.nan, X), **SMALL)


# --- the command ---


class FakeEncoder:
    """An encoder by the contract: three layers, no weights."""

    name, n_layers = "toy", 3

    def __init__(self, family: str = "encoder", unknown: tuple[str, ...] = ()) -> None:
        self.family, self.unknown = family, unknown

    def describe(self) -> dict:
        return {"name": self.name, "revision": "none"}

    def unknown_words(self, words) -> list[str]:
        return [word for word in words if word in self.unknown]

    def word_vectors(self, words, *, layer="last", hints=None, progress=False) -> np.ndarray:
        self.hints = hints
        lost = [word for word in words if word in self.unknown]
        if lost:
            raise ExplaintError(f"no vector for {lost}")
        _, X = world()
        return X[[int(word[1:]) for word in words]].astype(np.float32)


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run `explaint table` on the planted norms (as a CSV file) and a fake encoder."""
    from explaint_lib import encoders

    norms, _ = world()
    path = tmp_path / "planted.csv"
    rows = [
        f"{word},{feature},{float(value)!r}"
        for word, strengths in zip(norms.words, norms.values, strict=True)
        for feature, value in zip(norms.features, strengths, strict=True)
        if value > 0
    ]
    path.write_text("word,feature,value\n" + "\n".join(rows) + "\n")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("table")(cli_table.table)
    loads = []

    def run(*arguments: str, encoder: FakeEncoder | None = None, columns: int = 120, norms: str = str(path)):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(encoders, "load_vectors", lambda name, **_: loads.append(name) or encoder or FakeEncoder())
        quick = ["--components", "4", "--folds", "4", "--permutations", "3", "--bootstrap", "20"]
        result = CliRunner().invoke(app, ["--norms", norms, "--model", "toy", *quick, *arguments])
        result.loads = loads
        return result

    return run


def test_the_table_is_printed_whatever_happens_to_the_file(command, tmp_path, monkeypatch):
    events = []
    show = cli_table.show
    monkeypatch.setattr(cli_table, "show", lambda *given: events.append("shown") or show(*given))
    monkeypatch.setattr(cli_table, "write_result", lambda *_: events.append("written"))
    command("--json", str(tmp_path / "a.json"))
    assert events == ["shown", "written"]


def test_the_command_prints_a_table_and_writes_what_it_printed(command, tmp_path):
    target = tmp_path / "out.json"
    result = command("--json", str(target))
    assert result.exit_code == 0, result.output
    written = Result.from_json(target)
    assert written.manifest["arguments"]["layer"] == 3, "last is written as its number"
    assert f"{values(written, 'f1_at_10')['system']:.3f}".lstrip("0") in result.stdout
    for word in [
        *CONDITIONS,
        "F1",
        "retriev.",
        "p vs shuffled",
        "planted: 60 words x 30 features",
        "--permutations 99",
    ]:
        assert word in " ".join(result.stdout.split()), word
    assert list(tmp_path.glob(".out.json*")) == [], "nothing is left beside the file"


def test_the_same_command_writes_the_same_bytes(command, tmp_path):
    for name in ("a.json", "b.json"):
        assert command("--json", str(tmp_path / name)).exit_code == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_narrow_terminals_cut_nothing(command, columns):
    result = command(columns=columns)
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= columns
    assert "…" not in result.stdout
    assert "shuffled_upper_bound" in result.stdout and "retriev." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--mapper", "plrs"], "plsr"),
        (["--components", "0"], "--components"),
        (["--permutations", "-1"], "--permutations"),
        (["--folds", "1"], "--folds"),
        (["--bootstrap", "0"], "--bootstrap"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_wrong_options_stop_at_once(command, arguments, says):
    result = command(*arguments)
    assert result.exit_code == 2 and says in result.output and result.loads == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--layer", "first"], '"last" or a whole number from 0'),
        (["--layer", "-1"], '"last" or a whole number from 0'),
        (["--layer", "all"], '"last" or a whole number from 0'),
        (["--layer", "4"], 'a layer of toy is "last" or a whole number from 0 (the embeddings) to 3; found 4'),
        (["--folds", "61"], "--folds 61 is more than the 60 words"),
        (["--json", "/nowhere/at/all/x.json"], "the folder /nowhere/at/all does not exist"),
    ],
)
def test_wrong_values_say_what_is_allowed(command, arguments, says):
    result = command(*arguments)
    assert isinstance(result.exception, ExplaintError) and says in str(result.exception)


def test_an_unwritable_json_path_is_found_before_the_model_is_loaded(command, tmp_path):
    for path in (tmp_path, tmp_path / "missing" / "x.json"):
        result = command("--json", str(path))
        assert isinstance(result.exception, ExplaintError) and "cannot write" in str(result.exception)
        assert result.loads == []


def test_a_failing_run_leaves_the_old_file(command, tmp_path, monkeypatch):
    target = tmp_path / "out.json"
    target.write_text("old")

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("explaint_lib.experiments.table.run_table", killed)
    assert command("--json", str(target)).exit_code != 0
    assert target.read_text() == "old" and [p.name for p in tmp_path.glob("*out*")] == ["out.json"]


def test_words_without_a_vector_are_named_and_dropped_only_on_request(command, tmp_path):
    glove = FakeEncoder("static", unknown=("w3", "w9"))
    result = command(encoder=glove)
    assert isinstance(result.exception, ExplaintError)
    assert "2 of the 60 words: w3, w9" in str(result.exception) and "--drop-missing" in str(result.exception)
    target = tmp_path / "out.json"
    result = command("--drop-missing", "--json", str(target), encoder=glove)
    assert result.exit_code == 0, result.output
    written = Result.from_json(target)
    assert written.manifest["arguments"]["dropped_words"] == ["w3", "w9"]
    assert set(written.rows.n_words) == {58}


def test_hints_of_homonyms_reach_the_vectors_on_request_only(command, tmp_path):
    norms, path = world()[0], tmp_path / "homonyms.csv"
    names = {"w0": "w0_(animal)", "w1": "w0_(club)"}
    rows = [
        f"{names.get(word, word)},{feature},{value!r}"
        for word, strengths in zip(norms.words, norms.values.tolist(), strict=True)
        for feature, value in zip(norms.features, strengths, strict=True)
        if value > 0
    ]
    path.write_text("word,feature,value\n" + "\n".join(rows) + "\n")
    for options, expected in ((["--hints"], ["animal", "club", None]), ([], None)):
        encoder, target = FakeEncoder(), tmp_path / "out.json"
        result = command(*options, "--json", str(target), encoder=encoder, norms=str(path))
        assert result.exit_code == 0, result.output
        assert (encoder.hints and list(encoder.hints[:3])) == expected
        assert json.loads(target.read_text())["manifest"]["arguments"]["hints"] == bool(options)


def test_the_installed_command_ends_with_one_message_and_code_2():
    script = "import sys; from explaint_lib.cli import main; sys.argv[0] = 'explaint'; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "table", "--norms", "mcrea-typo", "--model", "minilm"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "mcrea-typo" in done.stderr and "Traceback" not in done.stderr
