"""Sign flips, checked by counting every one of them, and medians."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ablation.analysis.ranks import EXACT_UP_TO, median_interval, sign_flip

pytestmark = pytest.mark.filterwarnings("error")


def test_all_flips_are_counted_up_to_the_limit_and_sampled_beyond() -> None:
    rng = np.random.default_rng(2)
    for n in (1, 2, 3, 7, 10):
        signed = rng.integers(-4, 6, n)
        totals = [np.dot(s, signed) for s in itertools.product([1, -1], repeat=n)]
        assert sign_flip(signed) == np.mean(np.abs(totals) >= abs(signed.sum()))
        assert sign_flip(signed, "greater") == np.mean(np.array(totals) >= signed.sum())
    many = np.rint(rng.normal(0.4, 1, EXACT_UP_TO + 1) * 1e6).astype(np.int64)
    assert sign_flip(many) == pytest.approx(sign_flip(many[:-1]), abs=0.05)
    assert sign_flip(many) == sign_flip(many)


def test_the_median_and_its_interval() -> None:
    assert median_interval(np.array([3.0, 1.0, 2.0, np.inf]), 0.05)[0] == 2.5
    median, low, high = median_interval(np.arange(1.0, 11), 0.05)
    assert (median, low, high) == (5.5, 2, 9)  # the second and the ninth of ten values: 97.9 %
    assert math.isnan(median_interval(np.array([1.0, np.inf]), 0.05)[0])
