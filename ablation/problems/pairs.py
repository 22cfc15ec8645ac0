"""Shared by exclusive_or and conjunction: fair bits, and labels computed from two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ablation.data import Array, Ceiling, Sequences
from ablation.problems.ceilings.views import visible_steps


def generate(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    lag: int,
    label: Callable[[Array, Array], Array],
) -> Sequences:
    """Fair bits b, with y[t] = label(b[t - lag], b[t + lag]) at the steps that have both.

    x: (sequences, length, 1) float32, 0 or 1. y: (sequences, length) int32; only the steps with
    both bits are scored, all others are 0.
    """
    steps = scored_steps(length, lag)
    bits = rng.integers(0, 2, (sequences, length), dtype=np.int32)
    y = np.zeros_like(bits)
    y[:, steps] = label(bits[:, steps - lag], bits[:, steps + lag])
    scored = np.zeros(y.shape, bool)
    scored[:, steps] = True
    return Sequences(bits[..., None].astype(np.float32), y, scored)


def scored_steps(length: int, lag: int) -> Array:
    """The steps with a bit `lag` steps before them and one `lag` steps after them.

    Raises ValueError if the length leaves no such step.
    """
    if not 1 <= lag <= (length - 1) // 2:
        choice = f"choose 1 .. {(length - 1) // 2}" if length >= 3 else "length >= 3 is needed"
        raise ValueError(f"lag: {lag} is not possible with length {length}; {choice}")
    return np.arange(lag, length - lag)


@dataclass(frozen=True)
class Knowledge:
    """The best accuracy and loss (nats) at one step if 0, 1 or 2 of its bits are visible."""

    accuracy: tuple[float, float, float]
    loss: tuple[float, float, float]


def ceilings(
    length: int,
    lag: int,
    knowledge: Knowledge,
    exact: Callable[[int], float],
    lookahead: int = 0,
) -> dict[str, Ceiling]:
    """Ceilings of all views, with NaN at the steps that are not scored.

    exact: maps n to the probability of being right at the first n scored steps, if one or both
    bits of each are hidden.
    """
    steps = scored_steps(length, lag)
    result = {}
    for view, visible in visible_steps(length, lookahead).items():
        bits = visible[steps, steps - lag].astype(int) + visible[steps, steps + lag]
        accuracy, loss = np.full((2, length), np.nan)
        accuracy[steps] = np.take(knowledge.accuracy, bits)
        loss[steps] = np.take(knowledge.loss, bits)
        result[view] = Ceiling(accuracy, loss, exact(int((bits < 2).sum())))
    return result
