"""Planted sentences: in each world the claim is true or false by construction, and its comparison says so."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import attention, attribution, inference, planted, probes
from explaint_lib._common import ExplaintError

N = 60


def told(relabelled, rng):
    statistics = attention.map_statistics(planted.pictures(24, relabelled=relabelled, rng=rng))
    return attribution.compare_judged(attention.blind_test(*statistics, n_draws=5, rng=rng).accuracy)


def follows(better, rng):
    """As chapter 01: chosen on one half, scored on the other, against the offset and against twins."""
    world = planted.head_search(N, better=better, rng=rng)

    def held_out(choices):
        return probes.best_head(
            choices, world.queries, world.targets, world.lengths, world.halves, n_permutations=1, rng=rng
        )

    own, twins = held_out(world.choices), [held_out(one).held_out for one in world.twins]
    return (
        inference.compare(own.held_out, own.offset, "fixed offset", score="share"),
        inference.compare(own.held_out, twins, "untrained twin", varied="twins", score="share"),
    )


def flows(better, rng):
    """As chapter 05: agreement with what happens, the method against each rival."""
    agreement = np.stack([attention.row_agreement(one) for one in planted.agreeing_maps(20, better=better, rng=rng)])
    return tuple(inference.compare(agreement[:, 2, 3], agreement[:, i, 3], name) for i, name in enumerate("nr"))


def kept(above, rng):
    return (inference.compare(planted.own_shares(20, above=above, rng=rng), 0.5, "one half", score="share"),)


@pytest.mark.parametrize(
    ("compare", "true"), [(follows, 0.4), (flows, 3.0), (kept, 0.05)], ids=["head", "flow", "own share"]
)
def test_false_worlds_lie_at_zero_and_true_ones_above(compare, true):
    rng = np.random.default_rng(0)
    false, right = ([compare(effect, rng) for _ in range(60)] for effect in (0.0, true))
    for nothing, something in zip(zip(*false, strict=True), zip(*right, strict=True), strict=True):
        found = np.array([one.difference for one in nothing])
        assert found.mean() == pytest.approx(0, abs=3.5 * found.std() / np.sqrt(60) + 0.01)
        # an interval of 95 % that misses: about 1 in 20 of these, of 60 hardly more than 8
        assert sum(low > 0 or high < 0 for low, high in (one.interval() for one in nothing)) <= 8
        assert np.mean([one.interval()[0] > 0 for one in something]) > 0.9


def test_pictures_differ_only_where_they_are_relabelled():
    rng = np.random.default_rng(0)
    assert told(True, rng).interval()[0] > 0.1
    low, high = told(False, rng).interval()
    assert low < 0 < high
    maps = planted.pictures(5, relabelled=True, rng=rng)
    np.testing.assert_allclose(maps.sum(axis=-1), 1)
    # the label-free numbers cannot tell
    statistics = [attention.STATISTICS.index(name) for name in attention.LABEL_FREE]
    same = attention.map_statistics(maps[1])[..., statistics]
    order = rng.permutation(12)
    np.testing.assert_allclose(same, attention.map_statistics(maps[1][..., order, :][..., order])[..., statistics])


def test_targets_and_choices_are_other_words_of_the_sentence():
    world = planted.head_search(300, better=0.2, n_twins=2, rng=np.random.default_rng(0))
    assert world.twins.shape == (2, 300, 12) and world.halves.sum() == 150
    for chosen in (world.targets[:, None], world.choices, *world.twins):
        assert (chosen != world.queries[:, None]).all()
        assert (chosen >= 0).all() and (chosen < world.lengths[:, None]).all()
    assert np.mean(world.targets == world.queries + 1) == pytest.approx(0.5, abs=0.1)
    assert np.mean(world.choices[:, 0] == world.targets) == pytest.approx(0.7, abs=0.1)
    with pytest.raises(ExplaintError, match="between 0 and 0.5, found 0.6"):
        planted.head_search(10, better=0.6, rng=np.random.default_rng(0))
