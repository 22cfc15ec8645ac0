"""Ceilings of problems whose labels are linear thresholds of independent uniform values.

Step t has the label 1 where weights[t] . x >= level. A view knows some of the x; the sum of the
unseen ones is independent of those and symmetric about its mean. The rule that is right most often
therefore puts 1/2 in the place of every unseen value and applies the definition.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ablation.data import Array, Ceiling
from ablation.problems.ceilings import irwin_hall, monte_carlo
from ablation.problems.ceilings.views import seen
from ablation.seeding import stream

NODES = 16  # of Gauss and Legendre in each piece; the pieces are polynomials or their entropy


def ceilings(weights: Array, level: float) -> dict[str, Ceiling]:
    """Ceilings of all views for weights of -1, 0 and 1, by quadrature.

    weights: (steps, steps). A value of weight -1 is replaced by one minus itself, which is uniform
    again: then the label asks whether a plain sum of uniforms reaches level + their number.
    `exact` is a Monte Carlo figure, with a standard error of about 0.001 up to 20 steps.
    """
    counts = weights != 0
    levels = level + (weights < 0).sum(axis=1)
    result = {}
    for view, visible in seen(len(weights)).items():
        known = (counts & visible).sum(axis=1)
        unknown = (counts & ~visible).sum(axis=1)
        steps = zip(levels.tolist(), known.tolist(), unknown.tolist(), strict=True)
        exact = float(_right(weights, level, visible).all(axis=1).mean()) if unknown.any() else 1.0
        accuracy, loss = np.array([_known_part(len(weights), *step) for step in steps]).T
        result[view] = Ceiling(accuracy, loss, exact)
    return result


def simulated_ceilings(weights: Array, level: float) -> dict[str, Ceiling]:
    """Ceilings of all views for any weights, by Monte Carlo of the rule above.

    weights: (steps, steps). The loss needs the distribution of the unseen part: that of a second,
    independent set of sequences, which gives the loss to about 0.001. `error` is the accuracy's.
    """
    length = len(weights)
    x, fresh = _draw(length), _draw(length, "unseen")[: 2_000_000 // length]
    some = x[: len(fresh)]
    result = {}
    for view, visible in seen(length).items():
        right = _right(weights, level, visible)
        missing = level - some @ (weights * visible).T
        unseen = np.sort(fresh @ (weights * ~visible).T, axis=0)
        loss = np.empty(length)
        for t in range(length):
            below = np.searchsorted(unseen[:, t], np.sort(missing[:, t])) / len(fresh)
            loss[t] = monte_carlo.entropy(below).mean()
        error = float(right.mean(axis=1).std() / np.sqrt(len(x)))
        exact = float(right.all(axis=1).mean())
        result[view] = Ceiling(right.mean(axis=0), loss, exact, error)
    return result


def _known_part(most: int, level: float, known: int, unknown: int) -> tuple[float, float]:
    """Accuracy and loss at a step: do `known` seen and `unknown` unseen values reach `level`?"""
    if known == 0:
        p = np.array([irwin_hall.cdf(unknown, level)])
        return float(np.maximum(p, 1 - p)[0]), float(monte_carlo.entropy(p)[0])
    u, weight, density, below = _tables(most, level % 1.0)
    # The seen sum is u + j; what is missing to the level is (level - u) - j.
    missing = np.floor(level - u).astype(int)[:, None] - np.arange(known)
    p = below[unknown, np.arange(len(u))[:, None], np.clip(missing, 0, most)]
    p = np.where(missing < 0, 0.0, p)
    mass = weight[:, None] * density[known, :, :known]
    return float((mass * np.maximum(p, 1 - p)).sum()), float((mass * monte_carlo.entropy(p)).sum())


@lru_cache(maxsize=2)
def _tables(most: int, fraction: float) -> tuple[Array, Array, Array, Array]:
    """Nodes in [0, 1), their weights, and the Irwin-Hall tables for the quadrature.

    The densities are at node + j, the distributions at (fraction - node) mod 1 + j. The
    integrand has kinks where the seen sum or the missing rest is whole (the splines' knots), and
    where the rest is half its greatest value (the answer flips): the same places in every unit.
    """
    edges = np.unique([0.0, fraction, (fraction + 0.5) % 1.0, 0.5, 1.0])
    root, gauss = np.polynomial.legendre.leggauss(NODES)
    width = np.diff(edges)[:, None]
    u = (edges[:-1, None] + width * (root + 1) / 2).ravel()
    weight = (width * gauss / 2).ravel()
    below = irwin_hall.distributions((fraction - u) % 1.0, most)
    return u, weight, irwin_hall.densities(u, most), below


def _right(weights: Array, level: float, visible: Array) -> Array:
    """(n, steps) bool: is the rule right in the simulated sequences? A tie is predicted 0."""
    x = _draw(len(weights))
    guess = x @ (weights * visible).T + 0.5 * (weights * ~visible).sum(axis=1)
    return np.asarray((guess > level) == (x @ weights.T >= level))


@lru_cache(maxsize=2)
def _draw(length: int, purpose: str = "sequences") -> Array:
    """The simulated sequences of the ceilings, (n, length); the same in every run."""
    sequences = min(200_000, 4_000_000 // length)
    return stream(None, f"ceilings/{purpose}").random((sequences, length))
