"""Does the sequence so far, this step included, weigh as much as what is still to come?

A forward layer knows the one scale, a backward layer the other (and the present value), and each
has to guess what it does not see. Both together are perfect, with any additive merge: the label is
the sign of past - future. The present value counts as past, which is why the two directions differ
a little.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems.ceilings import linear


def generate(rng: np.random.Generator, sequences: int, length: int) -> Sequences:
    """Uniform values x, and y[t] = 1 once x[1] + ... + x[t] >= x[t+1] + ... + x[T].

    x: (sequences, length, 1) float32 in [0, 1); y: (sequences, length) int32, summed exactly.
    """
    x = rng.random((sequences, length, 1), dtype=np.float32)
    past = np.cumsum(x[..., 0], axis=1, dtype=np.float64)
    return Sequences(x, (past >= past[:, -1:] - past).astype(np.int32))


@lru_cache
def ceilings(length: int) -> dict[str, Ceiling]:
    """The best that each view can reach: exact to 1e-6, `exact` by Monte Carlo.

    With every future value replaced by one minus itself, the label asks whether all T uniforms sum
    to T - t, the number of future ones. The raw backward layer at output t has then seen t of T
    exchangeable values, just as the forward layer has: their ceilings are the same.
    """
    return linear.ceilings(2 * np.tri(length) - 1, 0.0)
