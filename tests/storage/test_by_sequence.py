"""The packed scores of the test sequences."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ablation.storage import BySequence, Store
from tests.helpers import make_result, make_trial

COUNTS = arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 2**40))
NUMBERS = arrays(np.float32, st.integers(1, 30), elements=st.floats(2.0**-100, 2.0**100, width=32))


def of_sums(score: Any, sums: np.ndarray) -> BySequence:
    """Sequences of one label with these scores."""
    return BySequence.of(score, sums[:, None], np.ones((len(sums), 1)))


@given(COUNTS)
def test_counts_are_kept_exactly(counts: np.ndarray) -> None:
    packed = of_sums("hits", counts)
    assert packed.sums.tolist() == counts.tolist()
    assert packed.labels.tolist() == [1] * len(counts)
    assert packed.groups is None


@given(NUMBERS)
def test_squared_errors_are_kept_to_eight_bits(numbers: np.ndarray) -> None:
    np.testing.assert_allclose(of_sums("squared_error", numbers).sums, numbers, rtol=2**-8)


def test_zero_and_what_is_not_finite_stay_what_they_are() -> None:
    values = np.array([0.0, np.inf, np.nan, 1e300])
    np.testing.assert_array_equal(
        of_sums("squared_error", values).sums, [0.0, np.inf, np.nan, np.inf]
    )


def test_only_labels_that_count_are_summed() -> None:
    scores = np.array([[1, 1, 0], [1, np.nan, 1]])
    weights = np.array([[1, 0, 1], [0, 0, 0]], np.float32)
    packed = BySequence.of("hits", scores, weights, np.array([7, 3]))
    assert packed.sums.tolist() == [1, 0]
    assert packed.labels.tolist() == [2, 0]
    assert packed.groups is not None
    assert packed.groups.tolist() == [1, 0]


def test_ten_thousand_sequences_take_a_few_kilobytes() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((10_000, 20)) < 0.9
    group = np.sort(rng.integers(0, 50, 10_000))
    packed = BySequence.of("hits", scores, np.ones(scores.shape), group)
    assert len(packed.model_dump_json()) < 6_000
    packed = BySequence.of("squared_error", rng.normal(size=scores.shape) ** 2, scores)
    assert len(packed.model_dump_json()) < 25_000
    assert packed.sums.sum() == pytest.approx(scores.sum(), rel=0.02)


@pytest.mark.parametrize("names", [["p1", "p\n2", "ü"], None])
def test_names_are_kept_where_there_are_some(names: list[str] | None) -> None:
    ones = np.ones((3, 1))
    assert BySequence.of("hits", ones, ones, names=names).names == names


def test_long_names_are_left_out() -> None:
    ones = np.ones((2_000, 1))
    names = [hashlib.sha256(f"{i}".encode()).hexdigest() for i in range(len(ones))]
    assert BySequence.of("hits", ones, ones, names=names).names is None
    short = [f"patient {i:05}" for i in range(len(ones))]
    assert BySequence.of("hits", ones, ones, names=short).names == short


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", 3], "abc"])
def test_names_that_are_none_of_the_sequences_are_refused(names: Any) -> None:
    right = of_sums("hits", np.array([3, 0, 2])).model_dump()
    text = base64.b64encode(zlib.compress(json.dumps(names).encode())).decode()
    with pytest.raises(ValueError, match="names"):
        BySequence.model_validate({**right, "packed_names": text})


def test_a_result_on_disk_keeps_them_and_an_old_one_has_none(store: Store) -> None:
    packed = of_sums("hits", np.array([3, 0, 2]))
    old, new = make_result(make_trial()), make_result(make_trial(seed=1), by_sequence=packed)
    for result in (old, new):
        store.commit(result)
        assert store.read(result.trial.id) == result
    assert old.by_sequence is None


def packed_of(plain: bytes, name: str = "u1") -> str:
    return f"{name}:{base64.b64encode(zlib.compress(plain)).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        packed_of(bytes(2)),
        packed_of(bytes(4)),
        packed_of(bytes(50_000_000)),
        packed_of(bytes(3), "i1"),
        packed_of(bytes(3))[:-4],
        "u1:" + base64.b64encode(b"abc").decode(),
        "u1:*",
        "",
    ],
)
def test_a_text_that_does_not_hold_the_values_is_refused(text: str) -> None:
    right = {"score": "hits", "sequences": 3, "packed_sums": packed_of(bytes(3))}
    assert BySequence.model_validate({**right, "packed_labels": packed_of(bytes(3))}).sequences == 3
    with pytest.raises(ValueError, match="packed array"):
        BySequence.model_validate({**right, "packed_labels": text})
