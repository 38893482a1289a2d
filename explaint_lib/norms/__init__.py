"""Feature norms: which properties people (or we, for the teaching set) give to which words.

What is here: one type, `FeatureNorms`, and the readers that fill it from the bundled teaching norms, from files as
their authors publish them (recognised by their columns, never by their names: `explaint_lib.norms._published` lists
them), and from any table in one documented schema (`explaint_lib.norms._schema`), whose columns may have any name.

What it controls for: the silent accidents of reading. Words are read as words ("null", "true" and "007" stay
what they are) in one form, missing ratings stay missing, homonyms keep their hint, a doubtful cell raises; all that is
wrong with a file is said at once, with its lines.

Norms travel whole: `relations.hypernym_pairs`, `experiments.table.run_table` and `check_norms`, and
`experiments.hypernymy.run_hypernymy` take a `FeatureNorms`; a grid names its norms and loads them itself. What computes
on arrays and knows nothing of words (`metrics`, `mappers`, `controls`, `plotting`) takes ``norms.values``, words x
features, and, where zeros and missing cells mean different things, ``kind=norms.kind``.

What it does not license: a feature absent from production norms was *not named often enough*, which is not
the same as false of the thing; and a score against one set of norms is not comparable with a score against
another.
"""

from explaint_lib.norms._core import FeatureNorms
from explaint_lib.norms._store import add, available, installed, load_norms

__all__ = ["FeatureNorms", "add", "available", "installed", "load_norms"]
