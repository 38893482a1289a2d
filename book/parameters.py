"""What a chapter is run with: its parameters as declared, as a profile changes them, as a reader types them.

Everything is checked before a chapter runs, and all that is wrong is said at once. A path is meant from the folder in
which the command was typed; the chapter, which runs elsewhere, is given the absolute one, and its page shows the path
as it was typed.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import yaml

from explaint_lib import encoders, norms
from explaint_lib._common import ExplaintError

ROOT = Path(__file__).resolve().parent.parent
MODEL_NAMES = ("model_name", "decoder_name", "models")  # the parameters of the chapters that name models


class BookError(ExplaintError):
    """The book cannot be built: says which chapter or page, what is wrong, and what to do."""


class ParameterError(BookError):
    """What a chapter should be run with cannot be used; `faults` lists, one by one, what is wrong with it."""

    def __init__(self, *faults: str) -> None:
        several = f"{len(faults)} faults:\n  - " + "\n  - ".join(faults)
        super().__init__(several if len(faults) > 1 else faults[0])
        self.faults = faults


@dataclass(frozen=True)
class Run:
    """One execution of a chapter: where it comes from, what it is called in the book, its changed parameters."""

    source: Path
    name: str
    parameters: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """A parameter as the chapter declares it: ``n_words: int = 300``."""

    name: str
    annotation: str
    default: str

    @property
    def types(self) -> list[str]:
        """The types it takes: from its annotation (``"str or None"``, ``str | None``), else from its default."""
        if not self.annotation:
            return [type(ast.literal_eval(self.default)).__name__]
        names = re.split(r"\s*\|\s*|\s+or\s+", self.annotation.strip("'"))
        return ["NoneType" if name == "None" else name for name in names]

    @property
    def default_value(self) -> Any:
        """The declared default; None for one that is not a literal."""
        try:
            return ast.literal_eval(self.default)
        except ValueError:
            return None

    @property
    def names_files(self) -> bool:
        """Whether its text may be the path of a file or folder (a layer is no path, nor is a revision)."""
        return set(self.types) <= {"str", "list", "list[str]", "NoneType"} and not self.name.endswith("revision")

    def as_declared(self, value: Any) -> Any:
        """Return `value` if the declared type allows it (a whole number may stand for a float).

        Raises
        ------
        ParameterError
            For a value of another type.
        """
        for kind in self.types:
            name, _, inside = kind.rstrip("]").partition("[")
            if name == "float" and type(value) is int:
                return float(value)
            if name == "float" and isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value):
                return float(value)  # YAML 1.1 reads 1e-4 as text
            if type(value).__name__ == name and (not inside or all(type(item).__name__ == inside for item in value)):
                return value
        raise ParameterError(
            f"parameter {self.name} takes {' or '.join(self.types)} (its default is {self.default}), "
            f"not {type(value).__name__}: {value!r}"
        )


class Faults(list[str]):
    """Collects the messages of what fails, to say all of them at once."""

    def attempt(self, call: Callable[..., Any], *arguments: Any, about: str = "") -> Any:
        """Return what `call` returns; None where it finds faults, whose messages are kept."""
        try:
            return call(*arguments)
        except ParameterError as found:
            self.extend(f"{about}{fault}" for fault in found.faults)
        except ExplaintError as found:
            self.append(f"{about}{found}")

    def raise_any(self) -> None:
        """Raise what was collected, each fault once."""
        if self:
            raise ParameterError(*dict.fromkeys(self))


def known_parameters(notebook: Path) -> dict[str, Parameter]:
    """Return what the notebook's cell tagged ``parameters`` declares, by name.

    Read from the syntax tree: papermill's inspection knows no types, and no parameter annotated ``str | None`` (which
    is why the chapters write ``"str or None"``).
    """
    cells = nbformat.read(notebook, as_version=4).cells
    source = "\n".join(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    found = {}
    for line in ast.parse(source).body:
        if not isinstance(line, ast.AnnAssign | ast.Assign):
            continue
        target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
        if isinstance(target, ast.Name) and line.value is not None:
            declared = ast.unparse(line.annotation) if isinstance(line, ast.AnnAssign) else ""
            found[target.id] = Parameter(target.id, declared, ast.unparse(line.value))
    return found


def check_parameters(notebook: Path, given: dict[str, object]) -> dict[str, object]:
    """Return `given` with each value of the type its parameter declares.

    papermill itself only warns about a name that the chapter does not have, and exits with 0.

    Raises
    ------
    ParameterError
        For every name that the notebook's parameters cell does not hold, and every value of another type.
    """
    known, faults, checked = known_parameters(notebook), Faults(), {}
    if unknown := sorted(set(given) - set(known)):
        has = ", ".join(known) or "none at all"
        faults.append(f"{notebook.stem} has no parameter {', '.join(unknown)}; it has: {has}")
    for name in [name for name in given if name in known]:
        checked[name] = faults.attempt(known[name].as_declared, given[name], about=f"{notebook.stem}: ")
    faults.raise_any()
    return checked


def from_yaml(text: str, what: str) -> Any:
    """Return what a YAML text says.

    Raises
    ------
    ParameterError
        In one sentence, for a text that is no YAML.
    """
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as fault:  # a date such as 2020-13-45 is a ValueError
        mark, problem = getattr(fault, "problem_mark", None), getattr(fault, "problem", None) or str(fault)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        said = " ".join(problem.split())[:200]
        raise ParameterError(f"{what} is not YAML ({said}{place}); a text with special signs goes in quotes") from None


def read_profile(file: Path, profile: str, chapters: list[Path]) -> tuple[dict[str, dict], dict[str, dict]]:
    """Return a profile's parameters a chapter, and its variants a chapter, both checked against the notebooks.

    Parameters
    ----------
    file : Path
        ``profiles.yml``.
    profile : str
        A name in it.
    chapters : list of Path
        The notebooks that exist.

    Raises
    ------
    ParameterError
        With everything in the profile that does not fit the chapters.
    """
    profiles = _mapping(from_yaml(file.read_text("utf8"), file.name), file.name)
    if profile not in profiles:
        raise ParameterError(f"no profile {profile!r} in {file.name}; it has: {', '.join(map(str, profiles))}")
    of_profile = _mapping(profiles[profile], f"{file.name}: profile {profile}")
    by_name, faults = {chapter.stem: chapter for chapter in chapters}, Faults()
    parameters: dict[str, dict] = {}
    variants: dict[str, dict] = {}
    for part, kept in (("parameters", parameters), ("variants", variants)):
        where = f"{file.name}: {part} of {profile}"
        for name, values in (faults.attempt(_mapping, of_profile.get(part), where) or {}).items():
            if name not in by_name:
                faults.append(f"{file.name}: profile {profile} names the chapter {name}, which is not in notebooks/")
                continue
            given = faults.attempt(_mapping, values, f"{where}, {name}") or {}
            sets = {"": given} if part == "parameters" else given
            checked = {suffix: faults.attempt(_fitting, by_name[name], one, where) for suffix, one in sets.items()}
            kept[name] = checked[""] if part == "parameters" else checked
    faults.raise_any()
    return parameters, variants


def _fitting(chapter: Path, values: Any, where: str) -> dict[str, object]:
    """Return values of a profile that fit a chapter."""
    return check_parameters(chapter, _mapping(values, f"{where}, {chapter.stem}"))


def _mapping(value: Any, where: str) -> dict:
    """Return a part of a YAML file that must be a mapping; an empty part is an empty one."""
    if value is not None and not isinstance(value, dict):
        raise ParameterError(f"{where}: expected a mapping (name: value), found {type(value).__name__}: {value!r}")
    return value or {}


def apply_overrides(given: list[tuple[str, str]], chapters: list[Path], parameters: dict[str, dict]) -> dict[str, dict]:
    """Return `parameters` with the command line's ``-p NAME VALUE`` and ``-p CHAPTER.NAME VALUE`` laid over them.

    Without a chapter, the value goes to every chapter that has the parameter; one at least must have it.

    Raises
    ------
    ParameterError
        With everything that is wrong with them.
    """
    result = {chapter.stem: dict(parameters.get(chapter.stem, {})) for chapter in chapters}
    faults = Faults()
    for key, text in given:
        faults.attempt(_apply, key, text, chapters, result)
    faults.raise_any()
    return result


def _apply(key: str, text: str, chapters: list[Path], result: dict[str, dict]) -> None:
    """Lay one ``-p KEY TEXT`` over `result`."""
    prefix, _, name = key.rpartition(".")
    faults = Faults()
    value = faults.attempt(from_yaml, text, f"-p {key}: {text!r}")
    if prefix:
        found = faults.attempt(find_chapter, prefix, chapters)
        targets = [found] if found else []
    else:
        targets = [chapter for chapter in chapters if name in known_parameters(chapter)]
        if not targets:
            known = sorted({name for chapter in chapters for name in known_parameters(chapter)})
            faults.append(f"no chapter has the parameter {name}; the chapters have: {', '.join(known) or 'none'}")
    if not faults:
        for chapter in targets:
            if not faults:  # a parameter has the same type in every chapter; one message is enough
                result[chapter.stem] |= faults.attempt(check_parameters, chapter, {name: value}) or {}
        if name == "norms_name" and isinstance(value, str) and not norms.available(value):
            faults.attempt(norms.load_norms, _located(value), about=f"-p {key}: ")
    faults.raise_any()


def find_chapter(prefix: str, chapters: list[Path]) -> Path:
    """Return the one chapter whose name starts with `prefix` (``07`` is enough)."""
    found = [chapter for chapter in chapters if chapter.stem.startswith(prefix)]
    if len(found) != 1:
        names = ", ".join(chapter.stem for chapter in chapters) or "none"
        raise ParameterError(f"{prefix!r} names {len(found)} chapters, it must name one; there are: {names}")
    return found[0]


# -- paths -------------------------------------------------------------------------------------------------------------


def located(run: Run) -> dict[str, Any]:
    """Return a run's parameters with each path to a file or folder made absolute, from the folder of the command."""
    known = known_parameters(run.source)
    places = {}
    for name, value in run.parameters.items():
        if name in known and known[name].names_files:
            value = [_located(item) for item in value] if isinstance(value, list) else _located(value)
        places[name] = value
    return places


def _located(value: object) -> object:
    """Return the absolute path for a text that names a file or folder; a name that means something else comes first."""
    if not isinstance(value, str) or not value.strip() or value in encoders.MODELS or norms.available(value):
        return value
    try:
        place = Path(value).expanduser()
        return os.path.abspath(place) if place.exists() else value
    except (OSError, ValueError, RuntimeError):  # too long for a path, with a zero byte, of an unknown ~user
        return value
