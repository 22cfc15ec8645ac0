from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ablation.seeding import stream

PURPOSES = ("data/train", "data/test", "order", "weights/forward_0/kernel", "weights/head", "")
SEEDS = (None, 0, 1, 2, 2**40)
GOLDEN = (848_229_972, 851_224_367, 334_859_197)


def test_the_same_seed_and_purpose_give_the_same_numbers() -> None:
    for seed in SEEDS:
        first, second = (stream(seed, "order").random(8) for _ in range(2))
        np.testing.assert_array_equal(first, second)


def test_other_seeds_and_purposes_give_other_numbers() -> None:
    drawn = {(s, p): tuple(stream(s, p).integers(2**60, size=2)) for s in SEEDS for p in PURPOSES}
    assert len(set(drawn.values())) == len(SEEDS) * len(PURPOSES)


def test_streams_are_independent() -> None:
    draws = [stream(seed, p).standard_normal(20_000) for seed in (None, 0, 1) for p in PURPOSES[:3]]
    for a, b in combinations(draws, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(20_000)


def test_streams_ignore_the_global_generator() -> None:
    np.random.seed(0)
    first = stream(3, "order").random()
    np.random.seed(1)
    assert stream(3, "order").random() == first


def test_the_streams_have_not_changed_since_results_were_stored() -> None:
    assert stream(0, "data/train").integers(10**9) == GOLDEN[0]
    assert stream(1, "order").integers(10**9) == GOLDEN[1]
    assert stream(None, "data/test").integers(10**9) == GOLDEN[2]


def test_a_negative_seed_is_an_error() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        stream(-1, "order")
