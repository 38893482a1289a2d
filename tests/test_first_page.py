"""The picture of the first page: the search finds what the page says, and the control is right where it is shown."""

from __future__ import annotations

import first_page
import numpy as np
import pytest

from explaint_lib import relations


def test_the_clearest_head_is_right_for_every_determiner_and_has_the_thickest_lines():
    (sentence,) = [
        one for one in relations.parsed_sentences(40, rng=np.random.default_rng(0)) if first_page.asked(one)
    ][:1]
    n, pairs = len(sentence.words), first_page.asked(sentence)
    maps, right = np.full((2, 3, n, n), 1 / n), np.zeros((len(pairs), 2, 3), dtype=bool)
    for _, a, b in pairs:
        maps[0, 2, a, b], maps[1, 1, a, b] = 0.9, 0.5
    right[:, 1, 1] = right[0, 0, 2] = True  # the thickest head is right for all only where there is one determiner
    found = first_page.Look([maps], [right])
    assert first_page.clearest(found, 0, sentence) == ((0, 2) if len(pairs) == 1 else (1, 1))
    assert first_page.clearest(first_page.Look([maps], [np.zeros_like(right)]), 0, sentence) is None
    assert found.share(1, 1) == 1.0 and found.share(0, 2) == 1 / len(pairs)


@pytest.mark.models
def test_the_first_page_says_what_the_search_finds_and_the_control_is_right_in_the_picture(tmp_path):
    text, pictures = first_page.made()
    page = first_page.INDEX.read_text("utf8")
    assert text in page, "run: python book/first_page.py"
    for name, (weights, sentence) in pictures.items():
        for _, a, b in first_page.asked(sentence):
            others = np.delete(weights[a], a)
            assert weights[a, b] == others.max(), f"{name} does not look most at the noun"
        first_page.draw(weights, sentence, tmp_path / "a.svg")
        assert (tmp_path / "a.svg").read_bytes() == (first_page.ASSETS / f"first_{name}.svg").read_bytes()
