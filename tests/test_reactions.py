"""Reactions with known atom maps: balanced, in the vocabulary, alike where they are alike; heads where they are."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from explaint_lib import encoders, reactions
from explaint_lib._common import ExplaintError
from explaint_lib.reactions import _molecules
from explaint_lib.reactions._templates import EITHER, WITHDRAWING

VALENCE = {"C": 4, "N": 3, "O": 2, "S": 6, "P": 5, "B": 3, "F": 1, "Cl": 1, "Br": 1, "I": 1}
CHARGED = {"[N+]": 4, "[N-]": 2, "[O-]": 1, "[OH-]": 0, "[C-]": 3}


@pytest.fixture(scope="module")
def made():
    return reactions.make_reactions(4, rng=np.random.default_rng(1))


def kind(name):
    return next(one for one in reactions.KINDS if one.name == name)


def elements(reaction, at):
    return [reactions.element(reaction.tokens[i]) for i in at]


# --- what a reaction is


def test_every_kind_is_made_as_often_and_no_reaction_twice(made):
    counts = Counter(one.kind for one in made)
    assert set(counts.values()) == {4} and len(counts) == len(reactions.KINDS) >= 8
    assert len({one.smiles for one in made}) == len(made)
    assert len(reactions.make_reactions(rng=np.random.default_rng(0))) >= 120
    again = reactions.make_reactions(4, rng=np.random.default_rng(1))
    assert [one.smiles for one in again] == [one.smiles for one in made]


def test_every_product_atom_has_a_source_of_its_element_and_no_source_is_used_twice(made):
    for one in made:
        assert len(one.source) == len(one.product_atoms) == len(set(one.source))
        old = elements(one, one.reactant_atoms)
        assert [old[i] for i in one.source] == elements(one, one.product_atoms)
        rows = np.arange(len(one.source))
        assert one.right[rows, one.source].all() and one.same_element[rows, one.source].all()
        assert not (one.right & ~one.same_element).any(), one.kind


@pytest.mark.parametrize("name", [one.name for one in reactions.KINDS])
def test_atoms_balance(name):
    """What is in the reactants and not in the product is what the kind says by hand."""
    this = kind(name)
    group = this.Q[-1]
    one = reactions.react(this, this.R[0], group)
    left = Counter(elements(one, one.reactant_atoms)) - Counter(elements(one, one.product_atoms))
    said = Counter()
    for word in this.leaves.split():
        atom, _, times = word.partition("*")
        in_group = [reactions.element(token) for token in reactions.tokens(group) if _molecules.is_atom(token)]
        said.update(in_group if atom == "Q" else [atom] * int(times or 1))
    assert left == said


def test_every_atom_has_the_bonds_that_its_element_allows(made):
    """In reactants and product; a ring atom of an aromatic ring has one bond more than it has neighbours."""
    for one in made:
        for graph in (one._before, one._after):
            for atom, token in graph.atoms.items():
                bonds = [order for pair, order in graph.bonds.items() if atom in pair]
                total = sum(1 if order == 1.5 else order for order in bonds) + (token == "c")
                most = CHARGED.get(token, VALENCE.get(reactions.element(token), 99))
                assert total <= most, (one.smiles, token)


def test_groups_are_molecules_too():
    for group in EITHER + WITHDRAWING:
        assert "".join(reactions.tokens(group)) == group and len(_molecules.read(group).molecules()) == 1


def test_what_is_written_is_read_back_as_the_same_molecules(made):
    rng = np.random.default_rng(2)
    for one in made:
        for spelt in (one, reactions.reordered(one), reactions.rewritten(one, rng=rng)):
            before, after = spelt.smiles.split(">>")
            for text, graph in ((before, one._before), (after, one._after)):
                again = _molecules.read(text)
                assert sorted(again.bonds.values()) == sorted(graph.bonds.values()), (text, one.smiles)
                classes = [sorted(Counter(_molecules.environments(g).values()).values()) for g in (again, graph)]
                assert Counter(again.atoms.values()) == Counter(graph.atoms.values()) and classes[0] == classes[1]


def test_known_reactions_come_out_as_in_a_textbook():
    known = {
        "ester formation": ("C", "CC", "CC(=O)O.CCO>>CC(=O)OCC"),
        "ester hydrolysis": ("C", "CC", "CC(=O)OCC.[OH-].[Na+]>>CC(=O)O"),
        "Suzuki coupling": ("c1ccccc1", "c1ccncc1", "OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1"),
        "Diels-Alder reaction": ("C", "C#N", "C=C(C)C=C.C=CC#N>>CC1=CCC(C#N)CC1"),  # para, as known
        "click reaction": ("C", "C", "CN=[N+]=[N-].C#CC>>Cn1nnc(C)c1"),  # 1,4
        "Boc removal": ("CC", "", "CC(C)(C)OC(=O)NCC>>NCC"),
        "acetal formation": ("C", "C", "CC(=O)C.OCCO>>CC1(C)OCCO1"),
        "Grignard addition": ("C", "C", "Br[Mg]C.CC(=O)C>>CC(C)(C)O"),
    }
    for name, (r, q, expected) in known.items():
        one, wanted = reactions.react(kind(name), r, q), expected.split(">>")
        for text, graph in zip(wanted, (one._before, one._after), strict=True):
            other = _molecules.read(text)
            both = _molecules.Graph(
                {**graph.atoms, **{f"*{a}": t for a, t in other.atoms.items()}},
                {**graph.bonds, **{frozenset(f"*{a}" for a in pair): o for pair, o in other.bonds.items()}},
            )
            seen = _molecules.environments(both)
            sides = [Counter(c for a, c in seen.items() if a.startswith("*") is side) for side in (True, False)]
            assert sides[0] == sides[1], (name, one.smiles, expected)


# --- which answers are right


def alike(smiles):
    graph = _molecules.read(smiles)
    found = _molecules.environments(graph)
    return [found[atom] for atom in graph.atoms]


def test_atoms_that_only_a_drawing_tells_apart_are_alike():
    acid = alike("CC(=O)O")
    assert acid[2] == acid[3] and len(set(acid)) == 3
    salt, nitro, sulfonyl = alike("CC(=O)[O-]"), alike("c1ccccc1[N+](=O)[O-]"), alike("CS(=O)(=O)Cl")
    assert salt[2] == salt[3] and nitro[7] == nitro[8] and sulfonyl[2] == sulfonyl[3]
    ring = alike("Cc1ccccc1")  # ortho and meta come in pairs
    assert ring[2] == ring[6] and ring[3] == ring[5] and len({ring[1], ring[2], ring[3], ring[4]}) == 4
    methyls = alike("CC(C)(C)O")
    assert methyls[0] == methyls[2] == methyls[3] != methyls[1]


def test_atoms_that_differ_are_not_alike():
    ester = alike("CC(=O)OC")
    assert ester[2] != ester[3] and ester[0] != ester[4]
    assert len(set(alike("CCCO"))) == 4 and len(set(alike("Cc1cccc(Cl)c1"))) == 8
    amide, carbonic = alike("CC(=O)N"), alike("OC(=O)C(=O)OC")
    assert amide[2] != amide[3] and carbonic[0] == carbonic[2] != carbonic[4]


def test_what_counts_as_right_in_cases_made_by_hand():
    ester = reactions.react(kind("ester formation"), "C", "CC")  # CC(=O)O.CCO>>CC(=O)OCC
    right = {i: sorted(np.flatnonzero(row)) for i, row in enumerate(ester.right)}
    assert right == {0: [0], 1: [1], 2: [2, 3], 3: [6], 4: [5], 5: [4]}
    assert ester.open.tolist() == [True] * 6
    hydrolysis = reactions.react(kind("ester hydrolysis"), "C", "CC")  # CCOC(=O)C.[OH-].[Na+]>>CC(=O)O
    old = [hydrolysis.tokens[i] for i in hydrolysis.reactant_atoms]
    new = [hydrolysis.tokens[i] for i in hydrolysis.product_atoms]
    oxygens = [i for i, token in enumerate(new) if token == "O"]
    for i in oxygens:  # either may be the water's, neither the alcohol's
        assert sorted(old[j] for j in np.flatnonzero(hydrolysis.right[i])) == ["O", "[OH-]"]


def test_atoms_that_cannot_be_wrong_are_not_scored():
    amide = reactions.react(kind("acylation"), "C", "CC")  # one N, one O: no choice
    closed = [amide.tokens[i] for i in amide.product_atoms[~amide.open]]
    assert sorted(closed) == ["N", "O"]
    wrong = np.where(amide.open, -1, amide.source)
    wrong[amide.open] = [np.flatnonzero(~row)[0] for row in amide.right[amide.open]]
    assert reactions.score(amide, wrong) == 0.0 and reactions.score(amide, amide.source) == 1.0


# --- other spellings


def test_another_order_and_another_spelling_keep_the_truth(made):
    rng = np.random.default_rng(3)
    for one in made[::5]:
        for other in (reactions.reordered(one), reactions.rewritten(one, rng=rng)):
            atoms = {new: one._names[0][old] for new, old in zip(one._names[1], one.source, strict=True)}
            again = {new: other._names[0][old] for new, old in zip(other._names[1], other.source, strict=True)}
            assert again == atoms and other.right.sum() == one.right.sum() and other.open.sum() == one.open.sum()
    spelt = [reactions.rewritten(one, rng=rng).smiles != one.smiles for one in made]
    assert np.mean(spelt) > 0.9
    two = made[0].smiles.split(">>")
    assert reactions.reordered(made[0]).smiles.split(">>")[1] == two[1]


def test_a_rule_that_goes_by_places_loses_by_the_spelling_and_one_that_goes_by_bonds_does_not(made):
    rng = np.random.default_rng(4)
    again = [reactions.rewritten(one, rng=rng) for one in made]
    for rule, loses in ((reactions.same_occurrence, True), (reactions.same_surroundings, False)):
        before, after = (np.mean([reactions.score(one, rule(one)) for one in these]) for these in (made, again))
        assert (before - after > 0.1) if loses else after == pytest.approx(before), rule


def test_rules_answer_with_atoms_of_the_element_and_add_up_to_one(made):
    for one in made:
        for weights in (reactions.same_token(one), reactions.same_occurrence(one), reactions.same_surroundings(one),
                        reactions.at_distance(one, 9)):  # fmt: skip
            np.testing.assert_allclose(weights.sum(axis=1), 1)
            assert not weights[~one.same_element].any()
    ester = reactions.react(kind("ester formation"), "C", "CC")
    assert reactions.same_occurrence(ester).argmax(axis=1).tolist() == [0, 1, 2, 3, 4, 5]
    assert reactions.score(ester, reactions.same_token(ester)) == pytest.approx((4 * 1 / 4 + 2 / 3 + 1 / 3) / 6)
    off = np.abs(ester.product_atoms[:, None] - ester.reactant_atoms - 11)
    nearest = reactions.at_distance(ester, 11).argmax(axis=1)
    assert [off[i, j] for i, j in enumerate(nearest)] == np.where(ester.same_element, off, 99).min(axis=1).tolist()


# --- reading heads


def planted(one, layer, head, n_layers=3, n_heads=4, *, by="product", seed=0):
    """Return attention in which one head is the map and all others point elsewhere, by one side's queries alone."""
    rng = np.random.default_rng(seed)
    n = len(one.tokens) + 2
    attention = rng.random((n_layers, n_heads, n, n)) * 0.01
    for product, old in zip(one.product_atoms + 1, one.reactant_atoms[one.source] + 1, strict=True):
        at = (product, old) if by == "product" else (old, product)
        attention[layer, head][at] = 1.0
    attention.flags.writeable = False
    return attention


@pytest.mark.parametrize("by", ["product", "reactant"])
def test_the_head_that_is_the_map_is_found_at_its_place_and_by_its_side(made, by):
    other = {"product": "reactant", "reactant": "product"}[by]
    for asks, clear in ((by, True), ("both", True), (other, False)):
        choices = [reactions.read_heads(one, planted(one, 1, 2, by=by), asks=asks) for one in made]
        scores = reactions.head_scores(made, choices).mean(axis=0)
        assert bool(scores[1, 2] == 1.0) is clear
        if clear:
            assert np.unravel_index(scores.argmax(), scores.shape) == (1, 2)
            assert np.delete(scores.ravel(), scores.argmax()).max() < 0.5


def test_the_answers_of_another_reaction_do_not_fit(made):
    choices = [reactions.read_heads(one, planted(one, 1, 2)) for one in made]
    sizes = [one.right.shape for one in made]
    same = next((i, j) for i in range(len(made)) for j in range(i) if sizes[i] == sizes[j])
    assert reactions.head_scores([made[same[0]]], [choices[same[1]]])[0, 1, 2] < 1
    with pytest.raises(ExplaintError, match="expected attention"):
        reactions.read_heads(made[0], planted(made[1], 0, 0))


def test_a_head_is_scored_on_the_half_that_did_not_choose_it(made):
    """In each half another head is the map: chosen there, it fails on the other half."""
    kinds = [one.kind for one in made]
    (half,) = reactions.halves(kinds, 1, whole_kinds=True, rng=np.random.default_rng(5))
    choices = [reactions.read_heads(one, planted(one, 0, int(side))) for one, side in zip(made, half, strict=True)]
    scores = reactions.head_scores(made, choices).reshape(len(made), -1)
    held_out, chosen = reactions.chosen_elsewhere(scores, half)
    assert chosen.tolist() == [0, 1] and held_out.mean() < 0.5
    assert np.where(half, scores[:, 1], scores[:, 0]).mean() == 1.0
    with pytest.raises(ExplaintError, match="one that is empty"):
        reactions.chosen_elsewhere(scores, np.ones(len(made), dtype=bool))


def test_halves_hold_whole_kinds_or_a_half_of_each():
    kinds = np.repeat(list("abcdef"), 4)
    whole = reactions.halves(kinds, 6, whole_kinds=True, rng=np.random.default_rng(0))
    parts = reactions.halves(kinds, 6, whole_kinds=False, rng=np.random.default_rng(0))
    for one in whole:
        assert one.sum() == 12 and {one[kinds == name].mean() for name in "abcdef"} == {0.0, 1.0}
    assert all(one[kinds == name].sum() == 2 for one in parts for name in "abcdef")
    assert len({one.tobytes() for one in whole}) > 1 and len({one.tobytes() for one in parts}) == 6


# --- exchanges


def test_an_exchange_is_made_at_two_atoms_of_one_token_of_which_one_is_right(made):
    rng = np.random.default_rng(6)
    drawn = [(one, it) for one in made for it in reactions.draw_exchanges(one, 2, rng=rng)]
    assert len(drawn) > len(made)
    for one, it in drawn:
        assert one.right[it.product, it.mapped] and not one.right[it.product, it.other]
        tokens = [one.tokens[i] for i in one.reactant_atoms]
        assert tokens[it.mapped] == tokens[it.other] == it.old != it.new
        for atom in (it.mapped, it.other):
            changed = reactions.exchanged(one, atom, it.new, masked=it.product)
            places = {i for i, (a, b) in enumerate(zip(changed, one.tokens, strict=True)) if a != b}
            assert places == {one.reactant_atoms[atom], one.product_atoms[it.product]}
            assert changed[one.product_atoms[it.product]] == "[MASK]"
            text = "".join(reactions.exchanged(one, atom, it.new)).split(">>")[0]
            graph = _molecules.read(text)
            for name, token in graph.atoms.items():
                bonds = [order for pair, order in graph.bonds.items() if name in pair]
                total = sum(1 if order == 1.5 else order for order in bonds) + (token == "c")
                assert total <= CHARGED.get(token, VALENCE.get(reactions.element(token), 99)), text
    with pytest.raises(ExplaintError, match="expected a token to exchange"):
        reactions.exchanged(made[0], 0, made[0].tokens[made[0].reactant_atoms[0]])


def test_exchanges_where_a_head_errs_hold_the_truth_and_what_the_head_names(made):
    rng = np.random.default_rng(7)
    found = 0
    for one in made:
        choice = np.array([rng.choice(np.flatnonzero(row)) for row in one.same_element])
        for it in reactions.where_it_errs(one, choice):
            assert it.mapped == one.source[it.product] and it.other == choice[it.product]
            assert not one.right[it.product, it.other] and one.open[it.product]
            tokens = [one.tokens[i] for i in one.reactant_atoms]
            assert tokens[it.mapped] == tokens[it.other] == it.old != it.new
            found += 1
        assert reactions.where_it_errs(one, one.source) == []
    assert found > 50


def test_a_permuted_map_keeps_elements_and_counts_and_loses_the_truth(made):
    rng = np.random.default_rng(8)
    false = [reactions.permuted_map(one, rng=rng) for one in made]
    for one, other in zip(made, false, strict=True):
        assert other.tokens == one.tokens and not (other.right & ~one.same_element).any()
        np.testing.assert_array_equal(other.right.sum(axis=1), one.right.sum(axis=1))
        assert other.right[np.arange(len(other.source)), other.source].all()
    scores = [reactions.score(other, one.source) for one, other in zip(made, false, strict=True)]
    level = [reactions.score(one, one.same_element / one.same_element.sum(axis=1, keepdims=True)) for one in made]
    assert np.mean(scores) == pytest.approx(np.mean(level), abs=0.06) and np.mean(scores) < 0.3


# --- SMILES


@pytest.mark.parametrize("text", ["C[C@H](N)O", "C1CC", "CC)C", "[C:1][C:1]", "C?"])
def test_what_is_not_read_is_refused(text):
    with pytest.raises((ExplaintError, IndexError)):
        _molecules.read(text)


def test_tokens_are_cut_as_the_published_model_cuts_them(made):
    cut = re.compile(encoders.MODELS["rxnmapper"].token)
    for one in made:
        assert tuple(cut.findall(one.smiles)) == one.tokens


@pytest.mark.models
def test_every_token_is_in_the_vocabulary_of_the_model_and_the_published_head_maps(made):
    encoder = encoders.load_encoder("rxnmapper")
    read = encoder.encode([one.smiles for one in made], hidden_states=False)
    assert all(tuple(text.tokens[1:-1]) == one.tokens for one, text in zip(made, read, strict=True))
    choices = [reactions.read_heads(one, text.attention) for one, text in zip(made, read, strict=True)]
    scores = reactions.head_scores(made, choices).mean(axis=0)
    assert scores.shape == (12, 8) and scores[10, 5] > 0.9 and np.median(scores) < 0.3
    assert scores[10, 4] < 0.5 and scores[5, 7] < 0.5
