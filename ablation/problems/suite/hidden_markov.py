"""A sticky two-state chain seen through noise: each direction helps a little, both help most.

Nothing is ever certain here: the best forward layer is the forward filter, the best backward layer
the same filter from the other end (the chain is reversible, so the two are equal), and the best
bidirectional one is the smoother. The log odds of past and future add up, so an additive merge with
a linear head loses nothing. It is the toy version of labelling speech or text.
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
    """Hidden states y, each kept from the step before with probability `stay`; x shows them,
    inverted with probability `flip`.

    x: (sequences, length, 1) float32 of 0 and 1; y: (sequences, length) int32.
    """
    for key, value in (("stay", stay), ("flip", flip)):
        if not 0 < value < 1:
            raise ValueError(f"{key}: {value} is not possible, possible is between 0 and 1")
    changes = rng.random((sequences, length)) >= stay
    changes[:, 0] = rng.random(sequences) < 0.5
    y = np.cumsum(changes, axis=1, dtype=np.int32) % 2
    x = y ^ (rng.random((sequences, length)) < flip)
    return Sequences(x[..., None].astype(np.float32), y)


@lru_cache
def ceilings(length: int, *, stay: float = 0.9, flip: float = 0.25) -> dict[str, Ceiling]:
    """The best that each view can reach: exact posteriors, averaged over simulated sequences."""
    sequences = min(100_000, 2_000_000 // length)
    data = generate(stream(None, "ceilings/sequences"), sequences, length, stay=stay, flip=flip)
    signs = 2 * data.x[..., 0].astype(np.float64) - 1
    means = _means(signs, 2 * stay - 1, 1 - 2 * flip)
    return {view: monte_carlo.ceiling((1 + mean) / 2, data.y) for view, mean in means.items()}


def _means(signs: Array, memory: float, evidence: float) -> dict[str, Array]:
    """Posterior mean of the state, as -1 or +1, for each view; all arrays are (n, steps).

    signs: the observations as -1 and +1. One step of the chain multiplies a mean by `memory`, and
    an observation is worth a mean of `evidence` times its sign.
    """
    length = signs.shape[1]
    seen = evidence * signs
    forward = _filtered(seen, memory)
    backward = _filtered(seen[:, ::-1], memory)[:, ::-1]
    future = np.zeros_like(seen)
    future[:, :-1] = memory * backward[:, 1:]
    raw = np.empty_like(seen)
    for t in range(length):
        first = length - 1 - t  # the earliest value that output t of the raw layer has seen
        if first > t:
            raw[:, t] = memory ** (first - t) * backward[:, first]
        else:
            window = _filtered(seen[:, first : t + 1], memory)[:, -1]
            raw[:, t] = _both(window, future[:, t])
    return {
        "majority": np.zeros_like(seen),
        "forward": forward,
        "go_backwards": backward,
        "go_backwards_raw": raw,
        "bidirectional": _both(forward, future),
    }


def _filtered(seen: Array, memory: float) -> Array:
    """Posterior mean at each step given the observations up to and with it."""
    mean = np.empty_like(seen)
    mean[:, 0] = seen[:, 0]
    for t in range(1, seen.shape[1]):
        mean[:, t] = _both(memory * mean[:, t - 1], seen[:, t])
    return mean


def _both(a: Array, b: Array) -> Array:
    """Mean from two independent pieces of evidence: their log odds, 2 artanh, add up."""
    return np.asarray((a + b) / (1 + a * b))
