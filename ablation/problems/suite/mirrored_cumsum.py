"""The lesson's problem read from the other end: does the rest of the sequence reach the limit?

The label needs the present and the future only, so all that is true of the cumulative sum is true
here with the directions exchanged: a backward layer can be perfect, a forward layer is hardly
better than a clock. Together the two tell a program that favours one direction by mistake. The
literal Keras `go_backwards` layer has seen the right values only in the second half of its outputs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems.ceilings import linear


def generate(
    rng: np.random.Generator, sequences: int, length: int, *, threshold: float = 0.25
) -> Sequences:
    """Uniform values x, and y[t] = 1 while x[t] + ... + x[T] >= threshold * length.

    x: (sequences, length, 1) float32 in [0, 1); y: (sequences, length) int32, summed exactly.
    """
    x = rng.random((sequences, length, 1), dtype=np.float32)
    rest = np.cumsum(x[:, ::-1, 0], axis=1, dtype=np.float64)[:, ::-1]
    return Sequences(x, (rest >= threshold * length).astype(np.int32))


@lru_cache
def ceilings(length: int, *, threshold: float = 0.25) -> dict[str, Ceiling]:
    """The best that each view can reach: exact to 1e-6, `exact` by Monte Carlo."""
    return linear.ceilings(np.tri(length).T, threshold * length)
