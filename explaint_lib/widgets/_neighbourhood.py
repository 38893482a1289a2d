"""Whose neighbours are these? A word's nearest words under the gold norms, a prediction, and its controls.

`NeighbourhoodExplorer` shows which words lie near a word, and how many of them are also near it under the
gold norms. It does **not** show that a prediction knows the word: a list of ten birds overlaps with another
list of ten birds whatever it knows of robins. Hence the controls beside it, chance, and the mark for words of
the same category.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.norms import FeatureNorms
from explaint_lib.widgets._base import BookWidget, read_bundle
from explaint_lib.widgets._neighbourhood_content import NOBODY, content_of, principal_plane
from explaint_lib.widgets._picture import html_text


class NeighbourhoodExplorer(BookWidget):
    """Show a word's nearest words under several conditions, and how far each agrees with gold.

    Parameters
    ----------
    words : sequence of str, length n
        Unique labels.
    conditions : mapping of name to array_like, shape (n, d)
        Vectors a condition; `d` may differ between conditions. Nearest by cosine, the word itself left out;
        equal cosines (to 12 digits) in the order of `words`. A zero vector has no neighbours and is nobody's.
        The mean over all words is `explaint_lib.metrics.neighbour_overlap_at_k` of the words that have a vector
        under both conditions: it breaks ties by expectation, not by the order of the words.
    gold : str
        The condition the others are compared with.
    categories : sequence of (str or None), length n, optional
        Lets the reader see how many neighbours are merely of the same kind.
    k : int
        Neighbours a list.
    projection : array_like, shape (n, 2), optional
        A map of the words, computed beforehand.
    features : sequence of sequences of str, length n, optional
        What is true of each word; the page shows what a word and its neighbour share. See Warnings.
    label : str
        Title of the figure, and its name for screen readers.
    word : str, optional
        Shown first; the first of `words` when left out.
    controls : sequence of str, optional
        Which conditions are controls; they are marked as such.
    colours : bool
        Whether every category has its colour at first, on the map and in the lists; else only the shown word's.
    compute : callable, optional
        ``compute(words)`` gets the reader's own words (a list of str) and returns a dict of the arguments above,
        `gold`, `k` and `label` apart: all words with their vectors, the reader's among them. With a kernel the
        reader gets a text field. A zero vector says "not known under this condition". What ``compute`` raises is
        shown in the figure.

    Raises
    ------
    ExplaintError
        If lengths do not fit, a vector holds missing values, or `gold` is not a condition.

    Warnings
    --------
    The page carries words and the order of their neighbours, no vector and no similarity. It also carries
    `features` in full: never pass the features of norms that may not be redistributed.

    Examples
    --------
    >>> from explaint_lib.widgets import NeighbourhoodExplorer
    >>> vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    >>> explorer = NeighbourhoodExplorer(["robin", "trout", "hammer"], {"gold": vectors, "turned": vectors[::-1]}, k=1)
    >>> explorer.word, explorer.shown
    ('robin', 'turned')
    """

    _kind = "neighbourhood"
    _esm = read_bundle("neighbourhood")

    meta = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    places = traitlets.Bytes(b"").tag(sync=True)
    word = traitlets.Unicode("").tag(sync=True)
    shown = traitlets.Unicode("").tag(sync=True)
    colours = traitlets.Bool(False).tag(sync=True)
    asked = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        words: Sequence[str],
        conditions: Mapping[str, ArrayLike],
        *,
        gold: str = "gold",
        categories: Sequence[str | None] | None = None,
        k: int = 10,
        projection: ArrayLike | None = None,
        features: Sequence[Sequence[str]] | None = None,
        label: str = "Nearest neighbours",
        word: str | None = None,
        controls: Sequence[str] = (),
        colours: bool = False,
        compute: Callable[[list[str]], Mapping[str, Any]] | None = None,
    ) -> None:
        self._fixed: dict[str, Any] = dict(gold=gold, k=k)
        content = content_of(
            words,
            conditions,
            categories=categories,
            projection=projection,
            features=features,
            controls=controls,
            **self._fixed,
        )
        known = content["meta"]["words"]
        if word is not None and word not in known:
            raise ExplaintError(f"word {word!r} is not among the {len(known)} words")
        names = content["meta"]["conditions"]
        super().__init__(
            **content,
            label=label,
            colours=colours,
            word=known[0] if word is None else word,
            shown=names[min(1, len(names) - 1)],
        )
        self._listen(compute, "asked")

    @classmethod
    def from_table(
        cls,
        norms: FeatureNorms,
        vectors: Mapping[str, ArrayLike] | Callable[[list[str]], Mapping[str, ArrayLike]],
        *,
        categories: Sequence[str | None] | None = None,
        **options: Any,
    ) -> Self:
        """Show the words of a table of norms, these norms being the condition "gold".

        Parameters
        ----------
        norms : FeatureNorms
            Missing ratings are filled with the feature's mean. The map is the first two principal components of the
            norms, each word's scaled to length 1.
        vectors : mapping of name to array_like of shape (n, d), or callable
            Vectors of the norms' words, a condition. A callable gets the reader's own words (a list of str, empty at
            first) and returns the vectors of all words, the reader's last; with a kernel the reader gets a text field.
            The norms do not know such words, so there is no map then.
        categories : sequence of (str or None), length n, optional
            Instead of those of the norms.
        **options
            `k`, `label`, `word`, `controls`, `colours`, `features`, as `NeighbourhoodExplorer`.

        Raises
        ------
        ExplaintError
            As `NeighbourhoodExplorer`, or if a condition is named "gold".
        """
        gold = np.where(np.isnan(norms.values), np.nanmean(norms.values, axis=0), norms.values)
        kinds = list(norms.categories or [None] * len(gold)) if categories is None else list(categories)

        def contents(own: list[str]) -> dict[str, Any]:
            others = vectors(own) if callable(vectors) else vectors
            if "gold" in others:
                raise ExplaintError('the norms are the condition "gold": give other vectors another name')
            padded = np.pad(gold, ((0, len(own)), (0, 0)))
            return dict(
                words=[*norms.words, *own], conditions={"gold": padded, **others}, categories=kinds + [None] * len(own)
            )

        if callable(vectors):
            return cls(**contents([]), compute=contents, **options)
        return cls(**contents([]), projection=principal_plane(gold), **options)

    def _question(self, typed: str) -> list[str]:
        return list(dict.fromkeys(word.strip() for word in typed.split(",") if word.strip()))

    def _recomputed(self, given: dict[str, Any]) -> dict[str, Any]:
        parts = ["words", "conditions", "categories", "projection", "features", "word", "controls"]
        if unknown := set(given) - set(parts):
            raise ExplaintError(f"compute returned {sorted(unknown)}; it may return {parts}")
        if missing := {"words", "conditions"} - set(given):
            raise ExplaintError(f"compute returned no {sorted(missing)}")
        word, before = given.pop("word", None), set(self.meta["words"])
        content = content_of(**{"controls": self.meta["controls"], **given}, **self._fixed)
        words, names = content["meta"]["words"], content["meta"]["conditions"]
        if word is not None and word not in words:
            raise ExplaintError(f"compute returned the word {word!r}, which is not among its words")
        fresh = next((w for w in words if w not in before), self.word if self.word in words else words[0])
        shown = self.shown if self.shown in names else names[min(1, len(names) - 1)]
        return dict(word=word or fresh, shown=shown, **content)

    def _static_figure(self) -> str:
        m, i = self.meta, self.meta["words"].index(self.word)
        lists = [self.neighbours(name)[i] for name in m["conditions"]]
        gold = set(lists[0])
        head = "".join(f'<th scope="col">{html_text(name)}</th>' for name in m["conditions"])
        rows = []
        for rank in range(m["k"]):
            cells = [own[rank] if rank < len(own) else "–" for own in lists]
            marks = ["✓ " if c and cell in gold else "" for c, cell in enumerate(cells)]
            rows.append("".join(f"<td>{a}{html_text(b)}</td>" for a, b in zip(marks, cells, strict=True)))
        near = [sum(own in gold for own in names) for names in lists]
        foot = {
            f"of {m['k']} shared": [f"{count}" for count in near],
            f"all {len(m['words']):,} words": [f"{m['k'] * mean:.1f}" for mean in m["overlap"]],
            "chance": [f"{m['k'] ** 2 / (len(m['words']) - 1):.2f}" for _ in lists],
        }
        sums = "".join(
            f"<tr><td></td>{''.join(f'<td>{value} <small>{name}</small></td>' for value in values[1:])}</tr>"
            for name, values in foot.items()
        )
        reference = html_text(m["conditions"][0])
        return (
            f"<p><b>{html_text(self.label)}</b><br>The {m['k']} words nearest to “{html_text(self.word)}”; ✓ marks "
            f"those also near under {reference}.</p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody><tfoot>{sums}</tfoot></table>"
        )

    def neighbours(self, condition: str) -> list[list[str]]:
        """Return, for each word, its neighbours under `condition`, nearest first: what the page draws."""
        m = self.meta
        raw = np.frombuffer(zlib.decompress(self.data), dtype=np.uint8)
        low, high = raw.reshape(2, len(m["conditions"]), m["k"], len(m["words"])).astype(np.int64)
        lists = (low + 256 * high)[m["conditions"].index(condition)].T  # (word, rank)
        return [[m["words"][j] for j in row if j != NOBODY] for row in lists]
