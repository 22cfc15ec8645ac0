"""Simulated sweeps whose truth is known: the values of arms over seeds, and of test sequences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator

SPREAD = 0.003  # standard deviation of an arm over seeds; half of the variance is the seed's


def _skewed(rng: Rng, shape: tuple[int, ...]) -> Floats:
    """Log-normal errors: a long tail towards bad values."""
    errors: Floats = np.exp(rng.normal(size=shape)) - np.exp(0.5)
    spread = float(np.sqrt((np.e - 1) * np.e))
    return -errors / spread


def _failing(rng: Rng, shape: tuple[int, ...]) -> Floats:
    """One seed in ten of each arm ends thirty standard deviations below the others."""
    return rng.normal(size=shape) - 30 * (rng.random(shape) < 0.1)


def _wider(arms: Callable[[int], Floats]) -> Callable[[Rng, tuple[int, ...]], Floats]:
    """Arms of unequal spread: arms gives the factor of each of so many."""
    return lambda rng, shape: rng.normal(size=shape) * arms(shape[-1])


KINDS: dict[str, Callable[[Rng, tuple[int, ...]], Floats]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed": _skewed,
    "heavy-tailed": lambda rng, shape: rng.standard_t(3, size=shape) / np.sqrt(3),
    "two humps": _failing,
    "discrete": lambda rng, shape: rng.normal(size=shape),  # and rounded, see STEPS
    "coarse": lambda rng, shape: rng.normal(size=shape),
    "one arm 5 times": _wider(lambda k: np.where(np.arange(k) == 0, 5.0, 1.0)),
    "half 5 times": _wider(lambda k: np.where(np.arange(k) < k // 2, 5.0, 1.0)),
    "1 to 10 times": _wider(lambda k: np.geomspace(1, 10, k)),
    "skewed, one 5 times": lambda rng, shape: _skewed(rng, shape) * _first(shape[-1]),
}
STEPS = {"discrete": SPREAD, "coarse": 2 * SPREAD}  # the values are multiples of this


def _first(arms: int) -> Floats:
    return np.where(np.arange(arms) == 0, 5.0, 1.0)


def sweeps(rng: Rng, kind: str, means: Floats, seeds: int, count: int) -> Floats:
    """(count, seeds, arms) values of so many sweeps whose arms have these means."""
    own = KINDS[kind](rng, (count, seeds, len(means)))
    shared = rng.normal(size=(count, seeds, 1))
    values = means + (own + shared) * SPREAD / np.sqrt(2)
    step = STEPS.get(kind)
    rounded: Floats = np.round(values / step) * step if step else values
    return rounded
