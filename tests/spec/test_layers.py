"""What the rows of merge modes say of themselves, checked against what they do."""

from __future__ import annotations

import numpy as np
import pytest

from ablation.spec.layers import MERGES

ONE, OTHER = np.array([[1.0, 2.0]]), np.array([[3.0, -4.0]])


@pytest.mark.parametrize("name", MERGES)
def test_a_row_tells_what_its_merge_does(name: str) -> None:
    """The ceiling of an arm rests on `additive`, the size of the head on `width`."""
    merge, rng = MERGES[name], np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 3))
    nothing = np.zeros_like(a)
    sum_of_parts = merge.twin(a, nothing) + merge.twin(nothing, b)
    assert np.allclose(merge.twin(a, b), sum_of_parts) == merge.additive
    assert merge.twin(a, b).shape == (5, 3 * merge.width)


@pytest.mark.parametrize(
    ("name", "merged"),
    [("concat", [1, 2, 3, -4]), ("sum", [4, -2]), ("mul", [3, -8]), ("ave", [2, -1])],
)
def test_merges_by_hand(name: str, merged: list[float]) -> None:
    assert MERGES[name].twin(ONE, OTHER).tolist() == [merged]
