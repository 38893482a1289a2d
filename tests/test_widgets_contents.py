"""What the widgets' Python side stores and recomputes; and whether their colours can be told apart by everyone."""

from __future__ import annotations

import base64
import io
import re
import tracemalloc
import zlib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explaint_lib import attention, widgets
from explaint_lib._common import ExplaintError
from explaint_lib.norms import FeatureNorms
from explaint_lib.widgets import AttentionViewer, NeighbourhoodExplorer
from explaint_lib.widgets._base import text85
from explaint_lib.widgets._picture import png

JS = Path(widgets.__file__).parent / "js"


def softmax_maps(seed, layers=3, heads=4, n=9, sharpness=2.0, causal=False):
    scores = np.exp(sharpness * np.random.default_rng(seed).normal(size=(layers, heads, n, n)))
    scores = np.tril(scores) if causal else scores
    maps = scores / scores.sum(-1, keepdims=True)
    maps.flags.writeable = False
    return maps


# -- what is stored --


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 999])
def test_bytes_as_text_lose_nothing_and_say_nothing_to_html(size):
    raw = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    text = text85(raw)
    assert not set("<>&\"'\\ \n") & set(text) and len(text) <= 1.25 * size + 4
    assert base64.b85decode(text.translate(str.maketrans(",.:", "<>&"))) == raw


def test_a_diffuse_map_keeps_its_pattern():
    """An untrained head spreads its weight so evenly that to the nearest percent nothing of it would be left."""
    diffuse = softmax_maps(0, layers=6, heads=12, n=92, sharpness=0.1)
    stored = AttentionViewer(diffuse, [str(i) for i in range(92)]).weights()
    assert np.abs(stored - diffuse).max() <= 1.001 * diffuse.max() / 16
    assert np.ptp(np.rint(100 * diffuse[0, 0])) == 0
    assert np.corrcoef(diffuse[0, 0].ravel(), stored[0, 0].ravel())[0, 1] > 0.85


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("n", [9, 100])  # 100: stored coarsely
def test_the_picture_on_paper_combines_heads_as_the_library_does(causal, n):
    maps = softmax_maps(1, layers=6, heads=12, n=n, causal=causal)
    viewer = AttentionViewer(maps, [str(i) for i in range(n)], layer=5)
    expected = {"mean": maps[5].mean(0), "max": maps[5].max(0)}
    expected["rollout"] = attention.rollout(attention.mean_over_heads(maps))[5]
    for viewer.combine, value in expected.items():
        shown = viewer._shown(control=False)
        assert np.abs(shown - value).max() < 0.006, viewer.combine
        assert not causal or not np.triu(shown, 1).any()
    viewer.combine = "rollout"
    assert "rollout up to this layer" in viewer._static_figure()


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (300, 300)])
def test_the_picture_on_paper_is_one_colour_whose_opacity_is_the_weight(shape):
    weights = np.random.default_rng(0).random(shape)
    raw = base64.b64decode(png(weights, "#b34700").removeprefix("data:image/png;base64,"))
    pixels = np.asarray(Image.open(io.BytesIO(raw)).convert("RGBA"))
    assert np.array_equal(pixels[..., 3], np.rint(255 * weights))
    assert (pixels[..., :3] == [0xB3, 0x47, 0]).all()
    assert not re.search(rb"tEXt|tIME|iTXt|zTXt", raw)  # nothing that would differ from one machine to the next


def test_summaries_of_ones_own_stand_beside_the_heads():
    maps, own = softmax_maps(2), softmax_maps(3)[:, 0]
    viewer = AttentionViewer(maps, list("abcdefghi"), summaries={"flow": own}, combine="flow", layer=1)
    assert viewer.weights().shape == maps.shape and np.abs(viewer.weights() - maps).max() < 0.003
    assert np.abs(viewer._shown(control=False) - own[1]).max() < 0.003
    assert "flow" in viewer._static_figure()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"summaries": {"flow": np.zeros((2, 9, 9))}}, "(layer, query, key) = (3, 9, 9)"),
        ({"summaries": {"mean": np.zeros((3, 9, 9))}}, "use another name"),
        ({"summaries": {"flow": np.full((3, 9, 9), 2)}}, "from 0 to 1"),
        ({"summaries": {"flow": np.zeros((3, 9, 9))}, "control": softmax_maps(0)}, "must have the same names"),
        ({"combine": "flow"}, "combine must be one of"),
        ({"combine": "mean", "head_names": list("wxyz")}, "combine must be one of ['']"),
        ({"head_names": ["a"]}, "one entry for each of 4 heads"),
    ],
)
def test_summaries_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ExplaintError, match=re.escape(message)):
        AttentionViewer(softmax_maps(0), list("abcdefghi"), **change)


# -- with a kernel --


def test_words_of_the_readers_own():
    asked, sent = [], []

    def compute(own):
        asked.append(own)
        if "bad" in own:
            raise KeyError
        words = ["robin", "finch", "axe", *own]
        return {"words": words, "conditions": {"gold": np.eye(len(words)), "length": [[len(w), 1] for w in words]}}

    explorer = NeighbourhoodExplorer(**compute([]), k=2, compute=compute, controls=["length"])
    explorer.send = lambda message, *_: sent.append(message)
    explorer._answer(None, {"type": "hello"}, None)
    assert sent == [{"type": "alive", "compute": True}]
    explorer.asked = " owl, hen,, owl "
    assert asked[-1] == ["owl", "hen"] and explorer.word == "owl" and len(explorer.neighbours("gold")) == 5
    assert explorer.meta["controls"] == ["length"]  # kept, as the callback does not say otherwise
    explorer.asked = "bad"
    assert sent[-1]["text"].endswith("KeyError") and explorer.word == "owl"  # an error without words has a name


def table_of_norms(**change) -> FeatureNorms:
    rng = np.random.default_rng(0)
    values = rng.random((12, 5))
    values[3, 2] = np.nan
    known = {
        "words": [f"w{i}" for i in range(12)], "features": list("abcde"), "values": values, "kind": "dense",
        "categories": ["bird", "tool"] * 6, "name": "made", "source": "none", "human": False,
    }  # fmt: skip
    return FeatureNorms(**known | change)


def test_a_table_of_norms_is_shown_as_it_would_be_by_hand():
    norms = table_of_norms()
    other = np.random.default_rng(1).random((12, 3))
    gold = np.where(np.isnan(norms.values), np.nanmean(norms.values, axis=0), norms.values)
    unit = gold / np.linalg.norm(gold, axis=1, keepdims=True)
    shown = NeighbourhoodExplorer.from_table(norms, {"other": other}, k=3, word="w4", controls=["other"])
    plane = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)
    places = plane[0][:, :2] * plane[1][:2]
    by_hand = NeighbourhoodExplorer(norms.words, {"gold": gold, "other": other}, categories=norms.categories, k=3,
                                    word="w4", controls=["other"], projection=places)  # fmt: skip
    assert shown.meta == by_hand.meta and shown.data == by_hand.data and shown.word == "w4"
    ours, theirs = (np.frombuffer(zlib.decompress(one.places), dtype="<u2").reshape(12, 2) for one in (shown, by_hand))
    for axis in (0, 1):  # the sign of a component means nothing
        mirrored = 65535 - theirs[:, axis].astype(int)
        assert (
            min(np.abs(ours[:, axis] - theirs[:, axis].astype(int)).max(), np.abs(ours[:, axis] - mirrored).max()) < 9
        )
    assert NeighbourhoodExplorer.from_table(norms, {"o": other}, categories=list("ab" * 6)).meta["categories"][1] == "b"
    nowhere = NeighbourhoodExplorer.from_table(table_of_norms(values=gold[:, :1], features=["a"]), {"o": other})
    assert nowhere.places == b""


def test_words_typed_beside_a_table_of_norms_have_no_gold_neighbours():
    norms = table_of_norms()

    def vectors(own):
        return {"length": np.arange(2.0 * (12 + len(own))).reshape(-1, 2) + 1}

    explorer = NeighbourhoodExplorer.from_table(norms, vectors, k=3)
    before = explorer.meta["overlap"]
    explorer.send = lambda *_: None
    explorer.asked = "owl"
    assert (
        explorer.word == "owl" and explorer.neighbours("gold")[12] == [] and len(explorer.neighbours("length")[12]) == 3
    )
    assert explorer.meta["categories"][11:] == ["tool", None] and explorer.places == b""
    assert explorer.meta["overlap"] == before  # a mean over words that have a vector under both conditions


def test_vectors_that_do_not_fit_a_table_of_norms_are_refused():
    for vectors, message in [({"gold": np.eye(12)}, "another name"), ({"x": np.eye(3)}, "12 words, found (3, 3)")]:
        with pytest.raises(ExplaintError, match=re.escape(message)):
            NeighbourhoodExplorer.from_table(table_of_norms(), vectors)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"words": ["a", "b", "c"]}, "returned no ['conditions']"),
        ({"words": ["a"], "conditions": {}, "k": 3}, "returned ['k']"),
        ({"words": ["a", "b", "c"], "conditions": {"gold": np.eye(3)}, "word": "z"}, "returned the word 'z'"),
        ({"words": ["a", "a", "c"], "conditions": {"gold": np.eye(3)}}, "more than once"),
    ],
)
def test_a_callback_that_answers_badly_is_told_so(answer, message):
    sent = []
    explorer = NeighbourhoodExplorer(["a", "b", "c"], {"gold": np.eye(3)}, k=2, compute=lambda own: answer)
    explorer.send = lambda message, *_: sent.append(message["text"])
    explorer.asked = "x"
    assert len(sent) == 1 and message in sent[0]


def test_a_recomputed_map_forgets_a_view_it_does_not_have():
    def compute(sentence):
        return {"attention": softmax_maps(0, layers=1, n=2), "tokens": ["a", "b"]}

    viewer = AttentionViewer(
        softmax_maps(0), list("abcdefghi"), compute=compute, layer=2, measure="cosine", combine="flow",
        identity={"cosine": np.ones((4, 9))}, summaries={"flow": np.zeros((3, 9, 9))},
    )  # fmt: skip
    viewer.sentence = "a b"
    assert (viewer.layer, viewer.measure, viewer.combine) == (0, "", "")


def test_only_conditions_can_be_controls():
    with pytest.raises(ExplaintError, match="controls names"):
        NeighbourhoodExplorer(["a", "b"], {"gold": np.eye(2), "x": np.eye(2)}, k=1, controls=["gold"])


# -- colours --

# What a colour becomes without one kind of cone: Machado, Oliveira & Fernandes 2009, severity 1, linear RGB
VISION = {
    "usual": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
GROUNDS = {"light": "#ffffff", "dark": "#14181e"}  # of the book's theme


def colours(theme):
    """The custom properties of a theme, name -> hex."""
    found = {}
    for name in ("style.js", "neighbourhood_style.js"):
        blocks = re.findall(r"\.ex(\[data-theme=dark\])? \{([^}]*)\}", (JS / name).read_text("utf8"))
        for dark, block in blocks:
            if theme == "dark" or not dark:
                found.update(re.findall(r"--([\w]+): (#[0-9a-f]{6})", block))
    return found


def linear(colour):
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    dark, light = sorted((XYZ @ linear(c))[1] for c in (one, other))
    return (light + 0.05) / (dark + 0.05)


def distance(one, other, vision):
    """Difference in CIE Lab (1976) as seen with that vision; about 2 is the smallest one can see."""

    def lab(colour):
        white = XYZ.sum(1)
        t = XYZ @ np.clip(np.array(VISION[vision]) @ linear(colour), 0, 1) / white
        f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    return float(np.linalg.norm(lab(one) - lab(other)))


@pytest.mark.parametrize("theme", GROUNDS)
def test_colours_have_contrast(theme):
    found, ground = colours(theme), GROUNDS[theme]
    assert {"fg", "muted", "real", "control", "mark", "focus", "edge", "soft", "kind0", "kind5"} <= set(found)
    for name in ("fg", "muted", "real", "control", "mark", "focus"):  # text
        assert min(contrast(found[name], ground), contrast(found[name], found["soft"])) >= 4.5, name
    for name in ("edge", *(f"kind{i}" for i in range(6))):  # outlines, shapes
        assert contrast(found[name], ground) >= 3, name


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", GROUNDS)
def test_colours_that_mean_something_differ_for_every_reader(theme, vision):
    found = colours(theme)
    pairs = [("real", "control"), ("mark", "control"), *combinations([f"kind{i}" for i in range(6)], 2)]
    for one, other in pairs:
        assert distance(found[one], found[other], vision) > 25, (one, other)


def test_red_and_green_would_be_caught():
    assert distance("#c04040", "#6f7a20", "deutan") < 25 < distance("#c04040", "#6f7a20", "usual")


@pytest.mark.parametrize(("shape", "control"), [((30, 16, 512, 512), False), ((12, 12, 300, 300), True)])
def test_maps_too_large_for_a_page_are_refused_before_they_are_copied(shape, control):
    maps = np.broadcast_to(np.float32(0.1), shape)  # one number: a copy would be megabytes
    tracemalloc.start()
    with pytest.raises(ExplaintError, match=r"million cells.*the limit is 20 million. Pass fewer layers") as refused:
        AttentionViewer(maps, ["t"] * shape[-1], control=maps if control else None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6 and "\n" not in str(refused.value)
