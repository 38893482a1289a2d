"""What a grid combines with what, from Python or from a small file, checked as it is declared: all faults at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

import yaml

from explaint_lib._common import ExplaintError
from explaint_lib.controls import CONDITIONS
from explaint_lib.encoders import check_layer
from explaint_lib.mappers import MAPPERS
from explaint_lib.metrics import METRICS

T = TypeVar("T")
OneOrMore: TypeAlias = T | Sequence[T]


@dataclass(frozen=True)
class Model:
    """A model of a grid: its name, a hub revision, and the seed of its random weights if it is untrained."""

    name: str
    revision: str | None = None
    untrained: int | None = None

    @property
    def weights(self) -> dict[str, Any]:
        """Which weights `encoders.load_vectors` is asked for."""
        seed = {} if self.untrained is None else {"untrained": True, "seed": self.untrained}
        return {"revision": self.revision} | seed


class Axes(NamedTuple):
    """The lists of a grid, checked: what its cells combine. `components` holds None alone where no mapper has any."""

    norms: tuple[str, ...]
    models: tuple[Model, ...]
    layers: tuple[int | str, ...]
    mappers: tuple[str, ...]
    components: tuple[int | None, ...]
    conditions: tuple[str, ...]
    metrics: tuple[str, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    """What to combine with what. Each list may be a single value; `read_grid` takes the same names from a file.

    Parameters
    ----------
    norms : sequence of str
        Names of ``explaint norms list``, or files.
    models : sequence of str, Model or mapping
        Names of ``explaint models list``, folders or hub ids; or ``{"name": ..., "revision": ..., "untrained":
        seed}``, the latter for the same architecture with random weights.
    layers : sequence of int, "last", "all" or "N of all"
        Of every model; 0 is the embedding layer. "7 of all" is seven layers, evenly spread from 0 to the last (all
        of them where a model has no more).
    mappers : sequence of {"plsr", "ffnn", "ridge", "mean"}
    components : sequence of int, default (50,) if plsr is among the mappers, else None
        Of plsr alone: other mappers have one cell whatever is listed here.
    conditions : sequence of str
        Of `explaint_lib.controls.CONDITIONS`; default all. Tests need ``system`` among them.
    metrics : sequence of str
        Of `explaint_lib.metrics.METRICS`; default all.
    seeds : sequence of int
    folds, permutations, bootstrap : int
        As in `run_table`, the same in every cell.
    drop_missing : bool
        Leave out, for every model, the words that one model of the grid does not know; the manifest
        lists them. Otherwise such words are an error.

    Raises
    ------
    ExplaintError
        For a value that is not allowed, saying which are.

    Examples
    --------
    >>> from explaint_lib.experiments.grid import Grid
    >>> asked = Grid(norms="bundled", models=["minilm", {"name": "minilm", "untrained": 0}], layers="all", seeds=[0, 1])
    >>> asked.mappers, asked.seeds
    (('plsr',), (0, 1))
    >>> Grid(norms="bundled", models="minilm", mappers="pls")
    Traceback (most recent call last):
        ...
    explaint_lib._common.ExplaintError: mappers: 'pls' is not one of plsr, ffnn, ridge, mean. Did you mean 'plsr'?
    """

    norms: OneOrMore[str]
    models: OneOrMore[str | Model | dict[str, Any]]
    layers: OneOrMore[int | str] = ("last",)
    mappers: OneOrMore[str] = ("plsr",)
    components: OneOrMore[int] | None = None
    conditions: OneOrMore[str] = field(default_factory=lambda: tuple(CONDITIONS))
    metrics: OneOrMore[str] = field(default_factory=lambda: tuple(METRICS))
    seeds: OneOrMore[int] = (0,)
    folds: int = 10
    permutations: int = 99
    bootstrap: int = 1000
    drop_missing: bool = False

    def __post_init__(self) -> None:
        checks = {"norms": _name, "models": _model, "layers": _layer, "seeds": whole_from(0)}
        named = {"mappers": MAPPERS, "conditions": CONDITIONS, "metrics": METRICS}
        checks |= {key: partial(one_of, allowed=tuple(allowed)) for key, allowed in named.items()}
        put = object.__setattr__  # the dataclass is frozen; this is the one moment in which fields are set
        faults: list[str] = []
        for key, check in checks.items():
            with _collected(faults):
                put(self, key, _listed(key, getattr(self, key), check))
        if "plsr" in (mappers := _several(self.mappers)):
            given = 50 if self.components is None else self.components
            with _collected(faults):
                put(self, "components", _listed("components", given, whole_from(1)))
        elif self.components is not None:
            faults.append(f"components: only plsr has components, and mappers are {', '.join(map(str, mappers))}")
        for key, least in (("folds", 2), ("permutations", 0), ("bootstrap", 1)):
            with _collected(faults):
                whole_from(least)(key, getattr(self, key))
        if not isinstance(self.drop_missing, bool):
            faults.append(f"drop_missing: expected true or false, found {self.drop_missing!r}")
        if faults:
            raise ExplaintError("; ".join(faults))

    @property
    def axes(self) -> Axes:
        """The lists, each a tuple of what was checked."""
        lists: dict[str, Any] = {name: getattr(self, name) for name in Axes._fields}
        return Axes(**lists | {"components": self.components or (None,)})

    def as_dict(self) -> dict[str, Any]:
        """Return the grid as values JSON can hold."""
        return asdict(self)


def read_grid(path: str | Path) -> Grid:
    """Return the grid that a YAML file declares; its keys are the parameters of `Grid`.

    Raises
    ------
    ExplaintError
        If there is no such file, it is no YAML, a key is unknown, missing or given twice, or a value is not
        allowed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from explaint_lib.experiments.grid import read_grid
    >>> file = pathlib.Path(tempfile.mkdtemp(), "layers.yaml")
    >>> _ = file.write_text("norms: bundled\\nmodels: minilm\\nlayers: [0, last]\\n")
    >>> read_grid(file).layers
    (0, 'last')
    """
    path = Path(path)
    if not path.is_file():
        raise ExplaintError(f"there is no grid file {path}" + (": it is a folder" if path.is_dir() else ""))
    try:
        found = _StrictLoader(path.read_text(encoding="utf-8")).get_single_data()
    except UnicodeDecodeError:
        raise ExplaintError(f"{path} is no text in UTF-8; a grid is a YAML file") from None
    except yaml.YAMLError as fault:
        raise ExplaintError(f"{path} is no YAML: {' '.join(str(fault).split())}") from None
    known = [one.name for one in fields(Grid)]
    if not isinstance(found, dict):
        raise ExplaintError(f"{path} must hold lines such as 'norms: [bundled]'; the keys are {', '.join(known)}")
    faults: list[str] = []
    for key in found:
        with _collected(faults):
            one_of("the key", key, known)
    if missing := [key for key in ("norms", "models") if key not in found]:
        faults.append(f"{' and '.join(missing)} must be given, for instance '{missing[0]}: [...]'")
    with _collected(faults):
        grid = Grid(**{"norms": "?", "models": "?"} | {key: found[key] for key in found if key in known})
    if faults:
        raise ExplaintError(f"{path}: {'; '.join(faults)}")
    return grid


@contextmanager
def _collected(faults: list[str]) -> Iterator[None]:
    """Keep what is wrong, so that all of it is said at once."""
    try:
        yield
    except ExplaintError as fault:
        faults.append(str(fault))


class _StrictLoader(yaml.SafeLoader):
    """YAML without the habit of letting the last of two equal keys win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [str(key) for place, key in enumerate(keys) if key in keys[:place]]
        if twice:
            raise yaml.YAMLError(f"{twice[0]} is given twice, line {node.start_mark.line + 1} and below")
        return super().construct_mapping(node, deep)


def one_of(key: str, value: Any, allowed: Iterable[str]) -> str:
    """Return `value` if it is among the allowed names; else say which are, and which was perhaps meant."""
    allowed = list(allowed)
    if isinstance(value, str) and value in allowed:
        return value
    close = difflib.get_close_matches(str(value), allowed, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ExplaintError(f"{key}: {value!r} is not one of {', '.join(allowed)}.{hint}")


def _several(given: Any) -> list:
    """Return a list as it is; a single value stands for a list of one."""
    return list(given) if isinstance(given, list | tuple | range) else [given]


def _listed(key: str, given: Any, check: Any) -> tuple:
    """Return the checked values of one key, each once."""
    values = _several(given)
    if not values:
        raise ExplaintError(f"{key}: the list is empty; name at least one")
    checked = tuple(check(key, value) for value in values)
    twice = [value for place, value in enumerate(checked) if value in checked[:place]]
    if twice:
        raise ExplaintError(f"{key}: {twice[0]!r} is listed twice")
    return checked


def _name(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ExplaintError(
            f"{key}: expected a name, found {value!r} (YAML reads some words, such as no, as "
            "something else: put them in quotes)"
        )
    return value


def _layer(key: str, value: Any) -> int | str:
    try:
        return check_layer(value, several=True)
    except ExplaintError as fault:
        raise ExplaintError(f"{key}: {fault}") from None


def whole_from(least: int) -> Callable[[str, Any], int]:
    """Return a check that a value is a whole number from `least`, which says under which key it is not."""

    def check(key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ExplaintError(f"{key}: expected a whole number from {least}, found {value!r}")
        return value

    return check


def _model(key: str, value: Any) -> Model:
    if isinstance(value, Model):
        return value
    if not isinstance(value, dict):
        return Model(_name(key, value))
    for name in value:
        one_of(f"{key}: the key", name, Model.__dataclass_fields__)
    if "name" not in value:
        raise ExplaintError(f"{key}: {value!r} has no name")
    _name(key, value["name"])
    if value.get("untrained") is not None:
        whole_from(0)(f"{key}: untrained (the seed of the random weights)", value["untrained"])
    if value.get("revision") is not None:
        _name(f"{key}: revision", value["revision"])
    return Model(**value)
