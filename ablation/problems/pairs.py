"""What exclusive or and conjunction share: fair bits, and labels made of two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ablation.data import Array, Ceiling, Sequences
from ablation.problems.ceilings.views import seen


def generate(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    lag: int,
    label: Callable[[Array, Array], Array],
) -> Sequences:
    """Fair bits b, and y[t] = label(b[t - lag], b[t + lag]) at the steps that have both.

    x: (sequences, length, 1) float32 of 0 and 1; y: (sequences, length) int32, 0 where not scored.
    """
    steps = scored_steps(length, lag)
    bits = rng.integers(0, 2, (sequences, length), dtype=np.int32)
    y = np.zeros_like(bits)
    y[:, steps] = label(bits[:, steps - lag], bits[:, steps + lag])
    scored = np.zeros(y.shape, bool)
    scored[:, steps] = True
    return Sequences(bits[..., None].astype(np.float32), y, scored)


def scored_steps(length: int, lag: int) -> Array:
    """The steps that have a bit `lag` before and a bit `lag` after them."""
    if not 1 <= lag <= (length - 1) // 2:
        possible = f"1 .. {(length - 1) // 2}" if length >= 3 else "nothing (length >= 3 is needed)"
        raise ValueError(f"lag: {lag} is not possible with length {length}, possible is {possible}")
    return np.arange(lag, length - lag)


@dataclass(frozen=True)
class Knowledge:
    """Best accuracy and least loss (nats) of one step, by how many of its two bits are seen."""

    accuracy: tuple[float, float, float]
    loss: tuple[float, float, float]


def ceilings(
    length: int, lag: int, knowledge: Knowledge, exact: Callable[[int], float]
) -> dict[str, Ceiling]:
    """Ceilings of all views: NaN at the steps that are not scored.

    exact: probability that a view is right at its first n scored steps, where it misses a bit.
    """
    steps = scored_steps(length, lag)
    result = {}
    for view, visible in seen(length).items():
        bits = visible[steps, steps - lag].astype(int) + visible[steps, steps + lag]
        accuracy, loss = np.full((2, length), np.nan)
        accuracy[steps] = np.take(knowledge.accuracy, bits)
        loss[steps] = np.take(knowledge.loss, bits)
        result[view] = Ceiling(accuracy, loss, exact(int((bits < 2).sum())))
    return result
