"""Ceilings of problems whose labels are linear thresholds of independent uniform values.

The label at step t is 1 if weights[t] . x >= level. A view sees some of the values x. The weighted
sum of the hidden ones is independent of them and symmetric about its mean, so the most accurate
rule replaces every hidden value by 1/2 and applies the definition.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Array, Ceiling
from ablation.problems.ceilings import irwin_hall, monte_carlo
from ablation.problems.ceilings.views import visible_steps
from ablation.seeding import stream

NODES = 16  # Gauss-Legendre nodes per piece; a piece is a polynomial or the entropy of one


def ceilings(weights: Array, level: float, lookahead: int = 0) -> dict[str, Ceiling]:
    """Ceilings of all views for weights of -1, 0 and 1, by quadrature.

    weights: (steps, steps). A value x with weight -1 is replaced by 1 - x, which is uniform too.
    The label then says whether a plain sum of uniforms reaches the level plus the number of values
    replaced. `exact` is estimated by Monte Carlo; its standard error is about 0.001 up to 20 steps.
    """
    counts = weights != 0
    levels = level + (weights < 0).sum(axis=1)
    result = {}
    for view, visible in visible_steps(len(weights), lookahead).items():
        seen = (counts & visible).sum(axis=1)
        hidden = (counts & ~visible).sum(axis=1)
        steps = zip(levels.tolist(), seen.tolist(), hidden.tolist(), strict=True)
        exact = float(_correct(weights, level, visible).all(axis=1).mean()) if hidden.any() else 1.0
        accuracy, loss = np.array([_step_ceiling(len(weights), *step) for step in steps]).T
        result[view] = Ceiling(accuracy, loss, exact)
    return result


def simulated_ceilings(weights: Array, level: float, lookahead: int = 0) -> dict[str, Ceiling]:
    """Ceilings of all views for any weights, by Monte Carlo.

    weights: (steps, steps). The accuracy is that of the rule above. The loss needs the distribution
    of the hidden part, which comes from a second, independent set of sequences; the loss is then
    good to about 0.001. `error` is the standard error of the accuracy.
    """
    length = len(weights)
    x, second = _draw(length), _draw(length, "unseen")[: 2_000_000 // length]
    first = x[: len(second)]
    result = {}
    for view, visible in visible_steps(length, lookahead).items():
        correct = _correct(weights, level, visible)
        missing = level - first @ (weights * visible).T
        hidden = np.sort(second @ (weights * ~visible).T, axis=0)
        loss = np.empty(length)
        for t in range(length):
            below = np.searchsorted(hidden[:, t], np.sort(missing[:, t])) / len(second)
            loss[t] = monte_carlo.entropy(below).mean()
        error = float(correct.mean(axis=1).std() / np.sqrt(len(x)))
        exact = float(correct.all(axis=1).mean())
        result[view] = Ceiling(correct.mean(axis=0), loss, exact, error)
    return result


def _step_ceiling(most: int, level: float, seen: int, hidden: int) -> tuple[float, float]:
    """Accuracy and loss at a step whose label says if `seen` + `hidden` values reach the level."""
    if seen == 0:
        p = np.array([irwin_hall.cdf(hidden, level)])
        return float(np.maximum(p, 1 - p)[0]), float(monte_carlo.entropy(p)[0])
    u, weight, density, below = _tables(most, level % 1.0)
    # The sum of the seen values is u + j, so (level - u) - j is missing to the level.
    missing = np.floor(level - u).astype(int)[:, None] - np.arange(seen)
    p = below[hidden, np.arange(len(u))[:, None], np.clip(missing, 0, most)]
    p = np.where(missing < 0, 0.0, p)
    mass = weight[:, None] * density[seen, :, :seen]
    return float((mass * np.maximum(p, 1 - p)).sum()), float((mass * monte_carlo.entropy(p)).sum())


@lru_cache(maxsize=2)
def _tables(most: int, fraction: float) -> tuple[Array, Array, Array, Array]:
    """Nodes in [0, 1), their weights, and the Irwin-Hall tables for the quadrature.

    The densities are at node + j, the distributions at (fraction - node) mod 1 + j. The integrand
    has kinks where the sum of the seen values or the missing rest is an integer (the knots of the
    splines), and where the rest is half its maximum (the prediction flips). These lie at the same
    places in every unit interval, so the pieces between them are the same too.
    """
    edges = np.unique([0.0, fraction, (fraction + 0.5) % 1.0, 0.5, 1.0])
    root, gauss = np.polynomial.legendre.leggauss(NODES)
    width = np.diff(edges)[:, None]
    u = (edges[:-1, None] + width * (root + 1) / 2).ravel()
    weight = (width * gauss / 2).ravel()
    below = irwin_hall.distributions((fraction - u) % 1.0, most)
    return u, weight, irwin_hall.densities(u, most), below


def _correct(weights: Array, level: float, visible: Array) -> Array:
    """(n, steps) bool: where the rule is right in simulated sequences. A tie is predicted as 0."""
    x = _draw(len(weights))
    estimate = x @ (weights * visible).T + 0.5 * (weights * ~visible).sum(axis=1)
    return np.asarray((estimate > level) == (x @ weights.T >= level))


@lru_cache(maxsize=2)
def _draw(length: int, purpose: str = "sequences") -> Array:
    """Simulated sequences, (n, length); the same in every run."""
    sequences = min(200_000, 4_000_000 // length)
    return stream(None, f"ceilings/{purpose}").random((sequences, length))
