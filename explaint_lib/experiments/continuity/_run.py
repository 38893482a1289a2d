"""Four claims about tokens and positions, by layer, for a trained model and its untrained twins.

What it measures
    ``geometry`` and ``decodability`` from hidden states (`explaint_lib.continuity`), ``causal_locality`` and
    ``content_share`` by replacing tokens (`explaint_lib.attribution`), on the same sentences.

What it controls for
    Chance, item by item. Untrained twins: the same architecture and tokenizer with weights drawn as before
    training, or with the trained ones permuted within each tensor (`explaint_lib.encoders.load_encoder`); several
    seeds, with the same folds and the same replacements, so that the difference is paired. Intervals and p resample
    whole sentences, and the untrained seeds as well.

What it does not license
    One number for "continuity": the claims come apart, and the rows must be read by claim. The untrained
    twin is a comparison, not a zero point: it may keep tokens better than the trained model. With fewer than
    5 untrained seeds a difference is not a verdict. Intervals of maps do not cover a new draw of folds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Twin, load_encoder
from explaint_lib.experiments.continuity._measure import MeasuringPlan, measure, spread
from explaint_lib.experiments.continuity._scores import summarise
from explaint_lib.experiments.continuity._texts import check_cost, distinct, drawn, token_counts
from explaint_lib.results import Result, manifest, typed

_TOO_LITTLE_KNOWN = 0.5  # share of the letters that are inside unknown tokens, at most


def run_continuity(
    model_name: str,
    texts: Sequence[str],
    *,
    revision: str | None = None,
    seed: int = 0,
    untrained_seeds: int = 5,
    twin: Twin = "initialised",
    n_interventions: int = 120,
    max_layers: int | None = None,
    mlp_layers: int = 3,
    vocabulary_items: int = 300,
    n_boot: int = 1000,
    device: str = "cpu",
    labels: Sequence[str] | None = None,
    progress: bool = False,
) -> Result:
    """Score the four claims at every layer of a model and of its untrained twins.

    Parameters
    ----------
    model_name : str
        A name `load_encoder` takes; not a static model, which has no layers.
    texts : sequence of str
        Sentences, at least `MIN_SENTENCES` different ones. Repeated ones are used once: a map tested on a
        sentence it was fitted on proves nothing. Of more than 20,000 tokens so many are used, in whole sentences
        drawn with the seed (``n_texts_not_drawn`` of the manifest).
    revision, device
        As in `load_encoder`.
    seed : int
        Draws folds, replacements, and the bootstrap.
    untrained_seeds : int
        Untrained twins, seeds 0, 1, ...; their rows are means over twins. At least 5 for a verdict, 0 for
        none.
    twin : {"initialised", "permuted_weights"}
        Which twins; as in `load_encoder`.
    n_interventions : int
        Token replacements for each model. 120 give about +-.04; 0 leaves the causal claims out.
    max_layers : int, optional
        Measure at most so many layers, evenly spread from 0 to the last; for deep models. Default: all.
    mlp_layers : int
        The ``mlp`` rung is slow: at so many layers, evenly spread from 0 to the last, and one twin only; 0
        for none.
    vocabulary_items : int
        About how many positions are ranked against the whole vocabulary; 0 leaves these rows out.
    n_boot : int
        Bootstrap resamples.
    labels : sequence of str, optional
        How an error calls each text ("line 7"). Default: "text 0", ...
    progress : bool

    Returns
    -------
    Result
        ``rows``: model, untrained, twin (missing for the model itself), layer, claim, reference, candidates,
        similarity, metric, value, chance, ci_low, ci_high, n (positions, or replacements). `similarity`, `reference`
        and `candidates` are missing for the causal claims. Token types unseen in training have rows of their own, with
        ``_unseen_types`` at the end of `candidates`; see `explaint_lib.continuity.continuity_curve` for all of them.

        ``tests``: the same keys, with `control`, difference, se, df, ci_low, ci_high, p_value, n (sentences). The
        difference is that of the trained model to ``chance``, to ``one half`` (of the positions, or of the change; not
        for ``mrr``), and to its ``untrained`` twins, `untrained_seeds` of the kind `twin`. Interval and one-sided p
        (trained above control) are over whole sentences and over twins (`explaint_lib.inference.compare`), not
        corrected for the number of tests. One twin leaves nobody knowing how much twins vary: no interval, no p.

    Raises
    ------
    ExplaintError
        For a static model, too few sentences or layers, a text longer than the model takes, texts that are mostly
        unknown to its vocabulary, or more interventions than the sentences allow.

    Examples
    --------
    Of a model that is on this machine::

        found = run_continuity("minilm", bundled_sentences()[:40], untrained_seeds=1, n_interventions=20)
        found.tests.query("control == 'untrained' and claim == 'content_share'")

    >>> from explaint_lib.experiments.continuity import run_continuity
    >>> run_continuity("minilm", ["One sentence."])
    Traceback (most recent call last):
    explaint_lib._common.ExplaintError: continuity needs at least 20 different sentences, since maps are fitted on \
some and tested on others; found 1
    """
    sentences, names = distinct(texts, labels)
    encoder = load_encoder(model_name, revision=revision, device=device, progress=progress)
    lengths = token_counts(encoder, sentences, names)
    kept = drawn(lengths, seed)
    n_given, sentences = len(sentences), [sentences[i] for i in kept]
    unknown = encoder.unknown_tokens(sentences)
    if unknown.letters > _TOO_LITTLE_KNOWN:
        raise ExplaintError(
            f"{unknown.tokens} of {unknown.of} tokens of these texts, with {unknown.letters:.0%} of their letters, are "
            f"unknown to {encoder.name}: it cannot tell them apart, so nothing would be said of these texts. Give "
            "texts in a language of its vocabulary, or take a model that knows their script"
        )
    layers = spread(encoder.n_layers, encoder.n_layers + 1 if max_layers is None else max_layers)
    if not layers:
        raise ExplaintError(f"max_layers must be at least 1, found {max_layers}")
    about = encoder.describe()
    check_cost([lengths[i] for i in kept], n_given, encoder, len(layers), 1 + untrained_seeds, say=progress)
    plan = MeasuringPlan(seed, n_interventions, len(sentences), layers, mlp_layers, vocabulary_items, progress)
    trained = measure(encoder, sentences, plan)
    del encoder  # one model in memory at a time
    untrained = []
    for number in tqdm(range(untrained_seeds), desc="untrained twins", disable=not progress):
        model = load_encoder(model_name, revision=revision, device=device, untrained=True, twin=twin, seed=number)
        untrained.append(measure(model, sentences, replace(plan, mlp_layers=mlp_layers if number == 0 else 0)))
    rows, tests = summarise(model_name, trained, untrained, n_boot, np.random.default_rng(seed))
    rows = [row | {"twin": twin if row["untrained"] else None} for row in rows]
    tests = [test | {"twin": twin if test["control"] == "untrained" else None} for test in tests]
    arguments = {
        "untrained_seeds": untrained_seeds, "untrained_seeds_mlp": min(1, untrained_seeds), "twin": twin,
        "n_interventions": n_interventions, "layers": layers, "mlp_layers": mlp_layers, "n_boot": n_boot, "n_folds": 5,
        "first_position_left_out": about["family"] == "decoder",
    }  # fmt: skip
    data = {
        "n_texts": len(sentences), "n_repeated_texts_left_out": len(texts) - n_given,
        "n_texts_not_drawn": n_given - len(sentences),
        "n_tokens": unknown.of, "n_unknown_tokens": unknown.tokens,
        "sha256": hashlib.sha256("\n".join(sentences).encode()).hexdigest(),
    }  # fmt: skip
    return Result(
        "continuity", manifest(data=data, model=about, arguments=arguments, seed=seed), typed(rows), typed(tests)
    )
