"""Nine methods and two causal measures on texts: what a run holds, at every level, and that a seed repeats it."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_models import save_tiny_bert, save_tiny_llama

from explaint_lib import attention, attribution, encoders
from explaint_lib._common import ExplaintError
from explaint_lib.attribution import _maps as maps_of
from explaint_lib.results import Result, pick

TEXTS = ["A robin is a small red bird.", "The trout swam and the robin sang and sang."]


@pytest.fixture(scope="module", params=["bert", "llama"])
def encoder(request, tmp_path_factory):
    save = save_tiny_bert if request.param == "bert" else save_tiny_llama
    return encoders.load_encoder(str(save(tmp_path_factory.mktemp(request.param))))


@pytest.fixture(scope="module")
def run(encoder):
    return attribution.compare_methods(encoder, TEXTS, n_samples=2, n_draws=1)


def test_a_run_holds_every_map_at_every_level(encoder, run):
    assert tuple(run.agreement) == attribution.LEVELS
    for maps, encoding in zip(run.maps, run.encodings, strict=True):
        assert tuple(maps) == attribution.MAPS
        assert {found.shape for found in maps.values()} == {(len(encoding), len(encoding))}
    for level, found in run.agreement.items():
        assert found.shape == (len(TEXTS), len(attribution.MAPS), len(attribution.MAPS))
        np.testing.assert_allclose(found, found.transpose(0, 2, 1), atol=1e-12)
        assert np.abs(found).max() <= 1 + 1e-12 and not np.isnan(found).any(), level
        diagonal = found[:, np.arange(len(attribution.MAPS)), np.arange(len(attribution.MAPS))]
        assert np.isin(attribution.MAPS.index("nearness"), np.flatnonzero(diagonal.min(axis=0) > 0.99))
    np.testing.assert_array_equal(
        run.between("ALTI", "rollout", "words"),
        run.agreement["words"][:, attribution.METHODS.index("ALTI"), attribution.METHODS.index("rollout")],
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


def test_the_result_holds_the_numbers_of_the_arrays_each_once(encoder, run):
    rows, n = run.result.rows, len(attribution.MAPS)
    counts = rows.groupby("metric").size().to_dict()
    assert counts == {
        "agreement": len(TEXTS) * len(attribution.LEVELS) * n * (n - 1) // 2,
        "kept": len(TEXTS) * encoder.n_layers, "share_to_sinks": 4 * len(TEXTS) * encoder.n_layers,
    }  # fmt: skip
    one = pick(rows, metric="agreement", level="words", method="ALTI", other="nearness").set_index("text").value
    np.testing.assert_array_equal(one, run.between("ALTI", "nearness", "words"))
    np.testing.assert_array_equal(pick(rows, metric="kept", text=1).sort_values("layer").value, run.kept[1])
    shares = pick(rows, metric="share_to_sinks", method="value zeroing", text=0).sort_values("layer").value
    np.testing.assert_array_equal(shares, run.sink["value zeroing"][0])
    assert rows.model.unique().tolist() == [encoder.name] and not rows.untrained.any()
    assert Result.from_dict(run.result.to_dict()).equals(run.result)
    about = run.result.manifest
    assert about["data"]["n_texts"] == 2 and about["arguments"] == {"n_samples": 2, "n_draws": 1}


def test_every_method_is_tested_against_its_rivals_on_both_causal_measures_at_every_level(run):
    tests, judged = run.result.tests, (*attribution.METHODS, *attribution.AVERAGED)
    assert len(tests) == len(attribution.LEVELS) * 2 * (2 * len(judged) - 1)  # raw attention is no rival of itself
    assert tests.p_value.between(0, 1).all() and set(tests.n) == {2}
    one = pick(
        tests, level="words", method="rollout", control="nearness", score="agreement with values ablated"
    ).squeeze()
    gain = run.between("rollout", "values ablated", "words") - run.between("nearness", "values ablated", "words")
    assert one.difference == pytest.approx(gain.mean()) and one.ci_low <= gain.mean() <= one.ci_high


def test_a_seed_repeats_a_run_and_a_single_text_has_no_tests(encoder, run):
    again = attribution.compare_methods(encoder, TEXTS, n_samples=2, n_draws=1)
    assert again.result.equals(run.result)
    other = attribution.compare_methods(encoder, TEXTS[:1], n_samples=2, n_draws=1, seed=1)
    assert other.result.tests.empty and len(other.result.rows) == len(run.result.rows) / 2
    assert (other.between("exchanged again", "nearness") != run.between("exchanged again", "nearness")[:1]).all()


def test_texts_too_short_to_rank_are_refused_together_before_anything_runs(encoder, monkeypatch):
    monkeypatch.setattr(attribution._compare, "_compare_on", lambda *_: pytest.fail("the model ran"))
    with pytest.raises(ExplaintError, match="^'A bird.', 'A truck.': too short to rank words; leave out"):
        attribution.compare_methods(encoder, ["A bird.", TEXTS[0], "A truck."])
    with pytest.raises(ExplaintError, match="line 3, line 4, line 5, line 6, line 7 and 2 more: too short"):
        attribution.compare_methods(encoder, ["A bird."] * 7, labels=[f"line {i}" for i in range(3, 10)])
    with pytest.raises(ExplaintError, match="no text"):
        attribution.compare_methods(encoder, [])


@pytest.mark.models
@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_real_models_are_taken_apart_exactly(name):
    """Parts are refused unless they add up to the model's own states; here they must, and the maps be the model's."""
    real = encoders.load_encoder(name)
    encoding = real.encode(["The mayor's hat was in the river."])[0]
    maps = maps_of.layer_maps(real, encoding.token_ids)
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
