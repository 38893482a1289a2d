"""The plan of a grid: its cells in their order, the arrays they are given, and where the cache keeps what they give."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from explaint_lib._cache import Entry, code_hash, computer, hashed
from explaint_lib._common import ExplaintError, remove_leftovers
from explaint_lib.experiments.grid._cells import Cell, made_by, one_thread, registered_here
from explaint_lib.experiments.grid._declare import Grid, Model
from explaint_lib.experiments.table import check_norms
from explaint_lib.metrics import METRICS
from explaint_lib.norms import FeatureNorms

if TYPE_CHECKING:
    from explaint_lib.encoders import Outline


def make_plan(grid: Grid, *, device: str = "cpu", weights: bool = True, progress: bool = False) -> Plan:
    """Find what a grid names, check that each cell can be computed, and return the cells in their order.

    With `weights` those of a model that was never used on this machine are read, to see what it is.
    """
    from explaint_lib.encoders import layer_indices, outline, resolve_device

    device = resolve_device(device)
    norms = load(grid)
    for name, data in norms.items():
        if grid.folds > len(data.words):
            raise ExplaintError(f"folds: {grid.folds} is more than the {len(data.words)} words of {name}")
    left_out_of(grid, norms)
    axes = grid.axes
    models: dict[Model, Outline] = {}
    layers: dict[Model, list[int]] = {}
    missing: dict[str, dict[str, str]] = {name: {} for name in norms}  # word to the last model without a vector for it
    for model in axes.models:
        found = outline(model.name, load=weights, progress=progress, **model.weights)
        models[model] = found
        layers[model] = layer_indices(axes.layers, found.n_layers, found.name)
        for name, data in norms.items():
            missing[name] |= {word: found.name for word in _without_vector(found, data)}
    dropped = {name: [word for word in norms[name].words if word in missing[name]] for name in norms}
    norms = {name: _dropping(data, missing[name], grid.drop_missing) for name, data in norms.items()}
    lacks = left_out_of(grid, norms)
    shared = (grid.folds, grid.permutations, grid.bootstrap, axes.conditions)
    cells = [
        Cell(name, model, layer, mapper, count, seed, *shared)
        for name in norms
        for model in axes.models
        for layer in layers[model]
        for mapper in axes.mappers
        for count in (axes.components if mapper == "plsr" else (None,))
        for seed in axes.seeds
    ]
    return Plan(grid, cells, norms, models, device, dropped, lacks)


def left_out_of(grid: Grid, norms: dict[str, FeatureNorms]) -> dict[str, dict[str, str]]:
    """Return, for each norms, the metrics asked for that they are too small for, and what these need.

    Raises
    ------
    ExplaintError
        If none is left for some norms, or `check_norms` refuses them.
    """
    found, axes = {}, grid.axes
    for name, data in norms.items():
        lacks = [check_norms(data, folds=grid.folds, seed=seed) for seed in axes.seeds][0]
        found[name] = {metric: needs for metric, needs in lacks.items() if metric in axes.metrics}
        if len(found[name]) == len(axes.metrics):
            needs = "; ".join(f"{metric} {needs}" for metric, needs in found[name].items())
            raise ExplaintError(f"metrics: {name} is too small for all of them ({needs}); ask for others")
    return found


def load(grid: Grid) -> dict[str, FeatureNorms]:
    """Return the norms of a grid by name."""
    return {name: _load(name) for name in grid.axes.norms}


def _load(name: str) -> FeatureNorms:
    from explaint_lib.norms import installed, load_norms

    try:
        return load_norms(name)
    except ExplaintError as fault:
        close = difflib.get_close_matches(name, [record.name for record in installed()], n=1)
        raise ExplaintError(f"norms: {fault}" + (f". Did you mean {close[0]!r}?" if close else "")) from None


def _without_vector(encoder: Outline, data: FeatureNorms) -> list[str]:
    """Return the words that a model does not know."""
    unknown = set(encoder.unknown_words(data.word_forms))
    return [word for word, form in zip(data.words, data.word_forms, strict=True) if form in unknown]


def _dropping(data: FeatureNorms, missing: dict[str, str], allowed: bool) -> FeatureNorms:
    """Return the norms of the words that every model has a vector for."""
    if not missing:
        return data
    if not allowed:
        named = ", ".join(list(missing)[:20]) + (", ..." if len(missing) > 20 else "")
        raise ExplaintError(
            f"{', '.join(sorted(set(missing.values())))} has no vector for {len(missing)} of the {len(data.words)} "
            f"words of {data.name}: {named}. Write 'drop_missing: true' to leave them out for every model"
        )
    return data.subset(words=[word for word in data.words if word not in missing])


@dataclass
class Plan:
    """The cells of a grid with all that they need, and the cache that holds what was computed."""

    grid: Grid
    cells: list[Cell]
    norms: dict[str, FeatureNorms]
    models: dict[Model, Outline]
    device: str
    dropped: dict[str, list[str]]
    left_out: dict[str, dict[str, str]]
    _fingerprints: dict[str, str] = field(default_factory=dict)

    def vectors(self, cell: Cell) -> Entry:
        """Return where the word vectors of a cell are kept: the same place for the same words, model and layer."""
        from explaint_lib.encoders import gpu_name

        about = {
            "model": self.models[cell.model].revision,
            "untrained": cell.model.untrained,
            "layer": cell.layer,
            "words": self.norms[cell.norms].word_forms,
            "code": code_hash("explaint_lib.encoders"),
            "computer": computer(),
            "device": self.device,
            "gpu": gpu_name(self.device),
        }
        return Entry("vectors", hashed(about), ".npy")

    def entry(self, cell: Cell) -> Entry:
        """Return where the result of a cell is kept; its key is the hash of all that the result depends on."""
        if cell.norms not in self._fingerprints:
            self._fingerprints[cell.norms] = self.norms[cell.norms].fingerprint()
        about = {
            "cell": asdict(cell),
            "data": self._fingerprints[cell.norms],
            "vectors": self.vectors(cell).key,
            "made_by": made_by(),
            "metrics": list(METRICS),
            "registered": registered_here(),
        }
        return Entry("cells", hashed(about), ".json")

    def check_writable(self) -> None:
        """Say before any model runs that the cache could not keep what is computed."""
        for entry in (self.vectors(self.cells[0]), self.entry(self.cells[0])):
            entry.check_writable()

    def waiting(self) -> list[Cell]:
        """Return the cells that the cache does not hold, and clear up what a killed run left where it keeps them."""
        for entry in (self.vectors(self.cells[0]), self.entry(self.cells[0])):
            remove_leftovers(entry.path.parent)
        return [cell for cell in self.cells if self.entry(cell).read() is None]

    def make_vectors(self, cells: Sequence[Cell], *, progress: bool = False) -> None:
        """Put the word vectors of some cells into the cache, all layers of a model from one pass."""
        from explaint_lib.encoders import load_vectors

        absent: dict[Model, dict[str, dict[int, Entry]]] = {}
        there: dict[Entry, bool] = {}
        for cell in cells:
            entry = self.vectors(cell)
            if entry not in there:
                there[entry] = entry.read() is not None
            if not there[entry]:
                absent.setdefault(cell.model, {}).setdefault(cell.norms, {})[cell.layer] = entry
        for model, of_norms in tqdm(absent.items(), desc="word vectors", unit="model", disable=not progress or None):
            encoder = load_vectors(model.name, device=self.device, **model.weights)
            for name, entries in of_norms.items():
                with one_thread():
                    found = encoder.word_vectors(self.norms[name].word_forms, layer="all", progress=progress)
                for layer, entry in entries.items():
                    entry.write(found[layer])

    def task(self, cell: Cell) -> tuple[Cell, FeatureNorms, np.ndarray]:
        """Return the arguments of `compute`."""
        return cell, self.norms[cell.norms], _still_there(self.vectors(cell))

    def keep(self, cell: Cell, result: dict[str, Any]) -> None:
        """Put a result into the cache, unless it comes from another version of the library or kind of processor."""
        ours, theirs = made_by(), result["made_by"]
        if ours != theirs:
            what = [key for key in ours if ours[key] != theirs.get(key)]
            raise ExplaintError(
                f"a worker computes with another {' and '.join(what)} than this process; its result was thrown away. "
                "Install the same versions on every machine of the cluster"
                + (f", and use processors of one kind ({', '.join(ours['processor'])})" if "processor" in what else "")
            )
        self.entry(cell).write(result)

    def result(self, cell: Cell) -> dict[str, Any]:
        """Return what the cache holds for a cell."""
        return _still_there(self.entry(cell))


def _still_there(entry: Entry) -> Any:
    """Return the content of an entry that was whole a moment ago."""
    found = entry.read()
    if found is None:
        raise ExplaintError(f"{entry.path} was removed or changed during the run; what is whole is kept: run again")
    return found
