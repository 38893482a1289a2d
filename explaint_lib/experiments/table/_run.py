"""The paper's table: a mapper from word vectors to feature norms, beside what should not work as well.

What it measures: six scores of cross-validated predictions under the five conditions of arXiv 2601.22928 and
under four more that decide how to read them (`CONDITIONS` says what each keeps). What it controls for: folds
are the same in every condition, so differences are paired; shuffles and permutations repeat the whole
pipeline, fit included. What it does not license: "system" above every control here shows that the vectors say
something about *these* words beyond base rates. It does not show knowledge of single words beyond their
category, for which no control of this table is built.

All of it is a reconstruction from the papers' text; their code is not public.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from explaint_lib import controls, inference
from explaint_lib._common import ExplaintError, cost, notice
from explaint_lib.experiments.table._design import check_norms, checked_vectors, folds_of, stream, words_of_one_vector
from explaint_lib.experiments.table._significance import SIGN_FLIPS, mean_score, number, p_holm_floor, system_tests
from explaint_lib.mappers import PLSR, Ridge, SharedFolds, cross_val_predict, make_mapper
from explaint_lib.metrics import METRICS, Scorer, left_out
from explaint_lib.norms import FeatureNorms
from explaint_lib.results import manifest

__all__ = ["CONDITIONS", "check_norms", "run_table"]

CONDITIONS = {
    "system": "the vectors predict the norms of held-out words",
    "upper_bound": "the norms are the input: what the mapper's bottleneck lets through, no limit of the data",
    "shuffled": "each feature permuted over words: keeps how frequent a feature is, destroys who has it",
    "shuffled_upper_bound": "shuffled norms predict themselves: what gets through with no pattern to learn",
    "random": "random norms of the same density (or range): keeps nothing else",
    "mean_profile": "the mean of the training words for every word: base rates alone, no vector looked at",
    "permuted_pairing": "whole rows of norms permuted: keeps the norms' structure, destroys whose they are",
    "oracle": "the best any ranking could score, given how many features a word has",
    "chance": "a random ranking, in closed form",
}
CLOSED_FORM = ("oracle", "chance")  # the last conditions; nothing is fitted
SHORT = 60  # seconds; what takes longer is said after the first fit
FEW_DRAWS = 5  # draws of the conditions that enter no test
_SEVERAL = ("shuffled", "shuffled_upper_bound", "random", "permuted_pairing")


def run_table(
    norms: FeatureNorms,
    X: np.ndarray,
    *,
    model: str = "",
    layer: int | None = None,
    mapper: str = "plsr",
    components: int = 50,
    folds: int = 10,
    permutations: int = 99,
    bootstrap: int = 1000,
    seed: int = 0,
    conditions: Sequence[str] = tuple(CONDITIONS),
    describe_model: dict[str, Any] | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Score the mapper and its controls, with intervals over words and permutation tests.

    Parameters
    ----------
    norms : FeatureNorms
    X : (n_words, dim) array
        One vector a word, in the order of ``norms.words``.
    model, layer : str, int, optional
        Where the vectors come from; copied into the rows.
    mapper : {"plsr", "ffnn", "ridge", "mean"}
    components : int, at least 1
        Components of PLSR; bounded by the size and rank of each training fold.
    folds : int, from 2 to n_words
    permutations : int, at least 0
        Draws of `shuffled` and `permuted_pairing`, each a full refit. 0 makes no test; then `FEW_DRAWS` draws
        are made.
    bootstrap : int, at least 1
        Resamples of the words for each interval (95 %, percentile).
    seed : int, at least 0
        Every random number follows from it, each condition and draw having a stream of its own: more
        permutations change no other row.
    describe_model : dict, optional
        Goes into the manifest.
    progress : bool
        Show a bar on stderr, one step a cross-validated fit.

    Returns
    -------
    dict
        ``manifest``; ``rows``, one a condition and metric: ``{norms, model, layer, mapper, condition, metric,
        value, ci_low, ci_high, n_words, n_features}`` with the words and features that were scored, None
        where undefined, for the metrics that the norms are not too small for (``metrics_left_out`` of the manifest
        says which are, and what these need); ``tests``: ``{metric, control, p_value, p_holm, n_permutations}``,
        one-sided (system above control), Holm over the controls of one metric: each metric is a claim of its own.

    Raises
    ------
    ExplaintError
        If the vectors do not match the norms or are not finite, or a number is out of range.

    Notes
    -----
    A row of a condition with several draws holds the mean over draws of each word's score, and the interval
    resamples the words of that mean. For Spearman over words every resample is scored anew, on `FEW_DRAWS` of
    the draws chosen in turn; where there are more draws than that the interval is slightly too wide. On
    sparse norms it scores features of at least ten words only (`explaint_lib.metrics.spearman_feature`);
    ``n_features`` says how many.

    Missing ratings: never a target. As *input* of the upper bounds they are filled with the mean of the
    training fold.

    Tests against `shuffled` and `permuted_pairing` compare the system's mean score with those of the draws.
    Against `mean_profile` the signs of the words' paired differences are flipped (`SIGN_FLIPS` times);
    Spearman over words has no score a word, so there the two predictions are swapped word by word
    (`permutations` times).

    Warnings
    --------
    `mean_profile` scores *below* 0 on Spearman over words: a held-out word is missing from its own training
    mean, which is therefore low where the word is high. Read that column against `permuted_pairing` and 0.
    With B permutations no p is below 1 / (1 + B), and Holm multiplies it: the refitted tests cannot come out
    below ``manifest["p_holm_floor"]``.
    """
    X = checked_vectors(norms, X, folds, components, permutations, bootstrap, seed)
    conditions = _ordered(conditions)
    plan = _Plan(norms, X, make_mapper(mapper, components=components, seed=seed), folds, seed, bootstrap)
    draws = fits(conditions, permutations)
    # One thread: on matrices of this size several only wait for each other (measured: five times slower on a busy
    # machine), and the order of a sum, so its last digit, must not depend on how many processors there are.
    with threadpool_limits(1), tqdm(total=sum(draws.values()), unit="fit", disable=not progress) as bar:
        tallies = {}
        for condition in draws:
            bar.set_description(condition)
            tallies[condition] = _tally(plan, condition, draws[condition], bar.update)
            if progress and len(tallies) == 1 and (seconds := _seconds(plan, draws, permutations)) > SHORT:
                n, m = plan.Y.shape
                needed = psutil.Process().memory_info().rss + 2.0 * plan.Y.nbytes
                bar.clear()
                notice(f"{n} words x {m} features, {sum(draws.values())} fits: {cost(seconds, needed)}")
        tests = system_tests(plan, tallies, permutations) if permutations else []
    rows = [row for condition, tally in tallies.items() for row in tally.rows(condition)]
    rows += [row for condition in conditions if condition in CLOSED_FORM for row in _closed_form(plan, condition)]
    names = {"norms": norms.name, "model": model, "layer": layer, "mapper": mapper}
    arguments = {
        "norms": norms.name,
        "model": model,
        "layer": layer,
        "mapper": mapper,
        "components": components,
        "folds": folds,
        "permutations": permutations,
        "bootstrap": bootstrap,
        "seed": seed,
        "conditions": conditions,
    }
    about = manifest(data=norms.describe(), model=describe_model or {"name": model}, arguments=arguments, seed=seed)
    draws = {condition: n for condition, n in draws.items() if condition in _SEVERAL}
    about |= {"draws": draws, "sign_flips": SIGN_FLIPS, "p_holm_floor": p_holm_floor(tests)}
    about |= {"metrics_left_out": left_out(norms.values, kind=norms.kind)}
    about |= {"words_of_one_vector": words_of_one_vector(norms.word_forms, X)}
    return {"manifest": about, "rows": [names | row for row in rows], "tests": tests}


def fits(conditions: Sequence[str], permutations: int) -> dict[str, int]:
    """Return how many cross-validated fits each condition takes: what a table costs."""
    many = permutations or FEW_DRAWS
    few = min(many, FEW_DRAWS)
    several = {"shuffled": many, "permuted_pairing": many, "random": few, "shuffled_upper_bound": few}
    return {condition: several.get(condition, 1) for condition in _ordered(conditions) if condition not in CLOSED_FORM}


def _ordered(conditions: Sequence[str]) -> list[str]:
    """Return the conditions in the table's order, or say which name is none."""
    unknown = sorted(set(conditions) - set(CONDITIONS))
    if unknown or not conditions:
        raise ExplaintError(
            f"conditions must be one or more of {', '.join(CONDITIONS)}; found {', '.join(unknown) or 'none'}"
        )
    return [condition for condition in CONDITIONS if condition in conditions]


class _Plan:
    """What all conditions share: data, mapper, folds, resamples, a stream of random numbers for each use."""

    def __init__(self, norms: FeatureNorms, X: np.ndarray, mapper: Any, folds: int, seed: int, bootstrap: int) -> None:
        self.norms, self.X, self.Y, self.mapper = norms, X, norms.values, mapper
        self.seed, self.bootstrap = seed, bootstrap
        self.first: tuple[float, float] | None = None  # seconds of the first fit, and of its interval
        self.folds = folds_of(len(X), folds, seed)
        self.counts = inference.bootstrap_counts(len(X), bootstrap, rng=self.rng("bootstrap"))
        self.shared = self.share(X) if isinstance(mapper, (PLSR, Ridge)) else None
        lacks = left_out(self.Y, kind=norms.kind)
        self.metrics = [name for name in METRICS if name not in lacks]
        self.gold = Scorer(self.Y, norms.kind, self.metrics)

    def rng(self, use: str, draw: int = 0) -> np.random.Generator:
        """Return the generator of one use; it depends on seed, use and draw alone."""
        return stream(self.seed, use, draw)

    def predict(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return out-of-fold predictions of norms (word, feature), and compact vectors of the same geometry."""
        if self.shared is not None:
            return self.shared.predict_compact(Y)
        predicted = cross_val_predict(self.mapper, self.X, Y, self.folds)
        return predicted, predicted

    def predict_itself(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions of norms from themselves; missing *inputs* take the training fold's mean."""
        if np.isnan(Y).any():
            mapper = make_pipeline(SimpleImputer(keep_empty_features=True), self.mapper)
        elif self.shared is not None:
            return self.share(Y).predict_compact(Y)
        else:
            mapper = self.mapper
        predicted = cross_val_predict(mapper, Y, Y, self.folds)
        return predicted, predicted

    def share(self, X: np.ndarray) -> SharedFolds:
        """Return the folds of an input, with the plan's mapper."""
        name = "ridge" if isinstance(self.mapper, Ridge) else "plsr"
        return SharedFolds(X, self.folds, mapper=name, n_components=getattr(self.mapper, "n_components", 1))


def _one_draw(plan: _Plan, condition: str, draw: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return predictions, the norms they are scored against, and the scores, for one draw of a condition."""
    Y = plan.Y
    if condition == "mean_profile":
        predicted = cross_val_predict(make_mapper("mean"), plan.X, Y, plan.folds)
        return predicted, Y, plan.gold.score(predicted)
    if condition in ("system", "upper_bound"):
        predicted, compact = plan.predict(Y) if condition == "system" else plan.predict_itself(Y)
        return predicted, Y, plan.gold.score(predicted, compact)
    rng = plan.rng(condition, draw)
    if condition == "permuted_pairing":
        permutation = controls.permute_rows(len(Y), rng=rng)
        predicted, compact = plan.predict(Y[permutation])
        # scores do not depend on the order of the words: back in the norms' order, these know their gold side already
        back = np.argsort(permutation)
        scores = plan.gold.score(predicted[back], compact[back])
        by_word = {name: METRICS[name].unit == "word" for name in scores}
        return predicted, Y[permutation], {k: v[permutation] if by_word[k] else v for k, v in scores.items()}
    target = controls.random_like(Y, plan.norms.kind, rng=rng) if condition == "random" else None
    target = controls.shuffle_columns(Y, rng=rng) if target is None else target
    predicted, compact = plan.predict_itself(target) if condition == "shuffled_upper_bound" else plan.predict(target)
    return predicted, target, Scorer(target, plan.norms.kind, plan.metrics).score(predicted, compact)


@dataclass
class _Tally:
    """One condition's scores, added up over its draws."""

    plan: _Plan
    n_draws: int
    per_unit: dict[str, np.ndarray] = field(default_factory=dict)  # mean over draws
    means: dict[str, list[float]] = field(default_factory=dict)  # one number a draw
    resampled: dict[str, np.ndarray] = field(default_factory=dict)  # (n_boot,) of a metric without a score a word
    prediction: np.ndarray | None = None  # of the last draw, where a test needs it

    def rows(self, condition: str) -> Iterator[dict[str, Any]]:
        """Yield the row of each metric."""
        for name, scores in self.per_unit.items():
            yield _row(self.plan, condition, name, scores, self.resampled.get(name))


def _tally(plan: _Plan, condition: str, n_draws: int, done: Callable[[], object]) -> _Tally:
    """Run all draws of one condition, keeping sums and not the predictions of each draw."""
    tally = _Tally(plan, n_draws, means={name: [] for name in plan.metrics})
    total = dict.fromkeys(plan.metrics, 0.0)
    defined = dict.fromkeys(plan.metrics, 0.0)
    used = min(n_draws, FEW_DRAWS)
    resamples = np.arange(plan.bootstrap)
    by_feature = [name for name in plan.metrics if METRICS[name].unit == "feature"]
    resampled = {name: np.zeros(plan.bootstrap) for name in by_feature}
    for draw in range(n_draws):
        started = perf_counter()
        pred, gold, scored = _one_draw(plan, condition, draw)
        fitted = perf_counter()
        for name, scores in scored.items():
            known = ~np.isnan(scores)
            total[name] = total[name] + np.where(known, scores, 0.0)
            defined[name] = defined[name] + known
            tally.means[name].append(mean_score(scores))
        # each resample takes `used` of the draws, in turn: (b * used + 0 .. used - 1) modulo n_draws
        takes = (draw - resamples * used) % n_draws < used
        for name, sums in resampled.items():
            columns = ~np.isnan(scored[name])
            sums[takes] += METRICS[name].resampled(
                pred[:, columns], gold[:, columns], plan.counts[takes], kind=plan.norms.kind
            )
        tally.prediction = pred if condition in ("system", "mean_profile") else None  # the tests need no other
        plan.first = plan.first or (fitted - started, perf_counter() - fitted)
        del pred, gold  # large, and not needed beside those of the next draw
        done()
    tally.per_unit = {
        name: np.divide(total[name], defined[name], out=np.full(len(total[name]), np.nan), where=defined[name] > 0)
        for name in plan.metrics
    }
    tally.resampled = {name: sums / used for name, sums in resampled.items()}
    return tally


def _seconds(plan: _Plan, draws: dict[str, int], permutations: int) -> float:
    """Return about how long a table takes, from its first fit: a fit a draw, and few intervals a condition."""
    fit, interval = plan.first
    return fit * (sum(draws.values()) + permutations / 4) + interval * sum(min(n, FEW_DRAWS) for n in draws.values())


def _closed_form(plan: _Plan, condition: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of the oracle or of chance, computed and not simulated."""
    for name in plan.metrics:
        metric = METRICS[name]
        scores = getattr(metric, condition)(plan.Y, kind=plan.norms.kind)
        # a feature's best or chance correlation does not depend on which words were drawn
        yield _row(plan, condition, name, scores, np.full(2, mean_score(scores)) if metric.unit == "feature" else None)


def _row(plan: _Plan, condition: str, name: str, scores: np.ndarray, resampled: np.ndarray | None) -> dict[str, Any]:
    """Return one row; its interval comes from `resampled` means, or from resampling the scores."""
    n_scored = int(np.count_nonzero(~np.isnan(scores)))
    low = high = None
    if resampled is not None and not np.isnan(resampled).all():
        low, high = inference.percentile_interval(resampled)
    elif resampled is None and n_scored > 1:
        low, high = inference.bootstrap_ci(scores, plan.bootstrap, rng=plan.rng("bootstrap"))
    by_word = METRICS[name].unit == "word"
    return {
        "condition": condition,
        "metric": name,
        "value": number(mean_score(scores)),
        "ci_low": low,
        "ci_high": high,
        "n_words": n_scored if by_word else len(plan.Y),
        "n_features": plan.Y.shape[1] if by_word else n_scored,
    }
