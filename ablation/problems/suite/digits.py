"""Handwritten digits read row by row: real data with one label per sequence.

A forward layer reads from the top, a backward layer from the bottom. Each has seen every pixel
before it predicts, so if the directions differ, the reason is learning and not information. The
images are those in scikit-learn (1,797 images of 8 x 8 pixels; E. Alpaydin and C. Kaynak, UCI
repository).
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

import numpy as np

from ablation.data import Array, Sequences
from ablation.seeding import stream

ROWS = 8
TEST_IMAGES = 360  # one in five


def generate(
    rng: np.random.Generator, sequences: int, length: int = ROWS, *, split: str = "train"
) -> Sequences:
    """Random images of one split; all of them if there are fewer than `sequences`.

    length: the number of rows to read, from the top; at most 8.
    split: "train" (1,437 images) or "test" (360); the split is the same for every seed.
    x: (n, length, 8) float32 in [0, 1]. y: (n,) int32, the digit.
    """
    if not 1 <= length <= ROWS:
        raise ValueError(f"length: {length} is not possible for digits; choose 1 .. {ROWS}")
    if split not in ("train", "test"):
        raise ValueError(f"split: {split!r} is not possible; choose 'train' or 'test'")
    images, labels = _images()
    order = stream(None, "digits/split").permutation(len(images))
    members = order[:TEST_IMAGES] if split == "test" else order[TEST_IMAGES:]
    rows = rng.permutation(members)[:sequences]
    return Sequences(images[rows, :length], labels[rows], classes=10)


def longest() -> int:
    """Number of rows of an image."""
    return ROWS


def available(length: int) -> int:
    """Number of training images."""
    return len(_images()[0]) - TEST_IMAGES


@lru_cache
def _images() -> tuple[Array, Array]:
    """All images, (1797, 8, 8) float32 in [0, 1], and their labels, (1797,) int32."""
    try:
        datasets = import_module("sklearn.datasets")
    except ImportError as error:
        message = 'problem=digits needs scikit-learn: pip install "ablation[digits]"'
        raise ImportError(message) from error
    data = datasets.load_digits()
    return (data.images / 16).astype(np.float32), data.target.astype(np.int32)
