"""Corruptions inside the forward pass: the identity changes no bit, hooks never stay, a swap permutes an encoder."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_models import TEXTS, save_tiny_bert, save_tiny_llama

from explaint_lib import encoders
from explaint_lib._common import ExplaintError
from explaint_lib.attribution import _corruptions as c

SENTENCES = ["the robin is a bird", TEXTS[4], "a truck is red", TEXTS[1]]


@pytest.fixture(scope="module", params=["bert", "llama"])
def tiny(request, tmp_path_factory):
    save = {"bert": save_tiny_bert, "llama": save_tiny_llama}[request.param]
    return encoders.load_encoder(str(save(tmp_path_factory.mktemp(request.param))))


def n_hooks(encoder):
    return sum(len(m._forward_pre_hooks) + len(m._forward_hooks) for m in encoder.model.modules())


def test_the_identity_edit_leaves_every_bit(tiny):
    for text in SENTENCES:
        intact = tiny.encode([text])[0]
        for layer in range(tiny.n_layers):
            again = c.corrupted(tiny, [text], layer, lambda states: states)[0]
            np.testing.assert_array_equal(again.hidden_states, intact.hidden_states)
            np.testing.assert_array_equal(again.attention, intact.attention)
            assert again.tokens == intact.tokens


def test_hooks_are_taken_out_whatever_happens(tiny):
    tiny.encode(["the robin"])  # the library hangs up hooks of its own at the first pass
    before, intact = n_hooks(tiny), tiny.encode(SENTENCES[:1])

    def fails(states):
        raise RuntimeError("in the middle of the pass")

    with pytest.raises(RuntimeError, match="in the middle"):
        c.corrupted(tiny, SENTENCES, 1, fails)
    with pytest.raises(ExplaintError, match="as many states"):
        c.corrupted(tiny, SENTENCES, 1, lambda states: states[1:])
    with pytest.raises(KeyboardInterrupt), c.edited_states(tiny, 0, [lambda states: states]):
        assert n_hooks(tiny) == before + 1
        raise KeyboardInterrupt
    c.corrupted(tiny, SENTENCES, 1, lambda states: 0 * states)
    assert n_hooks(tiny) == before
    for was, is_now in zip(intact, tiny.encode(SENTENCES[:1]), strict=True):
        np.testing.assert_array_equal(was.hidden_states, is_now.hidden_states)
        np.testing.assert_array_equal(was.attention, is_now.attention)


def test_an_edit_reaches_the_layers_above_and_no_other(tiny):
    layer = 1
    intact = tiny.encode(SENTENCES)
    found = c.corrupted(tiny, SENTENCES, layer, lambda states: states + np.arange(states.shape[1]))
    for before, after in zip(intact, found, strict=True):
        np.testing.assert_allclose(after.hidden_states[:layer], before.hidden_states[:layer], atol=1e-5)
        np.testing.assert_allclose(after.attention[:layer], before.attention[:layer], atol=1e-5)
        expected = before.hidden_states[layer] + np.arange(tiny.dim)
        np.testing.assert_allclose(after.hidden_states[layer], expected, atol=1e-4)
        assert np.abs(after.hidden_states[layer + 1] - before.hidden_states[layer + 1]).max() > 0.01
        np.testing.assert_allclose(after.attention.sum(axis=-1), 1, atol=1e-5)


def test_each_text_gets_its_own_edit_in_the_order_given(tiny):
    edits = [lambda states, k=k: np.full_like(states, k) for k in range(len(SENTENCES))]
    for k, after in enumerate(c.corrupted(tiny, SENTENCES, 0, edits)):
        assert (after.hidden_states[0] == k).all() and after.text == SENTENCES[k]
    encodings = tiny.encode(SENTENCES, attention=False)  # encodings are taken as well as texts
    for k, after in enumerate(c.corrupted(tiny, encodings, 0, edits, batch_rows=1)):
        assert (after.hidden_states[0] == k).all() and after.attention is not None


def swap_gaps(encoder, texts, seed=0):
    """Swap two states at every layer; return the gaps to exactly permuted maps, to intact maps, and of states."""
    rng, permuted, intact_gap, states = np.random.default_rng(seed), [], [], []
    intact = encoder.encode(texts)
    for layer in range(encoder.n_layers):
        orders = [c.draw_order(e.ordinary, 2, rng=rng) for e in intact]
        for before, after, order in zip(
            intact, c.corrupted(encoder, texts, layer, [c.reorder(order) for order in orders]), orders, strict=True
        ):
            permuted.append(np.abs(after.attention[layer:] - before.attention[layer:][:, :, order][..., order]).max())
            intact_gap.append(
                c.equivariance_gap(before.attention[layer:], after.attention[layer:], np.sort(order)).max()
            )
            moved = before.hidden_states[layer:, order]
            states.append(np.abs(after.hidden_states[layer:] - moved).max() / np.abs(moved).max())
    return max(permuted), min(intact_gap), max(states)


def test_after_a_swap_the_maps_of_a_tiny_encoder_are_exactly_permuted(tmp_path):
    encoder = encoders.load_encoder(str(save_tiny_bert(tmp_path)))
    permuted, intact, states = swap_gaps(encoder, SENTENCES)
    assert permuted < 1e-6 and states < 1e-5  # float32
    assert intact > 1e-4  # the maps did change: what is exact is the permutation


def test_after_a_swap_the_maps_of_a_rotary_decoder_are_not_permuted(tmp_path):
    encoder = encoders.load_encoder(str(save_tiny_llama(tmp_path)))
    permuted, _, _ = swap_gaps(encoder, SENTENCES)
    assert permuted > 0.05


@pytest.mark.models
def test_after_a_swap_the_maps_of_minilm_are_exactly_permuted():
    encoder = encoders.load_encoder("minilm")
    texts = ["A robin is a small bird that sings in the hedge.", "Nobody could remember a winter as long as this one."]
    permuted, intact, states = swap_gaps(encoder, texts)
    assert permuted < 1e-5 and states < 1e-5
    assert intact > 0.005
    identity = c.corrupted(encoder, texts[:1], 3, lambda states: states)[0]
    np.testing.assert_array_equal(identity.attention, encoder.encode(texts[:1])[0].attention)


@pytest.mark.models
def test_padding_and_masked_tokens_never_receive_attention():
    encoder = encoders.load_encoder("minilm")
    short, long = encoder.encode(["A robin sang.", "The old ferry took them to the right island before dark."])
    ids = np.zeros((2, len(long)), dtype=np.int64)
    ids[0, : len(short)], ids[1] = short.token_ids, long.token_ids
    mask = np.arange(len(long)) < np.array([[len(short)], [len(long)]])
    _, attention = encoder.forward_ids(ids, mask=mask, attention=True)
    assert (attention[0, ..., len(short) :] == 0).all() and attention[1].min() > 0


def test_padding_never_receives_attention_in_tiny_models(tiny):
    ids = np.random.default_rng(0).integers(5, 50, size=(3, 9))
    mask = np.arange(9) < np.array([[4], [9], [6]])
    _, attention = tiny.forward_ids(ids, mask=mask, attention=True)
    for row, real in enumerate(mask):
        assert (attention[row][..., ~real] == 0).all()
        np.testing.assert_allclose(attention[row][:, :, real].sum(axis=-1), 1, atol=1e-5)


# --- edits


WHERE = np.array([False, True, True, False, True, True])
STATES = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


def run(edit):
    return edit(STATES.copy())


def test_what_each_corruption_keeps_and_what_it_takes():
    donor = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    edits, orders = c.draw_edits(WHERE, donor, rng=np.random.default_rng(2))
    assert tuple(edits) == c.CORRUPTIONS and list(orders) == ["swap", "permute"]
    changed = {name: run(edit) for name, edit in edits.items()}
    for name, states in changed.items():
        np.testing.assert_array_equal(states[~WHERE], STATES[~WHERE])
        moved = (states[WHERE] != STATES[WHERE]).any(axis=1)
        assert moved.sum() == (2 if name == "swap" else 4)
    for name in ("swap", "permute"):
        np.testing.assert_array_equal(changed[name], STATES[orders[name]])
        np.testing.assert_array_equal(np.sort(changed[name], axis=0), np.sort(STATES, axis=0))
    np.testing.assert_array_equal(changed["other sentence"][WHERE], donor[:4])
    lengths = [np.linalg.norm(states, axis=1) for states in (changed["noise"], STATES)]
    np.testing.assert_allclose(*lengths, rtol=1e-5)
    np.testing.assert_allclose(changed["mean"][WHERE], np.tile(STATES[WHERE].mean(axis=0), (4, 1)), rtol=1e-5)


def test_a_short_donor_is_repeated():
    donor = np.arange(8.0).reshape(2, 4)
    np.testing.assert_array_equal(run(c.replaced(WHERE, donor))[WHERE], donor[[0, 1, 0, 1]])


def test_an_order_leaves_no_moved_position_at_its_place():
    rng = np.random.default_rng(0)
    for n_moved in (2, 3, 4, None):
        for _ in range(30):
            order = c.draw_order(WHERE, n_moved, rng=rng)
            assert sorted(order) == list(range(6))
            assert (order != np.arange(6)).sum() == (n_moved or 4) and (order[~WHERE] == [0, 3]).all()
    assert len({tuple(c.draw_order(WHERE, 2, rng=rng)) for _ in range(200)}) == 6  # every pair is drawn
    for n_moved in (1, 5):
        with pytest.raises(ExplaintError, match="positions to move"):
            c.draw_order(WHERE, n_moved, rng=rng)


def test_the_gap_is_zero_for_permuted_maps_alone():
    maps, order = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 3, 5)), np.array([1, 0, 2, 3, 4])
    np.testing.assert_allclose(c.equivariance_gap(maps, maps[:, :, order][..., order], order), 0, atol=1e-15)
    assert c.equivariance_gap(maps, maps, order).min() > 0.05
    assert c.equivariance_gap(np.eye(5), np.eye(5)[::-1], np.arange(5)) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("texts", "layer", "edit", "message"),
    [
        ("one text", 0, lambda s: s, "sequence of texts"),
        (["the robin"], 9, lambda s: s, "layer must be"),
        (["the robin"], -1, lambda s: s, "layer must be"),
        (["the robin"], 0, [lambda s: s, lambda s: s], "one for each"),
    ],
)
def test_calls_that_cannot_be(tiny, texts, layer, edit, message):
    with pytest.raises(ExplaintError, match=message):
        c.corrupted(tiny, texts, layer, edit)
