"""Interchange accuracy: right on networks built by hand, and wrong whenever the exchange is wired wrongly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explaint_lib import alignment
from explaint_lib._common import ExplaintError
from explaint_lib.alignment import _maps, _networks

SYMBOLS = np.random.default_rng(7).standard_normal((5, 4))


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def built():
    return alignment.built_networks(3, 16, blind=False, rng=rng())


def straight(networks):
    """Return the map that changes nothing: halves are halves."""
    return _maps.AlignmentMap(torch.zeros(len(networks), networks.width, networks.width), [])


def hits(networks, layer=2, found=None, symbols=SYMBOLS):
    found = found or straight(networks)
    return alignment.interchange_hits(networks, layer, found, n=600, symbols=symbols, rng=rng(1)).mean(axis=1)


def test_inputs_are_what_they_say():
    for symbols in (None, SYMBOLS):
        inputs, equal = alignment.draw_inputs(4000, symbols=symbols, rng=rng())
        w, x, y, z = np.split(inputs, 4, axis=1)
        np.testing.assert_array_equal(equal, np.stack([(w == x).all(1), (y == z).all(1)], axis=1))
        assert np.abs(equal.mean(axis=0) - 0.5).max() < 0.03 and abs(_networks.answer(equal).mean() - 0.5) < 0.03
    assert {tuple(row) for row in w} <= {tuple(row) for row in SYMBOLS.astype(np.float32)}


def test_built_networks_are_right_and_hold_the_answers_in_known_halves(built):
    inputs, equal = alignment.draw_inputs(500, symbols=SYMBOLS, rng=rng())
    assert built.hits(inputs, equal).min() == 1
    states = built.run(_networks.spread(inputs, 3), 0, 2).numpy()
    for half, answers in ((states[..., :8], equal[:, 0]), (states[..., 8:], equal[:, 1])):
        np.testing.assert_allclose(half.sum(axis=-1), np.broadcast_to(answers, (3, 500)), atol=1e-4)
    assert hits(built).min() == 1


def test_a_blind_network_is_at_chance_whatever_the_map():
    blind = alignment.built_networks(2, 16, blind=True, rng=rng())
    for linear in (True, False):
        found = alignment.fit_map(blind, 2, linear=linear, n_steps=150, symbols=SYMBOLS, rng=rng())
        assert np.abs(hits(blind, found=found) - 0.5).max() < 0.09


@pytest.mark.parametrize("wrong", ["source", "half", "layer", "undone"])
def test_an_exchange_that_is_wired_wrongly_gives_another_number(built, wrong, monkeypatch):
    real = _maps._exchanged
    if wrong == "source":  # the base's own half is put back

        def exchanged(networks, layer, found, base, source, first):
            return real(networks, layer, found, base, base, first)

        monkeypatch.setattr(_maps, "_exchanged", exchanged)
    if wrong == "half":
        monkeypatch.setattr(_maps, "_exchanged", lambda *given: real(*given[:-1], ~given[-1]))
    if wrong == "undone":
        found = _maps.AlignmentMap(torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)), [])
        monkeypatch.setattr(_maps.AlignmentMap, "inverse", lambda self, mapped: mapped)
        assert hits(built, found=found).max() < 0.9
    else:
        assert hits(built, layer=3 if wrong == "layer" else 2).max() < 0.8


@pytest.mark.parametrize("linear", [True, False])
def test_a_map_can_be_undone_and_rotations_keep_lengths(linear):
    networks = alignment.random_networks(2, 16, rng=rng())
    found = alignment.fit_map(networks, 1, linear=linear, n_steps=20, symbols=SYMBOLS, rng=rng())
    states = torch.randn(2, 50, 16, generator=torch.Generator().manual_seed(0))
    mapped = found.forward(states)
    np.testing.assert_allclose(found.inverse(mapped), states, atol=1e-4)
    assert (len(found.steps) == 0) == linear
    assert np.allclose(mapped.norm(dim=-1), states.norm(dim=-1), atol=1e-4) == linear


def test_a_rotated_network_needs_a_map_and_gets_one(built):
    """The answers stand in mixed units; the map that changes nothing fails, a fitted rotation does not."""
    mixed = torch.linalg.qr(torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)))[0]

    class Rotated:
        width = 16

        def __len__(self):
            return 3

        def run(self, states, first, last):
            if first == 2:
                return built.run(states @ mixed.transpose(1, 2), 2, last)
            return built.run(states, first, last) @ mixed

    assert hits(Rotated()).max() < 0.95
    found = alignment.fit_map(Rotated(), 2, linear=True, n_steps=600, symbols=SYMBOLS, rng=rng())
    assert hits(Rotated(), found=found).min() > 0.95


def test_networks_learn_and_maps_leave_them_as_they_are():
    start = alignment.random_networks(2, 32, rng=rng())
    kept = [one.clone() for one in start.weights]
    trained = alignment.train_networks(start, n_steps=500, rng=rng())
    inputs = alignment.draw_inputs(600, rng=rng(5))
    assert trained.hits(*inputs).mean() > 0.9 and abs(start.hits(*inputs).mean() - 0.5) < 0.1
    before = [one.clone() for one in trained.weights]
    alignment.fit_map(trained, 1, linear=False, n_steps=3, rng=rng())
    for now, then in zip(start.weights + trained.weights, kept + before, strict=True):
        assert torch.equal(now, then)


def test_networks_side_by_side_do_not_see_each_other():
    one, two = (alignment.random_networks(1, 16, rng=rng(seed)) for seed in (1, 2))
    both = one.joined(two)
    inputs = _networks.spread(alignment.draw_inputs(20, rng=rng())[0], 1)
    together = both.run(inputs.expand(2, -1, -1), 0, 4)
    for place, alone in enumerate((one, two)):
        np.testing.assert_allclose(together[place : place + 1], alone.run(inputs, 0, 4), atol=1e-6)


def test_the_same_seed_gives_the_same():
    first, again = (
        alignment.fit_map(
            alignment.random_networks(1, 16, rng=rng()), 1, linear=False, n_steps=3, symbols=SYMBOLS, rng=rng(4)
        ).turn
        for _ in range(2)
    )
    assert torch.equal(first, again)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda built: hits(built, layer=0), r"layer must be 1\.\.3"),
        (lambda built: alignment.fit_map(built, 4, linear=True, n_steps=1, rng=rng()), r"layer must be 1\.\.3"),
        (lambda built: hits(built, symbols=np.ones((1, 4))), "at least 2 symbols"),
        (lambda built: alignment.random_networks(1, 7, rng=rng()), "even width"),
        (lambda built: alignment.built_networks(1, 8, blind=False, rng=rng()), "at least 16"),
    ],
)
def test_what_cannot_be_is_refused(built, call, message):
    with pytest.raises(ExplaintError, match=message):
        call(built)
