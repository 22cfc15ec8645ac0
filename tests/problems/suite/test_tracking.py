from __future__ import annotations

import numpy as np
import pytest

from ablation.problems.suite import tracking


def test_states_and_observations_have_the_given_moments() -> None:
    data = tracking.generate(np.random.default_rng(1), 50_000, 8, memory=0.7, noise=0.5)
    x, y = data.x[..., 0].astype(float), data.y[..., 0].astype(float)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(y.var(axis=0), 1, atol=0.03)
    np.testing.assert_allclose((y[:, 1:] * y[:, :-1]).mean(axis=0), 0.7, atol=0.03)
    np.testing.assert_allclose((x - y).var(axis=0), 0.5, atol=0.02)
    assert abs(((x - y) * y).mean()) < 0.01


def test_in_the_middle_of_long_sequences_the_floors_are_those_of_the_steady_state() -> None:
    """The Kalman filter's variance p solves p = m / (m + 1), m = 0.81 p + 0.19."""
    floors = {view: ceiling.mse[30] for view, ceiling in tracking.ceilings(61).items()}
    filtered = (-0.38 + np.sqrt(0.38**2 + 4 * 0.81 * 0.19)) / (2 * 0.81)
    predicted = 0.81 * filtered + 0.19
    # Past and present on one side, the future on the other; what both know is counted once.
    both = 1 / (1 / filtered + 1 / predicted - 1)
    assert floors["constant"] == 1
    assert floors["forward"] == pytest.approx(filtered)
    assert floors["go_backwards"] == pytest.approx(filtered)
    assert floors["bidirectional"] == pytest.approx(both)


def test_a_lookahead_closes_the_gap_between_filter_and_smoother() -> None:
    floors = [tracking.ceilings(20, lookahead=k)["forward"].mse.mean() for k in (0, 1, 2, 4, 19)]
    assert sorted(floors, reverse=True) == floors
    smoother = tracking.ceilings(20)["bidirectional"].mse
    np.testing.assert_allclose(tracking.ceilings(20, lookahead=19)["forward"].mse, smoother)


def test_a_linear_head_on_the_two_halves_loses_nothing() -> None:
    """One number of each half, fitted to that half alone, and a sum of the two."""
    data = tracking.generate(np.random.default_rng(3), 40_000, 9)
    x, y = data.x[..., 0].astype(float), data.y[:, 4, 0].astype(float)
    halves = [part @ np.linalg.lstsq(part, y)[0] for part in (x[:, :5], x[:, 5:])]
    both = np.stack(halves, axis=1)
    squares = (both @ np.linalg.lstsq(both, y)[0] - y) ** 2
    error = squares.std() / np.sqrt(len(y))
    floor = tracking.ceilings(9)["bidirectional"].mse[4]
    assert squares.mean() == pytest.approx(floor, abs=4 * error)
    assert squares.mean() < tracking.ceilings(9)["forward"].mse[4] - 4 * error


@pytest.mark.parametrize(("key", "value"), [("memory", 1.0), ("memory", 0.0), ("noise", 0.0)])
def test_an_impossible_value_is_an_error_in_one_line(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{key}: {value} is not possible"):
        tracking.generate(np.random.default_rng(0), 3, 5, **{key: value})
