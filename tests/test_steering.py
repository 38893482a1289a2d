"""Steering: the vector meets the right state, layer and sign, and its nulls know nothing."""

from __future__ import annotations

import families
import numpy as np
import pytest

from explaint_lib import attribution, encoders
from explaint_lib._common import ExplaintError

TEXT = families.TEXTS[0]


@pytest.fixture(scope="module", params=["llama", "gpt2", "gemma2"])
def encoder(request, tmp_path_factory):
    folder = families.save(request.param, tmp_path_factory.mktemp("steer") / request.param)
    return encoders.load_encoder(str(folder))


def whole(encoder, layer, vector, position=-1):
    """Return the next token's logits of a run of the whole text, edited at one position."""
    ids = encoder.tokenize([TEXT])[0].token_ids

    def edit(states):
        states[position] += vector
        return states

    with attribution.edited_states(encoder, layer, [edit]):
        return encoder.logits(ids)[-1]


def test_logits_are_those_of_a_run_whose_last_state_was_edited(encoder):
    vectors = np.random.default_rng(0).standard_normal((3, encoder.dim)).astype(np.float32)
    for layer in range(encoder.n_layers):
        found = attribution.steered_logits(encoder, TEXT, layer, np.concatenate([np.zeros_like(vectors[:1]), vectors]))
        np.testing.assert_allclose(found[0], encoder.logits(TEXT)[-1], atol=1e-5)
        for vector, row in zip(vectors, found[1:], strict=True):
            np.testing.assert_allclose(row, whole(encoder, layer, vector), atol=1e-5)
            for wrong in (whole(encoder, layer, -vector), whole(encoder, layer, vector, position=-2)):
                assert np.abs(row - wrong).max() > 1e-3
            assert np.abs(row - whole(encoder, (layer + 1) % encoder.n_layers, vector)).max() > 1e-4


def test_no_hook_stays_and_inputs_stay(encoder):
    before, vectors = encoder.logits(TEXT), np.ones((2, encoder.dim))
    vectors.flags.writeable = False
    attribution.steered_logits(encoder, TEXT, 1, vectors)
    np.testing.assert_array_equal(encoder.logits(TEXT), before)


def states(n=40, dim=6, effect=2.0, seed=0):
    rng = np.random.default_rng(seed)
    negative = rng.standard_normal((n, dim))
    return negative + effect * np.eye(dim)[0] + 0.1 * rng.standard_normal((n, dim)), negative


def test_the_vector_points_from_negative_to_positive():
    positive, negative = states()
    vector = attribution.steering_vector(positive, negative)
    assert vector[0] == pytest.approx(2, abs=0.1) and np.abs(vector[1:]).max() < 0.1
    np.testing.assert_allclose(attribution.steering_vector(negative, positive), -vector)


def test_nulls_are_as_long_and_know_the_texts_but_not_their_labels():
    positive, negative = states(effect=3.0)
    positive[:, 4:] = negative[:, 4:]  # no text differs there
    vector = attribution.steering_vector(positive, negative)
    drawn = [attribution.steering_nulls(positive, negative, rng=np.random.default_rng(seed)) for seed in range(200)]
    for name in ("random direction", "shuffled labels"):
        each = np.stack([one[name] for one in drawn])
        np.testing.assert_allclose(np.linalg.norm(each, axis=1), np.linalg.norm(vector))
        assert abs((each @ vector).mean()) < 0.2 * np.linalg.norm(vector) ** 2
    assert np.abs(np.stack([one["shuffled labels"] for one in drawn])[:, 4:]).max() < 1e-9
    assert np.abs(np.stack([one["random direction"] for one in drawn])[:, 4:]).max() > 0.5
    again = attribution.steering_nulls(positive, negative, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(again["random direction"], drawn[3]["random direction"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": 99}, r"layer must be 0 \(embeddings\)"),
        ({"vectors": np.ones(3)}, r"expected vectors \(vector, "),
        ({"vectors": np.ones((0, 1))}, r"expected vectors \(vector, "),
    ],
)
def test_what_cannot_be_steered_is_refused(encoder, change, message):
    with pytest.raises(ExplaintError, match=message):
        attribution.steered_logits(
            encoder, TEXT, change.get("layer", 0), change.get("vectors", np.zeros((1, encoder.dim)))
        )


def test_an_encoder_cannot_be_steered(tmp_path):
    bert = encoders.load_encoder(str(families.save("bert", tmp_path / "bert")))
    with pytest.raises(ExplaintError, match="predicts no next token"):
        attribution.steered_logits(bert, TEXT, 0, np.zeros((1, bert.dim)))


def test_states_that_are_no_pairs_are_refused():
    positive, negative = states()
    with pytest.raises(ExplaintError, match="as many positive as negative"):
        attribution.steering_vector(positive[:-1], negative)
    with pytest.raises(ExplaintError, match="at least 2 pairs"):
        attribution.steering_nulls(positive[:1], negative[:1], rng=np.random.default_rng(0))


@pytest.mark.models
def test_smollm2_is_moved_by_the_direction_of_its_own_words():
    """Just below the head, towards one word and away from another: the planted success."""
    encoder = encoders.load_encoder("smollm2")
    good, bad = (encoder.tokenize([f"x {word}"])[0].token_ids[-1] for word in ("good", "bad"))
    rows = encoder.embedding_matrix()
    towards = 3 * (rows[good] - rows[bad]) / np.linalg.norm(rows[good] - rows[bad]) * 30
    found = attribution.steered_logits(encoder, "I think this is", 29, np.stack([0 * towards, towards, -towards]))
    moved = found[:, good] - found[:, bad]
    assert moved[1] > moved[0] + 1 and moved[2] < moved[0] - 1
