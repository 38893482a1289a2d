"""The table's wiring: small worlds in which another fold, family, draw, seed or filling gives another number."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone

from explaint_lib import inference
from explaint_lib.controls import CONDITIONS, Condition, Draw, Prediction
from explaint_lib.experiments.table import _design, _draws, _run, _significance, run_table
from explaint_lib.mappers import make_mapper
from explaint_lib.metrics import METRICS
from explaint_lib.norms import FeatureNorms

NUMBERS = {"components": 3, "folds": 3, "fold_draws": 1, "permutations": 9, "bootstrap": 60}
FEW = ["system", "upper_bound", "shuffled", "mean_profile", "permuted_pairing"]


def norms_of(values: np.ndarray, kind: str = "dense") -> FeatureNorms:
    n, m = values.shape
    names = {"words": tuple(f"w{i}" for i in range(n)), "features": tuple(f"f{j}" for j in range(m))}
    return FeatureNorms(name="planted", values=values, kind=kind, source="planted in a test", human=False, **names)


def ratings(n: int = 36, m: int = 18, seed: int = 0) -> tuple[FeatureNorms, np.ndarray]:
    """Return ratings far from 0 with cells missing, of which the vectors know little."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    values = 20 + X @ rng.normal(size=(4, m)) + 9 * rng.normal(size=(n, m))
    values[rng.random((n, m)) < 0.08] = np.nan
    return norms_of(values), X


def features(n: int = 36, m: int = 24, seed: int = 0) -> tuple[FeatureNorms, np.ndarray]:
    """Return counts with many a word without a feature in common, of which the vectors know little."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    strength = X @ rng.normal(size=(4, m)) + 8 * rng.normal(size=(n, m))
    values = np.maximum(strength - np.quantile(strength, 0.6, axis=0), 0)
    values[:, 0] += 0.1
    values[np.flatnonzero(values[:, 2])[4:], 2] = 0  # four words: too few for a correlation over words
    return norms_of(values, "sparse"), X


def bare() -> tuple[FeatureNorms, np.ndarray]:
    """Return ratings of which one word has the same on all scales, so that its own correlation is not defined."""
    norms, X = ratings()
    values = np.array(norms.values)
    values[3] = 20
    return norms_of(values), X


WORLDS = {"dense": ratings, "sparse": features}


def holm_by_hand(p: list[float]) -> list[float]:
    """Return what Holm (1979) says: reject the i-th smallest while p (m - i) stays below the level."""
    return [min(1.0, max(q * sum(other >= q for other in p) for q in p if q <= own)) for own in p]


def out_of_fold(mapper, X: np.ndarray, Y: np.ndarray, folds: np.ndarray, fill: bool = False) -> np.ndarray:
    """Predict each fold from the others, one plain fit after the other; missing inputs get the training mean."""
    predicted = np.empty(Y.shape)
    for fold in set(folds.tolist()):
        there = folds != fold
        inputs = np.where(np.isnan(X), np.nanmean(X[there], axis=0), X) if fill else X
        predicted[~there] = clone(mapper).fit(inputs[there], Y[there]).predict(inputs[~there])
    return predicted


@pytest.fixture
def recorded(monkeypatch) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Inputs, target and folds of every cross-validated fit of a table, in the order of the fits."""
    fits = []

    class Recording(_design.CrossFit):
        def predict_compact(self, Y):
            fits.append((np.array(self.X), np.array(Y), self.folds))
            return super().predict_compact(Y)

        def itself(self, Y):
            other = super().itself(Y)
            return Recording(other.mapper, Y, self.folds)

    monkeypatch.setattr(_design, "CrossFit", Recording)
    return fits


# --- families of tests ---


@pytest.mark.parametrize("kind", WORLDS)
def test_holm_is_applied_within_each_metric_to_the_p_of_its_controls(kind):
    tests = run_table(*WORLDS[kind](), mapper="ridge", **NUMBERS, conditions=FEW).tests
    assert len(tests) == len(METRICS) * 3
    for _, family in tests.groupby("metric"):
        assert family.p_holm.tolist() == pytest.approx(holm_by_hand(family.p_value.tolist()))
    assert (tests.p_holm > tests.p_value).sum() >= len(METRICS)
    assert len({round(p, 6) for p in tests.p_value}) > 2  # not all at the floor, where families look alike


def test_the_p_against_the_mean_profile_takes_the_folds_for_drawn(monkeypatch):
    """Two draws in which the system is better by 1, two in which it is worse by .9: words agree, folds do not."""
    scored = _draws.scored_draw

    def by_fold(design, condition, draw):
        made, scores = scored(design, condition, draw)
        if condition.name == "system":
            jitter = np.random.default_rng(1).normal(0, 0.01, len(design.Y))
            scores = {**scores, "f1_at_10": jitter + (1.0 if draw % 2 else -0.9)}
        elif condition.name == "mean_profile":
            scores = {**scores, "f1_at_10": np.zeros(len(design.Y))}
        return made, scores

    monkeypatch.setattr(_draws, "scored_draw", by_fold)
    numbers = NUMBERS | {"fold_draws": 4}
    test = run_table(*features(), mapper="ridge", **numbers, conditions=["system", "mean_profile"]).tests
    test = test[test.metric == "f1_at_10"].iloc[0]
    jitter = np.random.default_rng(1).normal(0, 0.01, 36)
    drawn = np.stack([jitter + level for level in (-0.9, 1.0, -0.9, 1.0)])
    expected = inference.compare(drawn, np.zeros(36), "mean profile", varied="folds")
    assert test.p_value == pytest.approx(expected.p_value) and 0.4 < test.p_value < 0.5 and test.n_permutations == 0
    # over words alone the same difference, .05 for every word, is beyond doubt
    assert inference.compare(drawn.mean(axis=0), 0.0, "mean profile").p_value < 1e-6


def test_the_floor_is_the_largest_p_that_a_best_result_could_have():
    """Nine permutations: .1 thrice where all three are drawn so often, so .3; with 9999 sign flips .2."""
    values = np.random.default_rng(0).normal(size=(36, 4)) @ np.random.default_rng(1).normal(size=(4, 12))
    found = run_table(norms_of(values), np.asarray(np.linalg.svd(values)[0][:, :4]), mapper="ridge", **NUMBERS)
    best = found.tests[found.tests.metric == "spearman_feature"]
    assert best.p_value.tolist() == pytest.approx([0.1, 0.1, 0.1]) and best.n_permutations.tolist() == [9, 9, 9]
    assert best.p_holm.tolist() == pytest.approx([0.3, 0.3, 0.3])
    assert found.manifest["p_holm_floor"] == pytest.approx(0.3)
    others = found.tests[found.tests.metric != "spearman_feature"]
    assert others[others.control == "mean_profile"].n_permutations.eq(9999).all()
    assert others.p_holm.min() == pytest.approx(3 / 10_000)


def test_the_floor_is_that_of_the_largest_family_and_of_its_last_test():
    def tests(metric, *permutations):
        return [{"metric": metric, "n_permutations": n} for n in permutations]

    assert _significance.p_holm_floor(tests("a", 9, 9999)) == pytest.approx(0.1)  # the second of two: not doubled
    assert _significance.p_holm_floor([*tests("a", 9999), *tests("b", 19, 19)]) == pytest.approx(0.1)
    assert _significance.p_holm_floor(tests("a", 0)) is None  # no test was made


# --- every number again, by another way ---


@pytest.mark.parametrize(("world", "mapper"), [(ratings, "ridge"), (features, "plsr"), (bare, "ridge")])
def test_every_value_and_p_is_that_of_plain_fits_scored_one_by_one(world, mapper, recorded):
    norms, X = world()
    kind = norms.kind
    found = run_table(norms, X, mapper=mapper, **NUMBERS, conditions=FEW)
    Y, folds = norms.values, recorded[0][2]
    made = {"system": recorded[:1], "upper_bound": recorded[1:2], "shuffled": recorded[2:11]}
    made |= {"mean_profile": recorded[11:12], "permuted_pairing": recorded[12:]}
    assert len(made["permuted_pairing"]) == 9 and np.bincount(folds).tolist() == [12, 12, 12]
    plain, scores = make_mapper(mapper, components=3), {}
    for name, fits in made.items():
        for _, target, _ in fits:
            if name == "mean_profile":
                predicted = out_of_fold(make_mapper("mean"), X, Y, folds)
            elif name == "upper_bound":
                predicted = out_of_fold(plain, Y, Y, folds, fill=True)
            else:
                predicted = out_of_fold(plain, X, target, folds)
            for metric in METRICS.values():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    scores.setdefault((name, metric.name), []).append(metric.score(predicted, target, kind=kind))
    assert np.isnan(scores["system", "spearman_item"]).any() == (world is bare)
    rows = found.rows.set_index(["condition", "metric"])
    for (name, metric), drawn in scores.items():
        defined = np.isfinite(drawn)
        of_unit = np.nansum(drawn, axis=0) / np.where(defined.any(axis=0), defined.sum(axis=0), np.nan)
        row = rows.loc[(name, metric)]
        assert row["value"] == pytest.approx(np.nanmean(of_unit)), (name, metric)
        n = int(np.isfinite(of_unit).sum())
        by_word = METRICS[metric].unit == "word"
        assert (row.n_words, row.n_features) == ((n, Y.shape[1]) if by_word else (len(Y), n)), (name, metric)
    tests = found.tests.set_index(["metric", "control"]).p_value
    for metric in METRICS:
        system = np.nanmean(scores["system", metric])
        for control in ("shuffled", "permuted_pairing"):
            as_good = sum(np.nanmean(draw) >= system - 1e-12 for draw in scores[control, metric])
            assert tests[metric, control] == pytest.approx((1 + as_good) / 10), (metric, control)
        if METRICS[metric].unit == "word":
            gap = scores["system", metric][0] - scores["mean_profile", metric][0]
            gap = gap[np.isfinite(gap)]
            flips = np.random.default_rng(8).choice([-1, 1], (4000, len(gap))) @ gap
            expected = np.mean(flips >= gap.sum() - 1e-12)
            assert tests[metric, "mean_profile"] == pytest.approx(expected, abs=0.04), metric


def test_words_of_the_test_fold_never_teach():
    """In one fold the ratings rise with the vectors, in the other they fall: what was learned is always wrong."""
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(40, 2)), rng.normal(size=(2, 12))
    half = _design.folds_of(40, 2, seed=5)
    norms = norms_of(np.where(half[:, None] == 0, 1, -1) * (X @ weights))
    asked = {"mapper": "ridge", "folds": 2, "permutations": 0, "bootstrap": 5, "conditions": ["system"]}
    asked |= {"fold_draws": 1}

    def score(**more) -> float:
        rows = run_table(norms, X, **asked | more).rows.set_index("metric")
        return float(rows["value"]["spearman_feature"])

    assert score(seed=5) < -0.8
    assert all(score(seed=seed) > -0.5 for seed in (0, 4, 6)), "the folds are those of the seed"
    assert score(seed=5, folds=20) > -0.5, "as many folds as were asked for"


def test_missing_inputs_are_filled_with_the_mean_of_the_training_words_alone():
    """One rating is missing where all others are near 20 in one fold and near 80 in the other."""
    rng = np.random.default_rng(0)
    folds = _design.folds_of(30, 2, seed=0)
    values = rng.normal(size=(30, 12)) + np.where(folds == 0, 20.0, 80.0)[:, None]
    values[4, 3] = values[9, 3] = values[11, 7] = np.nan
    design = _design.Design(norms_of(values), rng.normal(size=(30, 3)), mapper="ridge", folds=2, bootstrap=5, seed=0)
    expected = out_of_fold(make_mapper("ridge"), values, values, folds, fill=True)
    np.testing.assert_allclose(design.predict_itself(values).values, expected, rtol=1e-6)


# --- several assignments to folds ---


def test_scores_are_means_over_assignments_and_refits_take_them_in_turn(recorded):
    norms, X = features()
    found = run_table(norms, X, mapper="ridge", **NUMBERS | {"fold_draws": 4}, conditions=FEW)
    assert found.manifest["arguments"]["fold_draws"] == 4
    folds = [_design.folds_of(36, 3, 0, draw) for draw in range(4)]
    assert len({one.tobytes() for one in folds}) == 4
    used = [fold for _, _, fold in recorded]
    expected = [draw % 4 for n in (4, 4, 9, 4, 9) for draw in range(n)]  # as FEW lists the conditions
    assert len(used) == len(expected)
    assert all(np.array_equal(one, folds[draw]) for one, draw in zip(used, expected, strict=True))
    rows, tests = (
        table.set_index(["metric", name]) for table, name in ((found.rows, "condition"), (found.tests, "control"))
    )
    Y, plain = norms.values, make_mapper("ridge")
    guesses = {"system": [out_of_fold(plain, X, Y, one) for one in folds]}
    guesses["mean_profile"] = [out_of_fold(make_mapper("mean"), X, Y, one) for one in folds]
    for metric in METRICS.values():
        score = {name: [metric.score(guess, Y, kind="sparse") for guess in made] for name, made in guesses.items()}
        for name, drawn in score.items():
            row, of_draw = rows.loc[(metric.name, name)], [np.nanmean(one) for one in drawn]
            assert row["value"] == pytest.approx(np.mean(of_draw)) and row.sd_folds > 0
            assert row.sd_folds == pytest.approx(np.std(of_draw, ddof=1))
        if metric.unit == "word":
            one = inference.compare(score["system"], score["mean_profile"], "mean_profile", varied="folds")
            test = tests.loc[(metric.name, "mean_profile")]
            assert test[["difference", "se", "df"]].tolist() == pytest.approx([one.difference, one.se, one.df])
    assert rows.loc[("f1_at_10", "shuffled")].isna().sd_folds  # there the shuffle differs as well


def test_one_assignment_says_worse_where_the_mean_of_ten_does_not():
    """In one half of the words the ratings rise with the vectors, in the other they fall; one split parts them."""
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(40, 2)), rng.normal(size=(2, 12))
    half = _design.folds_of(40, 2, seed=5)
    norms = norms_of(np.where(half[:, None] == 0, 1, -1) * (X @ weights))
    words, errors = [], []
    for draws in (1, 10):
        asked = {"folds": 2, "permutations": 9, "bootstrap": 60, "seed": 5, "fold_draws": draws}
        found = run_table(norms, X, mapper="ridge", **asked, conditions=["system", "mean_profile"])
        tests = found.tests[found.tests.metric == "spearman_item"]
        claim = {"better than the mean": inference.comparisons(tests)}
        words.append(inference.verdicts(claim, smallest_effect=0.02).word.item())
        errors.append(tests.se.item())
        system = found.rows[(found.rows.condition == "system") & (found.rows.metric == "spearman_item")].iloc[0]
        assert np.isnan(system.sd_folds) == (draws == 1)
    assert words[0] == "worse" and words[1] == "cannot tell"
    assert system.sd_folds > 0.1 and (system.ci_high - system.ci_low) / 2 > 1.9 * system.sd_folds / np.sqrt(10)


# --- draws and intervals ---


def test_an_interval_over_draws_takes_all_of_them_in_turn():
    """The first five draws are perfect and the others upside down: the interval spans both."""
    norms, X = ratings()
    values = np.nan_to_num(norms.values, nan=20.0)
    design = _design.Design(norms_of(values), X, mapper="ridge", folds=3, bootstrap=40, seed=0)

    def draw(setting) -> Draw:
        predicted = values if setting.draw < 5 else -values
        return Draw(setting.Y, Prediction(predicted, predicted))

    words = {key: key for key in ("what", "keeps", "destroys")}
    condition = Condition(name="halves", group="noise", draws="permutations", draw=draw, stream=99, **words)
    steps = []
    found = _draws.tally(design, condition, 10, lambda: steps.append(1))
    rows = {row["metric"]: row for row in found.rows(design)}
    row = rows["spearman_feature"]
    assert len(steps) == 10 and row["value"] == pytest.approx(0)
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(-1), pytest.approx(1))
    np.testing.assert_allclose(found.means["spearman_feature"], [1.0] * 5 + [-1.0] * 5)
    np.testing.assert_allclose(sorted(set(found.resampled["spearman_feature"].round(9))), [-1, 1])
    noise = np.random.default_rng(2).normal(size=(7, *values.shape))
    other = dataclasses.replace(
        condition, draw=lambda setting: Draw(setting.Y, Prediction(noise[setting.draw], noise[setting.draw]))
    )
    resampled = _draws.tally(design, other, 7, lambda: None).resampled["spearman_feature"]
    for b, counts in enumerate(design.counts):
        draws = [noise[(5 * b + k) % 7] for k in range(5)]
        expected = [inference.mean_spearman_feature(draw, values, counts[None])[0] for draw in draws]
        assert resampled[b] == pytest.approx(np.mean(expected))
    three = _draws.tally(design, condition, 3, lambda: None)  # fewer than five: each resample has them all
    np.testing.assert_allclose(three.resampled["spearman_feature"], 1)


@pytest.mark.parametrize("kind", WORLDS)
def test_all_rows_resample_the_same_words_as_often_as_asked_and_by_the_seed(kind):
    norms, X = WORLDS[kind]()
    rows = run_table(norms, X, mapper="ridge", **NUMBERS).rows.set_index(["condition", "metric"])
    design = _design.Design(norms, X, mapper="ridge", folds=3, bootstrap=60, seed=0)
    assert design.counts.shape == (60, 36) and (design.counts.sum(axis=1) == 36).all()
    for name in ("system", "mean_profile", "chance"):
        if CONDITIONS[name].draw:
            scores = _draws.scored_draw(design, CONDITIONS[name], 0)[1]["retrieval_at_10"]
        else:
            scores = METRICS["retrieval_at_10"].chance(norms.values, kind=kind)
        assert np.isfinite(scores).all()
        expected = inference.percentile_interval(design.counts @ scores / 36)
        assert tuple(rows.loc[(name, "retrieval_at_10")][["ci_low", "ci_high"]]) == pytest.approx(expected), name
    other = run_table(norms, X, mapper="ridge", **NUMBERS | {"permutations": 0}, conditions=["chance"], seed=1).rows
    chance = other.set_index("metric").loc["r_precision"], rows.loc[("chance", "r_precision")]
    assert chance[0]["value"] == chance[1]["value"] and chance[0].ci_low != chance[1].ci_low
    once = run_table(norms, X, mapper="ridge", **NUMBERS | {"bootstrap": 1}, conditions=["system"]).rows
    assert (once.ci_low == once.ci_high).all()


def test_every_draw_of_every_condition_is_another_and_follows_from_the_seed(recorded):
    norms, X = features()
    drawn = ["shuffled", "shuffled_upper_bound", "random", "permuted_pairing"]
    for seed in (0, 1, 0):
        run_table(norms, X, mapper="ridge", **NUMBERS, conditions=drawn, seed=seed)
    first, second, again = (recorded[i : i + 28] for i in (0, 28, 56))
    assert len(recorded) == 84
    targets = [target.tobytes() for _, target, _ in first]
    assert len(set(targets)) == 28 and not set(targets) & {target.tobytes() for _, target, _ in second}
    assert targets == [target.tobytes() for _, target, _ in again]
    folds = [{fold.tobytes() for _, _, fold in run} for run in (first, second, again)]
    assert folds[0] == folds[2] != folds[1] and all(len(one) == 1 for one in folds)


def test_signs_are_flipped_by_the_seed():
    norms, X = ratings()
    design = _design.Design(norms, X, mapper="ridge", folds=3, bootstrap=5, seed=0)
    tallies = {name: _draws.tally(design, CONDITIONS[name], 1, lambda: None) for name in ("system", "mean_profile")}

    def p_values(seed):
        design.seed = seed
        return [test["p_value"] for test in _significance.system_tests(design, tallies, 99)]

    assert p_values(0) == p_values(0) != p_values(1)


# --- arguments ---


def test_what_is_left_out_goes_by_the_kind_of_norms():
    norms, X = ratings()
    below = norms_of(norms.values - 100)  # no rating is above 0, as a share of words would have to be
    found = run_table(below, X, mapper="ridge", **NUMBERS | {"permutations": 0}, conditions=["system"])
    assert found.manifest["metrics_left_out"] == {} and set(found.rows.metric) == set(METRICS)


def test_components_mapper_and_seed_reach_the_mapper(monkeypatch):
    asked: list[tuple] = []
    make: Callable = make_mapper
    monkeypatch.setattr(_design, "make_mapper", lambda name, **more: asked.append((name, more)) or make("ridge"))
    run_table(*features(), mapper="ffnn", **NUMBERS | {"components": 7}, seed=4, conditions=["system"])
    assert asked == [("ffnn", {"components": 7, "seed": 4})]
    monkeypatch.undo()
    norms, X = features()
    scores = []
    for components in (1, 2, 4):
        rows = run_table(norms, X, **NUMBERS | {"components": components}, conditions=["system"]).rows
        scores.append(float(rows.set_index("metric")["value"]["neighbour_overlap_at_10"]))
    assert all(one != other for one, other in pairwise(scores))


def test_a_metric_of_which_less_is_more_is_tested_the_other_way(monkeypatch):
    """The same scores with their sign turned, and direction -1, have the same p."""
    norms, X = ratings()
    plain = run_table(norms, X, mapper="ridge", **NUMBERS, conditions=FEW).tests
    turned = {}
    for name, metric in METRICS.items():
        score = lambda pred, gold, *, kind, of=metric.score: -of(pred, gold, kind=kind)  # noqa: E731
        changes = {"score": score, "direction": -1, "fast": None, "resample": None}
        turned[name] = dataclasses.replace(metric, **changes)
    for name, metric in turned.items():
        monkeypatch.setitem(METRICS, name, metric)
    found = run_table(norms, X, mapper="ridge", **NUMBERS, conditions=FEW).tests
    np.testing.assert_allclose(found.p_value, plain.p_value)


def test_conditions_without_a_test_cost_as_many_draws_as_they_say():
    expected = {"system": 1, "upper_bound": 1, "shuffled": 12, "shuffled_upper_bound": 5, "random": 5}
    expected |= {"mean_profile": 1, "permuted_pairing": 12}
    assert _run.fits(None, 12, 1) == expected
    assert _run.fits(None, 12) == expected | dict.fromkeys(("system", "upper_bound", "mean_profile"), 10)
    assert _run.fits(["random", "shuffled"], 2) == {"shuffled": 2, "random": 2}
    assert _run.fits(["random", "shuffled"], 0) == {"shuffled": 5, "random": 5}
