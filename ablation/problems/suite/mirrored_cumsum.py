"""The lesson's problem mirrored: does the rest of the sequence reach the limit?

The label depends only on the current and later values. Everything said of the cumulative sum holds
here with the directions exchanged: a backward layer can be perfect, and a forward layer is hardly
better than one that knows only the number of the step. Run together, the two problems reveal a
program that favours one direction by mistake. `go_backwards_raw` has seen the values that it needs
only in the second half of its outputs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems.ceilings import linear


def generate(
    rng: np.random.Generator, sequences: int, length: int, *, threshold: float = 0.25
) -> Sequences:
    """Uniform values x, with y[t] = 1 while x[t] + ... + x[T] >= threshold * length.

    x: (sequences, length, 1) float32 in [0, 1). y: (sequences, length) int32, from exact sums.
    """
    x = rng.random((sequences, length, 1), dtype=np.float32)
    rest = np.cumsum(x[:, ::-1, 0], axis=1, dtype=np.float64)[:, ::-1]
    return Sequences(x, (rest >= threshold * length).astype(np.int32))


@lru_cache
def ceilings(length: int, *, lookahead: int = 0, threshold: float = 0.25) -> dict[str, Ceiling]:
    """Ceilings of all views, to 1e-6; `exact` by Monte Carlo."""
    return linear.ceilings(np.tri(length).T, threshold * length, lookahead)
