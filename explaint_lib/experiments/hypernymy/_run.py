"""The hypernymy probe of Regneri et al. (2024), beside everything else that might reach its accuracy.

What it measures
    How well a linear probe on the attention between two nouns, in all layers and heads, tells a true
    hyponym-hypernym pair ("robin", "bird") from a false one ("robin", "vehicle").

What it controls for
    The same probe on the same folds with an untrained twin's attention, with the hypernym's identity, with the
    similarity of the two words' static vectors, with that of the model's own vectors of the words read one at a time,
    with positions and lengths, with word frequency, and with permuted labels; false pairs that leak the hypernym
    (``naive``, and those from WordNet) and that do not (``balanced``, ``near``); pairs, hyponyms, hypernyms or both
    held out; templates unseen in training. ``rivals`` are both similarities, position and frequency in one probe;
    ``rivals_and_attention`` adds attention to them. And another question, of the same features: does the *sentence*
    assert the relation, whether it is true or not ("said")?

What it does not license
    That the model uses what the probe finds. Accuracy is averaged over sentences of a pair first. Intervals are over
    hyponyms and hypernyms, and what was drawn again: folds, twins or templates. They cover no other set of nouns and no
    other model. With a few hypernyms they are wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tqdm import tqdm

from explaint_lib import probes, relations
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Twin
from explaint_lib.experiments.hypernymy._compared import PairScores
from explaint_lib.experiments.hypernymy._gather import Gathered, gather_hypernymy
from explaint_lib.experiments.hypernymy._scores import PENALTY, pair_scores
from explaint_lib.norms import FeatureNorms
from explaint_lib.results import Result, manifest, typed


def run_hypernymy(
    model_name: str,
    norms: FeatureNorms,
    *,
    negatives: Sequence[str] = ("naive", "balanced", "near"),
    splits: Sequence[str] = probes.SPLITS,
    groups: Sequence[str] = relations.GROUPS,
    max_per_hypernym: int = 20,
    untrained_seeds: int = 1,
    twin: Twin = "initialised",
    n_folds: int = 4,
    n_fold_draws: int = 10,
    seed: int = 0,
    revision: str | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> Result:
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
        Untrained twins. With one of them nobody knows how much twins differ, so that the comparison has no interval.
    twin : {"initialised", "permuted_weights"}
        Which twins; as in `load_encoder`.
    n_folds : int
    n_fold_draws : int
        Times that folds are drawn, each with labels permuted anew, and with the next twin and template: at least one
        for each of these.
    seed : int
        Draws pairs, folds, label permutations.
    revision, device
        As in `load_encoder`.
    progress : bool

    Returns
    -------
    Result
        ``rows``: model, question, predictor, negatives, split, templates, accuracy, ci_low, ci_high, chance, n (pairs),
        accuracy_unseen_template (attention: each affirmed template tested by a probe trained on the others, each
        other group by one trained on affirmed sentences). question is "relation" (true or false pair?) or, where all
        groups of sentences were run, "said" (does the sentence assert the relation? in a family of templates left out
        of training). twin: which one ``attention_untrained`` is of, else missing.

        ``tests``: model, negatives, split, question, predictor, control, twin, score, difference, se, df, ci_low,
        ci_high, p_value, n (hyponyms or hypernyms, the fewer), varied, draws. Attention minus each other predictor,
        minus chance, and minus itself in each other group of sentences; ``rivals_and_attention`` minus ``rivals``;
        attention in templates left out minus chance (question "left out"); of "said", attention minus chance, the
        twin, positions and the other words of the sentence. One-sided p, not corrected for the number of tests.

    Raises
    ------
    ExplaintError
        For a static model, norms without taxonomic features, unknown negatives or splits, or no untrained twin.

    Examples
    --------
    Of a model that is on this machine::

        found = run_hypernymy("minilm", load_norms("bundled"), max_per_hypernym=6)
        found.tests.query("predictor == 'rivals_and_attention'")

    >>> from explaint_lib.experiments.hypernymy import run_hypernymy
    >>> from explaint_lib.norms import load_norms
    >>> run_hypernymy("minilm", load_norms("bundled"), splits=["word"])
    Traceback (most recent call last):
    explaint_lib._common.ExplaintError: expected splits of pair, hyponym, hypernym, neither; found word
    """
    wrong = [split for split in splits if split not in probes.SPLITS]
    if wrong:
        raise ExplaintError(f"expected splits of {', '.join(probes.SPLITS)}; found {', '.join(wrong)}")
    gathered = gather_hypernymy(
        model_name,
        norms,
        negatives=negatives,
        groups=groups,
        max_per_hypernym=max_per_hypernym,
        untrained_seeds=untrained_seeds,
        twin=twin,
        seed=seed,
        revision=revision,
        device=device,
        progress=progress,
    )
    return score_hypernymy(gathered, splits=splits, n_folds=n_folds, n_fold_draws=n_fold_draws, progress=progress)


def score_hypernymy(
    gathered: Gathered,
    *,
    splits: Sequence[str] = probes.SPLITS,
    n_folds: int = 4,
    n_fold_draws: int = 10,
    progress: bool = False,
) -> Result:
    """Return what `run_hypernymy` does, of features that are there already: the quick half.

    Parameters
    ----------
    gathered : Gathered
        From `gather_hypernymy` or `planted_world`.
    splits, n_folds, n_fold_draws, progress
        As in `run_hypernymy`.

    Examples
    --------
    >>> from explaint_lib.experiments import hypernymy
    >>> from explaint_lib.norms import load_norms
    >>> _, sets = hypernymy.make_pair_sets(load_norms("bundled"), negatives=["balanced"], max_per_hypernym=4)
    >>> world = hypernymy.planted_world(sets, "relation", rng=np.random.default_rng(0))
    >>> found = hypernymy.score_hypernymy(world, splits=["pair"], n_fold_draws=5)
    >>> bool(found.rows.set_index("predictor").accuracy["attention"] > 0.9)
    True
    >>> adds = found.tests[found.tests.predictor == "rivals_and_attention"].squeeze()
    >>> bool(adds.ci_low > 0)  # beyond what the similarity of the two words tells
    True
    """
    scores = fit_probes(gathered, splits=splits, n_folds=n_folds, n_fold_draws=n_fold_draws, progress=progress)
    return summarise(gathered, scores, n_folds=n_folds)


def fit_probes(
    gathered: Gathered,
    *,
    splits: Sequence[str] = probes.SPLITS,
    n_folds: int = 4,
    n_fold_draws: int = 10,
    progress: bool = False,
) -> dict[tuple[str, str], PairScores]:
    """Return the scores of each kind of false pairs and each split, (negatives, split), for comparisons.

    Parameters and errors as `run_hypernymy`.

    Examples
    --------
    >>> from explaint_lib.experiments import hypernymy
    >>> from explaint_lib.norms import load_norms
    >>> _, sets = hypernymy.make_pair_sets(load_norms("bundled"), negatives=["balanced"], max_per_hypernym=4)
    >>> world = hypernymy.planted_world(sets, "nothing", rng=np.random.default_rng(0))
    >>> list(hypernymy.fit_probes(world, splits=["pair"], n_fold_draws=5))
    [('balanced', 'pair')]
    """
    work = [(name, split) for name in gathered.features for split in splits]
    return {
        (name, split): pair_scores(
            gathered.features[name], split, n_folds=n_folds, n_fold_draws=n_fold_draws, seed=gathered.seed
        )
        for name, split in tqdm(work, desc="probes", disable=not progress, leave=False)
    }


def summarise(gathered: Gathered, scores: Mapping[tuple[str, str], PairScores], *, n_folds: int = 4) -> Result:
    """Return what `run_hypernymy` does, of probes that are fitted already.

    Parameters
    ----------
    gathered : Gathered
    scores : mapping
        From `fit_probes`.
    n_folds : int
        With which they were fitted.

    Examples
    --------
    >>> from explaint_lib.experiments import hypernymy
    >>> from explaint_lib.norms import load_norms
    >>> _, sets = hypernymy.make_pair_sets(load_norms("bundled"), negatives=["balanced"], max_per_hypernym=4)
    >>> world = hypernymy.planted_world(sets, "nothing", rng=np.random.default_rng(0))
    >>> scores = hypernymy.fit_probes(world, splits=["pair"], n_fold_draws=5)
    >>> len(hypernymy.summarise(world, scores).rows)
    10
    """
    shared = {"model": gathered.model["name"]}
    arguments = gathered.arguments | {
        "splits": list(dict.fromkeys(split for _, split in scores)),
        "n_folds": n_folds,
        "n_fold_draws": max(one.n_fold_draws for one in scores.values()),
        "probe_penalty": PENALTY,
    }
    about = manifest(data=gathered.facts, model=gathered.model, arguments=arguments, seed=gathered.seed)
    twins = {"attention_untrained": gathered.arguments.get("twin")}  # of a planted world there is none
    rows = [shared | row | {"twin": twins.get(row["predictor"])} for one in scores.values() for row in one.rows()]
    tests = [shared | test | {"twin": twins.get(test["control"])} for one in scores.values() for test in one.tests()]
    return Result("hypernymy", about, typed(rows), typed(tests))
