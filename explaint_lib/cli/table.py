"""``explaint table``: word vectors to feature norms, beside everything that should not work as well."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explaint_lib._common import ExplaintError, check_writable
from explaint_lib.cli._options import Device, DropMissing, JsonFile, Layer, ModelName, NormsName, Revision, Seed
from explaint_lib.cli._show import plain_table, say_left_out, short, write_result
from explaint_lib.cli._terminal import Terminal, say

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from explaint_lib.norms import FeatureNorms

_GROUPS = (
    ("system", "upper_bound"),
    ("shuffled", "shuffled_upper_bound", "random"),
    ("mean_profile", "permuted_pairing", "oracle", "chance"),
)
_ROOM_FOR_ALL = 80  # terminal columns; below that, one metric at a time


class MapperOption(StrEnum):
    """The mappers, as choices on the command line."""

    plsr = "plsr"
    ffnn = "ffnn"
    ridge = "ridge"
    mean = "mean"


def table(
    norms: NormsName,
    model: ModelName,
    layer: Layer = "last",
    mapper: Annotated[MapperOption, typer.Option(help="From vectors to norms.")] = MapperOption.plsr,
    components: Annotated[int, typer.Option(min=1, help="Components of plsr; the data may allow fewer.")] = 50,
    folds: Annotated[int, typer.Option(min=2, help="Parts of the words; each is predicted once.")] = 10,
    permutations: Annotated[
        int, typer.Option(min=0, help="Refits of shuffled and permuted_pairing; 0 makes no test.")
    ] = 99,
    bootstrap: Annotated[int, typer.Option(min=1, help="Resamples of the words for each interval.")] = 1000,
    seed: Seed = 0,
    device: Device = "cpu",
    revision: Revision = None,
    drop_missing: DropMissing = False,
    json_file: JsonFile = None,
) -> None:
    """Predict feature norms from word vectors, and score everything that should not work as well.

    A mapper learns, on most of the words, to turn a word's vector into its
    features, and is scored on the rest (the same folds for every row). A score
    means little alone; the table puts it beside what it could be mistaken for:

    \b
    system                the vectors predict the norms of held-out words
    upper_bound           input = the norms themselves: the mapper's
                          bottleneck, which moves with --components
    shuffled              each feature permuted over words: base rates
                          kept, words lost
    shuffled_upper_bound  input = target = the shuffled norms
    random                random norms of the same density or range
    mean_profile          the training mean for every word; what scores
                          no higher is base rates
    permuted_pairing      rows of norms swapped between words: structure
                          kept, whose it is lost
    oracle, chance        the best and a random ranking, in closed form

    Intervals are 95 % bootstrap intervals over words. The last rows are
    one-sided tests of system against a control, Holm-corrected over the
    controls of a metric. With few permutations a corrected p cannot get small;
    the table says how small.

    \b
    Examples:
      explaint table --norms bundled --model minilm
      explaint table --norms mcrae --model minilm --permutations 999 \\
          --json mcrae.json
    """
    if json_file is not None:
        check_writable(json_file)
    from explaint_lib import encoders

    wanted_layer = encoders.check_layer(layer)
    from explaint_lib.experiments.table._design import check_norms, say_one_vector, words_of_one_vector
    from explaint_lib.norms import load_norms

    data = load_norms(norms)
    if folds > len(data.words):
        raise ExplaintError(f"--folds {folds} is more than the {len(data.words)} words of {data.name}; ask for fewer")
    lacks = check_norms(data, folds=folds, seed=seed)
    say_left_out(data.name, lacks)
    encoder = encoders.load_encoder(model, revision=revision, device=device, progress=True)
    index = encoders.layer_index(wanted_layer, encoder.n_layers, encoder.name)
    data, dropped = _with_vectors(data, encoder, drop_missing)
    if dropped and (fewer := check_norms(data, folds=folds, seed=seed)) != lacks:
        say_left_out(data.name, fewer)
    vectors = encoder.word_vectors(data.word_forms, layer=index, progress=True)
    if alike := words_of_one_vector(data.word_forms, vectors):
        say(say_one_vector(encoder.name, alike), style="yellow", error=True)
    result = _run(data, vectors, encoder, index, mapper.value, components, folds, permutations, bootstrap, seed)
    result["manifest"]["arguments"]["dropped_words"] = dropped
    show(Terminal(), result, data.banner())
    write_result(result, json_file)


def _run(data: FeatureNorms, vectors: np.ndarray, encoder: Any, layer: int, *numbers: Any) -> dict[str, Any]:
    """Call `run_table` with what the command line was given."""
    from explaint_lib.experiments.table import run_table

    mapper, components, folds, permutations, bootstrap, seed = numbers
    return run_table(
        data,
        vectors,
        model=encoder.name,
        layer=layer,
        mapper=mapper,
        components=components,
        folds=folds,
        permutations=permutations,
        bootstrap=bootstrap,
        seed=seed,
        describe_model=encoder.describe(),
        progress=True,
    )


def _with_vectors(data: FeatureNorms, encoder: Any, drop_missing: bool) -> tuple[FeatureNorms, list[str]]:
    """Return the norms of the words that the model knows, and the words left out."""
    unknown = set(encoder.unknown_words(data.word_forms))
    missing = [word for word, form in zip(data.words, data.word_forms, strict=True) if form in unknown]
    if not missing:
        return data, []
    named = ", ".join(missing[:20]) + (f" and {len(missing) - 20} more" if len(missing) > 20 else "")
    if not drop_missing:
        raise ExplaintError(
            f"{encoder.name} has no vector for {len(missing)} of the {len(data.words)} words: {named}. Add "
            "--drop-missing to leave them out (the manifest lists them), and compare other models on the "
            "same words only"
        )
    kept = [word for word in data.words if word not in set(missing)]
    if len(kept) < 2:
        raise ExplaintError(f"{encoder.name} has vectors for only {len(kept)} words of {data.name}")
    say(f"left out, without a vector in {encoder.name}: {named}", style="yellow", error=True)
    return data.subset(words=kept), missing


# --- printing ---------------------------------------------------------------------------------------------


def show(console: Terminal, result: dict[str, Any], banner: str) -> None:
    """Print the table, the tests and what each condition keeps; a narrow terminal gets a table a metric."""
    from explaint_lib.experiments.table import CONDITIONS
    from explaint_lib.metrics import METRICS

    about = result["manifest"]["arguments"]
    console.print(f"\n{banner}", style="bold")
    console.print(
        f"model {about['model']}, layer {about['layer']}; mapper {about['mapper']}"
        + (f" with {about['components']} components" if about["mapper"] == "plsr" else "")
        + f"; {about['folds']} folds, seed {about['seed']}; below each value its 95 % interval\n"
    )
    there = {row["metric"] for row in result["rows"]}
    metrics = [metric for metric in METRICS if metric in there]
    if console.width >= _ROOM_FOR_ALL:
        console.print(_all_metrics(result, metrics))
    else:
        for metric in metrics:
            console.print(_all_metrics(result, [metric]), "")
    for line in _notes(result):
        console.print(line)
    console.print()
    for condition, keeps in CONDITIONS.items():
        console.print(f"{condition}: {keeps}", style="dim")


def _all_metrics(result: dict[str, Any], metrics: list[str]) -> Table:
    """Return one table: conditions in groups, then the tests, as rows; metrics as columns."""
    from explaint_lib.metrics import METRICS

    rows = {(row["condition"], row["metric"]): row for row in result["rows"]}
    tests = {(test["control"], test["metric"]): test for test in result["tests"]}
    out = plain_table("", [METRICS[metric].header for metric in metrics], gap=1)
    out.columns[0].no_wrap = True
    for group in _GROUPS:
        for condition in group:
            style = "bold" if condition == "system" else None
            out.add_row(condition, *[_cell(rows[condition, metric]) for metric in metrics], style=style)
        out.add_section()
        out.add_row()
    for control in dict.fromkeys(control for control, _ in tests):
        out.add_row(f"p vs {control}", *[_p_cell(tests[control, metric]) for metric in metrics])
    return out


def _cell(row: dict[str, Any]) -> str | Text:
    """Return a value with its interval below, or a dash where it is undefined."""
    from rich.text import Text

    if row["value"] is None:
        return "-"
    if row["ci_low"] is None or row["ci_low"] == row["ci_high"]:
        return short(row["value"], 3)
    interval = f"{short(row['ci_low'], 2)} {short(row['ci_high'], 2)}"
    return Text.assemble(f"{short(row['value'], 3)}\n", (interval, "dim"))


def _p_cell(test: dict[str, Any]) -> str:
    """Return a corrected p-value, starred below .05; a dagger says that no smaller one was possible."""
    p = test["p_holm"]
    if p is None:
        return "-"
    least = test["p_value"] <= 1 / (1 + test["n_permutations"])
    mark = "*" if p < 0.05 else "†" if least else " "
    return f"{'<.001' if p < 0.001 else short(p, 3)}{mark}"


def _notes(result: dict[str, Any]) -> list[str]:
    """Return the lines below the table: what was drawn, what the tests can show, what is easily misread."""
    about = result["manifest"]
    draws = about["draws"]
    lines = [
        "",
        f"shuffled and permuted_pairing: mean of {draws['shuffled']} draws; random and shuffled_upper_bound: "
        f"of {draws['random']}. rho feature of mean_profile is below 0 by construction (a held-out word is "
        "missing from its own training mean): read it against 0.",
    ]
    if not result["tests"]:
        return [*lines, "No tests: --permutations is 0."]
    lines.append("p vs control: one-sided, Holm-corrected over the controls of a metric; * below .05.")
    if any(test["p_value"] is not None and _p_cell(test).endswith("†") for test in result["tests"]):
        lines.append(
            f"† no draw reached the system, and {draws['shuffled']} draws cannot show less than "
            f"{short(about['p_holm_floor'], 3)} after correction: ask for more, e.g. --permutations 99."
        )
    return lines
