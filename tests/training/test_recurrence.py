"""The rewritten loop against Keras's own layers, of which it has the weights and the answers."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from ablation.data import Array
from ablation.training import recurrence

NEAR = (1e-5, 1e-5)  # relative, absolute
BATCH, STEPS, FEATURES, UNITS = 5, 7, 3, 6
PAIRS: dict[str, tuple[type[layers.RNN], Any]] = {
    "lstm": (layers.LSTM, recurrence.LSTM),
    "gru": (layers.GRU, recurrence.GRU),
    "simple_rnn": (layers.SimpleRNN, recurrence.SimpleRNN),
}
PADDED = np.arange(STEPS) < np.array([7, 4, 1, 6, 0])[:, None]  # one sequence has no step at all
HOLES = np.random.default_rng(1).random((BATCH, STEPS)) < 0.6
MASKS = {"no mask": None, "padded": PADDED, "padded in front": PADDED[:, ::-1], "holes": HOLES}


def both(cell: str, **options: Any) -> tuple[layers.RNN, layers.RNN]:
    """Keras's layer and ours with the same weights, none of which is zero."""
    plain, ours = (made_of(UNITS, **options) for made_of in PAIRS[cell])
    rng = np.random.default_rng(0)
    for layer in (plain, ours):
        layer.build((None, STEPS, FEATURES))
    plain.set_weights([rng.normal(0, 0.5, w.shape) for w in plain.get_weights()])
    ours.set_weights(plain.get_weights())
    return plain, ours


def answer(layer: layers.RNN, x: Array, mask: Any, compiled: bool) -> list[Array]:
    """Its output, and the gradients of the inputs and weights of some function of it."""
    weights = [w.value for w in layer.trainable_variables]

    def run(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = layer(x, mask=mask)
            steps = tf.reshape(tf.range(1.0, tf.size(output, tf.float32) + 1), tf.shape(output))
            value = tf.reduce_sum(tf.sin(steps) * output)
        return output, *tape.gradient(value, [x, *weights])

    program = tf.function(run, jit_compile=compiled)
    return [np.asarray(part) for part in program(tf.constant(x))]


@pytest.mark.parametrize("cell", PAIRS)
@pytest.mark.parametrize("mask", MASKS)
def test_outputs_and_gradients_are_those_of_keras(cell: str, mask: str) -> None:
    x = np.random.default_rng(2).normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)
    given = None if MASKS[mask] is None else tf.constant(MASKS[mask])
    for backwards, sequences, zero in itertools.product((False, True), repeat=3):
        options = {"go_backwards": backwards, "return_sequences": sequences}
        plain, ours = both(cell, **options)
        plain.zero_output_for_mask = ours.zero_output_for_mask = zero
        expected = answer(plain, x, given, compiled=False)
        for found, right in zip(answer(ours, x, given, compiled=False), expected, strict=True):
            np.testing.assert_allclose(found, right, *NEAR, err_msg=str((options, zero)))


@pytest.mark.parametrize("cell", PAIRS)
def test_compiled_it_is_the_same(cell: str) -> None:
    x = np.random.default_rng(3).normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)
    plain, ours = both(cell, return_sequences=True)
    given = tf.constant(PADDED)
    expected = answer(plain, x, given, compiled=False)
    for found, right in zip(answer(ours, x, given, compiled=True), expected, strict=True):
        np.testing.assert_allclose(found, right, *NEAR)


@pytest.mark.parametrize("cell", PAIRS)
def test_a_bidirectional_layer_of_them_is_keras_s(cell: str) -> None:
    x = np.random.default_rng(4).normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)
    outputs = []
    for made_of in PAIRS[cell]:
        ways = [made_of(UNITS, return_sequences=True, go_backwards=back) for back in (False, True)]
        layer = layers.Bidirectional(ways[0], backward_layer=ways[1])
        layer.build(x.shape)
        rng = np.random.default_rng(5)
        layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
        outputs.append(np.asarray(layer(x, mask=PADDED)))
    np.testing.assert_allclose(outputs[1], outputs[0], *NEAR)


@pytest.mark.parametrize("cell", PAIRS)
def test_they_say_the_same_of_themselves(cell: str) -> None:
    plain, ours = both(cell, go_backwards=True, name="layer")
    assert type(ours).__name__ == type(plain).__name__
    assert ours.get_config() == plain.get_config()
    assert [w.path for w in ours.weights] == [w.path for w in plain.weights]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    assert type(again) is type(ours)
