"""A small chapter that keeps every rule of a chapter, for the tests of the checker and of the build."""

from __future__ import annotations

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """\
n_words: int = 40  # words in the sample
n_permutations: int = 19  # permutations of the null
seed: int = 0  # seed of the random generator"""

FIGURE = """\
fig, ax = plt.subplots(figsize=(5, 2.5))
ax.hist(null, label="null")
ax.axvline(observed, color="black", label="observed")
ax.legend()
plotting.show("The observed difference is {observed}.", observed=observed)"""

CHECK = """\
# median = ...  # of one half, less that of the other half
assert median != observed, (
    "NN.1: this is the difference of the means. Take the medians.")
assert median != np.median(sample), "NN.1: this is one median. Subtract the other."
"""


def text(source: str) -> nbformat.NotebookNode:
    """Return a text cell."""
    return new_markdown_cell(source)


def code(source: str, *tags: str, alt: str | None = None) -> nbformat.NotebookNode:
    """Return a code cell with tags and, for a figure, its alternative text."""
    cell = new_code_cell(source)
    if tags:
        cell.metadata["tags"] = list(tags)
    if {"solution", "check"} & {*tags}:
        cell.metadata["jupyter"] = {"source_hidden": True}
    if alt:
        cell.metadata["mystnb"] = {"image": {"alt": alt}}
    return cell


def chapter(number: str = "99") -> nbformat.NotebookNode:
    """Return a chapter with every required section, one exercise and its solution."""
    cells = [
        text(
            "# A mean that differs is not a difference\n\n"
            "The tempting claim: two halves of a sample differ. It would be refuted by a permutation."
        ),
        text(
            "## Overview\n\n* Compute a mean.\n* Permute it.\n* Judge the two.\n\n"
            "| Prerequisite | Where |\n| --- | --- |\n| mean | school |\n\nMinutes on a laptop: one."
        ),
        code(PARAMETERS, "parameters"),
        text("## Setup"),
        code(
            "import matplotlib.pyplot as plt\nimport numpy as np\n\nfrom explaint_lib import __version__, plotting\n\n"
            "rng = np.random.default_rng(seed)\nprint('explaint', __version__)"
        ),
        text(f"## The tempting analysis\n\nWe compare $\\bar x$ and $\\bar y$, as in {{eq}}`difference-{number}`."),
        text(f"$$\nd = \\bar x - \\bar y\n$$ (difference-{number})"),
        code("sample = rng.normal(size=n_words)\nobserved = sample[::2].mean() - sample[1::2].mean()\nobserved"),
        text("## A case where we know the answer\n\nThe sample was drawn from one distribution."),
        text("## The control\n\nIf order did not matter, any order would do."),
        code(
            "null = []\nfor _ in range(n_permutations):\n    mixed = rng.permutation(sample)\n"
            "    null.append(mixed[::2].mean() - mixed[1::2].mean())"
        ),
        text("## Observed against the null"),
        code(FIGURE, "hide-input", alt="Histogram of the null; the observed difference lies within it."),
        text("## Explore\n\nThe widget would stand here."),
        text("## What survives"),
        code("print('claim | control | verdict')"),
        text(
            "## Exercises\n\n"
            f"````{{exercise-start}} The median\n:label: exercise-{number}-median\n````\n\n"
            "**Easy, five minutes, core.** Do the same with the median.\n\n````{exercise-end}\n````"
        ),
        text(
            f"````{{solution-start}} exercise-{number}-median\n:label: solution-{number}-median\n:class: dropdown\n````"
        ),
        code("median = np.median(sample[::2]) - np.median(sample[1::2])\nmedian", "solution"),
        code(CHECK.replace("NN", str(int(number))), "check", "remove-cell"),
        text(
            "````{solution-end}\n````\n\n### Break it\n\nFind a sample that lies.\n\n"
            "### An open project\n\nAnother sample."
        ),
        text("## Summary\n\nA difference needs a null."),
        text("## Further reading\n\n{cite:t}`hewitt2019`."),
    ]
    for index, cell in enumerate(cells):  # nbformat makes random ids; the same notebook should be the same file
        cell["id"] = f"cell-{index}"
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return notebook
