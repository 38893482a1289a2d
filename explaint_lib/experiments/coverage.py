"""How often do the intervals of the book hold the truth? Simulated, where the truth is known.

What it measures: an interval of 95 % should hold the true difference in 95 of 100 data sets. Each kind of interval that
a verdict uses is made in many data sets of its kind, beside the interval over single units that one would take without
thinking of what was drawn. What it does not license: the same coverage where effects of words, categories or folds are
spread in another way than here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest
from tqdm import tqdm

from explaint_lib import inference, metrics
from explaint_lib._common import ExplaintError
from explaint_lib.results import Result, manifest, typed


class _Sample(NamedTuple):
    """One simulated data set whose true difference is 0: (draw, unit) scores, and what was drawn."""

    scores: np.ndarray
    clusters: inference.Clusters | None = None
    varied: str | None = None


class Kind(NamedTuple):
    """One kind of interval: what varies, what it is used for, how many units, and how its data are drawn."""

    varies: str
    used_for: str
    n: int
    draw: Callable[[np.random.Generator], _Sample]


def coverage(*, n_worlds: int = 2000, seed: int = 0, progress: bool = False) -> Result:
    """Simulate the coverage of every kind of interval that a verdict of this book rests on.

    Parameters
    ----------
    n_worlds : int
        Simulated data sets of each kind, at least 20; 2000 give about +-.01.
    seed : int
    progress : bool

    Returns
    -------
    Result
        ``rows``: ``question`` (what varies), ``claim`` (what the interval is used for), ``method`` ("as in verdicts",
        or "over single units": what one gets by taking every number for a draw of its own), ``n`` (units, or clusters
        of them), ``worlds``, ``value`` (the share of intervals of 95 % that hold the truth), ``ci_low, ci_high`` (of
        that share, exact).

    Raises
    ------
    ExplaintError
        With fewer than 20 worlds.

    Examples
    --------
    >>> from explaint_lib.experiments.coverage import coverage
    >>> rows = coverage(n_worlds=100).rows
    >>> held_out = rows[(rows.question == "categories") & (rows.n == 12)].set_index("method").value
    >>> bool(held_out["as in verdicts"] > held_out["over single units"])
    True
    """
    if n_worlds < 20:
        raise ExplaintError(f"a coverage needs at least 20 worlds, found {n_worlds}")
    rows = []
    streams = np.random.SeedSequence(seed).spawn(len(KINDS) + 1)
    with tqdm(total=(len(KINDS) + 1) * n_worlds, desc="coverage", disable=not progress) as bar:
        for kind, stream in zip(KINDS, streams, strict=False):
            rng, held = np.random.default_rng(stream), np.zeros(2)
            for _ in range(n_worlds):
                sample = kind.draw(rng)
                ours = inference.compare(sample.scores, 0.0, "", clusters=sample.clusters, varied=sample.varied)
                plain = inference.compare(np.atleast_2d(sample.scores).mean(axis=0), 0.0, "")
                held += [_holds(one, 0.0) for one in (ours, plain)]
                bar.update()
            rows += _rows(kind, held, n_worlds)
        held_shape = _shapes_of_two_spaces(np.random.default_rng(streams[-1]), n_worlds // 10)
        rows += _rows(_SHAPES, np.array([held_shape]), n_worlds // 10)
        bar.update(n_worlds)
    about = manifest(data={"name": "simulated"}, model={}, arguments={"n_worlds": n_worlds}, seed=seed)
    return Result("coverage", about, typed(rows))


def _holds(one: inference.Comparison, truth: float) -> bool:
    low, high = one.interval()
    return low <= truth <= high


def _rows(kind: Kind, held: np.ndarray, n_worlds: int) -> list[dict[str, Any]]:
    rows = []
    for method, count in zip(("as in verdicts", "over single units"), held, strict=False):
        if method == "over single units" and kind.varies == "words":
            continue  # the same interval
        exact = binomtest(int(count), n_worlds).proportion_ci(0.95, method="exact")
        about = {"question": kind.varies, "claim": kind.used_for, "method": method, "n": kind.n, "worlds": n_worlds}
        rows.append(about | {"value": count / n_worlds, "ci_low": float(exact.low), "ci_high": float(exact.high)})
    return rows


def _words(n: int, share: float | None = None) -> Callable[[np.random.Generator], _Sample]:
    """Draw paired differences of words: of scores between 0 and 1, or of hits and misses, of which few differ."""

    def draw(rng: np.random.Generator) -> _Sample:
        if share is None:
            easy = rng.beta(1, 2, size=n)  # how easy a word is
            return _Sample(np.diff(rng.binomial(10, easy, size=(2, n)) / 10, axis=0)[0])
        return _Sample(np.diff(rng.random((2, n)) < share, axis=0)[0] * 1.0 * rng.choice([-1, 1], n))

    return draw


def _grouped(n_groups: int, size: int, between: float) -> Callable[[np.random.Generator], _Sample]:
    """Draw units in groups of unequal size, whose means differ."""

    def draw(rng: np.random.Generator) -> _Sample:
        sizes = rng.integers(max(size // 3, 2), 2 * size, size=n_groups)
        of_group = np.repeat(np.arange(n_groups), sizes)
        return _Sample(rng.standard_normal(sizes.sum()) + between * rng.standard_normal(n_groups)[of_group], of_group)

    return draw


def _pairs(rng: np.random.Generator) -> _Sample:
    """Draw pairs of 160 hyponyms, each in a true and a false pair, and 16 hypernyms of unequal frequency."""
    hyponyms = np.tile(np.arange(160), 2)
    hypernyms = rng.choice(16, size=320, p=np.arange(3, 19) / np.arange(3, 19).sum())
    scores = 0.5 * rng.standard_normal(160)[hyponyms] + 0.5 * rng.standard_normal(16)[hypernyms]
    return _Sample(scores + rng.standard_normal(320), {"hyponym": hyponyms, "hypernym": hypernyms})


def _drawn_again(n: int, draws: int, spread: float, varied: str) -> Callable[[np.random.Generator], _Sample]:
    """Draw units that are scored in several draws; a draw moves all of them together, and each a little."""

    def draw(rng: np.random.Generator) -> _Sample:
        together, alone = spread * rng.standard_normal((draws, 1)), 0.5 * rng.standard_normal((draws, n))
        return _Sample(rng.standard_normal(n) + together + alone, None, varied)

    return draw


KINDS = (
    Kind("words", "scores of words between 0 and 1", 60, _words(60)),
    Kind("words", "scores of words between 0 and 1", 240, _words(240)),
    Kind("words", "retrieval: hits and misses, one word in twenty hit", 60, _words(60, 0.05)),
    Kind("words", "retrieval: hits and misses, one word in twenty hit", 240, _words(240, 0.05)),
    Kind("categories", "words of held-out categories", 12, _grouped(12, 20, 0.5)),
    Kind("categories", "words of held-out categories", 40, _grouped(40, 12, 0.5)),
    Kind("sentences", "positions of sentences", 40, _grouped(40, 8, 0.7)),
    Kind("hyponyms and hypernyms", "pairs of words", 16, _pairs),
    Kind("words and folds", "ten draws of folds", 240, _drawn_again(240, 10, 0.1, "folds")),
    Kind("units and twins", "five untrained twins", 40, _drawn_again(40, 5, 0.3, "twins")),
)
_SHAPES = Kind("words", "similarity of two spaces, words resampled", 80, _words(80))


def _shapes_of_two_spaces(rng: np.random.Generator, n_worlds: int) -> int:
    """Return how often the interval of a rank correlation of two spaces holds its value in the population of words."""
    mixing = rng.standard_normal((12, 12))

    def spaces(n: int) -> tuple[np.ndarray, np.ndarray]:
        hidden = rng.standard_normal((n, 12))
        shown = hidden @ mixing + 3 * rng.standard_normal((n, 12)), hidden + rng.standard_normal((n, 12))
        return metrics.cosines(shown[0], shown[0]), metrics.cosines(shown[1], shown[1])

    truth, held = float(metrics.rsa(*spaces(1500))), 0
    for _ in range(n_worlds):
        seen = spaces(80)
        resampled = metrics.rsa(*seen, counts=inference.bootstrap_counts(80, 200, rng=rng))
        one = inference.compare_statistic(float(metrics.rsa(*seen)), resampled, [0.0], "", n=80)
        held += _holds(one, truth)
    return held
