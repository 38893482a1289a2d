"""``explaint hypernymy``: can a probe read "a robin is a bird" off attention, and what else reads as much?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from explaint_lib._common import ExplaintError, check_writable
from explaint_lib.cli._options import Device, JsonFile, ModelName, NormsName, Revision, Seed, TwinKind, TwinOption
from explaint_lib.cli._show import plain_table, short, write_result
from explaint_lib.cli._terminal import Terminal

if TYPE_CHECKING:
    from rich.table import Table

    from explaint_lib.results import Result

_LABELS = {
    "attention": "attention",
    "attention_untrained": "attention, untrained twin",
    "hypernym_identity": "which hypernym it is",
    "word_similarity": "similarity of static vectors",
    "own_vectors": "similarity, words read alone",
    "position": "positions and lengths",
    "frequency": "word frequencies",
    "permuted_labels": "attention, labels permuted",
    "rivals": "similarity + position + frequency",
    "rivals_and_attention": "the same + attention",
}
_SAID = {
    "attention": "attention",
    "attention_untrained": "attention, untrained twin",
    "position": "positions and lengths",
    "frame_words": "the other words of the sentence",
}
_NEGATIVES = {
    "naive": "a wrong hypernym at random: frequent hypernyms are mostly right",
    "balanced": "every word as often right as wrong",
    "near": "balanced, and as similar as can be had",
    "wordnet_similar": "sister terms of the hypernym, from WordNet",
    "wordnet_level": "nouns at the depth of the hypernym, from WordNet",
}


def hypernymy(
    model: ModelName,
    norms: NormsName = "bundled",
    negatives: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Kinds of false pairs, with commas: naive, balanced, near, wordnet_similar, wordnet_level, or wordnet "
            "for the last two, which are those of the paper and fetch WordNet once.",
        ),
    ] = "naive,balanced,near,wordnet",
    per_hypernym: Annotated[
        int, typer.Option(min=2, help="At most so many true pairs of one hypernym; fewer run faster.")
    ] = 20,
    untrained_seeds: Annotated[int, typer.Option(min=1, help="Untrained twins to compare with.")] = 1,
    twin: TwinKind = TwinOption.initialised,
    seed: Seed = 0,
    device: Device = "cpu",
    revision: Revision = None,
    json_file: JsonFile = None,
) -> None:
    """Read hypernymy off attention, and ask what else reads as much.

    A probe (logistic regression) gets the attention between two nouns in all
    layers and heads and both directions, in sentences such as "They wrote
    about birds such as robins.", and tells true pairs (robin, bird) from
    false ones. High accuracy is tempting. It is an explanation only if
    nothing duller reaches it, so the same probe on the same folds also gets:

    \b
    an untrained twin    the same architecture with random weights, or (--twin
                         permuted_weights) the trained ones out of order
    which hypernym       lexical memorisation: "animal" is usually right
    similarity           cosines of static vectors, and of the model's own
                         vectors of the two words, each read alone
    positions, lengths   what the tokenizer gives away
    frequencies          what word counts give away
    permuted labels      what a probe finds where there is nothing

    Four ways to hold out: pairs; hyponyms; hypernyms; neither word of a
    tested pair known from training. And a second question: does attention
    tell "a robin is a tool", which asserts, from "a robin is NOT a tool",
    whatever is true? The sentences tested are unlike those in training. The
    pairs are the taxonomic features of the norms (bundled, or mcrae where it
    is installed).

    Intervals are over hyponyms, hypernyms and draws of folds, twins or
    templates: with one twin it has none. Attention is kept in the cache, so
    a run that was stopped goes on where it was.

    \b
    Examples:
      explaint hypernymy --model minilm
      explaint hypernymy --model smollm2 --per-hypernym 8 --json my.json
      explaint hypernymy --model minilm --norms mcrae --negatives balanced
    """
    from explaint_lib.norms import load_norms

    if json_file is not None:
        check_writable(json_file)
    wanted = _listed(negatives)
    data = load_norms(norms)
    from explaint_lib.experiments.hypernymy import run_hypernymy

    result = run_hypernymy(
        model,
        data,
        negatives=wanted,
        max_per_hypernym=per_hypernym,
        untrained_seeds=untrained_seeds,
        twin=twin.value,
        seed=seed,
        device=device,
        revision=revision,
        progress=True,
    )
    _show(result, data.banner())
    write_result(result, json_file)


def _listed(negatives: str) -> list[str]:
    """Return the kinds of false pairs asked for, "wordnet" standing for both of its kinds."""
    names = [name.strip() for name in negatives.split(",") if name.strip()]
    both = {"wordnet": ("wordnet_similar", "wordnet_level")}
    spread = [each for name in names for each in both.get(name, (name,))]
    unknown = [name for name in spread if name not in _NEGATIVES]
    if unknown or not spread:
        raise ExplaintError(
            f"--negatives takes {', '.join(_NEGATIVES)} or wordnet, with commas between them; "
            f"found {', '.join(unknown) or 'none'}"
        )
    return list(dict.fromkeys(spread))


# --- printing ---------------------------------------------------------------------------------------------


def _show(result: Result, banner: str) -> None:
    """Print a table for each kind of false pairs, one of the sentences, and what attention adds."""
    console = Terminal()
    about, tables = result.manifest, result.to_dict()
    rows = tables["rows"]
    settings = about["arguments"]

    console.print(f"\n{about['model']['name']}, hypernymy from attention, seed {about['seed']}", style="bold")
    console.print(f"{banner}\nAccuracy and its 95 % interval over hyponyms and hypernyms; chance is .50.")
    if settings["twin"] == "permuted_weights":
        console.print("The untrained twin has the trained weights, in a random order within each matrix.")
    for name in settings["negatives"]:
        count = about["data"][f"n_pairs_{name}"]
        console.print(f"\nFalse pairs: {name} ({_NEGATIVES[name]}); {count} pairs, half of them true", style="bold")
        console.print(_predictors(rows, name, settings["splits"]))
    others = [group for group in settings["groups"] if group != "affirmed"]
    if others:
        console.print("\nThe same probe in sentences that do not say it", style="bold")
        console.print(
            "Attention; in brackets a probe trained on other sentences that affirm the relation.", style="dim"
        )
        console.print(_groups(rows, settings["groups"], settings["splits"]))
    said = [row for row in rows if row["question"] == "said"]
    if said:
        console.print("\nDoes it tell sentences that assert the relation from others?", style="bold")
        console.print("True and false pairs alike, in templates unlike those in training.", style="dim")
        console.print(_said(said, settings["splits"]))
    console.print("\nWhat attention adds to similarity, position and frequency", style="bold")
    console.print(_added(tables["tests"], settings))
    console.print(
        "\nA number counts for a reading of attention by as much as it lies above every rival in its column. Where "
        "the rivals reach it, attention may still hold more than they do: the last table says what it adds. p: "
        "one-sided, not corrected for the number of rows."
    )


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["ci_low"] is None:  # one twin: nobody knows how much twins differ
        return short(row["accuracy"])
    return f"{short(row['accuracy'])} [{short(row['ci_low'])} {short(row['ci_high'])}]"


def _predictors(rows: list[dict[str, Any]], negatives: str, splits: list[str]) -> Table:
    table = plain_table("predictor", [f"held out:\n{split}" for split in splits])
    found = {
        (row["predictor"], row["split"]): row
        for row in rows
        if row["negatives"] == negatives and row["templates"] == "affirmed" and row["question"] == "relation"
    }
    for name, label in _LABELS.items():
        if any(key[0] == name for key in found):
            style = "bold" if name == "attention" else ""
            table.add_row(label, *[_cell(found.get((name, split))) for split in splits], style=style)
        if name == "attention" and found:
            elsewhere = [found[name, split]["accuracy_unseen_template"] for split in splits]
            table.add_row("  in a template left out", *[short(value) for value in elsewhere])
    return table


def _groups(rows: list[dict[str, Any]], groups: list[str], splits: list[str]) -> Table:
    table = plain_table("sentences", [f"held out:\n{split}" for split in splits])
    attention = [row for row in rows if row["predictor"] == "attention" and row["question"] == "relation"]
    shown = {row["negatives"] for row in attention if row["templates"] != "affirmed"}
    found = {(row["templates"], row["split"]): row for row in attention if row["negatives"] in shown}
    for group in groups:
        cells = [found[group, split] for split in splits]
        table.add_row(group, *[f"{short(row['accuracy'])} ({short(row['accuracy_unseen_template'])})" for row in cells])
    return table


def _said(rows: list[dict[str, Any]], splits: list[str]) -> Table:
    table = plain_table("predictor", [f"held out:\n{split}" for split in splits])
    found = {(row["predictor"], row["split"]): row for row in rows}
    for name, label in _SAID.items():
        table.add_row(label, *[_cell(found[name, split]) for split in splits], style="bold" * (name == "attention"))
    return table


def _added(tests: list[dict[str, Any]], settings: dict[str, Any]) -> Table:
    table = plain_table("false pairs", [f"held out:\n{split}" for split in settings["splits"]])
    found = {(row["negatives"], row["split"]): row for row in tests if row["predictor"] != "attention"}
    for name in settings["negatives"]:
        cells = [found[name, split] for split in settings["splits"]]
        table.add_row(name, *[f"{row['difference']:+.3f} p {row['p_value']:.2g}" for row in cells])
    return table
