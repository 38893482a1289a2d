"""The hypernymy experiment: planted attention is found, rivals that know it are seen to know it, chance is chance."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import typer
from helpers_models import save_tiny_bert, save_tiny_llama
from typer.testing import CliRunner

from explaint_lib import encoders, relations
from explaint_lib._common import ExplaintError
from explaint_lib.cli import hypernymy as command
from explaint_lib.experiments import hypernymy as experiment
from explaint_lib.experiments.hypernymy import _features as features
from explaint_lib.experiments.hypernymy import _scores as scoring
from explaint_lib.experiments.hypernymy._pair_attention import pair_attention
from explaint_lib.norms import load_norms
from explaint_lib.relations import Sentence
from explaint_lib.results import Result


@pytest.fixture(scope="module")
def sets():
    _, made = experiment.make_pair_sets(load_norms("bundled"), max_per_hypernym=8)
    return made


def planted(pairs, *, in_attention: float, in_similarity: float, seed: int = 0, n_templates: int = 3, n_heads: int = 6):
    """Return features in which one head, and the similarity of the words, know the label as well as asked for."""
    rng = np.random.default_rng(seed)
    n = len(pairs.pairs)

    def maps(signal):
        attention = rng.standard_normal((n_templates, n, n_heads))
        attention[..., 2] += signal * pairs.labels
        return attention

    words = features.word_features(pairs)
    for name in ("word_similarity", "own_vectors"):
        words[name] = rng.standard_normal((n, 2)) + in_similarity * pairs.labels[:, None]
    surface = rng.integers(1, 6, size=(n_templates, n, 5)).astype(float)
    attention, twin = ({group: maps(signal) for group in ("affirmed", "negated")} for signal in (in_attention, 0.0))
    return features.PairFeatures(pairs, attention, [twin], {group: surface for group in attention}, words)


def accuracies(data, split="pair"):
    found = scoring.pair_scores(data, split, n_folds=3, n_fold_draws=5, seed=0)
    return {(row["predictor"], row["templates"]): row for row in found.rows()}, {
        (row["predictor"], row["control"]): row for row in found.tests() if row["question"] == "relation"
    }


@pytest.mark.parametrize("split", ["pair", "neither"])
def test_planted_attention_is_found_where_it_was_planted_and_nowhere_else(sets, split):
    rows, tests = accuracies(planted(sets["balanced"], in_attention=3.0, in_similarity=0.0), split)
    assert rows["attention", "affirmed"]["accuracy"] > 0.85 and rows["attention", "negated"]["accuracy"] > 0.85
    assert rows["attention", "affirmed"]["accuracy_unseen_template"] > 0.85
    for rival in ("attention_untrained", "word_similarity", "position", "frequency", "permuted_labels", "rivals"):
        row = rows[rival, "affirmed"]
        assert 0.38 < row["accuracy"] < 0.62 and not row["ci_low"] >= 0.55, rival
        test = tests["attention", rival]
        if rival == "attention_untrained":  # one twin
            assert test["difference"] > 0.2 and np.isnan(test["se"])
        else:
            assert test["ci_low"] > 0 and test["p_value"] < 0.01
    assert tests["rivals_and_attention", "rivals"]["ci_low"] > 0
    assert set(rows) == {(name, "affirmed") for name in experiment.PREDICTORS} | {("attention", "negated")}


def test_a_rival_that_knows_as_much_is_seen_to(sets):
    rows, tests = accuracies(planted(sets["balanced"], in_attention=1.0, in_similarity=3.0))
    assert rows["word_similarity", "affirmed"]["accuracy"] > rows["attention", "affirmed"]["accuracy"] + 0.1
    assert tests["attention", "word_similarity"]["ci_high"] < 0
    assert tests["attention", "word_similarity"]["p_value"] > 0.5


def test_nothing_planted_is_nothing_found(sets):
    rows, tests = accuracies(planted(sets["balanced"], in_attention=0.0, in_similarity=0.0))
    assert 0.4 < rows["attention", "affirmed"]["accuracy"] < 0.6
    assert tests["attention", "chance"]["p_value"] > 0.05


@pytest.mark.parametrize("knows", experiment.KNOWS)
def test_planted_worlds_are_told_apart(sets, knows):
    both = {name: sets[name] for name in ("naive", "balanced")}
    world = experiment.planted_world(both, knows, rng=np.random.default_rng(0))
    found = experiment.score_hypernymy(world, splits=("pair",), n_folds=3, n_fold_draws=5)
    assert found.manifest["model"] == {"name": knows} and found.manifest["data"]["n_pairs_naive"] > 100
    assert set(found.rows.model) == {knows} and found.manifest["arguments"]["n_folds"] == 3
    score = found.rows.set_index(["negatives", "predictor"]).accuracy
    added = found.tests[found.tests.predictor == "rivals_and_attention"].set_index("negatives").loc["balanced"]
    assert (added["ci_low"] > 0.02) == (knows == "relation")
    # a naive test is passed by all that know a word
    assert (score["naive", "attention"] > 0.58) == (knows not in ("nothing", "assertion"))
    assert (score["balanced", "attention"] > 0.58) == (knows in ("relation", "similarity"))
    if knows == "similarity":
        assert abs(score["balanced", "attention"] - score["balanced", "word_similarity"]) < 0.05
    if knows == "hypernym":
        assert score["naive", "hypernym_identity"] > score["naive", "attention"] - 0.1


def test_an_unknown_world_is_refused(sets):
    with pytest.raises(ExplaintError, match="know one of relation, similarity"):
        experiment.planted_world(sets, "everything", rng=np.random.default_rng(0))


@pytest.mark.parametrize("split", ["pair", "hyponym", "hypernym", "neither"])
def test_identity_is_at_one_half_by_design_in_balanced_sets(sets, split):
    for name in ("balanced", "near"):
        rows, _ = accuracies(planted(sets[name], in_attention=0.0, in_similarity=0.0), split)
        assert rows["hypernym_identity", "affirmed"]["accuracy"] == pytest.approx(0.5, abs=0.01)


def test_identity_leaks_in_naive_sets_unless_hypernyms_are_held_out(sets):
    data = planted(sets["naive"], in_attention=0.0, in_similarity=0.0)
    assert accuracies(data, "pair")[0]["hypernym_identity", "affirmed"]["accuracy"] > 0.55
    assert accuracies(data, "hypernym")[0]["hypernym_identity", "affirmed"]["accuracy"] < 0.53


def test_permuted_labels_are_at_chance_even_where_attention_knows(sets):
    data = planted(sets["balanced"], in_attention=4.0, in_similarity=0.0)
    found = [accuracies(data, split)[0]["permuted_labels", "affirmed"] for split in ("pair", "hyponym", "neither")]
    assert all(0.42 < row["accuracy"] < 0.58 for row in found)


def said(knows, twins_know="nothing", **more):
    """Return scores of a world in which all groups of sentences were read."""
    pairs = experiment.make_pair_sets(load_norms("bundled"), negatives=["balanced"], max_per_hypernym=2)[1]
    world = experiment.planted_world(
        pairs, knows, twins_know=twins_know, groups=relations.GROUPS, rng=np.random.default_rng(4), **more
    )
    return world.features["balanced"], scoring.pair_scores(world.features["balanced"], "pair", n_folds=2,
                                                           n_fold_draws=5, seed=0)  # fmt: skip


def test_a_reader_of_the_sentence_and_a_knower_of_the_world_are_told_apart():
    """By labels of what is said the reader is perfect and the knower at chance; by labels of the world the reverse."""
    _, reader = said("assertion")
    _, knower = said("relation")
    assert reader.said["attention"].mean() > 0.95 and abs(knower.said["attention"].mean() - 0.5) < 0.15
    assert reader.compare("attention", "chance", "said").interval()[0] > 0.3
    assert knower.compare("attention", "chance", "said").interval()[0] < 0
    for group in relations.GROUPS:
        assert 0.35 < reader.seen["attention", group].mean() < 0.65 < 0.72 < knower.seen["attention", group].mean()


def test_the_words_of_a_sentence_say_nothing_of_a_family_left_out():
    """No answer that sees which words there are, or always gives the same, is above one half."""
    _, found = said("nothing")
    assert (found.said["frame_words"] == 0.5).all()


def test_each_predictor_of_what_is_said_sees_its_own_features():
    data, _ = said("nothing")
    signal = {group: 9.0 * (group == "affirmed") for group in relations.GROUPS}
    told = {group: maps + signal[group] for group, maps in data.attention.items()}
    surface = {group: features + signal[group] for group, features in data.surface.items()}
    for name, changed in {
        "attention": dataclasses.replace(data, attention=told),
        "attention_untrained": dataclasses.replace(data, untrained=[told]),
        "position": dataclasses.replace(data, surface=surface),
    }.items():
        found = scoring.pair_scores(changed, "pair", n_folds=2, n_fold_draws=5, seed=0).said
        assert {one for one in found if found[one].mean() > 0.85} == {name}


def test_no_sentence_of_the_family_or_the_pairs_tested_is_in_training(monkeypatch):
    data, _ = said("nothing")
    n, asked = len(data.pairs.pairs), []
    real = scoring.probes.probe_probabilities

    def listening(x, labels, rows, *, balance, penalty):
        asked.append((labels, rows, balance))
        return real(x, labels, rows, balance=balance, penalty=penalty)

    monkeypatch.setattr(scoring.probes, "probe_probabilities", listening)
    task = scoring._ProbeTask(data.pairs.labels, [(np.arange(4, n), np.arange(4))], [])
    templates = [template for group in relations.GROUPS for template in relations.templates(group)]
    tested = []
    for draw in range(6):
        asked.clear()
        for _ in scoring._said(data, task, draw):
            labels, ((train, test),), (pair,) = asked[-1]
            assert labels.tolist() == [template.group == "affirmed" for template in templates for _ in range(n)]
            assert pair == list(range(n)) * len(templates)
            names, met = ({templates[row // n] for row in rows} for rows in (test, train))
            assert {template.name for template in names} == set(relations.FAMILIES[draw % 5])
            assert not names & met and set(test % n) == {0, 1, 2, 3} and not set(train % n) & {0, 1, 2, 3}
            if any(template.group == "neutral" for template in names):
                assert all(template.group != "neutral" for template in met)
        tested.append(names)
    assert set.union(*tested) == set(templates) and tested[5] == tested[0]


def test_what_is_said_is_asked_only_where_all_groups_were_read(sets):
    found = scoring.pair_scores(planted(sets["balanced"], in_attention=1.0, in_similarity=0.0), "pair", n_folds=2,
                                n_fold_draws=3, seed=0)  # fmt: skip
    assert not found.said and {row["question"] for row in found.rows()} == {"relation"}


@pytest.mark.parametrize("asks", ["relation", "training", "said"])
def test_planted_comparisons_are_those_of_a_true_and_of_a_false_claim(asks):
    """Twenty hypernyms each: what is claimed is there where it is true, and about nothing where it is not."""
    made = {truth: experiment.planted_comparisons(asks, truth=truth, n_hypernyms=20, rng=np.random.default_rng(1))
            for truth in (True, False)}  # fmt: skip
    names = [one.control for one in made[True]]
    assert names == [one.control for one in made[False]] and {one.score for one in made[True]} == {"accuracy"}
    for true, false in zip(made[True], made[False], strict=True):
        assert true.asks == false.asks == asks
        assert true.difference > 0.05 and false.difference < true.difference - 0.05, true.control
        if true.control != "position" or asks != "said":  # positions mislead where families are left out
            assert abs(false.difference) < 0.12, true.control
    with pytest.raises(ExplaintError, match="questions of hypernymy are"):
        experiment.planted_comparisons("word", truth=True, n_hypernyms=10, rng=np.random.default_rng(0))


# --- with real, tiny models -------------------------------------------------------------------------------


class Glove:
    dim = 2

    def word_vectors(self, words):
        if words == ["robin"]:
            raise ExplaintError("not in glove")
        return np.array([[len(word), 1.0] for word in words])


@pytest.fixture(scope="module", params=["bert", "llama"])
def tiny(request, tmp_path_factory):
    """Run the experiment on a tiny model, with a cache of its own and no download."""
    folder = tmp_path_factory.mktemp(request.param)
    save = {"bert": save_tiny_bert, "llama": save_tiny_llama}[request.param]
    model, cache = save(folder / "model"), folder / "cache"
    real = encoders.load_encoder
    patch = pytest.MonkeyPatch()
    patch.setenv("EXPLAINT_CACHE", str(cache))
    patch.setattr(features, "load_vectors", lambda name: Glove())
    norms = load_norms("bundled")
    run = lambda: experiment.run_hypernymy(  # noqa: E731
        str(model), norms, negatives=("naive", "balanced"), splits=("pair", "neither"), groups=("negated",),
        max_per_hypernym=3, n_fold_draws=5, n_folds=2,
    )  # fmt: skip
    yield request.param, run, cache, real(str(model)), run()
    patch.undo()


def test_rows_have_every_key_and_a_second_run_is_equal_and_cached(tiny):
    family, run, cache, _, result = tiny
    files = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")}
    assert files and run().equals(result)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")} == files
    tables = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    keys = {"model", "question", "predictor", "negatives", "split", "accuracy", "ci_low", "ci_high", "chance", "n",
            "templates", "accuracy_unseen_template", "twin"}  # fmt: skip
    assert all(set(row) == keys for row in tables["rows"])
    for row in tables["rows"]:
        assert row["chance"] == 0.5 and (row["ci_low"] is None) == (row["predictor"] == "attention_untrained")
        assert row["ci_low"] is None or row["ci_low"] <= row["accuracy"] <= row["ci_high"]
    assert {row["predictor"] for row in tables["rows"]} == set(experiment.PREDICTORS)
    assert {row["templates"] for row in tables["rows"] if row["negatives"] == "naive"} == {"affirmed"}
    negated = [row for row in tables["rows"] if row["templates"] == "negated"]
    assert {(row["predictor"], row["negatives"]) for row in negated} == {("attention", "balanced")}
    assert result.manifest["arguments"]["family"] == {"bert": "encoder", "llama": "decoder"}[family]


def test_random_models_are_near_chance(tiny):
    rows = tiny[4].rows
    found = rows[rows.predictor.str.startswith("attention") & (rows.split == "neither")]
    assert len(found) and (found.accuracy < 0.68).all()


def test_attention_between_nouns_is_that_of_the_model(tiny):
    family, _, _, encoder, _ = tiny
    sentence = relations.fill(relations.TEMPLATES[2], "robin", "bird")  # the hypernym comes first
    row = pair_attention(encoder, [sentence])[0]
    encoding = encoder.encode([sentence.text])[0]
    begin, stop = encoding.offsets.T
    at = [np.flatnonzero((stop > a) & (begin < b) & (stop > begin)) for a, b in (sentence.hyponym, sentence.hypernym)]
    maps = encoding.attention
    expected = [maps[:, :, at[0]][..., at[1]].sum(-1).mean(-1), maps[:, :, at[1]][..., at[0]].sum(-1).mean(-1)]
    assert np.allclose(row[:-4], np.ravel(expected), atol=1e-6)
    assert row[-4:].tolist() == [at[0][0], at[1][0], len(at[0]), len(at[1])]
    if family == "llama":  # the earlier noun cannot see the later one
        assert (row[len(row[:-4]) // 2 : -4] == 0).all() and (row[: len(row[:-4]) // 2] > 0).any()


def test_a_noun_at_the_first_position_is_refused(tiny):
    family, _, _, encoder, _ = tiny
    sentence = Sentence("robins are birds.", (0, 6), (11, 16))
    if family == "llama":
        with pytest.raises(ExplaintError, match="must not stand first"):
            pair_attention(encoder, [sentence])
    else:
        assert pair_attention(encoder, [sentence]).shape[0] == 1  # a special token stands before it


def test_what_cannot_be_run_is_said():
    norms = load_norms("bundled")
    with pytest.raises(ExplaintError, match="negatives are some of naive, balanced, near"):
        experiment.run_hypernymy("minilm", norms, negatives=("unfair",))
    with pytest.raises(ExplaintError, match="expected splits"):
        experiment.run_hypernymy("minilm", norms, splits=("word",))
    with pytest.raises(ExplaintError, match="0 untrained seeds"):
        experiment.run_hypernymy("minilm", norms, untrained_seeds=0)
    with pytest.raises(ExplaintError, match="no attention"):
        experiment.run_hypernymy("glove", norms)


@pytest.mark.models
def test_minilm_reads_pairs_and_its_untrained_twin_does_not():
    result = experiment.run_hypernymy(
        "minilm", load_norms("bundled"), negatives=("balanced",), splits=("hyponym",), groups=("negated",),
        max_per_hypernym=3, n_fold_draws=5,
    )  # fmt: skip
    found = result.rows.set_index(["predictor", "templates"]).accuracy
    assert found["attention", "affirmed"] > 0.7 > found["attention_untrained", "affirmed"]
    assert found["attention", "negated"] > 0.7  # what the sentence says makes no difference to it
    assert found["word_similarity", "affirmed"] > 0.7  # and neither sentence nor attention is needed


# --- the command ------------------------------------------------------------------------------------------


def invoke(*arguments: object) -> str:
    app = typer.Typer(rich_markup_mode="rich")
    app.command()(command.hypernymy)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, ExplaintError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def asked(monkeypatch, sets):
    monkeypatch.setenv("COLUMNS", "110")
    told = {}

    def fake(model, norms, **arguments):
        told.update(arguments, model=model, norms=norms.name)
        made = {"balanced": sets["balanced"]}
        world = experiment.planted_world(made, "relation", groups=relations.GROUPS, rng=np.random.default_rng(0))
        found = experiment.score_hypernymy(world, splits=["pair"], n_folds=2, n_fold_draws=5)
        settings = found.manifest["arguments"] | {"twin": "initialised"}
        about = found.manifest | {"model": {"name": "[toy]"}, "arguments": settings, "seed": 7}
        return Result("hypernymy", about, found.rows, found.tests)

    monkeypatch.setattr("explaint_lib.experiments.hypernymy.run_hypernymy", fake)
    return told


def test_the_command_prints_tables_and_writes_json(asked, tmp_path):
    out = tmp_path / "out.json"
    shown = invoke("--model", "toy", "--json", out, "--negatives", "wordnet, balanced", "--per-hypernym", 9)
    assert asked["negatives"] == ["wordnet_similar", "wordnet_level", "balanced"] and asked["max_per_hypernym"] == 9
    assert "[toy]" in shown and "NOT human norms" in shown and "every word as often right as wrong" in shown
    for label in command._LABELS.values():
        assert label in shown
    assert "in a template left out" in shown and "negated" in shown and "What attention adds" in shown
    assert all(label in shown for label in command._SAID.values()) and "that assert the relation" in shown
    assert len(Result.from_json(out).rows) == len(experiment.PREDICTORS) + 3 + len(experiment.SAID_PREDICTORS)


def test_the_table_is_printed_whatever_happens_to_the_file(asked, tmp_path, monkeypatch):
    events = []
    show = command._show
    monkeypatch.setattr(command, "_show", lambda *given: events.append("shown") or show(*given))
    monkeypatch.setattr(command, "write_result", lambda *_: events.append("written"))
    invoke("--model", "toy", "--json", tmp_path / "a.json")
    assert asked["negatives"] == list(experiment.NEGATIVES)  # the two sets of the paper among them
    assert events == ["shown", "written"]


def test_the_command_refuses_before_the_long_run(asked, tmp_path):
    with pytest.raises(ExplaintError, match="folder .* does not exist"):
        invoke("--model", "toy", "--json", tmp_path / "no" / "out.json")
    with pytest.raises(ExplaintError, match="--negatives takes naive, balanced"):
        invoke("--model", "toy", "--negatives", "hard")
    with pytest.raises(ExplaintError, match="--negatives takes"):
        invoke("--model", "toy", "--negatives", ",")
    assert not asked


def test_help_teaches_the_rivals():
    shown = invoke("--help")
    for word in ("untrained twin", "lexical memorisation", "similarity", "permuted labels", "NOT a tool"):
        assert word in shown


def test_every_predictor_and_negative_has_a_label():
    assert tuple(command._LABELS) == experiment.PREDICTORS and tuple(command._SAID) == experiment.SAID_PREDICTORS
    assert tuple(command._NEGATIVES) == experiment.NEGATIVES


def test_the_input_rows_of_a_word_are_those_it_has_inside_a_sentence(tmp_path):
    """A tokenizer like Llama 2's, without a pre-tokenizer, joins the spaces before a word that stands alone."""
    from tokenizers import Tokenizer, models, normalizers
    from transformers import PreTrainedTokenizerFast

    steps = ["▁ ▁", "r o", "b i", "bi n", "▁ ro", "▁ro bin"]
    spellings = ["<unk>", "▁", *sorted(set("Theysawthrobin.")), *(step.replace(" ", "") for step in steps)]
    vocabulary = {spelling: i for i, spelling in enumerate(spellings)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(step.split()) for step in steps], unk_token="<unk>"))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    encoder = encoders.load_encoder(str(save_tiny_llama(tmp_path)))
    encoder.tokenizer = tokenizer
    assert tokenizer.tokenize(" robin") == ["▁▁", "ro", "bin"]
    assert features._input_ids(encoder, "robin") == [vocabulary["▁robin"]]


@pytest.mark.parametrize("shape", [(1, 4, 6, 6), (3, 4, 6, 5)], ids=["some layers only", "a window"])
def test_a_model_without_a_whole_map_in_every_layer_is_refused(tmp_path, monkeypatch, shape):
    """As of models that mix attention with other layers (Jamba), or look through a window (Longformer)."""
    from types import SimpleNamespace

    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))

    class Seen(SimpleNamespace):
        def __len__(self):
            return 6

    encoder = SimpleNamespace(
        name="toy", n_layers=3, n_heads=4, untrained=False, identity=dict,
        encode=lambda texts, **_: [Seen(attention=np.zeros(shape)) for _ in texts],
    )  # fmt: skip
    with pytest.raises(ExplaintError, match="expected a map of every token by every token in each of its 3 layers"):
        pair_attention(encoder, [Sentence("a robin is a bird", (2, 7), (13, 17))])
