"""Has this bracket a partner? Half the brackets look back for it, the other half ahead.

A closing bracket is matched if one is open before it, an opening one if it is closed later. A
forward layer is therefore certain of the closing brackets and guesses the opening ones by the
number of steps that are left; a backward layer the reverse. Each bracket is decided by the
direction that knows it, and both directions see which kind it is, so an additive merge of the two
can be perfect.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np

from ablation.data import Array, Ceiling, Sequences
from ablation.problems.ceilings.monte_carlo import entropy


def generate(rng: np.random.Generator, sequences: int, length: int) -> Sequences:
    """Random brackets x, +1 opening and -1 closing, and y[t] = 1 where bracket t has a partner.

    x: (sequences, length, 1) float32; y: (sequences, length) int32.
    """
    x = 2 * rng.integers(0, 2, (sequences, length), dtype=np.int32) - 1
    height = np.cumsum(x, axis=1)
    start = np.zeros((sequences, 1), height.dtype)
    lowest_before = np.minimum.accumulate(np.hstack([start, height[:, :-1]]), axis=1)
    lowest_from = np.minimum.accumulate(height[:, ::-1], axis=1)[:, ::-1]
    matched = np.where(x > 0, lowest_from < height, lowest_before <= height)
    return Sequences(x[..., None].astype(np.float32), matched.astype(np.int32))


@lru_cache
def ceilings(length: int) -> dict[str, Ceiling]:
    """The best that each view can reach, exact; `exact` is unknown for the clock and the raw view.

    By reflection, a fair walk stays at 0 or above for n steps with probability C(n, n/2) / 2**n;
    an opening bracket is matched unless the walk after it does so.
    """
    found = np.array([_found(n) for n in range(length)])
    ahead, back = found[::-1], found
    clock = (ahead + back) / 2
    accuracy, loss = np.array([_raw(length, t) for t in range(length)]).T
    exact, sure = _exact(length), np.ones(length)
    return {
        "majority": Ceiling(_best(clock), entropy(clock)),
        "forward": Ceiling((1 + _best(ahead)) / 2, entropy(ahead) / 2, exact),
        "go_backwards": Ceiling((1 + _best(back)) / 2, entropy(back) / 2, exact),
        "go_backwards_raw": Ceiling(accuracy, loss),
        "bidirectional": Ceiling(sure, 0 * sure, 1.0),
    }


def _best(p: Array) -> Array:
    return np.asarray(np.maximum(p, 1 - p))


def _found(steps: int) -> float:
    """Probability that a bracket finds its partner within so many steps."""
    return 1.0 - comb(steps, steps // 2) / (1 << steps)


def _unmatched(steps: int) -> Array:
    """Probability of h = 0 .. steps unmatched opening brackets in a random string."""
    return np.array([comb(steps, (steps + h + 1) // 2) / 2**steps for h in range(steps + 1)])


def _one_kind(steps: int) -> Array:
    """Probability of h unmatched brackets of one kind, and none of the other (ballot numbers)."""
    ways = [
        (h + 1) * comb(steps + 1, (steps - h) // 2) // (steps + 1) * ((steps - h + 1) % 2)
        for h in range(steps + 1)
    ]
    return np.array([way / 2**steps for way in ways])


def _raw(length: int, t: int) -> tuple[float, float]:
    """Accuracy and loss of the raw view at output t, which has seen the last t + 1 steps.

    Each weight is the probability of a situation in which it is unsure, and p that of a partner.
    """
    first = length - 1 - t
    if first <= t:
        # Sure of an opening bracket, and of a closing one whose partner lies in the window.
        # Otherwise the unseen beginning must have more opening brackets to give than the window
        # has unmatched closing ones before this one.
        weight = _one_kind(t - first) / 2
        more = 1 - np.cumsum(_unmatched(first))
        p = np.zeros(len(weight))
        p[: len(more)] = more[: len(p)]
    else:
        # The bracket is not seen. If opening and not closed in the unseen gap, which leaves h more
        # open, then it needs h + 1 unmatched closing brackets in the window.
        weight = _unmatched(t + 1)
        gap = np.concatenate([[0.0], np.cumsum(_one_kind(first - 1 - t))])
        closed = gap[np.minimum(np.arange(len(weight)), len(gap) - 1)]
        p = (_found(t) + _found(first - 1 - t) + closed) / 2
    sure = 1 - weight.sum()
    return float(sure + weight @ _best(p)), float(weight @ entropy(p))


def _exact(length: int) -> float:
    """Probability that one direction is right on a whole string.

    Forward, an opening bracket is called matched if three steps or more are left (with one or two
    it is a tie, predicted 0). So all of the beginning must be closed by the last three brackets,
    which must read: k closing, then only opening ones.
    """
    last = min(3, length)
    at_most = np.cumsum(_unmatched(length - last))
    return float(sum(at_most[min(k, length - last)] for k in range(last + 1)) / 2**last)
