"""The nulls of a page in a real browser: locked until a prediction, the library's numbers, every reader, any damage."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import axe_playwright_python.base
import numpy as np
import pytest
from playwright.sync_api import expect

from explaint_lib import mappers, metrics, planted
from explaint_lib.norms import FeatureNorms
from explaint_lib.widgets import NullExplorer
from explaint_lib.widgets._nulls_content import rounded_vectors

from .conftest import document, serve, widget

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("nulls")]

AXE = Path(axe_playwright_python.base.__file__).with_name("axe.min.js").read_text("utf8")
HOSTILE = '<img src=x onerror="document.title=1">'
PENALTY = 30.0


def world():
    rng = np.random.default_rng(2)
    made = planted.property_world("category_and_attributes", strength=4.0, n_words=72, n_categories=6, dim=20, rng=rng)
    values = (made.values > 0).astype(float)
    keep = values.any(axis=0)
    words = [f"{'abc'[i % 3]}word{i}" for i in range(71)] + [HOSTILE]
    data = FeatureNorms(
        "<planted>", words, np.flatnonzero(keep).astype(str), values[:, keep], "sparse", made.categories
    )
    return data, made.embeddings, mappers.make_folds(72, 3, rng=rng)


def explorers():
    data, X, folds = world()
    rng = np.random.default_rng(0)
    return (
        NullExplorer(
            X, data, folds, scores=["f1", "two", "overlap"], penalty=PENALTY, label="Where?", rng=rng,
            controls=["permuted_pairing", "shuffled", "permuted_within", "rewired", "random", "constant"],
        ),
        NullExplorer(X, data, folds, own=True, penalty=PENALTY, about=HOSTILE, label="Yours?", rng=rng),
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nulls")
    page = document(*explorers())
    (folder / "page.html").write_text(page, "utf8")
    cells = re.search(r'"cells":"([^"]+)"', page)
    (folder / "cut.html").write_text(page.replace(cells[1], cells[1][: len(cells[1]) // 2], 1), "utf8")
    (folder / "absent.html").write_text(page.replace(cells[1], "", 1), "utf8")
    with serve(folder) as address:
        yield folder, address


def commit(figure: object, guess: str = "0.3") -> None:
    figure.get_by_role("slider").fill(guess)
    figure.get_by_role("button", name="Commit").click()


def finished(figure: object) -> str:
    """What the figure says, once it has ended all draws."""
    figure.get_by_text("p = (1").wait_for()
    return figure.locator(".result").inner_text()


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_nothing_is_drawn_before_a_prediction_and_the_null_then_grows(open_page, scheme):
    page = open_page(scheme=scheme)
    figure = widget(page, 0)
    once = figure.get_by_role("button", name="Shuffle once")
    assert once.is_disabled() and figure.get_by_role("button", name="Shuffle 199 times").is_disabled()
    assert figure.locator(".bin").count() == 0
    commit(figure)
    assert figure.get_by_role("slider").is_disabled()  # what was said stays said
    assert figure.get_by_role("button", name="Commit").is_hidden()
    once.click()
    figure.get_by_text("0 of 1 draw reaches").or_(figure.get_by_text("None of 1 draw reaches")).wait_for()
    assert "Draw at least 19 times" in figure.locator(".result").inner_text()
    figure.get_by_role("button", name="Shuffle 198 times").click()
    figure.get_by_text("/ (1 + 199) = 0.005").wait_for()
    said = finished(figure)
    assert said.startswith("You said 0.30") and "the smallest p that 199 draws can give" in said
    assert figure.locator(".bin").count() > 1
    figure.get_by_text("Your predictions so far").click()
    assert figure.locator("details tbody td").first.inner_text() == "0.30"


def test_the_page_shows_the_librarys_numbers(open_page):
    data, X, folds = world()
    guess = mappers.CrossFit(mappers.Ridge([PENALTY]), rounded_vectors(X).astype(float), folds).predict(data.values)
    score = metrics.f1_at_k(guess, data.values).mean()
    figure = widget(open_page(), 0)
    figure.get_by_label("Control").select_option("constant")
    commit(figure)
    floor = mappers.CrossFit(mappers.MeanProfile(), X, folds).predict(data.values)
    base = metrics.f1_at_k(floor, data.values).mean()
    text = figure.locator(".result").inner_text()
    assert f"the constant scores {base:.2f}" in text and f"The map scores {score:.2f}" in text
    assert f"{100 * base / score:.0f}% of this score needs no vector" in text
    assert figure.get_by_role("button", name=re.compile("^Shuffle")).first.is_hidden()  # there is nothing to draw


def test_a_feature_of_the_reader_is_scored_and_hostile_text_stays_text(open_page):
    page = open_page()
    figure = widget(page, 1)
    text = figure.get_by_label("What the rule looks for")
    text.fill("aw")
    assert "24 of 72 words" in figure.locator(".ex").inner_text()
    commit(figure, "0.5")
    figure.get_by_role("button", name="Shuffle 199 times").click()
    assert "“words that begin with aw” scores" in finished(figure)
    text.fill(HOSTILE)
    assert figure.get_by_role("button", name="Commit").is_disabled()
    assert "1 of 72 words have this feature; at least 10" in figure.locator(".ex").inner_text()
    figure.get_by_label("The words that").select_option("listed")
    text.fill(", ".join(f"{'abc'[i % 3]}word{i}" for i in range(12)) + f", {HOSTILE}")
    commit(figure, "0.5")
    figure.get_by_label("The words that").select_option("coin")
    commit(figure, "0.5")
    figure.get_by_role("button", name="Shuffle 199 times").click()
    assert "a coin tossed for each word scores" in finished(figure)
    assert page.title() == "Widgets" and figure.locator("img").count() == 0


def test_the_keyboard_alone_gets_a_null(open_page):
    page = open_page()
    figure = widget(page, 0)
    figure.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # commit; the focus goes on to the first shuffle
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "of 199 draws" in finished(figure)
    assert figure.locator("[role=status][aria-live=polite]").count() >= 1


def test_a_link_brings_back_what_was_said_and_drawn(open_page):
    page = open_page()
    figure = widget(page, 0)
    figure.get_by_label("Control").select_option("rewired")
    figure.get_by_label("Seed").fill("7")
    figure.get_by_label("Seed").press("Tab")
    commit(figure, "0.2")
    figure.get_by_role("button", name="Shuffle 199 times").click()
    said = finished(figure)
    assert "(Seed 7.)" in said
    figure.get_by_text("Link to this view").click()
    line = figure.get_by_role("textbox", name="Link to this view")
    expect(line).to_have_value(re.compile("#explaint-"))
    link = line.input_value()
    again = widget(open_page(fragment="#" + link.split("#")[1]), 0)
    assert finished(again) == said
    hostile = {"at": 0, "views": [{"kind": "nulls", "control": "constructor", "score": 3, "seed": -1, "guess": "x",
                                   "draws": 1e9, "rule": "__proto__", "typed": {"a": 1}}] * 2}  # fmt: skip
    code = base64.urlsafe_b64encode(json.dumps(hostile).encode()).decode().rstrip("=")
    other = widget(open_page(fragment=f"#explaint-{code}"), 0)
    assert other.get_by_role("button", name="Shuffle once").is_disabled()


def test_a_long_drawing_can_be_stopped_and_the_page_answers(open_page):
    page = open_page()
    figure = widget(page, 0)
    figure.get_by_label("Score").select_option("overlap")
    commit(figure)
    figure.locator(".runs").evaluate(  # at once: a quick machine would be done before a second order from here
        """runs => { const buttons = [...runs.querySelectorAll('button')];
          const press = name => buttons.find(b => b.textContent === name).click();
          press('Shuffle 199 times'); press('Stop'); }"""
    )
    count = int(re.search(r"of (\d+) draw", finished(figure))[1])
    assert 0 < count < 199
    figure.get_by_label("Score").select_option("f1")
    assert "Nothing is drawn until" in figure.locator(".result").inner_text()


@pytest.mark.parametrize("name", ["cut.html", "absent.html"])
def test_a_damaged_payload_gets_a_plain_message(chromium, site, name):
    page = chromium.new_page()
    page.goto(site[1] + name)
    page.get_by_text("This interactive figure could not be drawn").wait_for()
    assert "Its data could not be read" in page.get_by_role("alert").first.inner_text()
    assert page.locator("[data-explaint-ready]").count() == 1  # the other one is whole
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(1000, "light"), (1000, "dark"), (360, "light"), (360, "dark")])
def test_every_reader_can_use_it(open_page, width, scheme):
    page = open_page(width=width, color_scheme=scheme)
    page.evaluate(AXE)
    run = "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => v.id + v.nodes[0].html))"
    assert page.evaluate(run) == []
    for i in range(2):
        if i:
            widget(page, i).get_by_label("What the rule looks for").fill("a")
        commit(widget(page, i))
        widget(page, i).get_by_role("button", name="Shuffle 199 times").click()
        finished(widget(page, i))
        widget(page, i).get_by_text("Your predictions so far").click()
    assert page.evaluate(run) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        """[...document.querySelectorAll('[data-explaint]')].flatMap(f =>
          [...f.querySelector('.ex-mount > div').shadowRoot.querySelectorAll('button, select, input, summary')])
          .map(e => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()])
          .filter(([, r]) => r.width && r.height && (r.width < 24 || r.height < 24)).map(([name]) => name)"""
    )
    assert small == []


def test_print_and_no_script_get_a_table(open_page):
    page = open_page(java_script_enabled=False)
    figure = widget(page, 0)
    assert figure.locator(".ex-static tbody tr").count() == 7  # the norms as they are, and six controls
    assert "you can make up a feature here" in widget(page, 1).inner_text()
    drawn = open_page()
    drawn.emulate_media(media="print")
    assert widget(drawn, 0).locator(".ex-static").is_visible()
    assert not widget(drawn, 0).locator(".ex-mount").is_visible()


def test_a_kernel_gets_the_same_figure(chromium, tmp_path):
    """As anywidget calls the module: `render`, with bytes as the DataView of a message."""
    made = explorers()[0]
    state = {name: base64.b64encode(getattr(made, name)).decode() for name in ("vectors", "cells")}
    page = chromium.new_page()
    page.set_content("<div id=here></div>")
    page.evaluate(
        """async ([code, meta, label, state]) => {
          const bytes = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
          const values = {meta, label, vectors: bytes(state.vectors), cells: bytes(state.cells)};
          const address = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
          const {default: widget} = await import(address);
          const model = {get: key => values[key], set() {}, save_changes() {}, on() {}, off() {}, send() {}};
          window.end = await widget.render({model, el: document.getElementById('here')}); }""",
        [str(made._esm), made.meta, made.label, state],
    )
    figure = page.locator("#here")
    commit(figure)
    figure.get_by_role("button", name="Shuffle 199 times").click()
    assert "of 199 draws" in finished(figure)
    page.evaluate("window.end()")  # another output takes its place
    page.close()
