"""Chemical reactions whose truth is known: which atom before the arrow becomes which atom after it.

A reaction cuts and joins bonds; the atoms stay. In its line of text (SMILES) an atom is a token, so the *atom map*,
from each atom of the product to the atom of the reactants that it was, is a relation between tokens that is one-to-one
and known from outside the model. What it gives: reactions made by kind, with their maps; which answers count as right,
where atoms are alike; an attention head read as a map; rules to compare it with. What it does NOT license: a statement
about chemistry, whose kinds of reactions are not these 24. ::

    from explaint_lib import encoders, reactions

    made = reactions.make_reactions(rng=rng)
    encoder = encoders.load_encoder("rxnmapper")
    read = encoder.encode([one.smiles for one in made], hidden_states=False)
    choices = [reactions.read_heads(one, text.attention) for one, text in zip(made, read, strict=True)]
    scores = reactions.head_scores(made, choices)  # (reaction, layer, head)
"""

from explaint_lib.reactions._exchange import Exchange, draw_exchanges, exchange_token, exchanged, where_it_errs
from explaint_lib.reactions._molecules import element, tokens
from explaint_lib.reactions._reaction import Reaction, make_reactions, permuted_map, react, reordered, rewritten
from explaint_lib.reactions._reading import chosen_elsewhere, halves, head_scores, read_heads
from explaint_lib.reactions._rivals import at_distance, same_occurrence, same_surroundings, same_token, score
from explaint_lib.reactions._templates import KINDS, Kind

__all__ = [
    "KINDS",
    "Exchange",
    "Kind",
    "Reaction",
    "at_distance",
    "chosen_elsewhere",
    "draw_exchanges",
    "element",
    "exchange_token",
    "exchanged",
    "halves",
    "head_scores",
    "make_reactions",
    "permuted_map",
    "react",
    "read_heads",
    "reordered",
    "rewritten",
    "same_occurrence",
    "same_surroundings",
    "same_token",
    "score",
    "tokens",
    "where_it_errs",
]
