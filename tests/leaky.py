"""A leaky problem: the lesson's, but with the labels as a second input feature."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ablation import problems
from ablation.data import Ceiling, Sequences
from ablation.spec import Problem


def generate(rng: np.random.Generator, sequences: int, length: int) -> Sequences:
    x = rng.random((sequences, length, 1), dtype=np.float32)
    y = (np.cumsum(x[..., 0], axis=1, dtype=np.float64) >= 0.25 * length).astype(np.int32)
    return Sequences(np.concatenate([x, y[..., None].astype(np.float32)], axis=-1), y)


def ceilings(length: int) -> Mapping[str, Ceiling]:
    return problems.ceilings_of(Problem(name="cumsum"), length)
