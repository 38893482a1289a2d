"""Nothing that a page shows depends on what a cache held: bars, first conversions, font caches."""

from __future__ import annotations

import io

import tqdm.auto
import tqdm.notebook

from explaint_lib.encoders._load import quiet


def test_no_bar_is_begun_while_a_model_loads_neither_in_a_terminal_nor_in_a_notebook(capsys):
    with quiet():
        for bar in (tqdm.auto.tqdm, tqdm.notebook.tqdm):
            shown = bar(range(3), desc="Converting", disable=False)
            assert list(shown) == [0, 1, 2] and shown.disable
            assert not hasattr(shown, "container"), "a widget, which a page without a kernel cannot show"
    assert capsys.readouterr() == ("", "")
    assert not tqdm.auto.tqdm(range(3), file=io.StringIO()).disable
