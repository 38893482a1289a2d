"""Nothing that a page shows depends on what a cache held: bars, first conversions, font caches."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import nbformat
import pytest
import tqdm.auto
import tqdm.notebook
from chapters import execute
from parameters import Run
from samples import code

from explaint_lib import encoders
from explaint_lib.encoders._load import quiet

LOADS = """\
import matplotlib.pyplot as plt
from explaint_lib import encoders
print(encoders.load_encoder("smollm2"))
print(encoders.load_encoder("minilm").word_vectors(["robin", "trout"]).shape)"""


def test_no_bar_is_begun_while_a_model_loads_neither_in_a_terminal_nor_in_a_notebook(capsys):
    with quiet():
        for bar in (tqdm.auto.tqdm, tqdm.notebook.tqdm):
            shown = bar(range(3), desc="Converting", disable=False)
            assert list(shown) == [0, 1, 2] and shown.disable
            assert not hasattr(shown, "container"), "a widget, which a page without a kernel cannot show"
    assert capsys.readouterr() == ("", "")
    assert not tqdm.auto.tqdm(range(3), file=io.StringIO()).disable


def shown(result: Path) -> list[dict]:
    """Return what a page would show of an executed chapter: every output, without when it was made."""
    return [cell["outputs"] for cell in json.loads(result.read_text("utf8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.models
@pytest.mark.book
def test_a_chapter_shows_the_same_on_a_new_machine_and_on_a_used_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing is prepared here: the chapter itself converts the model and lists the fonts."""
    fetched = {name: encoders.fetch(name) for name in ("smollm2", "minilm")}
    (tmp_path / "home").mkdir()
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "EXPLAINT_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    for folder in fetched.values():  # as the wheel brought it: nothing converted
        shutil.copytree(folder, tmp_path / "cache" / "models" / folder.name)
    notebook = nbformat.v4.new_notebook(cells=[code(LOADS), code("plt.plot([1, 2]);")])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "first_load.ipynb")
    run = Run(tmp_path / "notebooks" / "first_load.ipynb", "first_load")
    for name in ("cold", "warm"):
        (tmp_path / name).mkdir()
        execute(run, tmp_path / name / "first_load.ipynb", "key", 1)
    cold, warm = (shown(tmp_path / name / "first_load.ipynb") for name in ("cold", "warm"))
    assert len(list((tmp_path / "cache" / "models").glob("smollm2-*"))) == 2  # it was converted
    assert cold == warm and "smollm2" in str(cold[0])


@pytest.mark.book
def test_what_a_cell_prints_slowly_is_one_output_as_what_it_prints_at_once(tmp_path: Path):
    slow = "import sys, time\nprint('one')\nsys.stdout.flush()\ntime.sleep(1)\nprint('two')"
    notebook = nbformat.v4.new_notebook(cells=[code(slow)])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "slow.ipynb")
    execute(Run(tmp_path / "notebooks" / "slow.ipynb", "slow"), tmp_path / "slow.ipynb", "key", 1)
    (outputs,) = shown(tmp_path / "slow.ipynb")
    assert ["".join(output["text"]) for output in outputs] == ["one\ntwo\n"]
