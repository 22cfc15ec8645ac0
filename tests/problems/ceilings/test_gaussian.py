"""Conditional variances, held against Kalman's recursions and against simulated sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ablation.problems.ceilings import gaussian
from ablation.spec import DIRECTIONS

Array = NDArray[Any]


def chain(length: int, memory: float, process: float, start: float) -> Array:
    """The covariance of z[0] ~ N(0, start), z[t] = memory z[t - 1] + N(0, process)."""
    variances = [start]
    for _ in range(length - 1):
        variances.append(memory**2 * variances[-1] + process)
    t = np.arange(length)
    early = np.minimum.outer(t, t)
    return np.array(variances)[early] * memory ** np.abs(np.subtract.outer(t, t))


def kalman(length: int, memory: float, process: float, start: float, noise: float) -> Array:
    """Filtered and predicted variances, (2, length), by the textbook recursion."""
    filtered, predicted = np.zeros((2, length))
    for t in range(length):
        predicted[t] = memory**2 * filtered[t - 1] + process if t else start
        filtered[t] = predicted[t] * noise / (predicted[t] + noise)
    return np.array([filtered, predicted])


def smoothed(filtered: Array, predicted: Array, memory: float) -> Array:
    """Rauch, Tung and Striebel's variances, backwards from the last filtered one."""
    variances = filtered.copy()
    for t in range(len(filtered) - 2, -1, -1):
        gain = filtered[t] * memory / predicted[t + 1]
        variances[t] = filtered[t] + gain**2 * (variances[t + 1] - predicted[t + 1])
    return variances


# A stationary chain, a random walk from a known start, one from a vague start, nearly no noise.
CHAINS = [
    (0.9, 0.19, 1.0, 1.0),
    (1.0, 0.5, 0.0, 2.0),
    (1.0, 1.0, 100.0, 0.3),
    (0.5, 1.0, 4 / 3, 1e-6),
]


@pytest.mark.parametrize("parameters", CHAINS)
def test_floors_equal_the_recursions_of_kalman_and_of_rauch_tung_and_striebel(
    parameters: tuple[float, float, float, float],
) -> None:
    memory, process, start, noise = parameters
    covariance = chain(12, memory, process, start)
    filtered, predicted = kalman(12, *parameters)
    floors = gaussian.floors(covariance, noise)
    np.testing.assert_allclose(floors["majority"], covariance.diagonal())
    np.testing.assert_allclose(floors["forward"], filtered, atol=1e-12)
    np.testing.assert_allclose(
        floors["bidirectional"], smoothed(filtered, predicted, memory), atol=1e-12
    )
    for lookahead in (1, 3, 20):
        delayed = [
            smoothed(filtered[: t + lookahead + 1], predicted[: t + lookahead + 1], memory)[t]
            for t in range(12)
        ]
        ahead = gaussian.floors(covariance, noise, lookahead)
        np.testing.assert_allclose(ahead["forward"], delayed, atol=1e-12)
        for view in DIRECTIONS.keys() - {"forward"}:
            np.testing.assert_array_equal(ahead[view], floors[view])


def test_a_stationary_chain_looks_the_same_from_its_end() -> None:
    floors = gaussian.floors(chain(9, 0.8, 0.36, 1.0), 0.5)
    np.testing.assert_allclose(floors["go_backwards"], floors["forward"][::-1])
    np.testing.assert_allclose(floors["bidirectional"], floors["bidirectional"][::-1])


@pytest.mark.parametrize("parameters", CHAINS[:3])
def test_no_linear_rule_does_better_in_simulated_sequences(
    parameters: tuple[float, float, float, float],
) -> None:
    """The least squares of each view's own steps, which the test lists by itself."""
    memory, process, start, noise = parameters
    n, length = 40_000, 6
    rng = np.random.default_rng(0)
    hidden = np.empty((n, length))
    hidden[:, 0] = rng.normal(0, np.sqrt(start), n)
    for t in range(1, length):
        hidden[:, t] = memory * hidden[:, t - 1] + rng.normal(0, np.sqrt(process), n)
    seen = hidden + rng.normal(0, np.sqrt(noise), hidden.shape)
    last = [list(range(length))[::-1][: t + 1] for t in range(length)]
    steps: dict[str, list[list[int]]] = {
        "majority": [[] for _ in last],
        "forward": [list(range(t + 1)) for t in range(length)],
        "go_backwards": [list(range(t, length)) for t in range(length)],
        "go_backwards_raw": last,
        "bidirectional": [list(range(length)) for _ in last],
        "bidirectional_raw": [sorted({*range(t + 1), *last[t]}) for t in range(length)],
    }
    floors = gaussian.floors(chain(length, memory, process, start), noise)
    assert floors.keys() == steps.keys()
    for view, columns in steps.items():
        for t, chosen in enumerate(columns):
            x, y = seen[:, chosen], hidden[:, t]
            weights, *_ = np.linalg.lstsq(x, y)
            squares = (y - x @ weights) ** 2
            error = squares.std() / np.sqrt(n)
            assert squares.mean() == pytest.approx(floors[view][t], abs=5 * error + 1e-12)
