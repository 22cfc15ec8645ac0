"""Is the sum up to and including this step at least the sum of the steps after it?

A forward layer knows the past sum. A backward layer knows the future sum and the current value.
Each has to guess the rest. Both together are perfect with any additive merge, because the label is
the sign of past - future. The current value counts as past, so the two directions differ a little.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems.ceilings import linear


def generate(rng: np.random.Generator, sequences: int, length: int) -> Sequences:
    """Uniform values x, with y[t] = 1 once x[1] + ... + x[t] >= x[t+1] + ... + x[T].

    x: (sequences, length, 1) float32 in [0, 1). y: (sequences, length) int32, from exact sums.
    """
    x = rng.random((sequences, length, 1), dtype=np.float32)
    past = np.cumsum(x[..., 0], axis=1, dtype=np.float64)
    return Sequences(x, (past >= past[:, -1:] - past).astype(np.int32))


@lru_cache
def ceilings(length: int, *, lookahead: int = 0) -> dict[str, Ceiling]:
    """Ceilings of all views, to 1e-6; `exact` by Monte Carlo.

    If every future value x is replaced by 1 - x, the label says whether all T uniforms sum to at
    least T - t, the number of future values. At output t the raw backward layer has then seen t of
    T exchangeable values, as the forward layer has, so both have the same ceiling.
    """
    return linear.ceilings(2 * np.tri(length) - 1, 0.0, lookahead)
