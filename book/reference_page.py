"""Write the page of reference results from the files in ``book/reference/``.

Each file is what `explaint table --json` wrote on human norms: numbers with their manifest, never a rating. ``python
book/reference_page.py`` turns all of them into ``book/reference_results.md``; a test holds the two equal.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from explaint_lib._common import atomic_path
from explaint_lib.controls import CONDITIONS
from explaint_lib.experiments.table import PAPER_SCORES
from explaint_lib.inference import holm
from explaint_lib.metrics import METRICS
from explaint_lib.results import Result

BOOK = Path(__file__).resolve().parent
FOLDER, PAGE = BOOK / "reference", BOOK / "reference_results.md"
TITLES = {"mcrae": "McRae's norms", "buchanan": "Buchanan's norms", "binder": "Binder's ratings"}
CITED = {"mcrae": "mcrae2005", "buchanan": "buchanan2019", "binder": "binder2016"}
MAPPERS = ("plsr", "ridge", "ffnn")
ENOUGH = 19  # refits without which no p can be .05 or less; then none is shown

INTRODUCTION = """\
# Reference results on human norms

The human norms may not be passed on, so a reader without them cannot run the chapters on them. These tables are what a
run gives: means over words or features, below each its 95 % bootstrap interval over words, and never a rating. A *p* is
that of a one-sided test that the *system* is above this condition, after the correction of {cite:t}`holm1979` over the
controls of one score; with $B$ refits it can be small only if $B$ is large, and with fewer than nineteen none is shown.
What each condition keeps is said in [](../notebooks/07_five_controls_and_what_they_leave_out.ipynb), how to read a
score between a constant and an oracle in [](../notebooks/08_base_rates_and_sparsity.ipynb). The column *paper* holds
what {cite:t}`abdelhalim2026` print, for another model; for Binder's ratings they give a correlation without saying over
what, and we take it to be over the ratings of a word. Whether the *conclusions* of the chapters hold on all norms is on
[a page of its own](reference_verdicts.md).

The files behind the tables, in `book/reference/`, name data, model, versions and arguments by their hashes and numbers.
Whoever has the norms makes one again with the command above its tables; folds and refits are fewer where a set is large
or a map is slow. `explaint sweep book/reference/grid.yaml` makes all of them at once, with the most of both.

Read no number across norms: the constant and the oracle of the same column are its scale. And take no share of an
*upper bound*: it is the map's own, given the answer as input. Where two maps stand side by side it moves far more from
one to the other than the system does, and where it is as high on shuffled norms it says nothing about the norms at
all."""


def load(folder: Path = FOLDER) -> dict[tuple[str, str], Result]:
    """Return the results in a folder by the names of norms and mapper."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        result = Result.from_json(file)
        if result.experiment != "table":  # the calibrations lie beside them
            continue
        about = result.manifest["arguments"]
        found[about["norms"], about["mapper"]] = result
    return found


def command(result: Result) -> str:
    """Return the command that makes a result again."""
    about = result.manifest["arguments"]
    components = f" --components {about['components']}" if about["mapper"] == "plsr" else ""
    return (
        f"explaint table --norms {about['norms']} --model {about['model']} --mapper {about['mapper']}{components} "
        f"--folds {about['folds']} --permutations {about['permutations']} --bootstrap {about['bootstrap']} "
        f"--seed {about['seed']}"
    )


def page(folder: Path = FOLDER) -> str:
    """Return the text of the page."""
    results, parts = load(folder), [INTRODUCTION]
    for name in TITLES:
        of_norms = {mapper: results[name, mapper] for mapper in MAPPERS if (name, mapper) in results}
        if not of_norms:
            continue
        data = next(iter(of_norms.values())).manifest["data"]
        missing = f", {data['n_missing']} cells missing and masked" if data["n_missing"] else ""
        size = f"{data['n_words']} words x {data['n_features']} features{missing}"
        parts.append(f"## {TITLES[name]}\n\n{{cite:t}}`{CITED[name]}`: {size}.")
        commands = "\n".join(command(result) for result in of_norms.values())
        parts.append(f"```bash\n{commands}\n```")
        parts += [_table(of_norms, name, metric) for metric in METRICS]
    return "\n\n".join(parts) + "\n"


def _table(results: Mapping[str, Result], name: str, metric: str) -> str:
    """Return one score on one set of norms: conditions down, maps across, the paper's numbers last."""
    paper = PAPER_SCORES.get((name, metric), {})
    heads = [*results, *(["paper"] if paper else [])]
    lines = [f"### {METRICS[metric].label}", "", f"| {TITLES[name]} | " + " | ".join(heads) + " |"]
    lines.append("| --- " * (len(heads) + 1) + "|")
    columns = [_column(result, metric) for result in results.values()]
    if paper:
        columns.append({condition: _short(value, 2) for condition, value in paper.items()})
    for condition in dict.fromkeys(name for column in columns for name in column):
        cells = [column.get(condition, "") for column in columns]
        lines.append(f"| {CONDITIONS[condition].label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _column(result: Result, metric: str) -> dict[str, str]:
    """Return for each condition its value with its interval, and the p of the system above it."""
    tests = result.tests[result.tests["metric"] == metric].set_index("control")
    told = (tests["n_permutations"] == 0) | (tests["n_permutations"] >= ENOUGH)  # 0: a p that needs none
    p_holm = pd.Series(holm(tests["p_value"]), tests.index)[told].to_dict()
    found: dict[str, str] = {}
    for row in result.rows[result.rows["metric"] == metric].to_dict("records"):
        value, low, high, p = (row["value"], row["ci_low"], row["ci_high"], p_holm.get(row["condition"]))
        shown = "-" if pd.isna(value) else _short(value, 3)
        if not pd.isna([value, low]).any() and low != high:
            shown += f"<br>[{_short(low, 3)}, {_short(high, 3)}]"
        if p is not None and not pd.isna(p):
            shown += "<br>*p* < .001" if p < 0.001 else f"<br>*p* {_short(p, 3)}"
        found[row["condition"]] = shown
    return found


def _short(value: float, digits: int) -> str:
    """Return a number without the zero before its point."""
    shown = f"{round(value, digits) + 0.0:.{digits}f}"
    return shown.replace("0.", ".", 1) if shown.lstrip("-").startswith("0.") else shown


if __name__ == "__main__":
    with atomic_path(PAGE) as beside:
        beside.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"written: {PAGE.name}\n")
