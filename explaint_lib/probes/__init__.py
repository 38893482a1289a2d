"""Trained classifiers on attention, the control tasks they need, and tests of single heads. Arrays in, arrays out.

What it measures: what a linear probe can find in the attention between two words (`between`,
`probe_probabilities`), and which single heads tell classes apart or follow a relation (`max_t_heads`, `best_head`).
What it controls for: words known from training (`split_folds`), memory (`control_labels`), the training a probe needs
(`online_code_length`), the search over heads (max-T, two halves), fixed offsets. What it does not license: that the
model uses what a probe finds; decodable is not used.
"""

from explaint_lib.probes._features import between, word_attention
from explaint_lib.probes._heads import (
    BestHead,
    HeadTest,
    best_head,
    head_choices,
    max_t_heads,
    share_with_a_fitting_head,
)
from explaint_lib.probes._linear import (
    CodeLength,
    balanced_weights,
    control_labels,
    fit_probe,
    hits,
    online_code_length,
    probe_probabilities,
)
from explaint_lib.probes._splits import SPLITS, split_folds

__all__ = [
    "SPLITS",
    "BestHead",
    "CodeLength",
    "HeadTest",
    "balanced_weights",
    "best_head",
    "between",
    "control_labels",
    "fit_probe",
    "head_choices",
    "hits",
    "max_t_heads",
    "online_code_length",
    "probe_probabilities",
    "share_with_a_fitting_head",
    "split_folds",
    "word_attention",
]
