from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from ablation.problems.suite import digits


def test_the_error_for_a_missing_package_names_the_command_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digits._images.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'pip install "ablation\[digits\]"'):
        digits.generate(np.random.default_rng(0), 10)


def both(seed: int) -> Any:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(seed)
    return (digits.generate(rng, 9_999, split=split) for split in ("train", "test"))


def test_splits_are_disjoint_complete_and_the_same_for_every_seed() -> None:
    (train, test), (_, test_of_other_seed) = both(1), both(2)
    assert (len(train), len(test)) == (1437, 360)
    images = [{row.tobytes() for row in split.x} for split in (train, test, test_of_other_seed)]
    assert not images[0] & images[1]
    assert images[1] == images[2]


def test_shapes_types_and_scale() -> None:
    train, _ = both(1)
    assert train.x.shape == (1437, 8, 8)
    assert train.x.dtype == np.float32
    assert (train.x.min(), train.x.max()) == (0, 1)
    assert train.y.shape == (1437,)
    assert train.y.dtype == np.int32
    assert not train.per_step
    assert sorted(set(train.y)) == list(range(train.classes))


def test_images_keep_their_labels() -> None:
    data = pytest.importorskip("sklearn.datasets").load_digits()
    scaled = (data.images / 16).astype(np.float32)
    labels = {image.tobytes(): y for image, y in zip(scaled, data.target, strict=True)}
    train, test = both(3)
    for split in (train, test):
        assert all(labels[x.tobytes()] == y for x, y in zip(split.x, split.y, strict=True))


def test_length_limits_the_rows_and_wrong_arguments_are_errors() -> None:
    pytest.importorskip("sklearn")
    assert digits.generate(np.random.default_rng(0), 20, 5).x.shape == (20, 5, 8)
    with pytest.raises(ValueError, match=r"^length: 10 is not possible for digits; choose 1 .. 8$"):
        digits.generate(np.random.default_rng(0), 20, 10)
    with pytest.raises(ValueError, match=r"^split: 'valid' is not possible"):
        digits.generate(np.random.default_rng(0), 20, 8, split="valid")
