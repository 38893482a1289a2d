"""Interventional continuity: replace one token, run the model again, and see where the states moved.

See the package's docstring for what this measures and what it does not license.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from explaint_lib._common import ExplaintError
from explaint_lib.attribution._replacements import Replacer


class RunsIds(Protocol):
    """Anything that maps token ids (batch, n) to hidden states (batch, layer, n, dim) and something else."""

    def forward_ids(self, ids: np.ndarray) -> tuple[Any, Any]:
        """Run the model."""


@dataclass(frozen=True)
class Interventions:
    """The outcome of many single-token replacements, one row each.

    Attributes
    ----------
    argmax_hit : (n, layer) float64 in [0, 1]
        1 if the replaced position changed most among the eligible ones; k tied for the most count 1/k.
    share : (n, layer) float64 in [0, 1]
        Change at the replaced position over the sum of changes; NaN where nothing changed at all.
    chance : (n,) float64
        One over the number of eligible positions: the mean of both numbers if changes fell on all of these alike.
    sentence, position, replacement : (n,) int64
        Which sentence, which position, and the token id put there.
    """

    argmax_hit: np.ndarray
    share: np.ndarray
    chance: np.ndarray
    sentence: np.ndarray
    position: np.ndarray
    replacement: np.ndarray


def interventional_continuity(
    model: RunsIds,
    ids_list: Sequence[np.ndarray],
    *,
    n_interventions: int,
    replacements: Replacer,
    rng: np.random.Generator,
    special: Sequence[np.ndarray] | None = None,
    candidates: Sequence[Sequence[int]] | None = None,
    causal: bool | None = None,
    special_eligible: bool = False,
    intact: Sequence[np.ndarray] | None = None,
    batch_rows: int = 16,
    progress: bool = False,
) -> Interventions:
    """Replace one token at a time and record where the states of the sentence change.

    Parameters
    ----------
    model : object with ``forward_ids(ids)``
        An `Encoder` or a planted transformer.
    ids_list : sequence of (n,) int arrays
        Token ids of the sentences, special tokens included.
    n_interventions : int
        Sentences take turns, so they weigh alike; no position is replaced twice. About 120 give +-.04.
    replacements : callable (ids, position, rng) -> token id or None
        For instance `frequency_matched`. None means no fitting token: another position is taken.
    rng : numpy.random.Generator
    special : sequence of (n,) bool arrays, optional
        Special tokens: never replaced. Default: none.
    candidates : sequence of sequences of int, optional
        Positions of each sentence that may be replaced. Default: all but the special ones.
    causal : bool, optional
        Whether positions before the replaced one cannot change (then they are not eligible, and the last
        position is never replaced: it could not miss). Default: True if ``model.family == "decoder"``.
    special_eligible : bool, default False
        Whether special tokens may hold the largest change and count in the sum.
    intact : sequence of (layer, n, dim) arrays, optional
        States of the sentences as they are, if the caller has them: half the passes are saved, and a position
        that does not change may differ by the rounding of float32. Default: each sentence runs again beside
        its copy, in one batch.
    batch_rows : int
        Sentences in a batch, all of one length, so nothing is padded.
    progress : bool

    Returns
    -------
    Interventions

    Raises
    ------
    ExplaintError
        If there are fewer possible interventions than asked for.

    Warnings
    --------
    Chance differs from intervention to intervention, and for decoders strongly with the position: compare
    with the mean of `chance`, not with one over the sentence length.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> rng = np.random.default_rng(0)
    >>> keeper, mover = planted.keeper(rng=rng), planted.mover(rng=rng)
    >>> sentences = keeper.sample(10, 8, rng=rng)
    >>> replacer = attribution.frequency_matched(sentences, keeper.vocabulary)
    >>> for world in (keeper, mover):
    ...     found = attribution.interventional_continuity(
    ...         world, sentences, n_interventions=20, replacements=replacer, rng=rng
    ...     )
    ...     print(found.argmax_hit[:, -1].mean())
    1.0
    0.0
    """
    sentences = [np.asarray(ids) for ids in ids_list]
    masks = (
        [np.zeros(len(ids), bool) for ids in sentences] if special is None else [np.asarray(m, bool) for m in special]
    )
    _check(sentences, masks, candidates, n_interventions)
    is_causal = getattr(model, "family", None) == "decoder" if causal is None else causal
    eligible = [np.ones(len(mask), bool) if special_eligible else ~mask for mask in masks]
    allowed = [np.flatnonzero(~m) if candidates is None else np.asarray(candidates[i]) for i, m in enumerate(masks)]
    plan: list[tuple[int, int, int, np.ndarray]] = []
    for sentence, j in _in_turns(allowed, rng):
        movable = eligible[sentence] & (np.arange(len(masks[sentence])) >= (j if is_causal else 0))
        if masks[sentence][j] or movable.sum() < 2:
            continue
        token = replacements(sentences[sentence], j, rng)
        if token is not None:
            plan.append((sentence, j, int(token), movable))
        if len(plan) == n_interventions:
            break
    if len(plan) < n_interventions:
        raise ExplaintError(
            f"asked for {n_interventions} interventions, and the {len(sentences)} sentences allow "
            f"{len(plan)}; give more sentences or ask for fewer"
        )
    return _run(model, sentences, plan, batch_rows, progress, intact)


def _check(
    sentences: list[np.ndarray], masks: list[np.ndarray], candidates: Sequence[Sequence[int]] | None, n: int
) -> None:
    if n < 1:
        raise ExplaintError(f"n_interventions must be at least 1, found {n}")
    if len(masks) != len(sentences) or (candidates is not None and len(candidates) != len(sentences)):
        raise ExplaintError(f"special and candidates must have one entry for each of the {len(sentences)} sentences")
    for i, (ids, mask) in enumerate(zip(sentences, masks, strict=True)):
        if ids.ndim != 1 or mask.shape != ids.shape or not np.issubdtype(ids.dtype, np.integer):
            raise ExplaintError(
                f"sentence {i}: expected (n,) integers and as many special flags, found {ids.shape} of "
                f"{ids.dtype} and {mask.shape}"
            )
        if candidates is not None and not set(candidates[i]) <= set(range(len(ids))):
            raise ExplaintError(
                f"sentence {i}: candidates must be positions 0..{len(ids) - 1}, found {list(candidates[i])}"
            )


def _in_turns(allowed: list[np.ndarray], rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield (sentence, position): one random position of each sentence, sentences shuffled, then another."""
    shuffled = [rng.permutation(positions) for positions in allowed]
    for turn in range(max(map(len, shuffled), default=0)):
        for sentence in rng.permutation(len(shuffled)):
            if turn < len(shuffled[sentence]):
                yield int(sentence), int(shuffled[sentence][turn])


def _run(
    model: RunsIds,
    sentences: list[np.ndarray],
    plan: list[tuple[int, int, int, np.ndarray]],
    batch_rows: int,
    progress: bool,
    intact: Sequence[np.ndarray] | None,
) -> Interventions:
    """Run each planned replacement, beside its original unless its states are known, one length at a time."""
    lengths = np.array([len(sentences[sentence]) for sentence, *_ in plan])
    hits: dict[int, np.ndarray] = {}
    shares: dict[int, np.ndarray] = {}
    with tqdm(total=len(plan), desc="interventions", disable=not progress, leave=False) as bar:
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            most = max(1, batch_rows if intact is not None else batch_rows // 2)
            for chunk in np.array_split(rows, -(-len(rows) // most)):
                before = np.stack([sentences[plan[row][0]] for row in chunk])
                after = before.copy()
                for k, row in enumerate(chunk):
                    after[k, plan[row][1]] = plan[row][2]
                if intact is None:
                    hidden = np.asarray(model.forward_ids(np.concatenate([before, after]))[0])
                    change = relative_change(hidden[: len(chunk)], hidden[len(chunk) :])  # (chunk, layer, n)
                else:
                    known = np.stack([intact[plan[row][0]] for row in chunk])
                    change = relative_change(known, np.asarray(model.forward_ids(after)[0]))
                for k, row in enumerate(chunk):
                    hits[row], shares[row] = locality(change[k], plan[row][1], plan[row][3])
                bar.update(len(chunk))
    order = range(len(plan))
    return Interventions(
        argmax_hit=np.stack([hits[row] for row in order]),
        share=np.stack([shares[row] for row in order]),
        chance=np.array([1 / movable.sum() for *_, movable in plan]),
        sentence=np.array([step[0] for step in plan], dtype=np.int64),
        position=np.array([step[1] for step in plan], dtype=np.int64),
        replacement=np.array([step[2] for step in plan], dtype=np.int64),
    )


def relative_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return ``||after - before|| / ||before||`` over the last axis, float64; NaN where `before` is zero.

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> attribution.relative_change([[3.0, 4.0]], [[3.0, 5.0]]).tolist()
    [0.2]
    """
    before, after = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    norm = np.linalg.norm(before, axis=-1)
    moved = np.linalg.norm(after - before, axis=-1)
    return np.divide(moved, norm, out=np.full_like(norm, np.nan), where=norm > 0)


def locality(change: np.ndarray, position: int, eligible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (hit, share) of one position, each (layer,), from the changes of all positions.

    Parameters
    ----------
    change : (layer, n) float
    position : int
        The replaced position; must be eligible.
    eligible : (n,) bool

    Returns
    -------
    hit : (layer,) float64
        1 for the largest change, 1/k when k positions tie for it.
    share : (layer,) float64
        NaN where nothing changed. Both are NaN where a change is undefined (a zero state).

    Examples
    --------
    >>> from explaint_lib import attribution
    >>> change = np.array([[0.0, 3.0, 1.0]])  # (layer, position)
    >>> hit, share = attribution.locality(change, 1, np.array([True, True, True]))
    >>> hit.tolist(), share.tolist()
    ([1.0], [0.75])
    """
    among = change[:, eligible]  # (layer, m)
    own = change[:, position]
    top = among.max(axis=1)  # NaN stays NaN
    tied = (among == top[:, None]).sum(axis=1)
    hit = np.where(np.isnan(top), np.nan, (own == top) / np.maximum(tied, 1))
    total = among.sum(axis=1)
    share = np.divide(own, total, out=np.full_like(total, np.nan), where=total > 0)
    return hit, share
