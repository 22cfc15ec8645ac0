"""Learnt vectors (embeddings) in place of symbols and of the levels of categories."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from ablation.data import Sequences
from ablation.spec import Trial
from ablation.training.directions import mask_of, masked, seed_of

Tensor = Any


def embedding(
    trial: Trial, data: Sequences, size: int, name: str, mask_zero: bool = False
) -> layers.Embedding:
    """A layer with a vector for each of so many codes; the seed follows from its name."""
    return layers.Embedding(
        size,
        data.embedding or trial.arm.units,
        mask_zero=mask_zero,
        embeddings_initializer=keras.initializers.RandomUniform(seed=seed_of(trial, name)),
        name=name,
    )


def with_vectors(trial: Trial, data: Sequences, inputs: Tensor) -> Tensor:
    """(batch, steps, features) with a vector in place of each code that data.levels counts."""
    plain = inputs.shape[-1] - len(data.levels)
    parts = [inputs[..., :plain]] if plain else []
    for place, size in enumerate(data.levels):
        codes = ops.cast(inputs[..., plain + place], "int32")
        parts.append(embedding(trial, data, size, f"embedding_{place}")(codes))
    vectors = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
    mask = mask_of(inputs)
    return vectors if mask is None else masked(vectors, mask, "masked_vectors")
