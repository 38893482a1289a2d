"""A small exact transformer whose weights are set by hand.

What it computes: token embedding plus position, then layers of attention heads that read the residual stream
and add to it: ``h + sum_head softmax(h Q (h K)') h V O``. What it leaves out, so that every number can be
checked by hand: layer norm and the feed-forward block (a head that attends to its own position does the work
of a linear one). What it does not license: conclusions about how real models compute.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from explaint_lib._common import ExplaintError

# In a shorter sentence the mover's last position would look back at position 0, which holds its own word.
SHORTEST = 6


@dataclass(frozen=True, eq=False)
class Heads:
    """Hold the weights of the attention heads of one layer.

    Parameters
    ----------
    query, key : ndarray of shape (n_heads, dim, key_dim)
        The scale of the logits is in them; there is no division by the square root of key_dim.
    value : ndarray of shape (n_heads, dim, value_dim)
    output : ndarray of shape (n_heads, value_dim, dim)
    """

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    output: np.ndarray

    def attend(self, states: np.ndarray) -> np.ndarray:
        """Return the attention (batch, head, query, key) that states (batch, n, dim) give rise to."""
        stream = states[:, None]  # (batch, 1, n, dim)
        logits = (stream @ self.query) @ np.swapaxes(stream @ self.key, -1, -2)  # (batch, head, query, key)
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True)

    def read(self, states: np.ndarray) -> np.ndarray:
        """Return what each key has to give, after value and output map: (batch, head, key, dim)."""
        return (states[:, None] @ self.value) @ self.output

    def __call__(self, states: np.ndarray, attention: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the new states (batch, n, dim) and the attention used (batch, head, query, key)."""
        attention = self.attend(states) if attention is None else attention
        written = attention @ (states[:, None] @ self.value) @ self.output  # (batch, head, n, dim)
        return states + written.sum(axis=1), attention


@dataclass(frozen=True, eq=False)
class Parts:
    """All that a method of mixing needs to know: ``output = residual + sum_head attention @ values``, exactly.

    Attributes
    ----------
    attention : float64 array of shape (batch, n_layers, n_heads, query, key)
    values : float64 array of shape (batch, n_layers, n_heads, key, dim)
        What each key has to give: its state after the head's value *and* output map.
    residual : float64 array of shape (batch, n_layers, n, dim)
        The states that enter each layer.
    output : float64 array of shape (batch, n_layers, n, dim)
        The states that leave it.
    """

    attention: np.ndarray
    values: np.ndarray
    residual: np.ndarray
    output: np.ndarray


@dataclass(frozen=True, eq=False)
class PlantedTransformer:
    """A hand-built transformer with the interface of a real encoder, and with its truth written beside it.

    Parameters
    ----------
    name : str
    vocabulary : tuple of str, length vocab_size
        Readable words, grouped in classes of equal size.
    classes : tuple of str, length vocab_size
        The class of each word ("bird", "fruit", ...).
    embedding : ndarray of shape (vocab_size, dim)
    position : ndarray of shape (max_tokens, dim)
    layers : tuple of Heads
    blocks : dict of str to slice
        What the coordinates of the residual stream hold at layer 0.
    truth : dict of str to bool
        The answer to each question: ``raw_geometry`` (is a top-layer state nearest to its own input?),
        ``decodability`` (can a map name the position's own token?), ``causal_locality`` (does replacing a
        token change its own position most?), ``share_of_content`` (is most of that change at its own
        position?), ``picture_misleading`` (does a sharp attention weight name a token that is not what is
        read?), ``attention_causal`` (do the states change when the attention is made uniform?).
    reasons : dict of str to str
        The same keys: why, in a sentence.
    content : str
        Where the content of a top-layer state comes from, in words; `sources` has the numbers.
    start_id : int or None
        The token that every sentence of `sample` begins with; None where there is none.
    """

    name: str
    vocabulary: tuple[str, ...]
    classes: tuple[str, ...]
    embedding: np.ndarray
    position: np.ndarray
    layers: tuple[Heads, ...]
    blocks: dict[str, slice]
    truth: dict[str, bool]
    reasons: dict[str, str]
    content: str
    start_id: int | None = None
    family: str = field(default="encoder", init=False)

    @property
    def n_layers(self) -> int:
        """Number of layers; hidden states have one more (layer 0 is the embedding)."""
        return len(self.layers)

    @property
    def n_heads(self) -> int:
        """Number of heads in each layer."""
        return len(self.layers[0].query)

    @property
    def dim(self) -> int:
        """Width of the residual stream."""
        return self.embedding.shape[1]

    @property
    def vocab_size(self) -> int:
        """Number of words."""
        return len(self.vocabulary)

    @property
    def max_tokens(self) -> int:
        """Length of the longest sentence."""
        return len(self.position)

    def forward_ids(self, ids: np.ndarray, *, attention: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Run the transformer.

        Parameters
        ----------
        ids : int array of shape (batch, n)
            With 1 <= n <= max_tokens and ids in [0, vocab_size).
        attention : array of shape (batch, n_layers, n_heads, n, n), optional
            Weights to use in place of the heads' own.

        Returns
        -------
        hidden : float64 array of shape (batch, n_layers + 1, n, dim)
        attention : float64 array of shape (batch, n_layers, n_heads, n, n)
            Rows (queries) sum to 1.

        Raises
        ------
        ExplaintError
            For ids of another shape, type or range.
        """
        ids = self._checked(ids, n_axes=2)
        return self._run(self.embedding[ids] + self.position[: ids.shape[1]], 0, attention)

    def resume(self, states: np.ndarray, layer: int) -> tuple[np.ndarray, np.ndarray]:
        """Run the layers above `layer` on states of one's own making: a corruption, a patch, a mean.

        Parameters
        ----------
        states : array of shape (batch, n, dim)
            In place of the output of `layer`.
        layer : int
            0 is the embedding; below n_layers.

        Returns
        -------
        hidden : float64 array of shape (batch, n_layers - layer + 1, n, dim)
            The states given, then those of the layers above.
        attention : float64 array of shape (batch, n_layers - layer, n_heads, n, n)
        """
        states = np.asarray(states, dtype=np.float64)
        if states.ndim != 3 or states.shape[-1] != self.dim or not 0 <= layer < self.n_layers:
            raise ExplaintError(
                f"expected states of shape (batch, n, {self.dim}) and a layer from 0 to {self.n_layers - 1}, got "
                f"shape {states.shape} and layer {layer}"
            )
        return self._run(states, layer, None)

    def _run(self, states: np.ndarray, start: int, given: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        hidden, attention = [states], []
        for depth, layer in enumerate(self.layers[start:]):
            states, weights = layer(states, None if given is None else np.asarray(given)[:, depth])
            hidden.append(states)
            attention.append(weights)
        return np.stack(hidden, axis=1), np.stack(attention, axis=1)

    def parts(self, ids: np.ndarray) -> Parts:
        """Return attention, values, residual and output of every layer; `ids` as in `forward_ids`."""
        hidden, attention = self.forward_ids(ids)
        values = [layer.read(hidden[:, depth]) for depth, layer in enumerate(self.layers)]
        return Parts(attention, np.stack(values, axis=1), hidden[:, :-1], hidden[:, 1:])

    def sources(self, ids: np.ndarray) -> np.ndarray:
        """Return the truth about content: how much of a state is made of the word at each position.

        With its attention held fixed a layer is linear, so every state is a sum with one term for each input
        word (and one for positions, left out here). The share of a word is the length of its term.

        Returns
        -------
        float64 array of shape (batch, n_layers + 1, n, n)
            Row: the state's position; column: the word's. Rows sum to 1.
        """
        parts = self.parts(ids)
        words = self.embedding[self._checked(ids, n_axes=2)]  # (batch, n, dim)
        terms = words[:, :, None] * np.eye(words.shape[1])[:, :, None]  # (batch, i, j, dim)
        shares = []
        for depth in range(self.n_layers + 1):
            length = np.linalg.norm(terms, axis=-1)  # (batch, i, j)
            total = length.sum(axis=-1, keepdims=True)
            shares.append(length / np.where(total > 0, total, 1))
            if depth < self.n_layers:
                layer = self.layers[depth]
                given = np.einsum("bhim,bmjd->bhijd", parts.attention[:, depth], terms)  # (batch, head, i, j, dim)
                terms = terms + ((given @ layer.value[:, None]) @ layer.output[:, None]).sum(axis=1)
        return np.stack(shares, axis=1)

    def embedding_matrix(self) -> np.ndarray:
        """Return a copy of the token embeddings, without positions: (vocab_size, dim)."""
        return self.embedding.copy()

    def tokens(self, ids: np.ndarray) -> tuple[str, ...]:
        """Return the words of one sentence; `ids` is an int array of shape (n,)."""
        return tuple(self.vocabulary[i] for i in self._checked(ids, n_axes=1))

    def sample(self, n_sentences: int, length: int, *, rng: np.random.Generator) -> np.ndarray:
        """Draw sentences: lists of words, each word at most once in a sentence, after `start_id` if there is one.

        Neighbours, and the first and the last word, are of different classes. So nothing in a sentence tells
        the word at a position, and no head of `mover` can carry a word back to its own place by accident.

        Parameters
        ----------
        n_sentences : int
        length : int
            From `SHORTEST` to max_tokens words.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of shape (n_sentences, length), int64
        """
        if not SHORTEST <= length <= self.max_tokens:
            raise ExplaintError(f"a sentence has {SHORTEST} to {self.max_tokens} words, got {length}")
        if n_sentences < 1:
            raise ExplaintError(f"expected at least one sentence, got {n_sentences}")
        return np.stack([self._sentence(length, rng) for _ in range(n_sentences)])

    def _sentence(self, length: int, rng: np.random.Generator) -> np.ndarray:
        order = rng.permutation(self.vocab_size)
        sentence: list[int] = [] if self.start_id is None else [self.start_id]
        while len(sentence) < length:
            banned = {self.classes[sentence[-1]]} if sentence else set()
            if len(sentence) == length - 1:
                banned.add(self.classes[sentence[0]])
            taken = set(sentence)
            sentence.append(next(i for i in order if i not in taken and self.classes[i] not in banned))
        return np.array(sentence, dtype=np.int64)

    def _checked(self, ids: np.ndarray, n_axes: int) -> np.ndarray:
        """Return ids as an array, or say what is wrong with them."""
        ids = np.asarray(ids)
        expected = "(batch, n)" if n_axes == 2 else "(n,)"
        if ids.ndim != n_axes or ids.size == 0 or not np.issubdtype(ids.dtype, np.integer):
            raise ExplaintError(f"expected integer ids of shape {expected}, got {ids.dtype} of shape {ids.shape}")
        if ids.shape[-1] > self.max_tokens:
            raise ExplaintError(f"{self.name} has {self.max_tokens} positions, got a sentence of {ids.shape[-1]}")
        if ids.min() < 0 or ids.max() >= self.vocab_size:
            raise ExplaintError(f"ids run from 0 to {self.vocab_size - 1}, got {ids.min()} to {ids.max()}")
        return ids
