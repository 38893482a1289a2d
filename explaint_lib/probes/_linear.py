"""A linear probe, its control task, and its description length.

What it measures: how well a *trained* logistic regression tells two classes apart from features it has not seen in
training. What it controls for: `control_labels` gives the same probe a task without meaning, one random answer a
word, which can be solved by memory alone (Hewitt & Liang 2019); `online_code_length` charges for the training it takes
(Voita & Titov 2020). What it does not license: that the model uses what a probe can find, or that a probe which finds
nothing has shown that nothing is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from explaint_lib._common import ExplaintError

Folds = Sequence[tuple[np.ndarray, np.ndarray]]

#: Shares of the data after which the online code trains again, as in Voita & Titov (2020), their smallest left out.
FRACTIONS = (0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)


def fit_probe(
    features: np.ndarray, labels: np.ndarray, *, weights: np.ndarray | None = None, penalty: float = 1.0
) -> Pipeline:
    """Fit a logistic regression to standardised features, with an L2 penalty on all coefficients but the intercept.

    Parameters
    ----------
    features : (n, n_features) array
        A feature that does not vary gets the coefficient 0.
    labels : (n,) bool
        Both classes must occur.
    weights : (n,) array, optional
        Not negative; scaled to mean 1. They enter the standardisation too.
    penalty : float > 0
        The loss is the summed log loss plus ``penalty / 2`` times the squared coefficients (scikit-learn's ``C`` is
        its inverse).

    Returns
    -------
    sklearn.pipeline.Pipeline
        Fitted; ``predict_proba(features)[:, 1]`` is the probability of True.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> features = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> probe = probes.fit_probe(features, np.array([False, False, True, True]))
    >>> probe.predict(features).tolist()
    [False, False, True, True]
    """
    weights = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=np.float64)
    weights = weights / weights.mean()
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, tol=1e-5, max_iter=500))
    return probe.fit(features, labels, standardscaler__sample_weight=weights, logisticregression__sample_weight=weights)


def probe_probabilities(
    features: np.ndarray,
    labels: np.ndarray,
    folds: Folds,
    *,
    balance: Sequence[Sequence[Any]] = (),
    penalty: float = 1.0,
) -> np.ndarray:
    """Return for each row the probability of True, from a probe trained on other rows.

    Parameters
    ----------
    features : (n, n_features) array
    labels : (n,) bool
    folds : sequence of (train, test) rows
        Rows that are in no test set get NaN; rows in several get the mean.
    balance : sequence of sequences of n labels
        Words (hypernyms, hyponyms) that the *training* rows are weighted by, so that each word is as often right as
        wrong there too; a word that is only right or only wrong in a training set is left out of it. Holding out a
        right pair makes its words look wrong, and a probe that knows words then scores below chance.
    penalty : float

    Returns
    -------
    (n,) float64 array in [0, 1]
        A training set with one class only predicts that class's share, 0 or 1; without features, the share of True.

    Raises
    ------
    ExplaintError
        If the shapes do not agree, or a fold trains on what it tests.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2 == 0
    >>> features = labels[:, None] + 0.1 * rng.standard_normal((40, 1))
    >>> halves = np.arange(20), np.arange(20, 40)
    >>> found = probes.probe_probabilities(features, labels, [halves, halves[::-1]])
    >>> float(probes.hits(found, labels).mean())
    1.0
    """
    features, labels = np.asarray(features, dtype=np.float64), np.asarray(labels, dtype=bool)
    if features.ndim != 2 or labels.shape != (len(features),):
        raise ExplaintError(f"expected one label a row of features, found {labels.shape} for {features.shape}")
    total, count = np.zeros(len(labels)), np.zeros(len(labels))
    for train, test in folds:
        if np.intersect1d(train, test).size:
            raise ExplaintError(
                f"a fold trains on rows that it tests, found {np.intersect1d(train, test).size} of them; take these "
                "out of its training rows"
            )
        weights = balanced_weights(labels[train], [np.asarray(words)[train] for words in balance])
        total[test] += _held_out_probabilities(features, labels, train, test, penalty, weights)
        count[test] += 1
    with np.errstate(invalid="ignore"):
        return total / count


def _held_out_probabilities(
    features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, penalty: float, weights: np.ndarray
) -> np.ndarray:
    used = weights > 0
    train, weights = train[used], weights[used] / weights[used].mean() if used.any() else weights[used]
    share = np.average(labels[train], weights=weights) if len(train) else 0.5
    varies = np.ptp(features[train], axis=0) > 0 if len(train) else np.zeros(features.shape[1], dtype=bool)
    if not varies.any() or labels[train].all() or not labels[train].any():  # nothing varies: nothing to learn from
        return np.full(len(test), share)
    probe = fit_probe(features[np.ix_(train, varies)], labels[train], weights=weights, penalty=penalty)
    return probe.predict_proba(features[np.ix_(test, varies)])[:, 1]


def balanced_weights(labels: np.ndarray, words: Sequence[np.ndarray], *, n_rounds: int = 30) -> np.ndarray:
    """Return weights under which every word is as often right as wrong, (n,), mean 1 over those not 0.

    Iterative proportional fitting over the lists of words; a word that occurs with one label only gets weight 0, which
    may leave another word with one label only, until none is left.

    Parameters
    ----------
    labels : (n,) bool
    words : sequence of (n,) arrays
        Without any, all weights are 1.
    n_rounds : int

    Examples
    --------
    >>> from explaint_lib import probes
    >>> labels, words = np.array([True, True, False]), np.array(["bird", "bird", "bird"])
    >>> probes.balanced_weights(labels, [words]).tolist()
    [0.75, 0.75, 1.5]
    """
    weights, labels = np.ones(len(labels)), np.asarray(labels, dtype=bool)
    codes = [np.unique(each, return_inverse=True)[1] for each in words]
    for _ in range(n_rounds):
        for code in codes:
            right = np.bincount(code, weights * labels)
            wrong = np.bincount(code, weights * ~labels)
            half = np.where((right > 0) & (wrong > 0), (right + wrong) / 2, 0.0)
            factor = [half / np.where(each > 0, each, 1.0) for each in (wrong, right)]
            weights = weights * np.where(labels, factor[1][code], factor[0][code])
    return weights / weights[weights > 0].mean() if (weights > 0).any() else weights


def hits(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return 1 where the more probable class is the right one, 0 where it is not, one half where neither is.

    Returns
    -------
    (n,) float64 array; NaN where there is no probability

    Examples
    --------
    >>> from explaint_lib import probes
    >>> probes.hits(np.array([0.9, 0.9, 0.5]), np.array([True, False, True])).tolist()
    [1.0, 0.0, 0.5]
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels, dtype=bool)
    # the same number computed from two training sets may differ in the last digit: that is a tie, not a decision
    vote = np.where(np.abs(probabilities - 0.5) < 1e-9, 0.0, np.sign(probabilities - 0.5))
    return np.where(np.isnan(probabilities), np.nan, (1 + vote * np.where(labels, 1, -1)) / 2)


def control_labels(words: Sequence[str], *, rng: np.random.Generator) -> np.ndarray:
    """Return the labels of a control task: each word type gets one of two answers at random, half of the types each.

    With hypernyms as words, a probe solves it as far as its features give away *which* hypernym there is. Selectivity
    is the accuracy on the real task less that on the control task (Hewitt & Liang 2019).

    Parameters
    ----------
    words : sequence of str, length n
    rng : numpy.random.Generator

    Returns
    -------
    (n,) bool array

    Examples
    --------
    >>> from explaint_lib import probes
    >>> answers = probes.control_labels(["bird", "bird", "tool"], rng=np.random.default_rng(0))
    >>> bool(answers[0] == answers[1] != answers[2])
    True
    """
    names, codes = np.unique(np.asarray(words), return_inverse=True)
    answers = np.arange(len(names)) % 2 == 0
    return rng.permutation(answers)[codes]


class CodeLength(NamedTuple):
    """Bits to send the labels given the features; `compression` is uniform bits divided by these, 1 = nothing saved."""

    bits: float
    compression: float


def online_code_length(
    features: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[Any] | np.ndarray,
    *,
    n_orders: int = 5,
    penalty: float = 1.0,
    rng: np.random.Generator,
) -> CodeLength:
    """Return the online (prequential) code length of labels given features.

    Labels are sent in blocks; each block is coded by a probe trained on all blocks before, the first one uniformly.
    A probe that needs many examples pays for them, which accuracy does not show.

    Parameters
    ----------
    features : (n, n_features) array
    labels : (n,) bool
    groups : sequence of n labels
        Rows of one group (the sentences of a pair) are sent together.
    n_orders : int
        Random orders of the groups; the mean is returned.
    penalty : float
    rng : numpy.random.Generator

    References
    ----------
    Voita & Titov (2020), equation 3.

    Examples
    --------
    >>> from explaint_lib import probes
    >>> labels = np.arange(64) % 2 == 0
    >>> code = probes.online_code_length(labels[:, None], labels, np.arange(64), rng=np.random.default_rng(0))
    >>> bool(code.compression > 2)
    True
    """
    features, labels = np.asarray(features, dtype=np.float64), np.asarray(labels, dtype=bool)
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    totals = []
    for _ in range(n_orders):
        place = np.argsort(rng.permutation(len(names)))[codes]  # (n,) when each row is sent
        ends = [max(1, round(share * len(names))) for share in FRACTIONS]
        bits = float((place < ends[0]).sum())  # one bit a label, uniformly
        for begin, end in zip(ends, ends[1:], strict=False):
            train, test = np.flatnonzero(place < begin), np.flatnonzero((place >= begin) & (place < end))
            if test.size:
                p = _held_out_probabilities(features, labels, train, test, penalty, np.ones(len(train))).clip(
                    1e-3, 1 - 1e-3
                )
                bits -= float(np.log2(np.where(labels[test], p, 1 - p)).sum())
        totals.append(bits)
    mean = float(np.mean(totals))
    return CodeLength(mean, len(labels) / mean)
