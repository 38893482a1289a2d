"""The hypernymy probe of Regneri et al. (2024), beside everything else that might reach its accuracy.

What it measures
    How well a linear probe on the attention between two nouns, in all layers and heads, tells a true
    hyponym-hypernym pair ("robin", "bird") from a false one ("robin", "vehicle").

What it controls for
    The same probe on the same folds with an untrained twin's attention, with the hypernym's identity, with the
    similarity of the two words' static vectors, with that of the model's own vectors of the words read one at a time,
    with positions and lengths, with word frequency, and with permuted
    labels; false pairs that leak the hypernym (``naive``, and those from WordNet) and that do not (``balanced``,
    ``near``); pairs, hyponyms, hypernyms or both held out; sentences that affirm, deny, reverse or do not mention the
    relation; templates unseen in training. ``rivals`` are both similarities, position and frequency in one probe;
    ``rivals_and_attention`` adds attention to them.

What it does not license
    That the model uses what the probe finds. Accuracy is averaged over sentences of a pair first, and intervals
    resample hypernyms with all their pairs; they cover no other set of nouns and no other model. With a few hypernyms
    they are rough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from explaint_lib import probes, relations
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import load_encoder
from explaint_lib.experiments.hypernymy._features import KNOWS, Features, gather, planted_features
from explaint_lib.experiments.hypernymy._scores import LABEL_DRAWS, PENALTY, PREDICTORS, scores, summarise
from explaint_lib.norms import FeatureNorms
from explaint_lib.results import manifest

__all__ = [
    "KNOWS",
    "NEGATIVES",
    "PREDICTORS",
    "Features",
    "Gathered",
    "gather_hypernymy",
    "make_pair_sets",
    "planted_features",
    "run_hypernymy",
    "score_hypernymy",
]

NEGATIVES = ("naive", "balanced", "near", *relations.WORDNET)

_KNOWN = 3.0  # Zipf frequency, about once in a million words


def make_pair_sets(
    norms: FeatureNorms,
    *,
    negatives: Sequence[str] = ("naive", "balanced", "near"),
    max_per_hypernym: int = 20,
    seed: int = 0,
) -> tuple[relations.Taxonomy, dict[str, relations.PairSet]]:
    """Read true pairs off norms and give them false ones.

    Parameters
    ----------
    norms : FeatureNorms
    negatives : sequence of names in `NEGATIVES`
    max_per_hypernym : int
        Of a hypernym with more hyponyms so many are drawn, so that "animal" does not decide every average.
    seed : int

    Raises
    ------
    ExplaintError
        For unknown negatives, WordNet not being installed, or norms without taxonomic features.
    """
    unknown = [name for name in negatives if name not in NEGATIVES]
    if unknown or not negatives:
        raise ExplaintError(f"negatives are some of {', '.join(NEGATIVES)}; found {', '.join(unknown) or 'none'}")
    taxonomy = relations.hypernym_pairs(norms)
    true = relations.at_most(taxonomy.pairs, max_per_hypernym, rng=np.random.default_rng(seed))
    makers = {"naive": relations.naive, "balanced": relations.balanced, "near": relations.near}
    sets = {}
    for name in negatives:
        rng = np.random.default_rng(seed + 1)
        if name in makers:
            sets[name] = makers[name](taxonomy, true, rng=rng)
        else:
            sets[name] = relations.wordnet_pairs(name, true, relations.load_wordnet(), rng=rng, known=_known)
    return taxonomy, sets


def run_hypernymy(
    model_name: str,
    norms: FeatureNorms,
    *,
    negatives: Sequence[str] = ("naive", "balanced", "near"),
    splits: Sequence[str] = probes.SPLITS,
    groups: Sequence[str] = relations.GROUPS,
    max_per_hypernym: int = 20,
    untrained_seeds: int = 1,
    n_folds: int = 4,
    n_boot: int = 1000,
    seed: int = 0,
    revision: str | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> dict[str, Any]:
    """Score attention and its rivals at telling true from false pairs.

    Parameters
    ----------
    model_name : str
        A name `load_encoder` takes; not a static model, which has no attention.
    norms : FeatureNorms
        With taxonomic features: bundled, or McRae's.
    negatives : sequence of names in `NEGATIVES`
    splits : sequence of "pair", "hyponym", "hypernym", "neither"
    groups : sequence of template groups
        "affirmed" is always run; the others with "balanced" negatives only (without those: with the first named).
    max_per_hypernym : int
        See `make_pair_sets`.
    untrained_seeds : int, at least 1
        Untrained twins; their accuracies are averaged pair by pair.
    n_folds : int
    n_boot : int
        Resamples of the hypernyms.
    seed : int
        Draws pairs, folds, label permutations, resamples.
    revision, device
        As in `load_encoder`.
    progress : bool

    Returns
    -------
    dict
        ``manifest``; ``rows``: dicts of model, predictor, negatives, split, templates, accuracy, ci_low, ci_high,
        chance, n (pairs), accuracy_unseen_template (each template tested by a probe trained on the *other* affirmed
        ones; None for predictors that see no sentence); ``differences``: attention minus each other predictor, minus
        chance, and minus itself in each other group of sentences; ``rivals_and_attention`` minus ``rivals``; with
        intervals over hypernyms and a one-sided p from flipping the sign of whole hypernyms.

    Raises
    ------
    ExplaintError
        For a static model, norms without taxonomic features, unknown negatives or splits, or no untrained twin.
    """
    wrong = [split for split in splits if split not in probes.SPLITS]
    if wrong:
        raise ExplaintError(f"expected splits of {', '.join(probes.SPLITS)}; found {', '.join(wrong)}")
    gathered = gather_hypernymy(
        model_name, norms, negatives=negatives, groups=groups, max_per_hypernym=max_per_hypernym,
        untrained_seeds=untrained_seeds, seed=seed, revision=revision, device=device, progress=progress,
    )  # fmt: skip
    rows, differences = score_hypernymy(
        model_name, gathered.features, splits=splits, n_folds=n_folds, n_boot=n_boot, seed=seed, progress=progress
    )
    arguments = gathered.arguments | {
        "splits": list(splits), "n_folds": n_folds, "n_boot": n_boot, "label_draws": LABEL_DRAWS,
        "probe_penalty": PENALTY,
    }  # fmt: skip
    about = manifest(data=norms.describe() | gathered.facts, model=gathered.model, arguments=arguments, seed=seed)
    return {"manifest": about, "rows": rows, "differences": differences}


@dataclass(frozen=True)
class Gathered:
    """The features of each set of pairs, and what the manifest says of them."""

    features: dict[str, Features]
    model: dict[str, Any]
    arguments: dict[str, Any]
    facts: dict[str, Any]


def gather_hypernymy(
    model_name: str,
    norms: FeatureNorms,
    *,
    negatives: Sequence[str] = ("naive", "balanced", "near"),
    groups: Sequence[str] = relations.GROUPS,
    max_per_hypernym: int = 20,
    untrained_seeds: int = 1,
    seed: int = 0,
    revision: str | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> Gathered:
    """Make the pairs, run the model and its untrained twins, and keep what every predictor may see.

    Parameters and errors as `run_hypernymy`, of which this is the slow half.
    """
    unknown = [group for group in groups if group not in relations.GROUPS]
    if unknown or untrained_seeds < 1:
        raise ExplaintError(
            f"expected template groups of {', '.join(relations.GROUPS)} and at least 1 untrained seed; found "
            f"{', '.join(unknown) or f'{untrained_seeds} untrained seeds'}"
        )
    taxonomy, sets = make_pair_sets(norms, negatives=negatives, max_per_hypernym=max_per_hypernym, seed=seed)
    groups = ["affirmed", *(group for group in relations.GROUPS if group in groups and group != "affirmed")]
    encoder = load_encoder(model_name, revision=revision, device=device, progress=progress)
    twins = (load_encoder(model_name, revision=revision, device=device, untrained=True, seed=twin)
             for twin in range(untrained_seeds))  # fmt: skip
    most = "balanced" if "balanced" in sets else next(iter(sets))
    shown = {name: groups if name == most else groups[:1] for name in sets}
    arguments = {
        "negatives": list(sets), "groups": groups, "max_per_hypernym": max_per_hypernym,
        "untrained_seeds": untrained_seeds, "family": encoder.family,
        "templates": {template.name: template.text for template in relations.TEMPLATES if template.group in groups},
    }  # fmt: skip
    facts = {"n_true_pairs_in_norms": len(taxonomy.pairs), "hypernyms": list(taxonomy.hypernyms)}
    facts |= {f"n_pairs_{name}": len(pairs.pairs) for name, pairs in sets.items()}
    return Gathered(gather(encoder, twins, sets, shown, progress=progress), encoder.describe(), arguments, facts)


def score_hypernymy(
    name: str,
    features: Mapping[str, Features],
    *,
    splits: Sequence[str] = probes.SPLITS,
    n_folds: int = 4,
    n_boot: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows and differences, as `run_hypernymy` does, of features that are there already.

    Parameters
    ----------
    name : str
        The model, or the planted world.
    features : mapping of negatives to Features
        From `gather_hypernymy` or `planted_features`.
    splits, n_folds, n_boot, seed, progress
        As in `run_hypernymy`.
    """
    rows, differences = [], []
    work = [(negatives, split) for negatives in features for split in splits]
    for negatives, split in tqdm(work, desc="probes", disable=not progress, leave=False):
        found = scores(features[negatives], split, n_folds=n_folds, seed=seed)
        more = summarise(name, features[negatives], split, *found, n_boot=n_boot, seed=seed)
        rows += more[0]
        differences += more[1]
    return rows, differences


def _known(word: str) -> bool:
    from wordfreq import zipf_frequency

    return zipf_frequency(word, "en") >= _KNOWN
