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

from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from explaint_lib import probes, relations
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Twin
from explaint_lib.experiments.hypernymy._gather import Gathered, gather_hypernymy
from explaint_lib.experiments.hypernymy._scores import LABEL_DRAWS, PENALTY, pair_accuracies, summarise
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
    n_boot: int = 1000,
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
        Untrained twins; their accuracies are averaged pair by pair.
    twin : {"initialised", "permuted_weights"}
        Which twins; as in `load_encoder`.
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
    Result
        ``rows``: model, predictor, negatives, split, templates, accuracy, ci_low, ci_high, chance, n (pairs),
        accuracy_unseen_template (each template tested by a probe trained on the *other* affirmed ones; missing for
        predictors that see no sentence), twin (which one ``attention_untrained`` is of, else missing).

        ``tests``: model, negatives, split, predictor, control, twin, difference, ci_low, ci_high, p_value: attention
        minus each other predictor, minus chance, and minus itself in each other group of sentences;
        ``rivals_and_attention`` minus ``rivals``; with intervals over hypernyms and a one-sided p from flipping the
        sign of whole hypernyms, not corrected for the number of tests.

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
    return score_hypernymy(gathered, splits=splits, n_folds=n_folds, n_boot=n_boot, progress=progress)


def score_hypernymy(
    gathered: Gathered,
    *,
    splits: Sequence[str] = probes.SPLITS,
    n_folds: int = 4,
    n_boot: int = 1000,
    progress: bool = False,
) -> Result:
    """Return what `run_hypernymy` does, of features that are there already: the quick half.

    Parameters
    ----------
    gathered : Gathered
        From `gather_hypernymy` or `planted_world`.
    splits, n_folds, n_boot, progress
        As in `run_hypernymy`.

    Examples
    --------
    >>> from explaint_lib.experiments import hypernymy
    >>> from explaint_lib.norms import load_norms
    >>> _, sets = hypernymy.make_pair_sets(load_norms("bundled"), negatives=["balanced"], max_per_hypernym=4)
    >>> world = hypernymy.planted_world(sets, "relation", rng=np.random.default_rng(0))
    >>> found = hypernymy.score_hypernymy(world, splits=["pair"], n_boot=50)
    >>> bool(found.rows.set_index("predictor").accuracy["attention"] > 0.9)
    True
    >>> adds = found.tests[found.tests.predictor == "rivals_and_attention"].squeeze()
    >>> bool(adds.ci_low > 0)  # beyond what the similarity of the two words tells
    True
    """
    rows: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    name, seed = gathered.model["name"], gathered.seed
    work = [(features, split) for features in gathered.features.values() for split in splits]
    for features, split in tqdm(work, desc="probes", disable=not progress, leave=False):
        found = pair_accuracies(features, split, n_folds=n_folds, seed=seed)
        more = summarise(name, features, split, *found, n_boot=n_boot, seed=seed)
        rows += more[0]
        tests += more[1]
    twin = gathered.arguments.get("twin")  # of a planted world there is none
    rows = [row | {"twin": twin if row["predictor"] == "attention_untrained" else None} for row in rows]
    tests = [test | {"twin": twin if test["control"] == "attention_untrained" else None} for test in tests]
    arguments = gathered.arguments | {
        "splits": list(splits),
        "n_folds": n_folds,
        "n_boot": n_boot,
        "label_draws": LABEL_DRAWS,
        "probe_penalty": PENALTY,
    }
    about = manifest(data=gathered.facts, model=gathered.model, arguments=arguments, seed=seed)
    return Result("hypernymy", about, typed(rows), typed(tests))
