"""The one schema for any other norm table, in CSV, TSV, XLSX or Parquet.

*Long*: one row a word and feature, with the columns `word`, `feature` and `value` (or `strength`), and
optionally `category` (of the word) and `feature_type`. *Wide*: one row a word, with the columns `word`,
optionally `category`, and one column of numbers a feature. Names of columns are read without case; other
columns of a long table are left aside and named in the notes; other columns of a wide table are features and
must hold numbers.

*Sparse or dense*, unless it is said: norms are **dense** (ratings; empty = missing) when some cell is
negative, when a cell of the table is empty or says na, or when every cell is filled and less than half of
them are 0. They are **sparse** (production strengths; 0 = not named) otherwise: in a long table a pair that
is not listed was not named, unless some value is negative or empty.

What it controls for: tables that mean something else than they say. What it does not license: the guess
above; look at what `explaint norms add` reports, and pass the kind if it guessed wrong.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from explaint_lib._common import ExplaintError
from explaint_lib.norms.core import FeatureNorms, Kind
from explaint_lib.norms.tables import columns_by_lower_name, numbers

SCHEMA = (
    "expected either a long table with the columns word, feature, value (or strength) and optionally "
    "category, feature_type, or a wide table with word, optionally category, and one column of numbers a "
    "feature"
)


def read_any(table: pd.DataFrame, name: str, *, kind: Kind | None = None) -> FeatureNorms:
    """Read a table in the documented schema (see the module).

    Parameters
    ----------
    table : DataFrame of str
        As `explaint_lib.norms.tables.read_table` gives it.
    name : str
        The name the norms get.
    kind : {"sparse", "dense"}, optional
        Overrides the rule of the module.

    Raises
    ------
    ExplaintError
        For columns that fit neither form, cells that are no numbers, pairs listed twice, or a word with two
        categories.
    """
    if kind not in (None, "sparse", "dense"):
        raise ExplaintError(f"kind must be 'sparse' or 'dense', got {kind!r}")
    by = columns_by_lower_name(table)
    if len(by) < table.shape[1]:
        raise ExplaintError(f"{name}: two columns differ only by upper and lower case; rename one of them")
    if "word" not in by:
        raise ExplaintError(f"{name}: there is no column 'word'. {SCHEMA}; found {_first(table)}")
    if "feature" in by:
        return _read_long(table, by, name, kind)
    return _read_wide(table, by, name, kind)


def is_long(columns: list[str]) -> bool:
    """Tell whether these columns are read as a long table."""
    return {"word", "feature"} <= {column.lower() for column in columns}


def _read_long(table: pd.DataFrame, by: dict[str, str], name: str, kind: Kind | None) -> FeatureNorms:
    value = next((by[label] for label in ("value", "strength") if label in by), None)
    if value is None:
        raise ExplaintError(f"{name}: a long table needs a column 'value' or 'strength'. Found {_first(table)}")
    rows = pd.DataFrame({"word": table[by["word"]], "feature": table[by["feature"]]})
    for what in ("word", "feature"):
        blank = np.flatnonzero((rows[what] == "").to_numpy())
        if len(blank):
            raise ExplaintError(f"{name}: {len(blank)} rows have no {what}, first is data row {blank[0] + 1}")
    twice = rows[rows.duplicated()]
    if len(twice):
        word, feature = twice.iloc[0]
        raise ExplaintError(
            f"{name}: {len(twice)} pairs of word and feature are listed more than once, first ({word!r}, "
            f"{feature!r}); merge them, or tell homonyms apart with a hint"
        )
    row, words = pd.factorize(rows["word"])
    column, features = pd.factorize(rows["feature"])
    listed = numbers(table, value, name)
    values = np.full((len(words), len(features)), np.nan)
    values[row, column] = listed
    if kind is None:
        ratings = np.isnan(listed).any() or (listed < 0).any()
        kind = "dense" if ratings or (len(listed) == values.size and _mostly_filled(values)) else "sparse"
    if kind == "sparse":
        if np.isnan(listed).any():
            raise ExplaintError(f"{name}: column {value!r} has empty cells; sparse norms need a number in each")
        values = np.nan_to_num(values, nan=0.0)  # not listed = not named
    used = {by["word"], by["feature"], value, by.get("category"), by.get("feature_type")}
    aside = [str(label) for label in table.columns if label not in used]
    return FeatureNorms(
        name, tuple(words), tuple(features), values, kind,
        categories=_one_each(table, by, "word", "category", tuple(words), name),
        feature_types=_one_each(table, by, "feature", "feature_type", tuple(features), name),
        notes=(f"columns left aside: {', '.join(aside)}",) if aside else (),
    )  # fmt: skip


def _read_wide(table: pd.DataFrame, by: dict[str, str], name: str, kind: Kind | None) -> FeatureNorms:
    features = [str(label) for label in table.columns if str(label).lower() not in ("word", "category")]
    if not features:
        raise ExplaintError(f"{name}: no column holds a feature. {SCHEMA}; found {_first(table)}")
    values = np.stack([numbers(table, feature, name) for feature in features], axis=1)  # (word, feature)
    if kind is None:
        kind = "dense" if np.isnan(values).any() or (values < 0).any() or _mostly_filled(values) else "sparse"
    return FeatureNorms(
        name, tuple(table[by["word"]]), tuple(features), values, kind,
        categories=tuple(table[by["category"]]) if "category" in by else None,
    )  # fmt: skip


def _mostly_filled(values: np.ndarray) -> bool:
    """Tell whether less than half of the cells are 0: ratings rather than production strengths."""
    return float((values == 0).mean()) < 0.5


def _one_each(
    table: pd.DataFrame, by: dict[str, str], owner: str, tag: str, owners: tuple[str, ...], name: str
) -> tuple[str | None, ...] | None:
    """Return the one tag of each owner of a long table, None without such a column."""
    if tag not in by:
        return None
    told = pd.DataFrame({"owner": table[by[owner]], "tag": table[by[tag]]})
    told = told[told["tag"] != ""].drop_duplicates()
    torn = told[told["owner"].duplicated()]
    if len(torn):
        torn_owner = torn.iloc[0]["owner"]
        tags = sorted(told.loc[told["owner"] == torn_owner, "tag"])
        raise ExplaintError(f"{name}: the {owner} {torn_owner!r} has more than one {tag}: {', '.join(tags[:3])}")
    tags = dict(zip(told["owner"], told["tag"], strict=True))
    return tuple(tags.get(label) for label in owners)


def _first(table: pd.DataFrame, limit: int = 8) -> str:
    """Name the first columns of a table for a message."""
    labels = [str(label) for label in table.columns[:limit]]
    return ", ".join(labels) + (", ..." if table.shape[1] > limit else "")
