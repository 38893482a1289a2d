"""Norm files as they come: damaged, cut short, in several sheets and encodings; taken whole, or refused in words."""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from explaint_lib import norms
from explaint_lib._common import ExplaintError
from explaint_lib.cli import norms as command
from explaint_lib.norms import load_norms
from explaint_lib.norms._checks import one_form
from explaint_lib.norms._schema import says_no_rating
from explaint_lib.norms._shipped import SHIPPED

WIDE = "word,a,b\nlamp,1,2\notter,3,4\nspoon,5,7\n"


@pytest.fixture
def data_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "data"


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def refusal(path: Path, **options) -> str:
    with pytest.raises(ExplaintError) as caught:
        load_norms(path, **options)
    return str(caught.value)


# --- all problems of a file, in one message, with their lines


def test_all_problems_of_a_file_come_in_one_message(tmp_path):
    text = "word,Kind,a,b\nlamp,thing,1,2\notter,animal,3\nlamp,thing,often,-99\n,thing,5,1\n"
    text += "bell,thing,2,4\ndrum,thing,1,3\n"
    said = refusal(write(tmp_path, "t.csv", text))
    assert said.startswith("t.csv: 6 problems")
    for problem, cure in (
        ("line 3: fewer fields than the 4 of the header", "complete the line"),
        ("'Kind' ('thing' in line 2)", "--ratings a,b"),
        ("line 5: no word", "take the row out"),
        ("'lamp' in lines 2 and 4", "hint"),
        ("'often' in line 4", "leave a missing cell empty"),
        ("-99 in column 'b' (line 4)", "write na"),
    ):
        line = next(line for line in said.splitlines() if problem in line)
        assert cure in line


def test_many_problems_are_counted_and_not_all_shown(tmp_path):
    columns = [f"c{i}" for i in range(30)]
    rows = [f"w{r}," + ",".join("x" if r == c % 3 else "1.5" for c in range(30)) for r in range(3)]
    said = refusal(write(tmp_path, "t.csv", "\n".join([",".join(["word", *columns]), *rows])))
    assert "30 problems" in said and "and 10 more" in said and len(said.splitlines()) == 22


def test_a_short_line_is_no_missing_rating(tmp_path):
    whole = "word,a,b,c\ndog,1,0,0\ncat,0,2,0\ncow,0,0,3\nhen,1,0,0\nant,1,0,0\n"
    assert load_norms(write(tmp_path, "whole.csv", whole)).kind == "sparse"
    assert "line 6: fewer fields" in refusal(write(tmp_path, "cut.csv", whole[: -len(",0,0\n")]))
    assert "line 4: fewer fields" in refusal(write(tmp_path, "short.csv", whole.replace("cow,0,0,3", "cow,0,0")))
    ended = whole.replace("\n", ",,\n")  # a spreadsheet ends every line with empty fields
    np.testing.assert_array_equal(
        load_norms(write(tmp_path, "ended.csv", ended)).values, load_norms(tmp_path / "whole.csv").values
    )


def test_empty_cells_among_zeros_are_noted(tmp_path):
    rows = [["word", "a", "b", "c"], ["dog", 1, 0, 0], ["cat", 0, 2, 0], ["cow", 0, 0, 3], ["ant", 1]]
    found = load_norms(workbook(tmp_path / "t.xlsx", {"s": rows}))
    assert found.kind == "dense" and "2 cells are empty (row 5), though most others are 0" in found.notes[0]


def test_a_hint_alone_is_no_word(tmp_path):
    assert "lines 2 and 4: nothing is left of the word '(animal)'" in refusal(
        write(tmp_path, "t.csv", WIDE.replace("lamp", "(animal)").replace("spoon", "_"))
    )


def test_names_of_columns_have_one_form(tmp_path):
    text = WIDE.replace("word", "\u200bword ").replace(",a", ', "a\u00a0 b"')
    assert load_norms(write(tmp_path, "t.csv", text)).features == ("a b", "b")
    assert load_norms(tmp_path / "t.csv", ratings=["a  b"]).features == ("a b",)


def test_options_are_said_to_be_those_of_norms(tmp_path):
    assert "options of explaint norms add and describe" in refusal(write(tmp_path, "t.csv", "Wort,a\nx,1\ny,2\n"))


def test_a_long_line_is_named(tmp_path):
    said = refusal(write(tmp_path, "t.csv", WIDE.replace("otter,3,4", "otter,3,5,4")))
    assert "line 3: cells beyond the 3 columns of the header, e.g. '4'" in said


def test_what_stands_above_the_header_is_named(tmp_path):
    said = refusal(write(tmp_path, "t.csv", "Table 1. Norms\n" + WIDE))
    assert "taken for the header (Table, 1., Norms), and none below fits" in said and "above the names" in said
    rows = [["Table 1"], ["word", "a", "b"], ["lamp", 1, 2], ["otter", 3, 5]]
    said = refusal(workbook(tmp_path / "t.xlsx", {"s": rows}))
    assert "taken for the header (Table 1), and none below fits" in said and "--separator" not in said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('word,a,b\n"lamp,1,2\notter,3,4\nspoon,5,7\n', "line 2"),  # never closed: all that follows would be one word
        ('word,a,b\n"lamp,1,2\notter",3,4\nspoon,5,7\n', "lines 2 to 3 were read as one"),
        ('word,a,b\nlamp,1,"2\notter,3,4"\nspoon,5,7\n', "lines 2 to 3 were read as one"),
        ('word,feature,value\nlamp,"is,1\notter,has",3\nspoon,is,7\n', "lines 2 to 3 were read as one"),
        ('word,a,b\nlamp,1,2\n"otter"s,3,4\nspoon,5,7\n', "line 3: a quotation mark"),
    ],
)
def test_a_stray_quotation_mark_swallows_no_line(tmp_path, text, line):
    assert line in refusal(write(tmp_path, "t.csv", text))


def test_quotation_marks_that_are_right_stay(tmp_path):
    text = 'word,a,b\n"ice, cold",1,2\n"5"" pipe",3,4\n6" nail,5,7\n"hot\ndog",6,9\n'
    assert load_norms(write(tmp_path, "t.csv", text)).words == ("ice, cold", '5" pipe', '6" nail', "hot dog")


# --- one form of a word


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("zero\u200bwidth", "zerowidth"),
        ("\ufeffmark", "mark"),
        ("soft\u00adhyphen", "softhyphen"),
        ("right\u202eleft", "rightleft"),
        ("ice\u00a0\u2009 cream", "ice cream"),
        ("joined\u200d", "joined"),
        ("lat\u200cin", "latin"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
    ],
)
def test_one_form_of_a_word(written, form):
    assert one_form(written) == form == one_form(form)


@pytest.mark.parametrize("other", ["cafe\u0301", "caf\u00e9\u200b", "caf\u00e9 ", "\u2060caf\u00e9"])
def test_two_forms_of_one_word_count_once(tmp_path, other):
    wide = write(tmp_path, "w.csv", f"word,a,b\ncaf\u00e9,1,2\ntea,3,4\n{other},5,7\n")
    assert "'caf\u00e9' in lines 2 and 4" in refusal(wide)
    long = write(tmp_path, "l.csv", f"word,feature,value\ncaf\u00e9,is,1\ntea,has,4\n{other},is,7\n")
    assert "1 pairs of word and feature are listed more than once" in refusal(long)


def test_what_was_changed_in_a_word_is_noted(tmp_path):
    found = load_norms(write(tmp_path, "t.csv", WIDE.replace("lamp", "la\u200bmp")))
    assert found.words[0] == "lamp" and "1 words in 'word' were brought to one form" in found.notes[-1]


def test_control_characters_are_refused_and_shown_as_escapes(tmp_path):
    said = refusal(write(tmp_path, "t.csv", WIDE.replace("lamp", "la\x1b]0;x\x07mp")))
    assert "line 2: a control character in the word 'la\\x1b]0;x\\x07mp'" in said
    said = refusal(write(tmp_path, "h.csv", WIDE.replace(",b", ",b\x1b[2J")))
    assert "control character in the feature" in said and "\x1b" not in said


# --- what is no rating


@pytest.mark.parametrize("code", ["-99", "999", "-9", "9999", "99"])
def test_codes_for_missing_are_no_ratings(tmp_path, code):
    wide = "word,a,b\n" + "".join(f"w{i},{i % 7 + 0.5},{(i * 3) % 7}\n" for i in range(12)) + f"x,{code},3\n"
    assert f"{code} in column 'a' (line 14)" in refusal(write(tmp_path, "w.csv", wide))
    counts = "word,a,b,c\n" + "".join(f"w{i},{i + 1},0,0\n" for i in range(6)) + f"x,0,{code},0\ny,0,3,2\n"
    assert code in refusal(write(tmp_path, "c.csv", counts))
    long = "word,feature,value\n" + "".join(f"w{i},f{i % 3},{i + 1}\n" for i in range(9)) + f"x,f1,{code}\n"
    assert f"{code} in column 'value' (line 11)" in refusal(write(tmp_path, "l.csv", long))


def test_large_and_negative_numbers_that_fit_the_others_are_ratings(tmp_path):
    text = "word,size,valence\n" + "".join(f"w{i},{90 + i},{i - 9}\n" for i in range(14))
    found = load_norms(write(tmp_path, "t.csv", text))
    assert 99 in found.values and -9 in found.values
    per_cent = "word,a,b,c\nlamp,99,0,0\notter,0,20,0\nspoon,0,0,40\n"
    assert load_norms(write(tmp_path, "p.csv", per_cent)).values[0, 0] == 99


def test_a_value_far_outside_is_noted(tmp_path):
    text = "word,a,b\n" + "".join(f"w{i},{i % 6},{i}\n" for i in range(20)) + "x,450,3\n"
    assert "column 'a' holds 450 (line 22), far outside" in load_norms(write(tmp_path, "t.csv", text)).notes[-1]


@pytest.mark.parametrize(
    "name",
    [
        "N",
        "No",
        "ID",
        "Item",
        "Length",
        "Frequency",
        "SD",
        "Val.SD",
        "V.SD.Sum",
        "AROU.N",
        "LogFreq",
        "Rank",
        "SE",
        "date",
    ],
)
def test_names_that_say_no_rating(name):
    assert says_no_rating(name)


@pytest.mark.parametrize(
    "name", ["Number", "Size", "nice", "has_sides", "a_length_of_wood", "Arousal", "item_of_clothing"]
)
def test_names_of_ratings(name):
    assert not says_no_rating(name)


MIXED = (
    "Item,Word,Dominant,N,Length,Frequency,Seen,Heard,Touched\n"
    "i0,lamp,Seen,20,4,7,4.78,4.74,0.28\ni1,otter,Seen,21,5,1007,0.42,4.18,3.68\ni2,apple,Heard,22,5,2007,3.35,1.54,3.03\n"
)


def test_columns_of_text_are_named_together_with_the_way_out(tmp_path):
    said = refusal(write(tmp_path, "t.csv", MIXED))
    assert "'Item' ('i0' in line 2), 'Dominant' ('Seen' in line 2)" in said and len(said.splitlines()) == 1
    assert "--ratings Seen,Heard,Touched" in said and "--category Item" in said
    assert "by their names, N, Length, Frequency would be left aside" in said


def test_the_way_out_works_and_is_remembered(tmp_path, data_folder):
    path = write(tmp_path, "t.csv", MIXED)
    options = {"ratings": ["seen", "Heard", "Touched"], "category": "Dominant"}
    found = load_norms(path, **options)
    assert found.features == ("Seen", "Heard", "Touched") and found.categories == ("Seen", "Seen", "Heard")
    assert found.notes == ("columns left aside: Item, N, Length, Frequency",)
    norms.add("senses", path, **options)
    again = load_norms("senses")
    assert again.fingerprint() == found.fingerprint() and again.notes == found.notes
    assert load_norms("senses", ratings=["N", "Seen"]).features == ("N", "Seen")  # said again, otherwise


def test_counts_are_left_aside_by_name_and_can_be_taken(tmp_path):
    path = write(tmp_path, "t.csv", "word,N,Frequency,Seen,Heard\nlamp,20,7,4.7,1\notter,21,10,0.4,4\n")
    found = load_norms(path)
    assert found.features == ("Seen", "Heard") and "left aside" in found.notes[0] and "N, Frequency" in found.notes[0]
    assert load_norms(path, ratings=["N", "Seen"]).features == ("N", "Seen")
    assert "no column holds a feature" in refusal(write(tmp_path, "u.csv", "word,N,Length\nlamp,20,4\notter,21,5\n"))


# --- options


def test_columns_under_any_name(tmp_path, data_folder):
    path = write(tmp_path, "t.whatever", "Begriff|Merkmal|Anzahl|Art\nLampe|leuchtet|9|Ding\nOtter|schwimmt|4|Tier\n")
    options = {"word": "Begriff", "feature": "Merkmal", "value": "anzahl", "category": "Art"}
    found = load_norms(path, **options)
    assert found.words == ("Lampe", "Otter") and found.categories == ("Ding", "Tier")
    np.testing.assert_array_equal(found.values, [[9, 0], [0, 4]])
    norms.add("deutsch", path, **options)
    assert load_norms("deutsch").fingerprint() == found.fingerprint()
    assert {record.name: record.layout for record in norms.installed()}["deutsch"] == "long table"
    assert "pass --word Begriff" in refusal(path)


def test_a_column_that_is_not_there_gets_a_guess(tmp_path):
    path = write(tmp_path, "t.csv", "Concept,a,b\nlamp,1,2\notter,3,5\n")
    said = refusal(path, word="Conzept")
    assert "--word names the column 'Conzept'" in said and "Did you mean 'Concept'?" in said
    assert "--ratings names the column 'c'" in refusal(path, word="Concept", ratings=["a", "c"])
    assert "choose" in refusal(path, word="Concept", ratings=["a"], feature="b")
    with pytest.raises(ExplaintError, match="list of columns"):
        load_norms(path, ratings="a")


def test_options_read_a_published_file_in_another_way(tmp_path):
    text = "concept\tfeature\tpf\tfeature type\tweight\nlamp\tshines\t9\tvisual\t0.3\notter\tswims\t4\tmotor\t0.6\n"
    path = write(tmp_path, "norms.dat", text)
    assert "CSLB" in load_norms(path).source
    found = load_norms(path, word="concept", value="weight")
    assert found.values.max() == 0.6 and found.source == "source not stated"


@pytest.mark.parametrize(
    ("separator", "said"), [(";", ";"), ("\t", "tab"), ("|", "bar"), (" ", "space"), ("~", "~"), (",", "comma")]
)
def test_separators(tmp_path, separator, said):
    text = WIDE.replace(",", separator)
    path = write(tmp_path, "t.anything", text)
    np.testing.assert_array_equal(load_norms(path, separator=said).values, [[1, 2], [3, 4], [5, 7]])
    if separator != "~":
        assert load_norms(path).features == ("a", "b")
    with pytest.raises(ExplaintError, match="a separator is one character or tab"):
        load_norms(path, separator="ab")


def test_the_separator_is_the_one_on_which_the_lines_agree(tmp_path):
    text = "word;a, or so;b, I think;c, d, e, f\nlamp;1;2;4\notter;3;4;1\n"
    assert load_norms(write(tmp_path, "t.csv", text)).features == ("a, or so", "b, I think", "c, d, e, f")


def test_a_decimal_comma_is_named(tmp_path):
    assert "write a decimal point" in refusal(write(tmp_path, "t.csv", "word;a;b\nlamp;1,5;2\notter;3;4\n"))
    all_of_them = refusal(write(tmp_path, "t.csv", "word;a\nlamp;1,5\notter;3,25\n"))
    assert "write a decimal point" in all_of_them and "--category" not in all_of_them


# --- what R and pandas write


def test_row_names_are_no_ratings(tmp_path):
    r = '"word","a","b"\n"1","lamp",1,2\n"2","otter",3,4\n"3","spoon",5,7\n'
    unnamed = '"","word","a","b"\n' + r.split("\n", 1)[1]
    spaces = r.replace(",", " ")
    pandas = "Unnamed: 0,word,a,b\n0,lamp,1,2\n1,otter,3,4\n2,spoon,5,7\n"
    for name, text in {"r": r, "unnamed": unnamed, "spaces": spaces, "pandas": pandas}.items():
        found = load_norms(write(tmp_path, f"{name}.csv", text))
        assert found.features == ("a", "b") and found.words == ("lamp", "otter", "spoon"), name
        assert "numbers the rows" in found.notes[-1]
    words = "a,b\nlamp,1,2\notter,3,4\n"
    assert "column 1 holds cells and has no header" in refusal(write(tmp_path, "words.csv", words))


def test_a_table_without_a_header_is_refused(tmp_path):
    assert "the first row holds numbers" in refusal(write(tmp_path, "t.csv", "lamp,1,2,3\notter,3,4,1\n"))


# --- encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_that_say_what_they_are(tmp_path, encoding):
    path = write(tmp_path, "t.csv", WIDE.replace("lamp", "Gl\u00fchw\u00fcrmchen").encode(encoding))
    assert load_norms(path).words[0] == "Gl\u00fchw\u00fcrmchen"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("latin-1", "byte 0xFC in line 2"), ("utf-16-le", "NUL"), ("utf-16-be", "NUL"), ("utf-7", "looks like UTF-7")],
)
def test_encodings_that_must_be_guessed(tmp_path, encoding, said):
    path = write(tmp_path, "t.csv", WIDE.replace("lamp", "Gl\u00fchw\u00fcrmchen").encode(encoding))
    assert said in refusal(path) and "UTF-8" in refusal(path)


def test_a_plus_sign_is_not_yet_utf7(tmp_path):
    assert load_norms(write(tmp_path, "t.csv", WIDE.replace("lamp", "c+ - d+e-f"))).words[0] == "c+ - d+e-f"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(tmp_path, end):
    assert load_norms(write(tmp_path, "t.csv", WIDE.replace("\n", end))).words == ("lamp", "otter", "spoon")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old workbook"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"$FL2@(#)", "SPSS"),
        (b"%PDF-1", "PDF"),
    ],
)
def test_other_files_are_named(tmp_path, head, said):
    assert said in refusal(write(tmp_path, "t.csv", head + bytes(100)))


# --- workbooks

ROWS = [["word", "a", "b"], ["lamp", 1, 2.5], ["otter", 3, 4], ["spoon", 5, 7]]


def test_a_cell_far_away_takes_no_memory(tmp_path):
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.active["XFD1048576"] = "x"
    book.save(tmp_path / "far.xlsx")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "row 1048576: cells beyond the 3 columns" in refusal(tmp_path / "far.xlsx")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * (1024 if sys.platform != "darwin" else 1024**2)  # kilobytes on Linux, bytes on macOS


def test_a_false_size_of_a_sheet_is_not_believed(tmp_path):
    path = workbook(tmp_path / "t.xlsx", {"s": ROWS})
    part = "xl/worksheets/sheet1.xml"
    rewrite(path, part, lambda xml: xml.replace(b'ref="A1:C4"', b'ref="A1:XFD1048576"'))
    assert load_norms(path).values.shape == (3, 2)
    rewrite(path, part, lambda xml: xml.replace(b'ref="A1:XFD1048576"', b'ref="A1:A2"'))
    assert load_norms(path).values.shape == (3, 2)


def rewrite(path: Path, part: str, change) -> None:
    """Change the bytes of one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_a_formula_without_a_result_is_no_missing_rating(tmp_path):
    path = workbook(tmp_path / "t.xlsx", {"s": [*ROWS, ["bell", "=B2+1", 3], ["drum", 2, "=SUM(C2:C4)"]]})
    assert "2 cells hold a formula whose result was never computed (B5, C6)" in refusal(path)
    part = "xl/worksheets/sheet1.xml"
    rewrite(path, part, lambda xml: xml.replace(b"</f><v></v>", b"</f><v>2</v>").replace(b"</f><v />", b"</f><v>2</v>"))
    assert load_norms(path).values[3, 0] == 2
    rewrite(path, part, lambda xml: xml.replace(b"</f><v>2</v>", b"</f><v>0</v>"))  # as XlsxWriter stores it
    assert "2 cells hold a formula whose result was never computed (B5, C6)" in refusal(path)


def test_a_word_that_became_a_date_is_named(tmp_path):
    path = workbook(tmp_path / "t.xlsx", {"s": [*ROWS, [dt.datetime(2026, 3, 1), 3, 3]]})
    assert "row 5: the word '2026-03-01' is a date" in refusal(path)
    for spelt in ("1-Mar", "Mar-05", "3/1/2026", "2026-03-01"):
        assert "is a date" in refusal(write(tmp_path, "t.csv", WIDE.replace("lamp", spelt)))
    assert load_norms(write(tmp_path, "u.csv", WIDE.replace("lamp", "9/11"))).words[0] == "9/11"
    long = workbook(
        tmp_path / "l.xlsx", {"s": [["word", "feature", "value"], ["a", dt.date(2026, 3, 1), 1], ["b", "x", 2]]}
    )
    assert "the feature '2026-03-01' is a date" in refusal(long)


def test_a_date_is_no_rating(tmp_path):
    path = workbook(tmp_path / "t.xlsx", {"s": [*ROWS, ["bell", dt.datetime(2026, 3, 1), 3]]})
    assert "'2026-03-01' in row 5" in refusal(path)


def test_other_sheets_are_never_taken_silently(tmp_path):
    key = [["Column", "Meaning"], ["a", "loud"]]
    path = workbook(tmp_path / "k.xlsx", {"read me": key, "norms": ROWS, "empty": []})
    found = load_norms(path)
    assert found.values.shape == (3, 2) and found.notes == ("read: the sheet 'norms'; left aside: 'read me'",)
    two = workbook(tmp_path / "two.xlsx", {"one": ROWS, "two": [*ROWS, ["bell", 9, 9]]})
    said = refusal(two)
    assert "2 sheets with cells, and several of them hold a table of norms" in said and "--sheet NAME" in said
    assert len(load_norms(two, sheet="two").words) == 4
    assert "no sheet 'three'; its sheets are 'one', 'two'" in refusal(two, sheet="three")
    assert "none of them is a table we know" in refusal(workbook(tmp_path / "n.xlsx", {"x": key, "y": key}))
    assert "--sheet is for workbooks" in refusal(write(tmp_path, "t.csv", WIDE), sheet="one")
    assert "--separator is for text" in refusal(path, separator="tab")


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1e400"])
def test_infinity_in_a_workbook(tmp_path, number):
    path = workbook(tmp_path / "t.xlsx", {"s": ROWS})
    rewrite(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"<v>2.5</v>", b"<v>" + number + b"</v>"))
    assert "must hold numbers, found" in refusal(path) and "row 2" in refusal(path)


def test_damaged_workbooks(tmp_path):
    path = workbook(tmp_path / "t.xlsx", {"s": ROWS})
    whole = path.read_bytes()
    for damage in (whole[:300], whole[: len(whole) // 2], whole[:-30], whole[:200] + bytes(200) + whole[400:]):
        assert "cannot be read as a xlsx table" in refusal(write(tmp_path, "d.xlsx", damage))
    for part, change in (
        ("xl/worksheets/sheet1.xml", lambda xml: xml[:-40]),  # ParseError
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace(b't="n"><v>1', b't="s"><v>999')),  # IndexError
        ("xl/workbook.xml", lambda xml: b""),
        ("xl/styles.xml", lambda xml: xml[: len(xml) // 2]),
    ):
        write(tmp_path, "d.xlsx", whole)
        rewrite(tmp_path / "d.xlsx", part, change)
        assert "cannot be read as a xlsx table" in refusal(tmp_path / "d.xlsx")


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("explaint_lib.norms._workbooks.MAX_BYTES", 1000)
    assert "the limit is 1,000" in refusal(workbook(tmp_path / "t.xlsx", {"s": ROWS}))


def test_more_cells_than_the_limit(tmp_path, monkeypatch):
    frame = pd.DataFrame({"word": list("abcd"), "x": [1, 2, 3, 5], "y": [4, 2, 2, 1]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    for module in ("_tables", "_text_files", "_workbooks"):
        monkeypatch.setattr(f"explaint_lib.norms.{module}.MAX_CELLS", 10)
    for ending in ("parquet", "csv", "xlsx"):
        assert "more than 10 cells, the limit" in refusal(tmp_path / f"t.{ending}")
    long = "".join(f"w{i},f{i},1\n" for i in range(4))
    monkeypatch.setattr("explaint_lib.norms._text_files.MAX_CELLS", 100)
    monkeypatch.setattr("explaint_lib.norms._schema.MAX_CELLS", 10)
    assert "4 words x 4 features make 16 cells" in refusal(write(tmp_path, "l.csv", "word,feature,value\n" + long))


# --- Parquet


def test_attributes_of_a_parquet_file_must_be_text(tmp_path, data_folder):
    data_folder.mkdir()
    table = pa.table({"word": ["lamp", "otter"], "a": [1.0, 2.0], "b": [2.0, 5.0]})
    for attrs in (
        {"source": ["x"]}, {"kind": 3}, {"source": {"a": 1}}, {"explaint": {"columns": {"word": 1}}},
        {"explaint": {"columns": {"ratings": "a"}}}, {"explaint": {"notes": [1]}}, {"explaint": {"columns": 7}},
        {"explaint": 7},
    ):  # fmt: skip
        kept = table.replace_schema_metadata({"PANDAS_ATTRS": json.dumps(attrs)})
        pq.write_table(kept, data_folder / "x.parquet")
        with pytest.raises(ExplaintError, match="must be text|no mapping"):
            load_norms("x")
    for metadata in ({"PANDAS_ATTRS": "[1"}, {"PANDAS_ATTRS": b"\xff"}):
        pq.write_table(table.replace_schema_metadata(metadata), data_folder / "x.parquet")
        with pytest.raises(ExplaintError, match="cannot be read as a parquet"):
            load_norms("x")
    pq.write_table(table.replace_schema_metadata({"PANDAS_ATTRS": "[]"}), data_folder / "x.parquet")
    assert load_norms("x").values.shape == (2, 2)


def test_parquet_of_every_type(tmp_path):
    table = pa.table(
        {
            "word": pa.array(["lamp", "otter", "spoon"]).dictionary_encode(),
            "a": pa.array([1, 2, None], pa.int8()),
            "b": pa.array([0.1, 2.5, 3.0], pa.float32()),
            "c": pa.array([True, False, True]),
            "alternatives": [["x"], [], ["y", "z"]],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    found = load_norms(tmp_path / "t.parquet")
    np.testing.assert_array_equal(found.values, [[1, np.float32(0.1), 1], [2, 2.5, 0], [np.nan, 3, 1]])
    assert found.notes == ("columns of lists left aside: alternatives",)
    pd.DataFrame({"a": [1, 2.0], "b": [2, 5.0]}, index=["lamp", "otter"]).to_parquet(tmp_path / "i.parquet")
    assert "column 1 holds cells and has no header" in refusal(tmp_path / "i.parquet")
    cut = (tmp_path / "t.parquet").read_bytes()[:-20]
    assert "cannot be read as a parquet" in refusal(write(tmp_path, "cut.parquet", cut))


# --- names, folders, the terminal


def run(*arguments: object) -> str:
    result = CliRunner().invoke(command.app, [str(argument) for argument in arguments])
    if isinstance(result.exception, ExplaintError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_names_that_no_file_can_have(tmp_path, data_folder):
    path = write(tmp_path, "t.csv", WIDE)
    with pytest.raises(ExplaintError, match="at most 100 letters"):
        norms.add("n" * 300, path)
    norms.add("n" * 100, path)
    assert load_norms("n" * 100).words[0] == "lamp"
    for name in ("n" * 300, "n" * 300 + ".csv", "a\0b", "a\0b.csv", "/" + "n" * 5000):
        with pytest.raises(ExplaintError):
            load_norms(name)
        assert not norms.available(name)


def test_a_folder_is_no_file(tmp_path, data_folder):
    (data_folder / "x.csv").mkdir(parents=True)
    assert [record.name for record in norms.installed()] == list(SHIPPED)
    with pytest.raises(ExplaintError, match="is a folder; name a file in it"):
        load_norms(data_folder / "x.csv")
    with pytest.raises(ExplaintError, match="no norms named 'x'"):
        load_norms("x")


def test_square_brackets_in_the_data_folder_are_no_markup(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "[red]data[/]"))
    monkeypatch.setenv("COLUMNS", "300")
    assert "stored as" in run("add", "mine", write(tmp_path, "[b]t[b].csv", WIDE))
    assert "[red]data[/]" in run("list") and "[red]data[/]" in run("add", "mine", tmp_path / "[b]t[b].csv", "--force")


def test_nothing_in_a_file_acts_on_the_terminal(tmp_path, data_folder):
    path = write(tmp_path, "t.csv", WIDE)
    told = run("add", "mine", path, "--source", "Me\x1b]0;title\x07\u202e (2026)")
    told += run("describe", "mine") + run("list")
    assert not set(told) & set("\x1b\x07\u202e") and "\\x1b]0;title\\x07" in told
    assert not set(load_norms("mine").banner()) & set("\x1b\x07\u202e")


def test_add_lists_the_features_it_took(tmp_path, data_folder):
    told = run("add", "senses", write(tmp_path, "t.csv", MIXED), "--ratings", "Seen, Heard", "--category", "Dominant")
    assert "Seen, Heard" in told and "columns left aside: Item, N, Length, Frequency, Touched" in told
    assert "Seen, Heard" in run("describe", "senses")


def test_options_of_the_command(tmp_path, data_folder):
    path = write(tmp_path, "t.txt", 'Wort~"a,b"~c\nLampe~1~2\nOtter~3~5\n')
    told = run("describe", path, "--word", "Wort", "--separator", "~", "--ratings", '"a,b",c', "--kind", "sparse")
    assert "2 words x 2 features" in told and "sparse" in told
    book = workbook(tmp_path / "two.xlsx", {"one": ROWS, "two": ROWS[:3]})
    assert "2 words x 2 features" in run("add", "two", book, "--sheet", "two")
    assert "2 words x 2 features" in run("describe", "two")
    long = write(tmp_path, "l.csv", "w,f,v\nlamp,is,1\notter,has,2\n")
    assert "sparse" in run("add", "long", long, "--word", "w", "--feature", "f", "--value", "v")
    with pytest.raises(ExplaintError, match="comes with Explain"):
        run("describe", "bundled", "--word", "x")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that this user may not read")
def test_a_folder_that_may_not_be_read(tmp_path, data_folder):  # pragma: no cover - runs as an ordinary user
    data_folder.mkdir()
    data_folder.chmod(0)
    try:
        for call in (
            norms.installed,
            lambda: load_norms("mine"),
            lambda: norms.add("x", write(tmp_path, "t.csv", WIDE)),
        ):
            with pytest.raises(ExplaintError, match="EXPLAINT_DATA"):
                call()
    finally:
        data_folder.chmod(0o700)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    write(tmp_path, "file", "x")
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(ExplaintError, match="EXPLAINT_DATA"):
        norms.add("mine", write(tmp_path, "t.csv", WIDE))


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, data_folder, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(ExplaintError, match="No space left on device; free some space"):
        norms.add("mine", write(tmp_path, "t.csv", WIDE))
    assert os.listdir(data_folder) == []


def test_what_a_killed_add_left_goes_with_the_next(tmp_path, data_folder):
    data_folder.mkdir()
    program = (
        "import os, sys, pandas as pd\n"
        "from explaint_lib import norms\n"
        "write = pd.DataFrame.to_parquet\n"
        "def killed(self, path, **options):\n"
        "    write(self, path, **options)\n"
        "    os.kill(os.getpid(), 9)\n"
        "pd.DataFrame.to_parquet = killed\n"
        "norms.add('mine', sys.argv[1])\n"
    )
    path = write(tmp_path, "t.csv", WIDE)
    done = subprocess.run([sys.executable, "-c", program, str(path)], env={**os.environ})
    assert done.returncode == -9 and len(os.listdir(data_folder)) == 1  # its scratch folder, with a copy of the norms
    norms.add("mine", path)
    assert os.listdir(data_folder) == ["mine.parquet"]


@pytest.mark.parametrize("line", ['"cat,0,2,0', "cat,0,2,0,7", "cat,0,2"])
def test_a_line_that_could_not_be_read_empties_no_column(tmp_path, line):
    said = refusal(write(tmp_path, "one.csv", f"word,a,b,c\ndog,1,0,0\n{line}\ncow,0,0,3\nhen,1,0,0\n"))
    assert "line 3" in said and "zero everywhere" not in said
