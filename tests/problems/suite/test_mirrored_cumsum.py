from __future__ import annotations

import numpy as np
import pytest

from ablation.problems.suite import cumsum, mirrored_cumsum


def test_labels_follow_the_definition() -> None:
    data = mirrored_cumsum.generate(np.random.default_rng(1), 300, 9)
    for x, y in zip(data.x[..., 0].astype(float), data.y, strict=True):
        assert y.tolist() == [int(sum(x[t:]) >= 9 / 4) for t in range(9)]


@pytest.mark.parametrize("length", [9, 10])
def test_ceilings_are_those_of_cumsum_mirrored(length: int) -> None:
    mirrored, plain = mirrored_cumsum.ceilings(length), cumsum.ceilings(length)
    pairs = {"majority": "majority", "forward": "go_backwards", "go_backwards": "forward"}
    for view, image in pairs.items():
        np.testing.assert_allclose(mirrored[view].accuracy, plain[image].accuracy[::-1], atol=1e-12)
        np.testing.assert_allclose(mirrored[view].loss, plain[image].loss[::-1], atol=1e-12)
    assert mirrored["forward"].accuracy.mean() < 0.91
    assert mirrored["go_backwards"].accuracy.mean() == pytest.approx(1)


def test_the_raw_backward_ceiling_is_one_in_the_second_half() -> None:
    accuracy = mirrored_cumsum.ceilings(10)["go_backwards_raw"].accuracy
    np.testing.assert_allclose(accuracy[5:], 1, atol=1e-12)
    assert (accuracy[1:5] < 0.999).all()
