"""What a model can be used for: the contract at the door, and then each public entry point tried on a short text.

What it controls for: nothing is promised because of a model's name; every line is a measurement. What it does NOT
license: that a method runs on a model does not mean that its answer is right there; chapters 04 and 05 are about that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from explaint_lib import attention, attribution, encoders
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Check, Encoder, Finding, Limited, examine

TEXT = "The robin sang."
_NAMED = 8  # words that are shown


def check_model(
    name: str, *, revision: str | None = None, device: str = "cpu", progress: bool = False
) -> list[Finding]:
    """Examine a model as `load_encoder` does, and go on to what it can be used for.

    Parameters
    ----------
    name, revision, device, progress
        As in `load_encoder`.

    Returns
    -------
    list of Finding
        One a check; its result is "yes", "limited" or "refused". A model with a refusal is not loaded by anything.
    """
    try:
        model, findings = encoders.examine_model(name, revision=revision, device=device, progress=progress)
    except ExplaintError as fault:
        return [Finding("found", "refused", str(fault))]
    return findings + (examine(model, TRIALS) if isinstance(model, Encoder) else [])


def _words(encoder: Any) -> str:
    """Say how many of the words of the bundled norms the vocabulary can spell."""
    from explaint_lib.norms import load_norms

    words = load_norms("bundled").word_forms
    unknown = encoder.unknown_words(words)
    if not unknown:
        return f"can spell all {len(words)} words of the bundled norms"
    named = ", ".join(unknown[:_NAMED]) + (", ..." if len(unknown) > _NAMED else "")
    return Limited(f"cannot spell {len(unknown)} of the {len(words)} words of the bundled norms: {named}")


def _vectors(encoder: Any) -> str:
    words = [word for word in ("robin", "trout", "hammer") if word not in encoder.unknown_words([word])]
    if len(words) < 2:
        return Limited("cannot be tried on English words")
    vectors = encoder.word_vectors(words)
    if not np.isfinite(vectors).all() or len(np.unique(vectors, axis=0)) < len(words):
        raise ExplaintError(f"the vectors of {', '.join(words)} are not finite and different; use another model")
    return f"explaint table and sweep can use it; texts of up to {encoder.max_tokens} tokens"


def _reading(encoder: Any) -> str:
    if encoder.measured.no_attention:
        return Limited("not without attention")
    encoding = encoder.encode([TEXT])[0]
    attention.map_statistics(encoding.attention, causal=encoding.causal)
    attention.rollout(attention.mean_over_heads(encoding.attention))
    return "explaint hypernymy and the chapters on attention can use it"


def _ids(encoder: Any) -> np.ndarray:
    return encoder.encode([TEXT], hidden_states=False, attention=False)[0].token_ids


def _parts(encoder: Any) -> str:
    for part in attribution.layer_parts(encoder, _ids(encoder)):
        attention.alti(attention.LayerParts(**part))
    return "can be computed"


def _method(method: Callable[..., np.ndarray], encoder: Any, **options: Any) -> str:
    if not np.isfinite(method(encoder, _ids(encoder), **options)).all():
        raise ExplaintError("it gives numbers that are not finite")
    return "can be computed"


def _corrupted(encoder: Any) -> str:
    attribution.corrupted(encoder, [TEXT], encoder.n_layers // 2, lambda states: states)
    return "states can be edited between layers"


def _or_limited(of: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return a trial whose failure is a limit: the model serves without this method."""

    def trial(encoder: Any) -> str:
        try:
            return of(encoder)
        except ExplaintError as fault:
            return Limited(str(fault))
        except Exception as fault:  # an architecture that the method was never tried on
            return Limited(f"not made for a {type(encoder.model).__name__} ({type(fault).__name__})")

    return trial


_METHODS: dict[str, Callable[[Any], str]] = {
    "attention maps": _reading,
    "norm-weighted, ALTI": _parts,
    "value zeroing": partial(_method, attribution.value_zeroing),
    "leave one out": partial(_method, attribution.leave_one_out),
    "gradient x input": partial(_method, attribution.gradient_x_input),
    "hidden token attr.": lambda encoder: _method(
        attribution.hidden_token_attribution, encoder, n_samples=2, rng=np.random.default_rng(0)
    ),
    "corruptions": _corrupted,
}

#: What `check_model` tries once a model is in.
TRIALS = (
    Check("words", _words),
    Check("word vectors", _vectors),
    *(Check(title, _or_limited(of)) for title, of in _METHODS.items()),
)
