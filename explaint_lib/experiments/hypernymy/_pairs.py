"""The pairs of the experiment: true ones read off norms, and the kinds of false ones that are set beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explaint_lib import relations
from explaint_lib._common import ExplaintError
from explaint_lib.norms import FeatureNorms

#: Kinds of false pairs, those from WordNet last.
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
        For unknown negatives, WordNet neither in the cache nor to be fetched, or norms without taxonomic features.

    Examples
    --------
    >>> from explaint_lib.experiments import hypernymy
    >>> from explaint_lib.norms import load_norms
    >>> taxonomy, sets = hypernymy.make_pair_sets(load_norms("bundled"), negatives=["balanced"], max_per_hypernym=4)
    >>> len(taxonomy.pairs), len(taxonomy.hypernyms), len(sets["balanced"].pairs)
    (368, 19, 152)
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


def _known(word: str) -> bool:
    from wordfreq import zipf_frequency

    return zipf_frequency(word, "en") >= _KNOWN
