"""Has the running sum reached its share of the total? The limit itself lies in the future.

A forward layer knows the running sum but not the total, a backward layer neither the running sum
nor, therefore, the total. Only both together know the two, and the label is the sign of
(1 - threshold) * past - threshold * future: a sum, so an additive merge (concat, sum, ave) with a
linear head is enough.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems.ceilings import linear


def generate(
    rng: np.random.Generator, sequences: int, length: int, *, threshold: float = 0.25
) -> Sequences:
    """Uniform values x, and y[t] = 1 once x[1] + ... + x[t] >= threshold * (x[1] + ... + x[T]).

    x: (sequences, length, 1) float32 in [0, 1); y: (sequences, length) int32.
    """
    x = rng.random((sequences, length, 1), dtype=np.float32)
    total = np.cumsum(x[..., 0], axis=1, dtype=np.float64)
    return Sequences(x, (total >= threshold * total[:, -1:]).astype(np.int32))


@lru_cache
def ceilings(length: int, *, threshold: float = 0.25) -> dict[str, Ceiling]:
    """The best that each view can reach, by Monte Carlo of the optimal rule (see `error`).

    A weighted sum of uniforms has no Irwin-Hall distribution, so the unseen part is simulated too.
    """
    return linear.simulated_ceilings(np.tri(length) - threshold, 0.0)
