"""The probes of the hypernymy experiment: every predictor on the same folds, pair by pair, in several draws of folds.

A draw has folds of its own, the next of the untrained twins, the next template (or family of templates) to leave out,
and labels permuted anew. So each of these varies between draws, and the comparison (`PairScores.compare`) can put it
into the error, at the price of one fit a draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from explaint_lib import probes, relations
from explaint_lib._common import ExplaintError
from explaint_lib.experiments.hypernymy._compared import PairScores
from explaint_lib.experiments.hypernymy._features import PairFeatures

PENALTY = 10.0  # enough for hundreds of redundant heads, next to nothing for a handful of features


class _ProbeTask(NamedTuple):
    """What all predictors of one set, one split and one draw share."""

    labels: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]
    balance: list[np.ndarray]


@threadpool_limits.wrap(limits=1)  # many small fits: threads would only get in each other's way
def pair_scores(data: PairFeatures, split: str, *, n_folds: int, n_fold_draws: int, seed: int) -> PairScores:
    """Return the accuracies of every predictor, draw by draw and pair by pair."""
    n_templates, n_twins = len(data.attention["affirmed"]), len(data.untrained)
    if n_fold_draws < max(n_templates, n_twins):
        raise ExplaintError(
            f"each of {n_templates} templates and {n_twins} untrained twins needs a draw of folds; found "
            f"n_fold_draws {n_fold_draws}"
        )
    pairs = data.pairs
    seen: dict[tuple[str, str], list[np.ndarray]] = {}
    unseen: dict[tuple[str, str], list[np.ndarray]] = {}
    said: dict[str, list[np.ndarray]] = {}
    fair = pairs.negatives in ("balanced", "near")  # the others leak the hypernym, and are meant to
    for draw in range(n_fold_draws):
        rng = np.random.default_rng([seed, draw])
        folds = probes.split_folds(
            split,
            pairs.hyponyms,
            pairs.hypernyms,
            matched_sets=np.tile(np.arange(len(pairs.pairs) // 2), 2),
            n_folds=n_folds,
            rng=rng,
        )
        task = _ProbeTask(pairs.labels, folds, [np.array(pairs.hyponyms), np.array(pairs.hypernyms)] if fair else [])
        for key, right in _seen(data, task, draw, rng):
            seen.setdefault(key, []).append(right)
        for key, right in _unseen(data, task, draw):
            unseen.setdefault(key, []).append(right)
        for predictor, right in _said(data, task, draw):
            said.setdefault(predictor, []).append(right)
    return PairScores(
        pairs,
        split,
        {key: np.array(each) for key, each in seen.items()},
        {key: np.array(each) for key, each in unseen.items()},
        {key: np.array(each) for key, each in said.items()},
        n_twins=n_twins,
        n_templates=n_templates,
    )


def _seen(
    data: PairFeatures, task: _ProbeTask, draw: int, rng: np.random.Generator
) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Yield (predictor, group of templates) and who is judged rightly, (pair,), by a probe of the same templates."""
    affirmed, surface = data.attention["affirmed"], data.surface["affirmed"]
    known = np.concatenate([data.words[name] for name in ("word_similarity", "own_vectors", "frequency")], axis=-1)
    without = np.concatenate([surface, np.broadcast_to(known, (len(affirmed), *known.shape))], axis=-1)
    plain = {name: features[None] for name, features in data.words.items()}
    plain |= {"position": surface, "rivals": without}
    plain |= {"rivals_and_attention": np.concatenate([without, affirmed], axis=-1)}
    plain |= {"attention_untrained": data.untrained[draw % len(data.untrained)]["affirmed"]}
    for name, features in plain.items():
        yield (name, "affirmed"), _accuracy(features, features, task)
    for group, features in data.attention.items():
        yield ("attention", group), _accuracy(features, features, task)
    drawn = task._replace(labels=_permuted(task, rng))
    yield ("permuted_labels", "affirmed"), _accuracy(affirmed, affirmed, drawn)


def _unseen(data: PairFeatures, task: _ProbeTask, draw: int) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Yield the same of sentences of a kind that the probe has never met: one affirmed template, or another group."""
    affirmed = data.attention["affirmed"]
    kept = np.arange(len(affirmed)) != draw % len(affirmed)
    if kept.any():
        yield ("attention", "affirmed"), _accuracy(affirmed[kept], affirmed[~kept], task)
    others = {group: features for group, features in data.attention.items() if group != "affirmed"}
    if others:  # one probe judges them all
        right = _judged(affirmed, np.concatenate(list(others.values())), task)
        ends = np.cumsum([len(features) for features in others.values()])[:-1]
        for group, part in zip(others, np.split(right, ends), strict=True):
            yield ("attention", group), part.mean(axis=0)


def _said(data: PairFeatures, task: _ProbeTask, draw: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield how well each predictor tells sentences that assert the relation of their nouns from others, (pair,).

    Of true and of false pairs alike: "a robin is a tool" asserts it. The family of templates that is tested has no
    sentence in training, and neither have the pairs. The mean over the asserting and the other sentences of a pair, so
    that an answer that is always the same gets one half.
    """
    if any(group not in data.attention for group in relations.GROUPS):
        return
    templates = [template for group in relations.GROUPS for template in relations.templates(group)]
    family = {name: i for i, names in enumerate(relations.FAMILIES) for name in names}
    held = np.array([family[template.name] == draw % len(relations.FAMILIES) for template in templates])
    neutral, asserts = (
        np.array([template.group == group for template in templates]) for group in ("neutral", "affirmed")
    )
    kept, n = ~held & ~(neutral & (held & neutral).any()), len(task.labels)  # "saw" would give a neutral one away
    frames = [set(relations.frame_words(template)) for template in templates]
    words = np.array([[word in frame for word in sorted(set.union(*frames))] for frame in frames], dtype=np.float64)
    twin = data.untrained[draw % len(data.untrained)]
    sees = {"frame_words": np.broadcast_to(words[:, None], (len(templates), n, words.shape[1]))}
    for name, groups in {"attention": data.attention, "attention_untrained": twin, "position": data.surface}.items():
        sees[name] = np.concatenate([groups[group] for group in relations.GROUPS])
    starts = n * np.arange(len(templates))[:, None]
    rows = [((starts[kept] + train).ravel(), (starts[held] + test).ravel()) for train, test in task.folds]
    answers, pair = np.repeat(asserts, n), np.tile(np.arange(n), len(templates))
    for name, features in sees.items():
        flat = features.reshape(len(answers), -1)
        found = probes.probe_probabilities(flat, answers, rows, balance=[pair.tolist()], penalty=PENALTY)
        right = probes.hits(found, answers).reshape(len(templates), n)
        yield name, (right[held & asserts].mean(axis=0) + right[held & ~asserts].mean(axis=0)) / 2


def _permuted(task: _ProbeTask, rng: np.random.Generator) -> np.ndarray:
    """Return labels exchanged at random between each true pair and its false partner: hyponyms stay balanced."""
    n = len(task.labels) // 2
    swap = np.tile(rng.integers(0, 2, size=n).astype(bool), 2)
    return task.labels ^ swap


def _accuracy(learn: np.ndarray, judge: np.ndarray, task: _ProbeTask) -> np.ndarray:
    """Return the share of sentences judged rightly, (pair,); see `_judged`."""
    return _judged(learn, judge, task).mean(axis=0)


def _judged(learn: np.ndarray, judge: np.ndarray, task: _ProbeTask) -> np.ndarray:
    """Return which sentences are judged rightly, (template, pair).

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
    return probes.hits(found, answers).reshape(n_both, n_pairs)[len(learn) :]
