"""Which heads can go? Orders of heads, by attention and by rivals, and what pruning by each of them does to a model.

What it measures
    Heads are ordered by importance on one half of the texts, the least important are pruned (their gates set to 0),
    and the damage is measured on the other half, which had no say in the order; then the halves are exchanged. The
    damage is the rise of the next-token loss in nats, or, for a model that predicts nothing, one minus the cosine of
    its sentence vector (the mean of its top states) with that of the intact model.

What it controls for
    Random orders, and depth alone: the first layers first, the last layers first. Several draws of halves and orders,
    so that no verdict rests on one of them.

What it does not license
    A model pruned and then trained again may be another matter (Voita et al. 2019 prune while they train). Damage of a
    sentence vector is distance from the intact model, not a loss at any task. All texts are of one length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explaint_lib import attribution, inference
from explaint_lib._common import ExplaintError
from explaint_lib.attribution import HeadRunner
from explaint_lib.inference import Comparison

CONFIDENCE, NORM, GRADIENT = "attention confidence", "value-weighted norm", "gradient importance"
RANDOM, FIRST, LAST = "random", "first layers first", "last layers first"
#: The orders in which heads are pruned: three that are read off texts, and three that know no text.
ORDERS = (CONFIDENCE, NORM, GRADIENT, RANDOM, FIRST, LAST)
LOSS, DISTANCE = "nats per token", "cosine distance"
_DIRECTIONS = 8  # of a sentence vector, for the size of its derivative
_ROWS = 8  # texts through which gradients flow at once


@dataclass(frozen=True, eq=False)
class Pruning:
    """What pruning did.

    Attributes
    ----------
    score : {"nats per token", "cosine distance"}
        What the damage is in: the loss above the intact model's, or one minus a cosine.
    shares : tuple of float
        Shares of all heads that were pruned.
    damage : dict of str to (draw, text, share) float64
        One entry for each of `ORDERS`: 0 where nothing was lost. Draws are those of halves, or of orders.
    importance : dict of str to (text, layer, head) float64
        Of each text by itself, for the orders that are read off texts.
    intact : (text,) float64
        The loss of the intact model; 0 for a cosine distance.
    """

    score: str
    shares: tuple[float, ...]
    damage: dict[str, np.ndarray]
    importance: dict[str, np.ndarray]
    intact: np.ndarray

    def mean(self, order: str) -> np.ndarray:
        """Return the damage over all shares, (draw, text): what a comparison is made of."""
        return self.damage[order].mean(axis=-1)

    def compare(self, order: str, control: str, *, asks: str | None = None) -> Comparison:
        """Compare what two orders leave intact: above 0 where the first one does less damage.

        Draws of halves meet draws of orders; the fewer are taken again from the first one on.
        """
        ours, theirs = -self.mean(order), -self.mean(control)
        n = max(len(ours), len(theirs))
        ours, theirs = (each[np.arange(n) % len(each)] for each in (ours, theirs))
        return inference.compare(ours, theirs, control, varied="orders", score=self.score, asks=asks)


def texts_of_one_length(encoder: Any, sentences: Sequence[str], n: int, *, rng: np.random.Generator) -> np.ndarray:
    """Draw sentences of the length, in tokens, that most of them have; return their ids in the order of the file.

    Parameters
    ----------
    encoder : Encoder
    sentences : sequence of str
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    (n, length) int

    Raises
    ------
    ExplaintError
        If fewer than n have one length.

    Examples
    --------
    >>> from explaint_lib.experiments.pruning import texts_of_one_length
    >>> sentences = ["a robin sang", "a robin swam", "robin"]
    >>> texts_of_one_length(encoder, sentences, 2, rng=np.random.default_rng(0)).shape[0]  # doctest: +SKIP
    2
    """
    ids = [one.token_ids for one in encoder.tokenize(list(dict.fromkeys(sentences)))]
    lengths = np.array([len(row) for row in ids])
    longest = int(np.bincount(lengths).argmax()) if len(lengths) else 0
    found = np.flatnonzero(lengths == longest)
    if not 1 <= n <= len(found):
        raise ExplaintError(
            f"asked for {n} sentences of one length; {len(found)} have the commonest, {longest} tokens. Ask for 1 to "
            "so many, or give more sentences"
        )
    return np.stack([ids[i] for i in np.sort(rng.choice(found, n, replace=False))])


def prune_heads(
    model: Any,
    ids: np.ndarray,
    *,
    shares: Sequence[float],
    n_draws: int,
    n_orders: int,
    special: Sequence[int] = (),
    rng: np.random.Generator,
) -> Pruning:
    """Prune a model's heads in every order of `ORDERS`, and measure the damage on texts that had no say in it.

    Parameters
    ----------
    model : Encoder or planted transformer
    ids : (text, n) int
        At least 4 texts of one length (`texts_of_one_length`).
    shares : sequence of float in (0, 1)
        Of all heads, how many are pruned.
    n_draws : int
        Draws of the halves of the texts. Fewer than 5 get no verdict.
    n_orders : int
        Random orders, and orders by depth: within a layer they are random.
    special : sequence of int
        Ids that do not count as targets of attention: Voita et al. leave out the end of the sentence. In a decoder the
        first position, on which heads park their weight, does not count either.
    rng : numpy.random.Generator

    Returns
    -------
    Pruning

    Raises
    ------
    ExplaintError
        For fewer than 4 texts, no draw or order, and shares that are not between 0 and 1 or prune no head.

    References
    ----------
    Voita et al. 2019 (confidence); Kobayashi et al. 2020 (norms); Michel et al. 2019 (gradients of gates); Budhraja et
    al. 2020 (random orders).

    Examples
    --------
    >>> from explaint_lib import planted
    >>> from explaint_lib.experiments.pruning import prune_heads
    >>> for kind in ("sharp", "flat"):
    ...     world = planted.working_heads(kind, rng=np.random.default_rng(0))
    ...     ids = world.sample(8, 8, rng=np.random.default_rng(1))
    ...     found = prune_heads(world, ids, shares=[0.5], n_draws=2, n_orders=2, rng=np.random.default_rng(2))
    ...     better = found.mean("attention confidence").mean() < found.mean("random").mean()
    ...     print(kind, bool(better))
    sharp True
    flat False
    """
    heads = attribution.head_runner(model, ids)
    n_texts, n_heads = len(heads.ids), heads.n_layers * heads.n_heads
    counts = [round(share * n_heads) for share in shares]
    if n_texts < 4 or min(n_draws, n_orders) < 1 or not counts or not all(0 < count < n_heads for count in counts):
        raise ExplaintError(
            f"pruning needs at least 4 texts, 1 draw, 1 order, and shares that prune some of {n_heads} heads and not "
            f"all; found {n_texts} texts, {n_draws} draws, {n_orders} orders, shares {list(shares)}"
        )
    damage = _Damage(heads)
    importance = head_importance(heads, special=special, rng=rng)
    halves = [rng.permutation(n_texts) % 2 == 0 for _ in range(n_draws)]
    found = {
        name: np.stack([_crossed(damage, importance[name], half, counts) for half in halves]) for name in importance
    }
    everyone = np.ones(n_texts, dtype=bool)
    depth = np.repeat(np.arange(heads.n_layers), heads.n_heads)
    for name, level in ((RANDOM, np.zeros(n_heads)), (FIRST, depth), (LAST, -depth)):
        orders = [np.lexsort((rng.permutation(n_heads), level)) for _ in range(n_orders)]
        found[name] = np.stack([_pruned(damage, order, everyone, counts) for order in orders])
    return Pruning(damage.score, tuple(shares), found, importance, damage.intact)


def head_importance(
    heads: HeadRunner, *, special: Sequence[int] = (), rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the importance of each head in each text, three ways.

    Parameters
    ----------
    heads : HeadRunner
    special : sequence of int
        As in `prune_heads`.
    rng : numpy.random.Generator
        Draws directions, for a model without a loss.

    Returns
    -------
    dict of str to (text, layer, head) float64
        "attention confidence": the mean over tokens of the largest weight. "value-weighted norm": the mean over tokens
        of the summed lengths of what each position gives, as a multiple of the length of the state that it is added to.
        "gradient importance": the size of the derivative of the loss with respect to the head's gate; for a model that
        predicts nothing, that of its sentence vector of length 1, the root mean square over eight random directions.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> from explaint_lib.experiments.pruning import head_importance
    >>> world = planted.working_heads("flat", rng=np.random.default_rng(0))
    >>> heads = attribution.head_runner(world, world.sample(2, 8, rng=np.random.default_rng(1)))
    >>> found = head_importance(heads, rng=np.random.default_rng(2))
    >>> sharp = slice(0, 2)  # heads of each layer
    >>> [bool(each[..., sharp].mean() > each[..., 2:].mean()) for each in found.values()]
    [True, False, False]
    """
    trace = heads.trace()
    targets = ~np.isin(heads.ids, np.asarray(special, dtype=np.int64))  # (text, n)
    weights = trace.attention
    if getattr(heads.model, "family", None) == "decoder":
        targets[:, 0] = False  # the sink
        weights = weights[..., 1:, :]  # a first row has one place to look at
    if not targets.any(axis=1).all():
        raise ExplaintError("a text has no token that attention may count: all of its ids are special")
    largest = np.where(targets[:, None, None, None], weights, 0).max(axis=-1)  # (text, layer, head, query)
    return {
        CONFIDENCE: largest.mean(axis=-1).astype(np.float64),
        NORM: trace.weighted.astype(np.float64),
        GRADIENT: _slopes(heads, rng),
    }


def _slopes(heads: HeadRunner, rng: np.random.Generator) -> np.ndarray:
    import torch

    chunks = np.array_split(np.arange(len(heads.ids)), -(-len(heads.ids) // _ROWS))
    if predicts(heads.model):

        def losses(chunk: np.ndarray) -> np.ndarray:
            read = heads.ids[chunk]
            return heads.gate_gradients(lambda top: losses_of(heads.model, top, read).mean(dim=1), texts=chunk)

        return np.abs(np.concatenate([losses(chunk) for chunk in chunks]))
    directions = torch.from_numpy(rng.standard_normal((heads.top(texts=np.array([0])).shape[-1], _DIRECTIONS)))
    found = [heads.gate_gradients(lambda top: _vectors(top) @ directions.to(top), texts=chunk) for chunk in chunks]
    return np.asarray(np.sqrt((np.concatenate(found) ** 2).mean(axis=1)))


def predicts(model: Any) -> bool:
    """Tell whether a model has an output head that predicts the next token.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> from explaint_lib.experiments.pruning import predicts
    >>> predicts(planted.keeper(rng=np.random.default_rng(0)))
    False
    """
    return getattr(model, "predicts", None) == "next token"


def losses_of(model: Any, top: Any, ids: np.ndarray) -> Any:
    """Return the loss of each next token, (row, n - 1), in nats, of top states (row, n, dim), both tensors.

    Examples
    --------
    >>> from explaint_lib.experiments.pruning import losses_of
    >>> losses_of(encoder, top, ids).shape  # doctest: +SKIP
    torch.Size([8, 15])
    """
    import torch

    logits = model.head(top[:, :-1])
    following = torch.from_numpy(np.asarray(ids[:, 1:], dtype=np.int64)).to(logits.device)
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), following, reduction="none")


def _vectors(top: Any) -> Any:
    """Return sentence vectors of length 1, (row, dim)."""
    mean = top.mean(dim=1)
    return mean / mean.norm(dim=-1, keepdim=True)


class _Damage:
    """Damage of each text under each set of pruned heads, computed once."""

    def __init__(self, heads: HeadRunner) -> None:
        self.heads, self.score = heads, LOSS if predicts(heads.model) else DISTANCE
        self.known: dict[tuple[bytes, int], float] = {}
        top = heads.top()
        self.vectors = None if self.score == LOSS else self._vectors(top)
        self.intact = np.zeros(len(top)) if self.score != LOSS else self._losses(top, np.arange(len(top)))

    def __call__(self, gates: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Return the damage (text,) of gates (layer, head)."""
        key = np.packbits(gates.astype(bool)).tobytes()
        new = np.array([text for text in texts if (key, int(text)) not in self.known], dtype=int)
        if len(new):
            top = self.heads.top(gates, texts=new)
            if self.vectors is None:
                values = self._losses(top, new) - self.intact[new]
            else:
                values = 1 - (self._vectors(top) * self.vectors[new]).sum(axis=-1)
            self.known |= {(key, int(text)): float(value) for text, value in zip(new, values, strict=True)}
        return np.array([self.known[key, int(text)] for text in texts])

    def _losses(self, top: np.ndarray, texts: np.ndarray) -> np.ndarray:
        import torch

        with torch.no_grad():
            states = torch.from_numpy(top).to(self.heads.model.device)
            return np.asarray(losses_of(self.heads.model, states, self.heads.ids[texts]).mean(dim=1).double().cpu())

    @staticmethod
    def _vectors(top: np.ndarray) -> np.ndarray:
        mean = top.astype(np.float64).mean(axis=1)
        return np.asarray(mean / np.linalg.norm(mean, axis=-1, keepdims=True))


def _crossed(damage: Callable, importance: np.ndarray, half: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Return (text, share): each half pruned in the order that the other one gives, the least important first."""
    found = np.full((len(half), len(counts)), np.nan)
    for scored in (half, ~half):
        order = np.argsort(importance[~scored].mean(axis=0).ravel(), kind="stable")
        found[scored] = _pruned(damage, order, scored, counts)
    return found


def _pruned(damage: Callable, order: np.ndarray, scored: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Return (text, share) of the texts scored, the first heads of an order pruned."""
    heads: HeadRunner = damage.heads  # type: ignore[attr-defined]
    found = []
    for count in counts:
        gates = np.ones(heads.n_layers * heads.n_heads)
        gates[order[:count]] = 0
        found.append(damage(gates.reshape(heads.n_layers, heads.n_heads), np.flatnonzero(scored)))
    return np.stack(found, axis=-1)
