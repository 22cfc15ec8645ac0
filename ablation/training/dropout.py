"""Dropout that drops the same elements in every engine and costs next to nothing in XLA."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


class Dropout(layers.Dropout):
    """Keras's dropout, with a cheaper random mask.

    XLA and TensorFlow turn the same random bits into different fractions (tensorflow #121243), and
    in XLA each random number takes 0.4 µs: ten times as long as the rest of an update. This layer
    therefore draws only two random keys per mask and hashes each element's index with them.
    """

    # Models are saved with Keras's own layer, which gives the same predictions.
    __module__ = "keras.layers"

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        keys = keras.random.randint((2,), 0, 2**31 - 1, dtype="int32", seed=self.seed_generator)
        first, second = ops.unstack(ops.cast(keys, "uint32"))
        indices = ops.reshape(ops.arange(ops.size(inputs)), ops.shape(inputs))
        hashes = _mix(ops.bitwise_xor(_mix(ops.cast(indices, "uint32") + first), second))
        mask = ops.cast(hashes >= _uint32(min(round(self.rate * 2**32), 2**32 - 1)), inputs.dtype)
        return inputs * mask / (1 - self.rate)


def _mix(numbers: Any) -> Any:
    """MurmurHash3's final mix of uint32 numbers: flipping an input bit flips half of the output."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        numbers = ops.bitwise_xor(numbers, ops.right_shift(numbers, _uint32(shift)))
        numbers = ops.multiply(numbers, _uint32(factor))
    return ops.bitwise_xor(numbers, ops.right_shift(numbers, _uint32(16)))


def _uint32(number: int) -> Any:
    return ops.convert_to_tensor(number, "uint32")
