from __future__ import annotations

import numpy as np
import pytest

from ablation.problems.suite import balance

TABLE = {
    10: {"majority": 0.9195, "forward": 0.9482, "go_backwards": 0.9537, "bidirectional": 1.0},
    20: {"majority": 0.9458, "forward": 0.9635, "go_backwards": 0.9653, "bidirectional": 1.0},
}


def test_labels_follow_the_definition() -> None:
    data = balance.generate(np.random.default_rng(1), 300, 9)
    for x, y in zip(data.x[..., 0].astype(float), data.y, strict=True):
        assert y.tolist() == [int(sum(x[: t + 1]) >= sum(x[t + 1 :])) for t in range(9)]


@pytest.mark.parametrize("length", TABLE)
def test_ceilings_equal_known_values(length: int) -> None:
    for view, accuracy in TABLE[length].items():
        mean = balance.ceilings(length)[view].accuracy.mean()
        assert mean == pytest.approx(accuracy, abs=1.5e-4)  # TABLE is from a Monte Carlo run


def test_the_raw_backward_ceiling_equals_the_forward_ceiling() -> None:
    ceilings = balance.ceilings(12)
    forward, raw = ceilings["forward"], ceilings["go_backwards_raw"]
    np.testing.assert_allclose(forward.accuracy, raw.accuracy, atol=1e-12)
