"""What tools see of a model, and where each says that the fault is: one score for each layer, head or token.

A tool that has the faulty model alone calls *odd* what stands out: a robust z, the distance from the median in spreads.
A tool that has the intact model as well says how far the two differ. How a picture or a number is read was fixed
before any fault was planted; where two readings are common, both are tools.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explaint_lib import attention
from explaint_lib.attribution import HeadRunner, HeadTrace
from explaint_lib.experiments.faults._kinds import Level

PICTURES, PICTURES_BESIDE, FIRST_PICTURE = (
    "attention pictures",
    "attention pictures, compared",
    "first picture to differ",
)
NORMS, NORMS_BESIDE = "norms", "norms, compared"
LENS, LENS_BESIDE = "logit lens", "logit lens, compared"
FIRST_STATE, PATCHING, WEIGHTS = "first state to differ", "activation patching", "largest weight change"
ALONE, MODEL, FILES = "faulty model alone", "intact model", "intact weights"
#: The tools, and what each has at hand.
TOOLS: dict[str, str] = {
    PICTURES: ALONE, NORMS: ALONE, LENS: ALONE, PICTURES_BESIDE: MODEL, FIRST_PICTURE: MODEL, NORMS_BESIDE: MODEL,
    LENS_BESIDE: MODEL, FIRST_STATE: MODEL, PATCHING: MODEL, WEIGHTS: FILES,
}  # fmt: skip
_DIFFERS = 1e-5  # relative; below it two runs of one model differ by rounding
_LENS_TOKENS = 2  # of each text, the last ones
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one model shows on the texts.

    Attributes
    ----------
    trace : HeadTrace
    pictures : (layer, head, 3) float64
        Entropy, distance and largest weight of its maps.
    received : (layer, token) float64
        Weight that each candidate token gets from those that may look at it.
    added : (layer, head) float64
        Log of the mean length of what each head adds.
    steps : (layer,) float64
        Log of the mean length of what each layer changes.
    lengths : (layer + 1, token) float64
        Log of the mean length of the token's states.
    inputs : (token, dim) float64
        Its mean state in layer 0.
    lens : (layer + 1,) float64
        Loss of the last tokens when the output head reads a layer's states; NaN without such a head.
    surprise : (token,) float64
        Loss at each candidate token; NaN without an output head.
    """

    trace: HeadTrace
    pictures: np.ndarray
    received: np.ndarray
    added: np.ndarray
    steps: np.ndarray
    lengths: np.ndarray
    inputs: np.ndarray
    lens: np.ndarray
    surprise: np.ndarray


def look(heads: HeadRunner, ids: np.ndarray, where: list[tuple[np.ndarray, np.ndarray]], *, lens: bool) -> Evidence:
    """Run a model on ids, and keep what tools look at.

    Parameters
    ----------
    heads : HeadRunner
    ids : (text, n) int
    where : list of (texts, positions), one a candidate token
    lens : bool
        Whether the model has an output head for the next token.
    """
    trace, causal = heads.trace(ids), getattr(heads.model, "family", None) == "decoder"
    maps = trace.attention  # (text, layer, head, n, n)
    n = maps.shape[-1]
    largest = maps[..., 1 if causal else 0 :, :].max(axis=-1).mean(axis=-1)
    statistics = (attention.row_entropy(maps, causal=causal), attention.mean_distance(maps, causal=causal), largest)
    may_look = n - np.arange(n) if causal else np.full(n, n)
    columns = maps.mean(axis=2).sum(axis=-2) / may_look  # (text, layer, key)
    lengths = np.linalg.norm(trace.states, axis=-1)  # (text, layer + 1, n)
    by_layer, surprise = _losses(heads, trace, ids) if lens else (np.full(trace.states.shape[1], np.nan), None)
    return Evidence(
        trace,
        np.stack([each.mean(axis=0) for each in statistics], axis=-1).astype(np.float64),
        np.stack([columns[texts, :, at].mean(axis=0) for texts, at in where], axis=-1).astype(np.float64),
        _log(np.linalg.norm(trace.added, axis=-1).mean(axis=(0, 3))),
        _log(np.linalg.norm(np.diff(trace.states, axis=1), axis=-1).mean(axis=(0, 2))),
        _log(np.stack([lengths[texts, :, at].mean(axis=0) for texts, at in where], axis=-1)),
        np.stack([trace.states[texts, 0, at].mean(axis=0) for texts, at in where]).astype(np.float64),
        by_layer,
        np.full(len(where), np.nan)
        if surprise is None
        else np.array([surprise[texts, at - 1].mean() for texts, at in where]),
    )


def _log(lengths: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(lengths.astype(np.float64), _TINY))


def _losses(heads: HeadRunner, trace: HeadTrace, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of the last tokens by layer, (layer + 1,), and that of all tokens, (text, n - 1)."""
    import torch

    def loss(states: np.ndarray, following: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            top = heads.finish(torch.from_numpy(states).to(heads.model.device))
            logits = heads.model.head(top).transpose(1, 2)
            target = torch.from_numpy(following.astype(np.int64)).to(logits.device)
            return np.asarray(torch.nn.functional.cross_entropy(logits, target, reduction="none").double().cpu())

    read = trace.states[:, :, -1 - _LENS_TOKENS : -1]  # (text, layer + 1, token, dim)
    following = np.repeat(ids[:, None, -_LENS_TOKENS:], read.shape[1], axis=1)
    each = loss(read.reshape(-1, *read.shape[2:]), following.reshape(-1, _LENS_TOKENS))
    return each.reshape(following.shape).mean(axis=(0, 2)), loss(trace.states[:, -1, :-1], ids[:, 1:])


def scores(tool: str, level: Level, faulty: Evidence, intact: Evidence | None = None) -> np.ndarray | None:
    """Return where a tool says that the fault is, or None where it cannot say.

    Parameters
    ----------
    tool : str
        One of `TOOLS` that looks at runs.
    level : {"head", "layer", "token"}
    faulty : Evidence
    intact : Evidence, optional
        A tool that has the faulty model alone does not look at it.

    Returns
    -------
    (layer, head), (layer,) or (token,) float64
        The most suspect highest.
    """
    if TOOLS[tool] == ALONE:
        found = {PICTURES: _pictures_alone, NORMS: _norms_alone, LENS: _lens_alone}[tool](level, faulty)
    else:
        assert intact is not None
        beside = {
            PICTURES_BESIDE: _pictures_beside, FIRST_PICTURE: _first_picture, NORMS_BESIDE: _norms_beside,
            LENS_BESIDE: _lens_beside, FIRST_STATE: _first_state,
        }  # fmt: skip
        found = beside[tool](level, faulty, intact)
    return None if np.isnan(found).all() else np.where(np.isnan(found), -np.inf, found)


# -- the faulty model alone --------------------------------------------------------------------------------------------


def odd(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Return the robust z of values along an axis: distance from the median over 1.48 times the median distance.

    Where more than half of the values are the median itself, the mean distance stands in.

    Examples
    --------
    >>> from explaint_lib.experiments.faults._tools import odd
    >>> odd(np.array([1.0, 2.0, 3.0, 2.0, 9.0])).argmax().item()
    4
    """
    away = np.abs(values - np.median(values, axis=axis, keepdims=True))
    spread = 1.4826 * np.median(away, axis=axis, keepdims=True)
    spread = np.where(spread > 0, spread, away.mean(axis=axis, keepdims=True))
    return np.asarray(away / np.maximum(spread, 1e-9))


def _off_the_line(values: np.ndarray) -> np.ndarray:
    """Return by how much each layer is off the line through all of them, (layer, ...): a steady rise is not odd.

    The line's slope is the median of those through two layers each (Theil and Sen).
    """
    depth = np.arange(len(values))
    one, other = np.triu_indices(len(values), k=1)
    gaps = (other - one).reshape(-1, *[1] * (values.ndim - 1))
    slope = np.median((values[other] - values[one]) / gaps, axis=0)
    return np.asarray(values - depth.reshape(-1, *[1] * (values.ndim - 1)) * slope)


def _pictures_alone(level: Level, faulty: Evidence) -> np.ndarray:
    if level == "token":
        return odd(faulty.received, axis=1).mean(axis=0)
    if level == "layer":
        return odd(_off_the_line(faulty.pictures.mean(axis=1))).max(axis=-1)
    flat = odd(faulty.pictures.reshape(-1, faulty.pictures.shape[-1])).max(axis=-1)
    return flat.reshape(faulty.pictures.shape[:2])


def _norms_alone(level: Level, faulty: Evidence) -> np.ndarray:
    if level == "token":
        return odd(faulty.lengths, axis=1).mean(axis=0)
    if level == "layer":
        return odd(_off_the_line(faulty.steps))
    return odd(faulty.added, axis=1)  # among the heads of its layer: layers differ


def _lens_alone(level: Level, faulty: Evidence) -> np.ndarray:
    if level == "token":
        return faulty.surprise
    rise = np.diff(faulty.lens)
    return rise if level == "layer" else np.repeat(rise[:, None], faulty.added.shape[1], axis=1)


# -- the intact model beside it ----------------------------------------------------------------------------------------


def _pictures_beside(level: Level, faulty: Evidence, intact: Evidence) -> np.ndarray:
    if level == "token":
        return np.abs(faulty.received - intact.received).mean(axis=0)
    changed = _picture_change(faulty, intact)
    return changed.mean(axis=1) if level == "layer" else changed


def _picture_change(faulty: Evidence, intact: Evidence) -> np.ndarray:
    """Return by how much the pictures of each head changed, in spreads over heads, (layer, head)."""
    flat = intact.pictures.reshape(-1, intact.pictures.shape[-1])
    spread = np.maximum(flat.std(axis=0), 1e-9)
    return (np.abs(faulty.pictures - intact.pictures) / spread).mean(axis=-1)


def _first_picture(level: Level, faulty: Evidence, intact: Evidence) -> np.ndarray:
    if level == "token":
        return np.abs(faulty.received - intact.received)[0]
    changed = np.abs(faulty.trace.attention - intact.trace.attention).max(axis=(0, 3, 4))  # (layer, head)
    return _earliest(changed, level)


def _first_state(level: Level, faulty: Evidence, intact: Evidence) -> np.ndarray:
    if level == "token":
        moved = np.linalg.norm(faulty.inputs - intact.inputs, axis=-1)
        return moved / np.maximum(np.linalg.norm(intact.inputs, axis=-1), _TINY)
    pairs = (faulty.trace.added, intact.trace.added) if level == "head" else _layers_put_out(faulty, intact)
    moved, size = np.linalg.norm(pairs[0] - pairs[1], axis=-1), np.linalg.norm(pairs[1], axis=-1)
    axes = (0, -1)  # texts and positions
    return _earliest(moved.sum(axis=axes) / np.maximum(size.sum(axis=axes), _TINY), level)


def _layers_put_out(faulty: Evidence, intact: Evidence) -> tuple[np.ndarray, np.ndarray]:
    return faulty.trace.states[:, 1:, None], intact.trace.states[:, 1:, None]  # (text, layer, 1, n, dim)


def _earliest(changed: np.ndarray, level: Level) -> np.ndarray:
    """Score changes (layer, head): the earliest layer that differs first, in it the largest change."""
    differs = changed > _DIFFERS
    depth = len(changed) - np.arange(len(changed))[:, None]
    score = np.where(differs, depth + changed / (1 + changed), 0.0)
    return score.max(axis=1) if level == "layer" else score


def _norms_beside(level: Level, faulty: Evidence, intact: Evidence) -> np.ndarray:
    name = {"token": "lengths", "layer": "steps", "head": "added"}[level]
    changed = np.abs(getattr(faulty, name) - getattr(intact, name))
    return changed.mean(axis=0) if level == "token" else changed


def _lens_beside(level: Level, faulty: Evidence, intact: Evidence) -> np.ndarray:
    if level == "token":
        return faulty.surprise - intact.surprise
    rise = np.diff(faulty.lens - intact.lens)
    return rise if level == "layer" else np.repeat(rise[:, None], faulty.added.shape[1], axis=1)
