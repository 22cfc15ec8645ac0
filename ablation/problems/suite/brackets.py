"""Is this bracket matched? Half of the brackets depend on the past, the other half on the future.

A closing bracket is matched if an open one precedes it, an opening bracket if it is closed later. A
forward layer is therefore certain about closing brackets and has to guess the opening ones from the
number of remaining steps. A backward layer is the reverse. Both directions see the kind of the
bracket, and one of them knows the label, so an additive merge of both can be perfect.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np

from ablation.data import Array, Ceiling, Sequences
from ablation.problems.ceilings.monte_carlo import entropy


def generate(rng: np.random.Generator, sequences: int, length: int) -> Sequences:
    """Random brackets x, +1 for opening and -1 for closing, with y[t] = 1 if bracket t is matched.

    x: (sequences, length, 1) float32. y: (sequences, length) int32.
    """
    x = 2 * rng.integers(0, 2, (sequences, length), dtype=np.int32) - 1
    height = np.cumsum(x, axis=1)
    start = np.zeros((sequences, 1), height.dtype)
    lowest_before = np.minimum.accumulate(np.hstack([start, height[:, :-1]]), axis=1)
    lowest_from = np.minimum.accumulate(height[:, ::-1], axis=1)[:, ::-1]
    matched = np.where(x > 0, lowest_from < height, lowest_before <= height)
    return Sequences(x[..., None].astype(np.float32), matched.astype(np.int32))


@lru_cache
def ceilings(length: int, *, lookahead: int = 0) -> dict[str, Ceiling]:
    """Ceilings of all views, exact.

    `exact` is unknown for "majority", the raw views, and forward with a lookahead.

    By the reflection principle, a fair random walk stays at or above 0 for n steps with probability
    C(n, n/2) / 2**n. An opening bracket is matched unless the walk after it does.
    """
    matched = np.array([_matched(n) for n in range(length)])
    opening, closing = matched[::-1], matched  # matched by a later, an earlier bracket
    either = (opening + closing) / 2
    raw = np.array([_raw(length, t) for t in range(length)]).T
    both_raw = np.array([_both_raw(length, t) for t in range(length)]).T
    exact, ones = _exact(length), np.ones(length)
    forward = Ceiling((1 + _best(opening)) / 2, entropy(opening) / 2, exact)
    if lookahead:
        later = [_delayed(length - 1 - t, lookahead) for t in range(length)]
        forward = Ceiling(*np.array(later).T)
    return {
        "majority": Ceiling(_best(either), entropy(either)),
        "forward": forward,
        "go_backwards": Ceiling((1 + _best(closing)) / 2, entropy(closing) / 2, exact),
        "go_backwards_raw": Ceiling(*raw),
        "bidirectional": Ceiling(ones, 0 * ones, 1.0),
        "bidirectional_raw": Ceiling(*both_raw),
    }


def _best(p: Array) -> Array:
    """Accuracy of the more probable label, given P(label = 1)."""
    return np.asarray(np.maximum(p, 1 - p))


def _matched(steps: int) -> float:
    """Probability that a bracket is matched within the given number of steps."""
    return 1.0 - comb(steps, steps // 2) / (1 << steps)


def _unmatched(steps: int) -> Array:
    """Probabilities of h = 0 .. steps unmatched opening brackets in a random string."""
    return np.array([comb(steps, (steps + h + 1) // 2) / 2**steps for h in range(steps + 1)])


def _unmatched_one_kind(steps: int) -> Array:
    """Probabilities of h unmatched brackets of one kind and none of the other (ballot numbers)."""
    ways = [
        (h + 1) * comb(steps + 1, (steps - h) // 2) // (steps + 1) * ((steps - h + 1) % 2)
        for h in range(steps + 1)
    ]
    return np.array([way / 2**steps for way in ways])


def _raw(length: int, t: int) -> tuple[float, float]:
    """Accuracy and loss of the raw view at output t, which has seen the last t + 1 steps.

    weight: probability of each situation in which the label is uncertain. p: probability that the
    bracket is matched in that situation.
    """
    first = length - 1 - t
    if first <= t:
        # Opening brackets are certain, and so are closing ones matched within the window. Any
        # other closing bracket is matched if the hidden beginning has more unmatched opening
        # brackets than the window has unmatched closing ones before this one.
        weight = _unmatched_one_kind(t - first) / 2
        more = 1 - np.cumsum(_unmatched(first))
        p = np.zeros(len(weight))
        p[: len(more)] = more[: len(p)]
    else:
        # The bracket itself is hidden. An opening one that the hidden gap does not close, and that
        # has h more open brackets after it, needs h + 1 unmatched closing ones in the window.
        weight = _unmatched(t + 1)
        gap = np.concatenate([[0.0], np.cumsum(_unmatched_one_kind(first - 1 - t))])
        closed = gap[np.minimum(np.arange(len(weight)), len(gap) - 1)]
        p = (_matched(t) + _matched(first - 1 - t) + closed) / 2
    certain = 1 - weight.sum()
    return float(certain + weight @ _best(p)), float(weight @ entropy(p))


def _delayed(ahead: int, lookahead: int) -> tuple[float, float]:
    """Accuracy and loss of forward with a lookahead, at a step with `ahead` steps after it.

    Closing brackets are known. An opening one that is not closed within the lookahead, which
    leaves h more open, needs a walk that falls by h + 1 in the steps that are not seen.
    """
    unseen = max(0, ahead - lookahead)
    weight = _unmatched_one_kind(ahead - unseen) / 2
    p = np.array([_falls(unseen, h + 1) for h in range(len(weight))])
    return float(1 - weight.sum() + weight @ _best(p)), float(weight @ entropy(p))


def _falls(steps: int, by: int) -> float:
    """Probability that a fair walk comes to -by or below within so many steps (reflection)."""
    low = np.arange(steps + 1)  # steps down; the walk ends at steps - 2 * low
    ways = np.array([comb(steps, int(k)) for k in low], dtype=float) / 2.0**steps
    end = steps - 2 * low
    return float(ways[end <= -by].sum() + ways[end < -by].sum())


def _both_raw(length: int, t: int) -> tuple[float, float]:
    """Accuracy and loss of the forward view and the raw one together at output t.

    Closing brackets are known. An opening one is followed by a gap that is not seen, unless the
    two views meet, and then by the window of the last t + 1 steps: a bracket that is not closed in
    the gap, which leaves h more open, needs h + 1 unmatched closing ones in the window.
    """
    gap = length - 2 * (t + 1)
    if gap <= 0:
        return 1.0, 0.0
    weight = _unmatched(t + 1) / 2
    left_open = np.concatenate([[0.0], np.cumsum(_unmatched_one_kind(gap))])
    p = _matched(gap) + left_open[np.minimum(np.arange(len(weight)), len(left_open) - 1)]
    p = np.clip(p, 0, 1)  # of rounding
    return float(0.5 + weight @ _best(p)), float(weight @ entropy(p))


def _exact(length: int) -> float:
    """Probability that the best forward rule gets a whole string right; backward is the same.

    The rule predicts that an opening bracket is matched if three or more steps are left. With one
    or two left it is a tie, predicted as 0. The rule is right if the last three brackets are k
    closing ones followed only by opening ones, and those k close all that was open before.
    """
    last = min(3, length)
    at_most = np.cumsum(_unmatched(length - last))
    return float(sum(at_most[min(k, length - last)] for k in range(last + 1)) / 2**last)
