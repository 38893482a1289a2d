"""The widgets' Python side: what a page is given, what is refused. The pages: tests/browser."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest

from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Encoding
from explaint_lib.widgets import AttentionViewer, NeighbourhoodExplorer
from explaint_lib.widgets._base import pack_small, script_json, unpack_small
from explaint_lib.widgets._neighbourhood_content import nearest

HOSTILE = [
    "</script>",
    "<!--",
    "$x^2$",
    r"\(a\)",
    "&amp;",
    '"q"',
    "it's",
    "<b>",
    "日本",
    "👩‍🔬",
    "שלום",
    "\u2028",
    "a,b",
    "",
    "\ud800",
]


def softmax_maps(rng, layers=2, heads=3, n=8, sharpness=2.0):
    scores = np.exp(sharpness * rng.normal(size=(layers, heads, n, n)))
    maps = scores / scores.sum(-1, keepdims=True)
    maps.flags.writeable = False
    return maps


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def embedded(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.S)[1])


# -- payload --


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1000])
def test_packing_loses_nothing(size, rng):
    values = (rng.random(size) ** 4 * 255).astype(np.uint8)
    assert np.array_equal(unpack_small(pack_small(values), size), values)


def test_the_page_draws_the_weights_it_was_given(rng):
    maps, control = softmax_maps(rng), softmax_maps(rng)
    viewer = AttentionViewer(maps, list("abcdefgh"), control=control)
    assert np.abs(viewer.weights() - maps).max() <= 0.5 / 255 + 1e-9
    assert np.abs(viewer.weights(control=True) - control).max() <= 0.5 / 255 + 1e-9
    # the planted cell: a transposed or shuffled axis would move it
    planted = np.zeros((2, 3, 8, 8))
    planted[1, 2, 3, 5] = 1
    assert np.argwhere(AttentionViewer(planted, list("abcdefgh")).weights()).tolist() == [[1, 2, 3, 5]]


def test_a_long_text_stays_light(rng):
    """6 x 12 heads on 128 tokens; a plain JSON list of these weights takes about 27 MB."""
    maps = softmax_maps(rng, layers=6, heads=12, n=128, sharpness=2.5)
    viewer = AttentionViewer(maps, [f"token{i}" for i in range(128)])
    assert np.abs(viewer.weights() - maps).max() <= 0.5 / 100 + 1e-9
    assert len(viewer.static_html()) < len(json.dumps(maps[0, 0].tolist())) * 72 / 80


def test_the_page_is_the_same_every_time(rng):
    def build(seed):
        rng = np.random.default_rng(seed)
        maps = softmax_maps(rng)
        words = [f"w{i}" for i in range(20)]
        explorer = NeighbourhoodExplorer(words, {"gold": rng.random((20, 4)), "other": rng.random((20, 6))}, k=3)
        return AttentionViewer(maps, list("abcdefgh"), control=maps).static_html(), explorer.static_html()

    assert build(1) == build(1)
    assert build(1)[0] != build(2)[0] and build(1)[1] != build(2)[1]


def test_hostile_strings_survive_and_end_no_script(rng):
    n = len(HOSTILE)
    page = AttentionViewer(softmax_maps(rng, n=n), HOSTILE, label='<img src=x onerror="alert(1)">').static_html()
    assert embedded(page)["state"]["meta"]["tokens"] == HOSTILE
    assert page.lower().count("</script") == 3  # the payload's, the module's and its starter's own
    assert "<img" not in page and "<!--" not in page
    page.replace("\ud800", "").encode("utf8")  # no lone surrogate outside the static picture
    words = [w or "empty" for w in HOSTILE]
    page = NeighbourhoodExplorer(words, {"gold": rng.random((n, 3))}, k=2, word="</script>").static_html()
    assert embedded(page)["state"]["meta"]["words"] == words and page.lower().count("</script") == 3


def test_script_json_escapes_what_html_and_js_read():
    text = script_json({"a": "</script><!-- & \u2028\u2029 \ud800"})
    assert not set("<>&\u2028\u2029\ud800") & set(text) and json.loads(text)["a"].startswith("</script>")


def test_both_lives_are_in_the_bundle(rng):
    viewer = AttentionViewer(softmax_maps(rng), list("abcdefgh"))
    data, _ = viewer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data and data["text/html"] == viewer.static_html()


def test_the_static_picture_follows_the_state(rng):
    words = ["robin", "finch", "wren", "axe"]
    gold, other = np.eye(4)[[0, 0, 0, 1]] + 0.01 * np.eye(4), np.eye(4)[[0, 1, 0, 0]] + 0.01 * np.eye(4)
    explorer = NeighbourhoodExplorer(words, {"gold": gold, "other": other}, k=2)
    static = explorer._static_figure()
    assert "<td>finch</td><td>✓ wren</td>" in static and "“robin”" in static
    explorer.word = "axe"
    assert "“axe”" in explorer._static_figure()
    shown = AttentionViewer(softmax_maps(rng), ["[CLS]", *"abcdefg"], special=[True] + [False] * 7, show_special=False)
    assert "[CLS]" not in shown._static_figure() and "<svg" in shown._static_figure()


# -- what is refused --


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": list("abc")}, "8 positions, but there are 3 tokens"),
        ({"attention": np.zeros((2, 8, 8))}, "(layer, head, query, key)"),
        ({"attention": np.zeros((2, 3, 8, 7))}, "(layer, head, query, key)"),
        ({"attention": np.full((2, 3, 8, 8), np.nan)}, "from 0 to 1"),
        ({"attention": np.full((2, 3, 8, 8), 1.2)}, "from 0 to 1"),
        ({"attention": [["a"]]}, "array of numbers"),
        ({"control": np.zeros((2, 3, 9, 9))}, "control must have the shape"),
        ({"special": [True]}, "special must have one entry"),
        ({"word_ids": [0, 1]}, "word_ids must have one entry"),
        ({"word_ids": range(8), "words": ["a"]}, "only 1 words"),
        ({"identity": {"cosine": np.zeros((2, 8))}}, "(3, 8)"),
        ({"identity": {"cosine": np.full((3, 8), -0.1)}}, "from 0 to 1"),
        ({"measure": "cosine"}, "not among the identity measures"),
        ({"layer": 2}, "not among 2 layers"),
        ({"view": "heatmap"}, "view must be"),
    ],
)  # fmt: skip
def test_attention_viewer_refuses(change, message, rng):
    good = {"attention": softmax_maps(rng), "tokens": list("abcdefgh")}
    with pytest.raises(ExplaintError, match=re.escape(message)):
        AttentionViewer(**{**good, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words": ["a", "a", "b", "c"]}, "'a' occurs more than once"),
        ({"words": ["a", "b"]}, "k must be from 1 to 1"),
        ({"k": 4}, "k must be from 1 to 3"),
        ({"conditions": {"predicted": np.eye(4)}}, "not among the conditions"),
        ({"conditions": {"gold": np.eye(3)}}, "with 4 words"),
        ({"conditions": {"gold": np.full((4, 2), np.nan)}}, "missing or infinite"),
        ({"categories": ["x"]}, "categories must have one entry"),
        ({"features": [["x"]]}, "features must have one list"),
        ({"projection": np.zeros((3, 2))}, "projection must be finite"),
        ({"word": "z"}, "'z' is not among"),
    ],
)
def test_neighbourhood_explorer_refuses(change, message):
    good = {"words": list("abcd"), "conditions": {"gold": np.eye(4)}, "k": 2}
    with pytest.raises(ExplaintError, match=re.escape(message)):
        NeighbourhoodExplorer(**{**good, **change})


# -- neighbours --


def test_nearest_agrees_with_sorting_every_pair(rng):
    vectors = rng.normal(size=(600, 5))  # more than one block
    vectors.flags.writeable = False
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    assert np.array_equal(nearest(vectors, 7), np.argsort(-similarity, axis=1)[:, :7])


def test_ties_are_in_the_order_of_the_words_and_zero_vectors_are_nobodys():
    vectors = np.array([[1.0, 0], [2, 0], [0, 0], [3, 0], [4, 0]])
    lists = nearest(vectors, 3).astype(int).tolist()
    assert lists == [[1, 3, 4], [0, 3, 4], [65535] * 3, [0, 1, 4], [0, 1, 3]]


def test_overlap_is_one_with_itself_and_chance_with_noise(rng):
    words = [f"w{i}" for i in range(400)]
    gold = rng.normal(size=(400, 20))
    explorer = NeighbourhoodExplorer(words, {"noise": rng.normal(size=(400, 20)), "gold": gold, "same": 3 * gold})
    assert explorer.meta["conditions"][0] == "gold"
    overlap = dict(zip(explorer.meta["conditions"], explorer.meta["overlap"], strict=True))
    assert overlap["gold"] == overlap["same"] == 1
    assert overlap["noise"] == pytest.approx(10 / 399, abs=0.01)
    assert explorer.neighbours("same") == explorer.neighbours("gold") != explorer.neighbours("noise")


def test_the_page_holds_no_vector(rng):
    """Norms that may not be redistributed: the page carries the order of neighbours, nothing else."""
    explorer = NeighbourhoodExplorer(list("abcdef"), {"gold": rng.random((6, 4))}, k=2)
    state = embedded(explorer.static_html())
    assert set(state["buffers"]) == {"data", "places"} and len(explorer.data) < 2 * 6 * 2 + 20
    assert set(state["state"]["meta"]) == {
        "words",
        "conditions",
        "k",
        "overlap",
        "controls",
        "categories",
        "feature_names",
        "features",
    }


# -- with a kernel --


def test_recompute_changes_the_map_and_a_fault_does_not_stop_the_kernel(rng):
    sent = []

    def compute(sentence):
        tokens = sentence.split()
        return {"attention": softmax_maps(rng, n=len(tokens)), "tokens": tokens}

    viewer = AttentionViewer(softmax_maps(rng), list("abcdefgh"), compute=compute, sentence="a b c d e f g h")
    viewer.send = lambda message, *_: sent.append(message)
    viewer._answer(None, {"type": "hello"}, None)
    assert sent == [{"type": "alive", "compute": True}]
    viewer.sentence = "three new words"
    assert viewer.meta["tokens"] == ["three", "new", "words"] and viewer.weights().shape == (2, 3, 3, 3)
    viewer.sentence = ""  # no token: the maps have no cell
    assert sent[-1]["type"] == "error" and viewer.meta["n"] == 3


# -- texts that a model has read -----------------------------------------------------------------------------------


def read(rng, text="the robin sang"):
    words = tuple(text.split())
    n = len(words) + 1
    return Encoding(
        text, ("[CLS]", *words), np.arange(n), np.arange(n) == 0, np.arange(n) - 1, words, np.zeros((n, 2), int),
        attention=softmax_maps(rng, n=n),
    )  # fmt: skip


def test_a_viewer_of_encodings_is_the_viewer_of_their_arrays(rng):
    own, other = read(rng), read(rng)
    viewer = AttentionViewer.from_encodings(own, other, {"identity": {"own": np.ones((len(own.attention) + 1, 4))}},
                                            name="trained", show_special=False, measure="own")  # fmt: skip
    same = AttentionViewer(
        own.attention, own.tokens, control=other.attention, word_ids=own.word_ids, words=own.words, special=own.special,
        identity={"own": np.ones((len(own.attention) + 1, 4))}, name="trained", show_special=False, measure="own",
    )  # fmt: skip
    assert viewer.static_html() == same.static_html() and viewer.sentence == ""
    assert AttentionViewer.from_encodings(own, other.attention).meta == AttentionViewer.from_encodings(own, other).meta
    assert AttentionViewer.from_encodings(own, control=other).meta == AttentionViewer.from_encodings(own, other).meta
    assert AttentionViewer.from_encodings(own).meta["control"] is None
    with pytest.raises(ExplaintError, match="the control holds no attention"):
        AttentionViewer.from_encodings(own, dataclasses.replace(other, attention=None))
    for given in (([own, other],), (own, [other])):  # what `encode` returns, as it stands
        with pytest.raises(ExplaintError, match=r"expected one text as \w+, found a list of [12]; take one"):
            AttentionViewer.from_encodings(*given)


def test_a_typed_text_is_read_as_the_first_was(rng):
    heads = {"attention": softmax_maps(rng, n=4)[:, :1], "head_names": ["method"]}
    for compute in (lambda text: read(rng, text), lambda text: (read(rng, text), read(rng, text))):
        first = compute("the robin sang")
        first = first if isinstance(first, tuple) else (first,)
        viewer = AttentionViewer.from_encodings(*first, compute=compute)
        viewer.send = lambda message, *_: pytest.fail(message["text"])
        assert viewer.sentence == "the robin sang"
        viewer.sentence = "a trout"
        assert viewer.meta["tokens"] == ["[CLS]", "a", "trout"]
    viewer = AttentionViewer.from_encodings(read(rng), None, heads)
    assert viewer.meta["head_names"] == ["method"]
