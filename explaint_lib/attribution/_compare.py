"""Every method of attribution beside what happens when a token is changed, on the same texts.

What it measures
    The agreement of every two maps of one text, row by row: nine methods, two causal measures (a token exchanged, its
    values ablated), and the maps of layers averaged instead of multiplied. Besides, which share of a state is its
    own after one attention block, and which share of what a position takes is credited to sinks.

What it controls for
    Distance alone, a map made without any model, is the floor of an agreement; the exchange of tokens, drawn again,
    its ceiling. Sinks (special tokens and a decoder's first position) are left out and put back, and pieces
    are merged to words, since rankings of methods change with either. Intervals and p go over whole texts. What is
    drawn again inside a text (exchanges, random directions) is drawn for each text anew: its noise is part of what
    differs between texts, and so in the interval. Not in it: other texts than these, other models, other seeds of
    the model's weights.

What it does not license
    A ranking of methods on other texts, models or levels. Leave-one-out and hidden token attribution are kin to the
    causal measures, so that their agreement counts for less.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from explaint_lib import attention, inference
from explaint_lib._common import ExplaintError, printable
from explaint_lib.attribution._maps import METHODS, layer_maps, method_maps
from explaint_lib.attribution._methods import layer_parts, replacement_effect, value_ablation
from explaint_lib.attribution._replacements import Replacer, frequency_matched
from explaint_lib.attribution._runner import prepare
from explaint_lib.encoders import Encoder, Encoding
from explaint_lib.results import Result, manifest, typed

CAUSAL = ("token exchanged", "values ablated")
#: The methods with a map a layer, averaged over layers instead of multiplied.
AVERAGED = tuple(f"{name}, mean of layers" for name in ("raw attention", *METHODS[3:6]))
#: Everything that is compared: methods, causal measures, one of these drawn again, and distance alone.
MAPS = (*METHODS, *CAUSAL, "exchanged again", "nearness", *AVERAGED)
#: Units, and whether special tokens and a decoder's first position take part.
LEVELS = ("tokens", "tokens, all", "words", "words, all")
#: The maps that a method must agree better than: distance alone, and the weights of the last layer.
RIVALS = ("nearness", "raw attention")


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """What `compare_methods` found: the maps of every text, their agreement as arrays, and all of it as a result.

    Attributes
    ----------
    encodings : list of Encoding
    maps : list of dict of str to (query, key)
        One dict a text, with the names of `MAPS`, for the top layer.
    agreement : dict of str to (text, map, map) float64
        For each of `LEVELS`: mean Spearman correlation of rows, the position itself left out.
    kept : (text, layer) float64 in [0, 1]
        Share of a state that is its own after one attention block: 1 - mixing ratio, mean over positions.
    sink : dict of str to (text, layer) float64 in [0, 1]
        For each method with a map a layer: of what ordinary positions take from others, the share credited to
        special tokens and a decoder's first position. NaN where there is no such token.
    result : Result
        The same numbers as rows, and the tests; see `compare_methods`.
    """

    encodings: list[Encoding]
    maps: list[dict[str, np.ndarray]]
    agreement: dict[str, np.ndarray]
    kept: np.ndarray
    sink: dict[str, np.ndarray]
    result: Result

    def between(self, first: str, second: str, level: str = "tokens") -> np.ndarray:
        """Return the agreement of two maps, (text,) in [-1, 1]."""
        return self.agreement[level][:, MAPS.index(first), MAPS.index(second)]


def compare_methods(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    n_samples: int = 16,
    n_draws: int = 2,
    seed: int = 0,
    labels: Sequence[str] | None = None,
    progress: bool = False,
) -> MethodComparison:
    """Run every method and both causal measures on real texts.

    Parameters
    ----------
    encoder : Encoder
        Of a family whose attention blocks are known (`layer_parts`).
    texts : sequence of str
        Sentences of at least five words; cost grows fast with their length.
    n_samples : int
        Random directions for hidden token attribution.
    n_draws : int
        Exchanges of each token, for the causal measure and again for its repetition (its ceiling).
    seed : int
        Draws exchanges and directions.
    labels : sequence of str, optional
        How an error calls each text ("line 7"). Default: its first words.
    progress : bool

    Returns
    -------
    MethodComparison
        Its ``result`` has ``rows``: model, untrained, metric, value, text (its number from 0), and for ``agreement``
        the level, method and other (two of `MAPS`, each pair once); for ``kept`` the layer (from 1); for
        ``share_to_sinks`` method and layer.

        ``tests``: for every method, averaged map and level, whether it agrees with a causal measure (`score`) better
        than each of `RIVALS` does (`control`): difference, se, df, ci_low, ci_high, p_value (one-sided, of the t
        statistic over texts, not corrected for the number of tests), n (texts). None with a single text.

    Raises
    ------
    ExplaintError
        Without any text; for texts longer than the model takes, in which no row has three other tokens to rank, or
        all of one token; for a model whose attention blocks are not known.

    Examples
    --------
    >>> from explaint_lib import attribution, encoders
    >>> encoder = encoders.load_encoder("minilm")  # doctest: +SKIP
    >>> texts = ["The robin sang to the small red bird.", "A truck is not a bird, and the robin sang."]
    >>> found = attribution.compare_methods(encoder, texts, n_samples=2, n_draws=1)
    >>> found.between("ALTI", "token exchanged").shape  # one agreement a text
    (2,)
    >>> found.result.tests.query("level == 'tokens' and method == 'rollout' and control == 'nearness'").score.tolist()
    ['agreement with token exchanged', 'agreement with values ablated']
    """
    if not texts:
        raise ExplaintError("there is no text to run; give at least one")
    encodings = encoder.tokenize(texts)
    _check_lengths(encoder, encodings, labels)
    exchange, rng = _exchange(encoder, encodings), np.random.default_rng(seed)
    about = f"methods ({printable(encoder.name)})"
    with tqdm(encodings, desc=about, unit="text", disable=not progress, leave=False) as bar:
        found = [_compare_on(encoder, encoding, exchange, n_samples, n_draws, rng) for encoding in bar]
    agreement = {level: np.stack([one.agreement[level] for one in found]) for level in LEVELS}
    kept = np.stack([one.kept for one in found])
    sink = {name: np.stack([one.sink[name] for one in found]) for name in found[0].sink}
    shared = {"model": encoder.name, "untrained": encoder.untrained}
    rows = [shared | row for row in _rows(agreement, kept, sink)]
    tests = [shared | test for test in _tests(agreement)] if len(found) > 1 else []
    data = {
        "n_texts": len(texts),
        "n_tokens": sum(map(len, encodings)),
        "sha256": hashlib.sha256("\n".join(texts).encode()).hexdigest(),
    }
    arguments = {"n_samples": n_samples, "n_draws": n_draws}
    record = manifest(data=data, model=encoder.describe(), arguments=arguments, seed=seed)
    result = Result("attribution", record, typed(rows), typed(tests))
    return MethodComparison(encodings, [one.maps for one in found], agreement, kept, sink, result)


def _check_lengths(encoder: Encoder, encodings: Sequence[Encoding], labels: Sequence[str] | None) -> None:
    """Refuse, before the long run and all at once, texts longer than the model takes or too short to rank anything."""
    names = [repr(encoding.text[:40]) for encoding in encodings] if labels is None else labels
    long, short = [], []
    for name, encoding in zip(names, encodings, strict=True):
        if len(encoding) > encoder.max_tokens:
            long.append(f"{name} ({len(encoding)} tokens)")
            continue
        levels = _agreements({"nearness": attention.nearness(len(encoding), causal=encoding.causal)}, encoding)
        short += [name] if any(np.isnan(found).any() for found in levels.values()) else []
    faults = {
        f"longer than the {encoder.max_tokens} tokens that {encoder.name} takes; split into sentences": long,
        "too short to rank words; leave out what has fewer than about five words": short,
    }
    said = [
        f"{', '.join(found[:5])}{f' and {len(found) - 5} more' if len(found) > 5 else ''}: {fault}"
        for fault, found in faults.items()
        if found
    ]
    if said:
        raise ExplaintError("; ".join(said))


def _exchange(encoder: Encoder, encodings: Sequence[Encoding]) -> Replacer:
    """Return what puts another token in the place of one: a match in frequency, or any where there is none."""
    matched = frequency_matched(
        [encoding.token_ids for encoding in encodings], encoder.vocabulary, special=[e.special for e in encodings]
    )
    ordinary = np.unique(np.concatenate([e.token_ids[~e.special] for e in encodings]))
    if len(ordinary) < 2:
        raise ExplaintError(
            f"{encoder.name} reads these texts as one token only, so none can be exchanged; give other texts"
        )

    def exchange(ids: np.ndarray, position: int, rng: np.random.Generator) -> int:
        found = matched(ids, position, rng)  # special tokens have no match
        return int(rng.choice(ordinary[ordinary != ids[position]])) if found is None else found

    return exchange


@dataclass(frozen=True)
class _OneText:
    """What `MethodComparison` holds, of one text."""

    maps: dict[str, np.ndarray]
    agreement: dict[str, np.ndarray]
    kept: list[float]
    sink: dict[str, np.ndarray]


def _compare_on(
    encoder: Encoder, encoding: Encoding, exchange: Replacer, n_samples: int, n_draws: int, rng: np.random.Generator
) -> _OneText:
    """Run everything on one text."""
    ids = encoding.token_ids
    model = prepare(encoder, ids)
    again = {}
    for name in ("token exchanged", "exchanged again"):
        again[name] = replacement_effect(model, ids, replacements=exchange, n_draws=n_draws, rng=rng)[-1]
    layers = layer_maps(model, ids)
    maps = method_maps(model, ids, layers=layers, n_samples=n_samples, rng=rng) | again
    maps |= {"values ablated": value_ablation(model, ids)[-1]}
    maps |= {"nearness": attention.nearness(len(ids), causal=encoding.causal)}
    maps |= {name: steps.mean(axis=0) for name, steps in zip(AVERAGED, layers.values(), strict=True)}
    maps = {name: maps[name] for name in MAPS}
    sinks = ~encoding.ordinary
    blocks = [attention.LayerParts(**part) for part in layer_parts(model, ids)]
    kept = [float(1 - attention.mixing_ratio(block)[~sinks].mean()) for block in blocks]
    credited = {name: _to_sinks(steps, sinks) for name, steps in layers.items()}
    return _OneText(maps, _agreements(maps, encoding), kept, credited)


def _agreements(maps: dict[str, np.ndarray], encoding: Encoding) -> dict[str, np.ndarray]:
    """Return the agreement of all maps of one text, (map, map), at every level."""
    merged = {name: attention.to_words(found, encoding.word_ids) for name, found in maps.items()}
    first = next(iter(merged.values()))[1]
    words, causal, sinks = {name: found for name, (found, _) in merged.items()}, encoding.causal, ~encoding.ordinary
    return {
        "tokens": attention.row_agreement(maps, causal=causal, skip=sinks),
        "tokens, all": attention.row_agreement(maps, causal=causal),
        "words": attention.row_agreement(words, causal=causal, skip=sinks[first]),
        "words, all": attention.row_agreement(words, causal=causal),
    }


def _to_sinks(steps: np.ndarray, sinks: np.ndarray) -> np.ndarray:
    """Return, a layer, the share of what ordinary positions take from others that is credited to `sinks`."""
    if not sinks.any():
        return np.full(len(steps), np.nan)
    others = steps * ~np.eye(len(sinks), dtype=bool)  # (layer, query, key)
    rows = others[:, ~sinks]
    return rows[..., sinks].sum(axis=(1, 2)) / rows.sum(axis=(1, 2))


def _rows(agreement: dict[str, np.ndarray], kept: np.ndarray, sink: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return one row a number."""
    pairs = list(zip(*np.triu_indices(len(MAPS), k=1), strict=True))
    rows: list[dict[str, Any]] = [
        {"metric": "agreement", "level": level, "text": text, "method": MAPS[i], "other": MAPS[j], "value": one[i, j]}
        for level, found in agreement.items()
        for text, one in enumerate(found)
        for i, j in pairs
    ]
    rows += [
        {"metric": "kept", "text": text, "layer": layer + 1, "value": value}
        for (text, layer), value in np.ndenumerate(kept)
    ]
    rows += [
        {"metric": "share_to_sinks", "text": text, "method": method, "layer": layer + 1, "value": value}
        for method, shares in sink.items()
        for (text, layer), value in np.ndenumerate(shares)
    ]
    return rows


def _tests(agreement: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return whether each map agrees with what happens better than its rivals, over texts."""
    tests = []
    for level, found in agreement.items():
        for method in (*METHODS, *AVERAGED):
            for rival in RIVALS:
                for cause in CAUSAL if rival != method else ():
                    own, other = (found[:, MAPS.index(name), MAPS.index(cause)] for name in (method, rival))
                    one = inference.compare(own, other, rival)
                    tests.append(
                        {"level": level, "method": method, "control": rival, "score": f"agreement with {cause}"}
                        | one.numbers()
                        | {"n": one.n}
                    )
    return tests
