"""Claim files that the library writes: the commented example, and the book's standard claims of one model."""

from __future__ import annotations

import json
from typing import Any

from explaint_lib.audit._kinds import KINDS

_HEAD = """\
# Claims about a model, fixed before they are tested.   explaint audit THIS_FILE --out FOLDER
# The SHA-256 of this file stands in every output. Change it after results exist, and the outputs say so.
explaint_audit: 1   # version of this format
profile: {profile}       # quick: fewer draws; full: what may be published
{source}
"""
_MARGINS = """
# The smallest difference that would matter, by score. Fix it before you look. Left out: the margins of the library.
# smallest_effects:
#   F1@10: 0.02
#   Spearman per word: 0.02
"""
_LEAVE = """\
    # leave_out: [{control}]   # every control that could explain the claim away is run unless it is named here;
    # because: the reason           # a reason is needed, and it stands in the verdict
"""


def claim_file(
    *,
    model: str | None = None,
    revision: str | None = None,
    vectors: str | None = None,
    predictions: str | None = None,
    norms: str = "bundled",
    text: str | None = None,
    seed: int = 0,
    profile: str = "full",
    static: bool = False,
    commented: bool = False,
) -> str:
    """Return a claim file with the book's standard claims.

    Parameters
    ----------
    model, revision, vectors, predictions, norms, text, seed, profile
        As in the file; one of model, vectors and predictions.
    static : bool
        The model is a table of vectors: without the claims about layers and attention.
    commented : bool
        With every key explained, as `explaint audit --init` writes it.

    Returns
    -------
    str
        YAML; the same arguments give the same text.

    Examples
    --------
    >>> from explaint_lib import audit
    >>> print(audit.claim_file(model="minilm").splitlines()[4])
    model: "minilm"
    """
    given: dict[str, Any] = {"model": model, "revision": revision, "vectors": vectors, "predictions": predictions}
    given |= {"norms": norms, "text": text, "seed": seed}
    subject = "vectors" if model is None or static else "model"
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in given.items() if value is not None]
    parts = [_HEAD.format(profile=profile, source="\n".join(lines))]
    parts += [_MARGINS] if commented else []
    parts.append("\nclaims:\n")
    for kind in KINDS.values():
        if kind.needs == "model" and subject == "vectors":
            continue
        for number, options in enumerate(kind.standard):
            if commented and number == 0:
                parts.append(f"  # {kind.about}\n")
                parts += [f"  #   {key}: {one.about}\n" for key, one in kind.keys.items()]
            parts.append(f"  - type: {kind.name}\n")
            parts += [f"    {key}: {json.dumps(value)}\n" for key, value in options.items()]
            if commented and number == 0:
                parts.append(_LEAVE.format(control=kind.controls(_resolved(kind.name, options))[0].name))
    return "".join(parts)


def _resolved(name: str, options: Any) -> dict[str, Any]:
    return {key: one.default for key, one in KINDS[name].keys.items()} | dict(options)
