"""Two classifiers on data that each seed divides anew: how often are equal ones called different?

Each sees five numbers that both see and five of its own, all alike, so that their expected
accuracies are the same in the population; for the power, the numbers of one are more telling.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.analysis import student
from benchmarks.simulated import Floats, Rng

ALPHA, MARGIN, FOLDS, WIDTH = 0.05, 0.005, 5, 5
TELLING, MORE = 0.4, 0.7  # distance of the classes in each number, in standard deviations
Bools = NDArray[np.bool_]


def centroids(x: Floats, y: Bools, train: Bools) -> Bools:
    """The class of the nearer mean of the training part, (seeds, n). train: (seeds, n)."""
    means = []
    for members in (train & y, train & ~y):
        means.append(members @ x / np.maximum(members.sum(axis=1, keepdims=True), 1))
    far = [(x**2).sum(axis=1) - 2 * mean @ x.T + (mean**2).sum(axis=1)[:, None] for mean in means]
    return np.asarray(far[0] < far[1])


def neighbours(x: Floats, y: Bools, train: Bools) -> Bools:
    """The class of the nearest training sequence, (seeds, n): far less stable."""
    square = (x**2).sum(axis=1)
    far = square[:, None] + square - 2 * x @ x.T
    return np.array([y[np.where(members, far, np.inf).argmin(axis=1)] for members in train])


LEARNERS: dict[str, Callable[[Floats, Bools, Bools], Bools]] = {
    "centroids": centroids,
    "1 neighbour": neighbours,
}


def tests_of(rng: Rng, n: int, seeds: int, folds: bool) -> Bools:
    """Who is in the test part of each seed, (seeds, n): folds of 5, or a fifth drawn anew."""
    if not folds:
        ranks = rng.random((seeds, n)).argsort(axis=1)
        return np.asarray(ranks < n // FOLDS)
    fold = [rng.permutation(n) % FOLDS for _ in range(math.ceil(seeds / FOLDS))]
    return np.array([fold[seed // FOLDS] == seed % FOLDS for seed in range(seeds)])


def differences(rng: Rng, learn: str, n: int, test: Bools, better: bool) -> Floats:
    """The two arms' differences in accuracy on one new data set, (seeds,)."""
    y = rng.random(n) < 0.5
    x = rng.normal(size=(n, 3 * WIDTH))
    shift = np.full(3 * WIDTH, TELLING)
    shift[:WIDTH] = MORE if better else TELLING
    x += np.where(y[:, None], shift, -shift) / 2
    right = []
    for columns in (slice(0, 2 * WIDTH), slice(WIDTH, None)):
        hits = LEARNERS[learn](x[:, columns], y, ~test) == y
        right.append((hits & test).sum(axis=1) / test.sum(axis=1))
    return np.asarray(right[0] - right[1])


def resplit(rng: Rng, count: int) -> Iterator[dict[str, Any]]:
    """Errors with and without the correction, and the power that is left with it."""
    for learn, n, folds, seeds in itertools.product(
        LEARNERS, (50, 200), (False, True), (5, 10, 30)
    ):
        found: dict[tuple[bool, float], float] = {}
        for better in (False, True):
            drawn = np.array(
                [
                    differences(rng, learn, n, tests_of(rng, n, seeds, folds), better)
                    for _ in range(count)
                ]
            )
            for overlap in (0.0, 1 / (FOLDS - 1)):
                flat = np.ones(count)
                pairs = student.Pairs(
                    flat * seeds,
                    drawn.mean(axis=1),
                    drawn.var(axis=1, ddof=1),
                    flat * student.rounding_variance(FOLDS / n),
                    flat * np.nan,
                    flat * np.nan,
                    overlap,
                )
                p = student.t_tests(pairs, student.Prior(), flat * MARGIN, ALPHA)["p"]
                found[better, overlap] = float((p <= ALPHA).mean())
        plain, corrected = 0.0, 1 / (FOLDS - 1)
        yield {
            "learner": learn,
            "sequences": n,
            "division": f"{FOLDS} folds" if folds else "a fifth",
            "seeds": seeds,
            "error, not corrected": round(found[False, plain], 3),
            "error, corrected": round(found[False, corrected], 3),
            "power, corrected": round(found[True, corrected], 2),
        }
