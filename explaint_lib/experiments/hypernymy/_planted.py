"""Planted worlds of the hypernymy experiment: it is decided what attention knows of a pair."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from explaint_lib import relations
from explaint_lib._common import ExplaintError
from explaint_lib.experiments.hypernymy._features import PairFeatures, word_features
from explaint_lib.experiments.hypernymy._gather import Gathered

#: What the heads of a planted world know of a pair.
KNOWS = ("relation", "similarity", "hypernym", "nothing")


def planted_world(
    sets: Mapping[str, relations.PairSet],
    knows: str,
    *,
    n_heads: int = 24,
    n_templates: int = 3,
    seed: int = 0,
    rng: np.random.Generator,
) -> Gathered:
    """Return what would have been gathered in a world in which it is decided what attention knows.

    In every world the similarity of the two words tells true from false pairs to some degree, as it does in real data.

    Parameters
    ----------
    sets : mapping of negatives to PairSet
    knows : one of `KNOWS`
        What three of the heads hold: the similarity and, beyond it, the relation; the similarity and nothing else;
        how often this hypernym is right in these pairs; nothing. All other heads are noise, as is the untrained twin.
    n_heads, n_templates : int
    seed : int
        From which `score_hypernymy` draws.
    rng : numpy.random.Generator
        Draws the features.

    Raises
    ------
    ExplaintError
        For another kind of knowledge.

    Examples
    --------
    >>> from explaint_lib.experiments import hypernymy
    >>> from explaint_lib.norms import load_norms
    >>> _, sets = hypernymy.make_pair_sets(load_norms("bundled"), negatives=["balanced"], max_per_hypernym=4)
    >>> world = hypernymy.planted_world(sets, "relation", rng=np.random.default_rng(0))
    >>> world.features["balanced"].attention["affirmed"].shape  # (template, pair, head)
    (3, 152, 24)
    """
    if knows not in KNOWS:
        raise ExplaintError(f"the heads of a planted world know one of {', '.join(KNOWS)}; found {knows!r}")
    features = {name: _planted_features(pairs, knows, n_heads, n_templates, rng=rng) for name, pairs in sets.items()}
    counts = {f"n_pairs_{name}": len(pairs.pairs) for name, pairs in sets.items()}
    arguments = {"negatives": list(sets), "groups": ["affirmed"], "n_heads": n_heads, "n_templates": n_templates}
    return Gathered(features, {"name": knows}, arguments, counts, seed)


def _planted_features(
    pairs: relations.PairSet, knows: str, n_heads: int, n_templates: int, rng: np.random.Generator
) -> PairFeatures:
    """Return the features of one set of pairs in a world where attention knows `knows`."""
    n, labels = len(pairs.pairs), pairs.labels
    similarity = 1.8 * labels + rng.standard_normal(n)
    codes = np.unique(pairs.hypernyms, return_inverse=True)[1]
    right = (np.bincount(codes, labels) / np.bincount(codes))[codes]
    known = {
        "relation": similarity + 2 * labels,
        "similarity": similarity,
        "hypernym": 6 * right,
        "nothing": np.zeros(n),
    }[knows]
    trained, untrained = rng.standard_normal((2, n_templates, n, n_heads))
    trained[..., :3] = 0.5 * trained[..., :3] + known[:, None]
    words = word_features(pairs)
    for name in ("word_similarity", "own_vectors"):
        words[name] = similarity[:, None] + 0.2 * rng.standard_normal((n, 2))
    surface = rng.integers(1, 6, size=(n_templates, n, 5)).astype(np.float64)
    return PairFeatures(pairs, {"affirmed": trained}, [untrained], surface, words)
