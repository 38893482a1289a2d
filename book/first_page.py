"""Make the picture of the first page: a head that convinces, and one tap away the same picture from random weights.

``python book/first_page.py`` searches the heads of minilm and of one of its untrained twins for one relation of a small
grammar, picks a sentence in which the trained model's best head is right every time and some head of the twin is, too,
draws both into ``book/assets/`` and writes them into ``book/index.md`` with the share of all sentences for which each
head is right. A test holds the page equal to what the search finds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from found_page import renewed
from matplotlib.figure import Figure
from parameters import ROOT

from explaint_lib import encoders, plotting, probes, relations

INDEX, ASSETS = ROOT / "book" / "index.md", ROOT / "book" / "assets"
BEGIN, END = "<!-- first picture: written by book/first_page.py -->", "<!-- end of first picture -->"
MODEL, RELATION, N_SENTENCES, SEED = "minilm", "det", 120, 0
MOST_WORDS = 10  # of a sentence that a phone shows

TEXT = """\
```{{raw}} html
<div class="first-picture">
<input type="radio" name="first-picture" id="first-trained" checked>
<label for="first-trained">A trained model</label>
<input type="radio" name="first-picture" id="first-untrained">
<label for="first-untrained">Now press here: its control</label>
<figure class="of-trained"><img src="../_static/first_trained.svg" alt="{alt}">
<figcaption>Every determiner (<em>the</em>, <em>a</em>, <em>our</em>) looks, of all other words, most at its noun:
layer {own[0]}, head {own[1]} of a trained model. Has this head learnt which noun a determiner belongs
to?</figcaption></figure>
<figure class="of-untrained"><img src="../_static/first_untrained.svg" alt="{alt_twin}">
<figcaption>The same picture, from a model whose weights are <strong>random numbers</strong>: layer {theirs[0]}, head
{theirs[1]}. We only had to search its heads. Over {n} sentences the trained head is right for {share:.0%} of the
determiners, the random one for {share_twin:.0%}. One picture cannot show that difference. A count with its control
can.</figcaption></figure>
</div>
```"""


class Look(NamedTuple):
    """What the heads of a model looked at, in each of some sentences."""

    maps: list[np.ndarray]  # (layer, head, query, key)
    right: list[np.ndarray]  # (determiner, layer, head): whether the head looks most at the noun

    def share(self, layer: int, head: int) -> float:
        """Return for which share of all determiners a head is right."""
        return float(np.concatenate([one[:, layer, head] for one in self.right]).mean())


def look(model: encoders.Encoder, sentences: list[relations.ParsedSentence]) -> Look:
    """Return what each head of a model looks at."""
    maps, right = [], []
    encodings = model.encode([one.text for one in sentences], hidden_states=False)
    for sentence, encoding in zip(sentences, encodings, strict=True):
        assert encoding.attention is not None
        maps.append(probes.word_attention(encoding.attention, encoding.word_ids.tolist()))
        choices = probes.head_choices(maps[-1], range(len(sentence.words)))  # (word, layer, head)
        right.append(np.stack([choices[a] == b for _, a, b in asked(sentence)]))
    return Look(maps, right)


def clearest(found: Look, number: int, sentence: relations.ParsedSentence) -> tuple[int, int] | None:
    """Return, of the heads that are right for all determiners of a sentence, the one with the thickest lines."""
    weight = np.mean([found.maps[number][:, :, a, b] for _, a, b in asked(sentence)], axis=0)
    weight[~found.right[number].all(axis=0)] = -1
    layer, head = np.unravel_index(weight.argmax(), weight.shape)
    return (int(layer), int(head)) if weight.max() > 0 else None


def asked(sentence: relations.ParsedSentence) -> list[tuple[str, int, int]]:
    """Return the determiners of a sentence with their nouns."""
    return [one for one in sentence.relations if one[0] == RELATION]


def draw(weights: np.ndarray, sentence: relations.ParsedSentence, target: Path) -> None:
    """Draw the word at which each determiner of a sentence looks most, the same bytes each time."""
    shown, n = np.zeros_like(weights), len(sentence.words)
    choices = probes.head_choices(weights[None, None], range(n))[:, 0, 0]
    for _, a, _ in asked(sentence):
        shown[a, choices[a]] = 1
    with plotting.style(), mpl.rc_context({"svg.fonttype": "none"}):
        figure = Figure(figsize=(4.6, 3.4), layout="constrained")
        plotting.attention_lines(figure.subplots(), shown, sentence.words)
        figure.savefig(target, metadata={"Date": None})


def made() -> tuple[str, dict[str, tuple[np.ndarray, relations.ParsedSentence]]]:
    """Return the text of the picture, and what is drawn."""
    sentences = relations.parsed_sentences(N_SENTENCES, rng=np.random.default_rng(SEED))
    sentences = [one for one in sentences if asked(one)]
    trained, twin = (look(encoders.load_encoder(MODEL, untrained=no, seed=SEED), sentences) for no in (False, True))
    shares = np.concatenate(trained.right).mean(axis=0)
    own = tuple(map(int, np.unravel_index(shares.argmax(), shares.shape)))
    fit = [
        i
        for i, one in enumerate(sentences)
        if trained.right[i][:, own[0], own[1]].all() and len(one.words) <= MOST_WORDS and clearest(twin, i, one)
    ]
    number = max(fit, key=lambda i: (len(asked(sentences[i])), -len(sentences[i].words)))
    sentence = sentences[number]
    theirs = clearest(twin, number, sentence)
    assert theirs is not None
    pairs = ", ".join(f"“{sentence.words[a]}” to “{sentence.words[b]}”" for _, a, b in asked(sentence))
    alt = f"Lines of attention over “{sentence.text}”: {pairs}."
    text = TEXT.format(
        alt=alt, alt_twin=f"From random weights. {alt}", own=own, theirs=theirs, n=len(sentences),
        share=trained.share(*own), share_twin=twin.share(*theirs),
    )  # fmt: skip
    return text, {
        "trained": (trained.maps[number][own], sentence),
        "untrained": (twin.maps[number][theirs], sentence),
    }


def main() -> int:
    """Draw the pictures and write the text; return the exit code."""
    text, pictures = made()
    for name, (weights, sentence) in pictures.items():
        draw(weights, sentence, ASSETS / f"first_{name}.svg")
    INDEX.write_text(renewed(INDEX.read_text("utf8"), BEGIN, END, text), "utf8")
    print(f"written: {INDEX.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
