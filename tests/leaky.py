"""The lesson's problem with a mistake: the labels are a second feature of the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ablation.data import Ceiling, Sequences
from ablation.problems import cumsum


def generate(rng: np.random.Generator, sequences: int, length: int) -> Sequences:
    data = cumsum.generate(rng, sequences, length)
    labels = data.y[..., None].astype(np.float32)
    return replace(data, x=np.concatenate([data.x, labels], axis=-1))


def ceilings(length: int) -> Mapping[str, Ceiling]:
    return cumsum.ceilings(length)
