"""Attention statistics of a corpus: tokens a second, share of the machine's matrix-multiply rate, peak memory.

Rival: the transformers library one sentence at a time with all maps returned, the same statistic computed from
them. Both in this process, same weights, same threads, turn by turn; medians of three runs. The machine's own
rate is that of a large float32 matrix product by torch, measured between the runs.
"""

from __future__ import annotations

import argparse
import statistics
import tracemalloc
import weakref
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from explaint_lib import attention, attribution, encoders
from explaint_lib._common import output_file, write_json
from explaint_lib.experiments.continuity import bundled_sentences

RUNS = 3
SENTENCES = {"minilm": 240, "smollm2": 48}
LONG = 512  # tokens


def main() -> None:
    """Run all measurements and write them to the file given by ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", type=output_file, help="file to write to")
    rows = []
    arguments = parser.parse_args()
    for name in SENTENCES:
        encoder = encoders.load_encoder(name)
        rows += [corpus(encoder), long_text(encoder)]
        print(*(f"{row['name']}: {row['note']}" for row in rows[-2:]), sep="\n")
    if arguments.json:
        write_json(arguments.json, rows)


def corpus(encoder: encoders.Encoder) -> dict[str, Any]:
    """Many sentences: batched and reduced inside the model, against one at a time."""
    texts = bundled_sentences()[: SENTENCES[encoder.name]]
    encodings = encoder.encode(texts, hidden_states=False, attention=False)
    tokens = sum(map(len, encodings))
    work = sum(operations(encoder, len(encoding)) for encoding in encodings)
    measured = compare(encoder, encodings)
    share = {who: work / measured[f"{who}_s"] / measured["rate"] for who in ("ours", "rival")}
    note = (
        f"{tokens / measured['ours_s']:.0f} against {tokens / measured['rival_s']:.0f} tokens a second; "
        f"{share['ours']:.0%} against {share['rival']:.0%} of the matrix-multiply rate "
        f"({measured['rate'] / 1e9:.0f} GFLOP/s, {torch.get_num_threads()} threads)"
    )
    return row(f"{encoder.name}, {len(texts)} sentences", measured, note)


def long_text(encoder: encoders.Encoder) -> dict[str, Any]:
    """One long text: peak of live tensors and arrays above the model's own pass, in maps of one layer."""
    ids = np.random.default_rng(0).integers(1000, 2000, LONG)
    n = len(ids)
    text = encoders.Encoding("", ("",) * n, ids, np.zeros(n, bool), np.arange(n), (), np.zeros((n, 2), int))
    measured = compare(encoder, [text])
    own = peak_bytes(lambda: encoder.forward_ids(ids[None], hidden_states=False))
    one_layer = encoder.n_heads * n * n * 4
    above = {
        who: (peak_bytes(lambda run=run: run(encoder, [text])) - own) / one_layer
        for who, run in (("ours", ours), ("rival", rival))
    }
    note = (
        f"memory above the model's own pass: {above['ours']:.2f} against {above['rival']:.1f} layers' maps "
        f"of {one_layer / 1e6:.1f} MB"
    )
    return row(f"{encoder.name}, one text of {n} tokens", measured, note)


def row(name: str, measured: dict[str, float], note: str) -> dict[str, Any]:
    """Return one line of the report."""
    return {
        "name": f"attention: {name}",
        "ours_s": measured["ours_s"],
        "rival": "transformers, one text at a time, output_attentions=True",
        "rival_s": measured["rival_s"],
        "ratio": measured["rival_s"] / measured["ours_s"],
        "agreement": measured["agreement"],
        "note": note,
    }


def statistic(encoder: encoders.Encoder) -> Callable[[np.ndarray], np.ndarray]:
    """Return what both compute: the mean entropy of the rows of every map."""
    return partial(attention.row_entropy, causal=encoder.family == "decoder")


def ours(encoder: encoders.Encoder, texts: list[encoders.Encoding]) -> list[np.ndarray]:
    """Reduce inside the model."""
    found = attribution.attention_statistics(encoder, texts, {"entropy": statistic(encoder)})
    return [each["entropy"] for each in found]


def rival(encoder: encoders.Encoder, texts: list[encoders.Encoding]) -> list[np.ndarray]:
    """Let transformers return all maps of one text, then reduce them."""
    found = []
    for text in texts:
        with torch.inference_mode():
            out = encoder.model(input_ids=torch.from_numpy(text.token_ids[None]), output_attentions=True)
        maps = torch.stack(out.attentions, dim=1)[0].numpy()  # (layer, head, query, key)
        found.append(statistic(encoder)(maps))
    return found


def compare(encoder: encoders.Encoder, texts: list[encoders.Encoding]) -> dict[str, float]:
    """Time both turn by turn after a warm-up, with the machine's rate in between."""
    results = [run(encoder, texts[:4]) and None for run in (ours, rival)]
    times: dict[str, list[float]] = {"ours": [], "rival": [], "rate": []}
    for _ in range(RUNS):
        times["rate"].append(matrix_multiply_rate())
        for who, run in (("ours", ours), ("rival", rival)):
            start = perf_counter()
            found = run(encoder, texts)
            times[who].append(perf_counter() - start)
            results.append(found)
    first, second = results[-2:]
    largest = max(float(np.nanmax(np.abs(a - b))) for a, b in zip(first, second, strict=True))
    return {
        "ours_s": statistics.median(times["ours"]),
        "rival_s": statistics.median(times["rival"]),
        "rate": statistics.median(times["rate"]),
        "agreement": largest,
    }


def matrix_multiply_rate(size: int = 1024) -> float:
    """Return floating-point operations a second of a square float32 product, the median of five."""
    matrix, times = torch.randn(size, size), []
    for _ in range(6):
        start = perf_counter()
        matrix @ matrix
        times.append(perf_counter() - start)
    return 2 * size**3 / statistics.median(times[1:])


def operations(encoder: encoders.Encoder, n: int) -> int:
    """Return the floating-point operations of the matrix products for one text of n tokens."""
    named = [(name, w) for name, w in encoder.model.named_parameters() if w.ndim == 2]
    weights = sum(w.numel() for name, w in named if "embed" not in name and "pool" not in name)
    return 2 * weights * n + 4 * encoder.n_layers * encoder.dim * n * n


def peak_bytes(run: Callable[[], Any]) -> int:
    """Return the most bytes made by `run` that were alive at once: tensors, counted by operation, plus numpy's."""
    alive: dict[int, int] = {}
    peak = 0

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal peak
            out = function(*args, **(kwargs or {}))
            for tensor in torch.utils._pytree.tree_leaves(out):
                if isinstance(tensor, torch.Tensor):
                    storage = tensor.untyped_storage()
                    if storage._cdata not in alive:
                        alive[storage._cdata] = storage.nbytes()
                        weakref.finalize(storage, alive.pop, storage._cdata, None)
            peak = max(peak, sum(alive.values()))
            return out

    tracemalloc.start()
    with Count():
        run()
    arrays = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak + arrays


if __name__ == "__main__":
    main()
