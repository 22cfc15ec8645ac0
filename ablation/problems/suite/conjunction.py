"""A past bit and a future bit: the control to exclusive or.

The input is the same and both directions are needed as much, but this label is a threshold of a
sum, so any merge will do. Where the additive merges fail on exclusive or and succeed here, it is
the merge that fails, not the training. One direction that sees a 0 knows the label, and with a 1 it
has to toss a coin: right in .75, like the constant answer 0; only the loss shows what it has
learnt.
"""

from __future__ import annotations

from functools import lru_cache
from math import log

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems import pairs

QUARTER = -0.25 * log(0.25) - 0.75 * log(0.75)  # entropy of one in four, nats
KNOWLEDGE = pairs.Knowledge(accuracy=(0.75, 0.75, 1.0), loss=(QUARTER, 0.5 * log(2), 0.0))


def generate(rng: np.random.Generator, sequences: int, length: int, *, lag: int = 2) -> Sequences:
    """Fair bits b, and y[t] = b[t - lag] and b[t + lag] at the steps that have both.

    x: (sequences, length, 1) float32 of 0 and 1; y: (sequences, length) int32; others not scored.
    """
    return pairs.generate(rng, sequences, length, lag, np.bitwise_and)


@lru_cache
def ceilings(length: int, *, lag: int = 2) -> dict[str, Ceiling]:
    """The best that each view can reach, exact; an additive merge of both reaches everything."""
    result = pairs.ceilings(length, lag, KNOWLEDGE, lambda n: _none(n, lag))
    result["bidirectional/additive"] = result["bidirectional"]
    return result


def _none(steps: int, lag: int) -> float:
    """Probability that the first `steps` labels are all 0, which is what ties are predicted as.

    Bits 2 * lag apart form chains without two ones in a row; Fibonacci counts them.
    """
    probability = 1.0
    if steps:
        for first in range(2 * lag):
            bits = len(range(first, steps + 2 * lag, 2 * lag))
            ways, longer = 1, 2
            for _ in range(bits):
                ways, longer = longer, ways + longer
            probability *= ways / 2**bits
    return probability
