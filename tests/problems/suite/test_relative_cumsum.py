from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ablation.problems.suite import relative_cumsum

TABLE = {
    10: {"majority": 0.9395, "forward": 0.9689, "go_backwards": 0.9555, "bidirectional": 1.0},
    20: {"majority": 0.9521, "forward": 0.9779, "go_backwards": 0.9648, "bidirectional": 1.0},
}


def test_labels_follow_the_definition() -> None:
    data = relative_cumsum.generate(np.random.default_rng(1), 300, 9)
    for x, y in zip(data.x[..., 0].astype(float), data.y, strict=True):
        assert y.tolist() == [int(sum(x[: t + 1]) >= sum(x) / 4) for t in range(9)]
    assert data.y[:, -1].all()


@pytest.mark.parametrize("length", TABLE)
def test_ceilings_equal_known_values(length: int) -> None:
    for view, accuracy in TABLE[length].items():
        ceiling = relative_cumsum.ceilings(length)[view]
        assert ceiling.accuracy.mean() == pytest.approx(accuracy, abs=5e-4)
        assert 0 < ceiling.error < 3e-4 or view == "bidirectional"


@pytest.mark.parametrize(("length", "threshold"), [(7, 0.25), (13, 0.4)])
def test_ceilings_equal_the_scores_of_the_optimal_rule(
    length: int, threshold: float, uniform_sum_cdf: Any
) -> None:
    """Apply the rule with exact posteriors: the hidden part of the total is a sum of uniforms."""
    sequences = 30_000
    x = np.random.default_rng(length).random((sequences, length))
    sums = np.cumsum(x, axis=1)
    y = sums >= threshold * sums[:, -1:]
    odds = (1 - threshold) / threshold
    for view in ("forward", "go_backwards"):
        p = np.ones(x.shape)
        for t in range(length):
            past, rest = sums[:, t], sums[:, -1] - sums[:, t]
            if view == "forward" and t < length - 1:
                p[:, t] = uniform_sum_cdf(odds * past, length - 1 - t)
            if view == "go_backwards":
                missing = rest / odds - x[:, t]
                p[:, t] = 1 - uniform_sum_cdf(missing, t) if t else missing <= 0
        hits = (p > 0.5) == y
        losses = -np.log(np.clip(np.where(y, p, 1 - p), 1e-15, 1))
        ceiling = relative_cumsum.ceilings(length, threshold=threshold)[view]
        assert ceiling.exact is not None
        assert ceiling.accuracy.mean() == pytest.approx(hits.mean(), abs=0.0025)
        assert ceiling.loss.mean() == pytest.approx(losses.mean(), abs=0.005)
        np.testing.assert_allclose(ceiling.accuracy, hits.mean(axis=0), atol=0.014)
        assert ceiling.exact == pytest.approx(hits.all(axis=1).mean(), abs=0.015)
