"""The manifest: what a table of results was made from, so that another person can make it again.

It holds nothing that changes between two runs of one command on one machine (no date, no duration, no path):
the same seed gives the same file, byte for byte. What it does not license: numbers may still differ in their
last digits on another processor, or (where an experiment does not fix it) with another number of threads,
since floating-point sums then run in another order.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from explaint_lib import __version__

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "torch", "transformers")


def manifest(
    *, data: Mapping[str, Any], model: Mapping[str, Any], arguments: Mapping[str, Any], seed: int | Sequence[int]
) -> dict[str, Any]:
    """Return the record that goes in front of a table of results.

    Parameters
    ----------
    data : mapping
        What names the data: ``FeatureNorms.describe()``, or the name, size and hash of a text.
    model : mapping
        What names the model and its revision: ``encoder.describe()``.
    arguments : mapping
        Every argument of the experiment, resolved (defaults included); values JSON can hold.
    seed : int or sequence of int
        The one seed from which all random numbers came; of a grid, the seeds of its cells.

    Returns
    -------
    dict
        ``{"explaint", "versions", "platform", "data", "model", "arguments", "seed"}``, ready for JSON.

    Examples
    --------
    >>> from explaint_lib import results
    >>> about = results.manifest(data={"name": "bundled"}, model={"name": "minilm"}, arguments={"folds": 10}, seed=0)
    >>> about["arguments"], about["seed"]
    ({'folds': 10}, 0)
    """
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in _LIBRARIES}
    return {
        "explaint": __version__,
        "versions": versions,
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "data": dict(data),
        "model": dict(model),
        "arguments": dict(arguments),
        "seed": seed,
    }
