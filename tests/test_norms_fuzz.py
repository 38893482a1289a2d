"""Over a thousand generated norm files: what goes in comes out, or is refused in words; nothing else ever happens."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from explaint_lib._common import ExplaintError, printable
from explaint_lib.norms import FeatureNorms, load_norms
from explaint_lib.norms._checks import _DATE, CODES, MISSING, one_form
from explaint_lib.norms._published import recognise
from explaint_lib.norms._schema import says_no_rating


def examples(count: int) -> settings:
    """The same files in every run, as many as said, however slow the machine."""
    return settings(
        max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )


# --- what files are made of

# Letters of every script, marks, quotation marks, separators and what looks like other things
ALPHABET = st.one_of(
    st.characters(categories=("Ll", "Lu", "Lo", "Mn", "Nd", "Po", "So")),
    st.sampled_from("abcdefgh \"';,|\t()_-=@/\u00e9\u0301\u200b\u200d\u200c\u202e\u00a0"),
)
TRICKY = (
    "null",
    "NA",
    "nan",
    "true",
    "None",
    "007",
    "1e5",
    "=1+1",
    "@SUM(A1)",
    '"',
    "''",
    "a,b",
    "#N/A",
    "inf",
    "-",
    "0",
)
WORDS = st.one_of(st.text(ALPHABET, min_size=1, max_size=8), st.sampled_from(TRICKY))
HOSTILE = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        (*TRICKY, "", " ", "\x1b[31m", "1-Mar", "2026-03-01", "a\nb", "-99", "999", "1,5", "1e999", "\ufeff", "x" * 400)
    ),
)
# Ratings that are no code for missing, exactly as they are written
NUMBERS = st.one_of(
    st.integers(0, 7), st.floats(0, 7, allow_nan=False, width=32), st.floats(0.001, 6.5), st.decimals(0, 7, places=3)
)


def clean(label: str) -> bool:
    """Tell whether this can be a word or feature: something is left of it, no date, no control character."""
    form = one_form(label)
    hint_only = form.endswith(")") and not form.split("(")[0].strip(" _")
    return bool(form.strip(" _")) and not hint_only and not _DATE.fullmatch(form) and form == printable(form)


@st.composite
def wide_tables(draw) -> tuple[list[str], list[str], list[list[object]]]:
    """Draw words, features and cells in which every feature varies and every word is rated."""
    words = draw(st.lists(WORDS.filter(clean), min_size=3, max_size=6, unique_by=one_form))
    features = draw(st.lists(WORDS.filter(clean), min_size=2, max_size=5, unique_by=lambda f: one_form(f).lower()))
    features = [feature for feature in features if not says_no_rating(feature.strip())]
    known = {"word", "category", "feature"}
    assume(len(features) >= 2 and known.isdisjoint(one_form(f).lower() for f in features))
    assume(recognise(["word", *features]) is None and not all(map(numeric, features)))
    assume(not any(f.strip().lower().startswith(("unnamed:", "__index")) for f in features))
    cells: list[list[object]] = [[draw(NUMBERS) for _ in features] for _ in words]
    for column in range(len(features)):
        cells[0][column], cells[1][column] = 1, 2.5
    if draw(st.booleans()):
        cells[2][draw(st.integers(0, len(features) - 1))] = None
        assume(any(cell is not None for cell in cells[2]))
    return words, features, cells


def numeric(label: str) -> bool:
    try:
        return math.isfinite(float(label)) or True
    except ValueError:
        return False


def as_text(rows: list[list[object]], separator: str, quoting: int, end: str) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)
    return file.getvalue()


def load(content: bytes, name: str, **options) -> FeatureNorms:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return load_norms(path, **options)


def check_same(found: FeatureNorms, words: list[str], features: list[str], cells: list[list[object]]) -> None:
    """What went in comes out: each label in its one form, each number to its last bit, what was missing missing."""
    expected = np.array([[np.nan if cell is None else float(cell) for cell in row] for row in cells])
    assert found.words == tuple(map(one_form, words)) and found.features == tuple(map(one_form, features))
    np.testing.assert_array_equal(found.values, expected)


def check_sound(found: FeatureNorms) -> None:
    """Whatever was loaded can be printed and is finite or missing."""
    labels = (*found.words, *found.features, *(found.categories or ()), *found.notes, found.name, found.source)
    assert all(label is None or one_form(label) == label or label in found.notes for label in labels)
    assert not any(set(label) & set(map(chr, range(32))) for label in labels if label)
    assert not np.isinf(found.values).any()
    found.describe()
    found.banner()


# --- well-formed files must load


@examples(400)
@given(
    wide_tables(),
    st.sampled_from([(",", "comma"), ("\t", "tab"), (";", "semicolon"), ("|", "bar")]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["NA", "", "nan", "N/A", "null"]),
    st.sampled_from(["t.csv", "t.tsv", "t.dat", "t"]),
    st.booleans(),
)
def test_a_wide_text_file_comes_out_as_it_went_in(table, separator, quoting, end, encoding, missing, name, said):
    words, features, cells = table
    rows = [["word", *features]]
    rows += [
        [word, *(missing if cell is None else cell for cell in row)] for word, row in zip(words, cells, strict=True)
    ]
    text = as_text(rows, separator[0], quoting, end)
    assume("+" not in text)  # ASCII text in which every plus sign fits is taken for UTF-7
    found = load(text.encode(encoding), name, **({"separator": separator[1]} if said else {}))
    check_same(found, words, features, cells)
    check_sound(found)


@examples(250)
@given(
    st.lists(
        st.tuples(WORDS.filter(clean), WORDS.filter(clean), st.integers(1, 30)),
        min_size=2,
        max_size=12,
        unique_by=lambda row: (one_form(row[0]), one_form(row[1])),
    ),
    st.sampled_from([",", "\t", ";"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_a_long_text_file_comes_out_as_it_went_in(rows, separator, end, named):
    header = ["Wort", "Merkmal", "Anzahl"] if named else ["word", "feature", "value"]
    options = {"word": "Wort", "feature": "Merkmal", "value": "Anzahl"} if named else {}
    text = as_text([header, *map(list, rows)], separator, csv.QUOTE_MINIMAL, end)
    assume("+" not in text and not all(numeric(word) and numeric(feature) for word, feature, _ in rows))
    found = load(text.encode(), "t.csv", kind="sparse", **options)
    expected = {(one_form(word), one_form(feature)): value for word, feature, value in rows}
    for i, word in enumerate(found.words):
        for j, feature in enumerate(found.features):
            assert found.values[i, j] == expected.pop((word, feature), 0)
    assert not expected
    check_sound(found)


@examples(80)
@given(wide_tables())
def test_a_workbook_comes_out_as_it_went_in(table):
    words, features, cells = table
    # a text that begins with "=" is a formula without a result: refused elsewhere
    assume(not any(label.startswith("=") for label in (*words, *features)))
    kept = [[None if cell is None else round(float(cell), 12) for cell in row] for row in cells]  # openpyxl's 16 digits
    book = openpyxl.Workbook()
    for row in [["word", *features], *([word, *row] for word, row in zip(words, kept, strict=True))]:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    found = load(file.getvalue(), "t.xlsx")
    check_same(found, words, features, kept)


@examples(120)
@given(wide_tables())
def test_a_parquet_file_comes_out_as_it_went_in(table):
    words, features, cells = table
    assume(len({feature.strip() for feature in features}) == len(features))
    columns = {"word": words}
    for place, feature in enumerate(features):
        columns[feature] = [None if row[place] is None else float(row[place]) for row in cells]
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    check_same(load(file.getvalue(), "t.parquet"), words, features, [[*row] for row in cells])


# --- all others load or are refused


HEADERS = (
    "word,a,b",
    "word,feature,value",
    "Word,Conc.M,Conc.SD",
    "concept,feature,pf",
    "cue,translated,normalized_translated",
    ",word,a",
    "word,category,a,b",
    "uniqueID,Feature,pf,category",
)


@examples(350)
@given(
    st.lists(st.lists(st.one_of(HOSTILE, NUMBERS.map(str)), min_size=1, max_size=5), min_size=1, max_size=6),
    st.sampled_from([*(header.split(",") for header in HEADERS), []]),
    st.sampled_from([",", "\t", ";", " "]),
    st.sampled_from([None, "sparse", "dense"]),
)
def test_a_file_of_anything_loads_or_is_refused_in_words(rows, header, separator, kind):
    text = as_text([*([header] if header else []), *rows], separator, csv.QUOTE_MINIMAL, "\n")
    try:
        found = load(text.encode("utf-8", "surrogatepass"), "t.csv", kind=kind)
    except ExplaintError as fault:
        assert str(fault).strip() and "Traceback" not in str(fault)
        return
    check_sound(found)
    read = {one_form(row[0]) for row in rows if row}
    assert set(found.words) <= read | {one_form(cell) for row in rows for cell in row}


def well_formed() -> dict[str, bytes]:
    rows = [["word", "a", "b"], ["lamp", 1, 2.5], ["otter", 3, 4], ["caf\u00e9", 0, 7.25], ["null", 6, 2]]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    workbook, parquet = io.BytesIO(), io.BytesIO()
    book.save(workbook)
    columns = {name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}
    pq.write_table(pa.table(columns), parquet)
    text = as_text(rows, ",", csv.QUOTE_MINIMAL, "\n")
    return {
        "t.csv": text.encode(),
        "u.csv": text.encode("utf-16"),
        "t.xlsx": workbook.getvalue(),
        "t.parquet": parquet.getvalue(),
    }


WHOLE = well_formed()


@examples(300)
@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(
        st.tuples(
            st.floats(0, 1), st.sampled_from(["cut", "flip", "insert", "drop"]), st.binary(min_size=1, max_size=4)
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_a_damaged_file_loads_or_is_refused_in_words(name, damages):
    content = bytearray(WHOLE[name])
    for where, how, new in damages:
        place = int(where * len(content))
        if how == "cut":
            content = content[:place]
        elif how == "flip":
            content[place : place + len(new)] = new
        elif how == "insert":
            content[place:place] = new
        else:
            del content[place : place + len(new)]
    try:
        found = load(bytes(content), name)
    except ExplaintError as fault:
        assert str(fault).strip()
        return
    check_sound(found)


@examples(150)
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_bytes_of_any_kind_are_refused_in_words_or_make_a_table(content):
    for name in ("t.csv", "t.xlsx", "t.parquet"):
        try:
            check_sound(load(content, name))
        except ExplaintError as fault:
            assert str(fault).strip()


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_far_from_what_the_files_above_hold(code):
    assert not 0 <= code <= 7 and "" in MISSING
