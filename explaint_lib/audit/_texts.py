"""The sentences that claims about a model are tested on."""

from __future__ import annotations

from pathlib import Path

from explaint_lib._common import ExplaintError, text_lines
from explaint_lib.audit._claims import Claim

_SHORT = (5, 12)  # words of a sentence on which methods are run: fewer have nothing to rank, more take long


def sentences_of(claim: Claim) -> list[str]:
    """Return the sentences of the claim's text, or the bundled ones."""
    from explaint_lib.experiments.continuity import bundled_sentences

    if claim.source["text"] is None:
        return list(bundled_sentences())
    return [line.strip() for _, line in text_lines(Path(claim.source["text"]))]


def short_sentences(claim: Claim) -> list[str]:
    """Return those sentences on which methods are run."""
    return [one for one in sentences_of(claim) if _SHORT[0] <= len(one.split()) <= _SHORT[1]]


def check_sentences(claim: Claim) -> None:
    """Say before a model is loaded that a text has too few sentences for a claim.

    Raises
    ------
    ExplaintError
    """
    from explaint_lib.experiments.continuity import MIN_SENTENCES

    name, sentences = Path(claim.source["text"]).name, sentences_of(claim)
    different, short = len(set(sentences)), len(short_sentences(claim))
    if claim.kind.name == "position_keeps_token" and different < MIN_SENTENCES:
        raise ExplaintError(f"{name}: {claim.id} needs {MIN_SENTENCES} different sentences, found {different}")
    if claim.kind.name == "method_follows_effect" and short < 2:
        raise ExplaintError(f"{name}: {claim.id} needs 2 sentences of {_SHORT[0]} to {_SHORT[1]} words, found {short}")
