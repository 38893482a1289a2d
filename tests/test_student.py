"""The copies for a course: what is in them, what the checks say to answers that are wrong, and a round trip."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import student
from conftest import ROOT
from nbclient import NotebookClient
from samples import chapter

from explaint_lib import controls, inference, mappers, metrics, planted

CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def exercises(name: str) -> dict[str, student.Exercise]:
    (path,) = ROOT.glob(f"notebooks/{name}_*.ipynb")
    return {part.number: part for part in student.read(path) if isinstance(part, student.Exercise)}


def sample(folder: Path) -> Path:
    path = folder / "99_sample.ipynb"
    nbformat.write(chapter(), path)
    return path


def code_of(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_student_gets_no_solution_and_the_key_has_all(path: Path):
    solved = [cell for cell in nbformat.read(path, as_version=4).cells if "solution" in cell.metadata.get("tags", [])]
    copies = {kind: student.copy(path, kind, {}) for kind in student.COPIES}
    given, key = code_of(copies["student"]), code_of(copies["key"])
    assert solved and all(cell.source in key and cell.source not in given for cell in solved)
    for kind, notebook in copies.items():
        words = "\n".join(cell.source for cell in notebook.cells)
        assert not any(mark in words for mark in ("{exercise-", "{solution-", "{term}", "](../book"))
        assert all(f"### Exercise {int(path.stem[:2])}.{n}: " in words for n in (1, 2, 3)), kind


def test_a_copy_has_the_profiles_parameters(tmp_path: Path):
    notebook = student.copy(sample(tmp_path), "student", {"n_words": 7})
    assert "n_words: int = 7  # words in the sample" in code_of(notebook)
    assert "n_permutations: int = 19  #" in code_of(notebook)


def test_the_source_of_an_assignment_is_what_nbgrader_reads(tmp_path: Path):
    notebook = student.copy(sample(tmp_path), "nbgrader", {})
    answer, check = (cell for cell in notebook.cells if "nbgrader" in cell.metadata)
    assert answer.source.startswith("median = ...  # ") and "### BEGIN SOLUTION" in answer.source
    assert (answer.metadata.nbgrader.solution, answer.metadata.nbgrader.grade) == (True, False)
    assert (check.metadata.nbgrader.solution, check.metadata.nbgrader.grade) == (False, True)
    assert check.metadata.nbgrader.points == 1 and check.metadata.nbgrader.locked
    nbgrader = pytest.importorskip("nbgrader.preprocessors", reason="nbgrader is not installed (extra `teach`)")
    released, _ = nbgrader.ClearSolutions().preprocess(notebook, {})
    assert "np.median(sample[::2])" not in code_of(released) and "median = ..." in code_of(released)


def errors(notebook: nbformat.NotebookNode, folder: Path) -> list[str]:
    """Run a copy, on behind its errors as a marker does, and return what they say."""
    NotebookClient(
        notebook, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": folder}}
    ).execute()
    return [
        output.evalue
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]


def test_the_round_trip_of_a_small_chapter(tmp_path: Path):
    path = sample(tmp_path)
    assert errors(student.copy(path, "key", {}), tmp_path) == []
    (blank,) = errors(student.copy(path, "student", {}), tmp_path)
    assert blank == "99.1 is still blank: replace the three dots after `median =`."
    wrong = student.copy(path, "student", {})
    cell = next(cell for cell in wrong.cells if cell.source.startswith("median = ..."))
    cell.source = "median = np.median(sample)"
    assert errors(wrong, tmp_path) == ["99.1: this is one median. Subtract the other."]


def said(one: student.Exercise, world: dict, answer: str) -> str:
    """Return what a check says to an answer, typed in the blank; nothing where it finds no mistake."""
    names = dict(world)
    exec(answer, names)
    try:
        exec(one.check.source, names)
    except AssertionError as fault:
        return str(fault)
    return ""


def solved(one: student.Exercise) -> str:
    return "\n".join(c.source for c in one.solution if c.cell_type == "code" and c is not one.check)


@pytest.fixture(scope="module")
def norms_chapter() -> dict:
    """What chapter 07 has at hand before its exercises, on planted norms."""
    made = planted.property_world("category_and_attributes", strength=0.7, rng=np.random.default_rng(0))
    rng, n_components = np.random.default_rng(1), 8
    X, Y = made.embeddings, made.values
    folds = mappers.make_folds(len(X), 3, rng=rng)

    def predict(X, Y, folds):
        return mappers.CrossFit(mappers.PLSR(n_components), X, folds).predict(Y)

    def score(predicted, gold, kind="sparse"):
        return metrics.METRICS["f1_at_10"].score(predicted, gold, kind=kind)

    predicted = predict(X, Y, folds)
    of_system = score(predicted, Y)
    worlds = {
        "nothing": (),
        "the category": ("category", 2.0),
        "category and attributes": ("category_and_attributes", 0.7),
    }
    return {
        "np": np, "partial": partial, "metrics": metrics, "mappers": mappers, "controls": controls,
        "planted": planted, "inference": inference, "data": SimpleNamespace(kind="sparse"), "rng": rng,
        "X": X, "Y": Y, "folds": folds, "predict": predict, "score": score, "predicted": predicted,
        "as_input": lambda Y: Y, "shuffles": [controls.shuffle_columns(Y, rng=rng)], "WORLDS": worlds,
        "found": {"system": of_system, "upper_bound": of_system, "oracle": of_system},
    }  # fmt: skip


MEANS = """
def mean(guess, truth): return np.nanmean(metrics.spearman_feature(guess, truth, kind="sparse"))
S = shuffles[0]
others = mappers.CrossFit(mappers.MeanProfile(), X, folds).predict(Y)
means = {"system": mean(predicted, Y), "shuffled": mean(predict(X, S, folds), S), "mean profile": mean(others, Y)}
"""
CEILING = """
V, own = {by}, {own}
unit = V / np.linalg.norm(V, axis=1, keepdims=True)
near = unit @ unit.T
if not own: np.fill_diagonal(near, -np.inf)
nearest = np.argsort(-near, axis=1, kind="stable")
ceiling = {{k: score(np.stack([Y[rows].mean(axis=0) for rows in nearest[:, :k]]), Y).mean() for k in (1, 3, 5, 10, 20)}}
"""
WRONG_07 = {
    "keys": ("7.1", "means = {'system': 0.3}", "needs the keys"),
    "over the features of a word": (
        "7.1",
        MEANS + "means['system'] = metrics.spearman_item(predicted, Y).mean()",
        "over the features of each word",
    ),
    "shuffled against the real norms": (
        "7.1",
        MEANS + "means['shuffled'] = mean(predict(X, S, folds), Y)",
        "scored against the same shuffled",
    ),
    "a mean of all words": (
        "7.1",
        MEANS + "means['mean profile'] = mean(np.tile(Y.mean(axis=0), (len(Y), 1)), Y)",
        "includes the word that it predicts",
    ),
    "its own neighbour": ("7.2", CEILING.format(by="Y", own=True), "its own nearest neighbour"),
    "neighbours by vectors": ("7.2", CEILING.format(by="X", own=False), "by their vectors"),
    "a p below the smallest": ("7.3", "reached = {'the category': 0, 'category and attributes': 0}", "is never true"),
    "exchanged over all words": ("7.3", "reached = {'the category': 20, 'category and attributes': 20}", "*within*"),
    "a share, not a count": ("7.3", "reached = {'the category': 0.05, 'category and attributes': 0.4}", "count worlds"),
}


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("case", WRONG_07)
def test_a_wrong_answer_that_is_common_is_caught_by_name(case: str, norms_chapter: dict):
    number, answer, words = WRONG_07[case]
    found = said(exercises("07")[number], norms_chapter, answer)
    assert found.startswith(f"{number}: ") and words in found


@pytest.mark.parametrize("number", ["7.1", "7.2"])  # the build of the book runs the check of every solution
def test_the_solution_of_chapter_07_passes_its_check(number: str, norms_chapter: dict):
    one = exercises("07")[number]
    assert said(one, norms_chapter, solved(one)) == ""


SMALL = {
    "01": {"n_sentences": 30, "n_untrained": 1, "n_permutations": 19},
    "03": {"n_sentences": 20, "max_layers": 2, "n_interventions": 4, "mlp_layers": 0, "n_untrained": 1},
    "08": {"models": ["minilm"], "max_layers": 2, "n_folds": 3, "n_fold_draws": 2, "n_permutations": 5, "n_boot": 50},
}
TYPED = {  # what students type in the blanks, and what they are told
    "01": {
        "share_right": ("share_right = 1.0", "1.1: you counted the three sentences"),
        "where_missed": (
            "where_missed = {way: one.held_out.mean() for way, one in trained[model_name].items()}",
            "1.2: these shares are of *all* items",
        ),
        "luck": (
            "luck = (looked[model_name].length - 1).mean() ** -np.arange(1.0, 9)",
            "1.3: this is the luck of *one* head",
        ),
    },
    "03": {"nearest": ("nearest = {-1: 1.0, 0: 1.0, 1: 1.0}", "3.1: every state finds its own token")},
    "08": {
        "thinned": (
            "thinned = {(share, label): scores(mappers.Ridge().fit(one, told).predict(one), told, world_folds)"
            " for share in (1.0, 0.5) for label, one in vectors.items()}",
            "8.1: both shares score alike",
        ),
        "by_formula": ("by_formula = 1 - (995**3 - 995) / (1000**3 - 1000)", "8.3: this is the ratio of the variances"),
    },
}


@pytest.mark.models
@pytest.mark.parametrize("number", TYPED)
def test_a_chapter_says_what_is_wrong_with_what_students_type(number: str, tmp_path: Path):
    """The copy is run whole, as it is marked; in each blank stands a mistake."""
    (path,) = ROOT.glob(f"notebooks/{number}_*.ipynb")
    notebook = student.copy(path, "student", SMALL[number])
    for name, (typed, _) in TYPED[number].items():
        next(cell for cell in notebook.cells if cell.source.startswith(f"{name} = ...")).source = typed
    found = errors(notebook, tmp_path)
    assert len(found) == len(TYPED[number])
    assert all(message.startswith(words) for message, (_, words) in zip(found, TYPED[number].values(), strict=True))
