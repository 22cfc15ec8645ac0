from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from ablation.problems.suite import cumsum

TABLE = {  # length: view: mean accuracy, mean loss (nats), share of sequences exactly right
    10: {
        "majority": (0.8892, 0.2387, 0.256),
        "go_backwards": (0.90498, 0.2140, 0.379),
        "go_backwards_raw": (0.89411, 0.2037, 0.286),
    },
    20: {
        "majority": (0.9244, 0.1669, 0.197),
        "go_backwards": (0.92990, 0.1585, 0.270),
        "go_backwards_raw": (0.92600, 0.1507, 0.217),
    },
    50: {
        "majority": (0.9532, 0.1048, 0.133),
        "go_backwards": (0.95462, 0.1027, 0.173),
        "go_backwards_raw": (0.95362, 0.0988, 0.145),
    },
}


def lesson(values: Any, threshold: float = 0.25) -> list[int]:
    """The labels as the lesson computes them."""
    limit = len(values) * threshold
    return [0 if total < limit else 1 for total in np.cumsum(values)]


@pytest.mark.parametrize(("length", "threshold"), [(10, 0.25), (7, 0.25), (200, 0.25), (12, 0.5)])
def test_labels_equal_those_of_the_lesson(length: int, threshold: float) -> None:
    data = cumsum.generate(np.random.default_rng(1), 300, length, threshold=threshold)
    for x, y in zip(data.x[..., 0].astype(float), data.y, strict=True):
        assert y.tolist() == lesson(x, threshold)


def test_the_example_printed_in_the_lesson() -> None:
    printed = [0.22228819, 0.26882207, 0.069623, 0.91477783, 0.02095862]
    printed += [0.71322527, 0.90159654, 0.65000306, 0.88845226, 0.4037031]
    assert lesson(printed) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_values_are_uniform_multiples_of_2_to_the_minus_24() -> None:
    x = cumsum.generate(np.random.default_rng(2), 20_000, 10).x
    assert x.min() >= 0
    assert x.max() < 1
    assert x.mean() == pytest.approx(0.5, abs=0.003)
    multiples = x.astype(np.float64) * 2**24
    assert (multiples == np.floor(multiples)).all()


def test_a_sum_just_below_the_limit_is_not_rounded_up() -> None:
    tiny = 2.0**-24
    values = np.array([1 - tiny, 1 - tiny, tiny, tiny, 0, 0, 0, 0], np.float32)

    class Fixed:
        def random(self, size: Any, dtype: Any) -> Any:
            return values.reshape(size).astype(dtype)

    rng: Any = Fixed()
    assert cumsum.generate(rng, 1, 8).y.tolist() == [[0, 0, 0, 1, 1, 1, 1, 1]]


@pytest.mark.parametrize("length", TABLE)
def test_ceilings_equal_known_values(length: int) -> None:
    ceilings = cumsum.ceilings(length)
    for view, (accuracy, loss, exact) in TABLE[length].items():
        assert ceilings[view].accuracy.mean() == pytest.approx(accuracy, abs=6e-5)
        assert ceilings[view].loss.mean() == pytest.approx(loss, abs=6e-5)
        assert ceilings[view].exact == pytest.approx(exact, abs=0.005)
    for view in ("forward", "bidirectional"):
        np.testing.assert_allclose(ceilings[view].accuracy, 1, atol=1e-12)
        np.testing.assert_allclose(ceilings[view].loss, 0, atol=1e-12)
        assert ceilings[view].exact == 1


@pytest.mark.parametrize(("length", "threshold"), [(7, 0.25), (13, 0.25), (30, 0.25), (9, 0.6)])
@pytest.mark.parametrize("view", ["majority", "go_backwards", "go_backwards_raw"])
def test_ceilings_equal_the_scores_of_the_optimal_rule(
    view: str, length: int, threshold: float, uniform_sum_cdf: Any
) -> None:
    """Apply the optimal rule (a tie is 0) to new sequences, with p from SciPy's splines."""
    sequences = 30_000
    x = np.random.default_rng(length).random((sequences, length))
    sums, limit = np.cumsum(x, axis=1), threshold * length
    y = sums >= limit
    hits, losses = np.empty(y.shape, bool), np.empty(y.shape)
    for t in range(1, length + 1):
        first = {
            "majority": t + 1,
            "go_backwards": t,
            "go_backwards_raw": length - t + 1,
        }[view]
        seen = x[:, first - 1 : t].sum(axis=1)
        unseen = min(first - 1, t)
        below = uniform_sum_cdf(limit - seen, unseen) if unseen else (limit > seen).astype(float)
        p = np.clip(1 - below, 1e-15, 1 - 1e-15)
        hits[:, t - 1] = (p > 0.5 + 1e-9) == y[:, t - 1]
        losses[:, t - 1] = -np.log(np.where(y[:, t - 1], p, 1 - p))
    ceiling = cumsum.ceilings(length, threshold=threshold)[view]
    assert ceiling.exact is not None
    for scores, expected in ((hits, ceiling.accuracy), (losses, ceiling.loss)):
        error = scores.std(axis=0) / np.sqrt(sequences) + 1e-4
        assert (np.abs(scores.mean(axis=0) - expected) < 4.5 * error).all()
    assert hits.all(axis=1).mean() == pytest.approx(ceiling.exact, abs=0.015)


def test_the_aligned_backward_view_has_higher_accuracy_but_also_higher_loss() -> None:
    aligned, raw = (cumsum.ceilings(20)[view] for view in ("go_backwards", "go_backwards_raw"))
    assert aligned.accuracy.mean() > raw.accuracy.mean()
    assert aligned.loss.mean() > raw.loss.mean()


def test_the_aligned_backward_view_beats_majority_at_one_step_only() -> None:
    ceilings = cumsum.ceilings(20)
    gain = ceilings["go_backwards"].accuracy - ceilings["majority"].accuracy
    assert np.flatnonzero(gain > 1e-9).tolist() == [20 // 2 - 1]


def test_two_hundred_steps_are_sound_and_quick() -> None:
    cumsum.ceilings.cache_clear()
    start = time.perf_counter()
    ceilings = cumsum.ceilings(200)
    assert time.perf_counter() - start < 6  # about 0.7 s on an idle core
    means = [ceilings[v].accuracy.mean() for v in ("majority", "go_backwards_raw", "go_backwards")]
    assert means == sorted(means)
    # Errors occur near the crossing, whose spread grows with the square root of the length.
    assert 1 - means[0] == pytest.approx((1 - TABLE_MAJORITY_50) / 2, rel=0.02)


TABLE_MAJORITY_50 = TABLE[50]["majority"][0]
