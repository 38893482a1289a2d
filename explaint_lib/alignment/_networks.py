"""Small networks for hierarchical equality: (w is x) is (y is z). Several are trained, and run, side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from explaint_lib._common import ExplaintError

if TYPE_CHECKING:
    from torch import Tensor

SYMBOL = 4  # numbers a symbol; an input has four symbols
N_LAYERS = 3


@dataclass(frozen=True)
class Networks:
    """Networks of one shape: 16 inputs, three hidden layers of rectified units, two outputs.

    Attributes
    ----------
    weights : list of (network, in, out) tensors
    biases : list of (network, out) tensors
    """

    weights: list[Tensor]
    biases: list[Tensor]

    def __len__(self) -> int:
        return len(self.weights[0])

    @property
    def width(self) -> int:
        """Units of a hidden layer."""
        return self.weights[0].shape[2]

    def run(self, states: Tensor, first: int, last: int) -> Tensor:
        """Run layers `first` to `last` - 1 on states (network, n, in); the outputs are layer 4, without a rectifier."""
        import torch

        for layer in range(first, last):
            states = torch.baddbmm(self.biases[layer][:, None], states, self.weights[layer])
            states = torch.relu(states) if layer < N_LAYERS else states
        return states

    def hits(self, inputs: np.ndarray, equal: np.ndarray) -> np.ndarray:
        """Return which inputs each network answers right, (network, n) float64; arguments as `draw_inputs` gives."""
        import torch

        with torch.no_grad():
            said = self.run(spread(inputs, len(self)), 0, N_LAYERS + 1).argmax(dim=-1).numpy()
        return (said == answer(equal)).astype(np.float64)

    def joined(self, other: Networks) -> Networks:
        """Return these networks and others of the same width, in this order."""
        import torch

        pairs = [zip(a, b, strict=True) for a, b in ((self.weights, other.weights), (self.biases, other.biases))]
        weights, biases = ([torch.cat(two).detach() for two in pair] for pair in pairs)
        return Networks(weights, biases)


def answer(equal: np.ndarray) -> np.ndarray:
    """Return what the algorithm says, 0 or 1: are the two answers (n, 2) alike?"""
    return (equal[..., 0] == equal[..., 1]).astype(np.int64)


def spread(inputs: np.ndarray, n_networks: int) -> Tensor:
    """Return inputs (n, 16) as a tensor that every network reads, (network, n, 16)."""
    import torch

    return torch.from_numpy(np.asarray(inputs, dtype=np.float32)).expand(n_networks, -1, -1)


def draw_inputs(
    n: int, *, symbols: np.ndarray | None = None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs: four symbols w, x, y, z; w and x are the same in one half of them, and so are y and z.

    Parameters
    ----------
    n : int
    symbols : (m, 4) float, optional
        The vocabulary, at least 2. Left out: every symbol is drawn anew, uniform from -1 to 1.
    rng : numpy.random.Generator

    Returns
    -------
    inputs : (n, 16) float32
    equal : (n, 2) bool
        Whether w is x, and y is z.

    Raises
    ------
    ExplaintError
        For a vocabulary of another shape or with NaN, or if `n` is below 1.

    Examples
    --------
    >>> from explaint_lib import alignment
    >>> inputs, equal = alignment.draw_inputs(1000, rng=np.random.default_rng(0))
    >>> bool(((inputs[:, :4] == inputs[:, 4:8]).all(axis=1) == equal[:, 0]).all())
    True
    """
    if n < 1:
        raise ExplaintError(f"expected at least 1 input, found {n}")
    equal = rng.random((n, 2)) < 0.5
    if symbols is None:
        drawn = rng.uniform(-1, 1, (n, 4, SYMBOL))
        drawn[:, 1::2] = np.where(equal[..., None], drawn[:, 0::2], drawn[:, 1::2])
        return drawn.reshape(n, -1).astype(np.float32), equal
    symbols = np.asarray(symbols)
    if symbols.ndim != 2 or symbols.shape[1] != SYMBOL or len(symbols) < 2 or not np.isfinite(symbols).all():
        raise ExplaintError(f"expected at least 2 symbols of {SYMBOL} numbers, found {symbols.shape}")
    first = rng.integers(len(symbols), size=(n, 2))
    second = np.where(equal, first, (first + rng.integers(1, len(symbols), size=(n, 2))) % len(symbols))
    which = np.stack([first, second], axis=-1).reshape(n, 4)  # w x y z
    return symbols[which].reshape(n, -1).astype(np.float32), equal


def random_networks(n_networks: int, width: int, *, rng: np.random.Generator) -> Networks:
    """Draw networks that were never trained.

    Parameters
    ----------
    n_networks, width : int
        The width is even.
    rng : numpy.random.Generator

    Examples
    --------
    >>> from explaint_lib import alignment
    >>> networks = alignment.random_networks(2, 8, rng=np.random.default_rng(0))
    >>> len(networks), networks.width
    (2, 8)
    """
    if width < 4 or width % 2:
        raise ExplaintError(f"expected an even width of at least 4, found {width}")
    sizes = [4 * SYMBOL, *[width] * N_LAYERS, 2]
    weights = [uniform((n_networks, a, b), np.sqrt(3 / a), rng) for a, b in zip(sizes, sizes[1:], strict=False)]
    return Networks(weights, [uniform((n_networks, size), 0.3, rng) for size in sizes[1:]])


def uniform(shape: tuple[int, ...], bound: float, rng: np.random.Generator) -> Tensor:
    """Draw a tensor."""
    import torch

    return torch.from_numpy(rng.uniform(-bound, bound, shape).astype(np.float32))


def train_networks(networks: Networks, *, n_steps: int, rng: np.random.Generator) -> Networks:
    """Train networks on hierarchical equality, on symbols that are drawn anew each time; the given ones stay.

    Parameters
    ----------
    networks : Networks
        Where training starts.
    n_steps : int
        Steps of Adam, on 256 inputs each.
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        For a number of steps below 0.

    Examples
    --------
    >>> from explaint_lib import alignment
    >>> rng = np.random.default_rng(0)
    >>> trained = alignment.train_networks(alignment.random_networks(2, 32, rng=rng), n_steps=500, rng=rng)
    >>> bool((trained.hits(*alignment.draw_inputs(500, rng=rng)).mean(axis=1) > 0.9).all())
    True
    """
    weights, biases = ([one.clone().requires_grad_() for one in part] for part in (networks.weights, networks.biases))
    trained = replace(networks, weights=weights, biases=biases)

    def loss() -> Tensor:
        inputs, equal = draw_inputs(256, rng=rng)
        return cross_entropy(trained.run(spread(inputs, len(networks)), 0, N_LAYERS + 1), answer(equal))

    descend([*weights, *biases], loss, n_steps, 5e-3)
    return Networks([one.detach() for one in weights], [one.detach() for one in biases])


def cross_entropy(said: Tensor, right: np.ndarray) -> Tensor:
    """Return the loss of outputs (network, n, 2), summed over networks, so that each learns at its own rate."""
    import torch

    target = torch.from_numpy(right).expand(len(said), -1)
    return len(said) * torch.nn.functional.cross_entropy(said.flatten(0, 1), target.flatten())


def descend(parameters: list[Tensor], loss, n_steps: int, rate: float) -> None:  # type: ignore[no-untyped-def]
    """Run Adam in place, at a rate that is constant for half of the steps and then falls to zero."""
    import torch

    if n_steps < 0:
        raise ExplaintError(f"expected steps of training, found {n_steps}")
    adam = torch.optim.Adam(parameters, lr=rate, fused=True)
    for step in range(n_steps):
        adam.param_groups[0]["lr"] = rate * min(1.0, 2 * (1 - step / n_steps))
        adam.zero_grad()
        loss().backward()
        adam.step()


def built_networks(n_networks: int, width: int, *, blind: bool, rng: np.random.Generator) -> Networks:
    """Build networks whose second layer holds the two answers, one in each half of the units, and nothing else.

    Parameters
    ----------
    n_networks : int
        They differ in which unit of a half holds the answer.
    width : int
        Even, at least 16.
    blind : bool
        The networks do not see y and z: what they say rests on the first answer, and no map can find the second.
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        If they are too narrow.

    Notes
    -----
    Layer 1 holds the positive and negative parts of w - x and of y - z; layer 2 one minus ten times their sum,
    rectified: 1 where the symbols are the same, and 0 where they differ by .1 or more in all; layer 3 whether both
    answers are yes, or both no.

    Examples
    --------
    >>> from explaint_lib import alignment
    >>> rng = np.random.default_rng(0)
    >>> inputs = alignment.draw_inputs(200, rng=rng)
    >>> for blind in (False, True):
    ...     networks = alignment.built_networks(2, 16, blind=blind, rng=rng)
    ...     print(networks.hits(*inputs).mean() > 0.9)
    True
    False
    """
    import torch

    half, sizes = width // 2, [4 * SYMBOL, *[width] * N_LAYERS, 2]
    if width < 4 * SYMBOL or width % 2:
        raise ExplaintError(f"expected an even width of at least {4 * SYMBOL}, found {width}")
    weights = [torch.zeros(n_networks, a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
    biases = [torch.zeros(n_networks, size) for size in sizes[1:]]
    for pair in range(1 if blind else 2):  # w and x; y and z
        for i in range(SYMBOL):
            for sign in (0, 1):
                unit = 2 * SYMBOL * pair + 2 * i + sign
                weights[0][:, 2 * SYMBOL * pair + i, unit] = 1.0 - 2 * sign
                weights[0][:, 2 * SYMBOL * pair + SYMBOL + i, unit] = 2.0 * sign - 1
    for network in range(n_networks):
        held = rng.integers(half, size=2) + [0, half]
        for pair, unit in enumerate(held):
            weights[1][network, 2 * SYMBOL * pair : 2 * SYMBOL * (pair + 1), unit] = -10.0
            biases[1][network, unit] = 1.0
            weights[2][network, unit, :2] = torch.tensor([1.0, -1.0])
    biases[2][:, :2] = torch.tensor([-1.0, 1.0])  # both yes; both no
    weights[3][:, :2, 1] = 4.0
    biases[3][:, 0] = 2.0
    return Networks(weights, biases)
