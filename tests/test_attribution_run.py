"""Nine methods and two causal measures on texts: what a run holds, at every level, and that a seed repeats it."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_models import save_tiny_bert, save_tiny_llama

from explaint_lib import attention, attribution, encoders
from explaint_lib._common import ExplaintError
from explaint_lib.attribution import _compare as flow

TEXTS = ["A robin is a small red bird.", "The trout swam and the robin sang and sang."]


@pytest.fixture(scope="module", params=["bert", "llama"])
def encoder(request, tmp_path_factory):
    save = save_tiny_bert if request.param == "bert" else save_tiny_llama
    return encoders.load_encoder(str(save(tmp_path_factory.mktemp(request.param))))


@pytest.fixture(scope="module")
def run(encoder):
    return flow.run_flow(encoder, TEXTS, n_samples=2, n_draws=1, rng=np.random.default_rng(0))


def test_a_run_holds_every_map_at_every_level(encoder, run):
    assert tuple(run.agreement) == flow.LEVELS
    for maps, encoding in zip(run.maps, run.encodings, strict=True):
        assert tuple(maps) == flow.MAPS
        assert {found.shape for found in maps.values()} == {(len(encoding), len(encoding))}
    for level, found in run.agreement.items():
        assert found.shape == (len(TEXTS), len(flow.MAPS), len(flow.MAPS))
        np.testing.assert_allclose(found, found.transpose(0, 2, 1), atol=1e-12)
        assert np.abs(found).max() <= 1 + 1e-12 and not np.isnan(found).any(), level
        diagonal = found[:, np.arange(len(flow.MAPS)), np.arange(len(flow.MAPS))]
        assert np.isin(flow.MAPS.index("nearness"), np.flatnonzero(diagonal.min(axis=0) > 0.99))
    np.testing.assert_array_equal(
        run.between("ALTI", "rollout", "words"),
        run.agreement["words"][:, flow.METHODS.index("ALTI"), flow.METHODS.index("rollout")],
    )
    assert run.kept.shape == (len(TEXTS), encoder.n_layers)
    assert ((run.kept > 0) & (run.kept < 1)).all()
    for shares in run.sink.values():
        assert shares.shape == (len(TEXTS), encoder.n_layers)
        assert ((shares >= 0) & (shares <= 1)).all()


def test_special_tokens_are_switched_off_and_on(encoder, run):
    if encoder.family == "encoder":  # the tiny decoder has no special tokens, only its first position
        assert all(encoding.special.any() for encoding in run.encodings)
    assert not np.allclose(run.agreement["tokens"], run.agreement["tokens, all"])


def test_a_seed_repeats_a_run(encoder, run):
    again = flow.run_flow(encoder, TEXTS, n_samples=2, n_draws=1, rng=np.random.default_rng(0))
    for level in flow.LEVELS:
        np.testing.assert_array_equal(again.agreement[level], run.agreement[level])


def test_a_text_too_short_to_rank_is_refused(encoder):
    with pytest.raises(ExplaintError, match="too short"):
        flow.run_flow(encoder, ["A bird."], n_samples=1, n_draws=1, rng=np.random.default_rng(0))
    with pytest.raises(ExplaintError, match="no text"):
        flow.run_flow(encoder, [], n_samples=1, n_draws=1, rng=np.random.default_rng(0))


@pytest.mark.models
@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_real_models_are_taken_apart_exactly(name):
    """Parts are refused unless they add up to the model's own states; here they must, and the maps be the model's."""
    real = encoders.load_encoder(name)
    encoding = real.encode(["The mayor's hat was in the river."])[0]
    maps = flow.layer_maps(real, encoding.token_ids)
    np.testing.assert_allclose(maps["raw attention"], encoding.attention.mean(axis=1), atol=1e-5)
    for method, found in maps.items():
        np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5, err_msg=method)
        assert real.family == "encoder" or np.triu(found, k=1).max() < 1e-6, method
    parts = attribution.layer_parts(real, encoding.token_ids)
    other = {2: np.stack([attention.same_output_attention(a, v, causal=real.family == "decoder")
                         for a, v in zip(parts[2]["attention"], parts[2]["values"], strict=True)])}  # fmt: skip
    own = attribution.states_under(real, encoding.token_ids, {})
    np.testing.assert_allclose(own, encoding.hidden_states, atol=2e-4 * np.abs(own).max())
    # shorter than a head is wide: the map is unique, and the other map is the map
    np.testing.assert_allclose(other[2], parts[2]["attention"], atol=1e-3)
