"""Norms: what cannot be is refused, what is missing stays missing, published files are read as published."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explaint_lib import norms
from explaint_lib._common import ExplaintError
from explaint_lib.norms import FeatureNorms, load_norms
from explaint_lib.norms._ratings import BINDER_DOMAINS, BINDER_RATINGS
from explaint_lib.norms._shipped import SHIPPED
from explaint_lib.norms._tables import read_header, read_table


def small(**changes) -> FeatureNorms:
    """Three words, two of them homonyms, sparse."""
    fields = {
        "name": "small",
        "words": ("bat_(animal)", "bat_(baseball)", "hot_dog"),
        "features": ("flies", "is_wooden", "is_eaten", "is_long"),
        "values": [[9, 0, 0, 0], [0, 20, 0, 5], [0, 0, 30, 5]],
        "kind": "sparse",
        "categories": ("mammal", None, "food"),
        "feature_types": ("motion", "visual", None, "visual"),
    }
    return FeatureNorms(**(fields | changes))


def dense(**changes) -> FeatureNorms:
    fields = {
        "name": "rated",
        "words": ("owl", "drum"),
        "features": ("size", "sound"),
        "values": [[2.0, 4.0], [3.0, 6.0]],
        "kind": "dense",
    }
    return FeatureNorms(**(fields | changes))


@pytest.fixture
def data_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


# --- the type


def test_forms_and_hints_of_homonyms():
    table = small()
    assert table.word_forms == ("bat", "bat", "hot dog")
    assert table.hints == ("animal", "baseball", None)


@pytest.mark.parametrize(
    ("word", "form", "context"),
    [("tank_(army)", "tank", "army"), ("tank (army base)", "tank", "army base"), ("a_b_c", "a b c", None),
     ("null", "null", None), ("(odd)thing", "(odd)thing", None)],
)  # fmt: skip
def test_a_hint_is_only_what_stands_in_brackets_at_the_end(word, form, context):
    table = small(words=(word, "x", "y"))
    assert (table.word_forms[0], table.hints[0]) == (form, context)


def test_values_are_a_private_read_only_copy():
    given = np.array([[2.0, 4.0], [3.0, 6.0]])
    given.flags.writeable = False
    table = dense(values=given)
    assert not table.values.flags.writeable and table.values is not given
    assert table.values.dtype == np.float64
    writeable = np.array([[2.0, 4.0], [3.0, 6.0]])
    table = dense(values=writeable)
    writeable[0, 0] = 99
    assert table.values[0, 0] == 2
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0] = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": ("a", "a", "b")}, "occurring more often: 'a'.*hint"),
        ({"features": ("f", "f", "g", "h")}, "occurring more often: 'f'"),
        ({"words": ("a", "", "b")}, "non-empty string"),
        ({"words": ("a", " b", "c")}, "without spaces around it"),
        ({"words": ("a", 3, "c")}, "non-empty string"),
        ({"words": ("_(animal)", "a", "b")}, "nothing is left"),
        ({"words": (), "values": np.zeros((0, 4))}, "at least one word"),
        ({"features": (), "values": np.zeros((3, 0))}, "at least one feature"),
        ({"values": np.ones((4, 3))}, r"expected values of shape \(3, 4\).*found \(4, 3\)"),
        ({"values": np.ones(12)}, "shape"),
        ({"values": [["many"] * 4] * 3}, "table of numbers"),
        ({"values": [[9, np.nan, 0, 0], [0, 20, 0, 5], [0, 0, 30, 5]]}, "cannot hold missing cells, found 1"),
        ({"values": [[9, -1, 0, 0], [0, 20, 0, 5], [0, 0, 30, 5]]}, "cannot be negative"),
        ({"values": [[9, np.inf, 0, 0], [0, 20, 0, 5], [0, 0, 30, 5]]}, "must be finite"),
        ({"values": [[0, 0, 0, 0], [1, 20, 0, 5], [0, 0, 30, 5]]}, r"1 words are zero.*bat_\(animal\)"),
        ({"values": [[9, 0, 0, 0], [0, 20, 0, 0], [0, 0, 30, 0]]}, "1 features are zero everywhere.*is_long"),
        ({"kind": "fuzzy"}, "kind must be"),
        ({"categories": ("a", "b")}, "expected 3 categories"),
        ({"categories": ("a", "b", 3)}, "must be strings or None"),
        ({"feature_types": ("a",)}, "expected 4 feature_types"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(ExplaintError, match=message):
        small(**changes)


def test_dense_norms_keep_missing_and_negative_but_no_empty_rating():
    table = FeatureNorms("r", ("a", "b", "c"), ("x", "y"), [[-1, np.nan], [2, 3], [0, 5]], "dense")
    assert table.n_missing == 1 and np.isnan(table.values[0, 1])
    assert table.density == pytest.approx(5 / 6)
    with pytest.raises(ExplaintError, match="1 features are constant or missing everywhere.*'y'"):
        FeatureNorms("r", ("a", "b"), ("x", "y"), [[1, np.nan], [2, np.nan]], "dense")
    with pytest.raises(ExplaintError, match="1 features are constant"):
        FeatureNorms("r", ("a", "b"), ("x", "y"), [[1, 4], [2, 4]], "dense")
    with pytest.raises(ExplaintError, match="1 words are missing everywhere.*'b'"):
        FeatureNorms("r", ("a", "b", "c"), ("x", "y"), [[1, 1], [np.nan, np.nan], [2, 4]], "dense")
    assert FeatureNorms("r", ("a", "b"), ("x", "y"), [[1, 1], [2, 4]], "dense").words == ("a", "b")


def test_blank_tags_become_none():
    assert small(categories=("mammal", " ", "")).categories == ("mammal", None, None)


def test_subset_keeps_the_order_asked_for_and_drops_what_says_nothing():
    table = small()
    part = table.subset(words=["hot_dog", "bat_(baseball)"])
    assert part.words == ("hot_dog", "bat_(baseball)")
    assert part.features == ("is_wooden", "is_eaten", "is_long")  # nobody left flies
    assert part.categories == ("food", None) and part.feature_types == ("visual", None, "visual")
    np.testing.assert_array_equal(part.values, [[0, 30, 5], [20, 0, 5]])
    np.testing.assert_array_equal(table.subset().values, table.values)


def test_subset_never_drops_a_word_silently():
    with pytest.raises(ExplaintError, match=r"1 words keep no informative cell.*bat_\(animal\)"):
        small().subset(features=["is_wooden", "is_long", "is_eaten"])


@pytest.mark.parametrize("wanted", [["owlet"], ["hot_dog", "hot_dog"], "hot_dog", []])
def test_subset_refuses_unknown_doubled_and_single_string(wanted):
    with pytest.raises(ExplaintError):
        small().subset(words=wanted)


def test_fingerprint_follows_the_data_and_not_the_name():
    table = small()
    assert table.fingerprint() == small(name="other", source="elsewhere", notes=("n",)).fingerprint()
    changed = [
        small(values=[[9, 0, 0, 0], [0, 20, 0, 5], [0, 0, 30, 6]]),
        small(words=("bat_(animal)", "bat_(baseball)", "hotdog")),
        small(categories=("bird", None, "food")),
        small(feature_types=None),
    ]
    assert len({t.fingerprint() for t in [table, *changed]}) == 5
    assert len(table.fingerprint()) == 64


def test_fingerprint_does_not_depend_on_the_bits_of_nan_or_zero():
    values = np.array([[2.0, np.nan, 0.0], [3.0, 6.0, 1.0], [1.0, 5.0, 4.0]])
    other = values.copy()
    other[0, 1] = -np.nan
    other[0, 2] = -0.0
    labels = {"words": ("a", "b", "c"), "features": ("x", "y", "z")}
    assert dense(values=values, **labels).fingerprint() == dense(values=other, **labels).fingerprint()


def test_describe_and_banner_tell_aggregates():
    told = small().describe()
    assert (told["n_words"], told["n_features"], told["n_missing"]) == (3, 4, 0)
    assert told["density"] == pytest.approx(5 / 12)
    assert told["features_of_one_word"] == pytest.approx(3 / 4)
    assert told["features_per_word"] == pytest.approx(5 / 3)
    assert told["n_words_with_hint"] == 2
    assert told["categories"] == {"mammal": 1, "food": 1}
    assert told["feature_types"] == {"visual": 2, "motion": 1}
    assert "NOT human" not in small().banner()
    assert "NOT human norms" in small(human=False).banner()
    rated = dense(values=[[2, np.nan], [3, 6], [1, 5]], words=("a", "b", "c"))
    assert rated.describe()["missing_by_feature"] == {"sound": 1}
    assert "1 cells missing" in rated.banner()


# --- tables


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_cells_stay_what_they_are(tmp_path):
    path = write(tmp_path, "t.csv", "word,size,007\nnull,1,2\ntrue , 3,4\nnan,5,6\n\nNA,7,8\n")
    table = read_table(path)
    assert list(table.cells["word"]) == ["null", "true", "nan", "NA"]
    assert list(table.cells["007"]) == ["2", "4", "6", "8"]


def test_a_workbook_gives_the_same_cells_as_text(tmp_path):
    frame = pd.DataFrame({"word": ["null", True, 7, "x "], "size": [28.0, 2.5, None, 0]}, dtype=object)
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    table = read_table(tmp_path / "t.xlsx")
    assert list(table.cells["word"]) == ["null", "true", "7", "x"]
    assert list(table.cells["size"]) == ["28", "2.5", "", "0"]
    assert read_header(tmp_path / "t.xlsx")[0] == ["word", "size"]


@pytest.mark.parametrize(("name", "separator"), [("t.csv", ","), ("t.tsv", "\t"), ("t.txt", "\t"), ("t.csv", ";")])
def test_separators_and_byte_order_mark(tmp_path, name, separator):
    path = write(tmp_path, name, "\ufeff" + separator.join(["word", "a", "b"]) + "\n" + separator.join(["x", "1", "0"]))
    assert read_table(path).columns == ["word", "a", "b"] == read_header(path)[0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "cannot be read"),
        ("t.csv", b"word,a\n", "no rows"),
        ("t.csv", b"word,a,a\nx,1,2\n", "'a' more than once"),
        ("t.csv", b"word,,a\nx,1,2\n", "column 2 holds cells and has no header"),
        ("t.csv", b"word,a\nx,1,2,3\n", "line 2: cells beyond the 2 columns"),
        ("t.csv", "word,a\nÄ,1\n".encode("latin-1"), "not UTF-8"),
        ("t.xlsx", b"not a workbook", "cannot be read as a xlsx"),
        ("t.parquet", b"not parquet", "cannot be read as a parquet"),
        ("t.pkl", b"x", "no rows"),
        ("t.pkl", b"\x80\x04\x95", "not UTF-8"),
    ],
)
def test_files_that_cannot_be_tables(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExplaintError, match=message):
        load_norms(tmp_path / name)


def test_no_such_file(tmp_path):
    with pytest.raises(ExplaintError, match="no such file"):
        load_norms(tmp_path / "absent.csv")


# --- the general schema

LONG = "word,category,feature,feature_type,strength\nowl,bird,flies,motion,9\nowl,bird,is_brown,colour,4\n"
LONG += "ant,insect,is_small,size,20\nant,insect,is_brown,colour,3\n"


def test_long_table(tmp_path):
    table = load_norms(write(tmp_path, "mine.csv", LONG))
    assert (table.name, table.kind, table.human) == ("mine", "sparse", True)
    assert table.words == ("owl", "ant") and table.features == ("flies", "is_brown", "is_small")
    np.testing.assert_array_equal(table.values, [[9, 4, 0], [0, 3, 20]])
    assert table.categories == ("bird", "insect") and table.feature_types == ("motion", "colour", "size")


def test_long_columns_left_aside_are_named(tmp_path):
    path = write(tmp_path, "mine.tsv", "Word\tFeature\tValue\trank\nowl\tflies\t9\t1\nant\tbites\t2\t1\n")
    assert load_norms(path).notes == ("columns left aside: rank",)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("word,a,b\nx,1,0\ny,0,2\n", "sparse"),  # half zeros
        ("word,a,b\nx,1,3\ny,0,2\n", "dense"),  # filled
        ("word,a,b\nx,0,0.5\ny,0,-2\nz,1,0\nw,1,0\n", "dense"),  # negative
        ("word,a,b,c,d\nx,0,1,0,na\ny,0,0,1,2\nz,3,0,0,1\n", "dense"),  # missing
        ("word,feature,value\nx,a,1\ny,b,2\n", "sparse"),  # not listed = not named
        ("word,feature,value\nx,a,-1\nx,b,3\ny,b,2\ny,a,1\n", "dense"),
        ("word,feature,value\nx,a,1\nx,b,3\ny,b,2\ny,a,\nz,a,4\n", "dense"),
        ("word,feature,value\nx,a,1\nx,b,3\ny,b,2\ny,a,4\n", "dense"),  # every pair listed
    ],
)
def test_sparse_or_dense(tmp_path, text, kind):
    assert load_norms(write(tmp_path, "t.csv", text)).kind == kind


def test_kind_can_be_said(tmp_path):
    path = write(tmp_path, "t.csv", "word,a,b\nx,1,3\ny,0,2\n")
    assert load_norms(path, kind="sparse").kind == "sparse"
    path = write(tmp_path, "u.csv", "word,feature,value\nx,a,1\nx,b,3\ny,b,2\nz,a,4\nz,b,1\ny,c,1\nx,c,3\n")
    table = load_norms(path, kind="dense")
    assert np.isnan(table.values[1, 0]) and table.n_missing == 2  # not listed = missing in ratings
    with pytest.raises(ExplaintError, match="kind must be"):
        load_norms(path, kind="medium")


def test_missing_marks_are_missing_and_zero_is_zero(tmp_path):
    table = load_norms(write(tmp_path, "t.csv", "word,a,b,c\nx,na,0,1\ny,2,,3\nz,N/A,4,0\nw,5,1,nan\n"))
    assert table.n_missing == 4 and table.values[0, 1] == 0 and table.values[2, 2] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("concept,a,b\nx,1,2\ny,2,1\n", "no column 'word'"),
        ("word,category\nx,1\ny,2\n", "no column holds a feature"),
        ("word,feature,weight\nx,a,1\n", "'value' or 'strength'"),
        ("word,feature,value\nx,a,1\nx,a,2\n", r"1 pairs.*\('x', 'a'\)"),
        ("word,feature,value\nx,,1\ny,a,2\n", "line 2: no feature in column 'feature'"),
        ("word,feature,value\nx,a,often\ny,a,2\n", "column 'value' must hold numbers.*'often' in line 2"),
        ("word,category,feature,value\nx,p,a,1\nx,q,b,2\n", "'x' has more than one category: p, q"),
        ("word,a,b\nx,\"1,5\",2\ny,2,1\n", "write a decimal point"),
        ("word,a,b\nx,1,2\nx,2,1\n", "occurring more often: 'x'"),
        ("word,a,A\nx,1,2\ny,2,1\n", "differ only by upper and lower case"),
        ("word,a,b\nx,inf,2\ny,2,1\n", "must hold numbers"),
        ("word,a,b\n,1,2\ny,2,1\n", "non-empty string"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit(tmp_path, text, message):
    with pytest.raises(ExplaintError, match=message):
        load_norms(write(tmp_path, "t.csv", text))


# --- published layouts, on a few invented rows

MCRAE_ROWS = [
    # concept, feature, WB, BR, frequency: frequencies as text, as in a text archive
    ("owl", "a_bird", "superordinate", "taxonomic", "17"),
    ("owl", "an_animal", "superordinate", "taxonomic", "17"),
    ("owl", "is_dark", "external_surface_property", "visual-colour", "5"),
    ("bat_(animal)", "a_bird", "superordinate", "taxonomic", "6"),
    ("bat_(animal)", "an_animal", "superordinate", "taxonomic", "9"),
    ("bat_(animal)", "is_dark", "external_surface_property", "visual-form_and_surface", "8"),
    ("bat_(animal)", "flies", "entity_behavior", "visual-motion", "8"),
    ("bat_(animal)", "flies", "entity_behavior", "visual-motion", "6"),
    ("null", "a_bird", "superordinate", "taxonomic", "5"),
    ("cell", "is_dark", "external_surface_property", "visual-form_and_surface", "7"),
    ("cell", "an_owl", "coordinate", "taxonomic", "30"),
    *[(f"bird{i}", "a_bird", "superordinate", "taxonomic", "20") for i in range(3)],
    *[(f"beast{i}", "an_animal", "superordinate", "taxonomic", "20") for i in range(4)],
]


def mcrae_like(path: Path, **columns) -> Path:
    frame = pd.DataFrame(MCRAE_ROWS, columns=["Concept", "Feature", "WB_Label", "BR_Label", "Prod_Freq"])
    frame.assign(Rank_PF="1", **columns).to_csv(path, sep="\t", index=False)
    return path


def test_mcrae_layout_under_any_name(tmp_path):
    table = load_norms(mcrae_like(tmp_path / "whatever.txt"))
    assert "McRae" in table.source and table.kind == "sparse"
    assert table.words[:4] == ("owl", "bat_(animal)", "null", "cell")
    column = table.features.index("flies")
    assert table.values[1, column] == 8  # the larger of the two, never 14 and never "86"
    assert table.feature_types[table.features.index("is_dark")] == "visual-form_and_surface"  # two rows to one
    assert table.categories[:4] == ("bird", "animal", "bird", None)  # tie: the superordinate of fewer words
    assert "2 pairs" not in table.notes[0] and "1 pairs" in table.notes[0]


def test_mcrae_frequencies_must_be_numbers(tmp_path):
    with pytest.raises(ExplaintError, match="'Prod_Freq' must hold numbers"):
        load_norms(mcrae_like(tmp_path / "m.tsv", Prod_Freq="=A1"))
    with pytest.raises(ExplaintError, match="'Prod_Freq' is empty in 18 rows.*save it again"):
        load_norms(mcrae_like(tmp_path / "n.tsv", Prod_Freq=""))


BUCHANAN_ROWS = {
    "cue": ["true", "true", "true", "zero", "zero", "loyal"],
    "feature": ["falsely", "falseness", "real", "nothing", "wwe", "trusty"],
    "translated": ["false", "false", "real", "none", "0", "trust"],
    "normalized_translated": ["31.5", "31.5", "60", "50", "13.3", "110"],
}


@pytest.mark.parametrize("published", [False, True])
def test_buchanan_layouts(tmp_path, published):
    frame = pd.DataFrame(BUCHANAN_ROWS)
    if published:
        frame = frame.assign(where=list("bbbmvb"), pos_cue="noun", pos_translated="NA", a1="NA", a2="NA", a3="NA")
    frame.to_csv(tmp_path / "norms.csv", index=False)
    table = load_norms(tmp_path / "norms.csv")
    assert "Buchanan" in table.source
    assert table.words == ("true", "zero", "loyal") and table.features == ("false", "real", "none", "trust")
    # the value of a root is repeated on each raw answer: one value, not their sum; 110 per cent is cut
    np.testing.assert_array_equal(table.values, [[31.5, 60, 0, 0], [0, 0, 50, 0], [0, 0, 0, 100]])
    assert "1 rows without a root form were skipped; 1 values above 100" in table.notes[1]


def test_buchanan_truth_values_of_a_workbook_are_words(tmp_path):
    frame = pd.DataFrame(BUCHANAN_ROWS, dtype=object)
    frame["cue"] = [True, True, True, "zero", "zero", "loyal"]
    frame["translated"] = [False, False, "real", "none", 0, "trust"]
    frame["normalized_translated"] = [31.5, 31.5, 60, 50, 13.3, 100]
    frame.to_excel(tmp_path / "b.xlsx", index=False)
    table = load_norms(tmp_path / "b.xlsx")
    assert table.words == ("true", "zero", "loyal") and table.features[0] == "false"


def binder_like(path: Path, **changes) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(0, 6, (4, 65)).round(3), columns=BINDER_RATINGS).astype(object)
    frame.insert(0, "Word", ["nan", "owl", "drum", "idea"])
    frame.insert(1, "N", [30, 17, 28, 29])
    frame["Category"] = ["food", "animal", "instrument", ""]
    frame.loc[0, "Practice"], frame.loc[1, "Practice"], frame.loc[2, "Vision"] = "na", "", 0
    frame.assign(**changes).to_csv(path, index=False)
    return path


def test_binder_layout(tmp_path):
    table = load_norms(binder_like(tmp_path / "ratings.csv"))
    assert table.kind == "dense" and table.values.shape == (4, 65)
    assert table.words[0] == "nan" and table.categories == ("food", "animal", "instrument", None)
    assert table.n_missing == 2 and table.describe()["missing_by_feature"] == {"Practice": 2}
    assert table.values[2, 0] == 0  # the lowest rating is no missing rating
    assert set(table.feature_types) == set(BINDER_DOMAINS)
    assert "17 to 30 participants" in table.notes[1]


def test_binder_refuses_other_scales_and_lost_ratings(tmp_path):
    with pytest.raises(ExplaintError, match="from 0 to 6, found .* to 7"):
        load_norms(binder_like(tmp_path / "b.csv", Head=7))
    frame = pd.read_csv(binder_like(tmp_path / "c.csv")).drop(columns="Head")
    frame.to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(ExplaintError, match="lacks 1 of 65 ratings: Head"):
        load_norms(tmp_path / "c.csv")


# --- installing


def test_add_then_load_by_name(tmp_path, data_folder):
    path = mcrae_like(tmp_path / "m.txt")
    added = norms.add("mcrae", path)
    assert added.path == data_folder / "mcrae.parquet" and "McRae" in added.layout
    assert load_norms("mcrae").fingerprint() == load_norms(path).fingerprint()
    assert load_norms("mcrae").name == "mcrae"
    assert norms.available("mcrae") and not norms.available("binder")
    assert [record.name for record in norms.installed()] == [*SHIPPED, "mcrae"]
    assert sorted(os.listdir(data_folder)) == ["mcrae.parquet"]  # nothing half-written is left


def test_add_remembers_kind_and_source(tmp_path, data_folder):
    path = write(tmp_path, "t.csv", "word,a,b\nx,1,3\ny,0,2\n")
    norms.add("mine", path, kind="sparse", source="Me (2026)")
    table = load_norms("mine")
    assert (table.kind, table.source) == ("sparse", "Me (2026)")


def test_add_refuses_to_overwrite_and_leaves_the_old(tmp_path, data_folder):
    first = write(tmp_path, "t.csv", "word,a,b\nx,1,0\ny,0,2\n")
    second = write(tmp_path, "u.csv", "word,a,b\nx,1,0\ny,0,3\n")
    norms.add("mine", first)
    with pytest.raises(ExplaintError, match="installed already.*--force"):
        norms.add("mine", second)
    assert load_norms("mine").values.max() == 2
    norms.add("mine", second, force=True)
    assert load_norms("mine").values.max() == 3


def test_add_stores_nothing_that_fails(tmp_path, data_folder):
    with pytest.raises(ExplaintError):
        norms.add("mine", write(tmp_path, "t.csv", "word,a\nx,much\n"))
    with pytest.raises(ExplaintError, match="kind is known"):
        norms.add("mcrae", mcrae_like(tmp_path / "m.txt"), kind="dense")
    assert not data_folder.exists() or not any(data_folder.iterdir())


@pytest.mark.parametrize("name", ["bundled", "lancaster", "a/b", "", "../up", "with space", "-x"])
def test_names_that_cannot_be_used(tmp_path, data_folder, name):
    with pytest.raises(ExplaintError):
        norms.add(name, write(tmp_path, "t.csv", "word,a,b\nx,1,0\ny,0,2\n"))


def test_a_data_folder_of_loose_files_just_works(tmp_path, data_folder):
    data_folder.mkdir()
    mcrae_like(data_folder / "mcrae.tsv")
    write(data_folder, "README.md", "not norms")
    write(data_folder, "broken.xlsx", "not a workbook")
    told = {record.name: record.layout for record in norms.installed()}
    assert set(told) == {*SHIPPED, "mcrae", "broken"}
    assert "McRae" in told["mcrae"] and "cannot be read" in told["broken"]
    assert load_norms("mcrae").words[0] == "owl"


def test_an_unknown_name_says_what_to_do(data_folder):
    with pytest.raises(ExplaintError, match="electronic archive.*explaint norms add mcrae FILE"):
        load_norms("mcrae")
    with pytest.raises(ExplaintError, match="no norms named 'other'"):
        load_norms("other")


# --- the human norms themselves: aggregates only, never a cell


@functools.cache
def human(name: str) -> FeatureNorms:
    """Load human norms installed, or lying in ../shared/norms beside the repository; skip otherwise."""
    if norms.available(name):
        return load_norms(name)
    beside = Path(__file__).resolve().parents[2] / "shared" / "norms" / f"{name}.xlsx"
    if beside.is_file():
        return load_norms(beside)
    pytest.skip(f"{name} is neither installed (EXPLAINT_DATA, explaint norms add) nor in ../shared/norms")


@pytest.mark.human_norms
def test_mcrae_as_published():
    table = human("mcrae")
    told = table.describe()
    assert table.values.shape == (541, 2526) and table.kind == "sparse"
    assert told["features_per_word"] == pytest.approx(13.4, abs=0.05)
    assert told["features_of_one_word"] == pytest.approx(2 / 3, abs=0.01)
    assert told["lowest"] == 0 and told["highest"] == 30 and len(told["feature_types"]) == 10
    assert told["n_words_with_hint"] == 25 and table.word_forms.count("bat") == 2
    assert told["categories"]["bird"] == 38 and sum(told["categories"].values()) == 359
    assert int((table.values > 0).sum()) == 7257  # 7259 rows, two of them listed twice


@pytest.mark.human_norms
def test_buchanan_as_published():
    table = human("buchanan")
    assert table.values.shape == (3722, 3489) and table.kind == "sparse"
    assert {"true", "false", "none"} <= set(table.words)
    assert "false" in table.features and "0" not in table.features
    assert table.values.max() == 100
    assert table.n_missing == 0


@pytest.mark.human_norms
def test_binder_as_published():
    table = human("binder")
    assert table.values.shape == (534, 65) and table.kind == "dense"
    assert table.describe()["missing_by_feature"] == {"Complexity": 100, "Practice": 39, "Caused": 39}
    assert table.n_missing == 178
    assert np.nanmin(table.values) == 0 and np.nanmax(table.values) == 6
    assert None not in table.categories and len(set(table.categories)) == 47
