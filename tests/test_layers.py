"""One way to name layers: in calls, grid files and commands."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib._common import ExplaintError
from explaint_lib.encoders import check_layer, layer_index, layer_indices


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("last", [6]), ("all", [0, 1, 2, 3, 4, 5, 6]), ([4, "last", 0], [4, 6, 0]), ("2 of all", [0, 6]), ("5", [5]),
        ("3 of all", [0, 3, 6]), ("20 of all", [0, 1, 2, 3, 4, 5, 6]), ([6, "3 of all"], [6, 0, 3]), (np.int64(2), [2]),
    ],
)  # fmt: skip
def test_layers_by_name_are_layers_by_number(layers, expected):
    assert layer_indices(layers, 6) == expected


@pytest.mark.parametrize("layer", ["first", "", "-1", -1, True, 1.0, "1 of all", "²", None, "0x1", " 1"])
def test_what_is_no_layer_is_refused_in_the_same_words_everywhere(layer):
    said = '"last" or a whole number from 0 .the embeddings.'
    for ask in (check_layer, lambda found: layer_index(found, 6), lambda found: layer_indices([found], 6)):
        with pytest.raises(ExplaintError, match=said):
            ask(layer)


def test_a_layer_above_the_last_is_refused_where_the_model_is_known():
    assert check_layer(7) == 7
    for ask in (layer_index, layer_indices):
        with pytest.raises(ExplaintError, match="a layer of minilm is .* to 6.*; found 7"):
            ask(7, 6, "minilm")


def test_several_layers_are_no_layer():
    for several in ("all", "7 of all"):
        assert check_layer(several, several=True) == several
        with pytest.raises(ExplaintError, match="found"):
            layer_index(several, 12)
