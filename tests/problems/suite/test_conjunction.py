from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from ablation.problems.ceilings.views import visible_steps
from ablation.problems.suite import conjunction


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_labels_follow_the_definition(lag: int) -> None:
    data = conjunction.generate(np.random.default_rng(1), 200, 9, lag=lag)
    for x, y in zip(data.x[..., 0], data.y, strict=True):
        for t in range(lag, 9 - lag):
            assert y[t] == int(x[t - lag] == 1 and x[t + lag] == 1)


@pytest.mark.parametrize(("length", "lag"), [(7, 1), (8, 2), (9, 3), (9, 4), (9, 2)])
@pytest.mark.parametrize("lookahead", [0, 1, 2])
def test_ceilings_equal_the_enumeration_of_all_cases(
    length: int, lag: int, lookahead: int, enumeration: Any
) -> None:
    x = np.array(list(product((0, 1), repeat=length)))
    y = np.zeros_like(x)
    y[:, lag:-lag] = x[:, : -2 * lag] & x[:, 2 * lag :]
    count = enumeration(x, y, np.full(len(x), 1 / len(x)))
    ceilings = conjunction.ceilings(length, lookahead=lookahead, lag=lag)
    for view in visible_steps(length):
        accuracy, loss, exact = count(view, lookahead)
        scored = slice(lag, length - lag)
        np.testing.assert_allclose(ceilings[view].accuracy[scored], accuracy[scored])
        np.testing.assert_allclose(ceilings[view].loss[scored], loss[scored], atol=1e-12)
        assert ceilings[view].exact == pytest.approx(exact)


def test_mean_ceilings() -> None:
    ceilings = conjunction.ceilings(12)
    assert np.nanmean(ceilings["forward"].accuracy) == pytest.approx(0.75)
    assert np.nanmean(ceilings["go_backwards"].accuracy) == pytest.approx(0.75)
    assert np.nanmean(ceilings["bidirectional/additive"].accuracy) == pytest.approx(1)


def test_the_label_is_a_threshold_of_a_sum() -> None:
    data = conjunction.generate(np.random.default_rng(4), 100, 9)
    total = data.x[:, :-4, 0] + data.x[:, 4:, 0]
    np.testing.assert_array_equal(total > 1.5, data.y[:, 2:-2] == 1)
