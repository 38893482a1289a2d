"""Write the page of calibrations from the table that ships with the library.

The table is what `explaint calibrate --out explaint_lib/data/calibration.json` wrote. ``python
book/calibration_page.py`` turns it into ``book/calibration.md``; a test holds the two equal.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from scipy.stats import binomtest

from explaint_lib._common import atomic_path
from explaint_lib.inference import Rates, rates
from explaint_lib.results import Result

BOOK = Path(__file__).resolve().parent
TABLE, PAGE = BOOK.parent / "explaint_lib" / "data" / "calibration.json", BOOK / "calibration.md"
KEY = ["asks", "control", "score"]
QUESTIONS = {
    "features": "Do the vectors predict features beyond base rates?",
    "word": "Do they know the word, beyond its category?",
    "region": "Do they know the word, beyond its nearest words?",
    "map": "Does the map find what is not on the surface?",
    "layer": "Does a higher layer know more?",
    "static": "Do they know more than a static vector?",
    "form": "Do they know more than spelling allows?",
    "unseen category": "Do they tell features in a category never seen?",
    "shuffled": "Are shuffled features predicted?",
    "bound": "Does the upper bound rise with the map's components?",
    "spaces": "Are the two spaces alike beyond categories?",
    "nonsense": "Is nonsense predicted?",
    "intact": "Does a judge tell intact maps from corrupted ones?",
    "said": "Does the model read what is said?",
    "atom map": "Does a head map atoms of a reaction?",
    "exchange": "Does a prediction follow the atom that is exchanged?",
    "relation": "Does attention tell pairs of hyponym and hypernym?",
    "training": "Does training add to an untrained twin?",
    "entries": "Does attention say which entries of a cache will be needed?",
    "true features": "Does a dictionary hold most of the true features?",
    "dictionary": "Does a dictionary score higher on a trained model's states?",
    "steering": "Does a steering vector move texts as promised?",
    "interchange": "Does a network do what the algorithm does inside?",
    "head": "Does a head follow a relation between words?",
    "geometry": "Is the nearest input of a state that of its own position?",
    "decodability": "Can the token of a position be decoded from its state?",
    "causal_locality": "Does an exchanged token move its own position most?",
    "content_share": "Does the content of a state come from its own token?",
    "own share": "How much of a position's state is its own?",
    "flow": "Do the scores of a method agree with what an exchange moves?",
    "pruning": "Does an order of heads say which of them can go?",
    "fault": "Does a tool find a planted fault?",
    "nonlinear": "Does it take a network?",
}

INTRODUCTION = """\
# How often verdicts err

A control that says the same of a true claim and of a false one is no evidence. So every comparison below was first made
in worlds whose answer is known: worlds in which its claim is false, and worlds in which it is true. The words are those
of [the rule](how_to_read_a_verdict.md), applied as in a chapter: with the same margins, and corrected for a table of
{family} comparisons.

Four rates follow. **False alarms**: the claim is false, and was *supported*. **Power**: it is true, and was supported.
**Wrongly refuted**: it is true, and was called *worse*, *equivalent* or *no better*. **Rightly refuted**: it is false,
and was called one of these. Below each rate stands its exact 95 % interval (Clopper and Pearson). The bar for a
wrong word is one in twenty, and for power nine in ten at 500 words.

A comparison must tell the two kinds of worlds apart: say *supported* more often where the claim is true, or refute more
often where it is false (Fisher's exact test, p below .01). Then it **may support** if its false alarms are not shown to
be more than one in twenty, and **may refute** if its wrong refutations are not. One that may do neither prints its
number in the book and gives *no verdict*: the library enforces it (`explaint_lib.inference.verdicts`). A real result is
judged by the worlds of the nearest size.

Each rate rests on {worlds} worlds. `explaint calibrate --worlds {n} --out calibration.json` makes the table again; each
world is seeded by its name, size and number, so a part of it (`--only word --size 60`) has the numbers of the whole.
The numbers are in `explaint_lib/data/calibration.json`, with the word that every single world got.

## What was planted

A world has norms and word vectors. The norms are made as people's are: features of a category that most of its words
have, features that words share across categories, features of one word alone; or ratings from 0 to 6, made of category,
attributes and noise in equal parts. Norms and noise are the same in worlds of one number; what differs is what the
vectors tell of the norms. Chapters 01 to 05 and 11 rest on models, too dear to plant by the hundred: there only the
numbers that a sentence or a reaction gives are planted.

| World | What is true in it |
| --- | --- |
"""
LIMITS = """
These worlds are not real data. Attributes are independent of categories and of spelling in them; the map is one
(partial least squares); effects are of the size named in the column *difference*. A rate of zero here is no promise of
zero elsewhere, but a comparison that fails here has no claim to be believed elsewhere."""
NO_VERDICT = """
## Which comparisons give no verdict

At the sizes named, these say the same of worlds in which the claim is true and in which it is false, or err too often:
their numbers are shown in the book, never a verdict.
"""


INTERVALS = """
## How often intervals hold the truth

An interval of 95 % should hold the true difference in 95 of 100 data sets. Here each kind of interval that a verdict
uses is made in many simulated data sets whose true difference is known (`explaint_lib.experiments.coverage`), and
beside it the interval *over single units*: what one would get by taking every word or sentence for a draw of its own,
whatever was drawn. Below each share stands its exact 95 % interval.
"""


def page(result: Result | None = None) -> str:
    """Return the text of the page."""
    found = Result.from_json(TABLE) if result is None else result
    rows, about = found.rows, found.manifest
    n = about["arguments"]["worlds"]
    least, most = rows["worlds"].min(), rows["worlds"].max()
    counted = f"{least}" if least == most else f"{least} to {most}"
    parts = [INTRODUCTION.format(family=about["arguments"]["family"], worlds=counted, n=n)]
    parts[0] += "\n".join(f"| {name} | {text} |" for name, text in about["worlds"].items())
    parts.append(LIMITS.strip())
    silent = []
    for asks, part in rows.groupby("asks", sort=False):
        parts.append(f"## {QUESTIONS[str(asks)]}\n\nThe question *{asks}*.")
        parts.append(_table(part))
        silent += _silent(part)
    parts.append(NO_VERDICT.strip())
    parts.append("\n".join(silent) or "None.")
    if len(found.tests):
        parts.append(_coverage(found.tests))
    return "\n\n".join(parts) + "\n"


def _coverage(tests: pd.DataFrame) -> str:
    """Return the section on intervals."""
    lines = [INTERVALS.strip() + "\n"]
    lines += ["| What varies | In what | Units | Interval | Holds the truth |", "| --- | --- | --- | --- | --- |"]
    for row in tests.to_dict("records"):
        held = f"{row['value']:.1%}<br>[{100 * row['ci_low']:.1f}, {100 * row['ci_high']:.1f}]"
        lines.append(f"| {row['question']} | {row['claim']} | {row['n']} | {row['method']} | {held} |")
    return "\n".join(lines)


def _table(part: pd.DataFrame) -> str:
    lines = [
        "| Control, score | Words | False alarms | Power | Wrongly refuted | Rightly refuted | Difference: false, true "
        "| May |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (control, score, size), two in part.groupby(["control", "score", "n_words"], sort=False):
        false, true = (two[two["truth"] == truth] for truth in (False, True))
        cells = [_rate(false, "supported"), _rate(true, "supported"), _rate(true, "refuted"), _rate(false, "refuted")]
        means = ", ".join(f"{one['difference'].mean():+.3f}" for one in (false, true))
        lines.append(f"| {control}<br>{score} | {size} | {' | '.join(cells)} | {means} | {_may(rates(two))} |")
    return "\n".join(lines)


def _rate(rows: pd.DataFrame, word: str) -> str:
    """Return a rate in per cent, with its exact interval."""
    k, n = int(rows[word].sum()), int(rows["worlds"].sum())
    interval = binomtest(k, n).proportion_ci(0.95, method="exact")
    return f"{k / n:.0%}<br>[{100 * interval.low:.0f}, {100 * interval.high:.0f}]"


def _may(known: Rates) -> str:
    allowed = [word for word, may in (("support", known.may_support), ("refute", known.may_refute)) if may]
    return " and ".join(allowed) or "**no verdict**"


def _silent(part: pd.DataFrame) -> list[str]:
    """Return a line for each comparison that may say nothing at some size."""
    lines = []
    for (asks, control, score), of in part.groupby(KEY, sort=False):
        sizes = [
            f"{size} (supported {_share(two, False, 'supported')} where false, {_share(two, True, 'supported')} where "
            f"true; refuted {_share(two, False, 'refuted')} and {_share(two, True, 'refuted')})"
            for size, two in of.groupby("n_words")
            if not (rates(two).may_support or rates(two).may_refute)
        ]
        if sizes:
            lines.append(f"* *{asks}*, {control}, {score}, words: {'; '.join(sizes)}.")
    return lines


def _share(two: pd.DataFrame, truth: bool, word: str) -> str:
    rows = two[two["truth"] == truth]
    return f"{rows[word].sum() / rows['worlds'].sum():.0%}"


if __name__ == "__main__":
    with atomic_path(PAGE) as beside:
        beside.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"written: {PAGE.name}\n")
