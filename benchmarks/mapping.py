"""How fast norms are mapped: PLSR, the five-condition table, permutation nulls, how cost grows, peak memory.

``python benchmarks/mapping.py --json FILE`` writes a list of ``{"name", "ours_s", "rival", "rival_s", "ratio",
"agreement", "note"}``. Rivals run in the same process on one thread, as ours do; seconds are processor time, which
other programs hardly disturb, each the median of at least three. Human norms are used where they are installed
(``explaint norms add``), else synthetic norms of the same shape and density; the note says which. The word vectors are
synthetic: 384 dimensions that carry the norms among noise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from scipy.linalg import blas
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits

from explaint_lib import controls
from explaint_lib._common import ExplaintError, output_file, write_json
from explaint_lib.experiments.table import run_table
from explaint_lib.mappers import PLSR, CrossFit, Ridge, _components, make_folds, make_mapper
from explaint_lib.metrics import f1_at_k
from explaint_lib.norms import FeatureNorms, load_norms

SHAPES = {"mcrae": (541, 2526, 0.0053), "buchanan": (3722, 3489, 0.0019)}  # words, features, share of cells
DIMS = 384
COMPONENTS = 50
FOLDS = 10
REPEATS = 3
MEMORY_GB = 2.0


def main() -> None:
    """Run every entry, print a line each, and write them to the file asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", type=output_file, help="where to write the entries")
    parser.add_argument("--memory-of-buchanan", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.memory_of_buchanan:
        print(json.dumps(_run_buchanan()))
        return
    warnings.filterwarnings("ignore", module="sklearn")
    warnings.filterwarnings("ignore", module="ikpls")
    report((plsr_fit, mcrae_table, permutations, lanczos, scaling, buchanan_memory), chosen.json)


def report(parts: Iterable[Callable[[], Iterable[dict[str, Any]]]], file: Path | None) -> None:
    """Run each part on one thread, print a line for each entry that it gives, and write all of them to `file`."""
    entries = []
    with threadpool_limits(1):
        for one in (entry for part in parts for entry in part()):
            entries.append(one)
            ratio = "" if one["ratio"] is None else f"{one['ratio']:6.1f}x"
            head = f"{one['name']:22}{one['ours_s']:9.3f} s {ratio:8}"
            print(f"{head} {one['agreement']} | {one['note']}", flush=True)
    if file:
        write_json(file, entries)


# --- data ---


def data(name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Return word vectors (word, dim), norms (word, feature), and what the norms are."""
    try:
        Y, what = load_norms(name).values, f"{name} norms"
    except ExplaintError:
        Y, what = synthetic_norms(*SHAPES[name]), f"synthetic norms of the shape and density of {name}"
    rng = np.random.default_rng(1)
    X = Y @ rng.standard_normal((Y.shape[1], DIMS)) / Y.std() / Y.shape[1] ** 0.5 + rng.standard_normal((len(Y), DIMS))
    return X, Y, what


def synthetic_norms(n: int, m: int, density: float) -> np.ndarray:
    """Return norms (n, m) in which most features belong to one word and a few to many."""
    rng = np.random.default_rng(0)
    owners = 1 / np.arange(1, m + 1)  # Zipf: scaled until the density is right
    low, high = 0.0, float(n * m)
    for _ in range(60):
        middle = (low + high) / 2
        counts = np.clip(np.round(owners * middle), 1, n // 4)
        low, high = (middle, high) if counts.sum() < density * n * m else (low, middle)
    Y = np.zeros((n, m))
    for j, count in enumerate(counts.astype(int)):
        Y[rng.choice(n, count, replace=False), j] = rng.integers(5, 30, count)
    for i in np.flatnonzero(~Y.any(axis=1)):
        Y[i, rng.integers(m)] = 5
    return Y


# --- measuring ---


def median_time(run: Callable[[], Any], repeats: int = REPEATS) -> tuple[float, Any]:
    """Return the median seconds of a call and its last result."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = run()
        times.append(time.process_time() - start)
    return float(np.median(times)), result


def entry(name, ours, note, rival=None, rival_s=None, agreement=None) -> dict[str, Any]:
    """Return one line of the report."""
    ratio = None if rival_s is None else rival_s / ours
    values = (name, ours, rival, rival_s, ratio, agreement, note)
    return dict(zip(("name", "ours_s", "rival", "rival_s", "ratio", "agreement", "note"), values, strict=True))


# --- entries ---


def plsr_fit():
    """Time one fit with 50 components against scikit-learn's PLSRegression, and against ikpls where installed."""
    X, Y, what = data("mcrae")
    X, Y = X[:487], Y[:487]
    ours_s, ours = median_time(lambda: PLSR(COMPONENTS).fit(X, Y))
    theirs_s, theirs = median_time(lambda: PLSRegression(COMPONENTS).fit(X, Y))
    note = f"487 x {DIMS} -> {Y.shape[1]}, {COMPONENTS} components; {what}"
    apart = np.abs(ours.predict(X) - theirs.predict(X)).max() / Y.max()
    text = f"predictions within {apart:.1e} of the largest value (its default tolerance stops early)"
    yield entry("plsr_fit", ours_s, note, "scikit-learn PLSRegression", theirs_s, text)
    try:
        from ikpls.numpy import PLS
    except ImportError:
        return
    theirs_s, theirs = median_time(lambda: PLS(algorithm=1, ddof=1).fit(X, Y, COMPONENTS))
    apart = np.abs(ours.predict(X) - theirs.predict(X, COMPONENTS)).max() / Y.max()
    text = f"predictions within {apart:.1e} of the largest value"
    yield entry("plsr_fit_ikpls", ours_s, note, "ikpls.numpy.PLS, algorithm 1", theirs_s, text)


def conditions(X: np.ndarray, Y: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return input and target of the paper's five conditions."""
    rng = np.random.default_rng(2)
    shuffled, noise = controls.shuffle_columns(Y, rng=rng), controls.random_like(Y, "sparse", rng=rng)
    return {
        "system": (X, Y),
        "upper_bound": (Y, Y),
        "shuffled": (X, shuffled),
        "shuffled_upper_bound": (shuffled, shuffled),
        "random": (X, noise),
    }


def mcrae_table():
    """Time the five conditions, ten folds each, against the same written plainly with scikit-learn."""
    X, Y, what = data("mcrae")
    folds = make_folds(len(X), FOLDS, rng=np.random.default_rng(0))
    cells = conditions(X, Y)

    def table():
        vectors = CrossFit(PLSR(COMPONENTS), X, folds)
        found = {}
        for name, (A, B) in cells.items():
            shared = vectors if A is X else CrossFit(PLSR(COMPONENTS), A, folds)
            found[name] = f1_at_k(shared.predict(B), B)
        return found

    ours_s, ours = median_time(table)
    total, apart = 0.0, 0.0
    for name, (A, B) in cells.items():
        times = []
        for fold in range(REPEATS):
            start = time.process_time()
            theirs = plain_fold(A, B, folds, fold)
            times.append(time.process_time() - start)
            apart = max(apart, abs(np.nanmean(theirs) - np.nanmean(ours[name][folds == fold])))
        total += FOLDS * float(np.median(times))
    note = f"5 conditions x {FOLDS} folds, {COMPONENTS} components, F1@10; {what}; "
    note += f"the rival's time is {FOLDS} times the median of {REPEATS} folds"
    agreement = f"mean F1@10 of a fold within {apart:.1e}"
    yield entry("mcrae_table", ours_s, note, "scikit-learn PLSRegression and argsort", total, agreement)


def plain_fold(X: np.ndarray, Y: np.ndarray, folds: np.ndarray, fold: int) -> np.ndarray:
    """Return F1@10 of one fold's words, as one would write it with scikit-learn."""
    train, test = folds != fold, folds == fold
    predicted = PLSRegression(COMPONENTS).fit(X[train], Y[train]).predict(X[test])
    top = np.argsort(-predicted, axis=1)[:, :10]
    gold = Y[test] > 0
    return 2 * np.take_along_axis(gold, top, axis=1).sum(axis=1) / (10 + gold.sum(axis=1))


def permutations():
    """Time a permutation of the pairing, the whole ten-fold fit repeated, against refitting with scikit-learn."""
    X, Y, what = data("mcrae")
    folds = make_folds(len(X), FOLDS, rng=np.random.default_rng(0))
    order = [np.random.default_rng(k).permutation(len(Y)) for k in range(12)]
    alphas = Ridge().alphas
    makers = {"ridge": lambda: RidgeCV(alphas), "plsr": lambda: PLSRegression(COMPONENTS)}
    for name, make in makers.items():
        shared = CrossFit(make_mapper(name, components=COMPONENTS), X, folds)
        shared.predict(Y)  # the X side, once for any number of permutations
        batches = [order[start : start + 4] for start in range(0, 12, 4)]

        def null(batch, shared=shared):
            return [np.nanmean(f1_at_k(shared.predict(Y[o]), Y[o])) for o in batch]

        times = [median_time(lambda batch=batch: null(batch), 1)[0] / len(batch) for batch in batches]
        target, rival = Y[order[0]], []
        for fold in range(REPEATS):
            train, test = folds != fold, folds == fold

            def refit(train=train, test=test, make=make, target=target):
                Xs = (X - X[train].mean(axis=0)) / X[train].std(axis=0, ddof=1)
                return make().fit(Xs[train], target[train]).predict(Xs[test])

            seconds, theirs = median_time(refit, 1)
            rival.append(seconds)
            apart = np.abs(shared.predict(target)[test] - theirs).max() / Y.max()
        ours_s = float(np.median(times))
        count = 999 if name == "ridge" else 99
        note = f"seconds a permutation of {FOLDS} folds with F1@10; {count} take {count * ours_s / 60:.1f} min; {what}"
        text = f"predictions of a fold within {apart:.1e} of the largest value"
        rival_name = f"scikit-learn {type(make()).__name__}, refitted in {FOLDS} folds"
        yield entry(f"permutation_{name}", ours_s, note, rival_name, FOLDS * float(np.median(rival)), text)


def lanczos():
    """Time a permutation of PLSR with our own Lanczos iteration against the same with scipy's ``eigsh``.

    This is why `explaint_lib.mappers._components` iterates by hand: with permuted targets the leading eigenvalues lie
    close together, and ARPACK, which restarts, needs more products.
    """
    X, Y, what = data("mcrae")
    shared = CrossFit(PLSR(COMPONENTS), X, make_folds(len(X), FOLDS, rng=np.random.default_rng(0)))
    shared.predict(Y)  # the X side, once for any number of permutations

    def by_eigsh(self, C):
        product = LinearOperator(C.shape, matvec=lambda v: blas.dsymv(1.0, C, v), dtype=np.float64)
        values, vectors = eigsh(product, k=1, which="LA", v0=self.basis[0], tol=0)
        return float(values[0]), vectors[:, 0]

    times, apart = [], 0.0
    for k in range(5):  # side by side, so that both meet the same load
        target = Y[np.random.default_rng(k).permutation(len(Y))]
        ours_s, ours = median_time(lambda target=target: shared.predict(target), 1)
        with mock.patch.object(_components._Lanczos, "dominant", by_eigsh):
            theirs_s, theirs = median_time(lambda target=target: shared.predict(target), 1)
        times.append((ours_s, theirs_s))
        apart = max(apart, np.abs(ours - theirs).max() / Y.max())
    ours_s, theirs_s = np.median(times, axis=0).tolist()
    text = f"predictions within {apart:.1e} of the largest value"
    note = f"seconds a permutation of {FOLDS} folds; {what}"
    yield entry("permutation_plsr_eigsh", ours_s, note, "scipy.sparse.linalg.eigsh", theirs_s, text)


def scaling():
    """Measure how the cost of a fit grows: the slope of log time over log size, from the sizes in the note."""
    X, Y, what = data("buchanan")
    folds = make_folds(541, FOLDS, rng=np.random.default_rng(0))
    small = CrossFit(PLSR(COMPONENTS), X[:541], folds)
    small.predict(Y[:541])
    rng = np.random.default_rng(0)
    axes = {
        "n": ((500, 1000, 2000, 3722), lambda k: PLSR(COMPONENTS).fit(X[:k], Y[:k, :2500])),
        "m": ((400, 800, 1600, 3489), lambda k: PLSR(COMPONENTS).fit(X[:1000], Y[:1000, :k])),
        "components": ((12, 25, 50, 100), lambda k: PLSR(k).fit(X[:1000], Y[:1000])),
        "permutations": (
            (1, 2, 4),
            lambda k: [small.predict(Y[:541][rng.permutation(541)]) for _ in range(k)],
        ),
    }
    for name, (sizes, run) in axes.items():
        times = [median_time(lambda size=size, run=run: run(size))[0] for size in sizes]
        exponent = np.polyfit(np.log(sizes), np.log(times), 1)[0]
        steps = ", ".join(f"{size}: {seconds:.3f} s" for size, seconds in zip(sizes, times, strict=True))
        text = f"cost grows as {name} to the {exponent:.2f}"
        yield entry(f"scaling_{name}", times[-1], f"{steps}; {what}", agreement=text)


def buchanan_memory():
    """Measure the peak memory of Buchanan's full table in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--memory-of-buchanan"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    verdict = "under" if found["gigabytes"] < MEMORY_GB else "OVER"
    note = f"all conditions, one draw each, {FOLDS} folds, six metrics, intervals; {found['what']}"
    text = f"peak memory {found['gigabytes']:.2f} GB, {verdict} {MEMORY_GB:g} GB"
    yield entry("buchanan_memory", found["seconds"], note, agreement=text)


def _run_buchanan() -> dict[str, Any]:
    import resource

    X, Y, what = data("buchanan")
    words, features = ([f"{kind}{k}" for k in range(size)] for kind, size in zip("wf", Y.shape, strict=True))
    start = time.process_time()
    norms = FeatureNorms(words=words, features=features, values=Y, kind="sparse", name="buchanan", source="benchmark")
    run_table(norms, X, folds=FOLDS, permutations=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"gigabytes": peak / 1e9, "seconds": time.process_time() - start, "what": what}


if __name__ == "__main__":
    main()
