"""``explaint audit``: claims about a model go in, verdicts with known error rates come out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explaint_lib._common import ExplaintError, atomic_path, make_folder
from explaint_lib.cli._options import Device, Revision, Seed, TextFile
from explaint_lib.cli._terminal import Terminal, say, stopped

if TYPE_CHECKING:
    from explaint_lib.audit import ClaimFile

_REFUTED = "alarm, worse, equivalent, no better"


class Profile(StrEnum):
    """What ``--profile`` takes."""

    quick = "quick"
    full = "full"


def audit(
    claims: Annotated[
        Path | None, typer.Argument(metavar="[CLAIMS.yaml]", help="The claims, fixed beforehand.")
    ] = None,
    init: Annotated[
        bool, typer.Option("--init", help="Write a commented claim file: to CLAIMS.yaml, or to the terminal.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="With --init: write over a file that is there.")] = False,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME|PATH", help="Audit the standard claims of this model.")
    ] = None,
    revision: Revision = None,
    vectors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instead of a model: word vectors, in .npz, .csv or .safetensors."),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead of a model: held-out predictions with folds, in .npz.")
    ] = None,
    norms: Annotated[
        str, typer.Option("--norms", metavar="NAME|FILE", help="Feature norms of the standard claims.")
    ] = "bundled",
    text: TextFile = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of all outputs.")] = None,
    profile: Annotated[
        Profile | None, typer.Option(help="quick: few draws, minutes. full: what may be published.")
    ] = None,
    fail_on: Annotated[
        str, typer.Option(metavar="LIST", help="Words that give exit code 1, or none. Others: cannot tell, no verdict.")
    ] = _REFUTED,
    seed: Seed = 0,
    device: Device = "cpu",
) -> None:
    """Test claims about a model against all that could explain them away.

    A claim is worded and fixed in a file before it is tested. Each is of a
    known type, and each type has its controls: what scores as high without
    the claim being true. All of them are run; one that is left out needs a
    reason, which then stands in the verdict. The words of a verdict come from
    one rule, and each control was tried in planted worlds where the claim is
    false and where it is true: its false alarms and its power are printed.

    \b
    supported       beyond every control that was run
    worse, equivalent, no better    a control does as well: explained away
    cannot tell     the interval is too wide, or too little was drawn
    no verdict      this control says the same of true and false claims
    alarm           below chance: look for a fault

    DIR gets report.html (one page that needs no network), report.md,
    results.json (its schema is explaint_lib/data/audit_schema.json),
    table.tex and junit.xml. The SHA-256 of the claim file stands in each; if
    the file was changed after results existed, each says so. A run that was
    stopped goes on where it was; the same file gives the same numbers.

    \b
    Exit code: 0 no claim has a word of --fail-on; 1 one has; 2 bad input;
    130 stopped by you.

    \b
    Examples:
      explaint audit --init                        print a file to start from
      explaint audit --init claims.yaml            ... or write it
      explaint audit claims.yaml --out audit       run it
      explaint audit --model minilm --profile quick --out audit
      explaint audit --vectors mine.npz --norms mcrae --out audit
      explaint audit --predictions mine.npz --out audit --fail-on none
    """
    if init:
        _init(claims, force)
        return
    words = _words(fail_on)
    if out is None:
        raise ExplaintError("name the folder of the outputs: --out DIR")
    given = {"--model": model, "--vectors": vectors, "--predictions": predictions, "CLAIMS.yaml": claims}
    if sum(value is not None for value in given.values()) != 1:
        found = ", ".join(name for name, value in given.items() if value is not None) or "none of them"
        raise ExplaintError(f"expected one of {', '.join(given)}; found {found}. `explaint audit --init` writes a file")
    if out.exists() and not out.is_dir():
        raise ExplaintError(f"--out names a folder; {out} is a file")
    from explaint_lib.audit import parse_claims, read_claims

    chosen = profile.value if profile is not None else None
    if claims is not None:
        wanted = read_claims(claims, profile=chosen)
    else:
        content = _standard(model, revision, vectors, predictions, norms, text, seed, chosen or "full")
        wanted = parse_claims(content, "standard claims", profile=chosen)
        make_folder(out)
        _write(out / "claims.yaml", content)
    try:
        results = _run(wanted, out, device, words)
    except KeyboardInterrupt:
        stopped("claims that had ended are kept, and the same command goes on from there")
    if any(one["word"] in words for one in results["claims"]):
        raise typer.Exit(1)


def _init(path: Path | None, force: bool) -> None:
    from explaint_lib.audit import claim_file

    text = claim_file(model="minilm", commented=True)
    if path is None:
        say(text.rstrip("\n"))
        return
    if path.exists() and not force:
        raise ExplaintError(f"{path} is there already; name another file, or add --force to write over it")
    _write(path, text.encode())
    say(f"written: {path}; change it, then run: explaint audit {path} --out DIR", error=True)


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as beside:
        beside.write_bytes(content)


def _words(fail_on: str) -> list[str]:
    from explaint_lib.inference import WORDS

    names = [name.strip() for name in fail_on.split(",") if name.strip()]
    if names == ["none"]:
        return []
    if not names or set(names) - set(WORDS):
        raise ExplaintError(f"--fail-on takes {', '.join(WORDS)}, with commas between them, or none; found {fail_on!r}")
    return names


def _standard(
    model: str | None,
    revision: str | None,
    vectors: Path | None,
    predictions: Path | None,
    norms: str,
    text: Path | None,
    seed: int,
    profile: str,
) -> bytes:
    """Return the claim file with the book's standard claims; files by their whole path, wherever it is read."""
    from explaint_lib.audit import claim_file

    files = {"vectors": vectors, "predictions": predictions, "text": text}
    whole: dict[str, Any] = {name: None if path is None else str(path.resolve()) for name, path in files.items()}
    from explaint_lib.encoders import outline

    static = model is not None and outline(model, revision=revision).n_layers == 0
    return claim_file(
        model=model, static=static, revision=revision, norms=norms, seed=seed, profile=profile, **whole
    ).encode()


def _run(wanted: ClaimFile, out: Path, device: str, fail_on: list[str]) -> dict[str, Any]:
    from explaint_lib.audit import RESULTS, forecast, run_audit, write_outputs

    comparisons, steps = forecast(wanted)
    say(
        f"claims: {len(wanted.claims)}, comparisons: {comparisons}, fits of a map or runs of a model: about {steps}; "
        f"profile {wanted.profile}, claim file {wanted.sha256[:12]}",
        error=True,
    )
    results = run_audit(wanted, out, device=device, progress=True)
    files = write_outputs(results, out, fail_on=fail_on)
    _show(results)
    say(f"written: {', '.join(str(path) for path in [out / RESULTS, *files])}", error=True)
    return results


def _show(results: dict[str, Any]) -> None:
    console = Terminal()
    if results["claim_file"]["earlier"]:
        console.print("The claim file was changed after results existed in this folder.", style="bold red")
    for one in results["claims"]:
        console.print(f"{one['sentence']}: {one['verdict']}.")
