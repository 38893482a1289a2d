"""``explaint continuity``: do positions keep their tokens? Four claims, by layer, beside untrained twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from explaint_lib._common import check_writable
from explaint_lib.cli._options import (
    Device,
    JsonFile,
    ModelName,
    Revision,
    Seed,
    TextFile,
    TwinKind,
    TwinOption,
    read_sentences,
)
from explaint_lib.cli._show import plain_table, short, write_result
from explaint_lib.cli._terminal import Terminal

if TYPE_CHECKING:
    from rich.table import Table

    from explaint_lib.results import Result

# a heading, the rows it shows (None: any), and what to know before reading it
_Column = tuple[str, str, str | None, str | None, str | None]
_TABLES: tuple[tuple[str, str, tuple[_Column, ...]], ...] = (
    (
        "(a) Raw geometry",
        "Share of positions whose nearest candidate, without any fitted map, is their own token (top-1). "
        "Candidates: input vectors of the same sentence; its vectors one layer below; states of other "
        "sentences in the same layer (is the nearest of the same token type?).",
        (
            ("input\ncosine", "geometry", "layer0", "sentence", "cosine"),
            ("input\ncentred", "geometry", "layer0", "sentence", "cosine_centred"),
            ("input\nstandardised", "geometry", "layer0", "sentence", "cosine_standardised"),
            ("layer below\ncosine", "geometry", "previous", "sentence", "cosine"),
            ("same layer\ncosine", "geometry", "within", "corpus", "cosine"),
        ),
    ),
    (
        "(b) Decodability",
        "Share of positions whose token a map names that was fitted on other sentences (top-1). Candidates: "
        "the tokens of the sentence, or all token types of the text; unseen: types the map never met.",
        (
            ("sentence\nprocrustes", "decodability", "layer0", "sentence", "procrustes"),
            ("sentence\nridge", "decodability", "layer0", "sentence", "ridge"),
            ("all types\nridge", "decodability", "layer0", "corpus", "ridge"),
            ("unseen\nridge", "decodability", "layer0", "corpus_unseen_types", "ridge"),
            ("all types\nmlp", "decodability", "layer0", "corpus", "mlp"),
        ),
    ),
    (
        "(c) Causal locality and (d) share of content",
        "A token is replaced by one about as frequent, and the model runs again. (c) How often its own "
        "position changes most. (d) Its own part of the summed change.",
        (
            ("(c) own position\nchanges most", "causal_locality", None, None, None),
            ("(d) own share\nof the change", "content_share", None, None, None),
        ),
    ),
)


def continuity(
    model: ModelName,
    text: TextFile = None,
    interventions: Annotated[
        int, typer.Option(min=0, help="Token replacements a model for (c) and (d); 120 give about +-.04.")
    ] = 120,
    untrained_seeds: Annotated[
        int, typer.Option(min=0, help="Untrained twins to compare with; a verdict needs at least 5.")
    ] = 1,
    twin: TwinKind = TwinOption.initialised,
    seed: Seed = 0,
    device: Device = "cpu",
    revision: Revision = None,
    json_file: JsonFile = None,
) -> None:
    """Ask, layer by layer, whether positions keep their tokens.

    "Later positions no longer correspond to their tokens" is four claims, and
    they come apart:

    \b
    (a) raw geometry      is the state nearest to its own input?
    (b) decodability      can a map fitted on other sentences name the token?
    (c) causal locality   does replacing the token change its position most?
    (d) share of content  how much of that change is at its own position?

    A layer that rotates its input loses (a) and keeps (b); a model can keep
    (b) while most of (d) is elsewhere. So name the claim before quoting a
    number. Every number stands beside chance and beside untrained twins: the
    same architecture with weights drawn as before training (or, with --twin
    permuted_weights, the trained weights in a random order within each
    matrix), which may keep tokens better than the trained model or lose them
    sooner; either way it is no zero point.

    The terminal shows the main curves. The JSON file holds all of them: three
    references, more candidates, top-1 and reciprocal rank, 95 % intervals
    that resample sentences, and the differences to chance, to one half and
    to the untrained twins, each with its p.

    \b
    Examples:
      explaint continuity --model minilm
      explaint continuity --model smollm2 --text my.txt --json my.json
      explaint continuity --model minilm --untrained-seeds 5   (for a verdict)
    """
    if json_file is not None:
        check_writable(json_file)
    sentences, labels = (None, None) if text is None else read_sentences(text)
    from explaint_lib.experiments.continuity import bundled_sentences, run_continuity

    result = run_continuity(
        model,
        bundled_sentences() if sentences is None else sentences,
        labels=labels,
        revision=revision,
        seed=seed,
        untrained_seeds=untrained_seeds,
        twin=twin.value,
        n_interventions=interventions,
        device=device,
        progress=True,
    )
    _show(result, "the bundled sentences" if text is None else text.name)
    write_result(result, json_file)


# --- printing ---------------------------------------------------------------------------------------------


def _show(result: Result, source: str) -> None:
    """Print one table for each group of claims."""
    console = Terminal()
    about, rows = result.manifest, result.to_dict()["rows"]
    twins = about["arguments"]["untrained_seeds"]
    console.print(
        f"\n{about['model']['name']} on {source}: {about['data']['n_texts']} sentences, seed {about['seed']}",
        style="bold",
    )
    if about["data"]["n_repeated_texts_left_out"]:
        console.print(f"{about['data']['n_repeated_texts_left_out']} repeated lines were used once.")
    if unknown := about["data"]["n_unknown_tokens"]:
        console.print(f"{unknown} of {about['data']['n_tokens']} tokens are unknown to the model.")
    if about["arguments"]["first_position_left_out"]:
        console.print("A decoder's first position is left out: it sees nothing but itself.")
    if twins:
        beside = f"the mean of {twins} untrained twins" if twins > 1 else "an untrained twin"
        beside += " (trained weights, permuted)" if about["arguments"]["twin"] == "permuted_weights" else ""
        console.print(f"Each cell: trained, then {beside}.")
    for title, explanation, columns in _TABLES:
        table = _table(rows, columns)
        if table is not None:
            console.print(f"\n{title}", style="bold")
            console.print(explanation, style="dim")
            console.print(table)
    console.print(
        "\nA number near chance under one claim says nothing about another claim. Intervals, and tests "
        "against chance, one half and the untrained twins, are in the JSON file (--json FILE)."
        + (" For a verdict ask for at least 5 untrained twins (--untrained-seeds 5)." if twins < 5 else "")
    )


def _table(rows: list[dict[str, Any]], columns: tuple[_Column, ...]) -> Table | None:
    """Return layers as rows and claims as columns, chance below; None if nothing of it was measured."""
    found: dict[tuple[int, bool, _Column], dict[str, Any]] = {}
    for row in rows:
        for column in columns:
            what = (row["claim"], row["reference"], row["candidates"], row["similarity"])
            if what == column[1:] and row["metric"] != "mrr":
                found[row["layer"], row["untrained"], column] = row
    shown = [column for column in columns if any(key[2] == column for key in found)]
    if not shown:
        return None
    table = plain_table("layer", [column[0] for column in shown])
    table.columns[0].justify = "right"
    for layer in sorted({key[0] for key in found}):
        cells = [[found.get((layer, untrained, column)) for untrained in (False, True)] for column in shown]
        table.add_row(str(layer), *[" ".join(_short(row["value"]) for row in cell if row) for cell in cells])
    last = max(key[0] for key in found)
    chances = [found.get((last, False, column)) for column in shown]
    table.add_row("chance", *[_short(row["chance"]) if row else "" for row in chances], style="dim")
    return table


def _short(value: float) -> str:
    """Return a share; one that is rounded to nothing is still more than nothing."""
    return "<.01" if 0 < value < 0.005 else short(value)
