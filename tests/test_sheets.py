"""The worksheets: what a chapter asks is on them, what it answers is not, and each is two pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sheets
import student
from conftest import ROOT
from verdicts_page import by_chapter

CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_sheet_asks_and_does_not_answer(path: Path):
    made = sheets.sheet(path)
    number = int(path.stem[:2])
    assert f"<h1>{number}. " in made and "{term}" not in made and "{cite" not in made
    exercises = [part for part in student.read(path) if isinstance(part, student.Exercise)]
    assert all(f"<b>{one.number}</b>" in made for one in exercises) and "minutes, core)" in made
    found = next(iter(by_chapter()[path.stem[:2]].values()))
    assert 4 <= made.count("<tr><td>") <= sheets.MOST
    words = re.sub(r"<h2>5.*?</h2>", "", made)  # the verdicts that may be chosen
    assert not any(f"{verdict} " in words for verdict in found.verdicts.verdict if verdict.startswith("equivalent to"))
    assert ("convinced" in made.lower()) or ("write down" in made.lower()) or ("before you read on" in made.lower())


def test_the_question_of_a_chapter_is_its_own():
    asked = {path.stem[:2]: sheets.sheet(path) for path in CHAPTERS}
    assert "ten features that you would predict" in asked["07"]
    assert "Which map is intact, A or B? Write down four answers" in asked["04"]
    assert "other than the claim, could have led" in asked["08"], "a chapter that does not ask"


@pytest.mark.browser
def test_each_sheet_prints_on_two_pages(chromium: object, tmp_path: Path):
    sheets.main(["--target", str(tmp_path)])
    page = chromium.new_context().new_page()
    for path in CHAPTERS:
        page.goto((tmp_path / f"{path.stem}.html").as_uri())
        pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
        assert pages == 2, path.stem
    page.context.close()
