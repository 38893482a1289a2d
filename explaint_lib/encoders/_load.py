"""Load a model and its tokenizer from local files: float32, eager attention, complete weights or none.

No pickle is opened, but for that of one bundled model (`_pickled`), and no code from a model folder is run. What it
does NOT license: an untrained model is a draw from the architecture's own initialisation, not "the model without
knowledge"; report it over several seeds.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any
from unittest import mock

from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _folder, _twins
from explaint_lib.encoders._find import Source


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


def _auto_class(config: Any) -> Any:
    """Return the class that makes the bare model; the encoder alone where a folder holds that of a T5."""
    from transformers import AutoModel, AutoModelForTextEncoding

    mapping = AutoModelForTextEncoding._model_mapping
    alone = type(config) in mapping and mapping[type(config)].__name__.endswith("EncoderModel")
    saved = (getattr(config, "architectures", None) or [""])[0]
    # the encoder of a UMT5 is saved with the configuration of both halves; its class says which half is there
    if getattr(config, "is_encoder_decoder", False) and not (alone and saved == mapping[type(config)].__name__):
        raise ExplaintError(
            f"this is an encoder-decoder model (model_type {config.model_type}); expected an encoder or a decoder. Of "
            "a T5 save the encoder alone: T5EncoderModel.from_pretrained(...).save_pretrained(folder)"
        )
    return AutoModelForTextEncoding if alone else AutoModel


def trained_model(source: Source, auto: Any = None) -> tuple[Any, dict[str, Any]]:
    """Return the model with its trained weights, float32, eager attention, and what transformers said of them.

    Another class than that of the bare model, such as one with a head, is `auto`.
    """
    import torch

    more = {} if source.gguf else {"use_safetensors": True}
    auto = auto or _auto_class(configuration(source))
    before = torch.get_rng_state()
    with quiet(), _readable(source, "model"):
        model, info = auto.from_pretrained(
            str(source.folder),
            attn_implementation="eager",
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # `check_filled` says which
            **more,
            **_options(source),
        )
    torch.set_rng_state(before)  # layers absent from the file (a pooler) were drawn at random
    return _settled(model), info


def check_filled(source: Source, model: Any, info: dict[str, Any]) -> str:
    """Say that every weight of the model came from the files.

    Raises
    ------
    ExplaintError
        If tensors are missing or have another shape: they would be random.
    """
    # the pooler lies above the last hidden state; anything else missing would be noise under a trained name
    missing = sorted(key for key in info["missing_keys"] if not key.startswith("pooler."))
    kind = type(model).__name__
    if missing:
        unread = sorted(info["unexpected_keys"])
        raise ExplaintError(
            f"the weights in {source.folder} lack {len(missing)} tensors of a {kind} ({', '.join(missing[:3])} ...); "
            "they would be random, so this model is refused"
            + (f". What is there instead: {', '.join(unread[:3])} ..." if unread else "")
        )
    if wrong := sorted(info["mismatched_keys"]):
        name, found, expected = wrong[0]
        raise ExplaintError(
            f"{len(wrong)} tensors in {source.folder} have another shape than its config.json asks for ({name}: found "
            f"{tuple(found)}, expected {tuple(expected)}); the configuration belongs to another model, copy both again"
        )
    return f"every weight of the {kind}"


def _settled(model: Any) -> Any:
    """Return a model whose attention does not depend on what it read before: BigBird changes to full attention for
    good when it meets a short text."""
    if hasattr(model, "set_attention_type"):
        model.set_attention_type("original_full")
    return model


def configuration(source: Source) -> Any:
    """Return the configuration in a model's folder, with what its record says where the file forgets it."""
    from transformers import AutoConfig

    with quiet(), _readable(source, "configuration"):
        config = AutoConfig.from_pretrained(str(source.folder), **_options(source))
    config.get_text_config().update(source.initialisation)
    return config


def initialisation(source: Source) -> dict[str, _twins.Drawn]:
    """Return the settings that an untrained twin is drawn with, each with where its value is from."""
    from transformers import PretrainedConfig

    config = configuration(source)
    with quiet(), _readable(source, "configuration"):
        file, _ = PretrainedConfig.get_config_dict(str(source.folder), **_options(source))
    return _twins.initialisation(config, file, source.initialisation)


def untrained_model(source: Source, seed: int, auto: Any = None) -> Any:
    """Return the same architecture with the random weights its own initialisation draws; torch's random state
    is restored. Another class than that of the bare model is `auto`."""
    import torch

    config = configuration(source)
    config.__dict__.pop("quantization_config", None)  # a GGUF's: random weights are not quantised
    auto = auto or _auto_class(config)
    before = torch.get_rng_state()
    try:
        with quiet(), _readable(source, "configuration"):
            torch.default_generator.manual_seed(seed)  # the CPU's alone: the same weights whatever the device
            model = auto.from_config(config, attn_implementation="eager", dtype=torch.float32, trust_remote_code=False)
    finally:
        torch.set_rng_state(before)
    return _settled(model)


@contextmanager
def _readable(source: Source, what: str) -> Iterator[None]:
    try:
        yield
    except ExplaintError:
        raise
    except Exception as fault:  # transformers raises every kind there is for a broken or unknown folder
        raise ExplaintError(_why_unreadable(source, what, fault)) from fault


def _why_unreadable(source: Source, what: str, fault: Exception) -> str:
    """Return the cause of a failed load in the project's words."""
    said = f"{type(fault).__name__}: {' '.join(str(fault).split())[:300]}"
    if source.gguf:
        return _why_gguf(source, said)
    config = _folder.configuration(source.folder)
    if not _known(config["model_type"]):
        return (
            f"transformers cannot read the {what} in {source.folder}: it knows no architecture {config['model_type']!r}"
            ". Expected a text model that the library itself knows; code inside a model folder is never run"
        )
    if method := (config.get("quantization_config") or {}).get("quant_method"):
        return (
            f"the weights in {source.folder} are quantised ({method}), and this machine cannot read them ({said}). "
            "Take the model's plain weights, or install what reads these"
        )
    return f"transformers cannot read the {what} in {source.folder} ({said})"


def _known(model_type: str) -> bool:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return model_type in CONFIG_MAPPING


def _why_gguf(source: Source, said: str) -> str:
    import gguf

    path = source.folder / str(source.gguf)
    try:
        gguf.GGUFReader(path)
    except Exception:  # NumPy's errors for a file that ends too early, gguf's own for another format
        return f"{path} is cut off or no GGUF file ({path.stat().st_size} bytes); copy or download it again"
    return f"transformers cannot read the GGUF file {path} ({said}); take the model's safetensors weights"


def longest_input(model: Any, tokenizer: Any) -> int:
    """Return the number of tokens a model takes: its positions, or the tokenizer's word for it if that is
    less."""
    config = model.config.get_text_config()
    positions = _positions(config)
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    if padding is not None:
        positions -= padding + 1  # RoBERTa counts positions from the padding index on
    return int(min(positions, _whole_attention(config), tokenizer.model_max_length, 10**9))


def _positions(config: Any) -> int:
    for name in ("max_position_embeddings", "max_seq_len"):
        size = getattr(config, name, None)
        if isinstance(size, int) and size > 0:  # XLNet says -1: it has no table of positions
            return size
    return 10**9


def _whole_attention(config: Any) -> int:
    """Return the longest text that is read with whole attention by a model that reads longer ones in blocks."""
    if config.model_type == "big_bird" and config.attention_type == "block_sparse":
        return (5 + 2 * config.num_random_blocks) * config.block_size
    if config.model_type == "reformer":
        return min(config.lsh_attn_chunk_length, config.local_attn_chunk_length)
    return 10**9


def gpu_name(device: str) -> str | None:
    """Return what a CUDA device calls itself, since its numbers differ from another's in their last digits.

    Examples
    --------
    >>> from explaint_lib.encoders import gpu_name
    >>> gpu_name("cpu") is None
    True
    """
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else None


def resolve_device(device: str) -> str:
    """Return the torch device for "cpu", "cuda", "mps" or "auto" (cuda, else mps, else cpu).

    Raises
    ------
    ExplaintError
        For an unknown name, or a device this machine or this build of torch does not have.

    Examples
    --------
    >>> from explaint_lib.encoders import resolve_device
    >>> resolve_device("cpu")
    'cpu'
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
