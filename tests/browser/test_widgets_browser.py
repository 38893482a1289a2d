"""The widgets in a real Chromium, on a page of their own: no book, no kernel, no network."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest

from explaint_lib._common import printable
from explaint_lib.widgets import AttentionViewer, NeighbourhoodExplorer

from .conftest import document, serve, widget

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("widgets")]

TOKENS = ["[CLS]", "the", "robin", "un", "##afraid", "sat", "[SEP]"]
NASTY = [
    "</script>",
    "<!--",
    "$x^2$",
    r"\(a\)",
    "&amp;",
    '"q"',
    "a,b",
    "<b>",
    "日本",
    "👩‍🔬",
    "שלום",
    "x" * 200,
    "\u2028",
]


def maps(seed, n, layers=3, heads=4):
    scores = np.exp(2 * np.random.default_rng(seed).normal(size=(layers, heads, n, n)))
    return scores / scores.sum(-1, keepdims=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Pages on disk: (folder, http address)."""
    folder = tmp_path_factory.mktemp("site")
    n = len(TOKENS)
    viewer = AttentionViewer(
        maps(0, n), TOKENS, control=maps(1, n), name="trained", control_label="untrained", label="First",
        identity={"cosine": np.linspace(1, 0, 4)[:, None] * np.ones(n)}, word_ids=[-1, 0, 1, 2, 2, 3, -1],
        special=[t.startswith("[") for t in TOKENS],
    )  # fmt: skip
    second = AttentionViewer(maps(2, n), TOKENS, layer=2, head=3, view="matrix", label="Second")
    rng = np.random.default_rng(0)
    words = [f"bird{i}" for i in range(20)] + [f"tool{i}" for i in range(20)]
    gold = np.repeat(np.eye(2), 20, axis=0) + 0.2 * rng.normal(size=(40, 2))
    explorer = NeighbourhoodExplorer(
        words, {"gold": gold, "predicted": gold + 0.1 * rng.normal(size=gold.shape), "random": rng.random((40, 5))},
        categories=["bird"] * 20 + ["tool"] * 20, projection=gold, features=[["lives"]] * 20 + [["is held"]] * 20,
        word="bird3", label="Neighbours",
    )  # fmt: skip
    (folder / "page.html").write_text(document(viewer, second, explorer), "utf8")
    nasty = AttentionViewer(maps(3, len(NASTY)), NASTY, label="<i>label</i>")
    hostile = NeighbourhoodExplorer(NASTY, {"gold": rng.normal(size=(len(NASTY), 3))}, k=3, word="</script>")
    (folder / "nasty.html").write_text(document(nasty, hostile), "utf8")
    good = second.static_html()
    cut = good.replace('"data":"', '"data":"AAAA', 1)
    (folder / "damaged.html").write_text(document(cut, viewer), "utf8")
    with serve(folder) as address:
        yield folder, address


def says(element):
    return element.locator(".status").inner_text()


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_every_widget_draws_itself(open_page, scheme):
    page = open_page(scheme=scheme)
    assert page.locator("[data-explaint-ready]").count() == 3 and page.locator("[data-explaint-error]").count() == 0
    assert not page.locator(".ex-static").first.is_visible()
    first = widget(page, 0)
    assert first.locator(".panel").count() == 2 and first.locator(".heads button").count() == 12
    assert first.locator("form").count() == 0  # nothing that needs a kernel


def test_layer_and_head_by_select_and_by_overview(open_page):
    page = open_page()
    first, second = widget(page, 0), widget(page, 1)
    first.get_by_label("Layer", exact=True).select_option("2")
    first.get_by_label("Head", exact=True).select_option("1")
    assert "Layer 2, head 1" in says(first)
    first.get_by_role("radio", name="Layer 1, head 3").click()
    assert "Layer 1, head 3" in says(first) and first.get_by_label("Layer", exact=True).input_value() == "1"
    page.keyboard.press("ArrowUp")
    assert "Layer 0, head 3" in says(first)
    assert "Layer 2, head 3" in says(second)  # the other widget has not moved


def test_hover_reads_the_weights_of_both_maps(open_page):
    page = open_page()
    first = widget(page, 0)
    first.locator(".panel").first.locator(".tok[data-side=q]").nth(2).hover()
    row, control = maps(0, 7)[0, 0, 2], maps(1, 7)[0, 0, 2]
    assert "“robin” attends to" in says(first)
    for name, weights in (("trained", row), ("untrained", control)):
        token, value = re.search(rf"[●▲] {name}: “(.*?)” ([\d.]+)%", says(first)).groups()
        assert token == TOKENS[weights.argmax()] and abs(float(value) / 100 - weights.max()) < 0.008
    first.locator(".panel").nth(1).locator(".tok[data-side=k]").nth(5).hover()
    assert "“sat” is attended to by" in says(first)


def test_click_pins_and_escape_frees(open_page):
    page = open_page()
    first = widget(page, 0)
    first.locator(".tok[data-side=q]").nth(2).click()
    page.mouse.move(5, 5)
    first.get_by_label("Layer", exact=True).focus()
    assert "“robin” attends to" in says(first) and "pinned" in says(first)
    first.get_by_label("Layer", exact=True).select_option("1")  # another map keeps the pinned token
    assert "“robin” attends to" in says(first)
    first.locator(".tok[data-side=q]").nth(2).focus()
    page.keyboard.press("Escape")
    assert "pinned" not in says(first)


def test_keyboard_alone_reaches_everything(open_page):
    page = open_page()
    first = widget(page, 0)
    first.get_by_label("Fade links").focus()
    page.keyboard.press("Tab")  # to the offer to guess first
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert "“the” attends to" in says(first)
    page.keyboard.press("ArrowRight")
    assert "“the” is attended to by" in says(first)
    page.keyboard.press("End")
    assert "“[SEP]” is attended to by" in says(first)
    page.keyboard.press("Enter")
    assert "pinned" in says(first)
    second = widget(page, 1)
    second.locator("[data-matrix]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    weight = maps(2, 7)[2, 3, 1, 1]
    assert "“the” → “the”" in says(second) and f"{100 * weight:.0f}" in says(second)
    page.keyboard.press("Tab")  # no trap
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.textContent") == "Download CSV"


def test_a_mouse_at_rest_does_not_steal_the_keyboard(open_page):
    page = open_page()
    first = widget(page, 0)
    first.locator(".tok[data-side=q]").nth(1).click()
    page.keyboard.press("ArrowDown")
    assert "“robin” attends to" in says(first)
    page.keyboard.press("ArrowDown")
    assert "“un” attends to" in says(first)


def test_word_pieces_merge_and_special_tokens_hide_without_rescaling(open_page):
    page = open_page()
    first = widget(page, 0)
    first.get_by_label("Whole words").check()
    first.get_by_label("Special tokens").uncheck()
    shown = first.locator(".panel").first.locator(".tok[data-side=q] title").all_text_contents()
    assert shown == ["the", "robin", "unafraid", "sat"]
    a = maps(0, 7)[0, 0]
    first.locator(".tok[data-side=q]").nth(2).hover()
    expected = a[3:5][:, 3:5].sum(1).mean()  # summed over the pieces looked at, mean over the pieces that look
    value = first.locator(".panel").first.locator(".tok[data-side=k] .value").nth(2).text_content()
    assert abs(float(value.rstrip("%")) / 100 - expected) < 0.012
    assert "special tokens, which are not drawn here" in first.locator(".panel").first.inner_text()


def test_identity_fades_links(open_page):
    page = open_page()
    first = widget(page, 0)
    strongest = "e => Math.max(...[...e.querySelectorAll('.link')].map(l => +l.getAttribute('stroke-opacity')))"
    panel = first.locator(".panel").first
    before = panel.evaluate(strongest)
    first.get_by_label("Fade links").select_option("cosine")
    assert panel.evaluate(strongest) == before and panel.locator(".gauge").count() == 14  # layer 0: identity is 1
    first.get_by_label("Layer", exact=True).select_option("2")
    assert panel.evaluate(strongest) < 0.6 * before
    assert first.locator(".panel").nth(1).locator(".gauge").count() == 0  # not known for the control: it does not fade


def test_downloads_hold_what_is_shown(open_page):
    page = open_page()
    first = widget(page, 0)
    with page.expect_download() as caught:
        first.get_by_role("button", name="Download CSV").click()
    with open(caught.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["layer", "head", "query_index", "query", "key_index", "key", "trained", "untrained"]
    assert len(rows) == 1 + 49 and abs(float(rows[1 + 2 * 7 + 5][6]) - maps(0, 7)[0, 0, 2, 5]) < 0.003
    with page.expect_download() as caught:
        first.get_by_role("button", name="Download SVG").click()
    text = caught.value.path().read_text("utf8")
    assert text.startswith("<svg") and "robin" in text and "var(" not in text and "script" not in text


def test_table_gives_the_numbers(open_page):
    page = open_page()
    first = widget(page, 0)
    first.get_by_text("Numbers as a table").click()
    first.locator("tbody tr").nth(6).wait_for()
    assert first.locator("tbody tr").count() == 7
    first.locator(".tok[data-side=q]").nth(2).hover()
    assert "from “robin” to" in first.locator("caption").inner_text()


def test_neighbours(open_page):
    page = open_page()
    explorer = widget(page, 2)
    assert explorer.locator(".column").count() == 3 and explorer.locator("li").count() == 30
    assert "10 of 10: bird" in explorer.locator(".column").nth(1).inner_text()
    field = explorer.get_by_role("combobox", name="Word")
    field.fill("TOOL7")
    assert "“tool7” (tool)" in explorer.locator(".ex > p[role=status]").inner_text()
    field.fill("too")
    assert "20 words begin like this" in explorer.locator(".ex > p[role=status]").inner_text()
    field.fill("nothing")
    assert "is not among the 40 words" in explorer.locator(".ex > p[role=status]").inner_text()
    target = explorer.locator(".column").nth(1).locator("li button").first
    name = target.evaluate("b => b.querySelector('span').textContent")
    target.hover()
    assert "Both: is held." in explorer.locator(".shared").inner_text()
    target.click()
    assert f"“{name}”" in explorer.locator(".ex > p[role=status]").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    inside = "document.activeElement.shadowRoot.activeElement.closest('.column').getAttribute('aria-label')"
    assert page.evaluate(inside) == "random"


def test_overlap_marks_are_words_for_a_screen_reader(open_page):
    page = open_page()
    column = widget(page, 2).locator(".column").nth(1)
    hits = column.get_by_role("button", name="also near under gold").count()
    assert hits == column.locator("li.hit").count() and f"{hits} of 10 shared with gold" in column.inner_text()


def test_hostile_strings_are_shown_as_they_are(open_page):
    page = open_page("nasty.html")
    assert page.locator("[data-explaint-ready]").count() == 2
    titles = widget(page, 0).locator(".panel .tok[data-side=q] title").all_text_contents()
    assert titles == [printable(text) for text in NASTY]
    assert widget(page, 0).locator(".title").inner_text() == "<i>label</i>"
    with page.expect_download() as caught:
        widget(page, 0).get_by_role("button", name="Download CSV").click()
    text = caught.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [r[5] for r in rows[1 : 1 + len(NASTY)]] == NASTY
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000


def test_damaged_payload_gives_a_message_in_place(open_page):
    page = open_page("damaged.html")
    broken = widget(page, 0)
    assert "could not be" in broken.get_by_role("alert").inner_text() and broken.locator(".ex-static svg").is_visible()
    assert widget(page, 1).locator(".panel").count() == 2  # the widget beside it is whole


def test_without_javascript_and_on_paper_the_static_figure_is_there(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator(".ex-static").count() == 3 and page.locator(".ex-static").nth(2).is_visible()
    assert "bird3" in page.locator(".ex-static").nth(2).inner_text()
    page = open_page()
    page.emulate_media(media="print")
    assert (
        page.locator(".ex-static svg").first.is_visible() and not widget(page, 0).locator(".panel").first.is_visible()
    )


@pytest.mark.parametrize("name", ["page.html", "nasty.html"])
@pytest.mark.parametrize("width", [360, 720])
def test_narrow_pages_do_not_overflow(open_page, name, width):
    page = open_page(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in page.locator(".ex").all():
        assert box.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_follows_the_theme_of_the_page(open_page):
    def brightness(page, property_):
        colour = widget(page, 0).locator(".ex").evaluate(f"e => getComputedStyle(e).{property_}")
        return sum(float(c) for c in colour.strip("rgba()").split(",")[:3]) / 3

    light, dark = open_page(color_scheme="light"), open_page(color_scheme="dark")
    assert brightness(light, "backgroundColor") > 200 > 90 > brightness(light, "color")
    assert brightness(dark, "backgroundColor") < 60 < 180 < brightness(dark, "color")
    light.evaluate("document.documentElement.style.colorScheme = 'dark'")  # a switch of theme while it is open
    widget(light, 0).locator(".ex[data-theme=dark]").wait_for()
