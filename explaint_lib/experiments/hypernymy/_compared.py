"""What the probes of one set of pairs scored, and its comparisons: one way of computing for all intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from explaint_lib import inference, relations
from explaint_lib._common import ExplaintError

#: In the order in which a reader asks; the last two are both similarities, position and frequency together, without and
#: with attention.
PREDICTORS = (
    "attention", "attention_untrained", "hypernym_identity", "word_similarity", "own_vectors", "position",
    "frequency", "permuted_labels", "rivals", "rivals_and_attention",
)  # fmt: skip
#: Of the question what a sentence says; the last sees which words beside the two nouns a sentence has.
SAID_PREDICTORS = ("attention", "attention_untrained", "position", "frame_words")


@dataclass(frozen=True)
class PairScores:
    """Share of sentences judged rightly, of every predictor, on one set of pairs under one split.

    Attributes
    ----------
    pairs : PairSet
    split : str
    seen : (predictor, group of templates) -> (draw, pair)
        True or false pair, judged by a probe of the same templates.
    unseen : (predictor, group of templates) -> (draw, pair)
        The same, by a probe that has not met the template (of the group "affirmed"), or only affirmed ones.
    said : predictor -> (draw, pair)
        Whether a sentence asserts the relation, in a family of templates that the probe has not met.
    n_twins, n_templates : int
        Draw i is of untrained twin i modulo `n_twins`, and leaves out template i modulo `n_templates`, or family i
        modulo their number.
    """

    pairs: relations.PairSet
    split: str
    seen: Mapping[tuple[str, str], np.ndarray]
    unseen: Mapping[tuple[str, str], np.ndarray]
    said: Mapping[str, np.ndarray]
    n_twins: int
    n_templates: int

    @property
    def n_fold_draws(self) -> int:
        """How often folds were drawn."""
        return len(self.seen["attention", "affirmed"])

    def compare(self, predictor: str, control: str, question: str = "relation") -> inference.Comparison:
        """Compare a predictor with another, with "chance", or with itself in "negated sentences" (of any group).

        Parameters
        ----------
        predictor, control : str
        question : "relation", "left out" or "said"
            Does it tell true from false pairs; the same in a template left out of training; or does it tell sentences
            that assert the relation from those that do not?

        Returns
        -------
        explaint_lib.inference.Comparison
            Units are pairs; those that share a hyponym or a hypernym are not independent. What varies are untrained
            twins, where one takes part; else templates, where they were left out; else folds. Draws of one twin or
            template are averaged, so that the variance of folds is in all of them.

        Examples
        --------
        >>> from explaint_lib.experiments import hypernymy
        >>> from explaint_lib.norms import load_norms
        >>> _, sets = hypernymy.make_pair_sets(load_norms("bundled"), negatives=["balanced"], max_per_hypernym=4)
        >>> world = hypernymy.planted_world(sets, "relation", rng=np.random.default_rng(0))
        >>> scores = hypernymy.fit_probes(world, splits=["pair"], n_fold_draws=5)
        >>> found = scores["balanced", "pair"].compare("attention", "chance")
        >>> found.difference > 0.4, found.varied
        (True, 'folds')
        """
        named = {"attention_untrained"} & {predictor, control}
        varied, kinds = "folds", self.n_fold_draws
        if named:
            varied, kinds = "twins", self.n_twins
        elif question != "relation":
            varied = "templates"
            kinds = self.n_templates if question == "left out" else len(relations.FAMILIES)
        ours = _by_kind(self._right(predictor, question), kinds)
        theirs = 0.5 if control == "chance" else _by_kind(self._right(control, question), kinds)
        return inference.compare(
            ours,
            theirs,
            control,
            clusters=self._clusters(),
            varied=varied,
            score="accuracy",
            chance=control == "chance",
            asks="said" if question == "said" else "training" if named else "relation",
        )

    def _right(self, predictor: str, question: str) -> np.ndarray:
        """Return who is judged rightly, (draw, pair)."""
        group = predictor.removesuffix(" sentences")
        key = ("attention", group) if group != predictor else (predictor, "affirmed")
        tables: dict[str, Mapping[Any, np.ndarray]] = {"relation": self.seen, "left out": self.unseen}
        found = self.said.get(predictor) if question == "said" else tables[question].get(key)
        if found is None:
            raise ExplaintError(f"the question {question!r} was not put to the predictor {predictor!r}")
        return found

    def _clusters(self) -> dict[str, tuple[str, ...]]:
        return {"hyponym": self.pairs.hyponyms, "hypernym": self.pairs.hypernyms}

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of a result: each predictor's accuracy with its interval."""
        order = sorted(self.seen, key=lambda key: PREDICTORS.index(key[0]))
        made = [self._row("relation", name, group, self.seen[name, group]) for name, group in order]
        return made + [self._row("said", name, "left out", self.said[name]) for name in SAID_PREDICTORS if self.said]

    def _row(self, question: str, name: str, group: str, right: np.ndarray) -> dict[str, Any]:
        twins, said = name == "attention_untrained", question == "said"
        kinds = self.n_twins if twins else len(relations.FAMILIES) if said else len(right)
        varied = "twins" if twins else "templates" if said else "folds"
        found = inference.compare(_by_kind(right, kinds), 0.0, name, clusters=self._clusters(), varied=varied)
        elsewhere = self.unseen.get((name, group))
        low, high = np.clip(found.interval(), 0, 1)
        return {
            "question": question,
            "predictor": name,
            "negatives": self.pairs.negatives,
            "split": self.split,
            "templates": group,
            "accuracy": found.difference,
            "ci_low": float(low),
            "ci_high": float(high),
            "chance": 0.5,
            "n": right.shape[1],
            "accuracy_unseen_template": None if elsewhere is None else float(elsewhere.mean()),
        }

    def tests(self) -> list[dict[str, Any]]:
        """Return the tests of a result: each comparison that the experiment makes."""
        asked = [("relation", "attention", name) for name in (*PREDICTORS[1:-1], "chance")]
        asked += [("relation", "rivals_and_attention", "rivals")]
        asked += [("relation", "attention", f"{group} sentences") for _, group in self.seen if group != "affirmed"]
        if ("attention", "affirmed") in self.unseen:
            asked += [("left out", "attention", "chance")]
        if self.said:
            asked += [("said", "attention", name) for name in (*SAID_PREDICTORS[1:], "chance")]
        shared = {"negatives": self.pairs.negatives, "split": self.split}
        made = []
        for question, predictor, control in asked:
            one = self.compare(predictor, control, question)
            said: dict[str, Any] = {
                "question": question,
                "predictor": predictor,
                "control": control,
                "score": one.score,
            }
            varied = {"n": one.n, "varied": one.varied, "draws": len(one.draws)}
            made.append(shared | said | one.numbers() | varied)
        return made


def _by_kind(right: np.ndarray, kinds: int) -> np.ndarray:
    """Return the mean over the draws of each kind, (kind, pair): draw i is of kind i modulo `kinds`."""
    return np.array([right[kind::kinds].mean(axis=0) for kind in range(kinds)])
