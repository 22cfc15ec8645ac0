"""A sticky two-state Markov chain seen through noise: each direction helps, both together most.

No label is ever certain. The best forward layer is the forward filter. The best backward layer is
the same filter run from the other end; the chain is reversible, so both are equally accurate. The
best bidirectional layer is the smoother. The log odds of past and future add up, so an additive
merge with a linear head loses nothing. It is a toy version of labelling speech or text.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Array, Ceiling, Sequences
from ablation.problems.ceilings import monte_carlo
from ablation.seeding import stream


def generate(
    rng: np.random.Generator, sequences: int, length: int, *, stay: float = 0.9, flip: float = 0.25
) -> Sequences:
    """Hidden states y that stay the same with probability `stay`, and noisy observations x.

    x: (sequences, length, 1) float32, 0 or 1: the state, inverted with probability `flip`.
    y: (sequences, length) int32. Raises ValueError unless both probabilities are between 0 and 1.
    """
    for key, value in (("stay", stay), ("flip", flip)):
        if not 0 < value < 1:
            raise ValueError(f"{key}: {value} is not possible; choose a number between 0 and 1")
    changes = rng.random((sequences, length)) >= stay
    changes[:, 0] = rng.random(sequences) < 0.5
    y = np.cumsum(changes, axis=1, dtype=np.int32) % 2
    x = y ^ (rng.random((sequences, length)) < flip)
    return Sequences(x[..., None].astype(np.float32), y)


@lru_cache
def ceilings(
    length: int, *, lookahead: int = 0, stay: float = 0.9, flip: float = 0.25
) -> dict[str, Ceiling]:
    """Ceilings of all views: exact posteriors, averaged over simulated sequences (see `error`)."""
    sequences = min(100_000, 2_000_000 // length)
    data = generate(stream(None, "ceilings/sequences"), sequences, length, stay=stay, flip=flip)
    signs = 2 * data.x[..., 0].astype(np.float64) - 1
    means = _means(signs, 2 * stay - 1, 1 - 2 * flip, lookahead)
    return {view: monte_carlo.ceiling((1 + mean) / 2, data.y) for view, mean in means.items()}


def _means(signs: Array, memory: float, evidence: float, lookahead: int) -> dict[str, Array]:
    """Posterior mean of the state, coded as -1 and +1, for each view; all arrays are (n, steps).

    signs: the observations as -1 and +1. memory: the factor by which one step of the chain shrinks
    a mean. evidence: the mean given a single observation of +1.
    """
    length = signs.shape[1]
    means = evidence * signs  # given the observation at that step alone
    forward = _filtered(means, memory)
    backward = _filtered(means[:, ::-1], memory)[:, ::-1]
    future = np.zeros_like(means)
    future[:, :-1] = memory * backward[:, 1:]
    near_future, raw, both_raw = np.zeros((3, *means.shape))
    for t in range(length):
        if lookahead and t < length - 1:
            window = means[:, t + 1 : t + 1 + lookahead]
            near_future[:, t] = memory * _filtered(window[:, ::-1], memory)[:, -1]
        first = length - 1 - t  # the first step that output t of the raw layer has seen
        if first > t:
            raw[:, t] = memory ** (first - t) * backward[:, first]
            both_raw[:, t] = _combine(forward[:, t], raw[:, t])
        else:
            window = _filtered(means[:, first : t + 1], memory)[:, -1]
            raw[:, t] = _combine(window, future[:, t])
            both_raw[:, t] = _combine(forward[:, t], future[:, t])
    return {
        "majority": np.zeros_like(means),
        "forward": _combine(forward, near_future),
        "go_backwards": backward,
        "go_backwards_raw": raw,
        "bidirectional": _combine(forward, future),
        "bidirectional_raw": both_raw,
    }


def _filtered(means: Array, memory: float) -> Array:
    """Posterior mean at each step, given the observations up to and including that step."""
    filtered = np.empty_like(means)
    filtered[:, 0] = means[:, 0]
    for t in range(1, means.shape[1]):
        filtered[:, t] = _combine(memory * filtered[:, t - 1], means[:, t])
    return filtered


def _combine(a: Array, b: Array) -> Array:
    """The mean given two independent pieces of evidence: their log odds, 2 artanh, add up."""
    return np.asarray((a + b) / (1 + a * b))
