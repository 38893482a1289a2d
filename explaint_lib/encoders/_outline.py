"""What is known of a model without its weights: its shape, and which words it has vectors for.

The weights are read once, when a model is first used; what was measured then is kept under the hash that identifies
the model. What it does NOT license: the shape of a model that was never loaded here is what its configuration says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from explaint_lib._cache import entry
from explaint_lib.encoders import _contract, _convert, _find, _load
from explaint_lib.encoders._open import is_static, load_vectors
from explaint_lib.encoders._twins import Twin, checked_twin
from explaint_lib.encoders._vocabulary import BEFORE_WORD, unknown_words
from explaint_lib.encoders._wheels import MODELS


@dataclass(frozen=True)
class Outline:
    """A model without its weights.

    Attributes
    ----------
    name, revision : str
        As of the encoder.
    n_layers : int
    unknown_words : callable
        Takes words, returns those that the model has no vector for.
    measured : dict or None
        What ``encoder.describe()`` returned when the model was loaded; None if it never was.
    """

    name: str
    revision: str
    n_layers: int
    unknown_words: Callable[[Sequence[str]], list[str]]
    measured: dict[str, Any] | None


def outline(
    name: str,
    *,
    revision: str | None = None,
    untrained: bool = False,
    twin: Twin = "initialised",
    seed: int = 0,
    load: bool = False,
    progress: bool = False,
) -> Outline:
    """Return what can be said of a model without reading its weights.

    Parameters
    ----------
    name, revision, untrained, twin, seed, progress
        As in `load_encoder`.
    load : bool, default False
        Load a model that was never loaded here, and keep what it is found to be. Otherwise its `measured` is None.

    Raises
    ------
    ExplaintError
        As in `load_encoder`.

    Examples
    --------
    >>> from explaint_lib.encoders import outline
    >>> outline("minilm").n_layers  # doctest: +SKIP
    6
    """
    full = partial(load_vectors, name, revision=revision, untrained=untrained, twin=twin, seed=seed, progress=progress)
    if is_static(name):
        static = full()  # a table on the disk, of which only the rows asked for are read
        return Outline(name, static.revision, 0, static.unknown_words, static.describe())
    here = name in MODELS or Path(name).expanduser().exists()
    wanted = checked_twin(untrained, twin)
    # of the hub, the commit identifies a model
    source = _find.find(name, revision, weights=here and wanted != "initialised")
    if name in MODELS:
        source = _convert.ready(source, MODELS[name])
    if here:
        _contract.check_files(name, source, wanted)
    about = {"revision": source.revision, "twin": wanted, "seed": seed if untrained else None}
    store = entry("models_measured", about, code="explaint_lib.encoders", suffix=".json")
    measured = store.read()
    if measured is None and load:
        store.check_writable()
        measured = full().describe()
        store.write(measured)
    n_layers = measured["n_layers"] if measured else _load.configuration(source).get_text_config().num_hidden_layers
    before = BEFORE_WORD[measured["family"] if measured else "encoder"]
    unknown = partial(unknown_words, _load.load_tokenizer(source), before=before)
    return Outline(name, source.revision, int(n_layers), unknown, measured and measured | {"name": name})
