"""Each published layout, on a few invented rows under the columns its authors use, whatever the file is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from test_norms import binder_like, human

from explaint_lib._common import ExplaintError
from explaint_lib.norms import add, load_norms
from explaint_lib.norms._published import LAYOUTS, recognise
from explaint_lib.norms._ratings import BINDER_RATINGS, LANCASTER_EFFECTORS, LANCASTER_SENSES

WORDS = ["null", "lamp", "otter", "true", "ice cream"]


def ratings(columns: list[str], low: float, high: float, words: list[str] = WORDS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.uniform(low, high, (len(words), len(columns))).round(3), columns=columns)


# --- Binder as published


def binder_published(path: Path) -> Path:
    """Write 65 ratings with two rows "used": No, Word, WC (1 noun, 2 verb, 3 adjective), N, ratings, Type, Category."""
    frame = ratings(list(BINDER_RATINGS), 0, 6, ["lamp", "used", "used", "sang"])
    frame.insert(0, "No", [1, 2, 3, 4])
    frame.insert(1, "Word", ["lamp", "used", "used", "sang"])
    frame.insert(2, "WC", [1, 3, 2, 2])
    frame.insert(3, "N", 20)
    frame["Type"] = ["thing", "property", "action", "action"]
    frame["Category"] = ["artifact", "property", "action", "action"]
    frame.to_csv(path, index=False)
    return path


def test_binder_as_published_tells_the_two_rows_used_apart(tmp_path):
    found = load_norms(binder_published(tmp_path / "b.csv"))
    assert found.words == ("lamp", "used_(adjective)", "used_(verb)", "sang")
    assert found.word_forms.count("used") == 2 and "told apart by the column 'WC'" in " ".join(found.notes)
    frame = pd.read_csv(tmp_path / "b.csv").drop(columns="WC")
    frame.to_csv(tmp_path / "type.csv", index=False)
    assert load_norms(tmp_path / "type.csv").words[1:3] == ("used_(property)", "used_(action)")
    frame.drop(columns="Type").to_csv(tmp_path / "bare.csv", index=False)
    with pytest.raises(ExplaintError, match="'used' in lines 3 and 4"):
        load_norms(tmp_path / "bare.csv")
    frame.assign(Type="thing").to_csv(tmp_path / "same.csv", index=False)
    with pytest.raises(ExplaintError, match="'used' in lines 3 and 4"):
        load_norms(tmp_path / "same.csv")


def test_the_other_rows_of_binder_do_not_depend_on_the_second_used(tmp_path):
    whole = load_norms(binder_published(tmp_path / "b.csv"))
    frame = pd.read_csv(tmp_path / "b.csv")
    frame.drop(index=2).to_csv(tmp_path / "private.csv", index=False)
    part = load_norms(tmp_path / "private.csv")
    assert part.words == ("lamp", "used", "sang")
    np.testing.assert_array_equal(part.values, whole.values[[0, 1, 3]])
    assert part.categories == tuple(whole.categories[row] for row in (0, 1, 3))


@pytest.mark.human_norms
def test_a_second_row_used_leaves_the_others_of_the_real_file_as_they_are(tmp_path):
    real = human("binder")
    path = next(iter((Path(__file__).resolve().parents[2] / "shared" / "norms").glob("binder.xlsx")), None)
    if path is None:
        pytest.skip("the authors' file is not beside the repository")
    frame = pd.read_excel(path, dtype=object)
    verb = frame[frame["Word"] == "used"].assign(WC=2, Type="action", Vision=1.5)
    pd.concat([frame, verb]).to_excel(tmp_path / "whole.xlsx", index=False)
    whole = load_norms(tmp_path / "whole.xlsx")
    assert len(whole.words) == 535 and whole.words[-1] == "used_(verb)"
    shared = [word for word in real.words if word != "used"]
    assert whole.subset(shared).fingerprint() == real.subset(shared).fingerprint()
    np.testing.assert_array_equal(
        whole.values[whole.words.index("used_(adjective)")], real.values[real.words.index("used")]
    )


# --- CSLB and tables in the manner of THINGS

CSLB = (
    "domain\tfeature type\tconcept\tfeature\tpf\tfeature alternatives\tparticipant list\n"
    "living\tvisual perceptual\totter\thas fur_hair\t18\thas fur; is furry\tp 1 2 3\n"
    "living\tother perceptual\totter\thas fur_hair\t9\thas soft fur\tp 4 5\n"
    "living\tencyclopaedic\totter\tdoes swim\t15\tdoes swim\tp 1 7\n"
    "nonliving\tfunctional\tlamp\tdoes give light\t20\tgives light\tp 2 3\n"
    "nonliving\tvisual perceptual\tlamp\tdoes swim\t2\tswims\tp 3\n"
    "living\tvisual perceptual\tdate_(fruit)\thas fur_hair\t3\tfurry\tp 3\n"
)


@pytest.mark.parametrize("name", ["norms.dat", "norms.tsv", "norms", "norms.txt"])
def test_cslb_by_the_rule_of_mcrae(tmp_path, name):
    (tmp_path / name).write_text(CSLB, encoding="utf-8")
    found = load_norms(tmp_path / name if "." in name else str(tmp_path / name))
    assert "CSLB" in found.source and found.kind == "sparse"
    assert found.words == ("otter", "lamp", "date_(fruit)")
    assert found.features == ("has fur_hair", "does swim", "does give light")
    # a pair listed twice keeps the larger count, never 27
    np.testing.assert_array_equal(found.values, [[18, 15, 0], [0, 2, 20], [3, 0, 0]])
    # the type of most rows; where two have as many, the one of the higher counts
    assert found.feature_types == ("visual perceptual", "encyclopaedic", "functional")
    assert found.categories == ("living", "nonliving", "living")
    assert "1 pairs" in found.notes[0] and "2 features had more than one type" in found.notes[1]


def test_cslb_is_installed_under_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "data"))
    (tmp_path / "norms.dat").write_text(CSLB, encoding="utf-8")
    added = add("cslb", tmp_path / "norms.dat")
    assert added.layout.startswith("CSLB") and load_norms("cslb").fingerprint() == added.norms.fingerprint()


@pytest.mark.parametrize(
    "header", ["concept,feature,production_frequency", "uniqueID,feature,Production Frequency", "Concept,Feature,pf"]
)
def test_long_tables_of_production(tmp_path, header):
    rows = "lamp,shines,9\notter,swims,4\notter,swims,6\n"
    (tmp_path / "t.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    found = load_norms(tmp_path / "t.csv")
    np.testing.assert_array_equal(found.values, [[9, 0], [0, 6]])
    assert found.kind == "sparse" and "1 pairs" in found.notes[0]


def test_production_frequencies_must_be_complete_and_possible(tmp_path):
    for cell, said in (("", "is empty in 1 rows"), ("often", "must hold numbers"), ("-3", "cannot be negative")):
        (tmp_path / "t.dat").write_text(CSLB.replace("\t15\t", f"\t{cell}\t"), encoding="utf-8")
        with pytest.raises(ExplaintError, match=said):
            load_norms(tmp_path / "t.dat")


# --- ratings: how their authors' files are built


def warriner() -> tuple[pd.DataFrame, list[str]]:
    groups = ["Sum", "M", "F", "Y", "O", "L", "H"]
    columns = [f"{scale}.{what}.{group}" for group in groups for scale in "VAD" for what in ("Mean", "SD", "Rat")]
    frame = ratings(columns, 1, 9)
    frame.insert(0, "Word", WORDS)
    frame.insert(0, "", range(1, len(WORDS) + 1))  # the names of the rows, written by R
    return frame, ["V.Mean.Sum", "A.Mean.Sum", "D.Mean.Sum"]


def brysbaert() -> tuple[pd.DataFrame, list[str]]:
    frame = ratings(["Conc.M", "Conc.SD"], 1, 5)
    frame.insert(0, "Word", WORDS)
    frame.insert(1, "Bigram", [0, 0, 0, 0, 1])
    frame["Unknown"], frame["Total"], frame["Percent_known"], frame["SUBTLEX"] = 0, 27, 1, range(5)
    frame["Dom_Pos"] = ["Noun", "Noun", "0", "#N/A", "Noun"]
    return frame, ["Conc.M"]


def lancaster() -> tuple[pd.DataFrame, list[str]]:
    names = [*LANCASTER_SENSES, *LANCASTER_EFFECTORS]
    means = [f"{name}.mean" for name in names]
    frame = ratings([*means, *(f"{name}.SD" for name in names)], 0, 5)
    frame.insert(0, "Word", [word.upper() for word in WORDS])
    for part in ("perceptual", "action", "sensorimotor"):
        frame[f"Max_strength.{part}"] = 4.5
        frame[f"Minkowski3.{part}"] = 6.1
        frame[f"Exclusivity.{part}"] = 0.3
        frame[f"Dominant.{part}"] = "Visual"
    for part in ("perceptual", "action"):
        frame[f"N_known.{part}"], frame[f"List_N.{part}"], frame[f"Mean_age.{part}"] = 18, 19, 36.2
        frame[f"List#.{part}"] = 12
    return frame, means


@pytest.mark.parametrize(
    ("make", "label", "features"),
    [
        (warriner, "Warriner", ("Valence", "Arousal", "Dominance")),
        (brysbaert, "Brysbaert", ("Concreteness",)),
        (lancaster, "Lancaster", (*LANCASTER_SENSES, *LANCASTER_EFFECTORS)),
    ],
)
@pytest.mark.parametrize("form", ["csv", "txt", "xlsx", "parquet"])
def test_published_ratings(tmp_path, make, label, features, form):
    frame, means = make()
    path = tmp_path / f"whatever.{form}"
    if form == "xlsx":
        frame.to_excel(path, index=False)
    elif form == "parquet":
        frame.rename(columns={"": "__index_level_0__"}).to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if form == "txt" else ",")
    found = load_norms(path)
    assert label in found.source and found.kind == "dense" and found.features == features
    assert found.words == tuple(WORDS)  # also where the file has capitals
    np.testing.assert_array_equal(found.values, frame[means].to_numpy())
    assert any(note.startswith("columns left aside: ") for note in found.notes)
    assert (found.feature_types is not None) == (label == "Lancaster")


@pytest.mark.parametrize("make", [warriner, brysbaert, lancaster])
def test_ratings_outside_the_scale_of_the_article_are_refused(tmp_path, make):
    frame, means = make()
    frame = frame.astype(object)
    frame.loc[2, means[0]] = -99
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ExplaintError, match=r"ratings run from .*found -99 to -99 in column .*line 4"):
        load_norms(tmp_path / "t.csv")
    frame.loc[2, means[0]] = "NA"
    frame.to_csv(tmp_path / "t.csv", index=False)
    if len(means) > 1:
        assert np.isnan(load_norms(tmp_path / "t.csv").values[2, 0])
    else:
        with pytest.raises(ExplaintError, match="1 words are missing everywhere.*'otter'"):
            load_norms(tmp_path / "t.csv")


def test_a_column_lost_on_the_way_is_named(tmp_path):
    frame, _ = lancaster()
    frame.drop(columns="Torso.mean").to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ExplaintError, match="lacks 1 of 11 ratings: Torso"):
        load_norms(tmp_path / "t.csv")


GLASGOW_SCALES = ("AROU", "VAL", "DOM", "CNC", "IMAG", "FAM", "AOA", "SIZE", "GEND")


@pytest.mark.parametrize("form", ["xlsx", "csv", "repeated", "pandas"])
def test_glasgow_has_a_header_of_two_rows(tmp_path, form):
    words = ["abattoir", "bar (pub)", "bar (metal)", "nan"]
    values = ratings([f"{scale}{what}" for scale in GLASGOW_SCALES for what in ("M", "SD", "N")], 1, 7, words)
    top, sub = ["Words", "Length"], ["", ""]
    for scale in GLASGOW_SCALES:
        gap = {"repeated": scale, "pandas": f"Unnamed: {len(top) + 1}"}.get(form, "")
        top += [scale, gap, gap]
        sub += ["M", "SD", "N"]
    rows = [top, sub, *([word, len(word), *row] for word, row in zip(words, values.to_numpy().tolist(), strict=True))]
    if form == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([cell if cell != "" else None for cell in row])
        for column in range(3, 30, 3):
            book.active.merge_cells(start_row=1, end_row=1, start_column=column, end_column=column + 2)
        book.save(tmp_path / "g.xlsx")
    else:
        pd.DataFrame(rows).to_csv(tmp_path / "g.csv", index=False, header=False)
    found = load_norms(next(iter(tmp_path.glob("g.*"))))
    assert "Glasgow" in found.source and found.words == tuple(words)
    assert found.word_forms == ("abattoir", "bar", "bar", "nan") and found.hints[1:3] == ("pub", "metal")
    assert found.features[:3] == ("Arousal", "Valence", "Dominance") and len(found.features) == 9
    np.testing.assert_array_equal(found.values, values.iloc[:, ::3].to_numpy())


@pytest.mark.parametrize("size", [49, 66])
def test_dimensions_of_things(tmp_path, size):
    frame = ratings([f"dimension {i}" for i in range(size)], 0, 2, ["aardvark", "bat1", "bat2"])
    frame.insert(0, "uniqueID", ["aardvark", "bat1", "bat2"])
    frame.insert(1, "Word", ["aardvark", "bat", "bat"])
    frame.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    found = load_norms(tmp_path / "t.tsv")
    assert "Hebart" in found.source and found.words == ("aardvark", "bat_(1)", "bat_(2)")
    assert found.word_forms == ("aardvark", "bat", "bat") and len(found.features) == size
    np.testing.assert_array_equal(found.values, frame.iloc[:, 2:].to_numpy())


def test_properties_of_thingsplus(tmp_path):
    properties = ["manmade", "precious", "lives", "heavy", "natural", "moves", "grasp", "hold", "be-moved", "pleasant"]
    means = [f"property_{name}_mean" for name in properties]
    frame = ratings([*means, *(f"property_{name}_SD" for name in properties)], 1, 7, ["aardvark", "bat1", "bat2"])
    frame.insert(0, "Word", ["aardvark", "bat", "bat"])
    frame.insert(0, "uniqueID", ["aardvark", "bat1", "bat2"])
    frame["size_mean"] = [200, 150, 170]
    frame.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    found = load_norms(tmp_path / "t.tsv")
    assert "THINGSplus" in found.source and found.features == tuple(key.replace("-", "_") for key in properties)
    np.testing.assert_array_equal(found.values, frame[means].to_numpy())


def test_no_layout_hides_another():
    for layout in LAYOUTS:
        columns = [*layout.columns, *(f"d{i}" for i in range(layout.sizes[0] if layout.sizes else 0))]
        assert recognise(columns).label == layout.label
    assert recognise(["word", "feature", "value"]) is None and recognise(["uniqueid", "a", "b"]) is None


def test_names_of_columns_are_read_without_case_points_and_spaces(tmp_path):
    binder_like(tmp_path / "b.csv")
    frame = pd.read_csv(tmp_path / "b.csv", dtype=str, keep_default_na=False).rename(columns=str.upper)
    frame.to_csv(tmp_path / "b.csv", index=False)
    assert load_norms(tmp_path / "b.csv").features == BINDER_RATINGS
    frame, _ = warriner()
    frame.columns = [column.replace(".", "_").lower() for column in frame.columns]
    frame.to_csv(tmp_path / "w.csv", index=False)
    assert load_norms(tmp_path / "w.csv").features == ("Valence", "Arousal", "Dominance")


@pytest.mark.human_norms
@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("mcrae", "f33e5aa62aebce4a116f05e9eda483a92b0b6b3bfa76661581948d2eff4371fc"),
        ("buchanan", "9258dd3d4503dd8c6df619f8dcd9e37b28ee75f3be4a81414cce3121e05f2338"),
        ("binder", "d8f2f2af3af625f60cfe732bc6d684b40aed86c853f95c6435bbee179683b40d"),
    ],
)
def test_the_reading_behind_the_published_results_is_unchanged(name, fingerprint):
    assert human(name).fingerprint() == fingerprint
