"""The conditions of the table of controls: what each keeps, what it destroys, and how one draw of it is made.

Rows, tests, the command line, grids and figures go through `CONDITIONS`, in this order: to add a condition, register
its object here (and test what it keeps).
"""

from __future__ import annotations

from explaint_lib.controls._condition import Condition, Draw, Setting, register
from explaint_lib.controls._pairings import permute_rows
from explaint_lib.controls._targets import random_like, shuffle_columns


def _system(setting: Setting) -> Draw:
    return Draw(setting.Y, setting.predict(setting.Y))


def _upper_bound(setting: Setting) -> Draw:
    return Draw(setting.Y, setting.predict_itself(setting.Y))


def _shuffled(setting: Setting) -> Draw:
    target = shuffle_columns(setting.Y, rng=setting.rng)
    return Draw(target, setting.predict(target))


def _shuffled_upper_bound(setting: Setting) -> Draw:
    target = shuffle_columns(setting.Y, rng=setting.rng)
    return Draw(target, setting.predict_itself(target))


def _random(setting: Setting) -> Draw:
    target = random_like(setting.Y, setting.kind, rng=setting.rng)
    return Draw(target, setting.predict(target))


def _mean_profile(setting: Setting) -> Draw:
    return Draw(setting.Y, setting.mean(setting.Y))


def _permuted_pairing(setting: Setting) -> Draw:
    order = permute_rows(len(setting.Y), rng=setting.rng)
    target = setting.Y[order]
    return Draw(target, setting.predict(target), order)


register(
    Condition(
        name="system",
        what="the vectors predict the norms of held-out words",
        keeps="everything",
        destroys="nothing",
        group="map",
        draws="one",
        draw=_system,
    ),
    Condition(
        name="upper_bound",
        what="the norms predict themselves: what the mapper's bottleneck lets through, no limit of the data",
        keeps="the norms",
        destroys="the vectors",
        group="map",
        draws="one",
        draw=_upper_bound,
    ),
    Condition(
        name="shuffled",
        what="each feature permuted over words",
        keeps="how frequent a feature is",
        destroys="who has it",
        group="noise",
        draws="permutations",
        draw=_shuffled,
        stream=2,
        tested=True,
    ),
    Condition(
        name="shuffled_upper_bound",
        what="shuffled norms predict themselves: what gets through with no pattern to learn",
        keeps="how frequent a feature is",
        destroys="the vectors and every pattern",
        group="noise",
        draws="few",
        draw=_shuffled_upper_bound,
        stream=3,
    ),
    Condition(
        name="random",
        what="random norms",
        keeps="their density, or the range of ratings",
        destroys="everything else",
        group="noise",
        draws="few",
        draw=_random,
        stream=4,
    ),
    Condition(
        name="mean_profile",
        what="the mean of the training words for every word",
        keeps="base rates",
        destroys="the vectors: none is looked at",
        group="scale",
        draws="one",
        draw=_mean_profile,
        tested=True,
    ),
    Condition(
        name="permuted_pairing",
        what="whole rows of norms permuted",
        keeps="the norms' structure",
        destroys="whose they are",
        group="scale",
        draws="permutations",
        draw=_permuted_pairing,
        stream=5,
        tested=True,
    ),
    Condition(
        name="oracle",
        what="the best that any ranking could score",
        keeps="how many features a word has",
        destroys="every limit of vectors and map",
        group="scale",
        draws="closed form",
        closed_form=lambda metric, Y, kind: metric.oracle(Y, kind=kind),
    ),
    Condition(
        name="chance",
        what="a ranking at random",
        keeps="how many features a word has",
        destroys="everything else",
        group="scale",
        draws="closed form",
        closed_form=lambda metric, Y, kind: metric.chance(Y, kind=kind),
    ),
)
