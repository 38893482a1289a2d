"""One treatment of the candidates for every rival: how near is each word's gold vector to a prediction?

What it measures: `nearness` of predictions and candidates, under a `Treatment` that is the same whatever made the
predictions; `retrieval_by` and `two_alternative_by` score it. `treatment_grid` shows what the choice does.

What it controls for: candidates whose norms were in the training of a map, and candidates whose norms were held out,
do not compete on equal terms. A map's prediction of word i is a weighted sum of the training words' norms; the row of
a training candidate is *in* that sum, and makes the candidate look near; the word's own row never is.

What it does NOT license: a difference of two systems under two treatments. And a system is named by what it has seen:
`similarity_encoding` fits no parameter, yet it sums the norms of the training words and is a supervised map like any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.metrics._ceilings import filled_by_fold
from explaint_lib.metrics._directions import DECIMALS
from explaint_lib.metrics._hubness import csls, mutual_proximity, retrieval_by
from explaint_lib.metrics._neighbours import cosines, product
from explaint_lib.metrics._ties import checked_pair, matrix


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What is done to candidates before they are compared; ``Treatment()`` is the one to report.

    Write ``K_jt`` for the inner product of training word t's norms with candidate j's norms at length 1. The inner
    product of candidate j with a prediction made of the weights ``w_it`` is the sum of ``w_it K_jt`` over t.

    Attributes
    ----------
    held_out_together : bool, default=True
        The candidates of a word are the words of its own fold: none of them was in the training of its map. Otherwise
        all words are.
    own_row_removed : bool, default=False
        Leave t = j out of that sum: a training candidate's own norms do not count in its favour. (No candidate has
        such a row among words held out together.)
    centred : bool, default=True
        Replace ``K_jt`` by ``K_jt - mean_t K_jt``: what a candidate shares with the mean profile of the training words
        (without its own row, where that is removed) does not count. The same as taking the mean profile out of the
        prediction.
    scaled : bool, default=False
        Divide by the length of a candidate's cosines with the training words, less their mean (with its own left out,
        where that row is removed): candidates that are like some training words and unlike others have larger
        products, and lose by it.
    hubs : {None, "csls", "mutual_proximity"}, default=None
        A correction for hubs, last and among the candidates: `csls` or `mutual_proximity`, with their default numbers.

    Notes
    -----
    Why ``Treatment()`` is the default. It asks for nothing that depends on the answer, is defined for every system, a
    network too, and is cheap and standard: Mitchell et al. (2008) leave both words out, and subtract the mean. Under it
    the fold gives nothing away: a prediction that is the same for all words of a fold scores chance, exactly, and one
    that is the same for all words of a category scores what a draw within the category would. It treats alike systems
    that predict norms, whose mean profile is in every prediction, and systems whose weights sum to 0, as those of
    `similarity_encoding`, which are centred by construction: without `centred` the two are not compared alike.

    The plain cosine over all words (`COSINE`; Derby et al. 2019) gives the fold away, since training candidates have
    their own row in the prediction and the word itself has not: a map that knows nothing scores about half of chance.
    `own_row_removed` mends that and goes too far where few rows carry the prediction, which then lacks one of them for
    training candidates alone: a category's mean finds its word more often than a draw within the category. `scaled`
    without it fails the other way: the row makes training candidates long, and a constant scores several times chance.

    `scaled` and `hubs` are corrections of another kind. They help some systems more than others, and are shown beside,
    for all systems or for none.

    References
    ----------
    Mitchell et al. (2008); Derby et al. (2019); hubs: Conneau et al. (2018), Schnitzer et al. (2012).

    Examples
    --------
    >>> from explaint_lib import metrics
    >>> print(metrics.Treatment(), "/", metrics.COSINE, "/", metrics.Treatment(scaled=True, hubs="csls"))
    held out together, centred / all words / held out together, centred, scaled, CSLS
    """

    held_out_together: bool = True
    own_row_removed: bool = False
    centred: bool = True
    scaled: bool = False
    hubs: Literal["csls", "mutual_proximity"] | None = None

    def __post_init__(self) -> None:
        if self.hubs not in (None, *_HUBS):
            raise ExplaintError(f"hubs must be None, {' or '.join(map(repr, _HUBS))}, got {self.hubs!r}")

    def __str__(self) -> str:
        parts = {"own row removed": self.own_row_removed, "centred": self.centred, "scaled": self.scaled}
        names = ["held out together" if self.held_out_together else "all words"]
        names += [name for name, on in parts.items() if on]
        return ", ".join(names + ([_HUBS[self.hubs][0]] if self.hubs else []))


_HUBS: dict[str, tuple[str, Callable[..., np.ndarray]]] = {
    "csls": ("CSLS", csls),
    "mutual_proximity": ("mutual proximity", mutual_proximity),
}
#: The plain cosine of the prediction and every word's gold vector: `retrieval_at_k`.
COSINE = Treatment(held_out_together=False, centred=False)
#: A grid to show: the default and corrections of it, then all words as candidates, from nothing done to everything.
TREATMENTS = (
    Treatment(),
    Treatment(centred=False),
    Treatment(scaled=True),
    Treatment(hubs="csls"),
    Treatment(hubs="mutual_proximity"),
    COSINE,
    Treatment(held_out_together=False, own_row_removed=True, centred=False),
    Treatment(held_out_together=False, own_row_removed=True),
    Treatment(held_out_together=False, own_row_removed=True, scaled=True),
)


def nearness(
    pred: ArrayLike,
    gold: ArrayLike,
    folds: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    treatment: Treatment = Treatment(),  # noqa: B008
) -> np.ndarray:
    """Return how near each word's prediction is to each candidate's gold vector, under one treatment.

    Parameters
    ----------
    pred : array of shape (words, features)
        Predictions of held-out words.
    gold : array of shape (words, features)
        NaN is a missing cell.
    folds : array of int, shape (words,)
        Of the predictions; the training words of a word are those of the other folds.
    weights : array of shape (words, words), optional
        (word, training word): of how much of each training row the prediction is the sum, ``pred = weights @ gold``;
        0 within a fold. `explaint_lib.mappers.CrossFit.weights` has those of PLSR, ridge and the mean profile; a
        control that is an average has them as its prediction of an identity matrix,
        ``controls.category_centroids(np.eye(n), kinds, folds)``. Needed for `own_row_removed`;
        without them, `centred` takes a prediction to contain the mean profile once, as those of all regressions with an
        intercept do.
    treatment : Treatment

    Returns
    -------
    array of shape (words, words)
        (word, candidate), larger is nearer, rounded to 12 digits so that equals tie; NaN where a word is no candidate;
        the diagonal is the word's own gold vector. Of `COSINE` exactly ``cosines(pred, gold)``. 0, before a correction
        for hubs, where a prediction or a candidate is a zero vector, and if scaled where all training words are equally
        like the candidate.

    Raises
    ------
    ExplaintError
        If shapes differ, there is only one fold, fewer than 3 words are outside some fold, or weights are needed and
        missing, reach into a word's own fold, or do not give the prediction.

    Notes
    -----
    With ``s_i`` the sum of ``w_it`` over t, ``m_j`` the mean of ``K_jt`` over t, and t = j left out of both where the
    own row is removed, centred nearness is ``sum_t w_it K_jt - s_i m_j``. It is divided by the length of the
    prediction, which orders no candidates but matters to corrections for hubs. Removing a row leaves the weights of the
    others as they are: nothing is fitted again. Missing cells of a candidate are left out of its products; those of a
    training row count as the mean of the fold's training words.

    Examples
    --------
    >>> from explaint_lib import controls, metrics
    >>> gold = np.random.default_rng(0).integers(0, 2, (60, 30)).astype(float)  # nothing to know
    >>> kinds, folds = ["thing"] * 60, np.arange(60) % 3
    >>> pred = controls.category_centroids(gold, kinds, folds)  # the mean profile of the other folds
    >>> weights = controls.category_centroids(np.eye(60), kinds, folds)
    >>> chance, all_words = metrics.retrieval_by(metrics.nearness(pred, gold, folds)).mean(), metrics.COSINE
    >>> biased = metrics.retrieval_by(metrics.nearness(pred, gold, folds, treatment=all_words), k=30).mean()
    >>> round(chance.item(), 2), round(biased.item(), 2)  # 10 of 20; 30 of 60
    (0.5, 0.4)
    """
    pred, gold = checked_pair(pred, gold)
    folds = np.asarray(folds)
    if folds.shape != (len(gold),):
        raise ExplaintError(f"expected one fold for each of {len(gold)} words, found shape {folds.shape}")
    if weights is not None:
        weights = _checked_weights(weights, pred, gold, folds)
    elif treatment.own_row_removed and not treatment.held_out_together:
        raise ExplaintError(
            "to remove a candidate's own row, its weight in each prediction must be known: pass `weights`, or compare "
            "all systems with `held_out_together`"
        )
    near = _treated(pred, gold, folds, treatment, weights)
    if treatment.hubs is None:
        return near
    correct = _HUBS[treatment.hubs][1]
    if not treatment.held_out_together:
        return correct(near, own=True)
    for label in np.unique(folds):
        block = np.ix_(folds == label, folds == label)
        near[block] = correct(near[block], own=True)
    return near


def treatment_grid(
    systems: Mapping[str, Callable[..., np.ndarray]],
    treatments: Sequence[Treatment] = TREATMENTS,
    *,
    score: Callable[[np.ndarray], np.ndarray] = retrieval_by,
) -> dict[tuple[str, str], np.ndarray]:
    """Return the scores of every system under every treatment, word by word.

    Parameters
    ----------
    systems : mapping of name to callable (treatment=Treatment) -> array of shape (words, words)
        `functools.partial` of `nearness` or `similarity_encoding`.
    treatments : sequence of Treatment
        ``Treatment()`` is the one to report; the others show what hangs on it. Chance differs between candidates held
        out together and all words (`retrieval_chance`).
    score : callable (near) -> array of shape (words,)
        `retrieval_by`, or a partial of `two_alternative_by`.

    Returns
    -------
    dict of (name, str(treatment)) to array of shape (words,)

    Examples
    --------
    >>> from functools import partial
    >>> from explaint_lib import metrics
    >>> rng = np.random.default_rng(0)
    >>> gold, folds = rng.random((30, 8)), np.arange(30) % 3
    >>> systems = {"similarity encoding": partial(metrics.similarity_encoding, gold, gold, folds)}
    >>> grid = metrics.treatment_grid(systems, [metrics.Treatment(), metrics.COSINE])
    >>> [(*names, len(scores)) for names, scores in grid.items()]
    [('similarity encoding', 'held out together, centred', 30), ('similarity encoding', 'all words', 30)]
    """
    return {
        (name, str(treatment)): score(near(treatment=treatment))
        for name, near in systems.items()
        for treatment in treatments
    }


def _checked_weights(weights: ArrayLike, pred: np.ndarray, gold: np.ndarray, folds: np.ndarray) -> np.ndarray:
    n = len(gold)
    weights = matrix(weights, "weights")
    if weights.shape != (n, n):
        raise ExplaintError(f"expected weights of shape ({n}, {n}), one row and column a word, found {weights.shape}")
    if not np.isfinite(weights).all():
        raise ExplaintError("weights hold NaN: expected 0 where a row is not in the prediction")
    if weights[folds[:, None] == folds].any():
        raise ExplaintError("weights reach into a word's own fold: expected predictions from the other folds alone")
    if not np.isnan(gold).any():  # compared by their sums over the features: cheap, and other rows do not pass
        sums, size = gold.sum(axis=1), np.abs(gold).sum(axis=1)
        if not (np.abs(weights @ sums - pred.sum(axis=1)) <= 1e-6 * (np.abs(weights) @ size + 1e-300)).all():
            raise ExplaintError("the predictions are not ``weights @ gold``: pass the weights of these predictions")
    return weights


def _treated(
    pred: np.ndarray, gold: np.ndarray, folds: np.ndarray, treatment: Treatment, weights: np.ndarray | None
) -> np.ndarray:
    """Return nearness before a correction for hubs; see `nearness`, Notes."""
    near = cosines(pred, gold)
    if treatment.own_row_removed or treatment.centred or treatment.scaled:
        removed = np.zeros(near.shape) if weights is None else weights * treatment.own_row_removed
        total = np.ones(len(near)) if weights is None else weights.sum(axis=1)
        near = _corrected(near, pred, gold, folds, treatment, removed, total)
    if treatment.held_out_together:
        near[folds[:, None] != folds] = np.nan
    return near


def _corrected(
    near: np.ndarray,
    pred: np.ndarray,
    gold: np.ndarray,
    folds: np.ndarray,
    treatment: Treatment,
    removed: np.ndarray,
    total: np.ndarray,
) -> np.ndarray:
    """Return cosines less what own rows and the mean profile give, over the spread of the candidate's likenesses.

    removed: (word, candidate), the weights that leave with the candidate's row; total: (word,), the sums of weights.
    """
    long = np.sqrt(np.nansum(gold**2, axis=1))  # (candidate,): K_jj
    unit = np.nan_to_num(gold) / np.where(long > 0, long, 1.0)[:, None]
    reach = np.sqrt(product(pred**2, (~np.isnan(gold)).astype(np.float64)))  # (word, candidate): length of a prediction
    alike = cosines(gold, gold) if treatment.scaled else near
    part = product(pred, unit) - removed * long
    spread = np.ones(near.shape)
    for train, test, filled in filled_by_fold(gold, folds)[1]:
        if len(train) < 3:
            raise ExplaintError(f"expected at least 3 words outside each fold, found {len(train)}")
        if treatment.centred:
            mean = unit @ filled[train].mean(axis=0)  # (candidate,): m_j
            if treatment.own_row_removed:
                mean[train] = (len(train) * mean[train] - long[train]) / (len(train) - 1)
            part[test] -= (total[test, None] - removed[test]) * mean
        if treatment.scaled:
            spread[test] = _spread(alike[:, train], train, treatment.own_row_removed)
    part = np.divide(part, reach, out=np.zeros(near.shape), where=reach > 0)
    part = np.round(part, DECIMALS)  # before a division by little: noise must tie
    return np.round(np.divide(part, spread, out=np.zeros(near.shape), where=spread > 0), DECIMALS)


def _spread(alike: np.ndarray, train: np.ndarray, own_row_removed: bool) -> np.ndarray:
    """Return the length of each candidate's centred cosines (candidate, training word); rounding noise is 0."""
    if own_row_removed:
        alike = alike.copy()
        alike[train, np.arange(len(train))] = np.nan
    spread = np.sqrt(np.nansum((alike - np.nanmean(alike, axis=1, keepdims=True)) ** 2, axis=1))
    return np.where(spread > 10.0**-DECIMALS, spread, 0.0)
