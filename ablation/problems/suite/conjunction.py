"""A past bit AND a future bit: the control for exclusive or.

The input is the same and both directions are needed just as much. But this label is a threshold of
a sum, so any merge can represent it. If an additive merge fails on exclusive or and succeeds here,
the merge is at fault and not the training.

A single direction that sees a 0 knows the label; with a 1, both labels are equally likely. Its
accuracy is 0.75, the same as always predicting 0. Only the loss shows what it has learnt.
"""

from __future__ import annotations

from functools import lru_cache
from math import log

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems import pairs

QUARTER = -0.25 * log(0.25) - 0.75 * log(0.75)  # entropy of P(label = 1) = 1/4, in nats
KNOWLEDGE = pairs.Knowledge(accuracy=(0.75, 0.75, 1.0), loss=(QUARTER, 0.5 * log(2), 0.0))


def generate(rng: np.random.Generator, sequences: int, length: int, *, lag: int = 2) -> Sequences:
    """Fair bits b, with y[t] = b[t - lag] and b[t + lag] at the steps that have both.

    x: (sequences, length, 1) float32, 0 or 1. y: (sequences, length) int32; only the steps with
    both bits are scored.
    """
    return pairs.generate(rng, sequences, length, lag, np.bitwise_and)


@lru_cache
def ceilings(length: int, *, lookahead: int = 0, lag: int = 2) -> dict[str, Ceiling]:
    """Ceilings of all views, exact. An additive merge can reach the bidirectional ceiling."""
    result = pairs.ceilings(length, lag, KNOWLEDGE, lambda n: _all_zero(n, lag), lookahead)
    result["bidirectional/additive"] = result["bidirectional"]
    return result


def _all_zero(steps: int, lag: int) -> float:
    """Probability that the first `steps` labels are all 0, as a tie is predicted.

    That is, no chain of bits 2 * lag apart has two ones in a row. Fibonacci numbers count these
    chains.
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
