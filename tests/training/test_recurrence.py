"""The rewritten loop against Keras's own layers, of which it has the weights and the answers.

What it does not cover runs in Keras's loop, so that there the answers are the same to the bit.
"""

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
        layer.build((BATCH, STEPS, FEATURES))
    plain.set_weights([rng.normal(0, 0.5, w.shape) for w in plain.get_weights()])
    ours.set_weights(plain.get_weights())
    return plain, ours


def numbers(seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)


def taped(layer: layers.RNN, x: Any, dtype: str = "float32", **given: Any) -> Any:
    """Its outputs, and the gradients of the inputs and weights of some function of them."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = tf.nest.flatten(layer(tf.cast(x, dtype), **given))
        value = 0.0
        for output in outputs:
            places = tf.reshape(tf.range(1.0, tf.size(output, tf.float32) + 1), tf.shape(output))
            value += tf.reduce_sum(tf.sin(places) * tf.cast(output, tf.float32))
    sources = [x, *(weight.value for weight in layer.trainable_variables)]
    return *outputs, *tape.gradient(value, sources, unconnected_gradients="zero")


def answer(layer: layers.RNN, x: Array, mask: Any, compiled: bool) -> list[Array]:
    program = tf.function(lambda x: taped(layer, x, mask=mask), jit_compile=compiled)
    return [np.asarray(part) for part in program(tf.constant(x))]


@pytest.mark.parametrize("cell", PAIRS)
@pytest.mark.parametrize("mask", MASKS)
def test_outputs_and_gradients_are_those_of_keras(cell: str, mask: str) -> None:
    x = numbers(2)
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
    x = numbers(3)
    plain, ours = both(cell, return_sequences=True)
    given = tf.constant(PADDED)
    expected = answer(plain, x, given, compiled=False)
    for found, right in zip(answer(ours, x, given, compiled=True), expected, strict=True):
        np.testing.assert_allclose(found, right, *NEAR)


@pytest.mark.parametrize("cell", PAIRS)
def test_a_bidirectional_layer_of_them_is_keras_s(cell: str) -> None:
    x = numbers(4)
    outputs = []
    for made_of in PAIRS[cell]:
        ways = [made_of(UNITS, return_sequences=True, go_backwards=back) for back in (False, True)]
        with keras.saving.custom_object_scope({made_of.__name__: made_of}):
            layer = layers.Bidirectional(ways[0], backward_layer=ways[1])
        assert type(layer.forward_layer) is made_of
        layer.build(x.shape)
        rng = np.random.default_rng(5)
        layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
        outputs.append(np.asarray(layer(x, mask=PADDED)))
    np.testing.assert_allclose(outputs[1], outputs[0], *NEAR)


STATE = np.random.default_rng(6).normal(size=(2, BATCH, UNITS)).astype(np.float32)
TRAINING = {"training": True}
# What the loop does not cover: options of the layer, and what it is called with.
LEFT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "initial state": ({}, {"initial_state": STATE}),
    "activation": ({"activation": "elu"}, {}),
    "no activation": ({"activation": None}, {}),
    "recurrent activation": ({"recurrent_activation": "hard_sigmoid"}, {}),
    "no bias": ({"use_bias": False}, {}),
    "dropout": ({"dropout": 0.5}, TRAINING),
    "recurrent dropout": ({"recurrent_dropout": 0.5}, TRAINING),
    "state returned": ({"return_state": True}, {}),
    "stateful": ({"stateful": True}, {}),
    "unrolled": ({"unroll": True}, {}),
    "reset before the product": ({"reset_after": False}, {}),
    "half precision": ({"dtype": "mixed_bfloat16"}, {}),
    "inputs of another precision": ({"dtype": "mixed_bfloat16", "autocast": False}, {}),
    "double precision": ({"dtype": "float64"}, {"dtype": "float64"}),
    "whole numbers": ({}, {"dtype": "int32"}),
    "a mask of whole numbers": ({}, {"mask": PADDED.astype(np.int32)}),
    "a mask of three axes": ({}, {"mask": PADDED[..., None]}),
    "a mask in a list": ({}, {"mask": [PADDED]}),
}
OF_SOME = {
    "recurrent activation": ("lstm", "gru"),
    "reset before the product": ("gru",),
    "a mask in a list": ("lstm", "gru"),
}
CASES = [(name, cell) for name in LEFT for cell in OF_SOME.get(name, tuple(PAIRS))]


@pytest.mark.parametrize(("name", "cell"), CASES)
def test_what_is_not_covered_is_left_to_keras(name: str, cell: str) -> None:
    options, given = LEFT[name]
    plain, ours = both(cell, return_sequences=True, go_backwards=True, seed=1, **options)
    if "initial_state" in given:
        given = {"initial_state": list(given["initial_state"][: len(plain.state_size)])}
    x = tf.constant(numbers(7) * 3)
    for _ in range(2):  # a second time it starts from where a stateful layer is
        for found, right in zip(taped(ours, x, **given), taped(plain, x, **given), strict=True):
            np.testing.assert_array_equal(np.asarray(found), np.asarray(right))
        for found, right in zip(ours.variables, plain.variables, strict=True):
            np.testing.assert_array_equal(found.numpy(), right.numpy())


@pytest.mark.parametrize("cell", PAIRS)
def test_steps_may_be_unknown(cell: str) -> None:
    plain, ours = both(cell)
    for shape in ((BATCH, None, FEATURES), (None, None, FEATURES), (None, STEPS, FEATURES)):
        given = tf.TensorSpec(shape)
        found, right = (
            tf.function(layer, input_signature=[given])(numbers(8)) for layer in (ours, plain)
        )
        np.testing.assert_allclose(found, right, *NEAR)


@pytest.mark.parametrize("cell", PAIRS)
def test_the_state_of_one_is_where_another_starts(cell: str) -> None:
    answers = []
    for made_of in PAIRS[cell]:
        first, second = keras.Input((None, FEATURES)), keras.Input((STEPS, FEATURES))
        state = made_of(UNITS, return_state=True, name="reads")(first)[1:]
        outputs = made_of(UNITS, return_sequences=True, name="writes")(second, initial_state=state)
        model = keras.Model([first, second], outputs)
        rng = np.random.default_rng(9)
        model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
        answers.append(np.asarray(model([numbers(10)[:, :2], numbers(11)])))
    np.testing.assert_array_equal(answers[1], answers[0])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_cudnn_is_refused_where_there_is_none(cell: str) -> None:
    for layer in both(cell, use_cudnn=True):
        with pytest.raises(ValueError, match="use_cudnn=True"):
            layer(numbers(12))


class Reached(Exception):
    """The loop here was entered."""


@pytest.mark.parametrize("cell", PAIRS)
def test_what_models_here_ask_for_is_covered(cell: str) -> None:
    def step(*_: Any) -> Any:
        raise Reached

    stopped = type("Stopped", (PAIRS[cell][1],), {"step": step})
    cudnn = {} if cell == "simple_rnn" else {"use_cudnn": False}
    for backwards, sequences in itertools.product((False, True), repeat=2):
        layer = stopped(UNITS, go_backwards=backwards, return_sequences=sequences, **cudnn)
        for mask in (None, PADDED):
            with pytest.raises(Reached):
                layer(numbers(13), mask=mask, training=True)


@pytest.mark.parametrize("cell", PAIRS)
def test_they_say_the_same_of_themselves(cell: str) -> None:
    plain, ours = both(cell, go_backwards=True, name="layer")
    assert type(ours).__name__ == type(plain).__name__
    assert ours.get_config() == plain.get_config()
    assert [w.path for w in ours.weights] == [w.path for w in plain.weights]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    assert type(again) is type(plain)  # whoever loads it needs Keras and nothing else
