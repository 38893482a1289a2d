"""Many words with few features: neighbours, refits, and the table of as many words as the Lancaster norms have.

``python benchmarks/many_words.py --json FILE`` writes entries, and measures, as ``benchmarks/mapping.py`` does.
Ratings and vectors are synthetic, in the shape of the Lancaster norms.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from unittest import mock

import numpy as np
from mapping import COMPONENTS, DIMS, FOLDS, entry, median_time, report
from sklearn.cross_decomposition import PLSRegression

from explaint_lib._common import output_file
from explaint_lib.experiments.table import run_table
from explaint_lib.mappers import PLSR, CrossFit, make_folds
from explaint_lib.metrics import _neighbours, neighbour_overlap_at_k, retrieval_at_k
from explaint_lib.norms import FeatureNorms

MANY = (5000, 10000, 20000, 39707)  # words; the last is the size of the Lancaster norms
REFITS = 19
MEMORY_GB, SECONDS = 4.0, 600.0


def main() -> None:
    """Run every entry, print a line each, and write them to the file asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", type=output_file, help="where to write the entries")
    parser.add_argument("--table", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.table:
        print(json.dumps(_run_table()))
        return
    report((neighbours, many_words, table), chosen.json)


def ratings(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return word vectors (word, dim), six ratings (word, feature), and predictions of them."""
    rng = np.random.default_rng(6)
    Y = np.round(5 * rng.beta(1, 2, (n, 6)), 2)
    X = Y @ rng.standard_normal((6, DIMS)) / Y.std() / 6**0.5 + rng.standard_normal((n, DIMS))
    return X, Y, Y.mean(axis=0) + 0.4 * (Y - Y.mean(axis=0)) + 0.3 * rng.standard_normal(Y.shape)


def neighbours():
    """Time the neighbours of words with six ratings against a comparison of all pairs, and see how both grow."""

    def both(pred, Y):
        return np.stack([neighbour_overlap_at_k(pred, Y), retrieval_at_k(pred, Y)])

    ours, theirs, apart = [], [], 0.0
    for n in MANY:
        _, Y, pred = ratings(n)
        seconds, found = median_time(lambda pred=pred, Y=Y: both(pred, Y))
        ours.append(seconds)
        if n in MANY[:2]:  # all pairs of all words take minutes
            with mock.patch.object(_neighbours, "_by_tree", lambda *vectors: False):
                seconds, all_pairs = median_time(lambda pred=pred, Y=Y: both(pred, Y), 1)
            theirs.append(seconds)
            apart = max(apart, np.abs(found - all_pairs).max())
    slopes = [np.polyfit(np.log(MANY[: len(times)]), np.log(times), 1)[0] for times in (ours, theirs)]
    steps = ", ".join(f"{n}: {seconds:.2f} s" for n, seconds in zip(MANY, ours, strict=True))
    text = f"overlap and retrieval within {apart:.1e}; cost grows as words to the {slopes[0]:.2f}, {slopes[1]:.2f}"
    note = f"overlap and retrieval of a prediction; {steps}; compared at {MANY[1]} words"
    yield entry("neighbours_of_ratings", ours[1], note, "blocks of all pairs", theirs[1], text)


def many_words():
    """Time a refit of PLSR on as many words as Lancaster has against scikit-learn, and see how it grows."""
    times, firsts = [], []
    for n in MANY:
        X, Y, _ = ratings(n)
        folds = make_folds(n, FOLDS, rng=np.random.default_rng(0))
        shared = CrossFit(PLSR(COMPONENTS), X, folds)
        firsts.append(median_time(lambda shared=shared, Y=Y: shared.predict(Y), 1)[0])
        seconds, ours = median_time(lambda shared=shared, Y=Y: shared.predict(Y))
        times.append(seconds)
    train, test = folds != 0, folds == 0
    rival_s, theirs = median_time(lambda: PLSRegression(COMPONENTS).fit(X[train], Y[train]).predict(X[test]), 1)
    apart = np.abs(ours[test] - theirs).max() / Y.max()
    exponent = np.polyfit(np.log(MANY[1:]), np.log(times[1:]), 1)[0]
    steps = ", ".join(f"{n}: {seconds:.2f} s" for n, seconds in zip(MANY, times, strict=True))
    note = f"seconds a refit of {FOLDS} folds; {steps}; the first, what folds share included, {firsts[-1]:.1f} s"
    text = f"predictions of a fold within {apart:.1e} of the largest value; cost grows as words to the {exponent:.2f}"
    yield entry("many_words_plsr", times[-1], note, "scikit-learn PLSRegression, refitted", FOLDS * rival_s, text)


def table():
    """Measure time and peak memory of the whole table in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--table"], capture_output=True, text=True, check=True)
    seconds, gigabytes = json.loads(done.stdout.splitlines()[-1])
    kept = "under" if gigabytes < MEMORY_GB and seconds < SECONDS else "OVER"
    note = f"{MANY[-1]} words, all conditions, {REFITS} refits, {FOLDS} folds, all metrics, intervals"
    text = f"peak memory {gigabytes:.2f} GB; {kept} {MEMORY_GB:g} GB and {SECONDS / 60:.0f} minutes"
    yield entry("many_words_table", seconds, note, agreement=text)


def _run_table() -> tuple[float, float]:
    """Return the processor seconds of a table, and the gigabytes that the process held at most."""
    X, Y, _ = ratings(MANY[-1])
    words, features = ([f"{kind}{k}" for k in range(size)] for kind, size in zip("wf", Y.shape, strict=True))
    norms = FeatureNorms(words=words, features=features, values=Y, kind="dense", name="ratings", source="benchmark")
    start = time.process_time()
    run_table(norms, X, folds=FOLDS, permutations=REFITS)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return time.process_time() - start, peak / 1e9


if __name__ == "__main__":
    main()
