"""``explaint norms list|describe|add``: which feature norms there are, what is in them, and how to get
more."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from explaint_lib._common import data_dir
from explaint_lib.cli._terminal import Terminal, say

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Feature norms: the tables (words x features) that embeddings are mapped to. The teaching sets come "
    "with the package, the Lancaster norms of people are fetched once. Other human norms may not be redistributed, so "
    "you get the file and add it once. Files are read as their authors publish them, and any other table by the "
    "columns you name: see explaint norms add --help.",
)

# rich keeps every line break of a help text, so a paragraph is one string
_ADD = "\n\n".join(
    (
        "Check a norm file and install it, so that --norms NAME finds it, fast, from anywhere.",
        "Published files are recognised by their columns, whatever they are called: McRae 2005, Buchanan 2019, CSLB "
        "2014, Binder 2016, Warriner 2013, Brysbaert 2014, Lancaster 2020, Glasgow 2019, THINGS and THINGSplus. Any "
        "other table (text with any separator and any ending, XLSX, Parquet) has one of two forms.",
        "long: columns word, feature, value (or strength); optionally category, feature_type",
        "wide: columns word, optionally category, and one column of numbers a feature; columns whose names say a "
        "count, a "
        "spread or a property of the word (N, SD, Length, Frequency, ...) are left aside and named, unless --ratings "
        "names them",
        "Columns with other names: say which they are with --word, --feature, --value, --category, --ratings. These "
        "options, --sheet and --separator work in describe as well; what they chose is remembered.",
        'Write homonyms with a hint, "bat_(animal)": the hint is kept apart from the word. Leave a missing '
        "rating empty or write na; it is never read as 0. The file itself is not changed, and a file with "
        "faults is not taken by half: all of them are listed, with their lines.",
        "Example: explaint norms add mcrae ~/Downloads/CONCS_FEATS_concstats_brm.xlsx",
        "Example: explaint norms add senses ratings.csv --word Item --ratings Seen,Heard,Touched",
    )
)

_DESCRIBE = """Describe norms in aggregates: size, missing cells, density, categories, types, fingerprint.

Single cells of human norms are never printed; their terms do not allow giving them back.

Example: explaint norms describe bundled
"""

WordOption = Annotated[str | None, typer.Option("--word", metavar="COLUMN", help="The column of words.")]
FeatureOption = Annotated[
    str | None, typer.Option("--feature", metavar="COLUMN", help="The column of features of a long table.")
]
ValueOption = Annotated[
    str | None, typer.Option("--value", metavar="COLUMN", help="The column of values of a long table.")
]
CategoryOption = Annotated[
    str | None, typer.Option("--category", metavar="COLUMN", help="The column of the words' categories.")
]
RatingsOption = Annotated[
    str | None,
    typer.Option(
        "--ratings", metavar="COLUMN,COLUMN,...", help="The columns of a wide table to take; all others are left aside."
    ),
]
SheetOption = Annotated[
    str | None, typer.Option("--sheet", metavar="NAME", help="The sheet of a workbook that has several.")
]
SeparatorOption = Annotated[
    str | None,
    typer.Option(
        "--separator",
        metavar="NAME",
        help="Of a text file: tab, comma, semicolon, space, bar or a character; found in the text if not given.",
    ),
]


class KindOption(StrEnum):
    """The two kinds of norms, as choices on the command line."""

    sparse = "sparse"
    dense = "dense"


@app.command("list", help="List the norms that can be named in --norms: the bundled sets and what you added.")
def list_() -> None:
    """Print a table of bundled and installed norms."""
    from explaint_lib import norms

    table = Table(box=None, pad_edge=False)
    for column in ("name", "what it is", "human", "licence", "file"):
        table.add_column(column, overflow="fold")
    records = norms.installed()
    for record in records:
        place = record.path.name if record.path else "fetched at its first use" if record.cite else "with the package"
        table.add_row(record.name, record.layout, "yes" if record.human else "no", record.licence, place)
    Terminal().print(table)
    for source in dict.fromkeys(record.cite for record in records if record.cite):
        say(f"\n{', '.join(record.name for record in records if record.cite == source)}: {source}.")
    missing = [name for name in ("mcrae", "buchanan", "binder") if not norms.available(name)]
    say(f"\nInstalled norms live in {data_dir()} (EXPLAINT_DATA overrides it).")
    if missing:
        say(f"Not installed: {', '.join(missing)}. Get the file from its authors, then: explaint norms add NAME FILE")


@app.command(help=_DESCRIBE)
def describe(
    name: Annotated[str, typer.Argument(help="A name of `explaint norms list`, or the path of a file.")],
    kind: Annotated[KindOption | None, typer.Option(help="As in `explaint norms add`.")] = None,
    word: WordOption = None,
    feature: FeatureOption = None,
    value: ValueOption = None,
    category: CategoryOption = None,
    ratings: RatingsOption = None,
    sheet: SheetOption = None,
    separator: SeparatorOption = None,
) -> None:
    """Print the aggregates of one set of norms."""
    from explaint_lib import norms

    found = norms.load_norms(
        name,
        kind=kind.value if kind else None,
        word=word,
        feature=feature,
        value=value,
        category=category,
        ratings=_columns(ratings),
        sheet=sheet,
        separator=separator,
    )
    _print_description(found.describe(), found.features if found.kind == "dense" else ())


@app.command(help=_ADD)
def add(
    name: Annotated[str, typer.Argument(help="The name to use in --norms: letters, digits, - and _.")],
    file: Annotated[Path, typer.Argument(help="The table, as its authors publish it or in your own.")],
    kind: Annotated[
        KindOption | None,
        typer.Option(
            help="Overrides the guess for a table of your own: sparse (production strengths, 0 = not named) "
            "or dense (ratings). Guessed dense when a cell is negative or missing, or when most are not 0."
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The citation to print above results; published files bring their own.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace norms installed under this name.")] = False,
    word: WordOption = None,
    feature: FeatureOption = None,
    value: ValueOption = None,
    category: CategoryOption = None,
    ratings: RatingsOption = None,
    sheet: SheetOption = None,
    separator: SeparatorOption = None,
) -> None:
    """Install one norm file."""
    from explaint_lib import norms

    added = norms.add(
        name,
        file,
        kind=kind.value if kind else None,
        source=source,
        force=force,
        word=word,
        feature=feature,
        value=value,
        category=category,
        ratings=_columns(ratings),
        sheet=sheet,
        separator=separator,
    )
    say(f"recognised: {added.layout}")
    _print_description(added.norms.describe(), added.norms.features)
    say(f"\nstored as {added.path}")


def _columns(listed: str | None) -> list[str] | None:
    """Split a list of columns at its commas; a name that holds a comma stands in quotation marks."""
    if listed is None:
        return None
    return [name.strip() for name in next(csv.reader([listed], skipinitialspace=True), []) if name.strip()]


def _print_description(facts: dict[str, Any], features: Sequence[str], limit: int = 30) -> None:
    """Print the dictionary of `FeatureNorms.describe` for a reader, with the names of these features."""
    sparse = facts["kind"] == "sparse"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "name": facts["name"],
        "source": facts["source"],
        "human": "yes" if facts["human"] else "NO: nobody was asked; one team's judgement, for teaching",
        "kind": "sparse: production strengths, 0 = not named" if sparse else "dense: ratings, empty = missing",
        "size": f"{facts['n_words']} words x {facts['n_features']} features",
        "values": f"{facts['lowest']:g} to {facts['highest']:g}",
        "missing": _missing(facts),
        "density": f"{facts['density']:.4f} of the cells {'are above 0' if sparse else 'are filled'}",
        "homonyms": f"{facts['n_words_with_hint']} words carry a hint in brackets",
        "categories": _top(facts["categories"], facts["n_words"], "words"),
        "feature types": _top(facts["feature_types"], facts["n_features"], "features"),
        "features": ", ".join(features[:limit])
        + (f" and {len(features) - limit} more" if len(features) > limit else ""),
        "notes": "\n".join(facts["notes"]) or "none",
        "fingerprint": facts["fingerprint"],
    }
    if sparse:
        rows["density"] += (
            f"; {facts['features_per_word']:.1f} features a word; {facts['features_of_one_word']:.0%} of "
            "the features belong to one word only"
        )
    if not features:
        del rows["features"]
    for label, text in rows.items():
        table.add_row(label, text)
    Terminal().print(table)


def _missing(facts: dict[str, Any]) -> str:
    if not facts["n_missing"]:
        return "no cell"
    by_feature = sorted(facts["missing_by_feature"].items(), key=lambda item: -item[1])
    shown = ", ".join(f"{feature} {count}" for feature, count in by_feature[:5])
    more = f" and {len(by_feature) - 5} more features" if len(by_feature) > 5 else ""
    return f"{facts['n_missing']} cells ({shown}{more})"


def _top(counts: dict[str, int], total: int, what: str, limit: int = 12) -> str:
    if not counts:
        return "none given"
    shown = ", ".join(f"{label} {count}" for label, count in list(counts.items())[:limit])
    more = f", and {len(counts) - limit} more" if len(counts) > limit else ""
    without = total - sum(counts.values())
    return f"{len(counts)}: {shown}{more}" + (f"; {without} {what} without" if without else "")
