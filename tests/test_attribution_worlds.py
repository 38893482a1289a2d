"""The wiring of the comparison of methods: which map, layer, position, text, seed each number comes from."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import spearmanr, ttest_rel

from explaint_lib import attention, planted
from explaint_lib.attribution import (
    AVERAGED,
    CAUSAL,
    LEVELS,
    MAPS,
    METHODS,
    RIVALS,
    compare_methods,
    layer_maps,
    method_maps,
    value_zeroing,
)
from explaint_lib.attribution import _compare as comparing
from explaint_lib.encoders import Encoding

N, LAYERS = 8, 3
STEPS = ("raw attention", *METHODS[3:6])


def encoding(causal: bool, seed: int = 0) -> Encoding:
    """Return a text of eight tokens and six words; of an encoder both ends are special, and no words."""
    special = np.array([not causal, *[False] * 6, not causal])
    words = np.array([0, 1, 1, 2, 3, 4, 4, 5] if causal else [-1, 0, 0, 1, 2, 3, 4, -1])
    ids = np.random.default_rng(seed).permutation(np.arange(10, 10 + N))
    if not causal:
        ids[[0, -1]] = 1, 2
    names = tuple(f"w{i}" for i in range(words.max() + 1))
    spans = np.zeros((N, 2), dtype=int)
    return Encoding("text", tuple(map(str, ids)), ids, special, words, names, spans, causal=causal)


class Reader:
    name, untrained, max_tokens = "reader", False, 99
    vocabulary = tuple(f"t{i}" for i in range(20))

    def __init__(self, causal: bool) -> None:
        self.causal = causal

    def tokenize(self, texts):
        return self.encode(texts)

    def encode(self, texts, *, hidden_states=False, attention=False):
        return [encoding(self.causal, seed) for seed in range(len(texts))]

    def describe(self):
        return {"name": self.name}


@pytest.fixture(params=[False, True], ids=["encoder", "decoder"])
def door(request, monkeypatch):
    """Fakes at the door: every method returns its own random maps, and what it was asked is noted."""
    notes = SimpleNamespace(asked=[], made=[], causal=request.param, reader=Reader(request.param))
    rng = np.random.default_rng(5)

    def maps(*shape):
        found = rng.random((*shape, N, N))
        return np.tril(found) if request.param else found

    def replacement_effect(model, ids, *, replacements, n_draws, rng):
        notes.asked.append(("exchange", n_draws, rng, replacements))
        notes.made.append(("exchange", maps(LAYERS + 1)))
        return notes.made[-1][1]

    def layer_maps(model, ids):
        notes.made.append(("layers", {name: maps(LAYERS) for name in STEPS}))
        return notes.made[-1][1]

    def method_maps(model, ids, *, layers, n_samples, rng):
        notes.asked.append(("methods", n_samples, rng, layers))
        notes.made.append(("methods", {name: maps() for name in METHODS}))
        return notes.made[-1][1]

    def value_ablation(model, ids):
        notes.made.append(("ablation", maps(LAYERS + 1)))
        return notes.made[-1][1]

    def layer_parts(model, ids):
        notes.made.append(("mixing", rng.random((LAYERS, N))))
        return [{"mixing": row} for row in notes.made[-1][1]]

    for fake in (replacement_effect, layer_maps, method_maps, value_ablation, layer_parts):
        monkeypatch.setattr(comparing, fake.__name__, fake)
    monkeypatch.setattr(comparing, "prepare", lambda encoder, ids: SimpleNamespace(ids=ids))
    monkeypatch.setattr(attention, "LayerParts", lambda *, mixing: mixing)
    monkeypatch.setattr(attention, "mixing_ratio", lambda mixing: mixing)
    return notes


def run(door, n_texts=1, **more):
    return compare_methods(door.reader, ["text"] * n_texts, **{"n_samples": 5, "n_draws": 4} | more)


def agreement_by_hand(one, other, keep, causal):
    """Return the mean over rows of Spearman's correlation of what stands beside the diagonal."""
    found = []
    for i in np.flatnonzero(keep):
        keys = [j for j in np.flatnonzero(keep) if j != i and (j < i or not causal)]
        if len(keys) >= 3:
            found.append(spearmanr(one[i, keys], other[i, keys])[0])
    return np.mean(found)


def test_each_map_is_its_own_methods_at_the_top_layer(door):
    found = run(door)
    (maps,) = found.maps
    made = dict(reversed(door.made))  # the first exchange of the two
    exchanged = [top for name, top in door.made if name == "exchange"]
    np.testing.assert_array_equal(maps["token exchanged"], exchanged[0][-1])
    np.testing.assert_array_equal(maps["exchanged again"], exchanged[1][-1])
    np.testing.assert_array_equal(maps["values ablated"], made["ablation"][-1])
    np.testing.assert_array_equal(maps["nearness"], attention.nearness(N, causal=door.causal))
    for name in METHODS:
        np.testing.assert_array_equal(maps[name], made["methods"][name])
    for name, step in zip(AVERAGED, STEPS, strict=True):
        np.testing.assert_allclose(maps[name], sum(made["layers"][step]) / LAYERS)
        assert name == f"{step}, mean of layers"
    assert tuple(maps) == MAPS
    (kind, n_samples, rng, layers) = door.asked[-1]
    assert (kind, n_samples) == ("methods", 5) and layers is made["layers"]
    assert [asked[1] for asked in door.asked[:2]] == [4, 4] and {id(asked[2]) for asked in door.asked} == {id(rng)}


def test_shares_are_those_of_ordinary_positions(door):
    """Sinks are both ends of an encoder's text, the first position of a decoder's."""
    found = run(door)
    made = dict(door.made)
    sinks = {0} if door.causal else {0, N - 1}
    plain = [i for i in range(N) if i not in sinks]
    np.testing.assert_allclose(found.kept[0], 1 - made["mixing"][:, plain].mean(axis=1))
    for name, steps in made["layers"].items():
        for layer, step in enumerate(steps):
            taken = sum(step[i, j] for i in plain for j in range(N) if j != i)
            credited = sum(step[i, j] for i in plain for j in sinks)
            assert found.sink[name][0, layer] == pytest.approx(credited / taken), name


def test_levels_leave_out_sinks_and_merge_pieces(door):
    found = run(door)
    (maps,), read = found.maps, encoding(door.causal)
    sinks = np.array([i == 0 or (i == N - 1 and not door.causal) for i in range(N)])
    one, other = "rollout", "token exchanged"
    for level, keep in (("tokens", ~sinks), ("tokens, all", np.ones(N, dtype=bool))):
        expected = agreement_by_hand(maps[one], maps[other], keep, door.causal)
        assert found.between(one, other, level)[0] == pytest.approx(expected), level
    words = {name: attention.to_words(maps[name], read.word_ids) for name in (one, other)}
    first = words[one][1]
    for level, keep in (("words", ~sinks[first]), ("words, all", np.ones(len(first), dtype=bool))):
        expected = agreement_by_hand(words[one][0], words[other][0], keep, door.causal)
        assert found.between(one, other, level)[0] == pytest.approx(expected), level
    assert len(set(first.tolist())) < N and set(found.agreement) == set(LEVELS)


def test_what_is_exchanged_is_no_special_token_and_another_one(door):
    run(door)
    replacements, read = door.asked[0][3], encoding(door.causal)
    rng = np.random.default_rng(0)
    for position in range(N):
        for _ in range(10):
            found = replacements(read.token_ids, position, rng)
            assert found != read.token_ids[position] and found not in read.token_ids[read.special]


def test_the_seed_draws_exchanges_and_directions(door):
    for seed in (0, 0, 1):
        run(door, seed=seed)
    draws = [asked[2].integers(10**9) for asked in door.asked if asked[0] == "methods"]
    assert draws[0] == draws[1] == np.random.default_rng(0).integers(10**9) != draws[2]


def test_each_test_is_of_its_own_level_method_rival_and_cause():
    """Each number of the agreement is another: all four names must be the right ones, and so must the sign."""
    rng = np.random.default_rng(0)
    agreement = {level: rng.normal(size=(9, len(MAPS), len(MAPS))) for level in LEVELS}
    tests = comparing._tests(agreement)
    for test in tests:
        cause = test["score"].removeprefix("agreement with ")
        assert cause in CAUSAL and test["control"] in RIVALS and test["n"] == 9
        level, column = agreement[test["level"]], MAPS.index(cause)
        own, other = (level[:, MAPS.index(test[name]), column] for name in ("method", "control"))
        by_hand = ttest_rel(own, other, alternative="greater")
        assert test["difference"] == pytest.approx((own - other).mean()) and test["df"] == 8
        assert test["p_value"] == pytest.approx(max(by_hand.pvalue, 2.0**-9))
        interval = ttest_rel(own, other).confidence_interval(0.95)
        assert (test["ci_low"], test["ci_high"]) == pytest.approx((interval.low, interval.high))
    named = {(test["level"], test["method"], test["control"], test["score"]) for test in tests}
    assert len(named) == len(tests)


def test_only_maps_of_weights_get_a_share_for_the_residual_when_rolled_out():
    """Two layers by hand: the plain product, and for rollout that of (A + I) / 2; nothing is counted twice."""
    world = planted.decoy(rng=np.random.default_rng(0))
    ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]  # four tokens stand apart from the first two
    steps = np.stack([np.eye(6)] * 2)
    steps[:, :2, :2] = [[[0.5, 0.5], [0.25, 0.75]], [[0.9, 0.1], [0.4, 0.6]]]
    layers = dict.fromkeys(STEPS, steps)
    found = method_maps(world, ids, layers=layers, n_samples=1, rng=np.random.default_rng(2))
    for name in ("norm-weighted", "ALTI", "value zeroing"):
        np.testing.assert_allclose(found[name][:2, :2], [[0.475, 0.525], [0.35, 0.65]], err_msg=name)
    # [[.95, .05], [.2, .8]] @ [[.75, .25], [.125, .875]]
    np.testing.assert_allclose(found["rollout"][:2, :2], [[0.71875, 0.28125], [0.25, 0.75]])
    np.testing.assert_allclose(found["raw attention"][:2, :2], [[0.9, 0.1], [0.4, 0.6]])
    flow = attention.flow(layers["raw attention"], residual=0.5)
    np.testing.assert_allclose(found["flow"], flow)
    assert not np.allclose(flow, attention.flow(layers["raw attention"], residual=0))


def test_the_diagonal_of_value_zeroing_is_what_a_position_reads_of_itself_and_no_residual():
    """The Decoy reads nothing: each state is its own by the residual connection, which value zeroing does not see."""
    world = planted.decoy(rng=np.random.default_rng(0))
    ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    assert np.array_equal(value_zeroing(world, ids), np.zeros((world.n_layers, 6, 6)))
    for found in layer_maps(world, ids)["norm-weighted"]:
        np.testing.assert_allclose(found, np.eye(6), atol=1e-6)


def test_rows_name_what_they_are(door):
    found = run(door, 2)
    rows = found.result.rows
    one = rows[(rows.metric == "agreement") & (rows.level == "words") & (rows.text == 1)]
    for row in one.itertuples():
        expected = found.agreement["words"][1, MAPS.index(row.method), MAPS.index(row.other)]
        assert row.value == expected and MAPS.index(row.method) < MAPS.index(row.other)
    kept = rows[rows.metric == "kept"].set_index(["text", "layer"]).value
    assert kept[1, 3] == found.kept[1, 2] and kept[0, 1] == found.kept[0, 0]
    sink = rows[rows.metric == "share_to_sinks"].set_index(["text", "method", "layer"]).value
    assert sink[1, "value zeroing", 2] == found.sink["value zeroing"][1, 1]
