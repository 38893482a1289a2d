"""Verdicts as sentences: what was found, by how much, against which control, and what may be written of it.

What it controls for: a number typed into prose, which stays when the result goes. What it does not license: a sentence
says no more than the row it was made from; the norms and the model have to be named beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from explaint_lib._common import ExplaintError
from explaint_lib.results._result import Result

_NEEDED = {"word", "verdict", "control", "difference", "ci_low", "ci_high"}
_KEYS = ("model", "split", "claim", "question")  # the columns that together name one claim
#: How many claims of each word are counted, in the order in which a summary names them.
_COUNTED = {
    "supported": "supported",
    "alarm": "below chance, which points to a fault",
    "worse": "worse than a control",
    "equivalent": "equivalent to a control",
    "no better": "no better than a control",
    "no verdict": "without a verdict",
    "cannot tell": "undecided",
}
_EACH = 8  # more claims than these are written of together


def in_brief(verdicts: pd.DataFrame, *, most: int = 5) -> list[tuple[str, str]]:
    """Return what a table of verdicts says in a few sentences, for who reads no more.

    Parameters
    ----------
    verdicts : DataFrame
        What `explaint_lib.inference.verdicts` returns.
    most : int
        The largest number of entries. With so many claims or fewer, each has an entry. With more, the first entry
        counts the claims by verdict, and the others show the claim with the largest difference of each verdict.

    Returns
    -------
    list of (str, str)
        The claim (empty for the count), then the verdict, the difference to the control that decides it (of a supported
        claim the one that comes nearest), its interval, and where it is below four fifths the share of draws that
        alone would have given the same verdict. Plain text: names in it are as they were given.

    Raises
    ------
    ExplaintError
        If a column is missing.

    Examples
    --------
    >>> from explaint_lib import inference, results
    >>> one = inference.Comparison("mean profile", difference=0.1, se=0.02, p_value=0.001, score="F1@10")
    >>> claims = {("minilm", "poss"): [one], ("smollm2", "poss"): []}
    >>> found = inference.verdicts(claims, smallest_effect=0.02, by=("model", "claim"), says="{model} finds it")
    >>> for claim, sentence in results.in_brief(found, most=2):
    ...     print(f"{claim}: {sentence}")
    minilm finds it: Supported: it exceeds mean profile by 0.100 in F1@10 (interval +0.061 to +0.139).
    smollm2 finds it: Not tested: no control could be run.
    """
    claims = _claims(verdicts)
    if len(claims) <= most:
        return [(claim, _sentence(rows)) for claim, rows in claims.items()]
    words = pd.Series({claim: str(rows["word"].iloc[0]) for claim, rows in claims.items()})
    counts = {word: int((words == word).sum()) for word in _COUNTED if (words == word).any()}
    counted = [f"{n} {'is' if n == 1 else 'are'} {_COUNTED[word]}" for word, n in counts.items()]
    entries = [("", f"Of {len(claims)} claims, {_listed(counted)}.")]
    for word in [word for word in counts if word != "cannot tell"][: most - 1]:
        of_word = {claim: rows for claim, rows in claims.items() if words[claim] == word}
        claim, rows = max(of_word.items(), key=lambda item: _size(item[1]))
        entries.append((claim, _sentence(rows)))
    return entries


def may_write(found: Result) -> pd.DataFrame:
    """Return what may be written on this evidence, and what may not.

    Parameters
    ----------
    found : Result
        Its verdicts are what `explaint_lib.inference.verdicts` returns; its manifest names data and models.

    Returns
    -------
    DataFrame
        Columns ``may`` and ``may_not``, plain text. A line a claim where there are eight or fewer; else one for all
        claims that share a word, those that need no other sentence together.

    Raises
    ------
    ExplaintError
        If a column is missing.

    Examples
    --------
    >>> from explaint_lib import inference, results
    >>> one = inference.Comparison("copied", difference=-0.1, se=0.02, p_value=0.001, score="F1@10")
    >>> verdicts = inference.verdicts({"It takes a map": [one]}, smallest_effect=0.02)
    >>> print(results.may_write(results.Result("06", {"data": {"name": "bundled"}}, verdicts=verdicts)).may_not[0])
    It takes a map.
    """
    claims, scope, lines = _claims(found.verdicts), scope_of(found.manifest), []
    if len(claims) <= _EACH:
        lines = [_pair([claim], str(rows["word"].iloc[0]), rows, scope) for claim, rows in claims.items()]
    else:
        for word in _COUNTED:
            of_word = {claim: rows for claim, rows in claims.items() if rows["word"].iloc[0] == word}
            if of_word:
                lines.append(_pair(list(of_word), word, pd.concat(list(of_word.values())), scope))
    return pd.DataFrame(lines, columns=["may", "may_not"], dtype=str)


def scope_of(manifest: Mapping[str, Any]) -> str:
    """Return on what a result was found: its data and its models.

    Examples
    --------
    >>> from explaint_lib import results
    >>> results.scope_of({"data": {"name": "bundled"}, "model": {"name": "minilm", "dim": 384}})
    'bundled with minilm'
    """
    models = manifest.get("model") or {}
    names = [str(models["name"])] if isinstance(models.get("name"), str) else list(map(str, models))
    data = str((manifest.get("data") or {}).get("name", "these data"))
    return f"{data} with {_listed(names)}" if names else data


def _pair(claims: Sequence[str], word: str, rows: pd.DataFrame, scope: str) -> tuple[str, str]:
    """Return what may be written of some claims of one word, and what may not."""
    quoted, together = "; ".join(claims), len(claims) > 1
    row = deciding(rows)
    if row is None:
        return f"It was not tested on {scope}: {quoted}.", f"{quoted}."
    tried = rows[rows["difference"].notna()]
    # a supported claim need not lie above a control that says the same of true and of false claims
    over = tried.loc[tried["ci_low"] <= 0, "control"] if word == "supported" else tried["control"][:0]
    controls = _listed(dict.fromkeys(tried.loc[~tried["control"].isin(over), "control"]))
    numbers = "" if together else f" {_capital(_difference(row))}."
    if word == "supported":
        beyond = f"The same of other data or models, or that anything was excluded besides {controls}."
        passed = f" Nothing follows from {_listed(dict.fromkeys(over))}: it says the same of true and of false claims."
        passed = passed if len(over) else ""
        return f"On {scope}, not explained by {controls}: {quoted}.{numbers}{passed}", beyond
    if word == "cannot tell":
        return f"On {scope}, the evidence does not decide: {quoted}.{numbers}", f"{quoted}; or that it is false."
    if word == "no verdict":
        told = f"{_capital(controls)} may be reported beside it, but this control says the same of true and of false "
        return f"{told}claims, or was never tried.{numbers}", f"{quoted}; or that it is refuted."
    if word == "alarm":
        return f"The score of this lies below chance on {scope}; data or code have a fault: {quoted}.", f"{quoted}."
    shown = _COUNTED[word] if together else str(rows["verdict"].iloc[0])
    return f"On {scope}, what was found is {shown}: {quoted}.{numbers}", f"{quoted}."


def _claims(verdicts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each claim, by the sentence that says it."""
    keys = [name for name in _KEYS if name in verdicts]
    _check(verdicts, keys or ["claim"])
    found = {}
    for key, rows in verdicts.groupby(keys, sort=False):
        own = str(rows["sentence"].iloc[0]) if "sentence" in rows else ", ".join(map(str, key))
        found[own.removeprefix("... ")] = rows
    return found


def _check(verdicts: pd.DataFrame, keys: Iterable[str]) -> None:
    if missing := sorted({*keys, *_NEEDED} - set(verdicts)):
        raise ExplaintError(
            f"verdicts in words need the columns that inference.verdicts returns; missing: {', '.join(missing)}"
        )


def _size(rows: pd.DataFrame) -> float:
    """Return the size of the difference that a claim's sentence gives."""
    row = deciding(rows)
    return 0.0 if row is None else abs(float(row["difference"]))


def _listed(parts: Iterable[str]) -> str:
    *first, last = [str(part) for part in parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _sentence(rows: pd.DataFrame) -> str:
    """Return the sentences of one claim."""
    row = deciding(rows)
    if row is None:
        return "Not tested: no control could be run."
    text = f"{_capital(str(row['verdict']))}: {_difference(row)}{_why(row, str(row['word']))}."
    stable, draws = row.get("stable"), row.get("draws")
    if not pd.isna(stable) and stable < 0.8 and not pd.isna(draws):
        text += f" Of {int(draws)} draws of {row['varied']}, {stable:.0%} alone would have given this verdict."
    return text


def deciding(rows: pd.DataFrame) -> dict[str, Any] | None:
    """Return the comparison that decides a claim: of the controls that its verdict names, the one that comes nearest.

    Parameters
    ----------
    rows : DataFrame
        The rows of one claim, of what `explaint_lib.inference.verdicts` returns.

    Returns
    -------
    dict or None
        The row, by column; None where no control could be run. Of a supported claim, which names none, it is the
        smallest difference that is above zero with its whole interval.

    Examples
    --------
    >>> from explaint_lib import inference, results
    >>> far = inference.Comparison("mean profile", difference=0.2, se=0.02, p_value=0.001)
    >>> near = inference.Comparison("n-grams", difference=0.1, se=0.02, p_value=0.001)
    >>> results.deciding(inference.verdicts({"it": [far, near]}, smallest_effect=0.02))["control"]
    'n-grams'
    """
    tested = rows[rows["difference"].notna()]
    if tested.empty:
        return None
    word, verdict = str(tested["word"].iloc[0]), str(tested["verdict"].iloc[0])
    if word == "supported":  # a control that may give no verdict decides nothing
        named = tested[tested["ci_low"] > 0]
    else:
        named = tested[[str(control) in verdict for control in tested["control"]]]
    of_verdict = named if len(named) else tested
    return {str(name): value for name, value in of_verdict.sort_values("difference").iloc[0].items()}


def _difference(row: Mapping[str, Any]) -> str:
    score = "the score" if pd.isna(row.get("score")) else row["score"]
    side = "exceeds" if row["difference"] >= 0 else "falls short of"
    text = f"it {side} {row['control']} by {abs(row['difference']):.3f} in {score}"
    if np.isnan(row["ci_low"]):
        return text
    return f"{text} (interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f})"


def _why(row: Mapping[str, Any], word: str) -> str:
    """Return what the number means, where the verdict's own words do not say it."""
    margin = row.get("margin")
    if word == "cannot tell":
        if np.isnan(row["ci_low"]):
            return ", and one draw does not show by how much it varies"
        return (
            ""
            if pd.isna(row.get("reachable")) or row["reachable"]
            else f"; a margin of {margin:g} is out of reach here"
        )
    if word in ("equivalent", "no better"):
        return f", where {margin:g} would matter"
    return {"alarm": "; look for a fault before reading it", "no verdict": ", a number that decides nothing"}.get(
        word, ""
    )
