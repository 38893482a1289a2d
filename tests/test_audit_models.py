"""Claims about models: each is the experiment of its chapter, asked at the place that the claim names."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest
from helpers_models import save_tiny_bert, save_tiny_llama

from explaint_lib import attribution, audit, encoders, inference, probes, relations
from explaint_lib._common import ExplaintError
from explaint_lib.audit import _kinds, _models
from explaint_lib.experiments import eviction, pruning
from explaint_lib.experiments.continuity import run_continuity
from explaint_lib.results import pick

TEXT = "a robin is a small bird the trout swam and truck of fire brigade red sang"
WORDS = TEXT.split()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with two tiny models and 30 sentences of one length."""
    import torch
    from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    save_tiny_bert(folder / "bert")
    config = BertConfig.from_pretrained(folder / "bert", max_position_embeddings=256)  # room for sentences of a grammar
    said = json.loads((folder / "bert" / "tokenizer_config.json").read_text())
    (folder / "bert" / "tokenizer_config.json").write_text(json.dumps(said | {"model_max_length": 256}))
    save_tiny_llama(folder / "llama")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder / "bert")
        LlamaForCausalLM(LlamaConfig.from_pretrained(folder / "llama")).save_pretrained(folder / "llama")
    sentences = {" ".join(rng.choice(WORDS, 7, replace=False)) for _ in range(30)}
    (folder / "text.txt").write_text("\n".join(sorted(sentences)), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch):
    few = {"sentences": 30, "interventions": 20, "methods": 5, "passages": 3, "heads": 6, "draws": 2, "pairs": 3}
    monkeypatch.setitem(_models.EFFORTS, "quick", few)


def audited(place, tmp_path, *claims, model="bert", seed=0, said=""):
    lines = ["explaint_audit: 1", "profile: quick", f"model: {place / model}", "text: text.txt", f"seed: {seed}", said]
    path = place / "claims.yaml"
    path.write_text("\n".join([*lines, "claims:", *claims]), encoding="utf-8")
    results = audit.run_audit(audit.read_claims(path), tmp_path)
    jsonschema.validate(results, audit.results_schema())
    return results["claims"]


def numbers(claim):
    return {row["control"]: row["difference"] for row in claim["controls"]}


def test_a_position_is_asked_at_its_layer_and_in_its_meaning(place, tmp_path):
    asked = [(meaning, layer) for meaning in _kinds.POSITIONS for layer in (0, 2)]
    claims = [
        f"  - {{id: c{i}, type: position_keeps_token, meaning: {meaning}, layer: {layer}}}"
        for i, (meaning, layer) in enumerate(asked)
    ]
    found = audited(place, tmp_path, *claims)
    lines = (place / "text.txt").read_text().splitlines()
    result = run_continuity(
        str(place / "bert"), lines, untrained_seeds=0, n_interventions=20, mlp_layers=0, vocabulary_items=0, n_boot=9
    )
    for claim, (meaning, layer) in zip(found, asked, strict=True):
        rows = pick(result.tests, layer=layer, **_kinds.POSITIONS[meaning])
        own = dict(zip(rows["control"], rows["difference"], strict=True))
        missing = {one["control"] for one in claim["not_run"]}
        assert numbers(claim) == pytest.approx({name: own[name] for name in {"chance", "one half"} - missing})
        assert missing == {"chance", "one half"} - set(own)
    assert numbers(found[6]) != numbers(found[7]), "another layer, another number"
    assert numbers(found[1]) != numbers(found[7]), "another meaning, another number"


def test_the_last_layer_is_the_last_one_and_a_layer_that_is_none_is_refused(place, tmp_path):
    claim = "  - {type: position_keeps_token, meaning: causal_locality, layer: %s}"
    last, second = (audited(place, tmp_path / str(layer), claim % layer)[0] for layer in ("last", 2))
    assert numbers(last) == pytest.approx(numbers(second))
    with pytest.raises(ExplaintError, match="layer"):
        audited(place, tmp_path, claim % 3)


def test_more_than_chance_asks_for_less_than_mostly(place, tmp_path):
    claim = "  - {type: position_keeps_token, meaning: content_share, degree: more than chance}"
    found = audited(place, tmp_path, claim)[0]
    assert list(numbers(found)) == ["chance"] and "more than chance" in found["sentence"]


def test_a_method_is_compared_with_distance_and_raw_attention_on_the_effect_it_names(place, tmp_path):
    kind = audit.KINDS["method_follows_effect"]
    assert kind.keys["method"].allowed == tuple(attribution.METHODS)
    assert kind.keys["effect"].allowed == tuple(attribution.CAUSAL)
    claims = [
        f"  - {{id: {name}, type: method_follows_effect, method: {method}, effect: {effect}}}"
        for name, method, effect in (
            ("a", "rollout", "token exchanged"), ("b", "rollout", "values ablated"),
            ("c", "raw attention", "token exchanged"),
        )
    ]  # fmt: skip
    found = audited(place, tmp_path, *claims)
    lines = (place / "text.txt").read_text().splitlines()[:5]
    tests = attribution.compare_methods(encoders.load_encoder(str(place / "bert")), lines, seed=0).result.tests
    for claim, effect in zip(found[:2], attribution.CAUSAL, strict=True):
        rows = pick(tests, level="tokens", method="rollout", score=f"agreement with {effect}")
        assert numbers(claim) == pytest.approx(dict(zip(rows["control"], rows["difference"], strict=True)))
        assert {row["margin"] for row in claim["controls"]} == {inference.MARGINS["agreement"]}
    assert list(numbers(found[2])) == ["nearness"] and numbers(found[0]) != numbers(found[1])


def test_which_heads_go_is_judged_by_the_pruning_experiment(place, tmp_path):
    claim = "  - {type: attention_says_which_heads_go}"
    found = audited(place, tmp_path, claim)[0]
    encoder, rng = encoders.load_encoder(str(place / "bert")), np.random.default_rng(0)
    ids = pruning.texts_of_one_length(encoder, (place / "text.txt").read_text().splitlines(), 6, rng=rng)
    pruned = pruning.prune_heads(
        encoder, ids, shares=_models._SHARES, n_draws=2, n_orders=2, special=encoder.tokenizer.all_special_ids, rng=rng
    )
    expected = {name: pruned.compare("attention confidence", name).difference for name in numbers(found)}
    assert numbers(found) == pytest.approx(expected) and len(expected) == 4
    assert found["word"] == "cannot tell", "two draws say too little"
    assert numbers(audited(place, tmp_path, claim, seed=1)[0]) != numbers(found)


def test_what_to_keep_is_asked_of_decoders_alone(place, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    passages = [eviction.Passage("p", " ".join(rng.choice(WORDS, 300))) for _ in range(3)]
    monkeypatch.setattr(eviction, "bundled_passages", lambda: passages)
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    claims = [
        "  - {id: a, type: attention_says_what_to_keep}",
        "  - {id: b, type: attention_says_what_to_keep, boundaries: unprotected}",
    ]
    none = audited(place, tmp_path / "bert", claims[0])[0]
    assert none["word"] == "cannot tell" and len(none["not_run"]) == 3 and not none["controls"]
    assert "no decoder" in none["not_run"][0]["why"] and "not run" in none["verdict"]
    kept, free = audited(place, tmp_path / "llama", *claims, model="llama")
    run = eviction.run_eviction(
        encoders.load_encoder(str(place / "llama")), passages, policies=["accumulated attention", "random", "recent"],
        boundaries={"protected": (4, 0.5), "unprotected": (0, 0.0)}, continuations=["goes on"],
    )  # fmt: skip
    for claim, ends, recent in ((kept, "protected", "sinks + recent"), (free, "unprotected", "recent")):
        table = pick(run.rows, metric="loss", condition=ends).pivot(index="text", columns="method", values="value")
        assert set(numbers(claim)) == {"random", "least recently used", recent}
        expected = float((table["recent"] - table["accumulated attention"]).mean())
        assert numbers(claim)[recent] == pytest.approx(expected)


def test_every_control_of_every_claim_was_tried_in_planted_worlds():
    """Else its verdict could only be "no verdict"."""
    table = inference.calibration()
    tried = set(zip(table["asks"], table["control"], table["score"], strict=True))
    for kind in audit.KINDS.values():
        spread = [dict()]
        for key, one in kind.keys.items():
            spread = [old | {key: value} for old in spread for value in one.allowed or (one.default,)]
        for options in spread:
            for control in kind.controls(options):
                scores = {"main": ("F1@10", "Spearman per word"), "damage": ("nats per token", "cosine distance")}
                for score in scores.get(control.score, (control.score,)):
                    assert (control.asks, control.name, score) in tried, (kind.name, control)


def test_a_head_is_judged_against_offsets_and_twins_where_the_relation_points(place, tmp_path):
    claims = [
        "  - {id: best, type: head_encodes_relation, relation: nsubj}",
        "  - {id: named, type: head_encodes_relation, relation: nsubj, head: 1/3}",
        "  - {id: turned, type: head_encodes_relation, relation: nsubj, looks_from: head, head: 1/3}",
        "  - {id: other, type: head_encodes_relation, relation: det, head: 1/3}",
    ]
    best, named, turned, other = audited(place, tmp_path, *claims)
    assert set(numbers(best)) == {"fixed offset", "untrained twin"} and best["word"] != "supported"
    sentences = relations.parsed_sentences(120, rng=np.random.default_rng(0))
    encoder, right = encoders.load_encoder(str(place / "bert")), []
    for sentence, encoding in zip(sentences, encoder.encode([one.text for one in sentences]), strict=True):
        maps = probes.word_attention(encoding.attention, encoding.word_ids)[1, 3]
        np.fill_diagonal(maps, -1)
        right += [maps[a].argmax() == b for relation, a, b in sentence.relations if relation == "nsubj"]
    assert named["levels"]["share of words"] == pytest.approx(np.mean(right))
    shares = [one["levels"]["share of words"] for one in (named, turned, other)]
    assert len(set(shares)) == 3, "another end, another relation, another number"
    with pytest.raises(ExplaintError, match="2 layers x 4 heads"):
        audited(place, tmp_path, "  - {type: head_encodes_relation, head: 2/0}")
    with pytest.raises(ExplaintError, match="such as 4/7; found"):
        audited(place, tmp_path, "  - {type: head_encodes_relation, head: 2}")


def test_what_is_wrong_with_sources_is_said_at_once_before_a_model_is_loaded(place, tmp_path, monkeypatch):
    monkeypatch.setattr(encoders, "load_encoder", lambda *_, **__: pytest.fail("a model was loaded"))
    (place / "few.txt").write_text("one two\n" * 30)
    claims = [
        "  - {type: position_keeps_token, layer: 3}",
        "  - {id: few, type: position_keeps_token, text: few.txt}",
        "  - {id: short, type: method_follows_effect, text: few.txt}",
        "  - {type: map_adds}",
    ]
    with pytest.raises(ExplaintError) as fault:
        audited(place, tmp_path, *claims)
    for said in (
        "to 2; found 3",
        "few needs 20 different sentences, found 1",
        "5 to 12 words, found 0",
        "no vector for",
    ):
        assert said in str(fault.value), fault.value
    assert not list((tmp_path / "claims").iterdir())


def test_a_table_of_vectors_is_asked_of_vectors_alone(place, tmp_path, monkeypatch):
    text = audit.claim_file(model="glove", static=True)
    asked = audit.parse_claims(text.encode(), "mine").claims
    assert {one.kind.needs for one in asked} == {"vectors"} and len(asked) == 5
    table = encoders.Outline("glove", "pinned", 0, lambda words: [], None)
    monkeypatch.setattr(encoders, "outline", lambda name, **_: table)
    with pytest.raises(ExplaintError, match="is a table of vectors, without layers"):
        audited(place, tmp_path, "  - {type: attention_says_which_heads_go}")


@pytest.mark.models
def test_the_published_model_reads_hypernymy_no_better_than_its_vectors_do(tmp_path):
    text = audit.claim_file(model="minilm", profile="quick")
    path = tmp_path / "claims.yaml"
    path.write_text(text.split("claims:")[0] + "claims:\n  - {type: attention_encodes_hypernymy}\n")
    claim = audit.run_audit(audit.read_claims(path), tmp_path)["claims"][0]
    found = numbers(claim)
    assert set(found) == {one.name for one in audit.KINDS["attention_encodes_hypernymy"].controls({})}
    assert found["chance"] > 0.2 > found["own_vectors"] and claim["word"] != "supported"
