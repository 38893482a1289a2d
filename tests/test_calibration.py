"""How often verdicts err: toy diagnostics whose rates are known, the seeds, the table that ships and its page."""

from __future__ import annotations

import ast
import json
from dataclasses import replace

import calibration_page
import numpy as np
import pytest
from conftest import ROOT

from explaint_lib import inference
from explaint_lib._common import ExplaintError
from explaint_lib.experiments.calibration import (
    LETTERS,
    REGISTRY,
    SIZES,
    Diagnostic,
    Registry,
    run_calibration,
    word_of,
)
from explaint_lib.inference import Comparison, calibration, rates
from explaint_lib.results import Result, in_notebook, pick

SHIPPED = Result.from_json(calibration_page.TABLE)
KEYS = {(row.asks, row.control, row.score) for row in SHIPPED.rows.itertuples()}
#: Questions that chapters may ask and nobody has planted yet; strict: an entry that is no longer missing fails.
NOT_PLANTED: set[str] = set()


def toy(*, says_yes: bool = False, extra: bool = False) -> Registry:
    """Worlds are numbers; the honest diagnostic sees which, the other always says yes."""
    registry = Registry()
    registry.world("empty", "nothing is there", lambda n, seed: np.random.default_rng(seed).normal(0, 1, n))
    registry.world("full", "something is there", lambda n, seed: np.random.default_rng(seed).normal(2, 1, n))

    def honest(world, rng):
        return inference.compare(world + rng.normal(0, 0.1, len(world)), 0.0, "")

    def yes(world, rng):
        return inference.compare(world + 9, 0.0, "")

    if extra:
        registry.add(Diagnostic("before", "zero", "F1@10", "empty", "full", yes, sizes=(60,)))
    registry.add(Diagnostic("asked", "zero", "F1@10", "empty", "full", yes if says_yes else honest, sizes=(60, 240)))
    return registry


def test_what_always_says_yes_has_a_false_alarm_rate_of_one_and_may_not_speak():
    found = run_calibration(toy(says_yes=True), n_worlds=20)
    assert found.rows.supported.tolist() == [20] * 4 and (found.rows.refuted == 0).all()
    known = rates(pick(found.rows, n=60))
    assert known.false_alarm == known.power == 1.0 and not known.may_support and not known.may_refute
    one = Comparison("zero", 9.0, 0.1, p_value=0.001, score="F1@10", n=60, asks="asked")
    table = inference.verdicts({"it": [one]}, smallest_effect=0.02, calibrated=found.rows)
    assert table.verdict.tolist() == ["no verdict from zero"] and table.false_alarm.tolist() == [1.0]


def test_what_is_right_may_support():
    found = run_calibration(toy(), n_worlds=20)
    one = Comparison("zero", 2.0, 0.1, p_value=0.001, score="F1@10", n=200, asks="asked")
    table = inference.verdicts({"it": [one]}, smallest_effect=0.02, calibrated=found.rows)
    assert table.verdict.tolist() == ["supported"] and table.n_calibrated.tolist() == [240]
    assert table.power.tolist() == [1.0] and table.false_alarm[0] <= 0.05
    assert pick(found.rows, n=60, truth=True).difference.item() == pytest.approx(2, abs=0.1)


def test_the_words_of_the_worlds_are_the_rows_counts():
    found = run_calibration(toy(), n_worlds=20)
    for words, row in zip(found.manifest["words"], found.rows.itertuples(), strict=True):
        assert len(words) == row.worlds == 20 and words.count("s") == row.supported
        assert sum(words.count(LETTERS[word]) for word in ("worse", "equivalent", "no better")) == row.refuted


def test_a_new_diagnostic_changes_no_row_of_another_and_a_part_is_a_part():
    alone, beside = (run_calibration(toy(extra=extra), n_worlds=5) for extra in (False, True))
    same = pick(beside.rows, asks="asked").reset_index(drop=True)
    assert same.equals(alone.rows) and len(beside.rows) == len(same) + 2
    later = run_calibration(toy(), n_worlds=2, first=3)
    assert [words[3:] for words in alone.manifest["words"]] == later.manifest["words"]
    assert run_calibration(toy(), n_worlds=5, seed=1).rows.difference.tolist() != alone.rows.difference.tolist()
    only = run_calibration(toy(extra=True), n_worlds=5, only=["asked"], sizes=[60])
    assert only.rows.equals(pick(alone.rows, n=60).reset_index(drop=True))


def test_worlds_of_one_number_differ_in_size_kind_and_number():
    seen = {}
    registry = toy()
    for name in registry.worlds:
        registry.worlds[name] = replace(
            registry.worlds[name],
            build=lambda n, seed, name=name: seen.setdefault((name, n, seed.entropy[0]), np.zeros(n)),
        )
    run_calibration(registry, n_worlds=3)
    assert len({seed for *_, seed in seen}) == len(seen) == 2 * 2 * 3


def test_the_correction_is_that_of_a_chapter():
    one = Comparison("x", 0.1, 0.01, p_value=0.05 / 8 - 1e-6, score="F1@10")
    assert word_of(one) == "supported" and word_of(replace(one, p_value=0.05 / 8 + 1e-6)) == "cannot tell"
    assert word_of(replace(one, difference=0.027)) == "cannot tell", (
        "2.7 standard errors: beyond 95 %, not beyond 99.4 %"
    )
    assert word_of(replace(one, difference=0.0, se=0.005)) == "equivalent"


def test_two_processes_give_the_same():
    registry_of = {"only": ["training"], "sizes": [60], "n_worlds": 4}
    assert run_calibration(REGISTRY, jobs=2, **registry_of).equals(run_calibration(REGISTRY, **registry_of))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"only": ["meaning"]}, "no diagnostic asks meaning; the questions are: asked"),
        ({"n_worlds": 0}, "at least one world"),
    ],
)
def test_a_run_that_cannot_be(wrong, message):
    with pytest.raises(ExplaintError, match=message):
        run_calibration(toy(), **({"n_worlds": 1} | wrong))


def test_a_registry_refuses_what_it_could_not_run():
    registry = toy()
    one = next(iter(registry))
    with pytest.raises(ExplaintError, match="unknown worlds: half"):
        registry.add(replace(one, true="half"))
    with pytest.raises(ExplaintError, match="has no margin"):
        registry.add(replace(one, score="loss"))
    with pytest.raises(ExplaintError, match="already"):
        registry.add(one)
    with pytest.raises(ExplaintError, match="already"):
        registry.world("full", "", one.compare)


def test_the_table_that_ships_has_both_truths_of_every_diagnostic_at_every_size():
    for one in REGISTRY:
        rows = pick(SHIPPED.rows, asks=one.asks, control=one.control, score=one.score)
        got = {(row.world, row.n_words, row.truth) for row in rows.itertuples()}
        assert got >= {(one.false, size, False) for size in one.sizes} | {(one.true, size, True) for size in one.sizes}
    assert {one.key for one in REGISTRY} == KEYS and {size for one in REGISTRY for size in one.sizes} == set(SIZES)
    assert (SHIPPED.rows.worlds >= SHIPPED.manifest["arguments"]["worlds"]).all()
    assert calibration().equals(SHIPPED.rows)


@pytest.mark.parametrize("asks", dict.fromkeys(one.asks for one in REGISTRY))
def test_a_sample_of_the_table_is_computed_again(asks):
    """The words of the first worlds of every question, as the table's manifest keeps them."""
    size = min(min(one.sizes) for one in REGISTRY if one.asks == asks)
    again = run_calibration(REGISTRY, n_worlds=2, only=[asks], sizes=[size])
    rows = SHIPPED.rows
    kept = [
        w for w, a, n in zip(SHIPPED.manifest["words"], rows.asks, rows.n_words, strict=True) if (a, n) == (asks, size)
    ]
    assert len(kept) == len(again.rows) and [words[:2] for words in kept] == again.manifest["words"]


def asked_in(source: str) -> set[str]:
    """Return what is given as ``asks=`` in a program, as far as it is written out."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    given = [word.value for call in calls for word in call.keywords if word.arg == "asks"]
    written = [one for value in given if not isinstance(value, ast.Subscript) for one in ast.walk(value)]
    return {one.value for one in written if isinstance(one, ast.Constant)}


def test_every_question_of_a_chapter_has_its_worlds():
    asked: set[str] = set()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf8"))["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                asked |= asked_in("".join(cell["source"]))
    questions = {one.asks for one in REGISTRY}
    assert asked - questions <= NOT_PLANTED
    assert not NOT_PLANTED & questions, "planted by now: take it out of NOT_PLANTED"


def test_questions_are_found_in_a_program():
    assert asked_in("against(a, b, asks='word')\nf(partial(g, asks=name or 'map'))") == {"word", "map"}


def test_known_failures_stay_silent():
    """Category alone says the same of worlds where the claim is true as of those where it is false."""
    for score in ("F1@10", "overlap@10"):
        for size in SIZES:
            two = pick(SHIPPED.rows, asks="word", control="category alone", score=score, n_words=size)
            assert not rates(two).may_refute and not rates(two).may_support


def test_the_page_is_the_tables():
    assert calibration_page.PAGE.read_text("utf8") == calibration_page.page(), "run python book/calibration_page.py"


@pytest.mark.book
def test_every_comparison_of_a_verdict_in_the_book_was_tried_in_worlds(built_book):
    """No chapter prints a verdict of a comparison whose rates nobody knows: at most it prints the number."""
    found = 0
    for path in sorted((ROOT / "_build" / "chapters" / "quick").glob("*.ipynb")):
        for verdicts in (result.verdicts for result in in_notebook(path) if len(result.verdicts)):
            unknown = verdicts[verdicts.difference.notna() & verdicts.n_calibrated.isna()]
            found += len(verdicts)
            assert unknown.empty, (path.stem, unknown[["control", "score", "word"]])
    assert found > 100


def test_a_size_that_no_diagnostic_has_is_refused_and_not_an_empty_table():
    with pytest.raises(ExplaintError, match="no worlds of 7, 61 words; the sizes are: 60, 240, 500"):
        run_calibration(REGISTRY, n_worlds=1, only=["intact"], sizes=[60, 61, 7])
