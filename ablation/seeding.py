"""Named streams of randomness: the same seed and purpose give the same numbers in every arm."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int | None, purpose: str) -> np.random.Generator:
    """The generator of one seed for one purpose ("data", "order", "weights/forward_0", ...).

    A seed of None is the stream that all seeds share, such as the frozen test set's.
    Streams of different purposes are independent (numpy.random.SeedSequence).
    """
    key = zlib.crc32(purpose.encode())
    entropy = (0, 0) if seed is None else (1, seed)
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(key,)))
