"""Nulls while you watch: the reader says where a control will land, draws it, and sees the null grow.

`NullExplorer` fits ridge regression in the page, on held-out words, to norms that the reader shuffles, and scores the
predictions as `explaint_lib.metrics` does. It shows what a score needs and what it does not. It does **not** show that
the map of a chapter is right: its regression, its folds and its words are its own, and named in the figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from explaint_lib._common import ExplaintError
from explaint_lib.norms import FeatureNorms
from explaint_lib.widgets._base import BookWidget, read_bundle
from explaint_lib.widgets._nulls_content import CONTROLS, SCORES, drawn_scores, library_scores, world_of
from explaint_lib.widgets._picture import html_text

Score = Literal["f1", "overlap", "two"]
Control = Literal["shuffled", "permuted_pairing", "permuted_within", "rewired", "random", "constant"]


class NullExplorer(BookWidget):
    """Let the reader predict where a control of a score lands, and then draw it.

    Parameters
    ----------
    vectors : array_like of shape (n, d)
        Word vectors. The page carries them rounded to 256 steps a dimension, and everything is computed from these.
    norms : FeatureNorms
        Sparse norms of n words, from 12 to 600, with whole strengths up to 255.
    folds : array_like of int, shape (n,)
        Each word is predicted by ridge regression on the words of the other folds.
    controls : sequence of str
        What the reader may draw, the first shown first: "shuffled" (columns), "permuted_pairing" (rows),
        "permuted_within" (rows, within the category), "rewired", "random", and "constant", which is not drawn.
    scores : sequence of str
        "f1" (F1@10), "overlap" (neighbour overlap@10), "two" (two alternatives within category and fold).
    own : bool
        Let the reader make up a feature (*begins with b*) instead of choosing a control; `controls` and `scores` are
        not used then. The score is `explaint_lib.metrics.auc_feature`, the null shuffles the feature over the words.
    penalty : float
        Of the ridge regression. Chosen beforehand: one that is chosen by the norms would favour them over their null.
    about : str
        What the vectors are, for the line under the title.
    label : str
        The question that the figure answers: its title, and its name for screen readers.
    rng : numpy.random.Generator
        Draws what print and a page without scripts show; the page draws by itself, from a seed that it shows.

    Raises
    ------
    ExplaintError
        If norms are ratings, too many or not whole numbers, if shapes do not fit, or a name is unknown.

    Warnings
    --------
    The page carries every strength of `norms`: never pass norms that may not be redistributed.

    Examples
    --------
    >>> from explaint_lib import mappers, norms
    >>> from explaint_lib.widgets import NullExplorer
    >>> words, rng = norms.load_norms("bundled"), np.random.default_rng(0)
    >>> vectors = rng.standard_normal((len(words.words), 20))  # they know nothing
    >>> folds = mappers.make_folds(len(vectors), 5, rng=rng)
    >>> explorer = NullExplorer(vectors, words, folds, controls=["rewired"], rng=rng)
    >>> sorted(explorer.meta["observed"])
    ['f1']
    """

    _kind = "nulls"
    _esm = read_bundle("nulls")

    meta = traitlets.Dict().tag(sync=True)
    vectors = traitlets.Bytes(b"").tag(sync=True)
    cells = traitlets.Bytes(b"").tag(sync=True)

    def __init__(
        self,
        vectors: ArrayLike,
        norms: FeatureNorms,
        folds: ArrayLike,
        *,
        controls: Sequence[Control] = ("permuted_pairing",),
        scores: Sequence[Score] = ("f1",),
        own: bool = False,
        penalty: float = 300.0,
        about: str = "",
        label: str = "Where does the control land?",
        rng: np.random.Generator,
    ) -> None:
        for names, known, what in ((controls, CONTROLS, "controls"), (scores, SCORES, "scores")):
            if not names or set(names) - set(known):
                raise ExplaintError(f"{what} must be some of {', '.join(known)}, found {', '.join(names) or 'none'}")
        if None in (norms.categories or [None]) and {"permuted_within", "two"} & {*controls, *scores} and not own:
            raise ExplaintError(
                f"{norms.name} has words without a category, within which nothing can be permuted or compared"
            )
        made = world_of(vectors, norms, folds, penalty)
        n, m = norms.values.shape
        made["meta"] |= dict(
            about=f"{n} words, {m:,} features ({norms.name})" + (f"; {about}" if about else "") + ". Ridge regression, "
            f"penalty {penalty:g}, {len(set(made['meta']['folds']))} folds, fitted anew for every draw.",
            controls=list(controls),
            scores=list(scores),
            own=own,
            observed={} if own else library_scores(vectors, norms, folds, penalty, scores),
        )
        self._printed = (
            {} if own else {name: drawn_scores(name, vectors, norms, folds, penalty, scores, rng) for name in controls}
        )
        super().__init__(label=label, **made)

    def _static_figure(self) -> str:
        m = self.meta
        title = f"<p><b>{html_text(self.label)}</b><br>{html_text(m['about'])}"
        if m["own"]:
            return (
                title
                + " On a screen, with scripts, you can make up a feature here and see how well it is predicted.</p>"
            )
        head = "".join(f'<th scope="col">{SCORES[name]}</th>' for name in m["scores"])
        rows = {"the norms as they are": m["observed"]} | {CONTROLS[name]: row for name, row in self._printed.items()}
        body = "".join(
            f'<tr><th scope="row">{name}</th>{"".join(f"<td>{row[score]:.3f}</td>" for score in m["scores"])}</tr>'
            for name, row in rows.items()
        )
        return (
            f"{title} The mean of a few draws of each control:</p>"
            f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
        )
