"""Read published ratings (how much of each dimension people find in a word): Binder, Warriner, Lancaster, and more.

What it controls for: the known traps of these files. A missing rating ("na" or blank) stays missing; another reader
fills it with 0, the lowest rating. Of many columns only the means are ratings: standard deviations, numbers of raters,
frequencies and what is computed from the means are left aside and named in the notes. A rating outside the scale of
the article stops the reading. Words in capitals are written small.

What it does not license: comparing ratings across sets; each has its own scale and its own question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from explaint_lib.norms._checks import Table, key
from explaint_lib.norms._core import FeatureNorms
from explaint_lib.norms._schema import features_in_one_form, left_aside

BINDER = (
    "Binder et al. (2016), Toward a brain-based componential semantic representation, Cognitive "
    "Neuropsychology 33, 130-174"
)
WARRINER = (
    "Warriner, Kuperman & Brysbaert (2013), Norms of valence, arousal, and dominance for 13,915 English lemmas, "
    "Behavior Research Methods 45, 1191-1207"
)
BRYSBAERT = (
    "Brysbaert, Warriner & Kuperman (2014), Concreteness ratings for 40 thousand generally known English word lemmas, "
    "Behavior Research Methods 46, 904-911"
)
LANCASTER = (
    "Lynott, Connell, Brysbaert, Brand & Carney (2020), The Lancaster Sensorimotor Norms: multidimensional measures of "
    "perceptual and action strength for 40,000 English words, Behavior Research Methods 52, 1271-1291"
)
GLASGOW = (
    "Scott, Keitel, Becirspahic, Yao & Sereno (2019), The Glasgow Norms: Ratings of 5,500 words on nine scales, "
    "Behavior Research Methods 51, 1258-1270"
)
THINGS = (
    "Hebart, Zheng, Pereira & Baker (2020), Revealing the multidimensional mental representations of natural objects "
    "underlying human similarity judgements, Nature Human Behaviour 4, 1173-1185"
)
THINGSPLUS = (
    "Stoinski, Perkuhn & Hebart (2024), THINGSplus: New norms and metadata for the THINGS database of 1854 object "
    "concepts and 26,107 natural object images, Behavior Research Methods 56, 1583-1603"
)

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


@dataclass(frozen=True)
class Ratings:
    """How one published set of ratings is read; an instance is the reader.

    Parameters
    ----------
    source : str
        The citation.
    ratings : mapping of str to str
        Plain name of the column (`explaint_lib.norms._checks.key`) to the name of the feature.
    scale : (float, float)
        The lowest and the highest rating there can be.
    word : str
        Plain name of the column of words.
    types : mapping of str to str, optional
        Feature to its type.
    category : str, optional
        Plain name of the column of categories.
    raters : str, optional
        Plain name of the column that holds the number of raters; its range is noted.
    apart : mapping of str to mapping of str to str, optional
        Columns that tell apart the rows of one form, with what their codes mean; the first column that does is used,
        and the hint stands in brackets behind the word.
    small : bool
        Write words in capitals small.
    """

    source: str
    ratings: Mapping[str, str]
    scale: tuple[float, float]
    word: str = "word"
    types: Mapping[str, str] | None = None
    category: str | None = None
    raters: str | None = None
    apart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    small: bool = False

    def __call__(self, table: Table) -> FeatureNorms:
        """Read the table of a file in this layout."""
        by = table.by_key()
        absent = [name for column, name in self.ratings.items() if column not in by]
        if absent:
            table.report(
                f"it lacks {len(absent)} of {len(self.ratings)} ratings: {', '.join(absent[:5])}; take the whole file"
            )
            table.check()
        notes: list[str] = []
        words = table.labels(by[self.word], "word")
        if self.small:
            words = np.array([word.lower() for word in words], dtype=object)
            notes.append("words were written small")
        words = self._told_apart(table, words, notes)
        table.unique(words, "word")
        columns = [by[column] for column in self.ratings]
        values = np.stack([table.numbers(column) for column in columns], axis=1)  # (word, rating)
        self._check_scale(table, columns, values)
        notes.insert(0, f"{int(np.isnan(values).sum())} ratings are missing and stay missing")
        if self.raters in by:
            raters = table.numbers(by[self.raters])
            if not np.isnan(raters).all():
                notes.insert(1, f"each word was rated by {np.nanmin(raters):g} to {np.nanmax(raters):g} participants")
        categories = None
        if self.category in by:
            categories = tuple(table.labels(by[self.category], "category", blank=True))
        used = {by[self.word], *columns, by.get(self.category or ""), by.get(self.raters or "")}
        features = tuple(self.ratings.values())
        return table.norms(
            words,
            features,
            values,
            "dense",
            categories=categories,
            feature_types=tuple(self.types[feature] for feature in features) if self.types else None,
            source=self.source,
            notes=(*notes, *left_aside([column for column in table.columns if column not in used])),
        )

    def _told_apart(self, table: Table, words: np.ndarray, notes: list[str]) -> np.ndarray:
        """Give the words that stand in several rows a hint from the first column that tells all of them apart."""
        by = table.by_key()
        often = Counter(words)
        several = [row for row, word in enumerate(words) if often[word] > 1] if self.apart else []
        if not several:
            return words
        for column, meanings in self.apart.items():
            if column not in by:
                continue
            cells = table.cells[by[column]].to_numpy(dtype=object)
            hinted = words.copy()
            for row in several:
                hint = meanings.get(cells[row], "" if meanings and cells[row].isdigit() else cells[row].lower())
                hinted[row] = f"{words[row]}_({hint})" if hint else words[row]
            if len(set(hinted)) == len(hinted):
                named = ", ".join(hinted[row] for row in several[:6])
                notes.append(f"words in several rows were told apart by the column {by[column]!r}: {named}")
                return hinted
        return words

    def _check_scale(self, table: Table, columns: Sequence[str], values: np.ndarray) -> None:
        low, high = self.scale
        rows, places = np.nonzero((values < low) | (values > high))
        if len(rows):
            held = ", ".join(dict.fromkeys(repr(columns[place]) for place in places[:50]))[:200]
            found = values[rows, places]
            table.report(
                f"ratings run from {low:g} to {high:g}, found {found.min():g} to {found.max():g} in column {held} "
                f"({table.where(np.unique(rows))}); leave a missing rating empty or write na"
            )


read_binder = Ratings(
    BINDER,
    {key(rating): rating for rating in BINDER_RATINGS},
    (0, 6),
    types={rating: domain for domain, ratings in BINDER_DOMAINS.items() for rating in ratings},
    category="category",
    raters="n",
    # the published file has two rows "used": the verb and the adjective
    apart={"wc": {"1": "noun", "2": "verb", "3": "adjective"}, "type": {}},
)
# The header of the authors' file: an unnamed row number, Word, V.Mean.Sum, V.SD.Sum, V.Rat.Sum, ..., then by groups
read_warriner = Ratings(WARRINER, {"v_mean_sum": "Valence", "a_mean_sum": "Arousal", "d_mean_sum": "Dominance"}, (1, 9))
# Word, Bigram, Conc.M, Conc.SD, Unknown, Total, Percent_known, SUBTLEX, Dom_Pos
read_brysbaert = Ratings(BRYSBAERT, {"conc_m": "Concreteness"}, (1, 5))
LANCASTER_EFFECTORS = ("Foot_leg", "Hand_arm", "Head", "Mouth", "Torso")
LANCASTER_SENSES = ("Auditory", "Gustatory", "Haptic", "Interoceptive", "Olfactory", "Visual")
# Word, eleven columns X.mean, eleven X.SD, Max_strength.perceptual, Minkowski3.perceptual, ..., List#.action
read_lancaster = Ratings(
    LANCASTER,
    {key(f"{name}.mean"): name for name in (*LANCASTER_SENSES, *LANCASTER_EFFECTORS)},
    (0, 5),
    types=dict.fromkeys(LANCASTER_SENSES, "perceptual") | dict.fromkeys(LANCASTER_EFFECTORS, "action"),
    small=True,
)
# Two rows of header: Words, Length, AROU, VAL, ..., below each scale M, SD, N. Written from memory of the file.
read_glasgow = Ratings(
    GLASGOW,
    {
        "arou_m": "Arousal",
        "val_m": "Valence",
        "dom_m": "Dominance",
        "cnc_m": "Concreteness",
        "imag_m": "Imageability",
        "fam_m": "Familiarity",
        "aoa_m": "AgeOfAcquisition",
        "size_m": "Size",
        "gend_m": "Gender",
    },
    (1, 9),
    word="words",
)


def read_things(table: Table) -> FeatureNorms:
    """Read the 49 or 66 dimensions of THINGS joined to the column `uniqueID`: weights of 0 and more.

    The release has the weights and the names of the objects in two files without a header; this is the table they make
    together, as a reader would join them. "bat1" and "bat2" become "bat_(1)" and "bat_(2)".
    """
    by = table.by_key()
    columns = [column for column in table.columns if key(column) not in ("uniqueid", "word")]
    values = np.stack([table.numbers(column) for column in columns], axis=1)  # (object, dimension)
    table.impossible(columns, values, one_scale=True)
    return table.norms(
        _object_words(table, by),
        features_in_one_form(table, columns),
        values,
        "dense",
        source=THINGS,
        notes=left_aside([by["word"]] if "word" in by else []),
    )


def read_thingsplus(table: Table) -> FeatureNorms:
    """Read the property ratings of THINGSplus: the columns property_..._mean, on scales from 1 to 7."""
    by = table.by_key()
    columns = {column: name for column, name in ((c, key(c)) for c in table.columns) if _is_property(name)}
    names = {column: name.removeprefix("property_").removesuffix("_mean") for column, name in columns.items()}
    values = np.stack([table.numbers(column) for column in columns], axis=1)  # (object, property)
    table.impossible(list(columns), values, one_scale=False)
    used = {*columns, by["uniqueid"]}
    return table.norms(
        _object_words(table, by),
        tuple(names.values()),
        values,
        "dense",
        source=THINGSPLUS,
        notes=left_aside([column for column in table.columns if column not in used]),
    )


def _is_property(name: str) -> bool:
    return name.startswith("property_") and name.endswith("_mean")


def _object_words(table: Table, by: Mapping[str, str]) -> np.ndarray:
    """Return the objects of THINGS as words; a number at the end of a name tells homonyms apart."""
    words = table.labels(by["uniqueid"], "word")
    stems = [word.rstrip("0123456789") for word in words]
    hinted = [
        f"{stem}_({word[len(stem) :]})" if stem and stem != word else word
        for word, stem in zip(words, stems, strict=True)
    ]
    table.unique(np.array(hinted, dtype=object), "word")
    return np.array(hinted, dtype=object)
