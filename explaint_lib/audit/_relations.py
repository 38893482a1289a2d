"""Claims that a head encodes a relation of syntax, in sentences whose syntax is known, as chapter 01 asks it.

What it controls for: a head that looks at a fixed distance, the choice of the head (made on the other half of the
sentences), and the best head of models that were never trained. What it does not license: that the model uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explaint_lib import inference, probes, relations
from explaint_lib._common import ExplaintError
from explaint_lib.audit._claims import Claim
from explaint_lib.audit._found import Found, Report

if TYPE_CHECKING:
    from explaint_lib.audit._sources import Sources

SENTENCES = {"quick": 120, "full": 240}
TWINS = 5  # fewer say too little of how much twins differ


class Looked(NamedTuple):
    """What each head chose, an item a row: (item, head), and which word asked, in which sentence, for which word."""

    choices: np.ndarray
    query: np.ndarray
    target: np.ndarray
    length: np.ndarray
    sentence: np.ndarray


def look_up(encoder: Any, sentences: list[relations.ParsedSentence], claim: Claim) -> Looked:
    """Return what each head of a model looks at where the claim's relation is asked."""
    backward, rows = encoder.family == "decoder", []
    from_dependent = claim.options["looks_from"] == "dependent"
    encodings = encoder.encode([one.text for one in sentences], hidden_states=False)
    for number, (sentence, encoding) in enumerate(zip(sentences, encodings, strict=True)):
        maps = probes.word_attention(encoding.attention, encoding.word_ids)
        n = len(sentence.words)
        choices = probes.head_choices(maps, range(n), backward_only=backward)
        for relation, dependent, head in sentence.relations:
            query, target = (dependent, head) if from_dependent else (head, dependent)
            if relation == claim.options["relation"] and (target < query or not backward):
                rows.append((choices[query].ravel(), query, target, n, number))
    if not rows:
        raise ExplaintError(
            f"{claim.id}: {claim.options['relation']} cannot be asked from the {claim.options['looks_from']} of "
            f"{encoder.name}, which looks back only; ask from the other end (looks_from)"
        )
    return Looked(*map(np.array, zip(*rows, strict=True)))


def run_relation(claim: Claim, sources: Sources, profile: str, report: Report) -> Found:
    """Audit whether a head follows a relation."""
    from explaint_lib.encoders import load_encoder

    seed, source = claim.source["seed"], claim.source
    sentences = relations.parsed_sentences(SENTENCES[profile], rng=np.random.default_rng(seed))
    encoder = sources.encoder(claim)
    items = look_up(encoder, sentences, claim)
    best = _searched(items, seed)
    hits = best.held_out if claim.options["head"] == "best" else _named(claim, encoder, items)
    own = _by_sentence(items, hits)
    made = []
    if "fixed offset" in (names := [one.name for one in claim.controls]):
        offset = _by_sentence(items, best.offset)
        made.append(inference.compare(own, offset, "fixed offset", score="share", asks="head"))
    if "untrained twin" in names:
        drawn = []
        for number in range(TWINS):
            twin = load_encoder(
                source["model"], revision=source["revision"], untrained=True, seed=number, device=sources.device
            )
            theirs = look_up(twin, sentences, claim)
            drawn.append(_by_sentence(theirs, _searched(theirs, seed).held_out))
        made.append(
            inference.compare(own, np.stack(drawn), "untrained twin", varied="twins", score="share", asks="head")
        )
    levels = {"share of words": float(hits.mean()), "best fixed offset": float(best.offset.mean())}
    data = {"name": "sentences of a small grammar", "n_texts": len(sentences), "n_items": len(hits)}
    place = divmod(best.index, encoder.n_heads)
    note = f"The head that is best on all sentences is {place[0]}/{place[1]} (layer/head, from 0)."
    return Found(tuple(made), levels, notes=(note,), data=data, model=encoder.describe())


def _searched(items: Looked, seed: int) -> probes.BestHead:
    halves = items.sentence % 2 == 0
    rng = np.random.default_rng(seed)
    return probes.best_head(items.choices, items.query, items.target, items.length, halves, n_permutations=1, rng=rng)


def _named(claim: Claim, encoder: Any, items: Looked) -> np.ndarray:
    layer, head = map(int, claim.options["head"].split("/"))
    if not (layer < encoder.n_layers and head < encoder.n_heads):
        raise ExplaintError(
            f"{claim.id}: {encoder.name} has {encoder.n_layers} layers x {encoder.n_heads} heads, counted from 0; "
            f"found {claim.options['head']}"
        )
    hits: np.ndarray = items.choices[:, layer * encoder.n_heads + head] == items.target
    return hits


def _by_sentence(items: Looked, hits: np.ndarray) -> np.ndarray:
    """Return the mean of each sentence: what was drawn."""
    _, number = np.unique(items.sentence, return_inverse=True)
    mean: np.ndarray = np.bincount(number, hits.astype(float)) / np.bincount(number)
    return mean
