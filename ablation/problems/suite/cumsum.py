"""The lesson's problem: has the running sum reached its limit yet?

The label depends only on the past, so a forward layer can be perfect, and so can a bidirectional
one. A backward layer at step t sees x[t] .. x[T] and has to guess the sum of the t - 1 values
before them. It is hardly better than a model that knows only the number of the step, which is right
nine times in ten.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems.ceilings import linear


def generate(
    rng: np.random.Generator, sequences: int, length: int, *, threshold: float = 0.25
) -> Sequences:
    """Uniform values x, with y[t] = 1 once x[1] + ... + x[t] >= threshold * length.

    x: (sequences, length, 1) float32 in [0, 1). y: (sequences, length) int32.
    The values are drawn as float32 (multiples of 2**-24) and summed in float64. These sums are
    exact, so the labels agree with the numbers that the model sees.
    """
    x = rng.random((sequences, length, 1), dtype=np.float32)
    y = np.cumsum(x[..., 0], axis=1, dtype=np.float64) >= threshold * length
    return Sequences(x, y.astype(np.int32))


@lru_cache
def ceilings(length: int, *, lookahead: int = 0, threshold: float = 0.25) -> dict[str, Ceiling]:
    """Ceilings of all views, to 1e-6; `exact` by Monte Carlo.

    A view has seen some of the t values in the sum; the rest has an Irwin-Hall distribution.
    """
    return linear.ceilings(np.tri(length), threshold * length, lookahead)
