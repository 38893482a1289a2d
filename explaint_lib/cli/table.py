"""``explaint table``: word vectors to feature norms, beside everything that should not work as well."""

from __future__ import annotations

import math
import textwrap
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from explaint_lib._common import ExplaintError, check_writable
from explaint_lib.cli._options import Device, DropMissing, JsonFile, Layer, ModelName, NormsName, Revision, Seed
from explaint_lib.cli._show import plain_table, say_left_out, short, write_result
from explaint_lib.cli._terminal import Terminal, say

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from explaint_lib.norms import FeatureNorms
    from explaint_lib.results import Result

_ROOM_FOR_ALL = 80  # terminal columns; below that, one metric at a time


class WithConditions(TyperCommand):
    """A command whose help lists the conditions: the library that knows them is loaded when the help is asked for."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Put the conditions into the help, and print it."""
        self.help = (self.help or "").replace("{conditions}", _conditions_help())
        super().format_help(ctx, formatter)


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
        int, typer.Option(min=0, help="Refits of each control that is drawn anew for the tests; 0 makes no test.")
    ] = 99,
    bootstrap: Annotated[int, typer.Option(min=1, help="Resamples of the words for each interval.")] = 1000,
    seed: Seed = 0,
    device: Device = "cpu",
    revision: Revision = None,
    drop_missing: DropMissing = False,
    hints: Annotated[
        bool,
        typer.Option("--hints", help="Read homonyms with the hint that the norms give, bat as bat (animal)."),
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Predict feature norms from word vectors, and score everything that should not work as well.

    A mapper learns, on most of the words, to turn a word's vector into its
    features, and is scored on the rest (the same folds for every row). A score
    means little alone; the table puts it beside what it could be mistaken for:

    {conditions}

    Intervals are 95 % bootstrap intervals over words. The last rows are
    one-sided tests of system against a control, Holm-corrected over the
    controls of a metric. With few permutations a corrected p cannot get small;
    the table says how small.

    Without --hints the two rows of a homonym, "bat_(animal)" and
    "bat_(baseball)", have one and the same vector. A model that reads texts
    sees the hint beside the word; a table such as glove has no use for it.

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
    from explaint_lib.experiments.table import check_norms, say_one_vector, words_of_one_vector
    from explaint_lib.norms import load_norms

    data = load_norms(norms)
    if folds > len(data.words):
        raise ExplaintError(f"--folds {folds} is more than the {len(data.words)} words of {data.name}; ask for fewer")
    lacks = check_norms(data, folds=folds, seed=seed)
    say_left_out(data.name, lacks)
    encoder = encoders.load_vectors(model, revision=revision, device=device, progress=True)
    index = encoders.layer_index(wanted_layer, encoder.n_layers, encoder.name)
    data, dropped = _with_vectors(data, encoder, drop_missing)
    if dropped and (fewer := check_norms(data, folds=folds, seed=seed)) != lacks:
        say_left_out(data.name, fewer)
    shown = data.hints if hints else None
    vectors = encoder.word_vectors(data.word_forms, layer=index, hints=shown, progress=True)
    if alike := words_of_one_vector(data.word_forms, vectors):
        say(say_one_vector(encoder.name, alike), style="yellow", error=True)
    found = _run(data, vectors, encoder, index, mapper.value, components, folds, permutations, bootstrap, seed)
    found.manifest["arguments"] |= {"dropped_words": dropped, "hints": hints}
    show(Terminal(), found, data.banner())
    write_result(found, json_file)


def _conditions_help() -> str:
    """Return the conditions as a list that the help prints as it stands."""
    from explaint_lib.controls import CONDITIONS

    wide = 2 + max(map(len, CONDITIONS))
    lines = [
        textwrap.fill(condition.line, 76, initial_indent=f"{name:{wide}}", subsequent_indent=" " * wide)
        for name, condition in CONDITIONS.items()
    ]
    return "\n".join(["\b", *lines])


def _run(data: FeatureNorms, vectors: np.ndarray, encoder: Any, layer: int, *numbers: Any) -> Result:
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


def show(console: Terminal, found: Result, banner: str) -> None:
    """Print the table, the tests and what each condition keeps; a narrow terminal gets a table a metric."""
    from explaint_lib.controls import CONDITIONS
    from explaint_lib.metrics import METRICS

    about = found.manifest["arguments"]
    console.print(f"\n{banner}", style="bold")
    console.print(
        f"model {about['model']}, layer {about['layer']}; mapper {about['mapper']}"
        + (f" with {about['components']} components" if about["mapper"] == "plsr" else "")
        + f"; {about['folds']} folds, seed {about['seed']}; below each value its 95 % interval\n"
    )
    there = set(found.rows["metric"])
    metrics = [metric for metric in METRICS if metric in there]
    if console.width >= _ROOM_FOR_ALL:
        console.print(_all_metrics(found, metrics))
    else:
        for metric in metrics:
            console.print(_all_metrics(found, [metric]), "")
    for line in _notes(found):
        console.print(line)
    console.print()
    for name in dict.fromkeys(found.rows["condition"]):
        console.print(f"{name}: {CONDITIONS[name].line}", style="dim")


def _all_metrics(found: Result, metrics: list[str]) -> Table:
    """Return one table: conditions in groups, then the tests, as rows; metrics as columns."""
    from explaint_lib.controls import CONDITIONS
    from explaint_lib.metrics import METRICS

    rows = {(str(row.condition), str(row.metric)): row for row in found.rows.itertuples()}
    tests = {(str(test.control), str(test.metric)): test for test in found.tests.itertuples()}
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(condition for condition, _ in rows):
        groups.setdefault(CONDITIONS[name].group, []).append(name)
    out = plain_table("", [METRICS[metric].header for metric in metrics], gap=1)
    out.columns[0].no_wrap = True
    for group in groups.values():
        for name in group:
            style = "bold" if name == "system" else None
            out.add_row(name, *[_value_and_interval(rows[name, metric]) for metric in metrics], style=style)
        out.add_section()
        out.add_row()
    for control in dict.fromkeys(control for control, _ in tests):
        out.add_row(f"p vs {control}", *[_corrected_p(tests[control, metric]) for metric in metrics])
    return out


def _value_and_interval(row: Any) -> str | Text:
    """Return a value with its interval below, or a dash where it is undefined."""
    from rich.text import Text

    if math.isnan(row.value):
        return "-"
    if math.isnan(row.ci_low) or row.ci_low == row.ci_high:
        return short(row.value, 3)
    interval = f"{short(row.ci_low, 2)} {short(row.ci_high, 2)}"
    return Text.assemble(f"{short(row.value, 3)}\n", (interval, "dim"))


def _corrected_p(test: Any) -> str:
    """Return a corrected p-value, starred below .05; a dagger says that no smaller one was possible."""
    if math.isnan(test.p_holm):
        return "-"
    least = test.n_permutations and test.p_value <= 1 / (1 + test.n_permutations)
    mark = "*" if test.p_holm < 0.05 else "†" if least else " "
    return f"{'<.001' if test.p_holm < 0.001 else short(test.p_holm, 3)}{mark}"


def _notes(found: Result) -> list[str]:
    """Return the lines below the table: what was drawn, what the tests can show, what is easily misread."""
    from explaint_lib.controls import CONDITIONS

    about = found.manifest
    of_draws: dict[str, list[str]] = {}  # how many draws: the conditions of that many
    for name in about["draws"]:
        of_draws.setdefault(CONDITIONS[name].draws, []).append(name)
    means = [f"{' and '.join(names)}: mean of {about['draws'][names[0]]} draws" for names in of_draws.values()]
    lines = [
        "",
        f"{'; '.join(means)}. rho feature of mean_profile is below 0 by construction (a held-out word is "
        "missing from its own training mean): read it against 0.",
    ]
    if found.tests.empty:
        return [*lines, "No tests: --permutations is 0."]
    lines.append("p vs control: one-sided, Holm-corrected over the controls of a metric; * below .05.")
    if any(_corrected_p(test).endswith("†") for test in found.tests.itertuples()):
        n = about["arguments"]["permutations"]
        lines.append(
            f"† no draw reached the system, and {n} draws cannot show less than "
            f"{short(about['p_holm_floor'], 3)} after correction: ask for more, e.g. --permutations 99."
        )
    return lines
