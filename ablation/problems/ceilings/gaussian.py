"""Floors of problems whose hidden numbers and observations are jointly Gaussian.

Given what a view has seen, a hidden number is Gaussian, with a variance that does not depend on the
values seen. No prediction has a smaller expected squared error than this variance, and the
conditional mean, which is linear in the values seen, reaches it. For a Markov chain of numbers it
is the Kalman filter (forward), its mirror (backward), the smoother of Rauch, Tung and Striebel
(both), and the fixed-lag smoother (forward with a lookahead); here one formula covers every view.
"""

from __future__ import annotations

import numpy as np

from ablation.data import Array
from ablation.problems.ceilings.views import visible_steps


def floors(covariance: Array, noise: float, lookahead: int = 0) -> dict[str, Array]:
    """The least expected squared error of each hidden number, (steps,) for each view.

    covariance: (steps, steps), of the hidden numbers. Each is observed with independent noise of
    this variance, which must be above 0.
    """
    observed = covariance + noise * np.eye(len(covariance))
    return {
        view: np.array([_left(covariance, observed, t, seen) for t, seen in enumerate(visible)])
        for view, visible in visible_steps(len(covariance), lookahead).items()
    }


def _left(covariance: Array, observed: Array, t: int, seen: Array) -> float:
    """The variance of hidden number t that is left when the steps seen are known."""
    shared = covariance[t, seen]
    weights = np.linalg.solve(observed[np.ix_(seen, seen)], shared)  # of the conditional mean
    return float(covariance[t, t] - shared @ weights)
