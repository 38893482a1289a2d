"""Pruning of heads: orders, halves that do not see each other, damage; in worlds where attention is right and wrong."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_models import save_tiny_llama

from explaint_lib import attribution, encoders, planted
from explaint_lib._common import ExplaintError
from explaint_lib.experiments import pruning
from explaint_lib.experiments.pruning import CONFIDENCE, FIRST, GRADIENT, LAST, NORM, ORDERS, RANDOM


def pruned(kind: str, shares=(0.25, 0.5), **more) -> pruning.Pruning:
    world = planted.working_heads(kind, rng=np.random.default_rng(0))
    ids = world.sample(8, 8, rng=np.random.default_rng(1))
    ids.flags.writeable = False
    return pruning.prune_heads(world, ids, shares=shares, n_draws=3, n_orders=4, rng=np.random.default_rng(2), **more)


def test_attention_prunes_rightly_where_sharp_heads_work_and_wrongly_where_flat_ones_do():
    sharp, flat = pruned("sharp"), pruned("flat")
    for found in (sharp, flat):
        assert tuple(found.damage) == ORDERS and all(
            found.damage[order].shape == (3 if order in (CONFIDENCE, NORM, GRADIENT) else 4, 8, 2) for order in ORDERS
        )
        assert found.score == "cosine distance" and not found.intact.any()
        for order in (NORM, GRADIENT):  # these know who works, in either world
            assert found.damage[order].max() < 0.01 < found.mean(RANDOM).mean()
    assert sharp.damage[CONFIDENCE].max() < 0.01
    assert (flat.mean(CONFIDENCE) > flat.mean(RANDOM).mean()).all() and flat.damage[CONFIDENCE][..., 1].min() > 0.3


def test_a_comparison_is_above_zero_where_less_is_lost():
    found = pruned("flat")
    worse = found.compare(CONFIDENCE, RANDOM, asks="pruning")
    by_hand = [(found.mean(RANDOM)[d] - found.mean(CONFIDENCE)[d % 3]).mean() for d in range(4)]
    assert worse.draws == pytest.approx(by_hand) and worse.difference == pytest.approx(np.mean(by_hand))
    assert worse.difference < 0
    assert (worse.control, worse.score, worse.varied, worse.asks, worse.n) == (
        RANDOM, "cosine distance", "orders", "pruning", 8,
    )  # fmt: skip
    assert found.compare(GRADIENT, RANDOM).difference > 0


def test_depth_alone_prunes_whole_layers():
    world = planted.working_heads("sharp", rng=np.random.default_rng(0))
    ids = world.sample(8, 8, rng=np.random.default_rng(1))
    heads, found = attribution.head_runner(world, ids), pruned("sharp", shares=[0.25])
    for order, layer in ((FIRST, 0), (LAST, 3)):
        gates = np.ones((4, 4))
        gates[layer] = 0
        vectors = [top.mean(axis=1) for top in (heads.top(), heads.top(gates))]
        cosine = (
            (vectors[0] * vectors[1]).sum(1) / np.linalg.norm(vectors[0], axis=1) / np.linalg.norm(vectors[1], axis=1)
        )
        np.testing.assert_allclose(found.damage[order][..., 0], np.tile(1 - cosine, (4, 1)), atol=1e-9)


def test_the_order_is_that_of_the_other_half(monkeypatch):
    """Every text calls another head its least important one: the damage tells which texts were asked."""
    world = planted.working_heads("sharp", rng=np.random.default_rng(0))
    ids = world.sample(8, 8, rng=np.random.default_rng(1))
    own = np.ones((8, 4, 4))
    asked: list[np.ndarray] = []
    monkeypatch.setattr(pruning, "head_importance", lambda heads, **_: {CONFIDENCE: own})
    seen = pruning._pruned

    def watch(damage, order, scored, counts):
        asked.append((order.copy(), scored.copy()))
        return seen(damage, order, scored, counts)

    monkeypatch.setattr(pruning, "_pruned", watch)
    for text in range(8):
        own[text, text // 4, text % 4] = -100.0  # the mean over a half is lowest for the heads of its own texts
    pruning.prune_heads(world, ids, shares=[0.25], n_draws=2, n_orders=2, rng=np.random.default_rng(2))
    halves = [(set(order[:4].tolist()), set(np.flatnonzero(scored).tolist())) for order, scored in asked[:4]]
    for chosen, scored in halves:
        assert len(scored) == 4 and chosen.isdisjoint(scored) and chosen | scored == set(range(8))


def test_confidence_leaves_out_special_tokens_and_the_sink():
    world = planted.sink(rng=np.random.default_rng(0))
    heads = attribution.head_runner(world, world.sample(3, 8, rng=np.random.default_rng(1)))
    rng = np.random.default_rng(2)
    parked, left = (
        pruning.head_importance(heads, special=special, rng=rng)[CONFIDENCE] for special in ((), (world.start_id,))
    )
    assert parked.mean() > 0.85 and left.mean() < 0.35  # nine tenths of the weight lie on the first token
    with pytest.raises(ExplaintError, match="all of its ids are special"):
        pruning.head_importance(heads, special=heads.ids.ravel().tolist(), rng=rng)


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> encoders.Encoder:
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = save_tiny_llama(tmp_path_factory.mktemp("llama"))
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(LlamaConfig.from_pretrained(folder)).save_pretrained(folder)
    return encoders.load_encoder(str(folder))


def test_damage_is_the_rise_of_the_next_token_loss(llama):
    ids = np.array([[5, 9, 30, 41, 7], [8, 9, 31, 2, 7], [60, 9, 30, 3, 1], [5, 90, 80, 70, 7]])
    found = pruning.prune_heads(llama, ids, shares=[0.25], n_draws=2, n_orders=2, rng=np.random.default_rng(0))
    assert found.score == "nats per token"

    def loss(top: np.ndarray, row: np.ndarray) -> float:
        logits = llama.logits(top)[:-1].astype(np.float64)
        return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(4), row[1:]]).mean())

    heads = attribution.head_runner(llama, ids)
    np.testing.assert_allclose(found.intact, [loss(*each) for each in zip(heads.top(), ids, strict=True)], rtol=1e-5)
    gates = np.ones((3, 4))
    gates[0, :3] = 0  # three of the four heads of the first layer, drawn: one of four damages
    possible = []
    for kept in range(4):
        gates[0] = np.eye(4)[kept]
        top = heads.top(gates)
        possible.append([loss(*each) for each in zip(top, ids, strict=True)] - found.intact)
    for draw in found.damage[FIRST][..., 0]:
        assert min(np.abs(draw - one).max() for one in possible) < 1e-5
    confident = found.importance[CONFIDENCE]
    maps = heads.trace().attention[..., 1:, 1:]
    np.testing.assert_allclose(confident, maps.max(axis=-1).mean(axis=-1), rtol=1e-6)


def test_texts_of_one_length(llama):
    sentences = ["a b", "c d", "e f", "a b", "a much longer one"]
    found = pruning.texts_of_one_length(llama, sentences, 3, rng=np.random.default_rng(0))
    assert found.shape == (3, 3) and len({tuple(row) for row in found.tolist()}) == 3
    with pytest.raises(ExplaintError, match="asked for 4 sentences of one length; 3 have the commonest, 3 tokens"):
        pruning.texts_of_one_length(llama, sentences, 4, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "wrong", [{"shares": [0.0]}, {"shares": [1.0]}, {"shares": []}, {"n_draws": 0}, {"n_orders": 0}]
)
def test_errors_at_the_door(wrong):
    world = planted.working_heads("sharp", rng=np.random.default_rng(0))
    ids = world.sample(4, 8, rng=np.random.default_rng(1))
    with pytest.raises(ExplaintError, match="shares that prune some of 16 heads and not all"):
        pruning.prune_heads(
            world, ids, **({"shares": [0.5], "n_draws": 1, "n_orders": 1, "rng": np.random.default_rng(0)} | wrong)
        )
    with pytest.raises(ExplaintError, match="at least 4 texts"):
        pruning.prune_heads(world, ids[:3], shares=[0.5], n_draws=1, n_orders=1, rng=np.random.default_rng(0))
