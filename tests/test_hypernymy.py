"""The hypernymy experiment: planted attention is found, rivals that know it are seen to know it, chance is chance."""

from __future__ import annotations

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
    return features.PairFeatures(pairs, {"affirmed": maps(in_attention), "negated": maps(in_attention)}, [maps(0.0)],
                             surface, words)  # fmt: skip


def accuracies(data, split="pair"):
    seen, unseen = scoring.pair_accuracies(data, split, n_folds=3, seed=0)
    rows, tests = scoring.summarise("toy", data, split, seen, unseen, n_boot=200, seed=0)
    return {(row["predictor"], row["templates"]): row for row in rows}, {
        (row["predictor"], row["control"]): row for row in tests
    }


@pytest.mark.parametrize("split", ["pair", "neither"])
def test_planted_attention_is_found_where_it_was_planted_and_nowhere_else(sets, split):
    rows, tests = accuracies(planted(sets["balanced"], in_attention=3.0, in_similarity=0.0), split)
    assert rows["attention", "affirmed"]["accuracy"] > 0.85 and rows["attention", "negated"]["accuracy"] > 0.85
    assert rows["attention", "affirmed"]["accuracy_unseen_template"] > 0.85
    for rival in ("attention_untrained", "word_similarity", "position", "frequency", "permuted_labels", "rivals"):
        row = rows[rival, "affirmed"]
        assert 0.38 < row["accuracy"] < 0.62 and row["ci_low"] < 0.55, rival
        assert tests["attention", rival]["ci_low"] > 0 and tests["attention", rival]["p_value"] < 0.01
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
    found = experiment.score_hypernymy(world, splits=("pair",), n_folds=3, n_boot=200)
    assert found.manifest["model"] == {"name": knows} and found.manifest["data"]["n_pairs_naive"] > 100
    assert set(found.rows.model) == {knows} and found.manifest["arguments"]["n_folds"] == 3
    score = found.rows.set_index(["negatives", "predictor"]).accuracy
    added = found.tests[found.tests.predictor == "rivals_and_attention"].set_index("negatives").loc["balanced"]
    assert (added["ci_low"] > 0.02) == (knows == "relation")
    assert (score["naive", "attention"] > 0.58) == (knows != "nothing")  # a naive test is passed by all but nothing
    assert (score["balanced", "attention"] > 0.58) == (knows in ("relation", "similarity"))
    if knows == "similarity":
        assert abs(score["balanced", "attention"] - score["balanced", "word_similarity"]) < 0.05
    if knows == "hypernym":
        assert score["naive", "hypernym_identity"] > score["naive", "attention"] - 0.05


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
    assert accuracies(data, "pair")[0]["hypernym_identity", "affirmed"]["accuracy"] > 0.58
    assert accuracies(data, "hypernym")[0]["hypernym_identity", "affirmed"]["accuracy"] < 0.53


def test_permuted_labels_are_at_chance_even_where_attention_knows(sets):
    data = planted(sets["balanced"], in_attention=4.0, in_similarity=0.0)
    found = [accuracies(data, split)[0]["permuted_labels", "affirmed"] for split in ("pair", "hyponym", "neither")]
    assert all(0.42 < row["accuracy"] < 0.58 for row in found)


def test_intervals_resample_hypernyms_not_pairs(sets):
    """A score that depends on the hypernym alone is as uncertain as the number of hypernyms says."""
    from explaint_lib import inference

    pairs = sets["balanced"]
    luck = np.random.default_rng(0).random(len(set(pairs.hypernyms)))
    gap = luck[np.unique(pairs.hypernyms, return_inverse=True)[1]]
    found = scoring._gap(gap, np.zeros_like(gap), pairs.hypernyms, 500, 0)
    low, high = inference.bootstrap_ci(gap, 500, rng=np.random.default_rng(0))
    assert found["ci_high"] - found["ci_low"] > 2 * (high - low)


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
        max_per_hypernym=3, n_boot=50, n_folds=2,
    )  # fmt: skip
    yield request.param, run, cache, real(str(model)), run()
    patch.undo()


def test_rows_have_every_key_and_a_second_run_is_equal_and_cached(tiny):
    family, run, cache, _, result = tiny
    files = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")}
    assert files and run().equals(result)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")} == files
    tables = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    keys = {"model", "predictor", "negatives", "split", "accuracy", "ci_low", "ci_high", "chance", "n", "templates",
            "accuracy_unseen_template", "twin"}  # fmt: skip
    assert all(set(row) == keys for row in tables["rows"])
    assert all(row["ci_low"] <= row["accuracy"] <= row["ci_high"] and row["chance"] == 0.5 for row in tables["rows"])
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
        max_per_hypernym=3, n_boot=100,
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
        data = planted(sets["balanced"], in_attention=3.0, in_similarity=1.0)
        rows, tests = scoring.summarise(
            "toy", data, "pair", *scoring.pair_accuracies(data, "pair", n_folds=3, seed=0), n_boot=50, seed=0
        )
        settings = {
            "twin": "initialised",
            "negatives": ["balanced"],
            "splits": ["pair"],
            "groups": ["affirmed", "negated"],
        }
        about = {"model": {"name": "[toy]"}, "data": {"n_pairs_balanced": 300}, "arguments": settings, "seed": 7}
        return Result("hypernymy", about, rows, tests)

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
    assert len(Result.from_json(out).rows) == len(experiment.PREDICTORS) + 1


def test_the_table_is_printed_whatever_happens_to_the_file(asked, tmp_path, monkeypatch):
    events = []
    show = command._show
    monkeypatch.setattr(command, "_show", lambda *given: events.append("shown") or show(*given))
    monkeypatch.setattr(command, "write_result", lambda *_: events.append("written"))
    invoke("--model", "toy", "--json", tmp_path / "a.json")
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
    for word in ("untrained twin", "lexical memorisation", "similarity", "permuted labels", "NOT a bird"):
        assert word in shown


def test_every_predictor_and_negative_has_a_label():
    assert tuple(command._LABELS) == experiment.PREDICTORS
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
