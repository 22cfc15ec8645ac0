from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from ablation.problems.suite import brackets

TABLE = {10: 0.8416, 20: 0.8694}


def partners(string: Any) -> list[int]:
    """The labels, computed with a stack."""
    y, stack = [0] * len(string), []
    for t, bracket in enumerate(string):
        if bracket > 0:
            stack.append(t)
        elif stack:
            y[t] = y[stack.pop()] = 1
    return y


@pytest.mark.parametrize("length", [1, 2, 9, 30])
def test_labels_equal_those_of_a_stack(length: int) -> None:
    data = brackets.generate(np.random.default_rng(1), 300, length)
    assert set(np.unique(data.x)) == {-1, 1}
    for x, y in zip(data.x[..., 0], data.y, strict=True):
        assert y.tolist() == partners(x)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 9])
@pytest.mark.parametrize("lookahead", [0, 1, 2, 5])
def test_ceilings_equal_the_enumeration_of_all_cases(
    length: int, lookahead: int, enumeration: Any
) -> None:
    x = np.array(list(product((-1, 1), repeat=length)))
    count = enumeration(x, np.array([partners(s) for s in x]), np.full(len(x), 1 / len(x)))
    for view, ceiling in brackets.ceilings(length, lookahead=lookahead).items():
        accuracy, loss, exact = count(view, lookahead)
        np.testing.assert_allclose(ceiling.accuracy, accuracy)
        np.testing.assert_allclose(ceiling.loss, loss, atol=1e-12)
        assert ceiling.exact is None or ceiling.exact == pytest.approx(exact)


@pytest.mark.parametrize("length", TABLE)
def test_ceilings_equal_known_values(length: int) -> None:
    ceilings = brackets.ceilings(length)
    for view in ("forward", "go_backwards"):
        assert ceilings[view].accuracy.mean() == pytest.approx(TABLE[length], abs=6e-5)
    assert ceilings["bidirectional"].accuracy.mean() == 1
