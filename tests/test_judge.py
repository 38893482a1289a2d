"""What a page could not show is refused as soon as a chapter has run, and is not kept; so is a trace of the machine."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from chapters import run_all
from conftest import ROOT
from judge import OwnPaths, as_typed, judge
from nbformat.v4 import new_output
from pages import publishable, scan
from parameters import Run
from samples import chapter, code
from test_build import sample, write_book

from explaint_lib.results import MIME

WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}


def verdicts(*outputs: nbformat.NotebookNode, **parameters: object) -> list[str]:
    cell = code("show()\nmore()")
    cell.outputs = list(outputs)
    run = Run(ROOT / "notebooks" / "99_sample.ipynb", "99_sample", parameters)
    return list(judge(nbformat.v4.new_notebook(cells=[cell]), run))


REFUSED = {
    "a bar": (new_output("display_data", data=WIDGET), "a widget that needs a running kernel"),
    "stderr": (new_output("stream", name="stderr", text="not\nsure"), "writes to stderr: 'not sure'"),
    "a load": (new_output("display_data", data={"text/html": '<img src="//x.org/a.png">'}), "from another machine"),
    "a path": (new_output("stream", name="stdout", text=f"read {ROOT}/notes/a.txt"), "a path of this machine"),
    "home": (new_output("execute_result", data={"text/plain": f"'{Path.home()}/a.txt'"}), "a path of this machine"),
    "in HTML": (new_output("display_data", data={"text/html": f"<p>{ROOT}/a</p>"}), "a path of this machine"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_page_could_not_show_is_refused_with_what_to_do(what: str):
    output, message = REFUSED[what]
    (fault,) = verdicts(output)
    assert fault.startswith("code cell 1 (show()) ") and message in fault and ";" in fault


def test_what_a_page_can_show_is_not_refused():
    html = {"text/html": '<a href="https://x.org/root/a">x</a>', **WIDGET}
    picture = {"image/png": f"{ROOT}/abc", "text/plain": "<Figure size 5>"}
    assert verdicts(new_output("display_data", data=html), new_output("display_data", data=picture)) == []


def test_a_path_that_was_typed_may_be_shown():
    typed = str(ROOT / "mine.csv")
    assert verdicts(new_output("stream", text=f"norms: {typed}\n"), norms_name=typed) == []
    assert len(verdicts(new_output("stream", text=f"norms: {typed}\n{ROOT}/other\n"), norms_name=typed)) == 1


def test_a_traceback_that_is_meant_shows_names_of_files_alone():
    error = new_output("error", ename="E", evalue="e", traceback=[f"File {ROOT}/explaint_lib/norms/_core.py:3, in f"])
    assert verdicts(error) == [] and error.traceback == ["File _core.py:3, in f"]


@pytest.mark.book
@pytest.mark.parametrize(
    "source", ["import sys; sys.stderr.write('!')", "import tqdm.notebook as t; list(t.tqdm([1]))"]
)
def test_what_is_refused_is_not_kept(tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]):
    notebook = chapter()
    notebook.cells.insert(8, code(source))
    book = write_book(tmp_path, notebook)
    for _ in range(2):  # the second time too: it is run, and not "unchanged, kept"
        (failure,) = run_all([Run(sample(book), "99_sample")], book / "_build", jobs=1, root=book, models=())
        assert failure.startswith("99_sample: not kept, since it could not be shown:")
        assert "unchanged" not in capsys.readouterr().out and not (book / "_build" / "99_sample.ipynb").exists()


def test_a_path_stands_as_it_was_typed_in_what_is_shown_and_in_results():
    notebook, path = chapter(), str(ROOT / "models" / "mine")
    data = {"text/plain": f"{path}, layer 6", MIME: {"manifest": {"model": {path: {"name": path}}}}}
    notebook.cells[2].outputs = [new_output("display_data", data=data)]
    as_typed(notebook, {"model_name": "models/mine"}, {"model_name": path})
    assert path not in nbformat.writes(notebook)
    assert notebook.cells[2].outputs[0].data[MIME].manifest.model == {"models/mine": {"name": "models/mine"}}


def test_what_is_published_tells_nothing_of_the_machine(tmp_path: Path):
    notebook = chapter()
    notebook.metadata |= {"papermill": {"input_path": f"{ROOT}/a"}, "widgets": {"state": {}}, "explaint_key": "k"}
    notebook.cells[2].metadata |= {"papermill": {"duration": 1.5}, "execution": {"iopub.execute_input": "12:00"}}
    kept = {"text/plain": "a table", MIME: {"experiment": "99", "manifest": {"about": "this machine"}}}
    notebook.cells[2].outputs = [new_output("display_data", data=kept)]
    text = nbformat.writes(publishable(notebook))
    assert "a table" in text and "this machine" not in text
    assert (
        str(ROOT) not in text
        and "12:00" not in text
        and "duration" not in text
        and "explaint" not in text.split("cells")[0]
    )
    assert "kernelspec" in text and "parameters" in text


@pytest.mark.parametrize("name", ["a.html", "_sources/a.ipynb", "searchindex.js"])
def test_a_page_or_source_that_tells_of_the_machine_is_caught(tmp_path: Path, name: str):
    (tmp_path / "_sources").mkdir()
    (tmp_path / name).write_text(f'x = "{ROOT}/book"', "utf8")
    run = Run(ROOT / "notebooks" / "99.ipynb", "99")
    assert len(scan(tmp_path, OwnPaths(ROOT, [run]))) == 1
    assert scan(tmp_path, OwnPaths(ROOT, [Run(run.source, "99", {"text": f"{ROOT}/book"})])) == []
