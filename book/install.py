"""Make ``.venv`` hold exactly the locked packages, whole; do nothing where it does already.

Run by make, with the reader's own Python and without any package. An installation that was interrupted is not trusted:
pip takes a package that it left half copied for installed. So the stamp that says "complete" is taken away first and
written last, after every file that every package lists has been seen; without it ``.venv`` is made anew.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import os
import re
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import guarded

ROOT = Path(__file__).resolve().parent.parent


class InstallError(Exception):
    """The packages could not be installed: says what is wrong, and what to do."""


def wanted(root: Path) -> str:
    """Return the hash of what a complete ``.venv`` is made from: the two files, the place, the Python."""
    digest = hashlib.sha256(f"{root}\n{sys.version_info[:2]}\n".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def incomplete(folder: Path, constraints: str) -> list[str]:
    """Return what is wrong with the packages in a folder, a line each: files missing, other versions than the locked.

    Parameters
    ----------
    folder : Path
        A ``site-packages``.
    constraints : str
        Lines ``name==version``.
    """
    locked = dict(line.split("==") for line in constraints.splitlines() if re.fullmatch(r"[^#\s]+==\S+", line))
    locked = {_canonical(name): version for name, version in locked.items()}
    faults = []
    for package in metadata.distributions(path=[str(folder)]):
        name = package.metadata["Name"] if package.metadata else None
        record = package.read_text("RECORD")
        if not name or not record:
            faults.append(f"{name or 'a package without a name'} lacks the list of its files")
            continue
        # read here: the `files` of some versions of importlib.metadata leave out those that are missing
        files = [Path(line[0]) for line in csv.reader(record.splitlines()) if line]
        lost = [file for file in files if file.suffix != ".pyc" and not Path(str(package.locate_file(file))).exists()]
        if lost:
            faults.append(f"{name} lacks {len(lost)} of its files, {lost[0]} for one")
        version = locked.get(_canonical(name), package.version)
        if package.version.partition("+")[0] != version.partition("+")[0]:  # +cpu is a build of the same version
            faults.append(f"{name} is {package.version}, expected {version}")
    return sorted(faults)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def install(root: Path = ROOT) -> bool:
    """Make ``.venv`` of `root` complete; return whether anything had to be done.

    Raises
    ------
    InstallError
        If pip fails, or what it installed is not whole.
    """
    venv = root / ".venv"
    stamp, python = venv / ".installed", str(venv / "bin" / "python")
    holder = os.open(root, os.O_RDONLY)  # one at a time; the second finds it done
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        if stamp.is_file() and stamp.read_text("utf8") == wanted(root):
            return False
        if os.path.lexists(venv):
            print("install: .venv is of other versions, or of an installation that did not end; it is made anew")
            stamp.unlink(missing_ok=True)
            venv.unlink() if venv.is_symlink() else shutil.rmtree(venv)
        print("install: the packages of constraints.txt into .venv, once (minutes) ...", flush=True)
        base = getattr(sys, "_base_executable", sys.executable)  # this Python may be the one in .venv
        _step("venv", str(venv), python=base, failed="the virtual environment could not be made")
        _step(
            "pip",
            "install",
            "--quiet",
            "--editable",
            f"{root}[book,test]",
            "--constraint",
            str(root / "constraints.txt"),
            python=python,
            failed="pip could not install the packages",
        )
        _step("pip", "check", python=python, failed="packages that need each other do not fit")
        places = {"base": str(venv), "platbase": str(venv)}
        folders = {sysconfig.get_path(kind, "venv", places) for kind in ("purelib", "platlib")}
        text = (root / "constraints.txt").read_text("utf8")
        if faults := [fault for folder in sorted(folders) for fault in incomplete(Path(folder), text)]:
            raise InstallError("what pip installed is not whole:\n  " + "\n  ".join(faults[:10]))
        stamp.write_text(wanted(root), "utf8")
        return True
    finally:
        os.close(holder)


def _step(program: str, *arguments: str, python: str, failed: str) -> None:
    """Run a program of the standard kind; raise where it fails."""
    if guarded.run(program, *arguments, python=python, quiet=False).returncode:
        raise InstallError(f"{failed} (the lines above say why); mend that and run it again")


def main() -> int:
    """Install; return the exit code."""
    guarded.stop_on_signals()
    guarded.end_with_make()
    try:
        install()
    except InstallError as fault:
        print(f"\ninstall: {fault}", file=sys.stderr)
        return 1
    except OSError as fault:
        print(f"\ninstall: {fault}; .venv is not complete and will be made anew", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stopped:
        print("\ninstall: stopped; .venv is not complete and will be made anew", file=sys.stderr)
        return 128 + (stopped.args[0] if stopped.args else 2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
