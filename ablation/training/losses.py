"""What training makes small: a loss of Keras, and the same of stored outputs in NumPy."""

from __future__ import annotations

import keras

from ablation.data import Sequences
from ablation.spec import Training
from ablation.tasks import Loss, task_of


def keras_loss(training: Training, data: Sequences) -> keras.losses.Loss:
    """The loss that a model for this data is compiled with."""
    losses = {
        "crossentropy": keras.losses.BinaryCrossentropy
        if task_of(data).head(data)[1] == "sigmoid"
        else keras.losses.SparseCategoricalCrossentropy,
        "mse": keras.losses.MeanSquaredError,
        "mae": keras.losses.MeanAbsoluteError,
        "huber": keras.losses.Huber,
    }
    return losses[_name(training, data)]()


def mean_loss(training: Training, data: Sequences) -> Loss:
    """The same as a function of outputs and data: its mean over what counts, without weights."""
    return task_of(data).LOSSES[_name(training, data)]


def _name(training: Training, data: Sequences) -> str:
    return training.loss or next(iter(task_of(data).LOSSES))
