"""Read production norms (who named which feature of what, and how often): McRae, Buchanan, CSLB and their like.

What it controls for: the known traps of these files. McRae frequencies are read as numbers (a released reader leaves
them as text). Buchanan's cue "true", which the spreadsheet holds as a truth value, stays a word. A pair that is listed
twice, and a feature or word with two labels, are resolved by one rule (`read_pairs`), and the notes count them.

What it does not license: comparing scores between the sets. They differ in words, in what counts as a feature and in
what a value means (participants of 30; per cent of participants).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from explaint_lib.norms._checks import Table
from explaint_lib.norms._core import FeatureNorms
from explaint_lib.norms._schema import check_size, left_aside

MCRAE = (
    "McRae, Cree, Seidenberg & McNorgan (2005), Semantic feature production norms for a large set of "
    "living and nonliving things, Behavior Research Methods 37, 547-559"
)
BUCHANAN = (
    "Buchanan, Valentine & Maxwell (2019), English semantic feature production norms: An extended database "
    "of 4436 concepts, Behavior Research Methods 51, 1849-1863"
)
CSLB = (
    "Devereux, Tyler, Geertzen & Randall (2014), The Centre for Speech, Language and the Brain (CSLB) concept property "
    "norms, Behavior Research Methods 46, 1119-1127"
)

# A superordinate must be named of so many words before it can be the category of one.
SUPERORDINATE_WORDS = 5


def read_pairs(
    *, word: str, feature: str, value: str, type: str | None, category: str | None, source: str
) -> Callable[[Table], FeatureNorms]:
    """Return a reader of long tables with these plain names of columns (`explaint_lib.norms._checks.key`).

    A pair listed twice keeps the larger value: adding could count a participant twice. A feature keeps the most
    frequent type of its rows, a word the most frequent category; ties go to the label of the higher sum of values.
    """

    def read(table: Table) -> FeatureNorms:
        by = table.by_key()
        rows = _pair_rows(table, by[word], by[feature], by[value])
        tagged = {}
        for name, column in (("type", type), ("category", category)):
            if column in by:
                rows[name] = table.labels(by[column], name, blank=True)
                tagged[name] = by[column]
        words, features, values, merged = _pivoted(table, rows)
        notes = [f"{merged} pairs of word and feature were listed twice; the larger value was kept"]
        tags: dict[str, tuple[str | None, ...] | None] = {"type": None, "category": None}
        for name, owner, labels in (("type", "feature", features), ("category", "word", words)):
            if name in tagged:
                most, n_contradictory = _most_frequent(rows, owner, name)
                tags[name] = tuple(most.get(label) for label in labels)
                if n_contradictory:
                    notes.append(f"{n_contradictory} {owner}s had more than one {name}; the most frequent was kept")
        used = {by[word], by[feature], by[value], *tagged.values()}
        return table.norms(
            words,
            features,
            values,
            "sparse",
            categories=tags["category"],
            feature_types=tags["type"],
            source=source,
            notes=(*notes, *left_aside([column for column in table.columns if column not in used])),
        )

    return read


def read_mcrae(table: Table) -> FeatureNorms:
    """Read McRae et al. 2005: one row a concept and feature, `Prod_Freq` = participants of 30 who named it.

    A feature keeps the most frequent `BR_Label` of its rows (six features have two; ties go to the label of
    the higher production frequency). A pair listed twice keeps the larger frequency: adding could count a
    participant twice. The category of a word is its superordinate: of the taxonomic features (with
    `WB_Label` superordinate, where the file has that column) that at least `SUPERORDINATE_WORDS` words
    share, the one most participants named; ties go to the one fewer words share, the more specific. The
    article is cut off ("a_bird" gives "bird"); a word without such a feature has no category.
    """
    by = table.by_key()
    rows = _pair_rows(table, by["concept"], by["feature"], by["prod_freq"])
    rows["type"] = table.labels(by["br_label"], "type", blank=True)
    rows["level"] = table.cells[by["wb_label"]].to_numpy() if "wb_label" in by else "superordinate"
    words, features, values, merged = _pivoted(table, rows)
    types, _ = _most_frequent(rows, "feature", "type")
    categories = _superordinates(rows)
    used = {by[name] for name in ("concept", "feature", "prod_freq", "br_label", "wb_label") if name in by}
    return table.norms(
        words,
        features,
        values,
        "sparse",
        categories=tuple(categories.get(word) for word in words),
        feature_types=tuple(types.get(feature) for feature in features),
        source=MCRAE,
        notes=(
            f"{merged} pairs of word and feature were listed twice; the larger frequency was kept",
            f"category = the superordinate most participants named, among those shared by {SUPERORDINATE_WORDS} words",
            *left_aside([column for column in table.columns if column not in used]),
        ),
    )


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


def read_buchanan(table: Table) -> FeatureNorms:
    """Read Buchanan et al. 2019, the authors' working file or the published set (`where`, POS, affixes).

    A feature is a root form (`translated`); its value is `normalized_translated`, the per cent of
    participants who gave any word of that root. Several raw answers share one root and each of their rows
    repeats the value of the root, so the rows of a pair are merged by their *maximum* (a sum would count the
    same participants once per raw answer). The same rule merges the collections of the published set that
    share a cue. Rows whose root form is blank, "NA" or 0 (what a spreadsheet look-up leaves where it finds
    nothing) name no feature and are skipped. Values above 100 (a participant gave two words of one root) are
    cut to 100, as the authors do in the working file. These norms have no categories and no feature types.
    """
    by = table.by_key()
    rootless = table.cells[by["translated"]].isin(["", "NA", "0", "#N/A"]).to_numpy()
    kept = table.drop(rootless)
    rows = _pair_rows(kept, by["cue"], by["translated"], by["normalized_translated"])
    above = int((rows["value"] > 100).sum())
    rows["value"] = np.minimum(rows["value"], 100)
    words, features, values, merged = _pivoted(kept, rows)
    used = {by["cue"], by["translated"], by["normalized_translated"]}
    return kept.norms(
        words,
        features,
        values,
        "sparse",
        source=BUCHANAN,
        notes=(
            f"{len(rows)} rows hold {len(rows) - merged} pairs of cue and root form; rows of one pair were merged "
            "by their maximum",
            f"{int(rootless.sum())} rows without a root form were skipped; {above} "
            "values above 100 per cent were cut to 100",
            *left_aside([column for column in table.columns if column not in used]),
        ),
    )


def _pair_rows(table: Table, word: str, feature: str, value: str) -> pd.DataFrame:
    """Return the rows (word, feature, value) of a long table, reporting what cannot be in them."""
    values = table.numbers(value, complete=True)
    table.impossible([value], values[:, None], one_scale=True)
    return pd.DataFrame(
        {"word": table.labels(word, "word"), "feature": table.labels(feature, "feature"), "value": values}
    )


def _pivoted(table: Table, rows: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray, int]:
    """Turn rows (word, feature, value) into words, features, a table with 0 where a pair is not listed, and how many
    rows were merged; words and features keep the order of their first appearance."""
    table.check()
    pairs = rows.groupby(["word", "feature"], sort=False)["value"].max().reset_index()
    row, words = pd.factorize(pairs["word"])
    column, features = pd.factorize(pairs["feature"])
    check_size(table, len(words), len(features))
    values = np.zeros((len(words), len(features)))
    values[row, column] = pairs["value"].to_numpy(dtype=np.float64)
    return tuple(words), tuple(features), values, len(rows) - len(pairs)


def _most_frequent(rows: pd.DataFrame, owner: str, tag: str) -> tuple[dict[str, str], int]:
    """Return the most frequent tag of each owner (ties: the higher sum of values), and how many owners had several."""
    tagged = rows[rows[tag] != ""]
    votes = tagged.groupby([owner, tag], sort=False)["value"].agg(["size", "sum"]).reset_index()
    votes = votes.sort_values(["size", "sum", tag], ascending=[False, False, True])
    best = votes.drop_duplicates(owner)
    return dict(zip(best[owner], best[tag], strict=True)), len(set(votes[owner][votes[owner].duplicated()]))
