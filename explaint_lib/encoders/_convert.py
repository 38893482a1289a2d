"""Bundled models that do not come as safetensors: written out once, then checked each time.

What it controls for: the copy has the weights of the original, float32, and every file of it is checked against a hash
before it is used. What it does NOT license: the weights of a 4-bit model stay those of a 4-bit model.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from explaint_lib._common import check_writable, notice, scratch_folder, write_faults
from explaint_lib._packages import damage, put_folder, stamp, stamped
from explaint_lib.encoders import _load
from explaint_lib.encoders._find import Source
from explaint_lib.encoders._pickled import safe_copy
from explaint_lib.encoders._wheels import WheelModel


def ready(source: Source, model: WheelModel) -> Source:
    """Return a bundled model in the form that is loaded: as it came, or written out once as safetensors."""
    if source.gguf:
        return converted(source, model.converted)
    return converted(source, model.converted, lambda _: safe_copy(model)) if model.pickled else source


def converted(source: Source, target: Path, read: Callable[[Source], Callable[[Path], None]] | None = None) -> Source:
    """Return a model written out once, as the folder `target`: float32 safetensors with its tokenizer.

    Parameters
    ----------
    source : Source
    target : Path
    read : callable, optional
        Reads the source, and returns what writes it into a new folder. Default: of a GGUF model. Reading that
        takes some twenty seconds each time (the tokenizer is rebuilt, every block dequantised), the converted folder
        about one, and as long again to see that none of its files was changed.
    """
    from safetensors import SafetensorError

    wrong = damage(target, stamped(target))
    found = replace(source, folder=target, gguf=None)
    if wrong is None:
        return found
    check_writable(target.with_name(f"{target.name}.trial"))
    if target.exists():
        notice(f"{target} is damaged ({wrong}); it is converted again")
    write = (read or _from_gguf)(source)
    with write_faults(target), scratch_folder(target.parent) as temporary:
        fresh = temporary / "ready"
        try:
            write(fresh)
        except SafetensorError as fault:  # how it says that the disk is full
            raise OSError(str(fault)) from fault
        for licence in source.folder.glob("LICENSE*"):
            shutil.copy(licence, fresh)
        stamp(fresh)
        put_folder(fresh, target, complete=lambda: damage(target, stamped(target)) is None)
    return found


def _from_gguf(source: Source) -> Callable[[Path], None]:
    """Read a GGUF model, and return what writes it into a new folder."""
    from safetensors.torch import save_file

    (model, info), tokenizer = _load.trained_model(source), _load.load_tokenizer(source)
    _load.check_filled(source, model, info)
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)  # the written weights are plain float32
    settings |= {"architectures": [type(model).__name__], "_name_or_path": "", **source.initialisation}

    def write(folder: Path) -> None:
        type(model.config).from_dict(settings).save_pretrained(folder)
        tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        tokenizer.save_pretrained(folder)

    return write
