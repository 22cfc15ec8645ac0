"""Handwritten digits read row by row: one label for a whole sequence, on real data.

A forward layer reads from the top, a backward layer from the bottom, and either has seen every
pixel when it has to answer: no view is denied anything, so a difference between directions is one
of learning, not of information. The images are those that scikit-learn ships (1,797 of 8 x 8
pixels; E. Alpaydin and C. Kaynak, UCI repository).
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
    """A random choice of the images of one split; all of them if there are not so many.

    length: the number of rows that are read, from the top, at most 8.
    split: "train" (1,437 images) or "test" (360); the division is the same for every seed.
    x: (n, length, 8) float32 in [0, 1]; y: (n,) int32, the digit.
    """
    if not 1 <= length <= ROWS:
        raise ValueError(f"length: {length} is not possible for digits, possible is 1 .. {ROWS}")
    if split not in ("train", "test"):
        raise ValueError(f"split: {split!r} is not possible, possible are 'train' and 'test'")
    images, labels = _images()
    order = stream(None, "digits/split").permutation(len(images))
    members = order[:TEST_IMAGES] if split == "test" else order[TEST_IMAGES:]
    chosen = rng.permutation(members)[:sequences]
    return Sequences(images[chosen, :length], labels[chosen], classes=10)


def longest() -> int:
    """Rows of an image."""
    return ROWS


def available(length: int) -> int:
    """Number of training images."""
    return len(_images()[0]) - TEST_IMAGES


@lru_cache
def _images() -> tuple[Array, Array]:
    """All images, scaled from 0 .. 16 to 0 .. 1, and their labels."""
    try:
        datasets = import_module("sklearn.datasets")
    except ImportError as error:
        message = 'problem=digits needs scikit-learn: pip install "ablation[digits]"'
        raise ImportError(message) from error
    data = datasets.load_digits()
    return (data.images / 16).astype(np.float32), data.target.astype(np.int32)
