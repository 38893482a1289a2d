"""The feed-forward network of the literature: one hidden layer, small enough to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from explaint_lib._common import ExplaintError
from explaint_lib.mappers._base import Mapper, moments

if TYPE_CHECKING:
    from torch import Generator, Tensor


class FFNN(Mapper):
    """One hidden tanh layer with dropout and a linear output, trained with Adam on the squared error.

    Parameters
    ----------
    hidden : int, default=300
        Hidden units.
    dropout : float in [0, 1), default=0.5
        Share of hidden units silenced at each training step.
    learning_rate : float, default=1e-3
    max_epochs : int, default=200
        Training stops earlier once the dev error has not fallen for `patience` epochs.
    patience : int, default=10
    batch_size : int, default=64
    dev_share : float in (0, 1), default=0.1
        Share of the training words set aside (at least one word) to decide when to stop; they are not
        trained on.
    random_state : int, RandomState or None
        Decides the start weights, the dev split, the batches and the dropout. PyTorch's global generator is
        not touched.

    Attributes
    ----------
    n_epochs_ : int
        The epoch whose weights are kept (0: the start, which predicts the mean profile).
    dev_mse_ : array of shape (epochs run + 1,)
        Mean squared error on the dev words after each epoch, in the units of Y, missing cells left out.

    Notes
    -----
    X is standardised. Y is centred by feature and divided by *one* number, the root mean square of all
    centred cells: the loss stays the squared error in the units of Y, so that a rare feature weighs what it
    weighs (dividing each feature by its own standard deviation, as `PLSR` does by default, would make the
    rare ones dominate). The output is linear because production frequencies and ratings are no
    probabilities. Output weights start at zero, so training departs from the mean profile. Missing cells
    are left out of the loss. Weight decay is 0. Computed in float32 on the CPU.

    After Chronis, Mahowald & Erk (2023), who used 300 units, dropout .5, a learning rate of 1e-4 and 50
    epochs; the larger rate with early stopping here is ours.
    """

    def __init__(
        self,
        hidden: int = 300,
        dropout: float = 0.5,
        learning_rate: float = 1e-3,
        max_epochs: int = 200,
        patience: int = 10,
        batch_size: int = 64,
        dev_share: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.patience = patience
        self.batch_size = batch_size
        self.dev_share = dev_share
        self.random_state = random_state

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        if not (0 <= self.dropout < 1 and 0 < self.dev_share < 1 and self.hidden >= 1 and self.batch_size >= 1):
            raise ExplaintError(
                "FFNN expects hidden >= 1, batch_size >= 1, 0 <= dropout < 1 and 0 < dev_share < 1; got "
                f"{self.hidden}, {self.batch_size}, {self.dropout}, {self.dev_share}"
            )
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        self._x_mean, self._x_std = moments(X)
        self._y_mean, _ = moments(Y, scale=False)
        centred = Y - self._y_mean
        self._y_scale = float(np.sqrt(np.nanmean(centred**2))) or 1.0
        order = rng.permutation(len(X))
        n_dev = max(1, round(self.dev_share * len(X)))
        self._train((X - self._x_mean) / self._x_std, centred / self._y_scale, order[n_dev:], order[:n_dev], rng)

    def _train(
        self, X: np.ndarray, Y: np.ndarray, train: np.ndarray, dev: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Train on scaled X and Y; keep the weights of the best epoch and the dev errors of all of them."""
        import torch  # slow to import, and only this mapper needs it

        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        inputs, targets = (torch.tensor(A, dtype=torch.float32) for A in (X, np.nan_to_num(Y)))
        observed = torch.tensor(~np.isnan(Y))
        weights = _start_weights(X.shape[1], self.hidden, Y.shape[1], generator)
        adam = torch.optim.Adam(weights, lr=self.learning_rate, fused=True)

        def loss(rows: np.ndarray, dropout: float = 0.0) -> Tensor:
            squares = (_forward(inputs[rows], weights, dropout, generator) - targets[rows]) ** 2 * observed[rows]
            return squares.sum() / observed[rows].sum().clamp(min=1)

        def dev_error() -> float:
            with torch.no_grad():
                return float(loss(dev))

        best, errors = [w.detach().clone() for w in weights], [dev_error()]
        for epoch in range(1, self.max_epochs + 1):
            train = rng.permutation(train)
            for start in range(0, len(train), self.batch_size):
                adam.zero_grad()
                loss(train[start : start + self.batch_size], self.dropout).backward()
                adam.step()
            errors.append(dev_error())
            if errors[-1] <= min(errors):
                best = [w.detach().clone() for w in weights]
            elif epoch - int(np.argmin(errors)) >= self.patience:
                break
        self.n_epochs_ = len(errors) - 1 - int(np.argmin(errors[::-1]))
        self.dev_mse_ = np.array(errors) * self._y_scale**2
        self._weights = [w.numpy().astype(np.float64) for w in best]

    def _predict(self, X: np.ndarray) -> np.ndarray:
        W1, b1, W2, b2 = self._weights
        hidden = np.tanh((X - self._x_mean) / self._x_std @ W1 + b1)
        return (hidden @ W2 + b2) * self._y_scale + self._y_mean


def _start_weights(n_in: int, hidden: int, n_out: int, generator: Generator) -> list[Tensor]:
    """Return start weights: W1, b1 uniform within 1/sqrt(n_in) (PyTorch's default), W2, b2 zero."""
    import torch

    bound = n_in**-0.5
    W1, b1 = (bound * (2 * torch.rand(shape, generator=generator) - 1) for shape in ((n_in, hidden), (hidden,)))
    return [w.requires_grad_() for w in (W1, b1, torch.zeros(hidden, n_out), torch.zeros(n_out))]


def _forward(x: Tensor, weights: list[Tensor], dropout: float, generator: Generator) -> Tensor:
    """Return the output; `dropout` > 0 silences hidden units and scales the others up to keep the mean."""
    import torch

    W1, b1, W2, b2 = weights
    h = torch.tanh(x @ W1 + b1)  # (batch, hidden)
    if dropout:
        h = h * (torch.rand(h.shape, generator=generator) >= dropout) / (1 - dropout)
    return h @ W2 + b2  # (batch, feature)
