"""Named random streams: a seed and a purpose give the same numbers in every arm."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int | None, purpose: str) -> np.random.Generator:
    """The random generator of a seed for a purpose ("data/train", "order", "weights/head", ...).

    seed: None is a stream that all seeds share, such as that of the test set. A negative seed
    raises ValueError. Streams of different seeds or purposes are independent
    (numpy.random.SeedSequence).
    """
    key = zlib.crc32(purpose.encode())
    entropy = (0, 0) if seed is None else (1, seed)
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(key,)))
