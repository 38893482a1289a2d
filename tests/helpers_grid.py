"""A grid so small that all of it takes a second: a file of norms, a tiny model, and a cache of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from helpers_models import save_tiny_bert

WORDS = (
    "robin", "trout", "bird", "truck", "fire", "brigade", "small", "swim", "red", "sang", "don", "the", "café", "xyz",
)  # fmt: skip


def make_norms(path: Path, *, seed: int = 0) -> Path:
    """Write dense ratings of fourteen words on eleven scales."""
    ratings = np.random.default_rng(seed).normal(size=(len(WORDS), 11)).round(3)
    table = pd.DataFrame(ratings, columns=[f"scale_{j}" for j in range(11)])
    table.insert(0, "word", WORDS)
    table.to_csv(path, index=False)
    return path


def make_world(folder: Path) -> dict[str, Any]:
    """Return the keys of a grid of 18 cells: two models, three layers, ridge and plsr with two counts."""
    model = str(save_tiny_bert(folder / "bert"))
    return {
        "norms": [str(make_norms(folder / "scales.csv"))],
        "models": [model, {"name": model, "untrained": 0}],
        "layers": "all",
        "mappers": ["ridge", "plsr"],
        "components": [1, 2],
        "conditions": ["system", "mean_profile", "oracle"],
        "folds": 2,
        "permutations": 1,
        "bootstrap": 3,
    }
