"""Read the published files of McRae, Buchanan and Binder, recognised by their columns, never by their names.

What it controls for: the known traps of these files. McRae frequencies are read as numbers (a released reader
leaves them as text). Binder's "na" stays missing (another fills it with 0, the lowest rating). Buchanan's cue
"true", which the spreadsheet holds as a truth value, stays a word.

What it does not license: comparing scores between the sets. They differ in words, in what counts as a
feature and in what a value means (participants of 30; per cent of participants; a mean rating from 0 to 6).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from explaint_lib._common import ExplaintError
from explaint_lib.norms.core import FeatureNorms
from explaint_lib.norms.tables import columns_by_lower_name, numbers

MCRAE = (
    "McRae, Cree, Seidenberg & McNorgan (2005), Semantic feature production norms for a large set of "
    "living and nonliving things, Behavior Research Methods 37, 547-559"
)
BUCHANAN = (
    "Buchanan, Valentine & Maxwell (2019), English semantic feature production norms: An extended database "
    "of 4436 concepts, Behavior Research Methods 51, 1849-1863"
)
BINDER = (
    "Binder et al. (2016), Toward a brain-based componential semantic representation, Cognitive "
    "Neuropsychology 33, 130-174"
)

# A superordinate must be named of so many words before it can be the category of one.
SUPERORDINATE_WORDS = 5

# The 65 ratings in the order of the file, below the domains of the article
BINDER_DOMAINS: dict[str, tuple[str, ...]] = {
    "vision": (
        "Vision", "Bright", "Dark", "Color", "Pattern", "Large", "Small", "Motion", "Biomotion", "Fast",
        "Slow", "Shape", "Complexity", "Face", "Body",
    ),
    "somatic": ("Touch", "Temperature", "Texture", "Weight", "Pain"),
    "audition": ("Audition", "Loud", "Low", "High", "Sound", "Music", "Speech"),
    "gustation": ("Taste",),
    "olfaction": ("Smell",),
    "motor": ("Head", "UpperLimb", "LowerLimb", "Practice"),
    "spatial": ("Landmark", "Path", "Scene", "Near", "Toward", "Away", "Number"),
    "temporal": ("Time", "Duration", "Long", "Short"),
    "causal": ("Caused", "Consequential"),
    "social": ("Social", "Human", "Communication", "Self"),
    "cognition": ("Cognition",),
    "emotion": (
        "Benefit", "Harm", "Pleasant", "Unpleasant", "Happy", "Sad", "Angry", "Disgusted", "Fearful",
        "Surprised",
    ),
    "drive": ("Drive", "Needs"),
    "attention": ("Attention", "Arousal"),
}  # fmt: skip
BINDER_RATINGS = tuple(rating for ratings in BINDER_DOMAINS.values() for rating in ratings)


class Layout(NamedTuple):
    """A published file: its label, the columns that give it away, and its reader."""

    label: str
    columns: tuple[str, ...]
    read: Callable[[pd.DataFrame, str], FeatureNorms]


def recognise(columns: Sequence[str]) -> Layout | None:
    """Return the published layout these column names belong to, None for any other table."""
    lower = {column.lower() for column in columns}
    return next((layout for layout in LAYOUTS if lower.issuperset(layout.columns)), None)


def read_mcrae(table: pd.DataFrame, name: str) -> FeatureNorms:
    """Read McRae et al. 2005: one row a concept and feature, `Prod_Freq` = participants of 30 who named it.

    A feature keeps the most frequent `BR_Label` of its rows (six features have two; ties go to the label of
    the higher production frequency). A pair listed twice keeps the larger frequency: adding could count a
    participant twice. The category of a word is its superordinate: of the taxonomic features (with
    `WB_Label` superordinate, where the file has that column) that at least `SUPERORDINATE_WORDS` words
    share, the one most participants named; ties go to the one fewer words share, the more specific. The
    article is cut off ("a_bird" gives "bird"); a word without such a feature has no category.
    """
    by = columns_by_lower_name(table)
    rows = pd.DataFrame(
        {
            "word": table[by["concept"]],
            "feature": table[by["feature"]],
            "type": table[by["br_label"]],
            "level": table[by["wb_label"]] if "wb_label" in by else "superordinate",
            "value": _complete(table, by["prod_freq"], name),
        }
    )
    _no_blank(rows, ("word", "feature"), name)
    pairs = rows.groupby(["word", "feature"], sort=False)["value"].max().reset_index()
    votes = rows.groupby(["feature", "type"], sort=False)["value"].agg(["size", "sum"]).reset_index()
    votes = votes.sort_values(["size", "sum", "type"], ascending=[False, False, True]).drop_duplicates("feature")
    words, features, values = spread(pairs)
    categories = _superordinates(rows)
    merged = len(rows) - len(pairs)
    return FeatureNorms(
        name, words, features, values, "sparse",
        categories=tuple(categories.get(word) for word in words),
        feature_types=tuple(votes.set_index("feature")["type"].reindex(list(features))),
        source=MCRAE,
        notes=(
            f"{merged} pairs of word and feature were listed twice; the larger frequency was kept",
            "category = the superordinate most participants named, among those shared by "
            f"{SUPERORDINATE_WORDS} words",
        ),
    )  # fmt: skip


def _superordinates(rows: pd.DataFrame) -> dict[str, str]:
    """Return the category of each word that has one (the rule is in `read_mcrae`)."""
    taxonomic = rows[(rows["type"] == "taxonomic") & (rows["level"] == "superordinate")].copy()
    taxonomic["shared"] = taxonomic.groupby("feature")["word"].transform("nunique")
    ranked = taxonomic[taxonomic["shared"] >= SUPERORDINATE_WORDS].sort_values(
        ["value", "shared", "feature"], ascending=[False, True, True]
    )
    strongest = ranked.drop_duplicates("word")
    stems = strongest["feature"].str.replace(r"^an?_", "", regex=True).str.replace("_", " ")
    return dict(zip(strongest["word"], stems, strict=True))


def read_buchanan(table: pd.DataFrame, name: str) -> FeatureNorms:
    """Read Buchanan et al. 2019, the authors' working file or the published set (`where`, POS, affixes).

    A feature is a root form (`translated`); its value is `normalized_translated`, the per cent of
    participants who gave any word of that root. Several raw answers share one root and each of their rows
    repeats the value of the root, so the rows of a pair are merged by their *maximum* (a sum would count the
    same participants once per raw answer). The same rule merges the collections of the published set that
    share a cue. Rows whose root form is blank, "NA" or 0 (what a spreadsheet look-up leaves where it finds
    nothing) name no feature and are skipped. Values above 100 (a participant gave two words of one root) are
    cut to 100, as the authors do in the working file. These norms have no categories and no feature types.
    """
    by = columns_by_lower_name(table)
    rootless = table[by["translated"]].isin(["", "NA", "0", "#N/A"])
    kept = table[~rootless].reset_index(drop=True)
    percent = _complete(kept, by["normalized_translated"], name)
    rows = pd.DataFrame({"word": kept[by["cue"]], "feature": kept[by["translated"]], "value": np.minimum(percent, 100)})
    _no_blank(rows, ("word",), name)
    pairs = rows.groupby(["word", "feature"], sort=False)["value"].max().reset_index()
    words, features, values = spread(pairs)
    return FeatureNorms(
        name, words, features, values, "sparse",
        source=BUCHANAN,
        notes=(
            f"{len(rows)} rows hold {len(pairs)} pairs of cue and root form; rows of one pair were merged "
            "by their maximum",
            f"{int(rootless.sum())} rows without a root form were skipped; {int((percent > 100).sum())} "
            "values above 100 per cent were cut to 100",
        ),
    )  # fmt: skip


def read_binder(table: pd.DataFrame, name: str) -> FeatureNorms:
    """Read Binder et al. 2016: 65 mean ratings from 0 to 6 a word, "na" or blank = missing, never 0.

    The category of a word is the column `Category`, the type of a rating is its domain in the article. `N` is
    the number of participants a word's means rest on; its range is noted.
    """
    by = columns_by_lower_name(table)
    absent = [rating for rating in BINDER_RATINGS if rating.lower() not in by]
    if absent:
        raise ExplaintError(
            f"{name} looks like the ratings of Binder et al. but lacks {len(absent)} of 65: {', '.join(absent[:5])}"
        )
    columns = [numbers(table, by[rating.lower()], name) for rating in BINDER_RATINGS]
    values = np.stack(columns, axis=1)  # (word, rating)
    if np.nanmin(values) < 0 or np.nanmax(values) > 6:
        raise ExplaintError(f"{name}: ratings run from 0 to 6, found {np.nanmin(values):g} to {np.nanmax(values):g}")
    notes = [f"{int(np.isnan(values).sum())} ratings are missing and stay missing"]
    if "n" in by:
        raters = numbers(table, by["n"], name)
        notes.append(f"each word was rated by {np.nanmin(raters):g} to {np.nanmax(raters):g} participants")
    return FeatureNorms(
        name, tuple(table[by["word"]]), BINDER_RATINGS, values, "dense",
        categories=tuple(table[by["category"]]) if "category" in by else None,
        feature_types=tuple(domain for domain, ratings in BINDER_DOMAINS.items() for _ in ratings),
        source=BINDER,
        notes=tuple(notes),
    )  # fmt: skip


def spread(pairs: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    """Turn unique rows (word, feature, value) into a table with 0 where a pair is not listed.

    Words and features keep the order of their first appearance.
    """
    row, words = pd.factorize(pairs["word"])
    column, features = pd.factorize(pairs["feature"])
    values = np.zeros((len(words), len(features)))
    values[row, column] = pairs["value"].to_numpy(dtype=np.float64)
    return tuple(words), tuple(features), values


def _complete(table: pd.DataFrame, column: str, name: str) -> np.ndarray:
    """Return a column of numbers in which no cell may be missing."""
    values = numbers(table, column, name)
    missing = np.flatnonzero(np.isnan(values))
    if len(missing):
        raise ExplaintError(
            f"{name}: column {column!r} is empty in {len(missing)} rows, first in data row "
            f"{missing[0] + 1}; if its cells are formulas, open the file in a spreadsheet program and save "
            "it again, so that results are stored"
        )
    return values


def _no_blank(rows: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    for column in columns:
        blank = np.flatnonzero((rows[column] == "").to_numpy())
        if len(blank):
            raise ExplaintError(f"{name}: {len(blank)} rows have no {column}, first is data row {blank[0] + 1}")


LAYOUTS: tuple[Layout, ...] = (
    Layout("McRae et al. 2005 production norms", ("concept", "feature", "br_label", "prod_freq"), read_mcrae),
    Layout("Buchanan et al. 2019 production norms", ("cue", "translated", "normalized_translated"), read_buchanan),
    Layout("Binder et al. 2016 ratings", ("word", "vision", "bright", "biomotion", "arousal"), read_binder),
)
