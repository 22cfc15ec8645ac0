"""Has the running sum reached a given share of the total? The total includes the future.

A forward layer knows the running sum but not the total. A backward layer knows neither. Both
together know both. The label is the sign of (1 - threshold) * past - threshold * future, which is a
sum, so an additive merge (concat, sum, ave) with a linear head is enough.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems.ceilings import linear


def generate(
    rng: np.random.Generator, sequences: int, length: int, *, threshold: float = 0.25
) -> Sequences:
    """Uniform values x, with y[t] = 1 once x[1] + ... + x[t] >= threshold * (x[1] + ... + x[T]).

    x: (sequences, length, 1) float32 in [0, 1). y: (sequences, length) int32.
    """
    x = rng.random((sequences, length, 1), dtype=np.float32)
    total = np.cumsum(x[..., 0], axis=1, dtype=np.float64)
    return Sequences(x, (total >= threshold * total[:, -1:]).astype(np.int32))


@lru_cache
def ceilings(length: int, *, lookahead: int = 0, threshold: float = 0.25) -> dict[str, Ceiling]:
    """Ceilings of all views, by Monte Carlo of the optimal rule (see `error`).

    A weighted sum of uniforms has no Irwin-Hall distribution, so the hidden part is simulated too.
    """
    return linear.simulated_ceilings(np.tri(length) - threshold, 0.0, lookahead)
