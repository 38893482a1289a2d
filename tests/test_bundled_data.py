"""The bundled teaching norms, ratings and sentences keep what their data cards promise.

These files are judgements, so no test can say that a strength is right. What can be tested is structure
(counts, types, sharing), agreement between the two tables, and the absence of contradictions. Each checker
that could pass vacuously is also fed a planted fault.
"""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files
from itertools import combinations

import pandas as pd
import pytest

TYPES = {
    "taxonomic", "visual_form", "visual_colour", "visual_motion", "function",
    "sound", "taste", "smell", "tactile", "encyclopaedic",
}  # fmt: skip
SUPERORDINATE = {
    "bird": "a_bird", "mammal": "a_mammal", "fish": "a_fish", "insect": "an_insect", "fruit": "a_fruit",
    "vegetable": "a_vegetable", "flower": "a_flower", "tool": "a_tool", "vehicle": "a_vehicle",
    "clothing": "a_garment", "furniture": "furniture", "instrument": "an_instrument", "weapon": "a_weapon",
    "container": "a_container", "building": "a_building", "utensil": "a_utensil",
}  # fmt: skip
ANIMALS = {"bird", "mammal", "fish", "insect"}
PLANTS = {"fruit", "vegetable", "flower"}
ARTEFACTS = set(SUPERORDINATE) - ANIMALS - PLANTS
EXCLUSIVE = [
    {"is_large", "is_small"},
    {"is_heavy", "is_light"},
    {"is_long", "is_short"},
    {"is_round", "is_square", "is_rectangular", "is_triangular", "is_oval"},
    {"is_fast", "is_slow"},
    {"flies", "cannot_fly"},
    {"has_wings", "has_no_wings"},
    {"has_scales", "has_no_scales"},
    {"has_sleeves", "has_no_sleeves"},
    {"has_a_back", "has_no_back"},
    {"has_four_legs", "has_six_legs", "has_three_legs"},
    {"has_two_wheels", "has_four_wheels"},
    {"is_hard", "is_soft"},
    {"is_hot", "is_cold"},
    {"is_warm", "is_cold"},
    {"is_comfortable", "is_hard"},
    {"is_loud", "is_quiet"},
    {"is_loud", "sounds_soft"},
    {"sounds_deep", "sounds_high"},
    {"is_pretty", "is_ugly"},
    {"is_common", "is_rare"},
    {"is_wild", "is_domesticated"},
    {"eats_grass", "eats_meat"},
    {"grows_on_trees", "grows_underground", "grows_on_vines", "grows_on_bushes"},
    {"travels_on_roads", "travels_on_rails"},
    {"lives_in_the_sea", "lives_in_deserts"},
    {"a_bird", "a_mammal", "a_fish", "an_insect", "a_fruit", "a_vegetable", "a_flower"},
    {"an_animal", "a_plant"},
]
# Words above the first feature must be rated above words of the same category with the second.
ORDERED = [
    ("size", "is_large", "is_small"),
    ("weight", "is_heavy", "is_light"),
    ("speed", "is_fast", "is_slow"),
    ("sound", "is_loud", "is_quiet"),
    ("temperature", "is_warm", "is_cold"),
    ("hardness", "is_hard", "is_soft"),
    ("pleasantness", "is_pretty", "is_ugly"),
]
FLOORS = [
    ("danger", "is_dangerous", 3.0),
    ("edibility", "is_edible", 4.0),
    ("roundness", "is_round", 3.0),
    ("sound", "is_loud", 4.0),
    ("speed", "is_fast", 4.0),
    ("colourfulness", "is_colourful", 4.0),
    ("smell", "smells_strong", 3.0),
    ("smell", "smells_bad", 4.0),
]


@pytest.fixture(scope="module")
def norms() -> pd.DataFrame:
    """Long table: word, category, feature, feature_type, strength."""
    with (files("explaint_lib") / "data" / "teaching_norms.csv").open(encoding="ascii") as handle:
        return pd.read_csv(handle)


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    """Wide table: word, category, then one column a dimension; blank = missing."""
    with (files("explaint_lib") / "data" / "teaching_ratings.csv").open(encoding="ascii") as handle:
        return pd.read_csv(handle)


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    path = files("explaint_lib") / "data" / "sentences.txt"
    text = path.read_text(encoding="ascii")  # anything else raises
    assert text.endswith("\n") and "\r" not in text
    return text.split("\n")[:-1]


def features_of(norms: pd.DataFrame) -> dict[str, set[str]]:
    return norms.groupby("word")["feature"].agg(set).to_dict()


def surface(word: str) -> str:
    """Drop the bracketed hint: ``bat_(animal)`` -> ``bat``."""
    return re.sub(r"_\(.*\)$", "", word)


def contradictions(features: dict[str, set[str]]) -> list[tuple[str, set[str]]]:
    pairs = [(word, own & group) for word, own in features.items() for group in EXCLUSIVE]
    return [(word, clash) for word, clash in pairs if len(clash) > 1]


def circular(word: str, features: set[str]) -> set[str]:
    """Features that name the word itself (``used_for_hammering`` of ``hammer``)."""
    base = surface(word)
    stems = {base, base.rstrip("e"), base + base[-1]}
    forms = {stem + end for stem in stems for end in ("ing", "ed", "er", "ers")}
    forms |= {base, base + "s", base + "es"}
    if base.endswith("y"):
        forms.add(base[:-1] + "ies")
    return {feature for feature in features if forms & set(feature.split("_"))}


def tokens(sentence: str) -> list[str]:
    return re.findall(r"[a-z0-9]+(?:'[a-z]+)?", sentence.lower())


def near_duplicates(sentences: list[str], threshold: float) -> list[tuple[str, str]]:
    """Pairs whose sets of words overlap (Jaccard) by more than `threshold`."""
    bags = [set(tokens(sentence)) for sentence in sentences]
    return [
        (sentences[i], sentences[j])
        for i, j in combinations(range(len(bags)), 2)
        if len(bags[i] & bags[j]) > threshold * len(bags[i] | bags[j])
    ]


# ---- norms: form


def test_norms_columns_and_values(norms: pd.DataFrame) -> None:
    assert list(norms.columns) == ["word", "category", "feature", "feature_type", "strength"]
    assert not norms.isna().any().any()
    assert norms["strength"].dtype.kind == "i" and norms["strength"].between(5, 30).all()
    assert norms["feature"].str.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*").all()
    assert norms["word"].str.fullmatch(r"[a-z]+(_\([a-z]+\))?").all()
    assert not norms.duplicated(["word", "feature"]).any()


def test_norms_sorted_by_word_then_strength(norms: pd.DataFrame) -> None:
    weakness = norms.assign(strength=-norms["strength"])
    assert weakness.sort_values(["word", "strength", "feature"]).index.equals(norms.index)


def test_norms_counts(norms: pd.DataFrame) -> None:
    words = norms.drop_duplicates("word")
    assert len(words) >= 260
    per_category = words["category"].value_counts()
    assert len(per_category) >= 14 and per_category.between(15, 24).all()
    assert norms.groupby("word").size().between(8, 16).all()


def test_norms_one_category_a_word_and_one_type_a_feature(norms: pd.DataFrame) -> None:
    assert (norms.groupby("word")["category"].nunique() == 1).all()
    assert (norms.groupby("feature")["feature_type"].nunique() == 1).all()
    assert set(norms["feature_type"]) == TYPES


def test_norms_sharing_is_like_a_property_norm(norms: pd.DataFrame) -> None:
    per_feature = norms.groupby("feature").agg(words=("word", "nunique"), categories=("category", "nunique"))
    assert (per_feature["words"] == 1).mean() >= 1 / 3  # distinctive
    assert (per_feature["words"] >= 10).sum() >= 50  # enough words for a score by feature
    assert (per_feature["categories"] >= 4).sum() >= 20  # shared by several categories
    one_category = per_feature[(per_feature["words"] >= 4) & (per_feature["categories"] == 1)]
    assert len(one_category) >= 20  # shared by the category
    distinctive = norms[norms["feature"].map(per_feature["words"]) == 1]
    assert set(distinctive["word"]) == set(norms["word"])  # each word has something of its own


def test_norms_no_two_words_have_the_same_features(norms: pd.DataFrame) -> None:
    assert len({frozenset(own) for own in features_of(norms).values()}) == norms["word"].nunique()


def test_norms_have_homonyms_on_purpose(norms: pd.DataFrame) -> None:
    hinted = [word for word in norms["word"].unique() if "(" in word]
    bases = Counter(surface(word) for word in hinted)
    assert sum(n > 1 for n in bases.values()) >= 4
    # A hinted word never stands beside its bare form: it could not be told which sense the bare one has.
    assert not set(bases) & set(norms["word"])


# ---- norms: meaning


def test_norms_taxonomy(norms: pd.DataFrame) -> None:
    assert set(norms["category"]) == set(SUPERORDINATE)
    features = features_of(norms)
    for word, category in norms.drop_duplicates("word")[["word", "category"]].itertuples(index=False):
        assert SUPERORDINATE[category] in features[word], word
        assert ("an_animal" in features[word]) == (category in ANIMALS), word
        assert ("a_plant" in features[word]) == (category == "flower"), word


def test_norms_taxonomic_features_are_the_nouns(norms: pd.DataFrame) -> None:
    looks_taxonomic = norms["feature"].str.match(r"an?_") | (norms["feature"] == "furniture")
    assert (looks_taxonomic == (norms["feature_type"] == "taxonomic")).all()


def test_norms_give_enough_hypernym_pairs(norms: pd.DataFrame) -> None:
    taxonomic = norms[norms["feature_type"] == "taxonomic"]
    single = taxonomic[taxonomic["feature"].str.count("_") <= 1]  # "a_bird", not "a_citrus_fruit"
    sizes = single.groupby("feature")["word"].nunique()
    assert len(single) >= 240
    assert (sizes >= 10).sum() >= 12
    assert (taxonomic.groupby("word").size() >= 2).sum() >= 100  # two levels


def test_norms_are_not_contradictory(norms: pd.DataFrame) -> None:
    assert contradictions(features_of(norms)) == []
    assert contradictions({"planted": {"is_large", "is_small"}}) == [("planted", {"is_large", "is_small"})]


def test_norms_exclusive_features_exist(norms: pd.DataFrame) -> None:
    known = set(norms["feature"])
    assert all(len(group & known) >= 2 for group in EXCLUSIVE), "a group that cannot fail"


def test_norms_do_not_name_the_word_itself(norms: pd.DataFrame) -> None:
    other = features_of(norms[norms["feature_type"] != "taxonomic"])
    assert {word: bad for word, own in other.items() if (bad := circular(word, own))} == {}
    assert circular("drill", {"used_for_drilling"}) and circular("bat_(animal)", {"looks_like_bats"})


def test_norms_materials_and_life_agree_with_category(norms: pd.DataFrame) -> None:
    natural = norms[norms["category"].isin(ANIMALS | PLANTS)]
    assert not natural["feature"].str.match(r"made_of_(metal|wood|plastic|glass|stone|leather)").any()
    artefact = norms[norms["category"].isin(ARTEFACTS)]
    assert not artefact["feature"].str.match(r"lays_|eats_|grows_|hibernates|is_edible").any()


# ---- ratings


def test_ratings_same_words_in_the_same_order(norms: pd.DataFrame, ratings: pd.DataFrame) -> None:
    words = norms.drop_duplicates("word")
    assert ratings["word"].tolist() == words["word"].tolist() == sorted(ratings["word"])
    assert ratings["category"].tolist() == words["category"].tolist()
    assert ratings["word"].is_unique


def test_ratings_range_and_missing(ratings: pd.DataFrame) -> None:
    values = ratings.drop(columns=["word", "category"])
    assert values.shape[1] >= 12 and (values.dtypes == "float64").all()
    assert values.stack().dropna().between(0, 6).all()
    assert 10 <= values.isna().sum().sum() <= 20
    assert (values.isna().sum(axis=1) <= 3).all()
    assert (values.nunique() >= 5).all(), "a dimension that says next to nothing"
    assert values.max().ge(5).all() and values.min().le(1).all(), "a dimension that does not use its scale"


def test_ratings_animacy_follows_category(ratings: pd.DataFrame) -> None:
    by = ratings.set_index("category")["animacy"]
    assert by[by.index.isin(ANIMALS)].min() >= 4
    assert by[by.index.isin(PLANTS)].between(0.5, 2).all()
    assert by[by.index.isin(ARTEFACTS)].max() <= 0.5


@pytest.mark.parametrize(("dimension", "more", "less"), ORDERED)
def test_ratings_agree_with_opposite_features(
    norms: pd.DataFrame, ratings: pd.DataFrame, dimension: str, more: str, less: str
) -> None:
    value = ratings.set_index("word")[dimension].dropna()
    compared = 0
    for category, own in norms.groupby("category"):
        high = value.reindex(own.loc[own["feature"] == more, "word"]).dropna()
        low = value.reindex(own.loc[own["feature"] == less, "word"]).dropna()
        if len(high) and len(low):
            compared += 1
            assert high.min() > low.max(), (category, high.idxmin(), low.idxmax())
    assert compared, "no category has both features"


@pytest.mark.parametrize(("dimension", "feature", "floor"), FLOORS)
def test_ratings_agree_with_single_features(
    norms: pd.DataFrame, ratings: pd.DataFrame, dimension: str, feature: str, floor: float
) -> None:
    value = ratings.set_index("word")[dimension]
    named = value.reindex(norms.loc[norms["feature"] == feature, "word"]).dropna()
    assert len(named) >= 2
    assert named.min() >= floor, named.idxmin()
    assert named.mean() > value.drop(named.index).mean() + 0.5


def test_ratings_nothing_inedible_is_called_edible(norms: pd.DataFrame, ratings: pd.DataFrame) -> None:
    edibility = ratings.set_index("word")["edibility"]
    assert (edibility[ratings.set_index("word")["category"].isin(ARTEFACTS)] <= 0.5).all()


# ---- sentences


def test_sentences_count_length_and_form(sentences: list[str]) -> None:
    assert len(sentences) >= 330
    for sentence in sentences:
        assert sentence == " ".join(sentence.split()), sentence
        assert 8 <= len(sentence.split()) <= 24, sentence
        assert re.match(r'["A-Z]', sentence) and re.search(r'[.?!]"?$', sentence), sentence


def test_sentences_are_not_copies_of_each_other(sentences: list[str]) -> None:
    assert len(set(sentences)) == len(sentences)
    assert near_duplicates(sentences, 0.45) == []
    assert near_duplicates(["The cat sat on the mat.", "A cat sat on the mat."], 0.45)
    openings = Counter(" ".join(tokens(sentence)[:3]) for sentence in sentences)
    assert max(openings.values()) <= 3, openings.most_common(3)  # no template runs
    assert sum(sentence.startswith("The ") for sentence in sentences) < len(sentences) / 2


def test_sentences_are_varied(sentences: list[str]) -> None:
    words = [tokens(sentence) for sentence in sentences]
    assert sum(sentence.rstrip('"').endswith("?") for sentence in sentences) >= 10
    assert sum('"' in sentence for sentence in sentences) >= 5
    assert sum(bool({"not", "never", "no", "nobody", "nothing", "neither"} & set(own)) for own in words) >= 40
    vocabulary = Counter(word for own in words for word in set(own))
    assert len(vocabulary) >= 1200
    assert sum(n >= 3 for n in vocabulary.values()) >= 150  # the same word in different contexts


def test_sentences_repeat_content_words_inside(sentences: list[str]) -> None:
    repeated = [
        sentence
        for sentence in sentences
        if any(n > 1 and len(word) > 3 for word, n in Counter(tokens(sentence)).items())
    ]
    assert len(repeated) >= 30


def test_sentences_use_words_of_the_norms(norms: pd.DataFrame, sentences: list[str]) -> None:
    nouns = {surface(word) for word in norms["word"]}
    nouns |= {noun + "s" for noun in nouns}
    hits = [set(tokens(sentence)) & nouns for sentence in sentences]
    assert sum(map(bool, hits)) >= 60
    assert len(set().union(*hits)) >= 100
