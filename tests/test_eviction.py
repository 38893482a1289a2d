"""Key-value eviction: entries are truly gone, scores are those of their definitions, and nothing sees the future."""

from __future__ import annotations

import families
import numpy as np
import pytest

from explaint_lib import encoders, planted
from explaint_lib._common import ExplaintError
from explaint_lib.experiments.eviction import (
    BOUNDARIES,
    FULL,
    FUTURE,
    GOES_ON,
    POLICIES,
    QUOTES,
    Cache,
    Passage,
    bundled_passages,
    continue_text,
    kept_entries,
    read_prefix,
    run_eviction,
)
from explaint_lib.results import pick

RNG = np.random.default_rng(0)
LAYERS, HEADS, GROUPS, N, WIDTH = 3, 4, 2, 20, 5


def some_cache():
    attention = np.tril(RNG.random((LAYERS, HEADS, N, N)))
    attention /= attention.sum(axis=-1, keepdims=True)
    arrays = attention, RNG.normal(size=(LAYERS, GROUPS, N, WIDTH)), RNG.normal(size=(LAYERS, GROUPS, N, WIDTH))
    for array in arrays:
        array.flags.writeable = False
    return Cache(*arrays)


CACHE = some_cache()


def one_by_one(name, layer, group, key):
    """The definition of a score, an entry at a time."""
    heads = [2 * group, 2 * group + 1]
    weight = [[CACHE.attention[layer, h, q, key] for h in heads] for q in range(N)]
    mean = [sum(w) / 2 for w in weight]
    if name == "accumulated attention":
        return sum(mean)
    if name == "one score for all heads":
        return CACHE.attention[:, :, :, key].sum() / (LAYERS * HEADS)
    if name == "least attention":
        return -sum(mean)
    if name == "attention x value":
        return sum(mean) * sum(abs(v) for v in CACHE.values[layer, group, key])
    if name == "key norm":
        return -(sum(k**2 for k in CACHE.keys[layer, group, key]) ** 0.5)
    if name == "window attention":
        last = range(N - 16, N)
        near = [k for k in range(key - 2, key + 3) if 0 <= k < N]
        return sum(np.mean([CACHE.attention[layer, h, q, k] for h in heads]) for q in last for k in near) / 5
    if name == "least recently used":
        used = [q for q in range(N) if mean[q] > 1 / (q + 1)]
        return used[-1] + mean[used[-1]] if used else -1
    return {"recent": key, "earliest": -key}[name]


def test_who_gives_every_entry_the_same_uses_none():
    even = np.tril(np.ones((1, 2, 4, 4))) / np.arange(1, 5)[:, None]
    cache = Cache(even, np.zeros((1, 1, 4, 2)), np.zeros((1, 1, 4, 2)))
    assert (POLICIES["least recently used"](cache, np.random.default_rng(0)) == -1).all()


@pytest.mark.parametrize("name", [name for name in POLICIES if name != "random"])
def test_a_score_is_that_of_its_definition_for_each_layer_and_head(name):
    found = POLICIES[name](CACHE, np.random.default_rng(0))
    assert found.shape == (LAYERS, GROUPS, N)
    for at in [(0, 0, 0), (0, 1, 3), (1, 0, 7), (2, 1, 19), (2, 0, 11), (1, 1, 18)]:
        assert found[at] == pytest.approx(one_by_one(name, *at)), at


def test_random_scores_differ_between_layers_heads_and_draws():
    one, same, other = (POLICIES["random"](CACHE, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (one == same).all() and len(np.unique(one)) == one.size and (one != other).all()


@pytest.mark.parametrize("ends", [(0, 0), (2, 3), (0, 6), (6, 0)])
def test_every_policy_keeps_equally_many_and_what_is_protected(ends):
    sinks, recent = ends
    for policy in POLICIES.values():
        kept = kept_entries(policy(CACHE, np.random.default_rng(0)), 6, sinks=sinks, recent=recent)
        assert kept.shape == (LAYERS, GROUPS, 6) and (np.diff(kept, axis=-1) > 0).all()
        inside = {*range(sinks), *range(N - recent, N)}
        assert all(inside <= set(row) for row in kept.reshape(-1, 6).tolist())


def test_the_rest_goes_to_the_highest_scores_and_ties_to_the_later_entry():
    scores = np.array([[[9.0, 3.0, 1.0, 3.0, 3.0, 0.0]]])
    assert kept_entries(scores, 3).tolist() == [[[0, 3, 4]]]
    assert kept_entries(scores, 3, recent=1).tolist() == [[[0, 4, 5]]]
    assert kept_entries(scores, 6).tolist() == [[[0, 1, 2, 3, 4, 5]]]


@pytest.mark.parametrize("wrong", [{"n_kept": 0}, {"n_kept": 7}, {"n_kept": 3, "sinks": 2, "recent": 2}])
def test_numbers_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ExplaintError, match="expected 1 to 6 entries"):
        kept_entries(np.zeros((1, 1, 6)), **wrong)
    with pytest.raises(ExplaintError, match="not a number"):
        kept_entries(np.full((1, 1, 6), np.nan), 2)


# --- planted caches ---


def losses(kind, n=60):
    rng, found = np.random.default_rng(3), {name: [] for name in (*POLICIES, "all")}
    for _ in range(n):
        world = planted.planted_cache(kind, rng=rng)
        cache = Cache(world.attention, world.keys, world.values)
        found["all"].append(world.loss(kept_entries(np.zeros((1, 1, 64)), 64)))
        for name, policy in POLICIES.items():
            found[name].append(world.loss(kept_entries(policy(cache, rng), 16)))
    return {name: float(np.mean(values)) for name, values in found.items()}


def test_attention_is_right_where_the_same_is_asked_again():
    found = losses("asked again")
    best = [found.pop(name) for name in ("accumulated attention", "one score for all heads", "attention x value")]
    assert max(best) + 0.3 < min(value for name, value in found.items() if name != "all") and found["all"] < 0.2


def test_attention_is_worse_than_chance_where_the_loud_are_empty_and_values_repair_it():
    found = losses("loud and empty")
    assert found["accumulated attention"] > found["random"] + 0.5
    assert found["attention x value"] < found["random"] - 1.5 and found["all"] < 0.2


def test_no_score_of_the_prefix_knows_a_topic_that_turns():
    found = losses("the topic turns")
    assert min(found[name] for name in POLICIES) > 2.8 and found["all"] < 0.2  # log 24 = 3.2


def test_age_is_enough_where_the_recent_is_asked_for():
    found = losses("only the recent")
    assert found["recent"] == pytest.approx(found["all"], abs=0.1)
    assert min(found[name] for name in POLICIES if name != "recent") > 1


def test_planted_caches_are_what_they_say():
    world = planted.planted_cache("loud and empty", rng=np.random.default_rng(0))
    empty = (world.values[0, 0] == 0).all(axis=-1)
    assert empty.sum() == 16 and world.attention[0, 0, 48:, empty].sum(axis=0).min() > 0.8
    np.testing.assert_allclose(world.attention.sum(axis=-1), 1)
    assert not np.triu(world.attention[0, 0], 1).any() and not empty[world.asked].any()
    with pytest.raises(ExplaintError, match="'asked again'"):
        planted.planted_cache("asked", rng=np.random.default_rng(0))


# --- a model with random weights ---


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return encoders.load_encoder(str(families.save("llama", tmp_path_factory.mktemp("eviction") / "llama")))


IDS = np.random.default_rng(5).integers(3, 40, 31)
PREFIX, FOLLOWS = IDS[:22], IDS[22:]


def masked_loss(encoder, kept):
    """The whole text in one run without a cache; later queries may not look at entries that were not kept."""
    import torch

    n, total = len(PREFIX), len(IDS) - 1
    groups = encoder.n_heads // kept.shape[1]
    handles = []
    for layer, block in enumerate(encoder.model.layers):
        seen = np.tril(np.ones((encoder.n_heads, total, total), dtype=bool))
        for head in range(encoder.n_heads):
            gone = np.setdiff1d(np.arange(n), kept[layer, head // groups])
            seen[head, n:, gone] = False
        mask = torch.where(torch.from_numpy(seen), 0.0, torch.finfo(torch.float32).min)[None]
        handles.append(
            block.self_attn.register_forward_pre_hook(
                lambda _m, args, kwargs, mask=mask: (args, kwargs | {"attention_mask": mask}), with_kwargs=True
            )
        )
    try:
        logits = encoder.logits(IDS[:-1])[n:]
    finally:
        for handle in handles:
            handle.remove()
    return np.logaddexp.reduce(logits, axis=-1) - logits[np.arange(len(FOLLOWS) - 1), FOLLOWS[1:]]


def by_policy(encoder, name="key norm", **protected):
    cache = read_prefix(encoder, PREFIX)
    return cache, kept_entries(POLICIES[name](cache, np.random.default_rng(0)), 7, **protected)


def test_an_entry_deleted_is_an_entry_that_nobody_can_look_at(encoder):
    cache = read_prefix(encoder, PREFIX)
    ways = [by_policy(encoder, name)[1] for name in POLICIES]
    found = continue_text(encoder, cache, np.stack(ways), FOLLOWS)
    for way, kept in enumerate(ways):
        np.testing.assert_allclose(found.loss[way], masked_loss(encoder, kept), atol=2e-5)
    alone = continue_text(encoder, cache, ways[3][None], FOLLOWS)
    np.testing.assert_allclose(alone.loss[0], found.loss[3], atol=1e-5)


def test_where_all_is_kept_the_model_is_the_whole_model(encoder):
    cache = read_prefix(encoder, PREFIX)
    everything = np.broadcast_to(np.arange(len(PREFIX)), (1, *cache.keys.shape[:3]))
    found = continue_text(encoder, cache, everything, FOLLOWS, attention=True)
    logits = encoder.logits(IDS[:-1])[len(PREFIX) :]
    loss = np.logaddexp.reduce(logits, axis=-1) - logits[np.arange(len(FOLLOWS) - 1), FOLLOWS[1:]]
    np.testing.assert_allclose(found.loss[0], loss, atol=1e-5)
    assert found.best[0].tolist() == logits.argmax(axis=-1).tolist()
    _, whole = encoder.forward_ids(IDS[None, :-1], hidden_states=False, attention=True)
    np.testing.assert_allclose(found.attention, whole[0, :, :, len(PREFIX) :, : len(PREFIX)], atol=1e-6)
    np.testing.assert_allclose(cache.attention, whole[0, :, :, : len(PREFIX), : len(PREFIX)], atol=1e-6)


def test_another_layer_head_budget_or_boundary_gives_another_number(encoder):
    cache, kept = by_policy(encoder)
    scores = POLICIES["key norm"](cache, np.random.default_rng(0))
    others = {
        "layer": kept[::-1],
        "head": kept[:, ::-1],
        "boundary": kept_entries(scores, 7, sinks=2, recent=2),
        "budget": kept_entries(scores, 8),
    }
    loss = continue_text(encoder, cache, kept[None], FOLLOWS).loss[0]
    for what, other in others.items():
        changed = continue_text(encoder, cache, np.ascontiguousarray(other)[None], FOLLOWS).loss[0]
        assert np.abs(changed - loss).max() > 1e-4, what


# --- the experiment ---

LONG = "The old robin on the fence sang to a small trout in the river, and the trout did not answer it at all."
WORDS = LONG.split()


def passage(rng):
    return " ".join(rng.permutation(WORDS * 2))


TEXTS = [Passage(f"page {i % 2}", passage(np.random.default_rng(i))) for i in range(3)]
NUMBERS = {
    "n_prefix": 24,
    "n_steps": 6,
    "shares": (0.25, 0.5),
    "boundaries": {"unprotected": (0, 0.0), "ends": (1, 0.5)},
}


@pytest.fixture(scope="module")
def result(encoder):
    return run_eviction(encoder, TEXTS, **NUMBERS)


def test_every_policy_is_measured_at_every_budget_with_and_without_boundaries(result):
    rows = result.rows
    assert set(rows.method) == {*POLICIES, FUTURE, FULL} and set(rows.metric) == {"loss", "agreement"}
    assert set(rows.kept) == {6, 12, 24} and set(rows[rows.method == FULL].kept) == {24}
    assert len(rows) == 3 * 2 * 2 * (1 + (len(POLICIES) + 1) * 2 * 2)
    assert rows.groupby("text").page.first().tolist() == ["page 0", "page 1", "page 0"]
    assert (pick(rows, method=FULL, metric="agreement").value == 1).all() and rows.value.notna().all()
    assert (
        rows[rows.method != FULL].groupby(["method", "condition"]).kept.unique().map(sorted).map(tuple).nunique() == 1
    )


def test_a_row_is_what_the_parts_give(encoder, result):
    ids = encoder.tokenize([TEXTS[1].text])[0].token_ids
    cache = read_prefix(encoder, ids[:24])
    scores = POLICIES["window attention"](cache, np.random.default_rng(0))
    for ends, protected in (("unprotected", {}), ("ends", {"sinks": 1, "recent": 3})):
        kept = kept_entries(scores, 6, **protected)
        loss = continue_text(encoder, cache, kept[None], ids[24:31]).loss.mean()
        (row,) = pick(
            result.rows, text=1, continuation=GOES_ON, method="window attention", condition=ends, kept=6, metric="loss"
        ).value
        assert row == pytest.approx(loss, abs=1e-5)


def test_no_score_sees_what_comes_after_the_prefix(encoder):
    """Two passages that differ after the prefix: quoting from the prefix gives the same, whatever the policy."""
    ids = encoder.tokenize([TEXTS[0].text])[0].token_ids
    half = next(i for i in range(1, len(TEXTS[0].text)) if len(encoder.tokenize([TEXTS[0].text[:i]])[0]) == 25)
    twin = Passage("page 0", TEXTS[0].text[:half] + " goats bark and goats bark and goats bark")
    changed = encoder.tokenize([twin.text])[0].token_ids
    assert changed[:24].tolist() == ids[:24].tolist() and changed[24:31].tolist() != ids[24:31].tolist()
    one, other = (run_eviction(encoder, [text], **NUMBERS).rows for text in (TEXTS[0], twin))
    quotes = [pick(rows, continuation=QUOTES).value.to_numpy() for rows in (one, other)]
    np.testing.assert_array_equal(*quotes)
    known = [pick(rows, continuation=GOES_ON, metric="loss").value.to_numpy() for rows in (one, other)]
    assert np.abs(known[0] - known[1]).min() > 1e-6


def test_the_future_is_another_score_than_any_of_the_prefix(result):
    loss = pick(result.rows, metric="loss", kept=6, condition="unprotected").pivot_table(
        index=["text", "continuation"], columns="method", values="value"
    )
    assert all((loss[FUTURE] != loss[name]).any() for name in POLICIES)


def test_a_seed_repeats_it_and_each_passage_has_its_own_draws(encoder, result):
    again = run_eviction(encoder, TEXTS[:2], **NUMBERS).rows
    first = result.rows[result.rows.text < 2].reset_index(drop=True)
    assert again.equals(first)
    other = run_eviction(encoder, TEXTS[:1], **NUMBERS, seed=1).rows
    drawn = [pick(rows, text=0, method="random", metric="loss", continuation=GOES_ON).value for rows in (first, other)]
    assert (drawn[0].to_numpy() != drawn[1].to_numpy()).all()
    twice = run_eviction(encoder, [TEXTS[0], TEXTS[0]], **NUMBERS).rows
    halves = [pick(twice, text=i, method="random", metric="loss", continuation=GOES_ON).value for i in (0, 1)]
    assert (halves[0].to_numpy() != halves[1].to_numpy()).all()


def test_what_is_kept_is_read_again(encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    numbers = NUMBERS | {"shares": (0.25,), "policies": ("random",)}
    first = run_eviction(encoder, TEXTS[:1], **numbers, cache=True)
    again = run_eviction(encoder, TEXTS[:1], **numbers, cache=True)
    assert first.equals(again) and first.equals(run_eviction(encoder, TEXTS[:1], **numbers))
    other = run_eviction(encoder, TEXTS[1:2], **numbers, cache=True)
    assert not other.rows.value.equals(first.rows.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"policies": ("attention",)}, "unknown: 'attention'"),
        ({"continuations": ("ends",)}, "unknown: 'ends'"),
        ({"n_prefix": 400}, "too short: 0 .* 1 .* 2"),
        ({"n_steps": 0}, "n_steps 0"),
        ({"shares": (1.5,)}, "keeps 36"),
        ({"boundaries": {"too many": (9, 0.0)}}, "fewer than the sinks"),
    ],
)
def test_what_cannot_be_run_is_refused_at_the_door(encoder, wrong, message):
    with pytest.raises(ExplaintError, match=message):
        run_eviction(encoder, TEXTS, **(NUMBERS | wrong))


@pytest.mark.parametrize(
    ("family", "message"), [("bert", "no key-value cache"), ("gemma2", "sliding window"), ("bloom", "by itself")]
)
def test_a_model_whose_cache_cannot_be_cut_is_refused(tmp_path, family, message):
    other = encoders.load_encoder(str(families.save(family, tmp_path / family)))
    with pytest.raises(ExplaintError, match=message):
        run_eviction(other, TEXTS, **NUMBERS)


def test_the_bundled_passages_are_different_and_come_page_after_page():
    passages = bundled_passages()
    assert len({one.text for one in passages}) == 48 and min(len(one.text) for one in passages) > 1200
    pages = [one.page for one in passages]
    assert len(set(pages[:16])) == 16 and all(one.text.isascii() for one in passages)
    assert BOUNDARIES["unprotected"] == (0, 0.0)


@pytest.mark.models
def test_the_decoder_of_the_book():
    encoder = encoders.load_encoder("smollm2")
    passages = bundled_passages()
    assert min(len(one) for one in encoder.tokenize([one.text for one in passages])) >= 217
    ids = encoder.tokenize([passages[0].text])[0].token_ids[:60]
    cache = read_prefix(encoder, ids[:48])
    everything = np.broadcast_to(np.arange(48), (1, *cache.keys.shape[:3]))
    logits = encoder.logits(ids[:-1])[48:].astype(float)  # single precision loses .003 in a sum over all tokens
    loss = np.logaddexp.reduce(logits, axis=-1) - logits[np.arange(11), ids[49:]]
    np.testing.assert_allclose(continue_text(encoder, cache, everything, ids[48:]).loss[0], loss, atol=1e-4)
