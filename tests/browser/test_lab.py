"""The same widgets in JupyterLab with a kernel: typed in the page, computed in Python, drawn in the page."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlparse

import nbformat
import pytest
from conftest import ROOT
from playwright.sync_api import Error

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]  # one server for all of them

ATTENTION = """
import numpy as np
from explaint_lib.widgets import AttentionViewer

def compute(sentence):
    tokens = sentence.split()
    if "boom" in tokens:
        raise ValueError("no such word: boom")
    maps = np.zeros((2, 2, len(tokens), len(tokens)))
    maps[..., -1] = 1  # everybody looks at the last word
    given = {"attention": maps, "tokens": tokens}
    return given if "alone" in tokens else given | {"control": np.full_like(maps, 1 / len(tokens))}

viewer = AttentionViewer(**compute("the robin sat"), compute=compute, sentence="the robin sat", label="Live map")
viewer
"""
WORDS = """
from explaint_lib.widgets import NeighbourhoodExplorer

def more(own):
    words = ["robin", "finch", "axe", "saw", *own]
    gold = np.vstack([[1, 0], [1, 0.1], [0, 1], [0.1, 1], *[[0, 0]] * len(own)])
    return {"words": words, "conditions": {"gold": gold, "length": [[len(w), 3] for w in words]}}

NeighbourhoodExplorer(**more([]), k=2, compute=more, label="Live lists")
"""
CHAPTER = ROOT / "notebooks" / "11_when_attention_can_be_read.ipynb"
NO_NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def lab(chromium: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab of this environment on a free port, with folders of its own; the address of a notebook in it."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: the widgets were not tried with a kernel")
    home = tmp_path_factory.mktemp("lab")
    (home / "config" / "labconfig").mkdir(parents=True)
    (home / "config" / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(NO_NEWS), "utf8")
    cells = [nbformat.v4.new_code_cell(source.strip(), id=name) for name, source in (("a", ATTENTION), ("b", WORDS))]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), home / "live.ipynb")
    chapter = nbformat.read(CHAPTER, as_version=4)
    ends = next(i for i, cell in enumerate(chapter.cells) if cell.source.startswith("## Exercises"))
    chapter.cells = [*chapter.cells[:2], *chapter.cells[ends:]]  # JupyterLab draws only what is near
    nbformat.write(chapter, home / "text.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    settings = [f"--ServerApp.{name}" for name in (f"port={port}", "port_retries=0", "token=", "ip=127.0.0.1")]
    with open(home / "server.log", "w", encoding="utf8") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--notebook-dir={home}", *settings],
            env={**os.environ, **places, "IPYTHONDIR": str(home / "ipython"), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address, until = f"http://127.0.0.1:{port}/", time.monotonic() + 90
            while not answers(address + "api"):
                if server.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"JupyterLab did not start:\n{(home / 'server.log').read_text('utf8')[-2000:]}")
                time.sleep(0.2)
            yield address + "lab/tree/live.ipynb"
        finally:
            server.send_signal(signal.SIGTERM)  # the server ends its kernels, then itself
            with suppress(subprocess.TimeoutExpired):
                server.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)  # whatever did not listen
            server.wait()


@pytest.fixture(scope="module")
def notebook(chromium: object, lab: str) -> Iterator[object]:
    """The notebook, run: the page of JupyterLab with both widgets in it."""
    context = chromium.new_context(viewport={"width": 1300, "height": 1500})
    page = context.new_page()
    page.outside = []
    page.on("request", lambda request: note(page.outside, request.url))
    page.on("websocket", lambda socket: note(page.outside, socket.url))
    page.goto(lab)
    for _ in range(5):
        page.locator(".jp-CodeCell").first.click(timeout=90_000)
        for _ in range(2):
            page.keyboard.press("Shift+Enter")
        with suppress(Error):  # keys pressed before the notebook listens are lost
            for title in ("Live map", "Live lists"):
                figure(page, title).locator("form").wait_for(timeout=30_000)  # there once the kernel has answered
            break
    else:
        shown = page.locator(".jp-Notebook").inner_text()
        pytest.fail(f"no widget with a kernel; the notebook shows:\n{shown[-3000:]}")
    yield page
    context.close()


def note(outside: list[str], url: str) -> None:
    address = urlparse(url)
    if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
        outside.append(url)


def figure(page: object, title: str) -> object:
    return page.locator(".ex", has_text=title)


def test_a_sentence_of_the_readers_own_changes_the_picture(notebook):
    live = figure(notebook, "Live map")
    tokens = live.locator(".panel").first.locator(".tok[data-side=q] title")
    tokens.nth(2).wait_for(state="attached")
    assert tokens.all_text_contents() == ["the", "robin", "sat"]
    field = live.get_by_label("Your own sentence")  # is there only because a kernel has answered
    assert field.input_value() == "the robin sat"
    field.fill("an old grey heron waited")
    live.get_by_role("button", name="Recompute").click()
    live.locator(".tok", has_text="heron").first.wait_for()
    assert tokens.all_text_contents() == ["an", "old", "grey", "heron", "waited"]
    live.locator(".tok[data-side=q]").first.hover()
    assert re.search("attention: “waited” 100%", live.locator(".status").inner_text())
    assert notebook.outside == []


def test_what_the_callback_raises_is_said_in_the_figure(notebook):
    live = figure(notebook, "Live map")
    live.get_by_label("Your own sentence").fill("boom")
    live.get_by_role("button", name="Recompute").click()
    alert = live.get_by_role("alert").filter(has_text="no such word: boom")
    alert.wait_for()
    assert live.locator(".panel").first.locator(".tok[data-side=q]").count() > 1  # the last good map is still there
    live.get_by_label("Your own sentence").fill("good again")
    live.get_by_role("button", name="Recompute").click()
    live.locator(".tok", has_text="again").first.wait_for()
    assert live.locator(".error").inner_text() == ""


def test_a_control_may_come_and_go(notebook):
    live = figure(notebook, "Live map")
    start = live.get_by_role("button", name="Guess first")
    for sentence, maps in (("one map alone", 1), ("two maps again", 2)):
        live.get_by_label("Your own sentence").fill(sentence)
        live.get_by_role("button", name="Recompute").click()
        live.locator(".tok", has_text=sentence.split()[-1]).first.wait_for()
        assert live.locator(".panel").count() == maps and start.is_visible() == (maps == 2)
    start.click()
    assert live.locator(".panel .name").all_inner_texts() == ["Map A", "Map B"]
    live.get_by_role("button", name="Stop").click()


def test_words_of_the_readers_own_join_the_lists(notebook):
    live = figure(notebook, "Live lists")
    live.get_by_label("Your own words").fill("owl, hippopotamus")
    live.get_by_role("button", name="Add", exact=True).click()
    live.get_by_text("6 words. “owl”").wait_for()
    columns = live.locator(".column")
    assert "no vector" in columns.nth(0).inner_text()  # nobody asked people about it
    assert [b.inner_text() for b in columns.nth(1).get_by_role("button").all()] == ["axe", "saw"]


def test_the_arrow_keys_stay_in_the_widget(notebook):
    live = figure(notebook, "Live map")
    live.locator(".tok[data-side=q]").first.focus()
    before = notebook.evaluate("document.querySelector('.jp-Notebook').scrollTop")
    notebook.keyboard.press("ArrowDown")
    assert "attends to" in live.locator(".status").inner_text()
    assert notebook.evaluate("document.querySelector('.jp-Notebook').scrollTop") == before
    assert live.locator(".tok.on").count() == 2  # one in each map


def test_a_view_is_kept_as_text(notebook):
    live = figure(notebook, "Live map")
    live.get_by_label("Layer", exact=True).select_option("1")
    live.get_by_text("Keep this view").click()
    line = live.get_by_label("This view as text")
    live.get_by_role("button", name="Copy").click()
    kept = line.input_value()
    assert re.fullmatch(r"explaint-[\w-]+", kept)
    live.get_by_label("Layer", exact=True).select_option("0")
    line.fill(kept)
    live.get_by_role("button", name="Go there").click()
    assert live.get_by_label("Layer", exact=True).input_value() == "1"


def test_the_text_of_a_chapter_is_text(chromium, lab):
    """MyST, as the book is written in: terms, citations, exercises; and solutions are closed."""
    page = chromium.new_context(viewport={"width": 1300, "height": 6000}).new_page()
    page.goto(lab.replace("live.ipynb", "text.ipynb?reset"))  # not what another test has open
    page.get_by_text("Exercise 1").first.wait_for(timeout=90_000)
    solutions = page.locator(".jp-CodeCell")
    solutions.first.wait_for()
    page.get_by_text("Start of Solution to").nth(1).wait_for()
    left = r"\{(?:term|cite|cite:\w)\}|exercise-start|solution-start|^:label:"
    for _ in range(60):  # the cells are drawn one after the other
        shown = page.locator(".jp-Notebook").inner_text()
        if not (found := re.findall(left, shown, re.MULTILINE)):
            break
        page.wait_for_timeout(500)
    assert not found
    assert solutions.count() == solutions.locator(".jp-Placeholder").count() > 0  # a bar to click on
    links = page.locator(".jp-MarkdownCell a[href]").all_inner_texts()
    assert "the glossary" in links and not [text for text in links if text.endswith((".md", ".ipynb"))]
    page.context.close()
