"""Load a model and its tokenizer from local files: float32, eager attention, complete weights or none.

No pickle is opened and no code from a model folder is run. What it does NOT license: an untrained model is a
draw from the architecture's own initialisation, not "the model without knowledge"; report it over several
seeds.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any
from unittest import mock

from explaint_lib._common import ExplaintError, check_writable, notice, scratch_folder, write_faults
from explaint_lib.encoders._find import Source
from explaint_lib.encoders._wheels import damage, put_folder, stamp, stamped


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' warnings and progress bars for a while, then restore the caller's settings.

    The GGUF reader draws a bar that no setting reaches: in a notebook a widget, which a page without a kernel
    cannot show. So no bar of any kind is begun meanwhile, and what is written to stderr is dropped.
    """
    from tqdm.std import tqdm
    from transformers.utils import logging

    begin = tqdm.__init__  # the terminal's bars and the notebook's both begin here

    def begin_disabled(self: tqdm, *args: Any, **options: Any) -> None:
        begin(self, *args, **options | {"disable": True})

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(io.StringIO()), mock.patch.object(tqdm, "__init__", begin_disabled):
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def converted(source: Source, target: Path) -> Source:
    """Return a GGUF model written out once, as the folder `target`: float32 safetensors with its tokenizer.

    Reading the GGUF takes some twenty seconds each time (the tokenizer is rebuilt, every block dequantised),
    the converted folder about one, and as long again to see that none of its files was changed.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    wrong = damage(target, stamped(target))
    if wrong is None:
        return Source(target, source.revision)
    check_writable(target.with_name(f"{target.name}.trial"))
    if target.exists():
        notice(f"{target} is damaged ({wrong}); it is converted again")
    model, tokenizer = trained_model(source), load_tokenizer(source)
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)  # the written weights are plain float32
    settings |= {"architectures": [type(model).__name__], "_name_or_path": ""}
    with write_faults(target), scratch_folder(target.parent) as temporary:
        fresh = temporary / "ready"
        type(model.config).from_dict(settings).save_pretrained(fresh)
        tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
        try:
            save_file(tensors, fresh / "model.safetensors", metadata={"format": "pt"})
        except SafetensorError as fault:  # how it says that the disk is full
            raise OSError(str(fault)) from fault
        tokenizer.save_pretrained(fresh)
        for licence in source.folder.glob("LICENSE*"):
            shutil.copy(licence, fresh)
        stamp(fresh)
        put_folder(fresh, target, complete=lambda: damage(target, stamped(target)) is None)
    return Source(target, source.revision)


def _options(source: Source) -> dict[str, Any]:
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    return options | ({"gguf_file": source.gguf} if source.gguf else {})


def load_tokenizer(source: Source) -> Any:
    """Return the tokenizer of a model's folder; it must know character offsets."""
    from transformers import AutoTokenizer

    with quiet(), _readable(source, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(str(source.folder), **_options(source))
    if not getattr(tokenizer, "is_fast", False):
        raise ExplaintError(
            f"the tokenizer in {source.folder} knows no character offsets; expected one with a tokenizer.json"
        )
    return tokenizer


def trained_model(source: Source) -> Any:
    """Return the model with its trained weights, float32, eager attention; refuse weights that do not fill
    it."""
    import torch
    from transformers import AutoModel

    more = {} if source.gguf else {"use_safetensors": True}
    before = torch.get_rng_state()
    with quiet(), _readable(source, "model"):
        model, info = AutoModel.from_pretrained(
            str(source.folder),
            attn_implementation="eager",
            dtype=torch.float32,
            output_loading_info=True,
            **more,
            **_options(source),
        )
    torch.set_rng_state(before)  # layers absent from the file (a pooler) were drawn at random
    # the pooler lies above the last hidden state; anything else missing would be noise under a trained name
    missing = sorted(key for key in info["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise ExplaintError(
            f"the weights in {source.folder} lack {len(missing)} tensors of a {type(model).__name__} "
            f"({', '.join(missing[:3])} ...); they would be random, so this model is refused"
        )
    return model


def configuration(source: Source) -> Any:
    """Return the configuration in a model's folder."""
    from transformers import AutoConfig

    with quiet(), _readable(source, "configuration"):
        return AutoConfig.from_pretrained(str(source.folder), **_options(source))


def untrained_model(source: Source, seed: int) -> Any:
    """Return the same architecture with the random weights its own initialisation draws; torch's random state
    is restored."""
    import torch
    from transformers import AutoModel

    config = configuration(source)
    with quiet(), _readable(source, "configuration"):
        config.__dict__.pop("quantization_config", None)  # a GGUF's: random weights are not quantised
        before = torch.get_rng_state()
        try:
            torch.default_generator.manual_seed(seed)  # the CPU's alone: the same weights whatever the device
            return AutoModel.from_config(
                config, attn_implementation="eager", dtype=torch.float32, trust_remote_code=False
            )
        finally:
            torch.set_rng_state(before)


@contextmanager
def _readable(source: Source, what: str) -> Iterator[None]:
    try:
        yield
    except ExplaintError:
        raise
    except Exception as fault:  # transformers raises every kind there is for a broken or unknown folder
        said = " ".join(str(fault).split())[:300]
        raise ExplaintError(
            f"transformers cannot read the {what} in {source.folder} ({type(fault).__name__}: {said}). "
            "Expected a text model that "
            "the library itself knows; code inside a model folder is never run"
        ) from fault


def longest_input(model: Any, tokenizer: Any) -> int:
    """Return the number of tokens a model takes: its positions, or the tokenizer's word for it if that is
    less."""
    positions = getattr(model.config, "max_position_embeddings", None) or 10**9
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    if getattr(table, "padding_idx", None) is not None:
        positions -= table.padding_idx + 1  # RoBERTa counts positions from the padding index on
    return int(min(positions, tokenizer.model_max_length, 10**9))


def resolve_device(device: str) -> str:
    """Return the torch device for "cpu", "cuda", "mps" or "auto" (cuda, else mps, else cpu).

    Raises
    ------
    ExplaintError
        For an unknown name, or a device this machine or this build of torch does not have.
    """
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, is_there in there.items() if is_there)
    kind = str(device).split(":")[0]
    if kind not in there:
        raise ExplaintError(f"device must be cpu, cuda, mps or auto, found {device!r}")
    if not there[kind]:
        raise ExplaintError(f'device {device!r} is not available here (torch {torch.__version__}); use "cpu" or "auto"')
    return str(device)
