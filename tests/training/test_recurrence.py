"""Our recurrent layers give the same results as Keras's, with the same weights.

Calls that our loop does not support run Keras's loop, so those results are identical bit for bit.
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
from ablation.training import blocks, recurrence

TOLERANCE = (1e-5, 1e-5)  # relative, absolute
BATCH, STEPS, FEATURES, UNITS = 5, 5, 2, 3
PAIRS: dict[str, tuple[type[layers.RNN], Any]] = {
    "lstm": (layers.LSTM, recurrence.LSTM),
    "gru": (layers.GRU, recurrence.GRU),
    "simple_rnn": (layers.SimpleRNN, recurrence.SimpleRNN),
}
PADDED = np.arange(STEPS) < np.array([5, 3, 1, 4, 0])[:, None]  # the last sequence has no steps
HOLES = np.random.default_rng(1).random((BATCH, STEPS)) < 0.6
MASKS = [PADDED, PADDED[:, ::-1], HOLES]  # behind, in front, anywhere


def both(cell: str, **options: Any) -> tuple[layers.RNN, layers.RNN]:
    """Keras's layer and ours, with the same random weights."""
    plain, ours = (layer_type(UNITS, **options) for layer_type in PAIRS[cell])
    rng = np.random.default_rng(0)
    for layer in (plain, ours):
        layer.build((BATCH, STEPS, FEATURES))
    plain.set_weights([rng.normal(0, 0.5, w.shape) for w in plain.get_weights()])
    ours.set_weights(plain.get_weights())
    return plain, ours


def random_inputs(seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)


def results(layer: layers.RNN, x: Any, dtype: str = "float32", **arguments: Any) -> Any:
    """The layer's outputs, and the gradients of a function of them by inputs and weights."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = tf.nest.flatten(layer(tf.cast(x, dtype), **arguments))
        value = 0.0
        for output in outputs:
            indices = tf.reshape(tf.range(1.0, tf.size(output, tf.float32) + 1), tf.shape(output))
            value += tf.reduce_sum(tf.sin(indices) * tf.cast(output, tf.float32))
    sources = [x, *(weight.value for weight in layer.trainable_variables)]
    return *outputs, *tape.gradient(value, sources, unconnected_gradients="zero")


def assert_equal_results(plain: layers.RNN, ours: layers.RNN, masks: list[Any], **how: Any) -> None:
    """Compare with Keras's layer, which runs eagerly: it would take longer to build its graph."""
    x = tf.constant(random_inputs(2))
    program = tf.function(lambda x, mask: results(ours, x, mask=mask), **how)
    for mask in masks:
        expected = results(plain, x, mask=mask)
        for value, target in zip(program(x, mask), expected, strict=True):
            np.testing.assert_allclose(value, target, *TOLERANCE)


@pytest.fixture
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divides the steps into blocks of 2 where there is a mask."""
    monkeypatch.setattr(blocks, "BLOCK", 2)


@pytest.mark.usefixtures("short_blocks")
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cell", PAIRS)
def test_outputs_and_gradients_equal_those_of_keras(
    cell: str, backwards: bool, sequences: bool
) -> None:
    shorter = [PADDED & (np.arange(STEPS) < 3), HOLES & (np.arange(STEPS) > 2), PADDED & False]
    masks = [tf.constant(mask) for mask in [*MASKS, *shorter]]
    plain, ours = both(cell, go_backwards=backwards, return_sequences=sequences)
    assert_equal_results(plain, ours, [None, *masks])
    plain.zero_output_for_mask = ours.zero_output_for_mask = True
    assert_equal_results(plain, ours, masks[2:])  # holes have what the first two have


@pytest.mark.parametrize(("block", "long"), [(2, 1), (5, 6)], ids=["divided", "whole"])
def test_long_sequences_are_divided_and_short_padded_ones_are_not(
    block: int, long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    monkeypatch.setattr(blocks, "LONG", long)
    plain, ours = both("gru", return_sequences=True)
    assert_equal_results(plain, ours, [None, tf.constant(MASKS[0]), tf.constant(MASKS[1])])


@pytest.mark.usefixtures("short_blocks")
@pytest.mark.parametrize("cell", PAIRS)
def test_the_compiled_loop_gives_the_results_of_keras(cell: str) -> None:
    plain, ours = both(cell, return_sequences=True)
    masks = [tf.constant(PADDED), tf.constant(HOLES & (np.arange(STEPS) > 2))]
    assert_equal_results(plain, ours, masks, jit_compile=True)


@pytest.mark.parametrize("cell", PAIRS)
def test_a_bidirectional_layer_gives_the_results_of_keras(cell: str) -> None:
    x = random_inputs(4)
    outputs = []
    for layer_type in PAIRS[cell]:
        forward, backward = (
            layer_type(UNITS, return_sequences=True, go_backwards=flag) for flag in (False, True)
        )
        with keras.saving.custom_object_scope({layer_type.__name__: layer_type}):
            layer = layers.Bidirectional(forward, backward_layer=backward)
        assert type(layer.forward_layer) is layer_type
        layer.build(x.shape)
        rng = np.random.default_rng(5)
        layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
        outputs.append(np.asarray(layer(x, mask=PADDED)))
    np.testing.assert_allclose(outputs[1], outputs[0], *TOLERANCE)


STATE = np.random.default_rng(6).normal(size=(2, BATCH, UNITS)).astype(np.float32)
TRAINING = {"training": True}
# What our loop does not support: options of the layer, and arguments of the call.
UNSUPPORTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
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
CELLS_WITH_OPTION = {  # all others exist for every cell
    "recurrent activation": ("lstm", "gru"),
    "reset before the product": ("gru",),
    "a mask in a list": ("lstm", "gru"),
}
CASES = [(name, cell) for name in UNSUPPORTED for cell in CELLS_WITH_OPTION.get(name, tuple(PAIRS))]


@pytest.mark.parametrize(("name", "cell"), CASES)
def test_unsupported_options_run_the_loop_of_keras(name: str, cell: str) -> None:
    options, arguments = UNSUPPORTED[name]
    plain, ours = both(cell, return_sequences=True, go_backwards=True, seed=1, **options)
    if "initial_state" in arguments:
        arguments = {"initial_state": list(arguments["initial_state"][: len(plain.state_size)])}
    x = tf.constant(random_inputs(7) * 3)
    for _ in range(2):  # a stateful layer starts the second call from its stored state
        outputs, expected = (results(layer, x, **arguments) for layer in (ours, plain))
        for value, target in zip(outputs, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(value), np.asarray(target))
        for value, target in zip(ours.variables, plain.variables, strict=True):
            np.testing.assert_array_equal(value.numpy(), target.numpy())


@pytest.mark.parametrize("cell", PAIRS)
def test_the_number_of_steps_may_be_unknown(cell: str) -> None:
    plain, ours = both(cell)
    for shape in ((BATCH, None, FEATURES), (None, None, FEATURES), (None, STEPS, FEATURES)):
        signature = [tf.TensorSpec(shape)]
        outputs, expected = (
            tf.function(layer, input_signature=signature)(random_inputs(8))
            for layer in (ours, plain)
        )
        np.testing.assert_allclose(outputs, expected, *TOLERANCE)


@pytest.mark.parametrize("cell", PAIRS)
def test_the_final_state_of_a_layer_can_be_the_initial_state_of_another(cell: str) -> None:
    predictions = []
    for layer_type in PAIRS[cell]:
        first, second = keras.Input((None, FEATURES)), keras.Input((STEPS, FEATURES))
        state = layer_type(UNITS, return_state=True, name="encoder")(first)[1:]
        decoder = layer_type(UNITS, return_sequences=True, name="decoder")
        outputs = decoder(second, initial_state=state)
        model = keras.Model([first, second], outputs)
        rng = np.random.default_rng(9)
        model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
        inputs = [random_inputs(10)[:, :2], random_inputs(11)]
        predictions.append(np.asarray(model(inputs)))
    np.testing.assert_array_equal(predictions[1], predictions[0])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_use_cudnn_is_refused_without_a_gpu(cell: str) -> None:
    for layer in both(cell, use_cudnn=True):
        with pytest.raises(ValueError, match="use_cudnn=True"):
            layer(random_inputs(12))


class LoopEntered(Exception):
    """Our loop was entered."""


@pytest.mark.parametrize("cell", PAIRS)
def test_our_loop_runs_with_the_options_that_our_models_use(cell: str) -> None:
    def forward_step(*_: Any) -> Any:
        raise LoopEntered

    layer_type = type("Interrupted", (PAIRS[cell][1],), {"forward_step": forward_step})
    cudnn = {} if cell == "simple_rnn" else {"use_cudnn": False}
    for backwards, sequences in itertools.product((False, True), repeat=2):
        layer = layer_type(UNITS, go_backwards=backwards, return_sequences=sequences, **cudnn)
        for mask in (None, PADDED):
            with pytest.raises(LoopEntered):
                layer(random_inputs(13), mask=mask, training=True)


@pytest.mark.parametrize("cell", PAIRS)
def test_name_configuration_and_weight_paths_equal_those_of_keras(cell: str) -> None:
    plain, ours = both(cell, go_backwards=True, name="layer")
    assert type(ours).__name__ == type(plain).__name__
    assert ours.get_config() == plain.get_config()
    assert [w.path for w in ours.weights] == [w.path for w in plain.weights]
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    assert type(loaded) is type(plain)  # it loads without this package
