"""The slow half of the hypernymy experiment: the model and its untrained twins read every sentence once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explaint_lib import relations
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Encoder, Twin, load_encoder
from explaint_lib.experiments.hypernymy._features import PairFeatures, read_alone, similarities, word_features
from explaint_lib.experiments.hypernymy._pair_attention import pair_attention
from explaint_lib.experiments.hypernymy._pairs import make_pair_sets
from explaint_lib.norms import FeatureNorms


@dataclass(frozen=True)
class Gathered:
    """The features of each set of pairs, what the manifest says of them, and the seed from which all is drawn."""

    features: dict[str, PairFeatures]
    model: dict[str, Any]
    arguments: dict[str, Any]
    facts: dict[str, Any]
    seed: int


def gather_hypernymy(
    model_name: str,
    norms: FeatureNorms,
    *,
    negatives: Sequence[str] = ("naive", "balanced", "near"),
    groups: Sequence[str] = relations.GROUPS,
    max_per_hypernym: int = 20,
    untrained_seeds: int = 1,
    twin: Twin = "initialised",
    seed: int = 0,
    revision: str | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> Gathered:
    """Make the pairs, run the model and its untrained twins, and keep what every predictor may see.

    Parameters and errors as `run_hypernymy`, of which this is the slow half.

    Examples
    --------
    >>> from explaint_lib.experiments import hypernymy
    >>> from explaint_lib.norms import load_norms
    >>> hypernymy.gather_hypernymy("minilm", load_norms("bundled"), negatives=["unfair"])
    Traceback (most recent call last):
    explaint_lib._common.ExplaintError: negatives are some of naive, balanced, near, wordnet_similar, wordnet_level; \
found unfair
    """
    unknown = [group for group in groups if group not in relations.GROUPS]
    if unknown or untrained_seeds < 1:
        raise ExplaintError(
            f"expected template groups of {', '.join(relations.GROUPS)} and at least 1 untrained seed; found "
            f"{', '.join(unknown) or f'{untrained_seeds} untrained seeds'}"
        )
    taxonomy, sets = make_pair_sets(norms, negatives=negatives, max_per_hypernym=max_per_hypernym, seed=seed)
    wanted: list[relations.Group] = [
        "affirmed",
        *(group for group in relations.GROUPS if group in groups and group != "affirmed"),
    ]
    encoder = load_encoder(model_name, revision=revision, device=device, progress=progress)
    twins = (
        load_encoder(model_name, revision=revision, device=device, untrained=True, twin=twin, seed=number)
        for number in range(untrained_seeds)
    )
    most = "balanced" if "balanced" in sets else next(iter(sets))
    shown = {name: wanted if name == most else wanted[:1] for name in sets}
    arguments = {
        "negatives": list(sets), "groups": wanted, "max_per_hypernym": max_per_hypernym,
        "untrained_seeds": untrained_seeds, "twin": twin, "family": encoder.family,
        "templates": {template.name: template.text for template in relations.TEMPLATES if template.group in wanted},
    }  # fmt: skip
    facts = norms.describe() | {"n_true_pairs_in_norms": len(taxonomy.pairs), "hypernyms": list(taxonomy.hypernyms)}
    facts |= {f"n_pairs_{name}": len(pairs.pairs) for name, pairs in sets.items()}
    features = _features(encoder, twins, sets, shown, progress=progress)
    return Gathered(features, encoder.describe(), arguments, facts, seed)


def _features(
    encoder: Encoder,
    twins: Iterable[Encoder],
    sets: Mapping[str, relations.PairSet],
    groups: Mapping[str, Sequence[relations.Group]],
    *,
    progress: bool,
) -> dict[str, PairFeatures]:
    """Run the models over all sentences, each sentence once, and sort the features by set of pairs.

    `groups` names the groups of templates of each set, "affirmed" among them.
    """
    where: dict[tuple[relations.Template, relations.Pair], int] = {}
    for name, pairs in sets.items():
        for group in groups[name]:
            for template in relations.templates(group):
                for pair in pairs.pairs:
                    where.setdefault((template, pair), len(where))
    sentences = [relations.fill(template, *pair) for template, pair in where]
    trained = pair_attention(encoder, sentences, progress=progress)
    every = {pair for pairs in sets.values() for pair in pairs.pairs}
    similar, alone = similarities(encoder, every), read_alone(encoder, every)
    untrained = [pair_attention(twin, sentences, progress=progress)[:, :-4] for twin in twins]
    found = {}
    for name, pairs in sets.items():
        rows = {
            group: np.array(
                [[where[template, pair] for pair in pairs.pairs] for template in relations.templates(group)]
            )
            for group in groups[name]
        }
        found[name] = PairFeatures(
            pairs,
            {group: trained[at][..., :-4] for group, at in rows.items()},
            [{group: twin[at] for group, at in rows.items()} for twin in untrained],
            {group: _surface(trained[at][..., -4:]) for group, at in rows.items()},
            word_features(pairs)
            | {"word_similarity": np.array([similar[pair] for pair in pairs.pairs])}
            | {"own_vectors": np.array([alone[pair] for pair in pairs.pairs])},
        )
    return found


def _surface(columns: np.ndarray) -> np.ndarray:
    """Return positions, distance and lengths: (template, pair, 5)."""
    distance = columns[..., 1:2] - columns[..., 0:1]
    return np.concatenate([columns, np.abs(distance)], axis=-1).astype(np.float64)
