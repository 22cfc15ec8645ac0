from __future__ import annotations

from itertools import product
from math import log
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from ablation.problems.ceilings.views import visible_steps
from ablation.problems.suite import exclusive_or


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_labels_follow_the_definition(lag: int) -> None:
    data = exclusive_or.generate(np.random.default_rng(1), 200, 9, lag=lag)
    assert data.scored is not None
    for x, y, scored in zip(data.x[..., 0], data.y, data.scored, strict=True):
        for t in range(9):
            both = t - lag >= 0 and t + lag < 9
            assert scored[t] == both
            assert y[t] == (int(x[t - lag] != x[t + lag]) if both else 0)


@pytest.mark.parametrize(("length", "lag"), [(7, 1), (8, 2), (9, 3), (9, 4)])
@pytest.mark.parametrize("lookahead", [0, 1, 2])
def test_ceilings_equal_the_enumeration_of_all_cases(
    length: int, lag: int, lookahead: int, enumeration: Any
) -> None:
    x = np.array(list(product((0, 1), repeat=length)))
    y = np.zeros_like(x)
    y[:, lag:-lag] = x[:, : -2 * lag] ^ x[:, 2 * lag :]
    count = enumeration(x, y, np.full(len(x), 1 / len(x)))
    ceilings = exclusive_or.ceilings(length, lookahead=lookahead, lag=lag)
    for view in visible_steps(length):
        accuracy, loss, exact = count(view, lookahead)
        scored = slice(lag, length - lag)
        np.testing.assert_allclose(ceilings[view].accuracy[scored], accuracy[scored])
        np.testing.assert_allclose(ceilings[view].loss[scored], loss[scored], atol=1e-12)
        assert ceilings[view].exact == pytest.approx(exact)


def test_mean_ceilings() -> None:
    ceilings = exclusive_or.ceilings(12)
    for view, accuracy, loss in (
        ("forward", 0.5, log(2)),
        ("go_backwards", 0.5, log(2)),
        ("bidirectional", 1, 0),
        ("bidirectional/additive", 0.75, log(2)),
    ):
        assert np.nanmean(ceilings[view].accuracy) == pytest.approx(accuracy)
        assert np.nanmean(ceilings[view].loss) == pytest.approx(loss)


def test_no_additive_model_beats_the_additive_ceiling() -> None:
    sign = np.array([[-1, 1], [1, -1]])

    def logits(sides: Any) -> Any:
        return sides[:2, None] + sides[None, 2:]

    def loss(sides: Any) -> float:
        return float(np.log1p(np.exp(-sign * logits(sides))).mean())

    starts = np.random.default_rng(0).normal(0, 3, (300, 4))
    assert max(((logits(s) > 0) == (sign > 0)).mean() for s in starts) == 0.75
    minima = [minimize(loss, start).fun for start in starts[:10]]
    assert np.array(minima) == pytest.approx(log(2), abs=1e-6)


def test_the_label_is_the_sign_of_a_product() -> None:
    data = exclusive_or.generate(np.random.default_rng(4), 100, 9)
    signs = 2 * data.x[..., 0] - 1
    np.testing.assert_array_equal(-signs[:, :-4] * signs[:, 4:] > 0, data.y[:, 2:-2] == 1)


@pytest.mark.parametrize(("length", "lag"), [(4, 2), (10, 0), (2, 1), (10, 5)])
def test_an_impossible_lag_is_an_error_in_one_line(length: int, lag: int) -> None:
    with pytest.raises(ValueError, match=rf"^lag: {lag} is not possible with length {length}.*$"):
        exclusive_or.generate(np.random.default_rng(0), 3, length, lag=lag)
