"""Two independent ways to a ceiling: enumerate all cases, or find the best rule in a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.special import xlogy

Array = NDArray[Any]


def visible(view: str, t: int, length: int, lookahead: int = 0) -> list[int]:
    """The steps that each view has seen at output t, defined independently of the program."""
    if view == "majority":
        return []
    if view == "forward":
        return list(range(min(t + 1 + lookahead, length)))
    if view == "go_backwards":
        return list(range(t, length))
    if view == "go_backwards_raw":
        return list(range(length))[::-1][: t + 1]
    if view == "bidirectional_raw":
        return sorted({*range(t + 1), *list(range(length))[::-1][: t + 1]})
    assert view == "bidirectional"
    return list(range(length))


class Enumeration:
    """Exact ceilings from the list of all cases (x, y, probability).

    x, y: (cases, steps). probability: (cases,).
    """

    def __init__(self, x: Array, y: Array, probability: Array) -> None:
        self.x, self.y, self.probability = x, y, probability

    def __call__(self, view: str, lookahead: int = 0) -> tuple[Array, Array, float]:
        """Accuracy and loss per step, and the probability that all steps are right."""
        cases, length = self.x.shape
        accuracy, loss = np.zeros((2, length))
        correct = np.ones(cases, bool)
        for t in range(length):
            columns = visible(view, t, length, lookahead)
            code = self.x[:, columns] @ 3 ** np.arange(len(columns))  # of digits -1, 0 and 1
            group = np.unique(code, return_inverse=True)[1]  # cases that look the same
            mass = np.bincount(group, self.probability)
            one = np.bincount(group, self.probability * self.y[:, t])
            parts = np.array([one, mass - one])
            parts[parts < 1e-15] = 0
            accuracy[t] = parts.max(axis=0).sum()
            loss[t] = -xlogy(parts, parts / mass).sum()
            correct &= self.y[:, t] == (parts[0] > parts[1] + 1e-12)[group]
        return accuracy, loss, float(self.probability[correct].sum())


@pytest.fixture(scope="session")
def uniform_sum_cdf() -> Any:
    """The Irwin-Hall distribution function from SciPy's splines (scipy.stats.irwinhall is slow)."""

    def cdf(x: Array, n: int) -> Array:
        integral = BSpline.basis_element(np.arange(n + 1.0)).antiderivative()
        return np.asarray(np.clip(integral(np.clip(x, 0, n)), 0, 1))

    return cdf


@pytest.fixture(scope="session")
def enumeration() -> type[Enumeration]:
    return Enumeration


@pytest.fixture(scope="session")
def best_rule() -> Any:
    """Accuracy per step of the best rule in a sample that uses only the sum of visible values."""

    def find(
        x: Array, y: Array, weights: Array, view: str, lookahead: int = 0, bins: int = 200
    ) -> Array:
        length = x.shape[1]
        accuracy = np.empty(length)
        for t in range(length):
            columns = visible(view, t, length, lookahead)
            score = x[:, columns] @ weights[t, columns]
            order = np.argsort(score, kind="stable")
            parts = np.array_split(y[order, t], bins) if np.ptp(score) else [y[:, t]]
            ones = np.array([(part.sum(), len(part) - part.sum()) for part in parts])
            accuracy[t] = ones.max(axis=1).sum() / len(x)
        return accuracy

    return find
