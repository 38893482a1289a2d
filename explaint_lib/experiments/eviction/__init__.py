"""Key-value eviction: a decoder's memory cut by a score, and what that costs the text that follows.

What it measures: the loss of a continuation, in nats per token, and how often its most likely token stays the same,
when each layer and head keeps equally many entries of its cache of the prefix, chosen by a policy: by attention, by the
length of keys, by age, at random. Entries are truly deleted. What it controls for: every policy keeps the same number
of entries, and sees nothing after the prefix; boundaries (first and last entries) are protected for all or for none.
What it does not license: a statement about long prompts or larger models, or about policies that decide anew at every
step.

The policies are those of H2O (arXiv:2306.14048), SnapKV (2404.14469), StreamingLLM (2309.17453), VATP (2406.12335) and
of key norms (2406.11430), reduced to their score.
"""

from __future__ import annotations

from explaint_lib.experiments.eviction._model import Continued, continue_text, read_prefix
from explaint_lib.experiments.eviction._policies import POLICIES, Cache, kept_entries
from explaint_lib.experiments.eviction._run import BOUNDARIES, FULL, FUTURE, GOES_ON, QUOTES, run_eviction
from explaint_lib.experiments.eviction._texts import Passage, bundled_passages

__all__ = [
    "BOUNDARIES",
    "FULL",
    "FUTURE",
    "GOES_ON",
    "POLICIES",
    "QUOTES",
    "Cache",
    "Continued",
    "Passage",
    "bundled_passages",
    "continue_text",
    "kept_entries",
    "read_prefix",
    "run_eviction",
]
