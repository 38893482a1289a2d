"""Plant faults one at a time, let every tool say where each is, and count how often it is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from explaint_lib._common import ExplaintError
from explaint_lib.attribution import HeadRunner, HeadTrace, head_runner
from explaint_lib.experiments.faults._kinds import Fault, Level
from explaint_lib.experiments.faults._plant import Planted, draw_faults, planted_fault
from explaint_lib.experiments.faults._tools import PATCHING, TOOLS, WEIGHTS, Evidence, look, scores
from explaint_lib.experiments.faults._weights import drifted
from explaint_lib.inference import Comparison, compare

TOP = (1, 3)
PATCHED_TEXTS = 2  # those that the fault changed most


def hit(found: np.ndarray, sites: Iterable[Any], k: int) -> float:
    """Return the probability that one of the sites is among the k highest scores, ties broken at random.

    Parameters
    ----------
    found : (layer, head), (layer,) or (token,) float
    sites : indices
    k : int

    Returns
    -------
    float in [0, 1]
        With all scores alike, chance.

    Examples
    --------
    >>> from explaint_lib.experiments.faults import hit
    >>> hit(np.array([0.0, 2.0, 1.0]), [1], 1), hit(np.zeros(4), [1], 1), hit(np.zeros(4), [1, 2], 2)
    (1.0, 0.25, 0.8333333333333334)
    """
    flat = np.asarray(found, dtype=np.float64)
    own = np.array([flat[site] for site in sites])
    best = own.max()
    above, tied, mine = int((flat > best).sum()), int((flat == best).sum()), int((own == best).sum())
    slots = min(k - above, tied)
    return 0.0 if slots <= 0 else 1 - comb(tied - mine, slots) / comb(tied, slots)


def find_faults(
    model: Any,
    ids: np.ndarray,
    *,
    n_per_kind: int,
    special: Sequence[int] = (),
    drift: float = 0.0,
    rng: np.random.Generator,
    progress: bool = False,
) -> pd.DataFrame:
    """Plant faults of every kind, and let every tool rank the heads, layers or tokens among which each is.

    A tool is told at which level the fault is, and no more. It sees the faulty model alone, the intact model on the
    same texts as well, or the weights of both (`TOOLS`).

    Parameters
    ----------
    model : Encoder or planted transformer
    ids : (text, n) int
        Texts of one length (`explaint_lib.experiments.pruning.texts_of_one_length`).
    n_per_kind : int
        Faults of each kind (`KINDS`).
    special : sequence of int
        Ids that are no candidates for a faulty token. Candidates are the others that occur after the first position.
    drift : float
        Above 0: the "intact" model and weights that tools have at hand differ from the true ones a little everywhere
        (`drifted`), as a version does that was trained on. Real models only.
    rng : numpy.random.Generator
    progress : bool

    Returns
    -------
    DataFrame
        One row a fault and tool: ``model`` (its name), ``fault`` (its number), ``kind, level, sites, tool, at_hand``
        (what the tool has); ``candidates``; ``damage`` (relative change of the top states); ``top_1, top_3``: the
        probability that the site is the first, or among the first three; ``chance_1, chance_3``. A tool without an
        answer (a lens without an output head) has NaN.

    Raises
    ------
    ExplaintError
        As `head_runner`; with fewer than 2 candidate tokens; for layers that share weights.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> from explaint_lib.experiments.faults import find_faults
    >>> world = planted.keeper(rng=np.random.default_rng(0))
    >>> ids = world.sample(3, 8, rng=np.random.default_rng(1))
    >>> found = find_faults(world, ids, n_per_kind=1, rng=np.random.default_rng(2))
    >>> found[found.tool == "largest weight change"].top_1.round(2).tolist()  # what is read off by one, no weight shows
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.05]
    """
    heads = head_runner(model, ids)
    candidates, where = _candidates(heads.ids, special)
    lens = getattr(model, "predicts", None) == "next token"
    reference = None
    if drift:
        with drifted(heads, drift, rng=rng) as reference:
            intact = look(heads, heads.ids, where, lens=lens)
    else:
        intact = look(heads, heads.ids, where, lens=lens)
    rows: list[dict[str, Any]] = []
    faults = draw_faults(heads, candidates.tolist(), n_per_kind=n_per_kind, rng=rng)
    for number, fault in enumerate(tqdm(faults, desc="faults", disable=not progress, leave=False)):
        with planted_fault(heads, fault, candidates, reference=reference) as planted:
            found, damage = tool_scores(planted, fault.level, intact, where, lens=lens)
        rows += [{"model": str(model.name)} | row for row in _rows(number, fault, found, damage, candidates)]
    return pd.DataFrame(rows)


def compare_tools(rows: pd.DataFrame, tool: str, control: str, *, asks: str | None = None) -> Comparison:
    """Compare how often two tools put a fault first; the clusters are the kinds of faults in each model.

    Parameters
    ----------
    rows : DataFrame
        Of `find_faults`, of one model or of several together.
    tool : str
    control : str
        Another tool, or "chance".
    asks : str, optional
        As in `explaint_lib.inference.compare`.

    Raises
    ------
    ExplaintError
        For a tool that is not in the rows.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> from explaint_lib.experiments.faults import compare_tools, find_faults
    >>> world = planted.keeper(rng=np.random.default_rng(0))
    >>> ids = world.sample(3, 8, rng=np.random.default_rng(1))
    >>> rows = find_faults(world, ids, n_per_kind=1, rng=np.random.default_rng(2))
    >>> compare_tools(rows, "activation patching", "attention pictures").n  # kinds
    7
    """
    found = rows.pivot(index=["model", "kind", "fault"], columns="tool", values="top_1")
    chance = rows.groupby(["model", "kind", "fault"])["chance_1"].first().loc[found.index]
    if missing := {tool, control} - {"chance", *found.columns}:
        raise ExplaintError(f"no tool is called {', '.join(sorted(missing))}; there are {', '.join(found.columns)}")
    kinds = [f"{model}: {kind}" for model, kind, _ in found.index]
    other = chance if control == "chance" else found[control]
    return compare(
        found[tool].to_numpy(),
        other.to_numpy(),
        control,
        clusters=kinds,
        score="faults found",
        chance=control == "chance",
        asks=asks,
    )


def tool_scores(
    planted: Planted, level: Level, intact: Evidence, where: list[tuple[np.ndarray, np.ndarray]], *, lens: bool
) -> tuple[dict[str, np.ndarray | None], float]:
    """Return the scores of every tool for a planted fault, and by how much the top states changed."""
    faulty = look(planted.heads, planted.ids, where, lens=lens)
    found = {name: scores(name, level, faulty, intact) for name in TOOLS if name not in (PATCHING, WEIGHTS)}
    found[PATCHING] = patched(planted.heads, level, faulty.trace, intact.trace, where)
    found[WEIGHTS] = planted.changed[level]
    top, was = faulty.trace.states[:, -1], intact.trace.states[:, -1]
    return {name: found[name] for name in TOOLS}, float(np.linalg.norm(top - was) / np.linalg.norm(was))


def _candidates(ids: np.ndarray, special: Sequence[int]) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Return the tokens that may be faulty, and where each is, the first positions left out."""
    found = np.setdiff1d(ids[:, 1:], np.asarray(special, dtype=np.int64))
    if len(found) < 2:
        raise ExplaintError(f"the texts need at least 2 different tokens after the first position, found {len(found)}")
    where = []
    for token in found:
        texts, at = np.nonzero(ids[:, 1:] == token)
        where.append((texts, at + 1))
    return found, where


def _rows(
    number: int, fault: Fault, found: dict[str, np.ndarray | None], damage: float, candidates: np.ndarray
) -> list[dict[str, Any]]:
    token = fault.level == "token"
    sites = [int(np.searchsorted(candidates, site)) for site in fault.sites] if token else list(fault.sites)
    about = {"fault": number, "kind": fault.kind, "level": fault.level, "sites": str(fault.sites)}
    rows = []
    for tool, said in found.items():
        size = next(each.shape for each in found.values() if each is not None)
        row: dict[str, Any] = about | {"tool": tool, "at_hand": TOOLS[tool], "candidates": int(np.prod(size))}
        row["damage"] = damage
        for k in TOP:
            row[f"top_{k}"] = np.nan if said is None else hit(said, sites, k)
            row[f"chance_{k}"] = hit(np.zeros(size), sites, k)
        rows.append(row)
    return rows


# -- activation patching -----------------------------------------------------------------------------------------------


def patched(
    heads: HeadRunner,
    level: Level,
    faulty: HeadTrace,
    intact: HeadTrace,
    where: list[tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    """Put states of the intact model into runs of the faulty one: what brings the top states back?

    From coarse to fine, as one would do it by hand. Of a layer: by how much more its output brings back than its input
    does. Of heads: in the layer that this finds, what each adds is exchanged. Of tokens: in the text that the fault
    changed most, the inputs of each are exchanged.

    Parameters
    ----------
    heads : HeadRunner
        Runs the faulty model.
    level : {"head", "layer", "token"}
    faulty, intact : HeadTrace
    where : list of (texts, positions), one a candidate token

    Returns
    -------
    (layer, head), (layer,) or (token,) float64
        What was not tried is below all that was.
    """
    gone = np.linalg.norm(faulty.states[:, -1] - intact.states[:, -1], axis=(1, 2))  # (text,)
    texts = np.argsort(-gone, kind="stable")[: 1 if level == "token" else PATCHED_TEXTS]
    wrong, right = faulty.states[texts], intact.states[texts]
    if level == "token":
        return _patched_tokens(heads, wrong[0], right[0], int(texts[0]), where)
    by_layer = np.diff([float(_back(top, wrong, right).mean()) for top in _restarted(heads, right)])
    if level == "layer":
        return by_layer
    layer = int(by_layer.argmax())
    more = (intact.added - faulty.added)[texts, layer].swapaxes(0, 1)  # (head, text, n, dim)
    entering = np.broadcast_to(wrong[:, layer], more.shape)
    rows = more.reshape(-1, *more.shape[2:])  # all heads in one run
    tops = _resumed(heads, entering.reshape(rows.shape), layer, rows).reshape(more.shape)
    found = np.repeat(by_layer[:, None] - 10, heads.n_heads, axis=1)
    found[layer] = [_back(top, wrong, right).mean() for top in tops]
    return found


def _patched_tokens(
    heads: HeadRunner, wrong: np.ndarray, right: np.ndarray, text: int, where: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    tried = [i for i, (texts, _) in enumerate(where) if (texts == text).any()]
    rows = np.repeat(wrong[None, 0], len(tried), axis=0)  # (token, n, dim)
    for row, i in zip(rows, tried, strict=True):
        texts, at = where[i]
        row[at[texts == text]] = right[0, at[texts == text]]
    found = np.full(len(where), -10.0)
    found[tried] = _back(_resumed(heads, rows, 0), wrong[None], right[None])
    return found


def _restarted(heads: HeadRunner, states: np.ndarray) -> np.ndarray:
    """Return the top states of runs into which states (text, layer + 1, n, dim) are put at each layer.

    All in one run, which grows by the texts at each layer: (layer + 1, text, n, dim). Many small products would take
    several times as long.
    """
    import torch

    with torch.no_grad():
        kind = heads.start(heads.ids[:1])
        entering = torch.from_numpy(states.copy()).to(kind).transpose(0, 1)  # (layer + 1, text, n, dim)
        now = entering[0]
        for layer in range(heads.n_layers):
            now = torch.cat([heads.step(layer, now), entering[layer + 1]])
        return np.asarray(now.float().cpu()).reshape(entering.shape)


def _resumed(heads: HeadRunner, states: np.ndarray, layer: int, more: np.ndarray | None = None) -> np.ndarray:
    """Run the layers from `layer` on; `more` is added to what the heads of the first of them add."""
    import torch

    with torch.no_grad():
        kind = heads.start(heads.ids[:1])
        now = torch.from_numpy(states.copy()).to(kind)
        given = None if more is None else torch.from_numpy(more.copy()).to(kind)
        for k in range(layer, heads.n_layers):
            now = heads.step(k, now, more=given if k == layer else None)
        return np.asarray(now.float().cpu())


def _back(top: np.ndarray, wrong: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return which share of the change of the top states is gone, (row,); 0 where nothing had changed."""
    change = np.linalg.norm(wrong[:, -1] - right[:, -1], axis=(1, 2))
    left = np.linalg.norm(top - right[:, -1], axis=(1, 2))
    return np.where(change > 0, 1 - left / np.maximum(change, 1e-12), 0.0)
