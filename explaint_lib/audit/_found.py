"""What auditing one claim found, and how it is kept: comparisons, levels, and controls that could not be run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from explaint_lib.inference import Comparison

#: Called with how many steps have been done.
Report = Callable[[int], Any]


@dataclass(frozen=True)
class Found:
    """What one claim gave.

    Attributes
    ----------
    comparisons : tuple of Comparison
        One for each control that could be run.
    levels : dict of str to float
        Means: of the claim's score, of its floor, its ceiling and chance.
    not_run : dict of str to str
        Controls that could not be run, and why.
    notes : tuple of str
        What a reader has to know of how they were made.
    data, model : dict
        What they were made from, as `describe` says it.
    """

    comparisons: tuple[Comparison, ...]
    levels: dict[str, float] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return values that JSON can hold, floats exactly: infinity and NaN as text."""
        return {"comparisons": [_exact(asdict(one)) for one in self.comparisons]} | {
            one.name: _exact(getattr(self, one.name)) for one in fields(self) if one.name != "comparisons"
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Found:
        """Return what `to_dict` gave."""
        made = [_floats(one) | {"draws": tuple(map(float, one["draws"]))} for one in kept["comparisons"]]
        rest = {key: dict(kept[key]) for key in ("not_run", "data", "model")}
        levels = {key: float(value) for key, value in kept["levels"].items()}
        return cls(tuple(Comparison(**one) for one in made), levels, notes=tuple(kept["notes"]), **rest)


_NUMBERS = ("difference", "se", "df", "p_value", "se_units")


def _exact(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _exact(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _floats(one: Mapping[str, Any]) -> dict[str, Any]:
    return dict(one) | {key: None if one[key] is None else float(one[key]) for key in _NUMBERS}
