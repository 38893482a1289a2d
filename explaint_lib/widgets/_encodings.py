"""From texts that a model has read to what `AttentionViewer` takes: arrays and strings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError


class ReadText(Protocol):
    """A text as a model saw it, such as an `explaint_lib.encoders.Encoding`; this room imports no model."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def tokens(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def attention(self) -> np.ndarray | None: ...  # noqa: D102
    @property
    def word_ids(self) -> np.ndarray: ...  # noqa: D102
    @property
    def words(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def special(self) -> np.ndarray: ...  # noqa: D102


def arguments(
    encoding: ReadText, control: ReadText | ArrayLike | None = None, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the arguments of `AttentionViewer` for a text and its control; `more` adds to them or replaces some."""
    for what, read in (("encoding", encoding), ("control", control)):
        if isinstance(read, list) and read and hasattr(read[0], "tokens"):
            raise ExplaintError(f"expected one text as {what}, found a list of {len(read)}; take one of it")
    other = _weights(control, "control") if hasattr(control, "tokens") else control
    given = {
        "tokens": encoding.tokens,
        "word_ids": encoding.word_ids,
        "words": encoding.words,
        "special": encoding.special,
        "control": other,
    }
    if more is None or "attention" not in more:
        given["attention"] = _weights(encoding, "encoding")
    return given | dict(more or {})


def computed(read: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    """Return a function that gives the arguments of `AttentionViewer`, of one that gives what `arguments` takes."""

    def compute(sentence: str) -> dict[str, Any]:
        found = read(sentence)
        return arguments(*found) if isinstance(found, tuple | list) else arguments(found)

    return compute


def _weights(encoding: Any, what: str) -> np.ndarray:
    if encoding.attention is None:
        raise ExplaintError(f"the {what} holds no attention; encode the text with attention=True")
    return encoding.attention
