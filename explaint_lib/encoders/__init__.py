"""Texts and words to arrays: contextual encoders, decoders and static vectors behind one interface.

What it gives: tokens, words, hidden states (layer, position, dim) and attention weights (layer, head, query,
key) exactly as the transformers library computes them, and word vectors with their recipe stated. What it
controls for: pinned weights, float32, eager attention, batches that do not matter, an untrained twin of every
architecture. What it does NOT license: nothing read off these arrays is an explanation yet; that a position
"is" its token is what the chapters put to the test. ::

    from explaint_lib import encoders

    encoder = encoders.load_encoder("minilm")
    encoding = encoder.encode(["A robin is a bird."])[0]
    vectors = encoder.word_vectors(["robin", "trout"], layer=6)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaint_lib._common import ExplaintError
from explaint_lib.encoders._encoder import Encoder
from explaint_lib.encoders._layers import check_layer, layer_index, layer_indices
from explaint_lib.encoders._load import gpu_name, resolve_device
from explaint_lib.encoders._outline import Outline, outline
from explaint_lib.encoders._static import StaticEncoder, load_static
from explaint_lib.encoders._tokens import Encoding
from explaint_lib.encoders._wheels import MODELS, WheelModel, fetch, list_models

if TYPE_CHECKING:
    from explaint_lib.encoders._contract import Candidate

__all__ = [
    "MODELS",
    "Encoder",
    "Encoding",
    "Outline",
    "StaticEncoder",
    "WheelModel",
    "check_layer",
    "fetch",
    "gpu_name",
    "layer_index",
    "layer_indices",
    "list_models",
    "load_encoder",
    "outline",
    "resolve_device",
]


def load_encoder(
    name: str,
    *,
    revision: str | None = None,
    untrained: bool = False,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = False,
) -> Encoder | StaticEncoder:
    """Load a model by name: a bundled one, a local folder or GGUF file, or a Hugging Face id.

    Parameters
    ----------
    name : str
        ``"minilm"``, ``"smollm2"``, ``"glove"`` (fetched on first use), the path of a folder with safetensors
        or of a GGUF file, or a hub id such as ``"google-bert/bert-base-uncased"``.
    revision : str, optional
        Branch, tag or commit of a hub id. The commit it stood for is in ``Encoder.revision``.
    untrained : bool, default False
        The same architecture and tokenizer, with weights drawn by the architecture's own initialisation.
    seed : int, default 0
        Seed of those weights: the same seed gives the same weights on every device. Torch's random state is
        left alone.
    device : {"cpu", "cuda", "mps", "auto"}
    progress : bool, default False
        Show the steps of a first download on stderr.

    Raises
    ------
    ExplaintError
        If no such model can be had, it breaks the contract that ``explaint models check`` prints (all that is
        wrong is said at once), or the device is not there.
    """
    from explaint_lib.encoders import _contract

    if name == "glove":
        if untrained or revision is not None:
            raise ExplaintError(
                "glove is a table of vectors fixed by its hash: it has no architecture to leave "
                "untrained and no revisions; as a random rival take Gaussian vectors"
            )
        return load_static(fetch(name, progress=progress), name=name, revision=MODELS[name].revision)
    found = candidate(name, revision=revision, seed=seed if untrained else None, device=device, progress=progress)
    findings = _contract.examine(found, _contract.CHECKS)
    _contract.refuse(name, findings)
    return Encoder(found, findings)


def candidate(
    name: str, *, revision: str | None, seed: int | None = None, device: str = "cpu", progress: bool = False
) -> Candidate:
    """Find a model that is still to be examined; `seed` is that of random weights, None for trained ones."""
    from explaint_lib.encoders import _contract, _find, _load

    place = _load.resolve_device(device)
    source = _find.find(name, revision, weights=seed is None, progress=progress)
    if name in MODELS and source.gguf:
        source = _load.converted(source, MODELS[name].converted)
    return _contract.Candidate(name, source, place, seed)
