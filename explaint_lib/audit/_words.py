"""Numbers and notes of a claim in words, the same in every output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def number(value: Any, signed: bool = False) -> str:
    """Return a number as the outputs print it; "-" where there is none."""
    return "-" if value is None else f"{value:+.3f}" if signed else f"{value:.3f}"


def interval(row: Mapping[str, Any]) -> str:
    """Return "+0.100 [+0.061, +0.139]"."""
    text = number(row["difference"], signed=True)
    return text if row["ci_low"] is None else f"{text} [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"


def rates(row: Mapping[str, Any]) -> str:
    """Return the false-alarm rate and the power of a comparison, and at which size they were counted."""
    if row["power"] is None:
        return "never tried"
    return f"{row['false_alarm']:.0%}, {row['power']:.0%} (at {row['n_calibrated']})"


def notes(claim: Mapping[str, Any]) -> list[str]:
    """Return what a reader has to know of a claim beside its numbers."""
    said = [f"Left out: {one['control']}, because: {one['because']}" for one in claim["left_out"]]
    said += [f"Could not be run: {one['control']}, because {one['why']}." for one in claim["not_run"]]
    said += [
        f"Passed over: {name}. In planted worlds it said the same of true and of false claims, so it decides nothing."
        for name in claim["passed_over"]
    ]
    said += claim["notes"]
    if claim["stable"] is not None:
        said.append(f"Of the draws, {claim['stable']:.0%} alone would have given the same word.")
    return said


def changed(results: Mapping[str, Any]) -> str | None:
    """Return the sentence on a claim file that was changed after results existed; None where it was not."""
    earlier = results["claim_file"]["earlier"]
    if not earlier:
        return None
    return (
        f"The claim file was changed after results existed: this folder held results of {len(earlier)} other claim "
        f"file{'s' if len(earlier) > 1 else ''} (SHA-256 {', '.join(one[:12] for one in earlier)})."
    )
