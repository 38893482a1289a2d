"""The claim file: what is claimed of which model, fixed before anything is run, and checked before a model is loaded.

What it controls for: a claim that is worded after its result. The SHA-256 of the file stands in every output. What it
does not license: trust that nobody looked before the file was written.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explaint_lib._common import ExplaintError, printable
from explaint_lib.audit._kinds import KINDS, Control, Kind, whole
from explaint_lib.audit._yaml import Place, read_yaml
from explaint_lib.inference import MARGINS

FORMAT = 1
PROFILES = ("quick", "full")
_MOST_BYTES, _MOST_CLAIMS = 2**18, 100
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_TOP = {
    "explaint_audit": "the version of this format, 1",
    "profile": "quick or full",
    "claims": "the list of claims",
    "smallest_effects": "the smallest difference that would matter, by score",
}
_SHARED: dict[str, tuple[Any, str]] = {  # key: default, what it is
    "model": (None, "a name of `explaint models list`, a folder or a hub id"),
    "revision": (None, "branch, tag or commit of a hub id"),
    "vectors": (None, "a file of word vectors, in place of a model"),
    "predictions": (None, "a file of held-out predictions, in place of a model"),
    "norms": ("bundled", "a name of `explaint norms list`, or a file"),
    "text": (None, "a file, one sentence a line; left out: the bundled sentences"),
    "seed": (0, "of all that is drawn"),
}
_OF_CLAIM = {"id", "type", "leave_out", "because"}


@dataclass(frozen=True)
class Claim:
    """One claim, with everything that decides its numbers.

    Attributes
    ----------
    id : str
    kind : Kind
    options : dict
        The keys of its type.
    source : dict
        model, revision, vectors, predictions, norms, text and seed.
    leave_out : tuple of str
        Controls that the file leaves out.
    because : str or None
        The reason it gives.
    """

    id: str
    kind: Kind
    options: dict[str, Any]
    source: dict[str, Any]
    leave_out: tuple[str, ...] = ()
    because: str | None = None

    @property
    def controls(self) -> tuple[Control, ...]:
        """The controls to run: all that could explain the claim away, but those left out."""
        return tuple(one for one in self.kind.controls(self.options) if one.name not in self.leave_out)

    @property
    def sentence(self) -> str:
        """The claim as a sentence, without its full stop."""
        said = self.kind.says.format(**self.options)
        return said[0].upper() + said[1:]

    def describe(self) -> dict[str, Any]:
        """Return what JSON can hold: all that the file says of this claim."""
        return {"id": self.id, "type": self.kind.name, "options": self.options, "source": self.source}


@dataclass(frozen=True)
class ClaimFile:
    """The claims of a file.

    Attributes
    ----------
    name, sha256 : str
        What the file is called, and the hash of its bytes.
    profile : {"quick", "full"}
    margins : mapping of a score to its smallest effect
    claims : tuple of Claim
    """

    name: str
    sha256: str
    profile: str
    margins: Mapping[str, float]
    claims: tuple[Claim, ...]


def read_claims(path: str | Path, *, profile: str | None = None) -> ClaimFile:
    """Read and check a claim file; no model is loaded.

    Parameters
    ----------
    path : str or Path
    profile : {"quick", "full"}, optional
        In place of the one that the file names.

    Raises
    ------
    ExplaintError
        Naming all faults at once, each with its line and key, what was expected, what was found and what to do.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from explaint_lib import audit
    >>> file = pathlib.Path(tempfile.mkdtemp(), "claims.yaml")
    >>> _ = file.write_text(audit.claim_file(model="minilm"))
    >>> audit.read_claims(file).claims[0].sentence
    'The vectors hold features of words beyond base rates'
    """
    path = Path(path)
    try:
        if path.is_file() and path.stat().st_size > _MOST_BYTES:
            raise ExplaintError(f"{path} has {path.stat().st_size} bytes; a claim file has {_MOST_BYTES} at most")
        content = path.read_bytes()
    except OSError as fault:
        raise ExplaintError(f"cannot read {path}: {fault.strerror}. `explaint audit --init` writes a file") from None
    return parse_claims(content, path.name, folder=path.parent, profile=profile)


def parse_claims(content: bytes, name: str, *, folder: Path | None = None, profile: str | None = None) -> ClaimFile:
    """Check the bytes of a claim file, as `read_claims`; files that it names are looked for in `folder`.

    Examples
    --------
    >>> from explaint_lib import audit
    >>> audit.parse_claims(b"claims: []", "mine")
    Traceback (most recent call last):
    explaint_lib._common.ExplaintError: mine has 2 faults; nothing was run:
      line 1, explaint_audit: expected 1, the version of this format; found None
      line 1, claims: expected a list of 1 to 100 claims, each with a type; found []
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ExplaintError(
            f"{name} is no UTF-8 text: the byte at {fault.start} cannot be read; save it as UTF-8"
        ) from None
    top, faults = read_yaml(text, printable(name))
    checked = _File(top, faults, folder or Path())
    found = checked.read(profile)
    if faults:
        lines = "\n  ".join(dict.fromkeys(faults))
        raise ExplaintError(f"{printable(name)} has {len(set(faults))} faults; nothing was run:\n  {lines}")
    assert found is not None
    return ClaimFile(name, hashlib.sha256(content).hexdigest(), found[0], found[1], tuple(found[2]))


class _File:
    """The document, and the list of what is wrong with it."""

    def __init__(self, top: Place, faults: list[str], folder: Path) -> None:
        self.top, self.faults, self.folder = top, faults, folder

    def fault(self, place: Place, key: str, expected: str) -> None:
        found = printable(repr(place.plain))
        self.faults.append(f"line {place.line}, {printable(key)}: expected {expected}; found {found[:80]}")

    def unknown(self, place: Place, key: str, allowed: list[str]) -> None:
        close = difflib.get_close_matches(key.rpartition(".")[2], allowed, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        self.faults.append(
            f"line {place.line}, {printable(key)[:80]}: no key of a claim file; there are {', '.join(allowed)}.{hint}"
        )

    def read(self, profile: str | None) -> tuple[str, dict[str, float], list[Claim]] | None:
        if not isinstance(self.top.value, dict):
            self.fault(self.top, "the file", "keys and values, such as claims:")
            return None
        keys: dict[str, Place] = self.top.value
        allowed = [*_TOP, *_SHARED]
        for key, place in keys.items():
            if key not in allowed:
                self.unknown(place, key, allowed)
        version = keys.get("explaint_audit", Place(None, self.top.line))
        if version.value != FORMAT or isinstance(version.value, bool):
            self.fault(version, "explaint_audit", f"{FORMAT}, the version of this format")
        wanted = keys.get("profile", Place("full", 1))
        if wanted.value not in PROFILES:
            self.fault(wanted, "profile", " or ".join(PROFILES))
        shared = self._shared(keys, "", {key: default for key, (default, _) in _SHARED.items()})
        claims = self._claims(keys.get("claims"), shared)
        return profile or str(wanted.value), self._margins(keys.get("smallest_effects")), claims

    def _margins(self, place: Place | None) -> dict[str, float]:
        margins: dict[str, float] = dict(MARGINS)
        if place is None:
            return margins
        if not isinstance(place.value, dict):
            self.fault(place, "smallest_effects", "scores and numbers, such as F1@10: 0.02")
            return margins
        for score, value in place.value.items():
            if score not in MARGINS:
                self.unknown(value, f"smallest_effects.{score}", list(MARGINS))
            elif isinstance(value.value, bool) or not isinstance(value.value, int | float) or not 0 < value.value < 1:
                self.fault(value, f"smallest_effects.{score}", "a number above 0 and below 1")
            else:
                margins[score] = float(value.value)
        return margins

    def _shared(self, keys: Mapping[str, Place], where: str, default: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(default)
        for key in _SHARED:
            place = keys.get(key)
            if place is None:
                continue
            if key == "seed":
                if expected := whole(0, 2**31 - 1)(place.value):
                    self.fault(place, where + key, expected)
                    continue
            elif place.value is not None and (not isinstance(place.value, str) or not place.value.strip()):
                self.fault(place, where + key, _SHARED[key][1])
                continue
            found[key] = place.value
            if key in ("vectors", "predictions", "text") and place.value is not None:
                path = self.folder / place.value
                if not path.is_file():
                    self.fault(place, where + key, f"a file, looked for at {path}")
                found[key] = str(path)
        # what stands nearer to the claim wins: a claim's own model over the file's vectors, and the other way round
        given = [key for key in ("model", "vectors", "predictions") if key in keys and keys[key].value is not None]
        if len(given) > 1:
            self.fault(keys[given[1]], where + given[1], f"one of model, vectors and predictions, beside {given[0]}")
        elif given:
            found |= {key: None for key in ("model", "vectors", "predictions") if key != given[0]}
        return found

    def _claims(self, place: Place | None, shared: Mapping[str, Any]) -> list[Claim]:
        if place is None or not isinstance(place.value, tuple) or not 1 <= len(place.value) <= _MOST_CLAIMS:
            self.fault(place or self.top, "claims", f"a list of 1 to {_MOST_CLAIMS} claims, each with a type")
            return []
        found: list[Claim] = []
        for number, one in enumerate(place.value):
            claim = self._claim(one, f"claims[{number}]", shared)
            if claim is not None and claim.id in [other.id for other in found]:
                self.fault(one, f"claims[{number}].id", f"a name of its own, not {claim.id!r} twice; give it an id")
            elif claim is not None:
                found.append(claim)
        return found

    def _claim(self, place: Place, where: str, shared: Mapping[str, Any]) -> Claim | None:
        if not isinstance(place.value, dict):
            self.fault(place, where, "keys and values, such as type: map_adds")
            return None
        keys: dict[str, Place] = place.value
        named = keys.get("type", place)
        kind = KINDS.get(named.value) if isinstance(named.value, str) else None
        if kind is None:
            close = difflib.get_close_matches(str(named.plain)[:80], list(KINDS), n=1)
            hint = f" (did you mean {close[0]}?)" if close and "type" in keys else ""
            missing = Place(None, place.line) if "type" not in keys else named
            self.fault(missing, f"{where}.type", f"one of {', '.join(KINDS)}{hint}")
            return None
        allowed = [*_OF_CLAIM, *_SHARED, *kind.keys]
        for key, one in keys.items():
            if key not in allowed:
                self.unknown(one, f"{where}.{key}", sorted(allowed))
        options = self._options(kind, keys, where)
        source = self._shared(keys, f"{where}.", shared)
        self._subject(kind, source, place, where)
        name = self._id(kind, options, keys, where)
        if options is None or name is None:
            return None
        left, because = self._left_out(kind, options, keys, where)
        return Claim(name, kind, options, source, left, because)

    def _subject(self, kind: Kind, source: Mapping[str, Any], place: Place, where: str) -> None:
        given = next((key for key in ("model", "vectors", "predictions") if source[key] is not None), None)
        takes = ("model",) if kind.needs == "model" else ("model", "vectors", "predictions")
        if given not in takes:
            self.fault(Place(given, place.line), where, f"{' or '.join(takes)}, which {kind.name} is a claim about")

    def _options(self, kind: Kind, keys: Mapping[str, Place], where: str) -> dict[str, Any] | None:
        options, good = {key: one.default for key, one in kind.keys.items()}, True
        for key, one in kind.keys.items():
            place = keys.get(key, Place(one.default, keys["type"].line))
            expected = one.check(place.plain)
            if one.allowed and place.plain not in one.allowed:
                expected = f"one of {', '.join(map(str, one.allowed))}"
            if expected or isinstance(place.value, dict | tuple):
                self.fault(place, f"{where}.{key}", expected or one.about)
                good = False
            options[key] = place.plain
        return options if good else None

    def _id(self, kind: Kind, options: dict[str, Any] | None, keys: Mapping[str, Place], where: str) -> str | None:
        place = keys.get("id")
        if place is None:
            of_options = [str((options or {}).get(key)) for key, one in kind.keys.items() if one.allowed]
            return "-".join([kind.name, *of_options]).lower().replace(" ", "_").replace(",", "")
        if not isinstance(place.value, str) or not _ID.fullmatch(place.value):
            self.fault(place, f"{where}.id", "a name of small letters, digits, - and _, at most 60")
            return None
        return place.value

    def _left_out(
        self, kind: Kind, options: dict[str, Any], keys: Mapping[str, Place], where: str
    ) -> tuple[tuple[str, ...], str | None]:
        place, because = keys.get("leave_out"), keys.get("because")
        known = [one.name for one in kind.controls(options)]
        left: list[str] = []
        if place is not None:
            given = place.value if isinstance(place.value, tuple) else (place,)
            for one in given:
                if one.value not in known:
                    self.fault(one, f"{where}.leave_out", f"controls of this claim: {', '.join(known)}")
                else:
                    left.append(one.value)
            if set(left) == set(known):
                self.fault(place, f"{where}.leave_out", "at least one control to be left in")
        reason = because.value if because is not None else None
        if left and (not isinstance(reason, str) or not reason.strip()):
            self.fault(because or place or Place(None, 1), f"{where}.because", "the reason why a control is left out")
        return tuple(dict.fromkeys(left)), reason if isinstance(reason, str) else None
