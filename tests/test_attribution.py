"""Interventional continuity: planted truths (identity kept, moved, smeared), chance, ties, samplers, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_models import TEXTS, save_tiny_bert, save_tiny_llama

from explaint_lib import attribution, encoders
from explaint_lib._common import ExplaintError

VOCAB, DIM = 12, 5


class Planted:
    """Layer 0: one vector a token. Layer 1: `mix` applied to the positions of layer 0, as (n, n) weights."""

    def __init__(self, mix, family="encoder"):
        self.mix, self.family = mix, family
        self.table = np.random.default_rng(0).normal(size=(VOCAB, DIM)) + 3

    def forward_ids(self, ids):
        states = self.table[ids]  # (batch, n, dim)
        return np.stack([states, self.mix(ids.shape[1]) @ states], axis=1), None


def shift(n):
    """Position i takes over the token of position i - 1: every identity is kept, at the wrong place."""
    return np.roll(np.eye(n), 1, axis=0)


def smear(n):
    return np.full((n, n), 1 / n)


def read_only(*rows):
    arrays = [np.array(row) for row in rows]
    for array in arrays:
        array.flags.writeable = False
    return arrays


SENTENCES = read_only([1, 2, 3, 4, 5], [6, 7, 8], [2, 9, 4, 1])


def another(ids, position, rng):
    return int((ids[position] + rng.integers(1, VOCAB)) % VOCAB)


def outcome(model, sentences=SENTENCES, n=8, seed=0, **options):
    rng = np.random.default_rng(seed)
    return attribution.interventional_continuity(
        model, sentences, n_interventions=n, replacements=another, rng=rng, **options
    )


def test_identity_kept_moved_and_smeared():
    kept, moved, smeared = (outcome(Planted(mix)) for mix in (np.eye, shift, smear))
    for result in (kept, moved, smeared):  # at layer 0 a change is exactly local, whatever comes above
        np.testing.assert_array_equal(result.argmax_hit[:, 0], 1)
        np.testing.assert_array_equal(result.share[:, 0], 1)
    np.testing.assert_array_equal(kept.argmax_hit[:, 1], 1)
    np.testing.assert_array_equal(moved.argmax_hit[:, 1], 0)
    np.testing.assert_array_equal(moved.share[:, 1], 0)
    np.testing.assert_allclose(smeared.share[:, 1], smeared.chance)
    np.testing.assert_allclose(smeared.argmax_hit[:, 1], smeared.chance)  # ties count in part


def test_chance_is_one_over_the_positions_that_can_change():
    result = outcome(Planted(np.eye))
    lengths = np.array([len(SENTENCES[i]) for i in result.sentence])
    np.testing.assert_allclose(result.chance, 1 / lengths)
    causal = outcome(Planted(np.eye, family="decoder"))
    lengths = np.array([len(SENTENCES[i]) for i in causal.sentence])
    np.testing.assert_allclose(causal.chance, 1 / (lengths - causal.position))
    assert (causal.position < lengths - 1).all()  # the last position could not miss
    assert outcome(Planted(np.eye, family="decoder"), causal=False).chance.min() == 0.2


def test_earlier_positions_do_not_count_for_a_decoder():
    backwards = Planted(lambda n: np.eye(n) + 9 * np.eye(n, k=1), family="decoder")  # position j - 1 changes most
    assert (outcome(backwards).argmax_hit[:, 1] == 1).all()
    assert (outcome(backwards, causal=False).argmax_hit[:, 1] < 1).any()


def test_special_tokens_are_never_replaced_and_count_only_on_request():
    special = [np.arange(len(ids)) == 0 for ids in SENTENCES]
    result = outcome(Planted(shift), special=special)
    assert (result.position > 0).all()
    np.testing.assert_allclose(result.chance, 1 / np.array([len(SENTENCES[i]) - 1 for i in result.sentence]))
    to_special = Planted(lambda n: np.eye(n) + 5 * np.outer(np.arange(n) == 0, np.ones(n)))
    # the special position gathers every change; its own norm is large, so look at the share
    without, with_ = (outcome(to_special, special=special, special_eligible=on) for on in (False, True))
    np.testing.assert_allclose(without.share[:, 1], 1)
    assert (with_.share[:, 1] < 1).all()


def test_candidates_limit_the_positions():
    result = outcome(Planted(np.eye), candidates=[[1, 2], [0], []], n=3)
    assert sorted(zip(result.sentence.tolist(), result.position.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 0)]


def test_sentences_take_turns_and_the_seed_decides():
    result = outcome(Planted(np.eye), n=9)
    assert np.bincount(result.sentence).tolist() == [3, 3, 3]
    assert len(set(zip(result.sentence, result.position, strict=True))) == 9
    again, other = outcome(Planted(shift), n=9), outcome(Planted(np.eye), n=9, seed=1)
    np.testing.assert_array_equal(result.replacement, again.replacement)
    assert (result.replacement != other.replacement).any()


def test_batches_do_not_matter():
    one, many = (outcome(Planted(smear), n=9, batch_rows=rows) for rows in (1, 64))
    np.testing.assert_allclose(one.share, many.share, atol=1e-12)
    np.testing.assert_array_equal(one.position, many.position)


def test_known_states_save_half_the_passes_and_change_nothing():
    class Counting(Planted):
        rows = 0

        def forward_ids(self, ids):
            self.rows += len(ids)
            return super().forward_ids(ids)

    model = Counting(smear)
    intact = [model.forward_ids(ids[None])[0][0] for ids in SENTENCES]
    known, fresh = Counting(smear), Counting(smear)
    one, other = outcome(known, n=9, intact=intact), outcome(fresh, n=9)
    assert known.rows == 9 and fresh.rows == 18
    np.testing.assert_allclose(one.share, other.share, atol=1e-12)
    np.testing.assert_array_equal(one.argmax_hit[:, 0], 1)
    np.testing.assert_array_equal(one.replacement, other.replacement)


def test_a_token_that_changes_nothing_has_no_share():
    hit, share = attribution.locality(np.zeros((2, 4)), 1, np.ones(4, bool))
    np.testing.assert_array_equal(hit, [0.25, 0.25])
    assert np.isnan(share).all()


def test_a_zero_state_has_no_relative_change():
    change = attribution.relative_change(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [3.0, 9.0]]))
    np.testing.assert_array_equal(change, [np.nan, 1.0])
    hit, share = attribution.locality(change[None], 1, np.ones(2, bool))
    assert np.isnan(hit).all() and np.isnan(share).all()


@pytest.mark.parametrize(
    "options, said",
    [
        ({"n": 0}, "at least 1"),
        ({"n": 99}, "asked for 99 .* allow 12"),
        ({"special": [np.zeros(5, bool)]}, "one entry for each of the 3"),
        ({"special": [np.zeros(2, bool)] * 3}, "sentence 0"),
        ({"sentences": [np.array([1.5])]}, "integers"),
        ({"candidates": [[7], [], []]}, "positions 0..4"),
    ],
)
def test_bad_input_is_refused(options, said):
    with pytest.raises(ExplaintError, match=said):
        outcome(Planted(np.eye), **options)


# ---- replacements


def test_replacements_match_kind_and_frequency():
    vocabulary = ["[CLS]", "the", "dog", "cat", "fox", "##s", "##ed", ".", ",", "7"]
    ids = read_only([0, 1, 2, 5, 7], [0, 1, 3, 6, 8], [0, 1, 4, 9, 7], [0, 1, 1, 1, 1])
    special = [row == 0 for row in ids]
    draw = attribution.frequency_matched(ids, vocabulary, special=special, n_nearest=1)
    rng = np.random.default_rng(0)
    drawn = {token: {draw(np.array([token]), 0, rng) for _ in range(60)} for token in (1, 2, 5, 7, 9)}
    assert drawn[2] == {3, 4}  # as rare, words; both tie, neither "the" nor itself nor [CLS]
    assert drawn[1] == {2, 3, 4} and drawn[5] == {6} and drawn[7] == {8}
    assert drawn[9] == {None}  # the only number


def test_frequencies_may_come_from_a_larger_text():
    ids = read_only([0, 1, 2, 3])
    draw = attribution.frequency_matched(ids, ["a", "b", "c", "d"], counts=np.array([100, 90, 2, 1]), n_nearest=1)
    assert draw(ids[0], 0, np.random.default_rng(0)) == 1 and draw(ids[0], 3, np.random.default_rng(0)) == 2


def test_kinds_of_both_tokenizers():
    pieces = attribution.token_kinds(["robin", "##s", "7", ",", "##7"]).tolist()
    assert pieces == ["start letters", "inside letters", "start digits", "start signs", "inside digits"]
    bytes_ = attribution.token_kinds(["Ġrob", "in", "Ġ", "Ġ7", ".", "ĠcafÃ©"]).tolist()
    assert bytes_ == ["start letters", "inside letters", "start signs", "start digits", "inside signs", "start bytes"]


@pytest.mark.parametrize(
    "options, said", [({"n_nearest": 0}, "at least 1"), ({"counts": np.ones(3)}, "one entry a token")]
)
def test_bad_samplers_are_refused(options, said):
    with pytest.raises(ExplaintError, match=said):
        attribution.frequency_matched([np.array([0, 1])], ["a", "b"], **options)
    with pytest.raises(ExplaintError, match="ids must lie in"):
        attribution.frequency_matched([np.array([0, 5])], ["a", "b"])


# ---- real forward passes


@pytest.mark.parametrize("save", [save_tiny_bert, save_tiny_llama])
def test_a_transformer_is_local_at_its_embeddings_and_not_above(save, tmp_path):
    encoder = encoders.load_encoder(str(save(tmp_path)))
    found = encoder.encode(TEXTS, hidden_states=False, attention=False)
    ids, special = [e.token_ids for e in found], [e.special for e in found]
    draw = attribution.frequency_matched(ids, encoder.vocabulary, special=special)
    result = attribution.interventional_continuity(
        encoder, ids, n_interventions=20, replacements=draw, rng=np.random.default_rng(0), special=special
    )
    assert result.share.shape == (20, encoder.n_layers + 1)
    np.testing.assert_array_equal(result.share[:, 0], 1)
    np.testing.assert_array_equal(result.argmax_hit[:, 0], 1)
    assert (result.share[:, 1:] < 1).all()
    chosen = [ids[s][p] for s, p in zip(result.sentence, result.position, strict=True)]
    assert not any(special[s][p] for s, p in zip(result.sentence, result.position, strict=True))
    assert (result.replacement != chosen).all()
