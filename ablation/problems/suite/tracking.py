"""A hidden walk seen through noise: where is it at each step? The task is to predict numbers.

At each step the state keeps a share of its value and moves by a Gaussian step, so that it wanders
about 0 with variance 1. A walk without this pull would start somewhere, and its variance would grow
from there: one end would tell more than the other. As it is, the walk looks the same from either
end, and neither direction has an advantage.

The best forward layer is the Kalman filter, the best backward layer the same filter from the other
end, the best bidirectional layer the smoother, and the best forward layer with a lookahead the
fixed-lag smoother. All of them are linear in the observations, and the smoother is a sum of what
the past and what the future say. An additive merge with a linear head can be as good, so it has no
floor of its own.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems.ceilings import gaussian


def generate(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    *,
    memory: float = 0.9,
    noise: float = 1.0,
) -> Sequences:
    """Hidden states y with y[t + 1] = memory * y[t] + a step, and observations x = y + noise.

    x: (sequences, length, 1) float32. y: (sequences, length, 1) float32, of mean 0 and variance 1.
    memory: between 0 and 1, the correlation of neighbouring states. noise: the variance of what is
    added to a state, above 0. Raises ValueError for other values.
    """
    _check(memory, noise)
    steps = rng.standard_normal((sequences, length))
    steps[:, 1:] *= np.sqrt(1 - memory**2)
    y = np.empty_like(steps)
    y[:, 0] = steps[:, 0]
    for t in range(1, length):
        y[:, t] = memory * y[:, t - 1] + steps[:, t]
    x = y + np.sqrt(noise) * rng.standard_normal(y.shape)
    seen, hidden = (values[..., None].astype(np.float32) for values in (x, y))
    return Sequences(seen, hidden, task="numbers")


@lru_cache
def ceilings(
    length: int, *, lookahead: int = 0, memory: float = 0.9, noise: float = 1.0
) -> dict[str, Ceiling]:
    """Floors of the squared error for all views, exact."""
    _check(memory, noise)
    t = np.arange(length)
    covariance = memory ** np.abs(np.subtract.outer(t, t)).astype(np.float64)
    floors = gaussian.floors(covariance, noise, lookahead)
    floors["constant"] = floors.pop("majority")
    return {view: Ceiling(mse=floor) for view, floor in floors.items()}


def _check(memory: float, noise: float) -> None:
    if not 0 < memory < 1:
        raise ValueError(f"memory: {memory} is not possible; choose a number between 0 and 1")
    if noise <= 0:
        raise ValueError(f"noise: {noise} is not possible; choose a number above 0")
