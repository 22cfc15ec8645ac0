"""Ceilings of the problems with linear labels, checked against the best rules in samples."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ablation.problems.ceilings import linear
from ablation.problems.suite import balance, cumsum, mirrored_cumsum, relative_cumsum

WEIGHTS = {  # the weight of x[i] in the label at step t
    cumsum: lambda t, i: 1.0 * (i <= t),
    mirrored_cumsum: lambda t, i: 1.0 * (i >= t),
    relative_cumsum: lambda t, i: np.where(i <= t, 0.75, -0.25),
    balance: lambda t, i: np.where(i <= t, 1.0, -1.0),
}


@pytest.mark.parametrize("problem", WEIGHTS, ids=lambda m: m.__name__.split(".")[-1])
@pytest.mark.parametrize(("length", "lookahead"), [(5, 0), (8, 2)])
def test_ceilings_equal_the_best_rule_in_a_sample(
    problem: ModuleType, length: int, lookahead: int, best_rule: Any
) -> None:
    data = problem.generate(np.random.default_rng(length), 60_000, length)
    weights = np.fromfunction(WEIGHTS[problem], (length, length))
    for view, ceiling in problem.ceilings(length, lookahead=lookahead).items():
        accuracy = best_rule(data.x[..., 0].astype(float), data.y, weights, view, lookahead)
        np.testing.assert_allclose(ceiling.accuracy, accuracy, atol=0.012)
        assert ceiling.accuracy.mean() == pytest.approx(accuracy.mean(), abs=0.003)


@pytest.mark.parametrize("length", [7, 13, 20])
def test_quadrature_error_is_as_small_as_documented(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = linear.ceilings(np.tri(length), length / 4)
    monkeypatch.setattr(linear, "NODES", 100)
    linear._tables.cache_clear()
    fine = linear.ceilings(np.tri(length), length / 4)
    linear._tables.cache_clear()
    for view, ceiling in coarse.items():
        np.testing.assert_allclose(ceiling.accuracy, fine[view].accuracy, atol=1e-9)
        assert ceiling.loss.mean() == pytest.approx(fine[view].loss.mean(), abs=1e-6)
