"""A trial becomes a Keras model whose weights are that trial's start."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ablation.data import PADDING, Sequences
from ablation.errors import RequestError
from ablation.spec import STACK, Training, Trial
from ablation.tasks import task_of
from ablation.training import stack
from ablation.training.directions import Maker, imported, seed_of
from ablation.training.embedding import with_vectors
from ablation.training.losses import keras_loss
from ablation.training.rates import learning_rate

Tensor = Any


def build_model(trial: Trial, data: Sequences) -> keras.Model:
    """Build the trial's network for data of this shape, compiled, with its initial weights.

    Takes (batch, steps, features) floats, or (batch, steps) symbols; returns what the task's head
    gives, such as (..., 1) for two classes and (..., classes) for more, one row a step or one a
    sequence.
    Raises RequestError where an own model is not what it has to be.
    """
    x = keras.Input(data.x.shape[1:], dtype=data.x.dtype.name, name="x")
    build = stack.build if trial.arm.model.name == STACK else _own
    model = keras.Model(x, build(trial, data, x, _head(trial, data)), name="ablation")
    model.compile(
        optimizer=_optimizer(trial.arm.training),
        loss=keras_loss(trial.arm.training, data),
        jit_compile=False,
    )
    return model


def parameters_of(model: keras.Model) -> int:
    """Number of trainable weights."""
    return sum(int(np.prod(weights.shape)) for weights in model.trainable_weights)


def _head(trial: Trial, data: Sequences) -> layers.Dense:
    # Dense reads each step by itself, as the lesson's TimeDistributed(Dense) does, which would
    # write the steps one by one into the program.
    width, activation = task_of(data).head(data)
    return layers.Dense(
        width,
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed_of(trial, "head")),
        name="head",
    )


def _own(trial: Trial, data: Sequences, x: Tensor, head: layers.Dense) -> Tensor:
    """The output of the user's own model, checked."""
    model, inputs, mask = trial.arm.model, x, None
    if data.symbols:
        mask = ops.not_equal(x, 0)
    elif data.present is not None:
        # Without Keras's mask, which most layers drop with a warning; the recurrent ones get it.
        mask = ops.any(ops.not_equal(x, PADDING), axis=-1)
        inputs = ops.where(mask[..., None], x, 0.0)
    if data.levels:
        inputs = with_vectors(trial, data, inputs)
    recurrent = Maker(trial, mask)
    # Layers draw the seeds of their weights from Keras's: up to the first recurrent one from here.
    keras.utils.set_random_seed(seed_of(trial, "model"))
    outputs = imported(model.name)(inputs, recurrent, head, **model.parameters)

    def need(right: bool, message: str) -> None:
        if not right:
            raise RequestError(f"model={model.name}: {message}")

    need(
        isinstance(outputs, keras.KerasTensor),
        f"it returns {type(outputs).__name__}, and not the output tensor",
    )
    need(
        recurrent.applied > 0,
        "it never calls recurrent(), so no direction or merge mode could make a difference",
    )
    shape = (None, *data.weights.shape[1:], head.units)
    labels = "one label per step" if data.per_step else "one label per sequence"
    need(
        outputs.shape == shape,
        f"its output has the shape {outputs.shape}; {trial.arm.problem.name} has {labels} and "
        f"needs {shape}",
    )
    return outputs


def _optimizer(training: Training) -> keras.optimizers.Optimizer:
    config = {"learning_rate": learning_rate(training), "global_clipnorm": training.clip_norm}
    if training.weight_decay is not None:
        config["weight_decay"] = training.weight_decay
    return keras.optimizers.get({"class_name": training.optimizer, "config": config})
