"""The one type every room reads: a table words x features, checked once, read-only ever after.

What it measures: nothing; it holds what others measured, with where it came from (`source`) and whether
humans gave it (`human`). What it controls for: duplicate rows, missing values posing as zeros, empty rows
and columns. What it does not license: treating a 0 in sparse norms as "false of this thing".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.norms._faults import Kind, faults, quoted, uninformative

NO_SOURCE = "source not stated"

# "bat_(animal)" and "bat (animal)": the form, then the hint that tells two homonyms apart
_HINT = re.compile(r"^(?P<form>.*?)[_\s]*\((?P<hint>[^()]+)\)$")


@dataclass(frozen=True, eq=False, init=False)
class FeatureNorms:
    """Hold feature norms: one row a word, one column a feature.

    Parameters
    ----------
    name : str
        Short name, e.g. "bundled", "mcrae" or the stem of a file.
    words : iterable of str, length n_words
        Unique row labels. A bracketed hint tells homonyms apart: "bat_(animal)", "bat_(baseball)".
    features : iterable of str, length n_features
        Unique column labels.
    values : array of shape (n_words, n_features)
        Stored as read-only float64. Sparse: production strengths >= 0, 0 = not named. Dense: ratings on the
        scale of the source, NaN = missing.
    kind : {"sparse", "dense"}
    categories : iterable of str or None, length n_words, optional
        The category of each word; None for a word without one.
    feature_types : iterable of str or None, length n_features, optional
    source : str
        The citation, printed wherever results appear.
    human : bool
        False for norms that no participants produced; then `banner` says so.
    notes : iterable of str
        What the reader decided on the way (rows merged or skipped, missing cells), in words.

    Raises
    ------
    ExplaintError
        For labels that are empty or occur twice, for shapes that do not agree, for cells that are not finite
        numbers (NaN is allowed in dense norms only) or negative (sparse), and for rows and columns that carry
        no information: all zero (sparse); all missing, or a constant column (dense).

    Warnings
    --------
    A zero in sparse norms means that few or no participants *named* the feature, not that it is false.

    Examples
    --------
    >>> from explaint_lib import norms
    >>> birds = norms.FeatureNorms("mine", ["robin", "bat_(animal)"], ["flies", "hangs"], [[20, 0], [25, 9]], "sparse")
    >>> birds.word_forms, birds.hints, birds.density
    (('robin', 'bat'), (None, 'animal'), 0.75)
    """

    name: str
    words: tuple[str, ...]
    features: tuple[str, ...]
    values: np.ndarray
    kind: Kind
    categories: tuple[str | None, ...] | None
    feature_types: tuple[str | None, ...] | None
    source: str
    human: bool
    notes: tuple[str, ...]

    def __init__(
        self,
        name: str,
        words: Iterable[str],
        features: Iterable[str],
        values: ArrayLike,
        kind: Kind,
        categories: Iterable[str | None] | None = None,
        feature_types: Iterable[str | None] | None = None,
        source: str = NO_SOURCE,
        human: bool = True,
        notes: Iterable[str] = (),
    ) -> None:
        if kind not in ("sparse", "dense"):
            raise ExplaintError(f"{name}: kind must be 'sparse' or 'dense', found {kind!r}")
        words, features = _labels(words, name, "word"), _labels(features, name, "feature")
        cells = _matrix(values, (len(words), len(features)), name)
        fields = {
            "name": name,
            "words": words,
            "features": features,
            "values": cells,
            "kind": kind,
            "categories": _tags(categories, len(words), name, "categories", "words"),
            "feature_types": _tags(feature_types, len(features), name, "feature_types", "features"),
            "source": source,
            "human": human,
            "notes": tuple(notes),
        }
        for field, value in fields.items():
            object.__setattr__(self, field, value)  # the dataclass is frozen; this is the one moment to set its fields
        if found := faults(cells, kind, words, features):
            raise ExplaintError(f"{name}: " + "; and ".join(found))
        for word, form in zip(words, self.word_forms, strict=True):
            if not form:
                raise ExplaintError(f"{name}: nothing is left of the word {word!r} without its hint; write the word")

    def __repr__(self) -> str:
        return f"FeatureNorms({self.banner()})"

    @property
    def word_forms(self) -> tuple[str, ...]:
        """Surface form of each word, the text to embed: hint removed, underscores turned into spaces.

        Homonyms share a form: two rows "bat".
        """
        return tuple(split_hint(word)[0] for word in self.words)

    @property
    def hints(self) -> tuple[str | None, ...]:
        """Bracketed hint of each word ("animal" for "bat_(animal)"), None where there is none."""
        return tuple(split_hint(word)[1] for word in self.words)

    @property
    def n_missing(self) -> int:
        """Number of missing cells (NaN); always 0 in sparse norms."""
        return int(np.isnan(self.values).sum())

    @property
    def density(self) -> float:
        """Share of cells in [0, 1] that say something: above zero (sparse), not missing (dense)."""
        informative = self.values > 0 if self.kind == "sparse" else ~np.isnan(self.values)
        return float(informative.mean())

    def subset(self, words: Iterable[str] | None = None, features: Iterable[str] | None = None) -> FeatureNorms:
        """Return the norms of some words and some features, in the order asked for.

        When `words` are chosen, features left without information among them (none names it; constant rating)
        are dropped, because a column without variation is no target. Words are never dropped silently.

        Raises
        ------
        ExplaintError
            For a label that is not there or asked for twice, and when a word is left without any feature.

        Examples
        --------
        >>> from explaint_lib import norms
        >>> birds = norms.FeatureNorms("mine", ["robin", "bat"], ["flies", "hangs"], [[20, 0], [25, 9]], "sparse")
        >>> some = birds.subset(words=["robin"])
        >>> some.words, some.features  # "hangs" is named of no word that is left
        (('robin',), ('flies',))
        """
        rows = _positions(words, self.words, self.name, "word")
        columns = _positions(features, self.features, self.name, "feature")
        values = self.values[np.ix_(rows, columns)]
        bare = np.flatnonzero(uninformative(values, self.kind, axis=1))
        if len(bare):
            raise ExplaintError(
                f"{self.name}: {len(bare)} words keep no informative cell in these {len(columns)} features, "
                f"e.g. {quoted([self.words[rows[i]] for i in bare])}; ask for other features, or leave these "
                "words out"
            )
        if words is not None:
            informative = ~uninformative(values, self.kind, axis=0)
            values, columns = values[:, informative], columns[informative]
        return replace(
            self,
            words=tuple(self.words[i] for i in rows),
            features=tuple(self.features[j] for j in columns),
            values=values,
            categories=None if self.categories is None else tuple(self.categories[i] for i in rows),
            feature_types=None if self.feature_types is None else tuple(self.feature_types[j] for j in columns),
        )

    def fingerprint(self) -> str:
        """Return the SHA-256 (hex) of labels, kind and cells: equal exactly when the data are equal.

        The name, the source and the notes do not enter, so a renamed file keeps its fingerprint.
        """
        labels = [self.kind, self.words, self.features, self.categories, self.feature_types]
        digest = hashlib.sha256(json.dumps(labels, ensure_ascii=False).encode())
        # one bit pattern for every NaN and for both zeros, whatever the platform
        cells = np.where(np.isnan(self.values), np.nan, self.values + 0.0)
        digest.update(np.ascontiguousarray(cells, dtype="<f8").data)
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Return aggregates for a data card or a manifest; never a cell, and no NaN (JSON-safe)."""
        n_words_with = _n_words_with(self)  # words that have the feature
        homonyms = [word for word, hint in zip(self.words, self.hints, strict=True) if hint]
        missing = np.isnan(self.values).sum(axis=0)
        return {
            "name": self.name,
            "kind": self.kind,
            "human": self.human,
            "source": self.source,
            "n_words": len(self.words),
            "n_features": len(self.features),
            "n_missing": self.n_missing,
            "missing_by_feature": {self.features[j]: int(missing[j]) for j in np.flatnonzero(missing)},
            "density": self.density,
            "lowest": float(np.nanmin(self.values)),
            "highest": float(np.nanmax(self.values)),
            "features_per_word": float(n_words_with.sum() / len(self.words)),
            "features_of_one_word": float((n_words_with == 1).mean()),
            "n_words_with_hint": len(homonyms),
            "categories": _counts(self.categories),
            "feature_types": _counts(self.feature_types),
            "fingerprint": self.fingerprint(),
            "notes": list(self.notes),
        }

    def banner(self) -> str:
        """Return one line that names the data, to print above every result made from them."""
        columns = "features" if self.kind == "sparse" else "ratings"
        size = f"{len(self.words)} words x {len(self.features)} {columns}"
        missing = f", {self.n_missing} cells missing" if self.n_missing else ""
        human = "" if self.human else " NOT human norms: nobody was asked."
        return f"{self.name}: {size}{missing}. {self.source.rstrip('.')}.{human}"


def split_hint(word: str) -> tuple[str, str | None]:
    """Split "bat_(animal)" into ("bat", "animal"); underscores become spaces in both."""
    found = _HINT.match(word)
    form, hint = (found["form"], found["hint"]) if found else (word, None)
    return " ".join(form.replace("_", " ").split()), hint and " ".join(hint.replace("_", " ").split())


def _labels(labels: Iterable[str], name: str, what: str) -> tuple[str, ...]:
    """Check row or column labels: non-empty strings without outer spaces, each once."""
    labels = tuple(labels)
    if not labels:
        raise ExplaintError(f"{name}: expected at least one {what}, found none")
    wrong = [label for label in labels if not isinstance(label, str) or not label or label != label.strip()]
    if wrong:
        raise ExplaintError(
            f"{name}: every {what} must be a non-empty string without spaces around it, found {quoted(wrong)}"
        )
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        advice = '; tell homonyms apart with a hint, e.g. "bat_(animal)"' if what == "word" else ""
        raise ExplaintError(f"{name}: every {what} must occur once; occurring more often: {quoted(twice)}{advice}")
    return tuple(str(label) for label in labels)


def _tags(
    tags: Iterable[str | None] | None, length: int, name: str, what: str, owners: str
) -> tuple[str | None, ...] | None:
    """Check the categories of words or the types of features: one each, blank means None."""
    if tags is None:
        return None
    tags = tuple(tags)
    if len(tags) != length:
        raise ExplaintError(f"{name}: expected {length} {what}, one for each of the {owners}, found {len(tags)}")
    wrong = [tag for tag in tags if tag is not None and not isinstance(tag, str)]
    if wrong:
        raise ExplaintError(f"{name}: {what} must be strings or None, found {quoted(wrong)}")
    return tuple((tag.strip() or None) if tag is not None else None for tag in tags)


def _matrix(values: ArrayLike, expected: tuple[int, int], name: str) -> np.ndarray:
    """Copy `values` into a read-only float64 matrix of the shape the labels ask for."""
    try:
        matrix = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as fault:
        raise ExplaintError(f"{name}: the values must be a table of numbers ({fault})") from None
    if matrix.shape != expected:
        raise ExplaintError(f"{name}: expected values of shape {expected} (words, features), found {matrix.shape}")
    matrix.setflags(write=False)
    return matrix


def _positions(wanted: Iterable[str] | None, present: tuple[str, ...], name: str, what: str) -> np.ndarray:
    """Return the positions of the labels asked for; all of them for None."""
    if wanted is None:
        return np.arange(len(present))
    if isinstance(wanted, str):
        raise ExplaintError(f"{name}: expected a list of {what}s, got the single string {wanted!r}")
    wanted = _labels(wanted, f"the subset of {name}", what)
    where = {label: i for i, label in enumerate(present)}
    unknown = [label for label in wanted if label not in where]
    if unknown:
        raise ExplaintError(f"{name} has no {what} {quoted(unknown)}; its first ones are {quoted(present)}")
    return np.array([where[label] for label in wanted])


def _n_words_with(norms: FeatureNorms) -> np.ndarray:
    """Return for each feature the number of words that have it: (n_features,)."""
    return (norms.values > 0 if norms.kind == "sparse" else ~np.isnan(norms.values)).sum(axis=0)


def _counts(tags: tuple[str | None, ...] | None) -> dict[str, int]:
    """Return how often each tag occurs, the most frequent first; words without a tag are left out."""
    return dict(Counter(tag for tag in tags or () if tag is not None).most_common())
