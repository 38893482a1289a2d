"""What an encoder predicts: logits of one text at a time, from its words, its ids, or the states of its last layer.

One way leads to the head, over the states of the last layer. So every method that changes what the model does inside
(states exchanged, attention replaced, layers run again one at a time) has predictions as well. What it does NOT
license: see `explaint_lib.encoders._heads`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.encoders._heads import Head
from explaint_lib.encoders._tokens import Encoding

if TYPE_CHECKING:
    from explaint_lib.encoders._find import Source
    from explaint_lib.encoders._twins import Twin

Predicts = Literal["next token", "masked token"]


class Predicting:
    """The part of `Encoder` that reaches its output head; each attribute and method used is that of `Encoder`."""

    name: str
    family: Literal["encoder", "decoder"]
    dim: int
    device: str
    twin: Twin | None
    seed: int | None
    model: Any
    predicts: Predicts | None
    no_head: str | None
    _source: Source
    encode: Any
    run: Any
    forward_ids: Any

    @cached_property
    def head(self) -> Head:
        """The output head: torch states (batch, n, dim), as in the last layer, to logits (batch, n, vocabulary).

        Gradients flow through it. It is loaded when it is first asked for. A twin has a head of its own kind, and
        what was tied to the embeddings is tied to those of the twin.

        Raises
        ------
        ExplaintError
            For a model without a head, or with one that reads more than the states of the last layer.
        """
        if self.no_head:
            raise ExplaintError(
                f"{self.name} predicts no tokens: {self.no_head}. Take a model that does, such as smollm2, or a "
                "checkpoint that was saved with its head"
            )
        probe = self.encode(["one two three"], hidden_states=False, attention=False)[0].token_ids
        return Head(self._source, self.model, self.family, self.twin, self.seed or 0, probe)

    def logits(
        self, read: str | Encoding | np.ndarray, *, positions: Sequence[int] | np.ndarray | None = None
    ) -> np.ndarray:
        """Return what the model predicts at the positions of one text, before the softmax.

        A text at a time, for a vocabulary is wide: (position, vocabulary) float32 of smollm2 are 197 kB a position.

        Parameters
        ----------
        read : str, Encoding, (n,) int or (n, dim) float
            A text, token ids as they are, or the states of the last layer. An encoding with hidden states is not run
            again: what an intervention made of the last layer (`attribution.corrupted`) is what the head reads.
        positions : sequence of int, optional
            The head is run at these alone. Default: all.

        Returns
        -------
        (position, vocabulary) float32
            Of a decoder, what follows each position; of an encoder, what stands there, which is a prediction only
            where the mask token does (``encoder.tokenizer.mask_token_id``).

        Raises
        ------
        ExplaintError
            For a model without a head (`no_head`), and positions that are not in the text.

        Examples
        --------
        >>> from explaint_lib import encoders
        >>> encoder = encoders.load_encoder("smollm2")  # doctest: +SKIP
        >>> logits = encoder.logits("The capital of France is", positions=[4])  # doctest: +SKIP
        >>> encoder.vocabulary[logits[0].argmax()]  # doctest: +SKIP
        'ĠParis'
        """
        import torch

        head = self.head
        if isinstance(read, str):
            (read,) = self.encode([read], attention=False)
        elif isinstance(read, Encoding) and read.hidden_states is None:
            (read,) = self.run([read], hidden_states=True, attention=False)
        if isinstance(read, Encoding):
            assert read.hidden_states is not None
            read = read.hidden_states[-1]
        states = np.asarray(read)
        if states.ndim == 1:
            hidden, _ = self.forward_ids(states[None])
            assert hidden is not None
            states = hidden[0, -1]
        if states.ndim != 2 or states.shape[1] != self.dim:
            raise ExplaintError(f"expected states (n, {self.dim}) of the last layer, found {states.shape}")
        at = np.arange(len(states)) if positions is None else np.asarray(positions, dtype=np.int64)
        if at.ndim != 1 or (at.size and not (at.min() >= 0 and at.max() < len(states))):
            raise ExplaintError(f"positions must lie in 0..{len(states) - 1}, found {positions!r}")
        chosen = np.ascontiguousarray(states[at], dtype=np.float32)[None]
        with torch.inference_mode():
            found: np.ndarray = head(torch.from_numpy(chosen).to(self.device))[0].float().cpu().numpy()
        return found
