"""A ceiling from simulated sequences whose exact posterior is known at every step."""

from __future__ import annotations

import numpy as np

from ablation.data import Array, Ceiling


def entropy(p: Array) -> Array:
    """Entropy in nats of a coin with probability p; 0 at p = 0 and p = 1."""
    q = 1.0 - p
    tiny = np.finfo(np.float64).tiny
    return np.asarray(-p * np.log(np.maximum(p, tiny)) - q * np.log(np.maximum(q, tiny)))


def ceiling(posterior: Array, labels: Array) -> Ceiling:
    """The ceiling of a view, given its P(label = 1) for each step of each simulated sequence.

    posterior, labels: (n, steps). Expected accuracy and loss are averaged in place of hits and
    misses, which has the same mean and less noise. A tie (1/2) is predicted 0.
    """
    best = np.maximum(posterior, 1.0 - posterior)
    right = ((posterior > 0.5) == labels.astype(bool)).all(axis=1)
    return Ceiling(
        accuracy=best.mean(axis=0),
        loss=entropy(posterior).mean(axis=0),
        exact=float(right.mean()),
        error=float(best.mean(axis=1).std() / np.sqrt(len(best))),
    )
