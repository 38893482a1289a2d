"""A grid of experiments: refused when it makes no sense, computed once, the same table whatever happens on the way."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers_grid import WORDS, make_norms, make_world

from explaint_lib import _cache, encoders
from explaint_lib._common import ExplaintError
from explaint_lib.controls import CONDITIONS
from explaint_lib.experiments.grid import Grid, Model, _backends, _cells, _output, _plan, listing, read_grid, run_grid
from explaint_lib.experiments.table import run_table
from explaint_lib.metrics import METRICS
from explaint_lib.norms import load_norms
from explaint_lib.results import COLUMNS


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory):
    """The table of the whole grid, computed without a stop, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLAINT_CACHE", str(folder / "cache"))
        return run_grid(Grid(**world), out=folder / "table.csv"), folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("EXPLAINT_CACHE", str(folder))
    return folder


@pytest.fixture
def warm(whole, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(whole[1] / "cache"))


def written(folder) -> tuple[bytes, bytes]:
    return (folder / "table.csv").read_bytes(), (folder / "table.manifest.json").read_bytes()


# ---- what a grid may say


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"norms": []}, "norms: the list is empty"),
        ({"norms": [False]}, "norms: expected a name, found False .*quotes"),
        ({"norms": ["bundled", "bundled"]}, "norms: 'bundled' is listed twice"),
        ({"models": [3]}, "models: expected a name, found 3"),
        ({"models": {"nme": "minilm"}}, "models: the key: 'nme' .*name, revision, untrained.* mean 'name'"),
        ({"models": {"untrained": 1}}, "has no name"),
        ({"models": {"name": "minilm", "untrained": True}}, "seed of the random weights.*whole number from 0"),
        (
            {"layers": "lst"},
            """layers: a layer .* "last" or a whole number .* several "all" or "7 of all"; found 'lst'""",
        ),
        ({"layers": "1 of all"}, "found '1 of all'"),
        ({"layers": [-1]}, "layers: .*whole number from 0 .*; found -1"),
        ({"layers": [True]}, "found True"),
        ({"layers": [1.0]}, "found 1.0"),
        ({"mappers": "pls"}, "mappers: 'pls' is not one of plsr, ffnn, ridge, mean. Did you mean 'plsr'"),
        ({"components": [0]}, "components: expected a whole number from 1, found 0"),
        ({"components": [5], "mappers": "ridge"}, "only plsr has components"),
        ({"conditions": "sistem"}, "Did you mean 'system'"),
        ({"metrics": ["f1"]}, "metrics: 'f1' is not one of f1_at_10"),
        ({"seeds": [0, 0]}, "seeds: 0 is listed twice"),
        ({"folds": 1}, "folds: expected a whole number from 2, found 1"),
        ({"folds": [5]}, r"folds: expected a whole number from 2, found \[5\]"),
        ({"permutations": -1}, "permutations"),
        ({"bootstrap": 0}, "bootstrap"),
        ({"drop_missing": "no"}, "drop_missing: expected true or false"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(change, said):
    with pytest.raises(ExplaintError, match=said):
        Grid(**{"norms": "bundled", "models": "minilm"} | change)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("norm: bundled", "'norm' is not one of norms, models, .* Did you mean 'norms'"),
        ("norms: bundled", "models must be given"),
        ("{}", "norms and models must be given"),
        ("", "must hold lines"),
        ("- norms", "must hold lines"),
        ("norms: [", "no YAML"),
        ("norms: a\nmodels: b\nnorms: c", "no YAML: norms is given twice"),
        ("norms: a\nmodels: {name: b, name: c}", "name is given twice"),
        ("norms: !!python/name:os.system", "no YAML"),
    ],
)
def test_a_file_that_is_no_grid_is_refused(tmp_path, text, said):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(ExplaintError, match=f"grid.yaml.*{said}"):
        read_grid(path)


def test_all_that_is_wrong_with_a_grid_is_said_at_once(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("norms: bundled\nfoo: 1\nfolds: 1.5\nmappers: pls\nseeds: yes\n")
    with pytest.raises(ExplaintError) as fault:
        read_grid(path)
    wrong = ("'foo' is not one of", "models must be given", "folds: expected", "'pls' is not one of", "seeds: expected")
    assert all(part in str(fault.value) for part in wrong)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(ExplaintError, match="no grid file .*nowhere.yaml"):
        read_grid(tmp_path / "nowhere.yaml")
    with pytest.raises(ExplaintError, match="it is a folder"):
        read_grid(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("norms: caf\xe9".encode("latin1"))
    with pytest.raises(ExplaintError, match="no text in UTF-8"):
        read_grid(tmp_path / "latin.yaml")


def test_a_file_says_the_same_as_the_class(tmp_path, world):
    path = tmp_path / "grid.yaml"
    path.write_text(yaml.safe_dump(world))
    assert read_grid(path) == Grid(**world)
    assert dataclasses.replace(Grid(**world), seeds=1) == Grid(**world | {"seeds": 1})
    linear = Grid(norms="bundled", models="minilm", mappers="ridge")
    assert linear.components is None and dataclasses.replace(linear, layers="all").layers == ("all",)
    few = Grid(norms="bundled", models="minilm")
    assert few.norms == ("bundled",) and few.models == (Model("minilm"),) and few.components == (50,)
    assert few.conditions == tuple(CONDITIONS) and few.metrics == tuple(METRICS) and few.layers == ("last",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layers": [1, 7]}, r"a layer of .* from 0 \(the embeddings\) to 2.*; found 7"),
        ({"norms": "bundeld"}, "Did you mean 'bundled'"),
        ({"models": "/no/such/folder"}, "no folder or file"),
        ({"folds": 15}, "folds: 15 is more than the 14 words"),
    ],
)
def test_what_cannot_be_computed_is_refused_before_anything_is(world, cache, monkeypatch, change, said):
    monkeypatch.setattr(_cells, "compute", lambda *_: pytest.fail("a cell was computed"))
    with pytest.raises(ExplaintError, match=said):
        run_grid(Grid(**world | change))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backend": "dusk"}, "Did you mean 'dask'"),
        ({"jobs": 0}, "jobs"),
        ({"scheduler": "tcp://a:1"}, "needs the backend dask"),
        ({"out": "table.txt"}, r"written as .parquet or .csv"),
        ({"out": "/no/such/folder/table.csv"}, "folder /no/such/folder does not exist"),
    ],
)
def test_options_that_make_no_sense_are_refused_first(world, options, said):
    with pytest.raises(ExplaintError, match=said):
        run_grid(Grid(**world), **options)


def test_the_manifest_names_the_device_of_the_vectors(warm, world, monkeypatch):
    plan = dataclasses.replace(_plan.make_plan(Grid(**world)), device="mps")
    monkeypatch.setattr(_output, "one_vector", lambda plan: {})  # nothing was computed on such a device
    about = _output._manifest(plan)
    assert about["arguments"]["device"] == "mps" and {model["device"] for model in about["model"].values()} == {"mps"}


def test_vectors_of_another_device_are_kept_apart(world, cache):
    plan = _plan.make_plan(Grid(**world))
    (cell, *_) = plan.cells
    assert plan.device == "cpu"
    assert plan.vectors(cell).key != dataclasses.replace(plan, device="mps").vectors(cell).key
    with pytest.raises(ExplaintError, match="device must be cpu"):
        run_grid(Grid(**world), device="gpu")


# ---- the table


def test_the_rows_are_those_of_the_table_of_conditions(whole, world):
    frame = whole[0].rows
    norms = load_norms(world["norms"][0])
    X = encoders.load_encoder(world["models"][0]).word_vectors(norms.word_forms, layer=1)
    found = run_table(norms, X, mapper="plsr", components=2, folds=2, permutations=1, bootstrap=3, seed=0)
    cell = frame[frame.untrained_seed.isna() & (frame.layer == 1) & (frame.components == 2)]
    rows = found.rows.set_index(["condition", "metric"])
    assert set(zip(cell.condition, cell.metric, strict=True)) == {
        (condition, metric) for condition in world["conditions"] for metric in METRICS
    }
    for row in cell.itertuples():
        expected = rows.loc[(row.condition, row.metric)]
        for key in ("value", "ci_low", "ci_high", "n_words", "n_features"):
            assert getattr(row, key) == pytest.approx(expected[key], nan_ok=True), (row.condition, row.metric, key)


def test_each_test_stands_beside_the_condition_it_is_about(whole):
    found, folder = whole
    assert set(found.tests.control) == {"mean_profile"} and found.tests.p_value.notna().all()
    assert len(found.tests) == 18 * len(METRICS) and not {"p_value", "control"} & set(found.rows)
    table = pd.read_csv(folder / "table.csv").astype({name: COLUMNS[name] for name in ("untrained_seed", "components")})
    tested = table[table.n_permutations.notna()].rename(columns={"condition": "control"})
    assert set(table[table.p_value.notna()].condition) == {"mean_profile"}
    pd.testing.assert_frame_equal(tested[list(found.tests)].reset_index(drop=True), found.tests, check_dtype=False)


def test_the_order_and_the_number_of_cells_are_those_of_the_grid(whole, world):
    frame = whole[0].rows
    cells = frame.drop_duplicates(["untrained_seed", "layer", "mapper", "components"])
    expected = [
        [twin, layer, mapper, count]
        for twin, layer in itertools.product(("-", "0"), "012")
        for mapper, count in (("ridge", "-"), ("plsr", "1"), ("plsr", "2"))
    ]
    found = cells[["untrained_seed", "layer", "mapper", "components"]].astype("string").fillna("-").to_numpy().tolist()
    assert found == expected and len(frame) == 18 * 3 * len(METRICS)
    wanted = [(condition, metric) for condition in world["conditions"] for metric in METRICS]
    assert list(zip(frame.condition, frame.metric, strict=True)) == wanted * 18


def test_an_untrained_twin_has_other_vectors(whole):
    frame = whole[0].rows
    system = frame[(frame.condition == "system") & (frame["mapper"] == "ridge") & (frame.layer == 2)]
    trained, twin = (system[system.untrained_seed.isna() == missing].value.to_numpy() for missing in (True, False))
    assert not np.allclose(trained, twin)


def test_csv_and_parquet_hold_the_same_table(whole, warm, world, tmp_path):
    found, folder = whole
    assert run_grid(Grid(**world), out=tmp_path / "table.parquet").equals(found)
    parquet = pd.read_parquet(tmp_path / "table.parquet")
    assert parquet.dtypes.astype(str).to_dict() == {name: COLUMNS[name] for name in parquet}
    pd.testing.assert_frame_equal(parquet[list(found.rows)], found.rows)
    read = pd.read_csv(folder / "table.csv").astype(parquet.dtypes.to_dict())
    pd.testing.assert_frame_equal(read, parquet)


def test_the_manifest_says_what_the_table_was_made_from(whole, world):
    import hashlib

    table, about = written(whole[1])
    manifest = json.loads(about)
    assert manifest["table"]["sha256"] == hashlib.sha256(table).hexdigest()
    assert {key: manifest[key] for key in whole[0].manifest} == whole[0].manifest
    assert manifest["n_cells"] == 18 and manifest["arguments"]["folds"] == 2 and manifest["seed"] == [0]
    (data,), models = manifest["data"].values(), list(manifest["model"].values())
    assert data["fingerprint"] == load_norms(world["norms"][0]).fingerprint()
    assert [model["untrained"] for model in models] == [False, True] and len(manifest["code"]) == 64


def test_metrics_are_chosen_when_the_table_is_made_not_when_it_is_computed(warm, world, whole, monkeypatch):
    monkeypatch.setattr(_cells, "compute", lambda *_: pytest.fail("a cell was computed again"))
    few = run_grid(Grid(**world | {"metrics": ["retrieval_at_10"]}))
    for name in ("rows", "tests"):
        every = getattr(whole[0], name)
        every = every[every.metric == "retrieval_at_10"].reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(few, name), every)


# ---- the cache


def test_nothing_is_computed_twice(warm, world, whole, monkeypatch):
    monkeypatch.setattr(_cells, "compute", lambda *_: pytest.fail("a cell was computed again"))
    assert run_grid(Grid(**world)).equals(whole[0])
    assert all(done for _, done in listing(Grid(**world)))
    more = listing(Grid(**world | {"seeds": [0, 1]}))
    assert [done for cell, done in more] == [cell.seed == 0 for cell, _ in more]


def test_every_part_of_a_cell_is_part_of_its_key(warm, world):
    plan = _plan.make_plan(Grid(**world))
    cell = plan.cells[0]
    other = {
        "norms": None, "model": plan.cells[-1].model, "layer": 1, "mapper": "plsr", "components": 2, "seed": 5,
        "folds": 3, "permutations": 2, "bootstrap": 9, "conditions": ("system",),
    }  # fmt: skip
    assert set(other) == {field.name for field in dataclasses.fields(cell)}
    files = [plan.entry(dataclasses.replace(cell, **{key: value})) for key, value in other.items() if value is not None]
    assert len({plan.entry(cell), *files}) == len(files) + 1


def test_the_key_knows_data_code_and_versions(warm, world, tmp_path, monkeypatch):
    before = _plan.make_plan(Grid(**world))
    other = make_norms(tmp_path / "scales.csv", seed=1)
    after = _plan.make_plan(Grid(**world | {"norms": [str(other)]}))
    assert before.entry(before.cells[0]) != after.entry(dataclasses.replace(after.cells[0]))
    key = before.entry(before.cells[0])
    with monkeypatch.context() as patch:
        patch.setattr(_plan, "made_by", lambda: {"code": "another"})
        assert before.entry(before.cells[0]) != key
    with monkeypatch.context() as patch:
        patch.setattr(_plan, "code_hash", lambda module: "another")
        assert before.entry(before.cells[0]) != key
    assert before.entry(before.cells[0]) == key


def test_the_code_of_a_cell_is_what_it_can_reach(tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    files = {
        "__init__.py": "", "start.py": "from explaint_lib.room import near\n", "apart.py": "x = 1\n",
        "room/__init__.py": "", "room/near.py": "def f():\n    from . import far\n", "room/far.py": "y = 1\n",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(_cache, "_ROOT", tmp_path)

    def found():
        _cache.code_hash.cache_clear()
        return _cache.code_hash("explaint_lib.start")

    first = found()
    for name in ("apart.py", "room/near.py", "room/far.py", "room/__init__.py", "__init__.py"):
        (tmp_path / name).write_text(files[name] + "# changed\n")
        assert (found() == first) == (name == "apart.py"), name
        (tmp_path / name).write_text(files[name])
    assert found() == first
    (room / "__init__.py").write_text("import pkgutil\nfor module in pkgutil.iter_modules(__path__):\n    ...\n")
    first = found()  # such a room imports whatever lies in it, as that of metrics does
    (room / "own.py").write_text("z = 1\n")
    assert first != found()
    monkeypatch.undo()
    _cache.code_hash.cache_clear()


def test_the_code_of_a_cell_reaches_what_scores_it_and_no_widget(monkeypatch):
    reached = set()
    source = _cache._source
    monkeypatch.setattr(_cache, "_source", lambda name: reached.add(name) or source(name))
    _cache.code_hash.cache_clear()
    _cache.code_hash(_cells.__name__)
    reached = {name for name in reached if source(name)}
    rooms = {name.split(".")[1] for name in reached if "." in name}
    assert {"table", "_significance", "_cells"} <= {name.rpartition(".")[2] for name in reached}
    assert {"controls", "mappers", "metrics", "inference", "norms"} <= rooms
    assert not {"widgets", "plotting", "attention", "cli"} & rooms


def test_a_result_of_another_version_is_thrown_away(warm, world):
    plan = _plan.make_plan(Grid(**world))
    stranger = plan.result(plan.cells[0]) | {"made_by": _cells.made_by() | {"code": "another"}}
    with pytest.raises(ExplaintError, match="another code than this process.*thrown away"):
        plan.keep(plan.cells[0], stranger)


def test_inputs_stay_as_they_were(warm, world):
    plan = _plan.make_plan(Grid(**world))
    cell, norms, X = plan.task(plan.cells[-1])
    X.flags.writeable = False  # as joblib hands large arrays to its processes
    assert _cells.compute(cell, norms, X)["rows"] == plan.result(cell)["rows"]


# ---- stopped, killed, resumed


def test_dying_at_any_write_changes_nothing(world, tmp_path, monkeypatch):
    """The process dies at its first write, at its second, ...; every start goes on, and the end is the same."""
    small = world | {"layers": [0, 2], "mappers": "ridge", "components": None, "metrics": ["retrieval_at_10"]}
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "unbroken"))
    run_grid(Grid(**small), out=tmp_path / "table.csv")
    expected = written(tmp_path)
    for file in ("table.csv", "table.manifest.json"):
        (tmp_path / file).unlink()
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "broken"))
    replace, deaths = os.replace, 0

    def dying(*paths):
        writes.append(paths)
        if len(writes) == 2:  # one write succeeds, the next one dies before and the run with it
            raise KeyboardInterrupt
        replace(*paths)

    for _ in range(30):
        writes = []
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", dying)
            try:
                run_grid(Grid(**small), out=tmp_path / "table.csv")
                break
            except KeyboardInterrupt:
                deaths += 1
    run_grid(Grid(**small), out=tmp_path / "table.csv")
    assert deaths >= 8 and written(tmp_path) == expected
    leftovers = [path for path in (tmp_path / "broken").rglob("*") if path.name.startswith(".")]
    assert leftovers == []


# ---- words without a vector


def test_words_a_static_model_lacks_are_named_or_left_out_for_all(world, cache, monkeypatch):
    known = [word for word in WORDS if word not in ("xyz", "don")]
    table = np.random.default_rng(0).normal(size=(len(known), 5)).astype(np.float32)
    static = encoders.StaticVectors(table, known, name="lookup", revision="r")
    load = encoders.load_vectors
    monkeypatch.setattr(
        encoders, "load_vectors", lambda name, **options: static if name == "lookup" else load(name, **options)
    )
    about, found = encoders.outline, encoders.Outline("lookup", "r", 0, static.unknown_words, static.describe())
    monkeypatch.setattr(
        encoders, "outline", lambda name, **options: found if name == "lookup" else about(name, **options)
    )
    asked = world | {"models": [world["models"][0], "lookup"], "layers": "last", "mappers": "ridge", "components": None}
    with pytest.raises(ExplaintError, match="lookup has no vector for 2 of the 14 words .*don, xyz.*drop_missing"):
        run_grid(Grid(**asked))
    frame = run_grid(Grid(**asked, drop_missing=True), out=cache.parent / "table.csv").rows
    assert set(frame.n_words) == {12} and set(frame.model) == {world["models"][0], "lookup"}
    manifest = json.loads((cache.parent / "table.manifest.json").read_text())
    assert manifest["dropped_words"] == {world["norms"][0]: ["don", "xyz"]}


# ---- backends


def test_the_dask_backend_says_what_it_needs(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ExplaintError, match="extra cluster"):
        list(_backends.run(divmod, [(7, 2)], backend="dask", jobs=1, scheduler=None))


def test_a_fault_in_a_cell_keeps_its_own_message():
    with pytest.raises(ZeroDivisionError):
        list(_backends.run(divmod, [(7, 0)], backend="joblib", jobs=1, scheduler=None))


def test_a_target_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(ExplaintError, match="it is a folder"):
        _output.checked_target(tmp_path / "a.csv")


def test_words_of_one_vector_are_named_by_a_sweep(world, cache, tmp_path, caplog):
    table = pd.read_csv(world["norms"][0])
    table.loc[len(table)] = ["Robin", *range(1, 12)]  # the same to a model without case
    table.to_csv(tmp_path / "twice.csv", index=False)
    small = {"norms": str(tmp_path / "twice.csv"), "models": world["models"][0], "layers": [0], "mappers": "mean"}
    for _ in range(2):  # computed, and read from the cache
        run_grid(Grid(**small, folds=2, permutations=0, bootstrap=3), out=tmp_path / "table.csv")
        assert "robin = Robin" in caplog.text
        caplog.clear()
        found = json.loads((tmp_path / "table.manifest.json").read_text())["words_of_one_vector"]
        assert list(found.values()) == [[["robin", "Robin"]]] and list(found)[0].endswith("layer 0")
