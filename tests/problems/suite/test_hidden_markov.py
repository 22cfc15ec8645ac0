from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from ablation.problems.suite import hidden_markov


def test_states_and_observations_have_the_given_probabilities() -> None:
    data = hidden_markov.generate(np.random.default_rng(1), 20_000, 12, stay=0.8, flip=0.3)
    assert (data.y[:, 1:] == data.y[:, :-1]).mean() == pytest.approx(0.8, abs=0.004)
    assert (data.x[..., 0] != data.y).mean() == pytest.approx(0.3, abs=0.004)
    np.testing.assert_allclose(data.y.mean(axis=0), 0.5, atol=0.015)


@pytest.mark.parametrize(
    ("flip", "expected"), [(0.25, (0.785, 0.785, 0.831)), (0.35, (0.685, 0.685, 0.723))]
)
def test_ceilings_equal_known_values(flip: float, expected: tuple[float, ...]) -> None:
    ceilings = hidden_markov.ceilings(20, flip=flip)
    for view, accuracy in zip(("forward", "go_backwards", "bidirectional"), expected, strict=True):
        assert ceilings[view].accuracy.mean() == pytest.approx(accuracy, abs=0.0015)
        assert 0 < ceilings[view].error < 5e-4


@pytest.mark.parametrize(("stay", "flip"), [(0.9, 0.25), (0.7, 0.1), (0.2, 0.35)])
@pytest.mark.parametrize(("length", "lookahead"), [(4, 0), (4, 3), (5, 0), (5, 2)])
def test_ceilings_equal_the_enumeration_of_all_cases(
    length: int, lookahead: int, stay: float, flip: float, enumeration: Any
) -> None:
    bits = np.array(list(product((0, 1), repeat=length)))
    x, y = np.repeat(bits, len(bits), axis=0), np.tile(bits, (len(bits), 1))
    transitions = np.where(y[:, 1:] == y[:, :-1], stay, 1 - stay).prod(axis=1)
    probability = 0.5 * transitions * np.where(x == y, 1 - flip, flip).prod(axis=1)
    count = enumeration(x, y, probability)
    for view, ceiling in hidden_markov.ceilings(
        length, lookahead=lookahead, stay=stay, flip=flip
    ).items():
        accuracy, loss, exact = count(view, lookahead)
        np.testing.assert_allclose(ceiling.accuracy, accuracy, atol=0.004)
        np.testing.assert_allclose(ceiling.loss, loss, atol=0.008)
        assert ceiling.accuracy.mean() == pytest.approx(
            accuracy.mean(), abs=5 * ceiling.error + 1e-9
        )
        assert ceiling.exact == pytest.approx(exact, abs=0.008)


@pytest.mark.parametrize("key", ["stay", "flip"])
def test_an_impossible_probability_is_an_error_in_one_line(key: str) -> None:
    with pytest.raises(ValueError, match=rf"^{key}: 1.5 is not possible"):
        hidden_markov.generate(np.random.default_rng(0), 3, 5, **{key: 1.5})
