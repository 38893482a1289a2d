"""What a reader does with the widgets beyond looking: guess, compare summaries, keep a view; and every reader can."""

from __future__ import annotations

import base64
import csv
import json
import re
from math import comb
from pathlib import Path

import axe_playwright_python.base
import numpy as np
import pytest

from explaint_lib.attention import mean_over_heads, rollout
from explaint_lib.widgets import AttentionViewer, NeighbourhoodExplorer

from .conftest import document, serve, widget

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("reader")]

AXE = Path(axe_playwright_python.base.__file__).with_name("axe.min.js").read_text("utf8")
LONG = ["</script>", "Ġ$x$", "\u2028", "👩\u200d🔬", "שלום", "w" * 200, "the", "robin"]


def maps(seed, n, *, layers=3, heads=4, causal=False):
    scores = np.exp(2 * np.random.default_rng(seed).normal(size=(layers, heads, n, n)))
    scores = np.tril(scores) if causal else scores
    return scores / scores.sum(-1, keepdims=True)


def explorer(claim="claim"):
    rng = np.random.default_rng(1)
    gold = np.repeat(np.eye(4), 8, axis=0) + 0.2 * rng.normal(size=(32, 4))
    conditions = {"gold": gold, claim: gold + 0.4 * rng.normal(size=gold.shape), "noise": rng.normal(size=(32, 5))}
    return NeighbourhoodExplorer(
        [f"w{i}" for i in range(32)], conditions, k=6, categories=[f"kind{i // 8}" for i in range(32)],
        projection=gold[:, :2], controls=["noise"], label="Lists",
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    n = len(LONG)
    own = np.broadcast_to(np.eye(n), (3, n, n))
    viewer = AttentionViewer(
        maps(0, n), LONG, control=maps(1, n), name="real", control_label="twin", label="First",
        identity={"cosine": np.linspace(1, 0, 4)[:, None] * np.ones(n), "probe": np.full((4, n), 0.5)},
        summaries={"value zeroing": own}, control_summaries={"value zeroing": own},
        special=[False] * (n - 1) + [True],
    )  # fmt: skip
    second = AttentionViewer(maps(2, n, causal=True), LONG, label="Second", combine="rollout", layer=2)
    (folder / "page.html").write_text(document(viewer, second, explorer()), "utf8")
    long = AttentionViewer(
        maps(0, n), LONG, control=maps(1, n), name="SmolLM2-135M-Instruct, revision of last year",
        head_names=["norm-weighted", "ALTI", "value zeroing", "</b>"],
        control_label='with "not" (left out of the picture), all states permuted from layer 15 on',
    )  # fmt: skip
    (folder / "long.html").write_text(document(long, explorer("no map, " + "and a very long name " * 3)), "utf8")
    page = document(explorer(), second)
    start = page.index('<script type="text/plain">') + 100
    (folder / "cut.html").write_text(page[:start] + page[start + 7 :], "utf8")
    with serve(folder) as address:
        yield folder, address


def weights(page, i):
    """The numbers of the first panel, read from the CSV that the reader gets; shape (query, key)."""
    with page.expect_download() as caught:
        widget(page, i).get_by_role("button", name="Download CSV").click()
    with open(caught.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return np.reshape([float(row[6]) for row in rows], (len(LONG), -1))


# -- summaries --


def test_summaries_of_the_heads_are_the_librarys(open_page):
    page = open_page()
    first, real = widget(page, 0), maps(0, len(LONG))
    show, layer = first.get_by_label("Show", exact=True), first.get_by_label("Layer", exact=True)
    layer.select_option("2")
    expected = {"mean": real[2].mean(0), "max": real[2].max(0), "rollout": rollout(mean_over_heads(real))[2]}
    for name, value in {**expected, "value zeroing": np.eye(len(LONG))}.items():
        show.select_option(name)
        assert np.abs(weights(page, 0) - value).max() < 0.003, name
    causal = rollout(mean_over_heads(maps(2, len(LONG), causal=True)))[2]
    assert np.abs(weights(page, 1) - causal).max() < 0.003
    assert not np.triu(weights(page, 1), 1).any()  # nothing of the future is filled in


def test_summaries_are_shown_to_disagree(open_page):
    page = open_page()
    first, n = widget(page, 0), len(LONG)
    first.get_by_text("Do the summaries").click()
    rows = first.locator("details table").first.locator("tbody tr")
    rows.nth(4).wait_for()
    assert [row.locator("th").inner_text() for row in rows.all()] == [
        "head 0", "mean of the heads", "largest of the heads", "rollout up to this layer", "value zeroing",
    ]  # fmt: skip
    real = maps(0, n)[0]
    same = int((real[0].argmax(-1) == real.mean(0).argmax(-1)).sum())
    assert rows.nth(0).locator("td").nth(1).inner_text() == str(same) and 0 < same < n
    assert rows.nth(1).locator("td").nth(1).inner_text() == "–"


def test_what_is_no_head_has_a_name_and_is_not_combined(open_page):
    figure = widget(open_page("long.html"), 0)
    figure.get_by_label("Map", exact=True).select_option(label="ALTI")
    assert "Layer 0, ALTI" in figure.locator(".status").inner_text()
    figure.get_by_role("radio", name="Layer 1, </b>").click()
    assert "Layer 1, </b>" in figure.locator(".status").inner_text()
    assert not figure.get_by_label("Show", exact=True).is_visible()
    assert not figure.get_by_text("Do the summaries").is_visible()


# -- predict, then reveal --


def chance(right, rounds, choices):
    return sum(comb(rounds, k) * (choices - 1) ** (rounds - k) for k in range(right, rounds + 1)) / choices**rounds


def test_the_score_of_guessing_stands_beside_chance(open_page):
    page = open_page()
    figure = widget(page, 0)
    game = figure.get_by_role("group", name="Predict, then reveal")
    page.get_by_role("button", name="Guess first").first.click()
    right = 0
    for rounds in range(1, 5):
        names = figure.locator(".panel .name").all_inner_texts()
        assert names == ["Map A", "Map B"] and not figure.get_by_text("Download CSV").is_visible()
        assert figure.locator(".panel .gauge").count() == 0 and not figure.locator(".heads").is_visible()
        figure.locator("[data-matrix]").first.hover()
        assert "%" not in figure.locator(".status").inner_text()  # no number gives it away
        game.get_by_role("button", name="Map A").click()
        said, told = game.get_by_role("status").inner_text(), figure.locator(".told").inner_text()
        names = figure.locator(".panel .name").all_inner_texts()
        assert sorted(re.sub(".*: ", "", name) for name in names) == ["real", "twin"]
        right += "real" in names[0]
        assert said.startswith("Right." if "real" in names[0] else "No.")
        assert f"{right} of {rounds} so far; blind guessing gets {rounds / 2:.1f}" in told
        assert "reads nothing" in told or "read nothing" in told
        shown = float(re.search(r"in ([\d.]+)% of games", told)[1])
        assert abs(shown - 100 * chance(right, rounds, 2)) <= 0.5
        game.get_by_role("button", name="Next").click()
    game.get_by_role("button", name="Stop").click()
    assert figure.get_by_label("Layer", exact=True).input_value() == "0"  # as before the game
    assert figure.locator(".panel .name").all_inner_texts() == ["●real", "▲twin"]


def test_the_game_stands_first_and_nothing_moves_when_the_answer_comes(open_page):
    page = open_page(width=360)
    figure = widget(page, 0)
    start = figure.get_by_role("button", name="Guess first")
    top = lambda place: place.bounding_box()["y"]  # noqa: E731
    assert top(start) < top(figure.locator(".heads")) < top(figure.locator(".panel svg").first)
    for head in figure.locator(".heads button").all()[:3]:
        assert min(head.bounding_box()["width"], head.bounding_box()["height"]) >= 24
    start.click()
    places = [figure.get_by_role("button", name="Stop"), *figure.locator(".panel svg").all()]
    before = [top(place) for place in places]
    both = before[-1] + figure.locator(".panel svg").last.bounding_box()["height"]
    assert both - top(figure.locator(".guess")) < 740  # the question and both maps, on a phone
    figure.get_by_role("button", name="Map B").click()
    places = [figure.get_by_role("button", name="Stop"), *figure.locator(".panel svg").all()]
    assert [top(place) for place in places] == before


def test_lists_are_guessed_without_names_marks_or_map(open_page):
    page = open_page()
    figure = widget(page, 2)
    figure.get_by_role("button", name="Guess first").focus()
    page.keyboard.press("Enter")
    columns = figure.locator(".column .name")
    assert columns.all_inner_texts() == ["List A", "List B"]  # gold is not among them
    assert figure.locator(".marks > *").count() == 0 and not figure.locator(".map").is_visible()
    page.keyboard.press("Enter")  # the first answer has the focus
    named = [name.splitlines()[0] for name in columns.all_inner_texts()]
    assert named in (["gold", "List A: claim", "▲ List B: noise"], ["gold", "▲ List A: noise", "List B: claim"])
    assert ("Right." in figure.locator(".guess [role=status]").inner_text()) == (named[1] == "List A: claim")
    figure.get_by_role("button", name="Stop").click()
    assert figure.get_by_role("combobox", name="Word").input_value() == "w0"


# -- a link to a view --


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_link_brings_every_figure_back(open_page, scheme):
    page = open_page(scheme=scheme)
    first, second, lists = (widget(page, i) for i in range(3))
    first.get_by_role("radio", name="Layer 2, head 3").click()
    first.get_by_label("Fade links").select_option("probe")
    first.locator(".tok[data-side=k]").nth(1).click()
    second.get_by_role("radio", name="Matrix").dispatch_event("click")
    lists.get_by_role("combobox", name="Word").fill("w20")
    lists.get_by_label("Colour every category").check()
    lists.get_by_text("Link to this view").click()
    lists.get_by_role("button", name="Copy").click()
    link = lists.get_by_label("Link to this view").input_value()
    assert link.startswith(page.url.split("#")[0] + "#explaint-")
    again = open_page(scheme=scheme, fragment="#" + link.split("#")[1])
    first, second, lists = (widget(again, i) for i in range(3))
    lists.locator(".swatch").first.wait_for()
    assert "“w20” (kind2)" in lists.locator(".ex > p[role=status]").inner_text()
    said = first.locator(".status").inner_text()
    assert "Layer 2, head 3" in said and "is attended to by" in said and "pinned" in said
    assert first.get_by_label("Fade links").input_value() == "probe"
    assert second.locator("[data-matrix]").count() == 1 and "rollout" in second.locator(".status").inner_text()
    again.wait_for_function("scrollY > 300")  # the figure it was copied from


@pytest.mark.parametrize("fragment", ["#explaint-", "#explaint-%%%", "#explaint-bm9ubnNlbnNl", "#somewhere", "OLD"])
def test_a_link_that_does_not_fit_changes_nothing(open_page, fragment):
    if fragment == "OLD":  # from a page that had more layers and other words
        figures = [{"layer": 40, "head": "x", "view": 1, "measure": "gone", "pin": {"q": 99}}, {}, {"word": "gone"}]
        state = json.dumps({"at": 0, "views": figures})
        fragment = "#explaint-" + base64.urlsafe_b64encode(state.encode()).decode().rstrip("=")
    page = open_page(fragment=fragment)
    assert page.locator("[data-explaint-ready]").count() == 3
    assert "Layer 0, head 0" in widget(page, 0).locator(".status").inner_text()
    assert "“w0”" in widget(page, 2).locator(".ex > p[role=status]").inner_text()


# -- category --


def test_clustering_by_category_is_counted_beside_chance(open_page):
    page = open_page()
    figure = widget(page, 2)
    strips = figure.locator(".column").nth(1).get_by_role("img").all()
    said = [strip.get_attribute("aria-label") for strip in strips]
    assert said[0].startswith("Neighbours shared with gold:") and said[1].startswith("Neighbours of the same category:")
    lists = explorer().neighbours("claim")
    kin = np.mean([sum(int(w[1:]) // 8 == i // 8 for w in near) for i, near in enumerate(lists)])
    assert f"all words {kin:.1f}; chance {6 * 7 / 31:.2f}" in said[1]
    assert "a control" in figure.locator(".column").nth(2).text_content()
    assert figure.locator(".swatch").count() == 0
    figure.get_by_label("Colour every category").check()
    figure.locator(".kinds").wait_for()
    assert figure.locator(".kinds .swatch").count() == 4 and figure.locator("li .swatch").count() == 18


# -- every reader --


def faults(page):
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:150]}" for fault in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page, scheme):
    page = open_page(color_scheme=scheme)
    for summary in page.locator("summary:visible").all():
        summary.click()
    page.get_by_label("Colour every category").check()
    page.locator(".tok").nth(2).hover()
    assert faults(page) == []
    for _ in range(2):
        page.get_by_role("button", name="Guess first").first.click()
    assert faults(page) == []
    for answer in ("Map A", "List A"):
        page.get_by_role("button", name=answer, exact=True).click()
    widget(page, 1).get_by_text("Matrix").click()
    assert faults(page) == []


def test_axe_finds_what_is_wrong(open_page):
    """The twin: pale text inside a figure."""
    page = open_page()
    widget(page, 0).locator(".ex").evaluate("box => box.style.setProperty('--muted', '#c9ced6')")
    assert any("color-contrast" in fault for fault in faults(page))


def test_nothing_moves_for_those_who_asked_for_it(open_page):
    script = """() => [...document.querySelectorAll('[data-explaint] .ex-mount > *')].flatMap(host =>
        [...host.shadowRoot.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0
            || getComputedStyle(e).animationName !== 'none').length).reduce((a, b) => a + b, 0)"""
    assert open_page(reduced_motion="no-preference").evaluate(script) > 0
    assert open_page(reduced_motion="reduce").evaluate(script) == 0


@pytest.mark.parametrize("name", ["page.html", "long.html"])
def test_a_phone_shows_all_of_it(open_page, name):
    page = open_page(name, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for summary in page.locator("summary:visible").all():
        summary.click()
    page.get_by_label("Colour every category").check()
    for _ in range(2):
        page.get_by_role("button", name="Guess first").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for box in page.locator(".ex").all():
        assert box.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_a_damaged_program_leaves_the_picture_and_says_so(open_page):
    page = open_page("cut.html")
    broken = widget(page, 0)
    assert "could not be drawn" in broken.get_by_role("alert").inner_text()
    assert broken.locator(".ex-static table").is_visible() and widget(page, 1).locator(".panel").count() == 1


def test_the_mark_of_a_words_beginning_is_not_drawn_but_kept(open_page):
    figure = widget(open_page(), 0)
    token = figure.locator(".panel").first.locator(".tok[data-side=q]").nth(1)
    assert token.locator("text").first.text_content() == "$x$" and token.locator("title").text_content() == "Ġ$x$"
    figure.get_by_text("Numbers as a table").click()
    assert figure.locator("tbody th").nth(1).inner_text() == "Ġ$x$"
