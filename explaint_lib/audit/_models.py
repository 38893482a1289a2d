"""Claims about a model that reads texts: positions, hypernymy, methods, memory, heads, each by its own experiment.

What it controls for: the comparisons are those of the chapters, made by the same functions. What it does not license:
sentences of another kind than these; profile "quick" takes few of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explaint_lib import inference
from explaint_lib.audit._claims import Claim
from explaint_lib.audit._found import Found, Report
from explaint_lib.audit._kinds import POSITIONS
from explaint_lib.audit._relations import run_relation
from explaint_lib.audit._texts import sentences_of, short_sentences
from explaint_lib.results import Result, pick

if TYPE_CHECKING:
    from explaint_lib.audit._sources import Sources

#: How much is run: sentences and replacements, pairs of one hypernym, texts of methods, passages, sentences and draws.
EFFORTS: dict[str, dict[str, Any]] = {
    "quick": {"sentences": 60, "interventions": 60, "pairs": 6, "methods": 8, "passages": 12, "heads": 12, "draws": 5},
    "full": {
        "sentences": None,
        "interventions": 120,
        "pairs": 20,
        "methods": 20,
        "passages": 48,
        "heads": 40,
        "draws": 5,
    },
}
_TWINS = 5  # fewer say too little of how much twins differ
_SHARES = (0.1, 0.2, 0.4)  # of all heads, pruned


def run_position(claim: Claim, sources: Sources, profile: str, report: Report) -> Found:
    """Audit whether a state at a layer is its own token's, in one of four meanings."""
    from explaint_lib.encoders import layer_index

    effort, layer = EFFORTS[profile], claim.options["layer"]
    result = sources.once(
        ("continuity", *_subject(claim), layer == "last"), lambda: _continuity(claim, sources, effort, layer == "last")
    )
    number = layer_index(layer, result.manifest["model"]["n_layers"])
    wanted = POSITIONS[claim.options["meaning"]]
    asks = wanted["claim"]
    tests = pick(result.tests, layer=number, **wanted)
    names = [one.name for one in claim.controls]
    made = inference.comparisons(tests[tests["control"].isin(names)], score="share", asks=asks)
    rows = pick(result.rows, layer=number, untrained=False, **wanted)
    levels = {"share": float(rows["value"].iloc[0]), "chance": float(rows["chance"].iloc[0])} if len(rows) else {}
    missing = {name: "this layer has no such number" for name in names if name not in tests["control"].tolist()}
    return Found(tuple(made), levels, missing, data=_data(result, claim), model=result.manifest["model"])


def _continuity(claim: Claim, sources: Sources, effort: dict[str, Any], only_last: bool) -> Result:
    from explaint_lib.experiments.continuity import run_continuity

    return run_continuity(
        claim.source["model"],
        sentences_of(claim)[: effort["sentences"]],
        revision=claim.source["revision"],
        seed=claim.source["seed"],
        untrained_seeds=0,
        n_interventions=effort["interventions"],
        max_layers=1 if only_last else None,
        mlp_layers=0,
        vocabulary_items=0,
        n_boot=200,
        device=sources.device,
    )


def run_hypernymy_claim(claim: Claim, sources: Sources, profile: str, report: Report) -> Found:
    """Audit whether a probe reads hypernymy off attention, and whether duller features reach as much."""
    from explaint_lib.experiments import hypernymy

    norms, split = sources.norms(claim.source["norms"]), claim.options["held_out"]
    gathered = hypernymy.gather_hypernymy(
        claim.source["model"],
        norms,
        negatives=["balanced"],
        groups=["affirmed"],
        max_per_hypernym=EFFORTS[profile]["pairs"],
        untrained_seeds=_TWINS,
        seed=claim.source["seed"],
        revision=claim.source["revision"],
        device=sources.device,
    )
    scores = hypernymy.fit_probes(gathered, splits=[split], n_fold_draws=10)["balanced", split]
    made = [scores.compare("attention", one.name) for one in claim.controls]
    rows = {row["predictor"]: row["accuracy"] for row in scores.rows() if row["question"] == "relation"}
    levels = {f"accuracy: {name}": float(rows[name]) for name in ("attention", "rivals") if name in rows}
    data = {"norms": norms.name, "n_pairs": made[0].n, "fingerprint": norms.fingerprint()}
    return Found(tuple(made), levels, data=data, model=gathered.model)


def run_method(claim: Claim, sources: Sources, profile: str, report: Report) -> Found:
    """Audit whether a method's maps rank tokens as their causal effect does."""
    from explaint_lib.attribution import compare_methods

    effort = EFFORTS[profile]

    def compute() -> Result:
        short = short_sentences(claim)[: effort["methods"]]
        return compare_methods(sources.encoder(claim), short, seed=claim.source["seed"]).result

    result = sources.once(("methods", *_subject(claim)), compute)
    score = f"agreement with {claim.options['effect']}"
    tests = pick(result.tests, level="tokens", method=claim.options["method"], score=score)
    names = [one.name for one in claim.controls]
    made = inference.comparisons(tests[tests["control"].isin(names)], asks="flow")
    missing = {name: "a method is no control of itself" for name in names if name not in tests["control"].tolist()}
    of_method = pick(result.rows, metric="agreement", level="tokens")
    both = {claim.options["method"], claim.options["effect"]}
    values = of_method[of_method["method"].isin(both) & of_method["other"].isin(both)]["value"]
    levels = {"rank correlation": float(values.mean())}
    return Found(tuple(made), levels, missing, data=_data(result, claim), model=result.manifest["model"])


def run_keep(claim: Claim, sources: Sources, profile: str, report: Report) -> Found:
    """Audit whether attention says which entries of a decoder's memory to keep."""
    from explaint_lib.experiments import eviction

    encoder = sources.encoder(claim)
    if encoder.describe()["family"] != "decoder":
        why = f"{claim.source['model']} is no decoder: it keeps no memory that could be cut"
        return Found((), not_run={one.name: why for one in claim.controls}, model=encoder.describe())
    passages = eviction.bundled_passages()[: EFFORTS[profile]["passages"]]
    policy, ends = claim.options["policy"], claim.options["boundaries"]
    recent = "sinks + recent" if ends == "protected" else "recent"
    rivals = {one.name: "recent" if one.name == recent else one.name for one in claim.controls}
    result = eviction.run_eviction(
        encoder,
        passages,
        policies=sorted({policy, *rivals.values()}),
        boundaries={ends: eviction.BOUNDARIES[ends]},
        continuations=["goes on"],
        seed=claim.source["seed"],
        cache=True,
    )
    table = pick(result.rows, metric="loss", continuation="goes on", condition=ends)
    loss = table.pivot(index="text", columns="method", values="value")
    made = [
        inference.compare(-loss[policy], -loss[of], name, score="nats per token", asks="entries")
        for name, of in rivals.items()
    ]
    whole = pick(result.rows, metric="loss", method="full cache")["value"].mean()
    levels = {"loss (nats per token)": float(loss[policy].mean()), "loss, nothing cut": float(whole)}
    data = {"name": "passages of the book"} | result.manifest["data"]
    return Found(tuple(made), levels, data=data, model=encoder.describe())


def run_heads(claim: Claim, sources: Sources, profile: str, report: Report) -> Found:
    """Audit whether an importance says which heads can go."""
    from explaint_lib.experiments import pruning

    encoder, effort, seed = sources.encoder(claim), EFFORTS[profile], claim.source["seed"]
    rng = np.random.default_rng(seed)
    ids = pruning.texts_of_one_length(encoder, sentences_of(claim), effort["heads"], rng=rng)
    special = encoder.tokenizer.all_special_ids
    found = pruning.prune_heads(
        encoder, ids, shares=_SHARES, n_draws=effort["draws"], n_orders=effort["draws"], special=special, rng=rng
    )
    order = claim.options["order"]
    made = [found.compare(order, one.name, asks="pruning") for one in claim.controls]
    levels = {f"damage ({found.score}): {name}": float(found.mean(name).mean()) for name in (order, "random")}
    data = {"name": _text_name(claim), "n_texts": len(ids)}
    return Found(tuple(made), levels, data=data, model=encoder.describe())


def _subject(claim: Claim) -> tuple[Any, ...]:
    return tuple(claim.source[key] for key in ("model", "revision", "text", "seed"))


def _text_name(claim: Claim) -> str:
    return "bundled sentences" if claim.source["text"] is None else Path(claim.source["text"]).name


def _data(result: Result, claim: Claim) -> dict[str, Any]:
    return {"name": _text_name(claim)} | result.manifest["data"]


RUN: dict[str, Callable[[Claim, Sources, str, Report], Found]] = {
    "position_keeps_token": run_position,
    "head_encodes_relation": run_relation,
    "attention_encodes_hypernymy": run_hypernymy_claim,
    "method_follows_effect": run_method,
    "attention_says_what_to_keep": run_keep,
    "attention_says_which_heads_go": run_heads,
}
