"""A ceiling from simulated sequences, given the exact posterior at every step."""

from __future__ import annotations

import numpy as np

from ablation.data import Array, Ceiling


def entropy(p: Array) -> Array:
    """Entropy of a binary label with P(1) = p, in nats; 0 at p = 0 and p = 1."""
    q = 1.0 - p
    tiny = np.finfo(np.float64).tiny
    return np.asarray(-p * np.log(np.maximum(p, tiny)) - q * np.log(np.maximum(q, tiny)))


def ceiling(posterior: Array, labels: Array) -> Ceiling:
    """The ceiling of a view, given P(label = 1 | view) at each step of n simulated sequences.

    posterior, labels: (n, steps). We average the expected accuracy and loss rather than the
    observed ones: the mean is the same, with less noise. A posterior of 1/2 is predicted as 0.
    """
    best = np.maximum(posterior, 1.0 - posterior)
    correct = ((posterior > 0.5) == labels.astype(bool)).all(axis=1)
    return Ceiling(
        accuracy=best.mean(axis=0),
        loss=entropy(posterior).mean(axis=0),
        exact=float(correct.mean()),
        error=float(best.mean(axis=1).std() / np.sqrt(len(best))),
    )
