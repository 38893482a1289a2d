"""The paper's table: a mapper from word vectors to feature norms, beside what should not work as well.

What it measures: six scores of cross-validated predictions under the five conditions of arXiv 2601.22928 and
under four more that decide how to read them (`explaint_lib.controls.CONDITIONS` says what each keeps). What it
controls for: the assignments of words to folds are the same in every condition, so differences are paired, and scores
are means over several of them; shuffles and permutations repeat the whole pipeline, fit included. What it does not
license: "system" above every control here shows that the vectors say something about *these* words beyond base rates.
It does not show knowledge of single words beyond their category, for which no control of this table is built.

All of it is a reconstruction from the papers' text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import psutil
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from explaint_lib._common import cost, notice
from explaint_lib.controls import CONDITIONS
from explaint_lib.experiments.table._design import (
    FEW_DRAWS,
    FOLD_DRAWS,
    Design,
    checked_vectors,
    draws_of,
    ordered,
    words_of_one_vector,
)
from explaint_lib.experiments.table._draws import Tally, closed_form, tally
from explaint_lib.experiments.table._significance import p_holm_floor, system_tests
from explaint_lib.inference import SIGN_FLIPS
from explaint_lib.metrics import left_out
from explaint_lib.norms import FeatureNorms
from explaint_lib.results import Result, manifest, typed

SHORT = 60  # seconds; what takes longer is said after the first fit


def run_table(
    norms: FeatureNorms,
    X: np.ndarray,
    *,
    model: str = "",
    layer: int | None = None,
    mapper: str = "plsr",
    components: int = 50,
    folds: int = 10,
    permutations: int = 99,
    bootstrap: int = 1000,
    seed: int = 0,
    fold_draws: int = FOLD_DRAWS,
    conditions: Sequence[str] | None = None,
    describe_model: dict[str, Any] | None = None,
    progress: bool = False,
) -> Result:
    """Score the mapper and its controls, with intervals over words and permutation tests.

    Parameters
    ----------
    norms : FeatureNorms
    X : (n_words, dim) array
        One vector a word, in the order of ``norms.words``.
    model, layer : str, int, optional
        Where the vectors come from; copied into the rows.
    mapper : {"plsr", "ffnn", "ridge", "mean"}
    components : int, at least 1
        Components of PLSR; bounded by the size and rank of each training fold.
    folds : int, from 2 to n_words
    permutations : int, at least 0
        Draws of the conditions that are refitted for the tests (`shuffled`, `permuted_pairing`). 0 makes no test; then
        five draws are made.
    bootstrap : int, at least 1
        Resamples of the words for each interval (95 %, percentile).
    seed : int, at least 0
        Every random number follows from it, each condition and draw having a stream of its own: more
        permutations change no other row.
    fold_draws : int, at least 1
        Assignments of the words to folds, over which the conditions that draw nothing else are averaged; those that are
        drawn anew take them in turn. The first is the one that a table of one assignment has.
    conditions : sequence of str, optional
        Names of `explaint_lib.controls.CONDITIONS`; default all. Tests need ``system`` among them.
    describe_model : dict, optional
        Goes into the manifest.
    progress : bool
        Show a bar on stderr, one step a cross-validated fit.

    Returns
    -------
    Result
        ``rows``, one a condition and metric: norms, model, layer, mapper, condition, metric, value, ci_low, ci_high,
        sd_folds (standard deviation of the value over assignments to folds, where nothing else was drawn), n_words,
        n_features, with the words and features that were scored, missing where undefined, for the metrics
        that the norms are not too small for (``metrics_left_out`` of the manifest says which are, and what these
        need); ``tests``: metric, control, p_value, p_holm, n_permutations, difference, se, df, n, one-sided (system
        above control), Holm over the controls of one metric: each metric is a claim of its own.

    Raises
    ------
    ExplaintError
        If the vectors do not match the norms or are not finite, or a number is out of range.

    Notes
    -----
    A row of a condition with several draws holds the mean over draws of each word's score, and the interval
    resamples the words of that mean. For Spearman over words every resample is scored anew, on five of
    the draws chosen in turn; where there are more draws than that the interval is slightly too wide. On
    sparse norms it scores features of at least ten words only (`explaint_lib.metrics.spearman_feature`);
    ``n_features`` says how many.

    Missing ratings: never a target. As *input* of the upper bounds they are filled with the mean of the
    training fold.

    Tests against `shuffled` and `permuted_pairing` compare the system's mean score with those of the draws.
    Against `mean_profile` the p is that of `explaint_lib.inference.compare`, over words and assignments to folds
    (``n_permutations`` is 0); with one assignment the signs of the words' paired differences are flipped (9999 times).
    Spearman over words has no score a word, so there the two predictions are swapped word by word
    (`permutations` times, in the first assignment to folds). ``se`` of a test is over words and assignments to folds;
    `explaint_lib.inference.comparisons` makes an interval of it. An interval of a row holds both, too.

    Warnings
    --------
    `mean_profile` scores *below* 0 on Spearman over words: a held-out word is missing from its own training
    mean, which is therefore low where the word is high. Read that column against `permuted_pairing` and 0.
    With B permutations no p is below 1 / (1 + B), and Holm multiplies it: the refitted tests cannot come out
    below ``manifest["p_holm_floor"]``.

    Examples
    --------
    >>> from explaint_lib.experiments import table
    >>> from explaint_lib.norms import load_norms
    >>> norms = load_norms("bundled")
    >>> X = np.random.default_rng(0).normal(size=(len(norms.words), 8))  # vectors that know nothing
    >>> found = table.run_table(norms, X, components=5, folds=3, permutations=3, bootstrap=9,
    ...                         conditions=["system", "mean_profile", "oracle"])
    >>> f1 = found.rows[found.rows.metric == "f1_at_10"].set_index("condition").value
    >>> bool(f1["system"] < f1["mean_profile"] < f1["oracle"])
    True
    >>> found.tests.control.unique().tolist()
    ['mean_profile']
    """
    numbers = {"components": components, "folds": folds, "permutations": permutations, "bootstrap": bootstrap}
    numbers |= {"fold_draws": fold_draws}
    X = checked_vectors(norms, X, **numbers, seed=seed)
    wanted = ordered(conditions)
    design = Design(
        norms,
        X,
        mapper=mapper,
        components=components,
        folds=folds,
        bootstrap=bootstrap,
        seed=seed,
        fold_draws=fold_draws,
    )
    draws = draws_of(wanted, permutations, fold_draws)
    # One thread: on matrices of this size several only wait for each other (measured: five times slower on a busy
    # machine), and the order of a sum, so its last digit, must not depend on how many processors there are.
    with threadpool_limits(1), tqdm(total=sum(draws.values()), unit="fit", disable=not progress) as bar:
        tallies: dict[str, Tally] = {}
        for name in draws:
            bar.set_description(name)
            tallies[name] = tally(design, CONDITIONS[name], draws[name], bar.update)
            if progress and len(tallies) == 1:
                _forecast(bar, design, tallies[name], draws, permutations)
        tests = system_tests(design, tallies, permutations) if permutations else []
    rows = [
        row
        for name in wanted
        for row in (tallies[name].rows(design) if name in tallies else closed_form(design, CONDITIONS[name]))
    ]
    names = {"norms": norms.name, "model": model, "layer": layer, "mapper": mapper}
    arguments = names | numbers | {"seed": seed, "conditions": wanted}
    about = manifest(data=norms.describe(), model=describe_model or {"name": model}, arguments=arguments, seed=seed)
    about |= {"draws": {name: n for name, n in draws.items() if CONDITIONS[name].several}}
    about |= {"sign_flips": SIGN_FLIPS, "p_holm_floor": p_holm_floor(tests)}
    about |= {"metrics_left_out": left_out(norms.values, kind=norms.kind)}
    about |= {"words_of_one_vector": words_of_one_vector(norms.word_forms, X)}
    return Result("table", about, typed([names | row for row in rows]), typed(tests))


def fits(conditions: Sequence[str] | None, permutations: int, fold_draws: int = FOLD_DRAWS) -> dict[str, int]:
    """Return how many cross-validated fits each condition takes: what a table costs.

    Parameters
    ----------
    conditions : sequence of str, or None for all
    permutations, fold_draws : int
        As in `run_table`.

    Examples
    --------
    >>> from explaint_lib.experiments import table
    >>> table.fits(["system", "shuffled", "random", "oracle"], permutations=99)
    {'system': 10, 'shuffled': 99, 'random': 5}
    """
    return draws_of(ordered(conditions), permutations, fold_draws)


def _forecast(bar: tqdm, design: Design, first: Tally, draws: Mapping[str, int], permutations: int) -> None:
    """Say what a long table will cost, from its first fit: a fit a draw, and few intervals a condition."""
    fit, interval = first.seconds
    seconds = fit * (sum(draws.values()) + permutations / 4)
    seconds += interval * sum(min(n, FEW_DRAWS) for n in draws.values())
    if seconds > SHORT:
        n, m = design.Y.shape
        needed = psutil.Process().memory_info().rss + 2.0 * design.Y.nbytes
        bar.clear()
        notice(f"{n} words x {m} features, {sum(draws.values())} fits: {cost(seconds, needed)}")
