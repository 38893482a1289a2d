"""Four claims about tokens and positions, by layer, for a trained model and its untrained twins.

What it measures
    ``geometry`` and ``decodability`` from hidden states (`explaint_lib.continuity`), ``causal_locality`` and
    ``content_share`` by replacing tokens (`explaint_lib.attribution`), on the same sentences.

What it controls for
    Chance, item by item. Untrained twins: the same architecture and tokenizer with random weights, several
    seeds, with the same folds and the same replacements, so that the difference is paired. Intervals resample
    whole sentences, and the untrained seeds as well.

What it does not license
    One number for "continuity": the claims come apart, and the rows must be read by claim. The untrained
    twin is a comparison, not a zero point: it may keep tokens better than the trained model. With fewer than
    5 untrained seeds a difference is not a verdict. Intervals of maps do not cover a new draw of folds.
"""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from explaint_lib import inference
from explaint_lib._common import ExplaintError
from explaint_lib.attribution import frequency_matched, interventional_continuity
from explaint_lib.continuity import GEOMETRY_RUNGS, Score, continuity_curve
from explaint_lib.encoders import Encoder, load_encoder
from explaint_lib.experiments.continuity._size import check_cost, drawn
from explaint_lib.results import manifest

__all__ = ["MIN_SENTENCES", "bundled_sentences", "run_continuity"]

#: Fewer sentences leave the maps too little to learn from, and the intervals too few clusters.
MIN_SENTENCES = 20

_TOO_LITTLE_KNOWN = 0.5  # share of the letters that are inside unknown tokens, at most

_LADDER = (*GEOMETRY_RUNGS, "procrustes", "ridge")


def bundled_sentences() -> list[str]:
    """Return the plain English sentences written for this project, one a string, in the order of the file."""
    file = importlib.resources.files("explaint_lib") / "data" / "sentences.txt"
    return [line.strip() for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]


class Key(NamedTuple):
    """What one row is about; None where a causal claim has no such thing."""

    layer: int
    claim: str
    reference: str | None
    candidates: str | None
    similarity: str | None
    metric: str


@dataclass(frozen=True)
class _Cell:
    """One row before averaging: sums over the items of each sentence, all (sentence,)."""

    total: np.ndarray
    chance: np.ndarray
    count: np.ndarray


@dataclass(frozen=True)
class _Settings:
    """What is the same for every model of one run."""

    seed: int
    n_interventions: int
    n_sentences: int
    layers: list[int]
    mlp_layers: int
    vocabulary_items: int
    progress: bool


def run_continuity(
    model_name: str,
    texts: Sequence[str],
    *,
    revision: str | None = None,
    seed: int = 0,
    untrained_seeds: int = 5,
    n_interventions: int = 120,
    max_layers: int | None = None,
    mlp_layers: int = 3,
    vocabulary_items: int = 300,
    n_boot: int = 1000,
    device: str = "cpu",
    labels: Sequence[str] | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Score the four claims at every layer of a model and of its untrained twins.

    Parameters
    ----------
    model_name : str
        A name `load_encoder` takes; not a static model, which has no layers.
    texts : sequence of str
        Sentences, at least `MIN_SENTENCES` different ones. Repeated ones are used once: a map tested on a
        sentence it was fitted on proves nothing. Of more than 20,000 tokens so many are used, in whole sentences
        drawn with the seed (``n_texts_not_drawn`` of the manifest).
    revision, device
        As in `load_encoder`.
    seed : int
        Draws folds, replacements, and the bootstrap.
    untrained_seeds : int
        Untrained twins, seeds 0, 1, ...; their rows are means over twins. At least 5 for a verdict, 0 for
        none.
    n_interventions : int
        Token replacements for each model. 120 give about +-.04; 0 leaves the causal claims out.
    max_layers : int, optional
        Measure at most so many layers, evenly spread from 0 to the last; for deep models. Default: all.
    mlp_layers : int
        The ``mlp`` rung is slow: at so many layers, evenly spread from 0 to the last, and one twin only; 0
        for none.
    vocabulary_items : int
        About how many positions are ranked against the whole vocabulary; 0 leaves these rows out.
    n_boot : int
        Bootstrap resamples.
    labels : sequence of str, optional
        How an error calls each text ("line 7"). Default: "text 0", ...
    progress : bool

    Returns
    -------
    dict
        ``manifest``; ``rows``: dicts of model, untrained, layer, claim, reference, candidates, similarity,
        metric, value, chance, ci_low, ci_high, n (positions, or replacements); ``differences``: the same
        keys without chance, value being trained minus untrained, with `untrained_seeds` behind it.
        `similarity`, `reference` and `candidates` are None for the causal claims. Token types unseen in
        training have rows of their own, with ``_unseen_types`` at the end of `candidates`; see
        `explaint_lib.continuity._curve` for all of them.

    Raises
    ------
    ExplaintError
        For a static model, too few sentences or layers, a text longer than the model takes, texts that are mostly
        unknown to its vocabulary, or more interventions than the sentences allow.
    """
    sentences, names = _distinct(texts, labels)
    encoder = load_encoder(model_name, revision=revision, device=device, progress=progress)
    lengths = _lengths(encoder, sentences, names)
    kept = drawn(lengths, seed, least=MIN_SENTENCES)
    n_given, sentences = len(sentences), [sentences[i] for i in kept]
    unknown = encoder.unknown_tokens(sentences)
    if unknown.letters > _TOO_LITTLE_KNOWN:
        raise ExplaintError(
            f"{unknown.tokens} of {unknown.of} tokens of these texts, with {unknown.letters:.0%} of their letters, are "
            f"unknown to {encoder.name}: it cannot tell them apart, so nothing would be said of these texts. Give "
            "texts in a language of its vocabulary, or take a model that knows their script"
        )
    layers = _spread(encoder.n_layers, encoder.n_layers + 1 if max_layers is None else max_layers)
    if not layers:
        raise ExplaintError(f"max_layers must be at least 1, found {max_layers}")
    about = encoder.describe()
    check_cost([lengths[i] for i in kept], n_given, encoder, len(layers), 1 + untrained_seeds, say=progress)
    settings = _Settings(seed, n_interventions, len(sentences), layers, mlp_layers, vocabulary_items, progress)
    tables = [_measure(encoder, sentences, settings)]
    del encoder  # one model in memory at a time
    for twin in tqdm(range(untrained_seeds), desc="untrained twins", disable=not progress):
        settings = replace(settings, mlp_layers=mlp_layers if twin == 0 else 0)
        model = load_encoder(model_name, revision=revision, device=device, untrained=True, seed=twin)
        tables.append(_measure(model, sentences, settings))
    rows, differences = _summarise(model_name, tables, n_boot, np.random.default_rng(seed))
    arguments = {
        "untrained_seeds": untrained_seeds, "untrained_seeds_mlp": min(1, untrained_seeds),
        "n_interventions": n_interventions, "layers": layers, "mlp_layers": mlp_layers, "n_boot": n_boot, "n_folds": 5,
        "first_position_left_out": about["family"] == "decoder",
    }  # fmt: skip
    data = {
        "n_texts": len(sentences), "n_repeated_texts_left_out": len(texts) - n_given,
        "n_texts_not_drawn": n_given - len(sentences),
        "n_tokens": unknown.of, "n_unknown_tokens": unknown.tokens,
        "sha256": hashlib.sha256("\n".join(sentences).encode()).hexdigest(),
    }  # fmt: skip
    return {
        "manifest": manifest(data=data, model=about, arguments=arguments, seed=seed),
        "rows": rows,
        "differences": differences,
    }


def _distinct(texts: Sequence[str], labels: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the different texts, and what to call each."""
    names = [f"text {i}" for i in range(len(texts))] if labels is None else labels
    first = {text.strip(): name for text, name in reversed(list(zip(texts, names, strict=True)))}
    kept = list(dict.fromkeys(text.strip() for text in texts))
    if len(kept) < MIN_SENTENCES:
        raise ExplaintError(
            f"continuity needs at least {MIN_SENTENCES} different sentences, since maps are fitted on some "
            f"and tested on others; found {len(kept)}"
        )
    return kept, [first[text] for text in kept]


def _lengths(encoder: Encoder, sentences: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the tokens of each sentence; raise if one is longer than the model takes, calling it by its name."""
    lengths = [len(ids) for ids in encoder.tokenizer(list(sentences), verbose=False)["input_ids"]]
    for name, length in zip(names, lengths, strict=True):
        if length > encoder.max_tokens:
            raise ExplaintError(
                f"{name} has {length} tokens, and {encoder.name} takes at most {encoder.max_tokens}; "
                "split it into sentences"
            )
    return lengths


def _spread(last: int, most: int) -> list[int]:
    """Return at most so many layers, evenly spread from 0 to the last; if one, the last."""
    return sorted(set(np.linspace(last, 0, max(most, 0)).round().astype(int).tolist()))


def _measure(encoder: Encoder, sentences: Sequence[str], settings: _Settings) -> dict[Key, _Cell]:
    """Run one model and return its table. The same seed gives every twin the same folds and replacements."""
    encodings = encoder.encode(sentences, attention=False, progress=settings.progress)
    ids = [encoding.token_ids for encoding in encodings]
    special = [~encoding.ordinary for encoding in encodings]
    states = [encoding.hidden_states for encoding in encodings]
    embedding = encoder.embedding_matrix()
    table: dict[Key, _Cell] = {}
    for ladder, layers in ((_LADDER, settings.layers), (("mlp",), _spread(encoder.n_layers, settings.mlp_layers))):
        if not layers:
            continue
        scores = continuity_curve(
            states, ids, special, embedding=embedding, similarities=ladder, layers=layers,
            vocabulary_items=settings.vocabulary_items, rng=np.random.default_rng(settings.seed),
            progress=settings.progress,
        )  # fmt: skip
        table.update(cell for score in scores for cell in _from_score(score, settings.n_sentences))
    if settings.n_interventions:
        table.update(_causal(encoder, ids, special, states, settings))
    return table


def _from_score(score: Score, n_sentences: int) -> Iterator[tuple[Key, _Cell]]:
    """Yield the two metrics of a score, summed by sentence."""
    count = np.bincount(score.sentence, minlength=n_sentences)
    metrics = {
        "top1": (score.top1, score.chance_top1),
        "mrr": (score.reciprocal_rank, score.chance_reciprocal_rank),
    }
    for metric, (value, chance) in metrics.items():
        key = Key(score.layer, score.claim, score.reference, score.candidates, score.similarity, metric)
        sums = (np.bincount(score.sentence, weights, minlength=n_sentences) for weights in (value, chance))
        yield key, _Cell(*sums, count)


def _causal(
    encoder: Encoder,
    ids: list[np.ndarray],
    special: list[np.ndarray],
    states: list[np.ndarray],
    settings: _Settings,
) -> dict[Key, _Cell]:
    """Return the cells of causal locality and share of content."""
    # settled before any draw: every twin gets the same positions and the same replacements
    found = interventional_continuity(
        encoder, ids, special=special, n_interventions=settings.n_interventions,
        replacements=frequency_matched(ids, encoder.vocabulary, special=special), intact=states,
        rng=np.random.default_rng(settings.seed), progress=settings.progress,
    )  # fmt: skip
    table = {}
    claims = {("causal_locality", "argmax"): found.argmax_hit, ("content_share", "share"): found.share}
    for (claim, metric), values in claims.items():
        for layer in settings.layers:
            value = values[:, layer]
            fine = np.isfinite(value)
            where = found.sentence[fine]
            sums = (
                np.bincount(where, weights, minlength=settings.n_sentences)
                for weights in (value[fine], found.chance[fine], np.ones(len(where)))
            )
            table[Key(layer, claim, None, None, None, metric)] = _Cell(*sums)
    return table


def _summarise(
    model: str, tables: list[dict[Key, _Cell]], n_boot: int, rng: np.random.Generator
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows and differences, paired: one set of resampled sentences serves all rows."""
    n_sentences = len(next(iter(tables[0].values())).count)
    sentences = inference.bootstrap_counts(n_sentences, n_boot, rng=rng)  # (n_boot, sentence)
    n_twins = len(tables) - 1
    # the mlp rung has one twin only, and one twin has no spread to resample
    several = inference.bootstrap_counts(n_twins, n_boot, rng=rng) if n_twins > 1 else None  # (n_boot, twin)
    alone = np.ones((n_boot, 1))
    rows, differences = [], []
    for key in sorted(tables[0], key=lambda key: [str(part) for part in key[1:]] + [key.layer]):
        trained, draws = _row([tables[0][key]], sentences, alone)
        rows.append({"model": model, "untrained": False} | key._asdict() | trained)
        cells = [table[key] for table in tables[1:] if key in table]
        if not cells:
            continue
        twins, twin_draws = _row(cells, sentences, several if several is not None and len(cells) > 1 else alone)
        rows.append({"model": model, "untrained": True} | key._asdict() | twins)
        low, high = _interval(draws - twin_draws)
        difference = {"value": trained["value"] - twins["value"], "ci_low": low, "ci_high": high}
        counts = {"n": trained["n"], "untrained_seeds": len(cells)}
        differences.append({"model": model} | key._asdict() | difference | counts)
    return rows, differences


def _row(cells: list[_Cell], sentences: np.ndarray, seeds: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """Return value, chance, interval and n of one row, and its bootstrap draws (n_boot,)."""
    total = np.stack([cell.total for cell in cells], axis=1)  # (sentence, twin)
    count = np.stack([cell.count for cell in cells], axis=1)
    chance = np.stack([cell.chance for cell in cells], axis=1)
    with np.errstate(invalid="ignore"):  # a resample without a single scored item has no mean
        means = (sentences @ total) / (sentences @ count)  # (n_boot, twin)
    draws = (means * seeds).sum(axis=1) / seeds.sum(axis=1)
    low, high = _interval(draws)
    row = {
        "value": float((total.sum(axis=0) / count.sum(axis=0)).mean()),
        "chance": float((chance.sum(axis=0) / count.sum(axis=0)).mean()),
        "ci_low": low, "ci_high": high, "n": int(count[:, 0].sum()),
    }  # fmt: skip
    return row, draws


def _interval(draws: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval of the finite draws."""
    low, high = inference.percentile_interval(draws[np.isfinite(draws)])
    return float(low), float(high)
