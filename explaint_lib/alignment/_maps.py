"""Maps between the states of a layer and the variables of an algorithm, and the exchange that tries them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.alignment._networks import (
    N_LAYERS,
    Networks,
    answer,
    cross_entropy,
    descend,
    draw_inputs,
    spread,
    uniform,
)

if TYPE_CHECKING:
    from torch import Tensor

HIDDEN = 128  # units of the networks inside a non-linear map


@dataclass(frozen=True)
class AlignmentMap:
    """One invertible map a network: a rotation, then, if it is non-linear, steps that each change one half.

    Attributes
    ----------
    turn : (network, width, width) tensor
        Its skew part makes the rotation (Cayley's transform).
    steps : list of (W1, b1, W2, b2)
        In turn: the first half gets a function of the second added, the second one of the first (RevNet).
    """

    turn: Tensor
    steps: list[tuple[Tensor, ...]]

    def rotation(self) -> Tensor:
        """Return the rotation of each network, (network, width, width), orthogonal."""
        import torch

        skew, one = self.turn - self.turn.transpose(1, 2), torch.eye(self.turn.shape[1])
        rotation: Tensor = torch.linalg.solve(one + skew, one - skew)
        return rotation

    def forward(self, states: Tensor) -> Tensor:
        """Map states (network, n, width)."""
        import torch

        a, b = (states @ self.rotation()).chunk(2, dim=-1)
        for i in range(0, len(self.steps), 2):
            a = a + _through(self.steps[i], b)
            b = b + _through(self.steps[i + 1], a)
        return torch.cat([a, b], dim=-1)

    def inverse(self, mapped: Tensor) -> Tensor:
        """Undo `forward`."""
        import torch

        a, b = mapped.chunk(2, dim=-1)
        for i in range(len(self.steps) - 2, -1, -2):
            b = b - _through(self.steps[i + 1], a)
            a = a - _through(self.steps[i], b)
        return torch.cat([a, b], dim=-1) @ self.rotation().transpose(1, 2)


def _through(step: tuple[Tensor, ...], x: Tensor) -> Tensor:
    import torch

    W1, b1, W2, b2 = step
    return torch.baddbmm(b2[:, None], torch.relu(torch.baddbmm(b1[:, None], x, W1)), W2)


def fit_map(
    networks: Networks,
    layer: int,
    *,
    linear: bool,
    n_steps: int,
    symbols: np.ndarray | None = None,
    rng: np.random.Generator,
) -> AlignmentMap:
    """Search for the map under which an exchange of halves does what the algorithm says. The networks stay.

    Parameters
    ----------
    networks : Networks
    layer : int
        1, 2 or 3: whose states are mapped.
    linear : bool
        A rotation alone, or a rotation and one reversible block of 128 hidden units.
    n_steps : int
        Steps of Adam, on 128 exchanges each.
    symbols : (m, 4) float, optional
        As in `draw_inputs`: the vocabulary the map is fitted on.
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        For a layer that the networks do not have, or a number of steps below 0.

    Examples
    --------
    >>> from explaint_lib import alignment
    >>> rng = np.random.default_rng(0)
    >>> networks = alignment.built_networks(1, 16, blind=False, rng=rng)
    >>> found = alignment.fit_map(networks, 2, linear=True, n_steps=5, rng=rng)
    >>> bool(alignment.interchange_hits(networks, 2, found, n=200, rng=rng).mean() > 0.9)
    True
    """
    _check(layer)
    n, width = len(networks), networks.width
    half, turn = width // 2, uniform((n, width, width), 0.01, rng).requires_grad_()
    steps = []
    for _ in range(0 if linear else 2):
        W1, b1 = uniform((n, half, HIDDEN), np.sqrt(3 / half), rng), uniform((n, HIDDEN), 0.3, rng)
        W2, b2 = uniform((n, HIDDEN, half), np.sqrt(1 / HIDDEN), rng), uniform((n, half), 0.01, rng)
        steps.append(tuple(one.requires_grad_() for one in (W1, b1, W2, b2)))
    found = AlignmentMap(turn, steps)

    def loss() -> Tensor:
        exchange = _draw(128, symbols, rng)
        return cross_entropy(_exchanged(networks, layer, found, *exchange[:3]), exchange[3])

    descend([turn, *(one for step in steps for one in step)], loss, n_steps, 5e-3)
    return AlignmentMap(turn.detach(), [tuple(one.detach() for one in step) for step in steps])


def interchange_hits(
    networks: Networks,
    layer: int,
    found: AlignmentMap,
    *,
    n: int,
    symbols: np.ndarray | None = None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return which exchanges make each network say what the algorithm says, (network, n) float64; chance is one half.

    Parameters
    ----------
    networks, layer, symbols
        As in `fit_map`; `found` is what that returned. Symbols that the map has not seen say whether it reads the
        network or has learnt the symbols.
    n : int
        Exchanges, the same for all networks.
    rng : numpy.random.Generator

    Examples
    --------
    >>> from explaint_lib import alignment
    >>> rng = np.random.default_rng(0)
    >>> for blind in (False, True):
    ...     networks = alignment.built_networks(1, 16, blind=blind, rng=rng)
    ...     found = alignment.fit_map(networks, 2, linear=True, n_steps=5, rng=rng)
    ...     print(alignment.interchange_hits(networks, 2, found, n=200, rng=rng).mean() > 0.7)
    True
    False
    """
    import torch

    _check(layer)
    base, source, first, right = _draw(n, symbols, rng)
    with torch.no_grad():
        said = _exchanged(networks, layer, found, base, source, first).argmax(dim=-1).numpy()
    return (said == right).astype(np.float64)


def _draw(
    n: int, symbols: np.ndarray | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return base and source inputs, whether the first half is exchanged, and what the algorithm says then."""
    (base, equal), (source, other) = (draw_inputs(n, symbols=symbols, rng=rng) for _ in range(2))
    first = rng.random(n) < 0.5
    taken = np.where(first[:, None] == [True, False], other, equal)  # one answer is the source's
    return base, source, first, answer(taken)


def _exchanged(
    networks: Networks, layer: int, found: AlignmentMap, base: np.ndarray, source: np.ndarray, first: np.ndarray
) -> Tensor:
    """Return the outputs after one half of the mapped states of `base` has become that of `source`."""
    import torch

    states = networks.run(spread(np.concatenate([base, source]), len(networks)), 0, layer)
    ours, theirs = found.forward(states).chunk(2, dim=1)  # (network, n, width)
    in_first = torch.arange(networks.width) < networks.width // 2
    taken = torch.from_numpy(first)[:, None] == in_first  # (n, width)
    return networks.run(found.inverse(torch.where(taken, theirs, ours)), layer, N_LAYERS + 1)


def _check(layer: int) -> None:
    if layer not in range(1, N_LAYERS + 1):
        raise ExplaintError(f"layer must be 1..{N_LAYERS}, found {layer!r}")
