"""Exclusive or of a past and a future bit: the one place where the merge mode is decisive.

Either bit alone says nothing, so one direction cannot beat a coin. Both directions together know
the label, but an additive merge (concat, sum, ave) with a linear head can only add what the past
says to what the future says: the log odds are a(past) + b(future). Of the four pairs of bits such a
sum gets three right at most, and its log loss is never below ln 2: the loss is convex in the log
odds, and a + b averaged over the four pairs with the sign of the label is zero. A multiplicative
merge (mul) writes the label down at once: with bits as -1 and +1, exclusive or is minus their
product.
"""

from __future__ import annotations

from functools import lru_cache
from math import log

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems import pairs

KNOWLEDGE = pairs.Knowledge(accuracy=(0.5, 0.5, 1.0), loss=(log(2), log(2), 0.0))


def generate(rng: np.random.Generator, sequences: int, length: int, *, lag: int = 2) -> Sequences:
    """Fair bits b, and y[t] = b[t - lag] xor b[t + lag] at the steps that have both.

    x: (sequences, length, 1) float32 of 0 and 1; y: (sequences, length) int32; others not scored.
    """
    return pairs.generate(rng, sequences, length, lag, np.bitwise_xor)


@lru_cache
def ceilings(length: int, *, lag: int = 2) -> dict[str, Ceiling]:
    """The best that each view can reach, exact, and that of both with an additive merge.

    Every label that a view cannot know hangs on a bit of its own, so a sequence with n such labels
    is right with probability 1 / 2**n. The additive accuracy and loss are each the best possible,
    though not of one model; its `exact` is unknown.
    """
    result = pairs.ceilings(length, lag, KNOWLEDGE, lambda n: 0.5**n)
    scored = np.where(np.isnan(result["bidirectional"].accuracy), np.nan, 1.0)
    result["bidirectional/additive"] = Ceiling(0.75 * scored, log(2) * scored)
    return result
