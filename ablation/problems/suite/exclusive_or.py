"""Exclusive or of a past and a future bit: the problem on which the merge mode is decisive.

Either bit alone carries no information, so a single direction cannot beat a coin toss. Both
directions together know the label. But an additive merge (concat, sum, ave) with a linear head can
only add two contributions: the log odds are a(past) + b(future). Such a sum gets at most three of
the four pairs of bits right. Its log loss is never below ln 2: the loss is convex in the log odds,
and a + b, multiplied by the sign of the label, averages to zero over the four pairs. A
multiplicative merge (mul) can represent the label directly: with bits as -1 and +1, exclusive or is
minus their product.
"""

from __future__ import annotations

from functools import lru_cache
from math import log

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems import pairs

KNOWLEDGE = pairs.Knowledge(accuracy=(0.5, 0.5, 1.0), loss=(log(2), log(2), 0.0))


def generate(rng: np.random.Generator, sequences: int, length: int, *, lag: int = 2) -> Sequences:
    """Fair bits b, with y[t] = b[t - lag] xor b[t + lag] at the steps that have both.

    x: (sequences, length, 1) float32, 0 or 1. y: (sequences, length) int32; only the steps with
    both bits are scored.
    """
    return pairs.generate(rng, sequences, length, lag, np.bitwise_xor)


@lru_cache
def ceilings(length: int, *, lookahead: int = 0, lag: int = 2) -> dict[str, Ceiling]:
    """Ceilings of all views, exact, and of bidirectional with an additive merge.

    Each label that a view cannot know depends on a hidden bit that no other label shares. A
    sequence with n such labels is therefore right with probability 1 / 2**n. The additive accuracy
    and loss are each the best possible, but no single model reaches both; `exact` is unknown.
    """
    result = pairs.ceilings(length, lag, KNOWLEDGE, lambda n: 0.5**n, lookahead)
    scored = np.where(np.isnan(result["bidirectional"].accuracy), np.nan, 1.0)
    result["bidirectional/additive"] = Ceiling(0.75 * scored, log(2) * scored)
    return result
