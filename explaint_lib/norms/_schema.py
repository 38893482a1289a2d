"""The one schema for any other norm table, and the options that say which of its columns hold what.

*Long*: one row a word and feature, with the columns `word`, `feature` and `value` (or `strength`), and optionally
`category` (of the word) and `feature_type`. *Wide*: one row a word, with the columns `word`, optionally `category`, and
one column of numbers a feature. Names of columns are read without case; `Columns` gives them other names. Other columns
of a long table are left aside and named in the notes. Other columns of a wide table are features and must hold
numbers, except those whose *name* says that they count or measure something else (`says_no_rating`: N, No, ID, Length,
Frequency, Rank, SD, SE, ...): they are left aside and named in the notes, unless they are named as ratings.

*Sparse or dense*, unless it is said: norms are **dense** (ratings; empty = missing) when some cell is
negative, when a cell of the table is empty or says na, or when every cell is filled and less than half of
them are 0. They are **sparse** (production strengths; 0 = not named) otherwise: in a long table a pair that
is not listed was not named, unless some value is negative or empty.

What it controls for: tables that mean something else than they say. What it does not license: the guess
above; look at what `explaint norms add` reports, and pass the kind if it guessed wrong.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from explaint_lib._common import ExplaintError
from explaint_lib.norms._checks import Table, one_form
from explaint_lib.norms._core import FeatureNorms
from explaint_lib.norms._faults import Kind
from explaint_lib.norms._text_files import MAX_CELLS

SCHEMA = (
    "expected either a long table with the columns word, feature, value (or strength) and optionally "
    "category, feature_type, or a wide table with word, optionally category, and one column of numbers a "
    "feature; --word, --feature, --value, --category and --ratings say which columns these are"
)

# What in the name of a column says that it holds no ratings: the whole name (without its separators), its last part
# (as in "Val.N"), or any of its parts (as in "V.SD.Sum" or "Freq_HAL")
_NO_RATING_NAMES = {
    "no", "nr", "id", "item", "index", "rank", "length", "len", "wordlength", "lengthletters", "letters", "nletters",
    "syllables", "nsyllables", "nsyll", "phonemes", "nphonemes", "nphon", "rt", "count", "total",
}  # fmt: skip
_NO_RATING_LAST_PARTS = {"n"}
_NO_RATING_PARTS = {
    "date",
    "time",
    "timestamp",
    "year",
    "sd",
    "se",
    "sem",
    "std",
    "stdev",
    "stddev",
    "freq",
    "frequency",
    "zipf",
    "subtlex",
}


class Columns(NamedTuple):
    """Which columns hold what, where a reader says so; an empty field leaves the column to the schema."""

    word: str | None = None
    feature: str | None = None
    value: str | None = None
    category: str | None = None
    ratings: tuple[str, ...] = ()

    def any_named(self) -> bool:
        """Tell whether a reader named any column."""
        return any(self)


NO_COLUMNS_NAMED = Columns()


def fits(columns: Sequence[str], named: Columns) -> bool:
    """Tell whether columns of these names make a table in the schema, as far as names can say."""
    if named.any_named():
        wanted = {name for field in named for name in ([field] if isinstance(field, str) else field or ())}
        return wanted <= set(columns) or {name.lower() for name in wanted} <= {name.lower() for name in columns}
    return "word" in {column.lower() for column in columns} and len(columns) > 1


def is_long(columns: Sequence[str], named: Columns = NO_COLUMNS_NAMED) -> bool:
    """Tell whether these columns are read as a long table."""
    lower = {column.lower() for column in columns}
    return not named.ratings and bool(named.feature or "feature" in lower)


def says_no_rating(column: str) -> bool:
    """Tell whether the name of a column says that it holds a count, a spread or a property of the word's string."""
    parts = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower())
    return (
        not _NO_RATING_PARTS.isdisjoint(parts)
        or parts[-1] in _NO_RATING_LAST_PARTS
        or "".join(parts) in _NO_RATING_NAMES
    )


def read_any(table: Table, *, kind: Kind | None = None, named: Columns = NO_COLUMNS_NAMED) -> FeatureNorms:
    """Read a table in the documented schema (see the module).

    Parameters
    ----------
    table : Table
        As `explaint_lib.norms._tables.read_table` gives it.
    kind : {"sparse", "dense"}, optional
        Overrides the rule of the module.
    named : Columns
        The columns a reader named.

    Raises
    ------
    ExplaintError
        With all that is wrong: columns that fit neither form, cells that are no numbers, pairs listed twice, a word
        with two categories.
    """
    if kind not in (None, "sparse", "dense"):
        raise ExplaintError(f"kind must be 'sparse' or 'dense', got {kind!r}")
    roles = _roles(table, named)
    if "word" not in roles:
        text = next((column for column in table.columns if table.is_text(column)), None)
        guess = f"; if the words are in {text!r}, pass --word {text}" if text else ""
        table.report(f"there is no column 'word'. {SCHEMA}; found {_first_columns(table.columns)}{guess}")
        table.check()
    if is_long(table.columns, named):
        return _read_long(table, roles, kind)
    return _read_wide(table, roles, kind, named.ratings)


def find_column(table: Table, name: str, option: str) -> str:
    """Return the column a reader named, exactly or without case.

    Raises
    ------
    ExplaintError
        For a name that no column has.
    """
    name = one_form(name)
    same = [name] if name in table.columns else [c for c in table.columns if c.lower() == name.lower()]
    if len(same) != 1:
        close = difflib.get_close_matches(name, table.columns, n=1)
        guess = f". Did you mean {close[0]!r}?" if close else ""
        table.report(f"--{option} names the column {name!r}, and the file has {_first_columns(table.columns)}{guess}")
        table.check()
    return same[0]


def _roles(table: Table, named: Columns) -> dict[str, str]:
    """Return which column plays which role: those a reader named, the others by their names."""
    by_name: dict[str, str] = {}
    for column in table.columns:
        if column.lower() in by_name:
            table.report(
                f"two columns differ only by upper and lower case: {by_name[column.lower()]!r} and {column!r}; "
                "rename one of them"
            )
        by_name.setdefault(column.lower(), column)
    known = ("word", "feature", "category", "feature_type")
    roles: dict[str, str] = {role: by_name[role] for role in known if role in by_name}
    value = next((by_name[name] for name in ("value", "strength") if name in by_name), None)
    if value is not None:
        roles["value"] = value
    for role in ("word", "feature", "value", "category"):
        if name := getattr(named, role):
            roles[role] = find_column(table, name, role)
    return roles


def _read_long(table: Table, roles: dict[str, str], kind: Kind | None) -> FeatureNorms:
    if "value" not in roles:
        table.report(
            "a long table needs a column 'value' or 'strength', or --value COLUMN. Found "
            f"{_first_columns(table.columns)}; if the table is wide, name its columns in --ratings"
        )
        table.check()
    words, features = table.labels(roles["word"], "word"), table.labels(roles["feature"], "feature")
    listed = table.numbers(roles["value"])
    table.impossible([roles["value"]], listed[:, None], one_scale=True)
    pairs = pd.DataFrame({"word": words, "feature": features})
    twice = np.flatnonzero(pairs.duplicated(keep=False) & (words != "") & (features != ""))
    if len(twice):
        table.report(
            f"{int(pairs.duplicated().sum())} pairs of word and feature are listed more than once, first "
            f"{(str(words[twice[0]]), str(features[twice[0]]))} ({table.where(twice)}); merge them, or tell homonyms "
            "apart with a hint"
        )
    categories = one_tag_each(table, words, roles.get("category"), "word", "category")
    types = one_tag_each(table, features, roles.get("feature_type"), "feature", "feature_type")
    table.check()
    row, word_labels = pd.factorize(words)
    column, feature_labels = pd.factorize(features)
    check_size(table, len(word_labels), len(feature_labels))
    values = np.full((len(word_labels), len(feature_labels)), np.nan)
    values[row, column] = listed
    if kind is None:
        ratings = np.isnan(listed).any() or (listed < 0).any()
        kind = "dense" if ratings or (len(listed) == values.size and _mostly_filled(values)) else "sparse"
    if kind == "sparse":
        if np.isnan(listed).any():
            empty = table.where(np.isnan(listed))
            table.report(f"column {roles['value']!r} has empty cells ({empty}); sparse norms need a number in each")
        values = np.nan_to_num(values, nan=0.0)  # not listed = not named
    aside = [label for label in table.columns if label not in roles.values()]
    return table.norms(
        word_labels,
        feature_labels,
        values,
        kind,
        categories=_tags(categories, word_labels),
        feature_types=_tags(types, feature_labels),
        notes=left_aside(aside),
    )


def _read_wide(table: Table, roles: dict[str, str], kind: Kind | None, ratings: tuple[str, ...]) -> FeatureNorms:
    taken = {roles["word"], roles.get("category")}
    others = [label for label in table.columns if label not in taken]
    if ratings:
        features = list(dict.fromkeys(find_column(table, name, "ratings") for name in ratings))
        why = ""
    else:
        features = [label for label in others if not says_no_rating(label) or table.is_text(label)]
        why = " (by their names, which say a count, a spread or a property of the word; --ratings takes them)"
    aside = [label for label in others if label not in features]
    if not features:
        table.report(
            f"no column holds a feature{f' ({left_aside(aside)[0]})' if aside else ''}. {SCHEMA}; found "
            f"{_first_columns(table.columns)}"
        )
        table.check()
    texts = [] if ratings else [label for label in features if table.is_text(label)]
    if texts:
        _report_texts(table, texts, [label for label in features if label not in texts], aside)
    features = [label for label in features if label not in texts]
    words = table.labels(roles["word"], "word")
    table.unique(words, "word")
    columns = [table.numbers(feature) for feature in features]
    if not columns:
        table.check()
    values = np.stack(columns, axis=1)  # (word, feature)
    if kind is None:
        kind = "dense" if np.isnan(values).any() or (values < 0).any() or _mostly_filled(values) else "sparse"
        _note_doubt(table, kind, values)
    table.impossible(features, values, one_scale=kind == "sparse" or not _mostly_filled(values))
    categories = table.labels(roles["category"], "category", blank=True) if "category" in roles else None
    return table.norms(
        words,
        features_in_one_form(table, features),
        values,
        kind,
        categories=None if categories is None else tuple(categories),
        notes=left_aside(aside, why),
    )


def _report_texts(table: Table, texts: list[str], numbers: list[str], aside: list[str]) -> None:
    """Report the columns of text of a wide table in one problem, with the options that solve it."""
    shown = []
    for label in texts[:10]:
        cells = table.cells[label].to_numpy(dtype=object)
        row = int(np.flatnonzero(cells != "")[0])
        shown.append(f"{label!r} ({cells[row]!r} in {table.where([row])})")
    listed = ",".join(numbers[:12]) + (",..." if len(numbers) > 12 else "") or "COLUMN,COLUMN"
    without = f"; by their names, {', '.join(aside[:12])} would be left aside" if aside else ""
    table.report(
        f"every column but word and category must hold numbers, and text is in {', '.join(shown)}"
        f"{', ...' if len(texts) > 10 else ''}; name the columns to take (--ratings {listed}), or the column of "
        f"categories (--category {texts[0]}){without}"
    )


def features_in_one_form(table: Table, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns as features, each in its one form; equal ones are reported."""
    names = Table(
        table.name, pd.DataFrame({"name": list(columns)}, dtype=object, index=range(1, len(columns) + 1)), "column"
    )
    labels = names.labels("name", "feature")
    names.unique(labels, "feature")
    for problem in names.problems:
        table.report(f"in the header, {problem}")
    return tuple(labels)


def one_tag_each(table: Table, owners: np.ndarray, column: str | None, owner: str, tag: str) -> dict[str, str] | None:
    """Return the one tag of each owner of a long table, None without such a column; two tags are reported."""
    if column is None:
        return None
    tags = table.labels(column, tag, blank=True)
    tagged = pd.DataFrame({"owner": owners, "tag": tags, "row": np.arange(len(owners))})
    tagged = tagged[tagged["tag"] != ""].drop_duplicates(["owner", "tag"])
    contradictory = tagged[tagged["owner"].duplicated(keep=False)]
    for name in contradictory["owner"].drop_duplicates()[:5]:
        rows = contradictory[contradictory["owner"] == name]
        table.report(
            f"the {owner} {name!r} has more than one {tag}: {', '.join(sorted(rows['tag'])[:3])} "
            f"({table.where(rows['row'].to_numpy())}); keep one"
        )
    return dict(zip(tagged["owner"], tagged["tag"], strict=True))


def left_aside(columns: Sequence[str], why: str = "", limit: int = 12) -> tuple[str, ...]:
    """Return the note that names the columns left aside, none where there are none."""
    if not columns:
        return ()
    more = f" and {len(columns) - limit} more" if len(columns) > limit else ""
    return (f"columns left aside{why}: {', '.join(columns[:limit])}{more}",)


def check_size(table: Table, n_words: int, n_features: int) -> None:
    """Refuse a table whose array of words x features would not fit into memory."""
    if n_words * n_features > MAX_CELLS:
        raise ExplaintError(
            f"{table.name}: {n_words:,} words x {n_features:,} features make {n_words * n_features:,} cells, the limit "
            f"is {MAX_CELLS:,}; leave out features that few words have"
        )


def _tags(tags: dict[str, str] | None, owners: Iterable[str]) -> tuple[str | None, ...] | None:
    return None if tags is None else tuple(tags.get(owner) for owner in owners)


def _mostly_filled(values: np.ndarray) -> bool:
    """Tell whether less than half of the cells are 0: ratings rather than production strengths."""
    return float((values == 0).mean()) < 0.5


def _note_doubt(table: Table, kind: Kind, values: np.ndarray) -> None:
    """Note a guess that one cell decides: a table of zeros, as of production strengths, with some empty cells."""
    empty = np.isnan(values)
    if kind == "dense" and empty.any() and not _mostly_filled(values) and not (values < 0).any():
        table.notes.append(
            f"read as ratings because {int(empty.sum())} cells are empty ({table.where(empty.any(axis=1))}), though "
            "most others are 0, as in production norms: if so, write 0 into them"
        )


def _first_columns(columns: Sequence[str], limit: int = 8) -> str:
    """Name the first columns of a table for a message."""
    return ", ".join(columns[:limit]) + (", ..." if len(columns) > limit else "")
