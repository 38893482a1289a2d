"""The audit: claim files good and hostile, planted worlds, kill and resume, a changed file, outputs."""

from __future__ import annotations

import json
import re
import sys
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pandas as pd
import pytest

from explaint_lib import audit, cli, mappers, metrics, planted
from explaint_lib._common import ExplaintError
from explaint_lib.audit import _run, _vectors

HOSTILE = "<script>alert(1)</script> & $x$ \\input{etc} |\u202e\x07"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """Norms and vectors of planted worlds, as files: one that knows the words, one its categories, one nothing."""
    folder, made = tmp_path_factory.mktemp("worlds"), {}
    for kind, strength in (("category_and_attributes", 1.0), ("category", 2.0), ("nothing", 1.0)):
        world = planted.property_world(
            kind, n_words=120, n_categories=8, strength=strength, rng=np.random.default_rng(3)
        )
        table = pd.DataFrame(world.values, columns=world.features, index=pd.Index(world.words, name="word"))
        table.insert(0, "category", world.categories)
        table.to_csv(folder / f"norms_{kind}.csv")
        np.savez(folder / f"{kind}.npz", words=np.array(world.words), vectors=world.embeddings)
        made[kind] = world
    table[list(world.features)] = np.roll(world.values, 1, axis=0)  # every word with the features of another
    table.to_csv(folder / "norms_wrong.csv")
    made["folder"] = folder
    return made


def claims_of(worlds, kind, *more, seed=0, norms=None, name="claims.yaml"):
    """Write a claim file on one world, with these claims."""
    lines = ["explaint_audit: 1", "profile: quick", f"seed: {seed}", f"vectors: {kind}.npz"]
    lines += [f"norms: {worlds['folder'] / f'norms_{norms or kind}.csv'}", "claims:", *more]
    path = worlds["folder"] / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


FEATURES = "  - {type: vectors_hold_features, beyond: base rates, components: 10}"
FEW = "  - {type: vectors_hold_features, components: 10, leave_out: [permuted pairing, rewired norms], because: few}"
NEAR = "  - {type: vectors_hold_features, beyond: neighbours, components: 10}"
CATEGORY = "  - {type: vectors_hold_features, beyond: category, components: 10}"


def words(results):
    return {one["id"].rpartition("-")[2]: one["word"] for one in results["claims"]}


def run(*arguments):
    """Run the command line as `main` does; return its exit code."""
    sys.argv = ["explaint", "audit", *map(str, arguments)]
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


# -- worlds ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def audited(worlds, tmp_path_factory):
    """Results of two claims in each world."""
    found = {}
    for kind in ("category_and_attributes", "category", "nothing"):
        path = claims_of(worlds, kind, FEATURES, CATEGORY, name=f"{kind}.yaml")
        found[kind] = audit.run_audit(audit.read_claims(path), tmp_path_factory.mktemp(kind))
    return found


@pytest.mark.parametrize(
    ("kind", "knows"),
    [("category_and_attributes", (True, True)), ("category", (True, False)), ("nothing", (False, False))],
)
def test_the_audit_supports_what_is_true_in_a_world_and_nothing_else(audited, kind, knows):
    found = words(audited[kind])
    assert ((found["base_rates"] == "supported"), (found["category"] == "supported")) == knows, found


def test_the_numbers_are_those_of_the_parts_that_made_them(audited, worlds):
    world, found = worlds["category_and_attributes"], audited["category_and_attributes"]["claims"][0]
    rng = np.random.default_rng([0, *b"folds"])
    parts = [mappers.make_folds(120, 5, rng=rng) for _ in range(5)]
    scores = [
        metrics.f1_at_k(mappers.CrossFit(mappers.PLSR(10), world.embeddings, part).predict(world.values), world.values)
        for part in parts
    ]
    assert found["levels"]["F1@10: score"] == pytest.approx(np.mean(scores))
    row = next(one for one in found["controls"] if one["control"] == "mean profile")
    assert (row["n"], row["draws"], row["varied"]) == (120, 5, "folds") and row["power"] >= 0.5
    assert row["ci_low"] < row["difference"] < row["ci_high"] and found["data"]["n_words"] == 120


def test_a_permutation_inside_categories_keeps_what_the_category_gives(audited):
    features, category = audited["category"]["claims"]
    rows = {row["control"]: row["difference"] for one in (features, category) for row in one["controls"]}
    assert abs(rows["permuted in category"]) < 0.05 < 0.2 < rows["permuted pairing"]


def test_copying_takes_the_number_of_neighbours_that_suits_it_best(worlds, tmp_path):
    world = worlds["category_and_attributes"]
    claim = "  - {type: map_adds, components: 10, leave_out: [similarity encoding], because: few}"
    path = claims_of(worlds, "category_and_attributes", claim)
    found = audit.run_audit(audit.read_claims(path), tmp_path)["claims"][0]
    X, Y, rng = world.embeddings - world.embeddings.mean(axis=0), world.values, np.random.default_rng([0, *b"folds"])
    cosine, parts = metrics.cosines(X, X), [mappers.make_folds(120, 5, rng=rng) for _ in range(5)]
    means = []
    for k in (3, 10, 30):
        guesses = []
        for part in parts:
            order = np.argsort(-np.where(part[:, None] == part, -9, cosine), axis=1)[:, :k]
            guesses.append(metrics.f1_at_k(Y[order].mean(axis=1), Y).mean())
        means.append(np.mean(guesses))
    copied = next(row for row in found["controls"] if row["control"] == "copied")
    assert found["levels"]["F1@10: score"] - copied["difference"] == pytest.approx(max(means))


def test_other_norms_and_another_seed_give_other_numbers_and_the_same_seed_the_same_bytes(audited, worlds, tmp_path):
    def level(path, out):
        return audit.run_audit(audit.read_claims(path), tmp_path / out)["claims"][0]["levels"]["F1@10: score"]

    own = audited["category_and_attributes"]["claims"][0]["levels"]["F1@10: score"]
    assert level(claims_of(worlds, "category_and_attributes", FEW, seed=1), "seed") != own
    assert level(claims_of(worlds, "category_and_attributes", FEW, norms="wrong"), "norms") != own
    path = claims_of(worlds, "category_and_attributes", FEW)
    for out in ("a", "b"):
        audit.write_outputs(audit.run_audit(audit.read_claims(path), tmp_path / out), tmp_path / out)
    for name in (audit.RESULTS, *audit.OUTPUTS):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_predictions_from_a_file_are_judged_by_what_needs_no_refit(worlds, audited, tmp_path):
    world, rng = worlds["category_and_attributes"], np.random.default_rng([0, *b"folds"])
    parts = np.stack([mappers.make_folds(120, 5, rng=rng) for _ in range(5)])
    guesses = [mappers.CrossFit(mappers.PLSR(10), world.embeddings, part).predict(world.values) for part in parts]
    shuffled = np.random.default_rng(1).permutation(120)  # another order of words and features must change nothing
    np.savez(
        worlds["folder"] / "mine.npz",
        words=np.array(world.words)[shuffled],
        features=np.array(world.features)[::-1],
        folds=parts[:, shuffled],
        predicted=np.stack(guesses)[:, shuffled, ::-1],
    )
    path = claims_of(worlds, "x", FEATURES, CATEGORY, norms="category_and_attributes", name="p.yaml")
    path.write_text(path.read_text().replace("vectors: x.npz", "predictions: mine.npz"))
    found = audit.run_audit(audit.read_claims(path), tmp_path)["claims"]
    own = audited["category_and_attributes"]["claims"]
    for ours, theirs, missing in zip(
        found, own, ({"permuted pairing", "rewired norms"}, {"permuted in category"}), strict=True
    ):
        assert {one["control"] for one in ours["not_run"]} == missing
        assert ours["verdict"].count("not run") == len(missing) and "Not excluded" in ours["may"]
        numbers = {one["control"]: one["difference"] for one in theirs["controls"]}
        for row in ours["controls"]:
            assert row["difference"] == pytest.approx(numbers[row["control"]]), row["control"]


def test_a_control_that_decides_nothing_is_named_as_passed_over_and_not_as_excluded(audited):
    claim = audited["category_and_attributes"]["claims"][1]
    over = {one["control"] for one in claim["controls"] if one["ci_low"] is None or one["ci_low"] <= 0}
    assert set(claim["passed_over"]) == over
    for name in over:
        assert f"{name} passed over" in claim["verdict"] and name not in claim["may"]


# -- claim files -------------------------------------------------------------------------------------------------------


def test_every_fault_of_a_file_is_said_at_once_with_its_line_and_key(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        "explaint_audit: 2\nprofile: fast\nmodle: minilm\nmodel: minilm\nseed: yes\nsmallest_effects: {F1@10: 2}\n"
        "claims:\n  - {type: map_ads}\n  - {type: map_adds, layer: -1}\n"
        "  - {type: vectors_hold_features, beyond: wrods, leave_out: [copied]}\n"
        "  - {type: map_adds, leave_out: [copied]}\n  - {type: map_adds, vectors: nowhere.npz}\n"
        "  - {beyond: category}\n"
    )
    with pytest.raises(ExplaintError) as fault:
        audit.read_claims(path)
    said = str(fault.value)
    for line, key, expected in (
        (1, "explaint_audit", "expected 1"), (2, "profile", "quick or full"), (3, "modle", "Did you mean model?"),
        (5, "seed", "whole number"), (6, "smallest_effects.F1@10", "below 1; found 2"),
        (8, "claims[0].type", "did you mean map_adds?"), (9, "claims[1].layer", "found -1"),
        (10, "claims[2].beyond", "base rates, category"), (11, "claims[3].because", "the reason why"),
        (12, "claims[4].vectors", "a file, looked for at"), (13, "claims[5].type", "found None"),
    ):  # fmt: skip
        assert re.search(rf"line {line}, {re.escape(key)}: .*{re.escape(expected)}", said), (line, key, said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x\n", "an alias"),
        ("claims: !!python/object/apply:os.system ['true']\n", "the tag"),
        ("claims: " + "[" * 40 + "]" * 40, "nested deeper"),
        ("seed: 1\nseed: 2\n", "stands twice"),
        ("a: [1\n", "no YAML in line"),
        ("when: 2026-12-01\n", "a date"),
        ("", "expected a list of 1 to 100 claims"),
        ("- 1\n", "keys and values"),
        ("a: \x07", "does not allow"),
    ],
)
def test_hostile_yaml_is_refused_in_a_sentence(text, said, tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExplaintError, match=re.escape(said)):
        audit.read_claims(path)


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "large.yaml").write_bytes(b"#" * (2**18 + 1))
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    for name, said in (("large.yaml", "bytes"), ("latin.yaml", "UTF-8"), ("none.yaml", "cannot read"), (".", "cannot")):
        with pytest.raises(ExplaintError, match=said):
            audit.read_claims(tmp_path / name)


@pytest.mark.parametrize("commented", [True, False])
def test_the_files_that_the_library_writes_can_be_read_and_differ_by_what_they_ask(commented):
    text = audit.claim_file(model="minilm", commented=commented)
    read = audit.parse_claims(text.encode(), "mine")
    assert [one.kind.name for one in read.claims[:2]] == ["vectors_hold_features"] * 2
    assert {one.kind.name for one in read.claims} == set(audit.KINDS)
    assert read.sha256 != audit.parse_claims(audit.claim_file(model="smollm2").encode(), "mine").sha256
    for kind in audit.KINDS.values():
        assert not commented or kind.about in text


def test_vectors_that_are_none_are_refused_before_a_model_is_loaded(worlds, tmp_path):
    bad = {
        "pickle.npz": {"words": np.array(["a", None], dtype=object), "vectors": np.eye(2)},
        "short.npz": {"words": ["a", "b", "c"], "vectors": np.eye(2)},
        "nan.npz": {"words": ["a", "b"], "vectors": np.array([[np.nan], [1.0]])},
        "twice.npz": {"words": ["a", "a"], "vectors": np.eye(2)},
        "other.npz": {"words": ["zyx", "xyz"], "vectors": np.eye(2)},
    }
    for name, arrays in bad.items():
        np.savez(worlds["folder"] / name, **arrays)
    (worlds["folder"] / "text.npz").write_text("no zip")
    for name, said in (
        ("pickle.npz", "unpickled"), ("short.npz", "shape"), ("nan.npz", "finite"), ("twice.npz", "twice"),
        ("other.npz", "at least 20 words"), ("text.npz", "no .npz"),
    ):  # fmt: skip
        path = claims_of(worlds, name.removesuffix(".npz"), FEATURES, norms="category", name="bad.yaml")
        with pytest.raises(ExplaintError, match=said):
            audit.run_audit(audit.read_claims(path), tmp_path)


def test_three_formats_of_vectors_are_read_alike(worlds, tmp_path):
    from safetensors.numpy import save_file

    npz = audit.read_vectors(worlds["folder"] / "category.npz")
    pd.DataFrame(npz.vectors, index=pd.Index(npz.words, name="word")).to_csv(tmp_path / "v.csv")
    save_file({"vectors": npz.vectors}, tmp_path / "v.safetensors", {"words": json.dumps(npz.words)})
    for name in ("v.csv", "v.safetensors"):
        found = audit.read_vectors(tmp_path / name)
        assert found.words == npz.words and np.allclose(found.vectors, npz.vectors)


# -- kept, resumed, changed --------------------------------------------------------------------------------------------


def test_a_killed_run_goes_on_where_it_was_and_damage_is_computed_again(worlds, tmp_path, monkeypatch):
    path = claims_of(worlds, "category", FEW, NEAR)
    whole = audit.run_audit(audit.read_claims(path), tmp_path / "whole")
    ran, real = [], _run._RUN["vectors_hold_features"]

    def once(claim, *rest):
        if ran:
            raise KeyboardInterrupt
        ran.append(claim.id)
        return real(claim, *rest)

    def note(claim, *rest):
        ran.append(claim.id)
        return real(claim, *rest)

    monkeypatch.setitem(_run._RUN, "vectors_hold_features", once)
    with pytest.raises(KeyboardInterrupt):
        audit.run_audit(audit.read_claims(path), tmp_path / "out")
    first, second = (f"vectors_hold_features-{name}" for name in ("base_rates", "neighbours"))
    assert ran == [first] and not (tmp_path / "out" / audit.RESULTS).exists()
    monkeypatch.setitem(_run._RUN, "vectors_hold_features", note)
    assert audit.run_audit(audit.read_claims(path), tmp_path / "out") == whole
    assert ran == [first, second]
    part = tmp_path / "out" / "claims" / f"{first}.json"
    held = json.loads(part.read_text())
    held["found"]["comparisons"][0]["difference"] = 9.0
    part.write_text(json.dumps(held))
    assert audit.run_audit(audit.read_claims(path), tmp_path / "out") == whole and ran == [first, second, first]
    part.write_text("{")
    assert audit.run_audit(audit.read_claims(path), tmp_path / "out") == whole and len(ran) == 4
    np.savez(worlds["folder"] / "category.npz", words=worlds["category"].words, vectors=worlds["nothing"].embeddings)
    try:
        assert audit.run_audit(audit.read_claims(path), tmp_path / "out") != whole and len(ran) == 6
    finally:
        world = worlds["category"]
        np.savez(worlds["folder"] / "category.npz", words=np.array(world.words), vectors=world.embeddings)


def test_a_claim_file_changed_after_results_exist_is_said_to_be_in_every_output(worlds, tmp_path):
    path = claims_of(worlds, "category", FEW)
    before = audit.read_claims(path)
    audit.run_audit(before, tmp_path)
    path.write_text(path.read_text() + "\n# one more thought\n")
    found = audit.run_audit(audit.read_claims(path), tmp_path)
    assert found["claim_file"]["earlier"] == [before.sha256] != [found["claim_file"]["sha256"]]
    audit.write_outputs(found, tmp_path)
    for name in audit.OUTPUTS:
        text = (tmp_path / name).read_text("utf8")
        assert "changed after results existed" in text and found["claim_file"]["sha256"] in text, name
    (tmp_path / audit.RESULTS).unlink()  # killed before: what remains of the earlier file are its claims
    assert audit.run_audit(audit.read_claims(path), tmp_path)["claim_file"]["earlier"] == [before.sha256]


def test_a_control_left_out_stands_in_the_verdict_and_a_margin_of_the_file_is_used(worlds, tmp_path):
    path = claims_of(
        worlds, "category_and_attributes",
        "  - {type: vectors_hold_features, components: 10, leave_out: [rewired norms], because: it took too long}",
        "smallest_effects: {F1@10: 0.5}",
    )  # fmt: skip
    claim = audit.run_audit(audit.read_claims(path), tmp_path)["claims"][0]
    assert claim["left_out"] == [{"control": "rewired norms", "because": "it took too long"}]
    assert (
        "rewired norms left out" in claim["verdict"]
        and "Not excluded, since it was not run: rewired norms" in claim["may"]
    )
    assert {one["control"] for one in claim["controls"]} == {"mean profile", "permuted pairing"}
    assert {one["margin"] for one in claim["controls"]} == {0.5}


# -- outputs -----------------------------------------------------------------------------------------------------------


def test_results_fit_their_schema_and_what_does_not_is_refused(audited):
    schema = audit.results_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for results in audited.values():
        jsonschema.validate(results, schema)
    wrong = json.loads(json.dumps(audited["category"]))
    wrong["claims"][0]["word"] = "proven"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_what_others_wrote_is_text_in_every_output(audited, tmp_path):
    results = json.loads(json.dumps(audited["category"]))
    claim = results["claims"][0]
    claim["left_out"] = [{"control": "rewired norms", "because": HOSTILE}]
    claim["verdict"] = claim["sentence"] = claim["may"] = claim["model"]["name"] = results["claim_file"]["name"] = (
        HOSTILE
    )
    audit.write_outputs(results, tmp_path)
    html = (tmp_path / "report.html").read_text("utf8")
    assert "<script" not in html and "&lt;script&gt;" in html and "\u202e" not in html and "\x07" not in html
    assert not re.search(r"""(?:src|href)=["']?(?:https?:|//)""", html) and "default-src 'none'" in html
    assert "<svg" in html and html.count("<section") == len(results["claims"])
    tex = (tmp_path / "table.tex").read_text("utf8")
    assert r"\input" not in tex and r"\textbackslash{}input" in tex and "$x$" not in tex
    markdown = (tmp_path / "report.md").read_text("utf8")
    assert "<script>" not in markdown and r"\<script\>" in markdown
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert suite.get("tests") == "2" and len(suite.findall("testcase")) == 2


def test_two_claims_in_the_same_words_are_two_lines_of_the_figure(audited, tmp_path):
    results = json.loads(json.dumps(audited["category"]))
    results["claims"][1]["sentence"] = results["claims"][0]["sentence"]
    audit.write_outputs(results, tmp_path)
    figure = (tmp_path / "report.html").read_text("utf8").partition("<figure>")[2].partition("</figure>")[0]
    assert all(f"({one['id'][:20]}" in re.sub(r"</?text[^>]*>", "", figure) for one in results["claims"])


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_exit_code_follows_the_verdicts(worlds, tmp_path, capfd):
    path = claims_of(worlds, "nothing", FEW)
    out = tmp_path / "out"
    assert run(path, "--out", out) == 1
    assert {one.name for one in out.iterdir()} == {"claims", audit.RESULTS, *audit.OUTPUTS}
    assert ElementTree.parse(out / "junit.xml").getroot().get("failures") == "1"
    assert run(path, "--out", out, "--fail-on", "none") == 0
    assert ElementTree.parse(out / "junit.xml").getroot().get("failures") == "0"
    assert run(path, "--out", out, "--fail-on", "supported, alarm") == 0
    assert "base rates" in capfd.readouterr().out


def test_standard_claims_of_a_file_are_kept_beside_their_results(worlds, tmp_path, monkeypatch):
    monkeypatch.setitem(_vectors.EFFORTS, "quick", _vectors.Effort(2, 9))
    norms, vectors = (worlds["folder"] / name for name in ("norms_category.csv", "category.npz"))
    assert run("--vectors", vectors, "--norms", norms, "--profile", "quick", "--out", tmp_path) in (0, 1)
    results = json.loads((tmp_path / audit.RESULTS).read_text())
    again = audit.read_claims(tmp_path / "claims.yaml")
    assert again.sha256 == results["claim_file"]["sha256"] and len(again.claims) == len(results["claims"])
    assert str(worlds["folder"]) not in json.dumps(results["claims"][0]["source"]["vectors"])


def test_bad_input_ends_in_one_message_and_code_2(worlds, tmp_path, capfd):
    path = claims_of(worlds, "category", FEATURES)
    (tmp_path / "file").write_text("")
    bad = [
        ([path], "--out DIR"),
        (["--out", tmp_path], "none of them"),
        ([path, "--model", "m", "--out", tmp_path], "expected one"),
        ([path, "--out", tmp_path / "file"], "is a file"),
        ([path, "--out", tmp_path, "--fail-on", "false"], "--fail-on takes"),
        ([tmp_path / "no.yaml", "--out", tmp_path], "cannot read"),
    ]
    for arguments, said in bad:
        assert run(*arguments) == 2
        shown = capfd.readouterr()
        assert said in shown.err and "Traceback" not in shown.err and not shown.out


def test_an_interrupted_run_ends_in_130_and_says_how_to_go_on(worlds, tmp_path, monkeypatch, capfd):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setitem(_run._RUN, "vectors_hold_features", stop)
    assert run(claims_of(worlds, "category", FEATURES), "--out", tmp_path) == 130
    assert "goes on from there" in capfd.readouterr().err


def test_init_never_writes_over_a_file_unless_told(tmp_path, capfd):
    path = tmp_path / "claims.yaml"
    assert run("--init", path) == 0 and run("--init", path) == 2
    assert "--force" in capfd.readouterr().err
    path.write_text("mine")
    assert run("--init", path) == 2 and path.read_text() == "mine"
    assert run("--init", path, "--force") == 0 and audit.read_claims(path).claims
    capfd.readouterr()
    assert run("--init") == 0
    printed = capfd.readouterr().out
    assert audit.parse_claims(printed.encode(), "printed").claims
