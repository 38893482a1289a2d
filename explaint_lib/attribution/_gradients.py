"""Which input token made this state? Two answers by derivatives: what a small change of the input does, to first order.

What it measures: the derivative of every state with respect to every input vector, along that vector
(`gradient_x_input`) or in all directions (`hidden_token_attribution`). What it controls for: nothing by itself. What it
does NOT license: a gradient is about small changes of a vector, which no exchange of a word is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

from explaint_lib._common import ExplaintError
from explaint_lib.attribution._base import Runner
from explaint_lib.attribution._runner import prepare

_ROWS = 64  # directions pushed through the model at once


def gradient_x_input(model: Any, ids: np.ndarray, *, readout: np.ndarray | None = None) -> np.ndarray:
    """Multiply the gradient of a state by the input: what a small stretch of token j's input vector does.

    For a scalar s the score is ``|ds/dx_j . x_j|``. A state is a vector; then it is ``||(dh_i/dx_j) x_j||``,
    exact, by forward-mode differentiation.

    Parameters
    ----------
    model, ids : as in `layer_parts`
    readout : (n, dim), optional
        A direction for each state i, to score the scalar ``readout[i] . h_i`` instead (a logit, say).

    Returns
    -------
    (layer + 1, query, key) float64

    Warnings
    --------
    Where a normalisation stands before the first attention block (Llama), stretching an input changes
    nothing that others read there: at layer 1 every entry off the diagonal is zero, whatever flows.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.mover(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> scores = attribution.gradient_x_input(world, ids)
    >>> scores.shape, scores[-1, 3, :].argmax().item()
    ((5, 6, 6), 2)
    """
    text = prepare(model, ids)
    n = len(text.start)
    stretch = text.start.new_zeros(n, *text.start.shape)  # (key, n, dim)
    for j in range(n):
        stretch[j, j] = text.start[j]
    pushed = np.concatenate([_derivatives(text, some) for some in stretch.split(_ROWS)])  # (key, layer + 1, query, dim)
    if readout is None:
        sizes = np.linalg.norm(pushed, axis=-1)
    else:
        directions = np.asarray(readout, dtype=np.float64)
        if directions.shape != tuple(text.start.shape):
            raise ExplaintError(f"readout must be {tuple(text.start.shape)}, one a state; found {directions.shape}")
        sizes = np.abs((pushed * directions).sum(axis=-1))
    return np.moveaxis(sizes, 0, -1)


def hidden_token_attribution(
    model: Any,
    ids: np.ndarray,
    *,
    n_samples: int | None = None,
    rng: np.random.Generator | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Return the size of every Jacobian ``dh_i / dx_j``, in the Frobenius norm.

    Parameters
    ----------
    model, ids : as in `layer_parts`
    n_samples : int, optional
        Estimate from so many random sign vectors u, since ``E ||J u||^2 = ||J||_F^2`` (Hutchinson); 16 give
        about a tenth of error. Default: exact, one pass for each dimension of each token.
    rng : numpy.random.Generator
        Needed with `n_samples`.

    Returns
    -------
    (layer + 1, query, key) float64

    References
    ----------
    Brunner et al. 2020, hidden token attribution.

    Examples
    --------
    >>> from explaint_lib import attribution, planted
    >>> world = planted.rotator(rng=np.random.default_rng(0))
    >>> ids = world.sample(1, 6, rng=np.random.default_rng(1))[0]
    >>> sizes = attribution.hidden_token_attribution(world, ids)[-1]
    >>> bool(np.allclose(sizes, np.diag(np.diag(sizes))))  # every state depends on its own token only
    True
    """
    import torch

    text = prepare(model, ids)
    n, dim = text.start.shape
    if n_samples is None:
        directions = torch.eye(dim)
    elif n_samples < 1 or rng is None:
        raise ExplaintError(f"an estimate needs at least 1 sample and a generator, found {n_samples} and {rng}")
    else:
        directions = torch.from_numpy(rng.choice([-1.0, 1.0], size=(n_samples, dim)))
    directions = directions.to(text.start)
    squares = np.zeros((n, text.n_layers + 1, n))  # (key, layer + 1, query)
    key, which = torch.arange(n).repeat_interleave(len(directions)), torch.arange(len(directions)).repeat(n)
    for rows in tqdm(torch.split(torch.arange(len(key)), _ROWS), desc="directions", disable=not progress, leave=False):
        nudge = text.start.new_zeros(len(rows), n, dim)
        nudge[torch.arange(len(rows)), key[rows]] = directions[which[rows]]
        np.add.at(squares, key[rows].numpy(), (_derivatives(text, nudge) ** 2).sum(axis=-1))
    return np.moveaxis(np.sqrt(squares / (1 if n_samples is None else n_samples)), 0, -1)


def _derivatives(text: Runner, directions: Any) -> np.ndarray:
    """Push directions (row, n, dim) through the model's derivative: (row, layer + 1, n, dim) float64."""
    import torch

    def states(start: Any) -> Any:
        return text.states(start[None])[0]

    try:
        with torch.no_grad(), text.differentiable():
            pushed = torch.func.vmap(lambda one: torch.func.jvp(states, (text.start,), (one,))[1])(directions)
    except torch.OutOfMemoryError:
        raise
    except (NotImplementedError, RuntimeError) as fault:
        raise ExplaintError(
            "this model holds an operation without a forward derivative, which gradients need "
            f"({str(fault).splitlines()[0][:200]}); use another model, such as minilm or smollm2"
        ) from fault
    return pushed.double().cpu().numpy()
