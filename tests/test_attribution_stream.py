"""Streamed attention statistics: equal to those of whole maps, whatever the batch, in a fraction of the memory."""

from __future__ import annotations

import weakref
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from helpers_models import TEXTS, save_tiny_bert, save_tiny_llama

from explaint_lib import attention, attribution, encoders
from explaint_lib._common import ExplaintError


@pytest.fixture(scope="module", params=["bert", "llama"])
def encoder(request, tmp_path_factory):
    save = save_tiny_bert if request.param == "bert" else save_tiny_llama
    return encoders.load_encoder(str(save(tmp_path_factory.mktemp(request.param))))


def largest(maps):
    return maps.max(axis=(-1, -2))


def rows(maps):
    return maps.max(axis=-1)


@pytest.mark.parametrize("batch_tokens", [1, 4096])
def test_statistics_equal_those_of_whole_maps(encoder, batch_tokens):
    causal = encoder.family == "decoder"
    statistics = {"entropy": partial(attention.row_entropy, causal=causal), "rows": rows}
    texts = [*TEXTS, TEXTS[0]]
    found = attribution.attention_statistics(encoder, texts, statistics, batch_tokens=batch_tokens)
    assert len(found) == len(texts)
    for text, streamed in zip(texts, found, strict=True):
        whole = encoder.encode([text])[0].attention  # (layer, head, query, key)
        np.testing.assert_allclose(streamed["rows"], whole.max(axis=-1), atol=1e-6)
        np.testing.assert_allclose(
            streamed["entropy"], attention.row_entropy(whole, causal=causal), atol=1e-5, equal_nan=True
        )


def test_heads_may_come_in_portions(encoder, monkeypatch):
    whole = attribution.attention_statistics(encoder, TEXTS[:2], {"rows": rows})
    monkeypatch.setattr("explaint_lib.attribution._stream._CELLS", 1)
    seen = []

    def looking(maps):
        seen.append(maps.shape)
        assert not maps.flags.writeable
        return rows(maps)

    portions = attribution.attention_statistics(encoder, TEXTS[:2], {"rows": looking})
    assert {shape[1] for shape in seen} == {1}
    for one, other in zip(whole, portions, strict=True):
        np.testing.assert_array_equal(one["rows"], other["rows"])


def test_padding_never_receives_attention(encoder):
    together = encoder.encode(list(TEXTS), hidden_states=False)  # batched and padded; padding is cut off
    for text in together:
        np.testing.assert_allclose(text.attention.sum(axis=-1), 1, atol=1e-5)  # so none of a row went there


def test_cache_is_by_content(encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    kept = partial(attribution.attention_statistics, encoder, cache=True)
    first = kept(TEXTS[:2], {"largest": largest})
    with monkeypatch.context() as patch:
        patch.setattr(type(encoder), "forward_ids", None)  # a second run of the model would fail
        again = kept(TEXTS[:2], {"largest": largest})
        for other in ({"texts": TEXTS[1:3]}, {"statistics": {"largest": rows}}):
            with pytest.raises(TypeError):
                kept(other.get("texts", TEXTS[:2]), other.get("statistics", {"largest": largest}))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one["largest"], other["largest"])
    share = 0.5
    with pytest.raises(ExplaintError, match="cannot tell"):
        kept(TEXTS[:2], {"above": lambda maps: (maps > share).mean(axis=(-1, -2))})


def test_what_is_no_statistic_of_each_map_is_refused(encoder):
    before = sum(len(module._forward_hooks) for module in encoder.model.modules())
    with pytest.raises(ExplaintError, match="text, head"):
        attribution.attention_statistics(encoder, TEXTS[:1], {"total": np.sum})
    with pytest.raises(ExplaintError, match="one; pass"):
        attribution.attention_statistics(encoder, TEXTS[0], {"rows": rows})
    assert sum(len(module._forward_hooks) for module in encoder.model.modules()) == before


def peak_bytes(run):
    """Return the largest sum of tensor storage alive at once that `run` made, counted operation by operation."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    alive, peak = {}, [0]

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            for tensor in torch.utils._pytree.tree_leaves(out):
                if isinstance(tensor, torch.Tensor):
                    storage = tensor.untyped_storage()
                    if storage._cdata not in alive:
                        alive[storage._cdata] = storage.nbytes()
                        weakref.finalize(storage, alive.pop, storage._cdata, None)
            peak[0] = max(peak[0], sum(alive.values()))
            return out

    with Count():
        run()
    return peak[0]


def test_a_long_text_never_holds_the_maps_of_all_layers():
    """Tensors by count, numpy by tracemalloc: beyond the model's own pass, less than twice one layer's maps."""
    import tracemalloc

    import torch
    from transformers import LlamaConfig, LlamaModel

    n, heads, layers = 512, 9, 6
    config = LlamaConfig(
        vocab_size=64, hidden_size=18, num_attention_heads=heads, num_key_value_heads=3, intermediate_size=8,
        num_hidden_layers=layers, max_position_embeddings=n, attn_implementation="eager",
    )  # fmt: skip
    model = LlamaModel(config).eval()
    ids = np.random.default_rng(0).integers(0, 64, (1, n))

    def plain(ids=ids, **_):
        with torch.inference_mode():
            model(input_ids=torch.from_numpy(ids), use_cache=False)

    long = SimpleNamespace(model=model, name="long", forward_ids=plain, check_attention=lambda: None)
    long.encode = lambda texts, **_: []
    text = encoders.Encoding("", ("",) * n, ids[0], np.zeros(n, bool), np.arange(n), (), np.zeros((n, 2)))

    def streamed():
        statistics = {"entropy": partial(attention.row_entropy, causal=True)}
        assert attribution.attention_statistics(long, [text], statistics)[0]["entropy"].shape == (layers, heads)

    one_layer = heads * n * n * 4
    own, with_statistics = peak_bytes(plain), peak_bytes(streamed)
    tracemalloc.start()
    streamed()
    numpy_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert own > one_layer  # the count sees the maps at all
    assert with_statistics - own + numpy_peak < 2 * one_layer

    def whole():
        with torch.inference_mode():
            model(input_ids=torch.from_numpy(ids), use_cache=False, output_attentions=True)

    assert peak_bytes(whole) > own + (layers - 2) * one_layer  # and it would see them if they were kept
