"""Feature norms: which properties people (or we, for the teaching set) give to which words.

What is here: one type, `FeatureNorms`, and the readers that fill it from the bundled teaching norms, from the
published files of McRae, Buchanan and Binder (recognised by their columns, never by their names), and from
any table in one documented schema (`explaint_lib.norms.schema`).

What it controls for: the silent accidents of reading. Words are read as words ("null", "true" and "007" stay
what they are), missing ratings stay missing, homonyms keep their hint, a doubtful cell raises.

What it does not license: a feature absent from production norms was *not named often enough*, which is not
the same as false of the thing; and a score against one set of norms is not comparable with a score against
another.
"""

from explaint_lib.norms.core import FeatureNorms
from explaint_lib.norms.store import add, available, installed, load_norms

__all__ = ["FeatureNorms", "add", "available", "installed", "load_norms"]
