"""What a model's folder must hold before anything of it is loaded: a configuration, a tokenizer, whole weights.

Only files are read here, and of the weights only their headers. What it does NOT license: that the files fit
each other; `explaint_lib.encoders._contract` finds that out by loading them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from explaint_lib._common import ExplaintError

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "tekken.json")  # and *.model
_HEADER = 100_000_000  # bytes; the format's own limit


def configuration(folder: Path) -> dict[str, Any]:
    """Return config.json of a folder.

    Raises
    ------
    ExplaintError
        If it is not there, not JSON in UTF-8, or names no architecture.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ExplaintError(f"{folder} has no config.json; expected a folder written by save_pretrained")
    content = _read_json(path)
    if not content.get("model_type"):
        raise ExplaintError(
            f"{path} has no key model_type, which names the architecture; copy it from the config.json of the model "
            "that these weights were made from"
        )
    return content


def _read_json(path: Path) -> dict[str, Any]:
    raw = path.read_bytes()
    if raw.startswith(b"\xef\xbb\xbf"):
        raise ExplaintError(f"{path} begins with a byte order mark, expected plain UTF-8; save it without one")
    try:
        content = json.loads(raw)
    except ValueError as fault:
        raise ExplaintError(f"{path} is not JSON ({fault}); it is damaged, copy it again") from None
    if not isinstance(content, dict):
        raise ExplaintError(
            f"{path} holds a {type(content).__name__}, expected an object; it is damaged, copy it again"
        )
    return content


def check_tokenizer_files(folder: Path) -> str:
    """Return the names of the vocabulary files.

    Raises
    ------
    ExplaintError
        If there is none: the transformers library would make up an empty tokenizer.
    """
    found = sorted(file.name for file in folder.iterdir() if file.name in _VOCABULARIES or file.suffix == ".model")
    if not found:
        raise ExplaintError(
            f"{folder} has no tokenizer files (expected tokenizer.json, vocab.txt, vocab.json or *.model); save the "
            "model's own tokenizer beside it: AutoTokenizer.from_pretrained(...).save_pretrained(folder)"
        )
    return ", ".join(found)


def check_adapters(folder: Path) -> str:
    """Say that there is no adapter in the folder.

    Raises
    ------
    ExplaintError
        If there is one: without it the model is another one than the folder is meant to be.
    """
    found = sorted(file.name for file in folder.iterdir() if file.name.startswith("adapter_"))
    if found:
        raise ExplaintError(
            f"{folder} holds an adapter ({', '.join(found)}), which would not be applied; merge it into its base "
            "model (merge_and_unload of the package peft) and save the merged model in a folder of its own"
        )
    return "none in the folder"


def weight_files(folder: Path) -> list[Path]:
    """Return the files that the weights are loaded from, whether they are there or not; none without safetensors.

    Raises
    ------
    ExplaintError
        If the index names anything but safetensors files of this folder.
    """
    config = folder / "config.json"
    named = _read_json(config).get("transformers_weights") if config.is_file() else None
    if named is None:
        named = SINGLE if (folder / SINGLE).is_file() else INDEX
    _inside(folder, [named], (".safetensors", ".safetensors.index.json"), config)
    if not named.endswith(".json"):
        return [folder / named]
    if not (folder / named).is_file():
        return []
    mapped = _read_json(folder / named).get("weight_map")
    if not isinstance(mapped, dict) or not mapped:
        raise ExplaintError(f"{folder / named} has no weight_map; it is damaged, copy it again")
    _inside(folder, list(mapped.values()), (".safetensors",), folder / named)
    return [folder / file for file in sorted(set(mapped.values()))]


def _inside(folder: Path, names: list[Any], endings: tuple[str, ...], said_in: Path) -> None:
    wrong = [
        name for name in names if not isinstance(name, str) or Path(name).name != name or not name.endswith(endings)
    ]
    if wrong:
        raise ExplaintError(
            f"{said_in} names {wrong[0]!r} as a file of weights; expected safetensors files inside {folder}. A pickle "
            "can run code when it is opened, and is never read: save the model again with save_pretrained"
        )


def check_weight_files(folder: Path) -> str:
    """Return what the weights are read from.

    Raises
    ------
    ExplaintError
        Naming every file that is missing or cut off.
    """
    files = weight_files(folder)
    faults = [fault for file in files if (fault := _damage(file))]
    if not files:
        others = ", ".join(sorted(file.name for file in folder.glob("*.safetensors")))
        faults = [f"expected {SINGLE}, or {INDEX} and the files it names; found only {others or 'no safetensors file'}"]
    if faults:
        raise ExplaintError(f"the weights in {folder} are not whole: {'; '.join(faults)}. Copy or download them again")
    unread = sorted({file.name for file in folder.glob("*.safetensors")} - {file.name for file in files})
    return f"{len(files)} whole" + (f"; not read: {', '.join(unread)}" if unread else "")


def _damage(file: Path) -> str | None:
    """Return what is wrong with a safetensors file by its size and header, or None."""
    if not file.is_file():
        return f"{file.name} is missing"
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or not 2 <= length <= min(size - 8, _HEADER):
            return f"{file.name} is cut off or no safetensors file ({size} bytes)"
        try:
            header = json.loads(opened.read(length))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, TypeError, KeyError, AttributeError, LookupError):
            return f"{file.name} has a damaged header"
    expected = 8 + length + max(ends, default=0)
    return None if size == expected else f"{file.name} has {size} bytes, expected {expected}"
