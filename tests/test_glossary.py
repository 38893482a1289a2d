"""The glossary: each prerequisite of a chapter and each label of a relation has an entry, and links find it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from conftest import ROOT
from docutils import nodes

from explaint_lib import inference, relations

spec = importlib.util.spec_from_file_location("glossary_tips", ROOT / "book" / "_ext" / "glossary_tips.py")
glossary_tips = importlib.util.module_from_spec(spec)
spec.loader.exec_module(glossary_tips)

CHAPTERS = sorted(ROOT.glob("notebooks/*.ipynb"))
BLOCK = re.compile(r"^```\{glossary\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^(\S.*)\n((?:  \S.*\n)+)", re.MULTILINE)
TERM = re.compile(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")

#: words that this book uses in a sense of its own, or that a reader of it cannot do without
OF_THE_BOOK = """twin, system, grain, floor, ceiling, null, oracle, verdict, margin, draw, fold, feature norm, hub,
self-removal, similarity encoding, mean profile, algorithmic upper bound, probe, head, layer, token, word piece,
rollout, value zeroing, interchange, residual stream, attention sink, chance, control, claim, planted world, rival,
stable, calibration, power, false alarm, treatment, base rate, permuted pairing, untrained twin, stolen answer, Keeper,
Rotator, Mover, Decoy, Sink"""


def entries(text: str) -> dict[str, str]:
    """Return the entries of a glossary: term -> explanation."""
    return {term: " ".join(said.split()) for block in BLOCK.findall(text) for term, said in ENTRY.findall(block)}


GLOSSARY = entries((ROOT / "book" / "glossary.md").read_text("utf8"))


def prose(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"\{\w+\}`[^`]+`", lambda role: " ".join(role[0].split()), text)


def needs(text: str) -> list[str]:
    """Return what stands under "You need" in a chapter, one item for each row."""
    table = re.search(r"^\| You need \| Where \|\n\| --- \| --- \|\n((?:\|.*\n?)+)", text, re.MULTILINE)
    return [row.split("|")[1].strip() for row in table[1].splitlines()]


def unexplained(item: str, terms: object) -> list[str]:
    """Return the parts of a prerequisite, between commas and *and*, that link to no entry of the glossary."""
    parts = re.split(r",\s+(?!and why)|(?<=`) and (?=\{)", item)
    return [part for part in parts if not any(found in terms for found in TERM.findall(part))]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_prerequisite_of_a_chapter_links_to_its_entry(path: Path):
    items = needs(prose(path))
    assert len(items) >= 2
    assert [part for item in items for part in unexplained(item, GLOSSARY)] == []


@pytest.mark.parametrize(
    ("item", "missing"),
    [
        ("attention weights, {term}`heads <head>`", ["attention weights"]),
        ("{term}`heads <skull>`, {term}`layer`", ["{term}`heads <skull>`"]),
        ("{term}`layer` and {term}`phlogiston`", ["{term}`phlogiston`"]),
        ("the four claims about {term}`tokens <token>` and {term}`positions <position>`", []),
    ],
)
def test_a_prerequisite_without_an_entry_is_found(item: str, missing: list[str]):
    assert unexplained(item, {"head", "layer", "token", "position"}) == missing


def test_each_label_of_a_relation_has_an_entry_that_shows_it():
    sentences = relations.parsed_sentences(200, rng=np.random.default_rng(0))
    labels = {label for sentence in sentences for label, _, _ in sentence.relations}
    assert len(labels) >= 6
    assert {label for label in labels if f"`{label}`" not in GLOSSARY.get(label, "")} == set()
    linked = TERM.findall(prose(CHAPTERS[0]))
    assert labels <= set(linked), "chapter 01 prints these labels and must link each one"


def test_the_words_of_the_book_have_entries():
    assert [word for word in re.split(r",\s+", OF_THE_BOOK) if word not in GLOSSARY] == []


def test_an_entry_is_two_to_four_sentences_and_says_where_to_read_on():
    for term, said in GLOSSARY.items():
        text = re.sub(r"\{cite:\w\}`\w+`", "", said)
        sentences = re.findall(r"[^.?]+(?:\.\.\.[^.?]+)*[.?]+(?=[\s)]|$)", text)
        assert 2 <= len(sentences) <= 4, (term, len(sentences))
        targets = LINK.findall(said)
        assert targets, f"{term}: no link to a page that uses it"
        for target in targets:
            assert (ROOT / "book" / target).resolve().is_file(), (term, target)


def test_links_to_terms_find_their_entries():
    pages = {path.name: prose(path) for path in CHAPTERS}
    pages |= {path.name: path.read_text("utf8") for path in ROOT.glob("book/*.md")}
    used = {(name, term) for name, text in pages.items() for term in TERM.findall(text)}
    assert len(used) > 30
    assert {(name, term) for name, term in used if term not in GLOSSARY} == set()


def test_glossary_and_rule_page_name_every_word_of_the_rule():
    rule = (ROOT / "book" / "how_to_read_a_verdict.md").read_text("utf8")
    for word in inference.WORDS:
        assert re.search(rf"\*\*{word}\b", rule), word
        assert word in GLOSSARY["verdict"], word


def glossary(text: str) -> nodes.document:
    item = nodes.definition_list_item("", nodes.term("", "head", ids=["term-head"]))
    item += nodes.definition("", nodes.paragraph("", text))
    root = nodes.Element()
    root += nodes.definition_list("", item)
    return root


def test_a_link_to_a_term_names_its_first_sentence_as_description():
    said = glossary_tips.first_sentences(glossary('A head of layer 1.5 & "more"\nreads. Then a second sentence.'))
    assert said == {"term-head": 'A head of layer 1.5 & "more" reads.'}
    link = '<a class="reference internal" href="../book/glossary.html#term-{0}"><span>heads</span></a>'
    page = glossary_tips.with_tips(f"<p>{link.format('head')}, {link.format('tail')}, {link.format('head')}</p>", said)
    assert re.findall(r'aria-describedby="([^"]+)"', page) == re.findall(r'role="tooltip" id="([^"]+)"', page)
    assert len(set(re.findall(r' id="([^"]+)"', page))) == 2 and link.format("tail") in page
    assert "layer 1.5 &amp; &quot;more&quot; reads.</span>" in page
