"""The draws of one condition, made and scored one after the other: only sums are kept, never all predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from explaint_lib import inference
from explaint_lib.controls import Condition, Draw, Kind, Prediction, Stream
from explaint_lib.experiments.table._design import FEW_DRAWS, Design, stream
from explaint_lib.metrics import METRICS, Scorer

Scores = dict[str, np.ndarray]  # metric to one score a word or feature


@dataclass(frozen=True)
class DesignSetting:
    """What one draw of a condition is made from (a `controls.Setting`): the design, and random numbers of its own."""

    design: Design
    condition: Condition
    draw: int

    @property
    def Y(self) -> np.ndarray:
        """The norms."""
        return self.design.Y

    @property
    def kind(self) -> Kind:
        """Of the norms."""
        return self.design.norms.kind

    @property
    def rng(self) -> np.random.Generator:
        """The generator of this draw, from its start."""
        if self.condition.stream is None:
            raise ValueError(f"condition {self.condition.name} has no stream, so it can draw no random numbers")
        return stream(self.design.seed, self.condition.stream, self.draw)

    def predict(self, target: np.ndarray) -> Prediction:
        """Predict a target from the vectors."""
        return self.design.predict(target, self.draw)

    def predict_itself(self, target: np.ndarray) -> Prediction:
        """Predict a target from itself."""
        return self.design.predict_itself(target, self.draw)

    def mean(self, target: np.ndarray) -> Prediction:
        """Predict the mean of the training words."""
        return self.design.mean(target, self.draw)


def scored_draw(design: Design, condition: Condition, draw: int) -> tuple[Draw, Scores]:
    """Return one draw of a condition, and its scores of every metric, one a word or feature of its target."""
    if condition.draw is None:
        raise ValueError(f"condition {condition.name} has a closed form, and no draws")
    made = condition.draw(DesignSetting(design, condition, draw))
    values, compact = made.prediction
    if made.target is design.Y:
        return made, design.scorer.score(values, compact)
    if made.order is None:
        return made, Scorer(made.target, design.norms.kind, design.metrics).score(values, compact)
    # scores do not depend on the order of the words: back in the norms' order, these know their gold side already
    back = np.argsort(made.order)
    scores = design.scorer.score(values[back], compact[back])
    by_word = {name: METRICS[name].unit == "word" for name in scores}
    return made, {name: one[made.order] if by_word[name] else one for name, one in scores.items()}


@dataclass
class Tally:
    """One condition's scores, added up over its draws.

    Attributes
    ----------
    per_unit : dict
        Metric to the mean over draws of the score of each word or feature.
    means : dict
        Metric to one mean score a draw.
    resampled : dict
        Metric without a score a word to its mean in each resample of the words, (n_boot,).
    of_draws : dict
        Metric to the scores in each draw, (draw, unit), where all that differs between draws are the folds.
    prediction : (n_words, n_features) array, optional
        That of the first draw, of the system and of what it is tested against where folds alone differ.
    seconds : (float, float)
        What the first draw took, and its part of the interval.
    """

    condition: Condition
    n_draws: int
    per_unit: Scores
    means: dict[str, list[float]]
    resampled: Scores
    of_draws: Scores
    prediction: np.ndarray | None
    seconds: tuple[float, float]

    def sd_folds(self, name: str) -> float:
        """Return the standard deviation of a metric's mean over assignments to folds; NaN where other things vary."""
        if name not in self.of_draws or self.n_draws < 2:
            return float("nan")
        return float(np.std(self.means[name], ddof=1))

    def rows(self, design: Design) -> Iterator[dict[str, Any]]:
        """Yield the row of each metric."""
        for name, scores in self.per_unit.items():
            yield row(design, self.condition, name, scores, self.resampled.get(name), self.sd_folds(name), self.n_draws)


@dataclass
class _Sums:
    """Scores added up over draws; what is undefined in a draw is left out of its mean."""

    total: dict[str, np.ndarray] = field(default_factory=dict)
    defined: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, scored: Scores) -> None:
        """Add the scores of one draw."""
        for name, scores in scored.items():
            known = ~np.isnan(scores)
            self.total[name] = self.total.get(name, 0.0) + np.where(known, scores, 0.0)
            self.defined[name] = self.defined.get(name, 0.0) + known

    def means(self) -> Scores:
        """Return the mean over draws, NaN where no draw defines it."""
        return {
            name: np.divide(total, n, out=np.full(len(total), np.nan), where=n > 0)
            for (name, total), n in zip(self.total.items(), self.defined.values(), strict=True)
        }


def tally(design: Design, condition: Condition, n_draws: int, done: Callable[[], object]) -> Tally:
    """Make and score all draws of one condition; `done` is called after each."""
    sums = _Sums()
    means: dict[str, list[float]] = {name: [] for name in design.metrics}
    by_folds = condition.draws == "one"
    used = 1 if by_folds else min(n_draws, FEW_DRAWS)
    resamples = np.arange(design.bootstrap)
    by_feature = [name for name in design.metrics if METRICS[name].unit == "feature"]
    resampled = {name: np.zeros(design.bootstrap) for name in by_feature}
    of_draws: dict[str, list[np.ndarray]] = {name: [] for name in design.metrics if by_folds}
    prediction, seconds = None, (0.0, 0.0)
    for draw in range(n_draws):
        started = perf_counter()
        made, scored = scored_draw(design, condition, draw)
        fitted = perf_counter()
        sums.add(scored)
        for name, scores in scored.items():
            means[name].append(mean_score(scores))
            if by_folds:
                of_draws[name].append(scores)
        # each resample takes `used` of the draws, in turn: (b * used + 0 .. used - 1) modulo n_draws
        takes = (draw - resamples * used) % n_draws < used
        for name, total in resampled.items():
            features = ~np.isnan(scored[name])
            predicted, gold = made.prediction.values[:, features], made.target[:, features]
            total[takes] += METRICS[name].resampled(predicted, gold, design.counts[takes], kind=design.norms.kind)
        if draw == 0:
            seconds = fitted - started, perf_counter() - fitted
        if by_folds and draw == 0 and (condition.tested or condition.name == "system"):
            prediction = made.prediction.values  # the tests need no other, and it is as large as the norms
        del made  # large, and not needed beside the next draw
        done()
    intervals = {name: total / used for name, total in resampled.items()}
    each = {name: np.stack(scores) for name, scores in of_draws.items()}
    return Tally(condition, n_draws, sums.means(), means, intervals, each, prediction, seconds)


def closed_form(design: Design, condition: Condition) -> Iterator[dict[str, Any]]:
    """Yield the rows of a condition that is computed and not simulated."""
    if condition.closed_form is None:
        raise ValueError(f"condition {condition.name} has no closed form")
    for name in design.metrics:
        metric = METRICS[name]
        scores = condition.closed_form(metric, design.Y, design.norms.kind)
        # a feature's best or chance correlation does not depend on which words were drawn
        same = np.full(2, mean_score(scores)) if metric.unit == "feature" else None
        yield row(design, condition, name, scores, same)


def row(
    design: Design,
    condition: Condition,
    name: str,
    scores: np.ndarray,
    resampled: np.ndarray | None,
    sd_folds: float = float("nan"),
    n_draws: int = 1,
) -> dict[str, Any]:
    """Return one row; its interval comes from `resampled` means, or from resampling the scores, and from the folds."""
    n_scored = int(np.count_nonzero(~np.isnan(scores)))
    low = high = float("nan")
    if resampled is not None and not np.isnan(resampled).all():
        low, high = inference.percentile_interval(resampled)
    elif resampled is None and n_scored > 1:
        low, high = inference.bootstrap_ci(scores, design.bootstrap, rng=stream(design.seed, Stream.RESAMPLES))
        if not np.isnan(sd_folds):  # the variance of a mean over folds is added to that over words
            value, folds = mean_score(scores), 1.96 * sd_folds / np.sqrt(n_draws)
            low, high = value - np.hypot(value - low, folds), value + np.hypot(high - value, folds)
    by_word = METRICS[name].unit == "word"
    return {
        "condition": condition.name,
        "metric": name,
        "value": mean_score(scores),
        "ci_low": low,
        "ci_high": high,
        "sd_folds": sd_folds,
        "n_words": n_scored if by_word else len(design.Y),
        "n_features": design.Y.shape[1] if by_word else n_scored,
    }


def mean_score(scores: np.ndarray) -> float:
    """Return the mean of the defined scores, NaN if there is none (without NumPy's warning)."""
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if known.size else float("nan")
