"""Audit: a claim about a model goes in, a verdict with known error rates comes out.

What it measures: claims of a closed list, each against every control that could explain it away, by the rule of
`explaint_lib.inference.verdicts`. What it controls for: claims worded after their results (a claim file is fixed
beforehand, and its hash stands in every output), controls left out (said in the verdict), several claims at once. What
it does not license: the word "understands"; each claim says what it could show at most.
"""

from __future__ import annotations

from explaint_lib.audit._claims import Claim, ClaimFile, parse_claims, read_claims
from explaint_lib.audit._example import claim_file
from explaint_lib.audit._kinds import KINDS
from explaint_lib.audit._report import OUTPUTS, write_outputs
from explaint_lib.audit._results import results_schema
from explaint_lib.audit._run import RESULTS, forecast, run_audit
from explaint_lib.audit._sources import read_predictions, read_vectors

__all__ = [
    "KINDS",
    "OUTPUTS",
    "RESULTS",
    "Claim",
    "ClaimFile",
    "claim_file",
    "forecast",
    "parse_claims",
    "read_claims",
    "read_predictions",
    "read_vectors",
    "results_schema",
    "run_audit",
    "write_outputs",
]
