"""Twins of a model: what each kind keeps and what it destroys, how first weights are drawn, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers_models import TEXTS, save_tiny_bert, save_tiny_llama

from explaint_lib import encoders, planted
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _contract, _load, _twins
from explaint_lib.encoders._find import Source
from explaint_lib.experiments.hypernymy import _pair_attention as reading
from explaint_lib.relations import Sentence

PERMUTED = {"untrained": True, "twin": "permuted_weights"}


def trained(folder: Path, save) -> Path:
    """Save a tiny model whose every tensor, biases and layer norms too, holds different values."""
    from safetensors.numpy import load_file, save_file

    save(folder)
    rng = np.random.default_rng(0)
    tensors = load_file(folder / "model.safetensors")
    other = {name: rng.normal(0.05, 0.1, size=values.shape).astype(np.float32) for name, values in tensors.items()}
    save_file(other, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module", params=[save_tiny_bert, save_tiny_llama], ids=["bert", "llama"])
def folder(request, tmp_path_factory) -> Path:
    return trained(tmp_path_factory.mktemp("trained"), request.param)


@pytest.fixture(scope="module")
def original(folder):
    return encoders.load_encoder(str(folder))


def tensors(model) -> dict[str, np.ndarray]:
    """Return the weights by name; not those of a pooler, which is no part of the states and in no file here."""
    found = model.named_parameters(remove_duplicate=False)
    return {name: weights.detach().numpy().copy() for name, weights in found if not name.startswith("pooler.")}


# --- permuted weights


def test_permuted_weights_keep_the_values_of_every_tensor_and_lose_their_places(folder, original):
    twin = encoders.load_encoder(str(folder), **PERMUTED)
    before, after = tensors(original.model), tensors(twin.model)
    assert before.keys() == after.keys() and {values.ndim for values in after.values()} == {1, 2}
    for name, values in before.items():  # matrices and embeddings, biases and gains of layer norms alike
        np.testing.assert_array_equal(np.sort(after[name].ravel()), np.sort(values.ravel()))
        assert (after[name] == values).mean() < 0.2, name


def test_rows_and_columns_do_not_survive(original, folder):
    """The whole matrix is shuffled: no row keeps its values, as it would if rows or columns alone were permuted."""
    before, after = original.embedding_matrix(), encoders.load_encoder(str(folder), **PERMUTED).embedding_matrix()
    for axis in (0, 1):
        kept = {tuple(np.sort(line)) for line in np.moveaxis(before, axis, 0)}
        assert not kept.intersection(tuple(np.sort(line)) for line in np.moveaxis(after, axis, 0))


def test_each_tensor_is_permuted_by_itself():
    """Two tensors that were equal, as a gain and an offset may be, are not put into one order."""
    import torch

    values = torch.arange(500.0)
    model = torch.nn.ParameterList([torch.nn.Parameter(values.clone()) for _ in range(2)])
    _twins.permute_weights(model, 0)
    one, other = (weights.detach().numpy() for weights in model)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2 and (one == other).mean() < 0.1


def test_what_was_tied_stays_tied_and_is_permuted_once():
    import torch

    model = torch.nn.ModuleDict({"embed": torch.nn.Embedding(50, 8), "head": torch.nn.Linear(8, 50, bias=False)})
    model["head"].weight = model["embed"].weight
    model.register_buffer("table", torch.arange(30.0))
    before = tensors(model)["embed.weight"]
    once = np.random.default_rng(3).permuted(before)
    _twins.permute_weights(model, 3)
    assert model["head"].weight is model["embed"].weight
    np.testing.assert_array_equal(tensors(model)["head.weight"], once)
    assert torch.equal(model.get_buffer("table"), torch.arange(30.0))


def test_a_seed_repeats_the_permutation_two_differ_and_no_random_state_moves(folder):
    import torch

    torch.manual_seed(5)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    twins = [tensors(encoders.load_encoder(str(folder), seed=seed, **PERMUTED).model) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), states[0]) and (np.random.get_state()[1] == states[1]).all()
    for name, values in twins[0].items():
        np.testing.assert_array_equal(values, twins[1][name])
        assert (values != twins[2][name]).any(), name


def test_the_twin_reads_the_same_tokens_and_gives_other_states_and_attention(folder, original):
    twin = encoders.load_encoder(str(folder), **PERMUTED)
    ours, theirs = twin.encode(TEXTS[:1])[0], original.encode(TEXTS[:1])[0]
    assert ours.tokens == theirs.tokens and ours.hidden_states.shape == theirs.hidden_states.shape
    assert np.abs(ours.hidden_states - theirs.hidden_states).max() > 0.1
    assert np.abs(ours.attention - theirs.attention).max() > 1e-3
    assert (twin.untrained, twin.twin, twin.seed) == (True, "permuted_weights", 0) and "permuted weights" in repr(twin)
    assert (original.untrained, original.twin, original.seed) == (False, None, None)


def test_permuted_weights_need_whole_weights_and_an_initialised_twin_none(tmp_path):
    broken = trained(tmp_path / "bert", save_tiny_bert)
    (broken / "model.safetensors").write_bytes(b"")
    assert encoders.load_encoder(str(broken), untrained=True).twin == "initialised"
    with pytest.raises(ExplaintError, match="not whole"):
        encoders.load_encoder(str(broken), **PERMUTED)


@pytest.mark.parametrize("load", [encoders.load_encoder, encoders.load_vectors, encoders.outline])
def test_a_twin_that_is_none_is_refused_with_the_names_of_those_there_are(load, folder):
    with pytest.raises(ExplaintError, match="twin must be initialised or permuted_weights, found 'shuffled'"):
        load(str(folder), untrained=True, twin="shuffled")
    with pytest.raises(ExplaintError, match="untrained=False; say untrained=True"):
        load(str(folder), twin="permuted_weights")


# --- planted worlds: what the heads do is in the arrangement of their weights


def permuted_world(world: planted.PlantedTransformer, seed: int) -> planted.PlantedTransformer:
    """Return the world with its weights permuted by the library's own function."""
    import torch

    def module(holder, names):
        return torch.nn.ParameterDict({name: torch.nn.Parameter(torch.tensor(getattr(holder, name))) for name in names})

    parts = [module(world, ("embedding", "position"))]
    parts += [module(layer, [field.name for field in fields(layer)]) for layer in world.layers]
    _twins.permute_weights(torch.nn.ModuleList(parts), seed)
    first, *layers = ({name: weights.detach().numpy() for name, weights in part.items()} for part in parts)
    return replace(world, **first, layers=tuple(type(world.layers[0])(**weights) for weights in layers))


@pytest.mark.parametrize("name", ["keeper", "rotator", "mover", "decoy", "sink"])
def test_planted_heads_look_where_they_were_made_to_and_their_permuted_twins_anywhere(name):
    world = getattr(planted, name)(rng=np.random.default_rng(1))
    ids = world.sample(60, 12, rng=np.random.default_rng(2))
    _, maps = world.forward_ids(ids)
    aim = maps.argmax(axis=-1)[..., None]
    assert maps.max(axis=-1).mean() > 0.85
    for seed in range(3):
        _, theirs = permuted_world(world, seed).forward_ids(ids)
        assert np.take_along_axis(theirs, aim, axis=-1).mean() < 2 / 12


def test_the_mover_no_longer_moves_its_words_and_the_rotator_no_longer_keeps_them_apart():
    def own_share(world):
        ids = world.sample(60, 12, rng=np.random.default_rng(2))
        return np.einsum("bii->", world.sources(ids)[:, -1]) / ids.size

    mover, rotator = (make(rng=np.random.default_rng(1)) for make in (planted.mover, planted.rotator))
    assert own_share(mover) < 0.01 and own_share(rotator) > 0.99
    for seed in range(3):
        assert own_share(permuted_world(mover, seed)) > 0.3
        assert own_share(permuted_world(rotator, seed)) < 0.3


# --- how the first weights are drawn


@pytest.fixture
def source(tmp_path) -> Source:
    return Source(save_tiny_llama(tmp_path / "llama"), "r")


def configure(folder: Path, **settings) -> None:
    import json

    file = folder / "config.json"
    said = json.loads(file.read_text()) | settings
    file.write_text(json.dumps({name: value for name, value in said.items() if value is not None}))


def deviation(model) -> float:
    return float(np.concatenate([v.ravel() for v in tensors(model).values() if v.ndim == 2]).std())


def test_a_twin_is_drawn_with_what_the_file_says(source):
    configure(source.folder, initializer_range=0.1)
    assert deviation(_load.untrained_model(source, 0)) == pytest.approx(0.1, rel=0.03)
    twin = encoders.load_encoder(str(source.folder), untrained=True)
    assert twin.initialisation == {"initializer_range": {"value": 0.1, "said_by": "file"}} and not twin.limits


def test_the_record_of_a_bundled_model_counts_before_its_file(source):
    """The file of smollm2 as converted says .02, because the GGUF said nothing."""
    pinned = replace(source, initialisation={"initializer_range": 1 / 24})
    assert deviation(_load.untrained_model(source, 0)) == pytest.approx(0.02, rel=0.03)
    assert deviation(_load.untrained_model(pinned, 0)) == pytest.approx(1 / 24, rel=0.03)
    assert _load.initialisation(pinned) == {"initializer_range": {"value": 1 / 24, "said_by": "record"}}


def test_a_file_that_forgets_is_named_with_what_is_used_in_its_place(source):
    configure(source.folder, initializer_range=None)
    twin = encoders.load_encoder(str(source.folder), untrained=True)
    assert twin.initialisation == {"initializer_range": {"value": 0.02, "said_by": "architecture"}}
    (limit,) = twin.limits
    assert "does not say initializer_range" in limit and "0.02" in limit
    said = encoders.load_encoder(str(source.folder)).describe()  # the manifest of a run holds the trained model's
    assert said["initialisation"] == twin.initialisation and limit in said["limits"]
    (finding,) = (one for one in encoders.examine_model(str(source.folder))[1] if one.check == "untrained twin")
    assert finding.result == "limited" and finding.said == limit
    assert limit in encoders.outline(str(source.folder), load=True).measured["limits"]


def test_a_gguf_file_never_says_how_weights_were_drawn(tmp_path):
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(2)
    writer.add_feed_forward_length(48)
    writer.add_head_count(4)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = Source(tmp_path, "r", gguf="m.gguf")
    assert _load.initialisation(found) == {"initializer_range": {"value": 0.02, "said_by": "architecture"}}
    candidate = _contract.Candidate("m.gguf", found, "cpu", "initialised", 0)
    said = _contract._initialisation(candidate)
    assert isinstance(said, encoders.Limited) and "does not say initializer_range" in said
    pinned = replace(found, initialisation={"initializer_range": 1 / 24})
    assert _load.initialisation(pinned)["initializer_range"] == {"value": 1 / 24, "said_by": "record"}


def test_every_setting_that_decides_is_found_and_no_other():
    names = {"initializer_range": 0.1, "init_std": 0.2, "layer_scale_init_value": 1, "initializer_factor": 1.0}
    more = {"ctc_zero_infinity": 1, "hidden_size": 8, "use_init": True, "init_scheme": "normal"}
    inner = SimpleNamespace(attribute_map={"range_of_weights": "init_std"}, to_dict=lambda: names | more)
    config = SimpleNamespace(get_text_config=lambda: inner)
    said: Mapping = {"range_of_weights": 0.2, "text_config": {"initializer_factor": 1.0}, "initializer_range": 0.02}
    found = _twins.initialisation(config, said, {"initializer_range": 0.1})
    assert {name: one["said_by"] for name, one in found.items()} == {
        "initializer_range": "record", "init_std": "file", "layer_scale_init_value": "architecture",
        "initializer_factor": "file",
    }  # fmt: skip


def test_bundled_models_say_how_they_were_initialised():
    assert encoders.MODELS["smollm2"].initialisation == {"initializer_range": 0.041666666666666664}
    assert encoders.MODELS["minilm"].initialisation == {}  # its config.json says .02


@pytest.mark.models
def test_the_twins_of_the_bundled_models_have_the_spread_of_their_first_weights():
    for name, expected, by in (("smollm2", 1 / 24, "record"), ("minilm", 0.02, "file")):
        twin = encoders.load_encoder(name, untrained=True)
        assert twin.initialisation == {"initializer_range": {"value": expected, "said_by": by}} and not twin.limits
        for key, values in tensors(twin.model).items():
            if values.ndim == 2:
                assert values.std() == pytest.approx(expected, rel=0.02), (name, key)


@pytest.mark.models
def test_a_gguf_of_ones_own_is_drawn_by_default_and_says_so():
    path = next(encoders.MODELS["smollm2"].folder.glob("*.gguf"))
    twin = encoders.load_encoder(str(path), untrained=True)
    assert twin.embedding_matrix().std() == pytest.approx(0.02, rel=0.02)
    assert "does not say initializer_range" in twin.limits[0]


# --- what a cache must know


def test_the_key_of_a_cached_result_knows_which_twin(folder, original, monkeypatch):
    keys = []
    models = [original, *(encoders.load_encoder(str(folder), untrained=True, twin=twin) for twin in encoders.TWINS)]
    for model in models:
        n = 2 * model.n_layers * model.n_heads + 4
        monkeypatch.setattr(
            reading, "kept", lambda room, about, compute, *, code, n=n: keys.append(about) or np.zeros((1, n))
        )
        reading.pair_attention(model, [Sentence("A robin is a bird.", (2, 7), (13, 17))])
    identities = [{**key["encoder"], "revision": "", "seed": 0, "untrained": True} for key in keys]
    assert len({repr(identity) for identity in identities}) == 3  # by the twin itself, whatever the files' hash


def test_the_key_changes_with_the_initialisation(source):
    """Other first weights are another twin: a pinned value that changes leaves no old result behind."""
    found = []
    for value in (0.02, 0.05):
        configure(source.folder, initializer_range=value)
        found.append(encoders.load_encoder(str(source.folder), untrained=True).identity())
    assert found[0]["initialisation"] != found[1]["initialisation"]


def test_what_was_measured_of_one_twin_is_not_said_of_another(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    said = {
        twin: encoders.outline(str(folder), untrained=True, twin=twin, load=True).measured for twin in encoders.TWINS
    }
    again = {twin: encoders.outline(str(folder), untrained=True, twin=twin).measured for twin in encoders.TWINS}
    assert {twin: measured["twin"] for twin, measured in said.items()} == {twin: twin for twin in encoders.TWINS}
    assert {twin: measured["twin"] for twin, measured in again.items()} == {twin: twin for twin in encoders.TWINS}
