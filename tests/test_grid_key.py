"""A cache filled by a run that differs in one thing gives nothing to the next: for every ingredient of the key."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np
import pytest

from explaint_lib import _cache, encoders
from explaint_lib.encoders import Outline
from explaint_lib.experiments.grid import Grid, _backends, _cells, _plan, listing, run_grid
from explaint_lib.metrics import METRICS
from explaint_lib.norms import FeatureNorms

ASKED = {
    "norms": ["scales"], "models": ["toy"], "layers": [1], "mappers": ["plsr"], "components": [1], "seeds": [0],
    "conditions": ["system", "shuffled", "mean_profile"], "folds": 2, "permutations": 3, "bootstrap": 7,
}  # fmt: skip
WORDS = tuple(
    ["robin", "trout", "bird", "truck", "fire", "small", "swim", "red", "sang", "don", "the", "cafe", "xyz", "owl"]
)


def norms(seed: int = 0, words: tuple[str, ...] = WORDS, kind: str = "dense") -> FeatureNorms:
    values = np.random.default_rng(seed).random((len(words), 12)) + 0.1
    features = tuple(f"scale_{j}" for j in range(12))
    return FeatureNorms(
        name="scales", words=words, features=features, values=values, kind=kind, source="planted", human=False
    )


def cells_of(found: FeatureNorms) -> FeatureNorms:
    """Return the same norms, but for two ratings of one scale that have changed places."""
    values = np.array(found.values)
    values[[0, 1], 0] = values[[1, 0], 0]
    return dataclasses.replace(found, values=values)


class Reader:
    """A model whose vector of a word depends on the word, the layer, its weights and where it runs."""

    def __init__(self, about: str) -> None:
        self.about = about

    def word_vectors(self, words, *, layer, progress):
        assert layer == "all"
        keys = [[zlib.crc32(f"{self.about} {at} {word}".encode()) for word in words] for at in range(3)]
        return np.array([[np.random.default_rng(key).normal(size=5) for key in of_layer] for of_layer in keys])


@pytest.fixture
def door(monkeypatch):
    """Fakes at the door: norms and models are what `state` says, cells are computed in this process."""
    state = {"norms": norms(), "commit": "one", "loads": []}

    def outline(name, *, load, progress, revision=None, untrained=False, seed=0):
        return Outline(
            name, f"{name} {revision} {state['commit']}", 2, lambda words: [], {"name": name, "family": "encoder"}
        )

    def load(name, *, device, revision=None, untrained=False, seed=0):
        state["loads"].append((name, revision, device, untrained, seed))
        return Reader(f"{name} {revision} {state['commit']} {untrained} {seed} {device}")

    def run(compute, tasks, *, backend, jobs, scheduler):
        yield from ((task[0], compute(*task)) for task in tasks)

    monkeypatch.setattr(encoders, "outline", outline)
    monkeypatch.setattr(encoders, "load_vectors", load)
    monkeypatch.setattr(encoders, "resolve_device", lambda device: device)
    monkeypatch.setattr("explaint_lib.norms.load_norms", lambda name: state["norms"])
    monkeypatch.setattr(_backends, "run", run)
    return state


def state_change(**change):
    """Return a change of the world that a grid's text does not show."""
    return lambda door: door.update({key: make() for key, make in change.items()}) or {}


INGREDIENTS = {
    "data": state_change(norms=lambda: norms(seed=1)),
    "two cells of the data": state_change(norms=lambda: cells_of(norms())),
    "kind of data": state_change(norms=lambda: norms(kind="sparse")),
    "words": state_change(norms=lambda: norms(words=(*WORDS[:-1], "axe"))),
    "order of the words": state_change(norms=lambda: norms().subset(words=WORDS[::-1])),
    "commit of the model": state_change(commit=lambda: "two"),
    "model": lambda door: {"models": ["other"]},
    "revision": lambda door: {"models": [{"name": "toy", "revision": "r"}]},
    "untrained": lambda door: {"models": [{"name": "toy", "untrained": 0}]},
    "layer": lambda door: {"layers": [2]},
    "mapper": lambda door: {"mappers": ["ridge"], "components": None},
    "components": lambda door: {"components": [2]},
    "seed": lambda door: {"seeds": [1]},
    "folds": lambda door: {"folds": 3},
    "permutations": lambda door: {"permutations": 4},
    "bootstrap": lambda door: {"bootstrap": 8},
}


@pytest.mark.parametrize("ingredient", INGREDIENTS)
def test_a_cache_filled_with_one_ingredient_changed_gives_nothing(ingredient, door, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "filled"))
    first = run_grid(Grid(**ASKED))
    asked = Grid(**ASKED | INGREDIENTS[ingredient](door))
    assert [done for _, done in listing(asked)] == [False]
    filled = run_grid(asked)
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "empty"))
    clean = run_grid(asked)
    assert filled.equals(clean) and not first.rows.equals(clean.rows)


def test_two_twins_and_two_devices_have_numbers_of_their_own(door, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "filled"))
    twins = [run_grid(Grid(**ASKED | {"models": {"name": "toy", "untrained": seed}})).rows for seed in (0, 1)]
    devices = [run_grid(Grid(**ASKED), device=device).rows for device in ("cpu", "mps")]
    values = [rows[rows.condition == "system"]["value"].tolist() for rows in (*twins, *devices)]
    assert len({tuple(of_run) for of_run in values}) == 4
    loads = [("cpu", True, 0), ("cpu", True, 1), ("cpu", False, 0), ("mps", False, 0)]
    assert door["loads"] == [("toy", None, *load) for load in loads]


def test_conditions_of_a_cell_are_those_asked_for(door, tmp_path, monkeypatch):
    """A cell that was computed without a condition cannot give its rows."""
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    run_grid(Grid(**ASKED | {"conditions": ["system"]}))
    found = run_grid(Grid(**ASKED))
    assert set(found.rows.condition) == set(ASKED["conditions"]) and set(found.tests.control) == {
        "shuffled",
        "mean_profile",
    }


PATCHES = {
    "code of a cell": (_cells, "code_hash", lambda module: "another"),
    "version of the library": (_cells, "__version__", "9.9"),
    "versions, of a cell": (_cells, "computer", lambda: {"versions": {"numpy": "9"}}),
    "code of the encoders": (_plan, "code_hash", lambda module: "another"),
    "versions, of vectors": (_plan, "computer", lambda: {"versions": {"numpy": "9"}}),
    "what a cell is made by": (_plan, "made_by", lambda: {"code": "another"}),
    "graphics processor": (encoders, "gpu_name", lambda device: "H900"),
    "metrics": (_plan, "METRICS", METRICS | {"another": None}),
}


@pytest.mark.parametrize("ingredient", PATCHES)
def test_other_code_versions_and_processors_are_computed_anew(ingredient, door, tmp_path, monkeypatch):
    """A patched version changes no number; that the cell would be computed again is what can be seen."""
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    run_grid(Grid(**ASKED))
    assert [done for _, done in listing(Grid(**ASKED))] == [True]
    before = list(tmp_path.rglob("*.npy"))
    plan = _plan.make_plan(Grid(**ASKED))
    there = plan.vectors(plan.cells[0]).path
    assert before == [there]
    where, name, value = PATCHES[ingredient]
    monkeypatch.setattr(where, name, value)
    assert [done for _, done in listing(Grid(**ASKED))] == [False]
    of_vectors = ingredient in ("code of the encoders", "versions, of vectors", "graphics processor")
    assert (plan.vectors(plan.cells[0]).path != there) == of_vectors


@pytest.mark.parametrize("library", _cache._LIBRARIES)
def test_every_library_that_computes_is_part_of_the_versions(library, monkeypatch):
    before = _cells.made_by()
    monkeypatch.setattr(_cache, "_version", lambda name: "9.9" if name == library else "1")
    after = _cells.made_by()
    assert after["versions"][library] == "9.9" and after != before
    assert set(after["versions"]) == {"python", *_cache._LIBRARIES}
    assert {"numpy", "scipy", "scikit-learn", "torch", "transformers"} <= set(_cache._LIBRARIES)


def test_machine_and_processor_are_part_of_what_a_cell_is_made_by(monkeypatch):
    found = [_cells.made_by()]
    for where, value in (("platform.machine", "vax"), ("platform.system", "BeOS"), ("platform.python_version", "9")):
        with monkeypatch.context() as patch:
            patch.setattr(where, lambda value=value: value)
            found.append(_cells.made_by())
    monkeypatch.setattr(_cache, "_processor", lambda: ("abacus",))
    found.append(_cells.made_by())
    assert len({repr(made) for made in found}) == 5


def test_a_cell_is_computed_with_its_own_numbers(monkeypatch):
    asked = {}

    class Found:
        manifest = {"words_of_one_vector": []}

        def to_dict(self):
            return {"rows": [], "tests": []}

    monkeypatch.setattr(_cells, "run_table", lambda *given, **more: asked.update(more, given=given) or Found())
    model = Grid(**ASKED).axes.models[0]
    cell = _cells.Cell("scales", model, 2, "plsr", 7, 5, 4, 6, 9, ("system", "chance"))
    data, X = norms(), np.ones((14, 2))
    assert _cells.compute(cell, data, X)["made_by"] == _cells.made_by()
    given = asked.pop("given")
    assert given[0] is data and given[1] is X
    expected = {"model": "toy", "layer": 2, "mapper": "plsr", "components": 7, "seed": 5, "folds": 4}
    assert asked == expected | {"permutations": 6, "bootstrap": 9, "conditions": ("system", "chance")}


def test_each_layer_and_each_norms_has_vectors_of_its_own(door, tmp_path, monkeypatch):
    """All layers come from one pass of the model; each cell is given those of its own layer and words."""
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    plan = _plan.make_plan(Grid(**ASKED | {"layers": "all", "models": ["toy", "other"]}))
    plan.make_vectors(plan.cells)
    assert len(door["loads"]) == 2 and len(plan.cells) == 6
    for cell in plan.cells:
        given, data, X = plan.task(cell)
        expected = Reader(f"{cell.model.name} None one False 0 cpu").word_vectors(WORDS, layer="all", progress=False)
        assert given is cell and data is door["norms"]
        np.testing.assert_array_equal(X, expected[cell.layer])
