"""Intervals hold the truth as often as they promise, and those over single units do not where something was shared."""

from __future__ import annotations

import pytest

from explaint_lib._common import ExplaintError
from explaint_lib.experiments.coverage import coverage


def test_every_interval_in_use_holds_what_it_promises():
    rows = coverage(n_worlds=400).rows
    ours, plain = (rows[rows.method == method] for method in ("as in verdicts", "over single units"))
    assert ours.value.between(0.91, 1.0).all(), ours[["question", "claim", "n", "value"]]
    assert (plain[plain.question != "words and folds"].value < 0.92).all()
    assert {"words", "categories", "sentences", "hyponyms and hypernyms", "units and twins"} < set(ours.question)


def test_the_seed_repeats_it_and_few_worlds_are_refused():
    assert coverage(n_worlds=20, seed=3).equals(coverage(n_worlds=20, seed=3))
    assert not coverage(n_worlds=20, seed=3).equals(coverage(n_worlds=20, seed=4))
    with pytest.raises(ExplaintError, match="at least 20 worlds, found 3"):
        coverage(n_worlds=3)
