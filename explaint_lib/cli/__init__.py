"""The command ``explaint``: one thin front to the library, a sub-module a command."""

from __future__ import annotations

import sys
from typing import cast

import typer

from explaint_lib import __version__
from explaint_lib._common import ExplaintError
from explaint_lib.cli._terminal import say, stopped

__all__ = ["app", "main"]

_INTERRUPTED = 130  # what typer makes of Ctrl-C
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__base__)  # typer exports only this subclass

app = typer.Typer(
    name="explaint",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Run the controls of the book on your own model and your own feature norms.",
)


def _version(show: bool) -> None:
    if show:
        say(f"explaint {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; a fault the user can mend ends in one message and exit code 2, never in a traceback.

    Examples
    --------
    >>> import sys
    >>> from explaint_lib.cli import main
    >>> sys.argv = ["explaint", "models", "list"]
    >>> main()  # doctest: +SKIP
    """
    from explaint_lib.cli import attribution, audit, calibrate, continuity, hypernymy, models, norms, sweep, table

    app.add_typer(norms.app, name="norms")
    app.add_typer(models.app, name="models")
    app.command("table", cls=table.WithConditions)(table.table)
    app.command("sweep")(sweep.sweep)
    app.command("continuity")(continuity.continuity)
    app.command("hypernymy")(hypernymy.hypernymy)
    app.command("attribution")(attribution.attribution)
    app.command("calibrate")(calibrate.calibrate)
    app.command("audit")(audit.audit)
    try:
        # not in its stand-alone mode: typer would print what was typed (and thereby what a file is called) as it is
        code = app(prog_name="explaint", standalone_mode=False)
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
    except _UsageError as fault:
        said = fault.format_message().rstrip(".")
        if said:  # else a command without arguments, whose help has been printed
            command = fault.ctx.command_path if fault.ctx else "explaint"
            say(f"explaint: {said}; see {command} --help", style="red", error=True)
        sys.exit(fault.exit_code)
    except ExplaintError as fault:
        say(f"explaint: {fault}", style="red", error=True)
        sys.exit(2)
    except KeyboardInterrupt:
        stopped("no output file was written")
    sys.exit(code if isinstance(code, int) else 0)
