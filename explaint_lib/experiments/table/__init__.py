"""The paper's table: a mapper from word vectors to feature norms, beside what should not work as well."""

from __future__ import annotations

from explaint_lib.experiments.table._design import check_norms, say_one_vector, words_of_one_vector
from explaint_lib.experiments.table._published import PAPER_SCORES
from explaint_lib.experiments.table._run import fits, run_table

__all__ = ["PAPER_SCORES", "check_norms", "fits", "run_table", "say_one_vector", "words_of_one_vector"]
