"""Weighted means of what a model scores at each step or sequence."""

from __future__ import annotations

import numpy as np

from ablation.data import Array


def mean(values: Array, weights: Array) -> float:
    """Mean of the values that count. values, weights: (n, ...), of the same shape."""
    return float((values * weights).sum() / weights.sum())


def error(values: Array, weights: Array) -> float:
    """Standard error of that mean, over the sequences."""
    n = len(values)
    sums = (values * weights).reshape(n, -1).sum(1)
    counts = weights.reshape(n, -1).sum(1)
    # The steps of a sequence are not independent, so the sampling unit is the sequence.
    deviation = (sums - mean(values, weights) * counts) / counts.mean()
    return float(deviation.std() / np.sqrt(n))


def by_position(values: Array, weights: Array) -> list[float | None]:
    """Mean at each step of (n, steps); None if none counts there; [] of (n,)."""
    if values.ndim == 1:
        return []
    sums, counts = (values * weights).sum(0), weights.sum(0)
    means = [float(total / n) if n else None for total, n in zip(sums, counts, strict=True)]
    return [value if value is not None and np.isfinite(value) else None for value in means]


def finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
