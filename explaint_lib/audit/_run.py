"""Run the claims of a file, one after another, each kept as it ends, and judge them together.

What it controls for: a claim file that was changed after results exist (its hash is in every output, and those of
earlier files are kept), a run that was killed (what had ended is read again, if all it depends on is the same), and the
number of claims (the verdicts are corrected over the whole file). What it does not license: a word on claims that
somebody tested elsewhere and left out of the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from explaint_lib._cache import code_hash, computer, hashed
from explaint_lib._common import ExplaintError, check_writable, make_folder, notice, write_json
from explaint_lib.audit._claims import Claim, ClaimFile
from explaint_lib.audit._found import Found, Report
from explaint_lib.audit._models import RUN
from explaint_lib.audit._results import results_of
from explaint_lib.audit._sources import Sources
from explaint_lib.audit._vectors import EFFORTS, Case, run_vectors, steps

RESULTS, PARTS = "results.json", "claims"


def run_audit(claims: ClaimFile, out: str | Path, *, device: str = "cpu", progress: bool = False) -> dict[str, Any]:
    """Audit every claim of a file, and write `results.json`.

    Parameters
    ----------
    claims : ClaimFile
        What `read_claims` returns.
    out : str or Path
        A folder; made if it is not there. What ended there before, of the same claim, data, model, code and versions,
        is not computed again.
    device : str
    progress : bool
        Show a bar on stderr, with the time that remains.

    Returns
    -------
    dict
        What ``results.json`` holds, under the schema that `results_schema` returns. The same file and seed give the
        same bytes.

    Raises
    ------
    ExplaintError
        Before a model is loaded, with all that is wrong with the data that the claims name.

    Examples
    --------
    Of a model that is on this machine::

        found = audit.run_audit(audit.read_claims("claims.yaml"), "out")
        [one["verdict"] for one in found["claims"]]
    """
    out = Path(out)
    make_folder(out / PARTS)
    check_writable(out / RESULTS)
    sources = Sources(device)
    known = _checked(claims, sources)
    earlier = _earlier(out, claims.sha256)
    of_file = {"sha256": claims.sha256, "earlier": earlier}
    total = {claim.id: _steps(claim, claims.profile) for claim in claims.claims}
    found: dict[str, Found] = {}
    with tqdm(total=sum(total.values()), unit="step", disable=not progress) as bar:
        for claim in claims.claims:
            bar.set_description(claim.id)
            part = _Part(out / PARTS / f"{claim.id}.json", _key(claim, claims, known[claim.id]), of_file)
            kept = part.read()
            if kept is None:
                with _to_the_end(bar, total[claim.id]) as report:
                    kept = _RUN[claim.kind.name](claim, sources, claims.profile, report)
                part.write(kept)
            else:
                bar.update(total[claim.id])
            found[claim.id] = kept
    results = results_of(claims, found, earlier)
    write_json(out / RESULTS, results)
    return results


def forecast(claims: ClaimFile) -> tuple[int, int]:
    """Return how many comparisons, and how many fits or runs of a model, the claims of a file take.

    Examples
    --------
    >>> from explaint_lib import audit
    >>> n, fits = audit.forecast(audit.parse_claims(audit.claim_file(model="minilm").encode(), "mine"))
    >>> n > 10 and fits > 100
    True
    """
    each = [_steps(claim, claims.profile) for claim in claims.claims]
    return sum(len(claim.controls) for claim in claims.claims), sum(each)


def _steps(claim: Claim, profile: str) -> int:
    return steps(claim, EFFORTS[profile]) if claim.kind.needs == "vectors" else claim.kind.cost


def _checked(claims: ClaimFile, sources: Sources) -> dict[str, dict[str, Any]]:
    """Return what identifies the sources of each claim; say everything that is wrong with them at once."""
    known, faults = {}, []
    for claim in claims.claims:
        try:
            known[claim.id] = sources.check(claim)
        except ExplaintError as fault:
            faults.append(str(fault))
    if faults:
        raise ExplaintError("nothing was run:\n  " + "\n  ".join(dict.fromkeys(faults)))
    return known


def _key(claim: Claim, claims: ClaimFile, known: Mapping[str, Any]) -> str:
    """Return the hash of all that a claim's numbers depend on; margins and other claims decide words, no numbers."""
    of_source = {key: value for key, value in claim.source.items() if key not in ("vectors", "predictions", "text")}
    about = {"kind": claim.kind.name, "options": claim.options, "source": of_source, "profile": claims.profile}
    about |= {"controls": [one.name for one in claim.controls], "known": dict(known)}
    return hashed(about | {"code": code_hash(__name__), "computer": computer()})


def _earlier(out: Path, own: str) -> list[str]:
    """Return the hashes of other claim files that results in the folder were made from, oldest first."""
    found: list[str] = []
    for path in [out / RESULTS, *sorted((out / PARTS).glob("*.json"))]:
        try:
            held = json.loads(path.read_text("utf8"))
            about = held["claim_file"]
            found += [*about.get("earlier", []), about["sha256"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return [one for one in dict.fromkeys(found) if isinstance(one, str) and one != own]


class _Part:
    """What one claim gave, in a file of its own, believed only if key and digest fit."""

    def __init__(self, path: Path, key: str, claim_file: dict[str, Any]) -> None:
        self.path, self.key, self.claim_file = path, key, claim_file

    def read(self) -> Found | None:
        try:
            held = json.loads(self.path.read_text("utf8"))
            good = held["key"] == self.key and held["sha256"] == _digest(held["found"])
            if good:
                return Found.from_dict(held["found"])
            if held["key"] == self.key:
                notice(f"{self.path} was changed after it was written; its claim is run again")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            notice(f"{self.path} is damaged; its claim is run again")
        return None

    def write(self, found: Found) -> None:
        held = found.to_dict()
        about = {"claim_file": self.claim_file, "key": self.key}
        write_json(self.path, about | {"sha256": _digest(held), "found": held})


def _digest(held: Any) -> str:
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


@contextmanager
def _to_the_end(bar: tqdm, steps: int) -> Iterator[Report]:
    """Yield a report for one claim; what it leaves of its steps is done when the claim is."""
    start = bar.n
    yield bar.update
    bar.update(start + steps - bar.n)


def _run_vectors(claim: Claim, sources: Sources, profile: str, report: Report) -> Found:
    norms, file = sources.shared(claim)
    more: dict[str, Any] = {"effort": EFFORTS[profile], "seed": claim.source["seed"], "report": report}
    X, given = None, None
    if claim.source["predictions"] is not None:
        given, model = sources.given(claim, norms, file)
    else:
        X, model = sources.vectors(claim, norms, file)
    case = Case(norms, X, components=claim.options["components"], given=given, **more)
    found = run_vectors(claim, case)
    about = {"norms": norms.name, "n_words": len(norms.words), "n_features": len(norms.features)}
    return replace(found, data=about | {"fingerprint": norms.fingerprint()}, model=model)


_RUN: dict[str, Callable[[Claim, Sources, str, Report], Found]] = {
    "vectors_hold_features": _run_vectors,
    "map_adds": _run_vectors,
    **RUN,
}
