"""Planted worlds of the hypernymy experiment: it is decided what attention knows of a pair, or of a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from explaint_lib import inference, relations
from explaint_lib._common import ExplaintError
from explaint_lib.experiments.hypernymy._compared import SAID_PREDICTORS, PairScores
from explaint_lib.experiments.hypernymy._features import PairFeatures, word_features
from explaint_lib.experiments.hypernymy._gather import Gathered
from explaint_lib.experiments.hypernymy._scores import pair_scores

#: What the heads of a planted world know: of a pair, of the sentence, or nothing.
KNOWS = ("relation", "similarity", "hypernym", "assertion", "nothing")


def planted_world(
    sets: Mapping[str, relations.PairSet],
    knows: str,
    *,
    twins_know: str = "nothing",
    n_twins: int = 1,
    groups: Sequence[relations.Group] = ("affirmed",),
    n_heads: int = 24,
    seed: int = 0,
    rng: np.random.Generator,
) -> Gathered:
    """Return what would have been gathered in a world in which it is decided what attention knows.

    In every world the similarity of the two words tells true from false pairs to some degree, as it does in real data,
    and every template moves every head by an amount of its own.

    Parameters
    ----------
    sets : mapping of negatives to PairSet
    knows : one of `KNOWS`
        What three of the heads hold: the similarity and, beyond it, the relation; the similarity and nothing else;
        how often this hypernym is right in these pairs; whether the sentence asserts the relation, of whatever pair;
        nothing. All other heads are noise.
    twins_know : one of `KNOWS`
        The same of the untrained twins.
    n_twins : int
    groups : sequence of template groups, "affirmed" among them
    n_heads : int
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
    (5, 152, 24)
    """
    unknown = [each for each in (knows, twins_know) if each not in KNOWS]
    if unknown:
        raise ExplaintError(f"the heads of a planted world know one of {', '.join(KNOWS)}; found {unknown[0]!r}")
    features = {}
    for name, pairs in sets.items():
        n, similarity = len(pairs.pairs), 1.8 * pairs.labels + rng.standard_normal(len(pairs.pairs))
        words = word_features(pairs)
        for kind in ("word_similarity", "own_vectors"):
            words[kind] = similarity[:, None] + 0.2 * rng.standard_normal((n, 2))
        trained = _heads(pairs, similarity, knows, groups, n_heads, rng)
        untrained = [_heads(pairs, similarity, twins_know, groups, n_heads, rng) for _ in range(n_twins)]
        features[name] = PairFeatures(pairs, trained, untrained, _surface(n, groups, rng), words)
    counts = {f"n_pairs_{name}": len(pairs.pairs) for name, pairs in sets.items()}
    arguments = {"negatives": list(sets), "groups": list(groups), "n_heads": n_heads}
    return Gathered(features, {"name": knows}, arguments, counts, seed)


def _heads(
    pairs: relations.PairSet,
    similarity: np.ndarray,
    knows: str,
    groups: Sequence[relations.Group],
    n_heads: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return the attention of a model that knows `knows`: group -> (template, pair, head)."""
    n, labels = len(pairs.pairs), pairs.labels
    codes = np.unique(pairs.hypernyms, return_inverse=True)[1]
    right = (np.bincount(codes, labels) / np.bincount(codes))[codes]
    made: dict[str, np.ndarray] = {}
    for group in groups:
        held = {
            "relation": similarity + 2 * labels,
            "similarity": similarity,
            "hypernym": 6 * right,
            "assertion": np.full(n, 6.0 * (group == "affirmed")),
            "nothing": np.zeros(n),
        }[knows]
        n_templates = len(relations.templates(group))
        heads = rng.standard_normal((n_templates, n, n_heads)) + rng.standard_normal((n_templates, 1, n_heads))
        heads[..., :3] = 0.5 * heads[..., :3] + held[:, None]
        made[group] = heads
    return made


def _surface(n: int, groups: Sequence[relations.Group], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return positions and lengths that depend on the template and on luck: group -> (template, pair, 5)."""
    counts = {str(group): len(relations.templates(group)) for group in groups}
    return {
        group: (rng.integers(0, 4, (k, n, 5)) + rng.integers(1, 6, (k, 1, 5))).astype(np.float64)
        for group, k in counts.items()
    }


def planted_comparisons(
    asks: str, *, truth: bool, n_hypernyms: int, rng: np.random.Generator, n_fold_draws: int = 5
) -> list[inference.Comparison]:
    """Return the comparisons of one question in a new world in which the answer is known.

    Parameters
    ----------
    asks : "relation", "training" or "said"
        Attention tells true from false pairs, better than each rival; more than untrained twins do; it tells sentences
        that assert the relation from others.
    truth : bool
        Whether that is so. Where it is not, attention holds what the rival holds: nothing (of frequency, position,
        identity), or the similarity of the two words; the untrained twins know what the trained model knows; attention
        knows the pair, whatever the sentence says.
    n_hypernyms : int
        The size of the world: as many hypernyms, with eight pairs each, half of them true.
    rng : numpy.random.Generator
    n_fold_draws : int

    Returns
    -------
    list of explaint_lib.inference.Comparison
        One for each control of the question, of five untrained twins where they take part.

    Raises
    ------
    ExplaintError
        For another question.

    Examples
    --------
    >>> from explaint_lib.experiments import hypernymy
    >>> rng = np.random.default_rng(0)
    >>> found = hypernymy.planted_comparisons("training", truth=True, n_hypernyms=10, rng=rng)
    >>> [one.control for one in found], bool(found[0].difference > 0.2)
    (['attention_untrained'], True)
    """
    if asks not in ("relation", "training", "said"):
        raise ExplaintError(f"the questions of hypernymy are relation, training and said; found {asks!r}")
    pairs = _made_up_pairs(n_hypernyms, rng)

    def scores(knows: str, twins_know: str = "nothing") -> PairScores:
        groups = relations.GROUPS if asks == "said" else ("affirmed",)
        world = planted_world({"balanced": pairs}, knows, twins_know=twins_know, n_twins=5, groups=groups, rng=rng)
        draws = int(rng.integers(2**31))
        return pair_scores(world.features["balanced"], "pair", n_folds=4, n_fold_draws=n_fold_draws, seed=draws)

    if asks == "said":
        world = scores("assertion" if truth else "relation")
        return [world.compare("attention", control, "said") for control in (*SAID_PREDICTORS[1:], "chance")]
    if asks == "training":
        return [scores("relation", "nothing" if truth else "relation").compare("attention", "attention_untrained")]
    knows = scores("relation")
    dull = ("chance", "permuted_labels", "hypernym_identity", "frequency", "position")
    nothing, similar = (knows, knows) if truth else (scores("nothing"), scores("similarity"))
    found = [nothing.compare("attention", control) for control in dull]
    found += [nothing.compare("attention", "chance", "left out")]
    found += [similar.compare("attention", control) for control in ("word_similarity", "own_vectors")]
    return [*found, similar.compare("rivals_and_attention", "rivals")]


def _made_up_pairs(n_hypernyms: int, rng: np.random.Generator) -> relations.PairSet:
    """Return pairs of made-up words in which every hypernym is four times right and four times wrong."""
    kinds = np.repeat(np.arange(n_hypernyms), 4)
    away = int(rng.integers(1, n_hypernyms))
    true = [relations.Pair(f"word{i}", f"kind{kind}") for i, kind in enumerate(kinds)]
    false = [relations.Pair(f"word{i}", f"kind{(kind + away) % n_hypernyms}") for i, kind in enumerate(kinds)]
    return relations.pair_set("balanced", true, false)
