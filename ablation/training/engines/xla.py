"""Whole chunks of updates as one compiled program: the same Keras model, a tenth of the time."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ablation.data import Array, Sequences
from ablation.spec import Training
from ablation.training.loop import WATCHED, Programs, chunk_shape

PART = WATCHED // 5  # sequences of one pass forward: what its steps leave stays in the core's cache


def programs(model: keras.Model, data: Sequences, training: Training) -> Programs:
    """Compile the model's training loop and its prediction for data of this shape.

    A model that XLA cannot compile gets the same loop uncompiled.
    """
    try:
        return _programs(model, data, training, compiled=True)
    except tf.errors.OpError:
        return _programs(model, data, training, compiled=False)


def _programs(model: keras.Model, data: Sequences, training: Training, compiled: bool) -> Programs:
    variables = model.trainable_variables

    @tf.function(jit_compile=compiled)  # type: ignore[untyped-decorator]
    def update(x: Any, y: Any, weights: Any, n: Any) -> Any:
        # The chunk's batches come as arguments: a slice of one big tensor at a changing place
        # would be a compile-time constant, and compiled anew for every chunk.
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
        parts = tf.reshape(x, (-1, PART, *x.shape[1:]))
        found = tf.map_fn(
            lambda part: model(part, training=False), parts, fn_output_signature=model.output.dtype
        )
        return tf.reshape(found, (-1, *found.shape[2:]))

    def run_update(x: Array, y: Array, weights: Array, n: int) -> float:
        # Keras wants the labels in the shape of the probabilities: one number, or one label, each.
        arrays = (tf.constant(x), tf.constant(y[..., None]), tf.constant(weights))
        return float(update(*arrays, tf.constant(n)))

    def run_predict(x: Array) -> Array:
        return np.asarray(predict(tf.constant(x)))

    # Nothing is trained here: with n = 0 the loop is compiled and not entered.
    lead = chunk_shape(training)
    empty = np.zeros(lead + data.x.shape[1:], data.x.dtype)
    labels = np.zeros(lead + data.y.shape[1:], data.y.dtype)
    run_update(empty, labels, labels.astype(np.float32), 0)
    run_predict(np.zeros((WATCHED, *data.x.shape[1:]), data.x.dtype))
    return Programs(run_update, run_predict, compiled)
