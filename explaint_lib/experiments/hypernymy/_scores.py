"""The scores of the hypernymy experiment: every predictor on the same folds, pair by pair, then intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from explaint_lib import inference, probes
from explaint_lib.experiments.hypernymy._features import PairFeatures

#: In the order in which a reader asks; the last two are both similarities, position and frequency together, without and
#: with attention.
PREDICTORS = (
    "attention", "attention_untrained", "hypernym_identity", "word_similarity", "own_vectors", "position",
    "frequency", "permuted_labels", "rivals", "rivals_and_attention",
)  # fmt: skip

PENALTY = 10.0  # enough for hundreds of redundant heads, next to nothing for a handful of features
LABEL_DRAWS = 3

PairAccuracies = dict[
    tuple[str, str], np.ndarray
]  # (predictor, group of templates) -> (pair,) share of sentences right


class _ProbeTask(NamedTuple):
    """What all predictors of one set and one split share."""

    labels: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]
    balance: list[np.ndarray]


@threadpool_limits.wrap(limits=1)  # many small fits: threads would only get in each other's way
def pair_accuracies(
    data: PairFeatures, split: str, *, n_folds: int, seed: int
) -> tuple[PairAccuracies, PairAccuracies]:
    """Return the accuracies of every predictor, pair by pair: as trained, and on templates unseen in training."""
    pairs = data.pairs
    folds = probes.split_folds(
        split,
        pairs.hyponyms,
        pairs.hypernyms,
        matched_sets=np.tile(np.arange(len(pairs.pairs) // 2), 2),
        n_folds=n_folds,
        rng=np.random.default_rng(seed),
    )
    fair = pairs.negatives in ("balanced", "near")  # the others leak the hypernym, and are meant to
    task = _ProbeTask(pairs.labels, folds, [np.array(pairs.hyponyms), np.array(pairs.hypernyms)] if fair else [])
    affirmed = data.attention["affirmed"]
    known = np.concatenate([data.words[name] for name in ("word_similarity", "own_vectors", "frequency")], axis=-1)
    without = np.concatenate([data.surface, np.broadcast_to(known, (len(affirmed), *known.shape))], axis=-1)
    plain = {name: features[None] for name, features in data.words.items()}
    plain |= {"position": data.surface, "rivals": without}
    plain |= {"rivals_and_attention": np.concatenate([without, affirmed], axis=-1)}
    seen = {(name, "affirmed"): _accuracy(features, features, task) for name, features in plain.items()}
    unseen: PairAccuracies = {("position", "affirmed"): _left_out(data.surface, task)}
    for group, features in data.attention.items():
        seen["attention", group] = _accuracy(features, features, task)
        elsewhere = _left_out(affirmed, task) if group == "affirmed" else _accuracy(affirmed, features, task)
        unseen["attention", group] = elsewhere
    seen["attention_untrained", "affirmed"] = np.mean([_accuracy(x, x, task) for x in data.untrained], axis=0)
    unseen["attention_untrained", "affirmed"] = np.mean([_left_out(x, task) for x in data.untrained], axis=0)
    rng = np.random.default_rng(seed)
    draws = [task._replace(labels=_permuted(task, rng)) for _ in range(LABEL_DRAWS)]
    seen["permuted_labels", "affirmed"] = np.mean([_accuracy(affirmed, affirmed, draw) for draw in draws], axis=0)
    return seen, unseen


def _permuted(task: _ProbeTask, rng: np.random.Generator) -> np.ndarray:
    """Return labels exchanged at random between each true pair and its false partner: hyponyms stay balanced."""
    n = len(task.labels) // 2
    swap = np.tile(rng.integers(0, 2, size=n).astype(bool), 2)
    return task.labels ^ swap


def _accuracy(learn: np.ndarray, judge: np.ndarray, task: _ProbeTask) -> np.ndarray:
    """Return the share of sentences judged rightly, (pair,).

    `learn` and `judge` are features (template, pair, feature): the probe is trained on the pairs in training in all
    templates of the first, and judges the tested pairs in all templates of the second. Where both are the same array,
    each sentence stands in it twice, once on either side.
    """
    n_pairs, n_both = len(task.labels), len(learn) + len(judge)
    both = np.concatenate([learn, judge]).reshape(n_both * n_pairs, -1)  # (template * pair, feature)
    answers = np.tile(task.labels, n_both)
    starts = n_pairs * np.arange(n_both)[:, None]
    learned, judged = starts[: len(learn)], starts[len(learn) :]
    rows = [((learned + train).ravel(), (judged + test).ravel()) for train, test in task.folds]
    balance = [np.tile(words, n_both).tolist() for words in task.balance]
    found = probes.probe_probabilities(both, answers, rows, balance=balance, penalty=PENALTY)
    return probes.hits(found, answers).reshape(n_both, n_pairs)[len(learn) :].mean(axis=0)


def _left_out(features: np.ndarray, task: _ProbeTask) -> np.ndarray:
    """Return the same for each template judged by a probe trained on all the others, mean over templates."""
    rows = np.arange(len(features))
    return np.mean([_accuracy(features[rows != t], features[[t]], task) for t in rows], axis=0)


def summarise(
    model: str, data: PairFeatures, split: str, seen: PairAccuracies, unseen: PairAccuracies, *, n_boot: int, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows and tests; one seed, so that all resample the same hypernyms."""
    pairs, clusters = data.pairs, data.pairs.hypernyms
    shared = {"model": model, "negatives": pairs.negatives, "split": split}
    rows = []
    for (name, group), accuracy in sorted(seen.items(), key=lambda item: PREDICTORS.index(item[0][0])):
        low, high = inference.cluster_bootstrap_ci(accuracy, clusters, n_boot, rng=np.random.default_rng(seed))
        elsewhere = unseen.get((name, group))
        rows.append(
            {
                "model": model,
                "predictor": name,
                "negatives": pairs.negatives,
                "split": split,
                "templates": group,
                "accuracy": float(accuracy.mean()),
                "ci_low": low,
                "ci_high": high,
                "chance": 0.5,
                "n": len(accuracy),
                "accuracy_unseen_template": None if elsewhere is None else float(elsewhere.mean()),
            }
        )
    contrasts = [("attention", name) for name in PREDICTORS[1:-1]] + [("rivals_and_attention", "rivals")]
    tests = []
    for one, other in contrasts:
        gap = _gap(seen[one, "affirmed"], seen[other, "affirmed"], data)
        tests.append(shared | {"predictor": one, "control": other} | gap)
    levels: dict[str, np.ndarray | float] = {"chance": 0.5}
    levels |= {
        f"{group} sentences": other
        for (name, group), other in seen.items()
        if name == "attention" and group != "affirmed"
    }
    for name, level in levels.items():
        gap = _gap(seen["attention", "affirmed"], level, data)
        tests.append(shared | {"predictor": "attention", "control": name} | gap)
    return rows, tests


def _gap(scores: np.ndarray, others: np.ndarray | float, data: PairFeatures) -> dict[str, float]:
    """Return a mean difference with its interval and p: pairs that share a hyponym or a hypernym count as one draw."""
    pairs = data.pairs
    clusters = {"hyponym": pairs.hyponyms, "hypernym": pairs.hypernyms}
    found = inference.compare(scores, others, "", clusters=clusters)
    return found.numbers() | {"n": found.n}
