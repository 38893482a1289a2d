"""Planted faults: they are where they are said to be, they leave again, and each tool sees only what it may see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers_models import save_tiny_bert, save_tiny_llama

from explaint_lib import attribution, encoders, planted
from explaint_lib._common import ExplaintError
from explaint_lib.experiments import faults
from explaint_lib.experiments.faults import KINDS, TOOLS, Fault, _plant
from explaint_lib.experiments.faults._run import tool_scores
from explaint_lib.experiments.faults._tools import look as look_at
from explaint_lib.experiments.faults._tools import scores

IDS = np.array([[2, 7, 8, 9, 3], [2, 11, 12, 7, 3], [2, 20, 9, 30, 3]])
CANDIDATES = np.array([7, 8, 9, 11, 12, 20, 30])
WHERE = [(np.nonzero(token == IDS)) for token in CANDIDATES]
SITES = {"head": ((1, 2),), "layer": (1,), "token": (9,)}


def fault_of(kind: str, level_sites=SITES) -> Fault:
    sites = ((1, 2), (1, 0)) if kind == "two heads exchanged" else level_sites[KINDS[kind]]
    return Fault(kind, sites, seed=5)


@pytest.fixture(scope="module", params=["bert", "llama"])
def encoder(request, tmp_path_factory) -> encoders.Encoder:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "bert":
        return encoders.load_encoder(str(save_tiny_bert(folder)))
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    save_tiny_llama(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(LlamaConfig.from_pretrained(folder)).save_pretrained(folder)
    return encoders.load_encoder(str(folder))


def weights_of(encoder) -> dict[str, np.ndarray]:
    return {name: weights.detach().numpy().copy() for name, weights in encoder.model.named_parameters()}


def look(heads, ids=IDS):
    return look_at(heads, ids, WHERE, lens=heads.model.predicts is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_where_it_is_said_to_be_and_leaves_nothing_behind(encoder, kind):
    heads, fault = attribution.head_runner(encoder, IDS), fault_of(kind)
    before, intact = weights_of(encoder), look(heads)
    with faults.planted_fault(heads, fault, CANDIDATES) as faulty:
        during, now = weights_of(encoder), look(faulty.heads, faulty.ids)
        changed = {name for name in before if not np.array_equal(before[name], during[name])}
    after = weights_of(encoder)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    differs = np.abs(now.trace.states - intact.trace.states).max(axis=(0, 2, 3)) > 1e-6  # (layer + 1,)
    if fault.level == "token":
        assert differs[0] and differs[-1]
        moved = np.abs(now.trace.states - intact.trace.states)[:, 0].max(axis=-1) > 1e-6  # (text, n)
        assert np.array_equal(moved, IDS == 9)
    else:  # the output of layer 1, counted from 0, is the first that differs
        assert differs.tolist() == [False, False, True, *[True] * (len(differs) - 3)]
        assert faulty.changed["layer"].argmax() == 1 and np.count_nonzero(faulty.changed["layer"]) == 1
    if fault.level == "head":
        heads_differ = np.abs(now.trace.added - intact.trace.added).max(axis=(0, 3, 4))[1] > 1e-7
        own = sorted(head for _, head in fault.sites)
        assert np.flatnonzero(heads_differ).tolist() == own == np.flatnonzero(faulty.changed["head"][1]).tolist()
        assert not faulty.changed["head"][0].any() and all("1" in name for name in changed)
    if kind == "token read off by one":
        assert not changed and np.array_equal(faulty.ids, np.where(IDS == 9, 10, IDS))
        assert not any(each.any() for each in faulty.changed.values())
    else:
        assert changed and np.array_equal(faulty.ids, IDS)
    silent = {"values of a head zeroed": lambda: not now.trace.added[:, 1, 2].any()}
    flat = np.tril(np.ones((5, 5))) if encoder.family == "decoder" else np.ones((5, 5))
    flat /= flat.sum(axis=1, keepdims=True)
    silent["queries of a head zeroed"] = lambda: np.allclose(now.trace.attention[:, 1, 2], flat, atol=1e-6)
    assert silent.get(kind, lambda: True)()


@pytest.mark.parametrize("kind", KINDS)
def test_patching_and_the_first_state_to_differ_find_every_site(encoder, kind):
    heads, fault = attribution.head_runner(encoder, IDS), fault_of(kind)
    intact = look(heads)
    sites = [int(np.searchsorted(CANDIDATES, s)) for s in fault.sites] if fault.level == "token" else fault.sites
    with faults.planted_fault(heads, fault, CANDIDATES) as faulty:
        found, damage = tool_scores(faulty, fault.level, intact, WHERE, lens=encoder.predicts is not None)
    assert damage > 1e-5 and set(found) == set(TOOLS)
    for tool in ("activation patching", "first state to differ"):
        assert faults.hit(found[tool], sites, 1) == 1, tool
    beside = faults.hit(found["largest weight change"], sites, 1)
    assert beside == 1 if kind != "token read off by one" else beside < 0.2
    elsewhere = [(1, 1)] if fault.level == "head" else [0]  # a site that is off by one is another number
    assert faults.hit(found["activation patching"], elsewhere, 1) == 0
    if encoder.predicts is None:
        assert found["logit lens"] is None and found["logit lens, compared"] is None


def test_a_tool_with_the_faulty_model_alone_does_not_see_the_intact_one(encoder):
    heads = attribution.head_runner(encoder, IDS)
    intact = look(heads)
    with faults.planted_fault(heads, fault_of("attention of a layer perturbed"), CANDIDATES) as faulty:
        now = look(faulty.heads)
    nonsense = replace(
        intact, **{name: getattr(intact, name) * 0 + 3 for name in ("pictures", "added", "steps", "lens")}
    )
    for tool in TOOLS:
        if tool in ("activation patching", "largest weight change"):
            continue
        for level in ("head", "layer"):
            one, other = (scores(tool, level, now, beside) for beside in (intact, nonsense))
            if one is None:
                continue
            if TOOLS[tool] == "faulty model alone":
                assert np.array_equal(one, other)
            elif not tool.startswith("first"):
                assert not np.allclose(one, other)
    if encoder.predicts:  # given the intact model by mistake, it says something else
        assert not np.allclose(*(scores("logit lens", "layer", which) for which in (now, intact)))


def test_tools_read_what_their_names_say():
    """Numbers by hand: the head whose picture stands out, the layer whose step does, the token that surprises."""
    world = planted.keeper(rng=np.random.default_rng(0))
    ids = world.sample(3, 8, rng=np.random.default_rng(1))
    heads = attribution.head_runner(world, ids)
    candidates = np.unique(ids[:, 1:])
    where = [(rows, at + 1) for rows, at in (np.nonzero(ids[:, 1:] == token) for token in candidates)]
    plain = look_at(heads, ids, where, lens=False)
    rng = np.random.default_rng(2)
    base = replace(
        plain,
        pictures=rng.normal(0, 1, (6, 5, 3)),
        added=rng.normal(0, 1, (6, 5)),
        steps=np.arange(6.0) + rng.normal(0, 0.01, 6),
        received=rng.normal(0, 1, (6, 9)),
        lengths=rng.normal(0, 1, (7, 9)),
        surprise=np.array([1.0, 2, 9, 3, 4, 5, 6, 7, 8]),
        lens=np.array([9.0, 8, 7, 6.5, 7.5, 5, 4]),
    )
    pictures, added, steps = base.pictures.copy(), base.added.copy(), base.steps.copy()
    pictures[4, 1, 2], added[3, 2], steps[2] = 40, -30, 3
    received, lengths = base.received.copy(), base.lengths.copy()
    received[:, 5], lengths[:, 6] = 20, -20
    odd = replace(base, pictures=pictures, added=added, steps=steps, received=received, lengths=lengths)

    def first(tool: str, level, beside=None) -> tuple[int, ...]:
        found = scores(tool, level, odd, beside)
        return tuple(int(i) for i in np.unravel_index(found.argmax(), found.shape))

    assert first("attention pictures", "head") == (4, 1) == first("attention pictures, compared", "head", base)
    assert first("attention pictures", "layer") == (4,) == first("attention pictures, compared", "layer", base)
    assert first("attention pictures", "token") == (5,) == first("attention pictures, compared", "token", base)
    assert first("norms", "head") == (3, 2) == first("norms, compared", "head", base)
    assert first("norms", "layer") == (2,) == first("norms, compared", "layer", base)
    assert first("norms", "token") == (6,) == first("norms, compared", "token", base)
    assert first("logit lens", "layer") == (3,) and first("logit lens", "token") == (2,)  # 6.5 to 7.5: layer 3 made it
    found = scores("logit lens", "head", odd)
    assert (found[3] == 1.0).all() and (found == np.diff(base.lens)[:, None]).all()  # it does not tell heads apart
    assert scores("logit lens", "layer", plain) is None


def test_hits_are_exact_expectations_with_ties():
    rng = np.random.default_rng(0)
    found, sites = np.array([3.0, 1.0, 1.0, 2.0, 1.0, 0.0]), [2, 4]
    for k in (1, 2, 3, 4, 5):
        hits = []
        for _ in range(4000):
            order = np.lexsort((rng.random(6), -found))
            hits.append(bool(set(order[:k].tolist()) & set(sites)))
        assert faults.hit(found, sites, k) == pytest.approx(np.mean(hits), abs=0.03)
    assert faults.hit(np.zeros((2, 3)), [(0, 1)], 3) == 0.5


def test_a_drifted_reference_makes_the_first_difference_useless_and_leaves_the_model_alone(encoder):
    before = weights_of(encoder)
    found = {
        drift: faults.find_faults(encoder, IDS, n_per_kind=2, special=[2, 3], drift=drift, rng=np.random.default_rng(3))
        for drift in (0.0, 0.01)
    }
    after = weights_of(encoder)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    for drift, rows in found.items():
        assert len(rows) == 16 * len(TOOLS) and rows.fault.nunique() == 16
        inside = rows[(rows.level != "token") & (rows.kind != "values of a head zeroed")]
        hits = inside.groupby("tool").top_1.mean()
        assert hits["largest weight change"] == 1
        assert (hits["first state to differ"] == 1) == (drift == 0)
    chance = found[0.0].groupby("level").chance_1.max()
    assert chance["layer"] == pytest.approx(1 / encoder.n_layers)
    one = found[0.0]
    assert one[one.kind == "two heads exchanged"].chance_1.iloc[0] == pytest.approx(2 / (4 * encoder.n_layers))


def test_tools_are_compared_fault_by_fault_and_kinds_of_each_model_are_the_clusters():
    world = planted.keeper(rng=np.random.default_rng(0))
    ids = world.sample(3, 8, rng=np.random.default_rng(1))
    rows = faults.find_faults(world, ids, n_per_kind=3, rng=np.random.default_rng(2))
    both = pd.concat([rows, rows.assign(model="another")], ignore_index=True)
    found = faults.compare_tools(both, "activation patching", "norms", asks="fault")
    of = rows.groupby("tool").top_1.mean()
    assert found.difference == pytest.approx(of["activation patching"] - of["norms"])
    assert (found.n, found.control, found.score, found.asks, found.chance) == (
        14,
        "norms",
        "faults found",
        "fault",
        False,
    )
    alone = faults.compare_tools(rows, "norms", "chance")
    assert alone.chance and alone.n == 7
    assert alone.difference == pytest.approx(of["norms"] - rows.groupby("fault").chance_1.first().mean())
    with pytest.raises(ExplaintError, match="no tool is called gut feeling"):
        faults.compare_tools(rows, "norms", "gut feeling")


def test_tokens_that_may_be_faulty_are_ordinary_ones_after_the_first_position(encoder):
    rows = faults.find_faults(encoder, IDS, n_per_kind=8, special=[2, 3], rng=np.random.default_rng(3))
    tokens = {int(site.strip("(),")) for site in rows[rows.level == "token"].sites}
    assert tokens <= set(CANDIDATES.tolist()) and len(tokens) == 7
    assert set(rows[rows.level == "token"].candidates) == {7}


@pytest.mark.parametrize(
    "fault, said",
    [
        (Fault("values of a head zeroed", ((9, 0),), 0), "a head of this model is below"),
        (Fault("values of a head zeroed", ((0, 4),), 0), "a head of this model is below"),
        (Fault("attention of a layer perturbed", (7,), 0), "a layer of this model is below"),
        (Fault("embedding perturbed", (10**6,), 0), "a token of this model is below"),
        (Fault("two heads exchanged", ((0, 1), (1, 1)), 0), "two heads of one layer"),
    ],
)
def test_faults_of_places_that_are_not_there(encoder, fault, said):
    heads = attribution.head_runner(encoder, IDS)
    with pytest.raises(ExplaintError, match=said), faults.planted_fault(heads, fault, CANDIDATES):
        pass


def test_errors_at_the_door():
    world = planted.keeper(rng=np.random.default_rng(0))
    ids = world.sample(2, 8, rng=np.random.default_rng(1))
    with pytest.raises(ExplaintError, match="at least 2 different tokens"):
        faults.find_faults(world, ids, n_per_kind=1, special=range(200), rng=np.random.default_rng(0))
    with pytest.raises(ExplaintError, match="at least 1 of a kind"):
        faults.find_faults(world, ids, n_per_kind=0, rng=np.random.default_rng(0))
    with pytest.raises(ExplaintError, match="a drift above 0 of a real model"):
        faults.find_faults(world, ids, n_per_kind=1, drift=0.1, rng=np.random.default_rng(0))


def test_a_token_of_a_world_gets_the_embedding_of_another_and_no_other_changes():
    world = planted.keeper(rng=np.random.default_rng(0))
    kept = np.delete(world.embedding, 3, axis=0)
    swapped = _plant._faulty_world(world, Fault("embedding of another token", (3,), 0)).embedding
    assert (kept == swapped[3]).all(axis=1).any() and not np.array_equal(swapped[3], world.embedding[3])
    noisy = _plant._faulty_world(world, Fault("embedding perturbed", (3,), 0)).embedding
    assert not (kept == noisy[3]).all(axis=1).any() and not np.array_equal(noisy[3], world.embedding[3])
    for changed in (swapped, noisy):
        np.testing.assert_array_equal(np.delete(changed, 3, axis=0), kept)
