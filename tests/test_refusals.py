"""What the rooms of chapters 11 to 13 refuse: each wrong input in one sentence, and no number made of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from explaint_lib import alignment, dictionaries, reactions
from explaint_lib._common import ExplaintError
from explaint_lib.experiments import eviction

RNG = np.random.default_rng(0)
MADE = reactions.make_reactions(1, rng=RNG)
ONE = MADE[0]
N = len(ONE.tokens) + 2
X = RNG.normal(size=(20, 4))
NETWORKS = alignment.random_networks(1, 16, rng=RNG)

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "weights of other atoms": (lambda: reactions.score(ONE, np.ones((2, 2))), "expected weights"),
    "weights with NaN": (lambda: reactions.score(ONE, np.full(ONE.right.shape, np.nan)), "without NaN"),
    "attention with NaN": (lambda: reactions.read_heads(ONE, np.full((1, 1, N, N), np.nan)), "NaN"),
    "attention of other tokens": (lambda: reactions.read_heads(ONE, np.ones((1, 1, 3, 3))), "expected attention"),
    "no such question": (lambda: reactions.read_heads(ONE, np.ones((1, 1, N, N)), asks="x"), "asks must be"),
    "no reactions": (lambda: reactions.head_scores([], []), "found 0 for 0"),
    "choices missing": (lambda: reactions.head_scores(MADE, []), "found 0 for"),
    "no such atom": (lambda: reactions.exchange_token(ONE, 10**6), "expected an atom"),
    "an atom counted from behind": (lambda: reactions.exchange_token(ONE, -1), "expected an atom"),
    "choice of other atoms": (lambda: reactions.where_it_errs(ONE, np.array([1])), "expected one choice"),
    "no SMILES": (lambda: reactions.tokens("hello!!"), "is not SMILES"),
    "vectors with NaN": (
        lambda: dictionaries.fit_autoencoder(X * np.nan, n_features=8, k=2, rng=RNG),
        "without gaps",
    ),
    "no steps": (lambda: dictionaries.fit_autoencoder(X, n_features=8, k=2, n_steps=0, rng=RNG), "n_steps=0"),
    "no learning": (
        lambda: dictionaries.fit_autoencoder(X, n_features=8, k=2, learning_rate=float("nan"), rng=RNG),
        "learning_rate=nan",
    ),
    "no vectors": (lambda: dictionaries.dead_features(np.ones((0, 3))), "at least one vector"),
    "another space": (lambda: dictionaries.recovered(np.ones((2, 3)), np.ones((2, 4))), "of one space"),
    "no direction": (lambda: dictionaries.recovered(np.zeros((2, 3)), np.ones((2, 3))), "with a length"),
    "no inputs": (lambda: alignment.draw_inputs(0, rng=RNG), "at least 1 input"),
    "symbols with NaN": (lambda: alignment.draw_inputs(3, symbols=np.full((2, 4), np.nan), rng=RNG), "symbols"),
    "steps below 0": (lambda: alignment.train_networks(NETWORKS, n_steps=-1, rng=RNG), "steps of training"),
    "a map of steps below 0": (
        lambda: alignment.fit_map(NETWORKS, 1, linear=True, n_steps=-1, rng=RNG),
        "steps of training",
    ),
    "more than there is": (lambda: eviction.kept_entries(np.ones((1, 1, 4)), 9), "9"),
    "scores with NaN": (lambda: eviction.kept_entries(np.full((1, 1, 4), np.nan), 2), "NaN|number"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused_is_said_in_one_sentence(name: str):
    call, says = WRONG[name]
    with pytest.raises(ExplaintError, match=says) as refused:
        call()
    assert "\n" not in str(refused.value)
