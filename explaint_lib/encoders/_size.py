"""What the arrays of encoded texts weigh: said before the model runs on what would not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explaint_lib._common import check_memory, printable
from explaint_lib.encoders._reader import Reader
from explaint_lib.encoders._tokens import Encoding, batches

if TYPE_CHECKING:
    import numpy as np


def fitting_batches(
    encoder: Reader, encodings: Sequence[Encoding], batch_tokens: int, hidden_states: bool, attention: bool
) -> list[np.ndarray]:
    """Return the texts of each batch, or refuse texts whose arrays would not fit into memory.

    Raises
    ------
    ExplaintError
    """
    lengths = [len(encoding) for encoding in encodings]
    together = batches(lengths, batch_tokens, equal=not encoder.measured.pads)

    def size(count: int, n: int) -> float:
        states = (encoder.n_layers + 1) * n * encoder.dim * hidden_states
        return 4.0 * count * (states + encoder.n_layers * encoder.n_heads * n**2 * attention)

    kept = sum(size(1, n) for n in lengths)
    # beside the result: one batch, as the model returns it and stacked
    batch = max((size(len(rows), max(lengths[i] for i in rows)) for rows in together), default=0.0)
    what = " and ".join(["hidden states"] * hidden_states + ["attention weights"] * attention)
    several = f"{len(lengths)} texts" if len(lengths) != 1 else f"a text of {lengths[0]} tokens"
    check_memory(
        kept + 2 * batch,
        f"keeping the {what} of {several} in {printable(encoder.name)}",
        f"give fewer or shorter texts at a time{', or pass attention=False' * (attention and hidden_states)}",
    )
    return together
