"""Every page of the built book as a reader meets it: over http and from the disk, light and dark, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from conftest import ROOT

from .conftest import Watch, serve

pytestmark = [pytest.mark.browser, pytest.mark.book, pytest.mark.models]

# what a page is asked in the browser; an answer other than null is a fault
QUESTIONS = {
    "wider than the screen": """() => {
        const wide = document.documentElement.scrollWidth;
        return wide > innerWidth + 1 ? `${wide} px` : null }""",
    "mathematics not set": """() => {
        const drawn = f => f.querySelector('math')?.getBoundingClientRect().width > 2 && !f.querySelector('merror');
        const bad = [...document.querySelectorAll('.math')].filter(f => f.checkVisibility() && !drawn(f));
        return bad.length ? bad.map(f => f.textContent).join(', ') : null }""",
    "image without a text": """() => {
        const mute = i => { const alt = (i.getAttribute('alt') || '').trim();
            return alt.length < 3 || /\\.(png|svg|jpe?g)$/.test(alt) };
        const bad = [...document.querySelectorAll('img')].filter(mute).map(i => i.src.split('/').pop());
        return bad.length ? bad.join(', ') : null }""",
    "image not loaded": """() => {
        const bad = [...document.querySelectorAll('img')].filter(i => !i.complete || !i.naturalWidth);
        return bad.length ? bad.map(i => i.src).join(', ') : null }""",
    "widget that did not draw itself": """() => {
        const idle = document.querySelectorAll('[data-explaint]:not([data-explaint-ready], [data-explaint-error])');
        return idle.length ? `${idle.length} of them` : null }""",
    "widget that failed": """() => {
        const bad = [...document.querySelectorAll('[data-explaint-error]')];
        return bad.length ? bad.map(w => w.dataset.explaintError).join(', ') : null }""",
    "text too pale": """() => {
        const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
        const rgba = s => { const n = s.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1] };
        const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor);
            if (c[3] > 0.9) return c } return [255, 255, 255, 1] };
        const bad = new Map();
        const texts = 'p, li, td, th, h1, h2, h3, a, code, pre span, figcaption, summary';
        for (const e of document.querySelectorAll(texts)) {
            if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.offsetParent) continue;
            const style = getComputedStyle(e), a = light(rgba(style.color)), b = light(ground(e));
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.6 && style.fontWeight >= 700);
            if (ratio < (large ? 3 : 4.5))
                bad.set(e.tagName + '.' + e.className, `${ratio.toFixed(2)} ${e.textContent.slice(0, 30)}`);
        }
        return bad.size ? [...bad].slice(0, 5).map(x => x.join(': ')).join('; ') : null }""",
}
# waits until every widget has drawn itself or failed, for five seconds at most
DRAWN = """async () => {
    for (let i = 0; i < 50; i++) {
        if (!document.querySelector('[data-explaint]:not([data-explaint-ready], [data-explaint-error])')) return;
        await new Promise(later => setTimeout(later, 100));
    } }"""
# fetches the pictures that would come only when the reader is near them
PICTURES = """async () => {
    const pictures = [...document.querySelectorAll('img[loading=lazy]')];
    for (const picture of pictures) picture.loading = 'eager';
    await Promise.all(pictures.map(picture => picture.decode().catch(() => null))); }"""
LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (360, "light")}


@dataclass
class Site:
    folder: Path
    address: str

    def pages(self) -> list[str]:
        """Every page but the front door, which only leads on."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*.html"))
        return sorted(str(path) for path in found if "_static" not in path.parts and str(path) != "index.html")


@pytest.fixture(scope="module")
def site(built_book: Path) -> Iterator[Site]:
    with serve(built_book) as address:
        yield Site(built_book, address)


def read(chromium: object, addresses: list[str], look: str) -> dict[str, list[str]]:
    """Open one page after the other and return the faults of those that have any."""
    width, scheme = LOOKS[look]
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    faults = {}
    for address in addresses:
        page = context.new_page()
        watch = Watch(page)
        page.goto(address, wait_until="load")
        page.evaluate(DRAWN)
        page.evaluate(PICTURES)
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(150)  # for what a page asks for only after it was loaded
        answers = {question: page.evaluate(script) for question, script in QUESTIONS.items()}
        found = watch.faults + [f"{question}: {answer}" for question, answer in answers.items() if answer]
        if found:
            faults[address] = found
        page.close()
    context.close()
    return faults


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_over_http(site: Site, chromium: object, look: str):
    assert len(site.pages()) > 10
    assert read(chromium, [site.address + page for page in site.pages()], look) == {}


def test_every_page_from_the_disk(site: Site, chromium: object):
    assert read(chromium, [(site.folder / page).as_uri() for page in site.pages()], "light") == {}


def test_the_first_page_leads_to_the_chapters(site: Site, chromium: object):
    page = chromium.new_context().new_page()
    page.goto(site.address)
    page.wait_for_url("**/book/index.html")
    for notebook in sorted(ROOT.glob("notebooks/*.ipynb")):
        assert page.locator(f"article a[href$='{notebook.stem}.html']").count() >= 1
    page.context.close()


SOUGHT = {
    "install": "book/how_to_run.html",
    "what is a feature norm": "book/glossary.html",
    "What is a probe?": "book/glossary.html",
    "chapter 7": "notebooks/07_five_controls_and_what_they_leave_out.html",
    "chapter 07": "notebooks/07_five_controls_and_what_they_leave_out.html",
}


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_search_finds_what_a_reader_asks_for(site: Site, chromium: object, scheme: str):
    """The first hit, over http and from the disk, where no excerpt can be fetched."""
    page = chromium.new_context().new_page()
    start = site.address if scheme == "http" else f"{site.folder.as_uri()}/"
    for asked, wanted in SOUGHT.items():
        page.goto(f"{start}search.html?{urlencode({'q': asked})}")
        first = page.locator("ul.search li a").first
        first.wait_for()
        assert first.evaluate("link => link.href").partition("#")[0].partition("?")[0] == start + wanted, asked
    page.context.close()


CARDS = """() => [...document.querySelectorAll('table.verdicts')].map(table => ({
    cards: getComputedStyle(table.querySelector('tbody tr')).display === 'block',
    wide: table.scrollWidth > table.parentElement.clientWidth + 1,
    claim: table.querySelector('tbody th').getBoundingClientRect().top,
    verdict: table.querySelector('tbody td').getBoundingClientRect().top,
    label: getComputedStyle(table.querySelector('tbody td'), '::before').content })) """


@pytest.mark.parametrize(("width", "cards"), [(360, True), (1280, False)])
def test_verdicts_are_cards_on_a_narrow_page_the_verdict_below_its_claim(site: Site, chromium, width: int, cards: bool):
    page = chromium.new_context(viewport={"width": width, "height": 800}).new_page()
    page.goto(site.address + "notebooks/06_scores_that_convince.html")
    (table,) = page.evaluate(CARDS)
    assert table["cards"] == cards and not table["wide"]
    if cards:
        assert table["claim"] < table["verdict"] and "verdict" in table["label"]
    page.context.close()


@pytest.mark.parametrize("number", [f"{number:02}" for number in range(1, 14)])
def test_figures_are_numbered_have_words_and_can_be_taken(site: Site, chromium, number: int):
    (name,) = (path.stem for path in ROOT.glob(f"notebooks/{number}_*.ipynb"))
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(f"{site.address}notebooks/{name}.html")
    figures = page.locator("figure:has(img.forest), figure:has(img.drawn)")
    captions = figures.locator("figcaption").all_inner_texts()
    assert len(captions) >= 2
    assert [text.split(". ")[0] for text in captions] == [f"Figure {int(number)}.{i + 1}" for i in range(len(captions))]
    assert all(len(alt) > 60 for alt in figures.locator("img").evaluate_all("all => all.map(one => one.alt)"))
    for link in figures.locator("a.download").evaluate_all("all => all.map(one => one.href)"):
        assert page.request.get(link).text().lstrip().startswith("<?xml") and link.endswith(".svg")
    assert figures.locator("a.download").count() == len(captions) - 1  # the first is drawn by the build
    page.context.close()


def test_a_figure_and_a_solution_can_be_reached_with_the_keyboard(site: Site, chromium: object):
    page = chromium.new_context().new_page()
    page.goto(site.address + "notebooks/07_five_controls_and_what_they_leave_out.html")
    solution = page.locator(".solution.dropdown").first
    button = solution.locator("button.toggle-button, summary").first
    assert not solution.locator(".cell, p:not(.admonition-title)").first.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert solution.locator(".cell, p:not(.admonition-title)").first.is_visible()
    page.context.close()


def test_a_printed_chapter_numbers_its_exercises_and_keeps_its_solutions_closed(site: Site, chromium: object):
    page = chromium.new_context().new_page()
    page.goto(site.address + "notebooks/07_five_controls_and_what_they_leave_out.html")
    assert "7.2 A ceiling for maps" in page.locator(".exercise > .admonition-title").nth(1).inner_text()
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")  # the theme opens what is closed, before it prints
    assert page.locator(".exercise p:visible").count() > 3
    assert page.locator(".solution .cell:visible, .solution p:not(.admonition-title):visible").count() == 0
    page.context.close()


@pytest.mark.parametrize(("width", "first"), [(1200, "Hide code"), (360, "Show code")])
def test_one_switch_for_the_code_of_all_chapters(site: Site, chromium: object, width: int, first: str):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()

    def state() -> tuple[str, bool]:
        return page.locator(".code-switch").inner_text(), page.locator(".cell_input:visible").count() > 0

    page.goto(site.address + "notebooks/06_scores_that_convince.html")
    words = {True: "Hide code", False: "Show code"}
    shown = first == words[True]
    assert state() == (first, shown)
    page.locator(".code-switch").focus()
    page.keyboard.press("Enter")
    assert state() == (words[not shown], not shown)
    page.goto(site.address + "notebooks/07_five_controls_and_what_they_leave_out.html")  # it is remembered
    assert state() == (words[not shown], not shown)
    assert page.locator(".cell_output:visible").count() > 5
    page.goto(site.address + "book/glossary.html")
    assert page.locator(".code-switch").count() == 0
    context.close()


def test_without_scripts_or_storage_the_code_is_there(site: Site, chromium: object):
    address = site.address + "notebooks/06_scores_that_convince.html"
    silent = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800}).new_page()
    silent.goto(address)
    assert silent.locator(".cell_input:visible").count() > 5
    silent.context.close()
    page = chromium.new_context(viewport={"width": 1200, "height": 800}).new_page()
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden') }})")
    page.goto(address)  # the theme's own scripts stop there
    assert page.locator(".cell_input:visible").count() > 5
    page.context.close()
