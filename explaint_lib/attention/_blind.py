"""Can a classifier tell two kinds of attention maps apart by how they look?

What it measures: how often a logistic regression names the kind of a map rightly from its statistics
(`explaint_lib.attention.map_statistics`), on sentences that it has not seen. What it controls for: the sentence, which
is never in training, and the luck of one division of the sentences. What it does not license: an interval over judged
sentences as if they were independent, since each has taught the judge of others (`attribution.compare_judged`); where
it fails, that nothing tells the maps apart; where it succeeds, that a reader would see it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explaint_lib._common import ExplaintError


class BlindTest(NamedTuple):
    """The outcome for each division and sentence, (draw, sentence): chance is one half for both.

    `accuracy`: share of its two kinds of maps named rightly, one at a time. `forced_choice`: of a map of each
    kind side by side, is the right one called the second kind? (Ties count one half.)
    """

    accuracy: np.ndarray
    forced_choice: np.ndarray


def blind_test(
    first: np.ndarray, second: np.ndarray, *, n_draws: int = 10, rng: np.random.Generator, penalty: float = 1.0
) -> BlindTest:
    """Let a classifier tell two kinds of maps apart by their statistics alone.

    Parameters
    ----------
    first, second : (sentence, ...) or (sentence, map, ...) arrays
        Statistics of the two kinds, the same sentence in the same row. With three axes or more the second one
        lists maps, and each is judged by itself, as a reader judges a picture; the sentence's score is their
        mean. With two axes a sentence is judged once, by all its numbers.
    n_draws : int
        Random divisions of the sentences into halves; in each, either half is judged by a classifier that learnt
        from the other, so that no sentence is judged by one that saw it.
    rng : numpy.random.Generator
        Draws the divisions.
    penalty : float
        Inverse strength of the logistic regression's L2 penalty, fixed beforehand.

    Returns
    -------
    BlindTest

    Raises
    ------
    ExplaintError
        If the shapes differ, or there are fewer than 4 sentences or no draw.

    Warnings
    --------
    A row must not be a copy of another sentence's row of the other kind (a sentence that lends its states to a
    corruption of another): the copy is in the training set with the wrong name, and scores fall *below* chance.
    A classifier that fails has shown that these statistics do not tell the maps apart for a classifier of this
    kind, not that nothing does.

    Examples
    --------
    >>> from explaint_lib import attention
    >>> rng = np.random.default_rng(0)
    >>> sharp, flat = rng.random((20, 1)), rng.random((20, 1)) + 2  # one statistic a sentence
    >>> attention.blind_test(sharp, flat, rng=rng).forced_choice.mean().item()
    1.0
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    n = len(first)
    if first.shape != second.shape or first.ndim < 2 or n < 4 or n_draws < 1:
        raise ExplaintError(
            "expected two arrays of one shape (sentence, ...) with at least 4 sentences, and at least 1 draw; "
            f"found {first.shape}, {second.shape} and {n_draws} draws"
        )
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    single = first.ndim == 2
    both = np.stack([first, second]).reshape(2, n, 1 if single else first.shape[1], -1)  # (kind, sentence, map, f)
    both = both[..., np.isfinite(both).all(axis=(0, 1, 2))]
    solver = "lbfgs" if single else "newton-cholesky"  # the second is far faster for many maps and few numbers
    score = np.zeros((n_draws, *both.shape[:3]))
    for draw in range(n_draws):
        half_of = rng.permutation(n) % 2
        for half in range(2):
            train, test = both[:, half_of != half], both[:, half_of == half]
            # a single map has few numbers, and kinds may differ in their products ("sharp, and off the diagonal")
            steps = [] if single else [PolynomialFeatures(2, include_bias=False)]
            model = make_pipeline(StandardScaler(), *steps, LogisticRegression(C=penalty, max_iter=1000, solver=solver))
            kinds = np.broadcast_to(np.arange(2)[:, None, None], train.shape[:3])
            model.fit(train.reshape(-1, both.shape[3]), kinds.ravel())
            found = model.decision_function(test.reshape(-1, both.shape[3]))
            score[draw][:, half_of == half] = found.reshape(test.shape[:3])
    own, other = score[:, 0], score[:, 1]  # (draw, sentence, map)
    right = np.stack([(own < 0) + 0.5 * (own == 0), (other > 0) + 0.5 * (other == 0)])
    choice = 0.5 + 0.5 * np.sign(other - own)
    return BlindTest(right.mean(axis=(0, 3)), choice.mean(axis=2))
