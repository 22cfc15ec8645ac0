"""Runs a chunk of updates as one compiled program: the same Keras model in a tenth of the time."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ablation.data import Array, Sequences
from ablation.spec import Training
from ablation.training.loop import PREDICTION_BATCH, Programs, chunk_shape

# Sequences per forward pass: so few that a step's intermediate results fit in the core's cache.
FORWARD_BATCH = PREDICTION_BATCH // 5


def programs(model: keras.Model, data: Sequences, training: Training) -> Programs:
    """Compile the model's training loop and its prediction for data of this shape.

    If XLA cannot compile the model, the same loop runs uncompiled.
    """
    try:
        return _programs(model, data, training, compiled=True)
    except tf.errors.OpError:
        return _programs(model, data, training, compiled=False)


def _programs(model: keras.Model, data: Sequences, training: Training, compiled: bool) -> Programs:
    variables = model.trainable_variables

    @tf.function(jit_compile=compiled)  # type: ignore[untyped-decorator]
    def update(x: Any, y: Any, weights: Any, n: Any) -> Any:
        # The batches are passed as arguments. If we sliced one big tensor instead, the offset
        # would be a compile-time constant, and XLA would compile again for every chunk.
        total = tf.zeros(())
        i = tf.zeros((), tf.int32)
        while i < n:
            with tf.GradientTape() as tape:
                loss = model.loss(y[i], model(x[i], training=True), sample_weight=weights[i])
            model.optimizer.apply(tape.gradient(loss, variables), variables)
            total += loss
            i += 1
        return total / tf.cast(tf.maximum(n, 1), tf.float32)

    @tf.function(jit_compile=compiled)  # type: ignore[untyped-decorator]
    def predict(x: Any) -> Any:
        batches = tf.reshape(x, (-1, FORWARD_BATCH, *x.shape[1:]))
        outputs = tf.map_fn(
            lambda batch: model(batch, training=False),
            batches,
            fn_output_signature=model.output.dtype,
        )
        return tf.reshape(outputs, (-1, *outputs.shape[2:]))

    def run_update(x: Array, y: Array, weights: Array, n: int) -> float:
        arrays = (tf.constant(x), tf.constant(y), tf.constant(weights))
        return float(update(*arrays, tf.constant(n)))

    def run_predict(x: Array) -> Array:
        return np.asarray(predict(tf.constant(x)))

    # Compile now. With n = 0 no update runs, so the weights do not change.
    shape = chunk_shape(training)
    inputs = np.zeros(shape + data.x.shape[1:], data.x.dtype)
    targets = np.zeros(shape + data.targets.shape[1:], data.targets.dtype)
    run_update(inputs, targets, np.zeros(targets.shape[:-1], np.float32), 0)
    run_predict(np.zeros((PREDICTION_BATCH, *data.x.shape[1:]), data.x.dtype))
    return Programs(model, run_update, run_predict, compiled)
