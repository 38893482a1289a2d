"""From sums by sentence to rows and tests: one set of resampled sentences serves them all, so that they are paired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explaint_lib import inference
from explaint_lib.experiments.continuity._measure import Measure, SentenceSums

Record = dict[str, Any]
Sums = dict[Measure, SentenceSums]


def summarise(
    model: str, trained: Sums, untrained: Sequence[Sums], n_boot: int, rng: np.random.Generator
) -> tuple[list[Record], list[Record]]:
    """Return the rows and the tests of a model and its untrained twins, as `run_continuity` describes them."""
    n_sentences = len(next(iter(trained.values())).count)
    sentences = inference.bootstrap_counts(n_sentences, n_boot, rng=rng)  # (n_boot, sentence)
    # the mlp rung has one twin only, and one twin has no spread to resample
    several = inference.bootstrap_counts(len(untrained), n_boot, rng=rng) if len(untrained) > 1 else None
    alone = np.ones((n_boot, 1))
    rows: list[Record] = []
    tests: list[Record] = []
    for what in sorted(trained, key=lambda what: [str(part) for part in what[1:]] + [what.layer]):
        row: Record = {"model": model, "untrained": False} | what._asdict() | _row([trained[what]], sentences, alone)
        rows.append(row)
        about: Record = {"model": model} | what._asdict()
        tests.append(about | {"control": "chance"} | _test(trained[what], [trained[what].chance]))
        if what.metric != "mrr":  # one half of the positions, or of the change; of a reciprocal rank it says nothing
            half = 0.5 * trained[what].count
            tests.append(about | {"control": "one half"} | _test(trained[what], [half]))
        twins = [found[what] for found in untrained if what in found]
        if not twins:
            continue
        if any(not np.array_equal(twin.count, trained[what].count) for twin in twins):
            raise ValueError(f"the twins were scored on other items than the trained model, in {what}")
        seeds = several if several is not None and len(twins) > 1 else alone  # (n_boot, twin)
        beside: Record = {"model": model, "untrained": True} | what._asdict() | _row(twins, sentences, seeds)
        rows.append(beside)
        gap = _test(trained[what], [twin.total for twin in twins], varied="twins")
        tests.append(about | {"control": "untrained"} | gap | {"untrained_seeds": len(twins)})
    return rows, tests


def _row(models: Sequence[SentenceSums], sentences: np.ndarray, seeds: np.ndarray) -> Record:
    """Return value, chance, interval and n of one row: the mean over models."""
    total, chance, count = (
        np.stack([getattr(sums, part) for sums in models], axis=1) for part in ("total", "chance", "count")
    )
    low, high = _interval(_draws(models, "total", sentences, seeds))
    return {
        "value": float((total.sum(axis=0) / count.sum(axis=0)).mean()),
        "chance": float((chance.sum(axis=0) / count.sum(axis=0)).mean()),
        "ci_low": low,
        "ci_high": high,
        "n": int(count[:, 0].sum()),
    }


def _draws(models: Sequence[SentenceSums], part: str, sentences: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Return the mean score (or chance) in every resample of sentences and of models: (n_boot,)."""
    sums = np.stack([getattr(found, part) for found in models], axis=1)  # (sentence, model)
    count = np.stack([found.count for found in models], axis=1)
    with np.errstate(invalid="ignore"):  # a resample without a single scored item has no mean
        means = (sentences @ sums) / (sentences @ count)  # (n_boot, model)
    return (means * seeds).sum(axis=1) / seeds.sum(axis=1)


def _test(trained: SentenceSums, controls: Sequence[np.ndarray], varied: str | None = None) -> Record:
    """Return the difference of the mean over items, whole sentences resampled, with its interval and its p.

    The control's sums are over the same items as the trained model's, (sentence,) each; several are draws of twins.
    """
    items = np.repeat(np.arange(len(trained.count)), trained.count.astype(int))  # the sentence of each item

    def spread_out(total: np.ndarray) -> np.ndarray:
        return (total / np.maximum(trained.count, 1))[items]  # all items of a sentence take its mean

    others = np.stack([spread_out(total) for total in controls])
    found = inference.compare(
        spread_out(trained.total), others if varied else others[0], "", clusters=items, varied=varied
    )
    return found.numbers() | {"n": found.n}


def _interval(draws: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval of the finite draws."""
    return inference.percentile_interval(draws[np.isfinite(draws)])
