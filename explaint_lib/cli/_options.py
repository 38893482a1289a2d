"""The options that several commands have, each declared once, so that they read and mean the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from explaint_lib._common import text_lines


class TwinOption(StrEnum):
    """What ``--twin`` takes, as `explaint_lib.encoders.TWINS`."""

    initialised = "initialised"
    permuted_weights = "permuted_weights"


ModelName = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME|PATH", help="A name of `explaint models list`, a folder, a GGUF file, or a hub id."
    ),
]
Revision = Annotated[str | None, typer.Option("--revision", metavar="NAME", help="Branch, tag or commit of a hub id.")]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="cpu, cuda, mps or auto: where the model runs.")]
NormsName = Annotated[
    str,
    typer.Option("--norms", metavar="NAME|FILE", help="Feature norms: a name of `explaint norms list`, or a file."),
]
TwinKind = Annotated[
    TwinOption,
    typer.Option("--twin", help="Weights of the twins: as before training, or the trained ones, each tensor permuted."),
]
Layer = Annotated[
    str,
    typer.Option("--layer", metavar="last|INT", help="Layer the vectors are read from; 0 is the embedding layer."),
]
DropMissing = Annotated[bool, typer.Option("--drop-missing", help="Leave out words that the model does not know.")]
TextFile = Annotated[
    Path | None,
    typer.Option("--text", metavar="FILE", help="One sentence a line. Default: the sentences bundled with explaint."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of all that is drawn: the same seed gives the same numbers.")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the whole result to this file: manifest, rows and tests."),
]


def read_sentences(path: Path) -> tuple[list[str], list[str]]:
    """Return the sentences of the file of ``--text``, blank lines skipped, and the name of each for errors."""
    numbered = [(number, line.strip()) for number, line in text_lines(path)]
    return [line for _, line in numbered], [f"line {number} of {path.name}" for number, _ in numbered]
