"""What a paper printed, by norms, metric and condition: typed here once, to stand beside what a run gives."""

from __future__ import annotations

#: Printed in the table of arXiv 2601.22928 for another model: norms and metric to condition to mean score. For Binder's
#: ratings the paper gives a correlation without saying over what; it is taken to be over the ratings of a word.
PAPER_SCORES: dict[tuple[str, str], dict[str, float]] = {
    ("mcrae", "f1_at_10"): {
        "system": 0.25,
        "upper_bound": 0.27,
        "shuffled": 0.10,
        "shuffled_upper_bound": 0.13,
        "random": 0.01,
    },
    ("buchanan", "f1_at_10"): {
        "system": 0.18,
        "upper_bound": 0.22,
        "shuffled": 0.06,
        "shuffled_upper_bound": 0.11,
        "random": 0.01,
    },
    ("binder", "spearman_item"): {
        "system": 0.74,
        "upper_bound": 0.90,
        "shuffled": 0.30,
        "shuffled_upper_bound": 0.59,
        "random": 0.01,
    },
}
