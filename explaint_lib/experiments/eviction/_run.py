"""Every policy on every passage: how much worse is the text continued when part of the cache is gone?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from explaint_lib._cache import kept
from explaint_lib._common import ExplaintError, printable
from explaint_lib.encoders import Encoder
from explaint_lib.experiments.eviction._model import Continued, check_model, continue_text, read_prefix
from explaint_lib.experiments.eviction._policies import POLICIES, Cache, kept_entries
from explaint_lib.experiments.eviction._texts import Passage
from explaint_lib.results import Result, manifest, typed

#: Entries protected at the beginning, and the share of the budget that is protected at the end: StreamingLLM keeps four
#: sinks, H2O half of its entries for the most recent tokens.
BOUNDARIES: dict[str, tuple[int, float]] = {"unprotected": (0, 0.0), "protected": (4, 0.5)}
GOES_ON, QUOTES = "goes on", "quotes"
#: Scored by attention that nobody has when the cache is cut: what the continuation itself will look at.
FUTURE = "attention of the future"
FULL = "full cache"


def run_eviction(
    encoder: Encoder,
    passages: Sequence[Passage],
    *,
    policies: Sequence[str] = tuple(POLICIES),
    shares: Sequence[float] = (0.125,),
    boundaries: Mapping[str, tuple[int, float]] = BOUNDARIES,
    continuations: Sequence[str] = (GOES_ON, QUOTES),
    n_prefix: int = 192,
    n_steps: int = 24,
    seed: int = 0,
    cache: bool = False,
    progress: bool = False,
) -> Result:
    """Cut the cache of each passage by each policy, and continue the passage.

    Parameters
    ----------
    encoder : Encoder
        A decoder that predicts the next token.
    passages : sequence of Passage
        Each of at least ``n_prefix + n_steps + 1`` tokens.
    policies : sequence of str
        Of `POLICIES`; "attention of the future" is added.
    shares : sequence of float in (0, 1]
        Shares of the prefix's entries that are kept.
    boundaries : mapping of name to (int, float)
        The number of entries protected at the beginning, and the share of the kept ones protected at the end.
    continuations : sequence of {"goes on", "quotes"}
        The passage's own next tokens; or tokens of its prefix, from anywhere in it, word for word. Of a quotation
        it is known which entries are needed: those quoted.
    n_prefix, n_steps : int
        Tokens read before the cache is cut, and tokens scored after it.
    seed : int
        For random scores and for what is quoted; each passage has its own draws.
    cache : bool
        Keep the rows in the cache folder, by the content of passages and model, and read them from there the next time.
    progress : bool

    Returns
    -------
    Result
        Its rows: text (its number), page, continuation, method (the policy, or "full cache"), condition (the name of
        the boundaries; "none" for the full cache), kept (entries a layer and head), metric, value. The metrics: "loss",
        nats per token; "agreement", share of steps whose most likely token is that of the full cache.

    Raises
    ------
    ExplaintError
        For a model without a cache that can be cut, unknown names, numbers that do not fit, and short passages.

    Examples
    --------
    >>> from explaint_lib import encoders
    >>> from explaint_lib.experiments import eviction
    >>> decoder = encoders.load_encoder("smollm2")  # doctest: +SKIP
    >>> found = eviction.run_eviction(decoder, eviction.bundled_passages()[:8])  # doctest: +SKIP
    >>> found.rows[["method", "condition", "kept", "metric", "value"]]  # doctest: +SKIP
    """
    check_model(encoder)
    _check_names(policies, continuations)
    budgets = _budgets(shares, boundaries, n_prefix)
    encodings = encoder.tokenize([passage.text for passage in passages])
    needed = n_prefix + n_steps + 1
    short = [f"{i} ({len(one)})" for i, one in enumerate(encodings) if len(one) < needed]
    if short or not 1 <= n_steps < n_prefix:
        raise ExplaintError(
            f"expected passages of at least {needed} tokens, and a prefix longer than its continuation; "
            f"found n_prefix {n_prefix}, n_steps {n_steps}, and too short: {', '.join(short) or 'none'}"
        )
    arguments = {
        "policies": list(policies), "shares": list(shares), "boundaries": {k: list(v) for k, v in boundaries.items()},
        "continuations": list(continuations), "n_prefix": n_prefix, "n_steps": n_steps,
    }  # fmt: skip
    digest = hashlib.sha256(b"|".join(one.token_ids.tobytes() for one in encodings)).hexdigest()
    data = {"name": "passages", "n_texts": len(passages), "sha256": digest}
    about = manifest(data=data, model=encoder.describe(), arguments=arguments, seed=seed)

    def compute() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        label = f"eviction ({printable(encoder.name)})"
        for text in tqdm(range(len(passages)), desc=label, unit="text", disable=not progress, leave=False):
            ids, rng = encodings[text].token_ids[:needed], np.random.default_rng([seed, text])
            for found in _of_text(encoder, ids[:n_prefix], ids[n_prefix:], policies, budgets, continuations, rng):
                rows.append({"text": text, "page": passages[text].page} | found)
        return rows

    known = {"encoder": encoder.identity(), "data": data, "arguments": arguments, "seed": seed}
    pages = {"pages": [passage.page for passage in passages]}
    rows = kept("eviction", known | pages, compute, code=__name__, suffix=".json") if cache else compute()
    return Result("eviction", about, typed(rows))


def _of_text(
    encoder: Encoder,
    prefix: np.ndarray,
    goes_on: np.ndarray,
    policies: Sequence[str],
    budgets: Mapping[int, Mapping[str, tuple[int, int]]],
    continuations: Sequence[str],
    rng: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Read one prefix, score its entries once, and continue it in each way; yield the rows."""
    cache = read_prefix(encoder, prefix)
    scores = {name: POLICIES[name](cache, rng) for name in policies}
    start = int(rng.integers(len(prefix) - len(goes_on) + 1))
    follows = {GOES_ON: goes_on, QUOTES: prefix[start : start + len(goes_on)]}
    for continuation in continuations:
        for found in _continued(encoder, cache, scores, budgets, follows[continuation]):
            yield {"continuation": continuation} | found


def _check_names(policies: Sequence[str], continuations: Sequence[str]) -> None:
    unknown = [*(set(policies) - set(POLICIES)), *(set(continuations) - {GOES_ON, QUOTES})]
    if unknown:
        raise ExplaintError(
            f"unknown: {', '.join(map(repr, sorted(unknown)))}; the policies are {', '.join(POLICIES)}, the "
            f"continuations {GOES_ON!r} and {QUOTES!r}"
        )


def _budgets(
    shares: Sequence[float], boundaries: Mapping[str, tuple[int, float]], n_prefix: int
) -> dict[int, dict[str, tuple[int, int]]]:
    """Return the entries kept, and for each the numbers protected at both ends, by the name of the boundaries."""
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for share in shares:
        n_kept = round(share * n_prefix)
        if not 1 <= n_kept <= n_prefix:
            raise ExplaintError(f"a share of {share} of {n_prefix} entries keeps {n_kept}; expected 1 to {n_prefix}")
        found[n_kept] = {
            name: (sinks, min(round(recent * n_kept), n_kept - sinks)) for name, (sinks, recent) in boundaries.items()
        }
        if max(sinks for sinks, _ in boundaries.values()) > n_kept:
            raise ExplaintError(f"{n_kept} entries are fewer than the sinks to protect; keep more or protect fewer")
    return found


def _continued(
    encoder: Encoder,
    cache: Cache,
    scores: Mapping[str, np.ndarray],
    budgets: Mapping[int, Mapping[str, tuple[int, int]]],
    follows: np.ndarray,
) -> Iterator[dict[str, Any]]:
    """Continue one text on its full cache and on every cut one; yield the rows."""
    shape = cache.keys.shape[:3]
    n = shape[2]
    everything = np.broadcast_to(np.arange(n), (1, *shape))
    full = continue_text(encoder, cache, everything, follows, attention=True)
    yield from _rows({"method": FULL, "condition": "none", "kept": n}, full, 0, full)
    assert full.attention is not None  # (layer, head, step, n)
    future = full.attention.sum(axis=2).reshape(shape[0], shape[1], -1, n).mean(axis=2)
    for n_kept, protected in budgets.items():
        ways = [(name, ends) for name in (*scores, FUTURE) for ends in protected]
        entries = [
            kept_entries(
                future if name == FUTURE else scores[name], n_kept, sinks=protected[ends][0], recent=protected[ends][1]
            )
            for name, ends in ways
        ]
        cut = continue_text(encoder, cache, np.stack(entries), follows)
        for way, (name, ends) in enumerate(ways):
            yield from _rows({"method": name, "condition": ends, "kept": n_kept}, cut, way, full)


def _rows(about: dict[str, Any], found: Continued, way: int, full: Continued) -> Iterator[dict[str, Any]]:
    yield about | {"metric": "loss", "value": float(found.loss[way].mean())}
    yield about | {"metric": "agreement", "value": float((found.best[way] == full.best[0]).mean())}
